"""Run programs with NumPy: prepared calls with ``out=``, nothing allocated per step.

BLAS is held to one thread. Large products are shared out among threads of ours, in parts that only
depend on the program, so that the numbers do not depend on what else the machine is doing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from functools import partial

import numpy as np

from fastnn.backend.host.blas import ONE_THREAD, find_blas
from fastnn.backend.host.threads import in_shelter
from fastnn.backend.numpy.elementwise import Call, lower
from fastnn.backend.numpy.products import Pace, SharedProduct, parts
from fastnn.backend.numpy.scratch import Scratch
from fastnn.backend.program import (
    Advance,
    Apply,
    Array,
    Dot,
    Gather,
    Instruction,
    Load,
    Program,
    Reduce,
    Store,
    Uniform,
    UniformColumns,
    check_operands,
)
from fastnn.backend.protocols import EngineChoice
from fastnn.backend.random import UniformStream

Bind = Callable[[], list[Call]]

#: Multiplications up to which BLAS takes one thread, whatever it may.
_ALONE = 9000


class NumpyExecutable:
    """A program made ready: ``run(n)`` executes it n times; up to ``threads`` for each product.

    >>> from fastnn.backend.program import Recorder
    >>> xp, step = Recorder(), np.array([0])
    >>> xp.advance(step, by=2)
    >>> NumpyExecutable(xp.program()).run(3)
    >>> step.tolist()
    [6]
    """

    def __init__(self, program: Program, threads: int = 1) -> None:
        # A loss that is not finite is found by the caller. NumPy keeps what it is to ignore in a
        # context; to enter a copy of this one takes 0.2 us, `np.errstate` 1.0.
        self._quiet = Context()
        self._quiet.run(partial(np.seterr, all="ignore"))
        self._pace, self.threads = Pace(), 1
        scratch = Scratch()
        binds = [self._prepare(i, scratch, threads) for i in program.instructions]
        self._calls: list[Call] = [call for bind in binds for call in bind()]
        self.choice = EngineChoice("numpy", self.threads, "")
        work = max((i.work for i in program.instructions if isinstance(i, Dot)), default=0)
        self._blas = find_blas() if work > _ALONE else None

    def _prepare(self, i: Instruction, scratch: Scratch, threads: int) -> Bind:
        shared = parts(i, threads) if isinstance(i, Dot) else []
        if len(shared) < 2:
            return prepare(i, scratch)
        self.threads = max(self.threads, len(shared))
        calls = [call for part in shared for call in prepare(part, scratch)()]
        product = SharedProduct([partial(self._quietly, call) for call in calls], self._pace)
        return lambda: [product]

    def run(self, n: int = 1) -> None:
        if self._blas is None and self.threads == 1:
            self._quietly(self._run, n)
            return
        with ONE_THREAD.held(self._blas):
            if self.threads == 1:
                self._quietly(self._run, n)
            else:  # threads work on the arrays: Ctrl-C has to wait until they have ended
                self._pace.run(n, lambda n: in_shelter(partial(self._quietly, self._run, n)))

    def _quietly(self, call: Callable[..., object], *args: int) -> None:
        self._quiet.copy().run(call, *args)

    def _run(self, n: int) -> None:
        calls = self._calls
        for _ in range(n):
            for call in calls:
                call()


def prepare(i: Instruction, scratch: Scratch) -> Bind:
    """Return what makes the calls of an instruction, once all scratch needs are known.

    >>> counter = np.array([3])
    >>> [call() for call in prepare(Advance(counter, by=2), Scratch())()]
    [array([5])]
    """
    match i:
        case Apply():
            check_operands(i.kernel.name, i.args, i.outs)
            return lower(i.kernel.graph, i.args, i.outs, scratch)
        case Dot():
            # Of parts of arrays only matmul makes no copies; where there are none, dot is quicker.
            whole = all(a.flags.forc for a in (i.a, i.b)) and i.out.flags.c_contiguous
            call: Call = partial(np.dot if whole else np.matmul, i.a, i.b, i.out)
        case Reduce():
            ufunc = np.add if i.how == "sum" else np.maximum
            call = partial(ufunc.reduce, i.a, i.axis, None, i.out, True)
        case Gather():
            call = partial(_gather, i.source, i.order, i.position, i.out, i.out.shape[0])
        case Load():
            call = partial(_load, i.table, i.counter, i.out)
        case Store():
            call = partial(_store, i.value, i.counter, i.table)
        case Advance():
            call = partial(np.add, i.counter, np.array(i.by, i.counter.dtype), i.counter)
        case Uniform():
            call = partial(_uniform, UniformStream(i.seed, i.layer), i.counter, i.out)
        case UniformColumns():
            stream = UniformStream(i.seed, i.layer)
            call = partial(_uniform_columns, stream, i.counter, i.first, i.of, i.out)
    return lambda: [call]


def _gather(source: Array, order: Array, position: Array, out: Array, m: int) -> None:
    start = position.item()
    # mode="clip" writes straight into out; "raise" would go through a buffer.
    source.take(order[start : start + m], 0, out, "clip")


def _load(table: Array, counter: Array, out: Array) -> None:
    out[...] = table[counter.item()]


def _store(value: Array, counter: Array, table: Array) -> None:
    table[counter.item()] = value.item()


def _uniform(stream: UniformStream, counter: Array, out: Array) -> None:
    stream.fill(out, counter.item())


def _uniform_columns(
    stream: UniformStream, counter: Array, first: Array, of: int, out: Array
) -> None:
    stream.fill_columns(out, counter.item(), first.item(), of)
