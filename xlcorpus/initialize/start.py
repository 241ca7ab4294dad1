"""What training begins with: a model whose token matrices fit the tokenizer of the shards, and that tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.initialize.architecture import BODY, SEQ2SEQ
from xlcorpus.initialize.counted import Counted, Rows
from xlcorpus.initialize.encoder_decoder import add_decoder
from xlcorpus.initialize.factored import factor, said, take_up_factors, takes_factors
from xlcorpus.initialize.initialization import Asked, NewRows
from xlcorpus.initialize.layers import take_layers
from xlcorpus.initialize.load import Loaded, download, load_model
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.overlap import equal_pieces, text_pieces
from xlcorpus.initialize.shapes import check_positions, random_model, take_special_ids
from xlcorpus.initialize.tokenizer_files import copy_tokenizer, open_in_transformers
from xlcorpus.initialize.vocabulary import Fit, check_goes_on, fit_vocabulary, sizes, token_matrices
from xlcorpus.objectives.attention import check_length
from xlcorpus.tokenizer.cuts import cut_texts, cuts
from xlcorpus.tokenizer.extended_rows import ExtendedRows
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import NORMAL, Tokenizer

__all__ = ["StartOptions", "Started", "copy_tokenizer", "start"]


class Started(NamedTuple):
    """A model (float32, on the CPU), transformers' tokenizer, and what the weights were made of."""

    model: Any
    tokenizer: Any
    counted: Counted


def start(
    options: StartOptions,
    tokenizer_path: str | Location,
    architecture: str,
    seed: int,
    *,
    length: int | None = None,
    settings: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = print,
) -> Started:
    """The model to train. The same options, tokenizer and seed give the same weights.

    architecture: the auto class that the objective needs; length: tokens of the rows to read; settings: of the
    config, that the rows ask for; say: told before
    anything is downloaded. Raises UserError for a model of another architecture or another tokenizer, with fewer rows
    than the tokenizer has ids and no `new_rows`, or for shorter texts than the rows.
    """
    tokenizer = open_tokenizer(tokenizer_path)
    if options.shape is not None:
        model = random_model(options, tokenizer, architecture, seed, length, settings)
        counted = _all_drawn(model, tokenizer, options.shape)
    else:
        where = options.model if options.hub is None else str(download(options.hub, str(options.revision), say))
        add = options.decoder_layers is not None
        if add and architecture != SEQ2SEQ:
            raise UserError(
                f"start: decoder_layers makes an encoder-decoder, and the objective needs one of {architecture}",
                remedy="leave it out, or train translation, restore or spans",
            )
        loaded = load_model(str(where), BODY if add else architecture, seed, settings=settings)
        if options.every > 1:
            loaded = replace(loaded, model=take_layers(loaded.model, options.every))
        model = loaded.model
        source = options.model or f"{options.hub} at {options.revision}"
        counted = _fitted(loaded, tokenizer, tokenizer_path, options, seed, str(source))
        if add:
            model = add_decoder(model, options, tokenizer, seed)
            counted = replace(
                counted,
                parameters=model.num_parameters(),
                fresh=tuple(name for name in counted.fresh if not name.startswith("pooler.")),
                notes=(*counted.notes, f"{options.decoder_layers} layers of a decoder were drawn"),
            )
    check_length(model, length, counted.source)
    _train_pad_that_is_eos(model)
    with storage.scratch_folder() as scratch:
        copy_tokenizer(tokenizer, tokenizer_path, scratch)
        theirs = open_in_transformers(scratch)
    model.train()
    return Started(model, theirs, counted)


