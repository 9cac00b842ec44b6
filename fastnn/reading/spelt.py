"""Columns of text files that are kept as they are: the text of a cell, and the number it writes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.data.cells import Reading, is_code
from fastnn.data.table import Array
from fastnn.data.texts import Texts, parts_of


@dataclass(frozen=True, eq=False)
class Spelt:
    """A column of numbers or truth values as a text file spells them.

    What is text again (CSV) has the spelling, what has types (JSON, Parquet) the values.

    ``values``: those of the different texts, masked where these are gaps.
    """

    texts: Texts
    values: np.ma.MaskedArray[Any, Any]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: slice) -> Spelt:
        cells = self.texts
        return Spelt(Texts(cells.distinct, cells.codes[rows], cells.storage), self.values)

    def __iter__(self) -> Iterator[str | None]:
        return iter(self.texts)

    def numbers(self) -> np.ma.MaskedArray[Any, Any]:
        """Return the values of the rows, masked where they have none."""
        found: np.ma.MaskedArray[Any, Any] = self.values[np.asarray(self.texts.codes)]
        return found

    def tolist(self) -> list[str | None]:
        """Return the texts."""
        return self.texts.tolist()


def as_spelt(column: Array | Texts, reading: Reading) -> Array | Texts | Spelt:
    """Return a column of text with its numbers, if all of its cells are numbers and no codes.

    Codes have a leading zero or a plus, or more digits than whole numbers of 64 bits have.

    >>> found = as_spelt(np.array(["12", None, "7"], object), Reading())
    >>> found.tolist(), found.numbers().tolist()
    (['12', None, '7'], [12, None, 7])
    >>> as_spelt(np.array(["12", "007"], object), Reading())
    array(['12', '007'], dtype=object)
    """
    if column.dtype != object:
        return column
    distinct, codes = parts_of(column)
    found = [None if text is None else _value(text, reading) for text in distinct]
    types = {type(value) for text, value in zip(distinct, found, strict=True) if text is not None}
    if types not in ({bool}, {int}, {float}, {int, float}):
        return column
    dtype = np.float64 if float in types else np.int64 if int in types else np.bool_
    filled: Array = np.array([value or 0 for value in found], dtype)
    values = np.ma.masked_array(filled, [text is None for text in distinct])
    storage = {"storage": column.storage} if isinstance(column, Texts) else {}
    return Spelt(Texts(distinct, codes, **storage), values)


def _value(text: str, reading: Reading) -> bool | int | float | None:
    """What a text writes, None for a code and what is no number."""
    number, value = reading.number_text(text), reading.value(text)
    if isinstance(value, bool) or value is None:
        return value
    if number is None or number.startswith("+") or is_code(number) or not math.isfinite(value):
        return None
    whole = isinstance(value, int)
    return value if not whole or -(2**63) <= value < 2**63 else None
