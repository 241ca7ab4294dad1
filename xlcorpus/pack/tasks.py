"""What is made of each shard of a dataset, in the order of its rows: counts first, then packs or the rows of a view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, languages_read, sum_by, text_or_empty
from xlcorpus.dataset.dataset import Shard, read_batches, shard_fields
from xlcorpus.dataset.decisions import DECISION, decide, empty
from xlcorpus.dataset.kept import numbered, with_kept
from xlcorpus.dataset.kinds import marks_read
from xlcorpus.dataset.record import Written
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.pack.byte_budgets import ByteBudget, plan_bytes, read_budgets
from xlcorpus.pack.crops import tokenize_crops
from xlcorpus.pack.decision_rows import for_decisions
from xlcorpus.pack.holdout import HELD_OUT, HeldOut, id_column, labels_of
from xlcorpus.pack.kept import KeptValues, packed_schema
from xlcorpus.pack.label_ids import LabelIds, ids_for, load_label_ids, tags_in
from xlcorpus.pack.labels import VIEW as LABELS
from xlcorpus.pack.labels import LabelSource, label_source, tokenize_labels
from xlcorpus.pack.language_ids import NO_SCRIPT, LanguageIds, load_ids, script_names
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import TASK_ROWS, pack_schema
from xlcorpus.pack.side_templates import templates_of
from xlcorpus.pack.sides import VIEWS, no_side_counts, rows_for, tokenize_sides
from xlcorpus.pack.templated import OTHER_KIND, columns_read, template_of
from xlcorpus.pack.tokenize import STEP_NAME, tokenize_batch
from xlcorpus.text.codepoints import byte_lengths
from xlcorpus.tokenizer.open import open_once
from xlcorpus.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True)
class Packed:
    """The record of a task: what was written, and the counts of packing (`PackCounts`, `sides.no_side_counts`)."""

    written: Written
    counts: Counts


@dataclass(frozen=True)
class Held:
    """What a shard holds: bytes of text by language, and the labels, scripts and tags that are to be numbered, sorted;
    tag_names: of a class label, in their own order."""

    bytes: dict[str, int]
    labels: tuple[str, ...]
    scripts: tuple[str, ...]
    tags: tuple[str, ...] = ()
    tag_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class CountShard:
    """What there is to budget and to number.

    bytes: whether to count them; labels: columns of labels that are numbered; scripts: whether scripts are; held: the
    rows whose bytes do not count; view: of a mix, the rows of this view alone are numbered; tags: the options where
    labels of tokens are numbered.
    """

    bytes: bool = False
    labels: tuple[str, ...] = ()
    scripts: bool = False
    held: HeldOut | None = None
    view: str | None = None
    tags: PackOptions | None = None

    @classmethod
    def for_options(cls, options: PackOptions, held: HeldOut | None = None) -> CountShard | None:
        """What has to be counted before the work, if anything."""
        if not options.numbered and options.byte_budget is None:
            return None
        sides = VIEWS[options.view] if options.view else None
        labels = tuple(sides.labels) if sides else ("lang",) if options.pure else ()
        scripts, tags = sides.script if sides else options.pure, options if options.view == LABELS else None
        return cls(options.byte_budget is not None, labels, scripts, held, options.view, tags)

    def __call__(self, number: int, shard: Shard) -> Held:
        """One pass over the columns that are needed."""
        if self.tags is not None:
            return _held_labels(shard, self.tags)
        counts: Counter[str] = Counter()
        labels: set[str] = set()
        scripts: set[str] = set()
        wanted = {"text", "lang"} if self.bytes else set()
        wanted |= {id_column(shard.columns)} if self.bytes and self.held is not None else set()
        wanted |= {*self.labels, *(("script", "kind") if self.scripts else ())}
        of_packs = languages_read(shard.columns) if self.view is None and "lang" in self.labels else ()
        wanted |= {*of_packs, *(marks_read(VIEWS[self.view].kind, shard.schema, shard.columns) if self.view else ())}
        columns = [name for name in shard.columns if name in wanted]
        given = [name for name in self.labels if of_packs or name in columns]
        if len(given) < len(self.labels):
            labels.add("")  # rows without a label are und
            scripts.add(NO_SCRIPT)
        for batch in read_batches(shard, columns) if columns else ():
            if self.bytes:
                sizes = byte_lengths(batch.column("text"))
                if self.held is not None:
                    sizes[self.held.rows(batch)] = 0
                counts.update(sum_by(text_or_empty(batch, "lang"), sizes))
            if self.view is not None:
                batch = batch.filter(pa.array(rows_for(batch, shard.schema, self.view)))
            for name in given:
                langs = labels_of(batch) if of_packs else text_or_empty(batch, name)
                labels.update(pc.unique(langs).to_pylist())
                further = [column_or_null(batch, column, pa.string()) for column in ("script", "kind")]
                found = script_names(langs, *further) if self.scripts else script_names(langs)
                scripts.update(pc.unique(found).to_pylist())
        return Held(dict(sorted(counts.items())), tuple(sorted(labels)), tuple(sorted(scripts)))


def _held_labels(shard: Shard, options: PackOptions) -> Held:
    """What a shard of texts with labels of tokens holds."""
    langs: set[str] = set()
    scripts: set[str] = set()
    tags: set[str] = set()
    source = label_source(shard_fields(shard), options.label_column)
    names = source.columns.names.get(source.column, ())
    wanted = (source.lang, source.column, source.columns.tokens)
    for batch in read_batches(shard, [name for name in shard.columns if name in wanted]):
        labels = text_or_empty(batch, source.lang)
        langs.update(pc.unique(labels).to_pylist())
        scripts.update(pc.unique(script_names(labels)).to_pylist())
        tags |= tags_in(batch, source.column, source.columns)
    return Held({}, tuple(sorted(langs)), tuple(sorted(scripts)), tuple(sorted(tags)), names)


def labels_for(options: PackOptions, held: Sequence[Held]) -> LabelIds | None:
    """The numbers of tags where the options ask for them."""
    if options.view != LABELS:
        return None
    base = load_label_ids(locate(options.label_ids)) if options.label_ids else None
    tags = {tag for one in held for tag in one.tags}
    return ids_for(tags, [one.tag_names for one in held], options.label_scheme, base)


def number_languages(held: Sequence[Held], base: LanguageIds | None) -> LanguageIds:
    """Numbers of all labels and scripts that the shards hold; those of `base` stay."""
    labels = {label for one in held for label in one.labels}
    scripts = {script for one in held for script in one.scripts}
    return LanguageIds.build(labels, scripts=scripts, base=base)


def numbers_for(options: PackOptions, held: Sequence[Held]) -> LanguageIds | None:
    """The numbers of languages and scripts where the options ask for them."""
    if not options.numbered:
        return None
    return number_languages(held, load_ids(locate(options.language_ids)) if options.language_ids else None)


@dataclass(frozen=True)
class PackShard:
    """Documents to packs. languages: packs are pure, with these numbers; budgets: bytes to take of each task; held: the
    documents of its side alone; aside: a folder for the columns that are kept."""

    options: PackOptions
    languages: LanguageIds | None = None
    budgets: tuple[Mapping[str, int], ...] | None = None
    keep_text: bool = False
    held: HeldOut | None = None
    aside: Location | None = None

    def results(self, number: int, shard: Shard, counts: Counts) -> Iterator[Result]:
        """What each batch of the shard gives, and last what waited; adds to counts."""
        kept, one = self.options.kept, self.options.strategy == "one"
        if not kept:
            yield from self._packs(number, shard, counts)
            return
        assert self.aside is not None
        values = KeptValues.laid_aside(kept, shard, self.aside / f"kept-{number:05d}.arrow")
        for result in self._packs(number, shard, counts, numbers=True):
            if not result.rows.num_rows:
                yield replace(result, rows=empty(packed_schema(result.rows.schema, values.schema, one=one)))
                continue
            for packs in values.beside(result.rows, one=one):
                yield Result(packs)

    def _packs(self, number: int, shard: Shard, counts: Counts, *, numbers: bool = False) -> Iterator[Result]:
        """Each result has rows alone, or all but rows. numbers: with the rows of documents (`kept.ROW`)."""
        tokenizer = open_once(self.options.tokenizer)
        packer = Packer(self.options, number, self.languages, tokenizer.piece_bytes)
        budget = None if self.budgets is None else ByteBudget(self.budgets[number], cut=self.options.cut)
        template = template_of(self.options)
        first, none = 0, empty(pack_schema(trains=template is not None and template.trains))
        for batch in read_batches(shard, columns_read(shard.columns, template)):
            if numbers:
                batch = numbered(batch, first)
                first += batch.num_rows
            batch, gone = _of_side(batch, self.held, keep_text=self.keep_text)
            if gone.num_rows:
                yield Result(none, gone, rows_in=gone.num_rows)
            rows_in, keep = batch.num_rows, None
            if budget is not None:
                taken = budget.take(batch, keep_text=self.keep_text)
                batch, keep = taken.documents, taken.keep
                yield Result(none, taken.decisions)
            tokenized = tokenize_batch(batch, tokenizer, self.options, keep=keep, keep_text=self.keep_text)
            yield Result(none, tokenized.decisions, tokenized.rejects, rows_in=rows_in)
            for packs in packer.add(tokenized.documents):
                yield Result(packs)
        for packs in packer.finish():
            yield Result(packs)
        add_counts(counts, asdict(packer.counts))
        # As the packer counted them, so that the tally's check can fail.
        yield Result(none, merged=packer.counts.merged, repeated=packer.counts.repeated)


@dataclass(frozen=True)
class TokenizeShard:
    """Pairs, triples, documents, or texts with labels of their tokens, to rows of a view. seed: of what is drawn."""

    options: PackOptions
    languages: LanguageIds | None = None
    keep_text: bool = False
    held: HeldOut | None = None
    seed: int = 0
    tags: LabelIds | None = None

    def results(self, number: int, shard: Shard, counts: Counts) -> Iterator[Result]:
        """What each batch of the shard gives; adds to counts."""
        assert self.options.view is not None
        tokenizer, first = open_once(self.options.tokenizer), number * TASK_ROWS
        add_counts(counts, no_side_counts())
        spec, kept = VIEWS[self.options.view], self.options.kept
        marks = marks_read(spec.kind, shard.schema, shard.columns) if self.tags is None else ()
        wanted = {*spec.reads, *kept.wanted, "kind", *marks}
        for template in templates_of(self.options.side_templates).values():
            wanted.update(template.wanted(shard.columns))
        columns = shard_fields(shard)
        source = None if self.tags is None else label_source(columns, self.options.label_column)
        wanted |= set() if source is None else {source.text, source.lang, source.column, *source.columns.all}
        none = empty(pa.schema([*spec.schema, *kept.schema(columns)]))
        for batch in read_batches(shard, [name for name in shard.columns if name in wanted]):
            whole = np.ones(batch.num_rows, dtype=bool)
            fits = rows_for(batch, shard.schema, self.options.view) if source is None else whole
            if not fits.all():
                others, batch = batch.filter(pa.array(~fits)), batch.filter(pa.array(fits))
                if self.held is None or self.held.side == "training":
                    ones = np.ones(others.num_rows, dtype=np.int64)
                    add_counts(counts, {OTHER_KIND: sum_by(text_or_empty(others, "kind"), ones)})
                    gone = decide(for_decisions(others), STEP_NAME, OTHER_KIND, keep_text=self.keep_text)
                    yield Result(none, gone, rows_in=others.num_rows)
            batch, gone = _of_side(batch, self.held, keep_text=self.keep_text)
            if gone.num_rows:
                yield Result(none, gone, rows_in=gone.num_rows)
            made = self._made(numbered(batch) if kept else batch, tokenizer, first, source)
            first += made.rows.num_rows
            add_counts(counts, made.counts)
            made = replace(made, counts={}, rows_in=batch.num_rows)
            yield from with_kept(made, kept.of(batch)) if kept else (made,)
        yield Result(none)

    def _made(self, batch: pa.RecordBatch, tokenizer: Tokenizer, first: int, source: LabelSource | None) -> Result:
        options, languages, keep_text = self.options, self.languages, self.keep_text
        if source is not None and self.tags is not None:
            return tokenize_labels(batch, tokenizer, options, first, languages, self.tags, source, keep_text=keep_text)
        if options.view == "crops":
            return tokenize_crops(batch, tokenizer, options, first, languages, seed=self.seed, keep_text=keep_text)
        return tokenize_sides(batch, tokenizer, options, first, languages, keep_text=keep_text)


def _of_side(batch: pa.RecordBatch, held: HeldOut | None, *, keep_text: bool) -> tuple[pa.RecordBatch, pa.RecordBatch]:
    """The rows of a side, and decisions for those that training does without; the holdout is silent on the others."""
    if held is None:
        return batch, empty(DECISION)
    of_holdout = held.rows(batch)
    if held.side == "held":
        return batch.filter(pa.array(of_holdout)), empty(DECISION)
    gone = for_decisions(batch.filter(pa.array(of_holdout)))
    return batch.filter(pa.array(~of_holdout)), decide(gone, STEP_NAME, HELD_OUT, keep_text=keep_text)


def work_for(
    options: PackOptions,
    held: Sequence[Held],
    languages: LanguageIds | None,
    aside: HeldOut | None = None,
    *,
    keep_text: bool,
    scratch: Location | None = None,
    seed: int = 0,
) -> PackShard | TokenizeShard:
    """What is to be made of each shard. aside: the documents that are held out; scratch: a folder of the run."""
    if options.view is not None:
        return TokenizeShard(options, languages, keep_text, aside, seed, labels_for(options, held))
    budgets = None
    if options.byte_budget is not None:
        available = [one.bytes for one in held]
        budgets = tuple(plan_bytes(available, read_budgets(options.byte_budget, available)))
    return PackShard(options, languages, budgets, keep_text, aside, scratch)
