"""The steps of a recipe as a graph, and its passes: map steps that follow one another are one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from xlcorpus.beam.step import Form, Step
from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.kinds import CODESWITCH, DOCUMENT, PAIR
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step


@dataclass(frozen=True)
class Node:
    """One step with its options. inputs: earlier nodes or dataset folders; files: raw files of a source step."""

    id: str
    step: Step
    options: StepOptions
    inputs: tuple[Node | Location, ...] = ()
    files: tuple[str, ...] = ()
    keep: bool = False

    @property
    def form(self) -> Form:
        """How its step works under its options."""
        return self.step.form(self.options)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the schemas of the rows that it reads."""
        return self.step.reads_of(self.options)

    @cached_property
    def given(self) -> tuple[str, ...]:
        """Name of the schema of each of its inputs."""
        return tuple(one.makes if isinstance(one, Node) else Manifest.load(one).schema_name for one in self.inputs)

    @property
    def makes(self) -> str:
        """Name of the schema of the rows that it makes."""
        return self.step.makes_of(self.options, self.given if callable(self.step.makes) else ())


@dataclass(frozen=True)
class Pass:
    """Nodes that run together and make one dataset, named after the last of them."""

    nodes: tuple[Node, ...]

    @property
    def id(self) -> str:
        """Name of the dataset that the pass makes."""
        return self.nodes[-1].id

    @property
    def inputs(self) -> tuple[Node | Location, ...]:
        """What the pass reads."""
        return self.nodes[0].inputs

    @property
    def unites(self) -> bool:
        """Whether it reads several datasets as one."""
        return len(self.inputs) > 1 and not self.nodes[0].step.many

    @property
    def label(self) -> str:
        """The names of its steps, for people."""
        return " + ".join(node.step.name for node in self.nodes)

    @property
    def schema(self) -> str:
        """Name of the schema of what it makes."""
        return self.nodes[-1].makes


def inline_raw_inputs(nodes: Sequence[Node], files: Sequence[str] = ()) -> tuple[Node, ...]:
    """Put an ingest step, with its default options, before each input path that is no dataset.

    files: raw files (paths or globs) that the first node reads besides its inputs, through one such step. Raises
    UserError where a step does not read the documents that such a step makes.
    """
    made: dict[str, Node] = {}
    result: list[Node] = []

    def ingest(raw: tuple[str, ...], reader: Node) -> Node:
        if DOCUMENT not in reader.reads:
            raise UserError(
                f"{', '.join(raw)} is no dataset; {reader.step.name} reads datasets of the kind "
                f"{' or '.join(reader.reads)}",
                remedy="make one first: `xlcorpus ingest --kind pairs`" if PAIR in reader.reads else "check the path",
            )
        step = find_step("ingest")
        node = Node(f"ingest-{len(result)}", step, make_options(step, {}, "ingest"), files=raw)
        result.append(node)
        return node

    for number, node in enumerate(nodes):
        inputs: list[Node | Location] = []
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


def check_readable(node: Node, where: str, schema: str) -> None:
    """Raise UserError unless `where`, a dataset of the schema of this name, holds what the node reads."""
    reads, name = node.reads, node.step.name
    if schema not in reads:
        remedies = {
            (DOCUMENT, PAIR): "to have documents, ingest the raw files without `--kind pairs`",
            (DOCUMENT, CODESWITCH): f"run {name} before codeswitch, or mix the rows with documents first",
            (PAIR, DOCUMENT): "make one with `xlcorpus ingest --kind pairs`",
        }
        kinds = f"{', '.join(reads[:-1])} or {reads[-1]}" if len(reads) > 1 else "".join(reads)
        raise UserError(
            f"{where} is a dataset of the kind {schema!r}; {name} reads the kind {kinds}",
            remedy=remedies.get((reads[0], schema), f"run {name} before the step that made it"),
        )


def passes_of(nodes: Sequence[Node]) -> list[Pass]:
    """Group nodes into passes, in order.

    A map step joins the pass of its input when nothing else reads that input and it is not to be kept. Raises
    UserError where a step would read rows of another kind than it can.
    """
    schemas = {node.id: node.makes for node in nodes}
    readers: dict[str, int] = {}
    for node in nodes:
        for given in node.inputs:
            if isinstance(given, Node):
                readers[given.id] = readers.get(given.id, 0) + 1
                check_readable(node, given.id, schemas[given.id])
    passes: list[Pass] = []
    at: dict[str, int] = {}
    for node in nodes:
        before = node.inputs[0] if len(node.inputs) == 1 else None
        if node.form == "map" and isinstance(before, Node):
            index = at[before.id]
            tail = passes[index].nodes[-1]
            fits = tail.id == before.id and tail.form != "graph"
            if fits and readers[before.id] == 1 and not before.keep:
                passes[index] = Pass((*passes[index].nodes, node))
                at[node.id] = index
                continue
        at[node.id] = len(passes)
        passes.append(Pass((node,)))
    return passes
