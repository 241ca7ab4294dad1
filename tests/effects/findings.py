"""What was found out about an experiment, beside its numbers: where it disagrees, what was tried to see why.

Not in the experiments' modules, whose text is in the fingerprint of their results.
"""

from __future__ import annotations

from collections.abc import Mapping

FINDINGS: Mapping[str, str] = {}
