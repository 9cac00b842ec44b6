"""The loss of the best constant predictor: what a network must beat to have learnt anything."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.diagnosis.layers import sample
from fastnn.nn.losses import LossFunction
from fastnn.nn.network import Network
from fastnn.training.learner import Learner
from fastnn.training.part import Part

FloatArray = npt.NDArray[np.float64]

#: So many numbers of a target are looked at: the loss is then known to about 1 %, in 20 ms.
MOST = 20_000

#: Logits between which the best constant is sought: a share of 1e-13 is as good as none.
_LOGITS = 30.0

#: A classifier has learnt something if it makes by this share fewer errors than the most frequent
#: class, and is ahead by so many deviations of what luck gives.
LEARNT, LUCK = 0.2, 3.0

_GOLDEN = (math.sqrt(5) - 1) / 2


def constant_loss(network: Network, part: Part) -> float:
    """Return the least mean loss on a part of an output that is the same for every example.

    For a cross-entropy that is the entropy of the shares of the classes (the prior), for the
    squared error half the variance, for the absolute error the deviation from the median.

    >>> from fastnn.nn.network import network
    >>> part = Part(np.zeros((4, 1)), np.array([[0.0], [0.0], [1.0], [1.0]]))
    >>> round(constant_loss(network([1, 1], loss_function="binary_crossentropy"), part), 6)  # log 2
    0.693147
    >>> round(constant_loss(network([1, 1]), part), 6)  # 1/2 (1/2)^2
    0.125
    """
    part = sample(part, max(MOST // part.Y.shape[1], 1000))
    w = np.ones((len(part), 1)) if part.w is None else np.asarray(part.w, np.float64)
    with np.errstate(all="ignore"):
        if network.loss.link == "softmax":
            shares = _smooth_shares(network, part.Y[:, 0].astype(np.int64), w[:, 0])
            known = shares > 0
            return float(-np.sum(shares[known] * np.log(shares[known] / shares.sum())))
        return float(_least(network.loss, np.asarray(part.Y, np.float64), w).sum())


@dataclass(frozen=True)
class Hits:
    """How often the most probable class is the right one, and how often the most frequent is.

    ``n``: how many were looked at.

    >>> Hits(0.7, 0.5, 10).clear, Hits(0.7, 0.5, 1000).clear, Hits(0.9, 0.9, 1000).clear
    (False, True, False)
    """

    accuracy: float
    frequent: float
    n: int

    @property
    def clear(self) -> bool:
        """Whether more was learnt than the frequencies, and not by luck."""
        ahead = self.accuracy - self.frequent
        luck = math.sqrt(self.frequent * (1 - self.frequent) / max(self.n, 1))
        return ahead > max(LEARNT * (1 - self.frequent), LUCK * luck)


def hits(learner: Learner, part: Part) -> Hits | None:
    """Return how often a classifier is right on a part, or on 1,000 of its examples.

    None of a regression. Each label counts, where there are several.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> net = network([1, 1], loss_function="binary_crossentropy", output_activation="sigmoid")
    >>> learner = Learner.new(net, RunSettings(), initializer="zero")
    >>> hits(learner, Part(np.zeros((4, 1)), np.array([[0.0], [0.0], [0.0], [1.0]])))
    Hits(accuracy=0.75, frequent=0.75, n=4)
    """
    link = learner.network.loss.link
    if link not in ("softmax", "sigmoid"):
        return None
    part = sample(part)
    output = learner.predict(part.X)
    if link == "softmax":
        there = part.Y[:, 0].astype(np.int64)
        right, frequent = output.argmax(axis=1) == there, np.bincount(there).max() / len(there)
    else:
        right = (output > 0.5) == (part.Y > 0.5)
        share = (part.Y > 0.5).mean(axis=0)
        frequent = np.maximum(share, 1 - share).mean()
    return Hits(float(right.mean()), float(frequent), right.size)


def _smooth_shares(network: Network, classes: npt.NDArray[np.int64], w: FloatArray) -> FloatArray:
    """The mean of the targets, one for each class, times the examples' weights."""
    K, s = network.sizes[-1], network.loss.options["label_smoothing"]
    shares = np.bincount(classes, w, minlength=K) / len(classes)
    return np.asarray(shares * (1 - s) + shares.sum() * s / K)


def _least(loss: LossFunction, Y: FloatArray, w: FloatArray) -> FloatArray:
    """The least mean loss of each output, (K,): that of the mean, or by golden-section search."""

    def mean(t: FloatArray) -> Any:
        return np.mean(w * loss.value(t, Y), axis=0)

    if loss.name in _BY_MEAN:
        average = np.sum(w * Y, axis=0) / np.sum(np.broadcast_to(w, Y.shape), axis=0)
        return np.asarray(mean(_BY_MEAN[loss.name](average, loss.options)))
    K = Y.shape[1]
    low, high = Y.min(axis=0), Y.max(axis=0)
    if loss.from_logits:
        low, high = np.full(K, -_LOGITS), np.full(K, _LOGITS)
    for _ in range(50):  # each time the interval is 0.618 of what it was; losses are convex
        step = _GOLDEN * (high - low)
        left, right = high - step, low + step
        lower = mean(left) < mean(right)
        low, high = np.where(lower, low, left), np.where(lower, right, high)
    return np.asarray(mean((low + high) / 2))


def _logit(share: FloatArray, options: Mapping[str, Any]) -> FloatArray:
    s = options["label_smoothing"]
    p = share * (1 - s) + s / 2
    return np.asarray(np.clip(np.log(p / (1 - p)), -_LOGITS, _LOGITS))


#: The losses whose best constant follows from the mean of the target.
_BY_MEAN: dict[str, Callable[[FloatArray, Mapping[str, Any]], FloatArray]] = {
    "squared_error": lambda mean, _: mean,
    "binary_crossentropy": _logit,
}
