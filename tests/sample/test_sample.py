"""The sample corpus is what its gold table and its README say, checked from the shipped files."""

from __future__ import annotations

import functools
import gzip
import json
import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest

from xlcorpus.dedup.signature import shingle_texts
from xlcorpus.sample import read_gold, sample_folder
from xlcorpus.text.script import main_script

REQUIRED = {
    *("hin_Deva", "tha_Thai", "zho_Hans", "jpn_Jpan", "arb_Arab", "amh_Ethi"),
    *("swh_Latn", "yor_Latn", "rus_Cyrl", "srp_Cyrl", "srp_Latn"),
}
REJECTS = {"not_an_object", "missing_text"}
COPIES = {"exact_copy", "near_copy", "code_copy"}
WEB_FIELDS = {"id", "url", "title", "text", "date", "declared_lang", "license"}
CODE_FIELDS = {"id", "path", "text", "kind", "language", "license"}


@dataclass(frozen=True)
class Line:
    gold: dict[str, str]
    record: Any

    @property
    def kind(self) -> str:
        return self.gold["kind"]

    @property
    def lang(self) -> str:
        return self.gold["lang"]

    @property
    def script(self) -> str:
        return self.lang.partition("_")[2].replace("Hans", "Hani")  # Unicode sees no variants of Han

    @property
    def text(self) -> str:
        return self.record["text"]


@functools.cache
def raw_lines() -> dict[str, list[str]]:
    """Lines of every sample file by its path below the sample folder."""
    folder, found = sample_folder(), {}
    for path in sorted([*(folder / "web").iterdir(), *(folder / "code").iterdir()]):
        data = path.read_bytes()
        content = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
        assert content.endswith("\n")
        assert "\r" not in content
        found[path.relative_to(folder).as_posix()] = content[:-1].split("\n")
    return found


@functools.cache
def sample() -> tuple[Line, ...]:
    files = raw_lines()
    return tuple(Line(row, json.loads(files[row["file"]][int(row["line"]) - 1])) for row in read_gold())


def documents() -> list[Line]:
    """Lines that hold a text, if an empty one."""
    return [line for line in sample() if line.kind not in REJECTS]


def web() -> list[Line]:
    return [line for line in documents() if line.gold["file"].startswith("web/")]


def of_kind(*kinds: str) -> list[Line]:
    return [line for line in sample() if line.kind in kinds]


@functools.cache
def shingle_sets() -> dict[str, frozenset[int]]:
    """Shingles of each document by id."""
    lines = documents()
    found = shingle_texts(pa.array([line.text for line in lines]))
    hashes, offsets = found.hashes.tolist(), found.offsets.tolist()
    return {
        line.gold["id"]: frozenset(hashes[start:end])
        for line, start, end in zip(lines, offsets, offsets[1:], strict=False)
    }


def jaccard(one: str, other: str) -> float:
    a, b = shingle_sets()[one], shingle_sets()[other]
    return len(a & b) / len(a | b)


def scripts(texts: list[str]) -> list[str]:
    return main_script(pa.array(texts))[0].to_pylist()


def test_gold_rows_match_lines_one_to_one() -> None:
    places = [(row["file"], int(row["line"])) for row in read_gold()]
    assert len(set(places)) == len(places)
    assert set(places) == {(file, number) for file, lines in raw_lines().items() for number in range(1, len(lines) + 1)}


def test_ids_are_unique_and_those_of_the_gold_table() -> None:
    for line in sample():
        if line.kind == "not_an_object":
            assert isinstance(line.record, list)
            assert line.gold["id"] == ""
        else:
            assert line.record["id"] == line.gold["id"]
            assert re.fullmatch(r"[sc]\d{4}", line.gold["id"])
    ids = [line.gold["id"] for line in sample() if line.gold["id"]]
    assert len(set(ids)) == len(ids)


def test_gold_table_is_sorted_tab_separated_and_complete() -> None:
    content = sample_folder().joinpath("gold.tsv").read_bytes().decode("utf-8")
    assert "\r" not in content
    assert content.split("\n")[0] == "file\tline\tid\tlang\tkind\tof\tjaccard"
    assert {row.count("\t") for row in content.splitlines()} == {6}
    places = [(row["file"].partition("/")[0] != "web", row["file"], int(row["line"])) for row in read_gold()]
    assert places == sorted(places)


