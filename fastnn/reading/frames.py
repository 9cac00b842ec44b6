"""Data frames and their columns, of pandas, polars and pyarrow, to columns of a Table."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.columns import category_column, dates_as, text_column, typed_column
from fastnn.data.dates import seconds_of
from fastnn.data.table import Array, Place, check_known, check_names, from_zero
from fastnn.data.wanted import Only
from fastnn.errors import ArgumentError, DataError
from fastnn.extras import pip_install
from fastnn.reading.csv_columns import arrow_texts

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


def is_frame(source: Any) -> bool:
    """Say whether ``source`` is a data frame: its own columns have names.

    A lazy frame, and whatever streams Arrow tables (``__arrow_c_stream__``), is one, too.

    >>> import polars as pl
    >>> is_frame(pl.LazyFrame({"a": [1]})), is_frame(pl.Series([1])), is_frame(np.zeros(2))
    (True, False, False)
    """
    if isinstance(source, (np.ndarray, Mapping)) or is_series(source):
        return False
    # Asked of the class: a lazy frame finds its columns, with a warning, when it is asked itself.
    names = ("columns", "column_names", "__arrow_c_stream__")
    return any(hasattr(type(source), name) for name in names) or hasattr(source, "columns")


def frame_columns(
    frame: Any,
    drop: Collection[str],
    kind_of: Callable[[str], str | None],
    reading: Reading,
    only: Only | None = None,
    place: Place = from_zero,
    coded: Collection[str] = (),
) -> dict[str, Array]:
    """Return the columns of a data frame but those of ``drop``; ``kind_of`` declares their kinds.

    ``only``: the columns that are wanted, if not all are. ``coded``: columns of text that are a
    dictionary of the different texts, which is no declaration that they are categories. Raises
    DataError for names and cells that cannot be, ArgumentError for what is no frame.
    """
    wrapped = _collected(frame)
    names = wrapped.columns
    check_known(drop, names, "drop")
    drop = drop if only is None else {*drop, *only.besides(names)}
    return {
        name: _column(name, wrapped[name], kind_of(name), reading, place, name in coded)
        for name in names
        if name not in drop
    }


def column_names(frame: Any) -> list[Any]:
    """Return the names of the columns of a data frame that is there; numbers among them as text.

    >>> import pandas as pd
    >>> column_names(pd.DataFrame([[1, 2]]))
    ['0', '1']
    """
    # pyarrow's tables have both: their `columns` are the data.
    names = frame.column_names if hasattr(frame, "column_names") else frame.columns
    return [str(name) if _is_number(name) else name for name in names]


def _is_number(name: object) -> bool:
    return isinstance(name, (int, np.integer)) and not isinstance(name, bool)


def _collected(frame: Any) -> Any:
    """The frame as narwhals has it, all of its rows there, numbers among the names as text."""
    lazy = hasattr(frame, "collect") or not hasattr(frame, "columns")
    if not lazy:
        check_names(column_names(frame), "the data frame")
    if hasattr(frame, "set_axis") and any(map(_is_number, frame.columns)):  # of pandas
        frame = frame.set_axis(column_names(frame), axis=1)
    found = _wrapped(frame, pass_through=True)
    if hasattr(found, "collect"):
        return found.collect()
    if found is not frame:
        return found
    try:
        import pyarrow as pa

        table = pa.table(frame)
    except (ImportError, TypeError, ValueError) as error:
        raise ArgumentError(
            f"cannot read examples from {type(frame).__name__}; hand over a pandas, polars or "
            "pyarrow table, a NumPy array, a dict of arrays or a path",
            argument="data",
        ) from error
    check_names(table.column_names, "the data")
    return _wrapped(table)


def series_column(name: str, series: Any, kind: str | None, reading: Reading) -> Array:
    """Return one column of a data frame as a column of a Table."""
    if hasattr(series, "to_pylist") and not hasattr(series, "chunks"):  # pyarrow.Array
        import pyarrow as pa

        series = pa.chunked_array([series])
    if hasattr(series, "_from_sequence"):  # an extension array of pandas
        import pandas as pd

        series = pd.Series(series)
    return _column(name, _wrapped(series, series_only=True), kind, reading, from_zero)


def _wrapped(native: Any, **options: bool) -> Any:
    try:
        import narwhals as nw
    except ImportError as error:
        raise DataError(
            f"reading a data frame needs narwhals, which is not installed: {pip_install('data')}"
        ) from error
    return nw.from_native(native, **options)


def _column(
    name: str, series: Any, kind: str | None, reading: Reading, place: Place, coded: bool = False
) -> Array:
    import narwhals as nw

    dtype = series.dtype
    how: dict[str, Any] = {"place": place, "reading": reading}
    if dtype in (nw.Date, nw.Datetime, nw.Duration):
        duration = dtype == nw.Duration
        gaps = np.asarray(series.is_null().to_numpy(), bool)
        there = series.drop_nulls()  # a gap would make floats of the others in pandas
        whole = there.dt.total_microseconds() if duration else there.dt.timestamp("us")
        micros = np.zeros(len(gaps), np.int64)
        micros[~gaps] = np.asarray(whole.to_numpy())
        return dates_as(name, seconds_of(micros, gaps), "duration" if duration else "date", kind)
    plain = dtype.is_float() or (dtype.is_integer() and dtype not in (nw.Int128, nw.UInt128))
    if plain or dtype == nw.Boolean:
        gaps = np.asarray(series.is_null().to_numpy(), bool)
        if not gaps.any():
            return typed_column(name, np.asarray(series.to_numpy()), kind=kind, **how)
        # what stands for a gap is replaced first: as floats large integers would be rounded
        filled = series.fill_null(False if dtype == nw.Boolean else 0)
        numbers = np.asarray(filled.to_numpy())
        return typed_column(name, numbers, kind=kind, gaps=gaps, **how)
    in_python = str(getattr(series.to_native(), "dtype", "")) == "object"
    if coded or (dtype == nw.String and not in_python):
        texts, codes = arrow_texts(_arrow(series))
        return text_column(name, texts, codes, kind=kind, typed=True, **how)
    if dtype in (nw.Categorical, nw.Enum):
        cells, codes = arrow_texts(_arrow(series))
        if kind in (None, "categorical"):
            return category_column(name, cells, codes, place, reading)
        known = np.empty(len(cells), object)
        known[:] = cells
        return typed_column(name, known[codes], kind=kind, **how)
    objects = np.fromiter(series.to_list(), object, len(series))
    return typed_column(name, objects, kind=kind, **how)


def _arrow(series: Any) -> Any:
    try:
        return series.to_arrow()
    except ImportError as error:
        raise DataError(
            f"reading text of a data frame needs pyarrow, which is not installed: "
            f"{pip_install('data')}"
        ) from error
