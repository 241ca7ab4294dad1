"""Turns of a conversation in one form, `role` and `content`, whichever of the usual ones they come in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from jinja2 import TemplateError

from xlcorpus.templates.traced import traced

COLUMNS = ("messages", "conversations", "conversation")  # where turns are found, the first that there is
_CONTENTS = ("content", "value")
# ShareGPT's and LLaVA's `from` and `value`, as transformers' and TRL's `role` and `content`.
_ROLES = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "bing": "assistant", "bard": "assistant"}


def turns(conversation: Any) -> list[dict[str, Any]]:
    """Turns with `role` and `content` (of `from` and `value`: human is user, gpt is assistant), without nulls; of JSON
    text too, which turns with differing fields are ingested as."""
    if isinstance(conversation, str):
        conversation = read_json(conversation)
    if not isinstance(conversation, list) or not all(isinstance(turn, Mapping) for turn in conversation):
        raise TemplateError("a conversation is a list of turns with role and content, or from and value")
    try:
        return [_turn(turn) for turn in conversation]
    except RecursionError:
        raise TemplateError("turns that are nested too deep") from None


def _turn(turn: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: without_nulls(value) for name, value in turn.items() if value is not None}
    if "role" not in given and "from" in given:
        sender = given.pop("from")
        given["role"] = _ROLES.get(sender, sender)
    if "content" not in given and "value" in given:
        given["content"] = given.pop("value")
    return given


def without_nulls(value: Any) -> Any:
    """A value without the fields of its structs that are null, which Arrow puts in where rows differ."""
    if isinstance(value, dict):
        return {name: without_nulls(one) for name, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


def read_json(text: str) -> Any:
    """What a JSON text says, its strings traced as the data that they are; raises TemplateError."""
    try:
        return traced(json.loads(text))
    except ValueError as error:
        raise TemplateError(f"not valid JSON: {error}") from None
    except RecursionError:
        raise TemplateError("JSON that is nested too deep") from None


def is_turns(kind: pa.DataType) -> bool:
    """Whether a column of this type holds turns: lists of structs with `content`, or with `value`."""
    return bool(
        (pa.types.is_list(kind) or pa.types.is_large_list(kind))
        and pa.types.is_struct(kind.value_type)
        and any(kind.value_type.get_field_index(name) >= 0 for name in _CONTENTS)
    )


def are_turns(value: Any) -> bool:
    """Whether a value is a list of turns."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(turn, Mapping) and any(name in turn for name in _CONTENTS) for turn in value)
    )


def text_of_turns(value: Any) -> str:
    """What is said in the turns, a line after the other; of content in parts those of text."""
    return "\n".join(filter(None, (_said(turn.get("content")) for turn in turns(value))))


def _said(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part["text"] for part in content if isinstance(part, Mapping) and _is_text(part.get("text")))
    return content if isinstance(content, str) else ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def texts_of_turns(column: pa.Array) -> pa.Array:
    """string[rows]: `text_of_turns` of a column that `is_turns`; null where it is null."""
    texts = [None if value is None else text_of_turns(value) for value in column.to_pylist()]
    return pa.array(texts, pa.string())
