"""The whole training step that is timed: gather, forward, cost, backward, update (N17, N26)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn import reference
from fastnn.backend.backend import get_backend
from fastnn.backend.protocols import Backend
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.timing.subject import RUNS, FloatArray, Loop, Subject, Vectorised

#: Mini-batches in an epoch, so that rows are gathered from more than a batch has.
STEPS = 8
RATE = 0.001


def training_step(sizes: tuple[int, ...], full: int) -> Subject:
    """Return a step of Adam on a ReLU classifier; a batch of ``full`` is the whole data set.

    >>> training_step((3, 4, 2), full=8).size
    '3-4-2, Adam'
    """
    net = network(sizes, activation="relu", loss_function="categorical_crossentropy")

    def loop(m: int) -> Loop:
        X, y, order = examples(sizes, m, full)
        p = _start(net, get_backend("cpu", "numpy"), "float64")
        twin = reference.Training(
            reference.Network([g.name for g in net.activations], net.loss.name),
            [W.tolist() for W in p.W], [b.tolist() for b in p.b], "adam", RATE,
        )  # fmt: skip
        columns, targets, batch = X.T.tolist(), y.T.tolist(), order[:m].tolist()

        def run() -> list[Any]:
            reference.train_epoch(twin, columns, targets, [batch])
            return [*twin.W, *twin.b]

        return run

    def vectorised(backend: Backend, m: int, dtype: npt.DTypeLike) -> Vectorised:
        X, y, order = examples(sizes, m, full)
        p = _start(net, backend, dtype)
        data = Data(backend.array(X, dtype), backend.array(y, dtype))
        plan = TrainingPlan(backend, net, p, optimizer("adam"), data, m, epochs=RUNS)
        rates = np.full(plan.n_steps, RATE)

        def run(n: int) -> None:
            epochs, rest = divmod(n, plan.n_steps)
            for steps in [plan.n_steps] * epochs + [rest] * (rest > 0):
                plan.run_epoch(order, rates, steps)
            backend.synchronize()

        return Vectorised(run, lambda: [np.array(backend.host(v), float) for v in [*p.W, *p.b]])

    size = "-".join(map(str, sizes)) + ", Adam"
    return Subject("step", "training step", size, loop, vectorised)


def examples(
    sizes: tuple[int, ...], m: int, full: int
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Return X (N, n_0), class indices (N, 1) and an order (N,): eight batches, or one full one.

    >>> [part.shape for part in examples((3, 4, 2), m=5, full=100)]
    [(40, 3), (40, 1), (40,)]
    """
    random = np.random.default_rng(0)
    N = m if m >= full else STEPS * m
    X = random.standard_normal((N, sizes[0]))
    y = random.integers(sizes[-1], size=(N, 1)).astype(np.float64)
    return X, y, random.permutation(N)


def _start(net: Network, backend: Backend, dtype: npt.DTypeLike) -> Parameters:
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend)
    return p
