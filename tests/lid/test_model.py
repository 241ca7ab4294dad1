from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.lid import folding
from xlcorpus.lid.folding import excerpt, fold, one_line
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.known import MODELS, KnownModel
from xlcorpus.lid.model import LanguageModel, Predictions, load_model
from xlcorpus.lid.models.embedded import MODEL
from xlcorpus.sample import sample_folder
from xlcorpus.text.labels import known_languages, language_of, normalize_label

ODD = [
    "Habari ya asubuhi",
    "",
    " \n ",
    "a\rb\u2028c\u0085d",
    "x\x00y",
    "Добрый день\n\nвсем",
    "__label__eng_Latn hello",
    "\x0c",
]


def test_embedded_model_is_small_and_labelled_in_our_way(embedded: LanguageModel) -> None:
    assert MODEL.where().stat().st_size <= 6_000_000
    assert embedded.folded
    assert embedded.has_scripts
    assert len(embedded.labels) >= 200
    assert len(embedded.fingerprint) == 32
    assert (MODEL.where().parent / "README.md").read_text("utf-8").count(embedded.fingerprint) == 1


def test_damaged_embedded_model_is_refused(tmp_path: Path) -> None:
    damaged = bytearray(MODEL.where().read_bytes())
    damaged[len(damaged) // 2] ^= 4
    path = tmp_path / "lid.ftz"
    path.write_bytes(damaged)
    with pytest.raises(UserError, match="is not the file of the model 'embedded' any more") as caught:
        LanguageModel(replace(MODEL, where=lambda: Location(path)))
    assert "install xlcorpus again" in str(caught.value.remedy)


def predict(model: LanguageModel, texts: pa.StringArray, k: int) -> Predictions:
    return model.predict(model.prepare(texts), k)


def test_predictions_are_aligned_with_rows_whatever_the_characters(embedded: LanguageModel) -> None:
    found = predict(embedded, pa.array([*ODD, None]), 3)
    assert np.diff(found.offsets).tolist() == [3] * (len(ODD) + 1)
    assert found.rows.tolist() == np.repeat(np.arange(len(ODD) + 1), 3).tolist()
    assert found.scores.dtype == np.float32
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    first = [embedded.labels[label] for label in found.labels[found.offsets[:-1]]]
    assert first[0] == "__folded__swh_Latn"
    assert first[5] == "__folded__rus_Cyrl"


def test_scores_of_later_candidates_are_their_own(embedded: LanguageModel) -> None:
    """fasttext-wheel 0.9.2's multilinePredict repeats the best score under numpy 2."""
    found = predict(embedded, pa.array(["dobar dan svima", "selamat pagi"]), 5)
    scores = found.scores.reshape(2, 5)
    assert (np.diff(scores, axis=1) <= 0).all()
    assert (scores[:, 0] > scores[:, 1]).all()
    assert (scores.sum(axis=1) <= 1.001).all()


def test_k_bounds_the_candidates(embedded: LanguageModel) -> None:
    texts = pa.array(["Bonjour tout le monde, comment allez-vous ?", ""])
    one, two = predict(embedded, texts, 1), predict(embedded, texts, 2)
    assert (one.offsets.tolist(), two.offsets.tolist()) == ([0, 1, 2], [0, 2, 4])
    assert one.labels.tolist() == two.labels[::2].tolist()
    none = predict(embedded, texts.slice(0, 0), 5)
    assert none.offsets.tolist() == [0]
    assert len(none.scores) == 0


def test_batch_and_single_predictions_are_equal(embedded: LanguageModel) -> None:
    together = predict(embedded, pa.array(ODD), 4)
    for row, text in enumerate(ODD):
        alone = predict(embedded, pa.array([text]), 4)
        span = slice(together.offsets[row], together.offsets[row + 1])
        assert together.labels[span].tolist() == alone.labels.tolist()
        assert together.scores[span].tolist() == alone.scores.tolist()


def test_raw_models_see_the_text_as_it_is(lid176: LanguageModel) -> None:
    assert not lid176.folded
    assert not lid176.has_scripts
    assert lid176.prepare(pa.array(["A-b, 12\n3\x00 `c`"])).to_pylist() == ["A-b, 12 3 `c`"]


def test_errors_name_the_file_and_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"nothing\.bin cannot be read.*\n.*remedy"):
        load_model(str(tmp_path / "nothing.bin"))
    other = tmp_path / "other.ftz"
    other.write_bytes(b"not a model")
    with pytest.raises(UserError, match=r"other\.ftz is not a whole fastText model"):
        load_model(str(other))
    monkeypatch.delenv("XLCORPUS_LID176", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(UserError, match="XLCORPUS_LID176"):
        load_model("lid176")
    monkeypatch.setenv("XLCORPUS_LID176", str(MODEL.where()))
    assert load_model("lid176").name == "lid176"


@pytest.mark.parametrize("kept", [0, 3, 40, 70, 2_000, 40_000, 3_000_000, -1])
def test_a_model_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    """fastText reads words for ever from a file cut in its dictionary, and loads one that lacks its last bytes."""
    path = tmp_path / "cut.ftz"
    path.write_bytes(MODEL.where().read_bytes()[:kept])
    with pytest.raises(UserError, match=r"cut\.ftz is not a whole fastText model: it "):
        load_model(str(path))


def test_full_precision_models_load(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("__label__eng_Latn one two three\n__label__rus_Cyrl раз два три\n" * 20)
    path = tmp_path / "full.bin"
    fasttext.train_supervised(str(text), dim=4, bucket=100, minn=1, maxn=2, thread=1, verbose=0).save_model(str(path))
    assert set(load_model(str(path)).labels) == {"__label__eng_Latn", "__label__rus_Cyrl"}
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(UserError, match="is not a whole"):
        load_model(str(path))


def test_word_vectors_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("one two three four five\n" * 20)
    path = tmp_path / "vectors.bin"
    vectors = fasttext.train_unsupervised(str(text), dim=4, bucket=10, minCount=1, epoch=1, thread=1, verbose=0)
    vectors.save_model(str(path))
    with pytest.raises(UserError, match="word vectors"):
        load_model(str(path))


def test_folding_keeps_letters_and_inner_apostrophes() -> None:
    folded = {
        "Hello, `ls -l` World’s": "hello world's",
        "2019年のNHK https://a.b/c": "年のnhk",
        "<b>Tag</b> 'q'": "tag q",
        "می\u200cخواهم 12": "می خواهم",
        "e\u0301t\u00ade\u0301": "été",
        "`ls`": "ls",  # nothing but code: better than nothing
        None: "",
    }
    assert fold(pa.array(list(folded))).to_pylist() == list(folded.values())


def test_one_line_drops_every_line_end() -> None:
    assert one_line(pa.array(["a\r\nb\u2028c\u2029d\u0085e\x00f\tg"])).to_pylist() == ["a b c d e f g"]


@pytest.mark.parametrize("huge_bytes", [1 << 20, 1_000])
def test_excerpt_takes_start_middle_and_end_of_long_texts_only(
    monkeypatch: pytest.MonkeyPatch, huge_bytes: int
) -> None:
    monkeypatch.setattr(folding, "_HUGE_BYTES", huge_bytes)
    long = "а" * 500 + "b" * 500 + "文" * 500
    cut = excerpt(pa.array(["short", long, "", "x" * 9, "y" * 10]), 9).to_pylist()
    assert cut == ["short", "аа bb 文文文", "", "x" * 9, "yy yy yyy"]


def test_a_model_of_another_file_is_called_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, path = tmp_path / "text.txt", tmp_path / "toy.bin"
    text.write_text("__label__e one two three\n__label__r раз два три\n" * 20)
    fasttext.train_supervised(str(text), dim=4, bucket=100, minn=1, maxn=2, thread=1, verbose=0).save_model(str(path))
    ours = {"__label__e": "eng_Latn", "__label__r": "rus_Cyrl"}
    toy = KnownModel("toy", lambda: path, prepare=pc.utf8_lower, label=lambda raw, *, script=None, han="": ours[raw])
    monkeypatch.setitem(MODELS.all, "toy", toy)
    model = load_model("toy")
    assert (model.name, model.folded, model.has_scripts) == ("toy", False, False)
    assert model.prepare(pa.array(["ONE"])).to_pylist() == ["one"]
    found = identify_batch(pa.record_batch({"text": ["ONE TWO", "РАЗ ДВА"]}), model, top_k=1)
    assert found.column("lang").to_pylist() == ["eng_Latn", "rus_Cyrl"]


def test_models_by_name() -> None:
    assert MODELS.names == ("embedded", "lid176")
    with pytest.raises(UserError, match="give 'embedded', 'lid176' or the path"):
        load_model("embeded")


def test_the_languages_of_the_embedded_model_are_known(embedded: LanguageModel) -> None:
    assert {language_of(normalize_label(label)) for label in embedded.labels} <= known_languages()


def test_sizes_beyond_any_file_are_a_damaged_model(tmp_path: Path) -> None:
    """A damaged header says how many entries of its dictionary were pruned: as many as no file has."""
    from xlcorpus.lid import fasttext_file

    whole = bytearray(next((sample_folder().parent / "lid" / "embedded").glob("*.ftz")).read_bytes())
    at = fasttext_file._HEADER.size + fasttext_file._DICTIONARY.size - 8
    whole[at : at + 8] = (1 << 61).to_bytes(8, "little")
    path = tmp_path / "model.ftz"
    path.write_bytes(whole)
    with pytest.raises(fasttext_file.NotWholeError):
        fasttext_file.model_kind(path)
