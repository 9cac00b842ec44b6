"""From what a user hands over to three parts of examples: training, validation, test (N18)."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.backend.host.arrays import to_host
from fastnn.data.builtin import DATASETS, load
from fastnn.data.cells import ReadingOptions
from fastnn.data.files import is_delimited, read_labelled, read_table, target_columns
from fastnn.data.split import folds, holdout, split
from fastnn.data.table import Table, check_known, shown
from fastnn.data.tasks import infer_task
from fastnn.errors import ArgumentError, DataError
from fastnn.preparation.loss_weights import check_weights
from fastnn.recipe.recipe import number, whole
from fastnn.registry import did_you_mean

Array = npt.NDArray[Any]

#: The share of the training examples that watches over training when the test part is given.
VALIDATION_SHARE = 0.1
#: The share of all examples that is the test part where only another part is given.
TEST_SHARE = 0.2


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows with their target and, where given, weights (N, 1)."""

    table: Table
    target: Array
    weights: Array | None = None

    def __len__(self) -> int:
        return len(self.table)

    def rows(self, index: npt.NDArray[np.int64]) -> Examples:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[index]
        return Examples(self.table.rows(index), self.target[index], weights)


@dataclass(frozen=True, eq=False)
class Source:
    """All examples, what the target is, and a test part where the data have one of their own."""

    examples: Examples
    task: str
    target_name: str | tuple[str, ...]
    test: Examples | None = None
    drop: tuple[str, ...] = ()
    reading: ReadingOptions = field(default_factory=ReadingOptions)  # of text


def read_source(
    data: Any,
    target: Any = None,
    *,
    task: str = "auto",
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    sample_weight: npt.ArrayLike | None = None,
    **reading: Unpack[ReadingOptions],
) -> Source:
    """Return the examples of a built-in name, a path, a data frame, a dict or arrays.

    ``target`` names a column of the data, or several in a list, or is the array of targets; a
    built-in data set has its own. ``reading``: how text is read, as `read_table` takes it.
    Raises DataError or ArgumentError that say what is missing.

    >>> source = read_source("digits")
    >>> source.task, len(source.examples)
    ('multiclass', 1797)
    """
    test = None
    if isinstance(data, str) and data in DATASETS:
        if target is not None:
            raise ArgumentError(f"target has no effect: data set {shown(data)} has its own target")
        for option, value in reading.items():
            if value is not None:
                raise ArgumentError(
                    f"{option} has no effect: data set {shown(data)} is no text file"
                )
        dataset = load(data)
        table, values = dataset.table, dataset.target
        name: str | tuple[str, ...] = dataset.target_name
        found: str | None = dataset.task
        test = None if dataset.test is None else Examples(*dataset.test)
        check_known(categorical, table.names)
        if drop:
            table = table.drop(list(drop))
            test = None if test is None else Examples(test.table.drop(list(drop)), test.target)
    else:
        table, values, name = _read(data, target, categorical, drop, **reading)
        found = None
    if len(values) != len(table):
        raise DataError(f"target has {len(values)} values for {len(table)} rows of data")
    weights = None if sample_weight is None else check_weights(sample_weight, len(table))
    kind = (found or infer_task(values)) if task == "auto" else task
    return Source(Examples(table, values, weights), kind, name, test, tuple(drop), reading)


def _read(
    data: Any,
    target: Any,
    categorical: Collection[str],
    drop: Collection[str],
    numeric: Collection[str] = (),
    **reading: Unpack[ReadingOptions],
) -> tuple[Table, Array, str | tuple[str, ...]]:
    if isinstance(data, str) and not os.path.exists(data) and not os.path.splitext(data)[1]:
        raise DataError(
            f"data: {shown(data)} is neither a file nor a built-in data set"
            f"{did_you_mean(data, DATASETS.names)} (built in: {', '.join(DATASETS.names)})"
        )
    if target is None:
        raise ArgumentError("target is missing: name a column of the data, or give the values")
    how: dict[str, Any] = {
        "numeric": numeric, "categorical": categorical, "drop": drop, **reading,
    }  # fmt: skip
    names = target_columns(data, target)
    if names:
        table, values = read_labelled(data, names, **how)
        return table, values, names if len(names) > 1 else names[0]
    values = np.asarray(to_host(target))
    if values.ndim == 0:
        raise ArgumentError(
            "target must name a column, or several in a list, or be an array of a label or value "
            f"per row; found {shown(target)}"
        )
    return read_table(data, **how), values, "target"


