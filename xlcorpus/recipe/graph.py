"""The steps of a recipe as a graph, and its passes: map steps that follow one another are one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from xlcorpus.beam.step import CODESWITCH, DOCUMENT, PAIR, GraphStep, MapStep, SourceStep, Step, StepOptions
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.errors import UserError
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step


@dataclass(frozen=True)
class Node:
    """One step with its options. inputs: earlier nodes or dataset folders; files: raw files of a source step."""

    id: str
    step: Step
    options: StepOptions
    inputs: tuple[Node | Path, ...] = ()
    files: tuple[str, ...] = ()
    keep: bool = False


@dataclass(frozen=True)
class Pass:
    """Nodes that run together and make one dataset, named after the last of them."""

    nodes: tuple[Node, ...]

    @property
    def id(self) -> str:
        """Name of the dataset that the pass makes."""
        return self.nodes[-1].id

    @property
    def inputs(self) -> tuple[Node | Path, ...]:
        """What the pass reads."""
        return self.nodes[0].inputs

    @property
    def label(self) -> str:
        """The names of its steps, for people."""
        return " + ".join(node.step.name for node in self.nodes)

    @property
    def schema(self) -> str:
        """Name of the schema of what it makes."""
        last = self.nodes[-1]
        return last.step.schema_of(last.options) if isinstance(last.step, SourceStep) else last.step.schema


def inline_raw_inputs(nodes: Sequence[Node], files: Sequence[str] = ()) -> tuple[Node, ...]:
    """Put an ingest step, with its default options, before each input path that is no dataset.

    files: raw files (paths or globs) that the first node reads besides its inputs, through one such step. Raises
    UserError where a step does not read the documents that such a step makes.
    """
    made: dict[str, Node] = {}
    result: list[Node] = []

    def ingest(raw: tuple[str, ...], reader: Node) -> Node:
        reads = _resolved(reader).step
        if isinstance(reads, MapStep | GraphStep) and DOCUMENT not in reads.reads:
            raise UserError(
                f"{', '.join(raw)} is no dataset; {reads.name} reads datasets of the kind {' or '.join(reads.reads)}",
                remedy="make one first: `xlcorpus ingest --kind pairs`" if PAIR in reads.reads else "check the path",
            )
        step = find_step("ingest")
        node = Node(f"ingest-{len(result)}", step, make_options(step, {}, "ingest"), files=raw)
        result.append(node)
        return node

    for number, node in enumerate(nodes):
        inputs: list[Node | Path] = []
        for given in node.inputs:
            if isinstance(given, Node):
                inputs.append(made[given.id])
            else:
                inputs.append(given if is_dataset(given) else ingest((str(given),), node))
        if files and number == 0:
            inputs.append(ingest(tuple(files), node))
        made[node.id] = replace(node, inputs=tuple(inputs))
        result.append(made[node.id])
    return tuple(result)


def _resolved(node: Node) -> Node:
    """The node with the step that its options ask for."""
    instead = node.step.instead(node.options) if isinstance(node.step, MapStep) and node.step.instead else None
    return node if instead is None else replace(node, step=instead)


def check_readable(step: Step, where: str, schema: str) -> None:
    """Raise UserError unless `where`, a dataset of the schema of this name, holds what the step reads."""
    reads = step.reads if isinstance(step, MapStep | GraphStep) else ()
    if schema not in reads:
        remedies = {
            (DOCUMENT, PAIR): "to have documents, ingest the raw files without `--kind pairs`",
            (DOCUMENT, CODESWITCH): f"run {step.name} before codeswitch, or mix the rows first: a mix is of documents",
            (PAIR, DOCUMENT): "make one with `xlcorpus ingest --kind pairs`",
        }
        kinds = f"{', '.join(reads[:-1])} or {reads[-1]}" if len(reads) > 1 else "".join(reads)
        raise UserError(
            f"{where} is a dataset of the kind {schema!r}; {step.name} reads the kind {kinds}",
            remedy=remedies.get((reads[0], schema), f"run {step.name} before the step that made it"),
        )


def passes_of(nodes: Sequence[Node]) -> list[Pass]:
    """Group nodes into passes, in order.

    A map step joins the pass of its input when nothing else reads that input and it is not to be kept. Where the
    options ask for another step in its place, that one is meant from here on. Raises UserError where a step would
    read rows of another kind than it can.
    """
    nodes = [_resolved(node) for node in nodes]
    schemas = {node.id: Pass((node,)).schema for node in nodes}
    readers: dict[str, int] = {}
    for node in nodes:
        for given in node.inputs:
            if isinstance(given, Node):
                readers[given.id] = readers.get(given.id, 0) + 1
                check_readable(node.step, given.id, schemas[given.id])
    passes: list[Pass] = []
    at: dict[str, int] = {}
    for node in nodes:
        before = node.inputs[0] if len(node.inputs) == 1 else None
        if isinstance(node.step, MapStep) and isinstance(before, Node):
            index = at[before.id]
            tail = passes[index].nodes[-1]
            fits = tail.id == before.id and not isinstance(tail.step, GraphStep)
            if fits and readers[before.id] == 1 and not before.keep:
                passes[index] = Pass((*passes[index].nodes, node))
                at[node.id] = index
                continue
        at[node.id] = len(passes)
        passes.append(Pass((node,)))
    return passes
