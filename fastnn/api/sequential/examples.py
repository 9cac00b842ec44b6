"""X and y as people give them, to the arrays that a network takes; nothing is changed in X."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.sequential.layers import Stack
from fastnn.backend.host.arrays import to_host
from fastnn.data.statistics import columns_with_gaps
from fastnn.data.table import Table, from_zero
from fastnn.data.targets import Targets
from fastnn.data.wanted import Only, tell_others
from fastnn.errors import ArgumentError, DataError, arg, inside, shown
from fastnn.preparation import parts
from fastnn.preparation.examples import Examples
from fastnn.preparation.loss_weights import check_weights
from fastnn.preparation.parts import warn_of_single_examples
from fastnn.reading.files import has_names, read_table

Array = npt.NDArray[Any]


def flattened(X: Any, of: Stack, name: str = "X") -> Any:
    """Return X with a row for each example, as a `Flatten` layer makes it; else X as it is.

    ``of``: what the layers describe. Raises DataError for examples of several axes without such a
    layer, and of another shape than the layers say.

    >>> from fastnn.api.sequential.layers import Dense, Flatten, stack
    >>> flattened(np.zeros((5, 8, 8)), stack([Flatten(), Dense(1)])).shape
    (5, 64)
    >>> flattened(np.zeros((5, 8, 8)), stack([Dense(1)]))
    Traceback (most recent call last):
    fastnn.errors.DataError: X has shape (5, 8, 8): start the layers with Flatten(), which makes ...
    """
    if isinstance(X, (list, tuple)):
        with suppress(ValueError):  # rows of unequal lengths are told later
            X = np.asarray(X) if np.ndim(X[:1]) > 2 else X
    if getattr(X, "ndim", 2) <= 2:
        return X
    shape = tuple(X.shape)
    if not of.flatten:
        raise DataError(
            f"{name} has shape {shape}: start the layers with Flatten(), which makes a row of "
            "each example"
        )
    if of.sides is not None and shape[1:] != of.sides:
        raise DataError(f"{name} has shape {shape}, the layers need (N, {str(of.sides)[1:]}")
    return X.reshape(len(X), prod(shape[1:]))


def read_inputs(
    X: Any, n_features: int | None, name: str = "X", known: Sequence[str] = ()
) -> Table:
    """Return X as a table of numbers without gaps.

    ``X``: rows, as an array (N, n_features), a data frame or a dict of columns. Raises DataError
    naming column and row for text and missing or infinite values, and if the number of columns
    is not ``n_features``. ``known``: the columns of earlier fits, if they had names; others are
    left out, with a DataNote.

    >>> read_inputs([[1.0, 2.0], [3.0, np.nan]], 2)
    Traceback (most recent call last):
    fastnn.errors.DataError: X, column 'x1', row 1 (counted from 0): no value; fill it in, or ...
    """
    only = Only(known) if known and has_names(X) and not isinstance(X, Table) else None
    with inside(f"{name}: "):
        table = read_table(X, only=only, numeric=() if only is None else known)
    if only is not None:
        tell_others(only.others)
    for column in table.categorical:
        raise DataError(
            f"{name}, column {column!r}: it holds text; encode it as numbers, or use "
            "fastnn.train, which does"
        )
    for column in table.dates:
        raise DataError(
            f"{name}, column {column!r}: it holds dates or times; turn them into numbers, or use "
            "fastnn.train, which does"
        )
    if n_features is not None and len(table.names) != n_features:
        raise DataError(
            f"{name} has {len(table.names)} columns, the network has {n_features} inputs"
        )
    gaps = np.flatnonzero(columns_with_gaps(table.numeric))
    if len(gaps):
        row = int(np.flatnonzero(np.isnan(table.numeric[:, gaps[0]]))[0])
        raise DataError(
            f"{name}, column {table.numeric_names[gaps[0]]!r}, {from_zero(row)}: no value; fill "
            "it in, or use fastnn.train, which does"
        )
    return table


def read_target(y: Any, targets: Targets, n: int, name: str = "y") -> Array:
    """Return the target as labels (N,), class indices if they came one-hot, or numbers.

    ``y``: class indices (N,) or (N, 1), or one-hot rows (N, K), for softmax; else (N,) or (N, K).
    Raises DataError naming the row for anything else.

    >>> targets = Targets("multiclass", np.arange(3), 3, None, None, True, "float32")
    >>> read_target([[0, 0, 1], [1, 0, 0]], targets, 2).tolist()
    [2, 0]
    """
    values = np.asarray(to_host(y))
    K = targets.n_outputs
    shapes = [(n,), (n, 1)] if K == 1 else [(n, K)]
    if targets.task == "multiclass":
        shapes = [(n,), (n, 1), (n, K)]
    if values.shape not in shapes:
        needed = " or ".join(map(str, shapes))
        raise DataError(f"{name} has shape {values.shape}, the network and X need {needed}")
    one_hot = targets.task == "multiclass" and values.shape == (n, K)
    return _indices(values, name) if one_hot else values


def _indices(one_hot: Array, name: str) -> Array:
    """Class indices of one-hot rows."""
    hot = one_hot == 1
    good = (hot | (one_hot == 0)).all(axis=1) & (hot.sum(axis=1) == 1)
    if not good.all():
        row = int(np.argmin(good))
        raise DataError(
            f"{name}, {from_zero(row)}: {one_hot[row].tolist()} is not one-hot, a single 1 and "
            "else 0; for softened labels use the loss's option label_smoothing"
        )
    return np.asarray(hot.argmax(axis=1))


def pair(given: Any) -> tuple[Any, Any, Any]:
    """Return X, y and weights or None of ``validation_data``.

    >>> pair(([[1.0]], [0]))
    ([[1.0]], [0], None)
    """
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise ArgumentError(
            f"{arg('validation_data')} must be (X, y) or (X, y, sample_weight), found "
            f"{shown(given, 40)}"
        )
    return given[0], given[1], given[2] if len(given) == 3 else None


def examples(
    X: Any,
    y: Any,
    sample_weight: Any,
    targets: Targets,
    n_features: int | None,
    prefix: str = "",
    known: Sequence[str] = (),
) -> Examples:
    """Return checked examples: the table, the target, weights (N, 1) or None."""
    table = read_inputs(X, n_features, f"{prefix}{arg('X')}", known)
    labels = read_target(y, targets, len(table), f"{prefix}{arg('y')}")
    w = None if sample_weight is None else check_weights(sample_weight, len(table))
    return Examples(table, labels, w)


def hold_out(
    given: Examples, task: str, share: float, seed: int
) -> tuple[Examples, Examples | None]:
    """Return the rest, and the share held out, as `fastnn.preparation.parts` divides examples.

    Raises DataError if a part would be empty.
    """
    if not share:
        return given, None
    with inside(f"{arg('validation_split', share)}: "):
        warn_of_single_examples(given.target, task)
        return parts.hold_out(given, task, share, seed)
