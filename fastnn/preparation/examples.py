"""From what a user hands over to examples: rows of a table with their target and weights."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.backend.host.arrays import to_host
from fastnn.data.columns import typed_column
from fastnn.data.ruled_split import split_column
from fastnn.data.statistics import DataNote
from fastnn.data.storage import Storage
from fastnn.data.table import EXACT, Place, Table, check_known, from_zero, listed
from fastnn.data.tasks import few_whole_numbers, infer_task
from fastnn.data.wanted import Only, tell_others
from fastnn.datasets.builtin import DATASETS, load
from fastnn.errors import ArgumentError, DataError, advice, arg, inside, lacking, shown, warn
from fastnn.preparation.loss_weights import check_weights
from fastnn.reading.files import (
    has_names,
    options_without_effect,
    read_labelled,
    read_table,
    target_columns,
    without_value,
    words_as_labels,
)
from fastnn.reading.find_files import are_files, is_pattern
from fastnn.reading.images import CLASS, has_classes
from fastnn.reading.larger import read_kept
from fastnn.recipe.choices import checked, pick
from fastnn.recipe.table import DataOptions, ReadingOptions, SourceOptions
from fastnn.registry import did_you_mean

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows with their target and, where given, weights (N, 1).

    ``index`` (N,): the number of each row, from 0, in the data that it was read from; None: they
    are all of them, in their order. ``left_out``: how many further rows there were, without a
    target. ``place`` says where a row of those data is; None: the table knows, or nobody.
    """

    table: Table
    target: Array
    weights: Array | None = None
    index: npt.NDArray[np.int64] | None = None
    left_out: int = 0
    place: Place | None = None

    def __len__(self) -> int:
        return len(self.table)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "place": None}  # a function, which no other process needs

    def where(self, row: int) -> str:
        """Say where a row was read, as the user counts: "line 5 of 'a.csv'".

        >>> Examples(Table.from_columns({"x": np.arange(9.0)}), np.arange(9)).where(3)
        'row 3 (counted from 0)'
        """
        place = self.place or self.table.place or from_zero
        return place(row if self.index is None else int(self.index[row]))

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
        place = self.place or self.table.place
        return Examples(self.table.rows(index), self.target[index], weights, own, place=place)


@dataclass(frozen=True, eq=False)
class Source:
    """All examples, what the target is, and a test part where the data have one of their own."""

    examples: Examples
    task: str
    target_name: str | tuple[str, ...]
    test: Examples | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)  # the `DataOptions`, checked
    reading: ReadingOptions = field(default_factory=ReadingOptions)  # of text
    weight: str = ""  # the column of the weights, if they are one
    whole_numbers: int = 0  # as many are the target, if it could be another task as well

    @property
    def kept_text(self) -> list[str]:
        """The columns of text that are kept, whatever they hold: by ``keep_text``, or declared."""
        declared = [c for c in self.columns["categorical"] if c in self.examples.table.categorical]
        return [*self.columns["keep_text"], *declared]

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
    sample_weight: npt.ArrayLike | str | None = None,
    split: str | None = None,
    **given: Unpack[SourceOptions],
) -> Source:
    """Return the examples of a built-in name, a path, a data frame, a dict or arrays.

    ``target`` names a column of the data, or several in a list, or is the array of targets; a
    built-in data set has its own, and pictures in folders have the names of these.
    ``sample_weight`` is the weights, or names a column of them, which is no input then. ``split``:
    the rule of the parts, whose column is read even if it is dropped:
    `fastnn.preparation.parts.divide` leaves it out. Rows without a target are left out, with a
    DataNote. Raises DataError or ArgumentError that say what is missing.

    >>> source = read_source("digits")
    >>> source.task, len(source.examples)
    ('multiclass', 1797)
    """
    columns = checked(pick(given, DataOptions), DataOptions)
    needed = split_column(split)
    used = columns | {"drop": [name for name in columns["drop"] if name not in needed]}
    reading: Any = pick(given, ReadingOptions)
    test = None
    if is_built_in(data):
        check_built_in(data, target, {**reading, "cache": columns["cache"]})
        dataset = load(data)
        table, values = dataset.table, dataset.target
        name: str | tuple[str, ...] = dataset.target_name
        found: str | None = dataset.task
        test = None if dataset.test is None else Examples(*dataset.test)
        check_known(columns["categorical"], table.names, "categorical")
        if drop := used["drop"]:
            table = table.drop(drop)
            test = None if test is None else Examples(test.table.drop(drop), test.target)
    else:
        table, values, name = _read(data, target, used, reading)
        found = None
    if len(values) != len(table):
        raise DataError(
            f"{arg('target')} has {len(values)} values for {len(table)} rows of data"
            f"{_named_twice(values, table)}"
        )
    weight = sample_weight if isinstance(sample_weight, str) else ""
    weights = None if weight or sample_weight is None else check_weights(sample_weight, len(table))
    examples = Examples(table, values, weights)
    if columns["missing_target"] == "drop":
        examples = with_target(examples, name, read=bool(target_columns(data, target)))
    if weight:
        if weight in target_columns(data, name):
            raise ArgumentError(f"{arg('sample_weight', weight)} is the target, too")
        examples = with_weights(examples, weight)
        if test is not None and weight in test.table.names:
            test = with_weights(test, weight)
    task = columns["task"]
    kind = (found or infer_task(examples.target, examples.where)) if task == "auto" else task
    whole = few_whole_numbers(examples.target) if task == "auto" and found is None else 0
    return Source(examples, kind, name, test, columns, reading, weight, whole)


