"""Templates filled with texts that try to become special tokens, in tokenizers of every kind.

`python -m tests.templates.special_fuzz [--strings N] [--seed N]`: N texts through each template and tokenizer; a line
for each tokenizer, exit 1 for faults.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.tokenizer.odd_strings import foreign, odd_texts, trained_here
from xlcorpus.templates.chat import ChatTemplate
from xlcorpus.templates.specials import SpecialIds, control_names
from xlcorpus.templates.template import parse
from xlcorpus.tokenizer.pieces import TEXT
from xlcorpus.tokenizer.tokenizer import CONTROL, Tokenizer

# Each with the special tokens that a row has of it; {0} and {1} are roles of the tokenizer.
TEMPLATES = {
    "{src}{tgt}": 0,
    "{{{{ {0} }}}}{{{{ src }}}}{{{{ tgt }}}}{{{{ {1} }}}}": 2,
    "{{{{ {0} }}}}{{{{ '<' ~ src ~ '>' }}}}</{{{{ tgt }}}}>{{% generation %}}{{{{ src }}}}{{% endgeneration %}}": 1,
    "{{% for c in src %}}{{{{ c }}}}{{% endfor %}}{{{{ {0} }}}}{{{{ (tgt + '>') | replace('s', '/s') | trim }}}}": 1,
    "{{{{ src.split('x') | join('<s>') }}}}{{{{ ('%s' | format(tgt)) + tgt | upper }}}}{{{{ {1} }}}}": 1,
    "{{{{ [src, tgt] | tojson }}}}{{% generation %}}{{{{ {0} }}}}{{{{ src[1:] ~ tgt[::-1] }}}}{{% endgeneration %}}": 1,
}
CHAT = (
    "{{% for m in messages %}}{{{{ {0!r} + m.role + '\\n' }}}}{{% generation %}}{{{{ m['content'] | trim }}}}"
    "{{% endgeneration %}}{{{{ '>' + {1!r} ~ '\\n' }}}}{{% endfor %}}"
)


def wrong(tokenizer: Tokenizer, texts: list[str]) -> list[str]:
    """The texts of which a special id came: ids that are never text, in other places than the template's."""
    pairs = pa.RecordBatch.from_pydict({"src": texts, "tgt": texts[::-1]})
    roles = [role for role, number in tokenizer.special_ids().items() if number is not None and role != "unk"]
    found: list[str] = []
    for source, count in TEMPLATES.items():
        written = source if source == "{src}{tgt}" else source.format(roles[0], roles[-1])
        template = parse(written)
        rendered = template.render(pairs).with_ids(SpecialIds(tokenizer))
        assert not rendered.failed, (written, rendered.failed[0])
        found += _wrong(tokenizer, rendered.pieces, texts, np.full(len(texts), count), as_row=False)
    names = sorted(control_names(tokenizer))
    if names:
        turns = [[{"role": one, "content": other}] for one, other in zip(texts, texts[::-1], strict=True)]
        chat = ChatTemplate(CHAT.format(names[0], names[-1]), tokenizer, {})
        rendered = chat.render(pa.RecordBatch.from_pydict({"messages": turns})).with_ids(SpecialIds(tokenizer))
        found += _wrong(tokenizer, rendered.pieces, texts, np.full(len(texts), 2), as_row=True)
    return found


def _wrong(tokenizer: Tokenizer, pieces, texts: list[str], count: np.ndarray, *, as_row: bool) -> Iterator[str]:  # type: ignore[no-untyped-def]
    encoded = tokenizer.encode_pieces(pieces, as_row=as_row)
    special = tokenizer.piece_kinds[encoded.ids] == CONTROL
    sums = np.concatenate([[0], np.cumsum(special)])[encoded.offsets]
    order = pieces.specials[pieces.specials != TEXT]
    same = np.array_equal(encoded.ids[special], order)
    bad = (np.diff(sums) != count) | (pieces.special_counts != count)
    yield from (texts[row] for row in np.flatnonzero(bad))
    if not bad.any() and not same:
        yield "special ids in another order"


def main() -> None:
    """Make tokenizers and texts, and print what is wrong with each."""
    parser = argparse.ArgumentParser(prog="python -m tests.templates.special_fuzz", description=__doc__)
    parser.add_argument("--strings", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    texts = odd_texts(random.Random(given.seed), given.strings)
    faults = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, tokenizer in kinds(Path(folder)):
            bad = wrong(tokenizer, texts)
            faults += len(bad)
            print(
                f"{name:<20} {len(bad):>7,} of {7 * len(texts):,} with special ids of data {bad[:3] or ''}", flush=True
            )
    sys.exit(faults > 0)


def kinds(folder: Path) -> Iterator[tuple[str, Tokenizer]]:
    """Tokenizers of every kind, by name."""
    for name, model, other in trained_here(folder):
        yield f"{name}.model", model
        yield f"{name}.hf", other
    yield from foreign(importlib.import_module("tokenizers"), folder)


if __name__ == "__main__":
    main()
