"""What a row gives to a mix: text, kind and language of documents, pairs, switched rows and romanised variants."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mix.mix_helpers import mix, named, pairs, switched
from tests.rows import documents
from xlcorpus.dataset import dataset
from xlcorpus.dataset.united import conform
from xlcorpus.mix.mixed_rows import mixed_rows, mixed_schema, unite_schemas
from xlcorpus.mix.spec import parse_mix
from xlcorpus.mix.templated import PAIRS as TEMPLATE
from xlcorpus.mix.texts import (
    CODESWITCH,
    DOCUMENT,
    LATIN,
    ORIGINAL,
    PAIR,
    columns_read,
    texts_of,
    variants_of,
)

SWAHILI = ["Mvua imenyesha tangu alfajiri.", "Watoto wanacheza uwanjani."]
AMHARIC = ["ዝናቡ ከጠዋት ጀምሮ ይዘንባል።", "ልጆቹ በሜዳ ላይ ይጫወታሉ።"]
GREEK = ["Βρέχει από το πρωί.", "Τα παιδιά παίζουν έξω."]
ROMANISED = ["znab kataewat jamr yezanbal.", None]


def romanised() -> pa.RecordBatch:
    """Two Amharic documents, of which one was romanised, and a Swahili one that is its own romanisation."""
    return documents(
        [*AMHARIC, SWAHILI[0]],
        ["amh_Ethi", "amh_Ethi", "swh_Latn"],
        text_latn=pa.array([*ROMANISED, SWAHILI[0]]),
        translit_identity=pa.array([False, None, True]),
        translit_tool=pa.array(["uroman"] * 3),
    )


def test_the_kind_of_a_document_is_its_own_or_mono() -> None:
    batch = documents(["a", "b", "c"], ["eng_Latn", None, "eng_Latn"], kind=pa.array(["code", None, ""]))
    found = texts_of(batch, DOCUMENT, ORIGINAL, TEMPLATE, domain=False)
    assert found.kind.to_pylist() == ["code", "mono", "mono"]
    assert found.lang.to_pylist() == ["eng_Latn", "", "eng_Latn"]
    assert found.source.to_pylist() == ["web"] * 3
    assert found.domain.to_pylist() == [""] * 3
    assert found.rows.to_pylist() == [0, 1, 2]
    assert found.sides == ()
    with_domain = documents(["a", None], ["x", "x"], domain=pa.array(["law", None]))
    assert texts_of(with_domain, DOCUMENT, ORIGINAL, TEMPLATE, domain=True).domain.to_pylist() == ["law", ""]
    assert texts_of(with_domain, DOCUMENT, ORIGINAL, TEMPLATE, domain=False).domain.to_pylist() == ["", ""]
    assert texts_of(with_domain, DOCUMENT, ORIGINAL, TEMPLATE, domain=True).text.to_pylist() == ["a", ""]


def test_a_pair_has_both_languages_and_both_sides() -> None:
    rows = [(GREEK[0], SWAHILI[0]), (None, SWAHILI[1]), ("x", "y"), ("x", "y")]
    langs: dict[str, Any] = {
        "src_lang": ["ell_Grek", "ell_Grek", None, None],
        "tgt_lang": ["swh_Latn", "swh_Latn", "swh_Latn", None],
    }
    schema, batch = named(pairs(rows, **langs, kind=pa.array([None, "mined", None, "bi"])))
    found = texts_of(batch, schema, ORIGINAL, TEMPLATE, domain=False)
    assert found.kind.to_pylist() == ["bi", "mined", "bi", "bi"]
    # A language is that of both sides or it is none: half of a name would be a language of its own.
    assert found.lang.to_pylist() == ["ell_Grek-swh_Latn", "ell_Grek-swh_Latn", "", ""]
    assert found.text.to_pylist() == [f"{GREEK[0]}\n{SWAHILI[0]}", f"\n{SWAHILI[1]}", "x\ny", "x\ny"]
    assert [side.to_pylist() for side in found.sides] == [
        [GREEK[0], "", "x", "x"],
        [SWAHILI[0], SWAHILI[1], "y", "y"],
    ]
    assert (
        mixed_rows(batch, schema, ORIGINAL, TEMPLATE).column("lang").to_pylist()
        == ["ell_Grek-swh_Latn"] * 2 + [None] * 2
    )


def test_switched_rows_are_their_switched_text_whatever_they_were() -> None:
    schema, batch = named(
        switched(["Watoto spielen uwanjani.", None], SWAHILI, "swh_Latn", kind=pa.array(["code"] * 2))
    )
    found = texts_of(batch, schema, ORIGINAL, TEMPLATE, domain=False)
    assert found.text.to_pylist() == ["Watoto spielen uwanjani.", ""]
    assert found.kind.to_pylist() == ["cs", "cs"]
    assert found.lang.to_pylist() == ["swh_Latn"] * 2


def test_the_romanised_variant_leaves_out_what_is_its_own_romanisation() -> None:
    batch = romanised()
    found = texts_of(batch, DOCUMENT, LATIN, TEMPLATE, domain=False)
    assert found.rows.to_pylist() == [0]
    assert found.text.to_pylist() == ROMANISED[:1]
    assert found.kind.to_pylist() == ["translit"]
    assert found.lang.to_pylist() == ["amh_Ethi"]
    # Without the column that says so, every romanised text counts.
    bare = batch.drop_columns(["translit_identity"])
    assert texts_of(bare, DOCUMENT, LATIN, TEMPLATE, domain=False).rows.to_pylist() == [0, 2]
    code = batch.append_column("kind", pa.array(["code"] * 3))
    assert texts_of(code, DOCUMENT, LATIN, TEMPLATE, domain=False).kind.to_pylist() == ["translit"]


def test_only_documents_with_romanised_texts_have_the_variant() -> None:
    names = romanised().schema.names
    assert variants_of(DOCUMENT, names, latin=True) == (ORIGINAL, LATIN)
    assert variants_of(DOCUMENT, names, latin=False) == (ORIGINAL,)
    assert variants_of(DOCUMENT, ["doc_id", "text"], latin=True) == (ORIGINAL,)
    assert variants_of(PAIR, [*names, "src"], latin=True) == (ORIGINAL,)
    assert variants_of(CODESWITCH, names, latin=True) == (ORIGINAL,)


def test_only_what_is_needed_is_read() -> None:
    everything = {
        DOCUMENT: [*romanised().schema.names, "kind", "domain", "dup_size", "url"],
        PAIR: [*named(pairs([], "a", "b"))[1].schema.names, "align", "dup_size"],
        CODESWITCH: [*named(switched([], [], "a"))[1].schema.names, "dup_size"],
    }
    few = {"latin": False, "domain": False, "dup_size": False}
    all_of_it = {"latin": True, "domain": True, "dup_size": True}
    assert columns_read(DOCUMENT, everything[DOCUMENT], **few) == ["doc_id", "text", "lang", "source", "kind"]
    assert columns_read(DOCUMENT, everything[DOCUMENT], **all_of_it)[5:] == [
        "text_latn", "translit_identity", "domain", "dup_size",
    ]  # fmt: skip
    assert columns_read(DOCUMENT, ["text", "doc_id"], **all_of_it) == ["doc_id", "text"]
    assert columns_read(PAIR, everything[PAIR], **few) == ["doc_id", "src", "tgt", "src_lang", "tgt_lang", "source"]
    assert columns_read(CODESWITCH, everything[CODESWITCH], **few) == [
        "doc_id",
        "cs_source",
        "cs_spans",
        "lang",
        "source",
    ]


SCHEMAS: dict[str, Any] = {
    DOCUMENT: romanised(),
    PAIR: named(pairs([("a", "b")], "x", "y", align=pa.array([[1]]), score=pa.array([0.5])))[1],
    CODESWITCH: named(switched(["a"], ["b"], "x", text_latn=pa.array(["b"]), src=pa.array(["c"])))[1],
}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_rows_have_the_columns_that_their_schema_promises(schema: str) -> None:
    batch = SCHEMAS[schema]
    assert mixed_rows(batch, schema, ORIGINAL, TEMPLATE).schema.equals(mixed_schema(schema, batch.schema))
    names = mixed_schema(schema, batch.schema).names
    assert len(names) == len(set(names))
    assert {"doc_id", "source", "origin", "text", "lang", "kind"} <= set(names)
    # Romanised texts, of what is in `text` or of what is not, do not go along; all else does.
    gone = {
        DOCUMENT: {"text_latn"},
        PAIR: set(),
        CODESWITCH: {"text_latn"},
    }[schema]
    assert set(batch.schema.names) - set(names) == gone


def test_a_row_without_the_variant_is_no_row_of_it() -> None:
    with pytest.raises(AssertionError, match="without the variant"):
        mixed_rows(romanised(), DOCUMENT, LATIN, TEMPLATE)


def test_everything_at_once(tmp_path: Path) -> None:
    """Five kinds from four datasets in one mixture: every text is there once, with its kind, language and columns."""
    inputs = [
        romanised(),
        pairs([(GREEK[n], SWAHILI[n]) for n in range(2)], "ell_Grek", "swh_Latn", align=pa.array([[1], None])),
        switched(["Watoto spielen uwanjani."], SWAHILI[1:], "swh_Latn", text_latn=pa.array(["x"])),
        documents(["print(1)", "def f(): pass"], [None, None], kind=pa.array(["code"] * 2), names=["a.py", "b.py"]),
        documents([], []),
    ]
    spec = parse_mix({"unit": "bytes", "mix": {}})
    found = mix(tmp_path, inputs, spec, latin=True, targets=3, template="{src}\t{tgt}")
    rows = {(row["mix_class"], row["text"]): row for row in found.rows}
    assert len(rows) == len(found.rows) == 9
    assert set(rows) == {
        *(("web/mono/amh_Ethi/none", text) for text in AMHARIC),
        ("web/mono/swh_Latn/none", SWAHILI[0]),
        ("web/translit/amh_Ethi/none", ROMANISED[0]),
        *(("opus/bi/ell_Grek-swh_Latn/none", f"{GREEK[n]}\t{SWAHILI[n]}") for n in range(2)),
        ("web/cs/swh_Latn/none", "Watoto spielen uwanjani."),
        ("web/code/none/none", "print(1)"),
        ("web/code/none/none", "def f(): pass"),
    }
    pair = rows["opus/bi/ell_Grek-swh_Latn/none", f"{GREEK[0]}\t{SWAHILI[0]}"]
    assert (pair["src"], pair["tgt"], pair["src_lang"], pair["tgt_lang"]) == (
        GREEK[0], SWAHILI[0], "ell_Grek", "swh_Latn",
    )  # fmt: skip
    assert (pair["lang"], pair["kind"]) == ("ell_Grek-swh_Latn", "bi")
    latin = rows["web/translit/amh_Ethi/none", ROMANISED[0]]
    original = rows["web/mono/amh_Ethi/none", AMHARIC[0]]
    assert latin["doc_id"] == original["doc_id"]
    assert (latin["kind"], latin["lang"], latin["translit_tool"]) == ("translit", "amh_Ethi", "uroman")
    assert (original["src"], original["cs_ratio"], original["kind"]) == (None, None, "mono")
    code = rows["web/code/none/none", "print(1)"]
    assert (code["lang"], code["kind"]) == (None, "code")
    assert "text_latn" not in code
    assert [code[name] for name in ("align", "cs_source", "cs_target", "cs_spans")] == [None] * 4
    cs = rows["web/cs/swh_Latn/none", "Watoto spielen uwanjani."]
    assert (cs["cs_source"], cs["cs_target"], cs["src"]) == (cs["text"], SWAHILI[1], None)
    assert list(code)[:4] == ["doc_id", "text", "lang", "kind"]
    for row in found.rows:
        assert row["mix_units"] == len(row["text"].encode())
    assert found.accounts == [
        (3, 3, 4), (2, 2, 2), (1, 1, 1), (2, 2, 2), (0, 0, 0),
    ]  # fmt: skip


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(0, 24), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_both_variants_of_many_batches_are_the_same_for_any_cut(
    tmp_path_factory: pytest.TempPathFactory, batch_rows: int, cut: int, targets: int, epochs: int, spill: bool
) -> None:
    """Uses are found by row, batch after batch, whichever variant they are of."""
    texts = [f"{AMHARIC[n % 2]} {n}" for n in range(24)]
    latin = [None if n % 5 == 0 else f"latin {n}" for n in range(24)]
    batch = documents(texts, ["amh_Ethi"] * 24, text_latn=pa.array(latin))
    spec = parse_mix({"unit": "docs", "mix": {"by": "kind", "rule": "uniform"}})
    folder, asked = tmp_path_factory.mktemp("mix"), {"latin": True, "max_epochs": epochs}
    once = mix(folder / "once", [batch], spec, **asked)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "BATCH_ROWS", batch_rows)
        shards: list[Any] = [batch.slice(cut), batch.slice(0, cut)]
        again = mix(folder / "again", shards, spec, targets=targets, spill=spill, **asked)  # type: ignore[arg-type]
    assert again.rows == once.rows
    assert Counter(row["kind"] for row in once.rows) == {"mono": 19 * epochs, "translit": 19 * epochs}
    uses = Counter(row["text"] for row in once.rows)
    assert all(uses[text] == epochs for text in latin if text)
    used = {row["origin"]["file"] for row in once.rows}
    decided = [row["origin"]["file"] for row in once.decisions.to_pylist()]
    assert sorted([*used, *decided]) == sorted(row["file"] for row in batch.column("origin").to_pylist())


def test_a_document_of_which_one_variant_is_used_has_no_decision(tmp_path: Path) -> None:
    spec = parse_mix({"unit": "docs", "mix": {"by": "kind", "rule": "ratios", "ratios": {"translit": 1}}})
    found = mix(tmp_path, [romanised()], spec, latin=True)
    assert [(row["text"], row["kind"]) for row in found.rows] == [(ROMANISED[0], "translit")]
    assert found.accounts == [(3, 1, 1)]
    assert Counter(row["reason"] for row in found.decisions.to_pylist()) == {"not_in_mix": 2}


@pytest.mark.parametrize("latin", [True, False])
def test_decisions_on_rows_of_every_schema_show_their_text(tmp_path: Path, latin: bool) -> None:
    inputs = [
        romanised(),
        pairs([("mvua", "βροχή")], "swh_Latn", "ell_Grek"),
        switched(["watoto spielen"], SWAHILI[1:], "swh_Latn"),
        documents(["neno"] * 2, ["eng_Latn"] * 2),
    ]
    found = mix(tmp_path, inputs, {"eng_Latn": 1.0}, budget=1, latin=latin, keep_text=True)
    rows = [(row["lang"], row["reason"], row["text"]) for row in found.decisions.to_pylist()]
    assert sorted(rows) == sorted(
        [
            ("amh_Ethi", "not_in_mix", AMHARIC[0]),
            ("amh_Ethi", "not_in_mix", AMHARIC[1]),
            ("swh_Latn", "not_in_mix", SWAHILI[0]),
            ("swh_Latn-ell_Grek", "not_in_mix", "mvua\tβροχή"),
            ("swh_Latn", "not_in_mix", "watoto spielen"),
            ("eng_Latn", "over_budget", "neno"),
        ]
    )


def test_kinds_and_pairs_are_named_in_ratios(tmp_path: Path) -> None:
    """A pair in either direction; both directions of the data count."""
    inputs = [
        pairs([("a", "b")] * 4, "swh_Latn", "ell_Grek", names=list("1234")),
        pairs([("a", "b")] * 4, "ell_Grek", "swh_Latn", names=list("5678")),
        documents(["x = 1"] * 9, ["eng_Latn"] * 9, kind=pa.array(["code"] * 9)),
    ]
    for number, name in enumerate(("swh_Latn-ell_Grek", "ell_Grek-swh_Latn")):
        found = mix(tmp_path / str(number), inputs, {name: 0.5, "code": 0.5}, budget=16, max_epochs=1)
        assert Counter(row["lang"] for row in found.rows) == {
            "swh_Latn-ell_Grek": 4, "ell_Grek-swh_Latn": 4, "eng_Latn": 8,
        }  # fmt: skip


def test_a_mixture_is_mixed_again_as_it_is(tmp_path: Path) -> None:
    """Rows of a mix keep their kinds; units and classes are new."""
    inputs = [
        documents(AMHARIC, ["amh_Ethi"] * 2),
        pairs([(GREEK[n], SWAHILI[n]) for n in range(2)], "ell_Grek", "swh_Latn"),
        switched(["Watoto spielen uwanjani."], SWAHILI[1:], "swh_Latn"),
    ]
    spec = parse_mix({"unit": "chars", "mix": {}})
    first = mix(tmp_path / "first", inputs, spec, targets=2)
    second = mix(tmp_path / "second", first.documents, spec)
    drop = ("mix_class", "mix_epoch", "mix_units")

    def content(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [{key: value for key, value in row.items() if key not in drop} for row in rows]
        return sorted(kept, key=lambda row: row["text"])

    assert content(second.rows) == content(first.rows)
    assert {item.name for item in second.taken} == {item.name for item in first.taken}


def test_columns_that_a_dataset_declares_never_null_are_null_for_others(tmp_path: Path) -> None:
    one = documents(["a"], ["x"], rank=pa.array([1], pa.int32()))
    schema = pa.schema([field.with_nullable(field.name != "rank") for field in one.schema])
    one = pa.RecordBatch.from_arrays(one.columns, schema=schema)
    united = unite_schemas([(DOCUMENT, one.schema), (DOCUMENT, documents(["b"], ["x"]).schema)])
    assert united.field("rank").nullable
    found = mix(tmp_path, [one, documents(["b"], ["x"], names=["other"])], {"x": 1.0})
    assert {row["text"]: row["rank"] for row in found.rows} == {"a": 1, "b": None}
    assert conform(one.select(["text"]), united.remove(0)).column("rank").null_count == 1


def test_a_list_of_a_fixed_size_that_is_null_in_one_dataset_is_a_list() -> None:
    """pyarrow cannot read null ones back."""
    fixed, null = (pa.schema([("text", pa.string()), ("a", kind)]) for kind in (pa.list_(pa.int8(), 2), pa.null()))
    for others, expected in (([fixed], pa.list_(pa.int8(), 2)), ([null], pa.list_(pa.int8()))):
        assert unite_schemas([(DOCUMENT, one) for one in (fixed, *others)]).field("a").type == expected


def test_a_mix_has_the_columns_of_documents_in_their_types() -> None:
    """A user's column of pairs that bears a name of documents, in another type, gets a name of its own."""
    _, mine = pairs([("ውሃ", "water")], "amh_Ethi", "eng_Latn", script=pa.array([3]), input_script=pa.array(["x"]))
    united = unite_schemas([(PAIR, mine.schema), (DOCUMENT, documents(["a"], ["x"], script=True).schema)])
    assert (united.field("script").type, united.field("input_script").type) == (pa.string(), pa.string())
    assert united.field("input_input_script").type == pa.int64()
    row = conform(mixed_rows(mine, PAIR, ORIGINAL, TEMPLATE), united).to_pylist()[0]
    assert (row["script"], row["input_script"], row["input_input_script"]) == (None, "x", 3)


def test_columns_that_become_ours_may_have_any_type() -> None:
    """`kind` as a dictionary, `text` as large strings: in a mix they are strings like all others."""
    batch = documents(["a"], ["x"], kind=pa.array(["code"]).dictionary_encode())
    wide = batch.set_column(batch.schema.get_field_index("text"), "text", pa.array(["a"], pa.large_string()))
    assert mixed_rows(wide, DOCUMENT, ORIGINAL, TEMPLATE).to_pylist() == [
        {**documents(["a"], ["x"]).to_pylist()[0], "kind": "code"}
    ]
    united = unite_schemas([(DOCUMENT, wide.schema), (DOCUMENT, batch.schema)])
    assert {united.field(name).type for name in ("text", "lang", "kind")} == {pa.string()}
