"""Systems in processes of their own, which are asked in turn.

The thread pools of two libraries in one process ruin both. Idle threads go on spinning for a while,
so there is a pause before each question. (Stopping the others by SIGSTOP is worse: OpenBLAS is ten
times slower after it goes on.)
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
#: Seconds that a system may take for an answer: to compile, or for an epoch.
LIMIT = 180.0
#: Seconds before a question: OpenBLAS' threads spin for about half of it.
PAUSE = 0.06
#: Nothing about threads: how many a library takes, and how long they spin, is its own choice.
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",  # its helpers would run beside the next system
}


class Worker:
    """The process of one system, started with the first question."""

    def __init__(self, system: str, limit: float = LIMIT) -> None:
        self.system, self.limit = system, limit
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer; {"error": reason} if the process fails, ends or takes too long."""
        process = self._process or self._start()
        assert process.stdin is not None
        time.sleep(PAUSE)
        try:
            process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            return self._failed(process)
        return self._answer(process)

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", self.system],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **ENVIRONMENT},
        )
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        assert process.stdout is not None
        end = time.monotonic() + self.limit
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self.end()
                return {"error": f"no answer within {self.limit:g} s"}
            more = os.read(process.stdout.fileno(), 1 << 16)
            if not more:
                return self._failed(process)
            line += more
        found: dict[str, Any] = json.loads(line)
        return found

    def _failed(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        process.wait()
        self.end()
        code = process.returncode
        why = f"killed by signal {-code} (too little memory?)" if code < 0 else f"code {code}"
        return {"error": f"its process ended: {why}"}

    def end(self) -> None:
        """End the process; the next question starts a new one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def workers(systems: Sequence[str], limit: float = LIMIT) -> Iterator[dict[str, Worker]]:
    """Give a worker for each system, and end them all in the end."""
    found = {system: Worker(system, limit) for system in systems}
    try:
        yield found
    finally:
        for worker in found.values():
            worker.end()
