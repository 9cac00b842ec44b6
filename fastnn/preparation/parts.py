"""Training, validation and test part (N18): the one rule by which examples are divided.

Classes keep their shares in every part. A class with a single example cannot be in two parts: it
stays in the training part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.ruled_split import check_classes, ruled_parts, split_column
from fastnn.data.split import FRACTIONS, FRACTIONS_OF_MANY, MANY, folds, holdout, split
from fastnn.data.statistics import DataWarning
from fastnn.data.tasks import class_labels
from fastnn.errors import ArgumentError, DataError, arg, shown, warn
from fastnn.preparation.examples import Examples, Source, read_part

Array = npt.NDArray[Any]

#: The share of the training examples that watches over training when the test part is given.
VALIDATION_SHARE = 0.1
#: The share of all examples that is the test part where only another part is given.
TEST_SHARE = 0.2

#: Fewer rows cannot be divided into three parts.
FEWEST = 3


def divide(
    source: Source,
    *,
    fractions: Sequence[float] | None = None,
    validation: Any = None,
    test: Any = None,
    seed: int = 0,
    fold: tuple[int, int] | None = None,
    rule: str | None = None,
) -> dict[str, Examples]:
    """Return the parts "train", "validation" and "test" (N18).

    ``validation`` and ``test`` are (data, target) pairs of the user, or None: then they are
    split off, stratified for classification. What is read of them is taken as in the training
    data: the same columns are numbers, categories, or dropped.

    ``fold``: (i, k), for the i-th of k parts of what is not the test part as the validation part.
    ``rule``: divide by a column (`fastnn.data.ruled_split`), which is no input if it names groups.

    >>> from fastnn.preparation.examples import read_source
    >>> parts = divide(read_source("digits"), seed=0)
    >>> {name: len(part) for name, part in parts.items()}
    {'train': 1078, 'validation': 360, 'test': 359}

    Raises ArgumentError for fractions without effect and what is no pair, DataError for parts
    that cannot be. Warns of a class with a single example.
    """
    examples, task = source.examples, source.task
    given = {
        name: read_part(name, pair, source)
        for name, pair in (
            ("validation", validation),
            ("test", source.test if test is None else test),
        )
        if pair is not None
    }
    if fractions is not None and given:
        raise ArgumentError(
            f"{arg('fractions')} have no effect: the {' and '.join(given)} part is given already",
            value=fractions,
        )
    if rule is not None:
        parts = _ruled(rule, source, fold, fractions, given, seed)
        return {name: _inputs(part, rule, source) for name, part in parts.items()}
    if not (given or fold or fractions) and len(examples) < FEWEST:
        n = len(examples)
        raise DataError(
            f"{n} row{'s are' if n != 1 else ' is'} too few for a training, a validation and a "
            f"test part: {FEWEST} are the least; add rows, or give {arg('validation')} and "
            f"{arg('test')}"
        )
    if len(given) < 2:
        warn_of_single_examples(examples.target, task)
    if fold is not None:
        return _fold(examples, task, fold, fractions, given, seed)
    if not given:

        def cut(target: Array, kind: str) -> list[Array]:
            parts = split(target, kind, fractions, seed)
            return [parts.train, parts.validation, parts.test]

        rows = _cut(examples.target, task, cut)
        names = ("train", "validation", "test")
        return {name: examples.rows(part) for name, part in zip(names, rows, strict=True)}
    rest = examples
    for name, share in (("validation", VALIDATION_SHARE), ("test", TEST_SHARE)):
        if name not in given:
            rest, given[name] = hold_out(rest, task, share, seed)
    return {"train": rest, "validation": given["validation"], "test": given["test"]}


def hold_out(examples: Examples, task: str, share: float, seed: int) -> tuple[Examples, Examples]:
    """Return the rest, and the share held out: shuffled, and stratified for classes (N18).

    Raises DataError if a part would be empty.

    >>> from fastnn.preparation.examples import read_source
    >>> rest, held = hold_out(read_source("digits").examples, "multiclass", 0.25, seed=0)
    >>> len(rest), len(held)
    (1348, 449)
    """
    rest, held = _cut(
        examples.target, task, lambda target, kind: list(holdout(target, kind, share, seed))
    )
    return examples.rows(rest), examples.rows(held)


def _fold(
    examples: Examples,
    task: str,
    fold: tuple[int, int],
    fractions: object,
    given: Mapping[str, Examples],
    seed: int,
) -> dict[str, Examples]:
    """Return the parts of one fold; all folds of a seed have the same test part."""
    i, k = fold
    _check_fold(fractions, given)
    rest, tested = examples, given.get("test")
    if tested is None:
        rest, tested = hold_out(rest, task, TEST_SHARE, seed)

    def cut(target: Array, kind: str) -> list[Array]:
        held = folds(target, kind, k, seed)[i]
        return [np.setdiff1d(np.arange(len(target)), held), held]

    train, validation = _cut(rest.target, task, cut)
    return {"train": rest.rows(train), "validation": rest.rows(validation), "test": tested}


def _check_fold(fractions: object, given: Mapping[str, Examples]) -> None:
    for name, there in (("fractions", fractions), ("validation", given.get("validation"))):
        if there is not None:
            raise ArgumentError(f"{arg(name)} has no effect with {arg('fold')}: leave one out")


def _ruled(
    rule: str,
    source: Source,
    fold: tuple[int, int] | None,
    fractions: Sequence[float] | None,
    given: Mapping[str, Examples],
    seed: int,
) -> dict[str, Examples]:
    """Return the parts that a column decides on."""
    if len(given) == 2:
        raise ArgumentError(
            f"{arg('split', rule)} has no effect: the validation and test part are given already",
            value=rule,
        )

    def cut(examples: Examples, shares: Sequence[float] | Array) -> list[Examples]:
        rows = ruled_parts(
            rule, examples.table, examples.target, task, shares, seed, examples.where
        )
        check_classes(rule, rows[0], examples.target, task)
        return [examples.rows(part) for part in rows]

    examples, task = source.examples, source.task
    if fold is not None:
        _check_fold(fractions, given)
        rest, tested = examples, given.get("test")
        if tested is None:
            rest, tested = cut(rest, [1 - TEST_SHARE, TEST_SHARE])
        i, k = fold
        equal = np.full(k, 1 / k)
        rows = ruled_parts(rule, rest.table, rest.target, task, equal, seed, rest.where)
        train = np.setdiff1d(np.arange(len(rest)), rows[i])
        check_classes(rule, train, rest.target, task)
        return {"train": rest.rows(train), "validation": rest.rows(rows[i]), "test": tested}
    names = ["train", *(name for name in ("validation", "test") if name not in given)]
    usual = FRACTIONS_OF_MANY if len(examples) >= MANY else FRACTIONS
    shares = fractions or usual
    if given:
        share = VALIDATION_SHARE if "test" in given else TEST_SHARE
        shares = (1 - share, share)
    parts = {**given, **dict(zip(names, cut(examples, shares), strict=True))}
    return {name: parts[name] for name in ("train", "validation", "test")}


def _inputs(examples: Examples, rule: str, source: Source) -> Examples:
    """Return the examples without a column that was there for the split alone."""
    aside = {*source.columns.get("drop", ())} if rule.startswith("time:") else {*split_column(rule)}
    unused = [name for name in split_column(rule) if name in aside & {*examples.table.names}]
    return replace(examples, table=examples.table.drop(unused)) if unused else examples


def _cut(target: Array, task: str, cut: Callable[[Array, str], list[Array]]) -> list[Array]:
    """Return the rows of each part, the first of which trains.

    ``cut`` divides the examples of classes with more than one; the others are added to the first.
    """
    singles = _single_examples(target, task)
    if not len(singles):
        return cut(target, task)
    if len(singles) == len(target):
        raise DataError(_all_single(target))
    others = np.setdiff1d(np.arange(len(target)), singles)
    left = target[others]
    kind = task if len(np.unique(left)) > 1 else "regression"  # nothing to stratify by
    first, *rest = (others[rows] for rows in cut(left, kind))
    return [np.sort(np.concatenate([first, singles])), *rest]


def _single_examples(target: Array, task: str) -> Array:
    """Return the rows whose class has no other row."""
    if task not in ("binary", "multiclass"):
        return np.arange(0)
    labels = class_labels(target, task)  # type: ignore[arg-type]
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.flatnonzero(counts[codes] == 1)


def _all_single(target: Array) -> str:
    """The message for a target that is another class in each row."""
    first = ", ".join(map(shown, target[:3].tolist()))
    return (
        f"the target has {len(target):,} classes, each with one example ({first} ...): what is "
        "learnt of a class cannot be checked; predict another column, put classes together, or if "
        "these are measurements write them as numbers alone"
    )


def warn_of_single_examples(target: Array, task: str) -> None:
    """Warn of classes with a single example, which no other part than the training part has.

    >>> warn_of_single_examples(np.array([0, 1, 0, 1]), "binary")
    """
    singles = _single_examples(target, task)
    if 0 < len(singles) < len(target):  # if all are, no part can be cut off
        labels = np.asarray(target)[singles[:3]].tolist()
        more = f" and {len(singles) - 3} more" if len(singles) > 3 else ""
        warn(
            f"target: {', '.join(map(shown, labels))}{more}: a class with a single example is in "
            "the training part only, so that nothing is known of how well it is predicted; add "
            "examples of it, or remove the row",
            DataWarning,
        )
