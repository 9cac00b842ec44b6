"""Which class is taken for which, and how well each class or label is found."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.pictures.marks import HeatMap
from fastnn.pictures.page import beside, chapter, folded, panel, paragraph, table
from fastnn.report.judged import Judged
from fastnn.report.subject import IN_CHART, outputs_of
from fastnn.text import number
from fastnn.training.curves import ClassCounts, confusions
from fastnn.training.metrics import confusion_matrix
from fastnn.training.scores import auc

Array = npt.NDArray[Any]

#: A matrix of so many classes at the most can be read; tables show so many rows before the fold,
#: and as many as this behind it.
IN_MATRIX, IN_SIGHT, IN_TABLE = 12, 15, 1_000
#: ROC AUC of every class takes a sort for each: it is left out above so many numbers.
MOST_SORTED = 5_000_000


def classes(judged: Judged) -> str:
    """Return the chapter: confusion matrix and the table of classes, or of labels.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("digits", hidden_layer_sizes=[], epochs=1)
    >>> "Confusion" in classes(of_training(training.model, training.record).judged)
    True
    """
    labels = judged.model.task == "multilabel"
    parts = [paragraph(f"From {judged.said}.")]
    matrix = not labels and judged.output.shape[1] <= IN_MATRIX
    blocks = [*([] if labels else [_confusion(judged)]), _table(judged)]
    parts += [beside(*blocks)] if matrix else blocks
    heading = "Labels" if labels else "Classes"
    return chapter(heading, *parts, anchor="classes")


def _confusion(judged: Judged) -> str:
    y, p, w = judged.target, judged.predicted, judged.weights
    K = judged.output.shape[1]
    if K <= IN_MATRIX:
        return panel(_matrix(judged))
    found, names = confusions(y, p, w), outputs_of(judged.model)
    if not found:
        return paragraph("No row is taken for another class.")
    there = np.bincount(y, w, minlength=K)
    rows = [[names[i], names[j], _count(n), f"{n / there[i]:.1%}"] for i, j, n in found[:IN_SIGHT]]
    more = f"the {len(rows)} most frequent" if len(found) > len(rows) else "all"
    return paragraph(
        f"What is taken for what, of {len(found):,} pairs {more}; the share is of the rows of the "
        "true class."
    ) + table(["true", "predicted", "rows", "share"], rows)


def _matrix(judged: Judged) -> HeatMap:
    counts = confusion_matrix(judged.target, judged.output, judged.weights)
    names = tuple(outputs_of(judged.model, IN_CHART))
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.where(total > 0, total, 1)
    weighted = "weights" if judged.weights is not None else "rows"
    return HeatMap(
        "Confusion matrix", names, names, tuple(map(tuple, counts.tolist())),
        f"{weighted}; the shade is the share of the true class", _texts(counts),
        shades=tuple(map(tuple, shares.tolist())), row_name="true", column_name="predicted",
        low=0.0, high=1.0,
        chosen=tuple((k, k) for k in range(len(names))),
    )  # fmt: skip


def _texts(counts: Array) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_count(n) if n else "" for n in row) for row in counts.tolist())


def _count(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def counts_of(judged: Judged) -> ClassCounts:
    """Return how often each class or label is there, is predicted, and both."""
    if judged.model.task == "multilabel":
        return ClassCounts.of_labels(judged.target, judged.predicted, judged.weights)
    K = judged.output.shape[1]
    return ClassCounts.of_classes(judged.target, judged.predicted, K, judged.weights)


def truth_of(judged: Judged, k: int) -> Array:
    """Return which rows have class or label k, (N,)."""
    if judged.model.task == "multilabel":
        return np.asarray(judged.target[:, k] == 1)
    return np.asarray(judged.target == k)


def _table(judged: Judged) -> str:
    counts, names = counts_of(judged), outputs_of(judged.model)
    K = len(names)
    w = np.ones(len(judged)) if judged.weights is None else judged.weights
    ranks = judged.output.size <= MOST_SORTED
    areas = [
        auc(truth_of(judged, k), judged.output[:, k], w) if ranks else float("nan")
        for k in range(K)
    ]
    kind = "label" if judged.model.task == "multilabel" else "class"
    head = [kind, "rows", "predicted", "precision", "recall", "F1", *["ROC AUC"] * ranks]
    precision, recall, f1 = counts.precision, counts.recall, counts.f1
    rows = [
        [
            names[k], _count(counts.there[k]), _count(counts.found[k]), number(precision[k]),
            number(recall[k]), number(f1[k]), *[number(areas[k])] * ranks,
        ]
        for k in range(K)
    ]  # fmt: skip
    if K <= IN_SIGHT + 5:
        return table(head, rows)
    there = counts.there + counts.found > 0
    order = [int(k) for k in np.argsort(np.where(there, f1, np.inf), kind="stable")]
    worst = [rows[k] for k in order[:IN_SIGHT]]
    said = (
        f"Of {K:,} {'classes' if kind == 'class' else 'labels'} the {IN_SIGHT} with the lowest F1:"
    )
    every = f"all {K:,}" if K <= IN_TABLE else f"the first {IN_TABLE:,}"
    return (
        paragraph(said) + table(head, worst)
        + folded(f"Table of {every}", table(head, rows[:IN_TABLE]))
    )  # fmt: skip
