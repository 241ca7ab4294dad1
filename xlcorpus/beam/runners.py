"""Choose the runner: `local` is Beam's FnApiRunner by name, the others take their Beam options from the user."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from xlcorpus.beam import LOG_VARIABLE
from xlcorpus.errors import UserError, nearest

BYTES_A_WORKER = 8 << 20  # of compressed shards: two workers take 3.7 s of CPU to start, one in process 0.1 s
LOCAL = "local"
RUNNERS = {
    LOCAL: "FnApiRunner",
    "portable": "PortableRunner",
    "prism": "PrismRunner",
    "spark": "SparkRunner",
    "flink": "FlinkRunner",
    "dataflow": "DataflowRunner",
}
_LOCAL_NAMES = {"direct", "directrunner", "fnapirunner", LOCAL}


@dataclass(frozen=True)
class RunnerChoice:
    """A runner by name, the number of worker processes (local), and Beam options given after `--`."""

    name: str = LOCAL
    workers: int = 1
    options: tuple[str, ...] = ()

    def for_work(self, tasks: int, weight: int) -> RunnerChoice:
        """The same runner with no more local workers than the work is worth: a process takes 2 s of CPU to start.

        weight: bytes of the tasks' input.
        """
        worth = max(1, weight // BYTES_A_WORKER)
        return replace(self, workers=min(self.workers, tasks, worth)) if self.name == LOCAL else self

    def pipeline(self) -> beam.Pipeline:
        """A new pipeline on this runner."""
        options = PipelineOptions(self._flags())
        runner: Any = _local_runner(options, self.workers) if self.name == LOCAL else RUNNERS[self.name]
        return beam.Pipeline(runner=runner, options=options)

    def _flags(self) -> list[str]:
        flags = list(self.options)
        given = {flag.split("=", 1)[0] for flag in flags}
        # Our DoFns are importable, so no worker needs the state of the launcher's __main__.
        defaults = ["--no_save_main_session"]
        if self.name == LOCAL:
            defaults += [f"--direct_num_workers={self.workers}"]
        elif self.name == "portable":
            defaults += ["--job_endpoint=embed", "--environment_type=LOOPBACK"]
        flags += [flag for flag in defaults if flag.split("=", 1)[0] not in given]
        return flags


def choose_runner(name: str, workers: int = 1, options: Sequence[str] = ()) -> tuple[RunnerChoice, str | None]:
    """The runner for `--runner NAME --workers N -- OPTIONS`, and a line to print when the name was mapped.

    Raises UserError for an unknown name, for a worker count below 1, and for `multi_threading`.
    """
    if workers < 1:
        raise UserError(f"--workers {workers}: at least one worker is needed", remedy="give 1 or more")
    for option in options:
        if option.startswith("--direct_running_mode") and "multi_threading" in option:
            raise UserError(
                "direct_running_mode=multi_threading loses rows without an error (Beam 2.77; 5 of 8 runs)",
                remedy="leave the option out: --workers N runs N processes",
            )
    for option in options:
        if option.split("=", 1)[0] == "--runner":
            raise UserError(f"{option} after --: the runner is chosen before it", remedy="use --runner NAME")
    lowered = name.lower()
    key = lowered.removesuffix("runner")
    if lowered in _LOCAL_NAMES:
        note = None
        if lowered in {"direct", "directrunner"}:
            note = "DirectRunner means `--runner local` here: the stock one downloads a Prism binary before it starts"
        return RunnerChoice(LOCAL, workers, tuple(options)), note
    if key not in RUNNERS:
        raise UserError(f"there is no runner {name!r}; {nearest(key, RUNNERS)}", remedy="see docs/runners.md")
    return RunnerChoice(key, workers, tuple(options)), None


def _local_runner(options: PipelineOptions, workers: int) -> Any:
    """FnApiRunner, in this process or with worker processes that are handed the pipeline options.

    Asked for by `direct_running_mode=multi_processing`, the workers would get no options, break on a Python whose path
    holds a space, and print 15 log lines each.
    """
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.portability.fn_api_runner import fn_runner
    from apache_beam.runners.portability.portable_runner import JobServiceHandle
    from apache_beam.transforms import environments

    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    info = fn_runner.ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded, retrieval_token="none")
    )
    if workers == 1:
        return fn_runner.FnApiRunner(provision_info=info)
    command = f"exec {shlex.quote(sys.executable)} -m xlcorpus.beam.worker {os.getpid()}"
    if LOG_VARIABLE not in os.environ:
        command += f" 2>{os.devnull}"  # errors of a task travel to the launcher, not through the worker's stderr
    environment = environments.SubprocessSDKEnvironment.from_command_string(command)
    return fn_runner.FnApiRunner(default_environment=environment, provision_info=info)
