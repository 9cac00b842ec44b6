"""What ends a command from outside: Ctrl-C, `kill`, a terminal that is closed."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

#: SIGTERM and SIGHUP are treated as Ctrl-C is: a training told to end keeps its best epoch.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: After so many seconds an interrupt that was lost is raised again: what lost it has ended.
LATER = 0.05


@contextmanager
def as_interrupts() -> Iterator[list[int]]:
    """Raise KeyboardInterrupt on the first of SIGNALS; yield the list of those that came.

    A second one changes nothing: who is to end has been told, and saves what there is. A closed
    terminal is told twice as a rule, by the system and by the shell, and some press Ctrl-C twice.
    The third Ctrl-C or `kill` raises again. A signal that is ignored stays so (`nohup`). Outside
    of the main thread, where Python takes no signals, nothing changes. An interrupt that comes
    where Python lets no exception out (the callback of a weak reference, as imports have them) is
    raised again a moment later.

    >>> import os
    >>> with as_interrupts() as received:
    ...     try:
    ...         os.kill(os.getpid(), signal.SIGTERM)
    ...     except KeyboardInterrupt:
    ...         os.kill(os.getpid(), signal.SIGHUP)
    >>> received == [signal.SIGTERM, signal.SIGHUP]
    True
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        first = not received  # looked up before the next can come, in here
        received.append(number)
        asked = len([n for n in received if n != signal.SIGHUP])
        if first or (asked > 2 and number != signal.SIGHUP):
            raise KeyboardInterrupt

    me = threading.main_thread()
    if threading.current_thread() is not me:
        yield received
        return
    usual = (signal.SIG_DFL, signal.default_int_handler)
    former = {n: signal.getsignal(n) for n in SIGNALS}
    taken = [n for n in SIGNALS if former[n] in usual]
    lost: list[threading.Timer] = []
    report = sys.unraisablehook

    def again(what: sys.UnraisableHookArgs) -> None:
        """Python's hook for an exception that cannot be let out."""
        if what.exc_type is not KeyboardInterrupt or not received:
            report(what)
            return
        number = received.pop()  # so that it is the first again
        lost.append(threading.Timer(LATER, signal.pthread_kill, (me.ident, number)))
        lost[-1].start()

    try:
        for number in taken:
            signal.signal(number, interrupt)
        sys.unraisablehook = again
        yield received
    finally:
        for timer in lost:
            timer.cancel()
        sys.unraisablehook = report
        for number in taken:
            signal.signal(number, former[number])


def unhurried(save: Callable[[], object]) -> bool:
    """Do ``save`` while SIGNALS wait for its end; return whether any came.

    >>> with as_interrupts() as received:
    ...     unhurried(lambda: signal.raise_signal(signal.SIGTERM))
    True
    >>> received == [signal.SIGTERM]
    True
    """
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)

    here = threading.current_thread() is threading.main_thread()
    former = {n: signal.getsignal(n) for n in SIGNALS if here}
    taken = [n for n in former if callable(former[n])]
    try:
        for number in taken:
            signal.signal(number, note)
        save()
    finally:
        for number in taken:
            signal.signal(number, former[number])
    with suppress(KeyboardInterrupt):
        for late in came:
            signal.raise_signal(late)
    return bool(came)
