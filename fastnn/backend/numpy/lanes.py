"""A program shared out among threads: each takes some of the examples, then some of the parameters.

The examples of a mini-batch do not know of each other until their gradients are added up. So each
thread, or *lane*, takes its own through the whole network, in instructions like those of the
program but for fewer columns, and leaves a gradient of its own. These are added up and the update
is made in stretches of the flat parameters, one for each lane. Lanes meet only where one needs
what another made: `Schedule.phases` are what lies between such meetings.

Results of a product have to be contiguous. So what only the program itself reads, (n, m), is laid
out as one (n, k) block after another, each for the k examples of one lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided

from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.batched import Batched, NotShareableError
from fastnn.backend.numpy.phases import OWN, Copies, Phases, Schedule, Touch
from fastnn.backend.program import (
    Apply,
    Array,
    Dot,
    Gather,
    Instruction,
    Program,
    Reduce,
    Uniform,
    UniformColumns,
    address,
    reads,
    writes,
)

#: Fewer examples than this for a lane make its products slow.
FEWEST = 64
#: Operations on elements from which a kernel over the parameters is worth two lanes.
WORTH_SHARING = 1_000_000
#: Elements of gradients from which adding them up is worth two lanes.
WORTH_ADDING = 32_768
#: Stretches of parameters begin at multiples of so many elements.
_STEP = 1024
#: Elements between two gradients from which one could lie between them.
_GAP = 16

add = Kernel("add", lambda total, part: total + part)


# Programs with sums in the same place never run at the same time: the full and the short batch of
# a training have the same copies, those that the larger one needs.
_COPIES: WeakValueDictionary[Any, Copies] = WeakValueDictionary()


def share_program(program: Program, lanes: int) -> Schedule:
    """Share a program out among ``lanes``; raises NotShareableError if that cannot be done.

    >>> from fastnn.backend.program import Recorder
    >>> xp, X, W = Recorder(), np.ones((128, 3)), np.ones((2, 3))
    >>> Z, total = np.empty((2, 128)), np.empty((2, 1))
    >>> _ = xp.examples(X), xp.dot(W, X.T, out=Z), xp.sum(Z, axis=1, out=total)
    >>> for phase in share_program(xp.program(), lanes=2).phases:
    ...     print([[type(i).__name__ for i in lane] for lane in phase])
    [['Dot', 'Reduce'], ['Dot', 'Reduce']]
    [['Apply'], []]
    """
    sharing = _Sharing(program, lanes)
    for i in program.instructions:
        sharing.add(i)
    sharing.add_up(sharing.pending)
    return Schedule(sharing.phases.found, list(sharing.copies.values()))


class _Sharing:
    """Goes through the instructions once. Used once, then thrown away."""

    def __init__(self, program: Program, lanes: int) -> None:
        self.lanes = lanes
        self.m = program.examples[0].shape[0] if program.examples else 0
        self.cuts = [self.m * t // lanes for t in range(lanes + 1)]  # of the examples
        self.batched: dict[int, Batched] = {}
        self.results = {address(a) for a in program.results}
        if self.m >= FEWEST * lanes:
            for a in program.examples:
                if a.shape[0] != self.m:
                    raise NotShareableError(f"{a.shape[0]} examples here and {self.m} there")
                self.batched[address(a)] = Batched(a, 0, laid=False)
        self.pending: list[Array] = []  # sums over examples that every lane has a part of
        self.twins: dict[int, list[Array]] = {}  # the parts of lanes 1, 2, ... by address
        self.places = _sums_of(program)
        self.copies: dict[int, Copies] = {}  # by where the sums begin
        self.drawn = 0
        self.phases = Phases(lanes)
        self.seen: dict[int, tuple[Array, tuple[int, int]]] = {}  # where arrays lie, by id

    # What an instruction becomes

    def add(self, i: Instruction) -> None:
        touches = [self._place(a) for a in (*reads(i), *writes(i))]
        self.add_up([p for p in self.pending if any(map(partial(_meet, self._place(p)), touches))])
        axes = [self._axis(a) for a in reads(i)]
        shared = any(axis is not None for axis in axes)
        match i:
            case Uniform() | UniformColumns():
                self._draw(i)
            case Gather() if self._axis(i.out) is not None:
                parts = [
                    replace(i, order=i.order[self.cuts[t] :], out=self._part(i.out, t))
                    for t in range(self.lanes)
                ]
                self._all_lanes(parts)
            case Dot() if shared:
                self._dot(i, axes[0], axes[1])
            case Apply() if shared:
                self._apply(i)
            case Reduce() if axes[0] is not None:
                self._reduce(i, axes[0])
            case _ if shared:
                raise NotShareableError(f"{type(i).__name__} of what has an axis of examples")
            case Apply() if self._is_long(i):
                self._stretches(i)
            case _:
                self._without_examples(writes(i))
                self._put([(0, i)])

    def _axis(self, array: Array) -> int | None:
        """Return the axis along which the examples lie, None if there is none."""
        place = self._place(array)
        found = self.batched.get(place[0])
        if found is not None:
            return found.axis_of(array)
        if self._whole(place) is not None:
            raise NotShareableError("a part of an array with an axis of examples")
        return None

    def _without_examples(self, arrays: Iterable[Array]) -> None:
        if any(self._axis(a) is not None for a in arrays):
            raise NotShareableError("an array that has an axis of examples at times")

    def _part(self, array: Array, t: int) -> Array:
        """Lane t's part of an array; all of it if there is no axis of examples."""
        found = self.batched.get(self._place(array)[0])
        return array if found is None else found.part(array, self.cuts[t], self.cuts[t + 1])

    def _made(self, out: Array, axis: int, alone: bool = False) -> None:
        """Note that an array of the program's own has its examples along an axis."""
        found = self._axis(out)
        if found is None:
            own = self._place(out)[0] not in self.results
            laid = axis == 1 and not alone and own and out.flags.c_contiguous
            self.batched[self._place(out)[0]] = Batched(out, axis, laid, alone)
        elif found != axis:
            raise NotShareableError("examples along rows here and along columns there")

    def _dot(self, i: Dot, a: int | None, b: int | None) -> None:
        if (a, b) == (1, 0):  # a sum over the examples
            outs = self._sums(i.out)
        elif (a, b) == (None, 1):
            self._made(i.out, 1)
            outs = [self._part(i.out, t) for t in range(self.lanes)]
            if not all(out.flags.c_contiguous for out in outs):
                raise NotShareableError("a product that is read from elsewhere")
        else:
            raise NotShareableError("a product of examples with examples")
        parts = [Dot(self._part(i.a, t), self._part(i.b, t), out) for t, out in enumerate(outs)]
        self._all_lanes(parts)

    def _apply(self, i: Apply) -> None:
        axes = {self._axis(a) for a in i.args} - {None}
        axis = axes.pop()
        assert axis is not None
        alike = all(a.ndim in (0, 2) for a in i.args)
        other = [a for a in i.args if self._axis(a) is None and a.ndim]
        if axes or not alike or any(a.shape[axis] != 1 for a in other):
            raise NotShareableError("examples along rows here and along columns there")
        for out in i.outs:
            self._made(out, axis)

        def part(arrays: Iterable[Array], t: int) -> tuple[Array, ...]:
            return tuple(self._part(a, t) for a in arrays)

        parts = [Apply(i.kernel, part(i.args, t), part(i.outs, t)) for t in range(self.lanes)]
        self._all_lanes(parts)

    def _reduce(self, i: Reduce, axis: int) -> None:
        if i.axis is None or i.axis == axis:
            if i.how != "sum":
                raise NotShareableError("a maximum over the examples")
            outs = self._sums(i.out)
        else:
            self._made(i.out, axis)
            outs = [self._part(i.out, t) for t in range(self.lanes)]
        parts = [replace(i, a=self._part(i.a, t), out=out) for t, out in enumerate(outs)]
        self._all_lanes(parts)

    def _draw(self, i: Uniform | UniformColumns) -> None:
        """Random numbers are drawn for all examples at once: by one lane, each layer by another."""
        if self.batched:
            if self._axis(i.out) is not None or i.out.shape[1] != self.m:
                raise NotShareableError("random numbers that are not those of the examples")
            self._made(i.out, 1, alone=True)
        self._put([(self.drawn % self.lanes, i)])
        self.drawn += 1

    def _is_long(self, i: Apply) -> bool:
        """Whether it is a kernel over the parameters that is worth sharing."""
        out = i.outs[0]
        return (
            out.size * len(i.kernel.graph.values) >= WORTH_SHARING
            and all(a.size == 1 or a.shape == out.shape for a in i.args)
            and all(a.flags.c_contiguous for a in (*i.args, *i.outs))
        )

    def _stretches(self, i: Apply) -> None:
        """Each lane does a stretch of the elements."""
        self._without_examples(i.outs)
        parts: list[tuple[int, Instruction]] = []
        for t, (lo, hi) in enumerate(self._cut(i.outs[0].size)):
            args = tuple(a.reshape(-1)[lo:hi] if a.size > 1 else a.reshape(1) for a in i.args)
            outs = tuple(o.reshape(-1)[lo:hi] for o in i.outs)
            parts.append((t, Apply(i.kernel, args, outs)))
        self._put(parts)

    def _cut(self, n: int) -> list[tuple[int, int]]:
        """Stretches of n elements, one for each lane."""
        blocks = -(-n // _STEP)
        cuts = [min(n, blocks * t // self.lanes * _STEP) for t in range(self.lanes + 1)]
        return [(lo, hi) for lo, hi in pairwise(cuts) if lo < hi]

    # Sums over the examples

    def _sums(self, out: Array) -> list[Array]:
        """Where each lane leaves its part of a sum: the first one in its place."""
        self._without_examples([out])
        if not out.flags.c_contiguous:
            raise NotShareableError("a sum over the examples that is not contiguous")
        start = self._place(out)[0]
        if start not in self.twins:
            places = self.places[id(_owner(out))]
            first, stop = min(lo for lo, _ in places), max(hi for _, hi in places)
            if first not in self.copies:
                self.copies[first] = self._copies_of(first, stop, out)
            at = (start - first) // out.itemsize
            self.twins[start] = [
                c[at : at + out.size].reshape(out.shape)
                for c in self.copies[first][: self.lanes - 1]
            ]
        self.pending.append(out)
        return [out, *self.twins[start]]

    def _copies_of(self, first: int, stop: int, like: Array) -> Copies:
        """Return memory for the sums of the other lanes that lie between two addresses.

        It begins with zeros, since what lies between two sums is added up, too.
        """
        n = (stop - first) // like.itemsize
        found = _COPIES.get((first, n, like.dtype))
        if found is None or len(found) < self.lanes - 1:
            found = Copies(np.zeros(n, like.dtype) for _ in range(1, self.lanes))
            _COPIES[first, n, like.dtype] = found
        return found

    def add_up(self, sums: list[Array]) -> None:
        """Add the lanes' parts of ``sums``: what lies side by side at once, shared out if long."""
        self.pending = [p for p in self.pending if not any(p is s for s in sums)]
        for together in self._neighbours(sums):
            twins = zip(*(self.twins[self._place(s)[0]] for s in together), strict=True)
            total, *parts = (_stretch(arrays) for arrays in (together, *twins))
            long = total.size >= WORTH_ADDING
            cuts = self._cut(total.size) if long else [(0, total.size)]
            for part in parts:
                self._put(
                    [
                        (t, Apply(add, (total[lo:hi], part[lo:hi]), (total[lo:hi],)))
                        for t, (lo, hi) in enumerate(cuts)
                    ]
                )

    def _neighbours(self, sums: Sequence[Array]) -> list[list[Array]]:
        """Group those that lie side by side in one owner's memory."""
        groups: list[list[Array]] = []
        for a in sorted(sums, key=address):
            if groups and _owner(a) is _owner(last := groups[-1][-1]):
                end, start = self._place(last)[1], self._place(a)[0]
                if 0 <= start - end < _GAP * a.itemsize:
                    groups[-1].append(a)
                    continue
            groups.append([a])
        return groups

    def _all_lanes(self, parts: Sequence[Instruction]) -> None:
        self._put(list(enumerate(parts)))

    def _put(self, parts: Sequence[tuple[int, Instruction]]) -> None:
        self.phases.put(parts, [t for lane, i in parts for t in self._touches(lane, i)])

    def _touches(self, lane: int, i: Instruction) -> Iterator[Touch]:
        """What a lane reads and writes."""
        for arrays, written in ((reads(i), False), (writes(i), True)):
            for a in arrays:
                if a.size:
                    whole = self._whole(self._place(a))
                    if whole is None:
                        yield (*self._place(a), lane, written)
                    else:  # its own examples, unless one lane draws numbers for all
                        yield (*self._place(whole.base), lane if whole.alone else OWN, written)

    def _place(self, array: Array) -> tuple[int, int]:
        """Return where the array begins and ends."""
        if id(array) not in self.seen:
            self.seen[id(array)] = (array, byte_bounds(array))  # an id is valid while its array is
        return self.seen[id(array)][1]

    def _whole(self, place: tuple[int, int]) -> Batched | None:
        """Return what has an axis of examples and a part there."""
        return next((b for b in self.batched.values() if _meet(place, self._place(b.base))), None)


def _meet(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] < b[1] and b[0] < a[1]


def _owner(array: Array) -> Array:
    """The array that has the memory."""
    return array if array.base is None else array.base


def _sums_of(program: Program) -> dict[int, list[tuple[int, int]]]:
    """Return where sums, perhaps over examples, begin and end, by the id of the memory's owner."""
    found: dict[int, list[tuple[int, int]]] = {}
    for i in program.instructions:
        if isinstance(i, (Dot, Reduce)):
            found.setdefault(id(_owner(i.out)), []).append(byte_bounds(i.out))
    return found


def _stretch(arrays: Sequence[Array]) -> Array:
    """Return the memory from the first to the end of the last array, in one dimension."""
    first, last, size = arrays[0], arrays[-1], arrays[0].itemsize
    n = (address(last) + last.nbytes - address(first)) // size
    return as_strided(first.reshape(-1), (n,), (size,))
