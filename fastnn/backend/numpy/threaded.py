"""Programs by NumPy on several threads, each a lane of a `Schedule`.

NumPy and BLAS compute without Python's lock, so the lanes' calls run at the same time. BLAS is held
to one thread meanwhile: its own threads go on spinning after a product, on the very core that the
next elementwise kernel wants.
"""

from __future__ import annotations

import time
from functools import partial
from queue import SimpleQueue

import numpy as np

from fastnn.backend.host.blas import ONE_THREAD, Blas
from fastnn.backend.host.threads import in_shelter, run_together
from fastnn.backend.numpy.cores import current_core, on_own_core
from fastnn.backend.numpy.elementwise import Call
from fastnn.backend.numpy.executor import prepare
from fastnn.backend.numpy.phases import Schedule
from fastnn.backend.numpy.scratch import Scratch

#: Seconds after which Python gets a chance to handle signals.
STRETCH = 0.2


class ThreadedNumpyExecutable:
    """A schedule made ready: ``run(n)`` executes it n times, a thread for each lane.

    >>> from fastnn.backend.host.blas import find_blas
    >>> from fastnn.backend.program import Advance
    >>> counts = np.array([0]), np.array([0])
    >>> schedule = Schedule([[[Advance(counts[0], 1)], [Advance(counts[1], 2)]]], [])
    >>> ThreadedNumpyExecutable(schedule, find_blas()).run(3)
    >>> counts
    (array([3]), array([6]))
    """

    def __init__(self, schedule: Schedule, blas: Blas | None) -> None:
        self.schedule, self._blas = schedule, blas
        self.threads = len(schedule.phases[0])
        self._stretch = 1
        self._lanes = [_calls(schedule, t) for t in range(self.threads)]

    def run(self, n: int = 1) -> None:
        """Execute the program ``n`` times, in stretches short enough to notice Ctrl-C."""
        holder = object()
        try:
            if self._blas is not None:
                ONE_THREAD.enter(holder, self._blas)
            while n > 0:
                steps = min(self._stretch, n)
                start = time.perf_counter()
                in_shelter(partial(self._together, steps))
                n -= steps
                fitting = int(steps * STRETCH / max(time.perf_counter() - start, 1e-9))
                self._stretch = max(1, min(4 * self._stretch, fitting))
        finally:
            if self._blas is not None:
                ONE_THREAD.leave(holder, self._blas)

    def _together(self, n: int) -> None:
        meeting, cores = Meeting(self.threads), [-1] * self.threads
        run_together([partial(self._lane, t, n, meeting, cores) for t in range(self.threads)])
        if meeting.raised:
            raise meeting.raised[0]

    def _lane(self, t: int, n: int, meeting: Meeting, cores: list[int]) -> None:
        try:
            cores[t] = current_core()
            if meeting.wait(t):
                # A loss that is not finite is found by the caller.
                with on_own_core(cores, t), np.errstate(all="ignore"):
                    self._steps(t, n, meeting)
        except BaseException as error:
            meeting.call_off(error)

    def _steps(self, t: int, n: int, meeting: Meeting) -> None:
        phases = self._lanes[t]
        for _ in range(n):
            for calls in phases:
                for call in calls:
                    call()
                if not meeting.wait(t):
                    return


def _calls(schedule: Schedule, t: int) -> list[list[Call]]:
    """Return the calls of lane t in each phase, over scratch memory of its own."""
    scratch = Scratch()
    binds = [[prepare(i, scratch) for i in phase[t]] for phase in schedule.phases]
    return [[call for bind in phase for call in bind()] for phase in binds]


class Meeting:
    """Where ``n`` threads wait for each other, again and again; asleep, not spinning.

    >>> Meeting(1).wait(0)
    True
    """

    def __init__(self, n: int) -> None:
        self.raised: list[BaseException] = []
        self._came: SimpleQueue[int] = SimpleQueue()
        self._go: list[SimpleQueue[int]] = [SimpleQueue() for _ in range(n - 1)]

    def wait(self, t: int) -> bool:
        """Wait until all threads are here; return False if the meeting was called off."""
        if t:
            self._came.put(t)
            if not self.raised:  # else it may be that nobody lets us go any more
                self._go[t - 1].get()
        else:
            for _ in self._go:
                if self.raised:
                    break
                self._came.get()
            for go in self._go:
                go.put(0)
        return not self.raised

    def call_off(self, error: BaseException) -> None:
        """Send everybody home, those who wait and those who are yet to come."""
        self.raised.append(error)
        for go in self._go:
            self._came.put(0)
            go.put(0)
