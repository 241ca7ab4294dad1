"""Natural sentences of the target language translated back by a language model that is shown pairs: round after round.

Round 0 shows weak pairs the other way round, poor text of the target language and a fluent sentence of the source
language; later rounds show what was made in the round before, as far as it passes the filter. So the target side of
each pair is natural (El Mekki and Abdul-Mageed 2025, arXiv:2410.11006).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import one_batch
from xlcorpus.errors import UserError
from xlcorpus.lid.model import LanguageModel
from xlcorpus.mine.backend import Ask, Decoding
from xlcorpus.mine.embedder import Embedder, embed_all
from xlcorpus.mine.examples import Pool, choose_examples, listed
from xlcorpus.mine.fitting import Fitted
from xlcorpus.mine.judge import JudgeOptions, judge
from xlcorpus.mine.language_pair import PAIR_HELP, LanguagePair
from xlcorpus.mine.natural import Failed, pair_rows
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.pool import NAMES, POOL
from xlcorpus.mine.select import shots_of
from xlcorpus.options import option
from xlcorpus.pairs.cosines import Vectors
from xlcorpus.templates.template import parse

STEP_NAME = "mine-pairs"
NO_ANSWER, TOO_LONG, REFUSED = "no_answer", "prompt_too_long", "prompt_refused"  # reasons of decisions
Fit = Callable[[Sequence[Sequence[dict[str, str]]], Callable[[int, Sequence[dict[str, str]]], str], Decoding], Fitted]
TEMPLATE = (
    "{% for shot in shots %}{{ shot.tgt_name }}: {{ shot.tgt }}\\n{{ shot.src_name }}: {{ shot.src }}\\n\\n{% endfor %}"
    "{{ tgt_name }}: {{ text }}\\n{{ src_name }}:"
)
_SHOT = pa.struct([(name, pa.string()) for name in ("src", "tgt", *NAMES)])
COLUMNS = pa.schema(
    [("shots", pa.list_(_SHOT)), *((name, pa.string()) for name in ("text", *NAMES, "src_lang", "tgt_lang"))]
)


class PairsOptions(AskOptions, JudgeOptions):
    """Options of mine-pairs."""

    files: ClassVar[tuple[str, ...]] = (*AskOptions.files, *JudgeOptions.files)
    unrecorded: ClassVar[tuple[str, ...]] = (*AskOptions.unrecorded, *JudgeOptions.unrecorded)
    pair: str = option(description=PAIR_HELP)
    sentences: int = option(5000, ge=1, description="most sentences, those with the smallest hashes")
    demonstrations: Literal["weak", "diverse"] = option(
        "weak",
        description="what a prompt shows: pairs of both languages among the inputs, or pairs of other languages with "
        "the source language, a few that are the same for all (linguistically diverse prompts)",
    )
    shots: int = option(8, ge=0, description="demonstrations in a prompt")
    top: int = option(
        20, ge=1, only={"demonstrations": ["weak"]}, description="pairs nearest by vectors, of which BM25 chooses"
    )
    rounds: int = option(
        0, ge=0, description="more rounds, whose demonstrations are pairs of the round before that pass the filter"
    )
    template: str = option(TEMPLATE, description="the prompt, up to its answer, of shots, text, tgt_name, src_name")
    new_tokens: int = option(128, ge=1, description="most tokens of an answer")
    beams: int = option(1, ge=1, description="beams of the search for an answer; 1: the likeliest token each time")
    sentence_breaker: str | None = option(None, description="library that finds more sentences: pythainlp (Thai)")

    @property
    def languages(self) -> LanguagePair:
        """Both languages; raises UserError."""
        return LanguagePair.parse(self.pair)

    @property
    def decoding(self) -> Decoding:
        """How answers are made."""
        return Decoding(new_tokens=self.new_tokens, beams=self.beams)


@dataclass(frozen=True)
class Round:
    """What a model said. number: 0 is the first; of: int64[n], sentences with an answer; answers: string[n]; examples:
    int64[sentences, shots], the pairs that each was shown, of the pool (-1 for none), the best first; dropped: examples
    left out of prompts that were too long; why: by the number of a sentence without an answer, the reason."""

    number: int
    of: np.ndarray
    answers: pa.Array
    examples: np.ndarray
    dropped: int
    why: dict[int, str]


@dataclass(frozen=True)
class Translating:
    """Who is asked, how, and who judges. fit: makes prompts that the model can read (`fitting`); fixed: whether the
    prompts of round 0 all show the whole pool."""

    options: PairsOptions
    ask: Ask
    embedder: Embedder
    model: Callable[[], LanguageModel]
    fit: Fit
    fixed: bool = False

    def rounds(self, natural: pa.Table, pool: pa.Table) -> tuple[pa.Table, list[Failed], list[dict[str, Any]]]:
        """Candidate pairs (schema pair-1, with `of`), the sentences without an answer, and what each round gave.

        natural: its `text` is translated; pool: `POOL`. A sentence that has no answer in the last round keeps
        that of an earlier one.
        """
        options, texts = self.options, natural["text"].combine_chunks()
        count, seen = len(texts), []
        own, passed = np.full(count, -1, dtype=np.int64), np.ones(pool.num_rows, dtype=bool)
        latest: pa.Table | None = None
        for number in range(options.rounds + 1):
            fixed = np.broadcast_to(np.arange(pool.num_rows), (count, pool.num_rows))
            examples = fixed if self.fixed and not number else self._examples(texts, pool, passed, own)
            said = self.one_round(number, texts, pool, examples)
            rows = self._rows(natural, pool, said)
            latest = rows if latest is None else _later(latest, rows)
            seen.append(
                {"round": number, "answers": len(said.of), "pool": pool.num_rows, "passed": int(passed.sum())}
                | {"examples_left_out": said.dropped, "too_long": sum(why == TOO_LONG for why in said.why.values())}
            )
            if number < options.rounds:
                passed = judge(one_batch(latest), options, self.embedder, self.model()).passed
                own = np.full(count, -1, dtype=np.int64)
                own[latest["of"].to_numpy()] = np.arange(latest.num_rows)
                pool = self._as_pool(latest)
        assert latest is not None
        answered = np.isin(np.arange(count), latest["of"].to_numpy())
        return latest, [Failed(one, said.why[one]) for one in np.flatnonzero(~answered).tolist()], seen

    def one_round(self, number: int, texts: pa.Array, pool: pa.Table, examples: np.ndarray) -> Round:
        """Ask for the translation of string[n], with as many of the examples as the model reads."""
        pair, template = self.options.languages, self.options.template
        shots, whole = shots_in(examples, pool), examples.copy()
        short = dict(enumerate(prompts_of(texts, shots, pair, template)))

        def build(row: int, some: Sequence[dict[str, str]]) -> str:
            if len(some) == len(shots[row]):
                return short[row]
            whole[row, len(some) :] = -1
            return prompts_of(texts.slice(row, 1), [some], pair, template)[0]

        fitted = self.fit(shots, build, self.options.decoding)
        fits = [row for row, prompt in enumerate(fitted.prompts) if prompt is not None]
        prompts = [prompt for prompt in fitted.prompts if prompt is not None]
        answered = self.ask(f"round-{number}", prompts, self.options.decoding)
        said = {row: one.answers[0].text.strip() for row, one in zip(fits, answered, strict=True) if one.answers}
        of = np.array([row for row, text in said.items() if text], dtype=np.int64)
        answers = pa.array([said[row] for row in of.tolist()], pa.string())
        why = dict.fromkeys(np.setdiff1d(np.arange(len(texts)), fits).tolist(), TOO_LONG)
        why |= {
            row: REFUSED if one.refused else NO_ANSWER
            for row, one in zip(fits, answered, strict=True)
            if not said.get(row)
        }
        return Round(number, of, answers, whole, fitted.dropped, why)

    def _as_pool(self, rows: pa.Table) -> pa.Table:
        for name, value in zip(NAMES, self.options.languages.names, strict=True):
            rows = rows.append_column(name, pa.array([value] * rows.num_rows, pa.string()))
        return rows.select(POOL.names).combine_chunks()

    def _examples(self, texts: pa.Array, pool: pa.Table, passed: np.ndarray, own: np.ndarray) -> np.ndarray:
        options, lang = self.options, self.options.languages.tgt
        if not options.shots or not pool.num_rows or not len(texts):
            return np.full((len(texts), options.shots), -1, dtype=np.int64)
        asked = pool["tgt"].combine_chunks()
        sides = [(side, pa.array([lang] * len(side), pa.string())) for side in (texts, asked)]
        vectors: list[Vectors] = embed_all(self.embedder, *sides)
        chosen = Pool(asked, vectors[1], passed)
        return choose_examples(texts, vectors[0], chosen, own, shots=options.shots, top=options.top)

    def _rows(self, natural: pa.Table, pool: pa.Table, said: Round) -> pa.Table:
        pair, of = self.options.languages, pa.array(said.of)
        shown = said.examples[said.of]
        src, tgt, ids = (pool[name].combine_chunks() for name in ("src", "tgt", "doc_id"))
        offsets, at = listed(shown)
        return pair_rows(
            natural,
            said.of,
            src=said.answers,
            tgt=natural["text"].take(of),
            langs=(pair.src, pair.tgt),
            purpose=f"{STEP_NAME}/{pair}",
            demo_ids=pa.ListArray.from_arrays(offsets, ids.take(at)),
            shots=shots_of(shown, src, tgt),
            llm=pa.array([self.options.llm] * len(said.of), pa.string()),
            round=pa.array([said.number] * len(said.of), pa.int32()),
        )


def _later(before: pa.Table, rows: pa.Table) -> pa.Table:
    """The rows, and those from before of sentences that have none now; by `of`."""
    left = before.filter(pc.invert(pc.is_in(before["of"], rows["of"].combine_chunks())))
    return pa.concat_tables([rows, left]).sort_by("of")


def shots_in(examples: np.ndarray, pool: pa.Table) -> list[list[dict[str, str]]]:
    """The demonstrations of each prompt (int64[n, k] pairs of the pool), the best first."""
    rows = pool.select(["src", "tgt", *NAMES]).to_pylist()
    return [[rows[at] for at in row if at >= 0] for row in examples.tolist()]


def prompts_of(
    texts: pa.Array, shots: Sequence[Sequence[dict[str, str]]], pair: LanguagePair, template: str
) -> list[str]:
    """The prompt for each text, its demonstrations with the best last, next to the text. Raises UserError."""
    same = {"src_lang": pair.src, "tgt_lang": pair.tgt, **dict(zip(NAMES, pair.names, strict=True))}
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([list(reversed(one)) for one in shots], COLUMNS.field("shots").type),
            texts.cast(pa.string()),
            *(pa.array([same[name]] * len(texts), pa.string()) for name in COLUMNS.names[2:]),
        ],
        schema=COLUMNS,
    )
    made = parse(template).render(batch)
    if made.failed:
        raise UserError(
            f"--template fails for {texts[made.failed[0].row].as_py()!r}: {made.failed[0].message}",
            remedy="mend the template",
        )
    return [prompt.rstrip() for prompt in made.texts().to_pylist()]


def check_template(template: str) -> None:
    """Raise UserError where a template cannot be read, names a column that there is not, or writes no text."""
    found = parse(template)
    found.check(COLUMNS, "the columns of a prompt")
    if "text" not in found.columns:
        raise UserError("--template does not write text, which is to be translated", remedy="write {{ text }} in it")
