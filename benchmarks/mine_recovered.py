"""Gold pairs recovered by the road of mining, and planted faults: what weak translations and the filter are worth.

    python -m benchmarks.mine_recovered OUT --encoder FOLDER [--answers FOLDER]

Gold: the lines of PUD and of every third document of NTREX, both sides shuffled, `all` and `half` as in
`benchmarks.mine_sentences`, whose encoder this is, too. English is translated word by word (`mine-weak`) with
Wiktionary's dictionary (Swahili: the 299 entries of the sample), which stands for mined words; no language model takes
part. Its candidate is the nearest natural sentence of the other side. Beside it: the sentences as they are. nearest: of
each English sentence the nearest one; margin: `align`, 1.06. The curve is that of `mine-select`, of nearest ones.

Faults: half of 1,000 pairs of PUD are right; the others are spoilt in one of five ways, and judged together.
--answers: OUT of `benchmarks.mine_pairs_smollm2`: what SmolLM2 made of Spanish sentences looks for the English one.
"""

from __future__ import annotations

import argparse
import resource
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.machine import describe_machine
from benchmarks.meter import cpu_seconds
from benchmarks.mine_sentences import Side, both_ways, gold, measure, shuffled
from benchmarks.mine_sentences_encoder import SHARED, lines_of
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.lid.model import load_model
from xlcorpus.mine.embedder import EmbedderOptions, embed_all, embedder_of
from xlcorpus.mine.entries import entries_of
from xlcorpus.mine.judge import BELOW, Judged, JudgeOptions, judge
from xlcorpus.mine.language_pair import LanguagePair
from xlcorpus.mine.weak import Translated, index_of, translate_words
from xlcorpus.pairs.cosines import Vectors
from xlcorpus.pairs.margin import align, best_margins
from xlcorpus.sample import sample_folder
from xlcorpus.text.hashes import digests_of

DICTIONARIES = {"deu_Latn": "de", "hin_Deva": "hi", "tur_Latn": "tr"}
TAUS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
FAULTS = ("right", "another pair's", "copy", "copied prompt", "another language", "cut in half")


def dictionary_of(lang: str) -> Location:
    """The dictionary from English."""
    code = DICTIONARIES.get(lang)
    own = SHARED / "dict" / "wiktionary" / f"en-{code}.tsv.gz" if code else sample_folder() / "dictionary" / "eng.csv"
    return locate(str(own))


def weak_of(side: Side, lang: str) -> Translated:
    """English, word by word in another language."""
    pair = LanguagePair("eng_Latn", lang)
    return translate_words(side[0], index_of(entries_of([dictionary_of(lang)], pair)), pair)


def judged_of(src: Side, tgt: Side, options: EmbedderOptions, natural: str = "tgt") -> Judged:
    """Pairs as `mine-select` judges them, with every cosine."""
    count = len(src[0])
    ids = digests_of([str(number).encode() for number in range(count)])
    columns = {
        "doc_id": pa.array([ids[16 * at : 16 * at + 16] for at in range(count)], pa.binary(16)),
        "src": src[0], "tgt": tgt[0], "src_lang": src[1], "tgt_lang": tgt[1],
        "natural_side": pa.array([natural] * count),
    }  # fmt: skip
    asked = JudgeOptions(**options.model_dump(), tau=-1.0)
    return judge(pa.RecordBatch.from_pydict(columns), asked, embedder_of(options), load_model(asked.lid))


def cells(*values: float) -> str:
    """In a row."""
    return " | ".join(f"{value:.3f}" for value in values)


def found_in(vectors: list[Vectors], places: Sequence[np.ndarray]) -> tuple[tuple[float, ...], np.ndarray]:
    """Right of the nearest, precision and recall by margin; int64[n], the nearest of each."""
    near = both_ways(*vectors)
    pairs = align(*best_margins(*near))
    count, first = len(np.intersect1d(places[0], places[1])), near[0].places[:, 0]
    nearest = measure(list(zip(places[0].tolist(), places[1][first].tolist(), strict=True)), count)[0]
    taken = zip(places[0][pairs.src].tolist(), places[1][pairs.tgt].tolist(), strict=True)
    return (nearest, *measure(list(taken), count)), first


def curve_of(judged: Judged, right: np.ndarray, count: int) -> Iterator[str]:
    """Precision and recall of what passes at each tau. right: bool[rows]; count: pairs that there are."""
    sims, other = np.asarray(judged.rows.column("sim")), np.array([one in (None, BELOW) for one in judged.reasons])
    for tau in TAUS:
        passed = other & (sims >= np.float32(tau))
        yield f"{right[passed].mean():.2f}/{right[passed].sum() / count:.2f}" if passed.any() else "-"


def recover(embedders: dict[str, EmbedderOptions]) -> Iterator[str]:
    """Tables of both sides shuffled."""
    rows = ["| sentences | part | embedder | as they are: nearest | margin P | R | weak: nearest | margin P | R |"]
    rows += ["|---|---|---|---:|---:|---:|---:|---:|---:|"]
    curves = ["| sentences, half | embedder | " + " | ".join(map(str, TAUS)) + " | reasons |"]
    curves += ["|---|---|" + "---:|" * len(TAUS) + "---|"]
    for name, src, tgt in gold():
        lang = tgt[1][0].as_py()
        weak = weak_of(src, lang)
        poor = weak.texts, pa.array([lang] * len(weak.texts))
        yield f"{name}: {weak.shares.mean():.2f} of words translated, {(weak.shares >= 0.5).sum()} sentences with half"
        for part in ("all", "half"):
            places = shuffled(len(src[0]), part)
            one, bad, other = (
                tuple(column.take(pa.array(place)) for column in side)
                for side, place in ((src, places[0]), (poor, places[0]), (tgt, places[1]))
            )
            for embedder, options in embedders.items():
                plain, _ = found_in(embed_all(embedder_of(options), one, other), places)
                made, first = found_in(embed_all(embedder_of(options), bad, other), places)
                rows.append(f"| {name} | {part} | {embedder} | {cells(*plain, *made)} |")
                if part == "half":
                    candidates = tuple(column.take(pa.array(first)) for column in other)
                    judged = judged_of(bad, candidates, options)
                    right = places[0] == places[1][first]
                    said = " | ".join(curve_of(judged, right, len(np.intersect1d(places[0], places[1]))))
                    reasons = Counter(one for one in judged.reasons if one is not None)
                    curves.append(f"| {name} | {embedder} | {said} | {dict(sorted(reasons.items()))} |")
    yield from ["", *rows, "", "P/R of the nearest, judged:", *curves]


