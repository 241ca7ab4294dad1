"""`python -m tests.fuzz.patterns`: every regular expression of the product, attacked with strings of its own tree.

A repeated part is written n times, for n that doubles, before something that does not fit. Time that grows faster than
the string shows an expression that a file can hang: exponential (given up at less than 400 characters), or of some
power. What is slow on strings that the product never gives it is listed in `BOUNDED` with the reason.
"""

from __future__ import annotations

import ast
import functools
import importlib
import itertools
import math
import random
import re
import signal
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import _compiler as compiler  # type: ignore[attr-defined]
from re import _constants as constants  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import FrameType
from typing import Any

import regex

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("xlcorpus", "pipelines")
METHODS = ("compile", "match", "search", "fullmatch", "sub", "subn", "findall", "finditer", "split")
MOST = 1 << 16  # characters of an attack
ENOUGH = 0.3  # seconds after which a longer string is not tried
GIVE_UP = 2.0
REPEATS = (constants.MAX_REPEAT, constants.MIN_REPEAT)
MANY = 16
_SETS = {
    constants.CATEGORY_DIGIT: "7",
    constants.CATEGORY_SPACE: " ",
    constants.CATEGORY_WORD: "a",
    constants.CATEGORY_NOT_DIGIT: "x",
    constants.CATEGORY_NOT_SPACE: "x",
    constants.CATEGORY_NOT_WORD: "-",
}

# Expressions that are slow on long strings, and why no long string reaches them: beginning of the pattern, bound.
BOUNDED: dict[str, str] = {
    r"(?:^|(?<=\s))::(\S+)(?=\s|$)(.*?)(?=\s+::\S|\s*$)": "a line of uroman's own data",
    r"\s{2,}#.*$": "a line of uroman's own data",
    r"::(\S+) (.*?)(?= ::|$)": "a line of uroman's own data",
    r"([bcdfghjklmnpqrstvwxyz].*)a$": "the reading of one letter",
    r"[;\s]\s*([^\s=;]+)": "the first 1,000 characters of a content type",
    r"(.+?)[ _]*\((.+)\)": "200 characters of a language's name",
    r"(.+)[ _](.+)": "200 characters of a language's name",
    r"(jquery([-.](ui|migrate|slim))?": "the name of a file",
}


@dataclass(frozen=True)
class Expression:
    """A regular expression of the product: where it stands, pattern, flags, module, and whether it is searched for."""

    where: str
    pattern: str | bytes
    flags: int
    module: str = "re"
    searches: bool = True

    @property
    def text(self) -> str:
        """The pattern as a string."""
        return self.pattern if isinstance(self.pattern, str) else self.pattern.decode("latin-1")


@dataclass(frozen=True)
class Growth:
    """How the time of an expression grows on an attack: power (infinite: exponential), characters and seconds."""

    expression: Expression
    attack: tuple[str, str, str]
    power: float
    size: int
    seconds: float

    @property
    def told(self) -> str:
        """A line for people."""
        kind = "exponential" if math.isinf(self.power) else f"power {self.power:.1f}"
        start, pump, end = self.attack
        return (
            f"{self.expression.where}: {kind}, {self.seconds:.2f} s for {self.size:,} characters: "
            f"{start[:60]!r} + {pump[:60]!r} * n + {end[:20]!r}   {str(self.expression.pattern)[:100]!r}"
        )


@functools.cache
def expressions(*, at_work: bool = False) -> tuple[Expression, ...]:
    """The patterns that are written as literals in calls of re and regex, and those that modules hold.

    at_work: also those that are made when texts are romanised and split into sentences.
    """
    found: dict[tuple[Any, int, str], Expression] = {}
    for path in sorted(one for room in PRODUCT for one in (ROOT / room).rglob("*.py")):
        tree, text = ast.parse(path.read_text(encoding="utf-8")), path.read_text(encoding="utf-8")
        names = _compiled_names(tree)
        for node in ast.walk(tree):
            one = _expression(node, names, text, str(path.relative_to(ROOT)))
            if one is not None:
                found.setdefault((one.pattern, one.flags, one.module), one)
    for one in (*_held_by_modules(), *(_made_at_work() if at_work else ())):
        found.setdefault((one.pattern, one.flags, one.module), one)
    return tuple(found.values())


