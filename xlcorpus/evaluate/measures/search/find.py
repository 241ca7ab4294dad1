"""Search by a model: a vector a text, of a layer, or, of a model of colbert, a vector a token."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from safetensors.torch import load_file

from xlcorpus.dataset import storage
from xlcorpus.errors import UserError
from xlcorpus.evaluate.batches import longest_first
from xlcorpus.evaluate.measures.retrieval.nearest import unit
from xlcorpus.evaluate.measures.search.collection import Collection, Side
from xlcorpus.evaluate.measures.search.ranking import reciprocal_rank, search
from xlcorpus.evaluate.models import TrainedModel
from xlcorpus.evaluate.options import EvaluateOptions
from xlcorpus.evaluate.standard_error import of_mean
from xlcorpus.evaluate.vectors import encode, lang_ids, layers_of, vectors
from xlcorpus.objectives.late import LateOptions, Writing, Written, adapters_of, max_sim, token_vectors
from xlcorpus.objectives.own_weights import FOLDER
from xlcorpus.pack.packs import sizes_of

TOKENS, ALL = "tokens", "all"  # in the place of a layer; of a language
_COLBERT = "colbert"
_BLOCK = 16  # queries that are compared with _DOCUMENTS documents at a time: 64 MB at 32 and 256 tokens
_DOCUMENTS = 128


def find_documents(
    trained: TrainedModel, given: Collection, options: EvaluateOptions, say: Callable[[str], None] = print
) -> list[dict[str, Any]]:
    """A row for each layer (or `tokens`) and language of the queries, and of all: lang, layer, queries, documents, the
    means of what `search` gives, error (standard error of mrr_10 over queries) and chance (mrr_10 of any order).

    A model with the projection of colbert compares tokens unless layers are asked for. Raises UserError where there are
    less than two documents.
    """
    documents = len(given.documents.texts)
    if documents < 2:
        raise UserError(f"{given.given} has one document: there is nothing to choose from", remedy="give more rows")
    given = given.some(options.queries)
    weights = storage.locate(trained.path) / FOLDER / f"{_COLBERT}.safetensors"
    blocks: dict[str, Iterator[np.ndarray]] = {}
    if options.layers is None and storage.is_file(weights):
        blocks[TOKENS] = _by_tokens(trained, given, weights, options)
    else:
        blocks = _by_layer(trained, given, options, say)
    wanted = np.bincount(given.relevant[:, 0])
    chance = reciprocal_rank(np.zeros_like(wanted), np.full_like(wanted, documents), wanted, 10)
    langs = np.array(given.queries.langs, dtype=object)
    found: list[dict[str, Any]] = []
    for layer, scores in blocks.items():
        of_queries = {**search(scores, given.relevant), "chance": chance}
        for lang in [*sorted(set(given.queries.langs)), ALL]:
            here = np.ones(len(langs), dtype=bool) if lang == ALL else langs == lang
            count = int(here.sum())
            means = {name: float(values[here].mean()) for name, values in of_queries.items()}
            row: dict[str, Any] = {"lang": lang, "layer": layer, "queries": count, "documents": documents}
            found.append({**row, **means, "error": of_mean(of_queries["mrr_10"][here])})
    return found


def _by_layer(
    trained: TrainedModel, given: Collection, options: EvaluateOptions, say: Callable[[str], None]
) -> dict[str, Iterator[np.ndarray]]:
    layers, made = layers_of(trained, options.layers), []
    for side in (given.queries, given.documents):
        sentences = encode(trained, side.texts, options.sentence_tokens)
        if sentences.cut:
            say(f"{given.given}: {sentences.cut:,} texts were cut to the {options.sentence_tokens} tokens that fit")
        made.append(vectors(trained, sentences, layers, options.pooling, options.batch, side.langs))

    def scores(layer: int) -> Iterator[np.ndarray]:
        queries, documents = (unit(one[layer]) if options.similarity == "cosine" else one[layer] for one in made)
        for start in range(0, len(queries), 8 * _BLOCK):
            yield queries[start : start + 8 * _BLOCK] @ documents.T

    return {str(layer): scores(layer) for layer in layers}


@torch.no_grad()
def _by_tokens(
    trained: TrainedModel, given: Collection, weights: storage.Location, options: EvaluateOptions
) -> Iterator[np.ndarray]:
    with storage.local_copy(weights) as path:
        matrix = load_file(path)["weight"]
    projection = torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False)
    projection.load_state_dict({"weight": matrix})
    vocabulary = replace(trained.vocabulary, punctuation=trained.tokenizer.punctuation)
    late = LateOptions(**storage.read_json(weights.with_suffix(".json")))
    length = min(options.sentence_tokens, trained.length or options.sentence_tokens)
    writing = Writing(late, vocabulary, length)
    queries, _ = _tokens(trained, given.queries, projection, writing.queries, options.batch)
    documents, compared = _tokens(trained, given.documents, projection, writing.documents, options.batch)
    for start in range(0, len(queries), _BLOCK):
        asked = torch.stack(queries[start : start + _BLOCK])
        parts = []
        for first in range(0, len(documents), _DOCUMENTS):
            here = slice(first, first + _DOCUMENTS)
            padded = [torch.nn.utils.rnn.pad_sequence(one[here], batch_first=True) for one in (documents, compared)]
            parts.append(max_sim(asked, *padded))
        scores = torch.cat(parts, dim=1).numpy()
        trained.check_finite(scores, "vectors")
        yield scores


def _tokens(
    trained: TrainedModel, side: Side, projection: Any, write: Callable[[pa.Array], Written], batch: int
) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Of each text float32[tokens, d] and bool[tokens], whose vectors are compared; on the CPU."""
    model, device = trained.model, trained.device
    projection = projection.to(device)
    lists = trained.ids_of(side.texts)
    adapters = adapters_of(model.config, side.langs)
    made: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
    for rows in longest_first(sizes_of(lists), batch):
        written = write(lists.take(pa.array(rows)))
        attended = torch.from_numpy(written.attended).long().to(device)
        ids = torch.from_numpy(written.ids).to(device)
        states = model.base_model(input_ids=ids, attention_mask=attended, **lang_ids(adapters, rows, device))[0]
        found = token_vectors(states, projection).cpu()
        for place, row in enumerate(rows.tolist()):
            size = int(written.attended[place].sum())
            made[row] = found[place, :size].clone(), torch.from_numpy(written.compared[place, :size].copy())
    both = [made[row] for row in range(len(lists))]
    return [one for one, _ in both], [other for _, other in both]
