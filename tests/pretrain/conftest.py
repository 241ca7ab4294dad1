"""Tests of training: one thread of torch, since its threads wait for one another where tests run side by side."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
