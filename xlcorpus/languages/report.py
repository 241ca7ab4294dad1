"""The table of languages as cells, for the terminal."""

from __future__ import annotations

import numpy as np

from xlcorpus.languages.table import LanguageTable


def language_rows(table: LanguageTable) -> list[list[str]]:
    """A header and a row of cells for each language, with the one nearest to it."""
    header = ["lang", "script", "family", "documents", "bytes", "tokens/word", "tokens/char", "n-grams", "nearest"]
    labels, rows = table.labels, []
    for at, row in enumerate(table.rows.to_pylist()):
        others = table.matrix[at].copy()
        others[at] = np.nan
        known = not np.isnan(others).all()
        best = int(np.nanargmin(others)) if known else 0
        rows.append(
            [
                row["lang"],
                row["script"],
                row["family"] or "",
                f"{row['documents']:,}",
                f"{row['bytes']:,}",
                "" if row["fertility"] is None else f"{row['fertility']:.3f}",
                "" if row["tokens_per_character"] is None else f"{row['tokens_per_character']:.3f}",
                f"{row['ngram_types']:,}",
                f"{labels[best]} {others[best]:.3f}" if known else "",
            ]
        )
    return [header, *rows]
