"""The course of one training: what each epoch takes, what it gave, and whether it is the last."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.batches import epoch_order
from fastnn.errors import DataError
from fastnn.recipe.recipe import Recipe
from fastnn.training.history import Epoch, History
from fastnn.training.stopping import EarlyStopping, converged

FloatArray = npt.NDArray[np.float64]


@dataclass
class Course:
    """The epochs of one training, whoever computes them.

    >>> from fastnn.recipe.recipe import Recipe
    >>> options = Recipe.of(seed=1, epochs=2)
    >>> course = Course.of(options, batch_sizes=[2, 2, 1])
    >>> sorted(course.order(1).tolist()), course.rates(1).tolist()
    ([0, 1, 2, 3, 4], [0.001, 0.001, 0.001])
    """

    options: Recipe
    batch_sizes: Sequence[int]  # of the steps of an epoch, in order
    history: History
    stopping: EarlyStopping | None

    @staticmethod
    def of(
        options: Recipe,
        batch_sizes: Sequence[int],
        greater_is_better: bool = False,
    ) -> Course:
        """Return a course that has not begun. ``greater_is_better``: of what is monitored."""
        watched = options.patience is not None
        return Course(
            options,
            batch_sizes,
            History(monitor=options.monitor if watched else None),
            EarlyStopping(options.patience, options.min_delta, greater_is_better)
            if options.patience is not None
            else None,
        )

    @property
    def n_examples(self) -> int:
        """The examples of an epoch: each comes once."""
        return sum(self.batch_sizes)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Return the order of the examples in an epoch, which is numbered from 1."""
        if not self.options.shuffle:
            return np.arange(self.n_examples, dtype=np.int64)
        return epoch_order(self.n_examples, self.options.seed, epoch)

    def rates(self, epoch: int) -> FloatArray:
        """Return the learning rate of each step of an epoch."""
        n, options = len(self.batch_sizes), self.options
        steps = np.arange((epoch - 1) * n, epoch * n, dtype=np.float64)
        return options.learning_rate * options.schedule.factors(steps, n, options.epochs)

    def record(
        self,
        epoch: int,
        costs: FloatArray,
        rate: float,
        seconds: float,
        validation: tuple[float | None, Mapping[str, float]] = (None, {}),
        training_metrics: Mapping[str, float] | None = None,
    ) -> Epoch:
        """Note and return an epoch: ``costs`` of its batches, the last learning rate, its time."""
        N = self.n_examples
        loss, metrics = validation
        self.history.epochs.append(
            Epoch(
                epoch=epoch,
                loss=float(costs @ self.batch_sizes / N),
                learning_rate=rate,
                validation_loss=loss,
                metrics=metrics,
                training_metrics=training_metrics or {},
                seconds=seconds,
                examples_per_second=N / max(seconds, 1e-9),
                batch_costs=costs,
            )
        )
        return self.history.epochs[-1]

    def ended(self, weights: Callable[[], Any]) -> str:
        """Return why the training ends after the epoch noted last, or an empty string.

        ``weights`` returns a new copy of the present ones, to be kept if they are the best, so
        that Ctrl-C never finds an epoch with the weights of another.
        """
        record, options = self.history.epochs[-1], self.options
        if self.stopping is not None:
            value = record.value(options.monitor)
            first = self.stopping.best_epoch is None
            if first and math.isnan(value) and options.monitor != "loss":
                raise DataError(
                    f"monitor {options.monitor!r} is not defined on the validation part (nan): "
                    "monitor the loss, or give the part examples of every class"
                )
            stop = self.stopping.update(record.epoch, value, weights)
            self.history.best_epoch = self.stopping.best_epoch
            if stop:
                return "early_stopping"
        if options.tolerance is not None and converged(
            [e.loss for e in self.history.epochs], options.tolerance
        ):
            return "converged"
        return ""

    def best_weights(self) -> Any:
        """Return the weights of the best epoch, None if the present ones are the model's."""
        if self.stopping is not None and self.stopping.best_weights is not None:
            return self.stopping.best_weights
        if self.history.epochs:
            self.history.best_epoch = self.history.epochs[-1].epoch
        return None
