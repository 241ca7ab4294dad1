"""A causal language model of transformers in this process: a folder, FILE.gguf, or a hub name that is in the cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from xlcorpus.dataset import storage
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.mine.backend import Backend, Model
from xlcorpus.mine.model_files import fingerprint_of_model
from xlcorpus.mine.options import AskOptions

if TYPE_CHECKING:
    from xlcorpus.templates.chat import ChatTemplate
    from xlcorpus.tokenizer.tokenizer import Tokenizer


def _place(model: str, revision: str) -> Location:
    """The folder or file; nothing is downloaded."""
    given = storage.locate(model)
    if storage.exists(given):
        return given
    from huggingface_hub import snapshot_download

    try:
        return storage.locate(snapshot_download(model, revision=revision or None, local_files_only=True))
    except Exception as error:  # of the name, or it is not in the cache
        raise UserError(
            f"--llm transformers:{model} is no folder, no file, and no model in the cache of huggingface.co",
            remedy=f"check the path, or download the model first: hf download {model}",
        ) from error


def _identity(model: str, options: AskOptions) -> str:
    place = _place(model, options.llm_revision)
    said = {"backend": "transformers", "model": fingerprint_of_model(place), "chat": options.chat}
    return json.dumps(said, sort_keys=True)


def _open(model: str, options: AskOptions) -> Model:
    try:
        from xlcorpus.evaluate.models import open_model
        from xlcorpus.initialize.architecture import CAUSAL
        from xlcorpus.mine.causal import CausalModel
    except ImportError as error:
        raise UserError(
            f"--llm transformers needs torch and transformers: {error}", remedy="pip install 'xlcorpus[mine]'"
        ) from error
    place = _place(model, options.llm_revision)
    trained = open_model(str(place))
    trained.require(CAUSAL, what="--llm transformers")
    trained.model.set_attn_implementation("eager")  # sdpa's sums differ in the last bit by the place in the batch
    chat = _chat(place, trained.tokenizer) if options.chat else None
    return CausalModel(_identity(model, options), trained, chat, options.llm_batch)


def _chat(place: Location, tokenizer: Tokenizer) -> ChatTemplate:
    from xlcorpus.templates.chat import ChatTemplate, chat_template_of

    if storage.is_folder(place):
        return chat_template_of(str(place), prompts=True)
    import gguf

    field = gguf.GGUFReader(str(place)).get_field("tokenizer.chat_template")
    if field is None:
        raise UserError(f"{place} has no chat template", remedy="leave out --chat, or name a model that has one")
    return ChatTemplate(field.contents(), tokenizer, {}, prompts=True)


BACKEND = Backend(
    "transformers", "a causal model in process: folder, FILE.gguf, hub name in the cache", _identity, _open
)
