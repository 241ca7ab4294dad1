"""A model behind an OpenAI-compatible server: vLLM, llama.cpp, `transformers serve`, hosted ones."""

from __future__ import annotations

import ipaddress
import json
import os
from urllib.parse import urlsplit

from xlcorpus.errors import UserError
from xlcorpus.mine.backend import Backend, Model
from xlcorpus.mine.options import AskOptions

HOSTED = "https://api.openai.com/v1"


def _identity(model: str, options: AskOptions) -> str:
    said = {"backend": "openai", "model": model, "revision": options.llm_revision, "chat": options.chat}
    return json.dumps(said, sort_keys=True)


def _open(model: str, options: AskOptions) -> Model:
    try:
        import openai  # noqa: F401

        from xlcorpus.mine.served import Served
    except ImportError as error:
        raise UserError(
            f"--llm openai needs the library openai: {error}", remedy="pip install 'xlcorpus[mine]'"
        ) from error
    url = options.llm_url or HOSTED
    host = urlsplit(url).hostname
    if host is None:
        raise UserError(f"--llm-url {url!r} is no address", remedy="write it as http://127.0.0.1:8000/v1")
    near = _is_this_machine(host)
    key = os.environ.get(options.llm_key, "")
    if not key and not near:
        raise UserError(
            f"the server {host} needs a key, and the environment variable {options.llm_key} is not set",
            remedy=f"export {options.llm_key}=..., or name another variable with --llm-key",
        )
    return Served(_identity(model, options), model, url, options, key, near)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


BACKEND = Backend("openai", "a model behind an OpenAI-compatible server, --llm-url", _identity, _open)
