"""One program for many networks: a backend whose arrays all exist G times.

The mathematics is written, and recorded, for one network. Recorded on a `Stack`, every array that
it makes is the first of G alike, and the program says what to do with each of them: an instruction
on an array of the first network means the same instruction on the array of the g-th, which lies
``offsets(array)[g]`` bytes further on. An array that comes from elsewhere is shared by all.

A backend runs such a program as it likes: network after network, or all of them in one call over
arrays with a leading axis G. The numbers are the same.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.kernel import Kernel
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
    address,
    writes,
)
from fastnn.backend.protocols import Backend, Executable, Feed
from fastnn.backend.random import check_seed
from fastnn.errors import ArgumentError

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Region:
    """Memory of the first network, and how many bytes further on that of each network begins."""

    start: int
    stop: int
    offsets: Offsets = field(repr=False)
    owner: Array = field(repr=False)  # keeps the memory alive

    @property
    def step(self) -> int | None:
        """The bytes from one network to the next, if that is the same for all."""
        n = len(self.offsets)
        step = int(self.offsets[1]) if n > 1 else self.stop - self.start
        return step if (self.offsets == np.arange(n) * step).all() else None


class Stack:
    """The memory of G networks of one shape, as a backend for one of them.

    ``seeds``: of the dropout masks, one for each network.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.backend.program import Recorder
    >>> stack, xp = Stack(CpuBackend(), seeds=[0, 1, 2]), Recorder()
    >>> a, total = stack.zeros((1, 2), "float32"), stack.zeros((1, 1), "float32")
    >>> stack.all(a)[:] = np.array([[[1, 2]], [[3, 4]], [[5, 6]]])
    >>> _ = xp.sum(a, axis=1, out=total)
    >>> stack.compile(xp.program()).run()
    >>> stack.all(total).ravel().tolist()
    [3.0, 7.0, 11.0]
    """

    def __init__(self, backend: Backend, seeds: Sequence[int]) -> None:
        if not seeds:
            raise ArgumentError("a stack needs at least one network")
        self.backend = backend
        self.seeds = tuple(check_seed(seed) for seed in seeds)
        self._regions: list[_Region] = []
        self._shared = np.zeros(len(seeds), np.int64)

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def device(self) -> str:
        return self.backend.device

    @property
    def xp(self) -> Any:
        return self.backend.xp

    # Memory

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Return the first network's array; `all` has those of all."""
        return self._own(self.backend.empty((len(self), *shape), dtype))

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        return self._own(self.backend.zeros((len(self), *shape), dtype))

    def array(self, values: Any, dtype: npt.DTypeLike | None = None) -> Array:
        """Return the first of G copies of host values."""
        one = np.asarray(values, dtype)
        return self._own(self.backend.array(np.stack([one] * len(self))))

    def choose(self, pool: Array, places: Sequence[int]) -> Array:
        """Return ``pool[places[0]]``, which stands for ``pool[places[g]]`` of the g-th network.

        ``pool``: (F, ...), C-contiguous, on the device; several networks may share one of the F.
        """
        # The first network's is where the program looks; the others' may lie before it.
        first = pool[places[0]]
        steps = np.asarray(places, np.int64) - places[0]
        self._add(_Region(address(first), address(first) + first.nbytes, steps * pool.strides[0],
                          pool))  # fmt: skip
        return first

    def _own(self, base: Array) -> Array:
        first = base[0]
        if first.nbytes:
            offsets = np.arange(len(self), dtype=np.int64) * base.strides[0]
            self._add(_Region(address(first), address(first) + first.nbytes, offsets, base))
        return first

    def _add(self, region: _Region) -> None:
        insort(self._regions, region, key=attrgetter("start"))

    def _region(self, array: Array) -> _Region | None:
        return self._region_at(address(array)) if array.size else None

    def _region_at(self, start: int) -> _Region | None:
        # An instruction names views: any address inside of the memory that was handed out. Two
        # networks' memory never overlaps, nor does that of two arrays; pools are only read.
        if not self._regions:
            return None
        place = bisect_right(self._regions, start, key=attrgetter("start")) - 1
        found = self._regions[place]
        return found if place >= 0 and start < found.stop else None

    def offsets(self, array: Array) -> Offsets:
        """Return how many bytes after ``array`` that of each network lies: 0 if it is shared."""
        return self.offsets_at(address(array))

    def offsets_at(self, place: int) -> Offsets:
        """Return the same for an address. The array lives as long as the stack."""
        region = self._region_at(place)
        return self._shared if region is None else region.offsets

    def step(self, array: Array) -> int | None:
        """Return the bytes from one network's array to the next one's: None if irregular."""
        region = self._region(array)
        return 0 if region is None else region.step

    def all(self, array: Array, first: int = 0, stop: int | None = None) -> Array:
        """Return the arrays of networks ``first`` to ``stop`` as one view, (G, *shape)."""
        step = self.step(array)
        if step is None:
            raise ArgumentError(f"the arrays of shape {array.shape} do not lie at equal distances")
        stop = len(self) if stop is None else stop
        view = self.xp.lib.stride_tricks.as_strided
        return view(self.one(array, first), (stop - first, *array.shape), (step, *array.strides))

    def one(self, array: Array, g: int) -> Array:
        """Return the array of the g-th network."""
        offset = int(self.offsets(array)[g])
        if not offset:
            return array
        # The second of two at that distance: a view that begins elsewhere, in NumPy and in CuPy.
        view = self.xp.lib.stride_tricks.as_strided
        return view(array, (2, *array.shape), (offset, *array.strides))[1]

    @property
    def bytes_per_network(self) -> int:
        """What a network has for itself alone, not what all share."""
        return sum(r.stop - r.start for r in self._regions if r.step)

    # Programs

    def compile(self, program: Program, runs: int = 1) -> Executable:
        """Return the program ready to run for all networks."""
        # Networks that wrote to the same place would overwrite each other, in silence.
        for i in program.instructions:
            for out in writes(i):
                region = self._region(out)
                if region is None or not region.step:
                    raise ArgumentError(
                        f"the result of a {type(i).__name__} of shape {out.shape} is not the "
                        "stack's: every network needs its own"
                    )
        return self.backend.compile_stacked(program, self, runs)

    def instruction(self, i: Instruction, g: int) -> Instruction:
        """Return what an instruction means for the g-th network."""

        def own(array: Array) -> Array:
            return self.one(array, g)

        match i:
            case Dot():
                return Dot(own(i.a), own(i.b), own(i.out))
            case Apply():
                return Apply(i.kernel, _each(own, i.args), _each(own, i.outs))
            case Reduce():
                return replace(i, a=own(i.a), out=own(i.out))
            case Gather():
                return Gather(own(i.source), own(i.order), own(i.position), own(i.out))
            case Load():
                return Load(own(i.table), own(i.counter), own(i.out))
            case Store():
                return Store(own(i.value), own(i.counter), own(i.table))
            case Advance():
                return replace(i, counter=own(i.counter))
            case Uniform():
                return Uniform(self.seeds[g], i.layer, own(i.counter), own(i.out))
            case UniformColumns():
                counters = own(i.counter), own(i.first)
                return UniformColumns(self.seeds[g], i.layer, *counters, i.of, own(i.out))

    def alone(self, program: Program, g: int) -> Program:
        """Return the program of the g-th network."""
        return Program(tuple(self.instruction(i, g) for i in program.instructions), program.names)

    def unrolled(self, program: Program) -> Program:
        """Return one program that does the work of all networks, one after the other."""
        own = (self.alone(program, g).instructions for g in range(len(self)))
        return Program(tuple(chain.from_iterable(own)), program.names)

    # What a backend also has

    def compile_stacked(self, program: Program, stack: Stack, runs: int = 1) -> Executable:
        raise ArgumentError("a stack of stacks is not there: stack a backend")

    def dot(self, a: Array, b: Array, *, out: Array) -> Array:
        raise _records("dot")

    def apply(self, kernel: Kernel, *args: Array, out: Any) -> Any:
        raise _records(f"kernel {kernel.name!r}")

    def sum(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array) -> Array:
        raise _records("sum")

    def max(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array) -> Array:
        raise _records("max")

    def feed(self, targets: Sequence[Array]) -> Feed:
        raise ArgumentError("the examples of a stack of networks lie on the device, all of them")

    def host(self, array: Array) -> np.ndarray[Any, Any]:
        return self.backend.host(array)

    def copy(self, source: Array, out: Array) -> None:
        self.backend.copy(source, out)

    def finite(self, array: Array, axis: int | None = None) -> Any:
        return self.backend.finite(array, axis)

    def synchronize(self) -> None:
        self.backend.synchronize()

    def free_memory(self) -> int:
        return self.backend.free_memory()


def all_networks(backend: Backend, array: Array) -> Array:
    """Return the arrays of all networks, (G, *shape); ``array`` itself where there is no stack.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> cpu, stack = CpuBackend(), Stack(CpuBackend(), seeds=[0, 1])
    >>> [all_networks(xp, xp.zeros((3,), "float32")).shape for xp in (cpu, stack)]
    [(3,), (2, 3)]
    """
    return backend.all(array) if isinstance(backend, Stack) else array


def _records(what: str) -> ArgumentError:
    return ArgumentError(f"{what}: a stack computes nothing at once; record a program and run it")


def _each(own: Any, arrays: Iterable[Array]) -> tuple[Array, ...]:
    return tuple(own(array) for array in arrays)
