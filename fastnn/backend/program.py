"""A program: what one training step does, recorded as a list of instructions over fixed arrays.

The mathematics in `nn` calls a shim ``xp`` that speaks NumPy's names. `Recorder` is such a shim:
it computes nothing and notes every call. The list that results can be run by NumPy, by compiled
code or as a CUDA graph, and printed: it reads like the notes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fastnn.backend.kernel import Kernel
from fastnn.errors import ArgumentError

#: A NumPy or CuPy array. Which one depends on the device, so the type checker cannot know.
Array: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class Dot:
    """``out = a @ b``: (n, k) times (k, m)."""

    a: Array
    b: Array
    out: Array

    @property
    def work(self) -> int:
        """Multiplications."""
        return int(self.out.size * self.a.shape[1])


@dataclass(frozen=True, eq=False)
class Apply:
    """``outs = kernel(*args)``, element by element; smaller arguments are broadcast."""

    kernel: Kernel
    args: tuple[Array, ...]
    outs: tuple[Array, ...]


@dataclass(frozen=True, eq=False)
class Reduce:
    """``out = sum(a)`` or ``max(a)`` over ``axis`` (None: over everything), dimensions kept."""

    how: str  # "sum" or "max"
    a: Array
    axis: int | None
    out: Array


@dataclass(frozen=True, eq=False)
class Gather:
    """``out[j] = source[order[position + j]]``: the rows of the next mini-batch."""

    source: Array
    order: Array
    position: Array
    out: Array


@dataclass(frozen=True, eq=False)
class Load:
    """``out = table[counter]``: this step's row of a table made by the host."""

    table: Array
    counter: Array
    out: Array


@dataclass(frozen=True, eq=False)
class Store:
    """``table[counter] = value``: keep this step's result until the host reads them all."""

    value: Array
    counter: Array
    table: Array


@dataclass(frozen=True, eq=False)
class Advance:
    """``counter += by``."""

    counter: Array
    by: int


@dataclass(frozen=True, eq=False)
class Uniform:
    """``out =`` uniform numbers of (seed, layer) at step ``counter`` (see `random`)."""

    seed: int
    layer: int
    counter: Array
    out: Array


@dataclass(frozen=True, eq=False)
class UniformColumns:
    """``out`` (n, k) = columns ``first`` .. of the numbers that `Uniform` gives (n, ``of``)."""

    seed: int
    layer: int
    counter: Array
    first: Array
    of: int
    out: Array


Instruction: TypeAlias = (
    Dot | Apply | Reduce | Gather | Load | Store | Advance | Uniform | UniformColumns
)


def reads(i: Instruction) -> tuple[Array, ...]:
    """Return the arrays that an instruction reads.

    >>> import numpy as np
    >>> reads(Store(value=np.array([0.5]), counter=np.array([3]), table=np.zeros(9)))
    (array([0.5]), array([3]))
    """
    match i:
        case Dot():
            return (i.a, i.b)
        case Apply():
            return i.args
        case Reduce():
            return (i.a,)
        case Gather():
            return (i.source, i.order, i.position)
        case Load():
            return (i.table, i.counter)
        case Store():
            return (i.value, i.counter)
        case Advance() | Uniform():
            return (i.counter,)
        case UniformColumns():
            return (i.counter, i.first)


def writes(i: Instruction) -> tuple[Array, ...]:
    """Return the arrays that an instruction writes to.

    >>> import numpy as np
    >>> writes(Advance(np.array([0]), by=1))
    (array([0]),)
    """
    match i:
        case Apply():
            return i.outs
        case Store():
            return (i.table,)
        case Advance():
            return (i.counter,)
        case _:
            return (i.out,)


def check_operands(name: str, args: Sequence[Array], outs: Sequence[Array]) -> None:
    """Raise ArgumentError unless shapes broadcast to the outputs' and overlaps are exact.

    The outputs are float32 or float64, all alike, and none overlaps another. NumPy would convert
    and copy in silence; machine code would write to the wrong memory.
    """
    dtypes = sorted({str(out.dtype) for out in outs})
    if dtypes not in (["float32"], ["float64"]):
        raise ArgumentError(
            f"kernel {name!r}: out has dtype {' and '.join(dtypes)}, needs float32 or float64"
        )
    try:
        shape = np.broadcast_shapes(*(a.shape for a in args))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in args)
        raise ArgumentError(f"kernel {name!r}: shapes {shapes} do not broadcast") from None
    for i, out in enumerate(outs):
        if any(np.may_share_memory(out, other) for other in outs[:i]):
            raise ArgumentError(f"kernel {name!r}: two outputs overlap")
        if tuple(out.shape) != shape:
            raise ArgumentError(f"kernel {name!r}: out has shape {out.shape}, needs {shape}")
        for a in args:
            if np.may_share_memory(a, out) and not same_elements(a, out):
                raise ArgumentError(f"kernel {name!r}: out overlaps an argument only in part")


