"""DATA from standard input: in a file while the command runs, which reads it more than once."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastnn.cli.messages import calling
from fastnn.errors import DataError

#: What DATA is for standard input, and what messages call it.
SIGN, NAME = "-", "standard input"


@contextmanager
def standard_input(arguments: argparse.Namespace) -> Iterator[None]:
    """Let DATA be a file with what is on standard input, where it is '-'; it goes in the end.

    What it holds is told by how it begins: delimited text, Parquet, Arrow, JSON lines, Excel and so
    on, packed too. ``arguments.spooled`` says that it was so. Raises DataError if it is empty.

    >>> with standard_input(argparse.Namespace(data="digits")):
    ...     pass
    """
    paths = getattr(arguments, "paths", None)  # of several models, and last of DATA
    asked = getattr(arguments, "data", None) == SIGN or bool(paths and paths[-1] == SIGN)
    if not asked or getattr(arguments, "print_config", False):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="fastnn-") as folder:
        path = str(_spooled(Path(folder)))
        arguments.spooled = True
        if paths:
            arguments.paths = [*paths[:-1], path]
        else:
            arguments.data = path
        with calling(path, NAME):
            yield


def data_of(arguments: argparse.Namespace) -> Any:
    """Return DATA as `fastnn.train` takes it: a list, of which no name is kept, if it was spooled.

    >>> data_of(argparse.Namespace(data="digits"))
    'digits'
    """
    return [arguments.data] if getattr(arguments, "spooled", False) else arguments.data


def _spooled(folder: Path) -> Path:
    path = folder / "stdin"
    source = getattr(sys.stdin, "buffer", None)
    try:
        with path.open("wb") as file:
            if source is not None:
                shutil.copyfileobj(source, file)
    except OSError as error:
        raise DataError(
            f"{NAME} cannot be kept in the folder '{folder.parent}' while the command runs: "
            f"{error.strerror or error}; make room there, set TMPDIR to another folder, or name "
            "a file as DATA"
        ) from error
    if not os.path.getsize(path):
        raise DataError(f"{NAME} is empty: pipe a table into the command, or name a file as DATA")
    return path.rename(folder / f"stdin{_ending(path)}")


def _ending(path: Path) -> str:
    from fastnn.reading.file_types import ending_of
    from fastnn.reading.packed import PACKED, opened

    with path.open("rb") as file:
        ending = ending_of(file.read(64))
    if ending not in PACKED:
        return ending
    if ending == ".zip" and (archive := _of_archive(path)):
        return archive
    packed = path.with_suffix(ending)
    packed.symlink_to(path)
    with opened(packed) as stream:
        return f"{ending_of(stream.read(64))}{ending}"


def _of_archive(path: Path) -> str:
    """The ending of a file that is an archive by its nature."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        return ""
    if "[Content_Types].xml" in names:
        return ".xlsx"
    return ".npz" if names and all(name.endswith(".npy") for name in names) else ""
