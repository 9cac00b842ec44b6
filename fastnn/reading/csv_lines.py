"""The lines of a text file: its bytes, records, quotation marks that go wrong.

The table itself is read by `csv_text`. Here a file is read line by line, which is slow: its
begin always, the rest only when an error has to say where it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastnn.data.statistics import DataWarning
from fastnn.errors import DataError, advice, arg, shown, warn
from fastnn.reading.packed import opened

#: Signs that are looked for between the columns.
SIGNS = (",", ";", "\t", "|")


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of a file with their ends; what is not in ``encoding`` is replaced."""
    with (
        opened(path) as stream,
        io.TextIOWrapper(stream, encoding, errors="replace", newline="") as text,
    ):
        yield from text


#: The delimiter of files whose columns are parted by runs of spaces and tabs.
WHITESPACE = "whitespace"
_RUNS = re.compile(r'("(?:[^"]|"")*")|[ \t]+')


def with_tabs(line: str) -> str:
    r"""Return a line with a tab for each run of spaces and tabs outside of quotation marks.

    >>> with_tabs(' 18.0   8\t"chevrolet malibu"  \n')
    '18.0\t8\t"chevrolet malibu"\n'
    """
    text = line.rstrip("\r\n")
    end, text = line[len(text) :], text.strip(" \t")
    if '"' not in text:
        return "\t".join(re.split("[ \t]+", text)) + end
    return _RUNS.sub(lambda found: found[1] or "\t", text) + end


@dataclass
class Record:
    """A row of a file: one line, or several where a quoted cell has line breaks.

    Attributes:
        line: the number of its first line.
        text: its lines.
        cells: how many it has.
        quote: the line of the quotation mark that opened the last cell of several lines, or 0.
        closed: whether that cell ends within the file.
        loose: a quotation mark ended such a cell, and text of the cell came after it.
        torn: the line and the cell, from 1, where it did so in a cell of one line.
    """

    line: int
    text: list[str]
    cells: int = 1
    quote: int = 0
    closed: bool = True
    loose: bool = False
    torn: tuple[int, int] = (0, 0)

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self.line + len(self.text) - 1


def records(lines: Iterable[str], sign: str, start: int = 0) -> Iterator[Record]:
    r"""Yield the rows that lines make, which are after the line ``start``; empty lines are none.

    >>> [(row.line, row.cells) for row in records(['a,b\n', '\n', '1,"x\n', 'y"\n'], ",")]
    [(1, 2), (3, 2)]
    """
    record: Record | None = None
    for number, line in enumerate(lines, start=start + 1):
        if record is None:
            if line.strip("\r\n"):
                record = Record(number, [line])
                _follow(record, line, sign, number, inside=False)
        else:
            record.text.append(line)
            _follow(record, line, sign, number, inside=True)
        if record is not None and record.closed:
            yield record
            record = None
    if record is not None:
        yield record


def _follow(record: Record, line: str, sign: str, number: int, *, inside: bool) -> None:
    """Note whether a quoted cell is open at the end of the line, and if so where it began.

    A quotation mark opens a cell only at its begin, as for all readers of such files; two within
    it are one that belongs to the text.
    """
    record.closed = True
    if not inside and '"' not in line:
        record.cells += line.count(sign)
        return
    i, opened_before = 0, inside
    while True:
        if inside:
            end = line.find('"', i)
            if end < 0:
                record.closed = False
                record.quote = record.quote if opened_before else number
                return
            if line.startswith('"', end + 1):
                i = end + 2
                continue
            if line[end + 1 : end + 2] not in ("", sign, "\r", "\n"):
                record.loose |= opened_before
                more = line[end + 1 :].partition(sign)[0].strip()  # spaces do no harm
                if more and not opened_before and not any(record.torn):
                    record.torn = number, record.cells
            inside = opened_before = False
            i = end + 1
        elif line.startswith('"', i):
            inside = True
            i += 1
            continue
        i = line.find(sign, i) + 1
        if i == 0:
            return
        record.cells += 1


def cells_of(record: Record, sign: str) -> list[str]:
    """Return the cells of a row; none if the csv module refuses it, as it does those too long.

    >>> cells_of(Record(1, ['a,"b,c"']), ",")
    ['a', 'b,c']
    """
    try:
        return next(csv.reader(record.text, delimiter=sign))
    except csv.Error:
        return []


