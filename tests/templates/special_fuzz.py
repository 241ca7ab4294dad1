"""Templates filled with texts that try to become special tokens, in tokenizers of every kind.

`python -m tests.templates.special_fuzz [--strings N] [--seed N]`: N texts through each template and tokenizer; a line
for each tokenizer, exit 1 for faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from tests.tokenizer.odd_strings import Faults, kinds, try_texts
from xlcorpus.templates.chat import ChatTemplate
from xlcorpus.templates.rendered import Rendered
from xlcorpus.templates.specials import SpecialIds, control_names
from xlcorpus.templates.template import Template, parse
from xlcorpus.tokenizer.pieces import TEXT
from xlcorpus.tokenizer.tokenizer import CONTROL, UNKNOWN, Tokenizer

# Each with the special tokens that a row has of it; {0} and {1} are roles of the tokenizer.
LINES = -1  # one for each line of src
TEMPLATES = {
    "{src}{tgt}": 0,
    "{{{{ {0} }}}}{{{{ src }}}}{{{{ tgt }}}}{{{{ {1} }}}}": 2,
    "{{{{ {0} }}}}{{{{ '<' ~ src ~ '>' }}}}</{{{{ tgt }}}}>{{% generation %}}{{{{ src }}}}{{% endgeneration %}}": 1,
    "{{% for c in src %}}{{{{ c }}}}{{% endfor %}}{{{{ {0} }}}}{{{{ (tgt + '>') | replace('s', '/s') | trim }}}}": 1,
    "{{{{ src.split('x') | join('<s>') }}}}{{{{ ('%s' | format(tgt)) + tgt | upper }}}}{{{{ {1} }}}}": 1,
    "{{{{ src | lines_to({1}) }}}}{{{{ ([tgt, src] | tojson | fromjson)[0] ~ row['src'] }}}}{{{{ {0} }}}}": LINES,
    "{{{{ [src, tgt] | tojson }}}}{{% generation %}}{{{{ {0} }}}}{{{{ src[1:] ~ tgt[::-1] }}}}{{% endgeneration %}}": 1,
}
CHAT = (
    "{{% for m in messages %}}{{{{ {0!r} + m.role + '\\n' }}}}{{% generation %}}{{{{ m['content'] | trim }}}}"
    "{{% endgeneration %}}{{{{ '>' + {1!r} ~ '\\n' }}}}{{% endfor %}}"
)


class Filled:
    """Texts in each of the templates, filled in once for all tokenizers that have the same names for their tokens."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.lines = np.array([1 + text.count("\n") for text in texts])
        self._pairs = pa.RecordBatch.from_pydict({"src": texts, "tgt": texts[::-1]})
        self._turns = pa.RecordBatch.from_pydict(
            {"messages": [[{"role": one, "content": two}] for one, two in zip(texts, texts[::-1], strict=True)]}
        )
        self._rendered: dict[str, tuple[Template | ChatTemplate, Rendered]] = {}

    def template(self, source: str) -> tuple[Template | ChatTemplate, Rendered]:
        """The texts in a template."""
        if source not in self._rendered:
            self._rendered[source] = parse(source), parse(source).render(self._pairs)
        return self._rendered[source]

    def chat(self, tokenizer: Tokenizer, names: list[str]) -> tuple[Template | ChatTemplate, Rendered]:
        """The texts as turns of a chat."""
        key = " ".join(names)
        if key not in self._rendered:
            made = ChatTemplate(CHAT.format(names[0], names[-1]), tokenizer, {})
            self._rendered[key] = made, made.render(self._turns)
        return self._rendered[key]


def of_user(tokenizer: Tokenizer) -> list[str]:
    """Names of tokens that texts become as well, in a template without them: a user's own."""
    kinds = tokenizer.piece_kinds
    return [name for name, at in tokenizer.names.items() if len(name) > 1 and kinds[at] not in (CONTROL, UNKNOWN)]


def wrong(tokenizer: Tokenizer, filled: Filled) -> list[str]:
    """The texts of which a special id came: one that is never text, or that the template names, in another place."""
    roles = [role for role, number in tokenizer.special_ids().items() if number is not None and role != "unk"]
    names, ones, found = sorted(control_names(tokenizer)), np.ones(len(filled.texts), dtype=int), []
    for source, count in TEMPLATES.items():
        made = filled.template(source if source == "{src}{tgt}" else source.format(roles[0], roles[-1]))
        found += _wrong(tokenizer, made, filled.texts, filled.lines if count == LINES else count * ones)
    for name in of_user(tokenizer):
        made = filled.template(f"{{{{ src }}}}{{{{ special({name!r}) }}}}{{{{ tgt }}}}")
        found += _wrong(tokenizer, made, filled.texts, ones)
    if names:
        found += _wrong(tokenizer, filled.chat(tokenizer, names), filled.texts, 2 * ones, as_row=True)
    return found


def _wrong(
    tokenizer: Tokenizer,
    made: tuple[Template | ChatTemplate, Rendered],
    texts: list[str],
    count: np.ndarray,
    *,
    as_row: bool = False,
) -> Iterator[str]:
    ids, (template, rendered) = SpecialIds(tokenizer), made
    rendered = rendered.with_ids(ids)
    assert not rendered.failed, rendered.failed[0]
    pieces = rendered.pieces
    encoded = ids.encoder(template).encode_pieces(pieces, as_row=as_row)
    order = pieces.specials[pieces.specials != TEXT]
    special = (tokenizer.piece_kinds[encoded.ids] == CONTROL) | np.isin(encoded.ids, order)
    sums = np.concatenate([[0], np.cumsum(special)])[encoded.offsets]
    bad = (np.diff(sums) != count) | (pieces.special_counts != count)
    yield from (texts[row] for row in np.flatnonzero(bad))
    if not bad.any() and not np.array_equal(encoded.ids[special], order):
        yield "special ids in another order"


def _faults(folder: Path, texts: list[str]) -> Faults:
    filled = Filled(texts)
    for name, tokenizer in kinds(folder):
        tried = (len(TEMPLATES) + len(of_user(tokenizer)) + bool(control_names(tokenizer))) * len(texts)
        yield f"{name} with special ids of data", tried, wrong(tokenizer, filled)


if __name__ == "__main__":
    try_texts("tests.templates.special_fuzz", __doc__, _faults)
