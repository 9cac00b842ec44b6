"""What the training part tells of numbers: medians, mu and sigma (N19)."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from fastnn.data.storage import MEMORY, Storage, row_blocks
from fastnn.data.table import Array
from fastnn.errors import DataError, FastnnWarning, shown

#: Rows are worked on in float64 in blocks of about so many numbers, which stay in the cache.
_BLOCK = 2**18

#: Deviations below this have squares that lose digits, or are 0.
_TINY = 1e-140
#: Deviations below this share of the mean are what float64 arithmetic leaves of equal numbers.
_ROUNDING = 4 * float(np.finfo(np.float64).eps)


class DataWarning(FastnnWarning):
    """Something in the data was handled in a way the user should know of."""


class DataNote(DataWarning):
    """Something that is as it should be, but that a user may want to be otherwise.

    The report of what was read says it, too.
    """

    is_note = True


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


def filled_by_median(
    values: Array,
    gaps: Array,
    names: Collection[str],
    weights: Array | None = None,
    storage: Storage = MEMORY,
) -> tuple[Array, Array]:
    """Return the numbers with the gaps of the columns ``gaps`` filled, and the medians (else 0).

    What is filled in is float64. ``weights`` count as those of `moments` do. A column without any
    value raises DataError.

    >>> filled_by_median(np.array([[1.0], [np.nan], [4.0]]), np.array([True]), ["x"])[1]
    array([2.5])
    >>> filled_by_median(np.array([[1.0], [4.0]]), np.array([True]), ["x"], np.array([2, 1]))[1]
    array([1.])
    """
    fill = np.zeros(values.shape[1])
    if not gaps.any():
        return values, fill
    given, values = values, storage.zeros(values.shape, np.float64)
    for rows in row_blocks(values):
        values[rows] = given[rows]
    for column in np.flatnonzero(gaps):
        missing = np.isnan(values[:, column])
        if missing.all():
            raise DataError(no_value(tuple(names)[column]))
        fill[column] = _median(
            values[~missing, column], None if weights is None else weights[~missing]
        )
        values[missing, column] = fill[column]
    return values, fill


def _median(values: Array, weights: Array | None) -> float:
    """Half of the weight lies on either side; of two such numbers their mean."""
    if weights is None or weights.min() == weights.max():  # all 0 also: nothing else is known
        return float(np.median(values))
    order = np.argsort(values[weights > 0])
    ordered, below = values[weights > 0][order], np.cumsum(weights[weights > 0][order])
    middle = np.searchsorted(below, below[-1] / 2)
    upper = ordered[middle + (below[middle] == below[-1] / 2)]
    return float(np.mean([ordered[middle], upper]))


def moments(
    values: Array, names: Collection[str], weights: Array | None = None
) -> tuple[Array, Array]:
    """Return mu and population sigma (N19) in float64; sigma of a constant column is 1.

    What differs by no more than rounding errors is constant too. ``weights``: (N,), not negative:
    an example with the weight 2 counts as two, one with the weight 0 not at all. Equal weights are
    no weights, bit for bit.

    >>> moments(np.array([[1.0, 7.0], [3.0, 7.0]]), ["x", "y"])
    (array([2., 7.]), array([1., 1.]))
    >>> moments(np.array([[1.0], [5.0], [99.0]]), ["x"], np.array([3.0, 1.0, 0.0]))
    (array([2.]), array([1.73205081]))
    """
    n_columns = values.shape[1]
    if not n_columns:
        return np.zeros(0), np.ones(0)
    shares = None
    if weights is not None and weights.min() < weights.max():
        # the largest below 1, by a power of 2: that neither rounds nor overflows
        shares = np.ldexp(weights.astype(np.float64), -np.frexp(weights.max())[1])[:, None]
        if not shares.all():
            values, shares = values[shares[:, 0] > 0], shares[shares[:, 0] > 0]
    total = len(values) if shares is None else float(shares.sum())
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        mean = _summed(values, shares, 0.0) / total
        scale = np.sqrt(_summed(values, shares, mean, squared=True) / total)
        low, high = values.min(axis=0), values.max(axis=0)
        for column in np.flatnonzero((scale < _TINY) & (low < high)):
            # the squares of such small numbers are 0: take them out of the range first
            width = float(high[column]) - float(low[column])
            away = (values[:, [column]] - mean[column]) / width
            scale[column] = width * np.sqrt(_summed(away, shares, 0.0, squared=True)[0] / total)
    wrong = np.flatnonzero(~np.isfinite(scale) & (low < high))  # equal ones need no squares
    if len(wrong):
        raise DataError(
            f"column {shown(tuple(names)[wrong[0]])}: the numbers are too large to standardise; "
            "rescale the column"
        )
    constant = (low == high) | (scale <= _ROUNDING * np.abs(mean))
    return np.where(constant, low, mean), np.where(constant, 1.0, scale)


def _summed(
    values: Array, shares: Array | None, origin: Array | float, *, squared: bool = False
) -> Array:
    """The sum over the rows of ``values - origin`` or of its squares, weighted, in float64."""
    total = np.zeros(values.shape[1])
    for rows in blocks(values):
        away = values[rows].astype(np.float64) - origin
        if squared:
            away *= away
        total += (away if shares is None else away * shares[rows]).sum(axis=0)
    return total


def no_value(name: str) -> str:
    """Return the message for a column of gaps only.

    >>> no_value("age")
    "column 'age' has no value in the training part; leave the column out"
    """
    return f"column {shown(name)} has no value in the training part; leave the column out"
