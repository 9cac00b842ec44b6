"""CSV text to columns: every cell is read as text first, so that an error can show it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.cells import STANDARD, Reading, whole_number
from fastnn.data.columns import text_column, typed_column
from fastnn.data.csv_lines import (
    check_last_line,
    check_quotes,
    opened,
    place_in_file,
    read_header,
    read_or_refuse,
    sign_of,
)
from fastnn.data.table import EXACT, Array, Place, check_known, not_exact
from fastnn.data.wanted import Only
from fastnn.errors import DataError
from fastnn.extras import pip_install


def read_csv(
    path: Path,
    *,
    kinds: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    reading: Reading = STANDARD,
    only: Only | None = None,
) -> tuple[dict[str, Array], Place]:
    r"""Read a delimited text file with a header line: columns, and where row i is.

    A column is numeric when all its cells that are not missing are numbers, true/false when they
    are those words, else text; what looks like numbers but for some cells is refused with line and
    cell (`notations`), unless ``kinds`` (column to one of `columns.KINDS`) settles it. Blank lines
    are skipped. Columns of ``drop``, and those that ``only`` does not want, are not judged.

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
        from pyarrow import compute
        from pyarrow import csv as arrow_csv
    except ImportError as error:
        raise DataError(
            f"reading '{path}' needs pyarrow, which is not installed: {pip_install('data')}"
        ) from error
    sign = sign_of(path, reading.delimiter)
    header = read_or_refuse(path, lambda: read_header(path, sign))
    check_known(drop, header, "drop")
    drop = drop if only is None else {*drop, *only.besides(header)}
    place = place_in_file(path, reading.delimiter)
    source, tail = read_or_refuse(path, lambda: _source(path))
    try:
        table = arrow_csv.read_csv(
            source,
            parse_options=arrow_csv.ParseOptions(delimiter=sign, newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        read_or_refuse(path, lambda: check_quotes(path, sign, len(header)))
        raise DataError(f"file '{path}' cannot be read as CSV: {error}") from error
    if table.num_rows == 0:
        raise DataError(f"file '{path}' has a header line but no rows")
    quotes = _Quotes(path, sign, len(header), tail)
    columns = {}
    for name in table.column_names:
        if name in drop:
            breaks = compute.match_substring_regex(table.column(name), "[\r\n]")
            quotes.check(compute.any(breaks).as_py())
        else:
            kind = (kinds or {}).get(name)
            columns[name] = _column(name, table.column(name), place, kind, reading, quotes)
    quotes.check_end()
    return columns, place


def _source(path: Path) -> tuple[Any, bytes]:
    """What Arrow is to read, and the end of it.

    Never a Python file: Arrow's threads may hold it while the interpreter ends, which aborts
    the process.
    """
    import pyarrow as pa

    if path.suffix.lower() in (".gz", ".zip"):
        with opened(path) as stream:
            text = stream.read()
        return pa.BufferReader(text), text[-(2**16) :]
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 2**16))
        return str(path), file.read()


class _Quotes:
    """Looks for line breaks in cells, where a stray quotation mark may have taken in rows."""

    def __init__(self, path: Path, sign: str, n_columns: int, tail: bytes) -> None:
        self._file = path, sign
        self._n_columns, self._tail = n_columns, tail
        self._checked = False

    def check(self, has_breaks: bool) -> None:
        """Check the whole file, once, if a cell has a line break."""
        if has_breaks and not self._checked:
            self._checked = True
            path, sign = self._file
            read_or_refuse(path, lambda: check_quotes(path, sign, self._n_columns))

    def check_end(self) -> None:
        """Check the last line, if that is not done yet."""
        if not self._checked and b'"' in self._tail:
            check_last_line(*self._file, self._tail)


def arrow_texts(cells: Any) -> tuple[list[str | None], Array]:
    """Return the different texts of an Arrow column and None, and the place of each cell in them.

    >>> import pyarrow as pa
    >>> arrow_texts(pa.chunked_array([["a", None, "a"]]))
    (['a', None], array([0, 1, 0], dtype=int32))
    """
    coded = cells.dictionary_encode().combine_chunks()
    known = coded.dictionary.to_pylist()
    return [*known, None], coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)


def _column(
    name: str, cells: Any, place: Place, kind: str | None, reading: Reading, quotes: _Quotes
) -> Array:
    """Decide what the text cells of one column are; clean columns never meet Python loops."""
    if kind not in ("categorical", "date", "text") and reading.plain and not _codes(cells, kind):
        numbers = _numbers(cells, reading)
        if numbers is not None:
            return typed_column(name, _exact(name, numbers, cells, place), place, kind, reading)
    texts, codes = arrow_texts(cells)
    together = "".join(filter(None, texts))
    quotes.check("\n" in together or "\r" in together)
    return text_column(name, texts, codes, place, kind, reading)


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
        found = cast(values, pa.int64())
        letters = compute.match_substring_regex(values, "[xX]")  # Arrow reads 0x1F
        return None if found is None or compute.any(letters).as_py() else found

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
    large = np.flatnonzero(np.isfinite(numbers) & (np.abs(numbers) >= EXACT))
    for row, cell in zip(large.tolist(), cells.take(large).to_pylist(), strict=True):
        whole = whole_number(cell)
        if whole is not None and whole != int(numbers[row]):
            raise DataError(not_exact(name, place(row), cell.strip()))
    return numbers
