"""The word aligner: what it recovers, that it does not depend on order, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests import rows
from tests.align.alignment_helpers import bitext, links_of
from xlcorpus.align import aligner, grid
from xlcorpus.align.aligner import (
    AlignmentModel,
    TranslationTable,
    align_and_score,
    align_pairs,
    log_normalizers,
    train_aligner,
)
from xlcorpus.align.language_pairs import (
    Aligners,
    CountLanguages,
    LanguageRows,
    TrainAligner,
    Trained,
    add_languages,
    align_batch,
    notes_of,
    symmetrization_of,
)
from xlcorpus.align.options import AlignOptions
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.pairs.side_tokens import ALIGN, read_side

SOURCE, TARGET, GOLD = bitext(300)


def aligned(source: list[str], target: list[str], method: str = "grow-diag-final-and") -> pa.Array:
    model = train_aligner(pa.array(source), pa.array(target))
    return align_pairs(model, pa.array(source), pa.array(target), method)


@pytest.mark.parametrize("method", ["grow-diag-final-and", "intersection"])
def test_a_known_dictionary_and_word_order_are_recovered(method: str) -> None:
    found = links_of(aligned(SOURCE, TARGET, method))
    right = sum(len(set(links or ()) & set(gold)) for links, gold in zip(found, GOLD, strict=True))
    assert right / sum(map(len, GOLD)) > 0.98
    assert right / sum(len(links or ()) for links in found) > 0.98


def test_unseen_sentences_of_known_words() -> None:
    model = train_aligner(pa.array(SOURCE), pa.array(TARGET))
    source, target, gold = bitext(20, seed=9)
    assert links_of(align_pairs(model, pa.array(source), pa.array(target))) == gold


def test_unknown_words_follow_the_diagonal() -> None:
    model = train_aligner(pa.array(SOURCE), pa.array(TARGET))
    assert links_of(align_pairs(model, pa.array(["xa xb xc xd"]), pa.array(["ya yb yc yd"]))) == [
        [(0, 0), (1, 1), (2, 2), (3, 3)]
    ]


def test_han_is_aligned_by_character_and_devanagari_by_word() -> None:
    side = read_side(pa.array(["我有iPhone手機。", "वह ग्रेजुएट हुआ", "don't", None]))
    assert side.sizes.tolist() == [5, 3, 2, 0]


def test_case_and_prefix_do_not_count() -> None:
    one = read_side(pa.array(["Haus haus HAUS Hausbau"]))
    assert len(set(one.words[:3].tolist())) == 1
    assert one.words[3] != one.words[0]
    assert len(set(read_side(pa.array(["Haus Hausbau"]), prefix=4).words.tolist())) == 1


@pytest.mark.parametrize("cells", [1, 60, 1 << 21])
def test_blocks_do_not_change_the_result(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = aligned(SOURCE[:60], TARGET[:60])
    monkeypatch.setattr(grid, "_BLOCK_CELLS", cells)
    assert aligned(SOURCE[:60], TARGET[:60]).equals(whole)
    model = train_aligner(pa.array(SOURCE), pa.array(TARGET))
    _, scores = align_and_score(model, pa.array(SOURCE[:60]), pa.array(TARGET[:60]))
    _, some = align_and_score(model, pa.array(SOURCE[20:40]), pa.array(TARGET[20:40]))
    assert scores[20:40].to_pylist() == some.to_pylist()


def test_the_order_of_rows_does_not_matter() -> None:
    order = np.random.default_rng(3).permutation(len(SOURCE))
    other = aligned([SOURCE[row] for row in order], [TARGET[row] for row in order])
    first = links_of(aligned(SOURCE, TARGET))
    assert links_of(other) == [first[row] for row in order]
    one = train_aligner(pa.array(SOURCE), pa.array(TARGET))
    two = train_aligner(pa.array(SOURCE).take(pa.array(order)), pa.array(TARGET).take(pa.array(order)))
    assert np.array_equal(one.forward.probability, two.forward.probability)


def test_of_few_training_pairs_none_is_not_drawn(tmp_path: Path) -> None:
    sources, targets, _ = bitext(200)
    ids = [f"{row:016d}".encode() for row in range(200)]
    labels = {"src_lang": ["eng_Latn"] * 200, "tgt_lang": ["deu_Latn"] * 200}
    table = pa.table({"doc_id": pa.array(ids, pa.binary(16)), "src": sources, "tgt": targets, **labels})
    pq.write_table(table, tmp_path / "pairs.parquet")
    content = LanguageRows("eng_Latn", "deu_Latn", 200)
    for seed in range(12):
        train = TrainAligner((tmp_path / "pairs.parquet",), tmp_path, AlignOptions(train_pairs=1), seed)
        assert train(0, content) == Trained(1)


def test_each_pair_is_aligned_by_the_model_of_its_languages(tmp_path: Path) -> None:
    """Two languages with a model and two without one, in turn; a column align that is there gives way, at the end."""
    count = 40
    sides = [side for pair in zip(SOURCE[:count], TARGET[:count], strict=True) for side in (pair, ("...", "x"))]
    batch = rows.pairs(sides, ["eng_Latn", "eng_Latn"] * count, ["deu_Latn", "tha_Thai"] * count)
    before = batch.add_column(0, "align", pa.nulls(2 * count, ALIGN))
    rows.write_dataset(tmp_path / "pairs", [batch], "pair")
    (shard,) = Dataset.open(tmp_path / "pairs").shards
    languages = add_languages([CountLanguages()(0, shard)] * 2)
    assert languages == (LanguageRows("eng_Latn", "deu_Latn", 80), LanguageRows("eng_Latn", "tha_Thai", 80))
    options = AlignOptions()
    train = TrainAligner((shard.location,), tmp_path, options, seed=0)
    trained = [train(number, one) for number, one in enumerate(languages)]
    assert trained == [Trained(count), Trained(0)]
    made = align_batch(before, Aligners(tmp_path, options))
    assert made.rows.schema.names == [*batch.schema.names, "align", "pair_align_score"]
    assert made.rows.select(batch.schema.names).equals(batch)
    model = train_aligner(pa.array(SOURCE[:count]), pa.array(TARGET[:count]))
    ours = align_pairs(model, pa.array(SOURCE[:count]), pa.array(TARGET[:count]))
    assert made.rows["align"].to_pylist() == [links for one in ours.to_pylist() for links in (one, None)]
    links = sum(len(one) for one in ours.to_pylist())
    assert made.counts == {
        "pairs": {"eng_Latn-deu_Latn": count, "eng_Latn-tha_Thai": count},
        "aligned": {"eng_Latn-deu_Latn": count, "eng_Latn-tha_Thai": 0},
        "links": {"eng_Latn-deu_Latn": links, "eng_Latn-tha_Thai": 0},
    }
    notes = notes_of(made.counts, languages, trained)
    assert notes["trained"][1] == {"languages": ["eng_Latn", "tha_Thai"], "rows": 80, "trained_on": 0}
    assert notes["table"][1].split() == ["eng_Latn-deu_Latn", "40", "40", "40", f"{links / count:.1f}"]


def test_training_stops_where_there_are_cells_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligner, "_MOST_CELLS", 1000)
    assert 10 < train_aligner(pa.array(SOURCE), pa.array(TARGET)).pairs < 40
    monkeypatch.setattr(aligner, "_MOST_CELLS", 1)
    assert train_aligner(pa.array(SOURCE), pa.array(TARGET)).pairs == 1


def test_characters_are_joined_by_intersection() -> None:
    assert symmetrization_of(AlignOptions(), ("eng_Latn", "zho_Hant")) == "intersection"
    assert symmetrization_of(AlignOptions(), ("eng_Latn", "deu_Latn")) == "grow-diag-final-and"
    assert symmetrization_of(AlignOptions(symmetrization="union"), ("tha_Thai", "eng_Latn")) == "union"


def test_what_cannot_be_aligned_is_null() -> None:
    model = train_aligner(pa.array(SOURCE), pa.array(TARGET), AlignOptions(max_tokens=20))
    source = [None, "", "sa", "...", " ".join(["saaa"] * 21), SOURCE[0]]
    target = ["taaa", "taaa", None, "taaa", "taaa", TARGET[0]]
    found = links_of(align_pairs(model, pa.array(source), pa.array(target)))
    assert found == [None] * 5 + [GOLD[0]]
    assert len(align_pairs(model, pa.array([], pa.string()), pa.array([], pa.string()))) == 0


def test_the_score_is_the_mean_logarithm_of_tokens() -> None:
    """Summed once more, token by token, from the tables of the model; shuffled pairs score far below."""
    options = AlignOptions(prefix=3)
    model = train_aligner(pa.array(SOURCE), pa.array(TARGET), options)
    source, target = [SOURCE[0], SOURCE[1], "saa unseen", None], [TARGET[0], TARGET[2], "taa words never met", "taa"]
    _, found = align_and_score(model, pa.array(source, pa.string()), pa.array(target, pa.string()))

    def one_way(table: TranslationTable, parents: list[int], children: list[int]) -> float:
        known = dict(zip(table.keys.tolist(), table.probability.tolist(), strict=True))
        rank = [{word: at for at, word in enumerate(words.tolist())} for words in (table.parents, table.children)]
        total = 0.0
        for i, child in enumerate(children, 1):
            weights = [
                math.exp(-options.tension * abs(i / len(children) - j / len(parents)))
                for j in range(1, len(parents) + 1)
            ]
            likely = 0.0
            for weight, parent in zip(weights, parents, strict=True):
                key = rank[0].get(parent, -1) * len(rank[1]) + rank[1].get(child, 0)
                seen = known.get(key, 1e-9) if parent in rank[0] and child in rank[1] else 1e-9
                likely += (1 - options.null_share) * weight / sum(weights) * seen
            likely += options.null_share * (table.null[rank[1][child]] if child in rank[1] else 1e-9)
            total += math.log(likely)
        return total / len(children)

    for one, other, score in zip(source, target, found.to_pylist(), strict=True):
        if one is None or other is None:
            assert score is None
            continue
        words = [read_side(pa.array([text]), options.prefix).words.tolist() for text in (one, other)]
        expected = (one_way(model.forward, *words) + one_way(model.backward, *words[::-1])) / 2
        assert score == pytest.approx(expected, abs=1e-4)
    right, wrong = (
        np.array(align_and_score(model, pa.array(SOURCE), pa.array(other))[1])
        for other in (TARGET, TARGET[1:] + TARGET[:1])
    )
    assert (wrong < right.min()).mean() > 0.95  # a few share words by chance


def test_a_model_is_the_same_after_a_round_trip(tmp_path: Path) -> None:
    model = train_aligner(pa.array(SOURCE), pa.array(TARGET))
    for name in ("one", "two"):
        model.save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    loaded = AlignmentModel.load(tmp_path / "one", model.options)
    assert loaded.pairs == 300
    assert align_pairs(loaded, pa.array(SOURCE), pa.array(TARGET)).equals(
        align_pairs(model, pa.array(SOURCE), pa.array(TARGET))
    )


@given(st.floats(0.1, 14), st.integers(1, 30), st.integers(1, 30), st.data())
def test_the_two_series_are_the_sum(tension: float, children: int, parents: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, children))
    direct = np.log(np.exp(-tension * np.abs(place / children - np.arange(1, parents + 1) / parents)).sum())
    found = log_normalizers(tension, np.array([place]), np.array([children]), np.array([parents]))
    assert found[0] == pytest.approx(direct, abs=1e-9)


def test_errors() -> None:
    with pytest.raises(UserError, match="as many"):
        train_aligner(pa.array(["a"]), pa.array(["b", "c"]))
    with pytest.raises(UserError, match="no sentence pair"):
        train_aligner(pa.array(["a", ""]), pa.array(["", "b"]))
    with pytest.raises(ValidationError, match="symmetrization"):
        AlignOptions(symmetrization="grow")  # type: ignore[arg-type]
    for name, value in [("iterations", 0), ("tension", 20.0), ("null_share", 1.0), ("prefix", -1), ("max_tokens", 0)]:
        with pytest.raises(ValidationError, match=name):
            AlignOptions(**{name: value})
