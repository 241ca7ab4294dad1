"""Pairs of batches: ids, columns, decisions, conservation; negatives of other documents."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generate.references import SENTENCES, TEXTS, options_of
from tests.rows import documents, write_dataset
from xlcorpus.dataset.result import concat_results
from xlcorpus.errors import UserError
from xlcorpus.generate import others
from xlcorpus.generate.options import GenerateOptions
from xlcorpus.generate.others import Circles, CountLanguages, MeetOthers, Met, OfferShard
from xlcorpus.generate.pairs import generate_batch
from xlcorpus.text.codepoints import strings_of


def corpus(count: int, **columns: Any) -> pa.RecordBatch:
    """Documents in eight scripts, some too short."""
    names = list(SENTENCES)
    langs = [names[row % len(names)] for row in range(count)]
    texts = ["" if row % 11 == 10 else " ".join([SENTENCES[lang], str(row)]) for row, lang in enumerate(langs)]
    return documents(texts, langs, names=[str(row) for row in range(count)], **columns)


@given(operator=st.sampled_from(["crop", "typo", "shuffle", "span"]), cut=st.integers(0, 40), copies=st.integers(1, 3))
@settings(max_examples=10)
def test_pairs_do_not_depend_on_batches(operator: str, cut: int, copies: int) -> None:
    batch, options = corpus(40), options_of(operator, copies=copies)
    whole = generate_batch(batch, options, 3)
    parts = [generate_batch(part, options, 3) for part in (batch.slice(0, cut), batch.slice(cut))]
    both = concat_results(parts)
    assert both.rows.equals(whole.rows)
    assert both.decisions is not None
    assert whole.decisions is not None
    assert both.decisions.equals(whole.decisions)
    assert both.counts == whole.counts
    assert 40 + whole.repeated == whole.rows.num_rows + whole.decisions.num_rows


def test_rows_are_those_of_schema_pair() -> None:
    batch = corpus(12, q_n_words=pa.array(range(12), pa.int32()), src=["mine"] * 12, label=pa.array(range(12)))
    rows = generate_batch(batch, options_of("crop", copies=2), 1).rows
    assert rows.schema.names[:7] == ["doc_id", "src", "tgt", "src_lang", "tgt_lang", "source", "origin"]
    assert rows.schema.names[7:] == ["pair_kind", "pair_doc_id", "input_src", "label"]
    assert rows.column("src_lang").equals(rows.column("tgt_lang"))
    assert len(set(rows.column("doc_id").to_pylist())) == rows.num_rows
    of = {one: row for row, one in enumerate(batch.column("doc_id").to_pylist())}
    made = [of[one] for one in rows.column("pair_doc_id").to_pylist()]
    assert made == sorted(made)
    assert rows.column("label").to_pylist() == made
    texts, langs = batch.column("text").to_pylist(), batch.column("lang").to_pylist()
    for row, src, lang in zip(made, rows.column("src").to_pylist(), rows.column("src_lang").to_pylist(), strict=True):
        assert src in texts[row]
        assert lang == langs[row]


def test_short_documents_have_decisions() -> None:
    batch = documents(["", "one", "eins zwei", None], ["eng_Latn", None, "deu_Latn", "eng_Latn"])
    made = generate_batch(batch, options_of("shuffle"), 1, keep_text=True)
    assert made.rows.column("tgt").to_pylist() == ["zwei eins"]
    assert made.decisions is not None
    assert made.decisions.column("reason").to_pylist() == ["too_few_words"] * 3
    assert made.decisions.column("score").to_pylist() == [0, 1, 0]
    assert made.decisions.column("threshold").to_pylist() == [2, 2, 2]
    assert made.counts == {"pairs": 1, "not_made": {"too_few_words": 3}}
    same = generate_batch(documents(["ha ha"], [None]), options_of("shuffle"), 1)
    assert same.decisions is not None
    assert same.decisions.column("reason").to_pylist() == ["nothing_to_change"]
    unknown = generate_batch(documents(["one two"], [None]), options_of("crop"), 1)
    assert unknown.rows.column("src_lang").to_pylist() == ["und"]


def test_seed_copy_and_epoch_change_the_pair() -> None:
    batch = corpus(8)
    made = {seed: generate_batch(batch, options_of("crop", copies=2), seed).rows for seed in (1, 2)}
    again = generate_batch(batch, options_of("crop", copies=2), 1).rows
    assert made[1].equals(again)
    assert made[1].column("src") != made[2].column("src")
    src = made[1].column("src").to_pylist()
    assert src[::2] != src[1::2]
    later = corpus(8, mix_epoch=pa.array([1] * 8, pa.int32()))
    assert not set(generate_batch(later, options_of("crop"), 1).rows.column("doc_id").to_pylist()) & set(
        made[1].column("doc_id").to_pylist()
    )


_NUMBERS = itertools.count()


def next_rows(folder: Path, shards: Sequence[pa.RecordBatch], options: GenerateOptions) -> list[dict[str, Any]]:
    """Pairs of the documents of some shards, in the order of their ids."""
    seed, dataset = 4, write_dataset(folder / f"given-{next(_NUMBERS)}", shards)
    offers, met = dataset.folder / "offers", dataset.folder / "met"
    circles = Circles.of([CountLanguages()(*task) for task in enumerate(dataset.shards)])
    for number, shard in enumerate(dataset.shards):
        OfferShard(offers, circles, options, seed)(number, shard)
    for number in range(max(circles.workers) + 1):
        MeetOthers(offers, met, options, seed)(number, None)
    made = [
        generate_batch(batch, options, seed, offered=Met.of(met, number).offered) for number, batch in enumerate(shards)
    ]
    assert [(one.rows_in or 0) + one.repeated for one in made] == [
        one.rows.num_rows + (one.decisions.num_rows if one.decisions else 0) for one in made
    ]
    return sorted((row for one in made for row in one.rows.to_pylist()), key=lambda row: (row["doc_id"], row["tgt"]))


def test_negatives_are_of_other_documents_of_the_language(tmp_path: Path) -> None:
    texts = {f"{lang}{row}": f"{lang} {row} begins. {lang} {row} ends." for lang in "AB" for row in range(30)}
    langs = ["eng_Latn" if name[0] == "A" else "deu_Latn" for name in texts]
    batch = documents(list(texts.values()), langs, names=list(texts))
    rows = next_rows(tmp_path, [batch], options_of("next-sentence", copies=3))
    followed = 0
    for row in rows:
        src, tgt = row["src"].split(), row["tgt"].split()
        assert src[0] == tgt[0]
        assert (src[1] == tgt[1]) == row["is_next"]
        followed += row["is_next"]
    assert 60 < followed < 120
    partners = {row["tgt"].split()[1] for row in rows if not row["is_next"]}
    assert len(partners) > 20


@settings(max_examples=6)
@given(
    order=st.permutations(range(24)),
    cuts=st.lists(st.integers(0, 24), max_size=4).map(sorted),
    most=st.sampled_from([1, 4, 1 << 16]),
    copies=st.integers(1, 3),
)
def test_partners_depend_on_neither_shards_nor_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cuts: list[int], most: int, copies: int
) -> None:
    langs = ["eng_Latn", "hin_Deva", "eng_Latn", "tha_Thai", None, "eng_Latn"] * 4
    texts = [f"{SENTENCES[lang or 'kor_Hang']} {row}." if row % 7 else None for row, lang in enumerate(langs)]
    # One document twice, in two epochs; two texts with one id.
    names, epochs = [str(row) for row in range(24)], [0] * 24
    texts[8], langs[8], names[8], epochs[8] = texts[2], langs[2], names[2], 1
    names[5] = names[11]
    batch = documents(texts, langs, names=names, mix_epoch=pa.array(epochs, pa.int32()))
    options, folder = options_of("next-sentence", negatives=0.9, copies=copies), tmp_path_factory.getbasetemp()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(others, "_MOST", most)
        whole = next_rows(folder / "one", [batch], options)
        moved = batch.take(pa.array(order))
        parts = [moved.slice(first, last - first) for first, last in itertools.pairwise([0, *cuts, 24])]
        assert next_rows(folder / "other", parts, options) == whole
    assert whole


def test_every_other_document_is_met_as_often(tmp_path: Path) -> None:
    batch = documents([f"A{row} a. B{row} b." for row in range(8)], "eng_Latn", names=[str(row) for row in range(8)])
    rows = next_rows(
        tmp_path, [batch.slice(0, 3), batch.slice(3)], options_of("next-sentence", negatives=1, copies=300)
    )
    met = Counter((row["src"].split()[0][1:], row["tgt"].split()[0][1:]) for row in rows)
    assert len(met) == 8 * 7
    assert all(22 < count < 70 for count in met.values())


def test_a_language_of_one_document_has_no_negatives(tmp_path: Path) -> None:
    batch = documents([TEXTS[0], TEXTS[0], TEXTS[1]], ["eng_Latn", "eng_Latn", "hin_Deva"], names=["1", "1", "2"])
    options = options_of("next-sentence", negatives=1)
    assert not next_rows(tmp_path, [batch], options)
    made = generate_batch(batch, options, 1, offered=lambda rows, copy: pa.nulls(len(rows), pa.string()))
    assert made.decisions is not None
    assert made.decisions.column("reason").to_pylist() == ["no_other_document"] * 3


def test_two_ways_of_one_operator_have_other_ids() -> None:
    ways: tuple[dict[str, Any], ...] = ({}, {"within": "clause"}, {"distance": 2}, {"of": "sentence"})
    ids = [generate_batch(corpus(12), options_of("shuffle", **way), 1).rows["doc_id"].to_pylist() for way in ways]
    assert len(set().union(*ids)) == sum(map(len, ids))
    more = generate_batch(corpus(12), options_of("shuffle", copies=2), 1).rows["doc_id"].to_pylist()
    assert set(ids[0]) < set(more)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"operator": "crop", "least_ratio": 0.6}, "--least-ratio 0.6 is above"),
        ({"operator": "typo", "edits": "swop"}, "did you mean 'swap'"),
        ({"operator": "crop", "rate": 0.2}, "--rate is an option of --operator typo"),
        ({"operator": "shuffle", "distance": 2, "within": "clause"}, "--distance is for"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        GenerateOptions(**options)


def test_documents_without_a_language_are_refused() -> None:
    with pytest.raises(UserError, match="no column 'lang'") as error:
        generate_batch(documents(["one two"]), options_of("crop"), 1)
    assert "xlcorpus identify" in str(error.value.remedy)


def test_large_batches_are_read_in_pieces() -> None:
    text = " ".join(["word"] * 30_000)
    batch = documents([text, TEXTS[0]] * 4, "eng_Latn")
    whole = generate_batch(batch, options_of("crop"), 1).rows
    alone = [generate_batch(batch.slice(row, 1), options_of("crop"), 1).rows for row in range(8)]
    assert pa.Table.from_batches(alone).equals(pa.Table.from_batches([whole]))
    assert strings_of(np.zeros(0, dtype=np.uint32), np.zeros(1, dtype=np.int64)).to_pylist() == []
