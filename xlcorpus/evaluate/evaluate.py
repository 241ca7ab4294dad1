"""An evaluation, from the names of a model and of data to a report: read it from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
from xlcorpus.evaluate.generate import mixing, prompts_of_packs, prompts_of_texts
from xlcorpus.evaluate.models import TrainedModel, open_model
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.retrieve import retrieve
from xlcorpus.evaluate.texts import Texts, read_documents, read_pairs
from xlcorpus.pack.facts import SCHEMA
from xlcorpus.pretrain.data.rows import TokenRows
from xlcorpus.pretrain.failures import needing_memory
from xlcorpus.pretrain.initialize.architecture import CAUSAL, MASKED
from xlcorpus.pretrain.objective import OBJECTIVES
from xlcorpus.pretrain.sources import objective_for

_OBJECTIVES = {CAUSAL: "clm", MASKED: "mlm"}


def evaluate(
    given: str,
    *,
    bits: Sequence[str] = (),
    retrieval: Sequence[str] = (),
    mixed: Sequence[str] = (),
    options: EvaluateOptions,
    tokenizer: str | None = None,
    device: str | None = None,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """What a model is worth, as `evaluation.json` has it.

    bits: datasets of packs; retrieval: sentence pairs; mixed: packs or documents that prompts are taken from; tokenizer
    and device: as of `open_model`. Raises UserError; data are opened before the model is.
    """
    if not (bits or retrieval or mixed):
        raise UserError("nothing is asked for", remedy="--bits DATASET, --retrieval FILE or --mixing FILE")
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
            _check_tokenizer(trained, one)
    if bits:
        trained.require(CAUSAL, MASKED, what="--bits")
    if mixed:
        trained.require(CAUSAL, what="--mixing")
    with needing_memory(partial(_out_of_memory, options.batch)):
        measured = {
            "bits": {name: _bits(trained, one, options, say) for name, one in rows.items()},
            "retrieval": {name: retrieve(trained, one, options, say) for name, one in pairs.items()},
            "mixing": {name: _mixing(trained, name, one, options) for name, one in prompts.items()},
        }
    return {
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
) -> dict[str, Any]:
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
    if not all(math.isfinite(one.nats) for one in found.values()):
        raise UserError(
            f"the losses of {trained.path} are no numbers", remedy="its weights are damaged: use an earlier checkpoint"
        )
    packed = rows.manifest.notes.get("counts", {}).get("languages", {})
    without = sorted({lang or "und" for lang in packed} - {*found})
    if without:
        say(f"{rows.folder}: nothing was measured of {', '.join(without)}")
    return {"fingerprint": rows.manifest.content_fingerprint, **summary(found), "without": without}


def _check_tokenizer(trained: TrainedModel, rows: TokenRows) -> None:
    theirs, ours = rows.vocabulary, trained.tokenizer
    if theirs.fingerprint != ours.fingerprint:
        raise UserError(
            f"{rows.folder} was packed with the tokenizer {theirs.fingerprint} ({theirs.size:,} ids), and that of the "
            f"model, {trained.tokenizer_path}, is {ours.fingerprint} ({ours.vocab_size:,} ids)",
            remedy="pack the texts with the model's tokenizer; where both have the same ids (save_pretrained writes "
            "tokenizer.json anew), name the one that they were packed with: --tokenizer PATH",
        )


def _check_length(trained: TrainedModel, rows: TokenRows) -> None:
    if trained.length is not None and rows.length > trained.length:
        raise UserError(
            f"{rows.folder} has rows of {rows.length:,} tokens, and {trained.path} reads {trained.length:,}",
            remedy=f"pack them again with --length {trained.length}",
        )


def _mixing(trained: TrainedModel, name: str, given: TokenRows | Texts, options: EvaluateOptions) -> dict[str, Any]:
    if isinstance(given, TokenRows):
        return mixing(trained, prompts_of_packs(trained, given, options), options)
    return mixing(trained, prompts_of_texts(trained, name, given, options), options)
