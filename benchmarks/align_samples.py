"""Print ten align_span samples a language pair, to be read by people: of PUD, or with --own of sentences of our own.

    python -m benchmarks.align_samples [--shared ../shared/data] [--count 10] [--own]

PUD is CC BY-SA: its samples are for reading, not for the project's documents, which show our own (docs/codeswitch.md).
The aligner learns from PUD and, where they are there, NTREX and Tatoeba sentences of the same languages; our own
sentences are aligned by that model without being learned from.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import xxhash

from benchmarks.parallel import PAIRS, parallel_text
from xlcorpus.align.aligner import align_pairs, train_aligner
from xlcorpus.align.options import AlignOptions
from xlcorpus.codeswitch.align_span import switch_spans
from xlcorpus.codeswitch.options import CodeswitchOptions

# English, German, Hindi and Chinese sentences of our own.
OWN = (
    (
        "The government announced on Monday that the new school will open in the spring.",
        "Die Regierung gab am Montag bekannt, dass die neue Schule im Frühling öffnen wird.",
        "सरकार ने सोमवार को घोषणा की कि नया स्कूल वसंत में खुलेगा।",
        "政府週一宣布，新學校將於春天開學。",
    ),
    (
        "Many people in the city do not have enough water in the summer.",
        "Viele Menschen in der Stadt haben im Sommer nicht genug Wasser.",
        "गर्मियों में शहर के कई लोगों के पास पर्याप्त पानी नहीं होता।",
        "夏天，城市裡的許多人沒有足夠的水。",
    ),
    (
        "She was the first woman who worked at the university as a doctor.",
        "Sie war die erste Frau, die an der Universität als Ärztin arbeitete.",
        "वह विश्वविद्यालय में डॉक्टर के रूप में काम करने वाली पहली महिला थी।",
        "她是第一位在這所大學擔任醫生的女性。",
    ),
    (
        "The old bridge over the river was destroyed during the war.",
        "Die alte Brücke über den Fluss wurde während des Krieges zerstört.",
        "नदी पर बना पुराना पुल युद्ध के दौरान नष्ट हो गया था।",
        "河上的舊橋在戰爭期間被毀。",
    ),
    (
        "The president said that the country needs more time for these changes.",
        "Der Präsident sagte, dass das Land mehr Zeit für diese Veränderungen braucht.",
        "राष्ट्रपति ने कहा कि देश को इन बदलावों के लिए अधिक समय चाहिए।",
        "總統說，國家需要更多時間來進行這些改變。",
    ),
    (
        "In the last years the number of tourists on the island has grown.",
        "In den letzten Jahren ist die Zahl der Touristen auf der Insel gewachsen.",
        "पिछले वर्षों में द्वीप पर पर्यटकों की संख्या बढ़ी है।",
        "過去幾年，島上的遊客數量增加了。",
    ),
    (
        "The film tells the story of a family that lives in a small village.",
        "Der Film erzählt die Geschichte einer Familie, die in einem kleinen Dorf lebt.",
        "यह फिल्म एक परिवार की कहानी है जो एक छोटे से गाँव में रहता है।",
        "這部電影講述了一個住在小村莊的家庭的故事。",
    ),
    (
        "The company wants to build the first house without a single nail.",
        "Das Unternehmen will das erste Haus ohne einen einzigen Nagel bauen.",
        "कंपनी एक भी कील के बिना पहला घर बनाना चाहती है।",
        "這家公司想要建造第一座不用一根釘子的房子。",
    ),
    (
        "Both parties must find a new way to work together after the election.",
        "Beide Parteien müssen nach der Wahl einen neuen Weg der Zusammenarbeit finden.",
        "चुनाव के बाद दोनों दलों को साथ काम करने का नया तरीका खोजना होगा।",
        "選舉後，兩個政黨必須找到新的合作方式。",
    ),
    (
        "His books were translated into many languages, but they are not well known here.",
        "Seine Bücher wurden in viele Sprachen übersetzt, aber sie sind hier nicht sehr bekannt.",
        "उनकी किताबों का कई भाषाओं में अनुवाद हुआ, लेकिन यहाँ वे बहुत प्रसिद्ध नहीं हैं।",
        "他的書被翻譯成多種語言，但在這裡並不出名。",
    ),
)


def pairs_batch(source: list[str], target: list[str], lang: str, other: str, align: pa.Array) -> pa.RecordBatch:
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
            "tgt_lang": [other] * len(source),
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
    parser.add_argument("--symmetrization", help="default: as the step align, intersection for Chinese")
    parser.add_argument("--own", action="store_true", help="sentences of our own, for the documents")
    options = parser.parse_args()
    for pair in PAIRS:
        source, target, measured = parallel_text(options.shared, pair)
        model = train_aligner(pa.array(source), pa.array(target), AlignOptions(prefix=options.prefix))
        source, target = source[:measured], target[:measured]
        if options.own:
            source, target = [row[0] for row in OWN], [row[1 + PAIRS.index(pair)] for row in OWN]
            measured = len(OWN)
        method = options.symmetrization or ("intersection" if pair == "zho" else "grow-diag-final-and")
        align = align_pairs(model, pa.array(source), pa.array(target), method)
        batch = pairs_batch(source, target, "eng_Latn", pair, align)
        made = switch_spans(batch, CodeswitchOptions(operator="align-span"), seed=1)
        switched, decisions = made.rows, made.decisions
        ratio = np.mean(switched.column("cs_ratio").to_numpy())
        reasons = dict(Counter(decisions.column("reason").to_pylist())) if decisions else {}
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
