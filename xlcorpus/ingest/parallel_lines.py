"""Two parallel text files (as Moses reads them): line n of the one translates line n of the other.

Lines end with a newline and nothing else (a carriage return before it is not part of the text): the separators that
Unicode knows besides are text, else the sides would come apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xlcorpus.errors import UserError
from xlcorpus.ingest.files import InputFile
from xlcorpus.ingest.streams import Damage, read_stream


def cut_parallel(file: InputFile, target: int) -> list[tuple[int, int]]:
    """Offsets in both files where the same line begins, from (0, 0) to both sizes, about every `target` bytes.

    Compressed files are not cut within. Raises UserError where the files differ in their number of lines, naming both,
    or one of them is damaged: nothing of them is read then.
    """
    plain = file.compression == file.beside_compression == "none"
    share = target * Path(file.path).stat().st_size // max(file.size, 1) if plain else 0
    lines, at, cuts = _scan(file.path, file.compression, every=max(share, 1) if plain else None)
    cuts = [cut for cut in cuts if cut[1] < at]
    others, other_at, beside = _scan(file.beside, file.beside_compression, at_lines=[number for number, _ in cuts])
    if lines != others:
        raise UserError(
            f"{file.path} has {lines:,} lines and {file.beside} has {others:,}: they are not parallel",
            remedy="make both have one line for each pair (an empty line where a side is missing)",
        )
    inner = [(offset, other) for (_, offset), (_, other) in zip(cuts, beside, strict=True)]
    return [(0, 0), *inner, (at, other_at)] if lines else [(0, 0)]


def _scan(
    path: str, compression: str, *, every: int | None = None, at_lines: Sequence[int] = ()
) -> tuple[int, int, list[tuple[int, int]]]:
    """Number of lines, bytes, and cuts: numbers and offsets of lines.

    every: the first line that begins at or after each so many bytes behind the cut before; at_lines: these lines.
    """
    lines, size = 0, 0
    cuts: list[tuple[int, int]] = []
    last = b"\n"
    goal = every
    wanted = list(reversed(at_lines))
    for piece in read_stream(path, compression):
        if isinstance(piece, Damage):
            raise UserError(
                f"{path} is damaged: {piece.message}", remedy="restore the file: of parallel files every line counts"
            )
        ends = np.flatnonzero(np.frombuffer(piece, dtype=np.uint8) == 0x0A)
        while goal is not None and size + len(piece) > goal:
            place = int(np.searchsorted(ends + size + 1, goal))
            if place == len(ends):
                break
            offset = int(ends[place]) + size + 1
            cuts.append((lines + place + 1, offset))
            goal = offset + (every or 0)
        while wanted and wanted[-1] <= lines + len(ends):
            number = wanted.pop()
            cuts.append((number, int(ends[number - lines - 1]) + size + 1))
        lines, size, last = lines + len(ends), size + len(piece), piece[-1:]
    if last != b"\n":
        lines += 1
    return lines, size, cuts
