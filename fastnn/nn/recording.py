"""The programs of a training step: a mini-batch at once, or its micro-batches and the update.

They are recorded for one network. Where its arrays are the first of a `Stack`, they are the
programs of all its networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fastnn.backend.program import Array, Program, Recorder
from fastnn.backend.protocols import Backend, Executable
from fastnn.nn.accumulation import AccumulatedStep, add, micro_batches
from fastnn.nn.groups import Segment
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import Norms
from fastnn.nn.optimizers import OptimizerRule
from fastnn.nn.parameters import Parameters
from fastnn.nn.penalties import clip_by_norm
from fastnn.nn.row_source import Feed
from fastnn.nn.step import (
    Batch,
    Kernels,
    Memory,
    Penalty,
    backward,
    cost,
    forward,
    make_batch,
    name_parameters,
    penalize,
)


class StepRecorder:
    """Records the step of one network on arrays that are allocated once.

    The ``coefficients`` of every step of an epoch (n_steps, width), the cost of each in ``costs``
    (and one number more, which the plan uses), the counters ``step``, ``time`` (steps ever taken)
    and ``column`` (the place in a mini-batch that is gone through in parts).
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        optimizer: OptimizerRule,
        state: dict[str, Array],
        feed: Feed,
        segments: Sequence[Segment],
        *,
        n_steps: int,
        width: int,
        penalty: Penalty,
        clips: bool,
        micro: int | None,
        seed: int,
    ) -> None:
        """``width``: coefficients of a step; ``micro``: the most examples computed at once."""
        dtype, size = parameters.dtype, parameters.layout.n_trained
        self.backend, self.network, self.parameters = backend, network, parameters
        self.gradient = backend.zeros((size,), dtype)
        # Zero in the gaps, too.
        self._part = None if micro is None else backend.zeros((size,), dtype)
        self.coefficients = backend.zeros((n_steps, width), dtype)
        self.costs = backend.zeros((n_steps + 1,), dtype)
        self.clip = backend.array([[np.inf]], dtype) if clips else None
        self.step, self.time, self.column = (backend.zeros((1,), np.int64) for _ in range(3))
        self._row = backend.zeros((width,), dtype)
        self._optimizer, self._state, self._segments = optimizer, state, segments
        self._feed, self._penalty, self._micro, self._seed = feed, penalty, micro, seed
        self._kernels = Kernels.of(network, feed.source.w is not None)
        self._memory = Memory(backend, dtype)

    def ready(self, m: int, runs: int) -> tuple[Executable, tuple[Program, ...]]:
        """Return the step on ``m`` examples made ready, and the programs that it consists of.

        The largest ``m`` must come first: smaller ones use its memory.
        """
        compile_ = self.backend.compile
        if self._micro is None or m <= self._micro:
            xp = self._recorder()
            self._finish(xp, self._examples(xp, m, self.gradient).J, m)
            program = xp.program()
            return compile_(program, runs), (program,)
        parts = micro_batches(m, self._micro)
        programs = [self._micro_batch(part.m, m, part.first) for part in parts]
        compiled = [
            (compile_(program, runs * part.runs), part.runs)
            for program, part in zip(programs, parts, strict=True)
        ]
        xp = self._recorder()
        self._finish(xp, xp.name(self._memory.take("J", 1, 1), "J"), 0)
        xp.advance(self.column, -m)
        update = xp.program()
        return AccumulatedStep(compiled, compile_(update, runs)), (*programs, update)

    def _micro_batch(self, m: int, of: int, first: bool) -> Program:
        """Record the gradient of ``m`` of the ``of`` examples of a mini-batch."""
        xp = self._recorder()
        if first:
            self._examples(xp, m, self.gradient, of)
        else:
            part = xp.name(self._part, "part of dtheta")
            J = self._examples(xp, m, part, of).J
            total = xp.name(self._memory.take("J", 1, 1), "J")
            gradient = xp.name(self.gradient, "dtheta")
            xp.apply(add, gradient, part, out=gradient)
            xp.apply(add, total, J, out=total)
        xp.advance(self._feed.position, m)
        xp.advance(self.column, m)
        return xp.program()

    def _recorder(self) -> Recorder:
        """A recorder that knows the names of what all programs share."""
        xp, p = Recorder(), self.parameters
        name_parameters(xp, "", p.W, p.b)
        for array, name in (
            (self.coefficients, "coefficients"), (self._row, "row"), (self.step, "step"),
            (self._feed.position, "position"), (self._feed.order, "order"),
            (self.costs, "costs"), (self.time, "t"), (self.column, "column"),
        ):  # fmt: skip
            xp.name(array, name)
        return xp

    def _examples(self, xp: Recorder, m: int, gradient: Array, of: int | None = None) -> Batch:
        """Note the cost and the ``gradient`` of the next ``m`` examples (N1, N8 to N14).

        ``of``: they are only some of the ``of`` examples of a mini-batch.
        """
        p, feed = self.parameters, self._feed
        dW, db = p.layout.views(gradient)
        name_parameters(xp, "d" if gradient is self.gradient else "part of d", dW, db)
        norms = Norms(p.norms, p.layout.norm_views(gradient), tracks=True)
        batch = make_batch(
            self.backend, self._memory, self.network, feed.source, m,
            training=True, names=xp, norms=norms, of=of,
        )  # fmt: skip
        if gradient is not self.gradient:
            batch = replace(batch, J=xp.name(self._memory.take("part of J", 1, 1), "part of J"))
        for source, rows in batch.rows:
            xp.gather(source, feed.order, feed.position, out=rows)
        for l, x in enumerate(batch.layers, start=1):
            if x.U is None:
                continue
            if of is None:
                xp.uniform(self._seed, l, self.time, out=x.U)
            else:
                xp.uniform_columns(self._seed, l, self.time, self.column, of, out=x.U)
        forward(xp, self._kernels, p.W, p.b, batch)
        cost(xp, self._kernels, batch)
        backward(xp, self._kernels, p.W, dW, db, batch)
        return batch

    def _finish(self, xp: Recorder, J: Array, m: int) -> None:
        """Note penalties, clipping and update, and move on by ``m`` examples."""
        p = self.parameters
        n = p.layout.n_weights
        penalize(xp, self._penalty, p.theta[:n], self.gradient[:n], J)
        xp.store(J, self.step, table=self.costs)
        if self.clip is not None:
            limit = xp.name(self.clip, "clip")
            squares, factor = (
                xp.name(self._memory.take(name, 1, 1), name) for name in ("squares", "factor")
            )
            xp.name(self.gradient, "dtheta")
            clip_by_norm(xp, self.gradient, limit, squares=squares, factor=factor)
        self._update(xp)
        if m:
            xp.advance(self._feed.position, m)
        xp.advance(self.step, 1)
        xp.advance(self.time, 1)

    def _update(self, xp: Recorder) -> None:
        """``theta -= ...``: one kernel over each stretch of the flat parameters."""
        xp.load(self.coefficients, self.step, out=self._row)
        kernel = self._optimizer.kernel
        width = len(self._row) // len(self._segments)
        for i, segment in enumerate(self._segments):
            place = segment.place
            part = f"[{place.start}:{place.stop}]" if len(self._segments) > 1 else ""
            theta = xp.name(self.parameters.theta[place], "theta" + part)
            gradient = xp.name(self.gradient[place], "dtheta" + part)
            state = [xp.name(s[place], name + part) for name, s in self._state.items()]
            scalars = [
                xp.name(self._row[j : j + 1], name)
                for j, name in enumerate(kernel.inputs[-width:], start=i * width)
            ]
            outs = (theta, *state)
            xp.apply(
                kernel, theta, gradient, *state, *scalars, out=outs if len(outs) > 1 else theta
            )
