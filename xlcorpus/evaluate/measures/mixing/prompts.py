"""Prompts to go on from: beginnings of documents, by language, and how the documents themselves go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import open_packs
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import Texts, read_documents
from xlcorpus.loader.rows import TokenRows
from xlcorpus.pack.facts import SCHEMA
from xlcorpus.text.labels import UNKNOWN_LANGUAGE

_COLUMNS = ("input_ids", "doc_starts", "doc_offsets", "langs")
_GROUPS = 64  # row groups of packs that prompts are taken from: 64 MB of ids
_SPECIAL = 8  # special ids among the tokens of a beginning, at most


@dataclass(frozen=True)
class Prompt:
    """Ids that a text begins with (special ones before it too), those that it goes on with, and its language."""

    ids: list[int]
    rest: list[int]
    lang: str


def open_prompts(name: str, options: EvaluateOptions) -> TokenRows | Texts:
    """What prompts are taken from: packs, or documents."""
    folder = storage.locate(name)
    if is_dataset(folder) and Dataset.open(folder).manifest.schema_name == SCHEMA:
        return open_packs(name, _COLUMNS, "--mixing")
    return read_documents(name, options.reading("documents"))


def prompts_of(trained: TrainedModel, given: TokenRows | Texts, options: EvaluateOptions) -> list[Prompt]:
    """Of either."""
    if isinstance(given, TokenRows):
        return prompts_of_packs(trained, given, options)
    return prompts_of_texts(trained, given, options)


def prompts_of_packs(trained: TrainedModel, rows: TokenRows, options: EvaluateOptions) -> list[Prompt]:
    """Of the beginnings of documents in packs."""
    rows.require(_COLUMNS, "--mixing")
    special, most = trained.vocabulary.special, options.prompt_tokens + options.new_tokens + _SPECIAL
    texts: dict[str, list[list[int]]] = {}
    for group in _evenly(len(rows.groups), _GROUPS).tolist():
        batch = rows.read(group, _COLUMNS)
        for row in batch.to_pylist():
            ends = [*row["doc_starts"][1:], len(row["input_ids"])]
            for start, end, offset, lang in zip(row["doc_starts"], ends, row["doc_offsets"], row["langs"], strict=True):
                if offset == 0:
                    beginning = row["input_ids"][start : min(end, start + most)]
                    texts.setdefault(lang or UNKNOWN_LANGUAGE, []).append(beginning)
    made = {lang: list(_prompts(found, lang, special, options)) for lang, found in texts.items()}
    return _some(made, str(rows.folder), options)


def prompts_of_texts(trained: TrainedModel, texts: Texts, options: EvaluateOptions) -> list[Prompt]:
    """Of documents: a text begins with what the tokenizer puts before it."""
    before = list(trained.vocabulary.around[0])
    text, lang = (texts.table.column(name).combine_chunks() for name in ("text", "lang"))
    made = {}
    for one in sorted(set(lang.to_pylist())):
        here = text.filter(pc.equal(lang, one))
        chosen = here.take(pa.array(_evenly(len(here), 4 * options.prompts)))  # some may be too short
        ids, offsets = trained.tokenizer.encode_batch(chosen)
        cut = [before + ids[start:end].tolist() for start, end in pairwise(offsets.tolist())]
        made[one] = list(_prompts(cut, one, trained.vocabulary.special, options))
    return _some(made, texts.given, options)


def _prompts(
    texts: Sequence[list[int]], lang: str, special: frozenset[int], options: EvaluateOptions
) -> Iterator[Prompt]:
    """Texts of which something is left behind the prompt, evenly from all."""
    size = options.prompt_tokens
    long = [ids for ids in texts if sum(one not in special for one in ids) > size]
    for place in _evenly(len(long), options.prompts).tolist():
        ids = long[place]
        first = next(at for at, one in enumerate(ids) if one not in special)
        rest = [one for one in ids[first + size :] if one not in special]
        yield Prompt(ids[: first + size], rest[: options.new_tokens], lang)


def _evenly(count: int, most: int) -> np.ndarray:
    chosen = min(count, most)
    return np.arange(chosen) * count // max(chosen, 1)


def _some(made: dict[str, list[Prompt]], where: str, options: EvaluateOptions) -> list[Prompt]:
    found = [prompt for lang in sorted(made) for prompt in made[lang]]
    if not found:
        raise UserError(
            f"{where} holds no text of more than {options.prompt_tokens} tokens", remedy="lower --prompt-tokens"
        )
    return found
