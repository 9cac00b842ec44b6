"""The lines of a text file: records, the header, where a row is, quotation marks that go wrong.

The table itself is read by `csv_text`. Here a file is read line by line, which is slow: its
header always, the rest only when an error has to say where it is.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

from fastnn.data.cells import parse_number
from fastnn.data.statistics import DataWarning
from fastnn.data.table import Place, check_names, listed
from fastnn.errors import DataError, advice, arg, shown

T = TypeVar("T")


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the file, or what is inside the .gz or the only member of the .zip."""
    if path.suffix.lower() == ".gz":
        with gzip.open(path, "rb") as stream:
            yield stream  # type: ignore[misc]  # GzipFile is a binary stream
    elif path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise DataError(f"file '{path}' holds {len(members)} files; expected one CSV file")
            with archive.open(members[0]) as stream:
                yield stream
    else:
        with path.open("rb") as stream:
            yield stream


def read_or_refuse(path: Path, work: Callable[[], T]) -> T:
    """Run ``work``, turning what unreadable files raise into one DataError."""
    try:
        return work()
    except UnicodeDecodeError as error:
        with opened(path) as stream:
            wide = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        raise DataError(
            f"file '{path}' is {'UTF-16' if wide else 'not UTF-8'} text ({error.reason}); convert "
            f"it, for example iconv -f {'utf-16' if wide else 'latin1'} -t utf-8"
        ) from error
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"file '{path}' is damaged or not what its name says: {error}") from error


def sign_of(path: Path, delimiter: str | None) -> str:
    r"""Return what parts the columns of a file.

    >>> sign_of(Path("a.tsv.gz"), None), sign_of(Path("a.csv"), ";")
    ('\t', ';')
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return delimiter or ("\t" if ".tsv" in suffixes else ",")


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
    """

    line: int
    text: list[str]
    cells: int = 1
    quote: int = 0
    closed: bool = True
    loose: bool = False

    @property
    def last(self) -> int:
        """The number of its last line."""
        return self.line + len(self.text) - 1


def records(path: Path, sign: str) -> Iterator[Record]:
    """Yield the rows of a file, its header too; empty lines are none."""
    with opened(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        number = 0
        record: Record | None = None
        for number, line in enumerate(text, start=1):
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
            rest = line[end + 1 : end + 2]
            record.loose |= opened_before and rest not in ("", sign, "\r", "\n")
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


def read_header(path: Path, sign: str) -> list[str]:
    """Return the names of the columns; raise DataError for those that cannot be."""
    first = next(records(path, sign), None)
    if first is None:
        raise DataError(f"file '{path}' is empty")
    if not first.closed:
        raise DataError(_never_closed(path, first))
    try:
        header = next(csv.reader(first.text, delimiter=sign))
    except csv.Error as error:
        raise DataError(f"file '{path}' is not a CSV file: {error}") from error
    check_names(header, f"file '{path}'")
    if len(header) == 1:
        for other in ";\t|,":
            if other in header[0] and other != sign:
                say = advice("delimiter", f"say {arg('delimiter', other)}", "replace it by commas")
                raise DataError(
                    f"file '{path}': the header {shown(header[0])} is one column; if {other!r} "
                    f"separates the columns, {say}"
                )
    counting = [str(i) for i in range(len(header))], [str(i + 1) for i in range(len(header))]
    if header not in counting and all(parse_number(name) is not None for name in header):
        raise DataError(
            f"file '{path}': the first line holds numbers, not column names "
            f"({listed(header, most=3)}); add a header line"
        )
    return header


def place_in_file(path: Path, delimiter: str | None = None) -> Place:
    """Return what says in which line of the file a row of its table is.

    Lines are counted only when an error needs it: blank lines and line breaks in cells shift them.
    """
    sign = sign_of(path, delimiter)

    def place(row: int) -> str:
        for i, record in enumerate(records(path, sign)):
            if i == row + 1:  # the header is the first
                return f"line {record.line} of '{path}'"
        return f"row {row} of '{path}'"

    return place


def check_quotes(path: Path, sign: str, n_columns: int) -> None:
    """Look through a file of which some cell has line breaks, or some row too few cells.

    Raises DataError for a quotation mark that is never closed, or that is closed in the middle of
    a cell lines after it; for a row with too few or too many cells. Warns (DataWarning) of a cell
    whose lines are all like rows: they may be rows that a stray quotation mark has taken in.
    """
    taken_in: list[Record] = []
    for record in records(path, sign):
        if not record.closed:
            raise DataError(_never_closed(path, record))
        if record.loose:
            raise DataError(
                f"file '{path}', line {record.quote}: the quotation mark opens a cell that goes on "
                f"to line {record.last}, where another mark stands in the middle of a cell; "
                'remove the mark, or double it ("") within a quoted cell'
            )
        several = len(record.text) > 1
        if record.cells != n_columns:
            lines = f"lines {record.line} to {record.last}" if several else f"line {record.line}"
            mark = f", one of them opened by a quotation mark in line {record.quote}"
            raise DataError(
                f"file '{path}', {lines}: {record.cells} cells{mark if several else ''} where the "
                f"header has {n_columns} columns; correct the line"
            )
        if several and n_columns > 1:
            if all(line.count(sign) == n_columns - 1 for line in record.text):
                taken_in.append(record)
    if taken_in:
        first = taken_in[0]
        more = f" (and {len(taken_in) - 1} more such cells)" if len(taken_in) > 1 else ""
        warnings.warn(
            f"file '{path}', line {first.quote}: a quotation mark opens a cell that goes on to "
            f"line {first.last}{more}, and each of these lines looks like a row of its own; if "
            "they are rows, remove the mark",
            DataWarning,
            stacklevel=2,
        )


def check_last_line(path: Path, sign: str, tail: bytes) -> None:
    """Raise DataError if the last line, of which ``tail`` is the end, opens a cell for good.

    For files without cells of several lines: in others `check_quotes` finds it.
    """
    line = tail.rstrip(b"\r\n").rpartition(b"\n")[2].rpartition(b"\r")[2].decode(errors="replace")
    record = Record(0, [line])
    _follow(record, line, sign, 0, inside=False)
    if not record.closed:
        *_, last = records(path, sign)
        if not last.closed:
            raise DataError(_never_closed(path, last))


def _never_closed(path: Path, record: Record) -> str:
    lines = record.last - record.quote
    taken = f", and takes in the {lines} lines after it" if lines > 1 else ""
    return (
        f"file '{path}', line {record.quote}: a quotation mark opens a cell here that is never "
        f'closed{taken}; close or remove it, or double it ("") within a quoted cell'
    )
