"""Machine code of kernels on disk, so that a process need not compile what another one has.

It lies in ``$FASTNN_CACHE``, else in ``fastnn/kernels`` of the user's cache folder
(``$XDG_CACHE_HOME``, ``~/.cache``); ``FASTNN_CACHE=off`` turns it off. What is read is executed:
a folder or a file that belongs to somebody else, or that others may write to, is not used. All
that can go wrong (no room, no permission, a torn file) only costs the time to compile again.

Kernels are compiled together, so one file holds several; it has a name (a hard link) for each.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

#: Bytes above which the files that were not used for longest go, until half of them are left.
MOST_BYTES = 32 * 2**20
_VARIABLE = "FASTNN_CACHE"
_CHECKSUM = hashlib.sha256
_DAY = 86_400
#: Of all files here: others, in a folder that may be somebody's own, are never touched.
_SUFFIX = ".kernel"


def cache_folder() -> Path | None:
    """Return where machine code is kept, or None if it is not to be kept.

    >>> folder = cache_folder()
    >>> folder is None or folder.is_absolute()
    True
    """
    own = os.environ.get(_VARIABLE, "")
    if own:
        return None if own.lower() in ("off", "0") else Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # relative ones are to be ignored, says the specification
        base = os.path.expanduser("~/.cache")
    return Path(base, "fastnn", "kernels") if os.path.isabs(base) else None


class UnsafeError(OSError):
    """Somebody else could have written what would be executed."""


@dataclass(frozen=True)
class Found:
    """An object file's bytes, and which of the keys it was found for."""

    code: bytes
    keys: list[str]


class ObjectCache:
    """Object files in a folder, by keys that say all that their bytes depend on; None: none."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def find(self, keys: Sequence[str]) -> list[Found]:
        """Return the files that there are for these keys, each once."""
        found: dict[tuple[int, int], Found] = {}
        with contextlib.suppress(OSError), self._opened() as folder:
            for key in keys:
                with contextlib.suppress(OSError):
                    self._read(folder, key, found)
        return list(found.values())

    def keep(self, code: bytes, keys: Sequence[str]) -> None:
        """Write an object file under each of these keys, whole or not at all; or do nothing."""
        with contextlib.suppress(OSError):
            if self.folder is not None:
                self.folder.mkdir(0o700, parents=True, exist_ok=True)
            with self._opened() as folder:
                self._write(folder, code, keys)
                _prune(folder)

    def problem(self) -> str:
        """Return why nothing is kept there, or an empty string."""
        if self.folder is None:
            return f"off ({_VARIABLE})" if os.environ.get(_VARIABLE) else "no home folder"
        place = self.folder
        try:
            with self._opened():
                pass
        except FileNotFoundError:  # made when there is something to keep
            place = next(p for p in self.folder.parents if p.exists())
        except OSError as error:
            return error.strerror or str(error)
        return "" if os.access(place, os.W_OK) else f"no permission to write to {place}"

    def size(self) -> int:
        """Return the bytes that are kept.

        >>> ObjectCache(None).size()
        0
        """
        with contextlib.suppress(OSError), self._opened() as folder:
            return sum(file.st_size for file, _ in _files(folder).values())
        return 0

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the folder: what is done by its number stays in it, whatever its name becomes."""
        if self.folder is None:
            raise FileNotFoundError
        number = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _check_owner(os.fstat(number))
            yield number
        finally:
            os.close(number)

    def _read(self, folder: int, key: str, found: dict[tuple[int, int], Found]) -> None:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        name = key + _SUFFIX
        with open(os.open(name, flags, dir_fd=folder), "rb") as file:
            state = os.fstat(file.fileno())
            _check_owner(state)
            place = (state.st_dev, state.st_ino)
            if place in found:
                found[place].keys.append(key)
                return
            if not stat.S_ISREG(state.st_mode):
                return
            content = file.read(MOST_BYTES)
            size = _CHECKSUM().digest_size
            if _CHECKSUM(content[size:]).digest() != content[:size]:
                os.unlink(name, dir_fd=folder)
                return
            if state.st_mtime < time.time() - _DAY:  # in use
                with contextlib.suppress(OSError):
                    os.utime(file.fileno())
            found[place] = Found(content[size:], [key])

    def _write(self, folder: int, code: bytes, keys: Sequence[str]) -> None:
        temporary = f"new-{os.urandom(8).hex()}{_SUFFIX}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(_CHECKSUM(code).digest() + code)
            for name in (key + _SUFFIX for key in keys):
                try:
                    os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                except FileExistsError:
                    pass
                except OSError:  # a file system without hard links: only the first name
                    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                    break
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=folder)


def _check_owner(state: os.stat_result) -> None:
    if state.st_uid != os.geteuid():
        raise UnsafeError(0, "belongs to another user")
    if state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UnsafeError(0, "others may write to it")


def _files(folder: int) -> dict[int, tuple[os.stat_result, list[str]]]:
    """Return the files that were written here, and all their names, by inode."""
    files: dict[int, tuple[os.stat_result, list[str]]] = {}
    for name in (n for n in os.listdir(folder) if n.endswith(_SUFFIX)):
        with contextlib.suppress(OSError):
            state = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISREG(state.st_mode):
                files.setdefault(state.st_ino, (state, []))[1].append(name)
    return files


def _prune(folder: int) -> None:
    """Remove the files that were not used for longest if there is too much."""
    files = sorted(_files(folder).values(), key=lambda file: file[0].st_mtime)
    size = sum(state.st_size for state, _ in files)
    if size <= MOST_BYTES:
        return
    for state, names in files:
        if size <= MOST_BYTES // 2:
            return
        size -= state.st_size
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
