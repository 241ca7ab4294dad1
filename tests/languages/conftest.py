"""Tests of languages read no URIEL, whether a package has it or not: it would take most of their time."""

from __future__ import annotations

import pytest

from xlcorpus.languages import typology


@pytest.fixture(autouse=True, scope="package")
def _without_uriel() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typology, "_PACKAGES", {})
        yield