def check_quotes(
    path: Path, rows: Iterable[Record], sign: str, names: Sequence[str], whose: str = "the header"
) -> None:
    """Look through the rows of a file of which some cell has line breaks, or some row is ragged.

    ``whose``: what has as many cells as there are ``names``.

    Raises DataError for a quotation mark that is never closed, or after which text of its cell
    comes; for a row with too few or too many cells. Warns (DataWarning) of a cell
    whose lines are all like rows: they may be rows that a stray quotation mark has taken in.
    """
    taken_in: list[Record] = []
    n_columns = len(names)
    for row, record in enumerate(rows):
        if not record.closed:
            raise DataError(never_closed(path, record))
        if record.loose:
            raise DataError(
                f"file '{path}', line {record.quote}: the quotation mark opens a cell that goes on "
                f"to line {record.last}, where another mark stands in the middle of a cell; "
                'remove the mark, or double it ("") within a quoted cell'
            )
        check_torn(path, record, names)
        several = len(record.text) > 1
        if record.cells != n_columns:
            cure = "" if row else ", or, if each row begins with an index, name it in the header"
            raise DataError(_ragged(path, record, sign, names, whose, cure))
        if several and n_columns > 1:
            if all(line.count(sign) == n_columns - 1 for line in record.text):
                taken_in.append(record)
    if taken_in:
        first = taken_in[0]
        more = f" (and {len(taken_in) - 1} more such cells)" if len(taken_in) > 1 else ""
        warn(
            f"file '{path}', line {first.quote}: a quotation mark opens a cell that goes on to "
            f"line {first.last}{more}, and each of these lines looks like a row of its own; if "
            "they are rows, remove the mark",
            DataWarning,
        )


def check_torn(path: Path, record: Record, names: Sequence[str] = ()) -> None:
    """Raise DataError for a mark in the middle of a quoted cell, which readers take for its end.

    ``names``: those of the columns.
    """
    line, cell = record.torn
    if line:
        where = f"column {shown(names[cell - 1])}" if cell <= len(names) else f"cell {cell}"
        escaped = any(_ESCAPED in text for text in record.text)
        raise DataError(
            f"file '{path}', line {line}, {where}: a quotation mark stands in the middle of a "
            f"quoted cell; {_TWICE}{_NO_ESCAPE if escaped else ''}"
        )


#: As some programs write a quotation mark within a quoted cell; but "C:\\data\\" ends so, too.
_ESCAPED = '\\"'
_TWICE, _NO_ESCAPE = 'write it twice ("") there', f", and not as {_ESCAPED}"


def _ragged(
    path: Path, record: Record, sign: str, names: Sequence[str], whose: str, first: str
) -> str:
    n_columns = len(names)
    several = len(record.text) > 1
    lines = f"lines {record.line} to {record.last}" if several else f"line {record.line}"
    mark = f", one of them opened by a quotation mark in line {record.quote}"
    cure = f"correct the line{first if record.cells == n_columns + 1 else ''}"
    if any(_ESCAPED in text for text in record.text):
        cure = f"if a quotation mark is meant by {_ESCAPED} within a cell, {_TWICE}"
    for other in SIGNS:
        if other != sign and not several:
            if next(records(record.text, other)).cells == n_columns:
                cure = f"{other!r} parts its columns and {sign!r} those of others: use one of them"
    if record.cells == n_columns + 1 and record.text[-1].rstrip("\r\n").endswith(sign):
        cure = f"it ends with {sign!r}, after which there is nothing; remove that"
    own, *of_names = (
        next(records([with_tabs(line)], "\t")).cells for line in (record.text[0], *names)
    )
    likely = sign == "\t" and own == sum(of_names) and not record.text[0].startswith("#")
    if not several and likely and record.cells < n_columns:
        say = advice("delimiter", f"say {arg('delimiter', WHITESPACE)}", "replace each by a comma")
        cure = f"if runs of spaces and tabs part the columns, {say}"
    if n_columns == 1:
        cure = "if the names of the columns are in a later line, remove the lines before it"
    cells = "1 cell" if record.cells == 1 else f"{record.cells} cells"
    columns = "1 column" if n_columns == 1 else f"{n_columns} columns"
    return (
        f"file '{path}', {lines}: {cells}{mark if several else ''} where {whose} "
        f"has {columns}; {cure}"
    )


def ends_in_quotes(sign: str, tail: bytes) -> bool:
    r"""Say whether the last line, of which ``tail`` is the end, opens a cell for good.

    For files without cells of several lines: in others `check_quotes` finds it.

    >>> ends_in_quotes(",", b'a,b\n1,"x'), ends_in_quotes(",", b'a,b\n1,"x"')
    (True, False)
    """
    line = tail.rstrip(b"\r\n").rpartition(b"\n")[2].rpartition(b"\r")[2].decode(errors="replace")
    record = Record(0, [line])
    _follow(record, line, sign, 0, inside=False)
    return not record.closed


def never_closed(path: Path, record: Record) -> str:
    """Return the message for a cell that a quotation mark opens for good."""
    lines = record.last - record.quote
    taken = f", and takes in the {lines} lines after it" if lines > 1 else ""
    return (
        f"file '{path}', line {record.quote}: a quotation mark opens a cell here that is never "
        f'closed{taken}; close or remove it, or double it ("") within a quoted cell'
    )
