"""Steps over several datasets: one corpus, the columns of all, copies found across them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.rows import pairs, rows_of, write_dataset
from tests.running import called, digests, write_recipe
from xlcorpus.beam import runners
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.sample import sample_folder

SHARED = "Ifọ̀rọ̀wánilẹ́nuwò náà wáyé ní ìlú Ìbàdàn ní ọ̀sẹ̀ tó kọjá, àwọn ènìyàn púpọ̀ sì wá láti gbọ́ ọ."
TEXTS = {
    "crawl": [
        "Mkutano huo ulifanyika katika mji wa Mombasa wiki iliyopita, na watu wengi walikuja kuusikiliza.",
        SHARED,
    ],
    "news": [
        SHARED,
        "การประชุมจัดขึ้นที่เมืองเชียงใหม่เมื่อสัปดาห์ที่แล้ว และมีผู้คนจำนวนมากมาฟัง",
        "Ազատ խոսքի մասին մի քանի խոսք ասենք այստեղ։",
    ],
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Two datasets: `rank` is a number in one and a word in the other, `editor` is in one alone."""
    folder = tmp_path_factory.mktemp("sources")
    rows: Mapping[str, list[dict[str, Any]]] = {
        "crawl": [{"text": text, "rank": number} for number, text in enumerate(TEXTS["crawl"])],
        "news": [{"text": text, "rank": f"{number}th", "editor": "Ayọ̀"} for number, text in enumerate(TEXTS["news"])],
    }
    for name, lines in rows.items():
        file = folder / f"{name}.jsonl"
        file.write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines), encoding="utf-8")
        done("ingest", file, "--source", name, "--output", folder / name)
    return {name: folder / name for name in rows}


def done(*arguments: object) -> str:
    """What a command that succeeds says."""
    ended = called(*map(str, arguments))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def both(step: str, sources: Mapping[str, Path], output: Path, *options: object) -> Dataset:
    done(step, sources["crawl"], sources["news"], "--output", output, *options)
    return Dataset.open(output, verify=True)


def test_the_columns_of_all(sources: Mapping[str, Path], tmp_path: Path) -> None:
    """Missing ones are null; a number beside a word is JSON text, and the command says so."""
    said = done("identify", sources["crawl"], sources["news"], "--output", tmp_path / "lid")
    assert "column 'rank' is int64 in" in said
    assert "it becomes JSON text" in said
    assert "have the columns 'editor' (1): null in the rows of the others" in said
    rows = rows_of(Dataset.open(tmp_path / "lid", verify=True))
    assert [(row["source"], row["text"], row["rank"], row["editor"]) for row in rows] == [
        *(("crawl", text, str(number), None) for number, text in enumerate(TEXTS["crawl"])),
        *(("news", text, f'"{number}th"', "Ayọ̀") for number, text in enumerate(TEXTS["news"])),
    ]
    assert [row["lang"] for row in rows] == ["swh_Latn", "yor_Latn", "yor_Latn", "tha_Thai", "hye_Armn"]


@pytest.mark.parametrize(
    ("step", "options"),
    [
        ("score", ()),
        ("filter", ()),
        ("romanize", ()),
        ("romanize", ("--view", "translico", "--floor", "9")),
        ("generate", ("--operator", "crop")),
        ("pack", ("--tokenizer", "bytes", "--length", "512")),
    ],
)
def test_a_step_over_both_makes_the_rows_of_each(
    step: str, options: tuple[str, ...], sources: Mapping[str, Path], tmp_path: Path
) -> None:
    """No row is lost or joined: over both datasets a step makes what it makes of one dataset of both."""
    one = both("identify", sources, tmp_path / "one")
    parts = {name: tmp_path / name for name in sources}
    for name, folder in sources.items():
        done("identify", folder, "--output", parts[name])
    if step == "filter":
        thresholds = tmp_path / "thresholds.yaml"
        thresholds.write_text("default: {lang_score: {min: 0.5}}\n", encoding="utf-8")
        options = ("--thresholds", str(thresholds))
    made = both(step, parts, tmp_path / "both", *options)
    done(step, one.folder, "--output", tmp_path / "whole", *options)
    ours, whole = (
        sorted(repr(sorted(row.items())) for row in rows_of(dataset))
        for dataset in (made, Dataset.open(tmp_path / "whole"))
    )
    assert ours == whole
    assert made.manifest.rows > 1


def test_copies_across_sources_are_found(sources: Mapping[str, Path], tmp_path: Path) -> None:
    made = both("dedup", sources, tmp_path / "dedup", "--keep-text")
    assert sorted(row["text"] for row in rows_of(made)) == sorted({*TEXTS["crawl"], *TEXTS["news"]})
    (gone,) = [row for batch in made.decisions() for row in batch.to_pylist()]
    assert (gone["reason"], gone["text"]) == ("exact_duplicate", SHARED)


@pytest.mark.process
def test_any_workers(sources: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "BYTES_A_WORKER", 1)
    for workers in (1, 2):
        both("dedup", sources, tmp_path / str(workers), "--workers", workers)
    assert digests(tmp_path / "1") == digests(tmp_path / "2")


def test_in_a_recipe_and_with_raw_files(sources: Mapping[str, Path], tmp_path: Path) -> None:
    """`input: [a, b]`, of steps and of folders; raw files beside datasets are ingested on the way."""
    recipe = write_recipe(
        tmp_path,
        f"""
        name: two
        steps:
          - {{step: ingest, id: more, files: "{sample_folder()}/web/crawl-06.jsonl.gz"}}
          - {{step: identify, input: [more, "{sources["crawl"]}"]}}
          - {{step: dedup, input: [identify, "{sources["news"]}"]}}
        """,
    )
    done("run", recipe, "--output", tmp_path / "out")
    found = Dataset.open(tmp_path / "out" / "dedup", verify=True)
    assert {"crawl", "news"} < set(found.manifest.sources)
    raw = tmp_path / "raw.txt"
    raw.write_text("Zana hizi mpya zitawasaidia wakulima wadogo wa eneo hilo.\n", encoding="utf-8")
    done("score", sources["crawl"], raw, "--output", tmp_path / "scored")
    assert Dataset.open(tmp_path / "scored").manifest.rows == len(TEXTS["crawl"]) + 1


def test_what_is_refused(sources: Mapping[str, Path], tmp_path: Path) -> None:
    bitext = write_dataset(tmp_path / "pairs", [pairs([("Hello.", "Jambo.")], "eng_Latn", "swh_Latn")], schema="pair")
    for other, message in (
        (sources["crawl"], "crawl is given twice"),
        (bitext.folder, "holds rows of the kind 'pair'"),
    ):
        ended = called("score", sources["crawl"], other, "--output", tmp_path / "x")
        assert ended.returncode
        assert message in ended.stderr
    assert not (tmp_path / "x").exists()