def _fitted(
    loaded: Loaded, tokenizer: Tokenizer, given: str | Location, options: StartOptions, seed: int, source: str
) -> Counted:
    model, notes = loaded.model, []
    old = open_tokenizer(options.old_tokenizer) if options.old_tokenizer is not None else loaded.tokenizer
    replaced = options.vocabulary == "replaced"
    if old is None:
        if replaced:
            raise UserError(
                "vocabulary: replaced needs the model's own tokenizer, and none lies beside it",
                remedy="start: old_tokenizer: FOLDER of the model's tokenizer",
            )
        notes.append("no tokenizer lies beside the model, so its pieces were not compared with the shards'")
    elif not replaced:
        check_goes_on(old, tokenizer)
    if loaded.unused:
        notes.append(f"not taken from the checkpoint: {len(loaded.unused):,} weights, such as {loaded.unused[0]}")
    written = _written(given, tokenizer)
    known = old.vocab_size if old is not None else written.base.vocab_size if written is not None else None
    fit = sizes(model, known, tokenizer.vocab_size, options.vocabulary_multiple, replaced=replaced)
    if replaced:
        assert old is not None
        check_positions(model, tokenizer)
        same = equal_pieces(old, tokenizer)
    else:
        same = np.concatenate([np.arange(fit.old), np.full(max(fit.new - fit.old, 0), -1)])
    way = options.initialization()
    if way is not None and not way[0].copies(way[1]):
        if not replaced:
            raise UserError(
                f"new_rows: {way[0].name}: rows of old pieces stay where a tokenizer goes on, and are not made anew",
                remedy="leave out copy_equal: false, or write start: vocabulary: replaced",
            )
        same[text_pieces(tokenizer)] = -1
    if way is not None and not (same < 0).any():
        notes.append(f"no piece is new, so no row is made by {way[0].name}")
    make = None
    if way is not None:
        deviation = float(getattr(model.config.get_text_config(), "initializer_range", 0.02))
        cut = partial(_cuts, old, tokenizer, written, fit, same)

        def make(matrices: Mapping[str, torch.Tensor]) -> NewRows:
            return way[0].make(Asked(matrices, same, old, tokenizer, deviation, seed, cut), way[1])

    matrices, made = fit_vocabulary(model, fit, same, make, seed)
    if replaced:
        take_special_ids(model, tokenizer)
    factored = _factored(model, made, loaded.folder, plain=options.decoder_layers is None)
    if factored is not None:
        notes.append(factored)
    if replaced:
        notes.append(f"another tokenizer: {int((same >= 0).sum()):,} of {len(same):,} pieces are the model's own")
    counted = Counted(source, model.num_parameters(), matrices, fresh=loaded.fresh, notes=(*notes, *made.notes))
    return replace(counted, new_rows=options.new_rows) if (same < 0).any() else counted


def _factored(model: Any, made: NewRows, folder: Location, *, plain: bool) -> str | None:
    """Put factors in the place of the token matrices, where new rows or the model's own folder have such; what was
    done."""
    pairs = {}
    for name, rows in made.matrices.items():
        if rows.factors is not None:
            coordinates, primitives = rows.factors
            padding = len(token_matrices(model)[name]) - len(coordinates)
            pairs["output" if name == "output tokens" else "input"] = (
                torch.cat([coordinates, coordinates.mean(dim=0).expand(padding, -1)]),
                primitives,
            )
    if not pairs and not plain:
        return None
    if not pairs:
        return take_up_factors(model, folder) if not made.matrices else None
    if not plain or not takes_factors(model):
        return f"the product of the factors is trained, as the tables of a {model.config.model_type} are not plain"
    factor(model, pairs)
    return said(pairs)


def _cuts(
    old: Tokenizer | None, new: Tokenizer, written: ExtendedRows | None, fit: Fit, same: np.ndarray
) -> list[tuple[int, ...]] | None:
    """Of each id without a row the old ids that its piece is cut into; None where that cannot be known."""
    goes_on = np.array_equal(same[: fit.old], np.arange(fit.old))
    if written is not None and written.base.vocab_size == fit.old and goes_on:
        return [row.sources or row.cut for row in written.rows]
    if old is None:
        return None
    wanted = np.flatnonzero(same < 0)
    if len(wanted) and wanted[0] == old.vocab_size == (same >= 0).sum():  # as of a tokenizer that was extended twice
        return cuts(old, new)
    texts, kinds = new.piece_texts(), new.piece_kinds
    plain = [(texts[at] or "") if kinds[at] == NORMAL else "" for at in wanted.tolist()]
    return cut_texts(old, plain)


def _written(given: str | Location, tokenizer: Tokenizer) -> ExtendedRows | None:
    """What `tokenizer extend` wrote of the new rows, where it is of this very tokenizer."""
    found = ExtendedRows.load(storage.locate(given))
    return found if found is not None and found.extended.fingerprint == tokenizer.fingerprint else None


def _all_drawn(model: Any, tokenizer: Tokenizer, shape: str) -> Counted:
    size = tokenizer.vocab_size
    drawn = {name: Rows(drawn=size, padding=len(one) - size) for name, one in token_matrices(model).items()}
    return Counted(f"random {shape} (seeded)", model.num_parameters(), drawn)


def _train_pad_that_is_eos(model: Any) -> None:
    """torch gives the row of `padding_idx` no gradient as an input; where that is eos (SmolLM2), it is to have one."""
    config, tokens = model.config, model.get_input_embeddings()
    ends = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id, config.bos_token_id]
    if getattr(tokens, "padding_idx", None) is not None and tokens.padding_idx in ends:
        tokens.padding_idx = None
