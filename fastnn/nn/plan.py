"""The training plan: everything allocated and recorded for one network, ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Program, Recorder
from fastnn.backend.protocols import Backend, EngineChoice, Executable, copied
from fastnn.errors import ArgumentError
from fastnn.nn.accumulation import (
    AccumulatedStep,
    add,
    micro_batches,
    mini_batches,
    parts_of,
)
from fastnn.nn.groups import ParameterGroup, coefficients, segments
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import Norms
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Parameters
from fastnn.nn.penalties import LIMITS, clip_by_norm
from fastnn.nn.row_source import Feed, Resident, Streamed
from fastnn.nn.step import (
    Batch,
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

    With a ``micro_batch_size`` below the batch size, the gradient of a mini-batch is added up from
    parts of so many examples: the same step, in less memory.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.nn.optimizers import optimizer
    >>> net, xp = network([1, 1]), CpuBackend()
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
        micro_batch_size: int | None = None,
        block_rows: int | None = None,
    ) -> None:
        check_data(network, data)
        for option, value in (("l2", l2), ("l1", l1), ("clip_norm", clip_norm)):
            LIMITS[option].check("training", value)
        micro = batch_size if micro_batch_size is None else micro_batch_size
        for option, value in (("batch_size", batch_size), ("micro_batch_size", micro)):
            if isinstance(value, bool) or value != int(value) or value < 1:
                raise ArgumentError(f"{option} must be a whole number above 0, found {value!r}")
        dtype, size = parameters.dtype, parameters.layout.n_trained
        self.backend, self.network, self.parameters = backend, network, parameters
        self.optimizer, self.data = optimizer, data
        self.batch_size, self._n_full, rest = mini_batches(network, len(data), int(batch_size))
        self.batch_sizes = [self.batch_size] * self._n_full + [rest] * (rest > 0)
        self.n_steps = len(self.batch_sizes)
        self._micro = parts_of(network, micro, min(int(batch_size), len(data)))
        self.gradient = backend.zeros((size,), dtype)
        # Zero in the gaps, too.
        self._part = None if self._micro is None else backend.zeros((size,), dtype)
        self.state = {name: backend.zeros((size,), dtype) for name in optimizer.state}
        self.t = 0  # steps taken
        self._segments = segments(parameters.layout, groups, optimizer)
        self._seed = seed
        self.clip_norm = clip_norm
        self._clip = backend.array([[np.inf if clip_norm is None else clip_norm]], dtype)
        self._penalty = Penalty.make(backend, parameters, l2, l1, len(data))
        self._kernels = Kernels.of(network, data.w is not None)
        width = coefficients(optimizer, self._segments, np.ones(1), np.ones(1)).shape[1]
        self._table = backend.zeros((self.n_steps, width), dtype)
        self._row = backend.zeros((width,), dtype)
        self._costs = backend.zeros((self.n_steps + 1,), dtype)  # last, the sum of the parameters
        self.finite = True  # whether all parameters were numbers after the last epoch
        self._feed: Feed = (
            Resident(backend, data)
            if block_rows is None
            else Streamed(backend, data, self.batch_size, block_rows, joins=rest > self.batch_size)
        )
        self._step, self._time, self._column = (backend.zeros((1,), np.int64) for _ in range(3))
        memory = Memory(backend, dtype)
        # The larger batch comes first: its arrays have the memory of both.
        made = {
            m: self._compiled(memory, m, epochs * (self._n_full if m == self.batch_size else 1))
            for m in sorted({self.batch_size, rest} - {0})[::-1]
        }
        self._full, self.programs = made[self.batch_size]
        self._last = made[rest][0] if rest else None

    @property
    def engine(self) -> EngineChoice:
        """What runs the steps on whole batches, on how many threads, and why."""
        return self._full.choice

    @property
    def program(self) -> Program:
        """The step; with micro-batches the first of them, `programs` has all."""
        return self.programs[0]

    def _compiled(
        self, memory: Memory, m: int, runs: int
    ) -> tuple[Executable, tuple[Program, ...]]:
        """Return the step on ``m`` examples made ready, and the programs that it consists of."""
        compile_ = self.backend.compile
        if self._micro is None or m <= self._micro:
            xp = self._recorder()
            J = self._examples(xp, memory, m, self.gradient).J
            self._finish(xp, memory, J, m)
            program = xp.program()
            return compile_(program, runs), (program,)
        parts = micro_batches(m, self._micro)
        programs = [self._micro_batch(memory, part.m, m, part.first) for part in parts]
        ready = [
            (compile_(program, runs * part.runs), part.runs)
            for program, part in zip(programs, parts, strict=True)
        ]
        xp = self._recorder()
        self._finish(xp, memory, xp.name(memory.take("J", 1, 1), "J"), 0)
        xp.advance(self._column, -m)
        update = xp.program()
        return AccumulatedStep(ready, compile_(update, runs)), (*programs, update)

    def _micro_batch(self, memory: Memory, m: int, of: int, first: bool) -> Program:
        """Record the gradient of ``m`` of the ``of`` examples of a mini-batch."""
        xp = self._recorder()
        if first:
            self._examples(xp, memory, m, self.gradient, of)
        else:
            part = xp.name(self._part, "part of dtheta")
            J = self._examples(xp, memory, m, part, of).J
            total = xp.name(memory.take("J", 1, 1), "J")
            gradient = xp.name(self.gradient, "dtheta")
            xp.apply(add, gradient, part, out=gradient)
            xp.apply(add, total, J, out=total)
        xp.advance(self._feed.position, m)
        xp.advance(self._column, m)
        return xp.program()

    def _recorder(self) -> Recorder:
        """A recorder that knows the names of what all programs share."""
        xp, p = Recorder(), self.parameters
        name_parameters(xp, "", p.W, p.b)
        for array, name in (
            (self._table, "coefficients"), (self._row, "row"), (self._step, "step"),
            (self._feed.position, "position"), (self._feed.order, "order"),
            (self._costs, "costs"), (self._time, "t"), (self._column, "column"),
        ):  # fmt: skip
            xp.name(array, name)
        return xp

    def _examples(
        self, xp: Recorder, memory: Memory, m: int, gradient: Array, of: int | None = None
    ) -> Batch:
        """Note the cost and the ``gradient`` of the next ``m`` examples (N1, N8 to N14).

        ``of``: they are only some of the ``of`` examples of a mini-batch.
        """
        p, feed = self.parameters, self._feed
        dW, db = p.layout.views(gradient)
        name_parameters(xp, "d" if gradient is self.gradient else "part of d", dW, db)
        norms = Norms(p.norms, p.layout.norm_views(gradient), tracks=True)
        batch = make_batch(
            self.backend, memory, self.network, feed.source, m,
            training=True, names=xp, norms=norms, of=of,
        )  # fmt: skip
        if gradient is not self.gradient:
            batch = replace(batch, J=xp.name(memory.take("part of J", 1, 1), "part of J"))
        for source, rows in batch.rows:
            xp.gather(source, feed.order, feed.position, out=rows)
        for l, x in enumerate(batch.layers, start=1):
            if x.U is None:
                continue
            if of is None:
                xp.uniform(self._seed, l, self._time, out=x.U)
            else:
                xp.uniform_columns(self._seed, l, self._time, self._column, of, out=x.U)
        forward(xp, self._kernels, p.W, p.b, batch)
        cost(xp, self._kernels, batch)
        backward(xp, self._kernels, p.W, dW, db, batch)
        return batch

    def _finish(self, xp: Recorder, memory: Memory, J: Array, m: int) -> None:
        """Note penalties, clipping and update, and move on by ``m`` examples."""
        p = self.parameters
        n = p.layout.n_weights
        penalize(xp, self._penalty, p.theta[:n], self.gradient[:n], J)
        xp.store(J, self._step, table=self._costs)
        if self.clip_norm is not None:
            limit = xp.name(self._clip, "clip")
            squares, factor = (
                xp.name(memory.take(name, 1, 1), name) for name in ("squares", "factor")
            )
            xp.name(self.gradient, "dtheta")
            clip_by_norm(xp, self.gradient, limit, squares=squares, factor=factor)
        self._update(xp)
        if m:
            xp.advance(self._feed.position, m)
        xp.advance(self._step, 1)
        xp.advance(self._time, 1)

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
        if self.batch_size == len(self.data):  # as they lie, also where micro-batches gather them
            order = np.arange(len(self.data), dtype=np.int64)
        copy = self.backend.copy
        table = coefficients(self.optimizer, self._segments, self._times(), rates)
        copy(self.backend.array(table, self.parameters.dtype), self._table)
        for value, counter in ((0, self._column), (0, self._step), (self.t, self._time)):
            copy(self.backend.array([value]), counter)
        done = 0
        with closing(self._feed.blocks(order, steps)) as blocks:
            for ready in blocks:
                self._run(done, ready)
                done += ready
        self.t += steps
        theta, total = self.parameters.theta, self._costs[self.n_steps :]
        with np.errstate(over="ignore", invalid="ignore"):
            self.backend.sum(theta, axis=None, out=total)  # read with the costs, not by itself
        found = np.array(self.backend.host(self._costs), np.float64)
        self.finite = bool(np.isfinite(found[-1]) or self.backend.finite(theta))
        return found[:steps]

    def _times(self) -> FloatArray:
        """The numbers of the next epoch's steps, from 1 on."""
        return np.arange(self.t + 1, self.t + 1 + self.n_steps, dtype=np.float64)

    def _run(self, done: int, steps: int) -> None:
        """Run the next ``steps`` of an epoch of which some are done."""
        full = self._n_full
        self._full.run(min(steps, full - done))
        if self._last is not None and done + steps > full:
            self._last.run()

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
            copied(self.backend, self.parameters.theta),
            {name: copied(self.backend, s) for name, s in self.state.items()},
            self.t,
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        theta, state, self.t = snapshot
        self.backend.copy(theta, self.parameters.theta)
        for name, values in state.items():
            self.backend.copy(values, self.state[name])
