"""Programs of a `Stack` with NumPy: one call over many networks where there is one.

Networks are taken a group at a time. The arrays of a group have a leading axis, over which NumPy
broadcasts; only products go network by network, each the very call that a network alone would
make. A group trains through all steps before the next one does, so that it stays in the cache,
and several threads take groups in turn: NumPy and BLAS compute without Python's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from fastnn.backend.host.blas import ONE_THREAD, find_blas
from fastnn.backend.host.threads import in_shelter, run_together
from fastnn.backend.numpy.elementwise import BLOCK, Call, lower
from fastnn.backend.numpy.executor import Bind, prepare
from fastnn.backend.numpy.products import parts
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
    check_operands,
)
from fastnn.backend.protocols import EngineChoice, Executable
from fastnn.backend.stack import Stack

#: Bytes of a group of networks that stay in the second-level cache.
GROUP_BYTES = 1 << 21


class StackedNumpyExecutable:
    """A program made ready for every network of a stack: ``run(n)`` executes it n times.

    Products have the parts that a network alone has on so many ``threads``.
    """

    def __init__(self, program: Program, stack: Stack, threads: int = 1) -> None:
        self.threads = max(1, min(threads, len(stack)))
        self.choice = EngineChoice("numpy", self.threads, "")
        self._groups = [
            _Group(stack, first, stop, threads).calls(program)
            for first, stop in groups(len(stack), self.threads, stack.bytes_per_network)
        ]

    def run(self, n: int = 1) -> None:
        share_out([partial(_run, calls, n) for calls in self._groups], self.threads)


class InTurn:
    """The programs of all networks, one network after the other.

    >>> from fastnn.backend.numpy.executor import NumpyExecutable
    >>> counts = [np.array([0]), np.array([0])]
    >>> programs = [Program((Advance(count, 1),), {}) for count in counts]
    >>> InTurn([NumpyExecutable(p) for p in programs]).run(2)
    >>> counts
    [array([2]), array([2])]
    """

    def __init__(self, networks: Sequence[Executable]) -> None:
        self._networks = networks
        self.choice = networks[0].choice

    def run(self, n: int = 1) -> None:
        for network in self._networks:
            network.run(n)


def groups(n: int, threads: int, size: int) -> list[tuple[int, int]]:
    """Return where each group of ``n`` networks of ``size`` bytes begins and ends.

    As many groups for every thread, of nearly equal sizes, none larger than `GROUP_BYTES` unless
    it is a single network.

    >>> groups(5, threads=2, size=1000), groups(5, threads=1, size=GROUP_BYTES)
    ([(0, 2), (2, 5)], [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)])
    """
    most = max(1, GROUP_BYTES // max(1, size))
    count = min(n, -(-n // (most * threads)) * threads)
    return [(n * i // count, n * (i + 1) // count) for i in range(count)]


def share_out(works: Sequence[Callable[[], object]], threads: int) -> None:
    """Do all of ``works``, each thread taking the next one until none is left.

    BLAS is held to one thread. What a piece of work raises is raised here when all threads have
    ended.

    >>> done = []
    >>> share_out([lambda: done.append(1), lambda: done.append(2)], threads=2)
    >>> sorted(done)
    [1, 2]
    """
    if threads == 1:
        with ONE_THREAD.held(find_blas()):
            for work in works:
                work()
        return
    waiting, raised = iter(list(works)), list[BaseException]()

    def take() -> None:
        try:
            for work in waiting:  # a list's iterator gives each entry to one thread
                work()
        except BaseException as error:
            raised.append(error)

    with ONE_THREAD.held(find_blas()):
        in_shelter(partial(run_together, [take] * threads))
    if raised:
        raise raised[0]


def _run(calls: Sequence[Call], n: int) -> None:
    with np.errstate(all="ignore"):  # a loss that is not finite is found by the caller
        for _ in range(n):
            for call in calls:
                call()


class _Group:
    """Some networks of a stack, and the calls that an instruction is for them."""

    def __init__(self, stack: Stack, first: int, stop: int, threads: int) -> None:
        self.stack, self.first, self.stop, self.threads = stack, first, stop, threads

    def calls(self, program: Program) -> list[Call]:
        """Return the calls that run a program for the networks of the group."""
        scratch = Scratch()
        whole = program.instructions
        split = [p for i in whole for p in (parts(i, self.threads) if isinstance(i, Dot) else [i])]
        binds = [self.bind(i, scratch) for i in split]
        return [call for bind in binds for call in bind()]

    def __len__(self) -> int:
        return self.stop - self.first

    def all(self, array: Array) -> Array:
        return self.stack.all(array, self.first, self.stop)

    def bind(self, i: Instruction, scratch: Scratch) -> Bind:
        """Return one call for all networks where NumPy has it, else one for each."""
        match i:
            # Long arrays gain nothing together, and BLAS takes part in them, in none of the others.
            case Apply() if i.outs[0].size <= BLOCK and self._regular(*i.args, *i.outs):
                check_operands(i.kernel.name, i.args, i.outs)
                depth = max(a.ndim for a in (*i.args, *i.outs))
                args, outs = ([self._deep(a, depth) for a in v] for v in (i.args, i.outs))
                return lower(i.kernel.graph, args, outs, scratch, by_blas=False)
            case Reduce() if min(i.a.shape) > 1:  # NumPy adds up a single row in another order
                return _one(self._reduce(i))
            case Gather() if (places := self._rows(i)) is not None:
                return _one(places)
            case Load():
                table, out = self.all(i.table), self.all(i.out)
                return _one(partial(_load, table, self._counter(i.counter), out))
            case Store():
                table, value = self.all(i.table), self.all(i.value)
                value = value.reshape(len(self), *table.shape[2:])
                return _one(partial(_store, table, self._counter(i.counter), value))
            case Advance():
                counter = self.all(i.counter)
                return _one(partial(np.add, counter, np.array(i.by, counter.dtype), counter))
            case Dot() if min(*i.out.shape, i.a.shape[1]) > 1 and self._regular(i.a, i.b, i.out):
                return _one(partial(np.matmul, self.all(i.a), self.all(i.b), self.all(i.out)))
        binds = [prepare(self.stack.instruction(i, g), scratch) for g in self._networks]
        return lambda: [call for bind in binds for call in bind()]

    @property
    def _networks(self) -> range:
        return range(self.first, self.stop)

    def _regular(self, *arrays: Array) -> bool:
        return all(self.stack.step(a) is not None for a in arrays)

    def _deep(self, array: Array, depth: int) -> Array:
        """The group's arrays as one of ``depth`` dimensions and the leading one."""
        ones = (1,) * (depth - array.ndim)
        return self.all(array.reshape(ones + array.shape))

    def _counter(self, counter: Array) -> Array:
        """All networks are at the same step: the first one's counter says which."""
        return self.stack.one(counter, self.first)

    def _reduce(self, i: Reduce) -> Call:
        ufunc = np.add if i.how == "sum" else np.maximum
        a, out = self.all(i.a), self.all(i.out)
        if i.axis is not None:
            return partial(ufunc.reduce, a, i.axis + 1, None, out, True)
        flat = a.reshape(len(self), -1)
        return partial(ufunc.reduce, flat, 1, None, out.reshape(len(self), 1), True)

    def _rows(self, i: Gather) -> Call | None:
        """One call that gathers for all, if their examples are rows of one long table."""
        width = i.source.strides[0]
        offsets = self.stack.offsets(i.source)[self.first : self.stop]
        out = self.all(i.out)
        if not i.source.flags.c_contiguous or not out.flags.c_contiguous or (offsets % width).any():
            return None
        low, high = int(np.argmin(offsets)), int(offsets.max() - offsets.min())
        lowest = self.stack.one(i.source, self.first + low)
        long = np.lib.stride_tricks.as_strided(
            lowest, (len(lowest) + high // width, *lowest.shape[1:]), lowest.strides
        )
        begins = ((offsets - offsets.min()) // width)[:, None]
        order, position = self.all(i.order), self._counter(i.position)
        places = np.empty(out.shape[:2], np.int64)
        return partial(_gather, long, order, position, begins, places, out)


def _one(call: Call) -> Bind:
    return lambda: [call]


def _load(table: Array, counter: Array, out: Array) -> None:
    out[...] = table[:, counter.item()]


def _store(table: Array, counter: Array, value: Array) -> None:
    table[:, counter.item()] = value


def _gather(
    source: Array, order: Array, position: Array, begins: Array, places: Array, out: Any
) -> None:
    start = position.item()
    np.add(order[:, start : start + places.shape[1]], begins, places)
    source.take(places, 0, out, "clip")