def _named_twice(target: Array, table: Table) -> str:
    """What to do about a target that seems to be meant as names of columns."""
    names = target.tolist()
    twice = next((name for k, name in enumerate(names) if name in names[:k]), None)
    meant = twice is not None and all(name in table.names for name in names)
    return f"; to predict columns, name each of them once, not {shown(twice)} twice" * meant


def with_target(examples: Examples, name: str | Sequence[str], *, read: bool = True) -> Examples:
    """Return the rows that have a target; the others are told with a DataNote, and counted.

    ``name``: of the target, or of several, which was ``read`` from data with columns. Of numbers
    that gaps had made floats, whole ones are whole again.

    >>> table = Table.from_columns({"x": np.arange(2.0)})
    >>> with_target(Examples(table, np.array([1, 2])), "y").target
    array([1, 2])

    Raises DataError if no row has one.
    """
    target = examples.target
    empty = without_value(target)
    n = int(empty.sum())
    if not n:
        return examples
    which = f"target {listed(map(shown, [name] if isinstance(name, str) else name))}"
    labels = words_as_labels() if read and target.dtype == object else ""
    if n == len(target):
        raise DataError(f"{which}: no row has a value{labels}")
    refused = advice("missing_target", f"; {arg('missing_target', 'error')} refuses them")
    count = f"{n:,} of {len(target):,} rows {'has' if n == 1 else 'have'} no value and "
    verb = "is" if n == 1 else "are"
    warn(DataNote(f"{which}: {count}{verb} left out{refused}{labels}"))
    kept = examples.rows(np.flatnonzero(~empty))
    values = kept.target
    if (
        values.dtype.kind == "f"
        and (values == np.rint(values)).all()
        and (abs(values).max() < EXACT)
    ):
        values = values.astype(np.int64)
    return replace(kept, target=values, left_out=n)


def with_weights(examples: Examples, name: str) -> Examples:
    """Return the rows with a column as their weights, which is no input then.

    >>> table = Table.from_columns({"x": np.arange(2.0), "w": np.array([1.0, 3.0])})
    >>> weighted = with_weights(Examples(table, np.array([0, 1])), "w")
    >>> weighted.table.names, weighted.flat_weights
    (('x',), array([1., 3.]))

    Raises DataError for a column that is not there, and for dates, text, gaps and negative numbers
    in it.
    """
    table = examples.table
    if table.positional:
        raise ArgumentError(
            f"{arg('sample_weight')}: an array has no column names, and so none {shown(name)}; "
            "hand the weights over as an array",
            value=name,
        )
    check_known([name], table.names, "sample_weight")
    column = f"{arg('sample_weight')}: column {shown(name)}"
    if name in table.dates:
        kind = "times of day" if table.dates[name].of_day else "dates"
        raise DataError(f"{column} holds {kind}, and weights are numbers; name another column")
    values = table.column(name)
    if values.dtype == object:
        with inside(f"{arg('sample_weight')}: "), lacking("categorical", "drop", "missing"):
            values = typed_column(name, values, examples.where, kind="numeric")
    bad = np.flatnonzero(~(values >= 0))  # NaN, too
    if len(bad):
        row = int(bad[0])
        found = "no value" if np.isnan(values[row]) else f"{values[row]:g} is negative"
        raise DataError(
            f"{column}, {examples.where(row)}: {found}; weights are 0 or more, and 0 leaves a row "
            "out"
        )
    if not np.any(values):
        raise DataError(f"{column}: every weight is 0, and so no row would count")
    weights = check_weights(values, len(table))
    return replace(examples, table=table.drop([name]), weights=weights)


