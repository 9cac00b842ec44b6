"""What an object shows of itself: in a terminal as text, in a notebook as HTML, both short."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from numbers import Integral, Real
from typing import Any

from fastnn.pictures.sparkline import sparkline_svg
from fastnn.text import WIDTH, clipped, number, pairs, sparkline, table

#: A text is no longer than so many lines of at most `WIDTH` characters.
MOST_LINES = 30
#: Rows of a table, and characters of a fact in HTML and of a cell.
MOST_ROWS, MOST_OF_A_FACT, MOST_OF_A_CELL = 12, 400, 24

_TABLE = "border-collapse:collapse;margin:2px 0 6px;border:0;background:none;font-size:13px"
_ROW = "background:none;border:0"
_NAME = (
    "text-align:left;vertical-align:{};font-weight:normal;opacity:0.75;white-space:nowrap;"
    "padding:1px 16px 1px 0;border:0"
)
_VALUE = "text-align:left;vertical-align:top;overflow-wrap:anywhere;padding:1px 0;border:0"
_CELL = "text-align:{};font-weight:{};padding:1px 16px 1px 0;border:0;white-space:nowrap"


@dataclass(frozen=True)
class Curve:
    """Values over the epochs, as a fact: drawn small, with the first and the last number.

    >>> print(Curve([2.0, None, 1.0]))
    █ ▁  2.0000 to 1.0000
    """

    values: Sequence[float | None]

    def __str__(self) -> str:
        drawn = sparkline(self.values)
        return f"{drawn}  {self.ends}" if drawn else self.ends

    @property
    def ends(self) -> str:
        """The first and the last value that is a finite number."""
        known = [v for v in self.values if v is not None and math.isfinite(v)]
        if not known:
            return "no finite number"
        return number(known[0]) if len(known) == 1 else f"{number(known[0])} to {number(known[-1])}"


Facts = Mapping[str, str | Curve]


@dataclass(frozen=True)
class Face:
    """A title, facts, and a table, of which the first row has the names of the columns.

    ``more``: what the rows are called of which a long table leaves some out.

    >>> print(Face("Model", {"task": "binary"}, [["", "loss"], ["test", "0.5"]]).text())
    Model
      task  binary
    <BLANKLINE>
            loss
      test   0.5
    """

    title: str
    facts: Facts = field(default_factory=dict)
    rows: Sequence[Sequence[str]] = ()
    more: str = "rows"

    def text(self) -> str:
        """Return it as at most 30 lines: of a fact that would take too many, the first."""
        below = self._table()
        for most in (6, 5, 4, 3, 2, 1):
            lines = [clipped(self.title, WIDTH), *_lines(self.facts, most), *below]
            if len(lines) <= MOST_LINES:
                break
        return "\n".join(lines[:MOST_LINES])

    def html(self) -> str:
        """Return it as a fragment of HTML, in the colours of the page that it is put into.

        All text is escaped; there are no scripts, no style sheets and nothing to be loaded.

        >>> Face("<b>").html()
        '<div style="overflow-x:auto"><div style="font-weight:600">&lt;b&gt;</div></div>'
        """
        parts = [f'<div style="font-weight:600">{_safe(self.title, WIDTH)}</div>']
        if self.facts:
            facts = "".join(_fact(name, value) for name, value in self.facts.items())
            parts.append(f'<table style="{_TABLE}">{facts}</table>')
        if self.rows:
            rows, left = self._shortened()
            body = "".join(_row(row, head=i == 0) for i, row in enumerate(rows))
            parts.append(f'<table style="{_TABLE}">{body}</table>')
            parts += [f'<div style="opacity:0.75">{_safe(left, WIDTH)}</div>'] if left else []
        return f'<div style="overflow-x:auto">{"".join(parts)}</div>'

    def _shortened(self) -> tuple[list[list[str]], str]:
        """Return rows and cells that can be shown, and what is said of the others."""
        rows = [[clipped(cell, MOST_OF_A_CELL) for cell in row] for row in self.rows]
        widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
        kept, room = 1, WIDTH - 2 - widths[0]
        while kept < len(widths) and widths[kept] <= room:
            room -= widths[kept]
            kept += 1
        said = [f"{len(rows) - 1 - MOST_ROWS:,} more {self.more}"] * (len(rows) - 1 > MOST_ROWS)
        said += [f"{len(widths) - kept:,} more columns"] * (kept < len(widths))
        left = f"... and {' and '.join(said)}" if said else ""
        return [row[:kept] for row in rows[: MOST_ROWS + 1]], left

    def _table(self) -> list[str]:
        if not self.rows:
            return []
        rows, left = self._shortened()
        return ["", *table(rows, "  ").split("\n"), *([f"  {left}"] if left else [])]


def table_rows(columns: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Return the rows of a table, of which pandas and polars can make a data frame.

    These look at the first rows to know what is in a column. So that every column is of one kind,
    None among numbers is NaN, and values of several kinds are text.

    >>> list(table_rows({"f1": [None, 0.5], "optimizer": ["adam", {"name": "sgd"}]}))
    [{'f1': nan, 'optimizer': 'adam'}, {'f1': 0.5, 'optimizer': "{'name': 'sgd'}"}]
    """
    even = [_even(values) for values in columns.values()]
    for row in zip(*even, strict=True):
        yield dict(zip(columns, row, strict=True))


def _even(values: Sequence[Any]) -> Sequence[Any]:
    kinds = {_kind(value) for value in values if value is not None}
    if kinds == {"number"}:
        whole = all(isinstance(value, Integral) for value in values)
        return values if whole else [math.nan if v is None else float(v) for v in values]
    if kinds <= {"truth"} or kinds <= {"text"} or kinds <= {"list"}:
        return values
    return [value if value is None else str(value) for value in values]


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, Real):
        return "number"
    return "text" if isinstance(value, str) else "list" if isinstance(value, (list, tuple)) else ""


def _lines(facts: Facts, most: int) -> list[str]:
    return pairs(facts, "  ", most).split("\n") if facts else []


def _safe(text: str, most: int) -> str:
    return escape(clipped(text, most))


def _fact(name: str, value: str | Curve) -> str:
    place = "middle" if isinstance(value, Curve) else "top"
    if isinstance(value, Curve):
        inside = f"{sparkline_svg(value.values)} {_safe(value.ends, WIDTH)}"
    else:
        inside = _safe(value, MOST_OF_A_FACT)
    head = f'<th scope="row" style="{_NAME.format(place)}">{_safe(name, WIDTH)}</th>'
    return f'<tr style="{_ROW}">{head}<td style="{_VALUE}">{inside}</td></tr>'


def _row(cells: Sequence[str], head: bool) -> str:
    shown = []
    for i, cell in enumerate(cells):
        style = _CELL.format("right" if i else "left", "600" if head else "normal")
        tag = "th" if cell and (head or not i) else "td"
        scope = f' scope="{"col" if head else "row"}"' if tag == "th" else ""
        shown.append(f'<{tag}{scope} style="{style}">{_safe(cell, WIDTH)}</{tag}>')
    return f'<tr style="{_ROW}">{"".join(shown)}</tr>'
