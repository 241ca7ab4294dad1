"""The language of each sentence: spans, labels, counts and shares against slow code; the filter on disagreement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

import xlcorpus as xl
from tests.house.pages import blocks
from tests.ingest.ingest_helpers import jsonl
from tests.lid.test_identify import SENTENCES, FixedModel, batch_of
from tests.rows import documents
from tests.running import called
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.lid.close import close_languages
from xlcorpus.lid.identify import identify_batch
from xlcorpus.lid.model import LanguageModel, load_model
from xlcorpus.lid.sentence_languages import _FIELDS, LABELS, SHARE, Counted, agreement, letters_seen, with_sentences
from xlcorpus.lid.sentence_languages import SENTENCES as COLUMN
from xlcorpus.text.codepoints import code_points
from xlcorpus.text.labels import language_of, script_seen
from xlcorpus.text.sentences import sentences
from xlcorpus.text.slices import span_texts

WORDS = ["The river.", "Река тиха.", "川は静か。", "नदी है।", "แม่น้ำสงบ\n", "!!!", "1,5", " ", "강은 고요하다.", "𝒜 b."]
MODEL: Any = FixedModel([("__label__eng_Latn", 0.5), ("__label__rus_Cyrl", 0.25), ("__label__zho_Hani", 0.125)])


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model("embedded")


def slowly(batch: pa.RecordBatch, model: Any, counted: Counted) -> list[tuple[list[dict[str, Any]], int, float | None]]:
    """Sentence by sentence."""
    found = []
    for text, own in zip(batch.column("text").to_pylist(), batch.column("lang").to_pylist(), strict=True):
        spans = sentences(code_points(pa.array([text or ""])))
        rows: list[dict[str, Any]] = []
        labels, sizes = set(), {True: 0, False: 0}
        for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True):
            row: dict[str, Any] = {"start": start, "end": end, "lang": None, "score": None}
            if len(regex.findall(r"[\p{L}\p{M}]", text[start:end])) >= counted.letters:
                (judged,) = identify_batch(batch_of([text[start:end]]), model).to_pylist()
                row |= {"lang": judged["lang"], "score": judged["lang_score"]}
                if judged["lang_score"] >= counted.score and language_of(judged["lang"]) not in ("und", "zxx"):
                    labels.add(script_seen(judged["lang"]))
                    sizes[script_seen(judged["lang"]) == script_seen(own or "")] += end - start
            rows.append(row)
        total = sum(sizes.values())
        found.append((rows, len(labels), sizes[True] / total if total and own is not None else None))
    return found


@settings(max_examples=12)
@given(
    st.lists(st.one_of(st.none(), st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)), max_size=5),
    st.integers(1, 12),
    st.sampled_from([0.0, 0.25, 0.3]),
)
def test_sentences_are_judged_as_texts(texts: list[str | None], chars: int, score: float) -> None:
    batch = identify_batch(documents(texts), MODEL)
    counted = Counted(chars, score)
    made = with_sentences(batch, MODEL, counted)
    assert made.select(batch.schema.names).equals(batch)
    load_schema("document").check(made.schema, "here")
    for (rows, labels, share), row in zip(slowly(batch, MODEL, counted), made.to_pylist(), strict=True):
        assert row[COLUMN] == rows
        assert row[LABELS] == labels
        assert row[SHARE] == (None if share is None else pytest.approx(share))
    assert with_sentences(made, MODEL, counted).equals(made)


def test_spans_give_the_texts_they_stand_for() -> None:
    texts = pa.array(["ignored", *WORDS, None, "", "a. B. c"]).slice(1)
    points = code_points(texts)
    spans = sentences(points)
    whole = points.codes.tobytes().decode("utf-32-le")
    cut = [whole[start:end] for start, end in zip(spans.starts.tolist(), spans.ends.tolist(), strict=True)]
    assert span_texts(texts, points, spans).to_pylist() == cut
    none = code_points(texts.slice(0, 0))
    assert len(span_texts(texts.slice(0, 0), none, sentences(none))) == 0


def test_mixed_texts_have_more_than_one_label(model: LanguageModel) -> None:
    one = [f"{SENTENCES[label]} {SENTENCES[label]}" for label in SENTENCES]
    mixed = [
        f"{SENTENCES['eng_Latn']} {SENTENCES[label]}" for label in ("swh_Latn", "rus_Cyrl", "hin_Deva", "tha_Thai")
    ]
    han = SENTENCES["zho_Hans"] + SENTENCES["zho_Hant"]
    made = with_sentences(identify_batch(batch_of([*one, *mixed, han]), model), model, Counted(15, 0.5))
    labels = made.column(LABELS).to_pylist()
    assert labels == [*[1] * len(one), *[2] * 4, 1]
    share = made.column(SHARE).to_pylist()
    assert share[: len(one)] == [1] * len(one)
    assert all(value < 0.8 for value in share[len(one) : -1])
    assert len(made.column(COLUMN)[0]) == 2


def test_letters_are_those_of_words() -> None:
    link = "https://a.example/long_path.html"
    texts = ["naïve हिन्दी 1,5", f"> अधिक: <{link}>।", link, "𝒜 b", "don’t", ""]
    assert letters_seen(pa.array(texts)).tolist() == [11, 4, 0, 2, 5, 0]


@pytest.mark.parametrize(
    ("given", "own", "said", "same"),
    [
        ("macrolanguage", "yue_Hani", "zho_Hani", True),
        ("macrolanguage", "hrv_Latn", "srp_Latn", True),
        ("macrolanguage", "hrv_Latn", "srp_Cyrl", False),
        ("macrolanguage", "arb_Arab", "arz_Arab", True),
        ("macrolanguage", "hin_Deva", "mai_Deva", False),
        ("macrolanguage", "", "eng_Latn", False),
        ("none", "hrv_Latn", "srp_Latn", False),
        ("none", "hrv_Latn", "hrv_Latn", True),
        ("close.txt", "hin_Deva", "mai_Deva", True),
        ("close.txt", "ces_Latn", "slk_Latn", True),
        ("close.txt", "ces_Latn", "hin_Latn", False),
        ("close.txt", "zsm_Latn", "ind_Latn", True),
    ],
)
def test_close_languages_are_one(
    given: str, own: str, said: str, same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "close.txt").write_text("# of the north\nhi mai_Deva  bho # plain\n\nCzech, slk\n", encoding="utf-8")
    close = close_languages(given)
    assert close.same(own, said) == close.same(said, own) == same
    item = {"start": 0, "end": 40, "lang": said, "score": 1.0}
    found = pa.array([[item]], pa.list_(pa.struct(_FIELDS)))
    labels, share = agreement(pa.array([own or None], pa.string()), found, Counted(1, 0.5, close))
    assert labels.to_pylist() == [1]
    assert share.to_pylist() == [float(same) if own else None]


@pytest.mark.parametrize(
    ("content", "said"),
    [("hin xq9\n", "close.txt, line 1: 'xq9'"), ("\nhin\n", "line 2: 'hin' is one language"), (None, "No such file")],
)
def test_close_languages_that_cannot_be_read_are_named(content: str | None, said: str, tmp_path: Path) -> None:
    file = tmp_path / "close.txt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UserError, match=said):
        close_languages(str(file))


def test_documents_whose_sentences_disagree_go(tmp_path: Path) -> None:
    english = " ".join([SENTENCES["eng_Latn"]] * 3)
    lines = [{"text": english}, {"text": f"{english} {SENTENCES['rus_Cyrl']}"}, {"text": "Too short."}]
    (tmp_path / "one.yaml").write_text("default: {lang_sentence_labels: {max: 1}}\n")
    (tmp_path / "most.yaml").write_text("default: {lang_sentence_share: {min: 0.7}}\n")
    given = xl.ingest(jsonl(tmp_path / "a.jsonl", *lines), output=tmp_path / "in")
    plain = xl.identify(given, output=tmp_path / "plain")
    with pytest.raises(UserError, match="lang_sentence_labels") as raised:
        xl.filter(plain, output=tmp_path / "no", thresholds=str(tmp_path / "one.yaml"))
    assert "identify --sentences" in (raised.value.remedy or "")
    made = xl.identify(given, output=tmp_path / "made", sentences=True)
    assert made.to_arrow().select(plain.to_arrow().column_names).equals(plain.to_arrow())
    kept = xl.filter(made, output=tmp_path / "one", thresholds=str(tmp_path / "one.yaml"))
    assert kept.to_arrow()["text"].to_pylist() == [lines[0]["text"], lines[2]["text"]]
    (gone,) = [row for batch in kept.decisions() for row in batch.to_pylist()]
    assert (gone["reason"], gone["score"], gone["threshold"]) == ("lang_sentence_labels_above", 2, 1)
    assert xl.filter(made, output=tmp_path / "most", thresholds=str(tmp_path / "most.yaml")).manifest.rows == 3
    with pytest.raises(UserError, match="--sentence-chars is an option of --sentences; there is no --sentences"):
        xl.identify(given, output=tmp_path / "no", sentence_chars=20)


def test_the_commands_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in ("json", "yaml", "text"):
        for name, content in blocks("sentence-languages.md", kind):
            Path(name).write_text(content, encoding="utf-8")
    for _, code in blocks("sentence-languages.md", "bash"):
        for line in code.splitlines():
            assert called(*line.split()[1:]).returncode == 0, line
    rows = Dataset.open(tmp_path / "identified").to_arrow()
    assert rows[LABELS].to_pylist() == [1, 2, 1, 0]
    reasons = {
        name: [row["reason"] for batch in Dataset.open(tmp_path / name).decisions() for row in batch.to_pylist()]
        for name in ("clean", "mostly")
    }
    assert reasons == {"clean": ["lang_sentence_labels_above"], "mostly": ["lang_sentence_share_below"]}


def test_sides_of_pairs_have_sentences_too(tmp_path: Path) -> None:
    line = {"src": SENTENCES["eng_Latn"], "tgt": f"{SENTENCES['rus_Cyrl']} {SENTENCES['eng_Latn']}"}
    given = xl.ingest(
        jsonl(tmp_path / "a.jsonl", line), output=tmp_path / "in", kind="pairs", src_lang="en", tgt_lang="ru"
    )
    (row,) = xl.identify(given, output=tmp_path / "out", sentences=True).to_arrow().to_pylist()
    assert (row["src_lang_sentence_labels"], row["tgt_lang_sentence_labels"]) == (1, 2)
    assert row["src_lang_sentence_share"] == 1
    size = np.array([len(SENTENCES[label]) for label in ("rus_Cyrl", "eng_Latn")])
    assert row["tgt_lang_sentence_share"] == pytest.approx(size[0] / size.sum())
