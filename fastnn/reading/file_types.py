"""The types of files: the name tells which it is, and the table how it is read.

A new type is a new row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.table import Place, from_zero
from fastnn.errors import DataError
from fastnn.reading.arrays import read_npz
from fastnn.reading.excel import read_excel
from fastnn.reading.images import ENDINGS, read_images
from fastnn.reading.json_lines import read_json_lines
from fastnn.reading.packed import PACKED, arrow

#: Rows of a batch, where the file leaves it to the reader, and cells, at the most.
BATCH_ROWS, BATCH_CELLS = 65_536, 2**21

#: The names of the columns, and the rows batch by batch, as Arrow tables.
Batches = tuple[list[str], Iterator[Any]]


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a file holds, before its columns are judged.

    Attributes:
        data: a data frame, or a mapping of names to arrays.
        place: where a row is.
        coded: columns of text of an Arrow table that came as a dictionary of the different texts.
    """

    data: Any
    place: Place = from_zero
    coded: Collection[str] = ()


@dataclass(frozen=True)
class FileType:
    """How files of a type are read.

    Attributes:
        name: in words.
        says: what it is, in a sentence.
        endings: of the file's name.
        load: reads all of it; None for delimited text, whose cells `csv_text` reads.
        batches: reads it batch by batch; None: it is read at once.
        extra: what has to be installed.
        packs: it may be packed, with one of `PACKED` after the ending.
        magic: how such a file begins, where that can be told.
    """

    name: str
    says: str
    endings: tuple[str, ...]
    load: Callable[[Path, Reading], Loaded] | None = None
    batches: Callable[[Path], Batches] | None = None
    extra: str = ""
    packs: bool = False
    magic: bytes = b""

    @property
    def every_ending(self) -> tuple[str, ...]:
        """The endings, packed ones too."""
        packed = tuple(PACKED) if self.packs else ()
        return tuple(end + pack for end in self.endings for pack in ("", *packed))

    @property
    def is_text(self) -> bool:
        """Whether it is delimited text."""
        return self.load is None


def type_of(path: Path) -> FileType | None:
    """Return the type of a file by its name, None if it is not known.

    >>> type_of(Path("a.csv.gz")).name, type_of(Path("A.PARQUET")).name, type_of(Path("a.doc"))
    ('csv', 'parquet', None)
    """
    name = path.name.lower()
    found = [(end, of) for of in FILE_TYPES for end in of.every_ending if name.endswith(end)]
    return max(found, key=lambda one: len(one[0]))[1] if found else None


def file_type(path: Path) -> FileType:
    """Return the type of a file by its name; raise DataError for one that is not known.

    >>> file_type(Path("a.doc"))
    Traceback (most recent call last):
    fastnn.errors.DataError: file 'a.doc': unknown type; the name must end in one of .csv, .tsv, ...
    """
    found = type_of(path)
    if found is None:
        endings = ", ".join(end for of in FILE_TYPES for end in of.endings)
        packs = " ".join(end for of in FILE_TYPES if of.packs for end in of.endings)
        raise DataError(
            f"file '{path}': unknown type; the name must end in one of {endings} (after {packs} "
            f"also {' '.join(PACKED)})"
        )
    return found


def without_ending(name: str) -> str:
    """Return a file's name without the ending of its type.

    >>> without_ending("flats.csv.gz"), without_ending("digits")
    ('flats', 'digits')
    """
    ends = [end for of in FILE_TYPES for end in of.every_ending if name.lower().endswith(end)]
    return name[: len(name) - max(map(len, ends), default=0)]


def ending_of(first: bytes) -> str:
    """Return the ending of a file that begins so; of packed ones that of the packing.

    >>> ending_of(b"PAR1"), ending_of(b'{"a": 1}'), ending_of(b"a,b"), ending_of(PACKED[".gz"])
    ('.parquet', '.jsonl', '.csv', '.gz')
    """
    for ending, magic in PACKED.items():
        if first.startswith(magic):
            return ending
    for of in FILE_TYPES:
        if of.magic and first.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(of.magic):
            return of.endings[0]
    return ".csv"


def _refusal(path: Path, name: str, error: Exception) -> DataError:
    return DataError(f"file '{path}' is not a readable {name} file: {error}")


