"""The columns of several files as those of one table."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.columns import category_texts, text_column
from fastnn.data.dates import Dates
from fastnn.data.statistics import DataNote
from fastnn.data.table import Array, Place, check_exact
from fastnn.errors import DataError, FastnnWarning, shown, warn
from fastnn.reading.find_files import check_same_columns

Columns = dict[str, Array]

#: Reads a file, of which some columns are declared to be of a kind of `columns.KINDS`.
Read = Callable[[Path, Mapping[str, str]], tuple[Columns, Place]]


def read_joined(
    paths: Sequence[Path], kinds: Mapping[str, str], read: Read, reading: Reading, typed: bool
) -> tuple[Columns, Place]:
    """Return the columns of files of the same columns, and where a row is.

    A column that is numbers in one file and text in another is read again as text, and judged as
    if all of it were in one file. ``typed``: text is text of a frame, not the cells of a file.
    """
    found = [read(path, kinds) for path in paths]
    if len(paths) == 1:
        return found[0]
    names = list(found[0][0])
    for path, (columns, _) in zip(paths, found, strict=True):
        check_same_columns(paths[0], names, path, list(columns))
    lengths = [len(columns[names[0]]) for columns, _ in found]
    ends, places = list(accumulate(lengths)), [place for _, place in found]

    def place(row: int) -> str:
        k = bisect_right(ends, row)
        return places[k](row - ends[k] + lengths[k])

    differ = [
        name for name in names if len({_kind(columns[name]) for columns, _ in found} - {""}) > 1
    ]
    if differ:
        again = [read(path, {**kinds, **dict.fromkeys(differ, "text")})[0] for path in paths]
    joined: Columns = {}
    for name in names:
        if name in differ:
            cells = [_texts(columns[name]) for columns in again]
            joined[name] = _judged(name, cells, place, kinds.get(name), reading, typed)
        else:
            joined[name] = _one(name, [columns[name] for columns, _ in found], paths, place)
    return joined, place


def tell_partitions(paths: Sequence[Path]) -> None:
    """Warn (DataNote) of values that are in the names of folders alone, such as "year=2024".

    >>> with warnings.catch_warnings(record=True, action="always") as said:
    ...     tell_partitions([Path("t/year=2023/a.csv"), Path("t/year=2024/a.csv")])
    >>> str(said[0].message)
    "folder 'year=2023': what the names of folders say of 'year' is no column of the table; ..."
    """
    values: dict[str, dict[str, None]] = {}
    for path in paths:
        for part in path.parts[:-1]:
            name, sign, _ = part.partition("=")
            if name and sign:
                values.setdefault(name, {})[part] = None
    for name, parts in values.items():
        if len(parts) > 1:
            warn(
                DataNote(
                    f"folder '{next(iter(parts))}': what the names of folders say of "
                    f"{shown(name)} is no column of the table; write it into the files to use it"
                )
            )


@contextmanager
def told_once(paths: Sequence[Path]) -> Iterator[None]:
    """Let what is told of several files in the same words be told of the first, with how many more.

    >>> paths = [Path("a.csv"), Path("b.csv"), Path("c.csv")]
    >>> with warnings.catch_warnings(record=True, action="always") as said, told_once(paths):
    ...     for path in paths:
    ...         warnings.warn(f"file '{path}': a note")
    >>> [str(one.message) for one in said]
    ["file 'a.csv' and 2 more: a note"]
    """
    if len(paths) == 1:
        yield
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        yield
    found: dict[str, list[tuple[str, Warning]]] = {}
    for one in told:
        message = one.message if isinstance(one.message, Warning) else UserWarning(one.message)
        text = message.marked if isinstance(message, FastnnWarning) else str(message)
        path = next((f"'{path}'" for path in paths if f"'{path}'" in text), "")
        found.setdefault(text.replace(path, "\0", 1) if path else text, []).append((path, message))
    for alike, (first, *more) in found.items():
        path, message = first
        others = f" and {len(more):,} more" if more and path else ""
        warn(type(message)(alike.replace("\0", path + others, 1)))


def _kind(values: Array) -> str:
    """What a column is; '' if it has no value, and can be anything."""
    if isinstance(values, Dates):
        return f"dates {values.form} {values.of_day}"
    if values.dtype == object:
        return "text" if any(cell is not None for cell in values) else ""
    return "" if values.dtype.kind == "f" and np.isnan(values).all() else "numbers"


def _texts(values: Array) -> Array:
    return values if values.dtype == object else category_texts(values)


def _judged(
    name: str, parts: Sequence[Array], place: Place, kind: str | None, reading: Reading, typed: bool
) -> Array:
    index: dict[str | None, int] = {}
    codes = [index.setdefault(cell, len(index)) for part in parts for cell in part]
    return text_column(name, list(index), np.array(codes), place, kind, reading, typed=typed)


def _one(name: str, parts: Sequence[Array], paths: Sequence[Path], place: Place) -> Array:
    """The parts, all of one kind but for those without a value, one after the other."""
    for path, part in zip(paths, parts, strict=True):
        if part.shape[1:] != parts[0].shape[1:]:
            raise DataError(
                f"array {shown(name)} has {part[:1].size} columns in '{path}' and "
                f"{parts[0][:1].size} in '{paths[0]}'"
            )
    first = next((part for part in parts if _kind(part)), parts[0])
    if first.dtype == object:
        return np.concatenate([_texts(part) for part in parts])
    numbers = [part if part.dtype != object else np.full(len(part), np.nan) for part in parts]
    if any(part.dtype.kind == "f" for part in numbers):  # whole numbers become floats
        start = 0
        for part in numbers:
            block = [name] * part[:1].size
            check_exact(part, block, lambda row, start=start: place(start + row))  # type: ignore[misc]
            start += len(part)
    joined = np.concatenate([np.asarray(part) for part in numbers])
    return Dates.of(joined, first.form, first.of_day) if isinstance(first, Dates) else joined
