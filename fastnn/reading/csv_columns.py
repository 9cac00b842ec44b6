"""A column of a text file, as Arrow reads it, to numbers, dates or text (`data.cells`)."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.data.cells import Reading, whole_number
from fastnn.data.columns import text_column, typed_column
from fastnn.data.table import EXACT, Array, Place, not_exact
from fastnn.data.texts import Texts
from fastnn.errors import DataError
from fastnn.reading.csv_quotes import Quotes

#: Of more texts than this Arrow, and not Python, finds whether they are numbers.
_MANY = 1000
#: So many of them are looked at first.
_FEW = 100


def column_of(
    name: str, cells: Any, place: Place, kind: str | None, reading: Reading, quotes: Quotes
) -> Array:
    """Decide what one column is; clean columns never meet Python loops."""
    import pyarrow as pa

    if pa.types.is_null(cells.type):
        return np.full(len(cells), np.nan)
    if not pa.types.is_string(cells.type):
        gaps = np.asarray(cells.is_null().to_numpy()) if cells.null_count else None
        if cells.null_count and not pa.types.is_floating(cells.type):
            cells = cells.fill_null(pa.scalar(0).cast(cells.type))
        return typed_column(name, np.asarray(cells.to_numpy()), place, kind, reading, gaps)
    texts, codes = arrow_texts(cells)
    if len(texts) > _MANY and kind not in ("categorical", "date", "text") and reading.plain:
        numbers = None if _codes(cells, kind) else _numbers(cells, reading)
        if numbers is not None:
            return typed_column(name, _exact(name, numbers, cells, place), place, kind, reading)
    quotes.check(pa.array(texts[:-1], pa.string()))
    return text_column(name, texts, codes, place, kind, reading)


def cells_in_batch(
    name: str, cells: Any, place: Place, kind: str | None, reading: Reading, quotes: Quotes
) -> Array | Texts:
    """Return some rows of a column that came as text: numbers if all are, else their texts.

    Whether the column is one of numbers is decided when all of it is there (`spill`).
    """
    import pyarrow as pa

    if kind not in ("categorical", "date", "text") and reading.plain and not _codes(cells, kind):
        numbers = _numbers(cells, reading)
        if numbers is not None:
            return typed_column(name, _exact(name, numbers, cells, place), place, kind, reading)
    texts, codes = arrow_texts(cells)
    quotes.check(pa.chunked_array([pa.array(texts[:-1], pa.string())]))
    return Texts(tuple(texts), codes.astype(np.int32))


def arrow_texts(cells: Any) -> tuple[list[str | None], Array]:
    """Return the different texts of an Arrow column and None, and the place of each cell in them.

    First come, first there, also if the column is a dictionary with an order of its own.

    >>> import pyarrow as pa
    >>> arrow_texts(pa.chunked_array([["a", None, "a"]]))
    (['a', None], array([0, 1, 0], dtype=int32))
    """
    import pyarrow as pa

    own = pa.types.is_dictionary(cells.type)
    if hasattr(cells, "combine_chunks"):  # several dictionaries become one
        cells = (cells.unify_dictionaries() if own else cells.dictionary_encode()).combine_chunks()
    coded = cells.dictionary_encode()
    known = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)
    if not own:
        return [*known, None], codes
    first = np.full(len(known) + 1, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    order = np.argsort(first[:-1], kind="stable")[: int((first[:-1] < len(codes)).sum())]
    places = np.full(len(known) + 1, len(order), np.int32)
    places[order] = np.arange(len(order))
    return [*(known[k] for k in order), None], places[codes]


def _codes(cells: Any, kind: str | None) -> bool:
    """Whether these are labels of which one is a code, so that they are no numbers."""
    from pyarrow import compute

    if kind != "label":
        return False
    return bool(compute.any(compute.match_substring_regex(cells, r"^\s*[+-]?0\d")).as_py())


def _numbers(cells: Any, reading: Reading) -> Array | None:
    """The column as Arrow reads it, if that is what `Reading.value` says of every cell."""
    import pyarrow as pa
    from pyarrow import compute

    def cast(values: Any, to: Any) -> Array | None:
        try:
            if len(values) > _MANY:  # Arrow goes on after the first failure, and words each of them
                compute.cast(values.take(pa.array(range(0, len(values), len(values) // _FEW))), to)
            found = np.asarray(compute.cast(values, to).to_numpy())
        except pa.ArrowInvalid:
            return None
        strange = found != found  # "nan" is a gap only if the reading says so
        if values.null_count < strange.sum():
            words = compute.filter(values, pa.array(strange)).unique().to_pylist()
            if not all(word is None or reading.is_gap(word) for word in words):
                return None
        return found

    def whole(values: Any) -> Array | None:
        if (found := cast(values, pa.int64())) is None:
            return None
        letters = compute.match_substring_regex(values, "[xX]")  # Arrow reads 0x1F
        return None if compute.any(letters).as_py() else found

    if (found := whole(cells)) is not None:
        return found
    found = cast(cells, pa.float64())
    if found is not None and (found != np.rint(found)).any():
        return found
    trimmed = compute.utf8_trim_whitespace(cells)
    if (integers := whole(trimmed)) is not None or found is not None:
        return found if integers is None else integers
    markers = pa.array(sorted(reading.markers))
    missing = compute.is_in(compute.utf8_lower(trimmed), value_set=markers)
    found = cast(compute.if_else(missing, pa.scalar(None, pa.string()), trimmed), pa.float64())
    return None if found is None else found.astype(np.float64)


def _exact(name: str, numbers: Array, cells: Any, place: Place) -> Array:
    """Return ``numbers``, unless reading as a float has changed a whole number of ``cells``."""
    if numbers.dtype.kind != "f":
        return numbers
    from pyarrow import compute

    large = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= EXACT))
    if len(large):  # of which a few at most are written by digits alone
        plain = compute.match_substring_regex(cells.take(large), r"^\s*[+-]?\d+(\.0*)?\s*$")
        large = large[np.asarray(plain.to_numpy(), bool)]
    for row, cell in zip(large.tolist(), cells.take(large).to_pylist(), strict=True):
        whole = whole_number(cell)
        if whole is not None and whole != int(numbers[row]):
            raise DataError(not_exact(name, place(row), whole))
    return numbers
