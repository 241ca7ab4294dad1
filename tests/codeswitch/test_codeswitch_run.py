"""The steps as they run: documents and sentence pairs, every operator, views, notes, errors, the same bytes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pytest
import sentencepiece

from tests.codeswitch.switch_helpers import index_of
from tests.rows import rows_of
from tests.running import digests, run, write_recipe
from xlcorpus.codeswitch.operators import DictWord, entries_of
from xlcorpus.codeswitch.options import CodeswitchOptions
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.schema import load_schema
from xlcorpus.errors import UserError
from xlcorpus.sample import sample_folder

RECIPE = """
name: small
seed: 5
steps:
  - {step: ingest, files: "${sample}/web", source: web, task_bytes: 60000}
  - {step: identify, keep: true}
  - {step: codeswitch, id: switched, input: identify, dictionary: "${sample}/dictionary/eng.csv"}
  - {step: codeswitch, id: restore, input: identify, dictionary: ["${sample}/dictionary/eng.csv"], view: restore}
"""
PAIRS = """
name: pairs
steps:
  - {step: ingest, id: raw, files: "${variables}/pairs.jsonl", kind: pairs}
  - {step: align}
  - {step: codeswitch, id: spans, input: align, operator: align-span}
  - {step: codeswitch, id: words, input: align, dictionary: "${variables}/words.csv", view: restore}
