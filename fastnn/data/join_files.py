"""The columns of several files as those of one table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np

from fastnn.data.find_files import check_same_columns
from fastnn.data.table import Array, Place, check_exact
from fastnn.errors import DataError, shown

Columns = dict[str, Array]

#: Reads a file, of which some columns are declared to be of a kind of `columns.KINDS`.
Read = Callable[[Path, Mapping[str, str]], tuple[Columns, Place]]


def read_joined(
    paths: Sequence[Path], kinds: Mapping[str, str], read: Read
) -> tuple[Columns, Place]:
    """Return the columns of files of the same columns, and where a row is.

    A column that is text in one of them is text in all: those in which it would be numbers are
    read again.
    """
    found = [read(path, kinds) for path in paths]
    if len(paths) == 1:
        return found[0]
    names = list(found[0][0])
    for path, (columns, _) in zip(paths, found, strict=True):
        check_same_columns(paths[0], names, path, list(columns))
    texts = {
        name: "text" if kinds.get(name) == "label" else "categorical"
        for name in names
        if len({columns[name].dtype == object for columns, _ in found}) > 1
    }
    if texts:
        found = [
            (columns, place) if all(columns[name].dtype == object for name in texts)
            else read(path, {**kinds, **texts})
            for path, (columns, place) in zip(paths, found, strict=True)
        ]  # fmt: skip
    lengths = [len(columns[names[0]]) for columns, _ in found]
    ends = list(accumulate(lengths))

    def place(row: int) -> str:
        k = bisect_right(ends, row)
        return found[k][1](row - ends[k] + lengths[k])

    return {
        name: _one(name, [columns[name] for columns, _ in found], paths, place) for name in names
    }, place


def _one(name: str, parts: Sequence[Array], paths: Sequence[Path], place: Place) -> Array:
    for path, part in zip(paths, parts, strict=True):
        if part.shape[1:] != parts[0].shape[1:]:
            raise DataError(
                f"array {shown(name)} has {part[:1].size} columns in '{path}' and "
                f"{parts[0][:1].size} in '{paths[0]}'"
            )
    if any(part.dtype.kind == "f" for part in parts):  # whole numbers become floats
        start = 0
        for part in parts:
            block = [name] * part[:1].size
            check_exact(part, block, lambda row, start=start: place(start + row))  # type: ignore[misc]
            start += len(part)
    return np.concatenate(parts)
