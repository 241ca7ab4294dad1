"""What is looked at in mined pairs: vectors, lengths, languages, copies. A score is not a decision: both are here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import column_or_null, put_columns, text_or_empty
from xlcorpus.dataset.result import Result
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.known_languages import KEEP, with_known
from xlcorpus.lid.model import LanguageModel
from xlcorpus.lid.pair_languages import identify_pairs
from xlcorpus.mine.embedder import Embedder, EmbedderOptions, embed_all
from xlcorpus.options import option
from xlcorpus.pairs.cosines import Vectors, cosines
from xlcorpus.pairs.sides import SIDES, each_side, of_side
from xlcorpus.quality.pair_scores import letters_of, score_pairs
from xlcorpus.quality.signals import score_batch
from xlcorpus.text.tables import table_lines

EMPTY, COPY, DEMONSTRATION, PROMPT = "empty_side", "copy", "copied_demonstration", "copied_prompt"
LANGUAGE, LENGTH, REPEATED, BELOW = "another_language", "length_ratio_above", "repeated_pair", "sim_below"
TAUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))  # of the curve
_KEPT = ("pair_length_ratio", "pair_length_factor_ratio", "pair_copy", "pair_lang_disagreement")
_SIDES_KEPT = ("lang_disagreement",)


class JudgeOptions(EmbedderOptions):
    """What pairs must have to pass."""

    files: ClassVar[tuple[str, ...]] = (*EmbedderOptions.files, "lid")
    tau: float = option(0.9, ge=-1, le=1, description="least cosine of the vectors of both sides (published: 0.90)")
    most_length_ratio: float = option(
        2.0,
        ge=1,
        description="most times that a side may be as long as the other, by the usual lengths of both languages",
    )
    most_disagreement: float = option(
        0.9, ge=0, le=1, description="how sure the model of languages may be that a side is in another language"
    )
    lid: str = option("embedded", description="model of languages: embedded, lid176, or the path of a fastText model")


@dataclass(frozen=True)
class Judged:
    """rows: the pairs with sim and other scores; vectors: of src; reasons: object[rows], None of those that pass, with
    score and threshold (float64[rows], NaN where there is none)."""

    rows: pa.RecordBatch
    vectors: Vectors
    reasons: np.ndarray
    scores: np.ndarray
    thresholds: np.ndarray

    @property
    def passed(self) -> np.ndarray:
        """bool[rows]."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

    def curve(self) -> list[tuple[float, int]]:
        """How many pairs would pass at each tau, all else as it is; of repeated pairs the best one counts."""
        sim = self.rows.column("sim").to_numpy()
        other = np.array([reason in (None, BELOW) for reason in self.reasons], dtype=bool)
        return [(tau, int((other & (sim >= tau)).sum())) for tau in TAUS]


def judge(batch: pa.RecordBatch, options: JudgeOptions, embedder: Embedder, model: LanguageModel) -> Judged:
    """Judge pairs (schema pair-1; natural_side and shots where they have them), all of them together.

    New columns: sim (float32), src_lang_disagreement and tgt_lang_disagreement (identify), pair_length_ratio,
    pair_length_factor_ratio and pair_copy (score). The first reason counts: an empty side; a copy of the other side, of
    a demonstration, or of the prompt, in what a model wrote; another language; lengths; a repeated pair, of which the
    one with the greatest sim passes, the first of equals; sim.
    """
    texts = {side: text_or_empty(batch, side) for side in SIDES}
    langs = {side: text_or_empty(batch, of_side(side, "lang")) for side in SIDES}
    one, other = embed_all(embedder, *((texts[side], langs[side]) for side in SIDES))
    sim = cosines(one, other)
    rows = put_columns(_scored(batch, model), {"sim": pa.array(sim.astype(np.float32))})
    letters = {side: letters_of(texts[side]) for side in SIDES}
    ratio = pc.coalesce(rows.column("pair_length_factor_ratio"), rows.column("pair_length_ratio"))
    # In float32, as filter would compare the columns.
    ratio, sim32 = ratio.to_numpy(zero_copy_only=False), sim.astype(np.float32)
    disagreement = _numbers(column_or_null(rows, "pair_lang_disagreement", pa.float32()))
    demonstration, prompt = _copied(batch, letters)
    none = np.full(len(batch), np.nan)
    found = Findings(np.full(len(batch), None, dtype=object), none.copy(), none.copy())
    found.add(EMPTY, np.logical_or(*(np.asarray(pc.equal(letters[side], "")) for side in SIDES)))
    found.add(COPY, np.asarray(rows.column("pair_copy")))
    found.add(DEMONSTRATION, demonstration)
    found.add(PROMPT, prompt)
    most = np.float32(options.most_disagreement)
    found.add(LANGUAGE, np.nan_to_num(disagreement, nan=0.0) > most, disagreement, options.most_disagreement)
    found.add(LENGTH, ratio > np.float32(options.most_length_ratio), ratio, options.most_length_ratio)
    found.add(REPEATED, _repeated(letters, sim32, found.open))
    found.add(BELOW, sim32 < np.float32(options.tau), sim32, options.tau)
    return Judged(rows, one, found.reasons, found.scores, found.thresholds)


