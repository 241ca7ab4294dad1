"""A lexicon of one language's own words: how often each stands in its texts, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.lexicon.embed import word_lines
from xlcorpus.lexicon.entries import undotted
from xlcorpus.lexicon.induce import breaker_of, texts_of
from xlcorpus.text.breakers import WordBreaker
from xlcorpus.text.labels import is_dotless

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
    table = by_frequency([words_in(texts, lang, breaker_of(texts, lang))], min_count)
    if not table.num_rows:
        raise UserError(f"no word of {lang} occurs {min_count} times", remedy="give more text, or a lower --min-count")
    return table


def lines_of_words(texts: pa.Array, lang: str, breaker: WordBreaker | None) -> Iterator[str]:
    """`word_lines` in the lower case of the language (Turkish: I is ı)."""
    return word_lines(undotted(texts) if is_dotless(lang) else texts, breaker)


def words_in(texts: pa.Array, lang: str, breaker: WordBreaker | None) -> pa.Table:
    """word, count (as `count_words`) of texts (string[n]) of a language, in no order."""
    lines = pa.array(lines_of_words(texts, lang, breaker), pa.large_string())
    counts = pc.list_flatten(pc.split_pattern(lines, " ")).value_counts()
    table = pa.table({"word": counts.field("values").cast(pa.string()), "count": counts.field("counts")})
    return table.filter(pc.not_equal(table["word"], ""))


def by_frequency(tables: Sequence[pa.Table], min_count: int = 1) -> pa.Table:
    """The words of several `words_in` as one, the most frequent first, then by the word."""
    table = pa.concat_tables(tables).group_by("word", use_threads=False).aggregate([("count", "sum")])
    table = table.rename_columns(["word", "count"])
    table = table.filter(pc.greater_equal(table["count"], min_count))
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
