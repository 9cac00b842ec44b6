"""Which task a target asks for, and whether its values can be used at all."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from fastnn.backend.host.arrays import to_host
from fastnn.data.cells import STANDARD, is_missing
from fastnn.data.columns import typed_column
from fastnn.data.table import Array, Place, from_zero
from fastnn.errors import ArgumentError, DataError, advice, arg, lacking, shown
from fastnn.registry import did_you_mean

Task = Literal["binary", "multiclass", "multilabel", "regression"]
TASKS: tuple[Task, ...] = ("binary", "multiclass", "multilabel", "regression")

#: infer_task takes whole numbers for classes up to this many distinct ones ...
MOST_CLASSES = 20
#: ... if each occurs at least so often on average.
EXAMPLES_PER_CLASS = 5
#: Up to so many different whole numbers may be meant as classes.
MOST_UNCLEAR = 100


def check_task(task: str) -> Task:
    """Return ``task`` if it is one; raise ArgumentError with the known ones otherwise.

    >>> check_task("binary")
    'binary'
    """
    if task not in TASKS:
        raise ArgumentError(
            f"unknown {arg('task')} {shown(task)}{did_you_mean(str(task), TASKS)} "
            f"(known: {', '.join(TASKS)})"
        )
    return task


def clean_target(target: npt.ArrayLike, place: Place = from_zero) -> Array:
    """Return the target as bool, int64, float64 or text, ``(N,)`` or ``(N, k)``, k > 1.

    A missing, infinite or mixed value raises DataError with its ``place``, as do dates and no rows.
    Several columns of text that are all numbers are numbers.

    >>> clean_target([[1], [2]])
    array([1, 2])
    """
    target = to_host(target)
    values = np.asarray(target)
    if values.dtype.kind in "US" and not isinstance(target, np.ndarray):
        values = np.asarray(target, dtype=object)  # so that [1, "a"] stays a mixture
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in (1, 2) or values.size == 0:
        raise DataError(
            f"the target has shape {values.shape}; expected (rows,) or (rows, outputs), not empty"
        )
    if values.dtype.kind == "O":
        flat = values.ravel()
        gaps = [i for i, cell in enumerate(flat) if is_missing(cell)]
        if gaps:
            row = gaps[0] // (values.shape[1] if values.ndim == 2 else 1)
            raise DataError(_bad_value(place(row), "no value"))
        if not all(isinstance(cell, str) for cell in flat):  # labels of text stay as they are
            k = flat.size // len(values)
            with lacking("categorical", "drop"):  # which are for other columns
                cells = typed_column("target", flat, lambda i: place(i // k))
            values = cells.reshape(values.shape)
    if values.dtype.kind in "OTU":
        values = values.astype(str)
        numbers = numbers_of(values) if values.ndim == 2 else None
        return values if numbers is None else numbers
    if values.dtype.kind not in "biuf":
        raise DataError(f"the target holds {values.dtype}; expected numbers, booleans or text")
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            row = int(np.argwhere(~finite)[0][0])
            found = values[~finite][0]
            raise DataError(_bad_value(place(row), "no value" if np.isnan(found) else f"{found}"))
        return values.astype(np.float64)
    if values.dtype == np.uint64 and values.max() > np.iinfo(np.int64).max:
        row = int(np.argwhere(values > np.iinfo(np.int64).max)[0][0])
        raise DataError(
            f"target, {place(row)}: {values[row]} is too large for a whole number; hand "
            "labels over as text, or values as floats"
        )
    return values if values.dtype == bool else values.astype(np.int64)


def numbers_of(texts: Array) -> Array | None:
    """Return the numbers that an array of text writes, None if some cell is no number.

    >>> numbers_of(np.array(["1.5", "2"])), numbers_of(np.array(["1.5", "a"]))
    (array([1.5, 2. ]), None)
    """
    cells: list[object] = []
    for text in texts.flat:  # not as a list: there may be millions
        if (value := STANDARD.value(text)) is None:
            return None
        cells.append(value)
    return typed_column("target", np.array(cells, object)).reshape(texts.shape)


def _bad_value(where: str, found: str) -> str:
    return f"target, {where}: {found}; fill it in or remove the row"


def infer_task(target: npt.ArrayLike, place: Place = from_zero) -> Task:
    """Say what the target asks for, when nobody says it.

    - several columns: 'multilabel' if all are 0 or 1, else 'regression';
    - text or booleans: 'binary' (two distinct values) or 'multiclass', but text of numbers that
      would be 'regression' is that;
    - numbers with fractions: 'regression';
    - whole numbers: 'binary' if there are two distinct ones, 'multiclass' if there are 3 to 20 and
      five examples of each on average, else 'regression'.

    A single distinct label raises DataError, as does what `clean_target` refuses.

    >>> infer_task(["spam", "ham", "spam"]), infer_task([0.5, 2.0, 3.25]), infer_task([3, 7, 7])
    ('binary', 'regression', 'binary')
    """
    values = clean_target(target, place)
    if values.ndim == 2:
        return "multilabel" if first_not_binary(values) is None else "regression"
    numbers = numbers_of(values) if values.dtype.kind == "U" else None
    if numbers is not None and len(np.unique(numbers)) > 1 and infer_task(numbers) == "regression":
        return "regression"
    if values.dtype.kind == "f" and (values != np.floor(values)).any():
        return "regression"
    n_classes = len(np.unique(values))
    if n_classes == 1:
        raise DataError(one_class(values))
    if n_classes == 2:
        return "binary"
    few = n_classes <= MOST_CLASSES and len(values) >= EXAMPLES_PER_CLASS * n_classes
    return "multiclass" if values.dtype.kind in "bU" or few else "regression"


def few_whole_numbers(target: npt.ArrayLike) -> int:
    """Return how many different whole numbers the target is, if they may be classes or values.

    0 for anything else: text, fractions, several columns, less than 3 or more than 100 different
    numbers, or fewer than two examples of each on average.

    >>> few_whole_numbers([1, 2, 3, 3, 2, 1]), few_whole_numbers([0, 1] * 9)
    (3, 0)
    """
    given = np.asarray(to_host(target))
    if given.ndim == 2 or given.dtype.kind in "USb" or (given.size and isinstance(given[0], str)):
        return 0
    values = clean_target(given)
    if values.ndim == 2 or values.dtype.kind not in "if" or (values != np.floor(values)).any():
        return 0
    n = len(np.unique(values))
    return n if 3 <= n <= MOST_UNCLEAR and len(values) >= 2 * n else 0


def one_class(values: Array) -> str:
    """Return the message for a target that never varies.

    >>> one_class(np.array([1, 1]))
    'the target has one class only: all 2 rows are 1; there is nothing to learn'
    """
    rows = "the only row is" if len(values) == 1 else f"all {len(values)} rows are"
    label = shown(values[0].item())
    return f"the target has one class only: {rows} {label}; there is nothing to learn"


def first_not_binary(values: Array) -> tuple[int, ...] | None:
    """Return where the first value is that is neither 0 nor 1, or None.

    >>> first_not_binary(np.array([[0, 1], [1, 2]]))
    (1, 1)
    """
    if values.dtype.kind == "U":
        return (0, 0)
    wrong = (values != 0) & (values != 1)
    return tuple(int(i) for i in np.argwhere(wrong)[0]) if wrong.any() else None


def class_labels(target: npt.ArrayLike, task: Task, place: Place = from_zero) -> Array:
    """Return the checked ``(N,)`` labels of a binary or multiclass target.

    >>> class_labels([2.0, 1.0], "binary")
    array([2., 1.])
    """
    labels = clean_target(target, place)
    if labels.ndim != 1:
        raise DataError(
            f"a {task} target needs one label per row, found shape {labels.shape}"
            + advice("task", f"; for several 0/1 columns use {arg('task', 'multilabel')}")
        )
    if labels.dtype.kind == "f":
        broken = np.flatnonzero(labels != np.floor(labels))
        if len(broken):
            raise DataError(
                f"target, {place(int(broken[0]))}: {labels[broken[0]]} is no class label "
                "(not a whole number)" + advice("task", f"; use {arg('task', 'regression')}")
            )
    return labels
