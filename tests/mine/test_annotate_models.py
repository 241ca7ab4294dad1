"""annotate with a classifier, a tagger and an embedder: what predict says of packed rows, on rows as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.evaluate.models import folder, opened
from tests.objectives.labelled_rows import headed
from tests.packed import SAMPLE, TEXTS
from tests.rows import documents, pairs, rows_of, write_dataset
from tests.running import called, digests
from tests.tags.label_helpers import columns_of
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.evaluate.vectors import encode, vectors
from xlcorpus.initialize.tokenizer_files import copy_tokenizer
from xlcorpus.loader.source import open_source
from xlcorpus.mine.annotate.reading import open_reader
from xlcorpus.recipe.options import make_options
from xlcorpus.recipe.registry import find_step
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
TOPICS = ("news", "poem", "recipe")
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def saved(place: Path, kind: str, labels: tuple[str, ...], **changes: Any) -> Path:
    """A model with random weights and spread logits, its tokenizer beside it."""
    model = headed(
        "bert", kind, vocab_size=TOKENIZER.vocab_size, id2label=dict(enumerate(labels)), initializer_range=0.5,
        **changes,
    )  # fmt: skip
    model.save_pretrained(place)
    copy_tokenizer(TOKENIZER, SAMPLE, place)
    return place


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("models") / "classifier", "SequenceClassification", TOPICS)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("models") / "tagger", "TokenClassification", TAGS)


def ran(*arguments: object) -> Dataset:
    """The dataset of the last argument."""
    quiet = [] if arguments[0] == "predict" else ["--quiet"]
    done = called(*map(str, arguments), *quiet)
    assert done.returncode == 0, done.stderr
    return Dataset.open(Path(str(arguments[-1])), verify=True)


def given(place: Path, **columns: Any) -> Path:
    """Texts in 14 languages in three shards."""
    batch = documents([*TEXTS.values()], [*TEXTS], **columns)
    write_dataset(place, [batch.slice(0, 3), batch.slice(3, 6), batch.slice(9)])
    return place


def test_a_classifier_says_what_predict_says(tmp_path: Path, classifier: Path) -> None:
    texts = given(tmp_path / "documents")
    made = ran("annotate", texts, "--classifier", classifier, "--column", "topic", "--output", tmp_path / "out")
    packed = ran("pack", texts, "--tokenizer", classifier, "--strategy", "one", "--objective", "mlm", "--length", "80",
                 "--long", "truncate", "--keep", "label=lang", "--output", tmp_path / "packed")  # fmt: skip
    predicted = ran("predict", classifier, packed.folder, "--output", tmp_path / "predicted")
    wanted = {row["doc_ids"][0]: row for row in rows_of(predicted)}
    rows = rows_of(made)
    assert len(rows) == len(wanted) == len(TEXTS)
    for row in rows:
        theirs = wanted[row["doc_id"]]
        assert row["topic"] == theirs["label"]
        assert row["topic_score"] == pytest.approx(max(theirs["soft_labels"]), abs=1e-5)
    assert len({row["topic"] for row in rows}) > 1
    learnt = ran("pack", made.folder, "--tokenizer", classifier, "--strategy", "one", "--objective", "mlm", "--length",
                 "80", "--long", "truncate", "--keep", "label=topic", "--output", tmp_path / "learnt")  # fmt: skip
    source = open_source(learnt.folder, "classification", {"absent_labels": True})
    source.objective.fit_rows(source.rows.folder, source.rows.count)
    assert source.objective.labels == tuple(sorted({row["topic"] for row in rows}))
    assert made.manifest.notes["with_value"] == len(TEXTS)
    assert sum(made.manifest.notes["said"].values()) == len(TEXTS)


def test_a_text_that_is_none_and_one_that_is_long(tmp_path: Path, classifier: Path) -> None:
    texts = [None, "", " \n", "habari", "habari " * 400]
    write_dataset(tmp_path / "documents", [documents(texts)])
    made = ran("annotate", tmp_path / "documents", "--classifier", classifier, "--column", "topic", "--model-tokens",
               "16", "--output", tmp_path / "out")  # fmt: skip
    rows = rows_of(made)
    assert [row["topic"] is None for row in rows] == [row["topic_score"] is None for row in rows]
    assert [row["topic"] is None for row in rows] == [True, True, True, False, False]
    assert made.manifest.notes["faults"] == {"nothing_to_read": 3}
    assert made.manifest.notes["cut"] == 1


def test_a_model_with_one_output_is_a_number(tmp_path: Path) -> None:
    """Such is the classifier of FineWeb-Edu; `filter` reads the column."""
    model = saved(tmp_path / "grader", "SequenceClassification", ("grade",), problem_type="regression")
    texts = given(tmp_path / "documents")
    made = ran("annotate", texts, "--classifier", model, "--column", "edu", "--output", tmp_path / "out")
    assert made.manifest.arrow_schema.field("edu").type == pa.float32()
    assert "edu_score" not in made.manifest.arrow_schema.names
    trained, grades = opened_here(model), [row["edu"] for row in rows_of(made)]
    for text, grade in zip(TEXTS.values(), grades, strict=True):
        ids = encode(trained, pa.array([text])).ids.to_pylist()
        with torch.no_grad():
            assert trained.model(torch.tensor(ids)).logits.item() == pytest.approx(grade, abs=1e-4)
    least = sorted(grades)[len(grades) // 2]
    (tmp_path / "edu.yaml").write_text(json.dumps({"default": {"edu": {"min": least}}}), "utf-8")
    kept = ran("filter", tmp_path / "out", "--thresholds", tmp_path / "edu.yaml", "--output", tmp_path / "kept")
    assert [row["edu"] for row in rows_of(kept)] == [grade for grade in grades if grade >= least]


def opened_here(model: Path) -> Any:
    from xlcorpus.evaluate.models import open_model

    return open_model(str(model), device="cpu")


def test_a_tagger_says_what_predict_says(tmp_path: Path, tagger: Path) -> None:
    """At the tokens that the rows have: those of `pack --view labels`."""
    columns = columns_of([*TEXTS.values()])
    texts = given(tmp_path / "documents", tokens=columns["tokens"], gold_tags=columns["ner_tags"])
    made = ran("annotate", texts, "--tagger", tagger, "--column", "ner_tags", "--output", tmp_path / "out")
    packed = ran("pack", texts, "--view", "labels", "--label-column", "gold_tags", "--tokenizer", tagger, "--length",
                 "80", "--output", tmp_path / "packed")  # fmt: skip
    predicted = ran("predict", tagger, packed.folder, "--output", tmp_path / "predicted")
    wanted = {row["pair_id"]: [TAGS[one] for one in row["labels"] if one >= 0] for row in rows_of(predicted)}
    said = exact = 0
    for row in rows_of(made):
        assert len(row["ner_tags"]) == len(row["tokens"])
        ours = [tag for tag in row["ner_tags"] if tag is not None]
        said += len(ours)
        if len(ours) == len(wanted[row["doc_id"]]):  # no piece in which two tokens begin
            exact += 1
            assert ours == wanted[row["doc_id"]]
        assert 1 / len(TAGS) < row["ner_tags_score"] <= 1
    assert exact >= 10
    assert said > 50
    again = ran("pack", made.folder, "--view", "labels", "--label-column", "ner_tags", "--tokenizer", tagger,
                "--length", "80", "--output", tmp_path / "again")  # fmt: skip
    names = json.loads((again.folder / "labels.json").read_text("utf-8"))
    assert set(names) <= {*TAGS}
    pieces = [row["labels"] for row in rows_of(again)]
    assert sum(one >= 0 for row in pieces for one in row) > 50


def test_tokens_are_made_where_there_are_none(tmp_path: Path, tagger: Path) -> None:
    texts = ["Amina anaishi Kigali.", "今日は晴れ。", "", None, "a " * 300]
    write_dataset(tmp_path / "documents", [documents(texts, ["swh_Latn", "jpn_Jpan", None, None, "eng_Latn"])])
    made = ran("annotate", tmp_path / "documents", "--tagger", tagger, "--column", "ner_tags", "--model-tokens", "32",
               "--output", tmp_path / "out")  # fmt: skip
    rows = rows_of(made)
    assert rows[0]["tokens"] == ["Amina", "anaishi", "Kigali", "."]
    assert rows[1]["tokens"] == [*"今日は晴れ。"]
    assert [row["tokens"] for row in rows[2:4]] == [[], []]
    assert [row["ner_tags_score"] is None for row in rows] == [False, False, True, True, False]
    long = rows[4]["ner_tags"]
    assert len(long) == 300
    assert None not in long[:20]
    assert set(long[40:]) == {None}
    assert made.manifest.notes["cut"] == 1
    both = pairs([("Amina anaishi Kigali.", "Amina lives in Kigali.")], "swh_Latn", "eng_Latn")
    write_dataset(tmp_path / "pairs", [both], "pair")
    made = ran("annotate", tmp_path / "pairs", "--tagger", tagger, "--column", "tgt_tags", "--output", tmp_path / "two")
    (row,) = rows_of(made)
    assert row["tgt_tokens"] == ["Amina", "lives", "in", "Kigali", "."]
    assert len(row["tgt_tags"]) == 5


def test_raw_files_are_read_on_the_way(tmp_path: Path, classifier: Path) -> None:
    """Ingested and classified in one pass."""
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in TEXTS.values()]
    (tmp_path / "web.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
    arguments = ("--classifier", classifier, "--column", "topic", "--output")
    made = rows_of(ran("annotate", tmp_path / "web.jsonl", *arguments, tmp_path / "out"))
    wanted = rows_of(ran("annotate", given(tmp_path / "documents"), *arguments, tmp_path / "other"))
    topics = {row["text"]: row["topic"] for row in wanted}
    assert {row["text"]: row["topic"] for row in made} == topics


def test_an_embedder_gives_vectors(tmp_path: Path) -> None:
    kind = "XLMRobertaForMaskedLM"
    batch = documents([*TEXTS.values(), None], [*TEXTS, None])
    write_dataset(tmp_path / "documents", [batch, batch.slice(0, 0)])
    made = ran("annotate", tmp_path / "documents", "--embedder", f"encoder:{folder(kind)}", "--embedder-layer", "-1",
               "--embedder-device", "cpu", "--column", "vector", "--output", tmp_path / "out")  # fmt: skip
    assert made.manifest.arrow_schema.field("vector").type == pa.list_(pa.float32())
    rows = rows_of(made)
    assert rows[-1]["vector"] is None
    plain = vectors(opened(kind), encode(opened(kind), pa.array([*TEXTS.values()])), [3])[3]
    lengths = np.linalg.norm(plain, axis=1, keepdims=True)
    np.testing.assert_allclose([row["vector"] for row in rows[:-1]], plain / lengths, atol=1e-5)
    assert made.manifest.notes["faults"] == {"nothing_to_read": 1}
    write_dataset(tmp_path / "others", [documents(["Habari"], "swh_Latn", names=["other"])])
    mixed = ran("mix", made.folder, tmp_path / "others", "--rule", "proportional", "--by", "source", "--unit", "docs",
                "--output", tmp_path / "mix")  # fmt: skip
    assert sum(row["vector"] is not None for row in rows_of(mixed)) == len(TEXTS)


@pytest.mark.slow
def test_any_workers(tmp_path: Path, classifier: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    texts = given(tmp_path / "documents")
    one, two = (
        ran("annotate", texts, "--classifier", classifier, "--column", "topic", "--workers", count, "--output",
            tmp_path / str(count))
        for count in (1, 2)
    )  # fmt: skip
    assert digests(one.folder) == digests(two.folder)


def test_what_is_refused(tmp_path: Path, classifier: Path, tagger: Path) -> None:
    texts = given(tmp_path / "documents")
    write_dataset(tmp_path / "pairs", [pairs([("a", "b")], "swh_Latn", "eng_Latn")], "pair")
    step, both = find_step("annotate"), tmp_path / "pairs"
    for dataset, options, message in (
        (texts, {}, "no model"),
        (texts, {"classifier": classifier, "tagger": tagger}, "--classifier and --tagger"),
        (texts, {"classifier": classifier, "parse": "number"}, "--parse is an option of --llm"),
        (texts, {"classifier": classifier, "embedder_layer": 1}, "is an option of --embedder"),
        (texts, {"tagger": tagger, "template": "{text}"}, "--template is an option of --llm or"),
        (texts, {"tagger": tagger}, "ends with _tags"),
        (texts, {"classifier": classifier, "column": "lang"}, "there is a column 'lang'"),
        (texts, {"classifier": tmp_path / "nowhere"}, "does not exist"),
        (texts, {"embedder": "tfidf"}, "too many for a column"),
        (both, {"classifier": classifier}, "no column 'text'"),
        (both, {"tagger": tagger, "column": "ner_tags"}, "--column src_ner_tags"),
    ):
        values = {"column": "x"} | {name: str(one) if isinstance(one, Path) else one for name, one in options.items()}
        with pytest.raises(UserError) as error:
            step.check(make_options(step, values, "test"), [Dataset.open(dataset)])
        assert message in f"{error.value.message} {error.value.remedy}", message
    several = saved(tmp_path / "several", "SequenceClassification", TOPICS, problem_type="multi_label_classification")
    for model, message in ((tagger, "is no model that classifies texts"), (several, "several labels at once")):
        with pytest.raises(UserError, match=message):
            open_reader(make_options(step, {"column": "x", "classifier": str(model)}, "test"))
