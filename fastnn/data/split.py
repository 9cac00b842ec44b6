"""N18: train, validation and test parts. Validation chooses, the test part is touched once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt

from fastnn.backend.random import generator
from fastnn.data.table import Array
from fastnn.data.tasks import check_task, class_labels, clean_target
from fastnn.errors import ArgumentError, DataError, arg, shown

#: N18: 60-20-20, and 98-1-1 from a million rows on.
FRACTIONS = (0.6, 0.2, 0.2)
FRACTIONS_OF_MANY = (0.98, 0.01, 0.01)
MANY = 1_000_000

_PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers (int64, ascending) of three parts that share no row and miss none.

    >>> parts = split([0, 1] * 10, "binary")
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (12, 4, 4)
    """

    train: Array
    validation: Array
    test: Array


def split(
    target: npt.ArrayLike,
    task: str,
    fractions: Sequence[float] | None = None,
    seed: int = 0,
) -> Split:
    """Split the rows into train, validation and test (N18), the same for the same seed.

    Binary and multiclass targets are stratified: each class is divided in the asked proportions,
    what is left over goes by largest remainder carried on from class to class (so the parts as a
    whole keep their sizes), and every class of at least three examples is in every part; of a
    class of two, one is in the training part. Regression and multilabel are plainly shuffled.

    Args:
        target: ``(N,)`` or ``(N, k)``; only its length matters for regression.
        task: 'binary', 'multiclass', 'multilabel' or 'regression'.
        fractions: three shares that sum to 1; by default 0.6, 0.2, 0.2, or 0.98, 0.01, 0.01
            from 1,000,000 rows on.
        seed: of the shuffle.

    Raises ArgumentError for impossible fractions, DataError for a class with a single example
    (which one) and for too few rows.

    >>> split([1.5, 2.5, 3.5, 4.5, 5.5], "regression", seed=1).test.dtype
    dtype('int64')
    """
    n_rows = len(np.asarray(target))
    if fractions is None:
        fractions = FRACTIONS_OF_MANY if n_rows >= MANY else FRACTIONS
    return Split(*_divide(target, task, _check_fractions(fractions), seed, index=0))


def holdout(
    target: npt.ArrayLike, task: str, fraction: float, seed: int = 0
) -> tuple[Array, Array]:
    """Split the rows into two parts: the rest, and ``fraction`` of them held out.

    Stratified as ``split`` is; every class of at least two examples is in both parts.

    >>> rest, held = holdout([0, 1] * 10, "binary", 0.1)
    >>> len(rest), len(held)
    (18, 2)
    """
    if not isinstance(fraction, Real) or isinstance(fraction, bool) or not 0 < fraction < 1:
        raise ArgumentError(f"{arg('fraction')} must lie between 0 and 1, found {shown(fraction)}")
    rest, held = _divide(target, task, np.array([1 - fraction, fraction]), seed, index=1)
    return rest, held


def folds(target: npt.ArrayLike, task: str, k: int, seed: int = 0) -> list[Array]:
    """Cut the rows into ``k`` parts of equal size, for cross-validation: row numbers, ascending.

    Stratified as ``split`` is.

    >>> [len(rows) for rows in folds([0, 1] * 10, "binary", 5)]
    [4, 4, 4, 4, 4]

    Raises DataError for fewer rows than folds.
    """
    n_rows = len(np.asarray(target))
    if k > n_rows:
        raise DataError(f"{n_rows} rows are too few for {k} folds; add rows or take fewer folds")
    return _divide(target, task, np.full(k, 1 / k), seed, index=2)


def _check_fractions(fractions: Sequence[float]) -> Array:
    if len(fractions) != 3:
        raise ArgumentError(
            f"{arg('fractions')} must be three numbers (train, validation, test), found "
            f"{len(fractions)}"
        )
    shares = np.asarray(fractions, dtype=np.float64)
    if not (shares > 0).all():
        raise ArgumentError(
            f"{arg('fractions')} must all be positive, found {tuple(fractions)}; for two parts "
            "use holdout"
        )
    if abs(shares.sum() - 1) > 1e-9:
        raise ArgumentError(
            f"{arg('fractions')} must sum to 1, found {tuple(fractions)}: {shares.sum():g}"
        )
    return shares


def _divide(target: npt.ArrayLike, task: str, shares: Array, seed: int, index: int) -> list[Array]:
    task = check_task(task)
    if task in ("binary", "multiclass"):
        labels = class_labels(target, task)
        classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
        if counts.min() < 2:
            lonely = classes[counts.argmin()].item()
            raise DataError(
                f"class {shown(lonely)} has a single example: it cannot be in more than one part; "
                "add examples of it, or remove the row"
            )
    else:
        codes = np.zeros(len(clean_target(target)), dtype=np.int64)
        counts = np.array([len(codes)])
    shuffled = generator(seed, "split", index).permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    sizes = _sizes(counts, shares)
    # sizes in the order class by class, part by part: where each piece of by_class ends
    pieces = np.split(by_class, np.cumsum(sizes.ravel())[:-1])
    parts = [np.sort(np.concatenate(pieces[p :: len(shares)])) for p in range(len(shares))]
    names = {0: _PARTS, 1: ("rest", "held out")}.get(
        index, tuple(f"{i + 1}. of {len(shares)}" for i in range(len(shares)))
    )
    for name, part in zip(names, parts, strict=True):
        if not len(part):
            raise DataError(
                f"{len(codes)} rows are too few: the {name} part is empty; add rows or change "
                "the fractions"
            )
    return parts


def _sizes(counts: Array, shares: Array) -> Array:
    """Return how many rows of each class (row) go to each part (column).

    A class's quotas are ``count * shares`` plus what rounding still owes each part from the
    classes before (at most one row). Largest remainders decide, within the lower bounds.
    """
    sizes = np.zeros((len(counts), len(shares)), dtype=np.int64)
    owed = np.zeros(len(shares))
    for k, count in enumerate(counts):
        quotas = count * shares + owed
        lowest = np.full(len(shares), count >= len(shares), dtype=np.int64)
        lowest[0] = 1
        size = np.maximum(np.floor(quotas).astype(np.int64), lowest)
        while size.sum() < count:
            size[np.argmax(quotas - size)] += 1
        while size.sum() > count:
            size[np.argmax(np.where(size > lowest, size - quotas, -np.inf))] -= 1
        sizes[k] = size
        owed = np.clip(quotas - size, -1, 1)  # a bound's extra row is no debt of the next
    return sizes
