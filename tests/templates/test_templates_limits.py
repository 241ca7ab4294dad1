"""Parts of a row that have at most so many tokens, so that what follows them fits."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.templates.test_templates_special_ids import few
from xlcorpus.templates.specials import SpecialIds, special_ids_of
from xlcorpus.templates.template import parse
from xlcorpus.tokenizer import open_tokenizer

TEXTS = st.lists(st.text(st.sampled_from("ab ዝና雨😀\n</s>"), max_size=12) | st.none(), min_size=1, max_size=6)


@settings(max_examples=10, deadline=None)
@given(TEXTS, st.integers(1, 9))
def test_a_text_is_its_beginning_or_its_end(texts: list[str | None], most: int) -> None:
    pytest.importorskip("tokenizers")
    template = parse(f"{{{{ first_tokens(text, {most}) ~ last_tokens(text, {most}) }}}}")
    rendered = template.render(pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string())}))
    for tokenizer in few():
        pieces = rendered.with_ids(SpecialIds(tokenizer)).pieces
        plain = tokenizer.count_batch(pa.array(texts, pa.string())).tolist()
        counts, parts = tokenizer.count_batch(pieces.texts).tolist(), pieces.texts.to_pylist()
        for row, text in enumerate(texts):
            begin, end = pieces.offsets[row : row + 2].tolist()
            if not text:
                assert begin == end
                continue
            first, last = parts[begin:end]
            assert text.startswith(first)
            assert text.endswith(last)
            assert (first == last == text) == (plain[row] <= most)
            if tokenizer.kind == "bytes":  # others may cut a part otherwise than within its text
                assert max(counts[begin:end]) <= most


def test_the_answer_is_kept_and_what_stands_before_it_is_cut() -> None:
    template = parse(
        "{{ first_tokens(context, 20) }}{{ eos }}{{ last_tokens(history, 9) ~ first_tokens(question, 9) }}"
        "{% generation %}{{ answer }}{{ eos }}{% endgeneration %}"
    )
    row = {"context": "ዝናቡ ከጠዋት ጀምሮ" * 9, "history": "früher später", "question": "wer? wo?", "answer": "雨が降る"}
    rendered = template.render(pa.RecordBatch.from_pylist([row]))
    opened = open_tokenizer("bytes")
    found = opened.encode_pieces(rendered.with_ids(special_ids_of("bytes")).pieces)
    assert opened.decode(found.ids) == "ዝናቡ ከጠዋ</s>r späterwer? wo?雨が降る</s>"
    assert found.trained is not None
    assert opened.decode(found.ids[found.trained]) == "雨が降る</s>"
    assert rendered.texts().to_pylist() == ["".join(row.values())]  # no tokenizer, no tokens
    assert template.names_specials  # so a mix counts them
