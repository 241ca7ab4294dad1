"""Apply thresholds: which documents stay, and a named reason for each one that does not."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, direction, put_columns, require_column, text_column
from xlcorpus.dataset.decisions import decide
from xlcorpus.dataset.kinds import PAIR
from xlcorpus.dataset.result import Counts, Result, add_counts
from xlcorpus.errors import UserError
from xlcorpus.pairs.sides import SIDES, of_side, side_rows
from xlcorpus.quality.datatrove.stop_words import count_exact
from xlcorpus.quality.pair_scores import pair_fields
from xlcorpus.quality.rules import Rule, Rules, StopWords
from xlcorpus.quality.stopwords import count_stop_words
from xlcorpus.quality.thresholds import PairThresholds, Thresholds

LANG_NOT_WANTED = "lang_not_wanted"
STOP_WORDS_BELOW = "stop_words_below"
DIRECTION_NOT_WANTED = "direction_not_wanted"
_PREFIX = re.compile("^(?:q|dt)_")


def filter_batch(
    batch: pa.RecordBatch, thresholds: Thresholds, *, step: str = "filter", keep_text: bool = False
) -> Result:
    """Documents that pass, unchanged and in order, and one decision row (schema decision-1) for each other one.

    The rules of each document are those of its `lang`, else its `script`, else the default ones. The reason is the
    first rule that it fails, in this order: `lang_not_wanted`; bounds in the order of `Thresholds.columns`
    (`n_words_missing`, `n_words_below`, `n_words_above`); `stop_words_below`. A null or NaN score passes, unless a rule
    drops what is missing. FineWeb-2's thresholds judge the
    signals that datatrove counts where the batch has them. Counts the documents of languages without a file there.
    Raises UserError naming the column where the batch lacks one that the thresholds need.
    """
    verdict = _Verdict(len(batch))
    counts = _judge(batch, thresholds, verdict)
    return verdict.result(batch, step, counts, keep_text=keep_text)


def filter_pairs(
    batch: pa.RecordBatch, thresholds: PairThresholds, *, step: str = "filter", keep_text: bool = False
) -> Result:
    """`filter_batch` of sentence pairs: those of which both sides and the pair itself pass.

    Each side is judged as a document of its language (`src_n_words_below`), first src, then tgt; then the pair, by its
    direction (`pair_length_ratio_above`, `direction_not_wanted`), on any numeric column that it has. lang of a decision
    is the direction, its text both sides with a line feed between.
    """
    verdict = _Verdict(len(batch))
    counts: Counts = {}
    for side in SIDES:
        add_counts(counts, _judge(side_rows(batch, side), thresholds.sides, verdict, side))
    pairs = put_columns(batch, {"lang": direction(batch)})
    _judge(pairs, thresholds.pairs, verdict, PAIR)
    return verdict.result(batch, step, counts, keep_text=keep_text)


def _judge(batch: pa.RecordBatch, thresholds: Thresholds, verdict: _Verdict, of: str = "") -> Counts:
    """Note the first rule that each row fails; of: a side or `PAIR`, which names columns and reasons."""
    thresholds = thresholds.suited_to(batch.schema.names)
    _check_columns(batch, thresholds, of)
    lang, script = _labels(batch, "lang"), _labels(batch, "script")
    unwanted, none = _unwanted(lang, thresholds), np.full(len(batch), np.nan)
    reasons = "" if of in ("", PAIR) else f"{of}_"
    verdict.fail(unwanted, DIRECTION_NOT_WANTED if of == PAIR else f"{reasons}{LANG_NOT_WANTED}", none, none)
    rules, rules_of = _rules(lang, script, thresholds, len(batch))
    for column in thresholds.rule_columns:
        _compare(batch, column, rules, rules_of, verdict, reasons)
    _stop_words(batch, rules, rules_of, verdict, reasons)
    return _without_file(lang, script, thresholds) if thresholds.published else {}


class _Verdict:
    """The first failed rule of each row: its reason (-1 for none), score and threshold."""

    def __init__(self, rows: int) -> None:
        self.reasons: list[str] = []
        self.reason = np.full(rows, -1, dtype=np.int32)
        self.score = np.full(rows, np.nan)
        self.threshold = np.full(rows, np.nan)

    def fail(self, failed: np.ndarray, reason: str, score: np.ndarray, threshold: np.ndarray) -> None:
        """Note `reason` for the rows of bool[rows] that have failed nothing before."""
        rows = np.flatnonzero(failed & (self.reason < 0))
        self.reason[rows] = len(self.reasons)
        self.reasons.append(reason)
        self.score[rows], self.threshold[rows] = score[rows], threshold[rows]

    def result(self, batch: pa.RecordBatch, step: str, counts: Counts, *, keep_text: bool) -> Result:
        """The rows that have failed nothing, and decisions for the others."""
        removed = np.flatnonzero(self.reason >= 0)
        kept = batch if not len(removed) else batch.take(pa.array(np.flatnonzero(self.reason < 0)))
        gone = decide(
            batch.take(pa.array(removed)),
            step,
            pa.array(self.reasons, pa.string()).take(pa.array(self.reason[removed])),
            score=pa.array(self.score[removed], from_pandas=True),  # NaN: there is none
            threshold=pa.array(self.threshold[removed], from_pandas=True),
            keep_text=keep_text,
        )
        return Result(kept, gone, counts=counts)


@dataclass(frozen=True)
class _Labels:
    """A string column as numbers: values[codes[row]]; None for null and for a column that is not there."""

    values: list[str | None]
    codes: np.ndarray


def _labels(batch: pa.RecordBatch, name: str) -> _Labels:
    column = column_or_null(batch, name, pa.string()).cast(pa.string()).dictionary_encode()
    codes = column.indices.fill_null(len(column.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return _Labels([*column.dictionary.to_pylist(), None], codes)


def _unwanted(lang: _Labels, thresholds: Thresholds) -> np.ndarray:
    keep, drop = thresholds.keep_languages, set(thresholds.drop_languages)
    bad = [name in drop or (keep is not None and name not in keep) for name in lang.values]
    unwanted: np.ndarray = np.array(bad, dtype=bool)[lang.codes]
    return unwanted


def _rules(lang: _Labels, script: _Labels, thresholds: Thresholds, rows: int) -> tuple[list[Rules], np.ndarray]:
    """The different sets of rules of a batch, and int64[rows], the set of each row."""
    pair = lang.codes * len(script.values) + script.codes
    pairs, pair_of = np.unique(pair, return_inverse=True)
    numbers: dict[int, int] = {}
    different: list[Rules] = []
    set_of_pair = np.zeros(len(pairs), dtype=np.int64)
    for index, value in enumerate(pairs.tolist()):
        lang_number, script_number = divmod(value, len(script.values))
        found = thresholds.rules_for(lang.values[lang_number], script.values[script_number])
        if id(found) not in numbers:  # rules_for keeps them, so equal labels give the same object
            numbers[id(found)] = len(different)
            different.append(found)
        set_of_pair[index] = numbers[id(found)]
    return different, set_of_pair[pair_of.reshape(rows)]


def _without_file(lang: _Labels, script: _Labels, thresholds: Thresholds) -> Counts:
    """Documents by language of which a published folder has no file, and of which it has one under another name."""
    pairs, rows = np.unique(lang.codes * len(script.values) + script.codes, return_counts=True)
    counts: Counts = {"without_file": {}, "under_other_name": {}}
    for pair, count in zip(pairs.tolist(), rows.tolist(), strict=True):
        label = lang.values[pair // len(script.values)]
        name = thresholds.section_of(label, script.values[pair % len(script.values)])
        if name is None:
            add_counts(counts, {"without_file": {label or "no language": count}})
        elif name != label:
            add_counts(counts, {"under_other_name": {f"{label} as {name}": count}})
    return {name: found for name, found in counts.items() if found}


def _compare(
    batch: pa.RecordBatch, column: str, rules: list[Rules], rules_of: np.ndarray, verdict: _Verdict, of: str
) -> None:
    """Fail the rows whose score lies outside the bounds of their rules."""
    bounds: list[Rule | None] = [next((rule for rule in some.bounds if rule.column == column), None) for some in rules]
    if not any(bounds):
        return
    scores = batch.column(column)
    values = pc.fill_null(scores.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    name = f"{of}{_PREFIX.sub('', column)}"
    missing = np.array([bound is not None and bound.drops_missing for bound in bounds], dtype=bool)[rules_of]
    if missing.any():
        none = np.full(len(batch), np.nan)
        verdict.fail(missing & np.isnan(values), f"{name}_missing", none, none)
    for side in ("min", "max"):
        limits = np.array([bound and getattr(bound, side) for bound in bounds], dtype=np.float64)  # None: NaN
        # float32 scores are compared with the threshold as float32: 0.3 must not be above 0.3.
        compared = limits.astype(np.float32).astype(np.float64) if pa.types.is_float32(scores.type) else limits
        limit = compared[rules_of]
        failed, how = (values < limit, "below") if side == "min" else (values > limit, "above")
        verdict.fail(failed, f"{name}_{how}", values, limits[rules_of])


def _stop_words(batch: pa.RecordBatch, rules: list[Rules], rules_of: np.ndarray, verdict: _Verdict, of: str) -> None:
    """Fail the rows that have failed nothing else and hold too few stop words."""
    least = np.array([some.stop_words.min if some.stop_words else 0 for some in rules], dtype=np.int64)
    rows = np.flatnonzero((verdict.reason < 0) & (least[rules_of] > 0))
    if not len(rows):
        return
    used = np.unique(rules_of[rows])
    lists = [words for words in (rules[number].stop_words for number in used.tolist()) if words]
    list_of = np.searchsorted(used, rules_of[rows])
    found = np.full(len(batch), np.nan)
    exact = np.array([words.exact for words in lists])[list_of]
    if exact.any():
        estimated = count_exact(batch, rows[exact], [words.words for words in lists], list_of[exact], found)
        exact[exact] = ~estimated
    loose = rows[~exact]
    folded = [StopWords.of(words.words, words.min) or words for words in lists]
    found[loose] = count_stop_words(text_column(batch).take(pa.array(loose)), folded, list_of[~exact])
    limit = least[rules_of].astype(np.float64)
    verdict.fail(found < limit, f"{of}{STOP_WORDS_BELOW}", found, limit)


def _check_columns(batch: pa.RecordBatch, thresholds: Thresholds, of: str) -> None:
    def named(column: str) -> str:
        return column if of in ("", PAIR) else of_side(of, column)

    schema = pa.schema([field.with_name(named(field.name)) for field in batch.schema])
    for column in ("doc_id", "origin", *thresholds.columns):
        name = named(column)
        kind = require_column(schema, name, "what the thresholds judge", remedy=_remedy(column)).type
        numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        if column in thresholds.rule_columns and not numeric:
            raise UserError(
                f"the thresholds name the column {name!r}, which is {kind}, not a number",
                remedy="name a numeric column, or take the rule out of the thresholds",
            )


def _remedy(column: str) -> str:
    if column.startswith(("q_", "src_q_", "tgt_q_")) or column in [field.name for field in pair_fields()]:
        return "run `xlcorpus score` first"
    if column.startswith(("dt_", "src_dt_", "tgt_dt_")):
        return "run `xlcorpus score --signals datatrove` first"
    if column.startswith("lang_sentence"):
        return "run `xlcorpus identify --sentences` first"
    if column in ("lang", "lang_score", "script", "script_share") or column.endswith("lang_disagreement"):
        return f"run `xlcorpus identify` first, or switch the rule off: `{column}: null`"
    if column in ("doc_id", "origin", "text"):
        return "make the dataset with `xlcorpus ingest`"
    return "correct the name in the thresholds"
