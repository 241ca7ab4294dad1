"""A worker process of the local runner: `python -m xlcorpus.beam.worker PID` runs Beam's, and ends when PID does."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

LOOKS = 0.2  # seconds between two looks whether the launcher lives, where the system does not tell
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Entry point; the signals of a terminal end it at once, without a word: what is to be said the launcher says."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    launcher = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_end_with, args=(launcher,), daemon=True).start()
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv[:1])


def _end_with(launcher: int) -> None:
    never = threading.Event()
    while os.getppid() == launcher:
        never.wait(LOOKS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
