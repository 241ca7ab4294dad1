"""A corpus of five lines, and the command line called in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from xlcorpus.cli import main as entry

Call: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the entry point: exit code, stdout, stderr."""

    def called(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            entry.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return int(ended.value.code or 0), captured.out, captured.err

    return called


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A small JSONL file in four scripts, with one exact copy."""
    texts = [
        "Every morning the ferry crosses the wide river with farmers, schoolchildren and sacks of rice.",
        "كل صباح تعبر العبّارة النهر الواسع وعلى متنها المزارعون والتلاميذ وأكياس الأرز الثقيلة.",
        "ทุกเช้าเรือข้ามฟากแล่นผ่านแม่น้ำกว้างพร้อมชาวนา นักเรียน และกระสอบข้าวสารหนัก",
        "हर सुबह नाव चौड़ी नदी पार करती है और उसमें किसान, बच्चे और चावल की बोरियाँ होती हैं।",
    ]
    path = tmp_path / "ferry.jsonl"
    lines = [
        json.dumps({"text": text, "id": number}, ensure_ascii=False) for number, text in enumerate([*texts, texts[2]])
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
