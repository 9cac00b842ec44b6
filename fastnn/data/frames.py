"""Data frames and their columns, of pandas, polars and pyarrow, to columns of a Table."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.columns import dates_as, text_column, typed_column
from fastnn.data.csv_text import arrow_texts
from fastnn.data.dates import seconds_of
from fastnn.data.table import Array, check_known, check_names, from_zero
from fastnn.data.wanted import Only
from fastnn.errors import ArgumentError, DataError
from fastnn.extras import pip_install

#: Packages whose columns are read as those of a frame, wherever they come from.
_PACKAGES = ("pandas", "polars", "pyarrow", "modin", "cudf")


def is_series(values: Any) -> bool:
    """Say whether ``values`` is a column of a data frame.

    >>> import polars as pl
    >>> is_series(pl.Series([1])), is_series([1])
    (True, False)
    """
    package, *_ = type(values).__module__.partition(".")
    return package in _PACKAGES and hasattr(values, "__len__") and not hasattr(values, "columns")


def frame_columns(
    frame: Any,
    drop: Collection[str],
    kind_of: Callable[[str], str | None],
    reading: Reading,
    only: Only | None = None,
) -> dict[str, Array]:
    """Return the columns of a data frame but those of ``drop``; ``kind_of`` declares their kinds.

    ``only``: the columns that are wanted, if not all are. Raises DataError for names and cells that
    cannot be, ArgumentError for what is no frame.
    """
    # pyarrow's tables have both: their `columns` are the data.
    names = list(frame.column_names if hasattr(frame, "column_names") else frame.columns)
    check_names(names, "the data frame")
    check_known(drop, names, "drop")
    drop = drop if only is None else {*drop, *only.besides(names)}
    wrapped = _wrapped(frame, eager_only=True)
    return {
        name: _column(name, wrapped[name], kind_of(name), reading)
        for name in names
        if name not in drop
    }


def series_column(name: str, series: Any, kind: str | None, reading: Reading) -> Array:
    """Return one column of a data frame as a column of a Table."""
    if hasattr(series, "to_pylist") and not hasattr(series, "chunks"):  # pyarrow.Array
        import pyarrow as pa

        series = pa.chunked_array([series])
    if hasattr(series, "_from_sequence"):  # an extension array of pandas
        import pandas as pd

        series = pd.Series(series)
    return _column(name, _wrapped(series, series_only=True), kind, reading)


def _wrapped(native: Any, **options: bool) -> Any:
    try:
        import narwhals as nw
    except ImportError as error:
        raise DataError(
            f"reading a data frame needs narwhals, which is not installed: {pip_install('data')}"
        ) from error
    try:
        return nw.from_native(native, **options)
    except TypeError as error:
        raise ArgumentError(
            f"cannot read examples from {type(native).__name__}; hand over a pandas, polars or "
            "pyarrow table, a NumPy array, a dict of arrays or a path",
            argument="data",
        ) from error


def _column(name: str, series: Any, kind: str | None, reading: Reading) -> Array:
    import narwhals as nw

    dtype = series.dtype
    if dtype in (nw.Date, nw.Datetime, nw.Duration):
        duration = dtype == nw.Duration
        whole = series.dt.total_microseconds() if duration else series.dt.timestamp("us")
        gaps = np.asarray(series.is_null().to_numpy(), bool)
        micros = np.asarray(whole.fill_null(0).to_numpy()).astype(np.int64)
        return dates_as(name, seconds_of(micros, gaps), "duration" if duration else "date", kind)
    plain = dtype.is_float() or (dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128))
    if plain or dtype == nw.Boolean:
        gaps = np.asarray(series.is_null().to_numpy(), bool)
        if not gaps.any():
            return typed_column(name, np.asarray(series.to_numpy()), kind=kind, reading=reading)
        # what stands for a gap is replaced first: as floats large integers would be rounded
        filled = series.fill_null(False if dtype == nw.Boolean else 0)
        numbers = np.asarray(filled.to_numpy())
        return typed_column(name, numbers, kind=kind, reading=reading, gaps=gaps)
    native = series.to_native()
    if dtype == nw.String and hasattr(native, "dictionary_encode"):
        texts, codes = arrow_texts(native)
        return text_column(name, texts, codes, from_zero, kind, reading, typed=True)
    cells = np.fromiter(series.to_list(), object, len(series))
    if dtype in (nw.Categorical, nw.Enum) and kind is None:
        kind = "categorical"
    return typed_column(name, cells, kind=kind, reading=reading)
