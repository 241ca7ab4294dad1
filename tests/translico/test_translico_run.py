"""`romanize --view translico` as a step: the same bytes however it runs, resume, conservation, and what it refuses."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.rows import rows_of, write_dataset
from tests.running import digests, run_nodes
from tests.translico.translico_runs import STEP, Options, documents
from xlcorpus.dataset.dataset import Dataset, Shard
from xlcorpus.dataset.result import Result
from xlcorpus.errors import ConservationError, UserError
from xlcorpus.pipelines import romanize
from xlcorpus.recipe.graph import Node, passes_of
from xlcorpus.recipe.registry import find_step
from xlcorpus.report.contents import contents_lines, sample_lines
from xlcorpus.text.sentence_breakers import SENTENCE_BREAKERS
from xlcorpus.translico import pairs as translico

RIVER = {"hin_Deva": "नदी {} रात में बढ़ गई।", "zho_Hani": "河水夜里上涨了{}次。", "eng_Latn": "The river rose {} times."}


def corpus() -> list[pa.RecordBatch]:
    """Three shards, in which sentences come again."""
    langs = [list(RIVER)[row % 3] for row in range(90)]
    texts = [f"{RIVER[lang].format(row % 40)} {RIVER[lang].format(row)}" for row, lang in enumerate(langs)]
    whole = documents(texts, langs)
    return [whole.slice(0, 20), whole.slice(20, 50), whole.slice(70)]


@pytest.fixture(scope="module")
def identified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dataset(tmp_path_factory.mktemp("identified"), corpus()).folder


def node(given: Path | Node, **options: Any) -> Node:
    return Node("pairs", STEP, Options(view="translico", **{"share": 0.2, "floor": 5, **options}), (given,))


@pytest.fixture(scope="module")
def reference(identified: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("reference")
    run_nodes([node(identified)], output)
    return output


def test_a_view_is_a_dataset_of_its_own_schema(reference: Path, identified: Path) -> None:
    dataset = Dataset.open(reference / "pairs", verify=True)
    manifest = dataset.manifest
    assert manifest.schema == "translico-1"
    assert manifest.arrow_schema.names == translico.PAIR.names
    assert [step.step for step in manifest.steps] == ["romanize"]
    assert manifest.steps[0].models == {"tool": "uppercase-7"}
    assert manifest.steps[0].parameters["view"] == "translico"
    groups = {row["lang"]: row for row in manifest.notes["groups"]}
    numbers = {lang: {n for row in range(at, 90, 3) for n in (row, row % 40)} for at, lang in enumerate(RIVER)}
    assert {lang: row["distinct"] for lang, row in groups.items()} == {k: len(v) for k, v in numbers.items()}
    assert {row["asked"] for row in groups.values()} == {row["written"] for row in groups.values()} == {10}
    assert manifest.notes["table"][-1].split() == ["total", str(sum(map(len, numbers.values()))), "30", "30"]
    (tally,) = manifest.tallies
    assert (tally.rows_in, tally.rows_out, tally.rejected_rows) == (90, 30, 0)
    paired = {row["doc_id"] for row in rows_of(dataset)}
    gone = {row["doc_id"] for batch in dataset.decisions() for row in batch.to_pylist()}
    assert len(paired) + len(gone) == 90
    assert tally.repeated == 30 - len(paired)


class AtSpaces:
    """A breaker for the tests: Thai sentences end at each space."""

    name, scripts, version = "spaces", frozenset({"Thai"}), "2"

    def ends(self, text: str) -> list[int]:
        return [at for at, character in enumerate(text) if character == " "]


def test_a_breaker_reaches_every_pass_and_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SENTENCE_BREAKERS.all, "spaces", AtSpaces())
    given = write_dataset(tmp_path / "in", [documents(["ฉันไปตลาด เขาอยู่บ้าน ฝนตกหนัก"], ["tha_Thai"])]).folder
    asked = {"share": 1.0, "floor": 0, "sentence_breaker": "spaces"}
    step = replace(STEP, models=lambda options: romanize.models(options.model_copy(update={"tool": "uroman"})))
    run_nodes([Node("pairs", step, Options(view="translico", **asked), (given,))], tmp_path / "out")
    made = Dataset.open(tmp_path / "out" / "pairs")
    assert sorted(made.to_arrow(["text"])["text"].to_pylist()) == ["ฉันไปตลาด", "ฝนตกหนัก", "เขาอยู่บ้าน"]
    assert made.manifest.steps[-1].models["sentences"] == "spaces 2"
    assert "sentences spaces 2" in (tmp_path / "out" / "pairs" / "README.md").read_text(encoding="utf-8")
    for wrong, view in (({"sentence_breaker": "space"}, "translico"), ({"sentence_breaker": "spaces"}, None)):
        with pytest.raises(UserError):
            romanize.check(Options(view=view, **wrong), [])


def test_a_view_can_be_inspected(reference: Path) -> None:
    dataset = Dataset.open(reference / "pairs")
    lines = [*contents_lines(dataset), *sample_lines(dataset, 2)]
    assert "30 rows, " in lines[0]
    assert "schema translico-1" in lines[0]
    assert any("distinct" in line and "written" in line for line in lines)
    assert dataset.manifest.schema not in lines[-1]
    assert rows_of(dataset)[1]["text"] in lines[-1]


@pytest.mark.parametrize(
    "how", [{"workers": 1, "partitions": 7}, pytest.param({"workers": 2}, marks=pytest.mark.process)], ids=str
)
def test_same_bytes_however_it_runs(
    identified: Path, reference: Path, tmp_path: Path, how: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xlcorpus.beam.runners.BYTES_A_WORKER", 1)  # worker processes for this little, too
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where they find the stand-in of the tool
    if "partitions" in how:
        monkeypatch.setattr("xlcorpus.translico.choose.PARTITION_ROWS", 180 // how["partitions"])
    run_nodes([node(identified)], tmp_path, workers=how["workers"])
    assert digests(tmp_path) == digests(reference)


def test_the_pairs_do_not_depend_on_the_shards(reference: Path, tmp_path: Path) -> None:
    whole = pa.concat_batches(corpus())
    other = whole.take(pa.array(list(range(90))[::-1]))
    folder = write_dataset(tmp_path / "other", [other.slice(0, 7), other.slice(7, 0), other.slice(7)]).folder
    made = run_nodes([node(folder)], tmp_path / "out")["pairs"].dataset
    first = Dataset.open(reference / "pairs")
    by_id = {row["pair_id"]: row for row in rows_of(first)}
    assert {row["pair_id"]: row for row in rows_of(made)} == by_id
    assert made.manifest.notes == first.manifest.notes


def test_a_run_that_stopped_goes_on(
    identified: Path, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = translico.pairs_of_shard

    def stop(shard: Shard, *given: Any, **more: Any) -> Any:
        if "part-00001" not in shard.location.name:  # the largest shard goes first
            raise UserError("the plug was pulled")
        return genuine(shard, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(translico, "pairs_of_shard", stop)
        with pytest.raises(UserError, match="plug"):
            run_nodes([node(identified)], tmp_path)
    assert list((tmp_path / "pairs" / "data").glob("*.parquet"))
    run_nodes([node(identified)], tmp_path, resume=True)
    assert digests(tmp_path) == digests(reference)
    assert run_nodes([node(identified)], tmp_path)["pairs"].skipped


def test_a_pair_that_is_lost_fails_the_run(identified: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = translico.make_pairs

    def loses(*given: Any, **more: Any) -> Result:
        made = genuine(*given, **more)
        assert made.decisions is not None
        assert made.rows_in is not None
        return replace(made, decisions=made.decisions.slice(1), rows_in=made.rows_in - 1)

    monkeypatch.setattr(translico, "make_pairs", loses)
    with pytest.raises(ConservationError, match="rows expected"):
        run_nodes([node(identified)], tmp_path)


def test_partitions_by_language(identified: Path, reference: Path, tmp_path: Path) -> None:
    made = run_nodes([node(identified)], tmp_path, partition_by="lang")["pairs"].dataset
    folders = {Path(shard.name).parent.name for shard in made.manifest.shards}
    assert folders == {f"lang={lang}" for lang in RIVER}
    run_nodes([node(identified)], tmp_path / "code", partition_by="translit_lcode")
    assert made.manifest.rows == Dataset.open(reference / "pairs").manifest.rows


def test_a_dataset_without_any_sentence_gives_one_empty_shard(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "given", [documents(["", "12"], ["hin_Deva"] * 2)]).folder
    made = run_nodes([node(folder)], tmp_path / "out")["pairs"].dataset
    assert [shard.rows for shard in made.manifest.shards] == [0]
    assert made.manifest.tallies[0].reasons == {"no_sentence": 2}


@pytest.mark.parametrize("name", ["lang", "script"])
def test_documents_without_a_language_are_refused(tmp_path: Path, name: str) -> None:
    folder = write_dataset(tmp_path / "given", [documents(["a b c"], ["hin_Deva"]).drop_columns([name])]).folder
    with pytest.raises(UserError, match=rf"no column '{name}'") as caught:
        run_nodes([node(folder)], tmp_path / "out")
    assert "xlcorpus identify" in str(caught.value)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").rglob("*.parquet"))


class TestForms:
    """A map step whose options ask for a graph."""

    def test_without_a_view_it_fuses_and_with_one_it_stands_alone(self, identified: Path) -> None:
        score = Node("score", find_step("score"), find_step("score").options(), (identified,))
        plain = Node("latn", STEP, Options(), (score,))
        assert [[one.step for one in work.nodes] for work in passes_of([score, plain])] == [[score.step, STEP]]
        passes = passes_of([score, node(score)])
        assert [[one.step for one in work.nodes] for work in passes] == [[score.step], [STEP]]
        assert [work.schema for work in passes] == ["document", "translico"]
        assert [work.label for work in passes] == ["score", "romanize"]

    def test_the_map_step_runs_where_no_view_is_asked_for(self, identified: Path, tmp_path: Path) -> None:
        made = run_nodes([Node("latn", STEP, Options(), (identified,))], tmp_path)["latn"].dataset
        assert made.manifest.schema == "document-1"
        assert made.manifest.rows == 90
        assert rows_of(made)[0]["text_latn"] == rows_of(made)[0]["text"].upper()

    def test_the_view_has_another_fingerprint(self, identified: Path, reference: Path, tmp_path: Path) -> None:
        shutil.copytree(reference, tmp_path / "out")
        with pytest.raises(UserError, match="other options"):
            run_nodes([node(identified, share=0.3)], tmp_path / "out")

    def test_no_step_reads_pairs_as_documents(self, identified: Path, reference: Path, tmp_path: Path) -> None:
        score = find_step("score")
        after = Node("score", score, score.options(), (node(identified),))
        with pytest.raises(UserError, match="is a dataset of the kind 'translico'; score reads the kind document"):
            passes_of([node(identified), after])
        with pytest.raises(UserError, match="score reads the kind document"):
            run_nodes([Node("score", score, score.options(), (reference / "pairs",))], tmp_path)
        assert not list(tmp_path.rglob("*.parquet"))
