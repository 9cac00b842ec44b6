"""What ends a command from outside: Ctrl-C, `kill`, a terminal that is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: Treated as Ctrl-C is, so that a training which is told to end keeps its best epoch.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def as_interrupts() -> Iterator[list[int]]:
    """Raise KeyboardInterrupt on SIGTERM and SIGHUP too; yield the list of those that came.

    A signal that is ignored stays so (`nohup`). Outside of the main thread, where Python takes no
    signals, nothing changes.

    >>> import os
    >>> with as_interrupts() as received:
    ...     try:
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ...     except KeyboardInterrupt:
    ...         print(received == [signal.SIGTERM])
    True
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    former = {}
    for number in SIGNALS:
        if signal.getsignal(number) == signal.SIG_DFL:
            former[number] = signal.signal(number, interrupt)
    try:
        yield received
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
