"""Options of an evaluation. No torch here, so that `xlcorpus evaluate --help` needs none."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions, option
from xlcorpus.pack.side_templates import read_side_templates
from xlcorpus.raw.options import ReadOptions
from xlcorpus.templates.template import read_source
from xlcorpus.text.language_names import check_language

_OF_PAIRS = ("src_column", "tgt_column", "src_lang", "tgt_lang")
_OF_TEXTS = ("text_column", "lang", "lang_column")


class EvaluateOptions(StepOptions):
    """What is measured how; those of reading are `ingest`'s."""

    rows: int | None = option(
        None, ge=1, description="bits, labels: at most so many rows of a dataset, evenly from all"
    )
    related: str | None = option(
        None,
        description="bits, with --against: languages that were not trained and are to be watched, with commas; "
        "default: those of the model's run.json",
    )
    layers: str | None = option(
        None,
        description="retrieval, search, neutrality: numbers of layers, as 4,8,-1 (0: embeddings, -1: last), or all; "
        "default: at two thirds (8 of 12), of neutrality all, and in search by tokens of a model of colbert",
    )
    queries: int = option(5_000, ge=1, description="search: most queries, evenly from all")
    pooling: Literal["mean", "cls", "last"] = option(
        "mean",
        description="retrieval, search, neutrality: the mean of a sentence's tokens, its first token, or its last one",
    )
    similarity: Literal["cosine", "dot"] = option("cosine", description="retrieval, search: of two vectors")
    csls: int = option(
        0, ge=0, description="retrieval: neighbours that correct for vectors near to everything (usual: 10); 0: none"
    )
    sentence_tokens: int = option(512, ge=8, description="retrieval, search, neutrality: most tokens of a sentence")
    pairs: int = option(5_000, ge=2, description="of pairs: most pairs of two languages, evenly from all")
    prompts: int = option(20, ge=1, description="mixing: texts of each language, evenly from all")
    prompt_tokens: int = option(32, ge=1, description="mixing: tokens of a text that the model goes on from")
    new_tokens: int = option(64, ge=1, description="mixing, translation: most tokens that it writes")
    temperature: float = option(0.0, ge=0, description="mixing, translation: 0: always the likeliest token")
    top_p: float = option(
        1.0, gt=0, le=1, description="mixing, translation: draw of the likeliest tokens that make up this share"
    )
    lid: str = option("embedded", description="mixing: the language identification: embedded, lid176, or a path")
    seed: int = option(0, description="of what is drawn: tokens, exemplars")
    batch: int = option(8, ge=1, description="rows, sentences or prompts at once; drawn text depends on it")
    template: str | None = option(
        None,
        description="translation by a decoder, choice: how a row is written, with {tgt} or {choice}; default: "
        "'[{src_lang}]: {src}\\n[{tgt_lang}]: {tgt}', '{premise}\\n{choice}'",
    )
    side_templates: dict[str, str] | None = option(
        None, description="translation by an encoder-decoder: SIDE=TEMPLATE of src and tgt, as of `xlcorpus pack`"
    )
    line_ends: Literal["eos", "text"] | None = option(
        None, description="line ends of templates and texts: as eos (XGLM; choice) or as they are (translation)"
    )
    shots: int = option(0, ge=0, description="translation by a decoder, choice: exemplars before each row")
    shots_from: str | None = option(None, description="what exemplars are drawn from, with --seed: no rows of the test")
    beams: int = option(1, ge=1, description="mixing, translation: beams; 1: greedy")
    bleu: Literal["auto", "13a", "intl", "zh", "char", "none"] = option(
        "auto", description="translation: sacrebleu's tokenizer for BLEU; auto: by language, 13a, zh or char"
    )
    premise: str = option("premise", description="choice: column of the text that all choices belong to")
    choices: str = option("choices", description="choice: column of lists of texts, or choice1, choice2, ...")
    label: str = option("label", description="choice: column of the right one, its number from 0 or its text")
    src_column: str = option("src", description="of pairs: column of one side, or the suffix of its text file")
    tgt_column: str = option("tgt", description="of pairs: column of the other side, or the suffix of its text file")
    src_lang: str | None = option(None, description="of pairs: language of one side; default: the column src_lang")
    tgt_lang: str | None = option(None, description="of pairs: language of the other; default: the column tgt_lang")
    text_column: str = option("text", description="mixing: column or JSON field that holds the text")
    lang: str | None = option(None, description="mixing, choice: language of all texts, where it is known")
    lang_column: str | None = option(None, description="mixing, choice: column that holds the language of each text")

    @field_validator("template", mode="after")
    @classmethod
    def _read_template(cls, value: str | None) -> str | None:
        return None if value is None else read_source(value)

    @field_validator("side_templates", mode="before")
    @classmethod
    def _read_sides(cls, value: Any) -> Any:
        return read_side_templates([*value] if isinstance(value, tuple) else value) or None

    @model_validator(mode="after")
    def _check_shots(self) -> EvaluateOptions:
        if bool(self.shots) != (self.shots_from is not None):
            raise UserError(
                "--shots and --shots-from belong together",
                remedy="--shots 4 --shots-from PATH, with other rows than the test's",
            )
        return self

    @field_validator("lang", "src_lang", "tgt_lang")
    @classmethod
    def _check_language(cls, value: str | None) -> str | None:
        return None if value is None else check_language(value)

    @field_validator("layers")
    @classmethod
    def _check_layers(cls, value: str | None) -> str | None:
        if value not in (None, "all"):
            try:
                [int(part) for part in str(value).split(",")]
            except ValueError:
                raise UserError(
                    f"--layers {value}", remedy="give numbers with commas between, 4,8,-1, or all"
                ) from None
        return value

    def reading(self, kind: Literal["pairs", "documents"], text_column: str | None = None) -> ReadOptions:
        """How raw files are read; text_column: in the place of the option's."""
        given: dict[str, Any] = {name: getattr(self, name) for name in (_OF_PAIRS if kind == "pairs" else _OF_TEXTS)}
        given |= {} if text_column is None else {"text_column": text_column}
        return ReadOptions(kind=kind, **{name: value for name, value in given.items() if value is not None})
