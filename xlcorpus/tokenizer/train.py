"""Train a SentencePiece tokenizer on datasets: same input, options and seed, same bytes.

Texts come back from their ids as they were: no normalisation (unless asked for), no space removed, and what has no
piece is written as its bytes. The one exception is U+2581 (▁), which SentencePiece itself writes for a space.
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow.compute as pc

import xlcorpus
from xlcorpus.dataset.dataset import Dataset
from xlcorpus.errors import UserError
from xlcorpus.text.hashes import digest_bytes
from xlcorpus.tokenizer.coverage import ScriptCoverage, count_characters, required_characters
from xlcorpus.tokenizer.piece_borders import cut_at_borders
from xlcorpus.tokenizer.sentencepiece_model import parse_model
from xlcorpus.tokenizer.text_sample import Sample, draw_sample
from xlcorpus.tokenizer.tokenizer import SPECIALS

MODELS = ("unigram", "bpe")
AUTO = "auto"
SAMPLE_BYTES = 100_000_000
# Bytes of memory at most for a byte of the sample, and for none: measured on 20 and 60 MB of ntrex (20.5 for unigram,
# 5.1 to 9.1 for BPE); more for unigram, as it counts characters, and in ASCII each byte is one.
_MEMORY = {"unigram": 30, "bpe": 10}
_MEMORY_OF_NONE = 250_000_000
_LEAST_COVERAGE = 0.98  # SentencePiece refuses less; with the characters required it adds none below this
_BREAKS = "\t\n\r"  # between the lines that are trained on; with byte fallback they are bytes
_LINE = 10_000  # code points; a longer line is cut, or one line decides how much memory training takes
_BLOCK = 1 << 18  # code points whose borders are found at once: some 30 bytes each
# Scores are whole numbers of 1/64: SentencePiece adds them up in 32 bits and the library tokenizers in 64, and so they
# are exact in both up to 2**17 (some 19,000 tokens), and equally good cuts are equally good.
_STEPS = 64
_HUGE = 1 << 30  # bytes of text from which on SentencePiece needs 64-bit positions


class VocabularyError(UserError):
    """The sample allows no vocabulary of this size. limit: the least or largest size that it does allow."""

    def __init__(self, message: str, *, remedy: str, limit: int) -> None:
        super().__init__(message, remedy=remedy)
        self.limit = limit


class TooSmallError(VocabularyError):
    """Special tokens, bytes and single characters alone are more pieces."""


class TooLargeError(VocabularyError):
    """The sample gives fewer pieces."""


@dataclass(frozen=True)
class TrainOptions:
    """How to train. coverage: `auto` (script by script, see `coverage`) or one share for all characters, 0.98 to 1.

    special: tokens of the user's own, such as <2eng_Latn>, which are one token wherever they stand in a text.
    dummy_prefix: a text begins with a space of the tokenizer's own, so that its first word is cut as in the middle.
    threads: part of the result, as sums are rounded in another order; the same number gives the same bytes.
    """

    model: str = "unigram"
    vocab_size: int = 32_000
    coverage: str = AUTO
    byte_fallback: bool = True
    sample_bytes: int = SAMPLE_BYTES
    seed: int = 0
    normalization: str = "identity"
    mask: bool = True
    special: tuple[str, ...] = ()
    dummy_prefix: bool = True
    threads: int = 1

    def check(self) -> None:
        """Raise UserError where an option cannot be."""
        if self.coverage != AUTO:
            try:
                share = float(self.coverage)
            except ValueError:
                share = -1.0
            if not _LEAST_COVERAGE <= share <= 1:
                raise UserError(
                    f"--coverage {self.coverage} is neither auto nor a share from {_LEAST_COVERAGE} to 1",
                    remedy="--coverage auto, or --coverage 0.9995",
                )
        taken = set(SPECIALS.values()) | {f"<0x{value:02X}>" for value in range(256)}
        for token in self.special:
            if not token or token in taken or any(letter.isspace() or letter == "\u2581" for letter in token):
                reason = "is there twice or already" if token in taken else "is empty or holds white space or ▁"
                raise UserError(f"--special {token!r} {reason}", remedy='name tokens like "<2eng_Latn>", each once')
            if self.normalization == "nfkc" and unicodedata.normalize("NFKC", token) != token:
                raise UserError(
                    f"--special {token!r} is other characters after --normalization nfkc, so no text has it",
                    remedy=f"--special {unicodedata.normalize('NFKC', token)!r}",
                )
            taken.add(token)


@dataclass(frozen=True)
class Trained:
    """A trained model: the bytes of its file, the sample it was trained on, and what was covered of each script."""

    model: bytes
    sample: Sample
    coverage: list[ScriptCoverage]
    card: dict[str, Any]


def memory_needed(sample_bytes: int, model: str) -> int:
    """Bytes of memory that training takes at most."""
    return _MEMORY_OF_NONE + _MEMORY[model] * sample_bytes


def train(datasets: Sequence[Dataset], options: TrainOptions, sample: Sample | None = None) -> Trained:
    """Train on the sample of the datasets (None: draw it); raises UserError where the vocabulary is too small or too
    large for it."""
    options.check()
    sample = sample or draw_sample(datasets, options.sample_bytes, options.seed)
    model, coverage = train_on_sample(sample, options)
    return Trained(model, sample, coverage, _card(datasets, sample, coverage, options, model))


def train_on_sample(sample: Sample, options: TrainOptions) -> tuple[bytes, list[ScriptCoverage]]:
    """The model file, and what the required characters cover (empty where one coverage was given for all)."""
    settings: dict[str, Any] = {"character_coverage": options.coverage}
    covered: list[ScriptCoverage] = []
    characters = "" if options.byte_fallback else _BREAKS
    if options.coverage == AUTO:
        counts = count_characters(batch.column("text") for batch in sample.batches())
        required, covered = required_characters(counts)
        characters += required
        settings = {"character_coverage": _LEAST_COVERAGE}
    settings["required_chars"] = characters
    if sum(sample.bytes_by_language().values()) > _HUGE:
        settings["train_extremely_large_corpus"] = True
    return _train(sample, options, settings), covered


def lines_of(sample: Sample, prefix: str) -> Iterator[str]:
    """The lines of the sample's texts in their order, each behind `prefix`, cut where a piece must end.

    Without tabs and characters that the trainer reserves. The trainer cuts lines into words, so parts of a line do for
    lines; its own mark of a border makes unigram models worse (Hawaiian 2.20 tokens a word for 1.88).
    """
    block: list[str] = []
    size = 0
    for batch in sample.batches():
        plain = pc.replace_substring_regex(batch.column("text"), r"[\t\r\x00\x{2581}\x{2585}]", "\n")
        lines = pc.list_flatten(pc.split_pattern(plain, "\n"))
        for line in lines.filter(pc.greater(pc.binary_length(lines), 0)).to_pylist():
            for start in range(0, len(line), _LINE):
                block.append(prefix + line[start : start + _LINE])
                size += len(block[-1])
                if size > _BLOCK:
                    yield from cut_at_borders("\n".join(block))
                    block, size = [], 0
    if block:
        yield from cut_at_borders("\n".join(block))


def _train(sample: Sample, options: TrainOptions, settings: dict[str, Any]) -> bytes:
    from sentencepiece import SentencePieceTrainer

    model = io.BytesIO()
    try:
        SentencePieceTrainer.train(
            sentence_iterator=lines_of(sample, " " if options.dummy_prefix else ""),
            model_writer=model,
            model_type=options.model,
            vocab_size=options.vocab_size,
            normalization_rule_name=options.normalization,
            remove_extra_whitespaces=False,
            add_dummy_prefix=False,  # the lines have it, their parts must not
            allow_whitespace_only_pieces=True,  # the indents of source code
            split_by_unicode_script=False,  # lines are cut at borders
            split_digits=True,  # also those that normalisation makes
            byte_fallback=options.byte_fallback,
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            control_symbols=[SPECIALS["mask"]] if options.mask else [],
            user_defined_symbols=list(options.special),
            max_sentence_length=(_LINE + 1) * 4,
            num_threads=options.threads,
            minloglevel=2,
            **settings,
        )
    except RuntimeError as error:
        raise _refused(str(error), options) from error
    trained = parse_model(model.getvalue(), "the trained model")
    pieces = tuple(replace(piece, score=round(piece.score * _STEPS) / _STEPS) for piece in trained.pieces)
    return replace(trained, pieces=pieces, add_dummy_prefix=options.dummy_prefix).to_bytes()


def _refused(message: str, options: TrainOptions) -> UserError:
    small = re.search(r"smaller than required_chars\. \d+ vs (\d+)", message)
    large = re.search(r"too high \(\d+\)\. Please set it to a value <= (\d+)", message)
    if small:
        least = int(small.group(1))
        return TooSmallError(
            f"--vocab-size {options.vocab_size} is too small: special tokens, bytes and single characters alone are "
            f"{least} pieces",
            remedy=f"--vocab-size {2 * least} or more, or fewer scripts, or --coverage 0.98",
            limit=least,
        )
    if large:
        return TooLargeError(
            f"--vocab-size {options.vocab_size} is too large: the sample gives {large.group(1)} pieces",
            remedy=f"--vocab-size {large.group(1)} or less, or more text",
            limit=int(large.group(1)),
        )
    reason = message.splitlines()[0] if message else "it gave no reason"
    return UserError(f"SentencePiece could not train: {reason}", remedy="check the options and the texts")


def _card(
    datasets: Sequence[Dataset], sample: Sample, coverage: list[ScriptCoverage], options: TrainOptions, model: bytes
) -> dict[str, Any]:
    from sentencepiece import __version__ as sentencepiece_version

    return {
        "tokenizer": "sentencepiece",
        "fingerprint": digest_bytes(model),
        "made_by": {"xlcorpus": xlcorpus.__version__, "sentencepiece": sentencepiece_version},
        "options": asdict(options) | {"special": list(options.special)},
        "trained_on": dataset_facts(datasets),
        "sample": {
            "texts": sample.table.num_rows,
            "bytes": sample.bytes_by_language(),
            "available_bytes": sample.available,
        },
        "coverage_by_script": {one.script: asdict(one) for one in coverage},
    }


def dataset_facts(datasets: Sequence[Dataset]) -> list[dict[str, Any]]:
    """What a card says of the datasets, in an order of their own: equal runs give equal cards."""
    facts = [
        {
            "content": dataset.manifest.content_fingerprint,
            "schema": dataset.manifest.schema,
            "rows": dataset.manifest.rows,
            "steps": [step.step for step in dataset.manifest.steps],
        }
        for dataset in datasets
    ]
    return sorted(facts, key=lambda fact: str(fact["content"]))
