"""Models with weights: a folder, a GGUF file, or a hub name, as plain float32 models that can be saved."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
import transformers
from transformers import modeling_gguf_pytorch_utils

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location, locate
from xlcorpus.errors import UserError, first_line
from xlcorpus.initialize import encoder_decoder  # noqa: F401  # makes its model type known
from xlcorpus.initialize.architecture import architecture_of, auto_class, check_architecture, check_labels
from xlcorpus.tokenizer.open import open_tokenizer, tokenizer_in
from xlcorpus.tokenizer.tokenizer import Tokenizer

Say = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """A model in float32 on the CPU; the tokenizer that lies beside it, None where there is none; the parameters that
    its checkpoint lacks, which were drawn; those that the checkpoint has and the model does not take; its folder."""

    model: Any
    tokenizer: Tokenizer | None
    fresh: tuple[str, ...]
    unused: tuple[str, ...]
    folder: Location


def load_model(
    given: str,
    architecture: str | None,
    seed: int,
    named: str = "start: model:",
    settings: Mapping[str, Any] | None = None,
) -> Loaded:
    """Open a folder that save_pretrained wrote, or FILE.gguf. architecture: None, what it was saved as; seed: of a head
    that the checkpoint lacks; named: what errors call it; settings: of its config, in the place of its own.

    Nothing is downloaded and no code of the folder is run. Raises UserError where it is no model, damaged, or of
    another architecture.
    """
    place = locate(given)
    gguf = storage.is_file(place) and place.suffix == ".gguf"
    if not gguf and not storage.is_file(place / "config.json"):
        what = "has no config.json" if storage.is_folder(place) else "is no folder"
        raise UserError(
            f"{named} {place} {what}",
            remedy="name a folder that save_pretrained wrote, FILE.gguf, or, to download a model, hub: org/name",
        )
    folder, more = (place.parent, {"gguf_file": place.name}) if gguf else (place, {})
    with storage.local_copy(folder) as path, _quiet():
        try:
            read = partial(transformers.AutoConfig.from_pretrained, path, local_files_only=True, **more)
            config = read(**(settings or {}))
            saved = read() if settings else config
        except Exception as error:  # of any class, by what is wrong with the file
            raise _damaged(place, error, named) from error
        architecture = architecture or architecture_of(config)
        check_architecture(architecture, config, f"{named} {place}")
        if settings:
            check_labels(saved, config, f"{named} {place}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            try:
                model, found = auto_class(architecture).from_pretrained(
                    path,
                    local_files_only=True,
                    output_loading_info=True,
                    dtype=torch.float32,  # not afterwards: Gemma's scale of embeddings would stay as 16 bits have it
                    **({"config": config} if settings else {}),
                    **more,
                )
            except Exception as error:
                raise _damaged(place, error, named) from error
        model = _plain(model) if gguf else model
        tokenizer = _of_gguf(path, place) if gguf else tokenizer_in(folder)
    missing = sorted(found["missing_keys"])
    # A head for masked tokens is saved without the pooler that one for texts reads: it is drawn, as that head is.
    body = [name for name in missing if name.startswith(f"{model.base_model_prefix}.") and ".pooler." not in name]
    if body:
        raise UserError(
            f"{named} {place} lacks {len(body):,} weights of a {config.model_type}, such as {body[0]}",
            remedy="copy the folder again; config.json and weights must be of one model",
        )
    return Loaded(model, tokenizer, tuple(missing), tuple(sorted(found["unexpected_keys"])), folder)


def download(name: str, revision: str, say: Say) -> Location:
    """The folder of a commit of a model on huggingface.co, from the cache or the network: JSON, tokenizer and
    safetensors files. Raises UserError where it cannot be had."""
    from huggingface_hub import snapshot_download

    say(f"start: {name} at commit {revision}: downloaded from huggingface.co where it is not in the cache")
    wanted = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
    try:
        folder = locate(snapshot_download(name, revision=revision, allow_patterns=wanted, ignore_patterns=["*/*"]))
    except Exception as error:  # of the network, the name, the commit, access
        raise UserError(
            f"start: hub: {name} at {revision} cannot be downloaded: {first_line(error)}",
            remedy="check name, commit and network, or download it elsewhere and give the folder as model:",
        ) from error
    if not any(one.suffix == ".safetensors" for one in storage.entries_of(folder)):
        raise UserError(
            f"start: hub: {name} at {revision} has no safetensors files; others can hold code, and are not downloaded",
            remedy="choose a commit with safetensors, or give a folder of yours as model:",
        )
    return folder


def _plain(model: Any) -> Any:
    """A model as if it had never been GGUF: transformers refuses to save one that was, though its weights are float32
    already. The new one has the same tensors, so its logits are equal bit by bit."""
    config = copy.deepcopy(model.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = type(model)(config)
    plain.load_state_dict(model.state_dict(), assign=True)
    plain.tie_weights()
    plain.generation_config = copy.deepcopy(model.generation_config)
    return plain


def _of_gguf(path: str, place: Location) -> Tokenizer | None:
    with storage.scratch_folder() as scratch:
        try:
            transformers.AutoTokenizer.from_pretrained(path, gguf_file=place.name).save_pretrained(scratch)
        except Exception:  # a GGUF file need not hold one
            return None
        return open_tokenizer(scratch)


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars, which would stand in the log of every rank; that of GGUF is tqdm's own."""
    shown, bar = transformers.utils.logging.is_progress_bar_enabled(), modeling_gguf_pytorch_utils.tqdm
    transformers.utils.logging.disable_progress_bar()
    modeling_gguf_pytorch_utils.tqdm = partial(bar, disable=True)
    try:
        yield
    finally:
        modeling_gguf_pytorch_utils.tqdm = bar
        if shown:
            transformers.utils.logging.enable_progress_bar()


def _damaged(place: Location, error: Exception, named: str) -> UserError:
    return UserError(
        f"{named} {place} cannot be loaded: {first_line(error)}",
        remedy="copy it again; a folder needs config.json and weights (model.safetensors) of one model",
    )
