"""What all tests share: the folder of real multilingual text, and hypothesis without a clock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# One thread of torch, also in processes that tests start: threads wait for one another where tests run side by side.
os.environ.setdefault("MKL_NUM_THREADS", "1")
# The same examples in every run, however slow the machine; HYPOTHESIS_PROFILE=explore looks for new ones.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _UNTIMED, derandomize=True, database=None)
settings.register_profile("explore", _UNTIMED, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The project's shared data (see its README): XLCORPUS_SHARED_DATA, or ../shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("XLCORPUS_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"the shared data is absent: no folder {folder} (set XLCORPUS_SHARED_DATA)")
    return folder
