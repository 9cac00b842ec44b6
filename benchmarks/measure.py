"""Measure systems side by side: each in its own process, in turn, several times over."""

from __future__ import annotations

import json
import os
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.networks import Case

#: The systems, and whether they are peers (the others are fastnn itself and the floor).
SYSTEMS = {
    "fastnn_compiled": False,
    "fastnn_numpy": False,
    "products": False,
    "pytorch": True,
    "pytorch_compile": True,
    "jax_step": True,
    "jax_scan": True,
    "sklearn_mlp": True,
    "keras_fit": True,
    "thinc_model": True,
}
FLOOR = "products"
#: Seconds between two systems.
PAUSE = 0.3
ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Row:
    """Seconds per step of one system on one case, or why there are none."""

    case: str
    system: str
    seconds: list[float] = field(default_factory=list)
    error: str | None = None
    first_epoch_seconds: float | None = None

    @property
    def minimum(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


class _Worker:
    """A worker process and its row."""

    def __init__(self, system: str, case: Case, limit: float) -> None:
        self.row = Row(case.label, system)
        self.case, self.limit = case, limit
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", system, case.label],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        answer = self._answer()
        self.row.error = str(answer["error"]) if "error" in answer else None
        seconds = answer.get("first_epoch_seconds")
        self.row.first_epoch_seconds = float(str(seconds)) if seconds is not None else None

    def _answer(self) -> dict[str, object]:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], self.limit)
        if not ready:
            return {"error": f"no answer within {self.limit:g} s"}
        line = self._process.stdout.readline()
        if not line:
            return {"error": f"ended with code {self._process.wait()}"}
        found: dict[str, object] = json.loads(line)
        return found

    def epoch(self) -> None:
        """Train one epoch, note the time per step."""
        if self.row.error:
            return
        assert self._process.stdin is not None
        self._process.stdin.write("epoch\n")
        self._process.stdin.flush()
        answer = self._answer()
        if "error" in answer:
            self.row.error = str(answer["error"])
        else:
            self.row.seconds.append(float(str(answer["seconds"])) / self.case.n_steps)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def measure(
    case: Case, systems: Sequence[str], repeats: int = 5, limit: float = 180.0
) -> list[Row]:
    """Return a row per system: ``repeats`` rounds, in each every system once."""
    workers: list[_Worker] = []
    try:
        for system in systems:
            workers.append(_Worker(system, case, limit))
        for _ in range(repeats):
            for worker in workers:
                # The threads of the one before go on spinning for a while.
                time.sleep(PAUSE)
                worker.epoch()
        return [worker.row for worker in workers]
    finally:
        for worker in workers:
            worker.end()
