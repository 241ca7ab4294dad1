"""Training: the sample and its shares, characters by script, the same bytes whatever the batches, options."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import write_dataset
from tests.tokenizer.tokenizer_helpers import HARD_TEXTS, WORDS, documents, rows, train_model
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.coverage import PRINTABLE, count_characters, required_characters
from xlcorpus.tokenizer.text_sample import Sample, draw_sample
from xlcorpus.tokenizer.train import TooLargeError, TooSmallError, TrainOptions, lines_of, train, train_on_sample
from xlcorpus.tokenizer.write import write_trained

SMALL = TrainOptions(vocab_size=450, sample_bytes=60_000, seed=3)


def _datasets(folder: Path, cuts: tuple[int, ...], shuffle: int | None = None) -> list[Dataset]:
    """The same documents in one dataset or several, in shards of some sizes, in some order."""
    made = list(rows(("eng_Latn", "hin_Deva", "tha_Thai", "swh_Latn")))
    if shuffle is not None:
        random.Random(shuffle).shuffle(made)
    bounds = [0, *cuts, len(made)]
    batches = [documents(made[start:end]) for start, end in pairwise(bounds)]
    return [write_dataset(folder / f"{shuffle}-{number}", [batch]) for number, batch in enumerate(batches)]


@pytest.mark.parametrize("model", ["unigram", "bpe"])
def test_same_bytes_whatever_the_files_and_their_order(tmp_path: Path, model: str) -> None:
    options = TrainOptions(model=model, vocab_size=450, sample_bytes=60_000, seed=3)
    whole = train(_datasets(tmp_path, ()), options)
    cut = train(_datasets(tmp_path, (7, 50, 51), shuffle=2)[::-1], options)
    assert cut.model == whole.model
    assert cut.sample.table.equals(whole.sample.table)
    assert cut.sample.bytes_by_language() == whole.sample.bytes_by_language()
    other = train(_datasets(tmp_path, (60,), shuffle=4), TrainOptions(model=model, vocab_size=450, sample_bytes=60_000))
    assert other.model != whole.model  # of another seed


def test_same_bytes_whatever_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = _datasets(tmp_path, ())
    whole = draw_sample(datasets, 50_000, 1)
    monkeypatch.setattr("xlcorpus.dataset.dataset.BATCH_ROWS", 3)
    assert draw_sample(datasets, 50_000, 1).table.equals(whole.table)
    data, _ = train_on_sample(whole, SMALL)
    monkeypatch.setattr(Sample, "batches", lambda self, rows=1024: self.table.to_batches(max_chunksize=5))
    assert train_on_sample(whole, SMALL)[0] == data


def test_files_of_equal_runs_are_equal(tmp_path: Path) -> None:
    contents = []
    for number, cuts in enumerate([(), ()]):
        datasets = _datasets(tmp_path / f"data{number}", cuts)
        write_trained(train(datasets, SMALL), tmp_path / str(number) / "t.model")
        files = sorted(path for path in (tmp_path / str(number)).rglob("*") if path.is_file())
        contents.append({path.relative_to(tmp_path / str(number)).as_posix(): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert sorted(contents[0]) == ["t.hf/tokenizer.json", "t.hf/tokenizer_config.json", "t.json", "t.model", "t.vocab"]


def test_shares_of_the_sample_are_those_of_the_data(tmp_path: Path) -> None:
    made = [*rows(("eng_Latn",), 200), *rows(("hin_Deva",), 20), *rows(("tha_Thai",), 5)]
    dataset = write_dataset(tmp_path / "d", [documents(made)])
    available = Counter(dict.fromkeys(WORDS, 0))
    for _, lang, text in made:
        available[lang] += len(text.encode())
    total = sum(available.values())
    for most in (1000, 20_000, total // 2):
        sample = draw_sample([dataset], most, 9)
        taken = sample.bytes_by_language()
        for lang in ("eng_Latn", "hin_Deva", "tha_Thai"):
            # Rounded up, and a character that does not fit is left out.
            assert abs(taken[lang] - most * available[lang] / total) <= 4
    assert draw_sample([dataset], total, 9).table.num_rows == len(made)
    assert draw_sample([dataset], None, 9).bytes_by_language() == {k: v for k, v in sorted(available.items()) if v}


def test_a_smaller_sample_is_the_beginning_of_a_larger_one(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", [documents(rows(("eng_Latn",), 60))])
    small = draw_sample([dataset], 3000, 5).table.column("text").to_pylist()
    large = draw_sample([dataset], 9000, 5).table.column("text").to_pylist()
    assert large[: len(small) - 1] == small[:-1]
    assert large[len(small) - 1].startswith(small[-1])


def test_repeated_documents_of_a_mix_count_as_often_as_they_stand_there(tmp_path: Path) -> None:
    once = rows(("eng_Latn",), 4)
    made = [*once, *once, *once[:1]]
    epochs = pa.array([0] * 4 + [1] * 4 + [2], pa.int32())
    dataset = write_dataset(tmp_path / "d", [documents(made, mix_epoch=epochs)])
    texts = draw_sample([dataset], None, 0).table.column("text").to_pylist()
    assert Counter(texts) == Counter(text for _, _, text in made)
    orders = {tuple(draw_sample([dataset], None, seed).table.column("text").to_pylist()) for seed in range(4)}
    assert len(orders) == 4


def test_documents_without_a_language_have_a_share_too(tmp_path: Path) -> None:
    dataset = write_dataset(
        tmp_path / "d", [documents([("a", None, "x = 1\n" * 50), ("b", "eng_Latn", "one two " * 50)])]
    )
    assert set(draw_sample([dataset], 300, 0).bytes_by_language()) == {"und", "eng_Latn"}


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1), st.integers(0, 300))
def test_cut_texts_are_whole_characters(tmp_path_factory: pytest.TempPathFactory, texts: list[str], most: int) -> None:
    made = [(str(number), "eng_Latn", text) for number, text in enumerate(texts)]
    if not any(texts):
        return
    dataset = write_dataset(tmp_path_factory.mktemp("d"), [documents(made)])
    sample = draw_sample([dataset], most, 0)
    assert sum(len(text.encode()) for text in sample.table.column("text").to_pylist()) <= max(most, 1)
    assert all(any(text.startswith(part) for text in texts) for part in sample.table.column("text").to_pylist())


def test_datasets_that_cannot_be_sampled(tmp_path: Path) -> None:
    empty = write_dataset(tmp_path / "empty", [documents([])])
    with pytest.raises(UserError, match="there is no text in"):
        draw_sample([empty], 100, 0)
    with pytest.raises(UserError, match="no dataset"):
        draw_sample([], 100, 0)
    data = write_dataset(tmp_path / "data", [documents(rows(("eng_Latn",), 2))])
    with pytest.raises(UserError, match="are the same dataset"):
        draw_sample([data, Dataset.open(tmp_path / "data")], 100, 0)
    with pytest.raises(UserError, match=r"no column 'sentence' in .*doc_id, lang, origin, source, text"):
        draw_sample([data], 100, 0, ["sentence"])


def test_each_script_reaches_its_own_coverage() -> None:
    common = "的" * 3_000_000 + "一二三四五六七八九十" * 200
    rare = "".join(map(chr, range(0x6000, 0x6200)))  # each once: 0.02 % of the Han text
    cherokee = "ᎠᎡᎢᎣᎤ" * 20  # 0.003 % of all characters
    odd = "𐍈"  # a single letter of Gothic
    characters, covered = required_characters(count_characters([pa.array([common, rare, cherokee + odd])]))
    by_script = {one.script: one for one in covered}
    assert set("ᎠᎡᎢᎣᎤ") <= set(characters)
    assert not set(rare) & set(characters)
    assert odd not in characters
    assert by_script["Hani"].coverage >= 0.9995
    assert by_script["Cher"].coverage == 1
    assert by_script["Goth"].kept == 0
    assert set(PRINTABLE) <= set(characters)
    assert " " not in characters
    assert list(characters) == sorted(characters)


def test_spaces_of_other_kinds_are_characters_to_keep() -> None:
    characters, _ = required_characters(count_characters([pa.array(["12\u00a0% à\u202f? \u3000\n\t\r\x00"] * 3)]))
    assert {"\u00a0", "\u202f", "\u3000", "à"} <= set(characters)
    assert not set("\n\t\r\x00 ") & set(characters)


def test_automatic_coverage_keeps_the_letters_of_a_small_language(tmp_path: Path) -> None:
    made = [*rows(("eng_Latn",), 300), *rows(("kat_Geor",), 1)]
    sample = draw_sample([write_dataset(tmp_path / "d", [documents(made)])], None, 0)
    georgian = set(WORDS["kat_Geor"]) - {" "}
    pieces = {}
    for coverage, size in (("auto", 380), ("0.98", 290)):
        path = tmp_path / f"{coverage}.model"
        path.write_bytes(train_on_sample(sample, TrainOptions(vocab_size=size, coverage=coverage))[0])
        pieces[coverage] = {text for text in open_tokenizer(path).piece_texts() if text}
    assert georgian <= pieces["auto"]
    assert not georgian & pieces["0.98"]


@pytest.mark.parametrize("model", ["unigram", "bpe"])
@pytest.mark.parametrize("prefix", [True, False])
def test_every_text_comes_back(tmp_path: Path, model: str, prefix: bool) -> None:
    options = {"model": model, "dummy_prefix": prefix, "special": ("<2eng_Latn>", "a,b", '"q"')}
    tokenizer = open_tokenizer(train_model(tmp_path, "t", tuple(WORDS), vocab_size=650, **options))
    texts = [*HARD_TEXTS, *(text for _, _, text in rows(count=4)), 'a,b and "q"']
    ids, offsets = tokenizer.encode_batch(pa.array(texts))
    assert [tokenizer.decode(ids[start:end]) for start, end in pairwise(offsets)] == texts
    assert not (ids == tokenizer.unk_id).any()


def test_options_are_in_the_model(tmp_path: Path) -> None:
    plain = open_tokenizer(train_model(tmp_path, "plain", ("eng_Latn",), vocab_size=365))
    ids, _ = plain.encode_batch(pa.array(["1234567 ﬁx"]))
    texts = [plain.piece_texts()[number] for number in ids]
    assert "".join(texts[:8]).strip() == "1234567"[: len("".join(texts[:8]).strip())]
    assert all(sum(letter.isdigit() for letter in text or "") <= 1 for text in plain.piece_texts())
    nfkc = open_tokenizer(train_model(tmp_path, "nfkc", ("eng_Latn",), vocab_size=365, normalization="nfkc"))
    ids, _ = nfkc.encode_batch(pa.array(["ﬁx ２"]))
    assert nfkc.decode(ids) == "fix 2"
    none = open_tokenizer(train_model(tmp_path, "none", ("eng_Latn",), vocab_size=110, byte_fallback=False, mask=False))
    assert none.mask_id is None
    ids, _ = none.encode_batch(pa.array(["河"]))
    assert none.unk_id in ids.tolist()
    ids, _ = none.encode_batch(pa.array([" the\n\n\triver \r\n"]))
    assert none.decode(ids) == " the\n\n\triver \r\n"


def test_the_card_says_what_it_was_trained_on(tmp_path: Path) -> None:
    datasets = _datasets(tmp_path, ())
    tokenizer, table = write_trained(train(datasets, SMALL), tmp_path / "t.model")
    card = json.loads((tmp_path / "t.json").read_text())
    assert card["fingerprint"] == tokenizer.fingerprint
    assert card["options"]["seed"] == 3
    assert card["trained_on"][0]["content"] == datasets[0].manifest.content_fingerprint
    assert card["round_trip"] == {"altered": 0, "texts": card["sample"]["texts"]}
    assert sum(card["sample"]["bytes"].values()) <= 60_004
    by_language = {row["lang"]: row for row in table.to_pylist()}
    assert card["languages"]["hin_Deva"]["fertility"] == pytest.approx(by_language["hin_Deva"]["fertility"], rel=1e-5)
    lines = (tmp_path / "t.vocab").read_text().splitlines()
    assert len(lines) == tokenizer.vocab_size == 450
    assert lines[0].split("\t")[0] == "<pad>"


def test_lines_given_to_the_trainer(tmp_path: Path) -> None:
    text = "one\n\ntwo\tthree\r\n" + "x" * 25_000 + "\u2581y"
    sample = draw_sample([write_dataset(tmp_path / "d", [documents([("a", "eng_Latn", text)])])], None, 0)
    lines = list(lines_of(sample, ""))
    assert lines == ["one", "two", "three", "x" * 10_000, "x" * 10_000, "x" * 5_000, "y"]


def test_vocabularies_that_cannot_be(tmp_path: Path) -> None:
    sample = draw_sample(_datasets(tmp_path, ()), None, 0)
    with pytest.raises(TooSmallError, match=r"--vocab-size 200 is too small: .* alone are \d+ pieces") as small:
        train_on_sample(sample, TrainOptions(vocab_size=200))
    assert 261 < small.value.limit < 600
    with pytest.raises(TooLargeError, match=r"--vocab-size 90000 is too large: the sample gives \d+ pieces") as large:
        train_on_sample(sample, TrainOptions(vocab_size=90_000, model="bpe"))
    data, _ = train_on_sample(sample, TrainOptions(vocab_size=large.value.limit, model="bpe"))
    (tmp_path / "most.model").write_bytes(data)
    assert open_tokenizer(tmp_path / "most.model").vocab_size == large.value.limit


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"coverage": "0.5"}, "--coverage 0.5"),
        ({"coverage": "most"}, "--coverage most"),
        ({"coverage": "nan"}, "--coverage nan"),
        ({"special": ("<s>",)}, "twice or already"),
        ({"special": ("<a>", "<a>")}, "twice or already"),
        ({"special": ("two words",)}, "white space"),
        ({"special": ("",)}, "empty"),
        ({"special": ("<0x0A>",)}, "already"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], says: str) -> None:
    with pytest.raises(UserError, match=says):
        TrainOptions(**options).check()  # type: ignore[arg-type]


def test_counts_do_not_depend_on_the_parts() -> None:
    texts = [text for _, _, text in rows(count=3)]
    whole = count_characters([pa.array(texts)])
    assert np.array_equal(whole, count_characters(pa.array([text]) for text in texts))
    assert whole.sum() == sum(map(len, texts))
