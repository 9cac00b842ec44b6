"""The solvers 'adam' and 'sgd', and fastnn's optimisers: mini-batches through the one loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.api.estimators.fitted import Fitted
from fastnn.api.estimators.watching import Watch
from fastnn.backend.protocols import copied
from fastnn.errors import ArgumentError, arg, warn
from fastnn.recipe.recipe import Recipe
from fastnn.training.part import Part

#: What 'auto' takes, as scikit-learn does.
BATCH_SIZE = 200


@dataclass(frozen=True, eq=False)
class Descent:
    """What one call of ``fit`` or ``partial_fit`` is to do.

    ``alpha`` is the strength of the L2 penalty for examples whose weights have the mean 1;
    ``monitor`` is None where the training loss decides.
    """

    train: Part
    validation: Part | None
    alpha: float
    monitor: str | None
    greater_is_better: bool
    one_epoch: bool  # partial_fit
    seen: int  # examples in all fits before


def descend(fitted: Fitted, p: Mapping[str, Any], work: Descent) -> Watch:
    """Train by mini-batches; the weights are then those of the best epoch or the last.

    Raises DivergenceError and TrainingInterrupted as `Learner.train` does.
    """
    options = _options(fitted, p, work)
    if fitted.history.epochs or work.one_epoch:
        _refuse_ending(options)
    elif not p["warm_start"]:
        options.check_end()

    def keep() -> tuple[Any, int]:
        return copied(fitted.backend, fitted.parameters.theta), len(fitted.history.epochs)

    watch = Watch(
        tol=p["tol"],
        patience=p["n_iter_no_change"],
        greater_is_better=work.monitor is not None and work.greater_is_better,
        monitor=work.monitor,
        keep=None if work.monitor is None else keep,
        adaptive=p["learning_rate"] == "adaptive",
        invscaling=p["power_t"] if p["learning_rate"] == "invscaling" else None,
        rate=p["learning_rate_init"],
        seen=work.seen,
        verbose=bool(p["verbose"]),
        one_epoch=work.one_epoch,
    )
    try:
        fitted.train(
            work.train,
            options,
            validation=work.validation,
            callbacks=[watch, *(p["callbacks"] or ())],
            epochs=1 if work.one_epoch else p["max_iter"],
            again=work.one_epoch,
        )
    finally:
        if watch.best_weights is not None:
            best, fitted.history.best_epoch = watch.best_weights
            fitted.history.monitor = work.monitor
            fitted.backend.copy(best, fitted.parameters.theta)
    if watch.stopped:
        fitted.history.stopped = "converged" if work.monitor is None else "early_stopping"
    return watch


def _options(fitted: Fitted, p: Mapping[str, Any], work: Descent) -> Recipe:
    n, size = len(work.train), p["batch_size"]
    if size == "auto":
        size = BATCH_SIZE
    elif size > n:
        warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped")
    optimizer, rate = _optimizer(p)
    return Recipe.of(
        epochs=p["max_iter"],
        batch_size=min(int(size), n),
        optimizer=optimizer,
        learning_rate=rate,
        schedule="constant" if p["schedule"] is None else p["schedule"],
        l2=work.alpha,
        gradient_clip=p["gradient_clip"],
        groups=p["groups"] or (),
        shuffle=bool(p["shuffle"]),
        patience=None,
        **p["more"],
        seed=fitted.seed,
    )


def _optimizer(p: Mapping[str, Any]) -> tuple[object, float]:
    """Return optimiser and learning rate: with `solver` the steps of scikit-learn."""
    rate = float(p["learning_rate_init"])
    if p["optimizer"] is not None:
        return p["optimizer"], rate
    if p["solver"] == "adam":
        names = {"beta1": "beta_1", "beta2": "beta_2", "epsilon": "epsilon"}
        options = {name: float(p[given]) for name, given in names.items()}
        return {"name": "adam", "epsilon_placement": "before_correction", **options}, rate
    momentum = float(p["momentum"])
    if not momentum:
        return "gradient_descent", rate
    name = "nesterov_velocity" if p["nesterovs_momentum"] else "velocity"
    return {"name": name, "momentum": momentum}, rate


def _refuse_ending(options: Recipe) -> None:
    """Refuse a schedule that would have been another one, had it known of the epochs to come."""
    epochs = np.linspace(0, options.epochs - 1, min(options.epochs, 1000)).round()
    now, later = (options.schedule.factors(epochs, 1, k * options.epochs) for k in (1, 2))
    if not np.array_equal(now, later):
        raise ArgumentError(
            f"{arg('schedule')} {options.schedule.name!r} has an end, and there is none with "
            "partial_fit or warm_start: choose one without, such as 'exponential'"
        )
