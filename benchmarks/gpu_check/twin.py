"""A program once more on the host, in float64: the oracle of every kernel.

Arrays of a program are views into shared memory, so the twin keeps what overlaps in one piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from fastnn.backend.program import Array, Instruction, address
from fastnn.backend.protocols import Backend


def arrays_of(instruction: Instruction) -> list[Array]:
    """Return every array of an instruction, without looking into what is not one."""
    found = []
    for entry in fields(instruction):
        value = getattr(instruction, entry.name)
        found += [v for v in (value if isinstance(value, tuple) else (value,)) if is_array(v)]
    return found


def is_array(value: object) -> bool:
    """Return whether ``value`` is an array of NumPy or CuPy."""
    return hasattr(value, "__array_interface__") or hasattr(value, "__cuda_array_interface__")


def span(array: Array) -> tuple[int, int]:
    """Return the first byte of an array and the one behind its last.

    >>> a = np.zeros((3, 4))
    >>> low, high = span(a[1:].T)
    >>> low - span(a)[0], high - low
    (32, 64)
    """
    low = high = address(array)
    for n, step in zip(array.shape, array.strides, strict=True):
        low, high = (
            (low + min(0, (n - 1) * step), high + max(0, (n - 1) * step)) if n else (low, low)
        )
    return low, high + (array.itemsize if array.size else 0)


def overlap(a: Array, b: Array) -> bool:
    """Return whether two arrays share bytes, going by their first and last."""
    (a_low, a_high), (b_low, b_high) = span(a), span(b)
    return a_low < b_high and b_low < a_high


class Twin:
    """Host copies of the arrays of some instructions; floats in float64, but for uniforms.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> whole = np.arange(6, dtype=np.float32)
    >>> twin = Twin(CpuBackend(), [whole, whole[2:4].reshape(2, 1)], kept=[])
    >>> view = twin.of(whole[2:4].reshape(2, 1))
    >>> view[:] = 9
    >>> twin.of(whole).tolist()
    [0.0, 1.0, 9.0, 9.0, 4.0, 5.0]
    """

    def __init__(self, backend: Backend, arrays: Iterable[Array], kept: Iterable[Array]) -> None:
        """``kept``: arrays that keep their dtype."""
        self._backend = backend
        self._pieces: list[tuple[int, int, np.ndarray[Any, Any], int]] = []
        keep = list(kept)
        unique = list(
            {(span(a), a.shape, a.strides, a.dtype): a for a in arrays if a.size}.values()
        )
        for low, high, members in _pieces(unique):
            dtypes = {a.dtype for a in members}
            if len(dtypes) != 1:
                raise ValueError(f"one piece of memory holds {sorted(map(str, dtypes))}")
            (dtype,) = dtypes
            as_is = dtype.kind != "f" or any(overlap(a, k) for a in members for k in keep)
            memory = np.zeros((high - low) // dtype.itemsize, dtype if as_is else np.float64)
            self._pieces.append((low, high, memory, dtype.itemsize))
            for a in members:
                self.of(a)[...] = backend.host(a)

    def of(self, array: Array) -> np.ndarray[Any, Any]:
        """Return the twin of an array: a view with the same shape, over the same overlaps."""
        if not array.size:
            return np.zeros(array.shape)
        at = address(array)
        for low, high, memory, item in self._pieces:
            if low <= at < high:
                steps = tuple(s // item * memory.itemsize for s in array.strides)
                return np.ndarray(
                    array.shape,
                    memory.dtype,
                    memory.data,
                    (at - low) // item * memory.itemsize,
                    steps,
                )
        raise KeyError(f"no twin of an array of shape {array.shape}")

    def instruction(self, i: Instruction) -> Instruction:
        """Return the same instruction on the twins."""

        def twin(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(map(twin, value))
            return self.of(value) if is_array(value) else value

        return replace(i, **{f.name: twin(getattr(i, f.name)) for f in fields(i)})


def _pieces(arrays: list[Array]) -> list[tuple[int, int, list[Array]]]:
    """Return the pieces of memory that the arrays lie in, with the arrays of each."""
    found: list[tuple[int, int, list[Array]]] = []
    for a in sorted(arrays, key=span):
        low, high = span(a)
        if found and low < found[-1][1]:
            first, end, members = found[-1]
            found[-1] = (first, max(end, high), [*members, a])
        else:
            found.append((low, high, [a]))
    return found
