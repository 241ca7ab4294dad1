"""Packs of token-1, by document, in the format of another trainer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
from pydantic import model_validator

import xlcorpus
from xlcorpus.dataset import storage
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.layout import CARD
from xlcorpus.dataset.manifest import Manifest
from xlcorpus.dataset.record import dump_record
from xlcorpus.dataset.shards import PlainFile
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import ConservationError, IntegrityError, UserError
from xlcorpus.export.card import card_of
from xlcorpus.export.documents import COLUMNS, EPOCHS, Documents, Joiner, by_file, in_blocks
from xlcorpus.export.folder import making, put
from xlcorpus.export.format import FORMATS, Counted, Format, Target
from xlcorpus.options import StepOptions, option
from xlcorpus.pack.facts import PackFacts
from xlcorpus.pack.packs import LOSS, PACK_AGAIN
from xlcorpus.text.sizes import parse_size

_LEAST_FILE = 1_000
_LONGEST_BLOCK = 1 << 24  # 64 MB, in memory


class ExportOptions(StepOptions):
    """Options of export."""

    format: str = option(description="megatron, datatrove, olmo, litgpt, mds, or one that another package adds")
    file_size: str | None = option(
        None, description="bytes of a file of tokens, 500MB or 8GB; default: 64MB (litgpt, mds), 2GB, 8GB (megatron)"
    )
    block: int | None = option(
        None,
        ge=1,
        le=_LONGEST_BLOCK,
        description="litgpt, mds: items of so many tokens, whatever documents they are of",
    )

    @property
    def found(self) -> Format:
        """The format; raises UserError where there is none of the name."""
        return FORMATS.find(self.format)

    @property
    def file_bytes(self) -> int:
        """Bytes of a file of tokens."""
        if self.file_size is None:
            return self.found.file_bytes
        return parse_size(self.file_size, "--file-size", in_bytes=True, remedy="write 64MB, 2GB or 500k")

    @model_validator(mode="after")
    def _check_together(self) -> ExportOptions:
        most = self.found.most_bytes
        if self.file_bytes < _LEAST_FILE or (most is not None and self.file_bytes > most):
            bounds = f"at least {_LEAST_FILE:,}" + ("" if most is None else f" and at most {most:,}")
            raise UserError(f"--file-size {self.file_size}: a file has {bounds} bytes", remedy="write 64MB")
        if self.block is not None and not self.found.in_blocks:
            raise UserError(
                f"--block is of formats whose items a trainer takes as they are; {self.format} holds documents, which "
                "its reader cuts at any length",
                remedy="leave out --block",
            )
        return self


@dataclass
class Exported:
    """What was written: files, documents and tokens.

    ending: documents that end with the id that is to end them; inside: how often that id stands elsewhere;
    trained_in_part: the packs say which tokens are trained on, which is left behind.
    """

    target: Target
    files: list[Counted] = field(default_factory=list)
    documents: int = 0
    tokens: int = 0
    ending: int = 0
    inside: int = 0
    trained_in_part: bool = False

    def counting(self, dataset: Location, documents: Iterable[Documents]) -> Iterator[Documents]:
        """The documents of the dataset, counted and checked as they pass."""
        size = self.target.tokenizer.vocab_size
        for some in documents:
            if not len(some.sizes):
                continue
            if some.ids.min() < 0 or some.ids.max() >= size:
                raise IntegrityError(
                    f"{dataset} has ids from {some.ids.min():,} to {some.ids.max():,}, and its tokenizer {size:,} ids",
                    remedy=PACK_AGAIN,
                )
            self.documents += len(some.sizes)
            self.tokens += len(some.ids)
            if self.target.end is not None:
                ends = some.ids[np.cumsum(some.sizes) - 1] == self.target.end
                self.ending += int(ends.sum())
                self.inside += int((some.ids == self.target.end).sum() - ends.sum())
            yield some


def export(dataset: Location, output: Location, options: ExportOptions, *, overwrite: bool = False) -> Exported:
    """Write the documents of a dataset of packs into a folder, in the order of the packs in which they end.

    Raises UserError for views, for a dataset without rows, and where the format finds documents by an id that these do
    not end with; IntegrityError where parts of documents are missing; ConservationError where tokens are.
    """
    opened, format_ = Dataset.open(dataset), options.found
    manifest = opened.manifest
    facts = PackFacts.of(manifest, str(dataset))
    _check_packs(dataset, manifest, facts)
    end = _end_of(manifest, facts)
    if end is None and format_.cuts_by_end:
        raise _no_end(dataset, format_, "these end without one")
    if storage.is_inside(output, dataset) or storage.is_inside(dataset, output):
        raise UserError(
            f"--output {output} and the dataset {dataset} lie in one another", remedy="choose another --output folder"
        )
    dtype = format_.dtype(facts.tokenizer.vocab_size)
    with making(output, overwrite=overwrite) as made:
        target = Target(made, dtype, facts.tokenizer, end, options.block)
        done = Exported(target, trained_in_part=LOSS in manifest.arrow_schema.names)
        epochs = EPOCHS in manifest.arrow_schema.names
        joiner = Joiner(dataset, facts.length, epochs, made.parent)
        packs = opened.batches([*COLUMNS, *([EPOCHS] if epochs else [])])
        documents = done.counting(dataset, joiner.join(packs))
        if options.block is not None:
            documents = in_blocks(documents, options.block)
        numbered = by_file(documents, dtype.itemsize, format_.document_bytes, options.file_bytes)
        for number, group in groupby(numbered, key=lambda one: one[0]):
            done.files.append(format_.write(done.target, number, (some for _, some in group)))
        _check_tokens(dataset, joiner.tokens, done)
        if options.block is not None and options.block > done.tokens:
            raise UserError(
                f"{dataset} has {done.tokens:,} tokens, which do not fill a block of {options.block:,}",
                remedy="lower --block: the context length of the model, for litgpt one more",
            )
        if format_.cuts_by_end and (done.ending < done.documents or done.inside):
            lacking = f"{done.documents - done.ending:,} of {done.documents:,} documents do not end with {end}"
            raise _no_end(dataset, format_, f"{lacking}, which stands {done.inside:,} times inside them")
        beside = format_.finish(done.target, done.files)
        names = [name for file in done.files for name in file.names] + [*beside]
        facts_of_it = _said(manifest, facts, options, done)
        storage.write_text(made / CARD, card_of(facts_of_it, format_.opened_by(done.target, done.files)))
        names.append(CARD)
        facts_of_it["files"] = [_file(made, name, done) for name in names]
        put(output, made, names, facts_of_it | {"checksum": storage.fingerprint(facts_of_it)})
    return done


def _check_packs(dataset: Location, manifest: Manifest, facts: PackFacts) -> None:
    if facts.view is not None:
        raise UserError(
            f"{dataset} holds rows of the view {facts.view}: pairs without special ids, which no trainer of running "
            "text reads as they are meant",
            remedy="export packs (`xlcorpus pack` without --view); views are read by `xlcorpus pretrain`",
        )
    if not manifest.rows:
        raise UserError(f"{dataset} has no rows: there is nothing to export", remedy="name a dataset that has some")


def _end_of(manifest: Manifest, facts: PackFacts) -> int | None:
    """The id that ends each document; of shards that do not note what is around documents, eos."""
    if "around" in manifest.notes:
        return facts.around[1][-1] if facts.around[1] else None
    return facts.tokenizer.special_ids.get("eos")


def _no_end(dataset: Location, format_: Format, what: str) -> UserError:
    return UserError(
        f"{dataset}: readers of {format_.name} tell documents apart by the id that ends them; {what}",
        remedy="pack with --eos (objective clm has it by itself), or choose another --format",
    )


def _check_tokens(dataset: Location, read: int, done: Exported) -> None:
    written = sum(file.tokens for file in done.files)
    if not read == done.tokens == written:
        raise ConservationError(
            f"{dataset}: {read:,} tokens were read, {done.tokens:,} are in documents, {written:,} were written",
            remedy="this is a defect of xlcorpus: please report it; nothing was left of the export",
        )


def _said(manifest: Manifest, facts: PackFacts, options: ExportOptions, done: Exported) -> dict[str, Any]:
    """What export.json says, but for the files; equal exports say the same."""
    return {
        "format": options.format,
        "options": options.recorded(),
        "dtype": done.target.dtype.name,
        "documents": done.documents,
        "tokens": done.tokens,
        "items": sum(file.documents for file in done.files),
        "document_end": {"id": done.target.end, "documents": done.ending, "elsewhere": done.inside},
        "dataset": {
            "content_fingerprint": manifest.content_fingerprint,
            "fingerprint": manifest.fingerprint,
            "schema": manifest.schema,
            "rows": manifest.rows,
            "length": facts.length,
            "around": manifest.notes.get("around"),
            **({"trained_in_part": True} if done.trained_in_part else {}),
        },
        "tokenizer": dump_record(facts.tokenizer),
        "code_version": xlcorpus.__version__,
    }


def _file(made: Location, name: str, done: Exported) -> dict[str, Any]:
    """A file as export.json names it; of one of tokens, what it holds."""
    plain = PlainFile.of(made, name)
    counts = {file.names[0]: {"items": file.documents, "tokens": file.tokens} for file in done.files}
    return {"name": plain.name, "bytes": plain.bytes, "sha256": plain.sha256, **counts.get(name, {})}
