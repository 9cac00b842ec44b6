"""From what a user hands over to examples: rows of a table with their target and weights."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.backend.host.arrays import to_host
from fastnn.data.builtin import DATASETS, load
from fastnn.data.files import is_delimited, read_labelled, read_table, target_columns
from fastnn.data.table import Table, check_known
from fastnn.data.tasks import infer_task
from fastnn.errors import ArgumentError, DataError, arg, inside, lacking, shown
from fastnn.preparation.loss_weights import check_weights
from fastnn.recipe.choices import checked, pick
from fastnn.recipe.table import DataOptions, ReadingOptions, SourceOptions
from fastnn.registry import did_you_mean

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows with their target and, where given, weights (N, 1).

    ``index`` (N,): the number of each row, from 0, in the data that it was read from; None: they
    are all of them, in their order.
    """

    table: Table
    target: Array
    weights: Array | None = None
    index: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        weighted = "" if self.weights is None else " with weights"
        columns, shape = len(self.table.names), np.shape(self.target)
        return f"<Examples: {len(self):,} rows of {columns:,} columns{weighted}, target {shape}>"

    @property
    def flat_weights(self) -> Array | None:
        """The weights (N,), or None."""
        return None if self.weights is None else self.weights[:, 0]

    def rows(self, index: npt.NDArray[np.int64]) -> Examples:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[index]
        own = index if self.index is None else self.index[index]
        return Examples(self.table.rows(index), self.target[index], weights, own)


@dataclass(frozen=True, eq=False)
class Source:
    """All examples, what the target is, and a test part where the data have one of their own."""

    examples: Examples
    task: str
    target_name: str | tuple[str, ...]
    test: Examples | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)  # the `DataOptions`, checked
    reading: ReadingOptions = field(default_factory=ReadingOptions)  # of text

    def __repr__(self) -> str:
        test = "" if self.test is None else f", {len(self.test):,} more are the test part"
        return (
            f"<Source: {self.task} of {shown(self.target_name)}, {len(self.examples):,} rows of "
            f"{len(self.examples.table.names):,} columns{test}>"
        )


def read_source(
    data: Any,
    target: Any = None,
    *,
    sample_weight: npt.ArrayLike | None = None,
    **given: Unpack[SourceOptions],
) -> Source:
    """Return the examples of a built-in name, a path, a data frame, a dict or arrays.

    ``target`` names a column of the data, or several in a list, or is the array of targets; a
    built-in data set has its own. Raises DataError or ArgumentError that say what is missing.

    >>> source = read_source("digits")
    >>> source.task, len(source.examples)
    ('multiclass', 1797)
    """
    columns = checked(pick(given, DataOptions), DataOptions)
    reading: Any = pick(given, ReadingOptions)
    test = None
    if isinstance(data, str) and data in DATASETS:
        check_built_in(data, target, reading)
        dataset = load(data)
        table, values = dataset.table, dataset.target
        name: str | tuple[str, ...] = dataset.target_name
        found: str | None = dataset.task
        test = None if dataset.test is None else Examples(*dataset.test)
        check_known(columns["categorical"], table.names, "categorical")
        if drop := columns["drop"]:
            table = table.drop(drop)
            test = None if test is None else Examples(test.table.drop(drop), test.target)
    else:
        table, values, name = _read(data, target, columns, reading)
        found = None
    if len(values) != len(table):
        raise DataError(f"{arg('target')} has {len(values)} values for {len(table)} rows of data")
    weights = None if sample_weight is None else check_weights(sample_weight, len(table))
    task = columns["task"]
    kind = (found or infer_task(values)) if task == "auto" else task
    return Source(Examples(table, values, weights), kind, name, test, columns, reading)


def _read(
    data: Any,
    target: Any,
    columns: Mapping[str, Any],
    reading: Mapping[str, Any],
    numeric: Collection[str] = (),
) -> tuple[Table, Array, str | tuple[str, ...]]:
    check_there(data)
    if target is None:
        raise ArgumentError(
            f"{arg('target')} is missing: name a column of the data, or give the values"
        )
    how: dict[str, Any] = {"numeric": numeric, **columns, **reading}
    how.pop("task", None)
    names = target_columns(data, target)
    if names:
        table, values = read_labelled(data, names, **how)
        return table, values, names if len(names) > 1 else names[0]
    return read_table(data, **how), target_values(target), "target"


def check_built_in(name: str, target: Any, reading: Mapping[str, Any]) -> None:
    """Raise ArgumentError for what has no effect on a data set of the package.

    >>> check_built_in("digits", None, {"decimal": ","})
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: decimal has no effect: data set 'digits' is no text file
    """
    if target is not None:
        raise ArgumentError(
            f"{arg('target')} has no effect: data set {name!r} has its own target", value=target
        )
    for option, value in reading.items():
        if value is not None:
            raise ArgumentError(
                f"{arg(option)} has no effect: data set {name!r} is no text file", value=value
            )


def check_there(data: Any) -> None:
    """Raise DataError for a text that names neither a file nor, perhaps, a built-in data set.

    >>> check_there("digitz")
    Traceback (most recent call last):
    fastnn.errors.DataError: 'digitz' is neither a file nor a built-in data set; did you mean ...
    """
    if isinstance(data, str) and not os.path.exists(data) and not os.path.splitext(data)[1]:
        raise DataError(
            f"{shown(data)} is neither a file nor a built-in data set"
            f"{did_you_mean(data, DATASETS.names)} (built in: {', '.join(DATASETS.names)})",
            argument="data",
        )


def target_values(target: Any) -> Array:
    """Return labels or values as an array; raise ArgumentError for what is neither.

    >>> target_values([1, 0]).shape
    (2,)
    """
    values = np.asarray(to_host(target))
    if values.ndim == 0:
        raise ArgumentError(
            f"{arg('target')} must name a column, or several in a list, or be an array of a label "
            f"or value per row; found {shown(target)}",
            value=target,
        )
    return values


def read_part(name: str, pair: Any, source: Source) -> Examples:
    """Return a part of the user's own: a pair (data, target), or data with the target column.

    What is read is taken as in the training data: the same columns are numbers, categories, or
    dropped. Raises ArgumentError for what is no pair, DataError naming the part.

    >>> import numpy as np
    >>> len(read_part("test", (np.zeros((2, 64)), [3, 4]), read_source("digits")))
    2
    """
    if isinstance(pair, Examples):
        return pair
    if isinstance(pair, (str, os.PathLike, Mapping)) or hasattr(pair, "columns"):
        pair = (pair, source.target_name)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ArgumentError(
            f"{arg(name)} must be a pair (data, target), or data with the target column",
            value=pair,
        )
    data, target = pair
    columns, reading = dict(source.columns), dict(source.reading)
    if not is_delimited(data):
        reading["delimiter"] = None
    numeric: tuple[str, ...] = ()
    trained = source.examples.table
    if trained.positional or isinstance(data, (Table, np.ndarray, list)):  # columns by their place
        columns |= {"categorical": (), "drop": ()}
    else:
        columns["categorical"], numeric = tuple(trained.categorical), trained.numeric_names
    # Which columns are categories was found in the training data.
    with inside(f"{arg(name)}: "), lacking("categorical"):
        table, values, _ = _read(data, target, columns, reading, numeric)
        if len(values) != len(table):
            raise DataError(f"{arg('target')} has {len(values)} values for {len(table)} rows")
    return Examples(table, values)
