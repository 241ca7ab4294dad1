"""Jinja's immutable sandbox, as chat templates of Hugging Face need it, with traced strings and bounds on its work.

The language is that of transformers' `apply_chat_template`: blocks trimmed, `break` and `continue`, `tojson` that
leaves letters as they are, `raise_exception`, and `{% generation %}` around what is trained on. What depends on chance
or on the clock (`random`, `lipsum`, `strftime_now`) is not there: the same rows give the same texts.
"""

from __future__ import annotations

import functools
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, LoopControlExtension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment, safe_range
from jinja2.utils import Namespace

from xlcorpus.templates.traced import DATA, OWN, TooLong, Traced, code

MOST_STEPS = 1_000_000  # of a row: turns of loops, calls, and each 1,024 characters that these are given
_MOST_BITS = 4_096  # of a number that is multiplied: squared 60 times, 7 has 10^18 digits
_MOST_NUMBER = 1_000_000  # what a filter or a format may be told: a width of 10^9 is a gigabyte
_HALF = re.compile("[\ud800-\udfff]")
_WIDE = re.compile(r"\d{7,}|\*")
_NO_MORE: Mapping[str, Any] = {}
_GONE = ("random", "urlize", "xmlattr", "pprint", "forceescape")
_PADDING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "translate", "encode", "maketrans"})


class NeverEnds(Exception):
    """A template took more than MOST_STEPS for one row."""


class GenerationTag(Extension):
    """`{% generation %}...{% endgeneration %}`: what is trained on."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """The block as a call with its body."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_trained"), [], [], body).set_lineno(line)

    def _trained(self, caller: Callable[[], Traced]) -> Traced:
        return Traced.of(caller()).marked()


