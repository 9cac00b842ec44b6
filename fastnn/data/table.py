"""The examples as rows: one float matrix of the numeric columns, text arrays for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.dates import Dates
from fastnn.data.storage import MEMORY, Storage, row_blocks
from fastnn.errors import ArgumentError, DataError, advice, arg, shown
from fastnn.registry import did_you_mean
from fastnn.text import clipped

Array = npt.NDArray[Any]

#: Says where row i is, in words, as the user counts: "line 5 of 'a.csv'".
Place = Callable[[int], str]

#: Up to here every whole number is a float64.
EXACT = 2**53

#: These hold every value of small integers and half floats exactly in float32.
_EXACT_IN_FLOAT32 = ("float32", "float16", "uint8", "int8", "uint16", "int16")


def from_zero(row: int) -> str:
    """Say which row, for data that have no lines.

    >>> from_zero(3)
    'row 3 (counted from 0)'
    """
    return f"row {row} (counted from 0)"


@dataclass(frozen=True, eq=False)
class Table:
    """Examples as rows; made by ``read_table``, ``Table.from_columns``, ``rows`` and ``drop``.

    Attributes:
        names: every column, in the original order.
        numeric: ``(N, p)`` C-contiguous float32 or float64; NaN is a missing value.
        numeric_names: the p columns of ``numeric``, in its order.
        categorical: column name to ``(N,)`` object array of text; None is a missing value.
        positional: the columns came without names (a plain array), so they match by position.
        dates: those of ``numeric_names`` that are dates, in seconds since 1970-01-01 UTC, or times
            of day, in seconds since midnight: `Dates` without rows, which says which and how the
            text was written.
        place: says where a row was read, for messages; of rows that were chosen it is unknown.

    Raises DataError for duplicate or non-text names and for parts that do not fit together.

    >>> import numpy as np
    >>> table = Table.from_columns({"age": np.array([31, 5]), "town": np.array(["Ulm", None])})
    >>> table.numeric
    array([[31.],
           [ 5.]])
    >>> table.column("town")
    array(['Ulm', None], dtype=object)
    """

    names: tuple[str, ...]
    numeric: Array
    numeric_names: tuple[str, ...]
    categorical: Mapping[str, Array]
    positional: bool = False
    storage: Storage = MEMORY
    dates: Mapping[str, Dates] = field(default_factory=dict)
    place: Place | None = None

    def __post_init__(self) -> None:
        check_names(self.names, "the table")
        if not self.names:
            raise DataError("the table has no columns: nothing is left to learn from")
        if self.numeric.dtype not in (np.float32, np.float64) or self.numeric.ndim != 2:
            raise DataError(
                "Table.numeric must be a float32 or float64 matrix, found "
                f"{self.numeric.dtype} with shape {self.numeric.shape}"
            )
        if not self.numeric.flags.c_contiguous:
            raise DataError("Table.numeric must be C-contiguous: use numpy.ascontiguousarray")
        if self.numeric.shape[1] != len(self.numeric_names):
            raise DataError(
                f"Table.numeric has {self.numeric.shape[1]} columns "
                f"but numeric_names has {len(self.numeric_names)}"
            )
        if set(self.names) != {*self.numeric_names, *self.categorical} or len(self.names) != len(
            self.numeric_names
        ) + len(self.categorical):
            raise DataError("Table.names must name each numeric and categorical column once")
        for name, values in self.categorical.items():
            if values.dtype != object or values.shape != (len(self),):
                raise DataError(
                    f"column {shown(name)} must be an object array of {len(self)} rows, found "
                    f"{values.dtype} with shape {values.shape}"
                )

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Array],
        *,
        dtype: str | None = None,
        place: Place = from_zero,
        positional: bool = False,
        storage: Storage = MEMORY,
    ) -> Table:
        """Build a table from columns: numbers or booleans, or object arrays of text and None.

        A two-dimensional block ``(N, p)`` under the name ``"x"`` stands for the columns
        ``x0 ... x{p-1}``; a single block that is already in the right dtype is not copied.
        ``dtype`` None keeps every value exactly: float32 where all columns are float32 or small
        integers, else float64. Infinite values, whole numbers that a float64 cannot hold, no rows
        and unequal lengths raise DataError.

        >>> import numpy as np
        >>> Table.from_columns({"x": np.array([[1, 2], [3, 4]])}).names
        ('x0', 'x1')
        """
        names: list[str] = []
        numeric_names: list[str] = []
        blocks: list[Array] = []
        categorical: dict[str, Array] = {}
        dates: dict[str, Dates] = {}
        for name, values in columns.items():
            found = [name] if values.ndim == 1 else [f"{name}{j}" for j in range(values.shape[1])]
            names += found
            if values.dtype == object:
                categorical[name] = values
            else:
                if isinstance(values, Dates):
                    dates[name] = Dates.of([], values.form, values.of_day)
                    values = np.asarray(values)
                numeric_names += found
                check_exact(values, found, place)
                blocks.append(values if values.ndim == 2 else values[:, None])
        n_rows = _common_length(columns)
        numeric = _one_matrix(blocks, n_rows, dtype, storage)
        _refuse_infinite(numeric, numeric_names, place)
        return cls(
            tuple(names), numeric, tuple(numeric_names), categorical, positional, storage, dates,
            place,
        )  # fmt: skip

    def __len__(self) -> int:
        return int(self.numeric.shape[0])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "place": None}  # a function, which no other process needs

    def __repr__(self) -> str:
        n, kinds = self.numeric.shape[1] - len(self.dates), []
        if n:
            kinds.append(f"{n:,} of {self.numeric.dtype}")
        if self.categorical:
            kinds.append(f"{len(self.categorical):,} of text")
        if self.dates:
            kinds.append(f"{len(self.dates):,} of dates")
        return (
            f"<Table of {len(self):,} rows and {len(self.names):,} columns ({', '.join(kinds)}): "
            f"{clipped(listed(self.names, most=5), 100)}>"
        )

    def rows(self, index: npt.ArrayLike) -> Table:
        """Return the table of the rows ``index`` (int positions or a boolean mask).

        >>> import numpy as np
        >>> Table.from_columns({"a": np.arange(4)}).rows([2, 0]).numeric.ravel()
        array([2., 0.])
        """
        chosen = np.asarray(index)
        if not len(chosen) or (chosen.dtype == bool and not chosen.any()):
            raise DataError("no rows are chosen: a table needs at least one row")
        return Table(
            self.names,
            self.storage.take(self.numeric, chosen),
            self.numeric_names,
            {name: values[chosen] for name, values in self.categorical.items()},
            self.positional,
            self.storage,
            self.dates,
        )

    def drop(self, columns: Sequence[str]) -> Table:
        """Return the table without ``columns``; a name that is not there raises DataError.

        >>> import numpy as np
        >>> Table.from_columns({"a": np.arange(4), "b": np.arange(4)}).drop(["a"]).names
        ('b',)
        """
        if isinstance(columns, str):
            raise ArgumentError(
                f"{arg('columns')} must be a list of names, found the text {shown(columns)}"
            )
        check_known(columns, self.names, "drop")
        kept = [j for j, name in enumerate(self.numeric_names) if name not in columns]
        same = len(kept) == len(self.numeric_names)
        return Table(
            tuple(name for name in self.names if name not in columns),
            self.numeric if same else self.storage.take(self.numeric, None, kept),
            tuple(self.numeric_names[j] for j in kept),
            {name: v for name, v in self.categorical.items() if name not in columns},
            self.positional,
            self.storage,
            {name: v for name, v in self.dates.items() if name not in columns},
            self.place,
        )

    def column(self, name: str) -> Array:
        """Return column ``name``: ``(N,)`` floats (a view) or an object array of text.

        >>> import numpy as np
        >>> Table.from_columns({"a": np.arange(3)}).column("a")
        array([0., 1., 2.])
        """
        check_known([name], self.names)
        if name in self.categorical:
            return self.categorical[name]
        return self.numeric[:, self.numeric_names.index(name)]


def check_known(wanted: Iterable[str], names: Sequence[str], argument: str = "") -> None:
    """Raise DataError that lists every name of ``wanted`` that is not in ``names``.

    ``argument``: the one that they were given as, at a door that has it.

    >>> check_known(["a"], ["a", "b"])
    """
    known = set(names)
    absent = [name for name in wanted if name not in known]
    where = advice(argument, f"{arg(argument)}: ") if argument else ""
    if len(absent) == 1:
        raise DataError(f"{where}{unknown_column(absent[0], names)}")
    if absent:
        raise DataError(f"{where}missing columns: {listed(absent)} (columns: {listed(names)})")


def check_dtype(dtype: str) -> None:
    """Raise ArgumentError unless ``dtype`` is 'float32' or 'float64'.

    >>> check_dtype("float32")
    """
    if dtype not in ("float32", "float64"):
        raise ArgumentError(f"{arg('dtype')} must be 'float32' or 'float64', found {shown(dtype)}")


def unknown_column(name: object, names: Sequence[str]) -> str:
    """Return the message for a column that is not there.

    >>> unknown_column("agee", ["age", "town"])
    "no column 'agee'; did you mean 'age'? (columns: age, town)"
    """
    return f"no column {shown(name)}{did_you_mean(str(name), names)} (columns: {listed(names)})"


def listed(names: Iterable[object], most: int = 10) -> str:
    """Join names for a message, the first ``most`` of them, and no more of each than a line.

    >>> listed(["a", "b", "c"], most=2)
    'a, b ... (3 in all)'
    """
    words = [text if len(text) <= 100 else f"{text[:100]}..." for text in map(str, names)]
    tail = f" ... ({len(words)} in all)" if len(words) > most else ""
    return ", ".join(words[:most]) + tail


def check_names(names: Sequence[object], where: str) -> None:
    """Raise DataError unless every name is non-empty text and no name occurs twice.

    >>> check_names(["a", "b"], "the frame")
    """
    seen: set[object] = set()
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise DataError(
                f"{where}: column names must be text, found {shown(name)} (column {position + 1}); "
                "rename it, for example frame.columns = frame.columns.astype(str)"
            )
        if not name.strip():
            raise DataError(
                f"{where}: column {position + 1} has no name; name it, or leave an index "
                "column out when writing (index=False)"
            )
        if name in seen:
            raise DataError(f"{where}: two columns are called {shown(name)}; rename one of them")
        seen.add(name)


def _common_length(columns: Mapping[str, Array]) -> int:
    lengths = {name: len(values) for name, values in columns.items()}
    if not lengths:
        raise DataError("the data have no columns: nothing to learn from")
    first = next(iter(lengths))
    for name, length in lengths.items():
        if length != lengths[first]:
            raise DataError(
                f"column {shown(name)} has {length} rows but column {shown(first)} has "
                f"{lengths[first]}; all columns need the same number of rows"
            )
    if lengths[first] == 0:
        raise DataError("the data are empty: no rows")
    return lengths[first]


def _one_matrix(
    blocks: list[Array], n_rows: int, dtype: str | None, storage: Storage = MEMORY
) -> Array:
    if dtype is None:
        small = blocks and all(block.dtype.name in _EXACT_IN_FLOAT32 for block in blocks)
        dtype = "float32" if small else "float64"
    else:
        check_dtype(dtype)
    if len(blocks) == 1 and blocks[0].dtype == dtype and blocks[0].flags.c_contiguous:
        return blocks[0]
    numeric = storage.zeros((n_rows, sum(block.shape[1] for block in blocks)), dtype)
    with np.errstate(over="ignore"):  # too large for float32: becomes inf, refused just after
        for rows in row_blocks(numeric):
            start = 0
            for block in blocks:
                numeric[rows, start : start + block.shape[1]] = block[rows]
                start += block.shape[1]
    return numeric


def check_exact(values: Array, names: Sequence[str], place: Place, column: str = "column ") -> None:
    """Raise DataError for a whole number beyond 2^53 that float64 would make another one.

    Such numbers are identifiers mostly, of which nobody wants the neighbour. ``column``: what
    comes before a name, which is shown as it is if that is nothing.

    >>> check_exact(np.array([2**53]), ["id"], from_zero)
    """
    wide = values.dtype.kind in "iu" or values.dtype.itemsize > 8
    if not wide or values.dtype.itemsize < 8 or not values.size:
        return
    with np.errstate(invalid="ignore"):
        if values.min() >= -EXACT and values.max() <= EXACT:
            return
        block = values.reshape(len(values), -1)
        floats = block.astype(np.float64)
        changed = floats.astype(values.dtype) != block
        if values.dtype.kind == "f":
            changed &= (block == np.rint(block)) & (abs(block) > EXACT)
        else:  # rounded up to 2^63 or 2^64, which is no integer of the type any more
            changed |= floats >= float(np.iinfo(values.dtype).max)
    places = np.argwhere(changed)
    if len(places):
        row, j = (int(i) for i in places[0])
        called = f"{column}{shown(names[j])}" if column else names[j]
        raise DataError(not_exact(names[j], place(row), block[row, j], called))


def not_exact(name: str, where: str, number: object, called: str = "") -> str:
    """Return the message for a whole number that a float64 cannot hold.

    ``called``: what comes instead of "column" and the name.

    >>> not_exact("id", "row 1", 2**53 + 1)
    "column 'id', row 1: 9007199254740993 is too large to be exact as a number; leave ..."
    """
    try:
        found = str(number)[:80]
    except ValueError:  # more digits than Python prints
        found = "a whole number"
    ways = [
        advice("drop", f"leave the column out ({arg('drop')})"),
        advice("missing_target", "subtract an offset", "subtract an offset, in training too"),
        advice("categorical", f"make it {arg('categorical')}"),
    ]
    *others, last = filter(None, ways)
    cure = ", ".join([*others, f"or {last}" if others else last])
    called = called or f"column {shown(name)}"
    return f"{called}, {where}: {found} is too large to be exact as a number; {cure}"


def for_column(option: str, name: str) -> str:
    """Return how an option is given one column, for a message; COL for a name longer than a line.

    >>> str(DataError(for_column("drop", "age")))
    "drop=['age']"
    """
    return arg(option, [name if len(name) < 60 else "COL"])


def _refuse_infinite(numeric: Array, names: Sequence[str], place: Place) -> None:
    for rows in row_blocks(numeric):
        infinite = np.isinf(numeric[rows])
        if infinite.any():
            row, column = (int(i) for i in np.argwhere(infinite)[0])
            row += rows.start
            break
    else:
        return
    raise DataError(
        f"column {shown(names[column])}, {place(row)}: {numeric[row, column]} is not a finite "
        "number; correct the cell, or leave it empty if it is unknown"
    )
