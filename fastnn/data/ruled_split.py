"""Parts by a column instead of at random: in the order of a time, or whole groups (N18)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fastnn.backend.random import generator
from fastnn.data.table import Array, Place, Table, check_known, from_zero
from fastnn.data.tasks import check_task, class_labels
from fastnn.errors import DataError, arg, inside, shown


def split_column(rule: str | None) -> tuple[str, ...]:
    """Return the column by which a rule such as "time:day" divides, none of None.

    >>> split_column("time:day"), split_column(None)
    (('day',), ())
    """
    return () if rule is None else (rule.partition(":")[2],)


def ruled_parts(
    rule: str,
    table: Table,
    target: npt.ArrayLike,
    task: str,
    shares: Sequence[float] | Array,
    seed: int = 0,
    place: Place = from_zero,
) -> list[Array]:
    """Return the row numbers (int64, ascending) of parts of about these ``shares``, by a column.

    ``rule``: "time:COL", the parts follow each other in the order of a column of dates or numbers,
    rows of the same time in one part; or "group:COL", rows of the same value in one part, drawn
    from ``seed``, classes in about equal shares (rows without a value are one group). ``place``
    says where a row is, for messages.

    Raises DataError for a column that is not there, text or a gap as a time, and too few
    different values.

    >>> table = Table.from_columns({"day": np.array([3.0, 1.0, 2.0, 2.0, 4.0])})
    >>> parts = ruled_parts("time:day", table, [0] * 5, "regression", [0.6, 0.4])
    >>> [rows.tolist() for rows in parts]
    [[1, 2, 3], [0, 4]]
    """
    (name,) = split_column(rule)
    with inside(f"{arg('split')}: "):
        check_known([name], table.names)
        values = table.column(name)
        if rule.startswith("time:"):
            parts = _in_order(name, values, np.asarray(shares), place)
        else:
            parts = _in_groups(name, values, target, task, np.asarray(shares), seed)
    return parts


def _in_order(name: str, values: Array, shares: Array, place: Place) -> list[Array]:
    if values.dtype == object:
        raise DataError(
            f"column {shown(name)} holds text, and neither times nor numbers; if these are dates, "
            f"say how they are written: {arg('date_format', '%d/%m/%Y')}"
        )
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0])
        raise DataError(
            f"column {shown(name)}, {place(row)}: no value, and so no place in the order; "
            "fill it in or remove the row"
        )
    order = np.argsort(values, kind="stable")
    steps = np.flatnonzero(np.diff(values[order])) + 1  # where a part can begin
    _check_enough(name, len(steps) + 1, "times", len(shares))
    cuts: list[int] = []
    for k, wanted in enumerate(np.cumsum(shares)[:-1] * len(values)):
        first = 1 + int(np.searchsorted(steps, cuts[-1])) if cuts else 0
        last = len(steps) - (len(shares) - 2 - k)
        possible = steps[first:last]
        cuts.append(int(possible[np.argmin(abs(possible - wanted))]))
    return [np.sort(rows).astype(np.int64) for rows in np.split(order, cuts)]


def _in_groups(
    name: str, values: Array, target: npt.ArrayLike, task: str, shares: Array, seed: int
) -> list[Array]:
    """Whole groups, the largest first, each to the part that lacks most of its classes."""
    if values.dtype == object:
        values = np.array(["" if text is None else text for text in values.tolist()])
    groups: Array = np.unique(values, return_inverse=True)[1]
    n_groups = int(groups.max()) + 1
    _check_enough(name, n_groups, "groups", len(shares))
    labels: Array = np.zeros(len(groups), np.int64)
    if task in ("binary", "multiclass"):
        known = class_labels(target, check_task(task))
        labels = np.unique(known, return_inverse=True)[1]
    counts = np.zeros((n_groups, int(labels.max()) + 1))
    np.add.at(counts, (groups, labels), 1)
    of_class = counts.sum(axis=0)
    wanted = shares[:, None] * of_class
    drawn = generator(seed, "split", 3).permutation(n_groups)
    order = drawn[np.argsort(-counts[drawn].sum(axis=1), kind="stable")]
    there, members = np.zeros_like(wanted), np.zeros(len(shares), np.int64)
    part_of = np.empty(n_groups, np.int64)
    for k, group in enumerate(order):
        # what the squares of what is too much or too little grow by, in shares of each class
        cost = (counts[group] * (counts[group] + 2 * (there - wanted)) / of_class).sum(axis=1)
        if n_groups - k <= (members == 0).sum():  # each part gets one
            cost[members > 0] = np.inf
        part = int(np.argmin(cost))
        part_of[group] = part
        there[part] += counts[group]
        members[part] += 1
    return [np.flatnonzero(part_of[groups] == part) for part in range(len(shares))]


def _check_enough(name: str, n: int, what: str, n_parts: int) -> None:
    if n < n_parts:
        raise DataError(
            f"column {shown(name)} has {n} different {what}, too few for {n_parts} parts; choose "
            f"another column, or give parts of your own ({arg('validation')}, {arg('test')})"
        )


def check_classes(rule: str, train: Array, target: npt.ArrayLike, task: str) -> None:
    """Raise DataError for a class of which the training part, rows ``train``, has no example.

    >>> check_classes("time:day", np.array([0, 1]), [0, 1, 1], "binary")
    """
    if task not in ("binary", "multiclass"):
        return
    labels = class_labels(target, check_task(task))
    absent = np.setdiff1d(labels, labels[train])
    if len(absent):
        raise DataError(
            f"{arg('split', rule)}: of class {shown(absent[0].item())} the training part has no "
            "example; choose another column, or leave the rows of this class out"
        )
