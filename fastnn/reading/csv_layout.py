"""How a text file is laid out: its encoding, the sign between columns, the lines before the rows.

It is found from the begin of the file, where `Reading` does not say it. What could be read in two
ways is refused with the option that decides.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from fastnn.data.cells import STANDARD, Reading, parse_number
from fastnn.data.statistics import DataNote
from fastnn.data.table import Place, check_names, listed
from fastnn.errors import DataError, advice, arg, shown, warn
from fastnn.reading.csv_encoding import check_encoding, head_of
from fastnn.reading.csv_lines import (
    SIGNS,
    WHITESPACE,
    Record,
    cells_of,
    check_torn,
    lines_of,
    never_closed,
    records,
    with_tabs,
)
from fastnn.reading.packed import is_packed

#: So many of its rows, at most, must be parted alike.
_MOST_ROWS = 1000
#: Of so many rows it is looked whether their cells are numbers.
_LOOKED_AT = 50
#: The first line is a row if so many tenths of the columns of text have its cells again.
_TENTHS_AGAIN = 9

_SEP = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)


@dataclass(frozen=True)
class Layout:
    """What a text file is like.

    Attributes:
        path: the file.
        encoding: Python's name of it, "utf-8-sig" for UTF-8 with or without a byte order mark.
        sign: what parts the columns.
        skip: how many lines come before the first row, the header's among them.
        names: the columns as the file has them, "" for one without a name.
        header: whether the file names them.
        longest: characters of the longest line at the begin.
        skips: rows of another number of cells do not count.
        runs: runs of spaces and tabs part the columns; they are read as a tab each.
    """

    path: Path
    encoding: str
    sign: str
    skip: int
    names: tuple[str, ...]
    header: bool = True
    longest: int = 0
    skips: bool = False
    runs: bool = False

    @property
    def is_utf8(self) -> bool:
        """Whether the bytes are UTF-8."""
        return self.encoding == "utf-8-sig"

    @property
    def is_plain(self) -> bool:
        """Whether the bytes can be read as they are."""
        return self.is_utf8 and not self.runs and not is_packed(self.path)

    def rows(self) -> Iterator[Record]:
        """Yield the rows, without the header; those of another number of cells, if they count."""
        rows = self._every_row()
        return (row for row in rows if row.cells == len(self.names)) if self.skips else rows

    def _every_row(self) -> Iterator[Record]:
        lines = islice(self.lines(), self.skip, None)
        return records(lines, self.sign, self.skip)

    def lines(self) -> Iterator[str]:
        """Yield all lines, with a tab for runs of spaces where these part the columns."""
        lines = lines_of(self.path, self.encoding)
        return map(with_tabs, lines) if self.runs else lines

    def check_encoding(self) -> None:
        """Raise DataError for the first line that is not in the encoding."""
        check_encoding(self.path, self.encoding, self.sign, self.names)

    def place(self) -> Place:
        """Return what says in which line of the file a row of its table is.

        Lines are counted only when an error needs it: blank lines and line breaks in cells shift
        them.
        """

        def where(row: int) -> str:
            found = next(islice(self.rows(), row, None), None)
            line = f"row {row}" if found is None else f"line {found.line}"
            return f"{line} of '{self.path}'"

        return where


def layout_of(path: Path, reading: Reading = STANDARD) -> Layout:
    r"""Return how a file is laid out; raise DataError for one that cannot be a table.

    Warns (DataNote) of lines before the header that are left out as comments.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("sep=;\nage;town\n3;Ulm\n")
    ...     found = layout_of(path)
    >>> found.sign, found.skip, found.names
    (';', 2, ('age', 'town'))
    """
    encoding, head = head_of(path, reading.encoding)
    runs = reading.delimiter == WHITESPACE
    lines = list(io.StringIO(head, newline=""))
    if runs:
        lines, reading = [*map(with_tabs, lines)], replace(reading, delimiter="\t")
    if not any(line.strip("\r\n") for line in lines):
        raise DataError(f"file '{path}' is empty")
    sign, record = _first_line(path, lines, reading)
    cells = cells_of(record, sign)
    if not cells:
        raise DataError(f"file '{path}' is not a CSV file: its first line cannot be parted")
    if reading.header is not False:
        cells = [cell.strip() for cell in cells]  # as those of the rows are
    if all(re.fullmatch("'[^']+'", cell) for cell in cells):  # names, and not quotations
        cells = [cell[1:-1] for cell in cells]
    rows = list(islice(records(islice(lines, record.last, None), sign), _MOST_ROWS))
    found = [cells_of(row, sign) for row in rows]
    if len(cells) == 1:
        texts = [row[0] for row in found if len(row) == 1]
        _check_sign(path, cells[0], texts if reading.delimiter is None else [], sign)
    longest = max(map(len, lines))
    if reading.header is False:
        names = tuple(f"x{j}" for j in range(len(cells)))
        layout = Layout(path, encoding, sign, record.line - 1, names, False, longest)
    else:
        layout = Layout(path, encoding, sign, record.last, tuple(cells), True, longest)
        if "\ufffd" in "".join(cells):
            check_encoding(path, encoding, sign, cells)
        _check_header(path, cells, found, reading)
    return replace(layout, skips=reading.bad_rows == "skip", runs=runs)


def _first_line(path: Path, lines: Sequence[str], reading: Reading) -> tuple[str, Record]:
    """The sign between the columns, and the header, or the first row if there is none."""
    sep = _SEP.fullmatch(lines[0])
    start = 1 if sep else 0
    first = _first_row(lines, start)
    comments = [line for line in lines[start:first] if line.strip()]
    sign = reading.delimiter or (sep and sep[1]) or _sign(path, lines[first:])
    if comments and _is_header(path, comments[-1], lines[first:], sign, reading):
        number = max(i for i in range(first) if lines[i].strip())
        bare = re.sub(r"^#\s+", "", lines[number])
        record, comments = next(records([bare], sign, number)), comments[:-1]
    else:
        record = next(records(lines[first:], sign, first))
    if comments:
        lines_are = f"{len(comments)} lines are" if len(comments) > 1 else "a line is"
        warn(
            f"file '{path}': {lines_are} left out before the header as a comment: "
            f"{shown(comments[0].strip())}",
            DataNote,
        )
    if not record.closed:
        raise DataError(never_closed(path, record))
    check_torn(path, record)
    return sign, record


def _first_row(lines: Sequence[str], start: int) -> int:
    """The first line with text that is no comment; the very first if all of them begin with #."""
    there = [i for i in range(start, len(lines)) if lines[i].strip("\r\n")]
    return next((i for i in there if not lines[i].startswith("#")), there[0])


