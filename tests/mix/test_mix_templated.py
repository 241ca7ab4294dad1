"""Templates in a mix: which rows they are for, and that special tokens count as `pack` will put them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tests.mix.mix_helpers import named, pairs
from tests.rows import documents, write_dataset
from tests.templates.test_templates_chat import CHATS, QWEN, saved
from xlcorpus.errors import UserError
from xlcorpus.mix.templated import PAIRS, check_template, template_for, tokens_by
from xlcorpus.mix.texts import DOCUMENT, ORIGINAL, PAIR, columns_read, texts_of
from xlcorpus.pack.options import PackOptions
from xlcorpus.pack.tokenize import tokenize_batch
from xlcorpus.tokenizer import open_tokenizer
from xlcorpus.tokenizer.objectives import special_ids_around

ROWS = [("ዝናቡ", "the rain"), ("雨", "x\ny"), ("", "z")]


@pytest.mark.parametrize(
    "template",
    [
        "{{ src }}{{ eos }}{{ tgt }}",
        "{{ src }}{{ eos }}{{ tgt }}{{ eos }}",
        "{{ eos }}{{ tgt | lines_to(eos) }}",
        "{% for c in src %}{{ c }}{{ eos }}{% endfor %}{{ tgt }}",
    ],
)
def test_a_row_counts_the_tokens_that_it_will_have_in_packs(template: str) -> None:
    _, batch = named(pairs(ROWS, "amh_Ethi", "eng_Latn"))
    tokenizer = open_tokenizer("bytes")
    counted = tokens_by(template, PAIR, batch, "bytes", special_ids_around(tokenizer, "clm"))
    packed = tokenize_batch(batch, tokenizer, PackOptions(tokenizer="bytes", template=template))
    assert counted is not None
    assert counted.tolist() == packed.documents.lengths.tolist()
    assert tokens_by("{src} {tgt}", PAIR, batch, "bytes", ((), (1,))) is None  # as any other text


def test_chats_count_as_packs_have_them(tmp_path: Path) -> None:
    """Of the columns that a mix reads: those of turns and of tools too, which it counted the text in the place of."""
    folder, _ = saved(tmp_path / "bpe", "bpe", "{{ tools | tojson if tools }}" + QWEN)
    batch = documents(
        ["a", "b", "c"],
        ["eng_Latn"] * 3,
        messages=pa.array([CHATS[0], None, CHATS[2]]),
        tools=pa.array(['[{"name": "get"}]', None, None]),
    )
    names = columns_read(DOCUMENT, batch.schema.names, "chat", latin=False, domain=False, dup_size=False)
    counted = tokens_by("chat", DOCUMENT, batch.select(names), folder, ((), ()))
    packed = tokenize_batch(batch, open_tokenizer(folder), PackOptions(tokenizer=folder, template="chat"))
    assert counted is not None
    assert counted[[0, 2]].tolist() == packed.documents.lengths.tolist()
    assert counted[1] == 0
    assert counted[0] > counted[2] > 1


def test_which_rows_a_template_is_for() -> None:
    of_pairs, of_turns = "{src} = {tgt}", "{{ question }}{{ eos }}"
    columns = ("doc_id", "text", "src", "tgt", "src_lang", "tgt_lang", "question")

    def source(given: str, schema: str, names: tuple[str, ...] = columns) -> str | None:
        found = template_for(given, schema, names)
        return None if found is None else found.source

    assert source(of_pairs, PAIR) == of_pairs
    assert source(of_pairs, DOCUMENT) is None  # a document keeps its text, whatever columns stand beside it
    assert source(of_turns, PAIR) == PAIRS
    assert source(of_turns, DOCUMENT) == of_turns
    assert source(of_turns, DOCUMENT, ("doc_id", "text")) is None
    assert source("chat", DOCUMENT) is None
    batch = documents(["own", "text"], ["eng_Latn"] * 2, question=pa.array(["क्या?", None]))
    assert texts_of(batch, DOCUMENT, ORIGINAL, of_turns, domain=False).text.to_pylist() == ["क्या?", ""]


def test_templates_that_no_input_can_fill(tmp_path: Path) -> None:
    inputs = [
        write_dataset(tmp_path / "a", [documents(["x"], ["eng_Latn"])]),
        write_dataset(tmp_path / "b", [pairs(ROWS, "amh_Ethi", "eng_Latn")[1]], "pair"),
    ]
    for given, message in (
        ("{{ tekst }}", "no column 'tekst' in .*a, which .*did you mean 'text'"),
        ("{src} {target}", "no column 'target' in .*b"),
        ("{{ src }}{{ bos }}", "has no bos id"),
    ):
        with pytest.raises(UserError, match=message):
            check_template(given, inputs, "bytes")
    check_template("{{ text }}", inputs, "bytes")
    with pytest.raises(UserError, match=r"--template fails for the row .*: no"):
        texts_of(next(inputs[0].batches()), DOCUMENT, ORIGINAL, "{{ raise_exception('no') }}{{ text }}", domain=False)