def _read(
    data: Any,
    target: Any,
    columns: Mapping[str, Any],
    reading: Mapping[str, Any],
    numeric: Collection[str] = (),
    only: Only | None = None,
) -> tuple[Table, Array, str | tuple[str, ...]]:
    check_there(data)
    if target is None and isinstance(data, (str, os.PathLike)) and has_classes(data):
        target = CLASS
    if target is None:
        raise ArgumentError(
            f"{arg('target')} is missing: name a column of the data, or give the values"
        )
    how: dict[str, Any] = {"numeric": numeric, "only": only, **reading}
    how |= {name: columns[name] for name in ("categorical", "dates", "drop")}
    names, cache = target_columns(data, target), columns["cache"]
    if names:
        gaps = columns["missing_target"] == "drop"

        def read(storage: Storage) -> tuple[Table, Array]:
            return read_labelled(data, names, gaps=gaps, storage=storage, **how)

        options = {**how, "target": names, "gaps": gaps}
        table, values = read_kept(data, cache, options, read)
        return table, values, names if len(names) > 1 else names[0]
    table, _ = read_kept(
        data, cache, how, lambda storage: (read_table(data, storage=storage, **how), np.zeros(0))
    )
    return table, target_values(target), "target"


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


def built_in_rows(name: str, target: Any, reading: Mapping[str, Any]) -> Examples:
    """Return the rows of a data set of the package by which a model is judged: its test part.

    All rows, if it has none of its own.

    >>> len(built_in_rows("digits", None, {}))
    1797

    Raises ArgumentError for what has no effect on it.
    """
    check_built_in(name, target, reading)
    dataset = load(name)
    return Examples(*(dataset.test or (dataset.table, dataset.target)))


def is_built_in(data: Any) -> bool:
    """Return whether data are the name of a data set of the package.

    >>> is_built_in("digits"), is_built_in("digits.csv"), is_built_in([1])
    (True, False, False)
    """
    return isinstance(data, str) and data in DATASETS


def check_there(data: Any) -> None:
    """Raise DataError for a text that names neither a file nor, perhaps, a built-in data set.

    ArgumentError for a built-in data set in a list of files.

    >>> check_there("digitz")
    Traceback (most recent call last):
    fastnn.errors.DataError: 'digitz' is neither a file nor a built-in data set; did you mean ...
    """
    if isinstance(data, (list, tuple)) and all(isinstance(one, str) for one in data):
        for one in data:
            if one in DATASETS and not os.path.exists(one):
                raise ArgumentError(
                    f"{shown(one)} is a built-in data set and no file; name it alone, or files of "
                    "one type",
                    argument="data",
                )
            check_there(one)
        return
    if not isinstance(data, str) or os.path.exists(data) or is_pattern(data):
        return
    if not os.path.splitext(data)[1]:
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
    """Return a part of the user's own: (data, target), or data with the target column.

    A third entry of the tuple, or list, is the weights: one for each row, or the name of their
    column; else the column of weights that the training data had, where it is there.

    What is read is taken as in the training data: the same columns are numbers, categories, or
    dropped. Raises ArgumentError for what is no pair, DataError naming the part.

    >>> import numpy as np
    >>> len(read_part("test", (np.zeros((2, 64)), [3, 4]), read_source("digits")))
    2
    """
    if isinstance(pair, Examples):
        return pair
    if has_names(pair):
        pair = (pair, source.target_name)
    if not isinstance(pair, (tuple, list)) or len(pair) not in (2, 3):
        raise ArgumentError(
            f"{arg(name)} must be a pair (data, target), with weights (data, target, weights), or "
            "data with the target column",
            value=pair,
        )
    data, target, weights = [*pair, None][:3]
    by_name = isinstance(weights, str)
    weight = source.weight if weights is None else weights if by_name else ""
    columns = dict(source.columns)
    without = options_without_effect(data)
    reading: Any = {name: value for name, value in source.reading.items() if name not in without}
    if not are_files(data):
        columns["cache"] = None
    numeric: tuple[str, ...] = ()
    trained, only = source.examples.table, None
    named = target_columns(data, target)
    by_place = isinstance(data, (Table, np.ndarray, list)) and not has_names(data)
    if trained.positional or by_place:
        columns |= {"categorical": (), "dates": (), "drop": ()}
    else:
        used = [name for name in trained.names if name not in columns["drop"]]
        columns["categorical"] = tuple(name for name in used if name in trained.categorical)
        columns["dates"] = {n: trained.dates[n].form for n in used if n in trained.dates}
        others = {*columns["categorical"], *columns["dates"]}
        numeric = tuple(name for name in used if name not in others)
        if has_names(data):  # what was dropped is not looked at, and need not be there
            only, columns["drop"] = Only({*used, *named, source.weight, weight}), ()
    # Which columns are categories was found in the training data.
    with inside(f"{arg(name)}: "), lacking("categorical"):
        table, values, called = _read(data, target, columns, reading, numeric, only)
        if len(values) != len(table):
            raise DataError(f"{arg('target')} has {len(values)} values for {len(table)} rows")
        w = None if weights is None or by_name else check_weights(weights, len(table))
        examples = Examples(table, values, w)
        if columns["missing_target"] == "drop":
            examples = with_target(examples, called, read=bool(named))
        if by_name or weight in table.names:
            examples = with_weights(examples, weight)
    if only is not None:
        tell_others([name for name in only.others if name not in source.columns["drop"]])
    return examples