"""
# Of our own: subject, verb and object in English, German and Chinese, all combinations.
SUBJECTS = [
    ("the woman", "die Frau", "那个女人"),
    ("the dog", "der Hund", "狗"),
    ("my brother", "mein Bruder", "我的哥哥"),
]
VERBS = [("sees", "sieht", "看见"), ("buys", "kauft", "买"), ("paints", "malt", "画")]
OBJECTS = [
    ("a house", "ein Haus", "一座房子"),
    ("two apples", "zwei Äpfel", "两个苹果"),
    ("the boat", "das Boot", "那条船"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("codeswitch")
    run(write_recipe(folder, RECIPE), folder / "out")
    return folder


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    lines = []
    for words in ((s, v, o) for s in SUBJECTS for v in VERBS for o in OBJECTS):
        for number, lang in ((1, "deu_Latn"), (2, "zho_Hans")):
            sides = ["".join(" " * (side != 2) + word[side] for word in words).strip() for side in (0, number)]
            row = {"src": sides[0] + ".", "tgt": sides[1] + "。", "src_lang": "eng_Latn", "tgt_lang": lang, "topic": 3}
            lines.append(json.dumps(row, ensure_ascii=False))
    (folder / "pairs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    entries = ["src_lang,tgt_lang,src,tgt"]
    for english, german in [("woman", "Frau"), ("dog", "Hund"), ("sees", "sieht"), ("house", "Haus"), ("boat", "Boot")]:
        entries += [f"eng_Latn,deu_Latn,{english},{german}", f"deu_Latn,eng_Latn,{german},{english}"]
    (folder / "words.csv").write_text("\n".join(entries), encoding="utf-8")
    run(write_recipe(folder, PAIRS.replace("${variables}", str(folder))), folder / "out")
    return folder


def test_every_document_is_switched_or_has_a_decision(made: Path) -> None:
    dataset = Dataset.open(made / "out" / "switched")
    assert dataset.manifest.schema == "codeswitch-1"
    load_schema("codeswitch").check(dataset.manifest.arrow_schema, "switched")
    tally = dataset.manifest.tallies[-1]
    assert tally.rows_in == 400 == tally.rows_out + tally.removed_rows
    assert set(tally.reasons) <= {"no_dictionary", "no_words", "no_switch"}
    assert "text" not in dataset.manifest.arrow_schema.names
    originals = {row["doc_id"]: row["text"] for row in rows_of(made / "out" / "identify")}
    for row in rows_of(made / "out" / "switched"):
        assert row["cs_target"] == originals[row["doc_id"]] != row["cs_source"]
        assert row["lang"] == "eng_Latn"


def test_the_manifest_notes_coverage_and_ratio_and_how_mixed_the_texts_are(made: Path) -> None:
    notes = Dataset.open(made / "out" / "switched").manifest.notes
    english = notes["languages"]["eng_Latn"]
    rows = rows_of(made / "out" / "switched")
    assert english["switched"] == len(rows) <= english["texts"]
    assert english["ratio"] == pytest.approx(0.35, abs=0.02)
    assert english["ratio"] < english["coverage"] < 1
    assert sum(notes["partners"].values()) == english["replaced"] == sum(len(row["cs_spans"]) for row in rows)  # type: ignore[arg-type]
    assert set(notes["partners"]) <= {"swh_Latn", "yor_Latn", "hin_Deva", "zho_Hans", "deu_Latn"}
    assert notes["mixing"]["embedded"] == pytest.approx(0.35, abs=0.06)
    assert any(line.startswith("eng_Latn <- ") and "[" in line for line in notes["table"])


def test_the_restore_view_has_the_same_texts(made: Path) -> None:
    dataset = Dataset.open(made / "out" / "restore")
    assert dataset.manifest.schema == "restore-1"
    view = [(row["doc_id"], row["inputs"], row["targets"]) for row in rows_of(made / "out" / "restore")]
    switched = rows_of(made / "out" / "switched")
    assert view == [(row["doc_id"], row["cs_source"], row["cs_target"]) for row in switched]


def test_pairs_are_aligned_and_switched_by_spans(pairs: Path) -> None:
    aligned = Dataset.open(pairs / "out" / "align")
    assert aligned.manifest.schema == "pair-1"
    trained = {"-".join(item["languages"]): item["trained_on"] for item in aligned.manifest.notes["trained"]}
    assert trained == {"eng_Latn-deu_Latn": 27, "eng_Latn-zho_Hans": 27}
    for row in rows_of(pairs / "out" / "align"):
        assert row["align"]
        assert row["topic"] == 3
    rows = rows_of(pairs / "out" / "spans")
    tally = Dataset.open(pairs / "out" / "spans").manifest.tallies[-1]
    assert tally.rows_in == 54 == len(rows) + tally.removed_rows
    assert len(rows) > 40
    for row in rows:
        assert row["lang"] == row["tgt_lang"]
        assert row["cs_target"] == row["tgt"]
        assert row["cs_langs"] == ["eng_Latn"]


def test_of_pairs_either_side_is_switched_into_the_other(pairs: Path) -> None:
    rows = rows_of(pairs / "out" / "words")
    assert {row["lang"] for row in rows} == {"eng_Latn", "deu_Latn"}
    for row in rows:
        assert row["cs_langs"] == [{"eng_Latn": "deu_Latn", "deu_Latn": "eng_Latn"}[str(row["lang"])]]
    tally = Dataset.open(pairs / "out" / "words").manifest.tallies[-1]
    assert tally.reasons["no_dictionary"] == 27  # those with Chinese: there is no dictionary for either side


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "again"),
    [("made", ["switched", "restore"]), pytest.param("pairs", ["align", "spans", "words"], marks=pytest.mark.slow)],
)
def test_same_bytes_with_two_workers(
    name: str, again: list[str], tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the steps of this room: each pass takes two workers 4 s of CPU to start."""
    monkeypatch.setattr("xlcorpus.beam.runners.BYTES_A_WORKER", 1)  # worker processes for this little, too
    folder: Path = request.getfixturevalue(name)
    shutil.copytree(folder / "out", tmp_path / "out")
    for one in again:
        shutil.rmtree(tmp_path / "out" / one)
    run(folder / "recipe.yaml", tmp_path / "out", workers=2)
    assert digests(tmp_path / "out") == digests(folder / "out")