def divide(
    source: Source,
    *,
    fractions: Sequence[float] | None = None,
    validation: Any = None,
    test: Any = None,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
) -> dict[str, Examples]:
    """Return the parts "train", "validation" and "test" (N18).

    ``validation`` and ``test`` are (data, target) pairs of the user, or None: then they are
    split off, stratified for classification. What is read of them is taken as in the training
    data: the same columns are numbers, categories, or dropped.

    ``fold``: (i, k), for the i-th of k parts of what is not the test part as the validation part.

    >>> parts = divide(read_source("digits"), seed=0)
    >>> {name: len(part) for name, part in parts.items()}
    {'train': 1078, 'validation': 360, 'test': 359}

    Raises ArgumentError for fractions without effect and what is no pair, DataError for parts
    that cannot be.
    """
    examples, task = source.examples, source.task
    given = {
        name: _pair(name, pair, source)
        for name, pair in (
            ("validation", validation),
            ("test", source.test if test is None else test),
        )
        if pair is not None
    }
    if fractions is not None and given:
        raise ArgumentError(
            f"fractions have no effect: the {' and '.join(given)} part is given already"
        )
    if fractions is not None:
        if not isinstance(fractions, (list, tuple, np.ndarray)):
            raise ArgumentError(f"fractions must be three numbers, found {shown(fractions)}")
        fractions = [number("each of fractions", share) for share in fractions]
    if fold is not None:
        return _fold(examples, task, fold, fractions, given, seed)
    if not given:
        parts = split(examples.target, task, fractions, seed)
        return {
            "train": examples.rows(parts.train),
            "validation": examples.rows(parts.validation),
            "test": examples.rows(parts.test),
        }
    rest = examples
    for name in ("validation", "test"):
        if name not in given:
            share = VALIDATION_SHARE if name == "validation" else TEST_SHARE
            kept, held = holdout(rest.target, task, share, seed)
            rest, given[name] = rest.rows(kept), rest.rows(held)
    return {"train": rest, "validation": given["validation"], "test": given["test"]}


def _fold(
    examples: Examples,
    task: str,
    fold: tuple[int, int],
    fractions: object,
    given: Mapping[str, Examples],
    seed: int,
) -> dict[str, Examples]:
    """Return the parts of one fold; all folds of a seed have the same test part."""
    if not isinstance(fold, (tuple, list)) or len(fold) != 2:
        raise ArgumentError(f"fold must be a pair (i, k), the i-th of k folds, found {shown(fold)}")
    k = whole("fold: k", fold[1])
    i = fold[0]
    if isinstance(i, bool) or not isinstance(i, (int, np.integer)) or not 0 <= i < k or k < 2:
        raise ArgumentError(
            f"fold must be (i, k) with k of 2 or more and i from 0 to k - 1, found {shown(fold)}"
        )
    for name, there in (("fractions", fractions), ("validation", given.get("validation"))):
        if there is not None:
            raise ArgumentError(f"{name} has no effect with fold: leave one of them out")
    rest, tested = examples, given.get("test")
    if tested is None:
        kept, held = holdout(rest.target, task, TEST_SHARE, seed)
        rest, tested = rest.rows(kept), rest.rows(held)
    validation = folds(rest.target, task, k, seed)[i]
    train = np.setdiff1d(np.arange(len(rest)), validation)
    return {"train": rest.rows(train), "validation": rest.rows(validation), "test": tested}


def _pair(name: str, pair: Any, source: Source) -> Examples:
    if isinstance(pair, Examples):
        return pair
    if isinstance(pair, (str, os.PathLike, Mapping)) or hasattr(pair, "columns"):
        pair = (pair, source.target_name)
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise ArgumentError(f"{name} must be a pair (data, target), or data with the target column")
    data, target = pair
    trained = source.examples.table
    unnamed = trained.positional or isinstance(data, (Table, np.ndarray, list))
    reading = source.reading
    if not is_delimited(data):
        reading = {**reading, "delimiter": None}
    try:
        table, values, _ = _read(
            data,
            target,
            () if unnamed else tuple(trained.categorical),
            () if unnamed else source.drop,
            () if unnamed else trained.numeric_names,
            **reading,
        )
    except DataError as error:
        raise DataError(f"{name}: {error}") from error
    if len(values) != len(table):
        raise DataError(f"{name}: target has {len(values)} values for {len(table)} rows")
    return Examples(table, values)
