"""What a user may say about how input files are read."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_BY = ("line", "paragraph", "document")
SIDES = {"text": "the text", "src": "the source side", "tgt": "the target side"}  # our columns of text, in words


@dataclass(frozen=True)
class ReadOptions:
    """Options of every reader; plain values, so that they can be pickled and written to a manifest.

    text_column: input column that becomes `text`; sample_by: what one record of a plain text file is (line, paragraph,
    document); max_record_bytes: larger records are rejected; keep_text: decision rows carry the text; schema: name of
    the schema of the rows that are made, `document` or `pair`; src_column, tgt_column: input columns that become the
    sides of a pair, src_lang, tgt_lang: their languages (None: the input's columns of these names hold them).
    Raises ValueError for an unknown `sample_by` or a limit below 1.
    """

    text_column: str = "text"
    sample_by: str = "line"
    max_record_bytes: int = 64 << 20
    keep_text: bool = False
    schema: str = "document"
    src_column: str = "src"
    tgt_column: str = "tgt"
    src_lang: str | None = None
    tgt_lang: str | None = None

    def __post_init__(self) -> None:
        if self.sample_by not in SAMPLE_BY:
            raise ValueError(f"sample_by must be one of {', '.join(SAMPLE_BY)}, not {self.sample_by!r}")
        if self.max_record_bytes < 1:
            raise ValueError(f"max_record_bytes must be at least 1, not {self.max_record_bytes}")

    @property
    def texts(self) -> dict[str, str]:
        """Input columns by our columns of text: each must hold a string in every record."""
        if self.schema == "pair":
            return {"src": self.src_column, "tgt": self.tgt_column}
        return {"text": self.text_column}

    @property
    def languages(self) -> dict[str, str | None]:
        """Languages of a pair's sides by our column; None: the input's column of the same name holds them."""
        return {"src_lang": self.src_lang, "tgt_lang": self.tgt_lang} if self.schema == "pair" else {}


def say_column(output: str) -> str:
    """The remedy where the input column of one of our columns of text is not found."""
    return f"name the column that holds {SIDES[output]} with --{output}-column"
