"""load_yaml and parse_yaml: plain data only, bounded, errors with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from xlcorpus.dataset.yaml_file import load_yaml, parse_yaml
from xlcorpus.errors import UserError

BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def test_plain_data_by_yaml_1_2() -> None:
    text = "int: 12\noctal: 0o17\nhex: 0x1f\nzero: 012\nexp: 1e-5\nfloat: -.5\ninf: -.inf\nyes: no\non: off\n"
    text += "date: 2024-01-01\ntime: 12:30:00\nnull: ~\nempty:\ntrue: TRUE\nlist: [1, two, '3']\nmap: {a: {b: 1}}\n"
    assert parse_yaml(text) == {
        "int": 12,
        "octal": 15,
        "hex": 31,
        "zero": 12,
        "exp": 1e-5,
        "float": -0.5,
        "inf": float("-inf"),
        "yes": "no",
        "on": "off",
        "date": "2024-01-01",
        "time": "12:30:00",
        None: None,
        "empty": None,
        True: True,
        "list": [1, "two", "3"],
        "map": {"a": {"b": 1}},
    }


def test_empty_and_other_top_levels() -> None:
    assert parse_yaml("") is None
    assert parse_yaml("- 1\n- 2\n") == [1, 2]
    assert parse_yaml("word") == "word"


def test_anchors_and_merges() -> None:
    text = "base: &b {x: 1, y: [1]}\nother: {<<: *b, x: 2}\nagain: *b\nquote: '<<'\nvalue: <<\n"
    assert parse_yaml(text) == {
        "base": {"x": 1, "y": [1]},
        "other": {"x": 2, "y": [1]},
        "again": {"x": 1, "y": [1]},
        "quote": "<<",
        "value": "<<",
    }
    assert parse_yaml("{k: &b {<<: &a {x: 1}, x: 2}, <<: *b}") == {"k": {"x": 2}, "x": 2}


def test_of_several_merged_mappings_the_first_holds() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: [*b, *a, {z: 3}], w: 4}\n"
    assert parse_yaml(text)["c"] == {"x": 1, "y": 2, "z": 3, "w": 4}
    with pytest.raises(UserError, match=r"line 2.*merging"):
        parse_yaml("a: &a [1]\nb: {<<: [*a]}\n")


def test_nesting_and_anchors_up_to_the_limits() -> None:
    assert parse_yaml("[" * 64 + "]" * 64)
    with pytest.raises(UserError, match="64 levels"):
        parse_yaml("[" * 65 + "]" * 65)
    assert parse_yaml("a: &a 1\nb: [*a, *a]\n", max_nodes=7) == {"a": 1, "b": [1, 1]}
    with pytest.raises(UserError, match="line 2, column 9: too many nodes"):
        parse_yaml("a: &a 1\nb: [*a, *a]\n", max_nodes=6)


def test_dump_and_load() -> None:
    content = {"stopwords": ["no", "na", "y", "1", "~", "กับ"], "n": [[2, 0.1]], "text": "a: b\n- c"}
    assert parse_yaml(yaml.safe_dump(content)) == content


def test_alias_bomb_fails_while_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "bomb.yaml"
    file.write_text(BOMB)
    with pytest.raises(UserError, match=r"bomb\.yaml, line 5.*too many nodes"):
        load_yaml(file)
    # 1 root + 2 keys + list of 10, and the list again
    assert parse_yaml("a: &a [0,0,0,0,0,0,0,0,0,0]\nb: *a\n", max_nodes=25)["b"] == [0] * 10
    with pytest.raises(UserError, match="too many nodes"):
        parse_yaml("a: &a [0,0,0,0,0,0,0,0,0,0]\nb: *a\n", max_nodes=24)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: !!python/object/apply:os.system ['true']\n", "line 1.*python/object.*not allowed"),
        ("a: !!python/name:os.system\n", "not allowed"),
        ("a: !mine 1\n", "not allowed"),
        ("a: !!set {x}\n", "not allowed"),
        ("a: !!binary aGk=\n", "not allowed"),
        ("a: 1\nb: 2\na: 3\n", "line 3.*'a' is here twice.*line 1"),
        ("x: {1: a, 0x1: b}\n", "twice"),
        ("a: &a [*a]\n", "part of"),
        ("a: &a {b: *a}\n", "part of"),
        ("a: *b\n", "undefined alias"),
        ("[" * 1000 + "\n", "64 levels"),
        ("a:\n" + "".join(" " * i + "-\n" for i in range(200)), "64 levels"),
        ("a: [1\nb: {", "line 2"),
        ("\tx: 1\n", "line 1"),
        ("? [1, 2]\n: 3\n", "key must be a plain value"),
        ("? {a: 1}\n: 3\n", "key must be a plain value"),
        ("a: 1\n---\nb: 2\n", "single document"),
        ("a: " + "9" * 6000 + "\n", "digits"),
        ("a: !!int x\n", "int"),
        ("a: !!bool maybe\n", "maybe"),
        ("<<: 3\n", "merging"),
        ("a: \x00\n", "character"),
        ("a: \ud800\n", "YAML text"),
    ],
)
def test_refused(text: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        parse_yaml(text)
    assert caught.value.remedy


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("\ufeffk: é\n".encode())
    assert load_yaml(file) == {"k": "é"}
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(UserError, match=r"a\.yaml, line 2: not UTF-8"):
        load_yaml(file)
    with pytest.raises(UserError, match=r"absent\.yml: cannot be read"):
        load_yaml(Path("absent.yml"))
    with pytest.raises(UserError, match="cannot be read"):
        load_yaml(tmp_path)


def test_too_large(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("a: " + "x" * 100)
    with pytest.raises(UserError, match="more than 50 bytes"):
        load_yaml(file, max_bytes=50)
    assert load_yaml(file, max_bytes=103) == {"a": "x" * 100}
