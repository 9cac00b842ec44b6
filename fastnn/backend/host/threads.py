"""Threads that begin together or not at all, and out of reach of Ctrl-C.

A thread that has done its work sleeps until there is more, since making one takes longer than a
short epoch: beginning and ending two took 0.19 ms when they were made, 0.05 ms when they slept.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

Work = Callable[[], object]

#: Seconds of a stretch of steps.
STRETCH = 0.2
#: The core that the calling thread is on, -1 if that is not known.
_current_core: Callable[[], int] = getattr(ctypes.PyDLL(None), "sched_getcpu", lambda: -1)


class _Sleeper:
    """A thread that does one piece of work after another, and sleeps in between."""

    def __init__(self) -> None:
        self._go = threading.Lock()
        self._go.acquire()
        self._work: Work | None = None
        threading.Thread(target=self._serve, name="fastnn", daemon=True).start()

    def begin(self, work: Work) -> None:
        self._work = work
        self._go.release()

    def _serve(self) -> None:
        while True:
            self._go.acquire()
            work, self._work = self._work, None
            assert work is not None
            work()
            del work  # keeps nothing alive while it sleeps
            _SLEEPERS.append(self)


_SLEEPERS: list[_Sleeper] = []
# A process that was forked off has none of its parent's threads.
os.register_at_fork(after_in_child=_SLEEPERS.clear)


def begin(work: Work) -> None:
    """Do ``work``, which must not raise, in a thread of its own; do not wait for it.

    Raises RuntimeError if no thread can be had.
    """
    try:
        sleeper = _SLEEPERS.pop()
    except IndexError:
        sleeper = _Sleeper()
    sleeper.begin(work)


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
        begin(body)
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
    ends = [threading.Lock() for _ in works[1:]]

    def body(work: Work, end: threading.Lock) -> None:
        gate.wait()
        try:
            if together.is_set():
                work()
        finally:
            end.release()

    try:
        for work, end in zip(works[1:], ends, strict=True):
            end.acquire()
            begin(partial(body, work, end))
        together.set()
    finally:
        gate.set()
    works[0]()
    for end in ends:
        end.acquire()


def leave_core(core: int) -> None:
    """Move the calling thread to another core if it is on this one; it is not bound to any.

    On a virtual machine, a thread that wakes another one up often gets it onto its own core, where
    both take turns for tens of milliseconds while another core idles.

    >>> leave_core(_current_core())
    """
    if core < 0 or _current_core() != core:  # below 0 where the system does not tell
        return
    allowed = os.sched_getaffinity(0)
    if core in allowed and len(allowed) > 1:
        with suppress(OSError):  # forbidden, or the cores were taken away meanwhile
            os.sched_setaffinity(0, allowed - {core})
            os.sched_setaffinity(0, allowed)


class SideBySide:
    """The same pieces of work at the same time, whenever this is called: some microseconds more.

    The others keep off the core of the first (`leave_core`). Not for the main thread, which Ctrl-C
    may take away while the others work: `in_shelter`.

    >>> done = []
    >>> both = SideBySide([lambda: done.append(1), lambda: done.append(2)])
    >>> both(), both(), sorted(done)
    (None, None, [1, 1, 2, 2])
    """

    def __init__(self, works: Sequence[Work]) -> None:
        self._first, *others = works
        self._others = [(partial(self._body, w, end := _taken()), end) for w in others]
        self._raised: list[BaseException] = []
        self._core = -1  # of the first

    def __call__(self) -> None:
        self._core = _current_core()
        for body, _ in self._others:
            try:
                begin(body)
            except RuntimeError:  # no thread can be had
                body()
        try:
            self._first()
        finally:
            for _, end in self._others:
                end.acquire()
        if self._raised:
            raise self._raised.pop()

    def _body(self, work: Work, end: threading.Lock) -> None:
        try:
            leave_core(self._core)
            work()
        except BaseException as error:
            self._raised.append(error)
        finally:
            end.release()


def _taken() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


class Stretches:
    """Many steps as stretches of `STRETCH` seconds: in between Python gets a chance at signals.

    ``growth``: how many times as long as the one before a stretch may be.

    >>> done = []
    >>> Stretches().run(7, done.append)
    >>> sum(done), done[0]
    (7, 1)
    """

    def __init__(self, growth: int = 4) -> None:
        self._growth, self._steps = growth, 1

    def run(self, n: int, work: Callable[[int], object]) -> None:
        """Call ``work`` with numbers of steps that add up to ``n``."""
        while n > 0:
            steps, start = min(self._steps, n), time.perf_counter()
            work(steps)
            n -= steps
            fitting = int(steps * STRETCH / max(time.perf_counter() - start, 1e-9))
            self._steps = max(1, min(self._growth * self._steps, fitting))
