"""Views of a mix: rows of their kind are taken as they were before the mix, the others have a decision."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.pack.pack_runs import SAMPLE, decisions_of, run_pack
from tests.rows import rows_of
from tests.running import run, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.tokenizer.open import open_tokenizer

NTREX = Path(__file__).resolve().parents[3] / "shared" / "data" / "ntrex"
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
def test_three_views_of_one_mix_of_three_directions(tmp_path: Path) -> None:
    """Shares at T = 1.5 by the rule, both sides' languages, no second ingest; on news of NTREX."""
    if not NTREX.is_dir():
        pytest.skip("the shared NTREX data are not here")

    def texts(code: str) -> dict[int, str]:
        with gzip.open(NTREX / f"{code}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return {row["id"]: row["text"] for row in map(json.loads, lines)}

    sizes = {"deu_Latn-eng_Latn": 900, "kor_Hang-eng_Latn": 400, "eng_Latn-hin_Deva": 150}
    rows: list[dict[str, Any]] = []
    for direction, size in sizes.items():
        one, two = direction.split("-")
        sides = [texts(lang.partition("_")[0]) for lang in (one, two)]
        names = {"src_lang": one.replace("Hang", "Kore"), "tgt_lang": two}
        ids = sorted(sides[0])[-size:] if one == "eng_Latn" else sorted(sides[0])[:size]
        rows += [{"src": sides[0][number], "tgt": sides[1][number], **names} for number in ids]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "en-de.tsv").write_text("the\tder\nand\tund\nof\tvon\nto\tzu\n", encoding="utf-8")
    switch = "src: eng_Latn, tgt: deu_Latn, view: restore, rounding: ceil, ratio: 0.35"
    views = [
        f"{{step: pack, id: {view}, input: mix, view: {view}, tokenizer: {SAMPLE}, length: 1024}}" for view in VIEWS
    ]
    steps = [
        f"{{step: ingest, id: pairs, files: {tmp_path}/pairs.jsonl, kind: pairs, source: ntrex}}",
        f"{{step: codeswitch, id: switched, input: pairs, dictionary: [{tmp_path}/en-de.tsv], {switch}}}",
        f"{{step: mix, input: [pairs, switched], mix: {tmp_path}/mix.yaml, budget: 1000}}",
        *views,
    ]
    recipe = "name: three\nsteps:\n" + "".join(f"  - {step}\n" for step in steps)
    spec = """
    unit: docs
    mix:
      parts:
        - {where: {kind: bi}, share: 0.75, within: {by: direction, rule: temperature, temperature: 1.5}}
        - {where: {kind: restore}, share: 0.25}
    """
    write_recipe(tmp_path, spec, "mix.yaml")
    done = run(write_recipe(tmp_path, recipe), tmp_path / "out")
    weights = {direction: size ** (1 / 1.5) for direction, size in sizes.items()}
    for view in ("bitext", "tlm"):
        found = Counter(f"{row['src_lang']}-{row['tgt_lang']}" for row in rows_of(done[view].dataset))
        assert set(found) == set(sizes)
        for direction, weight in weights.items():
            assert abs(found[direction] - 750 * weight / sum(weights.values())) < 1
    assert Counter(row["lang"] for row in rows_of(done["restore"].dataset)) == {"eng_Latn": 250}
