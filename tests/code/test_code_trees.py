"""Source trees end to end: every file is accounted for, under its name, with its licence; links are not followed."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import xxhash

from tests.running import digests, run, write_recipe
from xlcorpus.code.read import code_schema, read_code
from xlcorpus.code.trees import find_code
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.decisions import DECISION, REJECT
from xlcorpus.dataset.manifest import KEYS
from xlcorpus.errors import UserError
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FILES_A_TASK, group_parts

MIT = (
    "Permission is hereby granted, free of charge, to any person obtaining a copy of it. "
    "The above copyright notice and this permission notice go with it.\n"
)
GPL = "GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007\n"
FILES: dict[str, bytes | str] = {
    "LICENSE": MIT,
    "src/mill.py": "def turn(wheel):\n    return wheel + 1\n",
    "src/räder.py": "\ufeff# Räder\r\nrad = 1\r\n",
    "src/__init__.py": "",
    "src/mill.h": "class Wheel;\n",
    "src/api_pb2.py": "x = 1\n",
    "src/old.c": b"/* R\xe4der */\nint x;\n",
    "src/gpl.c": "/* SPDX-License-Identifier: GPL-2.0-only */\nint y;\n",
    "web/app.min.js": "let a=1\n",
    "web/table.js": "x" * 3000 + "\n",
    "data/big.c": "1, " * 2000 + "\n",
    "node_modules/left/index.js": "x\n",
    "Cargo.lock": "x\n",
    "logo.png": b"\x89PNG\r\n\x1a\n\0\0",
    "notes.txt": "notes\n",
    "run": "#!/bin/sh\necho turn\n",
    "core": b"\x7fELF\0",
    ".git/config": "[core]\n",
    ".github/workflow.yml": "on: push\n",
    "lib/COPYING": GPL,
    "lib/wheel.py": "wheel = 1\n",
    "lib/inner/axle.py": "axle = 1\n",
}  # fmt: skip
REASONS = {
    "license_text": 2, "empty_text": 1, "generated": 1, "license": 3, "minified": 2, "too_long_lines": 1,
    "vendored": 1, "lock_file": 1, "binary": 2, "unknown_language": 1, "invalid_utf8": 1,
}  # fmt: skip


def plant(folder: Path, files: dict[str, bytes | str] = FILES) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(
    *folders: Path, source: str | None = None, target: int = 1 << 20, keep_text: bool = False, **options: Any
) -> tuple[list[Any], ...]:
    """Documents, decisions and rejects of trees, checked on the way; permissive licences unless said otherwise."""
    given = ReadOptions(kind="code", **options)
    files = find_code([str(folder) for folder in folders], source=source)
    documents, decisions, rejects, records = [], [], [], 0
    for part in group_parts(files, target_bytes=target, most=FILES_A_TASK):
        for batch in read_code(part, given, keep_text=keep_text):
            assert batch.rows.schema.equals(code_schema())
            assert batch.decisions.schema.equals(DECISION)
            assert batch.rejects.schema.equals(REJECT)
            assert batch.rows_in == batch.rows.num_rows + batch.decisions.num_rows + batch.rejects.num_rows
            documents += batch.rows.to_pylist()
            decisions += batch.decisions.to_pylist()
            rejects += batch.rejects.to_pylist()
            records += batch.rows_in
    assert records == len(files)
    return documents, decisions, rejects


def test_every_file_is_a_document_a_decision_or_a_reject(tmp_path: Path) -> None:
    documents, decisions, rejects = read(plant(tmp_path / "mill"))
    assert [(row["origin"]["file"], row["code_lang"]) for row in documents] == [
        ("mill/.github/workflow.yml", "YAML"),
        ("mill/run", "Shell"),
        ("mill/src/mill.h", "C++"),
        ("mill/src/mill.py", "Python"),
        ("mill/src/räder.py", "Python"),
    ]
    assert {(row["kind"], row["source"], row["license"], row["license_from"]) for row in documents} == {
        ("code", "mill", "MIT", "mill/LICENSE")
    }
    assert documents[3]["text"] == "def turn(wheel):\n    return wheel + 1\n"
    assert documents[4]["text"] == "# Räder\r\nrad = 1\r\n"
    content = xxhash.xxh3_128_hexdigest(str(FILES["src/mill.py"]).encode())
    assert documents[3]["doc_id"] == xxhash.xxh3_128_digest(f"mill\0mill/src/mill.py\0{content}\x000".encode())
    assert Counter(row["reason"] for row in [*decisions, *rejects]) == REASONS
    (long,) = [row for row in decisions if row["reason"] == "too_long_lines"]
    assert (long["origin"]["file"], long["score"], long["threshold"]) == ("mill/data/big.c", 6000.0, 1000.0)
    assert "byte 4" in rejects[0]["message"]
    assert not any(".git/" in row["origin"]["file"] for row in decisions)


def test_the_nearest_licence_counts_and_the_head_before_it(tmp_path: Path) -> None:
    documents, decisions, _ = read(plant(tmp_path / "mill"), licenses="any")
    found = {row["origin"]["file"]: (row["license"], row["license_from"]) for row in documents}
    assert found["mill/lib/wheel.py"] == ("GPL-3.0", "mill/lib/COPYING")
    assert found["mill/lib/inner/axle.py"] == ("GPL-3.0", "mill/lib/COPYING")
    assert found["mill/src/gpl.c"] == ("GPL-2.0-only", "mill/src/gpl.c")
    assert found["mill/src/mill.py"] == ("MIT", "mill/LICENSE")
    assert "license" not in {row["reason"] for row in decisions}
    documents, _, _ = read(tmp_path / "mill", licenses="GPL-3.0")
    assert [row["origin"]["file"] for row in documents] == ["mill/lib/inner/axle.py", "mill/lib/wheel.py"]


def test_a_tree_without_a_licence(tmp_path: Path) -> None:
    tree = plant(tmp_path / "bare", {"a.py": "a = 1\n", "b.py": "# SPDX-License-Identifier: ISC\nb = 1\n"})
    documents, decisions, _ = read(tree, keep_text=True)
    assert [(row["origin"]["file"], row["license"]) for row in documents] == [("bare/b.py", "ISC")]
    assert [(row["reason"], row["text"]) for row in decisions] == [("license", "a = 1\n")]
    documents, _, _ = read(tree, licenses="any")
    assert documents[0]["license"] is None


def test_links_are_not_followed(tmp_path: Path) -> None:
    outside = plant(tmp_path / "outside", {"secret.py": "x = 1\n"})
    tree = plant(tmp_path / "tree", {"LICENSE": MIT, "a.py": "a = 1\n"})
    (tree / "file.py").symlink_to(outside / "secret.py")
    (tree / "folder").symlink_to(outside)
    (tree / "loop").symlink_to(tree)
    (tree / "dangling.py").symlink_to(tree / "nothing")
    os.mkfifo(tree / "pipe.py")
    found = find_code([str(tree)])
    assert [file.name for file in found] == ["tree/LICENSE", "tree/a.py"]
    assert {reason: [path.name for path in paths] for reason, paths in found.remarks.skipped.items()} == {
        "a symbolic link, which is not followed": ["dangling.py", "file.py", "folder", "loop"],
        "not a regular file": ["pipe.py"],
    }
    (tmp_path / "way").symlink_to(tree)  # the folder that was given may be reached by one
    assert [file.name for file in find_code([str(tmp_path / "way")])] == ["tree/LICENSE", "tree/a.py"]


def test_names_of_two_unicode_forms_and_deep_folders(tmp_path: Path) -> None:
    deep = "d/" * 300
    tree = plant(tmp_path / "t", {"caf\u00e9.py": "a = 1\n", "cafe\u0301.py": "b = 1\n", f"{deep}c.py": "c = 1\n"})
    assert len({file.name for file in find_code([str(tree)])}) == 3


def test_a_tree_may_itself_be_called_vendor(tmp_path: Path) -> None:
    documents, _, _ = read(plant(tmp_path / "vendor", {"LICENSE": MIT, "a.py": "a = 1\n"}))
    assert len(documents) == 1


def test_files_are_small_enough_and_readable(tmp_path: Path) -> None:
    tree = plant(tmp_path / "t", {"LICENSE": MIT, "a.py": "a = 1\n" * 30, "b.py": "b = 1\n"})
    documents, _, rejects = read(tree, max_record_bytes=100)
    assert [row["text"] for row in documents] == ["b = 1\n"]
    assert [(row["reason"], row["excerpt"][:5]) for row in rejects] == [("record_too_large", "a = 1")]
    files = find_code([str(tree)])
    (tree / "b.py").unlink()
    with pytest.raises(UserError, match=r"cannot read .*b\.py"):
        list(read_code(files, ReadOptions(kind="code")))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (["one", "one/src"], "lies in"),
        (["one", "other/one"], "two folders are called 'one'"),
        (["missing"], "does not exist"),
        (["one/LICENSE"], "is a file"),
        (["empty"], "no file in"),
        (["dataset"], "is an xlcorpus dataset"),
    ],
)
def test_what_is_wrong_with_an_input_is_said(tmp_path: Path, inputs: list[str], message: str) -> None:
    for name in ("one", "other/one"):
        plant(tmp_path / name, {"LICENSE": MIT, "src/a.py": "a = 1\n"})
    (tmp_path / "empty").mkdir()
    (tmp_path / "dataset" / "data").mkdir(parents=True)
    (tmp_path / "dataset" / "manifest.json").write_text(json.dumps(dict.fromkeys(KEYS)))
    with pytest.raises(UserError, match=message) as error:
        find_code([str(tmp_path / name) for name in inputs])
    assert error.value.remedy


def recipe(folder: Path, files: str, more: str = "", steps: str = "") -> Path:
    return write_recipe(folder, f"name: code\nsteps:\n  - {{step: ingest, kind: code, files: {files}{more}}}\n{steps}")


def test_neither_order_nor_place_nor_tasks_change_the_rows(tmp_path: Path) -> None:
    one, other = (
        plant(tmp_path / "x" / "mill"),
        plant(tmp_path / "x" / "wheel", {"LICENSE": MIT, "a.go": "package a\n"}),
    )
    moved = plant(tmp_path / "y" / "mill", dict(reversed(FILES.items())))
    plant(tmp_path / "y" / "wheel", {"a.go": "package a\n", "LICENSE": MIT})
    run(recipe(tmp_path, f"[{one}, {other}]"), tmp_path / "1")
    run(recipe(tmp_path, f"[{other}, {moved}]"), tmp_path / "2")
    assert digests(tmp_path / "1") == digests(tmp_path / "2")
    run(recipe(tmp_path, f"[{one}, {other}]", ", task_bytes: 50"), tmp_path / "3")

    def rows(name: str) -> list[Any]:
        return [row for batch in Dataset.open(tmp_path / name / "ingest").batches() for row in batch.to_pylist()]

    assert rows("3") == rows("1")
    assert len(Dataset.open(tmp_path / "3" / "ingest").manifest.shards) > 1
    assert run(recipe(tmp_path, f"[{one}, {other}]"), tmp_path / "1")["ingest"].skipped
    (one / "src" / "mill.py").write_text("changed = 1\n")
    with pytest.raises(UserError, match="already holds a dataset"):
        run(recipe(tmp_path, f"[{one}, {other}]"), tmp_path / "1")


def test_code_is_documents_for_the_steps_that_follow(tmp_path: Path) -> None:
    tree = plant(tmp_path / "mill")
    (tree / "src" / "copy.py").write_bytes((tree / "src" / "mill.py").read_bytes())
    steps = "  - {step: dedup}\n"
    done = run(recipe(tmp_path, str(tree), ", source: code, max_record_bytes: 100000", steps), tmp_path / "out")
    assert done["ingest"].dataset.manifest.schema == "document-1"
    assert done["ingest"].dataset.manifest.sources == {"code": 6}
    (tally,) = done["ingest"].dataset.manifest.tallies
    assert tally.rows_in == len(FILES) + 1 - 1  # one more, and none of .git
    assert done["dedup"].dataset.manifest.rows == 5
    row = next(done["dedup"].dataset.batches()).to_pylist()[0]
    assert (row["kind"], row["code_lang"], row["source"]) == ("code", "YAML", "code")


def test_options_of_other_kinds_are_refused(tmp_path: Path) -> None:
    tree = plant(tmp_path / "mill", {"LICENSE": MIT, "a.py": "a = 1\n"})
    for more, message in (
        (", format: jsonl", "cannot be read from"),
        (", text_column: x", "option of --kind documents"),
        (", licenses: MTI", "no licence known"),
    ):
        with pytest.raises(UserError, match=message):
            run(recipe(tmp_path, str(tree), more), tmp_path / "out")
    said: list[str] = []
    bare = plant(tmp_path / "bare", {"a.py": "# SPDX-License-Identifier: MIT\n"})
    run(recipe(tmp_path, str(bare), ", licenses: [MIT, ISC]"), tmp_path / "out", say=said.append)
    assert any("no licence file" in line for line in said)
