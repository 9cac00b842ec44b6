"""How to train: every choice, checked before anything is computed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.backend.random import check_seed
from fastnn.data.batches import batch_size_for
from fastnn.errors import ArgumentError
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.optimizers import OptimizerRule, optimizer
from fastnn.nn.schedules import ScheduleRule, schedule

#: From so many examples on, the mini-batch size unless another is chosen.
_SIZES = ((1_000_000, 512), (10_000, 128), (1, 32))


@dataclass(frozen=True)
class TrainingOptions:
    """The choices of a training, made by `training_options`."""

    epochs: int
    batch_size: int | str | None
    micro_batch_size: int | str
    optimizer: OptimizerRule
    learning_rate: float
    schedule: ScheduleRule
    l2: float
    l1: float
    gradient_clip: float | None
    groups: tuple[ParameterGroup, ...]
    patience: int | None
    min_delta: float
    monitor: str
    tolerance: float | None
    shuffle: bool
    seed: int

    def batch_size_for(self, n_examples: int) -> int:
        """Return the mini-batch size for so many training examples."""
        if self.batch_size is not None:
            return batch_size_for(n_examples, self.batch_size)
        return min(n_examples, next(m for n, m in _SIZES if n_examples >= n))

    def check_schedule(self) -> None:
        """Raise ArgumentError if a step schedule ends before its first step."""
        every = self.schedule.options.get("every")
        if every is not None and self.schedule.per == "epoch":
            left = self.epochs - self.schedule.warm_up
            if every >= left:
                raise ArgumentError(
                    f"schedule {self.schedule.name!r}: every={every:g} epochs has no effect, since "
                    f"the schedule has {left:g} of them; take fewer, or leave the schedule out"
                )

    def to_json(self) -> dict[str, Any]:
        """Return what a model file keeps of them."""
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "micro_batch_size": self.micro_batch_size,
            "optimizer": self.optimizer.to_json(),
            "learning_rate": self.learning_rate,
            "schedule": self.schedule.to_json(),
            "l2": self.l2,
            "l1": self.l1,
            "gradient_clip": self.gradient_clip,
            "groups": [vars(group) for group in self.groups],
            "patience": self.patience,
            "min_delta": self.min_delta,
            "monitor": self.monitor,
            "tolerance": self.tolerance,
            "shuffle": self.shuffle,
            "seed": self.seed,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TrainingOptions:
        """Return the options of `to_json`; raise ArgumentError or TypeError if they are not.

        >>> options = training_options(schedule="cosine", patience=3)
        >>> TrainingOptions.from_json(options.to_json()) == options
        True
        """
        given = {**data, "groups": [ParameterGroup(**group) for group in data["groups"]]}
        if data["patience"] is None and data["monitor"] == "loss":
            given["monitor"] = None  # what it is when nothing is watched
        return training_options(**given)


def training_options(
    *,
    epochs: int = 100,
    batch_size: int | str | None = None,
    micro_batch_size: int | str = "auto",
    optimizer: object = "adam",
    learning_rate: float | None = None,
    schedule: object = "constant",
    l2: float = 0.0,
    l1: float = 0.0,
    gradient_clip: float | None = None,
    groups: Sequence[ParameterGroup] = (),
    patience: int | None = None,
    min_delta: float = 0.0,
    monitor: str | None = None,
    tolerance: float | None = None,
    shuffle: bool = True,
    seed: int = 0,
) -> TrainingOptions:
    """Return checked options.

    Parameters
    ----------
    epochs : passes through the training examples, at most.
    batch_size : examples per mini-batch (N26), "full", or "auto" for the notes' rule (N27). None
        takes 32, from 10,000 examples on 128, from a million on 512: small data train better in
        small batches, large ones faster in large.
    micro_batch_size : examples of a mini-batch that are computed at once; the gradients of such
        parts are added up, so that the training is the same, in less memory. "auto" computes all
        at once if that fits into the memory, and else as many as fit, and says so.
    optimizer, schedule : names, options or dicts, as in their tables.
    learning_rate : None takes the optimiser's default.
    l2, l1 : lambda of the penalties (N11).
    gradient_clip : the largest norm of the gradient, over all parameters.
    groups : parameters with a learning-rate factor or weight decay of their own.
    patience : stop when so many epochs brought no improvement of ``monitor`` by more than
        ``min_delta`` on the validation part, and go back to the best epoch's weights.
    monitor : "loss" (default) or a metric.
    tolerance : stop when the training cost changed by less than this, relative to itself, in
        three epochs running (N25).
    shuffle : new order of the examples in each epoch.
    seed : of weights, order and dropout.

    >>> training_options(optimizer="momentum", learning_rate=0.05).learning_rate
    0.05
    >>> training_options(epochs=0)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: epochs must be a whole number above 0, found 0
    """
    if batch_size is not None:
        batch_size_for(1, batch_size)  # refuses what is not a batch size
    if micro_batch_size != "auto":
        micro_batch_size = _micro_batch_size(micro_batch_size, batch_size)
    if not isinstance(shuffle, bool):
        raise ArgumentError(f"shuffle must be True or False, found {shuffle!r}")
    if monitor is not None and not isinstance(monitor, str):
        raise ArgumentError(f"monitor must be 'loss' or the name of a metric, found {monitor!r}")
    rule = _optimizer(optimizer)
    if patience is None and (monitor is not None or min_delta):
        name = "monitor" if monitor is not None else "min_delta"
        raise ArgumentError(f"{name} has no effect without patience: set patience too")
    over_time = _schedule(schedule)
    if over_time.per == "epoch" and over_time.warm_up > whole("epochs", epochs):
        raise ArgumentError(
            f"schedule {over_time.name!r}: its warm_up of {over_time.warm_up:g} epochs is longer "
            f"than the training (epochs={epochs})"
        )
    if learning_rate is not None:
        number("learning_rate", learning_rate, open_low=True)
    return TrainingOptions(
        epochs=whole("epochs", epochs),
        batch_size=int(batch_size) if isinstance(batch_size, np.integer) else batch_size,
        micro_batch_size=micro_batch_size,
        optimizer=rule,
        learning_rate=float(rule.learning_rate if learning_rate is None else learning_rate),
        schedule=over_time,
        l2=number("l2", l2),
        l1=number("l1", l1),
        gradient_clip=None
        if gradient_clip is None
        else number("gradient_clip", gradient_clip, open_low=True),
        groups=_groups(groups),
        patience=None if patience is None else whole("patience", patience),
        min_delta=number("min_delta", min_delta),
        monitor="loss" if monitor is None else monitor,
        tolerance=None if tolerance is None else number("tolerance", tolerance, open_low=True),
        shuffle=shuffle,
        seed=check_seed(seed),
    )


_optimizer, _schedule = optimizer, schedule  # parameters hide the functions


def _micro_batch_size(value: object, batch_size: object) -> int:
    if isinstance(value, str):
        raise ArgumentError(
            f"micro_batch_size must be a whole number above 0 or 'auto', found {value!r}"
        )
    micro = whole("micro_batch_size", value)
    if isinstance(batch_size, (int, np.integer)) and micro > batch_size:
        raise ArgumentError(
            f"micro_batch_size={micro} has no effect with batch_size={batch_size}: a micro-batch "
            "is a part of a mini-batch"
        )
    return micro


def _groups(groups: Sequence[ParameterGroup]) -> tuple[ParameterGroup, ...]:
    """Return the groups with plain numbers; whether they fit the network is seen later."""
    if not isinstance(groups, (list, tuple)) or not all(
        isinstance(group, ParameterGroup) for group in groups
    ):
        raise ArgumentError(f"groups must be a list of ParameterGroup, found {groups!r}")
    checked = []
    for group in groups:
        factor, decay = group.learning_rate_factor, group.weight_decay
        if factor == 1 and decay is None:
            raise ArgumentError(
                f"{group} has no effect: give it a learning_rate_factor or a weight_decay"
            )
        checked.append(
            ParameterGroup(
                kind=group.kind,
                layer=None if group.layer is None else whole("groups: layer", group.layer),
                learning_rate_factor=number("groups: learning_rate_factor", factor),
                weight_decay=None if decay is None else number("groups: weight_decay", decay),
            )
        )
    return tuple(checked)


def whole(name: str, value: object) -> int:
    """Return ``value`` as a positive int; raise ArgumentError naming it otherwise.

    >>> whole("epochs", 3)
    3
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ArgumentError(f"{name} must be a whole number above 0, found {value!r}")
    return int(value)


def number(name: str, value: object, open_low: bool = False) -> float:
    """Return ``value`` as a finite float, not negative; ``open_low`` excludes 0.

    >>> number("l2", 1)
    1.0
    """
    valid = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not valid or not math.isfinite(float(value)) or float(value) < 0 or (open_low and not value):  # type: ignore[arg-type]
        raise ArgumentError(
            f"{name} must be a number {'above 0' if open_low else 'of 0 or more'}, found {value!r}"
        )
    return float(value)  # type: ignore[arg-type]
