"""pack --template: rows of any kind as packs, with the template's special ids and what is trained on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.pack.pack_runs import decisions_of, run_pack, save
from tests.rows import documents, pairs, rows_of
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.pack.input_check import check_tokenizer
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packs import loss_spans
from xlcorpus.pack.sides import tokenize_sides
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.text.ragged import offsets_of
from xlcorpus.tokenizer import open_tokenizer

PAIRS = [("ዝናቡ", "the rain"), ("el río", "the </s> river"), ("雨", "rain\nagain")]
EOS, FIRST = 1, 3  # of the tokenizer bytes


def packed(folder: Path, batch: pa.RecordBatch, schema: str = "pair", **options: Any) -> Dataset:
    given = save(folder / "in", [batch], schema)
    asked = {"tokenizer": "bytes", "length": 64, **({} if "view" in options else {"strategy": "one"}), **options}
    return run_pack(given, folder / "out", settings={"max_error_rate": 1.0}, **asked)


def text_of(ids: list[int]) -> str:
    """Bytes as text, eos as |."""
    return bytes(ord("|") if one == EOS else one - FIRST for one in ids).decode()


def test_pairs_become_packs_and_the_answer_alone_is_trained_on(tmp_path: Path) -> None:
    template = "{{ src }}{{ eos }}{% generation %}{{ tgt }}{% endgeneration %}"
    found = packed(tmp_path, pairs(PAIRS, "amh_Ethi", "eng_Latn"), template=template)
    rows = rows_of(found)
    assert [text_of(row["input_ids"]) for row in rows] == [f"{src}|{tgt}|" for src, tgt in PAIRS]
    for row, (src, tgt) in zip(rows, PAIRS, strict=True):
        begin = len(src.encode()) + 1
        assert row["loss_spans"] == [begin, begin + len(tgt.encode()) + 1]  # with the end of the answer
        assert row["langs"] == ["amh_Ethi-eng_Latn"]
        assert row["part_bytes"] == [len(f"{src}{tgt}".encode())]
    assert found.manifest.notes["template"] == template


@pytest.mark.parametrize(
    ("template", "options", "due"),
    [
        ("{src}={tgt}", {}, "{src}={tgt}|"),
        ("{src}={tgt}", {"eos": False}, "{src}={tgt}"),
        ("{{ src }}{{ eos }}", {}, "{src}|"),
        ("{{ src }}{{ eos }}", {"eos": True}, "{src}|"),
        ("{{ src }}{{ eos }}{{ tgt }}", {}, "{src}|{tgt}|"),
        ("{{ src }}", {"objective": "plain"}, "{src}"),
        ("{{ tgt | lines_to(eos) }}", {}, "{lines}|"),
    ],
)
def test_the_objective_ends_what_the_template_does_not(template: str, options: dict[str, Any], due: str) -> None:
    batch = pairs(PAIRS, "amh_Ethi", "eng_Latn")
    asked = PackOptions(tokenizer="bytes", template=template, length=64, **options)
    found = tokenize_batch(batch, open_tokenizer("bytes"), asked).documents
    texts = [text_of(found.ids[start:end].tolist()) for start, end in pairwise(found.offsets)]
    assert texts == [due.format(src=src, tgt=tgt, lines=tgt.replace("\n", "|")) for src, tgt in PAIRS]
    assert found.trained is None


def test_long_rows_are_cut_with_what_is_trained_on(tmp_path: Path) -> None:
    batch = pairs([("ab" * 9, "cd" * 11)] * 5, "eng_Latn", "deu_Latn")
    template = "{{ src }}{% generation %}{{ tgt }}{% endgeneration %}{{ src }}"
    for number, strategy in enumerate(("one", "best-fit", "concatenate")):
        found = packed(tmp_path / str(number), batch, template=template, strategy=strategy, length=16)
        letters = {True: "", False: ""}
        for row in rows_of(found):
            trained = np.zeros(row["length"], dtype=bool)
            for start, end in zip(row["loss_spans"][::2], row["loss_spans"][1::2], strict=True):
                trained[start:end] = True
            for one, flag in zip(row["input_ids"], trained.tolist(), strict=True):
                letters[flag] += text_of([one])
        assert letters[True] == "cd" * 55
        assert sorted(letters[False]) == sorted(("ab" * 18 + "|") * 5)


def test_rows_of_other_kinds_and_rows_that_fail_are_accounted_for(tmp_path: Path) -> None:
    batch = documents(
        ["a text", "another", "third"],
        ["eng_Latn"] * 3,
        src=pa.array(["x", None, "boom"]),
        tgt=pa.array(["y", None, "z"]),
    )
    template = "{% if src == 'boom' %}{{ raise_exception('no ' ~ src) }}{% endif %}{{ src }}{{ tgt }}"
    found = packed(tmp_path, batch, "document", template=template)
    assert [text_of(row["input_ids"]) for row in rows_of(found)] == ["xy|"]
    assert [row["reason"] for row in decisions_of(found)] == ["other_kind"]
    rejects = pq.read_table(tmp_path / "out" / "rejects").to_pylist()
    assert [(row["reason"], row["message"]) for row in rejects] == [("template_failed", "no boom")]


@pytest.mark.parametrize("length", [8, 12, 64])
def test_sides_are_what_their_templates_say_and_lose_text_alone(length: int) -> None:
    batch = pairs([*PAIRS, ("", "x")], "amh_Ethi", "eng_Latn")
    sources = ["src={{ eos }}{{ src }}{{ eos }}", "tgt={{ tgt | upper }}"]
    asked = PackOptions(tokenizer="bytes", view="bitext", length=length, side_templates=sources)
    found = tokenize_sides(batch, open_tokenizer("bytes"), asked, 0)
    for row, (src, tgt) in zip(found.rows.to_pylist(), PAIRS, strict=True):
        assert bytes(one - FIRST for one in row["src_ids"][1:-1]) == src.encode()[: length - 2]
        assert (row["src_ids"][0], row["src_ids"][-1]) == (EOS, EOS)
        assert bytes(one - FIRST for one in row["tgt_ids"]) == tgt.upper().encode()[:length]
        assert row["truncated"] == (len(src.encode()) > length - 2 or len(tgt.encode()) > length)
    assert found.decisions.column("reason").to_pylist() == ["no_tokens"]  # special ids alone are no side
    refused = tokenize_sides(batch, open_tokenizer("bytes"), asked.model_copy(update={"long": "refuse"}), 0)
    assert refused.rows.num_rows == sum(not row["truncated"] for row in found.rows.to_pylist())


def test_a_side_without_room_for_text_is_left_out() -> None:
    """How many special tokens there are is known of the row alone."""
    sources = ["src={% for one in src.split() %}{{ eos }}{% endfor %}{{ src }}", "tgt={tgt}"]
    asked = PackOptions(tokenizer="bytes", view="bitext", length=8, side_templates=sources)
    check_tokenizer(asked, open_tokenizer("bytes"))
    batch = pairs([("a b", "x"), (" ".join("abcdefgh"), "x")], "eng_Latn", "deu_Latn")
    found = tokenize_sides(batch, open_tokenizer("bytes"), asked, 0)
    assert [row["src_ids"][:2] for row in found.rows.to_pylist()] == [[EOS, EOS]]
    (gone,) = found.decisions.to_pylist()
    assert (gone["reason"], gone["score"], gone["threshold"]) == ("longer_than_pack", 23, 8)


def checked(sources: list[str]) -> None:
    asked = PackOptions(tokenizer="bytes", view="bitext", length=8, side_templates=sources)
    check_tokenizer(asked, open_tokenizer("bytes"))


def test_templates_of_sides_that_cannot_be() -> None:
    for sources, message in (
        (["src"], "'src' is not SIDE=TEMPLATE"),
        (["src={src}"], "the side tgt of the view bitext has no template"),
        (["src={src}", "tgt={tgt}", "trg={tgt}"], "has no side 'trg'; did you mean 'tgt'?"),
        (["src={src}", "tgt={{ tgt"], "unexpected end of template"),
        (["src={src}", "tgt={{ cls }}{{ tgt }}"], "has no cls id"),
        (
            ["src=" + "{{ eos }}" * 7 + "{{ src }}{{ eos }}", "tgt={tgt}"],
            "8 tokens of src leave no room beside 8 special",
        ),
    ):
        with pytest.raises(UserError) as caught:
            checked(sources)
        assert message in caught.value.message


def test_refusals(tmp_path: Path) -> None:
    batch = pairs(PAIRS, "amh_Ethi", "eng_Latn")
    for options, message in (
        ({"template": "{srx}"}, "no column 'srx' in .* which --template uses"),
        ({"template": "{{ special('<x>') }}{{ src }}"}, "has no token '<x>'"),
        ({"template": "{{ bos }}{{ src }}"}, "has no bos id"),
        ({"template": "chat"}, "the tokenizer bytes has no chat template"),
        ({"template": "{src}", "byte_budget": "1k"}, "--byte-budget counts the bytes of the column text"),
        (
            {"template": "{src}", "strategy": "concatenate", "objective": "plain"},
            "neither --template nor the objective",
        ),
        ({"template": "{src}", "view": "bitext"}, "--template is an option of runs without"),
    ):
        with pytest.raises(UserError, match=message):
            packed(tmp_path, batch, **options)


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=6), max_size=5))
def test_loss_spans_are_the_stretches(rows: list[list[bool]]) -> None:
    flat = np.array([one for row in rows for one in row], dtype=bool)
    found = loss_spans(flat, offsets_of(np.array([len(row) for row in rows], dtype=np.int64))).to_pylist()
    for row, spans in zip(rows, found, strict=True):
        assert spans == sorted(set(spans))
        covered = [any(a <= at < b for a, b in zip(spans[::2], spans[1::2], strict=True)) for at in range(len(row))]
        assert covered == row
