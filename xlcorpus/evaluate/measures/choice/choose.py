"""Choice by summed log-probability: of several texts the one that a model finds likeliest (XGLM, Lin et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch

from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import longest_first
from xlcorpus.evaluate.measure import Say
from xlcorpus.evaluate.measures.choice.items import Items
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.prompts import Prompter, draw_shots
from xlcorpus.evaluate.standard_error import of_mean
from xlcorpus.evaluate.texts import text_numbers
from xlcorpus.objectives.joined import join
from xlcorpus.pack.packs import sizes_of, values_of
from xlcorpus.pack.segments import fill_up
from xlcorpus.text.codepoints import byte_lengths

TEMPLATE = "{premise}\\n{choice}"
MEASURES = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info")


def choose(
    trained: TrainedModel, items: Items, shots: Items | None, options: EvaluateOptions, say: Say = print
) -> dict[str, Any]:
    """By language, and of `all`: items, chance, and of each of MEASURES, as lm-eval names them, the accuracy and its
    standard `_error` over items: by the sum of log-probabilities of the choice behind its prompt, by this for each
    character of the choice and for each byte, and less that of the choice behind nothing. Equally likely choices share
    the point. Raises UserError where a prompt is longer than the model reads."""
    prompter = Prompter(trained, options.template or TEMPLATE, "choice", options.line_ends or "eos")
    rows = items.each_choice()
    whole, context = prompter.ids(rows, items.given), prompter.before(rows, items.given)
    before = pa.array([()] * rows.num_rows, pa.list_(pa.int32()))
    if shots is not None and options.shots:
        before = _exemplars(prompter, items, shots, options)
    start = trained.vocabulary.around[0]
    head = start or (trained.vocabulary.id_of("bos", "eos", "sep"),)  # what a text behind nothing stands behind
    ids, places = join([start, before, whole])
    heads = places[:, 2] + _common(whole, context)
    if not start and (heads == 0).any():
        ids, places = join([head, before, whole])
        heads = places[:, 2] + _common(whole, context)
    alone, edges = join([head, trained.ids_of(rows.column("choice"))])
    heads = np.minimum.reduceat(heads, items.firsts)[items.item_of]  # where the choices of an item are cut alike
    _check(trained, ids, items, options)
    sums = log_probabilities(trained, ids, heads, options.batch)
    of_nothing = log_probabilities(trained, alone, edges[:, 1], options.batch)
    letters = np.maximum([len(text) for text in rows.column("choice").to_pylist()], 1)
    sizes = np.maximum(byte_lengths(rows.column("choice")), 1)
    scores = dict(zip(MEASURES, (sums, sums / letters, sums / sizes, sums - of_nothing), strict=True))
    right = {name: _right(score, items) for name, score in scores.items()}
    found = {}
    langs = np.array(items.langs)
    for lang in [*sorted(set(items.langs)), "all"]:
        here = np.ones(len(langs), dtype=bool) if lang == "all" else langs == lang
        facts: dict[str, Any] = {"items": int(here.sum()), "chance": float((1 / items.counts[here]).mean())}
        for name, points in right.items():
            facts[name], facts[f"{name}_error"] = float(points[here].mean()), of_mean(points[here])
        found[lang] = facts
    if items.skipped:
        say(f"{items.given}: {items.skipped:,} records are no items (no choices, or none is right): left out")
    return found


@torch.no_grad()
def log_probabilities(trained: TrainedModel, ids: pa.Array, heads: np.ndarray, batch: int) -> np.ndarray:
    """float64[rows]: the sum of the log-probabilities (nats) of the ids behind the first `heads`, given all before.

    ids: list<int32>; heads: int64[rows], 1 or more where there is anything behind them. Raises UserError where one is
    no number.
    """
    numbers = text_numbers(ids) * (int(heads.max(initial=0)) + 1) + heads
    _, firsts, back = np.unique(numbers, return_index=True, return_inverse=True)  # each once, so that ties are ties
    ids, heads = ids.take(pa.array(firsts)), heads[firsts]
    sizes = sizes_of(ids)
    found = np.zeros(len(ids))
    for rows in longest_first(sizes, batch):
        width = max(int(sizes[rows].max(initial=1)), 1)
        given = torch.from_numpy(fill_up(ids.take(pa.array(rows)), width, trained.pad)).long().to(trained.device)
        place = torch.arange(width)
        mask = place < torch.from_numpy(sizes[rows])[:, None]
        logits = trained.model(input_ids=given, attention_mask=mask.long().to(trained.device)).logits[:, :-1].float()
        costs = torch.nn.functional.cross_entropy(logits.transpose(1, 2), given[:, 1:], reduction="none").cpu()
        counted = (place[1:] >= torch.from_numpy(heads[rows])[:, None]) & mask[:, 1:]
        found[rows] = -torch.where(counted, costs, 0).double().sum(dim=1).numpy()
    trained.check_finite(found, "log-probabilities")
    return found[back]


def _exemplars(prompter: Prompter, items: Items, shots: Items, options: EvaluateOptions) -> pa.Array:
    """list<int32>, of each choice of each item: the exemplars before it, with the right choice, each ended."""
    answered = shots.answered()
    made = join([prompter.ids(answered, shots.given), prompter.between])[0]
    names = items.table.column(items.named).combine_chunks(), shots.table.column(shots.named).combine_chunks()
    drawn = draw_shots(names[0], items.langs, names[1], shots.langs, options.shots, options.seed, shots.given)
    columns = [made.take(pa.array(one)) for one in drawn.T]
    return join(columns)[0].take(pa.array(items.item_of))


def _common(whole: pa.Array, context: pa.Array) -> np.ndarray:
    """int64[rows]: how many ids of the context each row begins with: all, where both are cut alike."""
    values, offsets = values_of(whole)
    other, others = values_of(context)
    sizes = np.minimum(np.diff(offsets), np.diff(others))
    width = int(sizes.max(initial=0))
    place = np.arange(width)
    at = np.minimum(offsets[:-1, None] + place, max(len(values) - 1, 0))
    there = np.minimum(others[:-1, None] + place, max(len(other) - 1, 0))
    if not width:
        return np.zeros(len(whole), dtype=np.int64)
    differ = (values[at] != other[there]) | (place >= sizes[:, None])
    return np.where(differ.any(axis=1), differ.argmax(axis=1), width).astype(np.int64)


def _check(trained: TrainedModel, ids: pa.Array, items: Items, options: EvaluateOptions) -> None:
    sizes = sizes_of(ids)
    if trained.length is not None and int(sizes.max()) > trained.length:
        item = int(items.item_of[int(sizes.argmax())])
        raise UserError(
            f"item {item + 1} of {items.given} has {int(sizes.max()):,} tokens with its {options.shots} exemplars, and "
            f"{trained.path} reads {trained.length:,}",
            remedy="lower --shots" if options.shots else "leave long items out, or name a model that reads more",
        )


def _right(scores: np.ndarray, items: Items) -> np.ndarray:
    """float64[items]: 1 where the right choice has the highest score, a part of it where several have."""
    best = np.maximum.reduceat(scores, items.firsts)
    among = scores == best[items.item_of]
    right: np.ndarray = among[items.firsts + items.labels] / np.add.reduceat(among.astype(np.int64), items.firsts)
    return right
