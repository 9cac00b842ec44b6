"""How arrays lie in memory, as kernels see them: (rows, cols), strides, overlaps."""

from __future__ import annotations

from fastnn.backend.program import Array, address
from fastnn.errors import ArgumentError


def element_strides(a: Array, rows: int, cols: int) -> tuple[int, int]:
    """Return how many elements apart neighbours of ``a`` are, down and along (rows, cols).

    0 where the array is broadcast, or where there is only one row or column.
    """
    shape, itemsize = (1, 1, *a.shape)[-2:], a.dtype.itemsize
    steps = (0, 0, *(s // itemsize for s in a.strides))[-2:]
    down, along = (s if n > 1 else 0 for s, n in zip(steps, shape, strict=True))
    return (down if rows > 1 else 0, along if cols > 1 else 0)


def access(strides: tuple[int, int], rows: int, cols: int) -> str:
    """Return the access pattern of strides in a (rows, cols) kernel: see `elementwise_text.ACCESS`.

    >>> access((3, 1), 2, 3), access((1, 2), 2, 3), access((0, 1), 2, 3), access((0, 0), 2, 3)
    ('flat', 'transposed', 'row', 'scalar')
    """
    tall, broad = int(rows > 1), int(cols > 1)
    patterns = {
        "flat": (cols * tall, broad),
        "transposed": (tall, rows * broad),
        "scalar": (0, 0),
        "row": (0, broad),
        "column": (tall, 0),
    }
    return next((name for name, s in patterns.items() if s == strides), "strided")


def overlap(a: Array, b: Array) -> bool:
    """Return whether the byte ranges of two arrays overlap."""
    if a.size == 0 or b.size == 0:
        return False
    (a_low, a_high), (b_low, b_high) = byte_range(a), byte_range(b)
    return a_low < b_high and b_low < a_high


def byte_range(array: Array) -> tuple[int, int]:
    """Return the addresses where an array that is not empty begins and ends."""
    if array.flags.c_contiguous:
        start = address(array)
        return start, start + int(array.nbytes)
    reach = [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)]
    start = address(array) + sum(r for r in reach if r < 0)
    return start, start + sum(abs(r) for r in reach) + int(array.dtype.itemsize)


def contiguous(a: Array, what: str) -> str:
    """Return the dtype's name of a C-contiguous array; raise ArgumentError for any other."""
    if not a.flags.c_contiguous:
        raise ArgumentError(f"{what} of shape {a.shape} is not C-contiguous; copy it first")
    return str(a.dtype.name)