@dataclass(frozen=True, eq=False)
class Program:
    """Instructions in order, with the names (by ``id``) of some arrays for printing."""

    instructions: tuple[Instruction, ...]
    names: Mapping[int, str]
    arrays: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self.instructions)

    def __str__(self) -> str:
        return "\n".join(_line(i, self._name) for i in self.instructions)

    def _name(self, array: Array) -> str:
        if id(array) in self.names:
            return self.names[id(array)]
        for kept in self.arrays:
            if same_elements(array, kept):
                return self.names[id(kept)]
            if same_elements(array, kept.T):
                return f"{self.names[id(kept)]}.T"
        for kept in self.arrays:  # the same memory, laid out as (1, n), (n, 1) or (n,)
            if same_line(array, kept):
                return self.names[id(kept)]
        return f"array{tuple(array.shape)}"


def address(array: Array) -> int:
    """Return where the first element lies, on either device."""
    interface = getattr(array, "__cuda_array_interface__", None) or array.__array_interface__
    return int(interface["data"][0])


def same_elements(a: Array, b: Array) -> bool:
    """Return whether two arrays are the same elements in the same order."""
    return a.shape == b.shape and a.strides == b.strides and address(a) == address(b)


def same_line(a: Array, b: Array) -> bool:
    """Return whether two contiguous arrays are the same elements, whatever their shapes."""
    contiguous = a.flags.c_contiguous and b.flags.c_contiguous
    return bool(contiguous and a.size == b.size and a.dtype == b.dtype and address(a) == address(b))


def _line(i: Instruction, name: Any) -> str:
    match i:
        case Dot():
            return f"{name(i.out)} = dot({name(i.a)}, {name(i.b)})"
        case Apply():
            outs = ", ".join(name(o) for o in i.outs)
            return f"{outs} = {i.kernel.name}({', '.join(name(a) for a in i.args)})"
        case Reduce():
            return f"{name(i.out)} = {i.how}({name(i.a)}, axis={i.axis})"
        case Gather():
            return f"{name(i.out)} = {name(i.source)}[{name(i.order)}[{name(i.position)} + j]]"
        case Load():
            return f"{name(i.out)} = {name(i.table)}[{name(i.counter)}]"
        case Store():
            return f"{name(i.table)}[{name(i.counter)}] = {name(i.value)}"
        case Advance():
            return f"{name(i.counter)} += {i.by}"
        case Uniform():
            return f"{name(i.out)} = uniform(layer={i.layer}, step={name(i.counter)})"
        case UniformColumns():
            return (
                f"{name(i.out)} = uniform(layer={i.layer}, step={name(i.counter)})"
                f"[:, {name(i.first)} + j], of {i.of} columns"
            )


class Recorder:
    """The shim that notes every call instead of computing: ``out`` is always given.

    >>> import numpy as np
    >>> xp, A = Recorder(), np.zeros((2, 2))
    >>> xp.name(A, "A") is xp.dot(A, A, out=A)
    True
    >>> print(xp.program())
    A = dot(A, A)
    """

    def __init__(self) -> None:
        self._instructions: list[Instruction] = []
        self._names: dict[int, str] = {}
        self._kept: list[Array] = []  # an id is valid while its array lives

    def name(self, array: Array, name: str) -> Array:
        """Give ``array`` a name for printing; return it."""
        self._names[id(array)] = name
        self._kept.append(array)
        return array

    def dot(self, a: Array, b: Array, *, out: Array) -> Array:
        self._instructions.append(Dot(a, b, out))
        return out

    def apply(self, kernel: Kernel, *args: Array, out: Array | tuple[Array, ...]) -> Any:
        outs = out if isinstance(out, tuple) else (out,)
        self._instructions.append(Apply(kernel, args, outs))
        return out

    def sum(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array) -> Array:
        self._instructions.append(Reduce("sum", a, axis, out))
        return out

    def max(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array) -> Array:
        self._instructions.append(Reduce("max", a, axis, out))
        return out

    def gather(self, source: Array, order: Array, position: Array, *, out: Array) -> Array:
        self._instructions.append(Gather(source, order, position, out))
        return out

    def load(self, table: Array, counter: Array, *, out: Array) -> Array:
        self._instructions.append(Load(table, counter, out))
        return out

    def store(self, value: Array, counter: Array, *, table: Array) -> None:
        self._instructions.append(Store(value, counter, table))

    def advance(self, counter: Array, by: int) -> None:
        self._instructions.append(Advance(counter, by))

    def uniform(self, seed: int, layer: int, counter: Array, *, out: Array) -> Array:
        self._instructions.append(Uniform(seed, layer, counter, out))
        return out

    def uniform_columns(
        self, seed: int, layer: int, counter: Array, first: Array, of: int, *, out: Array
    ) -> Array:
        self._instructions.append(UniformColumns(seed, layer, counter, first, of, out))
        return out

    def program(self) -> Program:
        """Return what was recorded so far."""
        return Program(tuple(self._instructions), dict(self._names), tuple(self._kept))
