"""CSV text to columns: every cell is read as text first, so that an error can show it."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from fastnn.data.columns import (
    DATE_CURE,
    MISSING_MARKERS,
    NUMBERS_PER_STRAY,
    is_date,
    not_a_number,
    parse_number,
)
from fastnn.data.table import EXACT, Array, Place, check_known, check_names, not_exact
from fastnn.errors import ArgumentError, DataError, arg
from fastnn.extras import pip_install

_TRUTH = {"true": True, "false": False}
_WHOLE = re.compile(r"[+-]?[0-9]+")


@contextmanager
def _binary(path: Path) -> Iterator[IO[bytes]]:
    """Open the file, or what is inside the .gz or the only member of the .zip."""
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            yield stream  # type: ignore[misc]  # GzipFile is a binary stream
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise DataError(f"file '{path}' holds {len(members)} files; expected one CSV file")
            with archive.open(members[0]) as stream:
                yield stream
    else:
        with path.open("rb") as stream:
            yield stream


@contextmanager
def _lines(path: Path) -> Iterator[io.TextIOWrapper]:
    with _binary(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
        yield text


def _read_or_refuse(path: Path, work: Callable[[], Any]) -> Any:
    """Run ``work``, turning what unreadable files raise into one DataError."""
    try:
        return work()
    except UnicodeDecodeError as error:
        with _binary(path) as stream:
            wide = stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        raise DataError(
            f"file '{path}' is {'UTF-16' if wide else 'not UTF-8'} text ({error.reason}); convert "
            f"it, for example iconv -f {'utf-16' if wide else 'latin1'} -t utf-8"
        ) from error
    except (zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"file '{path}' is damaged or not what its name says: {error}") from error
    except csv.Error as error:
        raise DataError(f"file '{path}' is not a CSV file: {error}") from error


def read_csv(
    path: Path,
    *,
    delimiter: str | None = None,
    kinds: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
) -> tuple[dict[str, Array], Place]:
    r"""Read a delimited text file with a header line: columns, and where row i is.

    A column is numeric when all its cells that are not missing are numbers, true/false when they
    are those words, else text. A column with at least 90 % numbers and some text is refused with
    line and cell, unless ``kinds`` (column to 'numeric' or 'categorical') settles it. Missing:
    empty, NA, N/A, NaN, null, None, ?. Blank lines are skipped. Columns of ``drop`` are not read.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("age,town\n3,Ulm\nNA,Bonn\n")
    ...     columns, place = read_csv(path)
    >>> columns["age"], columns["town"].tolist()
    (array([ 3., nan]), ['Ulm', 'Bonn'])
    """
    try:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv
    except ImportError as error:
        raise DataError(
            f"reading '{path}' needs pyarrow, which is not installed: {pip_install('data')}"
        ) from error
    if delimiter is not None:
        _check_delimiter(delimiter)
    sign = _sign(path, delimiter)
    header = _read_or_refuse(path, lambda: _header(path, sign))
    check_known(drop, header)
    place = place_in_file(path, delimiter)

    def work() -> Any:
        with _binary(path) as stream:
            return arrow_csv.read_csv(
                stream,
                parse_options=arrow_csv.ParseOptions(delimiter=sign, newlines_in_values=True),
                convert_options=arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(header, pa.string()),
                    include_columns=[name for name in header if name not in drop],
                    strings_can_be_null=False,
                ),
            )

    try:
        table = _read_or_refuse(path, work)
    except pa.ArrowInvalid as error:
        _read_or_refuse(path, lambda: _find_ragged_line(path, sign, len(header)))
        raise DataError(f"file '{path}' cannot be read as CSV: {error}") from error
    if table.num_rows == 0:
        raise DataError(f"file '{path}' has a header line but no rows")
    kinds = kinds or {}
    return {
        name: _column(name, table.column(name), place, kinds.get(name))
        for name in table.column_names
    }, place


def _check_delimiter(delimiter: object) -> None:
    if not isinstance(delimiter, str) or len(delimiter) != 1:
        raise ArgumentError(f"{arg('delimiter')} must be one character, found {delimiter!r}")
    if delimiter.isalnum() or delimiter in '"\r\n.-+' or not delimiter.isascii():
        raise ArgumentError(
            f"{arg('delimiter')} must be a character that no number or quoted text has a use for, "
            "such as "
            f"';', found {delimiter!r}"
        )


def _header(path: Path, sign: str) -> list[str]:
    with _lines(path) as text:
        header = next((row for row in csv.reader(text, delimiter=sign) if row), None)
    if header is None:
        raise DataError(f"file '{path}' is empty")
    check_names(header, f"file '{path}'")
    if len(header) == 1:
        for other in ";\t|,":
            if other in header[0] and other != sign:
                raise DataError(
                    f"file '{path}': the header {header[0]!r} is one column; if {other!r} "
                    f"separates the columns, say {arg('delimiter', other)}"
                )
    counting = [str(i) for i in range(len(header))], [str(i + 1) for i in range(len(header))]
    if header not in counting and all(parse_number(name) is not None for name in header):
        raise DataError(
            f"file '{path}': the first line holds numbers, not column names "
            f"({', '.join(header[:3])} ...); add a header line"
        )
    return header


def _sign(path: Path, delimiter: str | None) -> str:
    return delimiter or ("\t" if ".tsv" in path.suffixes else ",")


def place_in_file(path: Path, delimiter: str | None = None) -> Place:
    """Return what says in which line of the file a row of its table is.

    Lines are counted only when an error needs it: blank lines and line breaks in cells shift them.
    """
    sign = _sign(path, delimiter)

    def place(row: int) -> str:
        with _lines(path) as text:
            reader = csv.reader(text, delimiter=sign)
            line = 0
            wanted = row + 1  # the header is the first
            for cells in reader:
                if cells:
                    if wanted == 0:
                        return f"line {line + 1} of '{path}'"
                    wanted -= 1
                line = reader.line_num
        return f"row {row} of '{path}'"

    return place


def _find_ragged_line(path: Path, sign: str, n_columns: int) -> None:
    with _lines(path) as text:
        reader = csv.reader(text, delimiter=sign)
        for cells in reader:
            if cells and len(cells) != n_columns:
                raise DataError(
                    f"file '{path}', line {reader.line_num}: {len(cells)} cells where the header "
                    f"has {n_columns} columns; correct the line"
                )


def _column(name: str, cells: Any, place: Place, kind: str | None) -> Array:
    """Decide what the text cells of one column are; clean columns never meet Python loops."""
    import pyarrow as pa
    from pyarrow import compute

    def cast(values: Any, to: Any) -> Array | None:
        try:
            return np.asarray(compute.cast(values, to).to_numpy())
        except pa.ArrowInvalid:
            return None

    if kind != "categorical":
        for to in (pa.int64(), pa.float64()):
            fast = cast(cells, to)
            if fast is not None:
                return _exact(name, fast, cells, place)
    trimmed = compute.utf8_trim_whitespace(cells)
    markers = pa.array(MISSING_MARKERS)
    missing = compute.is_in(compute.utf8_lower(trimmed), value_set=markers)
    known = compute.if_else(missing, pa.scalar(None, pa.string()), trimmed).combine_chunks()
    if kind != "categorical":
        fast = cast(known, pa.float64())
        if fast is not None:
            return _exact(name, fast.astype(np.float64), cells, place)
    coded = compute.dictionary_encode(known)
    values: list[str] = coded.dictionary.to_pylist()
    codes = coded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    if kind != "categorical":
        found = _numbers(name, values, codes, place, kind)
        if found is not None:
            return _exact(name, found, cells, place)
    texts = np.empty(len(values) + 1, dtype=object)
    texts[: len(values)] = values
    return np.asarray(texts[codes])


def _exact(name: str, numbers: Array, cells: Any, place: Place) -> Array:
    """Return ``numbers``, unless reading as a float has changed a whole number of ``cells``."""
    if numbers.dtype.kind != "f":
        return numbers
    large = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= EXACT))
    for row, cell in zip(large.tolist(), cells.take(large).to_pylist(), strict=True):
        text = cell.strip()
        if _WHOLE.fullmatch(text) and int(text) != int(numbers[row]):
            raise DataError(not_exact(name, place(row), text))
    return numbers


def _numbers(
    name: str, values: list[str], codes: Array, place: Place, kind: str | None
) -> Array | None:
    """Return the column as numbers, None if it is text, or refuse it if it is nearly numbers."""
    truth = [_TRUTH[value.lower()] for value in values if value.lower() in _TRUTH]
    if values and len(truth) == len(values):
        if (codes < len(values)).all():
            return np.array(truth, dtype=bool)[codes]
        return np.array([*truth, np.nan], dtype=np.float64)[codes]
    parsed = [parse_number(value) for value in values]
    strays = np.array([number is None for number in parsed] + [False])
    if strays.any():
        n_present = int((codes < len(values)).sum())
        n_stray = int(strays[codes].sum())
        if kind == "numeric" or n_stray * NUMBERS_PER_STRAY <= n_present:
            row = int(np.flatnonzero(strays[codes])[0])
            raise DataError(not_a_number(name, place(row), values[codes[row]]))
        if all(is_date(value) for value in values):
            raise DataError(f"column {name!r} holds dates ({values[0]!r} ...); {DATE_CURE}")
        return None
    return np.array([*parsed, np.nan], dtype=np.float64)[codes]
