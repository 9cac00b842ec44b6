"""Training of many networks of one shape at once, each as if it were alone.

The step is recorded for one network, by `TrainingPlan`, on the memory of a `Stack`: what differs
from network to network is numbers in that memory (weights, the order of the examples, learning
rates, penalties), the seed of the dropout masks, or the examples themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Recorder
from fastnn.backend.protocols import Backend, Executable
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError
from fastnn.nn.groups import ParameterGroup, coefficients
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import Norms
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.output import predictions
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Batch, Data, Kernels, Memory, check_data, cost, forward, make_batch

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Member:
    """What a network of a stack has of its own; the optimisers differ in numbers only."""

    optimizer: OptimizerRule
    seed: int = 0
    l2: float = 0.0
    l1: float = 0.0
    clip_norm: float | None = None


@dataclass(frozen=True, eq=False)
class Pool:
    """Data sets of one form, side by side on the device, and which of them each network uses.

    ``X`` (F, N, n_0); ``Y`` (F, N, k); ``w`` (F, N, 1) or (F, N, K), or None.
    """

    X: Array
    Y: Array
    w: Array
    places: tuple[int, ...]

    def on(self, stack: Stack) -> Data:
        """Return the first network's data, which stand for those of each."""
        return Data(
            *(None if v is None else stack.choose(v, self.places) for v in (self.X, self.Y, self.w))
        )

    def of(self, networks: Sequence[int]) -> Pool:
        """Return the same pool for some of the networks."""
        return Pool(self.X, self.Y, self.w, tuple(self.places[g] for g in networks))

    def data(self, g: int) -> Data:
        """Return the data of one network."""
        f = self.places[g]
        return Data(self.X[f], self.Y[f], None if self.w is None else self.w[f])


def _alike(members: Sequence[Member]) -> list[tuple[OptimizerRule, list[int]]]:
    """Return the different optimisers, each with the networks that have it."""
    found: list[tuple[OptimizerRule, list[int]]] = []
    for g, member in enumerate(members):
        networks = next((n for rule, n in found if rule == member.optimizer), None)
        if networks is None:
            found.append((member.optimizer, networks := []))
        networks.append(g)
    return found


class ManyPlan(TrainingPlan):
    """Epochs of mini-batch training for G networks of one shape.

    ``theta``: (G, P), the flat parameters of each network (see `Parameters`), copied. The batches
    of all have one size, and so have their data sets.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> members = [Member(optimizer("gradient_descent")), Member(optimizer("gradient_descent"))]
    >>> pool = Pool(np.array([[[3.0]]]), np.array([[[1.0]]]), None, places=(0, 0))
    >>> theta = np.zeros((2, 32))
    >>> theta[:, 0] = 2.0
    >>> plan = ManyPlan(CpuBackend(), network([1, 1]), theta, members, pool, batch_size=1)
    >>> rates = np.array([[0.1], [0.2]])
    >>> plan.run_epochs(np.array([[0], [0]]), rates).tolist()  # (2 * 3 - 1)^2 / 2
    [[12.5], [12.5]]
    >>> plan.theta[:, 0].tolist()  # 2 - 0.1 * 5 * 3, 2 - 0.2 * 5 * 3
    [0.5, -1.0]
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        theta: npt.NDArray[np.floating],
        members: Sequence[Member],
        pool: Pool,
        batch_size: int,
        *,
        groups: Sequence[ParameterGroup] = (),
        epochs: int = 1,
        micro_batch_size: int | None = None,
    ) -> None:
        if len({m.optimizer.update for m in members}) > 1:
            raise ArgumentError("networks that are trained at once need one kind of optimizer")
        self._rules = _alike(members)
        self.stack = Stack(backend, [m.seed for m in members])
        parameters = Parameters(network, self.stack, theta.dtype)
        self.theta = self.stack.all(parameters.theta)
        backend.copy(theta, self.theta)
        clips = [m.clip_norm for m in members if m.clip_norm is not None]
        super().__init__(
            self.stack,
            network,
            parameters,
            members[0].optimizer,
            pool.on(self.stack),
            batch_size,
            l2=max(m.l2 for m in members),
            l1=max(m.l1 for m in members),
            clip_norm=clips[0] if clips else None,
            groups=groups,
            seed=members[0].seed,
            epochs=epochs,
            micro_batch_size=micro_batch_size,
        )
        N = len(self.data)
        for array, values in (
            (self._penalty.l2, [m.l2 / N for m in members]),
            (self._penalty.l1, [m.l1 / N for m in members]),
            (self._clip, [np.inf if m.clip_norm is None else m.clip_norm for m in members]),
        ):
            if array is not None:
                self._set(array, values)

    def _set(self, array: Array, values: npt.ArrayLike) -> None:
        """Write the networks' values, (G, ...), into the arrays that ``array`` stands for."""
        into = self.stack.all(array)
        self.backend.copy(np.ascontiguousarray(values, into.dtype).reshape(into.shape), into)

    def run_epochs(self, orders: IntArray, rates: FloatArray) -> FloatArray:
        """Train every network through its rows once; return the costs of its batches.

        ``orders``: (G, N) permutations of the rows; ``rates``: (G, n_steps); costs (G, n_steps).
        """
        G, N, t = len(self.stack), len(self.data), self._times()
        for name, given, n in (("orders", orders, N), ("rates", rates, self.n_steps)):
            if given.shape != (G, n):
                raise ArgumentError(f"{name} has shape {given.shape}, needs {(G, n)}")
        if self.batch_size == N:  # as they lie, also where micro-batches gather them
            orders = np.broadcast_to(np.arange(N), (G, N))
        table = np.empty((G, self.n_steps, self._row.size))
        for rule, networks in self._rules:
            times = np.tile(t, len(networks))
            found = coefficients(rule, self._segments, times, rates[networks].ravel())
            table[networks] = found.reshape(len(networks), *table.shape[1:])
        for array, values in (
            (self._table, table),
            (self._feed.order, orders),
            (self._feed.position, np.zeros(G)),
            (self._step, np.zeros(G)),
            (self._column, np.zeros(G)),
            (self._time, np.full(G, self.t)),
        ):
            self._set(array, values)
        self._run(0, self.n_steps)
        self.t += self.n_steps
        costs = self.backend.host(self.stack.all(self._costs))
        return np.array(costs[:, : self.n_steps], np.float64)

    def states(self) -> dict[str, Array]:
        """Return the optimiser's state of all networks, (G, P) each, by name."""
        return {name: self.stack.all(s) for name, s in self.state.items()}


