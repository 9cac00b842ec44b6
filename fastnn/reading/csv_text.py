"""CSV text to columns: Arrow finds the types, and only what it takes for text is looked at again.

What Arrow takes for numbers and `Reading` does not ("0x1F", "nan(1)"), and whole numbers that a
float would change, are read again as text, so that the rule of `cells` holds for every cell, and
an error can show it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.cells import STANDARD, Reading
from fastnn.data.statistics import DataNote
from fastnn.data.storage import MEMORY, Storage
from fastnn.data.table import EXACT, Array, Place, check_known
from fastnn.data.texts import Texts
from fastnn.data.wanted import Only
from fastnn.errors import DataError, advice, arg, warn
from fastnn.nn.memory import size
from fastnn.reading.csv_bytes import Text, text_of
from fastnn.reading.csv_columns import cells_in_batch, column_of
from fastnn.reading.csv_layout import Layout, layout_of
from fastnn.reading.csv_quotes import Quotes
from fastnn.reading.packed import arrow

#: Bytes of a file that are a batch.
_BATCH_BYTES = 2**23
#: A row cannot have more bytes than Arrow holds at once.
_MOST_BYTES = 2**30


def read_csv(
    path: Path,
    *,
    kinds: Mapping[str, str] | None = None,
    drop: Collection[str] = (),
    reading: Reading = STANDARD,
    only: Only | None = None,
) -> tuple[dict[str, Array], Place]:
    r"""Read a delimited text file: columns, and where row i is.

    A column is numeric when all its cells that are not missing are numbers, true/false when they
    are those words, else text; what looks like numbers but for some cells is refused with line and
    cell (`notations`), unless ``kinds`` (column to one of `columns.KINDS`) settles it. Blank lines
    are skipped. Columns of ``drop``, and those that ``only`` does not want, are not judged. Columns
    without a name are left out, with a DataNote: a first one that numbers the rows, a last one
    without a cell.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("age,town\n3,Ulm\nNA,Bonn\n")
    ...     columns, place = read_csv(path)
    >>> columns["age"], columns["town"].tolist()
    (array([ 3., nan]), ['Ulm', 'Bonn'])
    """
    pa = arrow(path)
    layout = layout_of(path, reading)
    named = [name for name in layout.names if name.strip()]
    check_known(drop, named, "drop")
    drop = drop if only is None else {*drop, *only.besides(named)}
    kinds = kinds or {}
    text = text_of(layout)
    quotes = Quotes(layout, text)
    quotes.check_begin()
    as_text = {
        j
        for j, name in enumerate(layout.names)
        if name in drop or reading.thousands or kinds.get(name, "numeric") != "numeric"
    }
    table = _parsed(layout, text, reading, as_text)
    if table.num_rows == 0:
        raise DataError(f"file '{path}' has a header line but no rows")
    _refuse_second_header(layout, table.columns, layout.place(), reading)
    doubtful = [j for j in range(table.num_columns) if _is_doubtful(table.column(j), text)]
    for j in range(table.num_columns):
        if pa.types.is_binary(table.column(j).type):
            layout.check_encoding()
    again = _parsed(layout, text, reading, set(doubtful), doubtful) if doubtful else None
    place, nameless = layout.place(), _Nameless(path)
    columns: dict[str, Array] = {}
    for j, name in enumerate(layout.names):
        cells = table.column(j) if again is None or j not in doubtful else again.column(str(j))
        if not name.strip():
            nameless.leave_out(j, cells)
        if name in drop or not name.strip():
            quotes.check(cells)
        else:
            columns[name] = column_of(name, cells, place, kinds.get(name), reading, quotes)
    nameless.tell()
    quotes.check_end()
    _tell_skipped(layout, text)
    return columns, place


def arrow_options(
    layout: Layout,
    text: Text,
    reading: Reading,
    as_text: Collection[int],
    only: Sequence[int] = (),
    block: int = 2**20,
) -> dict[str, Any]:
    """Return how Arrow is to read a file, ``block`` bytes at once, for ``csv.read_csv``.

    The columns are called "0", "1", ...; those of ``as_text`` stay text, ``only`` some are read.
    Text is not judged: what stands for no value among it is found later.

    >>> layout = Layout(Path("a.csv"), "utf-8-sig", ";", 1, ("age", "town"))
    >>> found = arrow_options(layout, Text(layout.path), STANDARD, {1})
    >>> found["parse_options"].delimiter, found["read_options"].column_names
    (';', ['0', '1'])
    """
    import pyarrow as pa
    from pyarrow import csv

    return {
        "read_options": csv.ReadOptions(
            column_names=[str(j) for j in range(len(layout.names))],
            skip_rows=layout.skip,
            block_size=block,
        ),
        "parse_options": _parse_options(layout, text),
        "convert_options": csv.ConvertOptions(
            column_types={str(j): pa.string() for j in as_text},
            include_columns=[str(j) for j in only],
            null_values=_null_values(reading),
            true_values=["true", "True", "TRUE"],
            false_values=["false", "False", "FALSE"],
            strings_can_be_null=False,
            decimal_point=reading.decimal or ".",
        ),
    }


def _parse_options(layout: Layout, text: Text) -> Any:
    """How a file is parted; rows that are left out are counted in ``text``."""
    from pyarrow import csv

    def skip(_: Any) -> str:
        text.skipped += 1
        return "skip"

    text.skipped = 0
    more = {"invalid_row_handler": skip} if layout.skips else {}
    return csv.ParseOptions(delimiter=layout.sign, newlines_in_values=text.quoted, **more)


def _tell_skipped(layout: Layout, text: Text) -> None:
    if text.skipped:
        rows = f"{text.skipped:,} row{'s' if text.skipped > 1 else ''}"
        cells = f"another number of cells than the {len(layout.names)} columns"
        warn(
            DataNote(
                f"file '{layout.path}': {rows} of {cells} left out"
                + advice("bad_rows", f"; {arg('bad_rows', 'error')} refuses them")
            )
        )


def _parsed(
    layout: Layout, text: Text, reading: Reading, as_text: Collection[int], only: Sequence[int] = ()
) -> Any:
    """Return an Arrow table of the columns, or ``only`` some of them."""
    import pyarrow as pa
    from pyarrow import csv

    block = _block(layout)
    while True:
        options = arrow_options(layout, text, reading, as_text, only, block)
        try:
            return csv.read_csv(text.stream(), **options)
        except pa.ArrowInvalid as error:
            block = _larger_block(layout, text, block, error)


def _block(layout: Layout, least: int = 2**20) -> int:
    """How many bytes Arrow takes at once; the first block must hold what is skipped."""
    return max(least, 4 * layout.longest)


def _larger_block(layout: Layout, text: Text, block: int, error: Exception) -> int:
    """Return a block for a row that had no room in one; raise DataError for every other error."""
    if "straddl" not in str(error):
        raise _refused(layout, text, error) from error
    Quotes(layout, text).check_all()  # a quotation mark that is never closed makes long rows too
    if block >= _MOST_BYTES:
        raise DataError(
            f"file '{layout.path}': a row has more than {size(block)}, which no table's row has; "
            "the file is damaged, or its lines end with another sign than a line break"
        ) from error
    return min(8 * block, _MOST_BYTES)


def _refused(layout: Layout, text: Text, error: Exception) -> DataError:
    """Return what is wrong with a file that Arrow cannot read, or raise it more exactly."""
    if layout.is_utf8:
        layout.check_encoding()
    Quotes(layout, text).check_all()
    return DataError(f"file '{layout.path}' cannot be read as CSV: {error}")


def _null_values(reading: Reading) -> list[str]:
    """The usual spellings of what stands for no value; others are found among the text."""
    words = [word for word in reading.markers if reading.value(word) is None]
    cases = (str.lower, str.upper, str.capitalize, str.title)
    found = {case(word) for word in words for case in cases}
    return sorted(found | ({"NaN", "-NaN"} if "nan" in words else set()))


def _is_doubtful(cells: Any, text: Text) -> bool:
    """Whether Arrow may have taken for something else what are texts to `Reading`."""
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_integer(cells.type):
        return text.hexadecimal
    if not pa.types.is_floating(cells.type):
        return bool(pa.types.is_temporal(cells.type))
    if not cells.null_count:  # a NaN is its own minimum, and not below EXACT
        chunks = [np.asarray(chunk.to_numpy()) for chunk in cells.chunks if len(chunk)]
        return not all(values.min() > -EXACT and values.max() < EXACT for values in chunks)
    ends = compute.min_max(cells).as_py()
    large = any(end is not None and abs(end) >= EXACT for end in ends.values())
    return large or bool(compute.any(compute.is_nan(cells)).as_py())


def _refuse_second_header(
    layout: Layout, columns: Sequence[Any], place: Place, reading: Reading
) -> None:
    """Raise DataError for a row that is the header again, so that every column is text."""
    import pyarrow as pa
    from pyarrow import compute

    if not layout.header or not all(pa.types.is_string(column.type) for column in columns):
        return
    trimmed = compute.utf8_trim_whitespace(columns[0])
    row = compute.index(trimmed, layout.names[0]).as_py()
    if row >= 0 and all(
        column[row].as_py().strip() == name
        for column, name in zip(columns, layout.names, strict=True)
    ):
        none = f", or if the file has no header line, say {arg('header', False)}"
        raise DataError(
            f"{place(row)} is the header again; if several files were joined, leave out the header "
            f"of all but the first{advice('header', none) if reading.header is None else ''}"
        )


class _Nameless:
    """Tells of the columns without a name, which are left out; refuses one with content.

    Where a file is read in batches, an index is what has another value in each row of a batch.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said: dict[int, str] = {}

    def leave_out(self, j: int, cells: Any) -> None:
        """Tell of column ``j``, once; raise DataError if it has content."""
        what = self._what(j, cells)
        before = self._said.setdefault(j, what)
        if not what or before != what:
            raise DataError(
                f"file '{self._path}': column {j + 1} has no name, and its cells are no index of "
                "the rows; name it in the first line"
            )

    def tell(self) -> None:
        """Warn (DataNote) of what was left out."""
        for said in self._said.values():
            warn(f"file '{self._path}': {said}; it is left out", DataNote)

    def _what(self, j: int, cells: Any) -> str:
        import pyarrow as pa
        from pyarrow import compute

        n = len(cells)
        is_text = pa.types.is_string(cells.type)
        gaps = compute.sum(compute.equal(cells, "")).as_py() if is_text else cells.null_count
        if gaps == n:
            return f"the {'first' if j == 0 else 'last'} column has neither a name nor a cell"
        if j == 0 and not gaps and compute.count_distinct(cells).as_py() == n:
            return "the first column has no name, and another value in each row, as an index has"
        return ""


