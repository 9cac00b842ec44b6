"""The other floor: the bytes that a step must read and write, copied from memory to memory."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.networks import Case
from benchmarks.systems import Trained

#: Below this many bytes a second thread costs more than it copies.
WORTH_A_THREAD = 1 << 20


def prepare(case: Case) -> Trained:
    """Return the copying of half as many bytes as an epoch's steps move: read, and written."""
    n = case.bytes_moved() // 2
    source, target = np.ones(n, np.uint8), np.zeros(n, np.uint8)
    if n < WORTH_A_THREAD:
        return Trained(lambda: _copy(source, target, case.n_steps))
    threads = len(os.sched_getaffinity(0))
    pool = ThreadPoolExecutor(threads)
    bounds = np.linspace(0, n, threads + 1).astype(int)
    pieces = [(source[i:j], target[i:j]) for i, j in pairwise(bounds)]

    def epoch() -> None:
        # Each thread copies its piece again and again: no step waits for another's threads.
        list(pool.map(lambda piece: _copy(*piece, case.n_steps), pieces))

    return Trained(epoch)


def _copy(source: Any, target: Any, times: int) -> None:
    for _ in range(times):
        np.copyto(target, source)
