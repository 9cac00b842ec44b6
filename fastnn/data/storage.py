"""Where the rows of a table lie: in memory, or in files that are mapped into it."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from fastnn.errors import DataError

Array = npt.NDArray[Any]

#: Rows are moved in blocks of about so many bytes, so that few of them are in memory at a time.
BLOCK_BYTES = 2**24


class Storage(Protocol):
    """Makes the large arrays of a table, all C-contiguous."""

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        """Return an array of zeros."""

    def take(self, values: Array, rows: Array | None, columns: list[int] | None = None) -> Array:
        """Return rows, by positions or a mask, and columns; None: all of them."""


class InMemory:
    """Arrays of NumPy's own.

    >>> MEMORY.take(np.arange(6).reshape(3, 2), np.array([2, 0]))
    array([[4, 5],
           [0, 1]])
    """

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        return np.zeros(shape, dtype)

    def take(self, values: Array, rows: Array | None, columns: list[int] | None = None) -> Array:
        if columns is not None:
            values = np.take(values, columns, axis=1)
        return np.ascontiguousarray(values if rows is None else values[rows])


MEMORY = InMemory()


@dataclass(frozen=True)
class OnDisk:
    """Arrays in files without a name, mapped into memory: the system keeps what is in use.

    A file goes when its array does, and with the process, however that ends. ``folder``: on whose
    disk; None: where temporary files go.

    Raises DataError, naming the folder, where nothing can be written or the disk is full.

    >>> values = OnDisk().zeros((3, 2), "float32")
    >>> values[2] = 4.0
    >>> OnDisk().take(values, np.array([2]), [1]).tolist()
    [[4.0]]
    """

    folder: str | None = None

    def open(self) -> IO[bytes]:
        """Return a new file without a name."""
        try:
            return tempfile.TemporaryFile(dir=self.folder)
        except OSError as error:
            raise self.refused(error) from error

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        n_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        if not n_bytes:
            return np.zeros(shape, dtype)
        with self.open() as file:
            try:
                if hasattr(os, "posix_fallocate"):  # a full disk would else end the process
                    os.posix_fallocate(file.fileno(), 0, n_bytes)
                return np.memmap(file, dtype, "r+", shape=shape)
            except OSError as error:
                raise self.refused(error, n_bytes) from error

    def take(self, values: Array, rows: Array | None, columns: list[int] | None = None) -> Array:
        index = None if rows is None else np.flatnonzero(rows) if rows.dtype == bool else rows
        n = len(values) if index is None else len(index)
        width = () if values.ndim == 1 else (values.shape[1] if columns is None else len(columns),)
        out = self.zeros((n, *width), values.dtype)
        for part in row_blocks(out):
            block = values[part] if index is None else values[index[part]]
            out[part] = block if columns is None else block[:, columns]
        return out

    def refused(self, error: OSError, n_bytes: int = 0) -> DataError:
        """Return the error for what cannot be written here."""
        where = tempfile.gettempdir() if self.folder is None else self.folder
        what = f" {n_bytes / 1e9:.1f} GB" if n_bytes > 5e7 else ""
        return DataError(
            f"folder '{where}': the data cannot be written there{what and ', needing'}{what} "
            f"({error.strerror or error}); choose another folder, or make room"
        )


def row_blocks(values: Array) -> Iterator[slice]:
    """Cut the rows into blocks of about `BLOCK_BYTES`.

    >>> list(row_blocks(np.zeros((3, 2))))
    [slice(0, 1048576, None)]
    """
    width = int(np.prod(values.shape[1:], dtype=np.int64)) * values.dtype.itemsize
    n = max(1, BLOCK_BYTES // max(1, width))
    return (slice(i, i + n) for i in range(0, len(values), n))


@dataclass(eq=False)
class Growing:
    """A column of numbers that grows batch by batch, in a file without a name.

    >>> column = Growing(OnDisk())
    >>> column.append(np.array([1, 2]))
    >>> column.append(np.array([0.5]))
    >>> column.values().tolist()
    [1.0, 2.0, 0.5]
    """

    storage: OnDisk
    dtype: np.dtype[Any] | None = None
    _file: IO[bytes] | None = field(default=None, repr=False)
    _n: int = 0

    def __len__(self) -> int:
        return self._n

    def append(self, values: Array) -> None:
        """Add numbers; all of them become the smallest type that holds what is there."""
        if self._file is None:
            self._begin(values.dtype)
        assert self.dtype is not None
        of = np.result_type(self.dtype, values.dtype)
        if of != self.dtype:
            self._become(of)
        self._write(values.astype(of, copy=False))
        self._n += len(values)

    def _write(self, values: Array) -> None:
        assert self._file is not None
        try:
            self._file.write(np.ascontiguousarray(values).data)
        except OSError as error:
            raise self.storage.refused(error, values.nbytes) from error

    def values(self) -> Array:
        """Return all of them, mapped."""
        if self._file is None or self.dtype is None:
            return np.zeros(0)
        try:
            self._file.flush()
        except OSError as error:
            raise self.storage.refused(error) from error
        return np.memmap(self._file, self.dtype, "r+", shape=(self._n,))

    def _begin(self, dtype: np.dtype[Any]) -> None:
        self._file, self.dtype = self.storage.open(), dtype
        weakref.finalize(self, self._file.close)

    def _become(self, dtype: np.dtype[Any]) -> None:
        there, file = self.values(), self._file
        self._begin(dtype)
        if file is not None:
            file.close()  # its numbers are mapped
        for part in row_blocks(there):
            self._write(there[part].astype(dtype))
