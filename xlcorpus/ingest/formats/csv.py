"""Sentence pairs in tables with commas between the columns, quoted as RFC 4180 says: read from the beginning only."""

from xlcorpus.ingest.format import Format
from xlcorpus.pairs.delimited import header_columns, read_csv

FORMAT = Format(
    name="csv",
    kinds=("pairs",),
    suffixes=("csv",),
    columns=header_columns,
    columns_rank=1,
    read=read_csv,
)
