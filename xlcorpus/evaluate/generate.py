"""What a model writes after prompts in many languages, and how it mixes these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import open_packs
from xlcorpus.evaluate.mixing import judge
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.texts import Texts, read_documents
from xlcorpus.initialize.architecture import CAUSAL
from xlcorpus.lid.model import load_model
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


def mixing(trained: TrainedModel, prompts: Sequence[Prompt], options: EvaluateOptions) -> dict[str, Any]:
    """By language: `generated` and `reference` (how the texts themselves go on), each as `Judged.facts`, and `sample`,
    the first text written. Raises UserError for a model that reads both ways."""
    trained.require(CAUSAL, what="--mixing")
    model = load_model(options.lid)
    written = [trained.tokenizer.decode(ids) for ids in generate(trained, prompts, options)]
    langs = [prompt.lang for prompt in prompts]
    found = judge(written, langs, model)
    reference = judge([trained.tokenizer.decode(prompt.rest) for prompt in prompts], langs, model)
    return {
        lang: {
            "generated": found[lang].facts,
            "reference": reference[lang].facts,
            "sample": written[langs.index(lang)],
        }
        for lang in found
    }


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


def generate(trained: TrainedModel, prompts: Sequence[Prompt], options: EvaluateOptions) -> list[list[int]]:
    """Ids of text that follow each prompt, up to the first eos. The same seed and batch give the same."""
    most = max(len(prompt.ids) for prompt in prompts) + options.new_tokens
    if trained.length is not None and most > trained.length:
        raise UserError(
            f"{most} tokens of prompt and text, and {trained.path} reads {trained.length}",
            remedy="lower --prompt-tokens (of translation --shots) or --new-tokens",
        )
    pad = _pad(trained)
    device = next(trained.model.parameters()).device
    order = np.argsort([len(prompt.ids) for prompt in prompts], kind="stable").tolist()
    found: dict[int, list[int]] = {}
    with torch.random.fork_rng():
        torch.manual_seed(options.seed)
        for start in range(0, len(order), options.batch):
            places = order[start : start + options.batch]
            width = max(len(prompts[place].ids) for place in places)
            rows = [[pad] * (width - len(prompts[place].ids)) + prompts[place].ids for place in places]
            masks = [[0] * (width - len(prompts[place].ids)) + [1] * len(prompts[place].ids) for place in places]
            given = {"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(masks)}
            made = generated(trained, {key: one.to(device) for key, one in given.items()}, options)
            found |= dict(zip(places, made, strict=True))
    return [found[place] for place in range(len(prompts))]


@torch.no_grad()
def generated(
    trained: TrainedModel,
    given: Mapping[str, torch.Tensor],
    options: EvaluateOptions,
    *,
    most: int | None = None,
    start: int | None = None,
) -> list[list[int]]:
    """Ids of text behind what the model, or its decoder, is given, up to the first eos: by greedy or beam search, or
    drawn. most: new tokens; start: what the decoder of an encoder-decoder begins with."""
    from transformers import GenerationConfig

    ids = trained.vocabulary.ids
    eos = ids.get("eos", ids.get("sep"))
    sampled = {"temperature": options.temperature, "top_p": options.top_p, "top_k": 0} if options.temperature else {}
    settings = GenerationConfig(
        max_new_tokens=options.new_tokens if most is None else most,
        do_sample=options.temperature > 0,
        num_beams=options.beams,
        pad_token_id=_pad(trained),
        eos_token_id=eos,
        **sampled,
        **({} if start is None else {"decoder_start_token_id": start}),
    )
    with _settings_of(trained.model, settings):
        made = trained.model.generate(**given)
    behind = given.get("decoder_input_ids", given["input_ids"]).shape[1]
    return [_text(row, eos, trained.vocabulary.special) for row in made[:, behind:].tolist()]


def _pad(trained: TrainedModel) -> int:
    ids = trained.vocabulary.ids
    return ids.get("pad", ids.get("eos", ids.get("sep", 0)))


@contextmanager
def _settings_of(model: Any, settings: Any) -> Iterator[None]:
    """Inside, the model generates by these settings alone: what its own `generation_config.json` says beside them (as
    Qwen's repetition_penalty) would make of the likeliest token another one, and models would not compare."""
    own, model.generation_config = model.generation_config, settings
    try:
        yield
    finally:
        model.generation_config = own


def _text(ids: Sequence[int], eos: int | None, special: frozenset[int]) -> list[int]:
    ends = ids.index(eos) if eos in ids else len(ids)
    return [one for one in ids[:ends] if one not in special]


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
