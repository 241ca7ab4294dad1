"""Bring an error from a worker to the user: runners turn exceptions into text, so the error travels inside the text."""

from __future__ import annotations

import errno
import json
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from xlcorpus import errors
from xlcorpus.errors import StorageError, UserError

P = ParamSpec("P")
R = TypeVar("R")

_MARK = re.compile(r"<<xlcorpus-error (\{.*?\}) xlcorpus-error>>", re.DOTALL)
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class CarriedError(RuntimeError):
    """A user error in a form that survives any runner's wrapping."""


def _carry(error: UserError) -> CarriedError:
    content = {"kind": type(error).__name__, "message": error.message, "remedy": error.remedy}
    return CarriedError(f"<<xlcorpus-error {json.dumps(content)} xlcorpus-error>>")


def storage_error(error: OSError) -> StorageError:
    """A StorageError for an operating system error while a dataset is written."""
    where = f" {error.filename}" if error.filename else ""
    if error.errno in _NO_SPACE:
        return StorageError(
            f"no room left while writing{where}: {error.strerror}",
            remedy="free some space (or raise the limit) and run the same command with --resume: nothing is lost",
        )
    return StorageError(
        f"cannot read or write{where}: {error.strerror or error}", remedy="check the path and its rights"
    )


def memory_error(work: str | None = None) -> UserError:
    """A UserError where the memory of the machine does not suffice for some work."""
    return UserError(
        f"there is not enough memory{f' for {work}' if work else ''}",
        remedy="give fewer --workers or more memory, or leave very long documents out (ingest --max-record-bytes); "
        "with --resume nothing done is lost",
    )


@contextmanager
def carrying() -> Iterator[None]:
    """Inside, user errors and storage errors leave the worker in a form that `found_in` finds."""
    try:
        yield
    except CarriedError:
        raise
    except UserError as error:
        raise _carry(error) from error
    except OSError as error:
        raise _carry(storage_error(error)) from error
    except MemoryError as error:
        raise _carry(memory_error()) from error


def carried(method: Callable[P, R]) -> Callable[P, R]:
    """`carrying` around a DoFn method that returns (a generator needs `carrying` in its body)."""

    @wraps(method)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with carrying():
            return method(*args, **kwargs)

    return call


class Carried:
    """`carrying` around a function that gives several results, for `beam.FlatMap`; one result at a time."""

    def __init__(self, function: Callable[[Any], Iterable[Any]]) -> None:
        self._function = function

    def __call__(self, element: Any) -> Iterator[Any]:
        with carrying():
            yield from self._function(element)


def found_in(error: BaseException) -> UserError | None:
    """The user error inside an exception of a runner, or None where there is none."""
    text = "".join(traceback.format_exception(error))
    # Some runners escape the message once more; the plain form is looked for first.
    for candidate in (text, text.replace('\\"', '"').replace("\\\\", "\\")):
        match = _MARK.search(candidate)
        if match:
            try:
                content: dict[str, Any] = json.loads(match.group(1))
            except ValueError:
                continue
            kind = getattr(errors, content["kind"], UserError)
            found: UserError = kind(content["message"], remedy=content["remedy"])
            return found
    return None
