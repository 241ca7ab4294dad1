"""What the tests of the engine share: the installed uroman, loaded once."""

from __future__ import annotations

import pytest

from tests.romanize.uroman_reference import Reference


@pytest.fixture(scope="session")
def reference() -> Reference:
    """The installed package, which takes 3 s to load."""
    return Reference()
