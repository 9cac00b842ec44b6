"""The course of one training: what an epoch takes, what it gave, and whether it is the last."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.batches import epoch_order
from fastnn.errors import ArgumentError, DataError, DivergenceError
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import Moments
from fastnn.recipe.recipe import Recipe
from fastnn.training.callbacks import Callback, CallbackLike, TrainingState, as_callback
from fastnn.training.history import Epoch, History
from fastnn.training.part import Part
from fastnn.training.stopping import EarlyStopping, converged

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
    """One network to be trained: its numbers, how it is trained, and on what.

    The ``parameters`` are changed in place, and what is in ``progress`` goes on. ``name`` is what
    messages call it; ``error`` is set if it diverged.
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

    def __post_init__(self) -> None:
        if self.options.patience is not None and self.validation is None:
            raise ArgumentError("patience needs a validation part to watch: there is none")

    @property
    def history(self) -> History:
        """The epochs so far."""
        return self.progress.history


class Course:
    """The epochs of one network, whoever computes them; those in its history are done.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.recipe import Recipe
    >>> parameters = Parameters(network([2, 1]), CpuBackend(), "float32")
    >>> part = Part(np.zeros((5, 2)), np.zeros((5, 1)))
    >>> entry = Entry(parameters, Recipe.of(patience=None, epochs=2), part)
    >>> course = Course(entry, [2, 2, 1], "cpu")
    >>> sorted(course.order().tolist()), course.rates().tolist()
    ([0, 1, 2, 3, 4], [0.001, 0.001, 0.001])
    """

    def __init__(self, entry: Entry, batch_sizes: Sequence[int], device: str) -> None:
        self.entry, self.progress = entry, entry.progress
        self._batch_sizes, self._device = batch_sizes, device  # of the steps of an epoch, in order
        self._callbacks: list[Callback] = []
        monitor = None if entry.options.patience is None else entry.options.monitor
        self.progress.history = History(monitor=monitor, epochs=list(entry.history.epochs))

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
        return self.done >= self.entry.options.epochs

    def extend(self, epochs: int) -> None:
        """Have so many epochs, those that are done included."""
        self.entry.options = replace(self.entry.options, epochs=epochs)

    def begin(self) -> None:
        """Begin to watch, or go on to, and tell the callbacks."""
        entry, options = self.entry, self.entry.options
        self.history.stopped, entry.error = "running", None
        if options.patience is not None and self.progress.stopping is None:
            self.progress.stopping = EarlyStopping(
                options.patience, options.min_delta, entry.greater_is_better
            )
        self.state = TrainingState(
            self.history, options.epochs, len(entry.train), self._device,
            rate_factor=self.progress.rate_factor,
        )  # fmt: skip
        self._callbacks.clear()
        for callback in [as_callback(given) for given in entry.callbacks]:
            self._callbacks.append(callback)
            callback.begin(self.state)
            self.progress.rate_factor = self.state.rate_factor

    def order(self) -> npt.NDArray[np.int64]:
        """Return the order of the examples in the next epoch."""
        N, options = sum(self._batch_sizes), self.entry.options
        if not options.shuffle:
            return np.arange(N, dtype=np.int64)
        return epoch_order(N, options.seed, self.done + 1)

    def rates(self) -> FloatArray:
        """Return the learning rate of each step of the next epoch."""
        n, options = len(self._batch_sizes), self.entry.options
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
        N = sum(self._batch_sizes)
        loss, metrics = validation
        self.history.epochs.append(
            Epoch(
                epoch=self.done + 1,
                loss=float(costs @ self._batch_sizes / N),
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
        for callback in self._callbacks:
            callback.epoch_end(self.state)
            self.progress.rate_factor = self.state.rate_factor  # the next one may keep it
        return reason or ("callback" if self.state.stop else "epochs" if self.over else "")

    def _watched(self, weights: Callable[[], Any]) -> str:
        record, options = self.history.epochs[-1], self.entry.options
        stopping = self.progress.stopping
        if stopping is not None:
            value = record.value(options.monitor)
            if stopping.best_epoch is None and math.isnan(value) and options.monitor != "loss":
                of = f"{self.entry.name}: " if self.entry.name else ""
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
        for callback in self._callbacks:
            callback.end(self.state)
