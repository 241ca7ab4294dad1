"""The guarantee, on 2,000 documents in 20 scripts with planted near copies: all pairs are looked at."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import regex

from tests.dedup.dedup_helpers import Deduplicated, deduplicate, documents, similarities
from tests.rows import doc_id, records

THRESHOLD = 0.8
LANGUAGES = "eng bul arb hin heb ell hye tha khm kor mal tel pan sin tir yue dzo uig".split()  # noqa: SIM905
DECLARATIONS = "tam_Taml ben_Beng kan_Knda mya_Mymr lao_Laoo chr_Cher csw_Cans".split()  # noqa: SIM905


def passages(shared_data: Path) -> Iterator[tuple[str, str]]:
    """Language and text: news in 18 languages, articles of the Declaration of Human Rights in others."""
    for lang in LANGUAGES:
        by_document: dict[str, list[str]] = defaultdict(list)
        for record in records(shared_data / "ntrex" / f"{lang}.jsonl.gz"):
            by_document[record["doc"]].append(record["text"])
        yield from ((lang, "\n".join(lines)) for lines in list(by_document.values())[:20])
    for record in records(shared_data / "udhr" / "udhr.jsonl.gz"):
        lines = record["paragraphs"]
        if record["lang"] in DECLARATIONS:
            yield from ((record["lang"], "\n".join(lines[first : first + 6])) for first in range(0, len(lines), 6))


def planted(shared_data: Path) -> tuple[list[str], list[str]]:
    """Passages and four near copies of each (from none to a twentieth of the units changed): texts, and languages."""
    texts, langs, drawn = [], [], random.Random(3)
    for lang, text in passages(shared_data):
        units = regex.findall(r"\S+\s*" if text.count(" ") > len(text) / 15 else r"\X", text)
        changed = [
            "".join(drawn.choice(units) if drawn.random() < share else unit for unit in units)
            for share in (0.0, 0.005, 0.02, 0.05)
        ]
        texts += [text, *changed]
        langs += [lang] * 5
    return texts, langs


@pytest.fixture(scope="module")
def corpus(shared_data: Path) -> tuple[list[str], list[str]]:
    texts, langs = planted(shared_data)
    assert len(texts) >= 2000
    assert len(set(langs)) == 25  # in 24 scripts
    return texts, langs


@pytest.fixture(scope="module")
def result(corpus: tuple[list[str], list[str]], tmp_path_factory: pytest.TempPathFactory) -> Deduplicated:
    batch = documents(corpus[0], [str(row) for row in range(len(corpus[0]))])
    shards = [batch.slice(first, 450) for first in range(0, batch.num_rows, 450)]
    return deduplicate(tmp_path_factory.mktemp("planted"), shards, threshold=THRESHOLD)


def test_all_that_go_are_like_the_one_they_name_and_no_two_that_stay_are(
    corpus: tuple[list[str], list[str]], result: Deduplicated
) -> None:
    texts, _ = corpus
    alike = similarities(texts).tolil()
    alike.setdiag(0)
    alike = alike.tocsr()
    verdicts, place = result.verdicts, {doc_id(str(row)): row for row in range(len(texts))}
    stays = np.array([verdicts[key][2] for key in place])
    alike.setdiag(0)
    alike = alike.tocsr()
    among = alike[stays][:, stays]
    assert among.max() < THRESHOLD
    assert 300 < stays.sum() < len(texts) - 800
    sizes = np.zeros(len(texts), dtype=int)
    for key, row in place.items():
        kept, _, is_kept, _, similarity = verdicts[key]
        sizes[place[kept]] += 1
        assert stays[place[kept]]
        if not is_kept and not verdicts[key][3]:
            assert similarity == pytest.approx(alike[row, place[kept]], abs=1e-6)
            assert similarity >= THRESHOLD
            assert len(texts[place[kept]].encode()) >= len(texts[row].encode())
    assert all(verdicts[key][1] == sizes[place[verdicts[key][0]]] for key in place)
