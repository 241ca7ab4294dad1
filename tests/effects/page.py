"""Make docs/effects.md and its plots from the results: `python -m tests.effects.page`."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from tests.effects.experiment import Compared, Experiment, Run, compared, experiments, runs_of
from tests.effects.findings import FINDINGS
from tests.house.source import ROOT
from xlcorpus.text.bars import Panel, bars

PAGE, PLOTS = ROOT / "docs" / "effects.md", ROOT / "docs" / "effects"
_COLOUR = "#35618f"
_HEAD = """# Does it do what it says?

Each method of the shop, on models small enough for two cores, against what its publication says. Made by
`python -m tests.effects.page` from `tests/effects/results.jsonl`, which `make effects` fills: an arm and a seed at a
time, and what is there already is not run again. Nothing is tuned on the test documents. An interval is that of 95 % of
the mean difference over seeds (Student's t); where it holds 0, the effect is **not shown**, which is not to say that
there is none: models and data are a ten-thousandth of the published ones.
"""


def page() -> str:
    """docs/effects.md."""
    told = [(one, runs_of(one)) for one in experiments().values()]
    lines = [_HEAD, *_summary(told)]
    for experiment, runs in told:
        lines += _section(experiment, runs)
    return "\n".join(lines) + "\n"


def plots() -> dict[str, str]:
    """SVG by name of the file: the measures of each arm."""
    found = {}
    for experiment in experiments().values():
        runs = runs_of(experiment)
        arms = [arm for arm in experiment.arms if any(one.arm == arm for one in runs)]
        measures = list(dict.fromkeys(name for one in runs for name in one.measures))
        if arms:
            panels = [Panel(name, [_mean(runs, arm, name) for arm in arms], _COLOUR) for name in measures]
            found[f"{_file(experiment)}.svg"] = bars(experiment.name, arms, panels)
    return found


def _summary(told: Iterable[tuple[Experiment, list[Run]]]) -> list[str]:
    lines = [
        "| experiment | measure | published | from | to | ours, from | to | difference | seeds | |",
        "| --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for experiment, runs in told:
        for claim in experiment.claims:
            found = compared(claim, runs)
            if found is not None:
                lines.append(f"| {experiment.name} | {claim.measure} | {claim.figure or '-'} | {_row(found)} |")
    return [*lines, ""]


def _row(found: Compared) -> str:
    claim = found.claim
    verdict = found.verdict if found.verdict == "agrees" else f"**{found.verdict}**"
    interval = f"{found.difference:+.4f} ± {found.interval:.4f}" if found.seeds > 1 else f"{found.difference:+.4f}"
    shown = f"{claim.worse} | {claim.better} | {found.worse:.4f} | {found.better:.4f}"
    return f"{shown} | {interval} | {found.seeds} | {verdict}"


def _section(experiment: Experiment, runs: list[Run]) -> list[str]:
    lines = [f"## {experiment.name}", f"{experiment.publication}. Here: {experiment.ours}."]
    if experiment.chance:
        lines.append("Chance: " + ", ".join(f"{name} {value:.4f}" for name, value in experiment.chance.items()) + ".")
    if not runs:
        return [*lines, "", "Not run yet.", ""]
    measures = list(dict.fromkeys(name for one in runs for name in one.measures))
    if experiment.name in FINDINGS:
        lines += ["", FINDINGS[experiment.name]]
    lines += [
        "",
        f"| arm | seeds | {' | '.join(measures)} | CPU s a run |",
        f"| --- | ---: |{' ---: |' * len(measures)} ---: |",
    ]
    for arm in experiment.arms:
        of = [one for one in runs if one.arm == arm]
        if of:
            cells = " | ".join(_cell([one.measures[name] for one in of if name in one.measures]) for name in measures)
            lines.append(f"| {arm} | {len(of)} | {cells} | {statistics.mean(one.cpu_s for one in of):.0f} |")
    machines = " · ".join(dict.fromkeys(one.machine for one in runs))
    return [*lines, "", f"![{experiment.name}](effects/{_file(experiment)}.svg)", "", f"Machine: {machines}.", ""]


def _cell(values: list[float]) -> str:
    if not values:
        return "-"
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.4f}{spread}"


def _mean(runs: list[Run], arm: str, measure: str) -> float | None:
    values = [one.measures[measure] for one in runs if one.arm == arm and measure in one.measures]
    return statistics.mean(values) if values else None


def _file(experiment: Experiment) -> str:
    return experiment.name.replace(" ", "-")


def main() -> None:
    """Write the page and the plots."""
    PAGE.write_text(page(), "utf-8")
    PLOTS.mkdir(exist_ok=True)
    made = plots()
    for old in PLOTS.glob("*.svg"):
        if old.name not in made:
            old.unlink()
    for name, content in made.items():
        (PLOTS / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
