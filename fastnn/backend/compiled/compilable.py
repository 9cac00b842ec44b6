"""What compiled code takes for granted about the arrays of a program, checked before it is made.

NumPy would convert, copy or refuse; compiled code would read and write the wrong memory.
"""

from __future__ import annotations

import math

import numpy as np

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
