"""What no training step can be faster than, measured: products, bytes, launches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.backend.program import (
    Dot,
    Gather,
    Instruction,
    Load,
    Program,
    Store,
    reads,
    writes,
)
from fastnn.backend.protocols import Backend

_EMPTY = 'extern "C" __global__ void fastnn_nothing(int n) {}'
#: Bytes of the copy whose speed is taken for that of the memory: far more than any cache holds.
COPIED = 2**28


def seconds(work: Callable[[], Any], wait: Callable[[], Any], least: float = 0.1) -> float:
    """Return the seconds of one ``work()``, the best of three rounds of ``least`` seconds or more.

    >>> calls = []
    >>> seconds(lambda: calls.append(1), lambda: None, least=1e-4) > 0
    True
    >>> len(calls) > 3  # one to warm up, and three rounds
    True
    """
    work()
    wait()
    n, best = 1, math.inf
    rounds = 0
    while rounds < 3:
        start = time.perf_counter()
        for _ in range(n):
            work()
        wait()
        spent = time.perf_counter() - start
        if spent < least:
            n = max(n + 1, min(16 * n, int(1.2 * n * least / max(spent, 1e-9))))
            continue
        best, rounds = min(best, spent / n), rounds + 1
    return best


def products(backend: Backend, program: Program) -> float:
    """Return the seconds of the matrix products of a step alone."""
    dots = tuple(i for i in program.instructions if isinstance(i, Dot))
    executable = backend.compile(Program(dots, {}))
    return seconds(executable.run, backend.synchronize)


def moved_bytes(program: Program) -> int:
    """Return the bytes that the instructions of a step beside products read and write.

    >>> a = np.zeros((10, 4), np.float32)
    >>> from fastnn.backend.program import Reduce
    >>> moved_bytes(Program((Reduce("sum", a, 1, np.zeros((10, 1), np.float32)),), {}))
    200
    """
    return sum(_bytes(i) for i in program.instructions if not isinstance(i, Dot))


def _bytes(i: Instruction) -> int:
    """What one instruction reads and writes; of a table only the rows of this step."""
    if isinstance(i, Gather):
        return 2 * int(i.out.nbytes) + i.out.shape[0] * int(i.order.itemsize)
    if isinstance(i, Load):
        return 2 * int(i.out.nbytes)
    if isinstance(i, Store):
        return 2 * int(i.value.nbytes)
    return sum(int(a.nbytes) for a in (*reads(i), *writes(i)))


def bandwidth(backend: Backend) -> float:
    """Return the bytes per second that a copy on the device reads and writes."""
    n = COPIED
    a, b = backend.zeros((n,), np.uint8), backend.zeros((n,), np.uint8)
    return 2 * n / seconds(lambda: backend.copy(a, b), backend.synchronize)


def empty_launches(backend: Any) -> dict[str, float]:
    """Return the seconds of a kernel that does nothing: launched each time, and in a graph."""
    import cupy

    kernel, n = cupy.RawKernel(_EMPTY, "fastnn_nothing"), 100

    def launches() -> None:
        for _ in range(n):
            kernel((1,), (32,), (np.int32(1),))

    with backend.active():
        stream = cupy.cuda.Stream(non_blocking=True)
        with stream:
            launches()
            stream.begin_capture()
            launches()
            graph = stream.end_capture()
        return {
            "eager": seconds(launches, backend.synchronize) / n,
            "captured": seconds(graph.launch, backend.synchronize) / n,
        }
