"""Which input files hold sentence pairs: tables (JSONL, Parquet, TSV, CSV), and parallel text files two by two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xlcorpus.errors import UserError
from xlcorpus.ingest.files import (
    PAIR_FORMATS,
    Candidate,
    FoundFiles,
    InputFile,
    chosen_files,
    found_files,
    inspect_file,
)

_SUFFIXES = {"tsv": "tsv", "tab": "tsv", "csv": "csv"}


def find_pair_files(
    inputs: Sequence[str], *, src_column: str, tgt_column: str, source: str | None = None, format: str | None = None
) -> FoundFiles:
    """The files that `inputs` (files, folders, globs) mean, sorted by name whatever the order of `inputs`.

    `NAME.en` and `NAME.de` (or `.en.gz`, ...) in one folder are parallel text where src_column is `en` and tgt_column
    `de`; their name is that of both with | between. Raises UserError as `find_files`, and where one of two is missing.
    """
    sides: dict[tuple[str, str], dict[str, tuple[Candidate, InputFile]]] = {}
    files: list[InputFile] = []
    skipped: list[str] = []
    for candidate in chosen_files(inputs):
        side = _side(candidate, src_column, tgt_column) if format is None else None
        if side is not None:
            column, stem = side
            file = inspect_file(candidate, source, "moses", _SUFFIXES)
            assert file is not None
            others = sides.setdefault((candidate.name.rpartition("/")[0], stem), {})
            if column in others:
                raise UserError(
                    f"{others[column][1].path} and {candidate.path} are both the side {column!r} of one text",
                    remedy="give one of them",
                )
            others[column] = (candidate, file)
            continue
        file = inspect_file(replace(candidate, explicit=False), source, format, _SUFFIXES)
        if file is not None and file.format in PAIR_FORMATS:
            if candidate.explicit and source is None and file.format in ("tsv", "csv"):
                file = replace(file, source=candidate.plain_name.rpartition(".")[0] or file.source)
            files.append(file)
        elif candidate.explicit:
            raise UserError(
                f"{candidate.path} holds no sentence pairs that could be read",
                remedy="give JSON Lines, Parquet, TSV or CSV (--format says which it is where its name does not), or "
                f"parallel text in files NAME.{src_column} and NAME.{tgt_column} (--src-column, --tgt-column)",
            )
        else:
            skipped.append(candidate.path)
    files += [_join(found, stem, src_column, tgt_column, source) for (_, stem), found in sides.items()]
    return found_files(files, skipped, inputs, PAIR_FORMATS[:-1])


def _side(candidate: Candidate, *columns: str) -> tuple[str, str] | None:
    """Which side of a parallel text a file is by its name, and the name without that."""
    name = candidate.plain_name
    for column in columns:
        stem = name.removesuffix(f".{column}")
        if stem and stem != name:
            return column, stem
    return None


def _join(
    found: dict[str, tuple[Candidate, InputFile]], stem: str, src_column: str, tgt_column: str, source: str | None
) -> InputFile:
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
        source=source or (stem if candidate.explicit else one.source),
        format="moses",
        compression=one.compression,
        size=one.size + other_file.size,
        beside=other_file.path,
        beside_compression=other_file.compression,
    )
