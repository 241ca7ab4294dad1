"""SmolLM2-135M mines words from English: `python -m benchmarks.mine_words OUT --queries 500 --targets deu spa fra`.

Words come of NTREX and PUD (../shared/data), the model of the wheel that benchmarks/smollm2.py downloads; three known
pairs are the examples of the first round (without them the model confirms nothing); gold is Wiktionary's
(../shared/data/dict). Of each round: how many words have an answer that is a word, and how many of those
that the dictionary has are right, raw and confirmed. A second run shows what the cache saves.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from benchmarks.smollm2 import make_base, rows_of
from xlcorpus.dataset.storage import locate
from xlcorpus.lexicon.embed import EmbedOptions, Vectors, train_vectors
from xlcorpus.lexicon.words import by_frequency, words_in
from xlcorpus.mine.backend import Answered, Decoding
from xlcorpus.mine.calls import Calls, Spent
from xlcorpus.mine.fitting import Fitted, fitting
from xlcorpus.mine.options import AskOptions
from xlcorpus.mine.questions import open_model
from xlcorpus.mine.vocabulary import Vocabulary
from xlcorpus.mine.word_prompts import WordPrompts
from xlcorpus.mine.words import Mining, Round, Rules

DATA = Path("../shared/data")
NTREX = {"eng": "eng", "deu": "deu", "spa": "spa-MX", "fra": "fra-CA"}
PUD = {"eng": "en", "deu": "de", "spa": "es", "fra": "fr"}
SEEDS = {
    "deu": (("house", "Haus"), ("water", "Wasser"), ("bread", "Brot")),
    "spa": (("house", "casa"), ("water", "agua"), ("bread", "pan")),
    "fra": (("house", "maison"), ("water", "eau"), ("bread", "pain")),
}
BANDS = ((1, 50), (51, 100), (101, 200), (201, 500))

Gold = Mapping[str, set[str]]


def texts(code: str) -> pa.Array:
    """Sentences of a language."""
    files = (DATA / "ntrex" / f"{NTREX[code]}.jsonl.gz", DATA / "pud" / f"{PUD[code]}.jsonl.gz")
    return pa.array([row["text"] for file in files for row in rows_of(file)], pa.string())


def side_of(code: str) -> tuple[Vocabulary, Vectors]:
    """The words of a language, and vectors of them."""
    given, lang = texts(code), f"{code}_Latn"
    table = by_frequency([words_in(given, lang, None)])
    return Vocabulary.of(lang, table), train_vectors(given, EmbedOptions(min_count=1))


class Asking:
    """A model whose answers are kept in a folder, and what it was asked for. model: as --llm names it."""

    def __init__(self, llm: str, folder: Path, batch: int = 16) -> None:
        self.model = open_model(AskOptions(llm=llm, llm_batch=batch))
        self.calls, self.spent, self.seconds = Calls(locate(str(folder))), Spent(), 0.0

    def ask(self, phase: str, prompts: Sequence[str], decoding: Decoding) -> list[Answered]:
        """See Ask."""
        began = time.perf_counter()
        answers, spent = self.calls.ask(self.model, prompts, decoding)
        took = time.perf_counter() - began
        self.spent, self.seconds = self.spent + spent, self.seconds + took
        print(f"  {phase}: {spent.calls} prompts, {spent.asked} asked, {took:.0f} s", flush=True)
        return answers

    def fit_to(self, decoding: Decoding) -> Callable[..., Fitted]:
        """See `word_prompts.Fit`."""
        return lambda shots, build: fitting(self.model, shots, build, decoding)


def report(done: Round, side: Vocabulary, queries: Sequence[str], gold: Gold, bands: Sequence[tuple[int, int]]) -> None:
    """Print precision and recall of a round, raw and confirmed, over the words that gold has, by place in frequency."""
    raw = {word: done.answers[0][word].first for word in queries}
    kept = {pair.src: pair.tgt for pair in done.pairs}
    for begin, end in ((1, len(side.words)), *bands):
        words = [word for word in queries if begin <= side.ranks[word] <= end]
        known = [word for word in words if word in gold]
        line = f"round {done.number}, {begin:>4} to {end:>6,}: {len(words):>3} words, {len(known):>3} in gold"
        for name, found in (("raw", raw), ("confirmed", kept)):
            said = [word for word in known if found.get(word) is not None]
            good = sum(found[word] in gold[word] for word in said)
            some = sum(found.get(word) is not None for word in words)
            line += f"   {name} {some:>3} P {good / max(len(said), 1):.3f} R {good / max(len(known), 1):.3f}"
        print(line, flush=True)


def gold_of(tgt: str) -> Gold:
    """Translations of English words, by Wiktionary."""
    found: dict[str, set[str]] = defaultdict(set)
    for src, translation in wiktionary(tgt):
        found[src.lower()].add(translation.lower())
    return found


def wiktionary(tgt: str) -> Iterator[tuple[str, str]]:
    """Pairs of the dictionary."""
    with gzip.open(DATA / "dict" / "wiktionary" / f"en-{PUD[tgt]}.tsv.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            src, translation, *_ = line.rstrip("\n").split("\t")
            yield src, translation


def mine(asking: Asking, tgt: str, queries: int, sides: Mapping[str, tuple[Vocabulary, Vectors]]) -> None:
    """Print what is found."""
    one, other = sides["eng"][0], sides[tgt][0]
    decoding = Decoding(new_tokens=5, beams=5, returns=5)
    prompts = WordPrompts(
        (one.lang, other.lang), lambda side: sides[("eng", tgt)[side]][1], fit=asking.fit_to(decoding)
    )
    asked = one.words[:queries], other.words[:queries]
    before, began = asking.spent, asking.seconds
    rounds = Mining((one, other), prompts, asking.ask, decoding, Rules()).rounds(asked, SEEDS[tgt])
    seconds, calls = asking.seconds - began, asking.spent.calls - before.calls
    words = 2 * queries * len(rounds)
    print(
        f"eng to {tgt}: {queries} words of each side, {calls} calls, {asking.spent.asked - before.asked} asked, "
        f"{seconds:.0f} s, {words / max(seconds, 1e-9):.2f} words/s, {calls / max(seconds, 1e-9):.2f} calls/s"
    )
    for done in rounds:
        report(done, one, asked[0], gold_of(tgt), BANDS)
        print(json.dumps([[pair.src, pair.tgt, pair.score] for pair in done.pairs[:30]], ensure_ascii=False))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--targets", nargs="+", default=["deu", "spa", "fra"])
    arguments = parser.parse_args()
    make_base(arguments.out)
    asking = Asking(f"transformers:{arguments.out / 'base'}", arguments.out / "calls")
    sides = {code: side_of(code) for code in ("eng", *arguments.targets)}
    for tgt in arguments.targets:
        mine(asking, tgt, arguments.queries, sides)


if __name__ == "__main__":
    main()
