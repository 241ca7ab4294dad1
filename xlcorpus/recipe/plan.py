"""Say what a recipe would do, on how much, and about how long it takes, without doing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xlcorpus.beam.progress import format_duration
from xlcorpus.beam.step import SourcePlan
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.dataset.kinds import DOCUMENT, PAIR
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.several import Several
from xlcorpus.dataset.storage import Location
from xlcorpus.dataset.workspace import Workspace
from xlcorpus.mine.costs import Cost, sum_lines
from xlcorpus.mine.options import AskOptions
from xlcorpus.recipe.graph import Node, Pass, passes_of
from xlcorpus.recipe.run import Settings, identity_of, prepare_source, refuse_early, remarks_on

_NOUNS = {DOCUMENT: "documents", PAIR: "pairs"}  # of rows
_START_SECONDS = 3.0  # importing Beam and starting a pipeline
_EXPANSION = 2.5  # bytes of text for a byte of zstd Parquet or of compressed input


def plan_lines(nodes: Sequence[Node], folder_of: Callable[[Node], Location], settings: Settings) -> list[str]:
    """A line a pass: its steps, output, input, state on disk, and a rough time."""
    lines: list[str] = []
    asked: list[tuple[Cost, AskOptions]] = []
    known: dict[str, Dataset | None] = {}
    size: dict[str, float] = {}
    refuse_early(nodes, folder_of)
    for number, work in enumerate(passes_of(nodes), 1):
        folder = folder_of(work.nodes[-1])
        given = [known[i.id] if isinstance(i, Node) else Dataset.open(i) for i in work.inputs]
        datasets = [dataset for dataset in given if dataset is not None]
        source = prepare_source(work, folder)
        if source is not None:
            text_bytes, what = (
                float(source.bytes),
                f"{len(source.tasks)} tasks, {source.bytes / 1e6:.1f} MB of raw files",
            )
            lines += list(source.remarks)
        elif len(datasets) == len(given):
            rows, on_disk = sum(d.manifest.rows for d in datasets), sum(d.bytes for d in datasets)
            kinds = {d.manifest.schema_name for d in datasets}
            noun = _NOUNS.get("".join(kinds), "rows")
            text_bytes, what = on_disk * _EXPANSION, f"{rows:,} {noun}, {on_disk / 1e6:.1f} MB of shards"
        else:
            text_bytes = sum(size[i.id] for i in work.inputs if isinstance(i, Node))
            what = f"about {text_bytes / 1e6:.1f} MB from earlier passes"
        size[work.id] = text_bytes
        state, known[work.id] = _state(
            work, datasets if len(datasets) == len(given) else None, source, folder, settings
        )
        if known[work.id] is None and len(datasets) == len(given):
            lines += remarks_on(work, Several(tuple(datasets)))
        seconds = sum(text_bytes / 1e6 / node.step.speed for node in work.nodes)
        seconds = _START_SECONDS + seconds / settings.runner.workers
        took = "" if known[work.id] is not None else f", about {format_duration(seconds)}"
        lines.append(f"{number}. {work.label} -> {folder}: {what}; {state}{took}")
        if known[work.id] is None:
            for node in work.nodes:
                if node.step.costs is None or not isinstance(node.options, AskOptions):
                    continue
                cost = node.step.costs(node.options, datasets)
                if cost is None:
                    lines.append(f"   {node.options.llm}: how much it is asked shows when the input is there")
                elif cost.calls:
                    lines += [f"   {line}" for line in cost.lines(node.options)]
                    asked.append((cost, node.options))
    return [*lines, *(sum_lines(asked) if len(asked) > 1 else [])]


def _state(
    work: Pass, datasets: list[Dataset] | None, source: SourcePlan | None, folder: Location, settings: Settings
) -> tuple[str, Dataset | None]:
    if datasets is None or not (is_dataset(folder) or Workspace(folder).state()):
        return "to do", None
    identity = identity_of(work, datasets, source, settings)
    if is_dataset(folder):
        if Manifest.load(folder).fingerprint == identity.fingerprint and not settings.overwrite:
            return "done already", Dataset.open(folder)
        return "to do; the folder holds another dataset", None
    state = Workspace(folder).state()
    if state is not None:
        same = state.fingerprint == identity.fingerprint
        return ("begun: --resume goes on with it" if same else "to do; the folder holds another unfinished run"), None
    return "to do", None
