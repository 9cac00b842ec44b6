"""Examples that are ready for a network, and what many networks make of theirs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.protocols import Backend
from fastnn.backend.stack import Stack
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.nn.row_source import Pool
from fastnn.training.class_counts import ClassCounts

HostArray = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Part:
    """Examples as rows, ready for the network, and how to judge its outputs for them.

    ``X`` (N, n_0); ``Y`` (N, k), or (N, 1) class indices for softmax; ``w`` (N, 1) or (N, K)
    weights in the loss, or None; ``score`` takes the outputs (N, K) and returns metrics, ``count``
    takes them and returns counts of the classes or labels.

    >>> len(Part(np.zeros((3, 2)), np.zeros((3, 1))))
    3
    """

    X: HostArray
    Y: HostArray
    w: HostArray | None = None
    score: Callable[[HostArray], dict[str, float]] | None = None
    count: Callable[[HostArray], ClassCounts | None] | None = None

    def __len__(self) -> int:
        return len(self.X)

    def judged(self, outputs: HostArray) -> dict[str, float]:
        """Return the metrics of outputs for these examples, none if none are asked for."""
        return {} if self.score is None else self.score(outputs)

    def counted(self, outputs: HostArray) -> ClassCounts | None:
        """Return how often each class is predicted, and for what; None of a regression."""
        return None if self.count is None else self.count(outputs)


def pool(backend: Backend, parts: Sequence[Part], dtype: npt.DTypeLike) -> Pool:
    """Return the different data sets on the device, and which of them each part is.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> a, b = (Part(np.full((3, 2), x), np.zeros((3, 1))) for x in (1.0, 2.0))
    >>> found = pool(CpuBackend(), [a, b, a], "float32")
    >>> found.X.shape, found.places
    ((2, 3, 2), (0, 1, 0))
    """
    keys = [(id(p.X), id(p.Y), id(p.w)) for p in parts]
    distinct = list(dict.fromkeys(keys))
    firsts = [parts[keys.index(key)] for key in distinct]

    def together(arrays: Sequence[HostArray | None]) -> Any:
        if arrays[0] is None:
            return None
        if len(arrays) == 1:  # on the CPU, where it lies
            return backend.array(arrays[0], dtype)[None]
        return backend.array(np.stack([v for v in arrays if v is not None]), dtype)

    X, Y, w = (together([getattr(p, name) for p in firsts]) for name in ("X", "Y", "w"))
    return Pool(X, Y, w, tuple(distinct.index(key) for key in keys))


def evaluate(
    plan: EvaluationPlan, parts: Sequence[Part]
) -> list[tuple[npt.NDArray[np.floating], float]]:
    """Return outputs (N, K) and mean loss of the plan's network on its part, or of each on a stack.

    All parts are of one length.
    """
    if not isinstance(plan.backend, Stack):
        return [plan.evaluate(part.X, part.Y, part.w) for part in parts]
    arrays = ([getattr(part, name) for part in parts] for name in ("X", "Y", "w"))
    outputs, losses = plan.evaluate(*arrays)
    return list(zip(outputs, losses.tolist(), strict=True))


def evaluate_many(
    backend: Backend,
    network: Network,
    parameters: Sequence[Parameters],
    parts: Sequence[Part],
    block: int = 1024,
    times: int = 1,
) -> list[tuple[npt.NDArray[np.floating], float]]:
    """Return each network's outputs (N, K) and mean loss on its part; all parts are as long.

    ``block``: rows that are judged at once; ``times``: of which the engine may be chosen.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> part, net = Part(np.array([[3.0]]), np.array([[1.0]])), network([1, 1])
    >>> p = Parameters(net, CpuBackend(), "float64")
    >>> p.theta[:] = 2.0
    >>> evaluate_many(CpuBackend(), net, [p], [part])  # 2 * 3 + 2
    [(array([[8.]]), 24.5)]
    """
    memory, together = backend, parameters[0]
    if len(parameters) > 1:
        memory = stack = Stack(backend, [0] * len(parameters))
        together = Parameters(network, stack, parameters[0].dtype)
        for g, one in enumerate(parameters):
            backend.copy(one.theta, stack.one(together.theta, g))
    return evaluate(EvaluationPlan(memory, network, together, block, times), parts)
