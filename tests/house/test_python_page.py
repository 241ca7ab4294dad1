"""docs/python.md is true: every cell runs, and shows what the page says."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import xlcorpus
from tests.house.pages import blocks


def run_cell(code: str, names: dict[str, Any]) -> Any:
    """Run a cell as a notebook does; the value of its last expression."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names) if isinstance(last, ast.Expr) else None


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[Any], dict[str, Any]]]:
    """The values of all cells, run in order, and the names they left."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        values = [run_cell(code, names) for _, code in blocks("python.md", "python")]
        yield values, names


def test_the_page_runs(cells: tuple[list[Any], dict[str, Any]]) -> None:
    values, names = cells
    assert values[0] == 400
    assert list(values[1].columns) == ["lang", "lang_score", "q_n_words", "text"]
    assert values[2].num_rows == 3
    assert {one["values"] for batch in values[3] for one in batch} == {"exact_duplicate", "near_duplicate"}
    assert names["mixed"].manifest.languages.keys() == {"swh_Latn", "hin_Deva", "yor_Latn"}
    assert values[5]["input_ids"].map(len).max() <= 2048
    assert values[7][0]["text_latn"] == "Habari ya asubuhi, rafiki yangu mpendwa."
    assert values[7][1]["lang"] == "rus_Cyrl"


def test_a_dataset_shows_itself(cells: tuple[list[Any], dict[str, Any]]) -> None:
    raw, kept = cells[1]["raw"], cells[1]["kept"]
    assert isinstance(raw.to_pandas(["text"]), pd.DataFrame)
    assert raw.to_arrow().num_rows == len(raw) == 400
    assert raw.to_arrow().schema.equals(raw.manifest.arrow_schema)
    assert len(raw.head(7)) == 7
    shown = kept._repr_html_()
    assert "document-1" in shown
    assert f"{len(kept):,} in {len(kept.shards)} shards" in shown
    assert "filter" in shown


def test_a_step_called_again_makes_nothing(cells: tuple[list[Any], dict[str, Any]]) -> None:
    kept = cells[1]["kept"]
    before = (kept.folder / "manifest.json").stat().st_mtime_ns
    again = xlcorpus.filter(cells[1]["scored"], output=kept.folder)
    assert again.manifest.fingerprint == kept.manifest.fingerprint
    assert (kept.folder / "manifest.json").stat().st_mtime_ns == before


def test_names_that_are_there_and_not() -> None:
    assert {"ingest", "mix", "pack", "run_recipe", "Dataset", "identify_batch"} <= set(dir(xlcorpus))
    for name in dir(xlcorpus):
        assert getattr(xlcorpus, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'mixx'"):
        xlcorpus.mixx  # noqa: B018


def test_a_room_is_still_a_package() -> None:
    import xlcorpus.dedup.signature as signature
    from xlcorpus.mix import cells

    assert signature.choose_banding(0.8).bands == 22
    assert cells.__name__ == "xlcorpus.mix.cells"


def test_a_room_without_a_step_of_its_name_says_so() -> None:
    with pytest.raises(xlcorpus.UserError, match="there is no step 'lexicon'"):
        xlcorpus.lexicon("a", output="b")


def test_importing_takes_nothing_heavy() -> None:
    heavy = "import sys, xlcorpus; print([name for name in ('apache_beam', 'pyarrow', 'numpy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True).stdout == "[]\n"


def test_raw_files_are_ingested_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "Habari ya asubuhi"}\n', encoding="utf-8")
    made = xlcorpus.identify(tmp_path / "a.jsonl", output=tmp_path / "lid")
    assert made.to_arrow(["text"]).to_pylist() == [{"text": "Habari ya asubuhi"}]
    assert isinstance(made.to_arrow(), pa.Table)


def test_a_step_with_a_dash_is_a_function_with_an_underscore() -> None:
    assert "mine_select" in dir(xlcorpus)
    assert xlcorpus.mine_select.__name__ == "mine_select"
