"""Predictions for new examples, and their cost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Recorder
from fastnn.backend.protocols import Backend, EngineChoice, Executable
from fastnn.backend.stack import Stack, all_networks
from fastnn.errors import ArgumentError
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import Norms
from fastnn.nn.output import predictions
from fastnn.nn.parameters import Parameters
from fastnn.nn.step import (
    Data,
    Kernels,
    Memory,
    check_data,
    cost,
    forward,
    make_batch,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Prepared:
    """An evaluation program with the arrays that go in and come out."""

    data: Data
    A: Array
    J: Array
    executable: Executable


@dataclass(frozen=True, eq=False, slots=True)
class _Short:
    """What predictions take for as many rows as the last time, on the host: a few calls.

    A row at a time, all that surrounds the arithmetic takes as long as it does.
    """

    shape: tuple[int, ...]  # (m, n_0)
    X: Array
    A: npt.NDArray[np.floating]
    run: Callable[[], None]


class EvaluationPlan:
    """Predictions for new examples, without dropout, a block of rows at a time.

    Batch normalisation goes by its running estimates. On a `Stack`, of all its networks.

    A program is recorded for each number of rows that comes up; the last few are kept, and work
    on the same memory. ``times``: how often so many rows will come up, as far as known; the backend
    then knows whether a program is worth compiling.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> net, xp = network([1, 1]), CpuBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> p.W[0][:] = 2.0
    >>> predictions, J = EvaluationPlan(xp, net, p).evaluate(np.array([[3.0]]), np.array([[1.0]]))
    >>> predictions.tolist(), J
    ([[6.0]], 12.5)

    Raises ArgumentError if the shapes do not fit the network.
    """

    KEPT = 4

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        block: int = 1024,
        times: int = 1,
    ) -> None:
        self.backend, self.network, self.parameters = backend, network, parameters
        self._lead = (len(backend),) if isinstance(backend, Stack) else ()
        self.block, self._times = block, times
        self._ready: dict[tuple[int, bool, int], _Prepared] = {}
        self._memory, self._rows = Memory(backend, parameters.dtype), 0
        self._short: _Short | None = None
        self._lock = threading.Lock()  # several threads may predict: all work on the same memory

    @property
    def engine(self) -> EngineChoice | None:
        """What ran the most rows at once so far, on how many threads, and why; None: nothing."""
        with self._lock:
            most = max(self._ready, default=None)
            return None if most is None else self._ready[most].executable.choice

    def predict(self, X: Array) -> npt.NDArray[np.floating]:
        """Return ``A[L]`` for the rows of ``X`` (N, n_0): (N, K) on the host."""
        with self._lock:
            short = self._short
            if short is not None and type(X) is np.ndarray and X.shape == short.shape:
                np.copyto(short.X, X)
                short.run()
                return short.A.copy()
            if X.ndim == 2 and 0 < X.shape[0] <= self.block and X.shape[1] == self.network.sizes[0]:
                A, _ = self._run(self._times, Data(X, None), (X, None, None), slice(0, len(X)))
                if self.backend.xp is np:
                    ready = self._ready[X.shape[0], False, 0]
                    self._short = _Short(X.shape, ready.data.X, A, ready.executable.run)
                return A.copy()
        return self.evaluate(X)[0]

    def evaluate(
        self, X: Any, Y: Any = None, w: Any = None
    ) -> tuple[npt.NDArray[np.floating], Any]:
        """Return (predictions (N, K), mean loss without penalty; NaN if there is no ``Y``).

        On a stack ``X``, ``Y`` and ``w`` are lists of every network's own arrays, all of one shape
        (what several of them have is sent to the device once); results are (G, N, K) and (G,).
        """
        given = X, Y, w
        data = Data(*(map(_first, "XYw", given) if self._lead else given))
        check_data(self.network, data)
        N, K = len(data), self.network.sizes[-1]
        out = np.empty((*self._lead, N, K), self.parameters.dtype)
        total: Any = np.zeros(self._lead) if self._lead else 0.0
        for start in range(0, N, self.block):
            stop = min(start + self.block, N)
            runs = self._times * (N // self.block if stop - start == self.block else 1)
            with self._lock:
                A, J = self._run(runs, data, given, slice(start, stop))
                out[..., start:stop, :] = A
            total += J * (stop - start)
        return out, total / N if Y is not None else float("nan")

    def _run(
        self, runs: int, data: Data, given: Sequence[Any], rows: slice
    ) -> tuple[npt.NDArray[np.floating], Any]:
        """Return outputs and cost of some rows; ``data``: of the first network, for the shapes."""
        m, with_cost = rows.stop - rows.start, data.Y is not None
        key = (m, with_cost, 0 if data.w is None else data.w.shape[1])
        ready = self._ready.pop(key, None) or self._prepare(runs, *key)
        self._ready[key] = ready  # the most recently used is last
        if len(self._ready) > self.KEPT:
            del self._ready[next(iter(self._ready))]
        self._put(given[0], rows, ready.data.X)
        if with_cost:
            self._put(given[1], rows, ready.data.Y)
        if data.w is not None:
            self._put(given[2], rows, ready.data.w)
        ready.executable.run()
        A = self.backend.host(all_networks(self.backend, ready.A)).swapaxes(-1, -2)
        if not with_cost:
            return A, 0.0
        J = self.backend.host(all_networks(self.backend, ready.J)).reshape(-1).astype(np.float64)
        return A, J if self._lead else J.item()

    def _put(self, values: Any, rows: slice, into: Array) -> None:
        """Copy the rows to where the program reads them, each network's own."""
        if not self._lead:
            self.backend.copy(values[rows], into)
            return
        every, seen = all_networks(self.backend, into), dict[int, int]()
        for g, own in enumerate(values):
            first = seen.setdefault(id(own), g)
            self.backend.copy(own[rows] if first == g else every[first], every[g])

    def _prepare(self, runs: int, m: int, with_cost: bool, width: int) -> _Prepared:
        if m > self._rows:  # more than the memory was made for: begin anew
            self._ready.clear()
            self._short = None
            self._memory, self._rows = Memory(self.backend, self.parameters.dtype), m
        network, memory = self.network, self._memory
        K = network.sizes[-1]
        data = Data(
            memory.take("X", m, network.sizes[0]),
            memory.take("targets", m, 1 if network.loss.link == "softmax" else K),
            memory.take(f"weights {width}", m, width) if width else None,
        )
        kernels = Kernels.of(network, width > 0)
        xp = Recorder()
        batch = make_batch(
            self.backend,
            memory,
            network,
            data,
            m,
            training=False,
            names=xp,
            norms=Norms(self.parameters.norms),
        )
        forward(xp, kernels, self.parameters.W, self.parameters.b, batch)
        if with_cost:
            cost(xp, kernels, batch)
        o = batch.output
        A = xp.name(memory.take("A[L]", K, m), "A[L]")
        predictions(xp, kernels.output, o.Z, A=A, top=o.top, total=o.total)
        return _Prepared(data, A, batch.J, self.backend.compile(xp.program(), runs))


def _first(name: str, arrays: Sequence[Array] | None) -> Array:
    """Return the first network's array; raise ArgumentError unless the others are like it."""
    if arrays is None:
        return None
    shapes = {None if v is None else tuple(v.shape) for v in arrays}
    if len(shapes) > 1:
        raise ArgumentError(f"{name}: networks of a stack need arrays of one shape, found {shapes}")
    return arrays[0]
