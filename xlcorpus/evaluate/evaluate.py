"""An evaluation, from the names of a model and of data to a report: read it from top to bottom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import transformers

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import packed_languages
from xlcorpus.evaluate.measure import MEASURES, Say, check_asked
from xlcorpus.evaluate.measures.bits.costs import Bits, differences, read_documents_of
from xlcorpus.evaluate.measures.bits.related import regression, related_languages
from xlcorpus.evaluate.models import open_model
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.initialize.architecture import MASKED
from xlcorpus.pretrain.failures import needing_memory


@dataclass(frozen=True)
class Evaluation:
    """report: as `evaluation.json` has it; documents: what each one costs, by dataset of packs and language."""

    report: dict[str, Any]
    documents: dict[str, Mapping[str, Bits]]


def evaluate(
    given: str,
    asked: Mapping[str, Sequence[str]],
    *,
    against: str | None = None,
    options: EvaluateOptions,
    tokenizer: str | None = None,
    device: str | None = None,
    say: Say = print,
) -> Evaluation:
    """What a model is worth.

    asked: paths of data by name of the measure (`MEASURES`); against: folder of another evaluation, to compare bits per
    byte with; tokenizer and device: as of `open_model`. Raises UserError; data are opened before the model is.
    """
    check_asked(asked, against, options)
    named = [(MEASURES.find(name), paths) for name, paths in asked.items() if paths]
    other = None if against is None else read_documents_of(storage.locate(against))
    data = [(measure, {path: measure.open(path, options) for path in paths}) for measure, paths in named]

    held = sorted(
        {
            lang
            for name, opened in data
            if name.name == "bits"
            for one in opened.values()
            for lang in packed_languages(one)
        }
    )
    related = related_languages(options.related, given, held) if against is not None else []
    trained = open_model(given, tokenizer=tokenizer, device=device)
    say(
        f"{trained.path}: {type(trained.model).__name__}, {trained.model.num_parameters():,} parameters, "
        f"tokenizer of {trained.tokenizer.vocab_size:,} ids, on {trained.device}"
    )
    for measure, opened in data:
        for one in opened.values():
            for rows in measure.packed(one):
                rows.vocabulary.check_packed_with(trained.tokenizer, trained.tokenizer_path, rows.folder)
            measure.check(trained, one, options)
    pseudo = trained.architecture == MASKED
    if other is not None and not any(one.pseudo == pseudo for langs in other.values() for one in langs.values()):
        kinds = ("bits per byte", "pseudo bits per byte")
        raise UserError(
            f"{against} has {kinds[not pseudo]}, and {trained.path} is a model of {kinds[pseudo]}",
            remedy="name an evaluation of a model that reads as many ways: --against DIR",
        )
    measured: dict[str, dict[str, Any]] = {name: {} for name in MEASURES.all}
    documents: dict[str, Mapping[str, Bits]] = {}
    with needing_memory(partial(_out_of_memory, options.batch)):
        for measure, opened in data:
            for path, one in opened.items():
                found = measure.run(trained, one, options, say)
                measured[measure.name][path] = found.facts
                if found.documents:
                    documents[path] = found.documents
    if other is not None:
        for path, costs in documents.items():
            measured["bits"][path] |= _compared(path, costs, str(against), other, related, say)
    report = {
        "model": trained.path,
        "architecture": trained.architecture,
        "parameters": trained.model.num_parameters(),
        "tokenizer": {"fingerprint": trained.tokenizer.fingerprint, "vocab_size": trained.tokenizer.vocab_size},
        "versions": {
            "xlcorpus": xlcorpus.__version__,
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "options": options.recorded(),
        **measured,
    }
    return Evaluation(report, documents)


def _out_of_memory(batch: int) -> UserError:
    return UserError(
        f"the memory does not suffice for {batch} rows at once",
        remedy=f"--batch {batch // 2}" if batch > 1 else "--device cpu, or a larger machine",
    )


def _compared(
    name: str,
    ours: Mapping[str, Bits],
    against: str,
    other: Mapping[str, Mapping[str, Bits]],
    related: Sequence[str],
    say: Say,
) -> dict[str, Any]:
    """Beside the dataset there that holds the most of our documents: packs of two tokenizers have two names."""
    found = {there: made for there, theirs in other.items() if (made := differences(ours, theirs)) is not None}
    if not found:
        say(f"no document of {name} was measured in {against}: they are not compared")
        return {}
    there = max(found, key=lambda one: found[one]["all"]["documents"])
    watched = regression(ours, other[there], related) if related else None
    more = {} if watched is None else {"related": watched}
    return {"against": {"evaluation": against, "dataset": there, **found[there], **more}}