@dataclass(frozen=True)
class Findings:
    """Reasons, scores and thresholds of rows, as they are found: the first counts."""

    reasons: np.ndarray
    scores: np.ndarray
    thresholds: np.ndarray

    @property
    def open(self) -> np.ndarray:
        """bool[rows]: those without a reason so far."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

    def add(
        self, reason: str, where: np.ndarray, score: np.ndarray | None = None, threshold: float = float("nan")
    ) -> None:
        """A reason for these rows (bool[rows]) that have none yet."""
        at = np.flatnonzero(where & self.open)
        self.reasons[at], self.thresholds[at] = reason, threshold
        if score is not None:
            self.scores[at] = score[at]


def _numbers(column: pa.Array) -> np.ndarray:
    values: np.ndarray = column.to_numpy(zero_copy_only=False).astype(np.float32)
    return values


def _scored(batch: pa.RecordBatch, model: LanguageModel) -> pa.RecordBatch:
    """The pairs with what identify and score say of them, `_KEPT` alone."""

    def identify(texts: pa.RecordBatch) -> Result:
        return with_known(texts, identify_batch(texts, model), model, KEEP)

    plain = batch.select(["doc_id", "src", "tgt", "src_lang", "tgt_lang"])
    rows = identify_pairs(plain, identify, model).rows
    rows = score_pairs(each_side(rows, lambda texts: Result(score_batch(texts))).rows)
    names = [*_KEPT, *(of_side(side, name) for side in SIDES for name in _SIDES_KEPT)]
    return put_columns(batch, {name: rows.column(name) for name in names if name in rows.schema.names})


def _copied(batch: pa.RecordBatch, letters: dict[str, pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """bool[rows] twice: what a model wrote is a side of one of its demonstrations; it holds the text to translate."""
    natural = column_or_null(batch, "natural_side", pa.string()).to_pylist()
    shots = column_or_null(batch, "shots", pa.null()).to_pylist()
    known = [[one[side] or "" for one in given or () for side in SIDES] for given in shots]
    flat = iter(letters_of(pa.array([text for given in known for text in given], pa.string())).to_pylist())
    of_shots = [{next(flat) for _ in given} for given in known]
    sides = {side: letters[side].to_pylist() for side in SIDES}
    demonstration, prompt = np.zeros((2, len(batch)), dtype=bool)
    for row, side in enumerate(natural):
        if side in SIDES:
            made = sides["tgt" if side == "src" else "src"][row]
            demonstration[row] = made in of_shots[row]
            prompt[row] = len(made) > len(sides[side][row]) > 0 and sides[side][row] in made
    return demonstration, prompt


def _repeated(letters: dict[str, pa.Array], sim: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """bool[rows]: those beside a better one of the same letters on both sides."""
    best: dict[tuple[str, str], int] = {}
    both = list(zip(letters["src"].to_pylist(), letters["tgt"].to_pylist(), strict=True))
    for row in np.flatnonzero(usable).tolist():
        first = best.setdefault(both[row], row)
        if sim[row] > sim[first]:
            best[both[row]] = row
    return np.array([usable[row] and best[one] != row for row, one in enumerate(both)], dtype=bool)


def judged_notes(judged: Judged, options: JudgeOptions) -> dict[str, Any]:
    """Counts by reason, the curve of tau, and both as lines for the user."""
    reasons = Counter(reason for reason in judged.reasons if reason is not None)
    curve = judged.curve()
    cells = [["tau", *(f"{tau:.2f}" for tau, _ in curve)], ["pairs", *(f"{count:,}" for _, count in curve)]]
    lines = [f"{int(judged.passed.sum()):,} of {len(judged.reasons):,} pairs pass (tau {options.tau:g})"]
    return {
        "passed": int(judged.passed.sum()),
        "reasons": dict(sorted(reasons.items())),
        "tau_curve": {f"{tau:.2f}": count for tau, count in curve},
        "table": [*lines, *table_lines(cells, right=range(1, len(cells[0])))],
    }