def test_counts() -> None:
    assert len([line for line in web() if line.text]) >= 300
    languages = {line.lang for line in web() if line.lang not in {"", "zxx_Zyyy"}}
    assert len(languages) >= 24
    assert len({language.partition("_")[2] for language in languages}) >= 10
    assert languages >= REQUIRED


def test_web_folder_is_small_and_its_files_mix_languages() -> None:
    files = list((sample_folder() / "web").iterdir())
    assert 6 <= len(files) <= 8
    assert sum(file.stat().st_size for file in files) < 1_000_000
    assert sum(len("\n".join(lines).encode()) for name, lines in raw_lines().items() if "web/" in name) < 1_000_000
    for file in files:
        assert len({line.lang for line in web() if line.gold["file"] == f"web/{file.name}"}) >= 20


def test_one_file_is_gzip_without_time_or_name() -> None:
    (packed,) = (sample_folder() / "web").glob("*.gz")
    header = packed.read_bytes()[:10]
    assert header[:4] == b"\x1f\x8b\x08\x00"  # no flags: no file name
    assert header[4:8] == bytes(4)


def test_lines_are_as_written_by_us() -> None:
    files = raw_lines()
    for line in sample():
        assert files[line.gold["file"]][int(line.gold["line"]) - 1] == json.dumps(line.record, ensure_ascii=False)


