"""An evaluation, from the names of a model and of data to a report: read it from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import transformers

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset, is_dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import HOLD_OUT_MORE
from xlcorpus.evaluate.bits import COLUMNS, bits_per_byte, summary
from xlcorpus.evaluate.costs import Bits, differences, read_documents_of
from xlcorpus.evaluate.generate import mixing, prompts_of_packs, prompts_of_texts
from xlcorpus.evaluate.models import TrainedModel, open_model
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.retrieve import retrieve
from xlcorpus.evaluate.texts import Texts, read_documents, read_pairs
from xlcorpus.initialize.architecture import CAUSAL, MASKED
from xlcorpus.loader.rows import TokenRows
from xlcorpus.loader.source import objective_for
from xlcorpus.objectives.objective import OBJECTIVES
from xlcorpus.pack.facts import SCHEMA
from xlcorpus.pretrain.failures import needing_memory

_OBJECTIVES = {CAUSAL: "clm", MASKED: "mlm"}
_MANY_UNKNOWN = 0.001  # of the tokens of a language


@dataclass(frozen=True)
class Evaluation:
    """report: as `evaluation.json` has it; documents: what each one costs, by dataset of packs and language."""

    report: dict[str, Any]
    documents: dict[str, dict[str, Bits]]


def evaluate(
    given: str,
    *,
    bits: Sequence[str] = (),
    retrieval: Sequence[str] = (),
    mixed: Sequence[str] = (),
    against: str | None = None,
    options: EvaluateOptions,
    tokenizer: str | None = None,
    device: str | None = None,
    say: Callable[[str], None] = print,
) -> Evaluation:
    """What a model is worth.

    bits: datasets of packs; retrieval: sentence pairs; mixed: packs or documents that prompts are taken from; against:
    folder of another evaluation, to compare bits per byte with; tokenizer and device: as of `open_model`. Raises
    UserError; data are opened before the model is.
    """
    if not (bits or retrieval or mixed):
        raise UserError("nothing is asked for", remedy="--bits DATASET, --retrieval FILE or --mixing FILE")
    if against is not None and not bits:
        raise UserError("--against compares bits per byte, and none are asked for", remedy="--bits DATASET")
    other = None if against is None else read_documents_of(storage.locate(against))
    rows = {name: _packs(name, COLUMNS, "--bits") for name in bits}
    pairs = {name: read_pairs(name, options.reading("pairs")) for name in retrieval}
    prompts = {name: _prompts(name, options) for name in mixed}

    trained = open_model(given, tokenizer=tokenizer, device=device)
    say(
        f"{trained.path}: {type(trained.model).__name__}, {trained.model.num_parameters():,} parameters, "
        f"tokenizer of {trained.tokenizer.vocab_size:,} ids, on {next(trained.model.parameters()).device}"
    )
    packed = [*rows.values(), *prompts.values(), *(one.packed for one in pairs.values())]
    for one in packed:
        if isinstance(one, TokenRows):
            one.vocabulary.check_packed_with(trained.tokenizer, trained.tokenizer_path, one.folder)
    if bits:
        trained.require(CAUSAL, MASKED, what="--bits")
    pseudo = trained.architecture == MASKED
    if other is not None and not any(one.pseudo == pseudo for langs in other.values() for one in langs.values()):
        kinds = ("bits per byte", "pseudo bits per byte")
        raise UserError(
            f"{against} has {kinds[not pseudo]}, and {trained.path} is a model of {kinds[pseudo]}",
            remedy="name an evaluation of a model that reads as many ways: --against DIR",
        )
    if mixed:
        trained.require(CAUSAL, what="--mixing")
    with needing_memory(partial(_out_of_memory, options.batch)):
        documents = {name: _bits(trained, one, options, say) for name, one in rows.items()}
        measured: dict[str, dict[str, Any]] = {
            "bits": {name: _told(found, rows[name], say) for name, found in documents.items()},
            "retrieval": {name: retrieve(trained, one, options, say) for name, one in pairs.items()},
            "mixing": {name: _mixing(trained, one, options) for name, one in prompts.items()},
        }
    if other is not None:
        for name, found in documents.items():
            measured["bits"][name] |= _compared(name, found, str(against), other, say)
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


def _packs(name: str, columns: Sequence[str], what: str) -> TokenRows:
    rows = TokenRows.open(storage.locate(name))
    if rows.view is not None:
        raise UserError(
            f"{name} holds rows of the view {rows.view}; {what} reads packs",
            remedy="make packs of held-out documents: xlcorpus pack, without --view",
        )
    rows.require(columns, what)
    rows.require_rows(HOLD_OUT_MORE)
    return rows


def _prompts(name: str, options: EvaluateOptions) -> TokenRows | Texts:
    folder = storage.locate(name)
    if is_dataset(folder) and Dataset.open(folder).manifest.schema_name == SCHEMA:
        return _packs(name, ("input_ids", "doc_starts", "doc_offsets", "langs"), "--mixing")
    return read_documents(name, options.reading("documents"))


def _bits(
    trained: TrainedModel, rows: TokenRows, options: EvaluateOptions, say: Callable[[str], None]
) -> dict[str, Bits]:
    kind = OBJECTIVES.find(_OBJECTIVES[trained.architecture])
    objective = objective_for(rows, kind, kind.options())
    _check_length(trained, rows)
    objective.prepare(trained.model)
    pieces = trained.tokenizer.piece_bytes
    count = min(rows.count, options.rows or rows.count)
    say(f"{rows.folder}: {count:,} of {rows.count:,} rows of {rows.length:,} tokens")
    found = bits_per_byte(trained.model, objective, rows, batch=options.batch, piece_bytes=pieces, limit=options.rows)
    if not found:
        raise UserError(
            f"no byte of text in {rows.folder} could be measured", remedy="name packs with texts, or raise --rows"
        )
    if not all(math.isfinite(one.total["nats"]) for one in found.values()):
        raise UserError(
            f"the losses of {trained.path} are no numbers", remedy="its weights are damaged: use an earlier checkpoint"
        )
    return found


def _told(found: Mapping[str, Bits], rows: TokenRows, say: Callable[[str], None]) -> dict[str, Any]:
    packed = rows.manifest.notes.get("counts", {}).get("languages", {})
    without = sorted({lang or "und" for lang in packed} - {*found})
    if without:
        say(f"{rows.folder}: nothing was measured of {', '.join(without)}")
    facts = summary(found)
    unknown = {lang: one["unknown"] for lang, one in facts["languages"].items() if one["unknown"] > _MANY_UNKNOWN}
    if unknown:
        shares = ", ".join(f"{lang} {share:.1%}" for lang, share in unknown.items())
        say(f"{rows.folder}: tokens that say no more than that a character is unknown make figures too good: {shares}")
    return {"fingerprint": rows.manifest.content_fingerprint, **facts, "without": without}


def _compared(
    name: str,
    ours: Mapping[str, Bits],
    against: str,
    other: Mapping[str, Mapping[str, Bits]],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Beside the dataset there that holds the most of our documents: packs of two tokenizers have two names."""
    found = {there: made for there, theirs in other.items() if (made := differences(ours, theirs)) is not None}
    if not found:
        say(f"no document of {name} was measured in {against}: they are not compared")
        return {}
    there = max(found, key=lambda one: found[one]["all"]["documents"])
    return {"against": {"evaluation": against, "dataset": there, **found[there]}}


def _check_length(trained: TrainedModel, rows: TokenRows) -> None:
    if trained.length is not None and rows.length > trained.length:
        raise UserError(
            f"{rows.folder} has rows of {rows.length:,} tokens, and {trained.path} reads {trained.length:,}",
            remedy=f"pack them again with --length {trained.length}",
        )


def _mixing(trained: TrainedModel, given: TokenRows | Texts, options: EvaluateOptions) -> dict[str, Any]:
    if isinstance(given, TokenRows):
        return mixing(trained, prompts_of_packs(trained, given, options), options)
    return mixing(trained, prompts_of_texts(trained, given, options), options)