def test_same_bytes_on_the_portable_runner(pairs: Path, tmp_path: Path) -> None:
    run(pairs / "recipe.yaml", tmp_path, runner="portable")
    assert digests(tmp_path) == digests(pairs / "out")


def test_pieces(made: Path, tmp_path: Path) -> None:
    with (tmp_path / "model.model").open("wb") as file:
        sentences = [str(row["cs_target"]) for row in rows_of(made / "out" / "switched")] + [
            "maji nyumba mto siku"
        ] * 50
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(sentences), model_writer=file, vocab_size=900, hard_vocab_limit=False
        )
    recipe = RECIPE.replace("id: restore, input: identify,", f"id: pieces, input: identify, tokenizer: {file.name},")
    recipe = recipe.replace("view: restore", "operator: dict-piece, partners: swh_Latn")
    run(write_recipe(tmp_path, recipe), tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "pieces")
    assert rows
    for row in rows:
        assert row["cs_operator"] == "dict_piece"
        assert row["cs_langs"] == ["swh_Latn"]
    steps = Dataset.open(tmp_path / "out" / "pieces").manifest.steps
    assert steps[-1].parameters["tokenizer"] == "model.model"
    assert set(steps[-1].models) == {"dictionaries", "tokenizer"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is no dictionary"),
        (("--dictionary", "none.csv"), "none.csv: cannot be read"),
        (("--dictionary", "one.txt"), "one.txt"),
        (("--dictionary", "back.csv"), "no document is in a source language of the dictionary"),
        (("--dictionary", "good.csv", "--partners", "swh_Latm"), "did you mean 'swh_Latn'"),
        (("--dictionary", "good.csv", "--operator", "dict-piece"), "dict-piece needs the model"),
        (
            ("--dictionary", "good.csv", "--operator", "dict-piece", "--tokenizer", "good.csv"),
            "not a SentencePiece model",
        ),
        (("--operator", "align-span"), "codeswitch reads the kind pair"),
        (("--dictionary", "good.csv", "--operator", "align-span"), "--dictionary is an option of --operator dict-word"),
        (("--operator", "align-span", "--ratio", "0.2"), "--ratio is an option of --operator dict-word or dict-piece"),
        (("--dictionary", "good.csv", "--span-share", "0.2"), "--span-share is an option of --operator align-span"),
        (("--dictionary", "good.csv", "--tokenizer", "x.model"), "--tokenizer is an option of --operator dict-piece"),
        (("--dictionary", "good.csv", "--named-spans", "origon"), "did you mean 'origin'"),
        (("--dictionary", "good.csv", "--ratio", "0"), "greater than 0"),
        (("--dictionary", "good.csv", "--ratoi", "0"), "--ratoi"),
    ],
)
def test_errors_name_what_is_wrong(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    from xlcorpus.cli.main import main

    (tmp_path / "one.txt").write_text("house\n", encoding="utf-8")
    (tmp_path / "good.csv").write_text("src_lang,tgt_lang,src,tgt\neng_Latn,swh_Latn,house,nyumba\n", encoding="utf-8")
    (tmp_path / "back.csv").write_text("src_lang,tgt_lang,src,tgt\nkan_Knda,eng_Latn,ಮನೆ,house\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["codeswitch", str(made / "out" / "identify"), "--output", "out", "--quiet", *arguments])
    assert stopped.value.code != 0
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_other_kinds_of_rows_are_refused(pairs: Path, tmp_path: Path) -> None:
    switched = pairs / "out" / "spans"
    for step, where, kind in (("codeswitch", switched, "codeswitch"), ("align", switched, "codeswitch")):
        recipe = f"steps: [{{step: {step}, input: {where}}}]"
        with pytest.raises(UserError, match=f"kind '{kind}'"):
            run(write_recipe(tmp_path, recipe), tmp_path / "out")


def test_columns_that_an_operator_needs_are_looked_for_before_anything_is_written(
    made: Path, pairs: Path, tmp_path: Path
) -> None:
    raw, documents = pairs / "out" / "raw", tmp_path / "documents"
    (tmp_path / "text.jsonl").write_text('{"text": "the house"}', encoding="utf-8")
    recipe = f"steps: [{{step: ingest, files: {tmp_path}/text.jsonl, keep: true}}]"
    run(write_recipe(tmp_path, recipe), documents)
    cases = [
        (
            f"{{step: codeswitch, input: {raw}, operator: align-span}}",
            r"no column 'align' in .*raw.*\n.*xlcorpus align",
        ),
        (
            f"{{step: codeswitch, input: {documents}/ingest, dictionary: {pairs}/words.csv}}",
            r"no column 'lang' in .*ing",
        ),
    ]
    for step, message in cases:
        with pytest.raises(UserError, match=message):
            run(write_recipe(tmp_path, f"steps: [{step}]"), tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_a_dictionary_that_does_not_go_between_the_sides_of_pairs(pairs: Path, tmp_path: Path) -> None:
    header = "src_lang,tgt_lang,src,tgt\n"
    (tmp_path / "swahili.csv").write_text(header + "eng_Latn,swh_Latn,house,nyumba\n", encoding="utf-8")
    (tmp_path / "german.csv").write_text(header + "eng_Latn,deu_Latn,house,Haus\n", encoding="utf-8")
    recipe = f"steps: [{{step: codeswitch, input: {pairs}/out/raw, dictionary: {tmp_path}/NAME.csv}}]"
    with pytest.raises(UserError, match=r"eng_Latn into deu_Latn.*it has eng_Latn into swh_Latn"):
        run(write_recipe(tmp_path, recipe.replace("NAME", "swahili")), tmp_path / "out")
    said: list[str] = []
    run(write_recipe(tmp_path, recipe.replace("NAME", "german")), tmp_path / "out", say=said.append)
    line = next(line for line in said if "no dictionary from" in line)
    assert "deu_Latn into eng_Latn" in line
    assert "eng_Latn into zho_Hans" in line
    assert "eng_Latn into deu_Latn" not in line


def test_named_spans_of_pairs_are_refused() -> None:
    kind = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32())]))
    names = ["src", "tgt", "src_lang", "tgt_lang"]
    schema = pa.schema([*(pa.field(name, pa.string()) for name in names), pa.field("named_spans", kind)])
    operator = DictWord(CodeswitchOptions(), 0, index_of([("a", "b", "eng_Latn", "deu_Latn")]))
    with pytest.raises(UserError, match="two texts"):
        operator.check_columns(schema, "here")
    operator.check_columns(pa.schema(list(schema)[:4]), "here")


def test_entries_that_are_not_used_are_told() -> None:
    entries = [("house", "Haus", "eng_Latn", "deu_Latn"), ("old house", "Altbau", "eng_Latn", "deu_Latn")]
    operator = DictWord(CodeswitchOptions(), 0, index_of(entries))
    assert operator.check_languages([]) == ["codeswitch: entries of the dictionary that are not used: not_one_word 1"]


def test_raw_files_are_no_sentence_pairs(tmp_path: Path) -> None:
    (tmp_path / "raw.jsonl").write_text('{"text": "a"}\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"raw\.jsonl is no dataset; align reads datasets of the kind pair"):
        run(write_recipe(tmp_path, f"steps: [{{step: align, input: {tmp_path / 'raw.jsonl'}}}]"), tmp_path / "out")


def test_partners_leave_the_other_dictionaries_out() -> None:
    path = str(sample_folder() / "dictionary" / "eng.csv")
    everything = entries_of(CodeswitchOptions(dictionary=[path]))
    hindi = entries_of(CodeswitchOptions(dictionary=[path], partners=["hin_Deva"]))
    assert set(pa.compute.unique(hindi["tgt_lang"]).to_pylist()) == {"hin_Deva"}
    assert 0 < hindi.num_rows < everything.num_rows
