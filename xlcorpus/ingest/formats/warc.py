"""WARC archives of crawlers, and WET, which holds the text of their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa

from xlcorpus.dataset.result import Result
from xlcorpus.ingest.format import Format
from xlcorpus.raw.options import ReadOptions
from xlcorpus.raw.ranges import FileRange


def read_archive(part: FileRange, options: ReadOptions, schema: pa.Schema) -> Iterator[Result]:
    """`read_pages`."""
    from xlcorpus.ingest.warc_pages import read_pages  # loads the HTML extractor, which the other formats do not need

    return read_pages(part, options, schema)


FORMAT = Format(
    name="warc",
    kinds=("documents",),
    suffixes=("warc", "wet", "wat"),
    sniff=lambda look: re.match(rb"WARC/\d", look.head) is not None or None,
    read=read_archive,
)
