"""Doors of the data room: a path, an array, a dict of arrays or a data frame to a Table."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.backend.host.arrays import to_host
from fastnn.data.columns import DATE_CURE, category_texts, typed_column
from fastnn.data.csv_text import read_csv
from fastnn.data.table import (
    Array,
    Place,
    Table,
    check_known,
    check_names,
    from_zero,
    listed,
    unknown_column,
)
from fastnn.errors import ArgumentError, DataError, arg
from fastnn.extras import pip_install

#: File types by the end of the name.
CSV_SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zip", ".tsv.zip")
SUFFIXES = (*CSV_SUFFIXES, ".parquet", ".npz")


def read_table(
    source: Any,
    *,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    dtype: str | None = None,
    delimiter: str | None = None,
) -> Table:
    """Read examples from a file, a NumPy array, a dict of arrays or a data frame.

    Args:
        source: a path (.csv .tsv, also inside .gz or .zip, .parquet, .npz), an array ``(N,)`` or
            ``(N, p)``, a mapping of column names to arrays, or a pandas, polars or pyarrow table.
        numeric: columns that must hold numbers: any other cell is an error with its place.
        categorical: columns to take as categories, whatever they hold.
        drop: columns to leave out.
        dtype: 'float32' or 'float64'; None keeps every value exactly (see Table.from_columns).
        delimiter: of a text file; by default a comma, a tab for .tsv.

    Booleans become 0 and 1, text and categories become categorical columns. In NPZ files and
    dicts a two-dimensional array ``x`` stands for the columns ``x0, x1, ...``.

    Raises DataError (what, where, what to do) for data that cannot be used, ArgumentError for
    an argument that cannot work.

    >>> import numpy as np
    >>> read_table({"age": np.array([3, 4]), "town": ["Ulm", None]}).names
    ('age', 'town')
    """
    if isinstance(source, Table):
        return source.drop(list(drop)) if drop else source
    columns, place = _columns(source, numeric, categorical, drop, delimiter)
    positional = not _has_names(source)
    return Table.from_columns(columns, dtype=dtype, place=place, positional=positional)


def read_labelled(
    source: Any,
    target: str | Sequence[str],
    *,
    numeric: Collection[str] = (),
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    dtype: str | None = None,
    delimiter: str | None = None,
) -> tuple[Table, Array]:
    """Read examples and split off the target column, in its own type (int, bool, float or text).

    Several names give a matrix ``(N, k)``, as does a two-dimensional array of an NPZ file. A
    missing target value raises DataError with its place. Everything else as in ``read_table``.

    >>> import numpy as np
    >>> table, target = read_labelled({"x": np.eye(2), "y": np.array([0, 1])}, "y")
    >>> table.names, target
    (('x0', 'x1'), array([0, 1]))
    """
    if isinstance(source, Table):
        raise ArgumentError("the source is already a Table: take its column() and drop() it")
    if not _has_names(source):
        raise ArgumentError(
            f"{arg('target', target)}: an array has no column names; hand the target over as an "
            "array"
        )
    names = [target] if isinstance(target, str) else list(target)
    if not names:
        raise ArgumentError("target names no column")
    columns, place = _columns(source, numeric, categorical, drop, delimiter)
    for name in names:
        if name not in columns:
            raise DataError(f"{arg('target')}: {unknown_column(name, list(columns))}")
        values = columns[name]
        gaps = [v is None for v in values] if values.dtype == object else np.isnan(values)
        if np.any(gaps):
            row = int(np.flatnonzero(np.asarray(gaps).reshape(len(values), -1).any(axis=1))[0])
            raise DataError(
                f"target column {name!r}, {place(row)}: no value; fill it in or remove the row"
            )
    chosen = [columns.pop(name) for name in names]
    if not columns:
        raise DataError(f"no feature columns are left beside the target {listed(names)}")
    table = Table.from_columns(columns, dtype=dtype, place=place)
    return table, chosen[0] if len(chosen) == 1 else np.column_stack(chosen)


def target_columns(source: Any, target: Any) -> tuple[str, ...]:
    """Return the columns that ``target`` names, none if it is the labels or values themselves.

    A text is a name. A list of texts, no two the same, is names where the source has names;
    labels can be learnt from only if one of them is there twice.

    >>> target_columns("a.csv", ["x", "y"]), target_columns("a.csv", ["x", "y", "x"])
    (('x', 'y'), ())
    """
    if isinstance(target, str):
        return (target,)
    if not isinstance(target, (list, tuple)) or not target or not _has_names(source):
        return ()
    named = all(isinstance(name, str) for name in target) and len(set(target)) == len(target)
    return tuple(target) if named else ()


def is_delimited(source: Any) -> bool:
    """Say whether the source is a file in which a delimiter of one's choice parts the columns.

    >>> is_delimited("a.csv.gz"), is_delimited("a.tsv"), is_delimited("a.parquet")
    (True, False, False)
    """
    name = str(source).lower() if isinstance(source, (str, os.PathLike)) else ""
    return name.endswith(CSV_SUFFIXES) and ".tsv" not in Path(name).suffixes


def _has_names(source: Any) -> bool:
    named = isinstance(source, (str, os.PathLike, Mapping))
    return named or (_is_frame(source) and not isinstance(source, np.ndarray))


def _is_frame(source: Any) -> bool:
    return hasattr(source, "columns") or hasattr(source, "column_names")


def _columns(
    source: Any,
    numeric: Collection[str],
    categorical: Collection[str],
    drop: Collection[str],
    delimiter: str | None,
) -> tuple[dict[str, Array], Place]:
    """Return the columns of any source, each of its kind, without those of ``drop``."""
    for argument, value in (("numeric", numeric), ("categorical", categorical), ("drop", drop)):
        if isinstance(value, str):
            raise ArgumentError(f"{argument} must be a list of names, found the text {value!r}")
    both = sorted(set(numeric) & set(categorical))
    if both:
        raise ArgumentError(f"column {both[0]!r} is declared numeric and categorical; choose one")
    kinds = dict.fromkeys(numeric, "numeric") | dict.fromkeys(categorical, "categorical")
    place: Place = from_zero
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    is_csv = path is not None and _suffix(path) in CSV_SUFFIXES
    if delimiter is not None and not is_csv:
        raise ArgumentError(
            f"{arg('delimiter')} has no effect here: only .csv and .tsv files have one"
        )
    if path is not None and is_csv:
        _check_readable(path)
        columns, place = read_csv(path, delimiter=delimiter, kinds=kinds, drop=drop)
    else:
        raw = _raw(path if path is not None else source, {*categorical, *drop}, drop)
        columns = {
            name: values if values.ndim == 2 else typed_column(name, values, place, kinds.get(name))
            for name, values in raw.items()
        }
    known: list[str] = []
    for name, v in columns.items() if kinds else ():
        known += [name] if v.ndim == 1 else [f"{name}{j}" for j in range(v.shape[1])]
    check_known(kinds, known)
    return columns, place


def _suffix(path: Path) -> str:
    name = path.name.lower()
    endings = [suffix for suffix in SUFFIXES if name.endswith(suffix)]
    if not endings:
        raise DataError(
            f"file '{path}': unknown type; the name must end in one of {', '.join(SUFFIXES)}"
        )
    return max(endings, key=len)


def _check_readable(path: Path) -> None:
    if path.is_dir():
        raise DataError(f"'{path}' is a folder; name a file in it")
    if not path.exists():
        raise DataError(f"file '{path}' does not exist; check the path")
    try:
        with path.open("rb") as stream:
            empty = not stream.read(1)
    except OSError as error:
        raise DataError(f"file '{path}' cannot be read: {error.strerror}") from error
    if empty:
        raise DataError(f"file '{path}' is empty")


def _raw(source: Any, single: Collection[str], drop: Collection[str]) -> dict[str, Array]:
    """Return the columns of a source that is not a text file, without those of ``drop``.

    Numeric matrices stay whole, unless one of their columns is named in ``single``.
    """
    arrays: dict[str, Any]
    if isinstance(source, Path) and _suffix(source) == ".parquet":
        _check_readable(source)
        return _from_frame(_read_parquet(source), drop)
    if isinstance(source, Path):
        _check_readable(source)
        arrays = _read_npz(source)
    elif isinstance(source, Mapping):
        check_names(list(source), "the dict")
        arrays = dict(source)
    elif hasattr(source, "collect") and not isinstance(source, np.ndarray):
        raise ArgumentError("the frame is lazy: call .collect() first")
    elif _is_frame(source):
        return _from_frame(source, drop)
    elif isinstance(source, Sequence) or hasattr(source, "__array__"):
        values = _as_array("x", source)
        arrays = {"x": values[:, None] if values.ndim == 1 else values}
    else:
        raise ArgumentError(
            f"cannot read examples from {type(source).__name__}; hand over a path, a NumPy array, "
            "a dict of arrays or a data frame"
        )
    columns: dict[str, Array] = {}
    for name, given in arrays.items():
        columns |= _split_block(name, _as_array(name, given), single)
    check_known(drop, list(columns))
    return {name: values for name, values in columns.items() if name not in drop}


def _as_array(name: str, values: Any) -> Array:
    values = to_host(values)
    if hasattr(values, "toarray"):
        raise ArgumentError(f"{name!r} is a sparse matrix; use .toarray() first")
    if isinstance(values, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(values.astype(np.float64), np.nan))
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{name!r}: rows of unequal lengths cannot be a table") from error
    if not isinstance(values, np.ndarray) and array.dtype.kind in "US":
        array = np.asarray(values, dtype=object)  # [1, "a"]: NumPy would turn the 1 into text
    return array


def _split_block(name: str, values: Array, single: Collection[str]) -> dict[str, Array]:
    """Split a 2-D array of text or objects into columns; keep a numeric matrix whole."""
    if values.ndim not in (1, 2):
        raise DataError(
            f"array {name!r} has shape {values.shape}; expected (rows,) or (rows, columns): "
            "use .reshape(len(array), -1)"
        )
    if values.ndim == 1:
        return {name: values}
    names = [f"{name}{j}" for j in range(values.shape[1])]
    plain = values.dtype.kind in "biuf" and values.dtype.itemsize <= 8
    if plain and not any(column in single for column in names):
        return {name: values}
    return {column: values[:, j] for j, column in enumerate(names)}


def _read_npz(path: Path) -> dict[str, Array]:
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


def _read_parquet(path: Path) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise DataError(
            f"reading '{path}' needs pyarrow, which is not installed: {pip_install('data')}"
        ) from error
    try:
        with path.open("rb") as stream:
            return parquet.read_table(stream)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"file '{path}' is not a readable Parquet file: {error}") from error


def _from_frame(frame: Any, drop: Collection[str]) -> dict[str, Array]:
    """Return the columns of a pandas, polars or pyarrow table but those of ``drop``."""
    # pyarrow's tables have both: their `columns` are the data.
    names = list(frame.column_names if hasattr(frame, "column_names") else frame.columns)
    check_names(names, "the data frame")
    check_known(drop, names)
    try:
        import narwhals as nw
    except ImportError as error:
        raise DataError(
            f"reading a data frame needs narwhals, which is not installed: {pip_install('data')}"
        ) from error
    try:
        wrapped = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        raise ArgumentError(
            f"cannot read examples from {type(frame).__name__}; hand over a pandas, polars or "
            "pyarrow table, a NumPy array, a dict of arrays or a path"
        ) from error
    return {name: _frame_column(name, wrapped[name], nw) for name in names if name not in drop}


def _frame_column(name: str, series: Any, nw: Any) -> Array:
    dtype = series.dtype
    if dtype.is_temporal():
        raise DataError(f"column {name!r} holds dates or times ({dtype}); {DATE_CURE}")
    if dtype == nw.Boolean or dtype.is_numeric():
        has_gaps = bool(series.is_null().any())
        if has_gaps or dtype.is_decimal():
            series = series.cast(nw.Float64)
        values = np.asarray(series.to_numpy())
        return values.astype(np.float64) if has_gaps else values
    cells = np.empty(len(series), dtype=object)
    cells[:] = series.to_list()
    return category_texts(cells) if dtype in (nw.Categorical, nw.Enum) else cells
