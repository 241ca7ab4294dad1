"""What a model translates sentences to: an encoder-decoder from the source, a decoder from a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import longest_first
from xlcorpus.evaluate.generate import generate, generated
from xlcorpus.evaluate.measure import Say
from xlcorpus.evaluate.measures.translation.scores import bleu_tokenizer, scores
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.prompts import Prompter, draw_shots
from xlcorpus.evaluate.texts import PAIR, Texts, some_of_each
from xlcorpus.initialize.architecture import SEQ2SEQ
from xlcorpus.objectives.joined import join
from xlcorpus.objectives.objective import OBJECTIVES
from xlcorpus.pack.packs import sizes_of
from xlcorpus.pack.segments import fill_up
from xlcorpus.pack.side_templates import templates_of, write_sides
from xlcorpus.templates.specials import SpecialIds
from xlcorpus.text.labels import encode_pairs

TEMPLATE = "[{src_lang}]: {src}\\n[{tgt_lang}]: {tgt}"
_SAMPLES = 3  # translations that the report shows


@dataclass(frozen=True)
class Sides:
    """What an encoder-decoder reads and writes, special ids included: list<int32>[rows] each."""

    read: pa.Array
    written: pa.Array


def translation(
    trained: TrainedModel, pairs: Texts, shots: Texts | None, options: EvaluateOptions, say: Say = print
) -> list[dict[str, Any]]:
    """A row for each direction: src_lang, tgt_lang, pairs, what `scores` gives, `copied`, the same of the sources taken
    for translations, how many are `empty`, and `samples`. Only source to target; for the other way name the columns the
    other way round. Raises UserError."""
    table = some_of_each(pairs.table, options.pairs)
    texts = {name: _texts(trained, table.column(name).combine_chunks()) for name in ("src", "tgt")}
    if trained.architecture == SEQ2SEQ:
        made = _by_encoder(trained, pairs, table, options)
    else:
        made = _by_prompt(trained, pairs, table, texts, shots, options)
    names, of = encode_pairs(*(table.column(name).combine_chunks() for name in ("src_lang", "tgt_lang")))
    found = []
    for number, (src, tgt) in sorted(enumerate(names), key=lambda one: one[1]):
        rows = np.flatnonzero(of == number).tolist()
        written, sources, references = ([one[row] for row in rows] for one in (made, texts["src"], texts["tgt"]))
        tokenizer = bleu_tokenizer(tgt) if options.bleu == "auto" else options.bleu
        copied = scores(sources, references, tokenizer, errors=False)
        row = {"src_lang": src, "tgt_lang": tgt, "pairs": len(rows), **scores(written, references, tokenizer)}
        row |= {"empty": sum(not one for one in written), "copied": {key: copied[key] for key in ("chrf", "bleu")}}
        some = [*zip(sources, written, references, strict=True)][:_SAMPLES]
        found.append(row | {"samples": [dict(zip(("src", "made", "tgt"), one, strict=True)) for one in some]})
    if pairs.skipped:
        say(f"{pairs.skipped:,} records are no sentence pairs (a side is empty, or damaged), and were left out")
    return found


def sides_of(trained: TrainedModel, given: str, table: pa.Table, templates: dict[str, str] | None) -> Sides:
    """Of rows of a view the ids that they have; of texts what the templates of both sides make, or the text alone; eos
    behind a side that no special id ends. Raises UserError where a template fails."""
    columns = [table.column(name).combine_chunks() for name in ("src", "tgt")]
    if pa.types.is_list(columns[0].type):
        read, written = columns
    elif templates is not None:
        if set(templates) != {"src", "tgt"}:
            raise UserError(f"--side-templates are of {', '.join(templates)}", remedy="give one of src and one of tgt")
        (batch,) = table.combine_chunks().to_batches()
        special = SpecialIds(trained.tokenizer)
        for side, template in templates_of(templates).items():
            template.check(batch.schema, f"{given} ({side})")
            failed = template.render(batch).with_ids(special).failed
            if failed:
                raise UserError(
                    f"--side-templates fail for {len(failed):,} pairs of {given}, first the {failed[0].row + 1}th "
                    f"({side}): {failed[0].message}",
                    remedy="mend the template, leave these out, or name a tokenizer that has the token",
                )
        made = write_sides(batch, special, templates_of(templates), "evaluate")
        read, written = (_lists(*made.sides[side]) for side in ("src", "tgt"))
    else:
        read, written = map(trained.ids_of, columns)
    kind = OBJECTIVES.find("translation")
    room = 1 + max(int(sizes_of(one).max()) for one in (read, written))  # so that none is cut for its eos
    objective = kind.make(kind.options(), trained.vocabulary, room)
    return Sides(*map(objective.ended, (read, written)))


def beginnings(trained: TrainedModel, written: pa.Array) -> list[tuple[int, ...]]:
    """What the decoder begins with, of each row: the model's decoder_start_token_id and the special ids before the
    text; of sides that go on behind eos (mBART: the language) the last id in the place of the former.

    Raises UserError where the model says nothing and no side does."""
    special = trained.named
    eos = trained.vocabulary.id_of("eos", "sep")
    start = trained.model.config.decoder_start_token_id
    found = []
    for ids in written.to_pylist():
        text = next((place for place, one in enumerate(ids) if one not in special or one == eos), len(ids))
        last = ids[-1] if ids and ids[-1] != eos and ids[-1] in special and eos in ids else start
        if last is None:
            raise UserError(
                f"{trained.path} does not say what its decoder begins with",
                remedy="write decoder_start_token_id into its config.json, or end tgt of --side-templates with the "
                "language behind eos (mBART)",
            )
        found.append((int(last), *ids[:text]))
    return found


def _by_encoder(trained: TrainedModel, pairs: Texts, table: pa.Table, options: EvaluateOptions) -> list[str]:
    sides = sides_of(trained, pairs.given, table, options.side_templates)
    longest = int(sizes_of(sides.read).max())
    if trained.length is not None and longest > trained.length:
        raise UserError(
            f"{pairs.given} has a source of {longest:,} tokens, and {trained.path} reads {trained.length:,}",
            remedy="leave long pairs out",
        )
    starts = beginnings(trained, sides.written)
    sizes, found = sizes_of(sides.read), [""] * len(starts)
    for start in sorted(set(starts)):
        rows = np.array([row for row, one in enumerate(starts) if one == start])
        room = options.new_tokens if trained.length is None else min(options.new_tokens, trained.length - len(start))
        for chosen in longest_first(sizes[rows], options.batch):
            here = rows[chosen]
            width = int(sizes[here].max())
            ids = torch.from_numpy(fill_up(sides.read.take(pa.array(here)), width, trained.pad)).long()
            mask = torch.from_numpy(np.arange(width) < sizes[here][:, None]).long()
            begin = torch.tensor([start] * len(here))
            given = {"input_ids": ids, "attention_mask": mask, "decoder_input_ids": begin}
            made = generated(trained, given, options, most=room, start=start[0])
            for row, one in zip(here.tolist(), made, strict=True):
                found[row] = trained.tokenizer.decode(one).strip()
    return found


def _by_prompt(
    trained: TrainedModel,
    pairs: Texts,
    table: pa.Table,
    texts: Mapping[str, Sequence[str]],
    shots: Texts | None,
    options: EvaluateOptions,
) -> list[str]:
    prompter = Prompter(trained, options.template or TEMPLATE, "tgt", options.line_ends or "text")
    rows = _batch(table, texts)
    before = prompter.before(rows, pairs.given)
    parts = [trained.vocabulary.around[0], before]
    if shots is not None and options.shots:
        given = {name: _texts(trained, shots.table.column(name).combine_chunks()) for name in ("src", "tgt")}
        made = join([prompter.ids(_batch(shots.table, given), shots.given), prompter.between])[0]
        drawn = draw_shots(
            rows.column("src"),
            _ways(table),
            pa.array(given["src"]),
            _ways(shots.table),
            options.shots,
            options.seed,
            shots.given,
        )
        parts[1:1] = [made.take(pa.array(one)) for one in drawn.T]
    written = generate(trained, join(parts)[0].to_pylist(), options)
    return [trained.tokenizer.decode(one).partition("\n")[0].strip() for one in written]


def _ways(table: pa.Table) -> list[str]:
    return pc.binary_join_element_wise(table.column("src_lang"), table.column("tgt_lang"), " - ").to_pylist()


def _texts(trained: TrainedModel, column: pa.Array) -> list[str]:
    """Of a view's ids, their text without special ids."""
    if not pa.types.is_list(column.type):
        return column.to_pylist()
    return [
        trained.tokenizer.decode([one for one in ids if one not in trained.named]).strip() for ids in column.to_pylist()
    ]


def _batch(table: pa.Table, texts: Mapping[str, Sequence[str]]) -> pa.RecordBatch:
    columns = {name: texts[name] if name in texts else table.column(name).to_pylist() for name in PAIR}
    return pa.RecordBatch.from_pydict({name: pa.array(one, pa.string()) for name, one in columns.items()})


def _lists(ids: np.ndarray, offsets: np.ndarray) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(ids[: offsets[-1]].astype(np.int32)))
