"""How often each class or label is there, is predicted, and both; what is taken for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.targets import Targets
from fastnn.training.metrics import decided, probabilities
from fastnn.training.scores import ratio

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Counts of ``total`` examples, small however many there are.

    ``rows`` (K,): the examples of each class or label; ``there``, ``found`` and ``both`` (K,) the
    weights of those that are of it, are predicted as it, and both. Of classes, ``pairs`` (M, 2) is
    which class is taken for which, true and predicted, each pair that occurs once and in order,
    and ``weight`` (M,) how often; of labels both are empty. Without weights each example has 1. A
    share of nothing is 0, as in the metrics.

    >>> counts = ClassCounts.of_classes(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    >>> counts.precision.tolist(), counts.recall.tolist()
    ([0.5, 1.0], [1.0, 0.5])
    """

    total: int
    rows: Array
    there: Array
    found: Array
    both: Array
    pairs: Array
    weight: Array

    @staticmethod
    def of_classes(
        target: Array, predicted: Array, n_classes: int, weights: Array | None = None
    ) -> ClassCounts:
        """Return the counts of class indices ``target`` and ``predicted``, both (N,)."""
        K, w = n_classes, np.ones(len(target)) if weights is None else weights
        cells, place = np.unique(
            target.astype(np.int64) * K + predicted.astype(np.int64), return_inverse=True
        )
        weight = np.bincount(place.ravel(), w, minlength=len(cells))
        true, taken = cells // K, cells % K
        right = true == taken
        return ClassCounts(
            len(target),
            np.bincount(target, minlength=K),
            np.bincount(true, weight, minlength=K),
            np.bincount(taken, weight, minlength=K),
            np.bincount(true[right], weight[right], minlength=K),
            np.column_stack([true, taken]),
            weight,
        )

    @staticmethod
    def of_labels(target: Array, predicted: Array, weights: Array | None = None) -> ClassCounts:
        """Return the counts of 0/1 labels ``target`` and ``predicted``, both (N, K)."""
        w = np.ones(len(target)) if weights is None else weights
        y, p = np.asarray(target, bool), np.asarray(predicted, bool)
        none = np.zeros((0, 2), np.int64)
        return ClassCounts(len(y), y.sum(axis=0), w @ y, w @ p, w @ (y & p), none, np.zeros(0))

    def __add__(self, other: ClassCounts) -> ClassCounts:
        """Return the counts of both.

        >>> one = ClassCounts.of_classes(np.array([0]), np.array([1]), 2)
        >>> (one + one).confusions()
        [(0, 1, 2.0)]
        """
        K = max(len(self.rows), 1)
        cells = np.concatenate([self.pairs, other.pairs]) @ [K, 1]
        cells, place = np.unique(cells, return_inverse=True)
        weight = np.concatenate([self.weight, other.weight])
        return ClassCounts(
            self.total + other.total, self.rows + other.rows, self.there + other.there,
            self.found + other.found, self.both + other.both,
            np.column_stack([cells // K, cells % K]),
            np.bincount(place.ravel(), weight, minlength=len(cells)),
        )  # fmt: skip

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

    @property
    def matrix(self) -> Array:
        """The confusion matrix (K, K): true classes are rows, predicted ones columns.

        >>> ClassCounts.of_classes(np.array([0, 1, 1]), np.array([0, 0, 1]), 2).matrix.tolist()
        [[1.0, 0.0], [1.0, 1.0]]
        """
        found = np.zeros((len(self.rows), len(self.rows)))
        found[self.pairs[:, 0], self.pairs[:, 1]] = self.weight
        return found

    def confusions(self) -> list[tuple[int, int, float]]:
        """Return what is taken for what, and how often: (true, predicted, weight).

        Most often first, of equal weights the lower classes.

        >>> counts = ClassCounts.of_classes(np.array([2, 2, 1, 0]), np.array([1, 1, 0, 0]), 3)
        >>> counts.confusions()
        [(2, 1, 2.0), (1, 0, 1.0)]
        """
        wrong = self.pairs[:, 0] != self.pairs[:, 1]
        pairs, weight = self.pairs[wrong], self.weight[wrong]
        order = np.argsort(-weight, kind="stable")
        return [(int(pairs[i][0]), int(pairs[i][1]), float(weight[i])) for i in order]


def count(targets: Targets, A: Array, Y: Array, weights: Array | None = None) -> ClassCounts | None:
    """Return the counts of outputs ``A`` (N, K) against encoded ``Y``; None for a regression.

    Examples whose output is not finite are left out. ``weights``: (N,).

    >>> targets = Targets.fit(["a", "b"], "binary")
    >>> count(targets, np.array([[0.2], [0.7]]), targets.encode(["a", "a"])).confusions()
    [(0, 1, 1.0)]
    """
    task = targets.task
    if task == "regression":
        return None
    finite = np.isfinite(A).all(axis=1)
    if not finite.all():
        A, Y = A[finite], Y[finite]
        weights = None if weights is None else weights[finite]
    predicted = decided(task, probabilities(task, A))
    if task == "multilabel":
        return ClassCounts.of_labels(Y, predicted, weights)
    K = 0 if targets.classes is None else len(targets.classes)
    return ClassCounts.of_classes(Y[:, 0].astype(np.int64), predicted, K, weights)
