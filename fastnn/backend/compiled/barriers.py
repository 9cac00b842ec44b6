"""How several threads share one instruction, and when they have to wait for each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.lib.array_utils import byte_bounds

from fastnn.backend.program import Array, address

#: Results with at least so many rows are shared out by rows, others by columns.
MANY_ROWS = 16
#: Elements (or multiply-adds / 8) below which one thread does an instruction alone.
ALONE = 4096


@dataclass(frozen=True)
class Share:
    """Rows ``lo`` to ``hi``, in them columns ``first`` to ``last``, of an (n, m) array."""

    lo: int
    hi: int
    first: int
    last: int

    @property
    def empty(self) -> bool:
        return self.lo >= self.hi or self.first >= self.last


def _cut(n: int, t: int, threads: int, step: int) -> tuple[int, int]:
    """Return where thread t's stretch of n begins and ends, at multiples of ``step``."""
    blocks = -(-n // step)
    return min(n, blocks * t // threads * step), min(n, blocks * (t + 1) // threads * step)


def shares(
    n: int, m: int, threads: int, work: float, *, by_rows: bool | None = None
) -> list[Share]:
    """Share an (n, m) result out, one part per thread: by rows if there are many, else columns.

    Neighbouring instructions share alike, so that a thread goes on with what it made itself.

    >>> shares(64, 100, 2, work=1e6)
    [Share(lo=0, hi=32, first=0, last=100), Share(lo=32, hi=64, first=0, last=100)]
    """
    if threads == 1 or work < ALONE:
        return [Share(0, n, 0, m)] + [Share(0, 0, 0, 0)] * (threads - 1)
    # Whole vectors for each thread, and mostly no cache line (16 float32) that two of them write:
    # it would travel from core to core with every store.
    if by_rows if by_rows is not None else n >= MANY_ROWS:
        return [Share(*_cut(n, t, threads, 8), 0, m) for t in range(threads)]
    return [Share(0, n, *_cut(m, t, threads, 16)) for t in range(threads)]


@dataclass(frozen=True)
class Access:
    """What one thread touches: bytes start to stop; only some columns if ``columns`` is set.

    ``columns``: bytes of a row, and where in each row, counted from ``start``, they lie.
    """

    thread: int
    write: bool
    start: int
    stop: int
    columns: tuple[int, int, int] | None = None

    def conflicts(self, other: Access) -> bool:
        """Return whether the two must not happen at the same time."""
        # A thread does its shares in the order of the program, and reading together is no harm.
        if self.thread == other.thread or not (self.write or other.write):
            return False
        if self.stop <= other.start or other.stop <= self.start:
            return False
        # Shares of columns overlap from the first byte to the last, and yet are apart: in rows that
        # are as long and begin at the same places, it is the columns that count.
        mine, theirs = self.columns, other.columns
        if mine and theirs and mine[0] == theirs[0] and (self.start - other.start) % mine[0] == 0:
            return mine[1] < theirs[2] and theirs[1] < mine[2]
        return True  # rows that begin at different places


def access(array: Array, thread: int, share: Share | None, *, write: bool) -> Access:
    """Return the access to a share of a contiguous (n, m) array, or to all of any array.

    >>> import numpy as np
    >>> row = np.zeros((1, 8))
    >>> parts = [access(row, t, Share(0, 1, 4 * t, 4 * t + 4), write=True) for t in (0, 1)]
    >>> parts[0].conflicts(parts[1])
    False
    """
    size = array.dtype.itemsize
    if share is None or array.ndim != 2 or not array.flags.c_contiguous:
        start, stop = byte_bounds(array)
        return Access(thread, write, start, stop)
    start, width = address(array), array.shape[1] * size
    whole = (share.first, share.last) == (0, array.shape[1])
    columns = None if whole else (width, share.first * size, share.last * size)
    return Access(thread, write, start + share.lo * width, start + share.hi * width, columns)


def waits(instructions: Sequence[Sequence[Access]]) -> list[bool]:
    """Return before which instructions all threads wait for each other, given what each touches.

    >>> made, used = Access(0, True, 0, 8), Access(1, False, 0, 8)
    >>> waits([[made], [], [used], [used]])
    [False, False, True, False]
    """
    # Each barrier stands as late as it can, before the first instruction that needs it, and settles
    # whatever came before. So there are as few as possible, and none can be left out.
    found: list[bool] = []
    recent: list[Access] = []  # since all waited
    for touched in instructions:
        found.append(any(a.conflicts(b) for a in touched for b in recent))
        if found[-1]:
            recent = []
        recent += touched
    return found
