"""Each experiment, to its end: `pytest -m effects`; what has a result already is not run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.effects.experiment import SEEDS, compared, experiments, run_missing


@pytest.mark.effects
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("name", list(experiments()))
def test_every_claim_is_measured_with_all_seeds(name: str, shared_data: Path) -> None:
    experiment = experiments()[name]
    runs = run_missing(experiment, shared_data)
    assert {(one.arm, one.seed) for one in runs} >= {(arm, seed) for arm in experiment.arms for seed in SEEDS}
    for claim in experiment.claims:
        found = compared(claim, runs)
        assert found is not None
        assert found.seeds >= len(SEEDS)
        print(f"{name}: {claim}: {found.difference:+.4f} ± {found.interval:.4f}: {found.verdict}")