class _Generator(CodeGenerator):
    """Code in which the template's own text is traced."""

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return f"environment.own({''.join(str(one) for one in group)!r})"

    def visit_Const(self, node: nodes.Const, frame: Any) -> None:
        value = node.as_const(frame.eval_ctx)
        if isinstance(value, str):
            self.write(f"environment.own({value!r})")
        else:
            super().visit_Const(node, frame)

    def visit_TemplateData(self, node: nodes.TemplateData, frame: Any) -> None:
        self.write(f"environment.own({node.data!r})")

    def visit_Concat(self, node: nodes.Concat, frame: Any) -> None:
        self.write("environment.written((")
        for one in node.nodes:
            self.visit(one, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """tells_own_text: whether text of the template is told from that of the data; strict: what is not there is an
    error, and null is an empty text; without it as transformers has it; more: filters of ours."""

    code_generator_class = _Generator
    concat = staticmethod(Traced.joined)  # type: ignore[assignment]
    intercepted_binops = frozenset({"**", "*", "%", "+"})

    def __init__(
        self, *, tells_own_text: bool, strict: bool, keep_trailing_newline: bool, more: Mapping[str, Any] = _NO_MORE
    ) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=keep_trailing_newline,
            undefined=StrictUndefined if strict else Undefined,
            finalize=_as_text if strict else None,
            extensions=[GenerationTag, LoopControlExtension],
        )
        self._left = threading.local()
        origin = code(OWN if tells_own_text else DATA)
        self.own = functools.lru_cache(maxsize=None)(functools.partial(_own, origin=origin))
        self._strict = strict
        for name in _GONE:
            self.filters.pop(name, None)
        filters = {**self.filters, "tojson": _tojson, "join": _join, **more}
        self.filters = {name: self._bounded(name, function) for name, function in filters.items()}
        self.globals = {
            "range": self._range,
            "dict": _dict,
            "namespace": _Namespace,
            "raise_exception": _raise,
            "cycler": self.globals["cycler"],
            "joiner": self.globals["joiner"],
        }

    def written(self, parts: Iterable[Any]) -> Traced:
        """What `~` makes of values."""
        made = Traced.joined(map(_as_text, parts) if self._strict else parts)
        self.step(len(made) >> 10)
        return made

    def begin_row(self) -> None:
        """Count steps anew."""
        self._left.steps = MOST_STEPS

    def step(self, count: int = 1) -> str:
        """Count steps; raises NeverEnds."""
        self._left.steps -= count
        if self._left.steps < 0:
            raise NeverEnds
        return ""

    def parse(self, source: str, name: str | None = None, filename: str | None = None) -> nodes.Template:
        """The tree of a template; raises TemplateSyntaxError, also for what no template here can do."""
        tree = super().parse(source, name, filename)
        for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
            raise TemplateSyntaxError("a template is one file: it includes, imports and extends none", node.lineno)
        for text in tree.find_all((nodes.TemplateData, nodes.Const)):
            value = getattr(text, "data", None) or getattr(text, "value", None)
            if isinstance(value, str) and _HALF.search(value):
                raise TemplateSyntaxError("half a surrogate stands in it, which is no text in UTF-8", text.lineno)
        return tree

    def compiled(self, tree: nodes.Template) -> Any:
        """A template whose loops and macros count their steps. `tree` is altered."""
        for loop in tree.find_all((nodes.For, nodes.Macro, nodes.CallBlock)):
            assert isinstance(loop, nodes.For | nodes.Macro | nodes.CallBlock)
            step = nodes.Call(nodes.EnvironmentAttribute("step"), [], [], None, None)
            loop.body.insert(0, nodes.ExprStmt(step, lineno=loop.lineno))
        return self.from_string(tree)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """See Jinja; nothing that pads strings to any width, and nothing of traced strings that is not a string's."""
        if isinstance(obj, str) and (attr in _PADDING or not hasattr(str, attr)):
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """See Jinja; raises SecurityError for numbers and widths without bounds."""
        if operator == "**" and not (isinstance(right, int | float) and abs(right) <= 64):
            raise SecurityError("a power above 64")
        if operator in ("*", "**") and isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() + right.bit_length() if operator == "*" else left.bit_length() * right
            if bits > _MOST_BITS:
                raise SecurityError(f"a number of more than {_MOST_BITS:,} bits")
        if operator == "+":
            self.step(sum(len(one) for one in (left, right) if isinstance(one, list | tuple)))
            self.step(sum(len(one) for one in (left, right) if isinstance(one, str)) >> 10)
        if operator == "%" and isinstance(left, str) and _WIDE.search(left):
            raise SecurityError(f"the format {left[:40]!r} is too wide")
        if operator == "*" and isinstance(left, int) and isinstance(right, list | tuple):
            left, right = right, left
        if operator == "*" and isinstance(left, list | tuple | bytes) and isinstance(right, int):
            self.step(len(left) * max(right, 0))
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """See Jinja; methods of long texts count as many steps."""
        of = getattr(__obj, "__self__", None)
        __self.step(1 + (len(of) >> 10 if isinstance(of, str) else 0))
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        """See Jinja; raises SecurityError for widths without bounds."""
        wrapped = super().wrap_str_format(value)
        if wrapped is not None and _WIDE.search(value.__self__):
            raise SecurityError(f"the format {value.__self__[:40]!r} is too wide")
        return wrapped

    def _range(self, *args: int) -> range:
        found = safe_range(*args)
        self.step(len(found))
        return found

    def _bounded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        place = int(hasattr(function, "jinja_pass_arg"))  # of the value; some are given their context first
        null_is_empty = self._strict and name != "tojson"

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            value = args[place] if len(args) > place else None
            self.step(1 + (len(value) >> 10 if isinstance(value, str) else 0))
            if name in ("batch", "slice"):
                self.step(sum(one for one in (*args[place + 1 :], *kwargs.values()) if isinstance(one, int)))
            if null_is_empty and len(args) > place and args[place] is None:
                args = (*args[:place], Traced(""), *args[place + 1 :])
            if any(isinstance(one, int) and abs(one) > _MOST_NUMBER for one in (*args[1:], *kwargs.values())):
                raise SecurityError(f"a filter is told a number above {_MOST_NUMBER:,}")
            return function(*args, **kwargs)

        return called


def _own(text: str, origin: str) -> Traced:
    return Traced(text, origin * len(text))


def _as_text(value: Any) -> Any:
    """How a value is written: null is nothing; a list or a struct has no form of its own."""
    if value is None:
        return ""
    if isinstance(value, list | tuple | dict | bytes):
        kind = {dict: "a struct", bytes: "bytes"}.get(type(value), "a list")
        raise TemplateError(
            f"{kind} has no form as text: write for example {{{{ values | join(' ') }}}}, {{{{ value.field }}}} or "
            "{{ values | tojson }}, or go through it with {% for %}"
        )
    return value


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _join(values: Iterable[Any], d: Any = "", attribute: Any = None) -> Traced:
    def item(value: Any) -> Any:
        for name in str(attribute).split("."):
            value = value[int(name) if name.isdigit() else name]
        return value

    return Traced.of(d).join([Traced.of(value if attribute is None else item(value)) for value in values])


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    return dict(*args, **kwargs)


def _raise(message: str) -> NoReturn:
    raise TemplateError(str(message))


class _Namespace(Namespace):
    """As Jinja's, without names of Python's own."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, values = args[0], dict(*args[1:], **kwargs)
        for name in values:
            _check_name(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        _check_name(name)
        Namespace.__setitem__(self, name, value)


def _check_name(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace has no {name!r}")


__all__ = ["MOST_STEPS", "NeverEnds", "Sandbox", "TooLong"]
