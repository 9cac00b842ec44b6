"""Quotation marks of a text file for Arrow: whether one has taken in rows, or parts a cell."""

from __future__ import annotations

from typing import Any

from fastnn.errors import DataError
from fastnn.reading.csv_bytes import Text
from fastnn.reading.csv_layout import Layout
from fastnn.reading.csv_lines import check_quotes, ends_in_quotes, never_closed


class Quotes:
    """Looks for line breaks in cells, where a stray quotation mark may have taken in rows."""

    def __init__(self, layout: Layout, text: Text) -> None:
        self._layout, self._text = layout, text
        self._open = text.quoted

    def check(self, cells: Any) -> None:
        """Check the whole file, once, if a cell of these texts has a line break."""
        import pyarrow as pa
        from pyarrow import compute

        if self._open and pa.types.is_string(cells.type):
            if compute.any(compute.match_substring_regex(cells, "[\r\n]")).as_py():
                self.check_all()

    def check_begin(self) -> None:
        """Check the whole file if a mark may stand in the middle of a cell."""
        if self._text.torn:
            self.check_all()

    def check_all(self) -> None:
        """Check the whole file."""
        self._open = False
        layout = self._layout
        whose = "the header" if layout.header else "the first row"
        check_quotes(layout.path, layout.rows(), layout.sign, layout.names, whose)

    def check_end(self) -> None:
        """Check the last line, if that is not done yet."""
        layout, tail = self._layout, self._text.tail
        if self._open and b'"' in tail and ends_in_quotes(layout.sign, tail):
            *_, last = layout.rows()
            if not last.closed:
                raise DataError(never_closed(layout.path, last))
