"""What `Sequential.compile` chooses, checked, and what it makes of the target (N31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.api.sequential import keras_names
from fastnn.api.sequential.layers import Stack
from fastnn.data.targets import Targets
from fastnn.data.tasks import Task
from fastnn.errors import ArgumentError, about, arg, in_python, spelled
from fastnn.nn.losses import LossFunction
from fastnn.nn.network import Network
from fastnn.preparation.fit_to_task import choose_metrics
from fastnn.recipe.checks import listed, whole
from fastnn.recipe.recipe import Recipe
from fastnn.registry import did_you_mean
from fastnn.training.metrics import metric_names


@dataclass(frozen=True, eq=False)
class Compilation:
    """Checked choices, and what they make of the target.

    ``settings`` are arguments of `Recipe.of`; ``keys`` gives the name under which a user
    asked for a metric.
    """

    cost: LossFunction
    task: Task
    n_outputs: int
    settings: Mapping[str, Any]
    metrics: tuple[object, ...]
    keys: Mapping[str, str]

    def targets(self, dtype: str) -> Targets:
        """Return the encoding of y: classes are 0 to K - 1, values stay as they are."""
        K = self.n_outputs
        if self.task in ("binary", "multiclass"):
            return Targets(self.task, np.arange(max(K, 2)), K, None, None, True, dtype)
        if self.task == "multilabel":
            return Targets(self.task, None, K, None, None, False, dtype)
        return Targets(self.task, None, K, np.zeros(K), np.ones(K), K == 1, dtype)

    def recipe(self, seed: int, done: int, fit: Mapping[str, Any]) -> tuple[Recipe, bool]:
        """Return the recipe of a fit, and whether a greater value of the monitor is better.

        ``fit``: `FitOptions`, where ``monitor`` is a key of the history: "val_loss" or "val_" and
        a metric. ``done``: the epochs of the fits before.
        """
        keys = {"val_loss": "loss", **{f"val_{key}": n for n, key in self.keys.items()}}
        monitor = fit.get("monitor")
        if monitor is not None and not (isinstance(monitor, str) and monitor in keys):
            raise ArgumentError(
                f"{arg('monitor')} must be one of {', '.join(keys)}, found {monitor!r}"
                f"{did_you_mean(str(monitor), keys)}",
                value=monitor,
            )
        watched = None if monitor is None else keys[monitor]
        epochs = done + whole("epochs", fit["epochs"])
        called = {"monitor": repr(monitor)}
        with spelled(lambda name, value: in_python(name, value and called.get(name, value))):
            recipe = Recipe.of(
                **self.settings, **{**fit, "epochs": epochs, "monitor": watched}, seed=seed
            )
        _check_schedule(recipe, done)
        return recipe, choose_metrics(self.metrics, recipe.monitor, self.task).greater_is_better


def compilation(
    stack: Stack,
    loss: object,
    optimizer: object,
    metrics: Sequence[object],
    learning_rate: float | None = None,
    **settings: Any,
) -> Compilation:
    """Return the checked choices for a stack of layers.

    >>> from fastnn.api.sequential.layers import Dense, stack
    >>> chosen = compilation(stack([Dense(1, "sigmoid")]), "binary_crossentropy", "adam", ["acc"],
    ...                      0.01)
    >>> chosen.task, chosen.keys, chosen.settings["learning_rate"]
    ('binary', {'accuracy': 'acc'}, 0.01)

    Raises ArgumentError for a name that does not exist and for choices that do not fit.
    """
    cost = keras_names.loss(loss, stack.n_outputs)
    net = stack.network(stack.n_features or 1, cost)
    rule = keras_names.optimizer(optimizer, learning_rate)
    if "gradient_clip" in rule and settings.get("gradient_clip") is not None:
        raise ArgumentError(
            f"{arg('gradient_clip')} and global_clipnorm are the same: give one of them"
        )
    chosen = {**settings, **rule}
    options = Recipe.of(**chosen)
    with about("metrics"):
        ours = [keras_names.metric(one, stack.n_outputs) for one in listed("metrics", metrics)]
    task = _task(net, ours)
    asked = choose_metrics(ours, options.monitor, task).metrics
    keys = {
        name: spec if isinstance(spec, str) and "(" not in spec else name
        for name, spec in zip(metric_names(task, asked), metrics, strict=True)
    }
    return Compilation(cost, task, net.sizes[-1], chosen, asked, keys)


def _task(net: Network, metrics: Sequence[object]) -> Task:
    """Return what the loss and the last layer say the target is.

    Where both allow it (a loss of the output such as squared error, and sigmoid), the metrics
    decide: labels if they are metrics of labels, else values.
    """
    cost, K = net.loss, net.sizes[-1]
    labels: Task = "binary" if K == 1 else "multilabel"
    if cost.link == "softmax":
        return "multiclass"
    if "regression" not in cost.tasks:
        return labels
    if labels in cost.tasks and net.activations[-1].name == "sigmoid" and metrics:
        try:
            metric_names(labels, metrics)
            return labels
        except ArgumentError:
            pass  # said again, if it is wrong for values too
    return "regression"


def _check_schedule(options: Recipe, done: int) -> None:
    """Refuse to go on with a schedule that would have been another one, had it known the end."""
    if not done:
        return
    epochs = np.arange(options.epochs, dtype=np.float64)
    before, now = (options.schedule.factors(epochs, 1, n) for n in (done, options.epochs))
    if not np.array_equal(before, now):
        raise ArgumentError(
            f"{arg('schedule')} {options.schedule.name!r} runs over the epochs of one fit, and "
            "they are over: compile again, or choose a schedule without an end such as "
            "'exponential'"
        )
