"""Arrays, lists and NPZ files to arrays of which each is a column or a block of columns."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.backend.host.arrays import to_host
from fastnn.data.statistics import DataNote
from fastnn.data.table import EXACT, Array
from fastnn.errors import ArgumentError, DataError, shown, warn
from fastnn.reading.packed import check_archive


def as_array(name: str, values: Any) -> Array:
    """Return whatever NumPy can make an array of, its cells unchanged and its gaps NaN or None.

    >>> as_array("x", [1, "a"])
    array([1, 'a'], dtype=object)

    Raises DataError for rows of unequal lengths, ArgumentError for a sparse matrix.
    """
    values = to_host(values)
    if hasattr(values, "toarray"):
        raise ArgumentError(
            f"{shown(name)} is a sparse matrix; use .toarray() first", argument="data"
        )
    if isinstance(values, np.ma.MaskedArray):
        return _unmasked(values)
    try:
        array = np.asarray(values)
        if not isinstance(values, np.ndarray) and _has_changed(array):
            array = np.asarray(values, dtype=object)
    except ValueError as error:
        raise DataError(f"{shown(name)}: rows of unequal lengths cannot be a table") from error
    return array


def _has_changed(array: Array) -> bool:
    """Whether NumPy may have made others of the objects of a list: text, or rounded integers."""
    if array.dtype.kind in "US":
        return True  # [1, "a"]
    with np.errstate(invalid="ignore"):
        return array.dtype == np.float64 and bool((abs(array) >= EXACT).any())


def _unmasked(values: Any) -> Array:
    """The values of a masked array, with gaps where it is masked."""
    gaps = np.ma.getmaskarray(values)
    small = values.dtype.kind in "biu" and values.dtype.itemsize <= 4
    if small or values.dtype.kind == "f":
        return np.where(gaps, np.nan, values.data.astype(np.float64))
    cells = values.data.astype(object)
    cells[gaps] = None
    return np.asarray(cells)


def flat(name: str, values: Array) -> Array:
    """Return an array with a row for each example: those of images are flattened, which is told.

    Row-major, the last axis fastest, as NumPy's ``reshape`` and Keras' ``Flatten`` do.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True, action="always") as told:
    ...     flat("x", np.zeros((5, 28, 28), np.uint8)).shape, str(told[0].message)
    ((5, 784), "array 'x' of shape (5, 28, 28): each example of 28 x 28 numbers is 784 columns")

    Raises DataError for a number alone.
    """
    if values.ndim in (1, 2):
        return values
    if not values.ndim:
        raise DataError(f"{shown(name)} is one value and no column: {shown(values.item(), 40)}")
    rows = values.reshape(len(values), int(np.prod(values.shape[1:])))
    sides = " x ".join(map(str, values.shape[1:]))
    warn(
        DataNote(
            f"array {shown(name)} of shape {values.shape}: each example of {sides} numbers is "
            f"{rows.shape[1]} columns"
        )
    )
    return rows


def split_block(name: str, values: Array, single: Collection[str]) -> dict[str, Array]:
    """Split a 2-D array of text or objects into columns; keep a numeric matrix whole.

    ``single``: names of columns for which a matrix is split, too.

    >>> list(split_block("x", np.eye(2), [])), list(split_block("x", np.eye(2), ["x1"]))
    (['x'], ['x0', 'x1'])
    """
    values = flat(name, values)
    if values.ndim == 1:
        return {name: values}
    names = [f"{name}{j}" for j in range(values.shape[1])]
    plain = values.dtype.kind in "biuf" and values.dtype.itemsize <= 8
    if plain and not any(column in single for column in names):
        return {name: values}
    return {column: values[:, j] for j, column in enumerate(names)}


def read_npz(path: Path) -> dict[str, Array]:
    """Return the arrays of an NPZ file; raise DataError, naming the file, if it is none."""
    try:
        with path.open("rb") as stream:
            if not stream.read(6).startswith((b"PK", b"\x93NUMPY")):
                raise DataError(
                    f"file '{path}' is not an NPZ file (no zip archive); save the arrays with "
                    "numpy.savez, or give the name the ending of what the file is"
                )
            stream.seek(0)
            archive = np.load(stream, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"file '{path}' is a single array: give its name the ending .npy")
            check_archive(path)
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"file '{path}' is not a readable NPZ file: {error}") from error
    if not arrays:
        raise DataError(f"file '{path}' holds no arrays")
    return arrays
