"""Which class is taken for which, and how well each class or label is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.pictures.marks import HeatMap
from fastnn.pictures.page import beside, chapter, folded, panel, paragraph, table
from fastnn.report.judged import Judged
from fastnn.report.subject import IN_CHART, outputs_of
from fastnn.text import numbers
from fastnn.training.scores import auc

Array = npt.NDArray[Any]

#: A matrix of so many classes at the most can be read; tables show so many rows before the fold,
#: and as many as this behind it.
IN_MATRIX, IN_SIGHT, IN_TABLE = 12, 15, 1_000
#: ROC AUC of every class takes a sort for each: it is left out above so many numbers.
MOST_SORTED = 5_000_000
#: A share of fewer rows than these is mostly chance.
FEW = 10


def classes(judged: Judged) -> str:
    """Return the chapter: confusion matrix and the table of classes, or of labels.

    Counts are of all rows, where they are known; ROC AUC takes the rows' scores, and so is of those
    that are looked at.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("digits", hidden_layer_sizes=[], epochs=1)
    >>> "Confusion" in classes(of_training(training.model, training.record).judged)
    True
    """
    labels = judged.model.task == "multilabel"
    parts = [paragraph(" ".join(_said(judged)))]
    matrix = not labels and judged.output.shape[1] <= IN_MATRIX
    blocks = [*([] if labels else [_confusion(judged)]), _table(judged)]
    parts += [beside(*blocks)] if matrix else blocks
    heading = "Labels" if labels else "Classes"
    return chapter(heading, *parts, anchor="classes")


def _said(judged: Judged) -> list[str]:
    """Of which rows the chapter is, and of which classes there are too few."""
    counts = judged.counts
    found = [f"From {judged.said_of_counts}."]
    if _ranks(judged) and counts.total > len(judged):
        found.append(f"ROC AUC is from {judged.said}, where {FEW} or more are of the class.")
    few, K = int((counts.rows < FEW).sum()), len(counts.rows)
    if few:
        kind = "label" if judged.model.task == "multilabel" else "class"
        plural = {"label": "labels", "class": "classes"}[kind]
        which = f"Each {kind} has" if few == K else f"{few:,} of {K:,} {plural} have"
        which = f"1 of {K:,} {plural} has" if few == 1 < K else which
        found.append(
            f"{which} fewer than {FEW} rows, which is marked: what is said of so few is mostly "
            "chance."
        )
    return found


def _confusion(judged: Judged) -> str:
    K, counts = judged.output.shape[1], judged.counts
    if K <= IN_MATRIX:
        return panel(_matrix(judged))
    found, names = counts.confusions(), outputs_of(judged.model)
    if not found:
        return paragraph("No row is taken for another class.")
    shown = found[:IN_SIGHT]
    rows = [
        [names[i], names[j], times, f"{n / counts.there[i]:.1%}"]
        for (i, j, n), times in zip(shown, _counts([n for *_, n in shown]), strict=True)
    ]
    more = f"the {len(rows)} most frequent" if len(found) > len(rows) else "all"
    return paragraph(
        f"What is taken for what, of {len(found):,} pairs {more}; the share is of the rows of the "
        "true class."
    ) + table(["true", "predicted", "rows", "share"], rows)


def _matrix(judged: Judged) -> HeatMap:
    counts = judged.counts.matrix
    names = tuple(outputs_of(judged.model, IN_CHART))
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(total > 0, total, 1)
    weighted = "weights" if judged.weights is not None else "rows"
    texts = np.array(_counts(counts.ravel().tolist()), object).reshape(counts.shape)
    texts[counts == 0] = ""
    return HeatMap(
        "Confusion matrix", names, names, tuple(map(tuple, counts.tolist())),
        f"{weighted}; the shade is the share of the true class", tuple(map(tuple, texts.tolist())),
        shades=tuple(map(tuple, shares.tolist())), row_name="true", column_name="predicted",
        low=0.0, high=1.0,
        chosen=tuple((k, k) for k in range(len(names))),
    )  # fmt: skip


def _counts(values: Sequence[float]) -> list[str]:
    """Counts as whole numbers, sums of weights as numbers."""
    if all(float(value).is_integer() for value in values):
        return [f"{value:,.0f}" for value in values]
    return numbers(values)


def truth_of(judged: Judged, k: int) -> Array:
    """Return which rows have class or label k, (N,)."""
    if judged.model.task == "multilabel":
        return np.asarray(judged.target[:, k] == 1)
    return np.asarray(judged.target == k)


def rows_of(judged: Judged) -> Array:
    """Return how many of the rows that are looked at have each class or label, (K,)."""
    if judged.model.task == "multilabel":
        return np.asarray(judged.target.sum(axis=0))
    return np.bincount(judged.target, minlength=judged.output.shape[1])


def _ranks(judged: Judged) -> bool:
    return judged.output.size <= MOST_SORTED


def _areas(judged: Judged) -> list[float]:
    """ROC AUC of each class; of a part of the rows it is nan where too few are of the class."""
    w = np.ones(len(judged)) if judged.weights is None else judged.weights
    fewest = FEW if judged.counts.total > len(judged) else 0
    return [
        auc(truth_of(judged, k), judged.output[:, k], w) if n >= fewest else float("nan")
        for k, n in enumerate(rows_of(judged).tolist())
    ]


def _table(judged: Judged) -> str:
    counts, names = judged.counts, outputs_of(judged.model)
    K = len(names)
    kind = "label" if judged.model.task == "multilabel" else "class"
    columns = {
        kind: names,
        "rows" if judged.weights is None else "weight": _counts(counts.there.tolist()),
        "predicted": _counts(counts.found.tolist()),
        "precision": numbers(counts.precision.tolist()),
        "recall": numbers(counts.recall.tolist()),
        "F1": numbers(counts.f1.tolist()),
    }
    if _ranks(judged):
        columns["ROC AUC"] = numbers(_areas(judged))
    few = counts.rows < FEW
    if few.any():
        columns["remark"] = ["few rows" if n else "no rows" for n in counts.rows.tolist()]
        columns["remark"] = [t if f else "" for t, f in zip(columns["remark"], few, strict=True)]
    head, rows = [*columns], [list(row) for row in zip(*columns.values(), strict=True)]
    if K <= IN_SIGHT + 5:
        return table(head, rows)
    plural = "classes" if kind == "class" else "labels"
    ranked, among = lowest(judged, counts.rows)
    said = f"Of {K:,} {plural} the {IN_SIGHT} with the lowest F1{among}:"
    every = f"all {K:,}" if K <= IN_TABLE else f"the first {IN_TABLE:,}"
    return (
        paragraph(said) + table(head, [rows[k] for k in ranked[:IN_SIGHT]])
        + folded(f"Table of {every}", table(head, rows[:IN_TABLE]))
    )  # fmt: skip


def lowest(judged: Judged, rows: Array, most: float = np.inf) -> tuple[list[int], str]:
    """Return classes or labels, those with the lowest F1 first, and among which they are, in words.

    ``rows`` (K,): how many rows each has; those with few come last. ``most``: of so many rows in
    all, those that are not of it must not be few, either.
    """
    counts = judged.counts
    there = counts.there + counts.found > 0
    enough = (rows >= FEW) & (most - rows >= FEW)
    later = np.where(enough, 0, np.where(there & (rows > 0), 1, 2))
    order = np.lexsort((np.arange(len(rows)), counts.f1, later))
    only = enough.any() and not enough.all()
    return order.tolist(), f" among those with {FEW} rows or more" * bool(only)
