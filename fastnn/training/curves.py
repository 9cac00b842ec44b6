"""How a classifier does beyond one number: at every threshold, by class, and as a probability.

All on the host in float64. Weights ``(N,)`` are not negative; an example of weight 0 does not
count. Where something is not defined it is nan: the curves of a class that has no example, or no
other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.errors import ArgumentError, arg
from fastnn.training.scores import auc, ratio

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Cuts:
    """A score cut at every value it has: positive is what scores at least ``thresholds[i]``.

    ``thresholds`` (T,) are the distinct scores, falling, so that equal scores are always on one
    side; ``tp`` and ``fp`` (T,) the weights of the positive and the negative examples that score at
    least so much; ``positives`` and ``negatives`` those of all. ``roc_auc`` and
    ``average_precision`` (the sum of precision times the step of recall) are areas.

    >>> cuts = Cuts.of([1, 0, 1, 0], [0.9, 0.4, 0.4, 0.1])
    >>> cuts.thresholds.tolist(), cuts.tp.tolist(), cuts.fp.tolist()
    ([0.9, 0.4, 0.1], [1.0, 2.0, 2.0], [0.0, 1.0, 2.0])
    >>> cuts.roc_auc, round(cuts.average_precision, 4)
    (0.875, 0.8333)
    """

    thresholds: Array
    tp: Array
    fp: Array
    positives: float
    negatives: float
    roc_auc: float

    @staticmethod
    def of(
        truth: npt.ArrayLike, score: npt.ArrayLike, weights: npt.ArrayLike | None = None
    ) -> Cuts:
        """Return the cuts of scores ``(N,)``; ``truth`` (N,) is true for positive examples.

        Raises ArgumentError if the shapes differ or a score is not finite.
        """
        y, s, w = _checked("score", truth, score, weights)
        values, place = np.unique(s, return_inverse=True)
        positive = np.bincount(place, w * y, minlength=len(values))
        negative = np.bincount(place, w * ~y, minlength=len(values))
        return Cuts(
            values[::-1],
            np.cumsum(positive[::-1]),
            np.cumsum(negative[::-1]),
            float(positive.sum()),
            float(negative.sum()),
            auc(y, s, w),
        )

    @property
    def tpr(self) -> Array:
        """The share of the positive examples that is found: recall."""
        return self.tp / self.positives if self.positives else np.full(len(self.tp), math.nan)

    @property
    def fpr(self) -> Array:
        """The share of the negative examples that is taken for positive."""
        return self.fp / self.negatives if self.negatives else np.full(len(self.fp), math.nan)

    @property
    def precision(self) -> Array:
        """The share of what is taken for positive that is positive."""
        return np.asarray(self.tp / (self.tp + self.fp))

    @property
    def f1(self) -> Array:
        """``2 tp / (tp + fp + positives)``."""
        return np.asarray(2 * self.tp / (self.tp + self.fp + self.positives))

    @property
    def accuracy(self) -> Array:
        """The share of all examples that is right."""
        total = self.positives + self.negatives
        return np.asarray((self.tp + self.negatives - self.fp) / total)

    @cached_property
    def average_precision(self) -> float:
        """``sum_i (tpr_i - tpr_{i-1}) precision_i``; nan without positive examples."""
        steps = np.diff(self.tpr, prepend=0.0)
        return float(steps @ self.precision) if len(steps) else math.nan

    def at(self, threshold: float) -> int | None:
        """Return the last cut at or above a threshold, None if no score reaches it.

        >>> Cuts.of([1, 0], [0.9, 0.4]).at(0.5)
        0
        """
        reached = int(np.searchsorted(-self.thresholds, -threshold, side="right"))
        return reached - 1 if reached else None


def _checked(
    name: str, truth: npt.ArrayLike, score: npt.ArrayLike, weights: npt.ArrayLike | None
) -> tuple[Array, Array, Array]:
    y, s = np.asarray(truth, bool), np.asarray(score, np.float64)
    w = np.ones(s.shape) if weights is None else np.asarray(weights, np.float64)
    if y.ndim != 1 or y.shape != s.shape or w.shape != s.shape:
        raise ArgumentError(
            f"{arg(name)}, truth and weights must have one shape (N,), found {s.shape}, {y.shape} "
            f"and {w.shape}"
        )
    if not np.isfinite(s).all():
        raise ArgumentError(f"{arg(name)} has a value that is not a finite number")
    counts = w > 0
    return (y, s, w) if counts.all() else (y[counts], s[counts], w[counts])


@dataclass(frozen=True, eq=False)
class Calibration:
    """Probabilities beside what came true, by bins of the probability that have examples.

    ``predicted`` (B,): the mean probability in a bin; ``observed`` (B,): the share of positive
    examples; ``weight`` (B,): the weight of its examples. ``error`` is the mean of
    ``|predicted - observed|`` over the examples (the expected calibration error), ``brier`` the
    mean of ``(probability - truth)^2``.
    """

    predicted: Array
    observed: Array
    weight: Array
    error: float
    brier: float


def calibration(
    truth: npt.ArrayLike,
    probability: npt.ArrayLike,
    weights: npt.ArrayLike | None = None,
    bins: int = 10,
) -> Calibration:
    """Return how far probabilities (N,) can be taken at their word; bins are of equal width.

    A probability at the border of two bins belongs to the lower one.

    >>> found = calibration([0, 1, 1, 1], [0.2, 0.2, 0.9, 0.9], bins=2)
    >>> found.predicted.tolist(), found.observed.tolist(), round(found.error, 2)
    ([0.2, 0.9], [0.5, 1.0], 0.2)

    Raises ArgumentError for what is no probability.
    """
    y, p, w = _checked("probability", truth, probability, weights)
    if len(p) and not 0 <= p.min() <= p.max() <= 1:
        raise ArgumentError(f"{arg('probability')} must lie between 0 and 1")
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
    weight, total, true = (np.bincount(place, v, minlength=bins) for v in (w, w * p, w * y))
    there = weight > 0
    weight = weight[there]
    predicted, observed = total[there] / weight, true[there] / weight
    if not len(weight):
        return Calibration(predicted, observed, weight, math.nan, math.nan)
    error = float(np.average(abs(predicted - observed), weights=weight))
    return Calibration(
        predicted, observed, weight, error, float(np.average((p - y) ** 2, weights=w))
    )


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """How often each class, or each label, is there, is predicted, and both: (K,) weights.

    A share of nothing is 0, as in the metrics.

    >>> counts = ClassCounts.of_classes(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    >>> counts.precision.tolist(), counts.recall.tolist()
    ([0.5, 1.0], [1.0, 0.5])
    """

    there: Array
    found: Array
    both: Array

    @staticmethod
    def of_classes(
        target: Array, predicted: Array, n_classes: int, weights: Array | None = None
    ) -> ClassCounts:
        """Return the counts of class indices ``target`` and ``predicted``, both (N,)."""
        w = np.ones(len(target)) if weights is None else weights
        right = target == predicted
        return ClassCounts(
            np.bincount(target, w, minlength=n_classes),
            np.bincount(predicted, w, minlength=n_classes),
            np.bincount(target[right], w[right], minlength=n_classes),
        )

    @staticmethod
    def of_labels(target: Array, predicted: Array, weights: Array | None = None) -> ClassCounts:
        """Return the counts of 0/1 labels ``target`` and ``predicted``, both (N, K)."""
        w = np.ones(len(target)) if weights is None else weights
        y, p = np.asarray(target, bool), np.asarray(predicted, bool)
        return ClassCounts(w @ y, w @ p, w @ (y & p))

    @property
    def precision(self) -> Array:
        """``both / found``."""
        return ratio(self.both, self.found, of_nothing=0.0)

    @property
    def recall(self) -> Array:
        """``both / there``."""
        return ratio(self.both, self.there, of_nothing=0.0)

    @property
    def f1(self) -> Array:
        """``2 both / (there + found)``."""
        return ratio(2 * self.both, self.there + self.found, of_nothing=0.0)


def confusions(
    target: Array, predicted: Array, weights: Array | None = None
) -> list[tuple[int, int, float]]:
    """Return what is taken for what, and how often: (true, predicted, weight), most often first.

    Takes class indices (N,); of equal weights the lower classes are first.

    >>> confusions(np.array([2, 2, 1, 0]), np.array([1, 1, 0, 0]))
    [(2, 1, 2.0), (1, 0, 1.0)]
    """
    wrong = np.flatnonzero(target != predicted)
    w = np.ones(len(target)) if weights is None else weights
    pairs, place = np.unique(
        np.column_stack([target[wrong], predicted[wrong]]), axis=0, return_inverse=True
    )
    total = np.bincount(place.ravel(), w[wrong], minlength=len(pairs))
    order = np.argsort(-total, kind="stable")
    return [(int(pairs[i][0]), int(pairs[i][1]), float(total[i])) for i in order]
