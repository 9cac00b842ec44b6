"""Sources that are read batch by batch: no more of them in memory than a batch."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.csv_text import arrow_texts
from fastnn.data.frames import frame_columns
from fastnn.data.spill import Spill, coded
from fastnn.data.storage import OnDisk
from fastnn.data.table import Array, check_known, check_names
from fastnn.data.texts import Texts
from fastnn.errors import DataError

#: Rows of a batch, where the source leaves it to the reader.
BATCH_ROWS = 65_536


def in_batches(source: Any) -> bool:
    """Say whether a source can be read in batches.

    >>> in_batches(Path("a.parquet")), in_batches([[1.0]])
    (True, False)
    """
    if isinstance(source, Path):
        return source.name.lower().endswith(".parquet")
    return hasattr(source, "__arrow_c_stream__")


def size_in_memory(source: Any) -> int:
    """Return about how many bytes the numbers and texts of a file would take as a table."""
    if not isinstance(source, Path):
        return 0
    from pyarrow import parquet

    found = parquet.read_metadata(source)
    return int(found.num_rows * found.num_columns * 8)


def columns_on_disk(
    source: Any, kinds: Mapping[str, str], drop: Collection[str], reading: Reading, storage: OnDisk
) -> dict[str, Array | Texts]:
    """Return the columns of a source but those of ``drop``, read in batches, on disk.

    They are those of `files.read_table`, whatever the batches are.
    """
    names, batches = _opened(source)
    check_names(names, "the data" if not isinstance(source, Path) else f"file '{source}'")
    check_known(drop, names, "drop")
    declared = dict(kinds)
    spill = Spill(storage, declared, reading, typed=True)
    for batch in batches:
        spill.add(_batch_columns(batch, drop, declared, reading))
    if not spill.n_rows:
        raise DataError("the data are empty: no rows")
    return spill.columns()


def _opened(source: Any) -> tuple[list[str], Iterator[Any]]:
    """The names of the columns, and the batches as Arrow tables."""
    import pyarrow as pa
    from pyarrow import parquet

    if isinstance(source, Path):
        file = parquet.ParquetFile(source, pre_buffer=False)  # else all that was read is kept
        names, found = file.schema_arrow.names, file.iter_batches(BATCH_ROWS)
    else:
        found = pa.RecordBatchReader.from_stream(source)
        names = found.schema.names
    return names, (pa.Table.from_batches([batch]) for batch in found)


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
