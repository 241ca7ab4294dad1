"""Run recipes and commands in tests, and say what they left on disk."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import unittest.mock
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner, Result

from xlcorpus.beam.runners import choose_runner
from xlcorpus.cli.main import main
from xlcorpus.dataset.storage import fingerprint
from xlcorpus.errors import UserError
from xlcorpus.recipe.graph import Node
from xlcorpus.recipe.load import load_recipe
from xlcorpus.recipe.run import Finished, Settings, run_recipe

RECIPE = """
name: small
seed: 5
variables: {files: "${sample}/web"}
steps:
  - {step: ingest, files: "${files}", source: web, task_bytes: 60000}
  - {step: identify}
  - {step: score}
  - {step: filter}
  - {step: dedup}
  - {step: mix, ratios: {eng_Latn: 0.25, hin_Deva: 0.25, tha_Thai: 0.25, swh_Latn: 0.25}, shards: 3, max_epochs: 2}
"""


# Worker processes even for input as small as the tests'.
EAGER = (
    "from xlcorpus.cli.logs import quiet_beam; quiet_beam(); "
    "import xlcorpus.beam.runners as runners; runners.BYTES_A_WORKER = 1; from xlcorpus.cli.main import main; main()"
)


def write_recipe(folder: Path, text: str = RECIPE, name: str = "recipe.yaml") -> Path:
    """A recipe file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def run(
    recipe: Path | str,
    output: Path,
    *,
    runner: str = "local",
    workers: int = 1,
    options: Iterable[str] = (),
    settings: Iterable[str] = (),
    **more: object,
) -> dict[str, Finished]:
    """Run a recipe in this process; datasets by name."""
    loaded = load_recipe(str(recipe), list(settings))
    given = {"seed": loaded.seed, **more}
    return run_nodes(loaded.nodes, output, runner=runner, workers=workers, options=options, **given)


def run_nodes(
    nodes: Sequence[Node],
    output: Path,
    *,
    runner: str = "local",
    workers: int = 1,
    options: Iterable[str] = (),
    **settings: object,
) -> dict[str, Finished]:
    """Run nodes in this process; datasets by name, each in a folder of its own."""
    choice, _ = choose_runner(runner, workers, list(options))
    given: dict[str, object] = {"quiet": True, "say": lambda line: None, "seed": 5, **settings}
    finished = run_recipe(nodes, lambda node: output / node.id, Settings(choice, **given))  # type: ignore[arg-type]
    return {done.work.id: done for done in finished}


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a manifest as a program that knows its format would: with the checksum that belongs to the new content."""
    path = folder / "manifest.json"
    content = json.loads(path.read_text("utf-8"))
    content.pop("checksum", None)
    content = change(content) or content
    sealed = {**content, "checksum": fingerprint(content)} if isinstance(content, dict) else content
    path.write_text(json.dumps(sealed), "utf-8")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of the finished datasets below a folder, manifests included."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def command(
    *arguments: str | Path,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    preexec: object = None,
) -> subprocess.CompletedProcess[str]:
    """`xlcorpus ARGUMENTS` in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", EAGER, *map(str, arguments)],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        preexec_fn=preexec,  # type: ignore[arg-type]
        timeout=250,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )


def called(*arguments: str | Path, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    """`xlcorpus ARGUMENTS` in this process, which has imported Beam: a process of its own takes 2 s of CPU for that."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    given = sys.stdin if stdin is None else io.TextIOWrapper(io.BytesIO(stdin), "utf-8")
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        unittest.mock.patch("sys.stdin", given),
    ):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            status = int(ended.code or 0)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def invoked(command: click.Command, *arguments: object) -> Result:
    """What a command of click gives for these arguments; raises its UserError; any other end than 0 fails the test."""
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(result.exception, UserError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


_EACH = """
import json, sys
from tests.running import called
done = [called(*arguments) for arguments in json.loads(sys.argv[1])]
print(json.dumps([[one.returncode, one.stdout, one.stderr] for one in done]))
"""


def each_command(
    calls: Sequence[Sequence[str]], *, cwd: Path | None = None, path: Sequence[Path] = (), **settings: Any
) -> list[subprocess.CompletedProcess[str]]:
    """`xlcorpus ARGUMENTS` of each call, in one process that is not this one; path: to import from, settings: of Popen.

    They share its standard input, as it is when the process begins.
    """
    where = [*map(str, path), str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, **settings.pop("env", {}), "PYTHONPATH": os.pathsep.join(where)}
    arguments = [sys.executable, "-c", _EACH, json.dumps(calls)]
    done = subprocess.run(arguments, cwd=cwd, env=environment, capture_output=True, timeout=250, **settings)
    assert done.returncode == 0, done.stderr.decode()
    return [subprocess.CompletedProcess(calls, *one) for one in json.loads(done.stdout)]


def started(arguments: Sequence[str | Path], **settings: Any) -> subprocess.Popen[bytes]:
    """`xlcorpus ARGUMENTS` as a session of its own, with worker processes for little input; settings: of Popen."""
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-c", EAGER, *map(str, arguments)]
    return subprocess.Popen(command, start_new_session=True, **silent | settings)


def killed_after(seconds: float, arguments: list[str | Path], how: int = signal.SIGKILL) -> int:
    """Start `xlcorpus ARGUMENTS`, send it (and its workers) a signal after some time; its exit code.

    The time is where the run is cut, not something that is waited for: a run that is faster than it just ends.
    """
    process = started(arguments)
    deadline = time.monotonic() + seconds
    try:
        return process.wait(timeout=max(deadline - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, how)
        return process.wait()
