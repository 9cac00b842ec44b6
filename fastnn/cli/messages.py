"""What is said on standard error, results that cannot be written, and checks of where they go."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

from fastnn.errors import ArgumentError, DataError, FastnnWarning, Spelling
from fastnn.streams import SafeStream, say

#: Files of the command's own, and what messages call them.
_CALLED: dict[str, str] = {}
#: The warnings and notes of the command so far, which a JSON document repeats.
_TOLD: list[str] = []


def note(text: str) -> None:
    """Print one line on standard error.

    >>> note("3 rows")
    """
    say(f"fastnn: {called(text)}")


@contextmanager
def calling(path: str, name: str) -> Iterator[None]:
    """Let messages call a file by another name while the block runs, and after it in its error.

    >>> with calling("/tmp/x/stdin.csv", "standard input"):
    ...     called("file '/tmp/x/stdin.csv', line 3: 2 cells")
    'standard input, line 3: 2 cells'
    """
    _CALLED[path] = name
    yield
    del _CALLED[path]


def called(text: str) -> str:
    """Return a text with the names that messages have for files of the command's own."""
    for path, name in _CALLED.items():
        for form in (f"file '{path}'", f"'{path}'", path):
            text = text.replace(form, name)
    return text


class ResultsLostError(Exception):
    """Standard output cannot be written: ``unread`` if its reader has gone (`| head`)."""

    def __init__(self, error: Exception | None = None) -> None:
        reason = getattr(error, "strerror", None) or error or "it is closed"
        super().__init__(f"the results cannot be written to standard output: {reason}")
        self.unread = isinstance(error, BrokenPipeError)


class _Results(SafeStream):
    """Standard output while a command runs; what follows a failure fails as that did."""

    _failure: Exception | None = None

    @property
    def buffer(self) -> Any:
        """Where bytes are written: results, too."""
        return _Results(cast(Any, self._stream).buffer)

    def failed(self, error: Exception) -> None:
        self._failure = error
        raise ResultsLostError(error)

    def write(self, text: str) -> int:
        if len(text) and not self._on:
            raise ResultsLostError(self._failure)
        return self._tried(lambda stream: stream.write(text), len(text))


@contextmanager
def standard_streams() -> Iterator[None]:
    """Let what cannot be written on standard error be lost, and on standard output be an error.

    In the block, writing to or flushing ``sys.stdout`` raises ResultsLostError where it fails.

    >>> with standard_streams():
    ...     print("a result")
    a result
    """
    out, err = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cast(TextIO, _Results(out)), cast(TextIO, SafeStream(err))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = out, err
        for stream in (out, err):  # what an error has left there
            SafeStream(stream).flush()


def told() -> dict[str, list[str]]:
    """Return what a JSON document says of warnings and notes: nothing, if there were none.

    >>> with warnings.catch_warnings():
    ...     warn_in_one_line(lambda name, value: f"--{name} {value}")
    ...     told()
    {}
    """
    return {"notes": [*_TOLD]} if _TOLD else {}


def warn_in_one_line(spelling: Spelling) -> None:
    """Show the warnings meant for users as one line each; to be called in ``catch_warnings``.

    ``spelling``: how arguments are written in them.

    >>> with warnings.catch_warnings():
    ...     warn_in_one_line(lambda name, value: f"--{name} {value}")
    """

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        said = message.said(spelling) if isinstance(message, FastnnWarning) else str(message)
        word = "" if getattr(category, "is_note", False) else "warning: "
        text = f"{word}{' '.join(said.split())}"
        _TOLD.append(called(text))
        note(text)

    _TOLD.clear()
    warnings.simplefilter("ignore")
    warnings.simplefilter("default", UserWarning)
    warnings.simplefilter("default", RuntimeWarning)
    warnings.showwarning = show


def check_output(path: str, option: str, inputs: Mapping[str, str | Sequence[str]]) -> None:
    """Raise unless a file can be made at ``path``, before any work is done for it.

    ``inputs``: what the command reads, by its name in the usage: no result replaces it. Raises
    ArgumentError for these, DataError for a folder that is not there or cannot be written.

    >>> check_output("model.fastnn", "--out", {"DATA": "digits"})
    """
    if not path:
        raise ArgumentError(f"{option}: name a file, found ''")
    there = os.path.exists(path)
    for name, given in inputs.items():
        files = [given] if isinstance(given, str) else given
        if there and any(os.path.exists(one) and os.path.samefile(one, path) for one in files):
            raise ArgumentError(f"{option} is the file {path!r}, which is {name}: name another one")
    if os.path.isdir(path):
        raise DataError(f"{option}: '{path}' is a folder; name a file in it")
    folder = os.path.dirname(os.path.realpath(path))
    if not os.path.isdir(folder):
        raise DataError(f"{option}: there is no folder '{folder}'; create it first")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(
            f"{option}: nothing can be written into the folder '{folder}' "
            f"({error.strerror}); choose another one"
        ) from error
