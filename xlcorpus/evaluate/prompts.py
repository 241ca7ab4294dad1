"""Prompts: rows by a template as ids, with exemplars before them, and how much of each stands before what is asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xlcorpus.dataset.columns import put_columns
from xlcorpus.errors import UserError
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.templates.specials import SpecialIds
from xlcorpus.templates.template import parse
from xlcorpus.text.draws import row_states
from xlcorpus.text.hashes import mix
from xlcorpus.text.ragged import offsets_of, rows_of
from xlcorpus.tokenizer.pieces import TEXT, Pieces

_HERE = "\ue000\uf8ff\ue000"  # of private use: where a template writes the column that is asked for
_BLOCK = 1024  # rows whose exemplars are drawn at once


class Prompter:
    """Rows by one template.

    line_ends: `eos`, each line end is that token (XGLM), or `text`. Exemplars are ended by one line end, as `eos`, or
    by an empty line, as `text`; each is cut by itself.
    """

    def __init__(self, trained: TrainedModel, template: str, asked: str, line_ends: str) -> None:
        """asked: the column that the model is to find. Raises UserError where the template does not write it."""
        self.asked, self.source = asked, template
        self.template, self._trained, self._special = parse(template), trained, SpecialIds(trained.tokenizer)
        self._eos = trained.vocabulary.id_of("eos", "sep") if line_ends == "eos" else None
        if asked not in self.template.columns:
            raise UserError(
                f"--template {template!r} does not write {asked}, which is asked for", remedy=f"write {{{asked}}} in it"
            )
        text, offsets = trained.tokenizer.encode_batch(pa.array(["\n\n"]))
        self.between = tuple(text[: offsets[-1]].tolist()) if self._eos is None else (self._eos,)

    def ids(self, rows: pa.RecordBatch, where: str) -> pa.Array:
        """list<int32>[rows]: each whole. where: what the rows are of, for errors. Raises UserError."""
        return self._encoded(self._pieces(rows, where))

    def before(self, rows: pa.RecordBatch, where: str) -> pa.Array:
        """list<int32>[rows]: what stands before the column that is asked for, without a space at its end."""
        marked = put_columns(rows, {self.asked: pa.array([_HERE] * rows.num_rows, pa.string())})
        pieces = self._pieces(marked, where)
        place = pc.find_substring(pieces.texts, _HERE).to_numpy(zero_copy_only=False)
        row, first = np.unique(rows_of(pieces.offsets)[place >= 0], return_index=True)
        found = np.flatnonzero(place >= 0)[first]
        if len(row) < rows.num_rows:
            raise UserError(
                f"--template {self.source!r} writes no {self.asked} for a row of {where}",
                remedy=f"write {{{self.asked}}} for all rows, as it is, or leave such rows out",
            )
        texts = pc.if_else(
            pa.array(np.isin(np.arange(len(place)), found)),
            pc.utf8_rtrim_whitespace(pc.list_element(pc.split_pattern(pieces.texts, _HERE), 0)),
            pieces.texts,
        )
        sizes = found + 1 - pieces.offsets[:-1]
        kept = np.concatenate([np.arange(start, stop + 1) for start, stop in zip(pieces.offsets, found, strict=False)])
        return self._encoded(Pieces(texts.take(pa.array(kept)), pieces.specials[kept], offsets_of(sizes)))

    def _pieces(self, rows: pa.RecordBatch, where: str) -> Pieces:
        self.template.check(rows.schema, where)
        made = self.template.render(rows).with_ids(self._special)
        if made.failed:
            raise UserError(
                f"--template fails for row {made.failed[0].row} of {where}: {made.failed[0].message}",
                remedy="mend the template, or leave the row out",
            )
        pieces = made.pieces
        return pieces if self._eos is None else _lines_to(pieces, self._eos)

    def _encoded(self, pieces: Pieces) -> pa.Array:
        made = self._special.encoder(self.template).encode_pieces(pieces)
        return pa.ListArray.from_arrays(pa.array(made.offsets.astype(np.int32)), pa.array(made.ids))


def draw_shots(
    rows: pa.Array, langs: Sequence[str], shots: pa.Array, shot_langs: Sequence[str], count: int, seed: int, where: str
) -> np.ndarray:
    """int64[rows, count]: the exemplars of each row, drawn by hashes of seed, row and exemplar: of its language, or,
    where all are of one language, these; never one of its own text. rows, shots: string, what they are told apart by.

    Raises UserError where there are fewer.
    """
    of_rows = row_states(rows, f"exemplars {seed}")
    of_shots = row_states(shots, "an exemplar")
    names = {text: number for number, text in enumerate(dict.fromkeys(shots.to_pylist()))}
    same = np.array([names[text] for text in shots.to_pylist()])
    own = np.array([names.get(text, -1) for text in rows.to_pylist()])
    one = len(set(shot_langs)) == 1
    found = np.zeros((len(rows), count), dtype=np.int64)
    for lang in dict.fromkeys(langs):
        here = np.flatnonzero(np.array([other == lang for other in langs]))
        usable = np.flatnonzero(np.array([one or other == lang for other in shot_langs]))
        for start in range(0, len(here), _BLOCK):
            block = here[start : start + _BLOCK]
            keys = mix(of_rows[block][:, None] ^ of_shots[usable][None, :])
            taken = own[block][:, None] == same[usable][None, :]
            if len(usable) - int(taken.sum(axis=1).max(initial=0)) < count:
                raise UserError(
                    f"{where} has {len(usable)} exemplars for {lang}, a row's own among them: {count} are too many",
                    remedy="lower --shots, or name a file with more of that language: --shots-from PATH",
                )
            keys[taken] = np.iinfo(np.uint64).max
            found[block] = usable[np.argsort(keys, axis=1, kind="stable")[:, :count]]
    return found


def _lines_to(pieces: Pieces, eos: int) -> Pieces:
    """Each line end in the texts as a special id."""
    lines = pc.split_pattern(pc.replace_substring(pieces.texts, "\r\n", "\n"), "\n")
    counts = pc.list_value_length(lines).to_numpy(zero_copy_only=False).astype(np.int64)
    counts = np.where(pieces.specials == TEXT, counts, 1)
    offsets = offsets_of(2 * counts - 1)
    texts = np.full(offsets[-1], "", dtype=object)
    specials = np.full(offsets[-1], eos, dtype=np.int32)
    at = np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))
    flat = pc.list_flatten(lines).to_numpy(zero_copy_only=False)
    texts[at % 2 == 0] = flat
    specials[at % 2 == 0] = np.repeat(pieces.specials, counts)
    return Pieces(pa.array(texts, pa.string()), specials, offsets[pieces.offsets])
