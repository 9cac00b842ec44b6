"""Arrays, lists and NPZ files to arrays of which each is a column or a block of columns."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.backend.host.arrays import to_host
from fastnn.data.table import EXACT, Array
from fastnn.errors import ArgumentError, DataError, shown


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


def split_block(name: str, values: Array, single: Collection[str]) -> dict[str, Array]:
    """Split a 2-D array of text or objects into columns; keep a numeric matrix whole.

    ``single``: names of columns for which a matrix is split, too.

    >>> list(split_block("x", np.eye(2), [])), list(split_block("x", np.eye(2), ["x1"]))
    (['x'], ['x0', 'x1'])
    """
    if values.ndim not in (1, 2):
        raise DataError(
            f"array {shown(name)} has shape {values.shape}; expected (rows,) or (rows, columns): "
            "use .reshape(len(array), -1)"
        )
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
                raise DataError(f"file '{path}' is a single .npy array; save it with numpy.savez")
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"file '{path}' is not a readable NPZ file: {error}") from error
    if not arrays:
        raise DataError(f"file '{path}' holds no arrays")
    return arrays
