"""A template, read once, and filled with the columns of rows.

Two ways of writing: the short one, `{src}\\n{tgt}`, fields and literals alone; and Jinja, told by `{{`, `{%` or `{#`.
"""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jinja2 import TemplateError, TemplateSyntaxError, meta, nodes

from xlcorpus.dataset import storage
from xlcorpus.dataset.columns import column_or_null, require_column
from xlcorpus.errors import UserError, first_line, nearest
from xlcorpus.templates import plan
from xlcorpus.templates.rendered import FAILED, Failure, Pieced, Rendered
from xlcorpus.templates.sandbox import MOST_STEPS, NeverEnds, Sandbox, TooLong
from xlcorpus.templates.specials import CONVENTIONS, LANGUAGE, LIMIT, ROLE, ROLES, TOKEN, Special
from xlcorpus.templates.traced import MARK, SPECIAL, SpecialInText, Traced, code, traced
from xlcorpus.templates.turns import read_json, turns

_FILES = (".jinja", ".jinja2", ".j2")
_JINJA = ("{{", "{%", "{#")
_SHORT_FIELD = re.compile(r"\{(\w+)\}")
_LIMITS = ("first_tokens", "last_tokens")
_NAMES = (*ROLES, "special", "lang_token", *_LIMITS, "row")  # ours, before a column of the name
_LABELS = frozenset({"doc_id", "pair_id", "lang", "src_lang", "tgt_lang", "script", "kind", "source", "origin"})
_HINT = "write for example '[{src_lang}]: {src}\\n[{tgt_lang}]: {tgt}', or in Jinja '{{ bos }}{{ src }}{{ eos }}'"