def _sign(path: Path, lines: Sequence[str]) -> str:
    """The sign that parts the header and all other lines alike."""
    own = "\t" if ".tsv" in [suffix.lower() for suffix in path.suffixes] else ","
    counts: dict[str, list[int]] = {}
    for sign in SIGNS:
        rows = islice(records(lines, sign), _MOST_ROWS)
        found = [row.cells for row in rows if row.closed]
        if found and found[0] > 1:
            counts[sign] = found
    if not counts:
        return own
    alike = {sign: found.count(found[0]) / len(found) for sign, found in counts.items()}
    best = [sign for sign in alike if alike[sign] == max(alike.values())]
    if len(best) == 1 or own == "\t" in best:
        return own if own == "\t" in best else best[0]
    one, two = best[:2]
    columns = f"into {counts[one][0]} and {counts[two][0]} columns"
    say = f"say {arg('delimiter', one)} or {arg('delimiter', two)}"
    raise DataError(
        f"file '{path}': both {one!r} and {two!r} may part the columns, {columns}; "
        f"{advice('delimiter', say, 'quote the cells that hold such signs')}"
    )


def _is_header(path: Path, comment: str, lines: Sequence[str], sign: str, reading: Reading) -> bool:
    """Whether a line that begins with # is the header and no comment."""
    bare = comment.lstrip("#").strip()
    first, *others = [cells_of(row, sign) for row in islice(records(lines, sign), 2)]
    if reading.header is False or not bare or next(records([bare], sign)).cells != len(first):
        return False
    if any(reading.number(cell) is not None for cell in first):
        return True
    if any(reading.number(cell) is not None for row in others for cell in row):
        return False
    raise DataError(
        f"file '{path}': {shown(comment.strip())} may be a comment or the header; remove the line, "
        "or the # at its begin"
    )


