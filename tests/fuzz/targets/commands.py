"""The command line with absurd arguments: an answer or one error with its remedy, and never nothing."""

from __future__ import annotations

import functools
import os
import random
import re
import shutil
from pathlib import Path

from tests.fuzz.commandline import CALLS, SUFFIX, options_of, paths, real, run, singles, things, values_of
from tests.fuzz.reading import REASONS
from tests.fuzz.target import Case, Target, Violation

MOST_ERROR = 4000
_WRITERS = set(CALLS) - {"recipes show", "inspect", "lexicon inspect", "tokenizer report", "lid eval"}


@functools.cache
def _singles() -> tuple[tuple[str, list[str]], ...]:
    found = list(singles())
    random.Random(0).shuffle(found)
    return tuple(found)


def make(chaos: random.Random) -> Case:
    """A call with one thing changed, or with some options at once."""
    call, arguments = chaos.choice(_singles())
    if options_of(call) and chaos.random() < 0.3:
        for _ in range(chaos.randint(1, 3)):
            option = chaos.choice(options_of(call))
            arguments = (
                [*arguments, option.opts[-1]]
                if option.is_flag
                else [*arguments, option.opts[-1], chaos.choice(list(values_of(option)))]
            )
    if "--output" not in arguments and call in _WRITERS and chaos.random() < 0.02:
        arguments = [*arguments, "--output", chaos.choice(paths())]
    return Case({}, {"call": call, "arguments": arguments})


def run_case(case: Case, folder: Path) -> int:
    """The call with its own output, or on a copy of what it would write over."""
    attack(case.about["call"], case.about["arguments"], folder)
    return 1


def attack(call: str, arguments: list[str], folder: Path) -> None:
    """Run it in this process; raises Violation where the answer is none."""
    given = [real(one) for one in arguments]
    output = folder / f"out{SUFFIX.get(call.partition(' ')[0], '')}"
    if "--output" in arguments:
        at = arguments.index("--output") + 1
        if arguments[at].startswith("@") and os.path.exists(given[at]):
            copy = folder / "copy"
            if Path(given[at]).is_dir():
                shutil.copytree(given[at], copy, symlinks=True)
            else:
                shutil.copy(given[at], copy)
            given = [str(copy) if one == given[at] else one for one in given]
        elif arguments[at].startswith("@"):
            given[at] = str(folder / arguments[at][1:])
        output = Path(given[at])
    elif call in _WRITERS:
        given += ["--output", str(output)]
    before = _seen(folder)
    ended = run(given)
    _judge(call, given, ended.code, ended.out, ended.err, _seen(folder) != before)
    REASONS[f"exit {ended.code}"] += 1


def _seen(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_size) for path in folder.rglob("*"))


def _judge(call: str, given: list[str], code: int, out: str, err: str, wrote: bool) -> None:
    shown = f"{' '.join(repr(one) for one in given)}\nexit {code}\n{out[-600:]}\n{err[-1500:]}".replace(
        str(things()), "@"
    )
    place = re.sub(r"['\"/].*", "", next((one for one in err.splitlines() if one.lower().startswith("error")), ""))[:40]
    if "Traceback (most recent call last)" in out + err:
        raise Violation(f"traceback {call} {place}: {shown}")
    if code not in (0, 1, 2):
        raise Violation(f"exit-code {call}: {shown}")
    if code == 0 and not out.strip():
        raise Violation(f"silence {call}: {shown}")
    if code == 0 and call in _WRITERS and not wrote and not {"--plan", "--dry-run", "--help"} & set(given):
        raise Violation(f"nothing-written {call}: {shown}")
    if code == 1:
        errors = [one for one in err.splitlines() if one.startswith("error: ")]
        if len(errors) != 1:
            raise Violation(f"not-one-error {call} {place}: {shown}")
        if "remedy: " not in err:
            raise Violation(f"no-remedy {place}: {shown}")
    if code == 2 and "Error: " not in err:
        raise Violation(f"usage-without-error {call}: {shown}")
    if len(err) > MOST_ERROR and code:
        raise Violation(f"long-error {call} {place}: {shown}")
    if re.search(r"[\x00-\x08\x0e-\x1f\x7f]", out + err):
        raise Violation(f"control-characters {call} {place}: {shown}")


TARGET = Target("commands", make, run_case, seconds=12.0)
