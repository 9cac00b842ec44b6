"""How long a call takes: many calls in a row, several times over."""

from __future__ import annotations

import time
from collections.abc import Callable


def time_calls(
    run: Callable[[int], object],
    *,
    seconds: float = 0.05,
    repeats: int = 5,
    at_most: float = float("inf"),
) -> list[float]:
    """Return the seconds that one call takes, a number for each repeat.

    ``run(n)`` makes n calls and comes back when they are done. After a first call that is not
    counted, each repeat makes as many as fill its share of ``seconds``. No repeat begins after
    ``at_most`` seconds, so that slow calls are repeated less often.

    >>> len(time_calls(lambda n: sum(range(100 * n)), seconds=0.001, repeats=3))
    3
    """
    begin = time.perf_counter()
    share = seconds / repeats
    n, taken = 1, _elapsed(run, 1)
    if taken >= at_most:
        return [taken]  # the first call is all that there is time for
    while (taken := _elapsed(run, n)) < share:
        n = max(2 * n, round(1.1 * n * share / max(taken, 1e-9)))
    found = [taken / n]
    while len(found) < repeats and time.perf_counter() - begin < at_most:
        found.append(_elapsed(run, n) / n)
    return found


def _elapsed(run: Callable[[int], object], n: int) -> float:
    start = time.perf_counter()
    run(n)
    return time.perf_counter() - start
