"""What a user calls his files: one, several, a folder, a pattern; of one type, for one table."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from fastnn.data.table import listed
from fastnn.errors import DataError
from fastnn.reading.file_types import IMAGES, Batches, FileType, file_type, type_of


@dataclass(frozen=True)
class Files:
    """Files of one type, whose rows come one after the other.

    >>> find_files(__file__)
    Traceback (most recent call last):
    fastnn.errors.DataError: file '...find_files.py': unknown type; the name must end in one of ...
    """

    paths: tuple[Path, ...]
    type: FileType

    @property
    def size(self) -> int:
        """Their bytes on the disk."""
        return sum(size for size, *_ in self.stamp())

    def stamp(self) -> list[tuple[int, int, int]]:
        """Return what is another one when a file has changed: size and times of each.

        The second time is that at which the system saw a change, which nobody can set back.
        """
        found = [path.stat() for path in self.paths]
        return [(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for stat in found]

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Raise DataError at the end, naming the file, if one has changed meanwhile."""
        before = self.stamp()
        yield
        for path, old, new in zip(self.paths, before, self.stamp(), strict=True):
            if old != new:
                raise DataError(
                    f"file '{path}' has changed while it was read; read it when it is complete"
                )

    def batches(self) -> Batches | None:
        """Return the rows of all of them batch by batch, None for a type that is read at once."""
        if self.type.batches is None:
            return None
        names, first = self.type.batches(self.paths[0])
        return names, chain(first, chain.from_iterable(map(self._rest(names), self.paths[1:])))

    def _rest(self, names: Sequence[str]) -> Any:
        def batches(path: Path) -> Iterator[Any]:
            assert self.type.batches is not None
            own, found = self.type.batches(path)
            check_same_columns(self.paths[0], names, path, own)
            return (table.select(list(names)) for table in found)

        return batches


def are_files(source: Any) -> bool:
    """Say whether a source is a path, a pattern, or a list of paths to files of a known type.

    >>> are_files("a.csv"), are_files([Path("a.csv"), "b.csv"]), are_files(["Ulm", "Bonn"])
    (True, True, False)
    """
    if isinstance(source, list) and source:
        paths = all(isinstance(one, (str, os.PathLike)) for one in source)
        return paths and all(type_of(Path(one)) or os.path.exists(one) for one in source)
    return isinstance(source, (str, os.PathLike))


def is_pattern(path: object) -> bool:
    """Say whether a path stands for all files that match it.

    >>> is_pattern("data/*.csv"), is_pattern("data/a.csv")
    (True, False)
    """
    return glob.has_magic(str(path)) and not os.path.exists(str(path))


def find_files(source: Any) -> Files:
    """Return the files that a source calls, in the order of their names; a list's in its own.

    A folder is that of files of one type: tables, or pictures, which may be in a folder for each
    class. Names that begin with a point or an underscore are none of them.

    Raises DataError naming what is not there, not of the type of the others, or of none.
    """
    if isinstance(source, list):
        found = [find_files(one) for one in source]
        return _of_one_type([path for files in found for path in files.paths])
    path = Path(source)
    if path.is_dir():
        return _in_folder(path)
    if is_pattern(path):
        paths = [Path(one) for one in sorted(glob.glob(str(path), recursive=True))]
        files = [one for one in paths if one.is_file()]
        if not files:
            raise DataError(f"no file matches '{path}'; check the pattern")
        return _of_one_type(files)
    return Files((path,), file_type(path))


def _in_folder(folder: Path) -> Files:
    there = sorted(one for one in folder.iterdir() if one.name[0] not in "._")
    folders, files = [one for one in there if one.is_dir()], [one for one in there if one.is_file()]
    types = [type_of(one) for one in files]
    if (files and all(of is IMAGES for of in types)) or (folders and not files):
        return Files((folder,), IMAGES)
    if not files:
        raise DataError(f"folder '{folder}' is empty")
    if folders:
        raise DataError(
            f"folder '{folder}' holds the folder '{folders[0].name}' beside files; name the files "
            f"by a pattern, such as '{folder}/*{files[0].suffix}'"
        )
    return _of_one_type(files)


def _of_one_type(paths: Sequence[Path]) -> Files:
    """Return files that must be of the type that most of them are."""
    found = [type_of(path) for path in paths]
    known = [of for of in found if of is not None]
    if not known:
        file_type(paths[0])
    most = max(known, key=known.count)
    for path, of in zip(paths, found, strict=True):
        if of is not most:
            ending = next(p.suffix for p, one in zip(paths, found, strict=True) if one is most)
            raise DataError(
                f"file '{path}' is not of the type of the others ({found.count(most)} of "
                f"{most.endings[0]}); take it away, or name the others by a pattern, such as "
                f"'{path.parent}/*{ending}'"
            )
    return Files(tuple(paths), most)


def check_same_columns(
    first: Path, names: Sequence[str], other: Path, found: Sequence[str]
) -> None:
    """Raise DataError, naming both files and the columns, unless they have the same columns.

    >>> check_same_columns(Path("a.csv"), ["x", "y"], Path("b.csv"), ["y"])
    Traceback (most recent call last):
    fastnn.errors.DataError: file 'b.csv' has not the columns of 'a.csv': it lacks x; ...
    """
    lacks = [name for name in names if name not in set(found)]
    more = [name for name in found if name not in set(names)]
    if lacks or more:
        ways = [f"it lacks {listed(lacks)}"] * bool(lacks)
        ways += [f"it has {listed(more)} besides"] * bool(more)
        raise DataError(
            f"file '{other}' has not the columns of '{first}': {', and '.join(ways)}; files of one "
            "table have the same columns"
        )
