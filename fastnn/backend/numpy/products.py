"""Large matrix products in parts, each multiplied by BLAS on one thread.

BLAS would share a product out among threads of its own. It does not get to, for two reasons. It
cuts the sums elsewhere for another number of threads (784 terms at 392 for two, at 400 for one),
and that number is another one whenever something else in the process holds BLAS back. And its
threads spin while they wait for each other: where other work needs the cores, a step took up to 30
times as long.

Here the parts follow from the program. Whoever multiplies them, and when, the numbers are the same;
so it may depend on the load of the machine whether threads do it at the same time or one does all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from fastnn.backend.host.threads import SideBySide, Work
from fastnn.backend.program import Dot

#: Multiplications that are worth another thread: half a millisecond. On a virtual machine it took
#: 20 us to wake one up and 15 until its end was noticed, and the other core's cache is cold.
WORTH_A_THREAD = 4e7
#: Parts begin at multiples of so many rows or columns: they fill the registers of BLAS.
_STEP = 16
#: Seconds of a stretch of steps, of the steps that try the other way, and until that is tried.
_STRETCH, _TRIAL = 0.1, 0.02
_SOONEST, _LATEST = 0.1, 2.0
#: A trial is followed by so many times as long without one.
_BETWEEN = 20


def parts(product: Dot, threads: int) -> list[Dot]:
    """Return a product as parts for up to ``threads``, by rows or columns, whichever are more.

    >>> import numpy as np
    >>> large = Dot(np.ones((500, 800)), np.ones((800, 300)), np.ones((500, 300)))
    >>> [part.out.shape for part in parts(large, threads=4)]
    [(160, 300), (176, 300), (164, 300)]
    >>> [part.out.shape for part in parts(large, threads=1)]
    [(500, 300)]
    """
    n, m = product.out.shape
    longest = max(n, m)
    steps = -(-longest // _STEP)
    count = min(threads, math.ceil(product.work / WORTH_A_THREAD), steps)
    if count < 2:
        return [product]
    places = [min(longest, steps * t // count * _STEP) for t in range(count + 1)]
    cuts = [slice(*pair) for pair in pairwise(places)]
    if n >= m:
        return [Dot(product.a[cut], product.b, product.out[cut]) for cut in cuts]
    return [Dot(product.a, product.b[:, cut], product.out[:, cut]) for cut in cuts]


class Pace:
    """Whether parts are multiplied at the same time or one after the other: what took less lately.

    Now and then some steps go the other way, to see whether that has become the faster one. The
    numbers are the same.

    >>> pace = Pace()
    >>> pace.run(10, lambda steps: None)
    >>> pace.steps > 1
    True
    """

    def __init__(self) -> None:
        self.together = True
        self.steps = 1  # of the next stretch
        self._best = True  # what took less
        self._seconds = {True: math.inf, False: math.inf}  # of a step
        self._left = self._rest = _SOONEST  # seconds of the best way until the other is tried

    def run(self, n: int, work: Callable[[int], object]) -> None:
        """Call ``work`` with numbers of steps that add up to ``n``."""
        while n > 0:
            steps, start = min(self.steps, n), time.perf_counter()
            work(steps)
            self._note(steps, max(time.perf_counter() - start, 1e-9))
            n -= steps

    def _note(self, steps: int, seconds: float) -> None:
        """Decide about the next stretch by how long the last one took."""
        self._seconds[self.together] = seconds / steps
        if self.together != self._best:  # it was a trial
            won = self._seconds[self.together] < self._seconds[self._best]
            self._best = self.together == won
            self._rest = _SOONEST if won else min(2 * self._rest, _LATEST)
            self._left = max(self._rest, _BETWEEN * seconds)
        else:
            self._left -= seconds
        self.together = self._best == (self._left > 0)
        whole = _STRETCH if self.together == self._best else _TRIAL
        fitting = int(whole / self._seconds[self._best])
        self.steps = max(1, min(4 * steps, fitting))


class SharedProduct:
    """A call that multiplies all parts of a product, at the pace that is set."""

    def __init__(self, calls: Sequence[Work], pace: Pace) -> None:
        self._calls, self._together, self._pace = calls, SideBySide(calls), pace

    def __call__(self) -> None:
        if self._pace.together:
            self._together()
        else:
            for call in self._calls:
                call()
