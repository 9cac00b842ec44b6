"""One column of anything to one of two kinds: numbers (NaN missing) or text (None missing)."""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastnn.data.table import Array, Place, from_zero
from fastnn.errors import DataError

#: What counts as 'no value' in a text file, whatever the case.
MISSING_MARKERS = ("", "na", "n/a", "nan", "null", "none", "?")

#: Text in at most one of so many cells, among numbers (90 % or more), is taken for a mistake.
NUMBERS_PER_STRAY = 10

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}.*)?|\d{1,2}/\d{1,2}/\d{4}")

DATE_CURE = (
    "turn them into numbers first, such as year, month, weekday or days since a fixed day, "
    "or leave the column out: drop=, on the command line --drop"
)


def is_missing(value: object) -> bool:
    """Say whether a cell of a frame or an object array is empty (None, NaN, NA, NaT).

    >>> is_missing(float("nan")), is_missing(""), is_missing(0)
    (True, False, False)
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def parse_number(text: str) -> float | None:
    """Return the number that ``text`` writes, or None (no thousands signs, no underscores).

    >>> parse_number(" -2.5e3 "), parse_number("1_000"), parse_number("abc")
    (-2500.0, None, None)
    """
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def is_date(text: str) -> bool:
    """Say whether ``text`` looks like a date or a time stamp.

    >>> is_date("2013-01-01T10:00:00Z"), is_date("2013")
    (True, False)
    """
    return _DATE.fullmatch(text.strip()) is not None


def category_texts(values: Iterable[Any]) -> Array:
    """Return category names as an object array: whole numbers without '.0', None for missing.

    A column of codes thus has the same names whether it holds 3, 3.0 or '3'.

    >>> import numpy as np
    >>> category_texts(np.array([3.0, 2.5, np.nan]))
    array(['3', '2.5', None], dtype=object)
    """
    cells = values.tolist() if isinstance(values, np.ndarray) else list(values)
    texts = np.empty(len(cells), dtype=object)
    texts[:] = [_category_text(cell) for cell in cells]
    return texts


def _category_text(cell: object) -> str | None:
    if is_missing(cell):
        return None
    if isinstance(cell, (bool, np.bool_)):
        return str(int(cell))
    if isinstance(cell, (float, np.floating)):
        whole = float(cell)
        return str(int(whole)) if whole.is_integer() else repr(whole)
    return str(cell)


def typed_column(
    name: str, values: Array, place: Place = from_zero, kind: str | None = None
) -> Array:
    """Return column ``name`` as numbers (bool, int or float array) or as text (object array).

    Booleans and numbers are numeric, text is categorical; ``kind`` ('numeric' or 'categorical')
    says otherwise. Dates, bytes, complex numbers and mixtures raise DataError with row and cell.

    >>> import numpy as np
    >>> typed_column("age", np.array([3, None, 4.5], dtype=object))
    array([3. , nan, 4.5])
    """
    if values.ndim != 1:
        raise DataError(f"column {name!r} has shape {values.shape}; a column has one dimension")
    dtype_kind = values.dtype.kind
    if dtype_kind in "Mm":
        raise DataError(f"column {name!r} holds dates or times ({values.dtype}); {DATE_CURE}")
    if dtype_kind in "biuf":
        if kind == "categorical":
            return category_texts(values)
        return values.astype(np.float64) if values.dtype.itemsize > 8 else values
    if dtype_kind not in "OUT":
        raise DataError(
            f"column {name!r} holds {values.dtype}, which is neither numbers nor text; "
            "convert it first"
        )
    cells = values.astype(object)
    if kind == "categorical":
        return category_texts(cells)
    present = [(row, cell) for row, cell in enumerate(cells.tolist()) if not is_missing(cell)]
    kinds = {_cell_kind(cell) for _, cell in present}
    if kind == "numeric" and "text" in kinds:
        return numbers_of(name, cells, place)
    if "date" in kinds:
        raise DataError(f"column {name!r} holds dates or times; {DATE_CURE}")
    if len(kinds - {"bool"}) > 1 or kinds == {"bool", "text"}:
        majority = max(sorted(kinds), key=[_cell_kind(cell) for _, cell in present].count)
        row, cell = next((r, c) for r, c in present if _cell_kind(c) != majority)
        raise DataError(
            f"column {name!r}, {place(row)}: {cell!r} among cells of another type ({majority}); "
            "correct the cell, or declare the column categorical"
        )
    if kinds == {"text"}:
        return category_texts(cells)
    if "other" in kinds:
        row, cell = present[0]
        raise DataError(
            f"column {name!r}, {place(row)}: {cell!r} is neither a number nor text; convert it"
        )
    if kinds == {"bool"} and len(present) == len(cells):
        return cells.astype(bool)
    if len(present) == len(cells) and all(isinstance(cell, (int, np.integer)) for cell in cells):
        return np.array([int(cell) for cell in cells], dtype=np.int64)
    return np.array([np.nan if is_missing(cell) else float(cell) for cell in cells])


def _cell_kind(cell: object) -> str:
    if isinstance(cell, (bool, np.bool_)):
        return "bool"
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, (datetime.date, datetime.time, datetime.timedelta, np.datetime64)):
        return "date"
    # Decimal is a number of the language but registered only as numbers.Number.
    return "number" if isinstance(cell, numbers.Number) and not _is_complex(cell) else "other"


def _is_complex(cell: object) -> bool:
    return isinstance(cell, (complex, np.complexfloating))


def numbers_of(name: str, cells: Array, place: Place) -> Array:
    """Return text cells as floats; the first that is no number raises DataError with its place.

    >>> import numpy as np
    >>> numbers_of("age", np.array(["3", "NA", 4], dtype=object), from_zero)
    array([ 3., nan,  4.])
    """
    out = np.empty(len(cells))
    for row, cell in enumerate(cells.tolist()):
        if is_missing(cell) or (isinstance(cell, str) and cell.strip().lower() in MISSING_MARKERS):
            out[row] = np.nan
            continue
        number = parse_number(cell) if isinstance(cell, str) else float(cell)
        if number is None:
            raise DataError(not_a_number(name, place(row), cell))
        out[row] = number
    return out


def not_a_number(name: str, where: str, cell: object) -> str:
    """Return the message for a stray text cell in a numeric column.

    >>> not_a_number("age", "line 3 of 'a.csv'", "abc")
    "column 'age', line 3 of 'a.csv': 'abc' is not a number, in a numeric column; correct or ..."
    """
    return (
        f"column {name!r}, {where}: {cell!r} is not a number, in a numeric column; correct or "
        f"empty the cell, or make the column categorical: categorical=[{name!r}], "
        f"--categorical {name}"
    )