def spoilt(right: Side, other: Side, natural: Side) -> tuple[Side, np.ndarray]:
    """The English sides, every second one spoilt in one of five ways, and int64[n], how (`FAULTS`)."""
    kinds = np.where(np.arange(len(right[0])) % 2 == 0, 0, 1 + np.arange(len(right[0])) // 2 % 5)
    english, french, german = (side[0].to_pylist() for side in (right, other, natural))
    count, made = len(english), []
    for number, kind in enumerate(kinds.tolist()):
        words = english[number].split()
        ways = (
            english[number],
            english[(number + count // 2) % count],
            german[number],
            f"{german[number]} {english[number]}",
            french[number],
            " ".join(words[: len(words) // 2]),
        )
        made.append(ways[kind])
    return (pa.array(made), right[1]), kinds


def faults(embedders: dict[str, EmbedderOptions]) -> Iterator[str]:
    """What becomes of planted faults, and of pairs that are right."""
    english, french, german = (
        (pa.array([row["text"] for row in rows]), pa.array([row["lang"] for row in rows]))
        for rows in (lines_of(SHARED / "pud" / f"{code}.jsonl.gz") for code in ("en", "fr", "de"))
    )
    made, kinds = spoilt(english, french, german)
    weak = weak_of(made, "deu_Latn").texts, german[1]
    for name, options in embedders.items():
        for how, side in (("as they are", made), ("weak", weak)):
            judged = judged_of(made, german, options)
            sims = np.asarray(judged.rows.column("sim"))
            if how == "weak":  # languages and copies by what was made, cosines by its weak translation
                sims = np.asarray(judged_of(side, german, options).rows.column("sim"))
            yield f"\n| planted, {name}, {how} | n | reasons before tau | " + " | ".join(map(str, TAUS)) + " |"
            yield "|---|---:|---|" + "---:|" * len(TAUS)
            other = np.array([one in (None, BELOW) for one in judged.reasons])
            passed = [other & (sims >= np.float32(tau)) for tau in TAUS]
            for kind, fault in enumerate(FAULTS):
                here = kinds == kind
                reasons = Counter(one for one in judged.reasons[here] if one is not None)
                at = " | ".join(str(int(some[here].sum())) for some in passed)
                yield f"| {fault} | {here.sum()} | {dict(reasons)} | {at} |"
            right = kinds == 0
            shares = [
                f"{right[some].mean():.2f}/{right[some].sum() / right.sum():.2f}" if some.any() else "-"
                for some in passed
            ]
            yield f"| P/R of right ones | {len(kinds)} | | " + " | ".join(shares) + " |"


def answers(folder: Path, embedders: dict[str, EmbedderOptions]) -> Iterator[str]:
    """Candidates of a language model: how many find their own English sentence among all 1,000."""
    english, spanish = (lines_of(SHARED / "pud" / f"{code}.jsonl.gz") for code in ("en", "es"))
    line = {row["text"]: number for number, row in enumerate(spanish)}
    keys = pa.array([row["text"] for row in english]), pa.array([row["lang"] for row in english])
    for name in ("zero-shot", "weak", "weak-one-more-round", "gold"):
        rows = Dataset.open(folder / name / "candidates").to_arrow(["src", "tgt"]).to_pylist()
        rows = [row for row in rows if row["tgt"] in line]
        wanted = np.array([line[row["tgt"]] for row in rows])
        for embedder, options in embedders.items():
            said = []
            for side, lang in (("tgt", "spa_Latn"), ("src", "eng_Latn")):
                given = pa.array([row[side] for row in rows]), pa.array([lang] * len(rows))
                near = both_ways(*embed_all(embedder_of(options), given, keys))[0]
                said.append((near.places[:, 0] == wanted).mean())
            yield f"{name}, {embedder}: {len(rows)} answers; nearest right: Spanish {said[0]:.2f}, answer {said[1]:.2f}"


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--encoder", type=Path)
    parser.add_argument("--answers", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    embedders = {"TF-IDF": EmbedderOptions()}
    if given.encoder:
        own = EmbedderOptions(embedder=f"encoder:{given.encoder}", embedder_layer=1, embedder_device="cpu")
        embedders["encoder"] = own
    begun = cpu_seconds()
    with (given.out / "recovered.md").open("w", encoding="utf-8") as out:

        def say(line: str) -> None:
            print(line, flush=True)
            out.write(line + "\n")

        say(describe_machine("numpy", "scipy"))
        for line in recover(embedders):
            say(line)
        for line in faults(embedders):
            say(line)
        for line in answers(given.answers, embedders) if given.answers else ():
            say(line)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        say(f"\n{cpu_seconds() - begun:.0f} s CPU, at most {peak:,} MB")


if __name__ == "__main__":
    main()
