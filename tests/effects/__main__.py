"""Run experiments that have no result yet: `python -m tests.effects [NAME ...] [--seeds 0,1,2] [--arms A,B]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.effects.experiment import SEEDS, compared, experiments, run_missing


def main() -> None:
    """Run, and print what the claims come to."""
    parser = argparse.ArgumentParser(description=__doc__)
    known = experiments()
    parser.add_argument("names", nargs="*", help=", ".join(known))
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--arms", default="", help="with commas between them; default: all")
    asked = parser.parse_args()
    for name in asked.names or known:
        if name not in known:
            parser.error(f"there is no experiment {name!r}; known: {', '.join(known)}")
        arms = [one for one in asked.arms.split(",") if one]
        runs = run_missing(known[name], asked.shared, [int(seed) for seed in asked.seeds.split(",")], arms)
        for claim in known[name].claims:
            found = compared(claim, runs)
            if found is not None:
                print(
                    f"{name}: {claim.measure}: {claim.worse} {found.worse:.4f}, {claim.better} {found.better:.4f}, "
                    f"difference {found.difference:+.4f} +- {found.interval:.4f} over {found.seeds} seeds: "
                    f"{found.verdict}"
                )


if __name__ == "__main__":
    main()
