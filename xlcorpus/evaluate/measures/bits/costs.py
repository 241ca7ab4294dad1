"""What documents cost a model, one by one: bits per byte, their error, and how two models differ on the same ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.evaluate.standard_error import of_sum
from xlcorpus.text.draws import draw_keys, id_halves

DOCUMENTS = "documents.parquet"
SUMS = ("nats", "labels", "tokens", "bytes", "unknown")
_SCHEMA = pa.schema(
    [("dataset", pa.string()), ("lang", pa.string()), ("pseudo", pa.bool_()), ("doc_id", pa.binary(16))]
    + [(name, pa.float64()) for name in SUMS]
)


@dataclass(frozen=True, eq=False)
class Bits:
    """What the text of some documents costs.

    ids: uint64[documents, 2], the halves of each one's doc_id; sums: float64[documents, 5], of each: nats of the
    labels, labels, tokens of text that they stand for (those of mlm stand for all tokens, masked or not), bytes of the
    text that those are, and how many of them say no more than that a character is unknown. strata: int64[documents],
    numbers of the languages that they were drawn from; pseudo: whether tokens were foretold from both sides, so that
    this is a pseudo-likelihood (Salazar et al., ACL 2020), no length of a code.
    """

    ids: np.ndarray
    sums: np.ndarray
    strata: np.ndarray
    pseudo: bool = False

    @classmethod
    def of(cls, ids: np.ndarray, values: np.ndarray, *, pseudo: bool) -> Bits:
        """Of one language. ids: uint64[parts, 2], of the document of each; values: float64[parts, 5], as of sums."""
        _, first, of = np.unique(_keys(ids), return_index=True, return_inverse=True)
        sums = np.stack([np.bincount(of, column, len(first)) for column in values.T], axis=1)
        return cls(ids[first], sums, np.zeros(len(first), dtype=np.int64), pseudo)

    @classmethod
    def together(cls, found: Sequence[Bits]) -> Bits:
        """Of all these documents, which are different ones; the languages are not drawn, only documents of them."""
        return cls(
            np.concatenate([one.ids for one in found]),
            np.concatenate([one.sums for one in found]),
            np.repeat(np.arange(len(found)), [one.documents for one in found]),
            any(one.pseudo for one in found),
        )

    def chosen(self, documents: np.ndarray) -> Bits:
        """Some of the documents."""
        return Bits(self.ids[documents], self.sums[documents], self.strata[documents], self.pseudo)

    @property
    def keys(self) -> np.ndarray:
        """uint64[documents]: a hash of each one's id."""
        return _keys(self.ids)

    @cached_property
    def total(self) -> dict[str, float]:
        """The sums over all documents, by name."""
        return dict(zip(SUMS, self.sums.sum(axis=0).tolist(), strict=True))

    @property
    def documents(self) -> int:
        """How many there are."""
        return len(self.ids)

    @property
    def loss(self) -> float:
        """Nats a token."""
        return self.total["nats"] / self.total["labels"]

    @property
    def bits_per_byte(self) -> float:
        """nats / bytes / ln 2; of mlm, nats of what was masked times tokens / labels."""
        return self.loss * self.total["tokens"] / self.total["bytes"] / math.log(2)

    @property
    def pulls(self) -> np.ndarray:
        """float64[documents]: how far each one pulls bits_per_byte, a ratio of sums (delta method); their sum is 0."""
        total = np.array([self.total[name] for name in SUMS[:4]])
        signs = np.array([1, -1, 1, -1]) / np.maximum(total, np.finfo(np.float64).tiny)
        pulls: np.ndarray = self.sums[:, :4] @ signs * self.bits_per_byte
        return pulls

    @property
    def error(self) -> float | None:
        """Standard error over documents of bits_per_byte; None for one document."""
        return of_sum(self.pulls, self.strata)

    @property
    def measure(self) -> str:
        """What it is called."""
        return "pseudo_bits_per_byte" if self.pseudo else "bits_per_byte"

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it; `pseudo_bits_per_byte` where it is that; unknown: share of the tokens."""
        total = self.total
        counts = {"labels": round(total["labels"]), "tokens": round(total["tokens"]), "documents": self.documents}
        return {self.measure: self.bits_per_byte, "error": self.error, "loss": self.loss} | counts | {
            "nats": total["nats"],
            "bytes": total["bytes"],
            "unknown": total["unknown"] / total["tokens"],
        }  # fmt: skip


def _keys(ids: np.ndarray) -> np.ndarray:
    return draw_keys(ids, "documents")


def differences(ours: Mapping[str, Bits], theirs: Mapping[str, Bits]) -> dict[str, Any] | None:
    """How bits per byte by language differ on the documents that both hold, and of `all`; None where there are none.

    bits_per_byte, other, difference (the first less the other), its standard error over documents (of the pairs, so
    what is common to both, as hard documents, is not in it) and how many documents there are. A document of which one
    side measured less than half of what the other did is left out, and so is a language where one side alone has a
    pseudo-likelihood.
    """
    found: list[tuple[str, Bits, Bits]] = []
    for lang in sorted({*ours} & {*theirs}):
        one, other = ours[lang], theirs[lang]
        _, here, there = np.intersect1d(one.keys, other.keys, assume_unique=True, return_indices=True)
        sizes = np.stack([one.sums[here, 3], other.sums[there, 3]])
        alike = sizes.min(axis=0) > sizes.max(axis=0) / 2
        one, other = one.chosen(here[alike]), other.chosen(there[alike])
        if one.pseudo == other.pseudo and one.total["labels"] and other.total["labels"]:
            found.append((lang, one, other))
    if not found:
        return None
    every = [Bits.together([pair[side] for pair in found]) for side in (1, 2)]  # type: ignore[misc]
    return {"languages": {lang: _difference(*pair) for lang, *pair in found}, "all": _difference(*every)}


def _difference(one: Bits, other: Bits) -> dict[str, Any]:
    return {
        one.measure: one.bits_per_byte,
        "other": other.bits_per_byte,
        "difference": one.bits_per_byte - other.bits_per_byte,
        "error": of_sum(one.pulls - other.pulls, one.strata),
        "documents": one.documents,
    }


def write_documents(found: Mapping[str, Mapping[str, Bits]], folder: Location) -> Location:
    """Write `documents.parquet`, a row a document: what each costs, by dataset and language; its place."""
    tables = [_SCHEMA.empty_table()]
    for dataset, langs in found.items():
        for lang, bits in langs.items():
            count = bits.documents
            named = [[dataset] * count, [lang] * count, [bits.pseudo] * count]
            ids = pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), count, [None, pa.py_buffer(np.ascontiguousarray(bits.ids).tobytes())]
            )
            tables.append(pa.table([*map(pa.array, named), ids, *map(pa.array, bits.sums.T)], schema=_SCHEMA))
    with (
        storage.writing(folder / DOCUMENTS) as temporary,
        storage.parquet_writer(temporary, _SCHEMA, write_page_checksum=True) as writer,
    ):
        writer.write_table(pa.concat_tables(tables))
    return folder / DOCUMENTS


def read_documents_of(folder: Location) -> dict[str, dict[str, Bits]]:
    """What `write_documents` wrote. Raises UserError where nothing was, or it is damaged."""
    if not storage.is_file(folder / DOCUMENTS):
        raise UserError(
            f"{folder} has no {DOCUMENTS}, so it is no evaluation of bits per byte",
            remedy="name the --output of an earlier `xlcorpus evaluate --bits`; one of an older version must be made "
            "again",
        )
    try:
        table = storage.read_parquet(folder / DOCUMENTS).cast(_SCHEMA)
    except (OSError, ValueError, pa.ArrowInvalid) as error:
        raise UserError(
            f"{folder / DOCUMENTS} cannot be read: {error}", remedy="make that evaluation again, with --overwrite"
        ) from error
    found: dict[str, dict[str, Bits]] = {}
    for dataset in table.column("dataset").unique().to_pylist():
        rows = table.filter(pc.equal(table.column("dataset"), dataset))
        for lang in rows.column("lang").unique().to_pylist():
            here = rows.filter(pc.equal(rows.column("lang"), lang)).combine_chunks()
            ids = id_halves(here.column("doc_id").chunk(0))
            sums = np.stack([here.column(name).to_numpy() for name in SUMS], axis=1)
            strata = np.zeros(len(ids), dtype=np.int64)
            found.setdefault(dataset, {})[lang] = Bits(ids, sums, strata, here.column("pseudo")[0].as_py())
    return found
