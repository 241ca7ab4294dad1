"""Options of pack: what a pack is, or which rows are made instead, with their bounds; what cannot be is refused."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import field_validator, model_validator

from xlcorpus.dataset.kept import DESCRIPTION, KeepOptions
from xlcorpus.dataset.schema import load_schema
from xlcorpus.dataset.shards import ROW_GROUP_BYTES, Layout
from xlcorpus.errors import UserError
from xlcorpus.options import option
from xlcorpus.pack.holdout import parse_share
from xlcorpus.pack.limits import read_limits
from xlcorpus.pack.side_templates import read_side_templates
from xlcorpus.templates.chat import CHAT
from xlcorpus.templates.template import read_source
from xlcorpus.text.sizes import parse_size
from xlcorpus.tokenizer.objectives import OBJECTIVES

_OF_PACKS = {"view": (None,)}
_OF_LABELS = {"view": ("labels",)}
_LEAST_GROUP = 64_000
_SAME = ("doc_offsets", "epochs")  # of most parts 0


class PackOptions(KeepOptions):
    """Options of pack."""

    files: ClassVar[tuple[str, ...]] = ("tokenizer", "language_ids", "label_ids", "holdout")
    tokenizer: str = option(description="SentencePiece .model, tokenizer.json or its folder, or the word bytes")
    length: int = option(2048, ge=8, description="context length: most tokens of a pack, or of a side of a view")
    strategy: Literal["best-fit", "concatenate", "one"] = option(
        "best-fit",
        only=_OF_PACKS,
        description="whole documents best-fit, one after the other cut at the length, or one a row",
    )
    objective: Literal["clm", "mlm", "span", "plain"] = option(
        "clm", only=_OF_PACKS, description="what special ids it puts around texts"
    )
    template: str | None = option(
        None,
        only=_OF_PACKS,
        description="the text of a row: '{src}\\n{tgt}', Jinja, a file of it (.jinja), or chat (docs/templates.md)",
    )
    long: Literal["split", "refuse", "truncate"] | None = option(
        None,
        description="documents longer than a pack: split (default) or refuse, one a row also truncate; views: truncate "
        "(default) or refuse",
    )
    bos: bool | None = option(
        None,
        only=_OF_PACKS,
        description="bos before each document; default: where the objective has it, or for clm the tokenizer",
    )
    eos: bool | None = option(
        None, only=_OF_PACKS, description="eos after each document; default: as the objective has it"
    )
    min_tokens: int = option(
        1,
        ge=1,
        only={"view": (None, "crops")},
        description="documents with fewer tokens are left out; one a row, shorter rests of split ones too",
    )
    rests: Literal["drop", "balance", "keep"] | None = option(
        None,
        only={"view": (None,), "strategy": ["one"]},
        description="rests of split documents with fewer than min_tokens: drop (default), balance the last two parts, "
        "or keep",
    )
    pure: bool = option(
        False, only=_OF_PACKS, description="packs of one language and script each, numbered (LangSAMP, X-MOD)"
    )
    language_ids: str | None = option(None, description="a packed dataset whose numbers of languages are kept")
    byte_budget: str | None = option(
        None, only=_OF_PACKS, description="bytes of each language: 10M, or eng_Latn=10M,khm_Khmr=5M"
    )
    cut: Literal["byte", "character"] = option(
        "byte", only={**_OF_PACKS, "byte_budget": ()}, description="where the last document of a byte budget is cut"
    )
    view: Literal["translico", "restore", "bitext", "tlm", "triples", "crops", "labels"] | None = option(
        None, description="rows of pairs or triples, or of texts with labels of their tokens, instead of packs"
    )
    label_column: str | None = option(
        None,
        only=_OF_LABELS,
        description="the column of labels, where there are several: tags, or spans; of pairs tgt_tags, say",
    )
    label_pieces: Literal["first", "all"] = option(
        "first", only=_OF_LABELS, description="which pieces of a word have its label; the others have -100"
    )
    label_scheme: Literal["iob2", "bioes", "bilou", "io", "bmes"] | None = option(
        None, only=_OF_LABELS, description="how spans become tags; default: as the tags are, iob2 for spans"
    )
    label_ids: str | None = option(
        None, only=_OF_LABELS, description="a dataset of this view whose numbers of labels are kept"
    )
    limits: dict[str, int] | None = option(
        None,
        only={"view": ()},
        description="most tokens of a side of the view, special ids included: query=32,document=256; default: --length",
    )
    side_templates: dict[str, str] | None = option(
        None,
        only={"view": ("bitext", "restore", "triples")},
        description="what each side is, with its special ids: 'src={{ lang_token(src_lang) }}{{ src }}{{ eos }}'",
    )
    keep: str | None = option(
        None,
        description=f"{DESCRIPTION}; a list in packs of several documents",
    )
    chunk: int | None = option(
        None,
        ge=2,
        only={"view": ["crops"]},
        description="tokens of text that both crops are drawn of; longer documents are cut; default: --length",
    )
    least_ratio: float = option(
        0.05, gt=0, le=1, only={"view": ["crops"]}, description="the shortest crop, as a share of its chunk"
    )
    most_ratio: float = option(0.5, gt=0, le=1, only={"view": ["crops"]}, description="the longest crop")
    shards: int | None = option(
        None, ge=1, description="number of shards, with equal numbers of rows; default: those of the input"
    )
    holdout: str | None = option(
        None,
        description="documents that go to OUTPUT/holdout instead: a share of each language, 1%, or those of a dataset",
    )
    row_group: str = option(
        "1MB", description="bytes of a row group, what a loader that shuffles reads at a time; 4MB for object stores"
    )

    @field_validator("limits", mode="before")
    @classmethod
    def _read_limits(cls, value: Any) -> Any:
        return read_limits(value)

    @field_validator("side_templates", mode="before")
    @classmethod
    def _read_side_templates(cls, value: Any) -> Any:
        return read_side_templates(value)

    @property
    def numbered(self) -> bool:
        """Whether rows have numbers of languages."""
        return self.pure or self.view is not None

    @property
    def rests_of_documents(self) -> Literal["drop", "balance", "keep"]:
        """What becomes of a rest that is shorter than a row has to be; in packs of several documents all are kept."""
        return self.rests or "drop" if self.view is None and self.strategy == "one" else "keep"

    @property
    def least_rest(self) -> int:
        """Tokens of the shortest rest of a document that is a row: none is, where documents are cut."""
        return self.length + 1 if self.long == "truncate" else self.min_tokens

    @property
    def with_eos(self) -> bool:
        """Whether eos stands after each document."""
        return OBJECTIVES[self.objective].end if self.eos is None else self.eos

    @property
    def holdout_share(self) -> float | None:
        """Share of the documents that are held out, at most 0.5; None: none, or those of another dataset."""
        return None if self.holdout is None else parse_share(self.holdout)

    @property
    def group_bytes(self) -> int:
        """Bytes of a row group."""
        return parse_size(self.row_group, "--row-group", in_bytes=True, remedy="write 1MB, 4MB or 500k")

    @field_validator("template")
    @classmethod
    def _read_template(cls, value: str | None) -> str | None:
        return value if value in (None, CHAT) else read_source(value)

    @model_validator(mode="after")
    def _check_together(self) -> PackOptions:
        assert (self.holdout_share or 0) <= 1  # raises UserError for what is no share
        if not _LEAST_GROUP <= self.group_bytes <= ROW_GROUP_BYTES:
            raise UserError(
                f"--row-group {self.row_group} is not between 64k and 16MB",
                remedy="write 1MB, or 4MB for object stores",
            )
        if self.view is None and self.long == "truncate" and (self.strategy != "one" or self.template is not None):
            raise UserError(
                "--long truncate is for views, and for --strategy one without a template", remedy="use split or refuse"
            )
        if self.view is None and self.long == "truncate" and self.rests is not None:
            raise UserError(
                "--rests is of split documents; --long truncate leaves none", remedy="leave one of them out"
            )
        if self.view is not None and self.long == "split":
            raise UserError("--long split is for packs", remedy="use truncate or refuse")
        if self.least_ratio > self.most_ratio:
            raise UserError(
                f"--least-ratio {self.least_ratio} is above --most-ratio {self.most_ratio}",
                remedy="give the shorter one first: --least-ratio 0.05 --most-ratio 0.5",
            )
        if self.rests is not None and (self.min_tokens == 1 or self.long == "refuse"):
            way_out = "leave it out" if self.long == "refuse" else "leave it out, or give --min-tokens 32"
            why = "--long refuse splits no document" if self.long == "refuse" else "no rest is below --min-tokens 1"
            raise UserError(f"--rests {self.rests} means nothing: {why}", remedy=way_out)
        least_is_more = self.view is None and self.min_tokens > self.length
        if least_is_more and (self.long == "refuse" or (self.strategy == "one" and self.rests != "keep")):
            raise UserError(
                f"--min-tokens {self.min_tokens} is more than a row of --length {self.length} can have",
                remedy=f"give --min-tokens {self.length} or less, or a greater --length",
            )
        if self.rests == "balance" and 2 * self.min_tokens > self.length + 1:
            raise UserError(
                f"--rests balance cannot make parts of {self.min_tokens} tokens of rests beyond {self.length}",
                remedy=f"give --min-tokens {(self.length + 1) // 2} or less, or --rests drop",
            )
        if self.language_ids is not None and not self.numbered:
            raise UserError(
                "--language-ids means nothing for packs of mixed languages", remedy="leave it out, or give --pure"
            )
        if self.template is not None and self.byte_budget is not None:
            raise UserError(
                "--byte-budget counts the bytes of the column text, and --template makes another text",
                remedy="leave one of them out",
            )
        if self.strategy == "concatenate" and not self.with_eos and self.template is None:
            raise UserError(
                f"concatenate parts documents by eos, which objective {self.objective!r} does without here",
                remedy="choose the objective clm, or the strategy best-fit or one",
            )
        if self.strategy == "concatenate" and self.long == "refuse":
            raise UserError(
                "concatenate cuts every document where the pack ends: there are no documents that are too long",
                remedy="leave long at split, or choose the strategy best-fit",
            )
        return self


def layout_of(options: PackOptions) -> Layout:
    """How the rows lie in the shards: lists of numbers split by byte, but for those that are nearly all 0."""
    fields = load_schema("token").fields
    numbers = [field.name for field in fields if field.type == pa.list_(pa.int32()) and field.name not in _SAME]
    kept = tuple(new for new, _ in options.kept.names)
    return Layout(options.group_bytes, plain=("pack_id", "doc_ids"), split=tuple(numbers), beside=kept)
