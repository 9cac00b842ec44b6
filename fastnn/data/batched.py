"""Sources that are read batch by batch: no more of them in memory than a batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.csv_text import arrow_texts, csv_batches
from fastnn.data.file_types import file_type
from fastnn.data.frames import frame_columns
from fastnn.data.packed import is_packed
from fastnn.data.spill import Spill
from fastnn.data.storage import OnDisk
from fastnn.data.table import Array, Place, check_known, check_names, from_zero
from fastnn.data.texts import Texts, coded
from fastnn.data.wanted import Only
from fastnn.errors import DataError

#: A cell of a text file, with its delimiter, is about so many bytes.
_CELL_BYTES = 6


def in_batches(source: Any) -> bool:
    """Say whether a source can be read in batches.

    >>> in_batches(Path("a.parquet")), in_batches(Path("a.csv.gz")), in_batches([[1.0]])
    (True, False, False)
    """
    if isinstance(source, Path):
        of = file_type(source)
        return of.batches is not None or (of.name == "delimited text" and not is_packed(source))
    return hasattr(source, "__arrow_c_stream__")


def size_in_memory(source: Any) -> int:
    """Return about how many bytes the numbers and texts of a source would take as a table.

    0 where that is not known: of a stream, and of a frame, which is in memory.
    """
    if not isinstance(source, Path) or not source.exists():
        return 0
    if file_type(source).name == "Parquet":
        from pyarrow import parquet

        found = parquet.read_metadata(source)
        return int(found.num_rows * found.num_columns * 8)
    size = source.stat().st_size
    return size // _CELL_BYTES * 8 if file_type(source).text else size


def columns_on_disk(
    source: Any,
    kinds: Mapping[str, str],
    drop: Collection[str],
    reading: Reading,
    storage: OnDisk,
    only: Only | None = None,
) -> tuple[dict[str, Any], Place]:
    """Return the columns of a source but those of ``drop``, read in batches, on disk.

    They are those of `files.read_table`, whatever the batches are.
    """
    if isinstance(source, Path) and file_type(source).name == "delimited text":
        names, batches, place = csv_batches(source, kinds, drop, reading, only)
        spill = Spill(storage, dict(kinds), reading, place=place)
    else:
        names, tables = _opened(source)
        check_names(names, "the data" if not isinstance(source, Path) else f"file '{source}'")
        check_known(drop, names, "drop")
        left = {*drop, *(only.besides(names) if only is not None else ())}
        declared, place = dict(kinds), from_zero
        spill = Spill(storage, declared, reading, typed=True)
        batches = (_batch_columns(table, left, declared, reading) for table in tables)
    for batch in batches:
        spill.add(batch)
    if not spill.n_rows:
        raise DataError("the data are empty: no rows")
    return spill.columns(), place


def _opened(source: Any) -> tuple[list[str], Iterator[Any]]:
    """The names of the columns, and the batches as Arrow tables."""
    if isinstance(source, Path):
        batches = file_type(source).batches
        assert batches is not None
        return batches(source)
    import pyarrow as pa

    found = pa.RecordBatchReader.from_stream(source)
    return found.schema.names, (pa.Table.from_batches([batch]) for batch in found)


def _batch_columns(
    batch: Any, drop: Collection[str], kinds: dict[str, str], reading: Reading
) -> dict[str, Array | Texts]:
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
