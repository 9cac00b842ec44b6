"""Files that are packed: one stream of bytes, whatever it is packed by."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from fastnn.backend.host.memory import free_memory
from fastnn.data.table import listed
from fastnn.errors import DataError
from fastnn.extras import pip_install

#: Endings of packed files, and how such a file begins.
PACKED = {
    ".gz": b"\x1f\x8b",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\x00",
    ".zst": b"\x28\xb5\x2f\xfd",
    ".zip": b"PK\x03\x04",
}

#: A file that unpacks to more than so many bytes, and so many times its size, is a bomb: the text
#: of a table is a tenth packed, a hundredth where nearly all of its cells are the same.
BOMB_BYTES, BOMB_RATIO = 2**28, 500


def arrow(path: Path) -> Any:
    """Return pyarrow; raise DataError if it is not there to read a file."""
    try:
        import pyarrow
    except ImportError as error:
        raise DataError(
            f"reading '{path}' needs pyarrow, which is not installed: {pip_install('data')}"
        ) from error
    return pyarrow


def is_packed(path: Path) -> bool:
    """Say whether what `opened` gives is not the file itself.

    >>> is_packed(Path("a.csv.gz")), is_packed(Path("a.csv"))
    (True, False)
    """
    return path.suffix.lower() in PACKED


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open the file, or what is packed in it: of an archive its only member.

    Raises DataError, naming the file, for a damaged one, an archive of several files, one that
    unpacks to far more than a table can (a bomb), and a format whose package is not there.
    """
    damaged = (zipfile.BadZipFile, OSError, EOFError, zlib.error, lzma.LZMAError)
    try:
        with _stream(path) as stream:
            if not is_packed(path):
                yield stream
            else:
                with io.BufferedReader(_Bounded(stream, path), 2**17) as bounded:
                    yield bounded
    except damaged as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"file '{path}' is damaged or not what its name says: {error}") from error
    except (RuntimeError, NotImplementedError) as error:  # of zipfile
        if path.suffix.lower() != ".zip":
            raise
        raise DataError(f"file '{path}' cannot be unpacked: {error}; unpack it first") from error


def unpacked(path: Path) -> bytes:
    """Return all bytes of a file, unpacked; raise DataError for more than fit into memory.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.csv.gz")
    ...     with gzip.open(path, "wb") as file:
    ...         _ = file.write(b"x,y")
    ...     unpacked(path)
    b'x,y'
    """
    most = free_memory() // 2
    found = bytearray()
    with opened(path) as stream:
        while block := stream.read(2**20):
            found += block
            if len(found) > most:
                raise DataError(_too_large(path, most))
    return bytes(found)


def check_archive(path: Path) -> None:
    """Raise DataError if what is in an archive (NPZ, Excel) does not fit into memory, or for none.

    >>> check_archive(Path("none.npz"))
    Traceback (most recent call last):
    FileNotFoundError: [Errno 2] No such file or directory: 'none.npz'
    """
    most = free_memory() // 2
    with zipfile.ZipFile(path) as archive:
        if sum(member.file_size for member in archive.infolist()) > most:
            raise DataError(_too_large(path, most))


def _too_large(path: Path, most: int) -> str:
    return (
        f"file '{path}' of {path.stat().st_size / 1e6:.1f} MB holds more than {most / 1e9:.1f} GB, "
        "half of the memory that is free; take fewer rows"
    )


@contextmanager
def _stream(path: Path) -> Iterator[Any]:
    openers: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(_member(path, archive)) as stream:
            yield stream
    elif suffix == ".zst":
        with _zstandard(path) as stream:
            yield stream
    else:
        with openers.get(suffix, open)(path, "rb") as stream:
            yield stream


def _member(path: Path, archive: zipfile.ZipFile) -> str:
    """The only file of an archive, besides what the Finder of a Mac adds."""
    members = [
        name
        for name in archive.namelist()
        if not name.endswith(("/", ".DS_Store")) and not name.startswith("__MACOSX/")
    ]
    if not members:
        raise DataError(f"file '{path}' holds no file")
    if len(members) > 1:
        raise DataError(
            f"file '{path}' holds {len(members)} files ({listed(members, most=5)}); unpack it, and "
            "name one of them or their folder"
        )
    return members[0]


@contextmanager
def _zstandard(path: Path) -> Iterator[Any]:
    pa = arrow(path)
    with pa.OSFile(str(path)) as file, pa.CompressedInputStream(file, "zstd") as stream:
        yield stream


class _Bounded(io.RawIOBase):
    """What is unpacked, as long as it is not too much for what was packed."""

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._stream, self._path = stream, path
        self._size, self._read = path.stat().st_size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self._stream.read(len(buffer))
        self._read += len(found)
        if self._read > max(BOMB_BYTES, BOMB_RATIO * self._size):
            raise DataError(
                f"file '{self._path}' of {self._size:,} bytes unpacks to more than "
                f"{self._read:,}, over {BOMB_RATIO} times as many, as no table does; if it is "
                "what you want, unpack it first"
            )
        buffer[: len(found)] = found
        return len(found)
