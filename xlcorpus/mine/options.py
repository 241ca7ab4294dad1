"""Options of every step that asks a language model."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import field_validator

from xlcorpus.errors import UserError
from xlcorpus.options import StepOptions, option


class AskOptions(StepOptions):
    """Which model is asked, and how far. Keys are never options: `llm_key` names the environment variable of one."""

    files: ClassVar[tuple[str, ...]] = ("llm",)
    unrecorded: ClassVar[tuple[str, ...]] = (
        "llm_url", "llm_key", "concurrency", "timeout", "retries", "per_minute", "most_tokens", "price", "calls",
    )  # fmt: skip

    llm: str = option(description="BACKEND:MODEL: transformers:FOLDER, openai:NAME, scripted:FILE")
    chat: bool = option(False, description="the prompt is a turn of a user, by the model's chat template")
    llm_url: str | None = option(None, description="address of an OpenAI-compatible server: http://127.0.0.1:8000/v1")
    llm_key: str = option("OPENAI_API_KEY", description="environment variable that holds the server's key")
    llm_revision: str = option("", description="what tells versions of a served model apart, for the cache")
    llm_length: int | None = option(None, ge=1, description="most tokens of prompt and answer that a server reads")
    concurrency: int = option(8, ge=1, description="requests to a server at once")
    timeout: float = option(120.0, gt=0, description="seconds that a request may take")
    retries: int = option(5, ge=0, description="times that a failed request is sent again")
    per_minute: int | None = option(None, ge=1, description="most requests a minute")
    most_tokens: int | None = option(None, ge=1, description="tokens that a run may use; it stops before more")
    price: str | None = option(None, description="of a million tokens, in and out: 0.15/0.60; --plan shows the sum")
    llm_batch: int = option(16, ge=8, multiple_of=8, description="prompts that a model in process is asked at once")
    calls: str | None = option(None, description="folder of answers of earlier runs, read and added to")

    @field_validator("price")
    @classmethod
    def _two_prices(cls, given: str | None) -> str | None:
        if given is not None and not re.fullmatch(r"\d+(\.\d+)?/\d+(\.\d+)?", given):
            raise UserError(f"--price {given!r} is no price", remedy="write it of tokens in and out: 0.15/0.60")
        return given

    @property
    def prices(self) -> tuple[float, float] | None:
        """Of a million tokens in, and out."""
        if self.price is None:
            return None
        into, out = map(float, self.price.split("/"))
        return into, out
