"""Print ten align_span samples a language pair from PUD, to be read by people.

    python benchmarks/align_samples.py [--shared ../shared/data] [--count 10]

PUD is CC BY-SA: the samples are for reading, not for the project's documents. The aligner learns from PUD itself and,
where they are there, NTREX and Tatoeba sentences of the same languages.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from benchmarks.parallel import PAIRS, parallel_text
from xlcorpus.codeswitch.align import AlignOptions, align_pairs, train_aligner
from xlcorpus.codeswitch.align_span import AlignSpanSettings, switch_spans


def pairs_batch(source: list[str], target: list[str], lang: str, align: pa.Array) -> pa.RecordBatch:
    """Pairs as `switch_spans` reads them, with ids from their content."""
    ids = [xxhash.xxh3_128_digest(f"{one}\t{other}".encode()) for one, other in zip(source, target, strict=True)]
    origin = [{"file": "pud", "offset": number} for number in range(len(source))]
    return pa.RecordBatch.from_pydict(
        {
            "doc_id": pa.array(ids, pa.binary(16)),
            "origin": pa.array(origin, pa.struct([("file", pa.string()), ("offset", pa.int64())])),
            "src": source,
            "tgt": target,
            "src_lang": [lang] * len(source),
            "align": align,
        }
    )


def show(row: dict[str, object]) -> str:
    """The switched sentence, its new spans in brackets."""
    text, spans = row["cs_source"], row["cs_spans"]
    assert isinstance(text, str)
    assert isinstance(spans, list)
    for span in reversed(spans):
        text = text[: span["start"]] + "⟦" + text[span["start"] : span["end"]] + "⟧" + text[span["end"] :]
    return text


def main() -> None:
    """Print the samples as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=Path("../shared/data"))
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--prefix", type=int, default=4)
    parser.add_argument("--symmetrization", default="grow-diag-final-and")
    options = parser.parse_args()
    for pair in PAIRS:
        source, target, measured = parallel_text(options.shared, pair)
        model = train_aligner(
            pa.array(source),
            pa.array(target),
            AlignOptions(prefix=options.prefix, symmetrization=options.symmetrization),
        )
        source, target = source[:measured], target[:measured]
        align = align_pairs(model, pa.array(source), pa.array(target))
        switched, decisions = switch_spans(pairs_batch(source, target, "eng_Latn", align), AlignSpanSettings(seed=1))
        ratio = np.mean(switched.column("cs_ratio").to_numpy())
        reasons = dict(Counter(decisions.column("reason").to_pylist()))
        print(
            f"\n## eng-{pair}: {len(switched):,} of {measured:,} switched, mean cs_ratio {ratio:.3f}, left {reasons}\n"
        )
        for row in switched.take(pa.array(sample(len(switched), options.count))).to_pylist():
            print(f"- {row['src']}\n  - {row['cs_target']}\n  - **{show(row)}**")


def sample(rows: int, count: int) -> np.ndarray:
    """int64[count]: some rows, the same each time."""
    return np.sort(np.random.default_rng(1).permutation(rows)[:count])


if __name__ == "__main__":
    main()
