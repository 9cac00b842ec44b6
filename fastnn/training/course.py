"""The course of one training: what an epoch takes, what it gave, and whether it is the last."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.batches import epoch_order
from fastnn.errors import ArgumentError, DataError, DivergenceError, arg
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import Moments
from fastnn.recipe.recipe import Recipe
from fastnn.training.callbacks import Callback, CallbackLike, TrainingState, as_callback
from fastnn.training.history import Epoch, History
from fastnn.training.part import Part
from fastnn.training.stopping import EarlyStopping, TimeLimit, converged

FloatArray = npt.NDArray[np.float64]
Judged = tuple[float | None, Mapping[str, float]]  # loss and metrics of a part


@dataclass(eq=False)
class Progress:
    """How far a training has come: beside the weights, all that decides how it goes on.

    ``stopping`` is there while a training watches for its best epoch.
    """

    history: History = field(default_factory=History)
    moments: Moments | None = None  # what the optimiser remembers; None before the first step
    stopping: EarlyStopping | None = None
    rate_factor: float = 1.0


@dataclass(eq=False)
class Entry:
    """One network in a training: its numbers, how it is trained, on what, and how far it is.

    The ``parameters`` are changed in place; the epochs in ``progress`` are done. ``name`` is what
    messages call it; ``error`` is set if it diverged. ``batch_sizes``: of the steps of an epoch, in
    order, known when it is `entered`.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> parameters = Parameters(network([2, 1]), CpuBackend(), "float32")
    >>> part = Part(np.zeros((5, 2)), np.zeros((5, 1)))
    >>> entry = Entry(parameters, Recipe.of(patience=None, epochs=2), part)
    >>> entry.enter([2, 2, 1])
    >>> sorted(entry.order().tolist()), entry.rates().tolist()
    ([0, 1, 2, 3, 4], [0.001, 0.001, 0.001])
    """

    parameters: Parameters
    options: Recipe
    train: Part
    validation: Part | None = None
    greater_is_better: bool = False  # of what is monitored
    training_metrics: bool = False
    callbacks: Sequence[CallbackLike] = ()
    progress: Progress = field(default_factory=Progress)
    name: str = ""
    error: DivergenceError | None = None
    batch_sizes: Sequence[int] = ()

    def __post_init__(self) -> None:
        if self.options.patience is not None and self.validation is None:
            raise ArgumentError(
                f"{arg('patience')} needs a validation part to watch: there is none"
            )

    @property
    def history(self) -> History:
        """The epochs so far."""
        return self.progress.history

    @property
    def done(self) -> int:
        """How many epochs are over."""
        return len(self.history.epochs)

    @property
    def over(self) -> bool:
        """Whether those are all."""
        return self.done >= self.options.epochs

    def enter(self, batch_sizes: Sequence[int]) -> None:
        """Take part in a training that goes on where its history ends."""
        monitor = None if self.options.patience is None else self.options.monitor
        self.progress.history = History(monitor=monitor, epochs=list(self.history.epochs))
        self.batch_sizes = batch_sizes
        self._begun: list[Callback] = []

    def begin(self, device: str) -> None:
        """Begin to watch, or go on to, and tell the callbacks."""
        options, progress = self.options, self.progress
        self.history.stopped, self.error = "running", None
        if options.patience is not None and progress.stopping is None:
            progress.stopping = EarlyStopping(
                options.patience, options.min_delta, self.greater_is_better
            )
        self._time = None if options.time_limit is None else TimeLimit(options.time_limit)
        self._state = TrainingState(
            self.history, options.epochs, len(self.train), device, rate_factor=progress.rate_factor
        )
        for callback in [as_callback(given) for given in self.callbacks]:
            self._begun.append(callback)
            callback.begin(self._state)
            progress.rate_factor = self._state.rate_factor

    def order(self) -> npt.NDArray[np.int64]:
        """Return the order of the examples in the next epoch."""
        N, options = sum(self.batch_sizes), self.options
        if not options.shuffle:
            return np.arange(N, dtype=np.int64)
        return epoch_order(N, options.seed, self.done + 1)

    def rates(self) -> FloatArray:
        """Return the learning rate of each step of the next epoch."""
        n, options = len(self.batch_sizes), self.options
        steps = np.arange(self.done * n, (self.done + 1) * n, dtype=np.float64)
        rates = options.learning_rate * options.schedule.factors(steps, n, options.epochs)
        return rates * self.progress.rate_factor

    def record(
        self,
        costs: FloatArray,
        rate: float,
        seconds: float,
        validation: Judged = (None, {}),
        training_metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Note an epoch: ``costs`` of its batches, the last learning rate, its time."""
        N = sum(self.batch_sizes)
        loss, metrics = validation
        self.history.epochs.append(
            Epoch(
                epoch=self.done + 1,
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

    def ended(self, weights: Callable[[], Any]) -> str:
        """Return why the training ends after the epoch noted last, or an empty string.

        ``weights`` returns a new copy of the present ones, to be kept if they are the best, so
        that Ctrl-C never finds an epoch with the weights of another.
        """
        reason = self._watched(weights)
        for callback in self._begun:
            callback.epoch_end(self._state)
            self.progress.rate_factor = self._state.rate_factor  # the next one may keep it
        reason = reason or ("callback" if self._state.stop else "epochs" if self.over else "")
        late = self._time is not None and self._time.epoch_over()
        return reason or ("time_limit" if late else "")

    def _watched(self, weights: Callable[[], Any]) -> str:
        record, options = self.history.epochs[-1], self.options
        stopping = self.progress.stopping
        if stopping is not None:
            value = record.value(options.monitor)
            if stopping.best_epoch is None and math.isnan(value) and options.monitor != "loss":
                of = f"{self.name}: " if self.name else ""
                raise DataError(
                    f"{of}monitor {options.monitor!r} is not defined on the validation part (nan): "
                    "monitor the loss, or give the part examples of every class"
                )
            stop = stopping.update(record.epoch, value, weights)
            self.history.best_epoch = stopping.best_epoch
            if stop:
                return "early_stopping"
        if options.tolerance is not None and converged(
            [e.loss for e in self.history.epochs], options.tolerance
        ):
            return "converged"
        return ""

    def end(self, reason: str) -> Any:
        """Note why it ended; return the best epoch's weights, None if the present ones count."""
        stopping, self.progress.stopping = self.progress.stopping, None
        self.progress.rate_factor, self.history.stopped = 1.0, reason
        if stopping is not None and stopping.best_weights is not None:
            return stopping.best_weights
        if self.history.epochs:
            self.history.best_epoch = self.done
        return None

    def finish(self) -> None:
        """Tell the callbacks that it is over: the weights are in their place."""
        begun, self._begun = self._begun, []
        for callback in begun:
            callback.end(self._state)
