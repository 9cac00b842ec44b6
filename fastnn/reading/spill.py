"""Columns that come batch by batch, kept on disk until all are there: then judged as a whole.

What a column is, numbers or categories, is known only when its last cell is: a file may have a
million numbers before the first text. So numbers are kept as numbers as long as all are, and text
as codes of the different texts; the rules of `columns` are applied at the end, and the column is
what it would be if it had been read at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fastnn.data.cells import STANDARD, Reading
from fastnn.data.columns import category_texts, text_cells
from fastnn.data.dates import Dates
from fastnn.data.storage import Growing, OnDisk, row_blocks
from fastnn.data.table import Array, Place, check_exact, from_zero
from fastnn.data.texts import Texts, coded


@dataclass(eq=False)
class Spill:
    """A table on disk that grows batch by batch.

    ``kinds``: what columns are declared to be, as for `text_cells`; ``typed``: text is text of a
    frame, not the cells of a file.

    >>> spill = Spill(OnDisk())
    >>> spill.add({"x": np.array([1, 2]), "t": coded(["a", None])})
    >>> spill.add({"x": np.array([0.5]), "t": coded(["a"])})
    >>> columns = spill.columns()
    >>> columns["x"].tolist(), list(columns["t"])
    ([1.0, 2.0, 0.5], ['a', None, 'a'])
    """

    storage: OnDisk
    kinds: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = STANDARD
    typed: bool = False
    place: Place = from_zero
    n_rows: int = 0
    _columns: dict[str, _Column] = field(default_factory=dict)

    def add(self, batch: Mapping[str, Array | Texts]) -> None:
        """Add the next rows: of each column its numbers, or its text with None for gaps."""
        for name, values in batch.items():
            if name not in self._columns:
                self._columns[name] = _Column(name, self.storage)
            self._columns[name].add(values, lambda row: self.place(self.n_rows + row))
        self.n_rows += len(next(iter(batch.values())))

    def columns(self) -> dict[str, Array | Texts]:
        """Return all rows: numbers (N,), mapped, or texts."""
        found: dict[str, Array | Texts] = {}
        for name, column in self._columns.items():
            if not column.index:
                numbers, date = column.numbers.values(), column.date
                found[name] = numbers if date is None else like(numbers, date)
                continue
            codes, kind = column.codes.values(), self.kinds.get(name)
            cells = text_cells(
                name, [*column.index], codes, self.place, kind, self.reading, typed=self.typed
            )
            found[name] = _gathered(self.storage, cells, codes)
        return found


@dataclass(eq=False)
class _Column:
    """One column as far as it is known: numbers, or codes of the texts in ``index``."""

    name: str
    storage: OnDisk
    index: dict[str | None, int] = field(default_factory=dict)
    date: Dates | None = None  # of which kind they are, if they are dates

    def __post_init__(self) -> None:
        self.numbers, self.codes = Growing(self.storage), Growing(self.storage)

    def add(self, values: Array | Texts, place: Place) -> None:
        if isinstance(values, Texts):
            if not self.index and len(self.numbers):
                self._become_text()
            self._add_texts(values)
        elif self.index:
            self._add_texts(coded(category_texts(values).tolist()))
        else:
            if isinstance(values, Dates):
                self.date = like(values[:0], values)
            before = self.numbers.dtype
            if before is not None and (before.kind == "f") != (values.dtype.kind == "f"):
                # whole numbers become floats, which must hold them
                check_exact(values, [self.name], place)
                check_exact(self.numbers.values(), [self.name], from_zero)
            self.numbers.append(values)

    def _become_text(self) -> None:
        there, self.numbers = self.numbers.values(), Growing(self.storage)
        for rows in row_blocks(there):
            self._add_texts(coded(category_texts(there[rows]).tolist()))

    def _add_texts(self, texts: Texts) -> None:
        places = [self.index.setdefault(text, len(self.index)) for text in texts.distinct]
        self.codes.append(np.array(places, np.int32)[texts.codes])


def like(seconds: Array, date: Dates) -> Dates:
    """Return seconds as dates of the same kind as others."""
    return Dates.of(seconds, date.form, date.of_day)


def _gathered(storage: OnDisk, cells: Sequence[object] | Array, codes: Array) -> Array | Texts:
    """The column whose cell i is ``cells[codes[i]]``, of numbers or of texts, on disk."""
    if isinstance(cells, np.ndarray):
        made = storage.zeros(codes.shape, cells.dtype)
        for rows in row_blocks(codes):
            made[rows] = cells[codes[rows]]
        return like(made, cells) if isinstance(cells, Dates) else made
    index: dict[object, int] = {}
    places = np.array([index.setdefault(cell, len(index)) for cell in cells], np.int32)
    return Texts(tuple(index), _gathered(storage, places, codes), storage)  # type: ignore[arg-type]
