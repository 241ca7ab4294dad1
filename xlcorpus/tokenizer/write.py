"""Write tokenizers: the model, its vocabulary as text, a folder for transformers, and a card that says what it is."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from pyarrow import csv

from xlcorpus.dataset.dataset import is_dataset
from xlcorpus.dataset.storage import Location, exists, is_file, is_folder, remove, write_bytes, write_json, write_text
from xlcorpus.errors import StorageError, UserError
from xlcorpus.tokenizer.hf_folder import write_folder
from xlcorpus.tokenizer.kinds.huggingface import HuggingFaceTokenizer
from xlcorpus.tokenizer.kinds.sentencepiece import SentencePieceTokenizer
from xlcorpus.tokenizer.measure import measure
from xlcorpus.tokenizer.sentencepiece_model import (
    CARD,
    FOLDER_FILE,
    HF_FILE,
    USER_DEFINED,
    SentencePieceModel,
    parse_model,
    plain_text,
)
from xlcorpus.tokenizer.tokenizer import Tokenizer
from xlcorpus.tokenizer.train import Trained

T = TypeVar("T")
_CHECKED = 1000  # texts of the sample on which both forms of a model are compared


def check_output(path: Location, *, overwrite: bool) -> None:
    """Raise UserError where a SentencePiece model would go into a file of another name than *.model, into a dataset,
    or, unless asked to, over what is there."""
    if path.suffix != ".model" and path.suffix[1:].isalpha() and not is_folder(path):
        raise UserError(
            f"--output {path} does not end with .model, and looks like no folder",
            remedy=f"--output {path.with_suffix('.model')}, or --output {path.with_suffix('')}",
        )
    model, card, folder = files_of(path)
    check_free(path, (model, card, model.with_suffix(".vocab"), folder / HF_FILE), overwrite=overwrite)


def check_free(output: Location, files: Iterable[Location], *, overwrite: bool) -> None:
    """Raise UserError where the output is a dataset, or one of the files is there and is not to be replaced."""
    if is_dataset(output):
        raise UserError(f"--output {output} is a dataset", remedy="name another folder")
    there = next((file for file in files if exists(file)), None)
    if there is not None and (is_folder(there) or not overwrite):
        remedy = "name another file or folder" + ("" if is_folder(there) else ", or replace it with --overwrite")
        raise UserError(f"--output {output}: {there} is there already", remedy=remedy)


def files_of(output: Location) -> tuple[Location, Location, Location]:
    """The model, the card, and the folder for transformers: FILE.model, FILE.json, FILE.hf; or all in one folder."""
    if output.suffix == ".model":
        return output, output.with_suffix(".json"), output.with_suffix(".hf")
    return output / FOLDER_FILE, output / CARD, output


def write_trained(trained: Trained, output: Location) -> tuple[SentencePieceTokenizer, pa.Table]:
    """Write `files_of` the output, with .vocab beside the model and, last, the card with the fertility by language.

    Gives the tokenizer and its report on the sample (`measure.SCHEMA`). Equal models give equal files. Raises
    StorageError where one cannot be written, UserError where the form for transformers would give other ids.
    """
    path, card, _ = files_of(output)
    tokenizer = write_model(parse_model(trained.model, str(path)), trained.model, output)
    check_same_ids(tokenizer, output, trained.sample.table.column("text").slice(0, _CHECKED).to_pylist())
    table = measure(tokenizer, trained.sample.by_language().batches())
    failed = sum(round_trip(tokenizer, batch.column("text")) for batch in trained.sample.batches())
    facts = {
        "vocab_size": tokenizer.vocab_size,
        "special_ids": tokenizer.special_ids(),
        "languages": rows_by_language(table),
        "round_trip": {"texts": trained.sample.table.num_rows, "altered": failed},
    }
    guarded(card, lambda: write_json(card, trained.card | facts))
    return tokenizer, table


def check_same_ids(tokenizer: SentencePieceTokenizer, output: Location, texts: Sequence[str]) -> None:
    """Raise UserError where the folder for transformers gives other ids for a text, a piece, or a token of the user's
    own before, behind and between words. Does nothing where the library tokenizers is not installed."""
    if importlib.util.find_spec("tokenizers") is None:
        return
    own = [piece.text for piece in tokenizer.model.pieces if piece.type == USER_DEFINED]
    tried = [text for one in own for text in (one, f" {one} a", f"a {one} b", f"a{one}{one}")]
    names = [plain_text(piece.text) for piece in tokenizer.model.pieces]
    given = pa.array([*texts, *tried, *names, *(f"x {name}y" for name in names)], pa.large_string())
    other = HuggingFaceTokenizer(files_of(output)[2])
    (ids, starts), (theirs, others) = (one.encode_batch(given) for one in (tokenizer, other))
    if np.array_equal(ids, theirs) and np.array_equal(starts, others):
        return
    ends = zip(pairwise(starts), pairwise(others), given.to_pylist(), strict=True)
    wrong = [text for (a, b), (c, d), text in ends if not np.array_equal(ids[a:b], theirs[c:d])]
    raise UserError(
        f"{other.path} gives other ids than {tokenizer.path} for {len(wrong):,} of {len(given):,} texts, such as "
        f"{wrong[0][:80]!r}",
        remedy=f"use {tokenizer.path} alone, and report this with the options",
    )


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


def write_model(
    model: SentencePieceModel, data: bytes, output: Location, settings: Mapping[str, Any] | None = None
) -> SentencePieceTokenizer:
    """Write the model, its pieces (a line a piece, text and score) and the folder for transformers, as `files_of` says.

    data: the bytes of the model; settings: of the tokenizer that it extends.
    """
    path, card, folder = files_of(output)
    vocabulary = "".join(f"{piece.text}\t{piece.score:g}\n" for piece in model.pieces)

    def write() -> SentencePieceTokenizer:
        if is_file(card):
            remove(card)  # of what is replaced
        write_bytes(path, data)
        write_text(path.with_suffix(".vocab"), vocabulary)
        tokenizer = SentencePieceTokenizer(path)
        write_folder(model, tokenizer, folder, settings)
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
