"""A dataset as notebooks show it: what it holds, in one small HTML table."""

from __future__ import annotations

from html import escape

from xlcorpus.dataset.manifest import Manifest

_MOST = 8  # languages that are shown


def html_of(name: str, manifest: Manifest) -> str:
    """Rows, steps, columns and the largest languages of a dataset."""
    counts = sorted(manifest.languages.items(), key=lambda item: (-item[1], item[0]))
    languages = [f"{lang or '(none)'} {count:,}" for lang, count in counts[:_MOST]]
    more = len(counts) - len(languages)
    facts = {
        "rows": f"{manifest.rows:,} in {len(manifest.shards):,} shards",
        "made by": " + ".join(step.step for step in manifest.steps),
        "schema": manifest.schema,
        "columns": ", ".join(manifest.arrow_schema.names),
        "languages": ", ".join([*languages, *([f"and {more} more"] if more > 0 else [])]),
    }
    left = "style='text-align:left'"
    rows = (f"<tr><th {left}>{escape(key)}</th><td {left}>{escape(value)}</td></tr>" for key, value in facts.items())
    return f"<b>{escape(name)}</b><table>{''.join(rows)}</table>"
