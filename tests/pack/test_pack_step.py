"""`pack` as it runs: no token lost or doubled, whatever the strategy; numbers, byte budgets, decisions, notes."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.pack.pack_helpers import TEXTS
from tests.pack.pack_runs import (
    LENGTH,
    SAMPLE,
    decisions_of,
    document_rows,
    due_copies,
    ids_of,
    rebuilt_copies,
    run_pack,
    save,
    token_counts,
)
from tests.rows import rows_of
from tests.running import called, run, write_recipe
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.dataset.layout import BESIDE
from xlcorpus.errors import UserError
from xlcorpus.report.contents import contents_lines, sample_lines
from xlcorpus.tokenizer.open import open_tokenizer

SAMPLE_TOKENIZER = open_tokenizer(SAMPLE)
BYTES = open_tokenizer("bytes")


@pytest.mark.parametrize(
    ("strategy", "objective"),
    [
        *((strategy, "clm") for strategy in ("best-fit", "concatenate", "one")),
        *(("best-fit", objective) for objective in ("mlm", "span", "plain")),
        # What stands around a text is the same whatever the strategy.
        *(pytest.param("concatenate", objective, marks=pytest.mark.slow) for objective in ("mlm", "span")),
        *(pytest.param("one", objective, marks=pytest.mark.slow) for objective in ("mlm", "span", "plain")),
    ],
)
def test_no_token_is_lost_or_doubled(corpus: Path, tmp_path: Path, strategy: str, objective: str) -> None:
    made = run_pack(corpus, tmp_path / "out", length=LENGTH, strategy=strategy, objective=objective)
    packs, documents = made.to_arrow(), rows_of(corpus)
    due = due_copies(documents, SAMPLE_TOKENIZER, objective)
    assert rebuilt_copies(packs) == due
    assert np.array_equal(token_counts(packs), np.bincount([token for _, ids in due for token in ids]))
    lengths = packs["length"].to_pylist()
    assert lengths == [len(ids) for ids in packs["input_ids"].to_pylist()]
    assert max(lengths) <= LENGTH
    if strategy == "one":
        assert {len(ids) for ids in packs["doc_ids"].to_pylist()} == {1}
    if strategy == "concatenate":  # each of the two shards with rows ends in one pack that is not full
        assert sum(length < LENGTH for length in lengths) <= 2
    counts, (tally,) = made.manifest.notes["counts"], made.manifest.tallies
    assert (counts["documents"], counts["packs"], counts["packed"]) == (len(due), len(lengths), sum(lengths))
    assert made.manifest.notes["padding"] == round(1 - sum(lengths) / LENGTH / len(lengths), 6)
    assert tally.reasons == {"no_tokens": len(documents) - len(due)}
    assert len(set(packs["pack_id"].to_pylist())) == len(lengths)
    assert counts["split"] > 0


def test_documents_that_a_mix_repeats(corpus: Path, tmp_path: Path) -> None:
    recipe = f"""
        name: repeated
        seed: 3
        steps:
          - {{step: mix, input: {corpus}, ratios: {{eng_Latn: 0.5, hin_Deva: 0.5}}, budget: 40k, unit: chars,
             max_epochs: 12, shards: 2}}
          - {{step: pack, id: best-fit, tokenizer: {SAMPLE}, length: 256}}
          - {{step: pack, id: concatenate, input: mix, tokenizer: {SAMPLE}, length: 256, strategy: concatenate}}
    """
    made = {name: done.dataset for name, done in run(write_recipe(tmp_path, recipe), tmp_path / "out").items()}
    due = due_copies(rows_of(made["mix"]), SAMPLE_TOKENIZER)
    assert max(due.values()) > 1
    for strategy in ("best-fit", "concatenate"):
        assert rebuilt_copies(made[strategy].to_arrow()) == due
        assert made[strategy].manifest.notes["counts"]["split"] > 0


def test_padding_is_at_most_one_percent(tmp_path: Path) -> None:
    chaos = np.random.default_rng(7)
    sizes = chaos.integers(50, 3001, 1200) - 1  # with the token at the end, 50 to 3,000
    letters = "".join(chaos.choice(list("abcdefgh "), 4000))
    rows = document_rows([letters[:size] for size in sizes], ["eng_Latn"] * len(sizes))
    given = save(tmp_path / "docs", [rows.slice(0, 600), rows.slice(600)])
    made = run_pack(given, tmp_path / "out", tokenizer="bytes")
    packs = made.to_arrow()
    padding = 1 - sum(packs["length"].to_pylist()) / 2048 / packs.num_rows
    assert padding <= 0.01
    assert made.manifest.notes["padding"] == round(padding, 6)
    assert sum(packs["length"].to_pylist()) == int((sizes + 1).sum())
    # Only what does not fit into a pack is split.
    split = {
        name
        for row in packs.to_pylist()
        for name, total in zip(row["doc_ids"], row["doc_lengths"], strict=True)
        if total > 2048
    }
    assert made.manifest.notes["counts"]["split"] == len(split) == int((sizes + 1 > 2048).sum())


NUMBERS = ("languages.json", "scripts.json")


class TestPure:
    def test_one_language_and_script_a_pack(self, reference: Path, corpus: Path) -> None:
        made = Dataset.open(reference)
        languages, scripts = (json.loads((reference / name).read_text("utf-8")) for name in NUMBERS)
        assert languages == {"amh": 0, "eng": 1, "hin": 2, "srp": 3, "tha": 4, "und": 5, "yor": 6, "zho": 7}
        assert list(scripts) == ["Cyrl", "Deva", "Ethi", "Hans", "Latn", "Thai", "Zyyy"]
        assert (made.manifest.notes["languages"], made.manifest.notes["scripts"]) == (languages, scripts)
        rows = rows_of(made)
        for row in rows:
            assert {label or "und_Zyyy" for label in row["langs"]} == {row["lang"]}
            language, _, script = row["lang"].partition("_")
            assert (row["lang_id"], row["script_id"]) == (languages[language], scripts[script])
            assert row["script"] == script
        assert {row["lang"] for row in rows} == {*TEXTS, "und_Zyyy"}
        assert made.manifest.languages == Counter(row["lang"] for row in rows)
        assert rebuilt_copies(made.to_arrow()) == due_copies(rows_of(corpus), SAMPLE_TOKENIZER)

    def test_numbers_are_kept(self, reference: Path, tmp_path: Path) -> None:
        new = document_rows(
            ["Λίγο ψωμί ακόμη.", "More bread.", "Още малко хляб."], ["ell_Grek", "eng_Latn", "bul_Cyrl"]
        )
        given = save(tmp_path / "docs", [new])
        made = run_pack(given, tmp_path / "out", pure=True, language_ids=str(reference))
        before, after = (
            {name: json.loads((folder / name).read_text("utf-8")) for name in NUMBERS}
            for folder in (reference, tmp_path / "out")
        )
        for name in NUMBERS:
            assert list(after[name].items())[: len(before[name])] == list(before[name].items())
        assert list(after["languages.json"])[len(before["languages.json"]) :] == ["bul", "ell"]
        numbers = {row["lang"]: (row["lang_id"], row["script_id"]) for row in rows_of(made)}
        assert numbers == {"bul_Cyrl": (8, 0), "ell_Grek": (9, 7), "eng_Latn": (1, 4)}

    def test_romanised_and_bilingual_documents_of_a_mix_stay_apart(self, tmp_path: Path) -> None:
        rows = document_rows(
            ["नदी के किनारे", "nadi ke kinare", "The river. नदी।"],
            ["hin_Deva", "hin_Deva", "eng_Latn-hin_Deva"],
            kind=pa.array(["mono", "translit", "bi"]),
        )
        made = run_pack(save(tmp_path / "docs", [rows]), tmp_path / "out", pure=True)
        assert [row["lang"] for row in rows_of(made)] == ["hin_Deva", "hin_Latn", "eng-hin_Zyyy"]

    def test_mixed_packs_have_no_numbers(self, corpus: Path, reference: Path, tmp_path: Path) -> None:
        made = run_pack(corpus, tmp_path / "out", length=LENGTH)
        assert not [name for name in BESIDE if (tmp_path / "out" / name).exists()]
        assert {row["lang_id"] for row in rows_of(made)} == {None}
        with pytest.raises(UserError, match=r"languages.json: cannot be read"):
            run_pack(corpus, tmp_path / "other", pure=True, language_ids=str(tmp_path / "out"))
        # Where pure packs are replaced, their numbers go too.
        shutil.copytree(reference, tmp_path / "again")
        run_pack(corpus, tmp_path / "again", length=LENGTH, settings={"overwrite": True})
        assert not [name for name in BESIDE if (tmp_path / "again" / name).exists()]

    def test_a_folder_for_each_language(self, corpus: Path, tmp_path: Path) -> None:
        made = run_pack(corpus, tmp_path / "out", length=LENGTH, pure=True, settings={"partition_by": "lang"})
        folders = {Path(shard.name).parent.name for shard in made.manifest.shards}
        assert folders == {f"lang={name}" for name in (*TEXTS, "und_Zyyy")}
        assert rebuilt_copies(made.to_arrow()) == due_copies(rows_of(corpus), SAMPLE_TOKENIZER)


class TestByteBudgets:
    def taken(self, made: Dataset) -> Counter[str]:
        """Bytes of text in the packs by language."""
        found: Counter[str] = Counter()
        for row in rows_of(made):
            ends = [*row["doc_starts"][1:], row["length"]]
            for lang, start, end in zip(row["langs"], row["doc_starts"], ends, strict=True):
                found[lang] += sum(token >= 3 for token in row["input_ids"][start:end])
        return found

    def test_exactly_the_budget_over_all_shards(self, corpus: Path, tmp_path: Path) -> None:
        budgets = {"eng_Latn": 6001, "tha_Thai": 8000, "hin_Deva": 1}
        given = ",".join(f"{label}={size}" for label, size in budgets.items())
        made = run_pack(corpus, tmp_path / "out", tokenizer="bytes", length=LENGTH, byte_budget=given)
        assert self.taken(made) == budgets
        documents = rows_of(corpus)
        for label, size in budgets.items():  # the first bytes of the language, in the order of the shards
            text = b"".join(row["text"].encode() for row in documents if row["lang"] == label)
            ids = [token for copy, ids in self.in_order(made, documents, label) for token in ids[:-1]]
            assert bytes(token - 3 for token in ids) == text[:size]
        reasons = made.manifest.tallies[0].reasons
        assert sum(row["reason"] == "no_byte_budget" and row["lang"] in budgets for row in decisions_of(made)) == 0
        assert reasons["no_byte_budget"] == sum(row["lang"] not in budgets for row in documents)
        assert {"over_byte_budget", "no_byte_budget", "no_tokens"} == set(reasons)
        for row in decisions_of(made):
            if row["reason"] == "no_byte_budget":
                assert row["threshold"] == 0

    def in_order(self, made: Dataset, documents: list[dict[str, Any]], label: str) -> list[Any]:
        order = {row["doc_id"]: place for place, row in enumerate(documents) if row["lang"] == label}
        copies = [copy for copy in rebuilt_copies(made.to_arrow()) if copy[0] in order]
        return sorted(copies, key=lambda copy: order[copy[0]])

    def test_the_same_of_each_language(self, corpus: Path, tmp_path: Path) -> None:
        made = run_pack(corpus, tmp_path / "out", tokenizer="bytes", byte_budget="2k", pure=True)
        assert self.taken(made) == dict.fromkeys(TEXTS, 2000)
        assert "und" not in made.manifest.notes["languages"] or made.manifest.notes["counts"]["documents"]

    def test_whole_characters(self, corpus: Path, tmp_path: Path) -> None:
        made = run_pack(corpus, tmp_path / "out", tokenizer="bytes", byte_budget="2k", cut="character", length=4096)
        assert all(1997 <= size <= 2000 for size in self.taken(made).values())
        for _, ids in rebuilt_copies(made.to_arrow()):
            bytes(token - 3 for token in ids[:-1]).decode("utf-8")

    def test_more_than_there_is(self, corpus: Path, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"eng_Latn has [0-9,]+ of 9,000,000"):
            run_pack(corpus, tmp_path / "out", tokenizer="bytes", byte_budget="eng_Latn=9M")
        assert not (tmp_path / "out").exists()


def test_every_decision_with_its_text(tmp_path: Path) -> None:
    texts = ["", "short", "just right here", "far too long for one pack of this length", "much " * 9]
    given = save(tmp_path / "docs", [document_rows(texts, ["eng_Latn"] * 5)])
    made = run_pack(
        given,
        tmp_path / "out",
        tokenizer="bytes",
        length=20,
        long="refuse",
        min_tokens=8,
        byte_budget=str(5 + 15 + 40 + 10),
        settings={"keep_text": True},
    )
    found = [(row["reason"], row["text"], row["score"], row["threshold"]) for row in decisions_of(made)]
    assert sorted(found) == [
        ("fewer_than_min_tokens", "short", 5, 8),
        ("longer_than_pack", texts[3], 41, 20),
        ("no_tokens", "", 0, 1),
    ]
    packed = {bytes(token - 3 for token in ids[:-1]).decode() for _, ids in rebuilt_copies(made.to_arrow())}
    assert packed == {"just right here", "much much "}
    over = run_pack(given, tmp_path / "over", tokenizer="bytes", byte_budget="5", settings={"keep_text": True})
    by_text = {row["text"]: row for row in decisions_of(over)}
    assert [by_text[text]["reason"] for text in texts[2:]] == ["over_byte_budget"] * 3
    assert (by_text[texts[3]]["score"], by_text[texts[3]]["threshold"]) == (40, 0)
    without = run_pack(given, tmp_path / "without", tokenizer="bytes", byte_budget="5")
    assert {row["text"] for row in decisions_of(without)} == {None}


def test_split_documents_keep_their_offsets(tmp_path: Path) -> None:
    given = save(tmp_path / "docs", [document_rows(["x" * 50, "y" * 19], ["eng_Latn"] * 2)])
    rows = rows_of(run_pack(given, tmp_path / "out", tokenizer="bytes", length=20))
    parts = [(row["doc_offsets"], row["doc_lengths"], row["length"]) for row in rows]
    assert sorted(parts) == [([0], [20], 20), ([0], [51], 20), ([20], [51], 20), ([40], [51], 11)]


def test_a_manifest_says_what_a_reader_needs(corpus: Path, tmp_path: Path) -> None:
    made = run_pack(corpus, tmp_path / "out", length=LENGTH)
    notes = made.manifest.notes
    assert made.manifest.schema == "token-1"
    assert notes["tokenizer"] == {
        "name": SAMPLE_TOKENIZER.name,
        "kind": "sentencepiece",
        "fingerprint": SAMPLE_TOKENIZER.fingerprint,
        "vocab_size": SAMPLE_TOKENIZER.vocab_size,
        "special_ids": SAMPLE_TOKENIZER.special_ids(),
        "special": [0, 2, 3, 4],  # not 1, which unknown text is
        "template": {"single": [[], []], "pair": [[], [], []]},
    }
    assert notes["around"] == {"before": [], "after": [SAMPLE_TOKENIZER.eos_id]}
    assert "each document: ... </s>" in notes["table"]
    assert made.manifest.steps[-1].models["tokenizer"] == SAMPLE_TOKENIZER.fingerprint
    assert made.manifest.steps[-1].parameters["tokenizer"] == "tokenizer.model"  # no path of this machine
    packed: Counter[str] = Counter()
    for row in rows_of(corpus):
        packed[row["lang"] or ""] += len(ids_of(SAMPLE_TOKENIZER, row["text"])) if row["text"] else 0
    assert notes["counts"]["languages"] == packed
    table = notes["table"]
    by_language = {line.split()[0]: line.split() for line in table[4 : 4 + len(packed)]}
    assert {label: int(cells[1].replace(",", "")) for label, cells in by_language.items()} == {
        label or "und": count for label, count in packed.items()
    }
    shown = [line for line in table if line.startswith("pack ")]
    assert [line.split()[1] for line in shown] == ["0:", "1:", "2:"]
    first = rows_of(made)[0]
    text = next(row["text"] for row in rows_of(corpus) if row["doc_id"] == first["doc_ids"][0])
    assert text[:20] in table[table.index(shown[0]) + 1]


def test_inspect_shows_token_rows(corpus: Path, reference: Path, tmp_path: Path) -> None:
    shown = called("inspect", reference, "--rows", "2", "--verify")
    assert shown.returncode == 0, shown.stderr
    first = rows_of(Dataset.open(reference))[0]
    start = " ".join(map(str, first["input_ids"][:20]))
    parts = len(first["doc_ids"])
    assert f"  0: {first['length']} tokens, {parts} document{'s' * (parts > 1)}, {first['lang']}" in shown.stdout
    assert f"    input_ids {start} ...\n" in shown.stdout
    mixed = run_pack(corpus, tmp_path / "out")
    lines = contents_lines(mixed)
    assert any(line.endswith("repeated  merged") for line in lines)
    assert "languages" not in lines  # 100 % of the packs have none: the table of pack says what is in them
    assert sample_lines(mixed, 1)[0].startswith("  0: ")