def csv_batches(
    path: Path,
    kinds: Mapping[str, str],
    drop: Collection[str],
    reading: Reading,
    only: Only | None = None,
    storage: Storage = MEMORY,
) -> tuple[list[str], Iterator[dict[str, Array | Texts]], Place]:
    """Return the names of the columns of a file, its rows in batches, and where each is.

    ``storage``: where a text is kept that has to be unpacked or encoded.

    A column of a batch is numbers, if all of its cells are, else text, which is judged when all
    of it is there (`spill`).
    """
    arrow(path)
    layout = layout_of(path, reading)
    named = [name for name in layout.names if name.strip()]
    check_known(drop, named, "drop")
    left = {*drop, *(only.besides(named) if only is not None else ())}
    text = text_of(layout, storage)
    place = layout.place()
    return named, _batches(layout, text, kinds, left, reading, place), place


def _batches(
    layout: Layout,
    text: Text,
    kinds: Mapping[str, str],
    drop: Collection[str],
    reading: Reading,
    place: Place,
) -> Iterator[dict[str, Array | Texts]]:
    quotes, row = Quotes(layout, text), 0
    quotes.check_begin()
    nameless = _Nameless(layout.path)
    for batch in _record_batches(layout, text):
        columns: dict[str, Array | Texts] = {}
        here = partial(_later, place, row)
        _refuse_second_header(layout, batch.columns, here, reading)
        for j, name in enumerate(layout.names):
            cells = batch.column(j)
            if not name.strip():
                nameless.leave_out(j, cells)
            if name in drop or not name.strip():
                quotes.check(cells)
            else:
                columns[name] = cells_in_batch(name, cells, here, kinds.get(name), reading, quotes)
        yield columns
        row += batch.num_rows
    nameless.tell()
    quotes.check_end()
    _tell_skipped(layout, text)


def _record_batches(layout: Layout, text: Text) -> Iterator[Any]:
    """Yield the rows of a file in Arrow tables of text.

    Where a row is longer than a block, the file is read again from its begin with larger ones, and
    the rows that were there before are passed over.
    """
    import pyarrow as pa
    from pyarrow import csv

    names = [str(j) for j in range(len(layout.names))]
    as_text = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
    )
    block, done = _block(layout, _BATCH_BYTES), 0
    while True:
        here = 0
        try:
            with csv.open_csv(
                text.stream(),
                read_options=csv.ReadOptions(
                    column_names=names, skip_rows=layout.skip, block_size=block
                ),
                parse_options=_parse_options(layout, text),
                convert_options=as_text,
            ) as batches:
                for batch in batches:
                    new = batch.slice(max(done - here, 0))
                    here += batch.num_rows
                    if new.num_rows:
                        done = here
                        yield pa.Table.from_batches([new])
            return
        except pa.ArrowInvalid as error:
            block = _larger_block(layout, text, block, error)


def _later(place: Place, first: int, row: int) -> str:
    return place(first + row)
