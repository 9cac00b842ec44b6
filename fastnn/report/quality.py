"""How good a model is, in numbers, beside what one gets without learning anything."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.pictures.page import chapter, paragraph, table
from fastnn.preparation.baseline import said_of, weighted_quantile
from fastnn.report.judged import Judged
from fastnn.report.subject import Subject
from fastnn.text import number, numbers
from fastnn.training.metrics import default_metrics, greater_is_better, in_order

Array = npt.NDArray[Any]

PARTS = ("train", "validation", "test")
OF_THE_ROWS = (
    "What the training part had is not in this model, so the baseline is of the rows that it is "
    "judged by"
)


def quality(subject: Subject) -> str:
    """Return the chapter: the metrics of each part, and of the baseline.

    >>> from fastnn.api.train import train
    >>> "test" in quality(Subject(train("diabetes", hidden_layer_sizes=[], epochs=2).model))
    True
    """
    model, judged = subject.model, subject.judged
    report = model.report
    rows: dict[str, Mapping[str, float]] = {
        ("training" if name == "train" else name): report[name] for name in PARTS if name in report
    }
    of_training = judged is not None and subject.record is not None
    if judged is not None and not of_training:
        rows[judged.said] = judged.metrics
    said = []
    if judged is not None:
        name, values = baseline(judged)
        rows[name] = values
        of = "the test part" if of_training else judged.where
        if judged.sampled and of_training:
            said.append(
                "The metrics of the parts are of all of their rows; the baseline and what follows "
                f"are of {judged.said}."
            )
        said.append(f"The baseline knows no column: what it gets on {of} is to be had for nothing.")
        if model.prior is None:
            said.append(f"{OF_THE_ROWS}.")
    if "test" in report and (judged is None or of_training):
        said.append("The test part was looked at once, after all choices were made.")
    if not rows:
        why = "Nothing is known of how good this model is: give rows with their target."
        return chapter("How good it is", paragraph(why), anchor="quality")
    names = names_of(model.task, rows.values())
    columns = [numbers([values.get(n) for values in rows.values()]) for n in names]
    body = [list(cells) for cells in zip(rows, *columns, strict=True)]
    return chapter(
        "How good it is", paragraph(" ".join(said)) if said else "", table(["part", *names], body),
        anchor="quality",
    )  # fmt: skip


def names_of(task: str, found: Iterable[Mapping[str, float]]) -> list[str]:
    """Return the names of all metrics that are there, each once and in one order.

    >>> names_of("binary", [{"accuracy": 0.5, "loss": 1.0}, {"f1": 0.5}])
    ['loss', 'accuracy', 'f1']
    """
    return in_order(task, {name for values in found for name in values})


def baseline(
    judged: Judged, metrics: Sequence[object] | None = None
) -> tuple[str, dict[str, float]]:
    """Return what the baseline is, and its metrics on the rows.

    It predicts the classes with the shares, or the values with the mean or the loss's quantile,
    that they have in the training part; where the model does not know that, in the rows
    themselves. ``metrics``: which; None: the task's own.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=1)
    >>> subject = of_training(training.model, training.record)
    >>> name, metrics = baseline(subject.judged)
    >>> name, abs(metrics["r2"]) < 0.1
    ('baseline: the mean, 15...', True)
    """
    shares = prior_of(judged)
    output = np.tile(shares, (len(judged), 1))
    which = said_of(judged.model.targets, judged.model.network.loss, shares)
    return f"baseline: {which}", judged.judged(output, metrics)


def prior_of(judged: Judged) -> Array:
    """Return the class shares, the means or the quantiles: of the training part, if known."""
    if judged.model.prior is not None:
        return judged.model.prior
    task, w = judged.model.task, judged.weights
    q = judged.model.network.loss.quantile
    if q is not None:
        return weighted_quantile(judged.target, q, w)
    if task in ("regression", "multilabel"):
        return np.asarray(np.average(judged.target, axis=0, weights=w))
    counts = np.bincount(judged.target, w, minlength=judged.output.shape[1])
    return np.asarray(counts / counts.sum())


def tiles_of(subject: Subject) -> list[tuple[str, str]]:
    """Return the few numbers that say most: each with what it is.

    >>> from fastnn.api.train import train
    >>> tiles_of(Subject(train("diabetes", hidden_layer_sizes=[], epochs=1).model))[-1]
    ('11', 'parameters')
    """
    model, judged = subject.model, subject.judged
    found = []
    name = default_metrics(model.task, model.network.loss)[0]
    if subject.record is None and judged is not None:
        value, where = judged.metrics[name], f"on {judged.where}"
    else:
        value, where = model.report.get("test", {}).get(name, math.nan), "on the test part"
    if math.isfinite(value):
        shown, text = number(value), f"{name} {where}"
        if judged is not None:
            base = baseline(judged)[1][name]
            shown, beside = numbers([value, base])
            text += f"; the baseline has {beside}" if math.isfinite(base) else ""
        found.append((shown, text))
        error = _errors(judged, value, name)
        if error:
            found.append(error)
    history = model.history
    if history.epochs:
        best = history.best_epoch
        kept = f"; kept: {best:,}" if best and best < len(history.epochs) else ""
        found.append((f"{len(history.epochs):,}", f"epoch{'s' * (len(history.epochs) > 1)}{kept}"))
    found.append((f"{model.network.n_parameters:,}", "parameters"))
    return found


def _errors(judged: Judged | None, value: float, name: str) -> tuple[str, str] | None:
    """The share of wrong predictions as 'one in so many', or the typical error in its units."""
    if judged is None:
        return None
    if judged.model.task == "regression":
        rmse = judged.judged(judged.output, ["rmse"])["rmse"]
        if len(judged) == 1:
            return number(rmse), "error (rmse)"
        spread = float(np.std(judged.target, axis=0).mean())
        return number(rmse), f"typical error (rmse); the target's own deviation is {number(spread)}"
    wrong = 1 - value
    if name != "accuracy" or not 0 < wrong < 1:
        return None
    return f"1 in {1 / wrong:,.0f}" if wrong <= 0.5 else f"{wrong:.0%}", "is predicted wrongly"


def better(metric: str, one: float, other: float) -> bool:
    """Return whether the one value of a metric is better than the other; the loss is one, too.

    >>> better("accuracy", 0.9, 0.8), better("loss", 0.9, 0.8)
    (True, False)
    """
    if math.isnan(one) or math.isnan(other):
        return math.isnan(other) and not math.isnan(one)
    return one > other if metric != "loss" and greater_is_better(metric) else one < other
