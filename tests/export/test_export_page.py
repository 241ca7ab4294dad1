"""The commands of docs/export.md run, and its format is found by name and writes every token."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.export.exported import documents_of, exported, packs
from tests.house.pages import blocks
from xlcorpus.cli.main import main
from xlcorpus.export.format import FORMATS


def test_the_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [code for _, code in blocks("export.md", "bash")]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "packed").symlink_to(packs())
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line, comments=True)[1:] for line in block.splitlines()]
    for command in commands:
        with pytest.raises(SystemExit) as left:
            main(command)
        assert not left.value.code, capsys.readouterr().err
    written = {json.loads(file.read_text())["format"] for file in tmp_path.rglob("export.json")}
    assert written == set(FORMATS.names)


def test_the_format_of_the_page_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, code),) = blocks("export.md", "python")
    names: dict[str, Any] = {}
    exec(code, names)
    monkeypatch.setitem(FORMATS.all, "raw", names["FORMAT"])
    done = exported(packs(), tmp_path / "raw", "raw")
    written = np.fromfile(tmp_path / "raw" / "00000.raw", done.target.dtype)
    assert written.tolist() == [token for document in documents_of(packs()) for token in document]
    assert "np.fromfile" in (tmp_path / "raw" / "README.md").read_text()
