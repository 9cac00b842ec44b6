"""What the training part tells: medians, mu and sigma (N19), categories."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterator

import numpy as np

from fastnn.data.table import Array
from fastnn.errors import DataError

#: Rows are worked on in float64 in blocks of about so many numbers, which stay in the cache.
_BLOCK = 2**18

#: So many texts may all be different without a word.
_ALL_DIFFERENT = 30
#: Deviations below this have squares that lose digits, or are 0.
_TINY = 1e-140
#: Deviations below this share of the mean are what float64 arithmetic leaves of equal numbers.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


class DataWarning(UserWarning):
    """Something in the data was handled in a way the user should know of."""


def blocks(values: Array) -> Iterator[slice]:
    """Cut the rows into blocks that fit the cache.

    >>> list(blocks(np.zeros((3, 2))))
    [slice(0, 131072, None)]
    """
    n_rows = max(1, _BLOCK // max(1, values.shape[1]))
    return (slice(i, i + n_rows) for i in range(0, len(values), n_rows))


def columns_with_gaps(values: Array) -> Array:
    """Say of each column whether it has a missing value (NaN).

    >>> columns_with_gaps(np.array([[1.0, 2.0], [np.nan, 3.0]]))
    array([ True, False])
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(np.isnan(values.min(axis=0)))  # a minimum over NaN is NaN


def filled_by_median(values: Array, gaps: Array, names: Collection[str]) -> tuple[Array, Array]:
    """Return the numbers with the gaps of the columns ``gaps`` filled, and the medians (else 0).

    A column without any value raises DataError.

    >>> filled_by_median(np.array([[1.0], [np.nan], [4.0]]), np.array([True]), ["x"])[1]
    array([2.5])
    """
    fill = np.zeros(values.shape[1])
    if not gaps.any():
        return values, fill
    values = values.copy()
    for column in np.flatnonzero(gaps):
        missing = np.isnan(values[:, column])
        if missing.all():
            raise DataError(
                f"column {tuple(names)[column]!r} has no value in the training part; leave the "
                "column out"
            )
        fill[column] = np.median(values[~missing, column].astype(np.float64))
        values[missing, column] = fill[column]
    return values, fill


def moments(values: Array, names: Collection[str]) -> tuple[Array, Array]:
    """Return mu and population sigma (N19) in float64; sigma of a constant column is 1.

    What differs by no more than rounding errors is constant too.

    >>> moments(np.array([[1.0, 7.0], [3.0, 7.0]]), ["x", "y"])
    (array([2., 7.]), array([1., 1.]))
    """
    n_rows, n_columns = values.shape
    if not n_columns:
        return np.zeros(0), np.ones(0)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        mean = values.mean(axis=0, dtype=np.float64)
        squares = np.zeros(n_columns)
        for rows in blocks(values):
            away = values[rows] - mean
            squares += np.einsum("ij,ij->j", away, away)
        scale = np.sqrt(squares / n_rows)
        low, high = values.min(axis=0), values.max(axis=0)
        for column in np.flatnonzero((scale < _TINY) & (low < high)):
            # the squares of such small numbers are 0: take them out of the range first
            width = float(high[column]) - float(low[column])
            away = (values[:, column] - mean[column]) / width
            scale[column] = width * np.sqrt(away @ away / n_rows)
    wrong = np.flatnonzero(~np.isfinite(scale))
    if len(wrong):
        raise DataError(
            f"column {tuple(names)[wrong[0]]!r}: the numbers are too large to standardise; "
            "rescale the column"
        )
    constant = (low == high) | (scale <= _ROUNDING * np.abs(mean))
    return np.where(constant, low, mean), np.where(constant, 1.0, scale)


def all_different(texts: Array) -> bool:
    """Say whether the texts are an identifier: many, and no two the same (None aside).

    >>> all_different(np.array([f"name {i}" for i in range(99)], dtype=object))
    True
    """
    present = [text for text in texts if text is not None]
    return len(present) > _ALL_DIFFERENT and len(set(present)) == len(present)


def frequent_categories(name: str, texts: Array, most: int) -> tuple[str, ...]:
    """Return the sorted categories, the ``most`` most frequent of them with a DataWarning.

    Texts that are all different, such as names, also get a DataWarning.

    >>> frequent_categories("town", np.array(["B", "A", None, "B"], dtype=object), 9)
    ('A', 'B')
    """
    counts = Counter(text for text in texts if text is not None)
    if not counts:
        raise DataError(f"column {name!r} has no value in the training part; leave the column out")
    # by frequency, then by name: the order of the rows must not matter
    ranked = sorted(counts, key=lambda text: (-counts[text], text))
    n_present = sum(counts.values())
    if all_different(texts):
        warnings.warn(
            f"column {name!r} has another text in each of {n_present} rows, from which nothing can "
            "be learnt (new ones count as '<unknown>'); leave it out: "
            f"drop=[{name!r}], on the command line --drop {name}",
            DataWarning,
            stacklevel=3,
        )
    elif len(counts) > most:
        rest = sum(counts[text] for text in ranked[most:])
        warnings.warn(
            f"column {name!r} has {len(counts)} different values; the {most} most frequent keep "
            f"a place of their own, the others ({rest} of {len(texts)} rows) share '<unknown>'",
            DataWarning,
            stacklevel=3,
        )
    return tuple(sorted(ranked[:most]))
