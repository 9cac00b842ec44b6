"""The training plan: everything allocated and recorded for one network, ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Program, Recorder
from fastnn.backend.shim import Backend
from fastnn.errors import ArgumentError
from fastnn.nn.feeding import Feed, Resident, Streamed
from fastnn.nn.groups import ParameterGroup, segments
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import Norms
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Parameters
from fastnn.nn.penalties import LIMITS, clip_by_norm
from fastnn.nn.step import (
    Data,
    Kernels,
    Memory,
    Penalty,
    backward,
    check_data,
    cost,
    forward,
    make_batch,
    name_parameters,
    penalize,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: Parameters, the optimiser's state by name, steps taken.
Snapshot = tuple[Array, dict[str, Array], int]


class TrainingPlan:
    """Mini-batch training of one network on one data set: epochs of recorded steps (N26).

    The optimiser's state belongs to the plan, the parameters to the caller. The last batch is what
    is left, and shorter. With batch normalisation one left example, alone with its mean, would
    teach nothing below: it joins the batch before.

    >>> from fastnn.backend.cpu.backend import NumpyBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> net, xp = network([1, 1]), NumpyBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> p.W[0][:] = 2.0
    >>> data = Data(X=np.array([[3.0]]), Y=np.array([[1.0]]))
    >>> plan = TrainingPlan(xp, net, p, optimizer("gradient_descent"), data, batch_size=1)
    >>> plan.run_epoch(np.array([0]), np.array([0.1])).tolist()  # (2 * 3 - 1)^2 / 2
    [12.5]
    >>> p.W[0].item(), p.b[0].item()  # 2 - 0.1 * 5 * 3, 0 - 0.1 * 5
    (0.5, -0.5)
    >>> print(plan.program)
    Z[1] = dot(W[1], A[0])
    Z[1] = add_bias(Z[1], b[1])
    dZ[1], cost = squared_error(Z[1], Y, 1/m)
    J = sum(cost, axis=None)
    dW[1] = dot(dZ[1], A[0] rows)
    db[1] = sum(dZ[1], axis=1)
    costs[step] = J
    row = coefficients[step]
    theta = gradient_descent(theta, dtheta, rate)
    position += 1
    step += 1
    t += 1

    ``block_rows``: the data are host arrays, of which so many rows at a time are on the device.

    Raises ArgumentError, naming the argument, if data, batch size, penalties, clipping or groups
    cannot work.
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        optimizer: OptimizerRule,
        data: Data,
        batch_size: int,
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        clip_norm: float | None = None,
        groups: Sequence[ParameterGroup] = (),
        seed: int = 0,
        epochs: int = 1,
        block_rows: int | None = None,
    ) -> None:
        check_data(network, data)
        for option, value in (("l2", l2), ("l1", l1), ("clip_norm", clip_norm)):
            LIMITS[option].check("training", value)
        if isinstance(batch_size, bool) or batch_size != int(batch_size) or batch_size < 1:
            raise ArgumentError(f"batch_size must be a whole number above 0, found {batch_size!r}")
        dtype, size = parameters.dtype, parameters.layout.n_trained
        self.backend, self.network, self.parameters = backend, network, parameters
        self.optimizer, self.data = optimizer, data
        self.batch_size, self._n_full, rest = _batches(network, len(data), int(batch_size))
        self.batch_sizes = [self.batch_size] * self._n_full + [rest] * (rest > 0)
        self.n_steps = len(self.batch_sizes)
        self.gradient = backend.zeros((size,), dtype)
        self.state = {name: backend.zeros((size,), dtype) for name in optimizer.state}
        self.t = 0  # steps taken
        self._segments = segments(parameters.layout, groups, optimizer)
        self._seed = seed
        self.clip_norm = clip_norm
        self._penalty = Penalty.make(backend, parameters, l2, l1, len(data))
        self._kernels = Kernels.of(network, data.w is not None)
        width = self._coefficients(np.ones(1), np.ones(1)).shape[1]
        self._table = backend.zeros((self.n_steps, width), dtype)
        self._row = backend.zeros((width,), dtype)
        self._costs = backend.zeros((self.n_steps,), dtype)
        self._feed: Feed = (
            Resident(backend, data)
            if block_rows is None
            else Streamed(backend, data, self.batch_size, block_rows, joins=rest > self.batch_size)
        )
        self._step, self._time = (backend.zeros((1,), np.int64) for _ in range(2))
        memory = Memory(backend, dtype)
        # The larger batch comes first: its arrays have the memory of both.
        programs = {m: self._record(memory, m) for m in sorted({self.batch_size, rest} - {0})[::-1]}
        self.program = programs[self.batch_size]
        self._full = backend.compile(self.program, epochs * self._n_full)
        self._last = backend.compile(programs[rest], epochs) if rest else None

    def _coefficients(self, t: FloatArray, rate: FloatArray) -> FloatArray:
        """The coefficients of every segment side by side, a row per step."""
        rule = self.optimizer
        parts = [rule.coefficients(t, rate * s.factor, s.weight_decay) for s in self._segments]
        return np.concatenate(parts, axis=1)

    def _record(self, memory: Memory, m: int) -> Program:
        """Record one step on ``m`` examples."""
        xp, p, feed = Recorder(), self.parameters, self._feed
        dW, db = p.layout.views(self.gradient)
        name_parameters(xp, "", p.W, p.b)
        name_parameters(xp, "d", dW, db)
        for array, name in (
            (self._table, "coefficients"), (self._row, "row"), (self._step, "step"),
            (feed.position, "position"), (feed.order, "order"), (self._costs, "costs"),
            (self._time, "t"),
        ):  # fmt: skip
            xp.name(array, name)
        norms = Norms(p.norms, p.layout.norm_views(self.gradient), tracks=True)
        batch = make_batch(
            self.backend, memory, self.network, feed.source, m, training=True, names=xp, norms=norms
        )
        for source, rows in batch.rows:
            xp.gather(source, feed.order, feed.position, out=rows)
        for l, x in enumerate(batch.layers, start=1):
            if x.U is not None:
                xp.uniform(self._seed, l, self._time, out=x.U)
        forward(xp, self._kernels, p.W, p.b, batch)
        cost(xp, self._kernels, batch)
        backward(xp, self._kernels, p.W, dW, db, batch)
        n = p.layout.n_weights
        penalize(xp, self._penalty, p.theta[:n], self.gradient[:n], batch.J)
        xp.store(batch.J, self._step, table=self._costs)
        if self.clip_norm is not None:
            limit = xp.name(self.backend.array(np.full((1, 1), self.clip_norm), p.dtype), "clip")
            squares, factor = (
                xp.name(memory.take(name, 1, 1), name) for name in ("squares", "factor")
            )
            xp.name(self.gradient, "dtheta")
            clip_by_norm(xp, self.gradient, limit, squares=squares, factor=factor)
        self._update(xp)
        xp.advance(feed.position, m)
        xp.advance(self._step, 1)
        xp.advance(self._time, 1)
        return xp.program()

    def _update(self, xp: Recorder) -> None:
        """``theta -= ...``: one kernel over each stretch of the flat parameters."""
        xp.load(self._table, self._step, out=self._row)
        width = len(self._row) // len(self._segments)
        for i, segment in enumerate(self._segments):
            place = segment.place
            part = f"[{place.start}:{place.stop}]" if len(self._segments) > 1 else ""
            theta = xp.name(self.parameters.theta[place], "theta" + part)
            gradient = xp.name(self.gradient[place], "dtheta" + part)
            state = [xp.name(s[place], name + part) for name, s in self.state.items()]
            names = self.optimizer.kernel.inputs[-width:]
            scalars = [
                xp.name(self._row[j : j + 1], name) for j, name in enumerate(names, start=i * width)
            ]
            outs = (theta, *state)
            xp.apply(
                self.optimizer.kernel, theta, gradient, *state, *scalars,
                out=outs if len(outs) > 1 else theta,
            )  # fmt: skip

    def run_epoch(self, order: IntArray, rates: FloatArray, steps: int | None = None) -> FloatArray:
        """Train through the rows in ``order`` once; return the cost ``J`` of every batch.

        ``order``: a permutation of the rows, int64 (N,); ``rates``: the learning rate of each
        step, float64 (n_steps,); ``steps``: stop after so many (to look at one of them again).
        """
        for name, values, n in (("order", order, len(self.data)), ("rates", rates, self.n_steps)):
            if values.shape != (n,):
                raise ArgumentError(f"{name} has shape {values.shape}, needs {(n,)}")
        steps = self.n_steps if steps is None else steps
        copy = self.backend.copy
        t = np.arange(self.t + 1, self.t + 1 + self.n_steps, dtype=np.float64)
        with np.errstate(under="ignore"):
            copy(self._host(self._coefficients(t, rates)), self._table)
        copy(self.backend.array([0]), self._step)
        copy(self.backend.array([self.t]), self._time)
        full, done = self._n_full, 0
        with closing(self._feed.blocks(order, steps)) as blocks:
            for ready in blocks:
                self._full.run(min(ready, full - done))
                done += ready
                if self._last is not None and done > full:
                    self._last.run()
        self.t += steps
        return np.array(self.backend.host(self._costs)[:steps], np.float64)

    def _host(self, table: FloatArray) -> Array:
        return self.backend.array(table, self.parameters.dtype)

    def snapshot(self, into: Snapshot | None = None) -> Snapshot:
        """Return copies of the parameters and of the optimiser's state.

        ``into``: an older snapshot, whose memory is used again.
        """
        if into is not None:
            theta, state, _ = into
            self.backend.copy(self.parameters.theta, theta)
            for name, values in self.state.items():
                self.backend.copy(values, state[name])
            return theta, state, self.t
        return (
            self.parameters.theta.copy(),
            {name: s.copy() for name, s in self.state.items()},
            self.t,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        theta, state, self.t = snapshot
        self.backend.copy(theta, self.parameters.theta)
        for name, values in state.items():
            self.backend.copy(values, self.state[name])


def _batches(network: Network, n_examples: int, batch_size: int) -> tuple[int, int, int]:
    """Return the batch size, how many such batches there are, and the size of the last one or 0."""
    m = min(batch_size, n_examples)
    full, rest = divmod(n_examples, m)
    if any(network.normalized):
        if m == 1:
            what = "batch_size=1" if batch_size == 1 else "one training example"
            raise ArgumentError(
                f"batch normalisation cannot train with {what}: the variance over a batch of one "
                "example is 0; use a batch_size of 2 or more"
            )
        if rest == 1:
            return (m, full - 1, m + 1) if full > 1 else (m + 1, 1, 0)
    return m, full, rest
