"""What compiled code takes for granted about the arrays of a program, checked before it is made.

NumPy would convert, copy or refuse; compiled code would read and write the wrong memory.
"""

from __future__ import annotations

import math

import numpy as np

from fastnn.backend.compiled.elementwise_text import Operand
from fastnn.backend.compiled.llvm_engine import NotCompilableError
from fastnn.backend.program import (
    Advance,
    Apply,
    Array,
    Dot,
    Gather,
    Instruction,
    Load,
    Reduce,
    Store,
    Uniform,
    UniformColumns,
    check_operands,
    reads,
    writes,
)

TYPES = {np.dtype(np.float32): "float", np.dtype(np.float64): "double"}


def type_of(array: Array) -> str:
    """Return the LLVM type of an array's numbers; raises NotCompilableError if they have none.

    >>> type_of(np.zeros(3, np.float32))
    'float'
    """
    if array.dtype not in TYPES:
        raise NotCompilableError(f"an array of {array.dtype}")
    return TYPES[array.dtype]


def operand_of(a: Array, out: Array) -> Operand:
    """Return how a kernel that makes ``out`` walks through ``a``.

    >>> operand_of(np.zeros((3, 1)), np.zeros((3, 2))).kind
    'column'

    Raises NotCompilableError if it lies in no way that a loop is written for.
    """
    t, item = type_of(a), a.dtype.itemsize
    if a.shape == out.shape and a.flags.c_contiguous:
        return Operand("full", t)
    if a.size == 1:
        return Operand("scalar", t)
    if a.ndim == out.ndim == 2:
        if a.shape == (1, out.shape[1]) and a.flags.c_contiguous:
            return Operand("row", t)
        if a.shape == (out.shape[0], 1) and a.flags.c_contiguous:
            return Operand("column", t)
        # Rows of examples seen as columns: ``rows.T`` where the batch is not copied.
        if a.shape == out.shape and (a.strides[0], a.strides[1] % item) == (item, 0):
            return Operand("transposed", t, a.strides[1] // item)
    raise NotCompilableError(f"an operand of shape {a.shape} and strides {a.strides}")


def check_compilable(i: Instruction) -> None:
    """Raise NotCompilableError, saying what is in the way, unless ``i`` can be compiled.

    >>> check_compilable(Dot(np.ones((2, 3)), np.ones((3, 2)), np.ones((2, 2))))
    >>> check_compilable(Advance(np.zeros(1, np.int32), by=1))
    Traceback (most recent call last):
        ...
    fastnn.backend.compiled.llvm_engine.NotCompilableError: a counter of int32

    Raises ArgumentError for what NumPy refuses as well.
    """
    for a in (*reads(i), *writes(i)):
        if not a.size or not a.flags.aligned:
            raise NotCompilableError(f"an array of shape {a.shape} that is empty or not aligned")
    for a in writes(i):
        if not (a.flags.c_contiguous and a.flags.writeable):
            raise NotCompilableError(f"a result of strides {a.strides} or that is read only")
    if isinstance(i, Apply):
        check_operands(i.kernel.name, i.args, i.outs)
        return
    if not isinstance(i, Advance):
        if any(np.may_share_memory(a, o) for a in reads(i) for o in writes(i)):
            raise NotCompilableError(f"a {type(i).__name__} whose result overlaps what it reads")
    if not _fits(i):
        shapes = ", ".join(f"{a.dtype}{a.shape}" for a in (*reads(i), *writes(i)))
        raise NotCompilableError(f"a {type(i).__name__} of arrays {shapes}")
    for counter in _counters(i):
        if counter.dtype != np.int64:
            raise NotCompilableError(f"a counter of {counter.dtype}")


def _counters(i: Instruction) -> tuple[Array, ...]:
    match i:
        case Gather():
            return (i.order, i.position)
        case Load() | Store() | Advance() | Uniform():
            return (i.counter,)
        case UniformColumns():
            return (i.counter, i.first)
        case _:
            return ()


def _fits(i: Instruction) -> bool:
    """Whether the dtypes, shapes and strides belong together as the texts expect."""
    match i:
        case Dot():
            alike = i.a.dtype == i.b.dtype == i.out.dtype and i.a.ndim == i.b.ndim == 2
            shape = (i.a.shape[0], i.b.shape[-1])
            return bool(alike and i.a.shape[1] == i.b.shape[0] and i.out.shape == shape)
        case Reduce():
            if i.a.ndim != 2 or not i.a.flags.c_contiguous or i.a.dtype != i.out.dtype:
                return False
            wanted = {0: i.a.shape[1], 1: i.a.shape[0], None: 1}[i.axis]
            return bool(i.out.size == wanted)
        case Gather():
            whole = i.source.flags.c_contiguous and i.order.flags.c_contiguous
            rows = i.source.ndim == i.out.ndim == 2 and i.source.shape[1] == i.out.shape[1]
            return bool(whole and rows and i.source.dtype == i.out.dtype)
        case Load():
            return _is_row(i.out, i.table)
        case Store():
            return _is_row(i.value, i.table) and bool(i.value.flags.c_contiguous)
        case Uniform() | UniformColumns():
            return bool(i.out.dtype == np.float32)
        case _:
            return True


def _is_row(row: Array, table: Array) -> bool:
    size = math.prod(table.shape[1:])
    return bool(row.size == size and row.dtype == table.dtype and table.flags.c_contiguous)
