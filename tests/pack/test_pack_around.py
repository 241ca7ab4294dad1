"""What stands around documents in packs, for tokenizers of every kind, against transformers and the texts' own ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.pack.pack_helpers import rebuilt
from tests.pack.pack_runs import SAMPLE, document_rows, run_pack, save
from tests.tokenizer.families import SPECIALS, save_family
from xlcorpus.errors import UserError
from xlcorpus.pack.input_check import check_tokenizer
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.packer import Packer
from xlcorpus.pack.packs import PACK
from xlcorpus.pack.sides import VIEWS, tokenize_sides
from xlcorpus.pack.strategies import STRATEGIES
from xlcorpus.pack.token_documents import TokenDocuments
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer import Tokenizer, open_tokenizer
from xlcorpus.tokenizer.objectives import OBJECTIVES
from xlcorpus.tokenizer.template import Template

KINDS = (*SPECIALS, "sentencepiece", "bytes")
# Texts that hold the special tokens of every family, in many scripts, empty, blank, and one of many packs.
MARKS = sorted({token for tokens in SPECIALS.values() for token in tokens} | {"<0x41>", "▁</s>", "##[SEP]"})
TEXTS = [
    *("", " ", "\n\n", "x", "The ferry leaves at nine.", "आज सुबह नदी के किनारे", "ልጆቹ ከዛፉ ሥር ተቀምጠው"),
    *("นั่งเรือ", "昨天晚上我们在河边", "e\u0301\u200d\ufeff\u0000", "👩‍👩‍👧 🏳️‍🌈", "\U0010ffff", "კატა " * 40),
    *(f"{mark}" for mark in MARKS),
    *(f"a {mark} b{mark}{mark}ც" for mark in MARKS),
    " ".join(MARKS) * 9,
]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    library = pytest.importorskip("tokenizers", reason="needs the library tokenizers (extra hf)")
    folder = tmp_path_factory.mktemp("families")
    made = {name: str(save_family(library, name, folder / name)) for name in SPECIALS}
    return {**made, "sentencepiece": SAMPLE, "bytes": "bytes"}


@pytest.fixture(scope="module")
def opened(paths: dict[str, str]) -> dict[str, Tokenizer]:
    return {kind: open_tokenizer(path) for kind, path in paths.items()}


def own_ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    ids, offsets = tokenizer.encode_batch(pa.array(texts, pa.string()))
    return [ids[start:end].tolist() for start, end in pairwise(offsets)]


def packed(documents: TokenDocuments, options: PackOptions) -> pa.Table:
    """Packs of the documents."""
    packer = Packer(options)
    return pa.Table.from_batches([*packer.add(documents), *packer.finish()], schema=PACK)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("objective", "strategy"), sorted({*product(OBJECTIVES, STRATEGIES)} - {("plain", "concatenate")})
)
def test_no_token_is_lost_and_no_special_id_comes_from_text(
    opened: dict[str, Tokenizer], kind: str, strategy: Any, objective: Any
) -> None:
    """A document's tokens are the ids before, those of its text and the ids after, in every strategy and length."""
    tokenizer = opened[kind]
    roles = tokenizer.special_ids()
    before, after = tokenizer.template.single
    if objective == "mlm":
        if roles["mask"] is None:
            with pytest.raises(UserError, match="mask id, which objective mlm needs"):
                tokenize_batch(document_rows(["a"], [None]), tokenizer, PackOptions(tokenizer=kind, objective="mlm"))
            return
        if not tokenizer.template.ids:
            before, after = ((roles["bos"],), (roles["eos"],))
    elif objective == "plain":
        before, after = (), ()
    else:
        before, after = before if objective == "clm" else (), after or (roles["eos"],)
    texts = own_ids(tokenizer, TEXTS)
    specials = {number for number in (*before, *after, *roles.values()) if number is not None} - {roles["unk"]}
    assert not specials & {number for text in texts for number in text}
    rows = document_rows(TEXTS, [None] * len(TEXTS))
    names = rows.column("doc_id").to_pylist()
    expected = {name: [*before, *ids, *after] for name, ids in zip(names, texts, strict=True) if ids}
    options = PackOptions(tokenizer=kind, strategy=strategy, objective=objective)
    tokenized = tokenize_batch(rows, tokenizer, options)
    reasons = {row["doc_id"]: row["reason"] for row in tokenized.decisions.to_pylist()}
    assert reasons == {name: "no_tokens" for name, ids in zip(names, texts, strict=True) if not ids}
    for length in (8, 9, 64, 4096):
        packs = packed(tokenized.documents, options.model_copy(update={"length": length}))
        assert rebuilt(packs) == expected
        assert max(packs.column("length").to_pylist()) <= length


