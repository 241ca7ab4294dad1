"""The sample corpus that ships with xlcorpus (CC0); see README.md in this folder."""

from __future__ import annotations

import csv

from xlcorpus.dataset.storage import Location, packaged, read_text


def sample_folder() -> Location:
    """The folder that holds `web/`, `code/` and `gold.tsv`."""
    return packaged(__name__)


def read_gold() -> list[dict[str, str]]:
    """Rows of gold.tsv, one a line of the sample files: file, line (from 1), id, lang, kind, of, jaccard."""
    lines = read_text(sample_folder() / "gold.tsv").split("\n")
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
