"""A lexicon of one language's own words: how often each stands in its texts, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import word_lines
from xlcorpus.lexicon.induce import breaker_of, texts_of

Read = Callable[[str], str | None]  # text with line feeds: as many lines in Latin letters or IPA; None without rules
_AT_ONCE = 1 << 14  # words that are read as one text
_ALL = 1 << 62


def count_words(datasets: Sequence[Dataset], lang: str, *, min_count: int = 1) -> pa.Table:
    """word (string), count (int64), the most frequent first, then by the word: those that dictionaries are looked up by
    (NFC, lower case; of scripts without spaces as the word breaker finds them).

    Raises UserError where no text is in the language, its script needs a word breaker that is not installed, or no word
    occurs so often.
    """
    texts = texts_of(datasets, lang, _ALL, 0)
    lines = pa.array(word_lines(texts, breaker_of(texts, lang)), pa.large_string())
    counts = pc.list_flatten(pc.split_pattern(lines, " ")).value_counts()
    table = pa.table({"word": counts.field("values").cast(pa.string()), "count": counts.field("counts")})
    table = table.filter(pc.and_(pc.not_equal(table["word"], ""), pc.greater_equal(table["count"], min_count)))
    if not table.num_rows:
        raise UserError(f"no word of {lang} occurs {min_count} times", remedy="give more text, or a lower --min-count")
    return table.sort_by([("count", "descending"), ("word", "ascending")]).combine_chunks()


def with_forms(table: pa.Table, read: Read, what: str) -> pa.Table:
    """The table with the column `form` behind `word`: how each word is read; `what` names the tool and the language.

    Raises UserError where the tool has no rules for the language.
    """
    forms: list[str] = []
    words = table["word"].combine_chunks()
    for start in range(0, len(words), _AT_ONCE):
        some = words.slice(start, _AT_ONCE).to_pylist()
        text = read("\n".join(some))
        if text is None:
            raise UserError(f"{what}: there are no rules for it", remedy="choose another --tool, or --tool none")
        lines = text.split("\n")
        assert len(lines) == len(some), "a tool keeps the number of lines"
        forms += lines
    return table.add_column(1, "form", pa.array(forms, pa.string()))
