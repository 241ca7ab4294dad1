"""What a user may say about how input files are read."""

from __future__ import annotations

from typing import Literal

from xlcorpus.options import StepOptions, option

SIDES = {"text": "the text", "src": "the source side", "tgt": "the target side"}  # our columns of text, in words


class ReadOptions(StepOptions):
    """Options of every reader."""

    kind: Literal["documents", "pairs", "code"] = option(
        "documents", description="what the input is: texts, sentence pairs, or folders of source code"
    )
    text_column: str = option(
        "text",
        only={"kind": ("documents",)},
        description="the column or JSON field that holds the text, or the turns of a conversation (messages)",
    )
    src_column: str = option(
        "src",
        only={"kind": ("pairs",)},
        description="pairs: the column of the source side, the suffix of its text file, or its language in TMX",
    )
    tgt_column: str = option(
        "tgt",
        only={"kind": ("pairs",)},
        description="pairs: the column of the target side, the suffix of its text file, or its language in TMX",
    )
    lang: str | None = option(
        None,
        only={"kind": ("documents",)},
        description="the language of all documents, where it is known: a code or name, e.g. swh_Latn, sw-KE, Swahili; "
        "with --lang-column, of those whose column is empty",
    )
    lang_column: str | None = option(
        None,
        only={"kind": ("documents",)},
        description="the column that holds the language of each document, as codes or names of any usual kind",
    )
    lang_map: str | None = option(
        None,
        only={"kind": ("documents", "pairs")},
        description="what values mean that are no usual codes or names: 'luhya=lwg,various=und' (und: not known)",
    )
    kind_column: str | None = option(
        None,
        only={"kind": ("documents", "pairs")},
        description="the column that says what sort of text a row is, e.g. web, book: it becomes the column kind",
    )
    src_lang: str | None = option(
        None,
        only={"kind": ("pairs",)},
        description="pairs: language of the source side, e.g. eng_Latn, en or English; default: the column src_lang",
    )
    tgt_lang: str | None = option(
        None,
        only={"kind": ("pairs",)},
        description="pairs: language of the target side, e.g. deu_Latn, de or German; default: the column tgt_lang",
    )
    licenses: str = option(
        "permissive",
        only={"kind": ("code",)},
        description="code: licences of files that are kept: permissive, any, or SPDX identifiers with commas between",
    )
    source: str | None = option(None, description="name of the collection; default: the folder's or the file's name")
    format: str | None = option(
        None,
        description="format of the files, e.g. jsonl, text, parquet, warc, of pairs tsv, tmx; default: by name and "
        "content",
    )
    sample_by: Literal["line", "paragraph", "document"] = option(
        "line", only={"kind": ("documents",)}, description="what is a document in plain text"
    )
    conll_columns: str | None = option(
        None,
        only={"kind": ("documents",)},
        description="names of the columns of CoNLL files, tokens among them, _ to leave one out: tokens,_,tags; "
        "default: by their number",
    )
    max_record_bytes: int = option(64 << 20, ge=1, description="a longer record is rejected without being read whole")
    task_bytes: int = option(64 << 20, ge=1, description="size of the pieces that large files are cut into")

    @property
    def schema_name(self) -> str:
        """Name of the schema of the rows that are made."""
        return "pair" if self.kind == "pairs" else "document"

    @property
    def texts(self) -> dict[str, str]:
        """Input columns by our columns of text: each must hold a string in every record."""
        if self.kind == "pairs":
            return {"src": self.src_column, "tgt": self.tgt_column}
        return {"text": self.text_column}

    @property
    def turned(self) -> bool:
        """Whether each side of pairs is read from the column that bears the other's name."""
        return self.kind == "pairs" and (self.src_column, self.tgt_column) == ("tgt", "src")

    @property
    def reading(self) -> tuple[str, ...]:
        """What of a record is its text, and what is a record: other choices make other documents of the same file."""
        more = (self.sample_by,) if self.kind == "documents" else ()
        return (*self.texts.values(), *more, *((self.conll_columns,) if self.conll_columns else ()))

    @property
    def languages(self) -> dict[str, str | None]:
        """What is said of languages, by our column; None: a column of the input holds them.

        Of pairs the sides', in columns of these names; of documents `lang`, where it is known (`lang_column`).
        """
        if self.kind == "pairs":
            return {"src_lang": self.src_lang, "tgt_lang": self.tgt_lang}
        return {"lang": self.lang} if self.lang is not None or self.lang_column is not None else {}

    def language_column(self, name: str) -> str:
        """The column of the input that says `src_lang` or `tgt_lang`, where no option does: that of the side's text.

        Where `--src-column tgt --tgt-column src` turns pairs round, the languages turn with the texts.
        """
        text = self.texts[name.removesuffix("_lang")]
        return f"{text}_lang" if text in SIDES else name

    @property
    def lang_meanings(self) -> dict[str, str]:
        """`lang_map` as a dictionary."""
        parts = [part.partition("=") for part in (self.lang_map or "").split(",") if part.strip()]
        return {value.strip(): language.strip() for value, _, language in parts}


def say_column(output: str) -> str:
    """The remedy where the input column of one of our columns of text is not found."""
    return f"name the column that holds {SIDES[output]} with --{output}-column"
