"""Sentences of PUD translated back by SmolLM2-135M, with and without weak demonstrations: chrF against the gold side.

    python -m benchmarks.mine_pairs_smollm2 PUD DICTIONARY MODEL.gguf OUT [--sentences 40] [--shots 4]

PUD: the folder of en.jsonl.gz, es.jsonl.gz; DICTIONARY: en-es.tsv.gz of Wiktionary. English of the first half of PUD
gives weak pairs, Spanish of the second half is translated; `gold` shows true pairs of the first half, which nobody has
who mines: the most that demonstrations could give.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import sacrebleu

import xlcorpus

HALF = 500
PAIR = "eng_Latn:spa_Latn"


def rows_of(folder: Path, code: str) -> list[dict[str, Any]]:
    """The lines of a language."""
    with gzip.open(folder / f"{code}.jsonl.gz", "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> str:
    """JSON Lines; the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def chrf(rows: list[tuple[str, str, bool]]) -> float:
    """Of what was made against what people wrote."""
    return float(sacrebleu.corpus_chrf([one for one, _, _ in rows], [[other for _, other, _ in rows]]).score)


def main() -> None:
    """Run all, print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pud", "dictionary", "model", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--sentences", type=int, default=40)
    parser.add_argument("--shots", type=int, default=4)
    given = parser.parse_args()
    english, spanish = rows_of(given.pud, "en"), rows_of(given.pud, "es")
    texts = [*english[:HALF], *spanish[HALF : HALF + given.sentences]]
    documents = xlcorpus.ingest(
        write_lines(given.out / "texts.jsonl", [{"text": row["text"], "lang": row["lang"]} for row in texts]),
        output=given.out / "documents", lang_column="lang",
    )  # fmt: skip
    true = [
        {"src": one["text"], "tgt": other["text"], "src_lang": one["lang"], "tgt_lang": other["lang"]}
        for one, other in zip(english[:HALF], spanish[:HALF], strict=True)
    ]
    gold = xlcorpus.ingest(write_lines(given.out / "gold.jsonl", true), output=given.out / "true-pairs", kind="pairs")
    weak = xlcorpus.mine_weak(documents, output=given.out / "word-by-word", pair=PAIR, dictionary=str(given.dictionary))
    print(f"weak pairs: {len(weak)}", flush=True)
    wanted = {other["text"]: one["text"] for one, other in zip(english, spanish, strict=True)}
    common = {"pair": PAIR, "llm": f"transformers:{given.model}", "new_tokens": 96, "calls": str(given.out / "calls")}
    for name, inputs, options in (
        ("zero-shot", [documents], {"shots": 0}),
        ("weak", [documents, weak], {"shots": given.shots}),
        ("weak, one more round", [documents, weak], {"shots": given.shots, "rounds": 1, "tau": 0.2}),
        ("gold", [documents, gold], {"shots": given.shots}),
    ):
        folder = given.out / name.replace(" ", "-").replace(",", "")
        made = xlcorpus.mine_pairs(*inputs, output=folder / "candidates", **common, **options)
        judged = xlcorpus.mine_select(made, output=folder / "judged", tau=0.2, keep_all=True).to_arrow().to_pylist()
        scored = [(row["src"], wanted[row["tgt"]], row["filter_pass"]) for row in judged if row["tgt"] in wanted]
        passed = [one for one in scored if one[2]]
        sims = np.array([row["sim"] for row in judged])
        print(
            f"{name}: {len(scored)} answers, chrF {chrf(scored):.1f}; {len(passed)} pass at 0.2, "
            f"chrF {chrf(passed):.1f}; "
            f"sim median {np.median(sims):.2f}; {made.manifest.notes['spent']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
