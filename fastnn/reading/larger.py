"""Tables that do not fit into memory: noticed before they are read, kept on disk, and for later."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.backend.host.memory import free_memory
from fastnn.data.dates import Dates
from fastnn.data.statistics import DataNote, DataWarning
from fastnn.data.storage import MEMORY, OnDisk, Storage, row_blocks
from fastnn.data.table import Array, Table
from fastnn.data.texts import Texts, coded
from fastnn.data.wanted import Only
from fastnn.errors import ArgumentError, DataError, arg, warn
from fastnn.reading.batched import in_batches, size_in_memory
from fastnn.reading.find_files import Files, are_files, find_files
from fastnn.version import __version__

#: A table is kept on disk if it would take more than this share of the memory that is free: beside
#: it there are its parts, and what the network takes of them.
SHARE = 0.25

Read = Callable[[Storage], tuple[Table, Array]]

#: What the target is called among the columns of text.
_TARGET = "\0target"


def storage_for(source: Any, cache: str | None = None) -> Storage:
    """Return where the table of a source is to lie: in memory if it fits.

    A memory-mapped array stays where it is, and what is made of it is on disk, too, as is what is
    made of a stream, of which nobody knows how long it is.

    >>> storage_for(np.zeros((3, 2))) is MEMORY
    True
    """
    if isinstance(source, np.memmap) or cache is not None:
        return OnDisk(cache)
    if not isinstance(source, Files):
        return OnDisk() if _streams(source) else MEMORY
    if source.type.name == "npy":
        return OnDisk()
    if not in_batches(source):
        return MEMORY
    needed, free = size_in_memory(source), free_memory()
    if needed <= SHARE * free:
        return MEMORY
    warn(
        DataNote(
            f"the table takes about {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB of memory are "
            f"free: it is kept in temporary files in '{tempfile.gettempdir()}'"
        )
    )
    return OnDisk()


def _streams(source: Any) -> bool:
    """Whether rows come from elsewhere, nobody knows how many: no table that is in memory."""
    of = type(source)
    if not hasattr(of, "__arrow_c_stream__"):
        return False
    if of.__name__ in ("RecordBatchReader", "DuckDBPyRelation"):
        return True
    return not any(hasattr(of, name) for name in ("__len__", "num_rows", "height"))


def storage_of(source: Any) -> Storage:
    """Return where the table of whatever a user hands over is to lie.

    >>> storage_of({"x": [1.0]}) is MEMORY
    True
    """
    files = find_files(source) if are_files(source) else None
    there = files is not None and all(path.exists() for path in files.paths)
    return storage_for(files if there else source)


def read_kept(
    source: Any, cache: str | None, options: Mapping[str, Any], read: Read
) -> tuple[Table, Array]:
    r"""Return what ``read`` reads; with ``cache``, what was read before if it is there.

    ``options``: how it is read. What is kept in the folder ``cache`` is found again by the files'
    paths, sizes and times and by the options; it is there whole or not at all.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv")
    ...     _ = path.write_text("x,y\n1,2\n")
    ...     def read(storage):
    ...         print("reads")
    ...         return Table.from_columns({"x": np.ones(1)}, storage=storage), np.ones(1)
    ...     one, two = (read_kept(path, folder, {}, read)[0] for _ in range(2))
    reads

    Raises ArgumentError for a cache of what is no file, DataError for a full disk.
    """
    files = find_files(source) if are_files(source) else None
    if files is None and cache is not None:
        raise ArgumentError(
            f"{arg('cache')} has no effect: only tables that are read from files are kept",
            value=cache,
        )
    if files is None or not all(path.exists() for path in files.paths):
        return read(storage_for(source, cache))
    if cache is None:
        return read(storage_for(files))
    _make(cache)
    stats = [(str(p.resolve()), *of) for p, of in zip(files.paths, files.stamp(), strict=True)]
    key = json.dumps([__version__, stats, dict(sorted(options.items()))], default=_plain)
    folder = Path(cache, f"fastnn-{hashlib.sha256(key.encode()).hexdigest()[:16]}")
    found = _load(folder, key, OnDisk(cache))
    if found is None:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            table, target = read(storage_for(files, cache))
        notes = [_note_of(one.message) for one in told]
        _save(folder, key, table, target, notes)
        _remove_earlier(Path(cache), key)
        found = table, target, notes
    table, target, notes = found
    for kind, text in notes:  # what is told of the data is told each time
        warn(_NOTES.get(kind, DataWarning)(text))
    return table, target


#: What is told of data, by the name under which it is kept.
_NOTES: dict[str, type[DataWarning]] = {of.__name__: of for of in (DataNote, DataWarning)}


def _note_of(message: Warning | str) -> tuple[str, str]:
    text = message.marked if isinstance(message, DataWarning) else str(message)
    return type(message).__name__, text


def _remove_earlier(cache: Path, key: str) -> None:
    """Remove what was kept of earlier states of the same files, read in the same way."""
    version, stats, options = json.loads(key)
    same = [version, [path for path, *_ in stats], options]
    for folder in cache.glob("fastnn-*"):
        try:
            other = json.loads((folder / "table.json").read_text())["key"]
            version, stats, options = json.loads(other)
            earlier = [version, [path for path, *_ in stats], options] == same
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not one of ours, or another process is at it
        if earlier and other != key:
            shutil.rmtree(folder, ignore_errors=True)


def _make(cache: str) -> None:
    """Make the folder if it is not there."""
    try:
        Path(cache).mkdir(exist_ok=True)
    except OSError as error:
        raise OnDisk(cache).refused(error) from error


def _plain(value: Any) -> Any:
    """Options of reading that JSON has no form for."""
    return sorted(value.names) if isinstance(value, Only) else list(value)


def _save(
    folder: Path, key: str, table: Table, target: Array, notes: Sequence[tuple[str, str]]
) -> None:
    """Write a table and its target; a folder of that name is there when all is in it."""
    made = Path(tempfile.mkdtemp(prefix="fastnn-unfinished-", dir=folder.parent))
    texts = dict(table.categorical)
    if target.dtype == object:
        texts[_TARGET] = target
    known = {name: one if isinstance(one, Texts) else coded(one) for name, one in texts.items()}
    arrays = {"numeric": table.numeric}
    arrays |= {f"codes{k}": one.codes for k, one in enumerate(known.values())}
    if target.dtype != object:
        arrays["target"] = target
    document = {
        "key": key, "names": table.names, "numeric_names": table.numeric_names,
        "texts": {name: list(one.distinct) for name, one in known.items()},
        "dates": {name: [date.form, date.of_day] for name, date in table.dates.items()},
        "positional": table.positional, "notes": notes,
    }  # fmt: skip
    try:
        for name, values in arrays.items():
            with open(made / f"{name}.npy", "wb") as file:
                header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(values[:1]))
                header["shape"] = values.shape
                np.lib.format.write_array_header_1_0(file, header)
                for rows in row_blocks(values):
                    file.write(np.ascontiguousarray(values[rows]).data)
        (made / "table.json").write_text(json.dumps(document))
        shutil.rmtree(folder, ignore_errors=True)  # what is there is damaged
        made.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another process was faster
            raise OnDisk(str(folder.parent)).refused(error) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _load(
    folder: Path, key: str, storage: OnDisk
) -> tuple[Table, Array, list[tuple[str, str]]] | None:
    """Return what `_save` wrote under a key; None if it is not there, or not whole."""
    try:
        document = json.loads((folder / "table.json").read_text())
        if document["key"] != key:
            return None

        def array(name: str) -> Array:
            found: Array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            return found

        texts: dict[str, Any] = {}
        for k, (name, distinct) in enumerate(document["texts"].items()):
            codes = array(f"codes{k}")
            if len(codes) and not 0 <= codes.min() <= codes.max() < len(distinct):
                return None
            texts[name] = Texts(tuple(distinct), codes, storage)
        target = texts.pop(_TARGET) if _TARGET in texts else array("target")
        table = Table(
            tuple(document["names"]), array("numeric"), tuple(document["numeric_names"]), texts,
            document["positional"], storage,
            {n: Dates.of([], form, day) for n, (form, day) in document["dates"].items()},
        )  # fmt: skip
        return table, np.array(target), [(kind, text) for kind, text in document["notes"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, DataError):
        return None
