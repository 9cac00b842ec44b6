"""Early stopping, convergence, and the time that a training may take."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

#: Epochs in a row that must change the cost by less than the tolerance (N25).
CONVERGED_AFTER = 3


@dataclass
class EarlyStopping:
    """Keeps the best epoch's weights; says when ``patience`` epochs brought nothing better.

    A value that is not a number counts as no improvement.

    >>> stopping = EarlyStopping(patience=2, min_delta=0.0, greater_is_better=False)
    >>> [stopping.update(epoch, loss, lambda: epoch) for epoch, loss in enumerate([3, 2, 4, 5], 1)]
    [False, False, False, True]
    >>> stopping.best_epoch, stopping.best_weights
    (2, 2)
    """

    patience: int
    min_delta: float
    greater_is_better: bool
    best: float = math.nan
    best_epoch: int | None = None
    best_weights: Any = None

    def update(self, epoch: int, value: float, snapshot: Callable[[], Any]) -> bool:
        """Note an epoch's value; return True when it is time to stop."""
        gain = value - self.best if self.greater_is_better else self.best - value
        if self.best_epoch is None or gain > self.min_delta or math.isnan(self.best):
            if self.best_epoch is None or not math.isnan(value):
                self.best, self.best_epoch, self.best_weights = value, epoch, snapshot()
        return epoch - (self.best_epoch or epoch) >= self.patience


def converged(costs: list[float], tolerance: float) -> bool:
    """Return whether the last epochs all changed the cost by less than ``tolerance`` of itself.

    >>> converged([1.0, 0.5, 0.5, 0.5, 0.5], 1e-3), converged([1.0, 0.5], 1e-3)
    (True, False)
    """
    last = costs[-CONVERGED_AFTER - 1 :]
    if len(last) <= CONVERGED_AFTER:
        return False
    return all(
        abs(after - before) <= tolerance * max(abs(before), 1e-12)
        for before, after in pairwise(last)
    )


@dataclass
class TimeLimit:
    """Says when another epoch, as long as the last one, would end too late.

    ``seconds``: from now on; ``clock`` returns seconds.

    >>> times = iter([0.0, 3.0, 6.0])
    >>> limit = TimeLimit(7.0, clock=lambda: next(times))
    >>> limit.epoch_over(), limit.epoch_over()  # the next would end after 6 and 9 seconds
    (False, True)
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _last: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._last = self.clock()

    def epoch_over(self) -> bool:
        """Note that an epoch is over; return whether it must be the last."""
        now, before = self.clock(), self._last
        self._last = now
        return now - self._began + (now - before) > self.seconds
