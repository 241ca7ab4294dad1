"""Sentence pairs in tables with tabs between the columns."""

from xlcorpus.ingest.format import Format
from xlcorpus.pairs.delimited import header_columns, read_tsv
from xlcorpus.raw.ranges import cut_lines

FORMAT = Format(
    name="tsv",
    kinds=("pairs",),
    suffixes=("tsv", "tab"),
    cut=cut_lines,
    columns=header_columns,
    columns_rank=1,
    read=read_tsv,
)
