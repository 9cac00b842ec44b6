"""The training and evaluation steps whose kernels are checked: everything the library can emit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from fastnn.backend.program import Program
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import OptimizerRule, optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.proofs.selfcheck import combinations, normalized, optimizer_rules

SEED = 0
CLASSES: dict[str, Any] = {"loss_function": "categorical_crossentropy"}
#: Layer sizes and batch sizes where reductions, tiles and vector accesses have edges.
SHAPES = [
    ([1, 1], 1), ([5, 1, 10], 3), ([33, 127, 5, 2], 33), ([64, 64, 10], 127),
    ([784, 256, 128, 10], 128), ([784, 256, 128, 10], 1), ([28, 300, 300, 1], 1024),
]  # fmt: skip


def examples(net: Network, n: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Return X, Y and weights, (n, ...), that suit the network's loss."""
    random = generator(SEED, "check")
    K = net.sizes[-1]
    X = random.standard_normal((n, net.sizes[0]))
    if net.loss.link == "softmax":
        Y = random.integers(K, size=(n, 1)).astype(float)
    elif "binary" in net.loss.tasks or net.loss.lowest_target == 0:
        Y = random.integers(2, size=(n, K)).astype(float)
    else:
        Y = random.standard_normal((n, K))
    return X, Y, random.uniform(0.5, 1.5, (n, 1))


def plan(
    backend: Backend,
    net: Network,
    rule: OptimizerRule,
    m: int,
    n: int,
    dtype: str,
    weighted: bool = True,
    **options: Any,
) -> TrainingPlan:
    """Return a plan on ``n`` examples, with weights that are not those of the start."""
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend, seed=SEED)
    X, Y, w = (backend.array(v, dtype) for v in examples(net, n))
    data = Data(X, Y, w if weighted else None)
    return TrainingPlan(backend, net, p, rule, data, m, seed=SEED, **options)


def trainings(backend: Backend, dtype: str) -> Iterator[tuple[str, TrainingPlan]]:
    """Yield every activation with every loss, every optimiser and the shapes, each once."""
    descent, penalties = optimizer("gradient_descent"), {"l2": 0.1, "l1": 0.01, "clip_norm": 0.5}
    for name, net in chain(combinations(), normalized()):
        yield name, plan(backend, net, descent, 3, 7, dtype, **penalties)
    small = network([3, 4, 3], activation="tanh", dropout=0.5)
    for rule in optimizer_rules():
        yield rule.name, plan(backend, small, rule, 3, 7, dtype)
    for sizes, m in SHAPES:
        shape = CLASSES if sizes[-1] > 2 else {"loss_function": "binary_crossentropy"}
        for dropout in (0.0, 0.3):
            net = network(sizes, dropout=dropout if len(sizes) > 2 else 0.0, **shape)
            options = {"micro_batch_size": -(-m // 3)} if dropout and m > 1 else {}
            name = f"{'-'.join(map(str, sizes))} x {m}"
            yield name, plan(backend, net, optimizer("adam"), m, 2 * m + 1, dtype, **options)


class Watched:
    """A backend that keeps the programs that it is given."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.programs: list[Program] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def compile(self, program: Program, runs: int = 1) -> Any:
        """Keep the program, and do as the backend does."""
        self.programs.append(program)
        return self._backend.compile(program, runs)


def programs(backend: Backend, dtype: str) -> Iterator[tuple[str, Program]]:
    """Yield the programs of all trainings and predictions, with numbers in their memory."""
    watched: Any = Watched(backend)
    for name, made in trainings(watched, dtype):
        N = len(made.data)
        order, rates = generator(SEED, "shuffle").permutation(N), np.full(made.n_steps, 0.01)
        made.run_epoch(order, rates)
        made.run_epoch(order, rates, 1)  # so that there are rows left for one step more
        evaluation = EvaluationPlan(watched, made.network, made.parameters)
        evaluation.evaluate(*(v.astype(dtype) for v in examples(made.network, 5)))
        found, watched.programs = watched.programs, []
        yield from ((name, program) for program in found)