class ManyEvaluation:
    """Outputs and loss of every network of a stack on examples of its own, without dropout.

    The blocks of rows are those of `EvaluationPlan`, and so are the numbers. ``times``: how often
    it will run, as far as known.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> stack, net = Stack(CpuBackend(), seeds=[0, 1]), network([1, 1])
    >>> p = Parameters(net, stack, "float64")
    >>> stack.all(p.W[0])[:, 0, 0] = [2.0, 4.0]
    >>> pool = Pool(np.array([[[3.0]]]), np.array([[[1.0]]]), None, places=(0, 0))
    >>> A, J = ManyEvaluation(stack, net, p, pool).run()  # (6 - 1)^2 / 2, (12 - 1)^2 / 2
    >>> A.ravel().tolist(), J.tolist()
    ([6.0, 12.0], [12.5, 60.5])
    """

    def __init__(
        self,
        stack: Stack,
        network: Network,
        parameters: Parameters,
        pool: Pool,
        block: int = 1024,
        times: int = 1,
    ) -> None:
        self._stack, self._network, self._parameters = stack, network, parameters
        self._data = pool.on(self._stack)
        check_data(self._network, self._data)
        N = len(self._data)
        self._block, rest = min(block, N), N % min(block, N)
        self._order = self._stack.array(np.arange(N))
        self._position = self._stack.zeros((1,), np.int64)
        memory = Memory(self._stack, self._parameters.dtype)
        self._whole = self._prepare(memory, self._block, times * (N // self._block))
        self._rest = self._prepare(memory, rest, times) if rest else None

    def _prepare(self, memory: Memory, m: int, runs: int) -> tuple[Batch, Array, Executable]:
        xp, network, p = Recorder(), self._network, self._parameters
        kernels = Kernels.of(network, self._data.w is not None)
        batch = make_batch(
            self._stack, memory, network, self._data, m, training=False, names=xp,
            norms=Norms(p.norms),
        )  # fmt: skip
        for source, rows in batch.rows:
            xp.gather(source, self._order, self._position, out=rows)
        forward(xp, kernels, p.W, p.b, batch)
        cost(xp, kernels, batch)
        o = batch.output
        A = memory.take("A[L]", network.sizes[-1], m)
        predictions(xp, kernels.output, o.Z, A=A, top=o.top, total=o.total)
        xp.advance(self._position, m)
        return batch, A, self._stack.compile(xp.program(), runs)

    def run(self) -> tuple[npt.NDArray[np.floating], FloatArray]:
        """Return the outputs (G, N, K), on the host, and the mean losses (G,)."""
        stack, N = self._stack, len(self._data)
        out = np.empty((len(stack), N, self._network.sizes[-1]), self._parameters.dtype)
        total = np.zeros(len(stack))
        position = stack.all(self._position)
        stack.copy(np.zeros(position.shape, np.int64), position)
        for start in range(0, N, self._block):
            whole = start + self._block <= N
            ready = self._whole if whole or self._rest is None else self._rest
            batch, A, executable = ready
            executable.run()
            out[:, start : start + batch.m] = stack.host(stack.all(A)).transpose(0, 2, 1)
            total += stack.host(stack.all(batch.J)).reshape(-1).astype(np.float64) * batch.m
        return out, total / N
