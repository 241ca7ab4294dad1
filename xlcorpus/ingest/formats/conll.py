"""CoNLL files: tokens with tags, a token a line, a blank line behind each sentence; a sentence is a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.result import Counts, Result
from xlcorpus.errors import UserError
from xlcorpus.ingest.format import Format
from xlcorpus.ingest.paragraphs import read_paragraphs
from xlcorpus.raw.assemble import Assembler
from xlcorpus.raw.input_columns import Column, fields_by_input
from xlcorpus.raw.input_files import InputFile
from xlcorpus.raw.lines import BOM
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange, cut_lines
from xlcorpus.raw.rejects import Reject, bad_utf8, in_order
from xlcorpus.raw.streams import read_head
from xlcorpus.tags.conll import SKIPPED, BadSentence, columns_by_count, first_rows, parse_columns, parse_sentence
from xlcorpus.tags.tokens import TOKENS, join_tokens, place_tokens
from xlcorpus.text.codepoints import code_points

_LOOK = 1 << 20


def names_of(file: InputFile, options: ReadOptions) -> tuple[str, ...]:
    """The columns of a file: as --conll-columns says, else by their number; () where it holds no token.

    Raises UserError for an option that names no tokens, and for numbered tokens of an unknown kind.
    """
    if options.conll_columns is not None:
        try:
            return parse_columns(options.conll_columns)
        except ValueError as error:
            raise UserError(f"--conll-columns {options.conll_columns}: {error}", remedy="write tokens,_,tags") from None
    head = read_head(file.path, file.compression, _LOOK).removeprefix(BOM)
    rows = first_rows(head.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n"))
    try:
        return columns_by_count(rows)
    except ValueError as error:
        raise UserError(f"{file.path}: {error}", remedy="name them: --conll-columns id,tokens,tags,_") from None


def conll_columns(files: Sequence[InputFile], options: ReadOptions) -> dict[str, Column]:
    """The columns of the files, each a list with a value for each token."""
    found: dict[str, Column] = {}
    for file in files:
        for name in names_of(file, options):
            if name not in SKIPPED:
                found.setdefault(name, Column(TOKENS, file.path))
    return found


def read_conll(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """Sentences that begin in a range of a CoNLL file.

    Reject reasons: wrong_field_count, invalid_utf8, nul_bytes, record_too_large, truncated_file, corrupt_file.
    Decisions and rejects of `Assembler.rows` besides. Counted: texts that `# text` says and that are not the tokens'.
    """
    names = names_of(part.file, options)
    yield from read_paragraphs(part, options, _Sentences(Assembler(part.file, options, schema), names, schema))


@dataclass(frozen=True)
class _Sentences:
    assembler: Assembler
    names: tuple[str, ...]
    schema: pa.Schema

    @property
    def what(self) -> str:
        """A record in words."""
        return "the sentence"

    def records(self, records: list[tuple[int, bytes]], rejects: list[Reject]) -> Iterator[Result]:
        """See `paragraphs.Emitter`."""
        rejects = list(rejects)
        offsets, given = [], []
        kept = [name for name in self.names if name not in SKIPPED]
        values: list[list[list[str]]] = [[] for _ in kept]
        for offset, data in records:
            try:
                if b"\0" in data:
                    rejects.append(Reject(offset, "nul_bytes", "the sentence holds NUL bytes", data))
                    continue
                lines = data.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
                sentence = parse_sentence(lines, self.names)
            except UnicodeDecodeError as error:
                rejects.append(bad_utf8(offset, "the sentence", data, error))
                continue
            except BadSentence as error:
                rejects.append(Reject(offset, "wrong_field_count", str(error), data))
                continue
            if sentence is not None:
                offsets.append(offset)
                given.append(sentence.text)
                for column, more in zip(values, sentence.values, strict=True):
                    column.append(more)
        fields = fields_by_input(self.schema)
        made = {name: pa.array(column, TOKENS) for name, column in zip(kept, values, strict=True)}
        columns = {fields[name].name: column for name, column in made.items() if name in fields}
        if not offsets and not rejects:
            return
        texts, counts = _texts(made.get("tokens", pa.array([], TOKENS)), pa.array(given, pa.string()))
        size = sum(len(data) + 1 for _, data in records)
        rows = self.assembler.rows(
            np.array(offsets, dtype=np.int64), {"text": texts}, columns, size=size, rejects=in_order(rejects)
        )
        for number, result in enumerate(rows):
            if number == 0:
                result.counts.update(counts)
            yield result


def _texts(tokens: pa.Array, given: pa.Array) -> tuple[pa.Array, Counts]:
    """The texts that comments give where the tokens stand in them, else the tokens joined."""
    joined = join_tokens(tokens)
    if given.null_count == len(given):
        return joined, {}
    units = place_tokens(code_points(given), tokens)
    lost = np.bincount(units.rows[~units.placed], minlength=len(given)) > 0
    said = pc.is_valid(given).to_numpy(zero_copy_only=False)
    counts = {"conll_text_without_its_tokens": int((lost & said).sum())}
    return pc.if_else(pa.array(said & ~lost), given, joined), {name: one for name, one in counts.items() if one}


FORMAT = Format(
    name="conll",
    kinds=("documents",),
    suffixes=("conll", "conllu", "conll2002", "conll2003", "bio", "iob", "iob2"),
    cut=cut_lines,
    columns=conll_columns,
    columns_rank=1,
    read=read_conll,
)
