"""Threads that begin together or not at all, and out of reach of Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

Work = Callable[[], object]


def in_shelter(work: Work) -> None:
    """Do ``work`` in a thread of its own, which Ctrl-C cannot reach, and wait for its end.

    Python raises KeyboardInterrupt in the main thread only. Here it waits until the work is over,
    or has been called off before it began; then it goes on its way. So does what ``work`` raises.

    >>> in_shelter(lambda: print("done"))
    done
    """
    # Whoever takes the turn first decides whether the work is done.
    turn, over = threading.Lock(), threading.Event()
    raised: list[BaseException] = []

    def body() -> None:
        if not turn.acquire(blocking=False):
            return
        try:
            work()
        except BaseException as error:
            raised.append(error)
        finally:
            over.set()

    try:
        threading.Thread(target=body, daemon=True).start()
        over.wait()
    except BaseException:
        if not turn.acquire(blocking=False):
            _wait(over)
        raise
    if raised:
        raise raised[0]


def _wait(over: threading.Event) -> None:
    """Wait, however often somebody presses Ctrl-C."""
    while not over.is_set():
        try:
            over.wait()
        except KeyboardInterrupt:
            continue


def run_together(works: Sequence[Work]) -> None:
    """Do all of ``works`` at the same time, the first in this thread; wait for all.

    They may wait for each other: if one of the threads cannot be had, none begins.

    >>> meeting = threading.Barrier(3)
    >>> run_together([meeting.wait] * 3)
    """
    gate, together = threading.Event(), threading.Event()

    def body(work: Work) -> None:
        gate.wait()
        if together.is_set():
            work()

    others = [threading.Thread(target=body, args=(w,), daemon=True) for w in works[1:]]
    try:
        for thread in others:
            thread.start()
        together.set()
    finally:
        gate.set()
    works[0]()
    for thread in others:
        thread.join()
