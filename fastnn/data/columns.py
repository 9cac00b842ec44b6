"""One column of anything to one of two kinds: numbers (NaN missing) or text (None missing)."""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import numpy as np

from fastnn.data.cells import STANDARD, Reading, is_code, is_missing
from fastnn.data.date_text import date_cells
from fastnn.data.dates import (
    Dates,
    duration_written,
    from_numpy,
    from_objects,
    text_written,
    written,
)
from fastnn.data.notations import no_dates, not_a_number, refuse_near_numbers, signed_numbers
from fastnn.data.number_signs import tell_affixes
from fastnn.data.statistics import DataWarning
from fastnn.data.table import (
    EXACT,
    Array,
    Place,
    Table,
    check_exact,
    for_column,
    from_zero,
    not_exact,
)
from fastnn.errors import DataError, advice, shown, warn

#: What a column may be. Those of a target keep their text as it is spelt: a "label" is judged as
#: any column is, "text" is not. A "date" is no number and no category even if it looks like one.
KINDS = ("numeric", "categorical", "date", "label", "text")


def category_texts(values: Iterable[Any], reading: Reading = STANDARD) -> Array:
    """Return the texts of categories as an object array, None for gaps, by `Reading.category`.

    A column of codes thus has the same names whether it holds 3, 3.0 or '3'.

    >>> import numpy as np
    >>> category_texts(np.array([3.0, 2.5, np.nan]))
    array(['3', '2.5', None], dtype=object)
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        distinct, codes = np.unique(values, return_inverse=True)
        cells: Sequence[Any] = list(distinct)  # NumPy's own: a float32 has fewer digits
    else:
        cells, codes = _distinct(values)
    return _gathered([reading.category(cell) for cell in cells], codes)


def typed_column(
    name: str,
    values: Array,
    place: Place = from_zero,
    kind: str | None = None,
    reading: Reading = STANDARD,
    gaps: Array | None = None,
) -> Array:
    """Return column ``name`` as numbers (bool, int or float array) or as text (object array).

    Booleans and numbers are numeric, dates and times of day `Dates`, durations seconds, text is
    what `text_column` finds; ``kind``, one of `KINDS`, says otherwise. ``gaps`` (N,): where numbers
    are missing. Bytes, complex numbers and mixtures raise DataError with row and cell.

    >>> import numpy as np
    >>> typed_column("age", np.array([3, None, 4.5], dtype=object))
    array([3. , nan, 4.5])
    """
    if values.ndim != 1:
        raise DataError(
            f"column {shown(name)} has shape {values.shape}; a column has one dimension"
        )
    if isinstance(values, Dates):
        return values
    if values.dtype.kind in "biuf":
        if kind == "date":
            texts = category_texts(values, reading)
            texts[np.zeros(len(values), bool) if gaps is None else gaps] = None
            distinct, codes = _distinct(texts)
            return text_column(name, distinct, codes, place, kind, reading)
        if kind != "categorical":
            return numbers_with_gaps(values, [name], place, reading, gaps)
        _tell_rounded(name, values)
        texts = category_texts(values, reading)
        texts[np.zeros(len(values), bool) if gaps is None else gaps] = None
        return texts
    if values.dtype.kind in "Mm":
        seconds, durations = from_numpy(values)
        return dates_as(name, seconds, "duration" if durations else "date", kind)
    if values.dtype.kind not in "OUT":
        raise DataError(
            f"column {shown(name)} holds {values.dtype}, which is neither numbers nor text; "
            "convert it first"
        )
    cells = [None if is_missing(cell) else cell for cell in values.tolist()]
    if reading.gap_numbers:
        cells = [None if reading.is_gap(cell) else cell for cell in cells]
    if kind == "categorical":
        distinct, codes = _distinct(cells)
        return category_column(name, distinct, codes, place, reading)
    types = {type(cell) for cell in cells}
    if all(of is type(None) or issubclass(of, str) for of in types) and types != {type(None)}:
        distinct, codes = _distinct(cells)
        return text_column(name, distinct, codes, place, kind, reading, typed=True)
    return _mixed(name, cells, place, kind, reading)


def numbers_with_gaps(
    values: Array, names: Sequence[str], place: Place, reading: Reading, gaps: Array | None = None
) -> Array:
    """Return a column or a block of numbers, NaN in its gaps; as it is if it has none.

    ``gaps``: where numbers are missing, besides those that stand for no value.

    >>> numbers_with_gaps(np.array([1, -9]), ["x"], from_zero, Reading(missing=["-9"]))
    array([ 1., nan])
    """
    if reading.gap_numbers:
        gaps = reading.gaps_in(values) | (False if gaps is None else gaps)
    exact = values.dtype.itemsize <= 8
    if exact and (gaps is None or not gaps.any()):
        return values
    present = values if gaps is None else np.where(gaps, values.dtype.type(0), values)
    check_exact(present, names, place)
    floats = present.astype(np.float64)
    if gaps is not None:
        floats[gaps] = np.nan
    return floats


def text_column(
    name: str,
    cells: Sequence[str | None],
    codes: Array,
    place: Place,
    kind: str | None = None,
    reading: Reading = STANDARD,
    *,
    typed: bool = False,
) -> Array:
    """Return a column of text: cell i is ``cells[codes[i]]``, None a gap; first come, first there.

    Numbers where all cells that are no gaps are numbers or true and false, else text; what looks
    like numbers is refused (`refuse_near_numbers`), unless ``kind`` settles it. ``typed``: text
    as opposed to a file's cells, so that labels stay text; those of a file do if one is a code.

    >>> text_column("age", ["3", "NA", "4.5"], np.array([0, 1, 2, 0]), from_zero)
    array([3. , nan, 4.5, 3. ])
    """
    return _gathered(text_cells(name, cells, codes, place, kind, reading, typed=typed), codes)


def text_cells(
    name: str,
    cells: Sequence[str | None],
    codes: Array,
    place: Place,
    kind: str | None = None,
    reading: Reading = STANDARD,
    *,
    typed: bool = False,
) -> Sequence[str | None] | Array:
    """Return what each of the ``cells`` is in a `text_column`: texts, or an array of numbers.

    >>> text_cells("age", ["3", "NA", "4.5"], np.array([0, 1, 2, 0]), from_zero)
    array([3. , nan, 4.5])
    """
    known = [None if cell is None or reading.is_gap(cell) else cell.strip() for cell in cells]
    if kind == "text":
        return known
    if kind == "categorical":
        return _categories(name, known, reading)

    def where(k: int) -> str:
        return place(int(np.flatnonzero(codes == k)[0]))

    if kind == "date":
        given = reading.date_form(name)
        found = date_cells(name, known, codes, place, given, forced=True)
        assert found is not None
        return found
    values = [None if text is None else reading.value(text) for text in known]
    there = [k for k, text in enumerate(known) if text is not None]
    strays = [k for k in there if values[k] is None]
    if strays and not (kind == "label" and typed):
        signed = signed_numbers(name, [known[k] or "" for k in there], reading)
        if signed is not None:
            bare = dict(zip(there, signed, strict=True))
            values, strays = [bare.get(k) for k in range(len(known))], []
    if not strays:
        if kind == "label" and there and (typed or any(is_code(known[k] or "") for k in there)):
            return [_plain_label(text, reading) for text in known]
        return _numbers(name, values, codes, place)
    if kind == "numeric":
        raise DataError(not_a_number(name, where(strays[0]), known[strays[0]], reading=reading))
    if kind in (None, "label"):
        found = date_cells(name, known, codes, place, reading.date_form(name))
        if found is not None and kind == "label":
            raise DataError(no_dates(name, kind))
        if found is not None:
            return found
    counts = np.bincount(codes, minlength=len(cells))
    refuse_near_numbers(
        name,
        [known[k] or "" for k in there],
        [None if (value := values[k]) is None else float(value) for k in there],
        counts[there],
        lambda k: where(there[k]),
        there.index(codes[0]) if codes[0] in there and counts[codes[0]] == 1 else None,
        reading,
    )
    tell_affixes(name, there, known, codes, where)
    if kind == "label":
        return known
    as_numbers = [None if values[k] is None else text for k, text in enumerate(known)]
    texts = _categories(name, as_numbers, reading)
    for k in strays:  # no numbers and no gaps, as is known already
        texts[k] = text_written(known[k] or "") or known[k]
    return texts


def dates_as(name: str, seconds: Array, what: str, kind: str | None = None) -> Array:
    """Return dates ("date"), times of day ("time") or a "duration" as what the column is to be.

    ``seconds`` (N,), NaN a gap; ``kind``: one of `KINDS`. Dates are `Dates`, a duration is a number
    of seconds; as categories they are the texts of `dates`. Raises DataError where dates
    cannot be of that kind.

    >>> dates_as("day", np.array([0.0, np.nan]), "date", "categorical")
    array(['1970-01-01', None], dtype=object)
    """
    if what == "mixture":
        raise DataError(
            f"column {shown(name)} is a mixture of dates, times of day or durations; choose one"
        )
    if what == "zone":
        raise DataError(
            f"column {shown(name)}: some times have a time zone and others have none; give all of "
            "them one, or none"
        )
    if what == "duration":
        if kind == "date":
            raise DataError(f"column {shown(name)} holds durations, and no dates")
        if kind != "categorical":
            return seconds
        return _gathered([duration_written(s) or None for s in seconds.tolist()], ...)
    if kind in ("categorical", "text"):
        return _gathered([written(s, what == "time") or None for s in seconds.tolist()], ...)
    if kind is None and np.isnan(seconds).all():  # as a column without any value is elsewhere
        return seconds
    if kind in ("numeric", "label"):
        raise DataError(no_dates(name, kind))
    return Dates.of(seconds, of_day=what == "time")


def category_column(
    name: str,
    cells: Sequence[Any],
    codes: Array,
    place: Place = from_zero,
    reading: Reading = STANDARD,
) -> Array:
    """Return the column of categories whose row i is ``cells[codes[i]]``, cells of any type.

    Raises DataError for bytes, whose text depends on how they are encoded.

    >>> category_column("c", ["Ulm", None, 3.0], np.array([0, 1, 2, 0]))
    array(['Ulm', None, '3', 'Ulm'], dtype=object)
    """
    for k, cell in enumerate(cells):
        if isinstance(cell, (bytes, bytearray, memoryview)):
            row = int(np.flatnonzero(codes == k)[0])
            raise DataError(_other(name, place(row), cell))
    wide = [cell for cell in cells if isinstance(cell, (float, np.floating))]
    _tell_rounded(name, np.array(wide, np.float64))
    return _gathered(_categories(name, cells, reading), codes)


def numeric_part(
    table: Table, names: Collection[str], trained_as: Collection[str] | None = None
) -> Array:
    """Return the columns ``names`` as numbers, in this order; no copy if the table has just them.

    ``trained_as``: their names in messages. Text that is no number raises DataError.

    >>> numeric_part(Table.from_columns({"a": np.array([1.0]), "b": np.array([2.0])}), ["b"])
    array([[2.]])
    """
    if tuple(names) == table.numeric_names:
        return table.numeric
    place = {name: j for j, name in enumerate(table.numeric_names)}
    if all(name in place for name in names):
        return table.storage.take(table.numeric, None, [place[name] for name in names])
    values = table.storage.zeros((len(table), len(names)), np.float64)
    for j, (name, trained) in enumerate(zip(names, trained_as or names, strict=True)):
        if name in place:
            values[:, j] = table.numeric[:, place[name]]
        else:
            values[:, j] = typed_column(trained, table.categorical[name], kind="numeric")
    return values


def texts_of(table: Table, name: str) -> Array:
    """Return a column as the texts of categories, whatever it holds.

    >>> texts_of(Table.from_columns({"code": np.array([1.0, 2.0])}), "code")
    array(['1', '2'], dtype=object)
    """
    values = table.column(name)
    return values if values.dtype == object else category_texts(values)


def _mixed(name: str, cells: list[Any], place: Place, kind: str | None, reading: Reading) -> Array:
    """The column of Python objects, text among them that reads as numbers or as gaps."""
    found = [_read(cell, reading) if isinstance(cell, str) else cell for cell in cells]
    kinds = {of: _kind_of(of) for of in {type(cell) for cell in found} - {type(None)}}
    all_kinds = set(kinds.values())
    present = [(row, cell) for row, cell in enumerate(found) if cell is not None]
    if kind == "numeric" and "text" in all_kinds:
        row, cell = next((r, c) for r, c in present if kinds[type(c)] == "text")
        raise DataError(not_a_number(name, place(row), cell, reading=reading))
    if all_kinds == {"date"}:
        return dates_as(name, *from_objects(found), kind)
    if len(all_kinds - {"bool"}) > 1 or all_kinds == {"bool", "text"}:
        majority = max(sorted(all_kinds), key=[kinds[type(cell)] for _, cell in present].count)
        row, cell = next((r, c) for r, c in present if kinds[type(c)] != majority)
        category = f", or make the column categorical: {for_column('categorical', name)}"
        raise DataError(
            f"column {shown(name)}, {place(row)}: {shown(cell)} among cells of another type "
            f"({majority}); correct the cell{advice('categorical', category)}"
        )
    if "other" in all_kinds:
        row, cell = present[0]
        raise DataError(_other(name, place(row), cell))
    return _numbers(name, found, np.arange(len(found)), place)


def _read(text: str, reading: Reading) -> object:
    """A number, None for a gap, or the text itself."""
    if reading.is_gap(text):
        return None
    value = reading.value(text)
    return text if value is None else value


def _kind_of(of: type) -> str:
    if issubclass(of, (bool, np.bool_)):
        return "bool"
    if issubclass(of, str):
        return "text"
    dates = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    if issubclass(of, dates) or hasattr(of, "start_time"):  # a period of pandas
        return "date"
    # Decimal is a number of the language but registered only as numbers.Number.
    real = issubclass(of, numbers.Number) and not issubclass(of, (complex, np.complexfloating))
    return "number" if real else "other"


def _numbers(name: str, cells: Sequence[Any], codes: Array, place: Place) -> Array:
    """The cells as numbers, None a gap; ``codes``: which of them each row has."""
    gaps = np.array([cell is None for cell in cells], bool)
    present = [cell for cell in cells if cell is not None]
    if present and not np.bincount(codes, minlength=len(cells))[gaps].any():
        if all(isinstance(cell, (bool, np.bool_)) for cell in present):
            return np.array([bool(cell) for cell in cells])
        if all(isinstance(cell, (int, np.integer, np.bool_)) for cell in present):
            whole = [int(cell or 0) for cell in cells]
            if min(whole) >= -(2**63) and max(whole) < 2**63:
                return np.array(whole, np.int64)
    floats = np.full(len(cells), np.nan)
    for k, cell in enumerate(cells):
        if cell is not None:
            try:
                floats[k] = cell
                exact = abs(floats[k]) < EXACT or int(floats[k]) == cell or cell != int(cell)
            except OverflowError:  # an infinity, which is refused later, or an enormous int
                exact = not isinstance(cell, (int, np.integer))
            if not exact:
                row = int(np.flatnonzero(codes == k)[0])
                raise DataError(not_exact(name, place(row), cell))
    return floats


def _other(name: str, where: str, cell: object) -> str:
    """The message for a cell that is neither a number nor text."""
    of_bytes = isinstance(cell, (bytes, bytearray, memoryview))
    cure = "decode the column first, such as by .decode('utf-8')" if of_bytes else "convert it"
    return f"column {shown(name)}, {where}: {shown(cell)} is neither a number nor text; {cure}"


def _tell_rounded(name: str, values: Array) -> None:
    """Warn of floats, to be categories, that are whole numbers too large to be exact."""
    if values.dtype.kind != "f":
        return
    bits = np.finfo(values.dtype).nmant + 1
    large = values[np.isfinite(values) & (np.abs(values) >= 2.0**bits)]
    if len(large):
        warn(
            f"column {shown(name)}: {large[0]:.0f} is a float, of which whole numbers from "
            f"2^{bits} on may have been rounded before they came here; read such codes as whole "
            "numbers (Int64 of pandas, which has gaps) or as text",
            DataWarning,
        )


def _categories(name: str, cells: Sequence[Any], reading: Reading) -> list[str | None]:
    """Category texts; numbers of which there are several spellings are told, they may be codes."""
    found = [None if cell is None else reading.category(cell) for cell in cells]
    spelt: dict[str, str] = {}
    for cell, category in zip(cells, found, strict=True):
        if category is None or not isinstance(cell, str):
            continue
        text = cell.strip()
        same = text.lower() in ("true", "false") or text.rstrip("0") == f"{category}."
        if same or (first := spelt.setdefault(category, text)) == text:
            continue
        if reading.value(text) is not None:  # and no date, say
            warn(
                f"column {shown(name)}: {shown(first)} and {shown(text)} are the same "
                "number, and so the same category; if they are codes, put a letter before them",
                DataWarning,
            )
            break
    return found


def _plain_label(text: str | None, reading: Reading) -> str | None:
    return text if text is None or reading.plain else reading.number_text(text) or text


def _distinct(values: Iterable[Any]) -> tuple[list[Any], Array]:
    """The different cells in the order in which they come, and the place of each cell in them."""
    cells = values.tolist() if isinstance(values, np.ndarray) else list(values)
    index: dict[Any, int] = {}
    try:
        codes = [index.setdefault(cell, len(index)) for cell in cells]
    except TypeError:  # a cell that has no hash, such as a list
        return cells, np.arange(len(cells))
    return list(index), np.array(codes, np.intp)


def _gathered(texts: Sequence[str | None] | Array, codes: Any) -> Array:
    if isinstance(texts, np.ndarray):
        found: Array = texts[codes]  # dates stay such
        return found
    column = np.empty(len(texts), dtype=object)
    column[:] = texts
    return np.asarray(column[codes])
