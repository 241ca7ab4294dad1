"""What training begins with: a model whose token matrices fit the tokenizer of the shards, and that tokenizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.initialize.architecture import BODY, SEQ2SEQ
from xlcorpus.initialize.counted import Counted, Rows
from xlcorpus.initialize.encoder_decoder import add_decoder
from xlcorpus.initialize.load import Loaded, download, load_model
from xlcorpus.initialize.options import StartOptions
from xlcorpus.initialize.shapes import random_model
from xlcorpus.initialize.tokenizer_files import copy_tokenizer, open_in_transformers
from xlcorpus.initialize.vocabulary import check_goes_on, fit_vocabulary, sizes, token_matrices
from xlcorpus.objectives.attention import check_length
from xlcorpus.tokenizer.cuts import cuts
from xlcorpus.tokenizer.extended_rows import ExtendedRows
from xlcorpus.tokenizer.open import open_tokenizer
from xlcorpus.tokenizer.tokenizer import Tokenizer

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
    if old is not None:
        check_goes_on(old, tokenizer)
    else:
        notes.append("no tokenizer lies beside the model, so its pieces were not compared with the shards'")
    if loaded.unused:
        notes.append(f"not taken from the checkpoint: {len(loaded.unused):,} weights, such as {loaded.unused[0]}")
    written = _written(given, tokenizer)
    known = old.vocab_size if old is not None else written.base.vocab_size if written is not None else None
    fit = sizes(model, known, tokenizer.vocab_size, options.vocabulary_multiple)
    pieces: Sequence[Sequence[int]] | None = None
    if options.new_rows == "mean-of-pieces" and fit.new > fit.old:
        if written is not None and written.base.vocab_size == fit.old:
            pieces = [row.sources or row.cut for row in written.rows]
        elif old is not None:  # as of a tokenizer that was extended twice, and the model never
            pieces = cuts(old, tokenizer)
    matrices = fit_vocabulary(model, fit, options.new_rows, pieces, seed)
    counted = Counted(source, model.num_parameters(), matrices, fresh=loaded.fresh, notes=tuple(notes))
    return replace(counted, new_rows=options.new_rows) if fit.new > fit.old else counted


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
