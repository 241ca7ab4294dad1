"""The chat template that a tokenizer brings along, filled as transformers' `apply_chat_template` does.

What the template itself writes and the tokenizer knows as a special token (`<|im_start|>`) is one; the same letters in
a message are text. Source: transformers 5, `PreTrainedTokenizerBase.apply_chat_template`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
from jinja2 import TemplateError, TemplateSyntaxError, nodes

from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import column_or_null
from xlcorpus.dataset.storage import Location
from xlcorpus.errors import UserError
from xlcorpus.templates.rendered import Pieced, Rendered
from xlcorpus.templates.sandbox import Sandbox
from xlcorpus.templates.specials import TOKEN, Special, control_names
from xlcorpus.templates.template import Names, Template, parse, rendered_rows, rows_of_columns
from xlcorpus.templates.traced import Traced, traced
from xlcorpus.templates.turns import COLUMNS, read_json, turns, without_nulls
from xlcorpus.tokenizer.open import open_once
from xlcorpus.tokenizer.template import settings_beside
from xlcorpus.tokenizer.tokenizer import ROLES, Tokenizer

CHAT = "chat"  # what a user gives as --template
TOOLS = "tools"  # the column of what a model may call, as lists of structs or JSON text
FILE = "chat_template.jinja"
_REMEDY = "give a template of your own, --template '{{ ... }}', or a tokenizer folder with a chat template"


class ChatTemplate:
    """As `Template`, of the turns of each row (`COLUMNS`)."""

    all_columns = False
    by_arrow = False
    names_specials = True
    names_languages = False

    def __init__(self, source: str, tokenizer: Tokenizer, settings: dict[str, Any], *, prompts: bool = False) -> None:
        """prompts: what begins the next turn of the assistant stands at the end."""
        self.source, self._prompts = source, prompts
        self._sandbox = Sandbox(tells_own_text=True, strict=False, keep_trailing_newline=False)
        try:
            tree = self._sandbox.parse(source)
            calls = tree.find_all(nodes.CallBlock)
            self.trains = any(isinstance(one.call.node, nodes.ExtensionAttribute) for one in calls)
            self._compiled = self._sandbox.compiled(tree)
        except TemplateSyntaxError as error:
            raise UserError(
                f"the chat template of {tokenizer.path}, line {error.lineno}: {error.message}", remedy=_REMEDY
            ) from None
        self.columns = COLUMNS
        names = sorted(control_names(tokenizer), key=len, reverse=True)  # the longest that fits is meant
        self.specials = tuple(Special(TOKEN, name) for name in names)
        self._numbers = {name: number for number, name in enumerate(names)}
        self._own = re.compile("|".join(map(re.escape, names)) or "(?!)")
        self._roles = {name: self._sandbox.own(value) for name, value in role_names(settings, tokenizer).items()}

    def wanted(self, names: Iterable[str]) -> list[str]:
        """See Template."""
        return columns_of_chat(names)

    def check(self, schema: pa.Schema, where: str) -> None:
        """See Template."""
        if not self.wanted(schema.names):
            raise UserError(
                f"{where} has none of the columns {', '.join(COLUMNS)}, which --template {CHAT} is filled with",
                remedy="ingest rows of turns with --text-column messages, or write a template of your columns",
            )

    def fits(self, batch: pa.RecordBatch) -> np.ndarray:
        """See Template."""
        name, *_ = self.wanted(batch.schema.names)
        return np.asarray(column_or_null(batch, name, pa.null()).is_valid())

    def render(self, batch: pa.RecordBatch) -> Rendered:
        """See Template."""
        found = rendered_rows(self, batch)
        return Rendered(found.pieces, self.specials, found.failed)

    def values(self, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        """See Template."""
        name, *more = self.wanted(batch.schema.names)
        rows = rows_of_columns(batch, [name, *more])
        return [{"messages": row[name], "tools": row.get(TOOLS) or None} for row in rows]

    def filled(self, values: dict[str, Any], names: Names) -> Traced:
        """See Template."""
        messages, tools = traced(turns(values["messages"])), values["tools"]
        if not messages:
            raise TemplateError("a conversation without a turn")
        tools = read_json(tools) if isinstance(tools, str) else traced(without_nulls(tools))
        given = {"messages": messages, "tools": tools, "documents": None}
        given["add_generation_prompt"] = self._prompts
        self._sandbox.begin_row()
        return Traced.joined(self._compiled.root_render_func(self._compiled.new_context(self._roles | given)))

    def pieced(self) -> Pieced:
        """See Template."""
        return Pieced(self._own, self._numbers)


def columns_of_chat(names: Iterable[str]) -> list[str]:
    """Of these columns the first that turns are found in, and that of tools; none where there is none of turns."""
    there = set(names)
    found = [name for name in COLUMNS if name in there][:1]
    return [*found, TOOLS] if found and TOOLS in there else found


def role_names(settings: dict[str, Any], tokenizer: Tokenizer) -> dict[str, str]:
    """`bos_token`, `eos_token` and so on by the settings beside a tokenizer, or as the tokenizer has them."""
    found: dict[str, str] = {}
    by_id = {number: name for name, number in tokenizer.names.items()}
    for role in ROLES:
        entry = settings.get(f"{role}_token")
        content = entry.get("content") if isinstance(entry, dict) else entry
        number = tokenizer.special_ids()[role]
        if not isinstance(content, str) and number is not None:
            content = by_id.get(number)
        if isinstance(content, str):
            found[f"{role}_token"] = content
    return found


@functools.lru_cache(maxsize=4)
def chat_template_of(path: str, *, prompts: bool = False) -> ChatTemplate:
    """The one that the folder of a tokenizer has; raises UserError where there is none. prompts: see ChatTemplate."""
    tokenizer = open_once(path)
    given = storage.locate(path)
    file = given if storage.is_file(given) else given / "tokenizer.json"
    settings = settings_beside(file)
    source = _source(file, settings)
    if source is None:
        raise UserError(f"the tokenizer {path} has no chat template ({FILE}, or in its settings)", remedy=_REMEDY)
    return ChatTemplate(source, tokenizer, settings, prompts=prompts)


def _source(file: Location, settings: dict[str, Any]) -> str | None:
    beside = file.parent / FILE
    if storage.is_file(beside):
        return storage.read_text(beside)
    found = settings.get("chat_template")
    if isinstance(found, list):  # several by name
        found = next((one.get("template") for one in found if one.get("name") == "default"), None)
    return found if isinstance(found, str) else None


def open_template(given: str, tokenizer: str) -> Template | ChatTemplate:
    """A template as options have it (`read_source`): the tokenizer's own by the word chat. Raises UserError."""
    return chat_template_of(tokenizer) if given == CHAT else parse(given)
