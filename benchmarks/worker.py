"""One system in a process of its own: ``python -m benchmarks.worker SYSTEM``.

Every line that it reads is a question in JSON, every answer is one line of JSON:

    {"do": "prepare", "case": "A:128", "seed": 0}   build, compile, train the first epoch
    {"do": "epoch"}                                 train an epoch: its seconds
    {"do": "accuracy"}                              of the test part of Fashion-MNIST
    {"do": "predict"}                               seconds for one row, several times
    {"do": "memory"}                                the most that the process has used, in bytes
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np


class Server:
    """A system and the case that it has prepared."""

    def __init__(self, system: str) -> None:
        self.system = system
        self._trained: Any = None
        self._row: Any = None

    def prepare(self, case: str, seed: int = 0, first_epoch: bool = True) -> dict[str, Any]:
        """Build the network and train its first epoch, which compiles and warms up."""
        from benchmarks import networks

        found = networks.case(case, seed)
        self._trained = self._row = None
        gc.collect()
        # Reading the data and loading the library is no part of the training.
        self._row = found.data()[0][:1].copy()
        module = importlib.import_module(f"benchmarks.systems.{self.system}")
        start = time.perf_counter()
        self._trained = module.prepare(found)
        if first_epoch:
            self._trained.epoch()
        return {"prepare_seconds": time.perf_counter() - start}

    def epoch(self) -> dict[str, Any]:
        """Train an epoch."""
        start = time.perf_counter()
        self._trained.epoch()
        return {"seconds": time.perf_counter() - start}

    def accuracy(self) -> dict[str, Any]:
        """Return the share of test images that are put into the right class."""
        from benchmarks.networks import fashion_mnist

        X, y = fashion_mnist()[1]
        return {"accuracy": float((self._trained.predict(X).argmax(axis=1) == y).mean())}

    def predict(self, calls: int = 500, repeats: int = 5) -> dict[str, Any]:
        """Time the prediction for one row."""
        predict, row = self._trained.predict_row, self._row
        if predict is None:
            raise ValueError("does not predict")
        for _ in range(calls // 5):
            predict(row)
        found = []
        for _ in range(repeats):
            start = time.perf_counter()
            for _ in range(calls):
                predict(row)
            found.append((time.perf_counter() - start) / calls)
        return {"values": found}

    def memory(self) -> dict[str, Any]:
        """Return the most memory that the process has used."""
        return {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def main(system: str) -> int:
    """Serve until the input ends."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    server = Server(system)
    for line in sys.stdin:
        question = json.loads(line)
        do: Callable[..., dict[str, Any]] = getattr(server, question.pop("do"))
        answer = attempt(do, question)
        print(json.dumps(answer), file=answers, flush=True)
    return 0


def attempt(do: Callable[..., dict[str, Any]], question: dict[str, Any]) -> dict[str, Any]:
    """Return the answer, or the reason why there is none: the others go on."""
    try:
        return do(**question)
    except ModuleNotFoundError as error:
        return {"error": f"{error.name} is not installed"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".strip().splitlines()[0]}


if __name__ == "__main__":
    np.seterr(under="ignore")
    sys.exit(main(sys.argv[1]))
