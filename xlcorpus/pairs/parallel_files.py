"""Parallel text in two files, NAME.en and NAME.de: which of the input files are the sides of one text."""

from __future__ import annotations

from collections.abc import Sequence

from xlcorpus.errors import UserError
from xlcorpus.raw.input_files import InputFile, look_into
from xlcorpus.raw.names import uncompressed_name
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.search import Candidate


def join_sides(candidates: Sequence[Candidate], options: ReadOptions) -> tuple[list[InputFile], list[Candidate]]:
    """The texts that two files make together, and the candidates that are no side of one.

    `NAME.en` and `NAME.de` (or `.en.gz`, ...) in one folder are parallel text where src_column is `en` and tgt_column
    `de`; their name is that of both with | between. Raises UserError where one of two is missing or there twice.
    """
    sides: dict[tuple[str, str], dict[str, tuple[Candidate, InputFile]]] = {}
    others: list[Candidate] = []
    for candidate in candidates:
        side = _side(candidate, options.src_column, options.tgt_column)
        if side is None:
            others.append(candidate)
            continue
        column, stem = side
        found = sides.setdefault((candidate.name.rpartition("/")[0], stem), {})
        if column in found:
            raise UserError(
                f"{found[column][1].path} and {candidate.path} are both the side {column!r} of one text",
                remedy="give one of them",
            )
        found[column] = (candidate, look_into(candidate, options.source)[0])
    return [_join(found, stem, options) for (_, stem), found in sides.items()], others


def _side(candidate: Candidate, *columns: str) -> tuple[str, str] | None:
    """Which side of a parallel text a file is by its name, and the name without that."""
    name = uncompressed_name(candidate.name)
    for column in columns:
        stem = name.removesuffix(f".{column}")
        if stem and stem != name:
            return column, stem
    return None


def _join(found: dict[str, tuple[Candidate, InputFile]], stem: str, options: ReadOptions) -> InputFile:
    src_column, tgt_column = options.src_column, options.tgt_column
    for column, other in ((src_column, tgt_column), (tgt_column, src_column)):
        if column not in found:
            path = found[other][1].path
            raise UserError(
                f"{path} is one side of a parallel text, and {stem}.{column} is not among the inputs",
                remedy=f"give both files; the sides are named by --src-column {src_column} --tgt-column {tgt_column}",
            )
    candidate, one = found[src_column]
    _, other_file = found[tgt_column]
    return InputFile(
        path=one.path,
        name=f"{one.name}|{other_file.name.rpartition('/')[2]}",
        source=options.source or (stem if candidate.explicit else one.source),
        format="moses",
        compression=one.compression,
        size=one.size + other_file.size,
        twin=other_file,
        state=one.state,
        returns=one.returns,
    )