def _load_parquet(path: Path, _: Reading) -> Loaded:
    """Text comes as a dictionary, as the file has it: no cell of it is met by itself."""
    pa = arrow(path)
    from pyarrow import parquet

    try:
        with pa.OSFile(str(path)) as stream:  # Arrow's threads get no Python file: see csv_text
            schema = parquet.read_schema(stream)
        texts = [
            field.name
            for field in schema
            if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
        ]
        with pa.OSFile(str(path)) as stream:
            return Loaded(parquet.read_table(stream, read_dictionary=texts), coded=texts)
    except (pa.ArrowException, OSError) as error:
        raise _refusal(path, "Parquet", error) from error


def _parquet_batches(path: Path) -> Batches:
    pa = arrow(path)
    from pyarrow import parquet

    try:
        # Mapped, and not buffered before: else all that was read is kept in memory.
        file = parquet.ParquetFile(path, memory_map=True, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise _refusal(path, "Parquet", error) from error
    return file.schema_arrow.names, _tables(
        path, "Parquet", file.iter_batches(_rows(len(file.schema_arrow)))
    )


def _rows(n_columns: int) -> int:
    """How many rows a batch of so many columns has."""
    return max(1, min(BATCH_ROWS, BATCH_CELLS // max(1, n_columns)))


def _tables(path: Path, name: str, batches: Iterator[Any]) -> Iterator[Any]:
    pa = arrow(path)
    try:
        for batch in batches:
            yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as error:
        raise _refusal(path, name, error) from error


def _arrow_table(path: Path) -> Any:
    """The table of an Arrow file, mapped into memory, or of an Arrow stream."""
    pa = arrow(path)
    from pyarrow import feather

    try:
        with path.open("rb") as file:
            begin = file.read(6)
        if begin == b"ARROW1" or begin[:4] == b"FEA1":
            return feather.read_table(str(path), memory_map=True)
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as reader:
            return reader.read_all()
    except (pa.ArrowException, OSError) as error:
        raise _refusal(path, "Arrow", error) from error


def _arrow_batches(path: Path) -> Batches:
    table = _arrow_table(path)
    return table.column_names, _tables(
        path, "Arrow", iter(table.to_batches(_rows(table.num_columns)))
    )


def _load_npy(path: Path, _: Reading) -> Loaded:
    try:
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise _refusal(path, "NPY", error) from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise DataError(f"file '{path}' is an NPZ file: give its name the ending .npz")
    if values.dtype.names:
        return Loaded({name: values[name] for name in values.dtype.names})
    return Loaded({"x": values[:, None] if values.ndim == 1 else values})


EXCEL = FileType(
    "excel",
    "A sheet with a row of names: the first one that is not empty, or that of --sheet.",
    (".xlsx", ".xls", ".xlsb", ".ods"),
    lambda path, reading: Loaded(*read_excel(path, reading.sheet)),
    extra="excel",
)

IMAGES = FileType(
    "images",
    "Pictures of one size, pixel by pixel: x0, x1 and so on. A folder of folders has the column "
    "class, too: the folder that a picture is in.",
    ENDINGS,
    lambda path, _: Loaded(*read_images(path)),
    extra="images",
    magic=b"\x89PNG",
)

#: The first ending is the one that stands for the type.
FILE_TYPES: tuple[FileType, ...] = (
    FileType(
        "csv",
        "A table as text, with a line of names.",
        (".csv", ".tsv", ".txt", ".data"),
        extra="data",
        packs=True,
    ),
    FileType(
        "parquet", "A table with typed columns.", (".parquet", ".pq"),
        _load_parquet, _parquet_batches, extra="data", magic=b"PAR1",
    ),
    FileType(
        "arrow", "A table as Arrow has it in memory; Feather is the same.",
        (".arrow", ".feather", ".ipc"),
        lambda path, _: Loaded(_arrow_table(path)), _arrow_batches, extra="data", magic=b"ARROW1",
    ),
    FileType(
        "json lines", "A JSON object in each line, with the cells of a row by their names.",
        (".jsonl", ".ndjson"),
        lambda path, _: Loaded(*read_json_lines(path)), extra="data", packs=True, magic=b"{",
    ),
    EXCEL,
    FileType(
        "npz", "Arrays of NumPy by name; a matrix x is the columns x0, x1 and so on.",
        (".npz",), lambda path, _: Loaded(read_npz(path)),
    ),
    FileType(
        "npy", "An array of NumPy, whose columns are called x0, x1 and so on.",
        (".npy",), _load_npy, magic=b"\x93NUMPY",
    ),
    IMAGES,
)  # fmt: skip
