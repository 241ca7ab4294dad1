"""Errors that a user can act on: each names what is wrong, where, and the remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_LONGEST_RUN, _LONGEST_TEXT = 300, 2000  # characters of a message that are shown: of a run without a space or /, of all
_MOST_NAMES = 40  # of the names that are known


class UserError(Exception):
    """Something the user can put right; the command line prints it without a traceback and exits with 1."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [self.message] if self.remedy is None else [self.message, f"  remedy: {self.remedy}"]
        return "\n".join(map(readable, parts))


class StorageError(UserError):
    """The disk is full, or a path cannot be read or written; what was done so far can be resumed."""


class RunnerError(UserError):
    """A Beam runner failed for reasons of its own; what was done so far can be resumed."""


class ModelError(UserError):
    """A language model cannot be asked any further; answers that had come are kept, and what was done is resumed."""


class ConservationError(UserError):
    """Rows were lost or doubled: rows_in differs from rows_out + removed + rejected."""


class IntegrityError(UserError):
    """A dataset on disk is not what its manifest says (missing shard, other hash, unknown schema)."""


@contextmanager
def naming(where: object) -> Iterator[None]:
    """Put `where`, what the user gave, before the message of a UserError from inside that does not name it yet."""
    try:
        yield
    except UserError as error:
        if str(where) in error.message:
            raise
        raise type(error)(f"{where}: {error.message}", remedy=error.remedy) from error


def first_line(error: BaseException) -> str:
    """What another library's error says, without what follows its first line; its class where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def readable(text: str) -> str:
    """A text for a terminal: no control characters but newlines, no half characters, and nothing endless.

    Messages quote what files hold: a cell of a megabyte, a name with an escape sequence.
    """
    text = re.sub(rf"[^\s/]{{{_LONGEST_RUN + 1},}}", _cut_run, text)
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}... ({len(text):,} characters)"
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found.group()):02x}", text)
    return text.encode("utf-8", "backslashreplace").decode()


def _cut_run(found: re.Match[str]) -> str:
    run = found.group()
    return f"{run[: _LONGEST_RUN // 2]}... ({len(run):,} characters)"


def nearest(name: object, known: Iterable[object]) -> str:
    """' Did you mean X?' for the known name closest to `name`, or the list of known names."""
    names = sorted({str(one) for one in known})
    close = difflib.get_close_matches(str(name)[:_LONGEST_RUN], names, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    if not names:
        return "nothing is known here"
    more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
    return f"known: {', '.join(names[:_MOST_NAMES])}{more}"


def given_twice(names: Iterable[object]) -> str | None:
    """The first name that stands there a second time."""
    seen = set()
    for name in names:
        if isinstance(name, str):
            if name in seen:
                return name
            seen.add(name)
    return None
