"""docs/evaluation.md is true: its commands run, and lm-eval finds what we find."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from tests.evaluate.models import TOKENIZER, folder
from tests.house.pages import blocks
from tests.packed import TEXTS, document_rows, pack, packs, view
from xlcorpus.cli import main as entry


def commands(program: str) -> list[list[str]]:
    """Arguments of the commands on the page that begin so."""
    lines = [line for _, code in blocks("evaluation.md", "bash") for line in code.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith(program)]


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("out/packed").mkdir(parents=True)
    Path("out/packed/holdout").symlink_to(packs(28, 1))
    Path("out/pairs-packed").mkdir()
    Path("out/pairs-packed/holdout").symlink_to(view("bitext", 20, 1))
    for name, kind in (("base", "Llama"), ("model", "Llama"), ("seq2seq", "Bart")):
        end = "ForCausalLM" if kind == "Llama" else "ForConditionalGeneration"
        Path("out", name).symlink_to(folder(kind + end))
    ((_, item),) = blocks("evaluation.md", "json")
    Path("items.jsonl").write_text(item, "utf-8")
    more = [{**json.loads(item), "premise": f"{n}", "label": n % 2} for n in range(2)]
    Path("more-items.jsonl").write_text("".join(json.dumps(one) + "\n" for one in more), "utf-8")
    lines = [f"{TEXTS['eng_Latn']} {n}\t{TEXTS['swh_Latn']} {n}" for n in range(9)]
    Path("pairs.tsv").write_text("en\tsw\n" + "\n".join(lines) + "\n", "utf-8")
    asked = commands("xlcorpus evaluate")
    assert len(asked) == 10
    for _, *arguments in asked:
        result = CliRunner().invoke(entry.cli, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    written = {path.name for path in Path("out/evaluation").iterdir()}
    assert written == {"evaluation.json", "documents.parquet", "bits.svg"}


@pytest.mark.slow
def test_lm_eval_loads_the_model_and_finds_the_same_bits(tmp_path: Path) -> None:
    pytest.importorskip("lm_eval", reason="lm-eval is not installed (pip install lm-eval)")
    rows = document_rows(80)
    rows = rows.filter(pa.array(TOKENIZER.count_batch(rows.column("text")) < 60))  # one pack each
    short = pack([rows], "document", tmp_path / "packs", bos=True).folder
    (tmp_path / "out").mkdir()
    (tmp_path / "out/model").symlink_to(folder("LlamaForCausalLM"))
    texts = [json.dumps({"text": text}) for text in rows.column("text").to_pylist()]
    (tmp_path / "texts.jsonl").write_text("\n".join(texts), "utf-8")
    ((_, task),) = [one for one in blocks("evaluation.md", "yaml") if "own_texts" in one[1]]
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/own_texts.yaml").write_text(task, "utf-8")
    ((_, *arguments),) = commands("lm-eval")
    environment = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "hub")}
    theirs = subprocess.run(
        [sys.executable, "-m", "lm_eval", *arguments],
        cwd=tmp_path,
        env={**_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert theirs.returncode == 0, theirs.stderr[-2000:]
    (found,) = re.findall(r"bits_per_byte\s*\|[^|]*\|\s*([0-9.]+)", theirs.stdout)
    asked = ["evaluate", str(folder("LlamaForCausalLM")), "--bits", str(short), "--output", str(tmp_path / "ours")]
    assert CliRunner().invoke(entry.cli, asked, catch_exceptions=False).exit_code == 0
    ours = json.loads((tmp_path / "ours/evaluation.json").read_text("utf-8"))["bits"][str(short)]["all"]
    assert ours["bits_per_byte"] == pytest.approx(float(found), abs=2e-4)
    assert ours["documents"] == len(texts) > 15


def _environment() -> dict[str, str]:
    """This process's, with what it imports from."""
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
