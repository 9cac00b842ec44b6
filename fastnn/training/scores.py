"""The numbers that metrics are: functions of checked arrays, in the shapes of `metrics`.

Each takes (task, target, output, weights) and returns a float, nan where it is not defined.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
#: (tp, tp + fn, tp + fp) of each class to the two sides of a quotient.
Share = Callable[[Array, Array, Array], tuple[Array, Array]]


def _predicted(task: str, output: Array) -> Array:
    """0/1 of every class or label, ``(N, K)``."""
    if task == "multilabel":
        return np.asarray(output > 0.5)
    return np.asarray(output.argmax(axis=1)[:, None] == np.arange(output.shape[1]))


def _truth(task: str, target: Array, output: Array) -> Array:
    """The target in the same form."""
    if task == "multilabel":
        return np.asarray(target == 1)
    return np.asarray(target[:, None] == np.arange(output.shape[1]))


def _of_interest(task: str) -> slice:
    """Each class against the rest; of two classes only the positive one."""
    return slice(1, None) if task == "binary" else slice(None)


def _mean_of_defined(values: Array) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else math.nan


def ratio(numerator: Array, denominator: Array, of_nothing: float) -> Array:
    """Return quotients, ``of_nothing`` where the denominator is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]), of_nothing=0.0)
    array([0.5, 0. ])
    """
    quotients = np.full(denominator.shape, of_nothing)
    np.divide(numerator, denominator, out=quotients, where=denominator > 0)
    return quotients


def pooled(
    task: str, target: Array, output: Array, weights: Array
) -> tuple[str, Array, Array, Array]:
    """Return each output of each example as an example of its own, with a single label or value.

    >>> pooled("multilabel", np.array([[1.0, 0.0]]), np.array([[0.7, 0.2]]), np.ones(1))[2].tolist()
    [[0.7], [0.2]]
    """
    if task == "regression":
        truth, columns = target, slice(None)
    else:
        columns = _of_interest(task)
        task, truth = "multilabel", _truth(task, target, output)[:, columns].astype(np.float64)
    output = output[:, columns]
    w = np.repeat(weights, output.shape[1])
    return task, truth.reshape(-1, 1), output.reshape(-1, 1), w


def accuracy(task: str, target: Array, output: Array, weights: Array) -> float:
    """Share of examples predicted right: the class, or every label."""
    if task == "multilabel":
        right = (_predicted(task, output) == target).all(axis=1)
    else:
        right = output.argmax(axis=1) == target
    return float(np.average(right, weights=weights))


def top_k_accuracy(task: str, target: Array, output: Array, weights: Array, k: float) -> float:
    """Share of examples whose class is among the k most probable; of equal ones the first wins."""
    own = output[np.arange(len(target)), target][:, None]
    before = np.arange(output.shape[1]) < target[:, None]
    rank = ((output > own) | ((output == own) & before)).sum(axis=1)
    return float(np.average(rank < k, weights=weights))


def log_loss(task: str, target: Array, output: Array, weights: Array) -> float:
    """``-log p`` of the true class (N8, N10), of every label (N9, summed); p is at least 2^-52."""
    smallest = float(np.finfo(np.float64).eps)
    if task == "multilabel":
        own = np.where(target == 1, output, 1 - output)
    else:
        own = output[np.arange(len(target)), target][:, None]
    return float(np.average(-np.log(np.maximum(own, smallest)).sum(axis=1), weights=weights))


def auc(truth: Array, score: Array, weights: Array) -> float:
    """Return the chance that a positive example scores higher than a negative one.

    That is the area under the ROC curve; a tie counts one half. It is nan if all are of one kind.

    >>> auc(np.array([True, False, False]), np.array([0.5, 0.5, 0.1]), np.ones(3))
    0.75
    """
    values, place = np.unique(score, return_inverse=True)
    positive = np.bincount(place, weights * truth, minlength=len(values))
    negative = np.bincount(place, weights * ~truth, minlength=len(values))
    if not (positive.any() and negative.any()):
        return math.nan
    lower = np.cumsum(negative) - negative / 2
    return float(positive @ lower / (positive.sum() * negative.sum()))


def roc_auc(task: str, target: Array, output: Array, weights: Array) -> float:
    """Area under the ROC curve; one against the rest, macro mean, for classes and for labels."""
    columns = _of_interest(task)
    truth, score = _truth(task, target, output)[:, columns], output[:, columns]
    return _mean_of_defined(
        np.array([auc(truth[:, j], score[:, j], weights) for j in range(score.shape[1])])
    )


def balanced_accuracy(task: str, target: Array, output: Array, weights: Array) -> float:
    """The mean over the classes that are there of the share that is predicted right."""
    truth, found = _truth(task, target, output), _predicted(task, output)
    there = weights @ truth
    return _mean_of_defined(ratio(weights @ (truth & found), there, of_nothing=math.nan))


def average_precision(task: str, target: Array, output: Array, weights: Array) -> float:
    """``sum_i (R_i - R_{i-1}) P_i``; one against the rest, macro mean, for classes and labels."""
    columns = _of_interest(task)
    truth, score = _truth(task, target, output)[:, columns], output[:, columns]
    return _mean_of_defined(
        np.array([_steps(truth[:, j], score[:, j], weights) for j in range(score.shape[1])])
    )


def _steps(truth: Array, score: Array, weights: Array) -> float:
    """Precision at each distinct score, weighted by the recall that it adds; nan if all are one."""
    values, place = np.unique(score, return_inverse=True)
    positive = np.bincount(place, weights * truth, minlength=len(values))[::-1]
    negative = np.bincount(place, weights * ~truth, minlength=len(values))[::-1]
    if not positive.any():
        return math.nan
    tp, found = np.cumsum(positive), np.cumsum(positive + negative)
    return float(positive @ ratio(tp, found, of_nothing=0.0) / positive.sum())


def _macro(task: str, target: Array, output: Array, weights: Array, share: Share) -> float:
    """A share of tp, fp and fn: of the positive class, or the mean over classes or labels.

    A share of nothing is 0, scikit-learn's ``zero_division=0``: were it left out of the mean, a
    model could better its score by never predicting a class. A class that is neither there nor
    predicted is not in the mean, a label always is.
    """
    truth, found = _truth(task, target, output), _predicted(task, output)
    counts = (truth | found).any(axis=0) if task == "multiclass" else _of_interest(task)
    truth, found = truth[:, counts], found[:, counts]
    parts = share(weights @ (truth & found), weights @ truth, weights @ found)
    return float(ratio(*parts, of_nothing=0.0).mean())


def f1(task: str, target: Array, output: Array, weights: Array) -> float:
    """``2 tp / (2 tp + fp + fn)`` of the positive class; macro mean for classes and for labels."""
    return _macro(task, target, output, weights, lambda tp, there, found: (2 * tp, there + found))


def precision(task: str, target: Array, output: Array, weights: Array) -> float:
    """``tp / (tp + fp)`` of the positive class; macro mean for classes and for labels."""
    return _macro(task, target, output, weights, lambda tp, there, found: (tp, found))


def recall(task: str, target: Array, output: Array, weights: Array) -> float:
    """``tp / (tp + fn)`` of the positive class; macro mean for classes and for labels."""
    return _macro(task, target, output, weights, lambda tp, there, found: (tp, there))


def r2(task: str, target: Array, output: Array, weights: Array) -> float:
    """``1 - sum w (y - a)^2 / sum w (y - mean)^2`` per output, then the mean over the outputs."""
    mean = np.average(target, axis=0, weights=weights)
    spread = weights @ (target - mean) ** 2
    spread[np.ptp(target, axis=0) == 0] = 0.0  # rounding of the mean would leave a trace
    return _mean_of_defined(1 - ratio(weights @ (target - output) ** 2, spread, math.nan))


def rmse(task: str, target: Array, output: Array, weights: Array) -> float:
    """``sqrt(sum w (y - a)^2 / sum w)`` per output, then the mean over the outputs."""
    return float(np.sqrt(np.average((target - output) ** 2, axis=0, weights=weights)).mean())


def mse(task: str, target: Array, output: Array, weights: Array) -> float:
    """``sum w (y - a)^2 / sum w`` per output, then the mean over the outputs."""
    return float(np.average((target - output) ** 2, axis=0, weights=weights).mean())


def mae(task: str, target: Array, output: Array, weights: Array) -> float:
    """``sum w |y - a| / sum w`` per output, then the mean over the outputs."""
    return float(np.average(np.abs(target - output), axis=0, weights=weights).mean())


def pinball(task: str, target: Array, output: Array, weights: Array, quantile: float) -> float:
    """``sum w max(q (y - a), (q - 1) (y - a)) / sum w`` per output, then the mean over them."""
    away = target - output
    each = np.maximum(quantile * away, (quantile - 1) * away)
    return float(np.average(each, axis=0, weights=weights).mean())


def coverage(task: str, target: Array, output: Array, weights: Array) -> float:
    """The share of the targets that are at most the prediction, per output, then their mean."""
    return float(np.average(target <= output, axis=0, weights=weights).mean())
