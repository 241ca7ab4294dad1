"""Translated back with demonstrations, judged, selected: in a corpus whose right answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.mine.fakes import WordByWord, put_model
from tests.rows import documents, pairs, rows_of, write_dataset
from tests.running import called
from xlcorpus.dataset.dataset import Dataset

GERMAN = [
    ("Der Fluss steigt früh im Frühling.", "The river rises early in spring."),
    ("Die alte Mühle am Fluss ist leer.", "The old mill by the river is empty."),
    ("Die Kinder gehen heute zum Markt.", "The children go to the market today."),
    ("Der Lehrer schreibt einen langen Brief.", "The teacher writes a long letter."),
    ("Die Bauern verkaufen ihren Reis in der Stadt.", "The farmers sell their rice in the city."),
    ("Meine Schwester liest jeden Abend ein Buch.", "My sister reads a book every evening."),
]
SAID = dict(GERMAN) | {
    GERMAN[3][0]: "",  # no answer
    GERMAN[4][0]: "Los agricultores venden su arroz en la ciudad todos los lunes.",  # another language
    GERMAN[5][0]: GERMAN[5][0],  # a copy
}
WEAK = [
    ("Der Hund schläft in Garten.", "The dog sleeps in the garden."),
    ("Wir sind hier gestern.", "We were here yesterday."),
]


def given(folder: Path) -> tuple[Path, Path]:
    texts = [f"{GERMAN[0][0]} {GERMAN[1][0]}", "This is an English document.", *(german for german, _ in GERMAN[2:])]
    batch = documents(texts, ["deu_Latn", "eng_Latn"] + ["deu_Latn"] * 4)
    write_dataset(folder / "documents", [batch.slice(0, 3), batch.slice(3)])
    write_dataset(folder / "weak", [pairs(WEAK, "deu_Latn", "eng_Latn", source="web")], "pair")
    return folder / "documents", folder / "weak"


def run(output: Path, *arguments: object) -> Dataset:
    done = called(*map(str, arguments), "--output", output, "--quiet")
    assert done.returncode == 0, done.stderr
    return Dataset.open(output, verify=True)


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> WordByWord:
    made = WordByWord({}, SAID)
    put_model(monkeypatch, made)
    return made


def candidates(folder: Path, *more: object) -> Dataset:
    return run(
        folder / "candidates", "mine-pairs", *given(folder), "--pair", "eng_Latn:deu_Latn", "--llm", "fake:x", *more
    )


def test_candidates_and_their_prompts(tmp_path: Path, model: WordByWord) -> None:
    made = candidates(tmp_path)
    rows = rows_of(made)
    assert [(row["src"], row["tgt"]) for row in rows] == [(SAID[g], g) for g, _ in GERMAN if SAID[g]]
    assert {
        (row["src_lang"], row["tgt_lang"], row["natural_side"], row["kind"], row["llm"], row["round"]) for row in rows
    } == {("eng_Latn", "deu_Latn", "tgt", "mined", "fake:x", 0)}
    weak = {row["doc_id"]: (row["tgt"], row["src"]) for row in rows_of(tmp_path / "weak")}
    for row in rows:
        assert sorted(weak[one] for one in row["demo_ids"]) == sorted(weak.values())
        assert [(one["src"], one["tgt"]) for one in row["shots"]] == [weak[one] for one in row["demo_ids"]]
        lines = [
            f"German: {german}\nEnglish: {english}\n\n" for english, german in (weak[one] for one in row["demo_ids"])
        ]
        assert "".join([*lines, f"German: {row['tgt']}\nEnglish:"]) in model.asked
    reasons = [(one["reason"], one["lang"]) for batch in made.decisions() for one in batch.to_pylist()]
    assert reasons == [("another_language", "eng_Latn"), ("no_answer", "deu_Latn")]
    assert made.manifest.notes["spent"]["calls"] == 6
    assert (made.folder / "calls.parquet").is_file()
    assert made.manifest.notes["rounds"] == [
        {"round": 0, "answers": 5, "pool": 2, "passed": 2, "examples_left_out": 0, "too_long": 0}
    ]


def test_selected_with_scores_and_reasons(tmp_path: Path, model: WordByWord) -> None:
    made = candidates(tmp_path)
    chosen = run(tmp_path / "pairs", "mine-select", made.folder, "--tau", "0.0", "--examples", "2", "--top", "3")
    rows = rows_of(chosen)
    assert [row["src"] for row in rows] == [english for _, english in GERMAN[:3]]
    assert all(row["filter_pass"] and -1 <= row["sim"] <= 1 and row["round"] == 0 for row in rows)
    for row in rows:
        others = [(one["src"], one["tgt"]) for one in rows if one is not row]
        assert sorted((one["src"], one["tgt"]) for one in row["shots"]) == sorted(others)
    decisions = {one["doc_id"]: one for batch in chosen.decisions() for one in batch.to_pylist()}
    by_src = {row["src"]: decisions[row["doc_id"]] for row in rows_of(made) if row["doc_id"] in decisions}
    assert by_src[SAID[GERMAN[4][0]]]["reason"] == "another_language"
    assert by_src[SAID[GERMAN[4][0]]]["score"] > by_src[SAID[GERMAN[4][0]]]["threshold"] == 0.9
    assert by_src[GERMAN[5][0]]["reason"] == "copy"
    curve = chosen.manifest.notes["tau_curve"]
    assert list(curve) == [f"{0.5 + 0.05 * step:.2f}" for step in range(10)]
    assert list(curve.values()) == sorted(curve.values(), reverse=True)
    everything = run(tmp_path / "all", "mine-select", made.folder, "--tau", "0.0", "--keep-all")
    assert [row["filter_pass"] for row in rows_of(everything)] == [True, True, True, False, False]
    sure = run(tmp_path / "sure", "mine-select", made.folder, "--tau", "0.99")
    below = [one for batch in sure.decisions() for one in batch.to_pylist() if one["reason"] == "sim_below"]
    assert len(below) == 3
    assert all(one["score"] < one["threshold"] for one in below)


def test_later_rounds_show_what_passed(tmp_path: Path, model: WordByWord) -> None:
    made = candidates(tmp_path, "--rounds", "1", "--tau", "0.0", "--shots", "2")
    _, second = made.manifest.notes["rounds"]
    assert (second["pool"], second["passed"]) == (5, 3)
    rows = {row["tgt"]: row for row in rows_of(made)}
    assert {row["round"] for row in rows.values()} == {1}
    ids = {row["doc_id"]: german for german, row in rows.items()}
    passed = {german for german, _ in GERMAN[:3]}
    for german, row in rows.items():
        shown = {ids[one] for one in row["demo_ids"]}
        assert german not in shown
        assert len(shown) == 2
        assert shown <= passed


def test_diverse_prompts_are_the_same_for_all_and_seeded(tmp_path: Path, model: WordByWord) -> None:
    documents_, _ = given(tmp_path)
    others = [
        ("El perro duerme en el jardín.", "spa_Latn"), ("Собака спит в саду за домом.", "rus_Cyrl"),
        ("कुत्ता बगीचे में सो रहा है।", "hin_Deva"), ("الكلب ينام في الحديقة الكبيرة", "arb_Arab"),
        ("Le chien dort dans le jardin.", "fra_Latn"), ("Der Hund schläft im Garten.", "deu_Latn"),
    ]  # fmt: skip
    rows = [(text, "The dog sleeps in the garden.") for text, _ in others]
    write_dataset(tmp_path / "others", [pairs(rows, [lang for _, lang in others], "eng_Latn")], "pair")
    made = {
        seed: run(
            tmp_path / f"diverse-{seed}", "mine-pairs", documents_, tmp_path / "others", "--pair", "eng_Latn:deu_Latn",
            "--llm", "fake:x", "--demonstrations", "diverse", "--shots", "4", "--seed", seed,
        )
        for seed in (0, 1, 2, 3)
    }  # fmt: skip
    shown = {seed: [one["lang"] for one in dataset.manifest.notes["exemplars"]] for seed, dataset in made.items()}
    assert all({lang[4:] for lang in langs} == {"Latn", "Cyrl", "Deva", "Arab"} for langs in shown.values())
    assert len({tuple(langs) for langs in shown.values()}) > 1
    assert "deu_Latn" not in {lang for langs in shown.values() for lang in langs}
    heads = {prompt.rpartition("German: ")[0] for prompt in model.asked}
    assert len(heads) == len({tuple(langs) for langs in shown.values()})
    assert any("Hindi: कुत्ता बगीचे में सो रहा है।\nEnglish: The dog sleeps in the garden.\n\n" in head for head in heads)
    # What was made into English serves the way back: intra-lingual exemplars, sides exchanged.
    back = run(
        tmp_path / "back", "mine-pairs", documents_, made[0].folder, "--pair", "deu_Latn:eng_Latn", "--llm", "fake:x"
    )
    (row,) = rows_of(back)
    assert (row["tgt"], row["src_lang"]) == ("This is an English document.", "deu_Latn")
    assert {one["tgt"] for one in row["shots"]} <= {one["src"] for one in rows_of(made[0])}


def test_between_two_languages_that_are_not_english(tmp_path: Path) -> None:
    """Hausa into Yoruba: pairs of English and Yoruba, made in the first command, show what Yoruba looks like. The
    prompts of the scripted back end are written here by hand."""
    yoruba = {"Ilé wa tóbi gan-an.": "Our house is very big.", "Òjò ń rọ̀ lónìí.": "It is raining today."}
    hausa = {"Gidanmu yana da girma.": "Ilé wa tóbi.", "Yau ana ruwan sama.": "Òjò ń rọ̀."}
    others = {"कुत्ता बगीचे में सो रहा है।": "The dog sleeps in the garden.", "Собака спит в саду.": "The dog sleeps there."}
    texts, langs = [*yoruba, *hausa], ["yor_Latn"] * 2 + ["hau_Latn"] * 2
    write_dataset(tmp_path / "documents", [documents(texts, langs)])
    write_dataset(tmp_path / "others", [pairs(list(others.items()), ["hin_Deva", "rus_Cyrl"], "eng_Latn")], "pair")
    shown = [[("Hindi", "English"), ("Russian", "English")], [("English", "Yoruba")] * 2]
    known = [list(others.items()), [(english, yoruba_) for yoruba_, english in yoruba.items()]]
    asked = [("Yoruba", "English", yoruba), ("Hausa", "Yoruba", hausa)]
    lines = []
    for names, sides, (one, other, answers) in zip(shown, known, asked, strict=True):
        blocks = [f"{a}: {text}\n{b}: {made}\n\n" for (a, b), (text, made) in zip(names, sides, strict=True)]
        for head in ("".join(blocks), "".join(blocks[::-1])):  # the order is drawn
            lines += [
                {"prompt": f"{head}{one}: {text}\n{other}:", "answers": [f" {answers[text]}"]} for text in answers
            ]
    script = tmp_path / "answers.jsonl"
    script.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
    common = ("--llm", f"scripted:{script}", "--demonstrations", "diverse", "--shots", "2")
    first = run(tmp_path / "english", "mine-pairs", tmp_path / "documents", tmp_path / "others", "--pair",
                "eng_Latn:yor_Latn", *common)  # fmt: skip
    assert {row["tgt"]: row["src"] for row in rows_of(first)} == yoruba
    assert {one["lang"] for one in first.manifest.notes["exemplars"]} == {"hin_Deva", "rus_Cyrl"}
    second = run(tmp_path / "yoruba", "mine-pairs", tmp_path / "documents", first.folder, "--pair",
                 "yor_Latn:hau_Latn", *common)  # fmt: skip
    rows = rows_of(second)
    assert {row["tgt"]: row["src"] for row in rows} == hausa
    assert {(row["src_lang"], row["tgt_lang"], row["natural_side"]) for row in rows} == {
        ("yor_Latn", "hau_Latn", "tgt")
    }
    assert [one["lang"] for one in second.manifest.notes["exemplars"]] == ["eng_Latn"] * 2
    assert all({(one["src"], one["tgt"]) for one in row["shots"]} == {*yoruba.items()} for row in rows)


def test_nothing_to_show_and_nothing_to_translate(tmp_path: Path, model: WordByWord) -> None:
    documents_, weak = given(tmp_path)
    common = ("mine-pairs", documents_, "--output", tmp_path / "x", "--llm", "fake:x", "--pair")
    done = called(*common, "eng_Latn:deu_Latn")
    assert done.returncode == 1
    assert "no pair among the inputs can be shown for eng_Latn:deu_Latn" in done.stderr
    done = called("mine-pairs", weak, "--output", tmp_path / "x", "--llm", "fake:x", "--pair", "eng_Latn:deu_Latn")
    assert "there are none among its inputs" in done.stderr
    zero = run(
        tmp_path / "zero", "mine-pairs", documents_, "--pair", "eng_Latn:deu_Latn", "--llm", "f:x", "--shots", "0"
    )
    assert rows_of(zero)[0]["demo_ids"] == []
    empty = run(
        tmp_path / "none", "mine-pairs", documents_, "--pair", "eng_Latn:yor_Latn", "--llm", "f:x", "--shots", "0"
    )
    assert empty.manifest.rows == 0
    assert empty.manifest.schema_name == "pair"
    run(tmp_path / "selected", "mine-select", empty.folder)


def test_a_template_of_ones_own(tmp_path: Path, model: WordByWord) -> None:
    candidates(tmp_path, "--template", "{% for s in shots %}{{ s.src }}|{{ s.tgt }};{% endfor %}\\nx: {{ text }}\\n=")
    assert f"x: {GERMAN[0][0]}\n=" in model.asked[0]
    done = called(
        "mine-pairs",
        tmp_path / "documents",
        "--output",
        tmp_path / "x",
        "--llm",
        "f:x",
        "--pair",
        "eng_Latn:deu_Latn",
        "--template",
        "{txt}",
    )
    assert done.returncode == 1
    assert "txt" in done.stderr


def test_judged_pairs_in_many_scripts() -> None:
    from xlcorpus.lid.model import load_model
    from xlcorpus.mine.embedder import embedder_of
    from xlcorpus.mine.judge import JudgeOptions, judge

    good = ("The river rises early in spring.", "Река рано поднимается весной.")
    rows = [
        good,
        good,
        ("The river.", "नदी वसंत में जल्दी चढ़ती है और फिर गर्मियों में धीरे-धीरे उतर जाती है, जैसा हर साल होता है।"),
        ("", "แม่น้ำขึ้นเร็ว"),
        ("THE RIVER!", "the river"),
        ("This is Tom. Река рано поднимается весной.", good[1]),
    ]
    langs = ["rus_Cyrl", "rus_Cyrl", "hin_Deva", "tha_Thai", "deu_Latn", "rus_Cyrl"]
    batch = pairs(rows, "eng_Latn", langs, natural_side=pa.array(["tgt"] * 6))
    options = JudgeOptions(tau=-1.0)
    judged = judge(batch, options, embedder_of(options), load_model("embedded"))
    assert judged.reasons.tolist() == [
        None,
        "repeated_pair",
        "length_ratio_above",
        "empty_side",
        "copy",
        "copied_prompt",
    ]
    assert judged.scores[2] > judged.thresholds[2] == 2.0


def test_prompts_that_are_too_long_are_cut_by_examples(tmp_path: Path, model: WordByWord) -> None:
    """Words count as tokens: 22 have room for a sentence of 6 words and one example, or none, beside the answer."""
    model.length = 5 + 22
    made = candidates(tmp_path, "--new-tokens", "5")
    (notes,) = made.manifest.notes["rounds"]
    rows = rows_of(made)
    assert all(len(prompt.split()) <= 22 for prompt in model.asked)
    assert notes["examples_left_out"] == sum(2 - len(row["demo_ids"]) for row in rows) + 1 > 0  # one has no answer
    assert [len(row["shots"]) for row in rows] == [len(row["demo_ids"]) for row in rows]
    model.length = 5 + 9
    given_ = (tmp_path / "documents", tmp_path / "weak", "--pair", "eng_Latn:deu_Latn", "--llm", "fake:x")
    made = run(tmp_path / "less", "mine-pairs", *given_, "--new-tokens", "5")
    reasons = [one["reason"] for batch in made.decisions() for one in batch.to_pylist()]
    assert "prompt_too_long" in reasons
    assert made.manifest.notes["rounds"][0]["too_long"] > 0
