"""The choices of `train` that depend on each other: what fits the task, what has an effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, DataError, arg, shown
from fastnn.nn.activations import ActivationFunction, activation
from fastnn.nn.losses import DEFAULT_LOSSES, LOSSES, LossFunction, loss
from fastnn.registry import did_you_mean, parse_choice
from fastnn.training.metrics import default_metrics, greater_is_better, metric_names

Array = npt.NDArray[Any]


def choose_loss(spec: object, task: str, label_smoothing: float = 0.0) -> LossFunction:
    """Return the loss, checked against the task; None takes the task's own.

    >>> choose_loss(None, "multiclass", 0.1).to_json()
    {'name': 'categorical_crossentropy', 'label_smoothing': 0.1}
    >>> choose_loss("huber", "binary")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: loss 'huber' does not fit a binary target; choose from ...
    """
    given: object = DEFAULT_LOSSES[task] if spec is None else spec
    if label_smoothing != 0:
        if callable(given) or isinstance(given, LossFunction):
            raise ArgumentError(f"{arg('label_smoothing')} has no effect with a loss of your own")
        name, options = parse_choice(given, "loss")
        if "label_smoothing" in options:
            raise ArgumentError(
                f"{arg('label_smoothing')} is given twice: leave it out, or out of the loss"
            )
        given = {"name": name, **options, "label_smoothing": label_smoothing}
    cost = loss(given)
    if task not in cost.tasks:
        fitting = ", ".join(row.name for row in LOSSES if task in row.tasks)
        raise ArgumentError(
            f"{arg('loss')} {cost.name!r} does not fit a {task} target; choose from {fitting}"
        )
    return cost


def choose_output(spec: object, task: str, cost: LossFunction) -> ActivationFunction:
    """Return the output activation; None takes the loss's own, sigmoid for classes and labels.

    The outputs of a classifier are probabilities: with a loss that would also take others
    (squared error, your own), only sigmoid or an expression of your own is allowed.

    >>> choose_output(None, "binary", loss("squared_error")).name
    'sigmoid'
    """
    if task == "regression" or cost.from_logits:
        return activation(cost.link if spec is None else spec)
    chosen = activation("sigmoid" if spec is None else spec)
    if chosen.expression is None and chosen.name != "sigmoid":
        raise ArgumentError(
            f"{arg('output_activation')} {chosen.name!r} gives no probabilities, which a {task} "
            f"target needs: leave it out (sigmoid), or use {arg('task', 'regression')}"
        )
    return chosen


@dataclass(frozen=True)
class Judges:
    """The metrics to compute, by which one training is watched, and its better direction."""

    metrics: tuple[object, ...]
    greater_is_better: bool


def choose_metrics(
    metrics: Sequence[object] | None, monitor: str, task: str, cost: LossFunction | None = None
) -> Judges:
    """Return the checked metrics, with `monitor` among them or "loss".

    None: those that fit the task and, if it is a quantile's, the loss.

    >>> choose_metrics(None, "accuracy", "multiclass")
    Judges(metrics=('accuracy',), greater_is_better=True)
    """
    given = default_metrics(task, cost) if metrics is None else metrics
    names, chosen = metric_names(task, given), tuple(given)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ArgumentError(f"{arg('metrics')}: {twice[0]!r} is there twice")
    if monitor == "loss":
        return Judges(chosen, greater_is_better=False)
    if monitor not in names:
        raise ArgumentError(
            f"{arg('monitor')} must be 'loss' or one of the metrics ({', '.join(names)}), found "
            f"{shown(monitor)}{did_you_mean(monitor, ['loss', *names])}"
        )
    return Judges(chosen, greater_is_better(monitor))


def choose_standardization(
    wanted: bool | None, task: str, cost: LossFunction, output: ActivationFunction
) -> bool:
    """Return whether a regression target is standardised (N19).

    None: yes where outputs can be any number, no for counts (Poisson) and for another output
    activation than identity, whose range has a meaning in the target's own units.

    >>> from fastnn.nn.activations import activation
    >>> choose_standardization(None, "regression", loss("huber"), activation("identity"))
    True
    """
    bounded = cost.lowest_target > -np.inf
    if wanted is not None and task != "regression":
        raise ArgumentError(
            f"{arg('standardize_target')} has no effect with a {task} target: leave it out"
        )
    if wanted and bounded:
        raise ArgumentError(
            f"{arg('standardize_target')} cannot be used with loss {cost.name!r}, which needs the "
            "target "
            "in its own units: leave it out"
        )
    return (not bounded and output.name == "identity") if wanted is None else wanted


def output_units(targets: Targets, cost: LossFunction) -> int:
    """Return the units of the output layer: two for a binary target with softmax.

    >>> output_units(Targets.fit([0, 1], "binary"), loss("categorical_crossentropy"))
    2
    """
    return 2 if targets.task == "binary" and cost.link == "softmax" else targets.n_outputs


def check_target_range(Y: Array, cost: LossFunction, part: str = "target") -> None:
    """Raise DataError if an encoded target is not finite or too small for the loss.

    >>> check_target_range(np.array([[0.0], [3.0]]), loss("poisson"))
    >>> check_target_range(np.array([[-1.0]]), loss("poisson"), "test target")
    Traceback (most recent call last):
    fastnn.errors.DataError: test target: loss 'poisson' needs values of at least 0, found -1
    """
    where = f"{part}: " if part else ""
    if not np.isfinite(Y).all():
        raise DataError(f"{where}a value is too large to compute with in {Y.dtype}; rescale it")
    if Y.min() < cost.lowest_target:
        raise DataError(
            f"{where}loss {cost.name!r} needs values of at least {cost.lowest_target:g}, "
            f"found {Y.min():g}"
        )
