"""The card of an export, README.md: what it holds, of what it was made, how it is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TRAINED_IN_PART = (
    "The packs say which tokens are trained on (`loss_spans`), for which the format has no place: all are alike here."
)


def card_of(said: Mapping[str, Any], opened_by: Sequence[str]) -> str:
    """The card. said: what export.json says; opened_by: lines of Python."""
    end, tokenizer, dataset = said["document_end"], said["tokenizer"], said["dataset"]
    lines = [
        f"# {said['tokens']:,} tokens of {said['documents']:,} documents for {said['format']}",
        "",
        f"Exported by xlcorpus {said['code_version']} from packs of {dataset['length']:,} tokens "
        f"(content {dataset['content_fingerprint']}). `export.json` has the SHA-256 of every file.",
        "",
        f"Ids are {said['dtype']}, of the tokenizer {tokenizer['name']} ({tokenizer['vocab_size']:,} ids, "
        f"fingerprint {tokenizer['fingerprint']}).",
        "",
        end_line(end["id"], said["documents"], end["documents"], end["elsewhere"]),
        *([] if not said["dataset"].get("trained_in_part") else ["", TRAINED_IN_PART]),
        "",
        "```python",
        *opened_by,
        "```",
    ]
    return "\n".join(lines) + "\n"


def end_line(end: int | None, documents: int, ending: int, elsewhere: int) -> str:
    """By what a reader may tell documents apart."""
    if end is None:
        return "Documents end without an id that says so: readers that look for eos take them all for one."
    if ending == documents and not elsewhere:
        return f"Every document ends with the id {end}, which stands nowhere else."
    return (
        f"{ending:,} of {documents:,} documents end with the id {end}, which stands {elsewhere:,} times elsewhere: "
        "readers that look for it find other documents."
    )