def _check_sign(path: Path, header: str, rows: Sequence[str], sign: str) -> None:
    """Refuse one column that is several, parted by another sign, or by spaces."""
    found = next((other for other in SIGNS if other != sign and other in header), None)
    if found is None and rows and len(header.split()) > 1:
        parts = [row.split() for row in rows]
        numbers = all(any(parse_number(part) is not None for part in row) for row in parts)
        if numbers and all(len(row) == len(header.split()) for row in parts):
            found = " "
            if any(" ".join(row.split()) != row for row in (header, *rows)):
                say = f"say {arg('delimiter', WHITESPACE)}"
                raise DataError(
                    f"file '{path}': the header {shown(header)} is one column; if runs of spaces "
                    f"separate the columns, {advice('delimiter', say, 'replace each by a comma')}"
                )
    if found is not None:
        say = advice("delimiter", f"say {arg('delimiter', found)}", "replace it by commas")
        raise DataError(
            f"file '{path}': the header {shown(header)} is one column; if {found!r} separates the "
            f"columns, {say}"
        )


def _check_header(
    path: Path, names: Sequence[str], rows: Sequence[Sequence[str]], reading: Reading
) -> None:
    """Refuse names that cannot be, and a first line that is a row.

    An index column that pandas writes, and what follows a sign at the end of each line, may have
    no name.
    """
    no_header = advice(
        "header", f"; if the file has no header line, say {arg('header', False)}",
        "; add a header line",
    )  # fmt: skip
    if reading.header is None and _is_row(names, rows, reading):
        raise DataError(
            f"file '{path}': the first line holds values, not column names "
            f"({listed(names, most=5)}){no_header}"
        )
    ends = (0, len(names) - 1) if any(name.strip() for name in names) else ()
    stand_in = [
        f"\0{j}" if j in ends and not name.strip() else name for j, name in enumerate(names)
    ]
    try:
        check_names(stand_in, f"file '{path}'")
    except DataError as error:
        raise error.within("", no_header if reading.header is None else "") from None


def _is_row(names: Sequence[str], rows: Sequence[Sequence[str]], reading: Reading) -> bool:
    """Whether the first line is a row: all numbers, or numbers where the rows have numbers and text
    that comes again in its column, or text alone that nearly all comes again.

    Names that count the columns are names.
    """
    n = len(names)
    numbers = [reading.number(name) is not None for name in names]
    if list(names) in ([str(j) for j in range(n)], [str(j + 1) for j in range(n)]):
        return False
    if all(numbers):
        return True
    there = [[cell.strip() for cell in row] for row in rows if len(row) == n]
    columns = [
        [row[j] for row in there[:_LOOKED_AT] if not reading.is_gap(row[j])] for j in range(n)
    ]
    measured = [bool(c) and all(reading.number(cell) is not None for cell in c) for c in columns]
    if not any(measured):
        return _all_again(names, there)
    again = any(
        name and name in column
        for name, number, column in zip(names, numbers, columns, strict=True)
        if not number
    )
    fits = all(number for number, is_measured in zip(numbers, measured, strict=True) if is_measured)
    return again and fits


def _all_again(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the text of the first line comes again in nearly all of the columns that have any
    text twice, and in two at least.

    Rows that are the first line again say nothing: a second header is one.
    """
    others = [row for row in rows if list(row) != list(names)]
    columns = [[row[j] for row in others] for j in range(len(names))]
    again = [name != "" and name in column for name, column in zip(names, columns, strict=True)]
    twice = [len(set(column)) < len(column) for column in columns]
    n_twice = sum(one or other for one, other in zip(again, twice, strict=True))
    return sum(again) >= 2 and sum(again) * 10 >= n_twice * _TENTHS_AGAIN