class Template:
    """What a row becomes: texts, special tokens, and which of it is trained on.

    source: as the user wrote it; columns: those that it uses (all_columns: and maybe all others); specials: the special
    tokens that it names, but for those of languages (names_languages: whether there are such); trains: whether it marks
    what is trained on.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.all_columns = False
        self.short_fields: list[str] = []
        ours = {"lines_to": _lines_to, "turns": turns, "fromjson": read_json}
        self._sandbox = Sandbox(tells_own_text=False, strict=True, keep_trailing_newline=True, more=ours)
        try:
            if any(mark in source for mark in _JINJA):
                self._read_jinja()
            else:
                self._read_short()
        except TemplateSyntaxError as error:
            raise self._fault(error) from None
        if not self.columns and not self.all_columns:
            raise UserError(f"--template {self.source!r} uses no column: every row would be the same", remedy=_HINT)

    def _read_jinja(self) -> None:
        tree = self._sandbox.parse(self.source)
        for data in tree.find_all(nodes.TemplateData):
            data.data = data.data.replace("\\n", "\n").replace("\\t", "\t")
            self.short_fields += _SHORT_FIELD.findall(data.data)
        calls = tree.find_all(nodes.CallBlock)
        self.trains = any(isinstance(one.call.node, nodes.ExtensionAttribute) for one in calls)
        names = meta.find_undeclared_variables(tree) - self._sandbox.globals.keys()
        self.specials = self._specials(tree)
        self.columns = tuple(sorted((names - set(_NAMES)) | self._of_row(tree)))
        self._ops = plan.plan_of(tree.body, set(self.columns))
        self._compiled = self._sandbox.compiled(tree)

    def _read_short(self) -> None:
        """Read `{field}` and literals; raises UserError."""
        source = self.source.replace("\\n", "\n").replace("\\t", "\t")
        self._sandbox.parse(source)  # it is text in Jinja
        try:
            parts = list(string.Formatter().parse(source))
        except ValueError as error:
            raise UserError(f"--template {self.source!r}: {error}", remedy=_HINT) from None
        ops = []
        for literal, name, form, conversion in parts:
            ops += [plan.Op(literal)] if literal else []
            if name is None:
                continue
            # `{src!r}` and `{src:>9}` are no fields: a text goes in as it is.
            if not name.isidentifier() or form or conversion:
                shown = f"{name}{f'!{conversion}' if conversion else ''}{f':{form}' if form else ''}"
                raise UserError(f"--template {self.source!r}: there is no field {shown!r}", remedy=_HINT)
            ops.append(plan.Op(column=name))
        self.trains, self.specials, self.names_languages, self._ops = False, (), False, ops
        self.columns = tuple(sorted({op.column for op in ops if op.column is not None}))
        tree = nodes.Template([nodes.Output([_node_of(op) for op in ops], lineno=1)], lineno=1)
        tree.set_environment(self._sandbox)
        self._compiled = self._sandbox.compiled(tree)

    def _fault(self, error: TemplateSyntaxError) -> UserError:
        message = error.message or "it cannot be read"
        for what, known in (("filter", self._sandbox.filters), ("test", self._sandbox.tests)):
            if message.startswith(f"No {what} named"):
                message = f"{message} {nearest(message.split(chr(39))[1], known)}"
        return UserError(f"--template, line {error.lineno}: {message}", remedy=_HINT)

    def _specials(self, tree: nodes.Template) -> tuple[Special, ...]:
        """Those that are named; raises UserError where a name is made while rows are read."""
        found = [Special(ROLE, name) for name in ROLES if name in meta.find_undeclared_variables(tree)]
        written: dict[int, Special | None] = {}
        for call in tree.find_all(nodes.Call):
            special = plan.special_of(call)
            if special is not None:
                written[id(call.node)] = special
            if isinstance(call.node, nodes.Name) and call.node.name == "lang_token":
                written[id(call.node)] = None
                _check_convention(call)
        stored = [(one.name, one.lineno) for one in tree.find_all(nodes.Name) if one.ctx in ("store", "param")]
        for named, line in [*stored, *((one.name, one.lineno) for one in tree.find_all(nodes.Macro))]:
            if named in _NAMES:
                raise UserError(
                    f"--template, line {line}: {named!r} has a meaning of its own", remedy="take another name"
                )
        _check_limits(tree)
        for name in tree.find_all(nodes.Name):
            if name.name in ("special", "lang_token") and id(name) not in written:
                raise UserError(
                    f"--template, line {name.lineno}: {name.name} is not called as it must be",
                    remedy="write special('<2eng_Latn>') with the name itself, since no special token comes from data, "
                    "and lang_token(tgt_lang) for that of a language",
                )
        self.names_languages = None in written.values()
        return tuple(dict.fromkeys([*found, *(one for one in written.values() if one is not None)]))

    def _of_row(self, tree: nodes.Template) -> set[str]:
        """Columns by `row["name"]`."""
        found: set[str] = set()
        named = set()
        for node in tree.find_all((nodes.Getitem, nodes.Getattr)):
            assert isinstance(node, nodes.Getitem | nodes.Getattr)
            if isinstance(node.node, nodes.Name) and node.node.name == "row":
                key = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
                if isinstance(key, str):
                    found.add(key)
                    named.add(id(node.node))
        self.all_columns = any(name.name == "row" and id(name) not in named for name in tree.find_all(nodes.Name))
        return found

    @property
    def names_specials(self) -> bool:
        """Whether it says more of the tokens than its text does: special ones, or limits."""
        return bool(self.specials) or self.names_languages or any(name in self.source for name in _LIMITS)

    @property
    def least_specials(self) -> int:
        """How many special tokens every row has; 0 where that is more than fields, literals and special tokens say."""
        return sum(
            op.special is not None and (op.column is None or op.special.kind == LANGUAGE) for op in self._ops or ()
        )

    @property
    def by_arrow(self) -> bool:
        """Whether it is fields, literals and special tokens alone."""
        return self._ops is not None

    def wanted(self, names: Iterable[str]) -> list[str]:
        """Those of a dataset's columns that are needed to fill it."""
        return [name for name in names if self.all_columns or name in self.columns]

    def check(self, schema: pa.Schema, where: str) -> None:
        """Raise UserError where a column is missing, naming the nearest one, or one is written in the short way."""
        for name in self.short_fields:
            if name in schema.names:
                raise UserError(
                    f"--template: {{{name}}} is text in Jinja, and {name} is a column of {where}",
                    remedy=f"write {{{{ {name} }}}}, or for the text itself {{{{ '{{{name}}}' }}}}",
                )
        for name in self.columns:
            require_column(
                schema,
                name,
                f"{where}, which --template uses",
                remedy="give the template columns that there are; `xlcorpus inspect` shows them",
            )

    def fits(self, batch: pa.RecordBatch) -> np.ndarray:
        """bool[rows]: those in which there is something to write: of the columns, labels apart, one is not null."""
        named = [name for name in self.columns if name not in _LABELS] or self.columns
        found = np.zeros(batch.num_rows, dtype=bool)
        for name in named:
            found |= np.asarray(column_or_null(batch, name, pa.null()).is_valid())
        return found | (not named)

    def render(self, batch: pa.RecordBatch) -> Rendered:
        """Fill it with the rows of a batch that has the columns (`check`).

        Rows for which it fails (`raise_exception`, a field that a struct lacks) have a Failure. Raises UserError,
        naming the row, where it does not end or a text grows beyond all bounds.
        """
        if self._ops is not None and plan.fits(self._ops, batch.schema):
            return plan.fill(self._ops, batch)
        return rendered_rows(self, batch)

    def values(self, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        """The columns of each row, as the template sees them."""
        return rows_of_columns(batch, self.wanted(batch.schema.names))

    def filled(self, values: dict[str, Any], names: Names) -> Traced:
        """One row. names: takes the special tokens."""
        given = traced(values)
        roles = {special.name: names(special) for special in self.specials if special.kind == ROLE}
        ours = {
            "special": lambda name: names(Special(TOKEN, str.__str__(name))),
            "lang_token": names.language,
            "first_tokens": names.first,
            "last_tokens": names.last,
        }
        context = self._compiled.new_context({**given, "row": given, **roles, **ours})
        self._sandbox.begin_row()
        return Traced.joined(self._compiled.root_render_func(context))

    def pieced(self) -> Pieced:
        """What takes the rows."""
        return Pieced()


class Names:
    """Special tokens as rows need them, numbered."""

    def __init__(self) -> None:
        self.numbers: dict[Special, int] = {}
        self._limits = 0

    def __call__(self, special: Special) -> Traced:
        number = self.numbers.setdefault(special, len(self.numbers))
        return Traced(MARK, code(SPECIAL + number))

    def first(self, text: Any, count: Any) -> Traced:
        """The text, to be cut to its first tokens."""
        return self._limited(text, count, 1)

    def last(self, text: Any, count: Any) -> Traced:
        """The text, to be cut to its last tokens."""
        return self._limited(text, count, -1)

    def _limited(self, text: Any, count: Any, sign: int) -> Traced:
        plain = Traced.of("" if text is None else text)
        if type(count) is not int or count < 1:
            raise TemplateError(f"a text has at least 1 token, not {count}")
        if MARK in plain:
            raise TemplateError("special tokens stand in a text that is to be cut to a number of tokens")
        self._limits += 1  # so that two such texts side by side are two
        limit = Special(LIMIT, str(sign * count), str(self._limits % 2))
        return Traced(
            str.__str__(plain), code(SPECIAL + self.numbers.setdefault(limit, len(self.numbers))) * len(plain)
        )

    def language(self, label: Any, convention: Any = "") -> Traced:
        """The token of a language."""
        if not isinstance(label, str) or not label:
            raise TemplateError(plan.NO_LABEL)
        return self(Special(LANGUAGE, str.__str__(label), str.__str__(convention)))


def rendered_rows(template: Any, batch: pa.RecordBatch) -> Rendered:
    """The rows of a batch, one by one. template: has `values`, `filled` and `pieced`."""
    names, pieced, failed = Names(), template.pieced(), []
    for row, values in enumerate(template.values(batch)):
        try:
            found = template.filled(values, names)
        except NeverEnds:
            raise _endless(batch, row, f"takes more than {MOST_STEPS:,} steps") from None
        except (TooLong, MemoryError):
            raise _endless(batch, row, "makes a text of more than 64 M characters") from None
        except RecursionError:
            raise _endless(batch, row, "calls itself without end") from None
        except SpecialInText:
            failed.append(Failure(row, FAILED, "a special token went through what makes text of it (a filter, %)"))
            found = Traced("")
        except Exception as error:  # a template may raise whatever its expressions do
            failed.append(Failure(row, FAILED, first_line(error)))
            found = Traced("")
        pieced.add(found)
    named = list(names.numbers)
    return Rendered(pieced.pieces(trains=template.trains), named, failed, pieced.tokens_at_most(named))


def _endless(batch: pa.RecordBatch, row: int, what: str) -> UserError:
    return UserError(
        f"--template {what} for {name_of_row(batch, row)}", remedy="let its loops end, or leave the row out"
    )


def name_of_row(batch: pa.RecordBatch, row: int) -> str:
    """A row by its id, and the file and place that it was read from."""
    values: Mapping[str, Any] = {
        name: batch.column(name)[row].as_py() for name in ("doc_id", "pair_id", "origin") if name in batch.schema.names
    }
    found = next((values[name] for name in ("doc_id", "pair_id") if values.get(name)), None)
    origin = values.get("origin")
    place = f" ({origin['file']}, {origin['offset']:,})" if origin else ""
    return f"the row {found.hex() if isinstance(found, bytes) else row}{place}"


def rows_of_columns(batch: pa.RecordBatch, names: Sequence[str]) -> list[dict[str, Any]]:
    """The values of these columns by row."""
    columns = [batch.column(name).to_pylist() for name in names]
    if not columns:
        return [{} for _ in range(batch.num_rows)]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _node_of(op: plan.Op) -> nodes.Expr:
    return nodes.TemplateData(op.literal) if op.column is None else nodes.Name(op.column, "load")


def _check_limits(tree: nodes.Template) -> None:
    """Raise UserError where what first_tokens and last_tokens make is not written out as it is."""
    written: set[int] = set()
    for output in tree.find_all(nodes.Output):
        for child in output.nodes:
            parts = child.nodes if isinstance(child, nodes.Concat) else [child]
            written.update(id(one.node) for one in parts if isinstance(one, nodes.Call))
    for name in tree.find_all(nodes.Name):
        if name.name in _LIMITS and id(name) not in written:
            raise UserError(
                f"--template, line {name.lineno}: {name.name} is not called, or something alters what it makes",
                remedy=f"alter what it is given: {{{{ {name.name}(name_of_column | trim, 200) }}}}",
            )


def _check_convention(call: nodes.Call) -> None:
    """Raise UserError where the second argument of lang_token is no convention that is known by now."""
    given = [*call.args[1:], *(one.value for one in call.kwargs if one.key == "convention")]
    for one in given:
        name = one.value if isinstance(one, nodes.Const) else None
        if name not in CONVENTIONS:
            raise UserError(
                f"--template, line {call.lineno}: lang_token has no such convention; {nearest(str(name), CONVENTIONS)}",
                remedy="write its name, lang_token(tgt_lang, 'nllb'), or leave it out",
            )


def _lines_to(text: Any, end: Any) -> Traced:
    """The lines of a text with `end` in the place of each line end."""
    return Traced.of(end).join(Traced.of("" if text is None else text).replace("\r\n", "\n").split("\n"))


@functools.lru_cache(maxsize=64)
def parse(source: str) -> Template:
    """The template, read once in a process; raises UserError with what is wrong and where."""
    return Template(source)


def read_source(given: str, check: Callable[[str], Any] = parse) -> str:
    """What a user gives as --template: the template itself, or a file of one (.jinja). Raises UserError."""
    source = given
    if given.endswith(_FILES) and "{" not in given:
        source = storage.read_text(storage.locate(given)).removesuffix("\n")
    check(source)
    return source
