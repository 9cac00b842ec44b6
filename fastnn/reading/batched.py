"""Sources that are read batch by batch: no more of them in memory than a batch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.storage import OnDisk
from fastnn.data.table import Array, Place, check_known, check_names, from_zero
from fastnn.data.texts import Texts, coded
from fastnn.data.wanted import Only
from fastnn.errors import DataError
from fastnn.reading.csv_columns import arrow_texts
from fastnn.reading.csv_text import csv_batches
from fastnn.reading.find_files import Files, check_same_columns
from fastnn.reading.frames import frame_columns
from fastnn.reading.packed import is_packed
from fastnn.reading.spill import Spill

#: A cell of a text file, with what parts it from the next, is about so many bytes.
_CELL_BYTES = 6
#: Text of a table is up to so many times as much unpacked.
_UNPACKED = 20

Columns = Mapping[str, Array | Texts]


def in_batches(source: Any) -> bool:
    """Say whether files, or what streams Arrow tables, can be read in batches.

    >>> in_batches([[1.0]])
    False
    """
    if isinstance(source, Files):
        return source.type.is_text or source.type.batches is not None
    return hasattr(type(source), "__arrow_c_stream__")


def size_in_memory(files: Files) -> int:
    """Return about how many bytes the numbers and texts of files would take as a table."""
    if files.type.name == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        try:
            found = [parquet.read_metadata(path) for path in files.paths]
        except (pa.ArrowException, OSError):  # which is told when they are read
            return 0
        return sum(one.num_rows * one.num_columns * 8 for one in found)
    if not files.type.is_text:
        return files.size
    sizes = zip(files.paths, files.stamp(), strict=True)
    text = sum(n * (_UNPACKED if is_packed(path) else 1) for path, (n, *_) in sizes)
    return text // _CELL_BYTES * 8


def columns_on_disk(
    source: Any,
    kinds: Mapping[str, str],
    drop: Collection[str],
    reading: Reading,
    storage: OnDisk,
    only: Only | None = None,
) -> tuple[dict[str, Any], Place]:
    """Return the columns of files or of a stream but those of ``drop``, on disk; where a row is.

    They are those of `files.read_table`, whatever the batches are. Raises what that raises.
    """
    declared = dict(kinds)
    if isinstance(source, Files) and source.type.is_text:
        texts = _Text(source, declared, drop, reading, only, storage)
        batches, place, typed = texts.batches(), texts.place, False
    else:
        names, tables = _opened(source)
        check_names(names, "the data")
        check_known(drop, names, "drop")
        left = {*drop, *(only.besides(names) if only is not None else ())}
        batches = (_batch_columns(table, left, declared, reading) for table in tables)
        place, typed = from_zero, True
    spill = Spill(storage, declared, reading, typed=typed, place=place)
    for batch in batches:
        spill.add(batch)
    if not spill.n_rows:
        raise DataError("the data are empty: no rows")
    return spill.columns(), place


class _Text:
    """The batches of text files, one after the other, and where a row is."""

    def __init__(
        self,
        files: Files,
        kinds: Mapping[str, str],
        drop: Collection[str],
        reading: Reading,
        only: Only | None,
        storage: OnDisk,
    ) -> None:
        self._files, self._how = files, (kinds, drop, reading, only, storage)
        self._begins: list[int] = []
        self._places: list[Place] = []

    def batches(self) -> Iterator[Columns]:
        first, rows = self._files.paths[0], 0
        known: list[str] = []
        for path in self._files.paths:
            names, batches, place = csv_batches(path, *self._how)
            known = known or names
            check_same_columns(first, known, path, names)
            self._begins.append(rows)
            self._places.append(place)
            begin = rows
            for batch in batches:
                rows += len(next(iter(batch.values()), ()))
                yield batch
            if rows == begin:
                raise DataError(f"file '{path}' has a header line but no rows")

    def place(self, row: int) -> str:
        k = bisect_right(self._begins, row) - 1
        return self._places[k](row - self._begins[k])


def _opened(source: Any) -> tuple[list[str], Iterator[Any]]:
    """The names of the columns, and the batches as Arrow tables."""
    if isinstance(source, Files):
        found = source.batches()
        assert found is not None
        return found
    import pyarrow as pa

    reader = pa.RecordBatchReader.from_stream(source)
    return reader.schema.names, (pa.Table.from_batches([batch]) for batch in reader)


def _batch_columns(
    batch: Any, drop: Collection[str], kinds: dict[str, str], reading: Reading
) -> Columns:
    """The columns of a batch: numbers, or texts as they are, which are judged at the end."""
    import pyarrow as pa

    found: dict[str, Array | Texts] = {}
    others = []
    for name in batch.column_names:
        if name in drop:
            continue
        of = batch.schema.field(name).type
        if pa.types.is_dictionary(of):
            kinds.setdefault(name, "categorical")
            of = of.value_type
        if pa.types.is_string(of) or pa.types.is_large_string(of) or pa.types.is_string_view(of):
            texts, codes = arrow_texts(batch.column(name))
            found[name] = Texts(tuple(texts), codes.astype(np.int32))
        else:
            others.append(name)
    made = frame_columns(batch.select(others), (), kinds.get, reading) if others else {}
    for name, values in made.items():
        found[name] = coded(values.tolist()) if values.dtype == object else values
    return {name: found[name] for name in batch.column_names if name not in drop}
