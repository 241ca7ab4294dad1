"""Tables for other programs: TAB text or Parquet, by the suffix of the name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import StorageError, UserError

SUFFIXES = (".tsv", ".txt", ".parquet")
_ROWS = 1 << 16


def check_table_output(path: Location, suffixes: Sequence[str] = SUFFIXES) -> None:
    """Raise UserError unless the name ends in one of the suffixes."""
    if path.suffix not in suffixes:
        raise UserError(
            f"--output {path}: a table is {', '.join(suffixes)}", remedy=f"give it a name that ends in {suffixes[0]}"
        )


def write_table_file(table: pa.Table, path: Location) -> None:
    r"""Write atomically: Parquet as it is; .tsv with a header, .txt without; equal tables give equal bytes.

    In text, lists have a space between their items; TAB, line ends and backslashes inside of a field are `\t`, `\n`,
    `\r` and `\\`. Raises StorageError where the file cannot be written.
    """
    try:
        if path.suffix == ".parquet":
            with storage.writing(path) as temporary, storage.parquet_writer(temporary, table.schema) as writer:
                writer.write_table(table.combine_chunks())
        else:
            storage.write_parts(path, _lines(table, header=path.suffix == ".tsv"))
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written: {error.strerror or error}", remedy="free space, or name another place"
        ) from error


def _lines(table: pa.Table, *, header: bool) -> Iterator[bytes]:
    if header:
        yield ("\t".join(table.schema.names) + "\n").encode()
    for batch in table.combine_chunks().to_batches(max_chunksize=_ROWS):
        lines = pc.binary_join_element_wise(*map(_field, batch.columns), "\t")
        yield "".join(f"{line}\n" for line in lines.to_pylist()).encode("utf-8", "surrogatepass")


def _field(column: pa.Array) -> pa.Array:
    if pa.types.is_list(column.type):
        column = pc.binary_join(column.cast(pa.list_(pa.string())), " ")
    texts = pc.fill_null(column.cast(pa.string()), "")
    for one, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        texts = pc.replace_substring(texts, one, written)
    return texts


def read_words(path: Location) -> list[str]:
    """The first field (by TAB, else by space) of each line: of a word list, a table, or vectors in word2vec's text.

    The line of sizes at the head of vectors, and the header of a .tsv, are left out.

    Raises UserError where the file cannot be read or is empty.
    """
    try:
        lines = storage.read_text(path).removeprefix("\ufeff").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}", remedy="give a text file in UTF-8") from error
    lines = [line.rstrip("\r") for line in lines if line.strip()]
    if lines and len(sizes := lines[0].split(" ")) == 2 and all(one.isdecimal() for one in sizes):
        lines = lines[1:]
    lines = lines[1:] if path.suffix == ".tsv" else lines  # its header
    words = [line.split("\t" if "\t" in line else " ", 1)[0] for line in lines]
    if not any(words):
        raise UserError(f"{path} has no words", remedy="give a file with a word a line")
    return [word for word in words if word]
