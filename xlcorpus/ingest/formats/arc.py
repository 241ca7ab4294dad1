"""ARC, the older archives of crawlers; the reader is that of WARC."""

from xlcorpus.ingest.format import Format
from xlcorpus.ingest.formats.warc import read_archive

FORMAT = Format(
    name="arc",
    kinds=("documents",),
    suffixes=("arc",),
    sniff=lambda look: look.head.startswith(b"filedesc://") or None,
    read=read_archive,
)
