"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fastnn.errors import ArgumentError, DataError, FastnnError, arg

_TEMPORARY = re.compile(r"\.fastnn-[0-9a-f]{16}\.tmp")
#: A temporary file younger than this may be one that its writer has not locked yet.
_SECONDS_TO_LOCK = 60


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file whole or not at all, as `atomic_file` does.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(f"{folder}/a.txt", b"all of it")
    ...     Path(folder, "a.txt").read_bytes(), os.listdir(folder)
    (b'all of it', ['a.txt'])
    """
    with atomic_file(path) as stream:
        stream.write(content)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Give a stream for a file that is there whole or not at all, when the block has ended.

    An old one is there, untouched, until the very end. The bytes go to a temporary file in the
    same folder, reach the disk (fsync), and take the name in one step (rename); then the folder is
    synchronised too. A new file gets the permissions that the umask leaves, an existing one keeps
    its own; of a symbolic link the file that it points to is replaced. On an error, Ctrl-C
    included, the temporary file is removed; one that a killed process left behind
    (``.fastnn-*.tmp``) goes when the next file is written there.

    Raises ArgumentError if ``path`` is no path, and DataError, naming it, if nothing can be
    written there: no such folder, no permission, a folder or device of that name, a full disk.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_file(f"{folder}/a.txt") as stream:
    ...         _ = stream.write(b"half of it, ")
    ...         before = os.path.exists(f"{folder}/a.txt")
    ...         _ = stream.write(b"and all of it")
    ...     before, Path(folder, "a.txt").read_bytes()
    (False, b'half of it, and all of it')
    """
    shown = path_text(path)
    target = Path(os.path.realpath(shown))
    folder = target.parent
    temporary = folder / f".fastnn-{secrets.token_hex(8)}.tmp"
    try:
        mode = _mode_of_old(target)
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _remove_abandoned(folder)
            # The usual mode of new files: open() takes the umask off it.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            try:
                with open(handle, "wb") as stream:
                    with contextlib.suppress(OSError):  # a file system without locks
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    yield stream
                    stream.flush()
                    if mode is not None:
                        os.fchmod(handle, mode)
                    os.fsync(handle)
                    os.replace(temporary, target)  # while it is locked
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise
            os.fsync(place)
        finally:
            os.close(place)
    except FastnnError:  # of the one who writes
        raise
    except (OSError, ValueError) as error:
        raise DataError(f"cannot write file '{shown}': {_reason(error, folder)}") from error


def _remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that were killed: nobody holds their lock any more.

    What cannot be locked or removed, or is not a temporary file of ours, stays where it is.
    """
    for name in os.listdir(folder):
        if not _TEMPORARY.fullmatch(name):
            continue
        with contextlib.suppress(OSError):
            flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            handle = os.open(folder / name, flags)
            try:
                found = os.fstat(handle)
                old = time.time() - found.st_mtime > _SECONDS_TO_LOCK
                if old and stat.S_ISREG(found.st_mode):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(folder / name)
            finally:
                os.close(handle)


def path_text(path: object) -> str:
    """Return a path as text; raise ArgumentError if it is none.

    >>> path_text(Path("a") / "b")
    'a/b'
    """
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise ArgumentError(f"{arg('path')} must be the name of a file, found {path!r}")
    text = os.fsdecode(path)
    if not text or "\0" in text:
        raise ArgumentError(f"{arg('path')} must be the name of a file, found {text!r}")
    return text


def _mode_of_old(target: Path) -> int | None:
    """The permissions of the file that is there, None if there is none."""
    try:
        found = os.stat(target)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device or pipe"
        raise ValueError(f"it is {kind}; name a file")
    return stat.S_IMODE(found.st_mode)


def _reason(error: OSError | ValueError, folder: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no folder '{folder}'; create it first"
    if isinstance(error, NotADirectoryError):
        return f"'{folder}' is not a folder"
    if isinstance(error, PermissionError):
        return f"no permission to write into '{folder}'; choose another folder"
    if isinstance(error, OSError):
        return f"{error.strerror or error}; nothing was changed"
    return str(error)