def _compiled_names(tree: ast.AST) -> dict[int, str]:
    """Names that calls are assigned to, by the call's identity."""
    return {
        id(node.value): node.targets[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _expression(node: ast.AST, names: dict[int, str], text: str, where: str) -> Expression | None:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return None
    module = node.func.value
    if not (isinstance(module, ast.Name) and module.id in ("re", "regex") and node.func.attr in METHODS):
        return None
    try:
        pattern = ast.literal_eval(node.args[0])
    except ValueError:
        return None  # made of parts: found where its module makes it
    flags = 0
    given = [*(word.value for word in node.keywords if word.arg == "flags"), *node.args[1:]]
    for one in given:
        for name in re.findall(r"re(?:gex)?\.([A-Z]+)\b", ast.unparse(one)):
            flags |= int(getattr(re, name, 0))
    searches = node.func.attr not in ("match", "fullmatch")
    if node.func.attr == "compile" and (name := names.get(id(node))):
        used = set(re.findall(rf"\b{name}\.(match|search|fullmatch|sub|findall|finditer|split)\b", text))
        searches = not used or bool(used - {"match", "fullmatch"})
    return Expression(f"{where}:{node.lineno}", pattern, flags, module.id, searches)


def _held_by_modules() -> Iterator[Expression]:
    """Patterns that modules hold under a name."""
    for name in _modules():
        for key, value in list(vars(importlib.import_module(name)).items()):
            if isinstance(value, re.Pattern | regex.Pattern):
                module = "re" if isinstance(value, re.Pattern) else "regex"
                # A compiled pattern's flags bear UNICODE, which the pattern takes of itself.
                flags = value.flags & ~int(re.UNICODE) if module == "re" else value.flags
                yield Expression(f"{name}.{key}", value.pattern, flags, module)


def _made_at_work() -> Iterator[Expression]:
    """Patterns that the romaniser and the splitter of sentences make."""
    made: list[Expression] = []
    originals = re.compile, regex.compile

    def spy(original: Any, module: str) -> Any:
        def compile_(pattern: Any, flags: Any = 0, **more: Any) -> Any:
            frame = sys._getframe(1)
            if any(f"/{room}/" in frame.f_code.co_filename for room in PRODUCT):
                place = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
                made.append(Expression(f"{place}:{frame.f_lineno}", pattern, int(flags), module))
            return original(pattern, flags, **more)

        return compile_

    re.compile, regex.compile = spy(originals[0], "re"), spy(originals[1], "regex")
    try:
        _work()
    finally:
        re.compile, regex.compile = originals
    yield from made


def _modules() -> Iterator[str]:
    """The modules that compile patterns and can be imported here."""
    for package, folder in (("xlcorpus", ROOT / "xlcorpus"), ("xlcorpus.pipelines", ROOT / "pipelines")):
        for path in sorted(folder.rglob("*.py")):
            if not re.search(r"\b(re|regex)\.compile\(", path.read_text(encoding="utf-8")):
                continue
            name = ".".join((package, *path.relative_to(folder).with_suffix("").parts)).removesuffix(".__init__")
            try:
                importlib.import_module(name)
            except ImportError:
                continue  # an extra that is not installed
            yield name


def _work() -> None:
    """A little of everything that makes patterns while it works."""
    import pyarrow as pa

    from tests.fuzz.texts import SENTENCES
    from xlcorpus.romanize.tools import open_tool
    from xlcorpus.text.codepoints import code_points
    from xlcorpus.text.sentences import sentences

    tool = open_tool("uroman", 1 << 20)
    for label, text in SENTENCES.items():
        tool.romanize(text, label[:3] if "_" in label else None, None)
    sentences(code_points(pa.array(list(SENTENCES.values()))))


def parsed(expression: Expression) -> Any:
    """The tree of an expression; of the module regex, with its classes as \\w."""
    pattern = expression.text
    if expression.module == "regex":
        pattern = re.sub(r"\\[pP]\{[^}]*\}", r"\\w", pattern).replace(r"\X", ".").replace("[[:alpha:]]", r"\w")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return parser.parse(pattern, expression.flags & ~int(re.UNICODE | re.LOCALE | re.DEBUG) if pattern else 0)


def sample(tree: Any, chaos: random.Random) -> str:
    """A string that the tree matches (as far as lookarounds and back references allow)."""
    return "".join(_sample(operator, value, chaos) for operator, value in tree)


def _sample(operator: Any, value: Any, chaos: random.Random) -> str:
    if operator is constants.LITERAL:
        return chr(value)
    if operator is constants.NOT_LITERAL:
        return next(one for one in " ax-" if ord(one) != value)
    if operator is constants.ANY:
        return chaos.choice(" ax")
    if operator is constants.IN:
        return _of_set(value, chaos)
    if operator is constants.BRANCH:
        return sample(chaos.choice(value[1]), chaos)
    if operator is constants.SUBPATTERN:
        return sample(value[3], chaos)
    if operator is constants.ATOMIC_GROUP:
        return sample(value, chaos)
    if operator in (*REPEATS, constants.POSSESSIVE_REPEAT):
        least, most, inner = value
        count = max(int(least), min(int(most), int(least) + chaos.choice((0, 1, 1, 2))))
        return "".join(sample(inner, chaos) for _ in range(count))
    return ""


def _of_set(items: Sequence[Any], chaos: random.Random) -> str:
    negated = items[0][0] is constants.NEGATE
    if negated:
        return next((one for one in " ax-7\n<é" if not _in_set(items[1:], one)), "x")
    operator, value = chaos.choice(items)
    if operator is constants.LITERAL:
        return chr(value)
    if operator is constants.RANGE:
        return chr(chaos.choice((value[0], value[1])))
    return _SETS.get(value, "a")


def _in_set(items: Sequence[Any], letter: str) -> bool:
    for operator, value in items:
        if (operator is constants.LITERAL and value == ord(letter)) or (
            operator is constants.RANGE and value[0] <= ord(letter) <= value[1]
        ):
            return True
        if operator is constants.CATEGORY and _SETS.get(value) == letter:
            return True
    return False


def repeats(tree: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each part that may repeat many times: what stands before it (trees), and its tree."""
    items = list(tree)
    for at, (operator, value) in enumerate(items):
        ahead = (*before, items[:at])
        if operator in REPEATS:
            if value[1] is constants.MAXREPEAT or value[1] >= MANY:
                yield ahead, value[2]
            yield from repeats(value[2], ahead)
        elif operator is constants.SUBPATTERN:
            yield from repeats(value[3], ahead)
        elif operator is constants.BRANCH:
            for branch in value[1]:
                yield from repeats(branch, ahead)
        elif operator in (constants.ASSERT, constants.ASSERT_NOT):
            yield from repeats(value[1], ahead)


def attacks(expression: Expression, chaos: random.Random) -> Iterator[tuple[str, str, str]]:
    """Beginnings, parts to repeat, ends."""
    tree = parsed(expression)
    seen = set()
    ends = ("", "\0", "!", "\n\0", "x", " ", ">")
    for before, inner in repeats(tree):
        for _ in range(6):
            start = "".join(sample(part, chaos) for part in before)
            pump = sample(inner, chaos)
            for end in ends:
                if pump and (one := (start, pump, end)) not in seen:
                    seen.add(one)
                    yield one
    items = list(tree)
    for size in (2, 3, len(items)):
        for at in range(max(len(items) - size + 1, 0)):
            start, pump = sample(items[:at], chaos), sample(items[at : at + size], chaos)
            for end in ("", "\0", "\n"):
                if pump and (one := (start, pump, end)) not in seen:
                    seen.add(one)
                    yield one


def is_ambiguous(expression: Expression, chaos: random.Random) -> str | None:
    """A string that a repeated part matches once and, twice in a row, once as well: 2^n ways to read n of them."""
    tree = parsed(expression)
    for _, inner in repeats(tree):
        try:
            whole = compiler.compile(inner, inner.state.flags)
        except (RuntimeError, re.error, TypeError, KeyError, IndexError):
            continue  # a group that is referred to lies outside
        for _ in range(12):
            part = sample(inner, chaos)
            if part and whole.fullmatch(part) and whole.fullmatch(part * 2):
                return part
    return None


class _TooLong(Exception):
    pass


def _ring(number: int, frame: FrameType | None) -> None:
    raise _TooLong


def _seconds(compiled: Any, text: Any, expression: Expression) -> float:
    """CPU seconds of one call, GIVE_UP where it takes longer."""
    begin = time.process_time()
    try:
        if expression.module == "regex":
            more = {"timeout": GIVE_UP}
            (compiled.search if expression.searches else compiled.match)(text, **more)
        else:
            signal.setitimer(signal.ITIMER_PROF, GIVE_UP)
            if expression.searches:
                for _ in compiled.finditer(text):
                    pass
            else:
                compiled.match(text)
                compiled.fullmatch(text)
    except (_TooLong, TimeoutError):
        return GIVE_UP
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - begin


def growth(expression: Expression, attack: tuple[str, str, str]) -> Growth | None:
    """How the time grows; None where it stays in proportion."""
    start, pump, end = attack
    compile_ = regex.compile if expression.module == "regex" else re.compile
    compiled = compile_(expression.pattern, expression.flags)
    times: list[tuple[int, float]] = []
    for count in itertools.accumulate(itertools.repeat(2), int.__mul__, initial=4):
        text: Any = start + pump * count + end
        size = len(text)
        if size > MOST:
            break
        if isinstance(expression.pattern, bytes):
            text = text.encode("latin-1", "replace")
        spent = _seconds(compiled, text, expression)
        if spent > ENOUGH and size < 400:
            return Growth(expression, attack, math.inf, size, spent)
        times.append((size, spent))
        if spent > ENOUGH:
            break
    if len(times) < 4 or times[-1][1] < 0.02:
        return None
    (small, before), (large, after) = times[-3], times[-1]
    power = math.log(after / max(before, 1e-6)) / math.log(large / small)
    return Growth(expression, attack, power, large, after) if power > 1.5 else None


def worst(expression: Expression) -> Growth | None:
    """The attack under which the expression's time grows most."""
    found = None
    for attack in attacks(expression, random.Random(str(expression.pattern))):
        grown = growth(expression, attack)
        if grown is not None and (found is None or (grown.power, grown.seconds) > (found.power, found.seconds)):
            found = grown
            if math.isinf(grown.power):
                break
    return found


def main() -> None:
    """Attack all, print what grows; exit 1 where it is not bounded."""
    signal.signal(signal.SIGPROF, _ring)
    signal.signal(signal.SIGALRM, _ring)
    every = expressions(at_work=True)
    bad = skipped = 0
    for one in every:
        try:
            grown = worst(one)
        except (re.error, regex.error, OverflowError) as error:
            print(f"not attacked: {one.where}: {error}: {one.pattern!r}"[:300])
            skipped += 1
            continue
        if grown is None:
            continue
        reason = next((why for start, why in BOUNDED.items() if one.text.startswith(start)), None)
        bad += reason is None
        print(("bounded: " + reason + ": " if reason else "FIND ") + grown.told, flush=True)
    print(f"{len(every)} expressions, {skipped} not attacked, {bad} finds")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
