"""When a fit ends, and with which learning rate it goes on: scikit-learn's rules."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnn.streams import say
from fastnn.training.callbacks import TrainingState

#: 'adaptive': epochs without improvement before the rate is divided, by what, and the last rate.
PATIENCE, DIVISOR, SMALLEST_RATE = 2, 5.0, 1e-6


class Watch:
    """A callback that looks at the training loss, or at the ``monitor`` of the validation part.

    An epoch is an improvement if it is better than the best so far by ``tol`` or more. After more
    than ``patience`` epochs in a row that are not, the training stops. With ``adaptive`` the
    learning rate is divided by 5 after every second such epoch, down to 1e-6; only then the
    training can stop. ``invscaling`` is the exponent p of ``rate / t^p``, t being the examples
    seen, or None.

    >>> Watch(tol=0.1, patience=2, greater_is_better=False).improves(0.5)
    True
    """

    def __init__(
        self,
        *,
        tol: float,
        patience: float,
        greater_is_better: bool,
        monitor: str | None = None,
        keep: Callable[[], Any] | None = None,
        adaptive: bool = False,
        invscaling: float | None = None,
        rate: float = 0.0,
        seen: int = 0,
        verbose: bool = False,
        one_epoch: bool = False,
    ) -> None:
        self.tol, self.patience, self.sign = tol, patience, 1.0 if greater_is_better else -1.0
        self.monitor, self.keep = monitor, keep
        self.adaptive, self.invscaling, self.rate, self.seen = adaptive, invscaling, rate, seen
        self.verbose, self.one_epoch = verbose, one_epoch
        self.best, self.best_weights = math.nan, None
        self.factor, self.count, self.stopped = 1.0, 0, False
        self.epochs = 0

    def improves(self, value: float) -> bool:
        """Return whether a value is better than the best by ``tol`` or more."""
        if math.isnan(value):
            return False
        return math.isnan(self.best) or self.sign * (value - self.best) >= self.tol

    def begin(self, state: TrainingState) -> None:
        """Set the learning rate where an earlier fit left it."""
        state.rate_factor = self._factor()

    def epoch_end(self, state: TrainingState) -> None:
        """Judge the epoch that has just ended."""
        epoch = state.epoch
        self.seen += state.n_examples
        self.epochs += 1
        value = epoch.loss if self.monitor is None else epoch.value(self.monitor)
        if self.verbose:
            say(f"Iteration {self.epochs}, loss = {epoch.loss:.8f}", "stdout")
            if self.monitor is not None:
                say(f"Validation score: {value:f}", "stdout")
        self._judge(value)
        if self.adaptive:
            self._adapt()
        at_end = not self.adaptive or self.rate * self.factor <= SMALLEST_RATE
        self.stopped = at_end and self.count > self.patience
        state.rate_factor = self._factor()
        state.stop = state.stop or self.stopped or self.one_epoch

    def end(self, state: TrainingState) -> None:
        """Nothing."""

    def _judge(self, value: float) -> None:
        self.count = 0 if self.improves(value) else self.count + 1
        if not math.isnan(value) and not self.sign * (value - self.best) <= 0:
            self.best = value
            if self.keep is not None:
                self.best_weights = self.keep()

    def _adapt(self) -> None:
        if self.count >= PATIENCE and self.rate * self.factor > SMALLEST_RATE:
            self.factor /= DIVISOR
            self.count = 0
            if self.verbose:
                say(f"Setting learning rate to {self.rate * self.factor:f}", "stdout")

    def next_rate(self) -> float:
        """Return the learning rate with which the next epoch would begin.

        >>> given = {"tol": 0, "patience": 2, "greater_is_better": False}
        >>> Watch(**given, invscaling=0.5, rate=4.0, seen=3).next_rate()
        2.0
        """
        if self.invscaling is not None:  # scikit-learn's, to the last bit
            return float(self.rate / (self.seen + 1) ** self.invscaling)
        return self.rate * self.factor

    def _factor(self) -> float:
        if self.invscaling is not None and self.seen:
            return float((self.seen + 1) ** -self.invscaling)
        return self.factor
