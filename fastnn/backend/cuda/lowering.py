"""From an instruction to kernel launches: which text, how many blocks, which arguments.

Everything is decided here from shapes, strides and dtypes, once, before anything runs. Works on
any arrays that have these (CuPy's, and NumPy's, which is how it is tested without a GPU).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backend.cuda import other_texts
from fastnn.backend.cuda.elementwise_text import THREADS, Operand, Source, elementwise
from fastnn.backend.cuda.layout import access, contiguous, element_strides, overlap
from fastnn.backend.cuda.wide_access import elementwise_packs, gather_packs, per_pack, suit_packs
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
    address,
)
from fastnn.backend.random import check_seed
from fastnn.errors import ArgumentError

#: Blocks of a grid-stride kernel: enough to fill any GPU a few times over.
MAX_BLOCKS = 8192
#: Elements that one block of a reduction takes; longer sums are made in two passes.
PART = 4096
#: The most parts, so that the second pass is short.
MAX_PARTS = 1024

Empty = Callable[[tuple[int, ...], Any], Array]


@dataclass(frozen=True, eq=False)
class Launch:
    """One kernel launch, made ready."""

    source: Source
    blocks: int
    threads: int
    args: tuple[Any, ...]


def lower(instruction: Instruction, empty: Empty) -> list[Launch]:
    """Return the launches of any instruction but a product (`Dot`, which is cuBLAS's).

    ``empty(shape, dtype)`` gives memory for what lies between two passes. Raises ArgumentError
    for shapes that do not fit, overlaps that would be a race, dtypes and layouts without a kernel.

    >>> from fastnn.backend.program import Advance
    >>> lower(Advance(np.zeros(1, np.int64), by=5), np.empty)[0].source.name
    'fastnn_advance_int64'
    """
    match instruction:
        case Apply():
            return _apply(instruction)
        case Reduce():
            return _reduce(instruction, empty)
        case Gather():
            return _gather(instruction)
        case Load():
            return _load(instruction)
        case Store():
            return _store(instruction)
        case Advance():
            source = other_texts.advance(_counter(instruction.counter, "advance"))
            return [Launch(source, 1, 1, (instruction.counter, np.int64(instruction.by)))]
        case Uniform():
            return _uniform(instruction)
        case UniformColumns():
            return _uniform_columns(instruction)
        case Dot():
            raise ArgumentError("a product is not a kernel launch: cuBLAS computes it")


# --- elementwise ------------------------------------------------------------------------------


def _apply(i: Apply) -> list[Launch]:
    name = f"kernel {i.kernel.name!r}"
    try:
        shape = np.broadcast_shapes(*(a.shape for a in i.args))
    except ValueError:
        shapes = ", ".join(str(a.shape) for a in i.args)
        raise ArgumentError(f"{name}: shapes {shapes} do not broadcast") from None
    if len(shape) > 2:
        raise ArgumentError(f"{name}: arrays of one or two dimensions only, found {shape}")
    for out in i.outs:
        if tuple(out.shape) != shape:
            raise ArgumentError(f"{name}: out has shape {out.shape}, needs {shape}")
    rows, cols = (1, 1, *shape)[-2:]
    if rows * cols == 0:
        return []
    operands = (*i.args, *i.outs)
    steps = [element_strides(a, rows, cols) for a in operands]
    for out, out_steps in zip(i.outs, steps[len(i.args) :], strict=True):
        for a, a_steps in zip(i.args, steps, strict=False):
            # The same elements are read by the thread that writes them, and before. Others race.
            same = address(a) == address(out) and a_steps == out_steps and a.dtype == out.dtype
            if not same and overlap(a, out):
                raise ArgumentError(f"{name}: out overlaps an argument only in part")
    # Neighbouring threads should write neighbouring places: columns first, if the output is so.
    if access(steps[len(i.args)], rows, cols) == "transposed":
        rows, cols = cols, rows
        steps = [(along, down) for down, along in steps]
    patterns = [access(s, rows, cols) for s in steps]
    spans = [(rows - 1) * abs(down) + (cols - 1) * abs(along) for down, along in steps]
    # Counting in 32 bits takes half the instructions on a GPU; where that is too few, 64.
    wide = max(*spans, rows * cols) >= 2**31 or min(min(s) for s in steps) < 0
    described = tuple(
        Operand(a.dtype.name, pattern) for a, pattern in zip(operands, patterns, strict=True)
    )
    name, inputs, outputs = i.kernel.name, described[: len(i.args)], described[len(i.args) :]
    if suit_packs(operands, patterns, rows, cols):
        source = elementwise_packs(name, i.kernel.graph, inputs, outputs)
        threads = rows * cols // per_pack(outputs[0].dtype)
    else:
        source = elementwise(name, i.kernel.graph, inputs, outputs, wide)
        threads = rows * cols
    integer = np.int64 if wide else np.uint32
    strides = [n for s, p in zip(steps, patterns, strict=True) if p == "strided" for n in s]
    sizes = [integer(n) for n in (rows * cols, rows, cols, *strides)]
    return [Launch(source, blocks(threads), THREADS, (*operands, *sizes))]


def blocks(n: int) -> int:
    """Return how many blocks share out ``n`` pieces of work."""
    return max(1, min(-(-n // THREADS), MAX_BLOCKS))


# --- reductions -------------------------------------------------------------------------------


def _reduce(i: Reduce, empty: Empty) -> list[Launch]:
    axis = None if i.axis is None else i.axis + i.a.ndim if i.axis < 0 else i.axis
    if i.a.ndim > 2 or (axis is not None and not 0 <= axis < i.a.ndim):
        raise ArgumentError(
            f"{i.how}: axis {i.axis} of an array of shape {i.a.shape}; it must have one or two "
            "dimensions and this axis"
        )
    kept = tuple(1 if axis in (None, k) else n for k, n in enumerate(i.a.shape))
    if tuple(i.out.shape) != kept:
        raise ArgumentError(f"{i.how}: out has shape {i.out.shape}, needs {kept}")
    if overlap(i.a, i.out):
        raise ArgumentError(f"{i.how}: out overlaps the array that it is computed from")
    rows, cols = (1, 1, *i.a.shape)[-2:]
    if i.a.size == 0 and i.how == "max":
        raise ArgumentError("max: the array is empty, so it has no maximum")
    if i.out.size == 0:
        return []
    contiguous(i.out, f"{i.how}: out")
    order = access(element_strides(i.a, rows, cols), rows, cols) if i.a.size else "flat"
    if order not in ("flat", "transposed"):
        raise ArgumentError(f"{i.how}: the array is not contiguous; copy it first")
    down = axis == 0 and i.a.ndim == 2
    if order == "transposed":  # down its columns is along the rows of its memory
        rows, cols, down = cols, rows, not down
    if axis is None:  # everything is one long row, in whatever order it lies
        rows, cols, down = 1, rows * cols, False
    return _passes(i.how, i.a, i.out, rows, cols, down, empty)


def _passes(
    how: str, a: Array, out: Array, rows: int, cols: int, down: bool, empty: Empty
) -> list[Launch]:
    """Return the launches that reduce along the rows, or ``down`` the columns, in parts if long."""
    # A line is cut into parts by its length alone, and parts are added up in their order: the same
    # numbers give the same bits, whichever block is done first. (Atomic additions would not.)
    length, others = (rows, cols) if down else (cols, rows)
    part = max(PART, -(-length // MAX_PARTS))
    parts = max(1, -(-length // part))
    into = out if parts == 1 else empty((parts * others,), out.dtype)
    source = other_texts.reduction(how, down, a.dtype.name, out.dtype.name)
    if down:
        groups = -(-cols // other_texts.TILE)
        sizes = (np.int64(rows), np.int64(cols), np.int64(part))
        first = Launch(source, groups * parts, THREADS, (a, into, *sizes))
    else:
        sizes = (np.int64(cols), np.int64(part), np.int64(parts))
        threads = min(THREADS, max(32, 1 << (min(part, length) - 1).bit_length()))
        first = Launch(source, rows * parts, threads, (a, into, *sizes))
    if parts == 1:
        return [first]
    # into is (parts, others) after the column kernel and (others, parts) after the row kernel.
    shape = (parts, others) if down else (others, parts)
    return [first, *_passes(how, into, out, *shape, down, empty)]


# --- mini-batches, tables, random numbers -----------------------------------------------------


def _scalar(a: Array, what: str) -> str:
    if a.size != 1:
        raise ArgumentError(f"{what} must hold one number, found shape {a.shape}")
    return str(a.dtype.name)


def _integer(a: Array, what: str) -> str:
    if a.dtype.kind not in "iu":
        raise ArgumentError(f"{what} must hold whole numbers, found dtype {a.dtype.name}")
    return contiguous(a, what)


def _counter(counter: Array, instruction: str) -> str:
    _scalar(counter, f"{instruction}: counter")
    return _integer(counter, f"{instruction}: counter")


def _gather(i: Gather) -> list[Launch]:
    if tuple(i.source.shape[1:]) != tuple(i.out.shape[1:]) or i.source.ndim == 0:
        raise ArgumentError(
            f"gather: rows of source (shape {i.source.shape}) do not fit out (shape {i.out.shape})"
        )
    if i.out.size == 0:
        return []
    dtypes = (
        contiguous(i.source, "gather: source"),
        _integer(i.order, "gather: order"),
        _counter(i.position, "gather"),
        contiguous(i.out, "gather: out"),
    )
    rows, width = i.out.shape[0], i.out.size // i.out.shape[0]
    lengths = (np.int64(i.source.shape[0]), np.int64(i.order.size))
    if width % per_pack("float32") == 0 and suit_packs(
        (i.source, i.out), ("flat", "flat"), rows, width
    ):
        n = per_pack(dtypes[3])
        source = gather_packs(dtypes[0], dtypes[1], dtypes[2])
        sizes: tuple[Any, ...] = (np.uint32(i.out.size // n), np.uint32(width // n))
        threads = i.out.size // n
    else:
        wide = i.out.size >= 2**31
        source = other_texts.gather(*dtypes, wide)
        integer = np.int64 if wide else np.uint32
        sizes = (integer(i.out.size), integer(width))
        threads = i.out.size
    args = (i.source, i.order, i.position, i.out, *sizes, *lengths)
    return [Launch(source, blocks(threads), THREADS, args)]


def _rows(table: Array, what: str) -> tuple[int, int]:
    """Return how many rows a table has, and how many elements each of them."""
    if table.ndim == 0 or table.size == 0:
        raise ArgumentError(f"{what} has shape {table.shape}: it needs rows, and numbers in them")
    return table.shape[0], table.size // table.shape[0]


def _load(i: Load) -> list[Launch]:
    length, width = _rows(i.table, "load: table")
    if width not in (1, i.out.size):
        raise ArgumentError(
            f"load: a row of the table (shape {i.table.shape}) does not fit out ({i.out.shape})"
        )
    source = other_texts.load(
        contiguous(i.table, "load: table"),
        _counter(i.counter, "load"),
        contiguous(i.out, "load: out"),
    )
    sizes = (np.int64(i.out.size), np.int64(width), np.int64(length))
    return [Launch(source, blocks(i.out.size), THREADS, (i.table, i.counter, i.out, *sizes))]


def _store(i: Store) -> list[Launch]:
    length, width = _rows(i.table, "store: table")
    if width != 1:
        raise ArgumentError(f"store: a row of the table (shape {i.table.shape}) is not one number")
    source = other_texts.store(
        _scalar(i.value, "store: value"),
        _counter(i.counter, "store"),
        contiguous(i.table, "store: table"),
    )
    return [Launch(source, 1, 1, (i.value, i.counter, i.table, np.int64(length)))]


def _uniform(i: Uniform) -> list[Launch]:
    if contiguous(i.out, "uniform: out") != "float32":
        raise ArgumentError(f"uniform: out must be float32, found {i.out.dtype.name}")
    if i.out.size == 0:
        return []
    source = other_texts.uniform(_counter(i.counter, "uniform"))
    numbers = (np.int64(i.out.size), np.uint64(check_seed(i.seed)), np.uint64(i.layer))
    # A thread makes the 8 float32 of one Philox block.
    return [Launch(source, blocks(-(-i.out.size // 8)), THREADS, (i.counter, i.out, *numbers))]


def _uniform_columns(i: UniformColumns) -> list[Launch]:
    if contiguous(i.out, "uniform: out") != "float32" or i.out.ndim != 2:
        raise ArgumentError(
            f"uniform: out must be float32 of two dimensions, found {i.out.dtype.name}{i.out.shape}"
        )
    if i.out.size == 0:
        return []
    source = other_texts.uniform_columns(
        _counter(i.counter, "uniform"), _counter(i.first, "uniform")
    )
    sizes = (np.int64(i.out.size), np.int64(i.out.shape[1]), np.int64(i.of))
    stream = (np.uint64(check_seed(i.seed)), np.uint64(i.layer))
    args = (i.counter, i.first, i.out, *sizes, *stream)
    return [Launch(source, blocks(i.out.size), THREADS, args)]
