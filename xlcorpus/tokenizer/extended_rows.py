"""How the rows of an extended vocabulary begin: `extended.json`, written beside the tokenizer, read for embeddings.

Of each new id it has the piece, and the ids that the base cuts the piece into (`cuts`), of whose rows the new one can
be made; of romanised pieces also the ids that they are the romanisation of, the best first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xlcorpus.dataset.record import dump_record, load_record
from xlcorpus.dataset.storage import Location, is_file, is_folder, read_json, write_json
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.cuts import cuts, pieces_of
from xlcorpus.tokenizer.tokenizer import Tokenizer

FILE = "extended.json"


@dataclass(frozen=True)
class Side:
    """A tokenizer: its fingerprint and the number of its ids."""

    fingerprint: str
    vocab_size: int


@dataclass(frozen=True)
class Row:
    """A new id: piece as the vocabulary writes it; cut: ids of the base, none of a token of the user's own."""

    id: int
    piece: str
    cut: tuple[int, ...]
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class ExtendedRows:
    """The base, the extended tokenizer, and every new id, ascending, without gaps from base.vocab_size on."""

    base: Side
    extended: Side
    rows: tuple[Row, ...]

    @classmethod
    def of(
        cls, base: Tokenizer, extended: Tokenizer, sources: Mapping[int, Sequence[int]] | None = None
    ) -> ExtendedRows:
        """What became of the base. sources: of new ids, those that their pieces are romanised from."""
        names, of = pieces_of(extended), sources or {}
        rows = (
            Row(at, names.get(at, ""), cut, tuple(of.get(at, ())))
            for at, cut in enumerate(cuts(base, extended), base.vocab_size)
        )
        before, after = (Side(one.fingerprint, one.vocab_size) for one in (base, extended))
        return cls(before, after, tuple(rows))

    def save(self, *files: Location) -> None:
        """Write it; a row without sources says nothing of them. Raises OSError."""
        value: dict[str, Any] = dump_record(self)
        for row in value["rows"]:
            if not row["sources"]:
                del row["sources"]
        for file in files:
            write_json(file, value)

    @classmethod
    def load(cls, given: Location) -> ExtendedRows | None:
        """That of a tokenizer's folder or file; None where there is none. Raises UserError where it is damaged."""
        file = rows_file(given)
        if not is_file(file):
            return None
        try:
            return load_record(cls, read_json(file))
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read: {error}", remedy="extend the tokenizer again") from error


def rows_file(given: Location) -> Location:
    """Where the rows of a tokenizer are: in its folder, or beside the file, FILE.extended.json."""
    return given / FILE if is_folder(given) or not given.suffix else given.with_suffix(f".{FILE}")
