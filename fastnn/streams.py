"""What is said beside the results: on a stream that may be closed, full, or not there at all.

Progress, notes and warnings end no work: a stream that cannot be written is switched off.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO, TypeVar

T = TypeVar("T")

#: What a closed pipe or terminal, a full disk, a closed file object and no stream at all raise.
BROKEN = (OSError, ValueError, AttributeError)


class SafeStream:
    """A stream that is switched off once it cannot be written; None is one that is not there.

    ``sys.stderr`` is None in a process that was begun without standard error (``2>&-``, pythonw);
    ``print`` would then write to standard output.

    >>> stream = SafeStream(None)
    >>> stream.write("epoch 1"), stream.flush(), stream.isatty()
    (7, None, False)
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream, self._on = stream, stream is not None

    def __getattr__(self, name: str) -> Any:
        """All else is as with the stream itself: its number, its encoding."""
        return getattr(self._stream, name)

    def failed(self, error: Exception) -> None:
        """Answer to ``error``, which has switched the stream off. Here: nothing."""

    def write(self, text: str) -> int:
        """Write, if that can be done; what the encoding lacks as its number."""
        try:
            return self._tried(lambda stream: stream.write(text), len(text))
        except UnicodeEncodeError:
            return self.write(text.encode("ascii", "backslashreplace").decode())

    def flush(self) -> None:
        """Flush, if that can be done."""
        self._tried(lambda stream: getattr(stream, "flush", bool)(), None)

    def isatty(self) -> bool:
        """Return whether it is a terminal that is still there."""
        return self._tried(lambda stream: bool(getattr(stream, "isatty", bool)()), False)

    def _tried(self, act: Callable[[Any], T], otherwise: T) -> T:
        if self._on:
            try:
                return act(self._stream)
            except UnicodeEncodeError:  # a ValueError, but the text is at fault, not the stream
                raise
            except BROKEN as error:
                self._on = False
                _drain(self._stream)
                self.failed(error)
        return otherwise


def _drain(stream: Any) -> None:
    """Send to nowhere what a stream holds back and cannot write.

    Python would try again at its exit, fail, and end with code 120.
    """
    with contextlib.suppress(*BROKEN):
        number = stream.fileno()
        kept, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, number)
            stream.flush()
        finally:
            os.dup2(kept, number)
            os.close(kept)
            os.close(nowhere)


def say(text: str, where: str = "stderr") -> None:
    """Print a line on ``sys.stderr`` or ``sys.stdout``, if that can be done.

    >>> say("Iteration 1", "stdout")
    Iteration 1
    """
    stream = SafeStream(getattr(sys, where))
    stream.write(f"{text}\n")
    stream.flush()