@pytest.mark.parametrize("kind", SPECIALS)
def test_a_document_a_row_is_what_transformers_gives(
    paths: dict[str, str], opened: dict[str, Tokenizer], kind: str
) -> None:
    """Where the tokenizer ends a text itself; else with eos behind it."""
    transformers = pytest.importorskip("transformers", reason="needs transformers, which people open tokenizers with")
    theirs = transformers.AutoTokenizer.from_pretrained(paths[kind], split_special_tokens=True)
    texts = [text for text in TEXTS if text.strip() and not any(mark in text for mark in MARKS)]
    options = PackOptions(tokenizer=kind, strategy="one", length=4096)
    rows = document_rows(texts, ["eng_Latn"] * len(texts))
    ids = packed(tokenize_batch(rows, opened[kind], options).documents, options).column("input_ids").to_pylist()
    end = [] if opened[kind].template.single[1] else [theirs.eos_token_id]
    assert ids == [[*theirs(text)["input_ids"], *end] for text in texts]


@pytest.mark.parametrize("view", [view for view in VIEWS if view != "labels"])
@pytest.mark.parametrize("kind", KINDS)
def test_views_of_every_kind_leave_room_for_the_template(opened: dict[str, Tokenizer], kind: str, view: Any) -> None:
    tokenizer, spec = opened[kind], VIEWS[view]
    own = tokenizer.template.pair if spec.joint else tokenizer.template.single
    around = max(spec.specials, sum(len(part) for part in own))
    columns = {side: pa.array(TEXTS[place:] + TEXTS[:place]) for place, side in enumerate(spec.sides)}
    rows = document_rows(TEXTS, ["eng_Latn"] * len(TEXTS)).drop_columns(["text"])
    batch = pa.RecordBatch.from_pydict({**dict(zip(rows.schema.names, rows.columns, strict=True)), **columns})
    texts = {side: own_ids(tokenizer, column.to_pylist()) for side, column in columns.items()}
    for length in (8, 16, 4096):
        options = PackOptions(tokenizer=kind, view=view, length=length)
        made = tokenize_sides(batch, tokenizer, options, 0)
        kept = [place for place in range(len(TEXTS)) if all(texts[side][place] for side in spec.sides)]
        assert made.rows.num_rows == len(kept)
        for place, row in zip(kept, made.rows.to_pylist(), strict=True):
            lists = {side: row[f"{side}_ids"] for side in spec.sides}
            for side, ids in lists.items():
                assert ids
                assert ids == texts[side][place][: len(ids)]
            sizes = [len(ids) for ids in lists.values()]
            assert (sum(sizes) if spec.joint else max(sizes)) + around <= length
            assert row["truncated"] == any(lists[side] != texts[side][place] for side in spec.sides)


def test_views_need_cls_and_sep_or_bos_and_eos(paths: dict[str, str], tmp_path: Path) -> None:
    rows = document_rows(["a b", "c"], ["eng_Latn"] * 2)
    for side in VIEWS["triples"].sides:
        rows = rows.append_column(side, rows.column("text"))
    given = save(tmp_path / "docs", [rows])
    for kind in ("bert", "bert-bare", "word-level", "xlm-r", "sentencepiece"):
        for view in VIEWS:
            check_tokenizer(PackOptions(tokenizer=kind, view=view), open_tokenizer(paths[kind]))
    for kind in ("bert-bare", "sentencepiece"):
        made = run_pack(given, tmp_path / kind, tokenizer=paths[kind], view="triples", length=16)
        assert made.manifest.rows == 2
        template = made.manifest.notes["tokenizer"]["template"]
        assert Counter(map(len, template["single"])) == ({0: 2} if kind == "sentencepiece" else {1: 2})
    with pytest.raises(UserError, match="no mask id, which the view translico needs"):
        check_tokenizer(PackOptions(tokenizer="gemma", view="translico"), open_tokenizer(paths["gemma"]))


def test_a_view_without_room_beside_the_template(paths: dict[str, str]) -> None:
    tokenizer = open_tokenizer(paths["xlm-r"])
    tokenizer.template = Template(((0,) * 9, ()), ((0,) * 4, (), (2,) * 4))
    for view, least in (("translico", 10), ("tlm", 10)):
        with pytest.raises(UserError, match=r"leaves no room beside the [89] special ids") as caught:
            check_tokenizer(PackOptions(tokenizer="x", view=view, length=8), tokenizer)
        assert f"--length {least} " in str(caught.value.remedy)
        check_tokenizer(PackOptions(tokenizer="x", view=view, length=least), tokenizer)
