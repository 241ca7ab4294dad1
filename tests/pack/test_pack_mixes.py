"""Views of a mix: rows of their kind are taken as they were before the mix, the others have a decision."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.pack.pack_runs import SAMPLE, decisions_of, run_pack
from tests.rows import rows_of
from tests.running import run, write_recipe
from xlcorpus.dataset.card import card_of
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.open import open_tokenizer

TOKENIZER = open_tokenizer(SAMPLE)
VIEWS = ("bitext", "tlm", "restore")
LINES = {
    "pairs": [("The mill has {} wheels.", "eng_Latn", "Die Mühle hat {} Räder.", "deu_Latn"),
              ("नदी में {} नावें हैं।", "hin_Deva", "There are {} boats.", "eng_Latn")],
    "texts": [("แม่น้ำสาย {} ยาวมาก", "tha_Thai"), ("河 {} 很长。", "zho_Hans")],
}  # fmt: skip
RECIPE = """
name: kinds
seed: 2
steps:
  - {step: ingest, id: pairs, files: FOLDER/pairs.jsonl, kind: pairs, source: opus}
  - {step: codeswitch, id: restore, input: pairs, dictionary: [FOLDER/en-de.tsv], src: eng_Latn, tgt: deu_Latn,
     view: restore, ratio: 1.0}
  - {step: ingest, id: texts, files: FOLDER/texts.jsonl, lang_column: lang, source: web}
  - {step: mix, id: bitext, input: pairs, rule: uniform, by: direction, unit: docs, budget: 20}
  - {step: mix, id: all, input: [pairs, restore, texts], ratios: {bi: 0.5, restore: 0.25, mono: 0.25}, unit: docs,
     budget: 40}
  - {step: pack, id: tlm, input: bitext, view: tlm, tokenizer: TOKENIZER, length: 64}
  - {step: pack, id: packs, input: all, tokenizer: TOKENIZER, length: 64}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """All steps of one recipe, which was checked before it ran: a mix of pairs is read as pairs."""
    folder = tmp_path_factory.mktemp("mixes")
    pairs = [
        {"src": src.format(n), "src_lang": one, "tgt": tgt.format(n), "tgt_lang": two}
        for src, one, tgt, two in LINES["pairs"]
        for n in range(20)
    ]
    texts = [{"text": text.format(n), "lang": lang} for text, lang in LINES["texts"] for n in range(20)]
    for name, rows in (("pairs", pairs), ("texts", texts)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    (folder / "en-de.tsv").write_text("mill\tMühle\nwheels\tRäder\n", encoding="utf-8")
    recipe = write_recipe(folder, RECIPE.replace("FOLDER", str(folder)).replace("TOKENIZER", str(SAMPLE)))
    return {name: one.dataset for name, one in run(recipe, folder / "out").items()}


def test_a_mix_of_pairs_is_read_as_pairs(made: dict[str, Dataset]) -> None:
    assert made["bitext"].manifest.schema == "pair-1"
    counts = Counter((row["src_lang"], row["tgt_lang"]) for row in rows_of(made["tlm"]))
    assert counts == {("eng_Latn", "deu_Latn"): 10, ("hin_Deva", "eng_Latn"): 10}


@pytest.mark.parametrize(
    ("view", "kind", "sides"), [("bitext", "bi", ("src", "tgt")), ("restore", "restore", ("inputs", "targets"))]
)
def test_a_view_takes_its_rows_and_says_what_it_leaves(
    made: dict[str, Dataset], tmp_path: Path, view: str, kind: str, sides: tuple[str, str]
) -> None:
    assert made["all"].manifest.schema == "document-1"
    found = run_pack(made["all"].folder, tmp_path / "out", view=view, length=64)
    given = {row["doc_id"]: row for row in rows_of(made["all"]) if row["kind"] == kind}
    rows = rows_of(found)
    assert {row["pair_id"] for row in rows} == set(given)
    for row in rows:
        for side in sides:
            assert TOKENIZER.decode(row[f"{side}_ids"]) == given[row["pair_id"]][side]
    held = Counter(row["kind"] for row in rows_of(made["all"]))
    others = {name: count for name, count in held.items() if name != kind}
    assert Counter(row["reason"] for row in decisions_of(found)) == {"other_kind": sum(others.values())}
    notes = Dataset.open(found if isinstance(found, Path) else found.folder).manifest.notes
    assert notes["counts"]["other_kind"] == others
    shown = ", ".join(f"{name} {count}" for name, count in sorted(others.items()))
    assert f"rows of other kinds in the mix, left out: {shown}" in notes["table"]
    assert set(notes["languages"]) == {"bi": {"eng", "deu", "hin"}, "restore": {"eng"}}[kind]


def test_the_card_says_what_each_column_of_a_mix_is(made: dict[str, Dataset]) -> None:
    for name in ("bitext", "all"):
        lines = card_of(made[name].manifest).splitlines()
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
        columns = {cell[0]: cell[-1] for cell in cells[2:]}
        assert {"text", "lang", "kind", "src", "tgt_lang", "mix_class"} < set(columns)
        # All but what the user gave.
        assert {column for column, meaning in columns.items() if not meaning} <= {"extra", "input_lang"}, name


def test_packs_are_of_the_texts_of_all(made: dict[str, Dataset]) -> None:
    kinds = Counter(kind for row in rows_of(made["packs"]) for kind in row["kinds"])
    assert kinds == {"bi": 20, "restore": 10, "mono": 10}


def test_a_view_without_rows_is_refused(made: dict[str, Dataset], tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"a mix without a row for --view translico; it holds bi 20, mono 10, restore 10"
    ):
        run_pack(made["all"].folder, tmp_path / "out", view="translico", length=64)
    with pytest.raises(UserError, match="holds rows of the kind 'pair'; --view restore is made of the kind 'restore'"):
        run_pack(made["bitext"].folder, tmp_path / "out", view="restore", length=64)


@pytest.mark.slow
def test_three_views_of_one_mix_of_three_directions(shared_data: Path, tmp_path: Path) -> None:
    """Sentences of Tatoeba: shares at T = 1.5, the sides with their languages, one ingest of each file."""
    into = {"deu_Latn": 500, "jpn_Jpan": 500, "swh_Latn": 195}  # pairs with English; Swahili is the target
    ends = {"deu_Latn": ("text", "eng"), "jpn_Jpan": ("text", "eng"), "swh_Latn": ("eng", "text")}
    lines: set[tuple[str, ...]] = set()
    steps = []
    for lang, (src, tgt) in ends.items():
        code, file = lang[:3], shared_data / "tatoeba" / f"{lang[:3]}-eng.tsv.gz"
        langs = [lang if side == "text" else "eng_Latn" for side in (src, tgt)]
        sides = f"src_column: {src}, tgt_column: {tgt}, src_lang: {langs[0]}, tgt_lang: {langs[1]}"
        steps.append(f"{{step: ingest, id: {code}, files: {file}, kind: pairs, source: tatoeba, {sides}}}")
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            rows = [dict(zip(("id", "text", "eng"), line.rstrip("\n").split("\t"), strict=True)) for line in stream]
        assert len(rows) - 1 == into[lang]
        lines |= {(*langs, row[src], row[tgt]) for row in rows[1:]}
    switch = f"dictionary: [{shared_data}/dict/wiktionary/en-de.tsv.gz], src: eng_Latn, tgt: deu_Latn, view: restore"
    steps += [
        f"{{step: codeswitch, id: switched, input: deu, {switch}}}",
        f"{{step: mix, input: [deu, jpn, swh, switched], mix: {tmp_path}/mix.yaml, budget: 601}}",
        *(f"{{step: pack, id: {view}, input: mix, view: {view}, tokenizer: {SAMPLE}, length: 1024}}" for view in VIEWS),
    ]
    spec = """
    unit: docs
    mix:
      parts:
        - {where: {kind: bi}, share: 451/601, within: {by: direction, rule: temperature, temperature: 1.5}}
        - {where: {kind: restore}, share: 150/601}
    """
    write_recipe(tmp_path, spec, "mix.yaml")
    recipe = write_recipe(tmp_path, "name: three\nsteps:\n" + "".join(f"  - {step}\n" for step in steps))
    done = {name: one.dataset for name, one in run(recipe, tmp_path / "out").items()}
    mixed = {kind: [row for row in rows_of(done["mix"]) if row["kind"] == kind] for kind in ("bi", "restore")}
    assert {kind: len(rows) for kind, rows in mixed.items()} == {"bi": 451, "restore": 150}
    due = np.array(list(into.values())) ** (1 / 1.5)
    due *= 451 / due.sum()
    for view in ("bitext", "tlm"):
        packed = rows_of(done[view])
        counts = Counter(row["src_lang"] if row["src_lang"] != "eng_Latn" else row["tgt_lang"] for row in packed)
        assert np.abs(np.array([counts[lang] for lang in into]) - due).max() < 1
        assert {row["pair_id"] for row in packed} == {row["doc_id"] for row in mixed["bi"]}
        assert Counter(row["reason"] for row in decisions_of(done[view])) == {"other_kind": 150}
        for row in packed:
            sides = [TOKENIZER.decode(row[f"{side}_ids"]) for side in ("src", "tgt")]
            assert (row["src_lang"], row["tgt_lang"], *sides) in lines
    texts = {(row["inputs"], row["targets"]) for row in mixed["restore"]}
    found = {
        tuple(TOKENIZER.decode(row[f"{side}_ids"]) for side in ("inputs", "targets"))
        for row in rows_of(done["restore"])
    }
    assert found == texts
    assert {row["lang"] for row in rows_of(done["restore"])} == {"eng_Latn"}
    assert {text[1] for text in texts} <= {text[3] for text in lines if text[0] == "deu_Latn"}