def test_fields() -> None:
    for line in sample():
        if line.kind == "not_an_object":
            continue
        expected = CODE_FIELDS if line.gold["file"].startswith("code/") else WEB_FIELDS
        assert set(line.record) == (expected - {"text"} if line.kind == "missing_text" else expected)
        assert all(isinstance(value, str) for value in line.record.values())
        assert line.record["license"] == "CC0-1.0"
    urls = [line.record["url"] for line in web()]
    assert len(set(urls)) == len(urls)
    assert all(re.fullmatch(r"https://example\.org/[a-z0-9/.?=-]+", url) for url in urls)
    assert all(re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", line.record["date"]) for line in web())


def test_texts_are_nfc_and_without_control_characters() -> None:
    for line in documents():
        for value in line.record.values():
            assert unicodedata.is_normalized("NFC", value)
        allowed = "\n\t" if line.gold["file"].startswith("code/") else "\n"
        odd = [one for one in line.text if unicodedata.category(one) in {"Cc", "Cs", "Co", "Cn"}]
        assert set(odd) <= set(allowed)


def test_main_script_of_each_text_is_that_of_its_gold_label() -> None:
    lines = [line for line in web() if line.text and line.kind != "links"]  # addresses outweigh a menu's own letters
    found = scripts([line.text for line in lines])
    assert [(line.gold["id"], script) for line, script in zip(lines, found, strict=True)] == [
        (line.gold["id"], line.script) for line in lines
    ]


@pytest.mark.parametrize("kind", ["page", "short", "links", "exact_copy", "near_copy"])
def test_every_language_has(kind: str) -> None:
    languages = {line.lang for line in of_kind("page")}
    found = Counter(line.lang for line in of_kind(kind))
    assert set(found) == languages
    if kind != "page":
        assert set(found.values()) == {1}


def test_every_language_has_eight_pages_counting_those_with_a_plant() -> None:
    found = Counter(line.lang for line in of_kind("page", "wrong_language", "contaminated"))
    assert set(found.values()) == {8}


def test_copies_have_the_stated_similarity() -> None:
    originals = {line.gold["id"]: line for line in of_kind("page", "code")}
    for line in of_kind(*COPIES):
        original = originals[line.gold["of"]]
        assert original.lang == line.lang
        assert line.gold["jaccard"] == f"{jaccard(line.gold['id'], line.gold['of']):.4f}"
    assert all(line.gold["of"] == line.gold["jaccard"] == "" for line in sample() if line.kind not in COPIES)


def test_exact_copies_are_equal_and_near_copies_nearly() -> None:
    texts = {line.gold["id"]: line.text for line in documents()}
    for line in of_kind("exact_copy"):
        assert line.text == texts[line.gold["of"]]
        assert line.gold["jaccard"] == "1.0000"
    for line in of_kind("near_copy"):
        assert line.text != texts[line.gold["of"]]
        assert 0.85 <= float(line.gold["jaccard"]) < 1
    equal = [line.text == texts[line.gold["of"]] for line in of_kind("code_copy")]
    assert Counter(equal) == {True: 2, False: 1}
    assert all(float(line.gold["jaccard"]) >= 0.85 for line in of_kind("code_copy"))


def test_different_originals_are_different() -> None:
    sets = {line.gold["id"]: shingle_sets()[line.gold["id"]] for line in documents() if line.kind not in COPIES}
    owners: dict[int, list[str]] = defaultdict(list)
    for name, values in sets.items():
        for value in values:
            owners[value].append(name)
    pairs = {(one, other) for names in owners.values() for one in names for other in names if one < other}
    assert all(jaccard(one, other) < 0.3 for one, other in pairs)
    texts = [line.text for line in documents() if line.kind not in COPIES]
    assert len(set(texts)) == len(texts)


def test_declared_language_is_wrong_in_the_wrong_language_plants_alone() -> None:
    assert len(of_kind("wrong_language")) >= 12
    known = {line.lang for line in of_kind("page")}
    for line in web():
        declared = line.record["declared_lang"]
        assert declared in known
        if line.kind not in {"no_letters", "empty"}:
            assert (declared != line.lang) == (line.kind == "wrong_language")


def test_contaminated_pages_hold_one_or_two_foreign_lines() -> None:
    lines = of_kind("contaminated")
    assert len(lines) >= 8
    other_script = 0
    for line in lines:
        parts = [part for part in line.text.split("\n") if part]
        assert len(parts) in {3, 4}  # two paragraphs of its own
        foreign = [script for script in scripts(parts) if script != line.script]
        assert len(foreign) <= 2
        other_script += bool(foreign)
    assert other_script >= 6  # the others are between languages of one script


def test_short_texts_and_lists_of_links() -> None:
    for line in of_kind("short"):
        assert len(line.text.split()) <= 6
        assert len(line.text) <= 40
    for line in of_kind("links"):
        parts = line.text.split("\n")
        assert 12 <= len(parts) <= 18
        assert any(part.startswith("* https://example.org/") for part in parts)


def test_oddities() -> None:
    for line in of_kind("repeated_lines"):
        parts = line.text.split("\n")
        assert len(parts) == 30
        assert len(set(parts)) == 1
    for line in of_kind("no_letters"):
        assert line.lang == "zxx_Zyyy"
        assert line.text
        assert not any(one.isalpha() for one in line.text)
    assert [line.text for line in of_kind("empty")] == [""]
    assert all(line.lang == "" for line in of_kind("empty", *REJECTS))
    assert {line.kind for line in sample()} >= {"repeated_lines", "no_letters", "empty", *REJECTS}


def test_code() -> None:
    lines = of_kind("code", "code_copy")
    assert 12 <= len(lines) <= 20
    assert len({line.record["language"] for line in lines}) >= 8
    assert len({line.record["path"] for line in lines}) == len(lines)
    for line in lines:
        assert line.lang == ""
        assert 15 <= len(line.text.splitlines()) <= 60


def test_readme_states_the_counts() -> None:
    readme = sample_folder().joinpath("README.md").read_text(encoding="utf-8")
    stated = {kind: int(count) for kind, count in re.findall(r"^\| `(\w+)` \| (\d+) \|", readme, re.MULTILINE)}
    assert stated == Counter(line.kind for line in sample())
    languages = {line.lang for line in of_kind("page")}
    assert set(re.findall(r"`([a-z]{3}_[A-Z][a-z]{3})` [A-Z]", readme)) == languages
    code_languages = {line.record["language"] for line in of_kind("code")}
    web_lines = sum(len(lines) for name, lines in raw_lines().items() if name.startswith("web/"))
    for claim in (
        f"{web_lines} lines, languages mixed",
        f"Of the {web_lines} lines of `web/`, {len([line for line in web() if line.text])} are documents with text",
        f"{len(read_gold())} rows",
        f"{len(of_kind('code', 'code_copy'))} source files in {len(code_languages)} programming languages",
        f"{len(languages)} languages (counting Serbian",
        f"in {len({line.script for line in of_kind('page')})} scripts",
    ):
        assert claim in readme, claim
