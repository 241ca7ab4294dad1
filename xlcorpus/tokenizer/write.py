"""Write tokenizers: the model, its vocabulary as text, a folder for transformers, and a card that says what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pyarrow as pa
from pyarrow import csv

from xlcorpus.dataset.storage import Location, write_bytes, write_json, write_text
from xlcorpus.errors import StorageError, UserError
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.measure import measure
from xlcorpus.tokenizer.sentencepiece_model import SentencePieceModel, parse_model
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.train import Trained

T = TypeVar("T")


def check_output(path: Location) -> None:
    """Raise UserError where a SentencePiece model would get another name than *.model."""
    if path.suffix != ".model":
        raise UserError(f"--output {path} does not end with .model", remedy=f"--output {path.with_suffix('.model')}")


def write_trained(trained: Trained, path: Location) -> tuple[SentencePieceTokenizer, pa.Table]:
    """Write FILE.model, FILE.vocab, FILE.hf/ and, last, the card FILE.json with the fertility by language.

    Gives the tokenizer and its report on the sample (`measure.SCHEMA`). Equal models give equal files. Raises
    StorageError where one cannot be written.
    """
    check_output(path)
    tokenizer = write_model(parse_model(trained.model, str(path)), trained.model, path)
    table = measure(tokenizer, trained.sample.batches())
    failed = sum(round_trip(tokenizer, batch.column("text")) for batch in trained.sample.batches())
    facts = {
        "vocab_size": tokenizer.vocab_size,
        "special_ids": tokenizer.special_ids(),
        "languages": rows_by_language(table),
        "round_trip": {"texts": trained.sample.table.num_rows, "altered": failed},
    }
    write_json(path.with_suffix(".json"), trained.card | facts)
    return tokenizer, table


def write_table(table: pa.Table, path: Location) -> None:
    """Write a table by language as CSV or JSON (by the suffix); raises UserError for another one."""
    if path.suffix == ".json":
        guarded(path, lambda: write_json(path, rows_by_language(table)))
    elif path.suffix == ".csv":
        sink = pa.BufferOutputStream()
        csv.write_csv(table, sink)
        guarded(path, lambda: write_bytes(path, sink.getvalue().to_pybytes()))
    else:
        raise UserError(f"--output {path}: tables are .csv or .json", remedy="give it a name that ends in .csv")


def round_trip(tokenizer: Tokenizer, texts: pa.Array) -> int:
    """How many texts do not come back from their ids as they were."""
    ids, offsets = tokenizer.encode_batch(texts)
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), texts.to_pylist(), strict=True)
    return sum(tokenizer.decode(ids[start:end]) != (text or "") for start, end, text in ends)


def rows_by_language(table: pa.Table) -> dict[str, dict[str, Any]]:
    """The rows of a table by their language, shares and ratios rounded to six digits."""
    rows: Iterable[dict[str, Any]] = table.to_pylist()
    return {
        row["lang"]: {
            name: float(f"{value:.6g}") if isinstance(value, float) else value
            for name, value in row.items()
            if name != "lang"
        }
        for row in rows
    }


def write_model(model: SentencePieceModel, data: bytes, path: Location) -> SentencePieceTokenizer:
    """Write FILE.model, FILE.vocab (a line a piece, text and score) and FILE.hf/. data: the bytes of the model."""
    vocabulary = "".join(f"{piece.text}\t{piece.score:g}\n" for piece in model.pieces)

    def write() -> SentencePieceTokenizer:
        write_bytes(path, data)
        write_text(path.with_suffix(".vocab"), vocabulary)
        tokenizer = SentencePieceTokenizer(path)
        write_folder(model, tokenizer, path.with_suffix(".hf"))
        return tokenizer

    return guarded(path, write)


def guarded(path: Location, write: Callable[[], T]) -> T:
    """What `write` gives; raises StorageError, with the path, where it cannot write."""
    try:
        return write()
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}", remedy="free space, or name another place"
        ) from error
