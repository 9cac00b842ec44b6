"""Scores beyond the one decision: ROC, precision and recall, calibration, the threshold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.pictures.marks import Axis, Chart, Dots, Line, Mark, Point, Steps
from fastnn.pictures.page import beside, chapter, grid, panel, paragraph, table
from fastnn.pictures.palette import series_colour
from fastnn.report.classes import lowest, rows_of, truth_of
from fastnn.report.judged import Judged
from fastnn.report.learning import WIDTH, guide
from fastnn.report.subject import IN_CHART, outputs_of
from fastnn.text import numbers
from fastnn.training.curves import Calibration, Cuts, brier_score, calibration

Array = npt.NDArray[Any]

#: Curves in one chart, and points of a curve.
MOST_CURVES, MOST_POINTS = 6, 200
#: A line through bins of fewer rows would show luck.
FEW = 10
SHARE = Axis(limits=(0.0, 1.0))


def roc(judged: Judged) -> str:
    """Return the chapter of ROC and precision-recall: one class against the rest.

    Of many classes those with the lowest F1. Where all rows are of one class it says so.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("breast_cancer", hidden_layer_sizes=[], epochs=1)
    >>> roc(of_training(training.model, training.record).judged).count("<figure")
    2
    """
    heading, anchor = "ROC and precision-recall", "roc"
    shown, said = chosen(judged)
    names = outputs_of(judged.model, IN_CHART)
    curves = [
        (names[k], Cuts.of(truth_of(judged, k), judged.output[:, k], judged.weights)) for k in shown
    ]
    curves = [(name, cuts) for name, cuts in curves if cuts.positives and cuts.negatives]
    if not curves:
        why = f"There are no curves: {judged.said} have but one class, or none."
        return chapter(heading, paragraph(why), anchor=anchor)
    return chapter(
        heading, paragraph(f"{said} From {judged.said}."),
        grid([roc_chart(curves), precision_chart(curves)]), anchor=anchor,
    )  # fmt: skip


def chosen(judged: Judged) -> tuple[list[int], str]:
    """Return the classes or labels of which curves are drawn, and what is said of the choice."""
    task, K = judged.model.task, judged.output.shape[1]
    if task == "binary":
        name = outputs_of(judged.model)[1]
        return [1], f"Class {name!r} is found by its probability, at every threshold."
    kind = "label" if task == "multilabel" else "class"
    plural = "labels" if task == "multilabel" else "classes"
    said = f"Each {kind} is found by its probability, against the rest, at every threshold."
    if K <= MOST_CURVES:
        return list(range(K)), said
    ranked, among = lowest(judged, rows_of(judged), len(judged))
    return (
        ranked[:MOST_CURVES],
        f"{said} Of {K:,} {plural} the {MOST_CURVES} with the lowest F1{among} are drawn.",
    )


def roc_chart(curves: Sequence[tuple[str, Cuts]]) -> Chart:
    """Return ROC curves with their areas.

    >>> roc_chart([("a", Cuts.of([1, 0], [0.9, 0.4]))]).marks[0].name
    'AUC 1.000'
    """
    marks: list[Mark] = []
    for k, (name, cuts) in enumerate(curves):
        x, y = along(np.append(0.0, cuts.fpr), np.append(0.0, cuts.tpr))
        label = _named(curves, name, "AUC", cuts.roc_auc)
        marks.append(
            Line.of(label, x, y, series_colour(k), "strong" if len(curves) == 1 else "plain")
        )
    marks.append(guide([0, 1], [0, 1]))
    note = "AUC: the area below" if len(curves) == 1 else "beside the name: the area below, AUC"
    return Chart("ROC", tuple(marks), _share("false positive rate"), _share("true positive rate"),
                 f"{note}; dashed: chance", width=WIDTH, height=300)  # fmt: skip


def precision_chart(curves: Sequence[tuple[str, Cuts]]) -> Chart:
    """Return precision over recall with the average precisions; dashed is chance.

    >>> precision_chart([("a", Cuts.of([1, 0], [0.9, 0.4]))]).marks[0].name
    'AP 1.000'
    """
    marks: list[Mark] = []
    for k, (name, cuts) in enumerate(curves):
        x, y = along(np.append(0.0, cuts.tpr), np.append(cuts.precision[0], cuts.precision))
        label = _named(curves, name, "AP", cuts.average_precision)
        marks.append(
            Line.of(label, x, y, series_colour(k), "strong" if len(curves) == 1 else "plain")
        )
    if len(curves) == 1:
        cuts = curves[0][1]
        share = cuts.positives / (cuts.positives + cuts.negatives)
        marks.append(guide([0, 1], [share, share]))
    one = len(curves) == 1
    note = "AP: average precision; dashed: chance" if one else "beside the name: average precision"
    return Chart("Precision and recall", tuple(marks), _share("recall"), _share("precision"), note,
                 width=WIDTH, height=300)  # fmt: skip


def _named(curves: Sequence[tuple[str, Cuts]], name: str, kind: str, value: float) -> str:
    return f"{kind} {value:.3f}" if len(curves) == 1 else f"{name}: {value:.3f}"


def _share(name: str) -> Axis:
    return Axis(
        name, limits=(-0.02, 1.02), ticks=tuple((v, f"{v:g}") for v in (0, 0.25, 0.5, 0.75, 1))
    )


def along(x: Array, y: Array, most: int = MOST_POINTS) -> tuple[Array, Array]:
    """Return at most so many points of a curve, evenly spaced along it, both ends included.

    >>> along(np.arange(5.0), np.zeros(5), most=3)
    (array([0., 2., 4.]), array([0., 0., 0.]))
    """
    if len(x) <= most:
        return x, y
    length = np.append(0.0, np.cumsum(abs(np.diff(x)) + abs(np.diff(y))))
    wanted = np.linspace(0, length[-1], most)
    kept = np.unique(np.minimum(np.searchsorted(length, wanted), len(x) - 1))
    kept[-1] = len(x) - 1
    return x[kept], y[kept]


def reliability(judged: Judged) -> str:
    """Return the chapter of calibration: can the probabilities be taken at their word?

    Of several classes, that of the predicted one; of labels, all of them together. An output that
    is no probability (of a loss such as the squared error) has no chapter.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("breast_cancer", hidden_layer_sizes=[], epochs=1)
    >>> "Brier" in reliability(of_training(training.model, training.record).judged)
    True
    """
    if not has_probabilities(judged):
        return ""
    task = judged.model.task
    truth, score, w = _taken_at_their_word(judged)
    what, true, brier = {
        "binary": (
            f"the probability of {outputs_of(judged.model)[1]!r}", "share of that class",
            "the mean of (p - y)^2 of that class",
        ),
        "multilabel": (
            "the probabilities of all labels", "share that is there",
            "the mean of (p - y)^2 over rows and labels",
        ),
        "multiclass": (
            "the probability of the predicted class", "share that is right",
            "the mean over the rows of the sum of (p - y)^2 over all classes",
        ),
    }[task]  # fmt: skip
    found = calibration(truth, score, w)
    ends = guide([0, 1], [0, 1])
    kind = "rows" if task != "multilabel" else "labels"
    bins = bins_of(found, kind)
    heights, edges = np.histogram(score, bins=20, range=(0.0, 1.0), weights=w)
    total = heights.sum() or 1.0
    steps = Steps("", tuple(edges.tolist()), tuple((heights / total).tolist()))
    return chapter(
        "Calibration",
        paragraph(
            f"In ten bins of {what}: what was predicted beside what came true. On average they are "
            f"{found.error:.3f} apart (the expected calibration error). The Brier score, {brier}, "
            f"is {brier_of(judged):.4f}: y is 1 where it is true, else 0. From {judged.said}."
        ),
        grid(
            [
                Chart("Predicted and true", (*bins, ends), _share("mean probability"), _share(true),
                      f"dots: larger with more {kind}; the line leaves out bins of fewer than "
                      f"{FEW}; dashed: what is predicted is true", width=WIDTH, height=300),
                Chart("How sure the model is", (steps,), _share("probability"),
                      Axis("share of the rows" if task != "multilabel" else "share of the labels"),
                      width=WIDTH, height=300),
            ]
        ),
        anchor="calibration",
    )  # fmt: skip


def bins_of(found: Calibration, kind: str) -> list[Mark]:
    """Return the bins as dots, larger with more rows, and a line through those that have enough.

    >>> found = calibration([0, 1] * 20 + [1], [0.2] * 20 + [0.7] * 20 + [0.9])
    >>> line, *dots = bins_of(found, "rows")
    >>> len(line.points), [dot.points[0].text for dot in dots][-1]
    (2, '0.900: 1.000 came true, rows: 1')
    """
    columns = (column.tolist() for column in (found.predicted, found.observed, found.rows))
    bins = list(zip(*columns, strict=True))
    most = max((n for *_, n in bins), default=1)
    enough = [bin for bin in bins if bin[2] >= FEW]
    marks: list[Mark] = []
    if len(enough) > 1:
        line = Line.of("", [p for p, *_ in enough], [y for _, y, _ in enough])
        marks.append(replace(line, dots=False))
    for p, y, n in bins:
        said = f"{p:.3f}: {y:.3f} came true, {kind}: {n:,}"
        size = 2 + 5 * math.sqrt(n / most)  # its area grows with the rows
        marks.append(Dots("", (Point(p, y, said),), "blue", size))
    return marks


def has_probabilities(judged: Judged) -> bool:
    """Return whether all outputs could be probabilities."""
    p = judged.output
    return judged.model.task != "regression" and bool(p.min() >= 0 and p.max() <= 1)


def _taken_at_their_word(judged: Judged) -> tuple[Array, Array, Array | None]:
    """What came true, the probability that was given for it, and weights."""
    p, w = judged.output, judged.weights
    if judged.model.task == "binary":
        return judged.target == 1, p[:, 1], w
    if judged.model.task == "multilabel":
        w = None if w is None else np.repeat(w, p.shape[1])
        return (judged.target == 1).ravel(), p.ravel(), w
    return judged.predicted == judged.target, p.max(axis=1), w


def calibration_error(judged: Judged) -> float:
    """Return the expected calibration error, as the page of one model has it."""
    return calibration(*_taken_at_their_word(judged)).error


def brier_of(judged: Judged) -> float:
    """Return the Brier score of the rows."""
    return brier_score(judged.model.task, judged.target, judged.output, judged.weights)


def threshold(judged: Judged) -> str:
    """Return the chapter of the threshold: for two classes, from rows that choices may be made by.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("breast_cancer", hidden_layer_sizes=[], epochs=1)
    >>> "highest F1" in threshold(of_training(training.model, training.record).chosen)
    True
    """
    cuts = Cuts.of(judged.target == 1, judged.output[:, 1], judged.weights)
    if not (cuts.positives and cuts.negatives):
        return ""
    name = outputs_of(judged.model)[1]
    rows = [_cut("as predict does it: above", cuts, 0.5, cuts.at(math.nextafter(0.5, 1)))]
    for said, values in (
        ("highest F1: from", cuts.f1),
        ("highest accuracy: from", cuts.accuracy),
        ("highest recall less false positive rate: from", cuts.tpr - cuts.fpr),
    ):
        i = int(values.argmax())
        rows.append(_cut(said, cuts, between(cuts, i), i))
    columns = list(zip(*rows, strict=True))
    cells = [columns[0], *map(numbers, columns[1:-1])]
    cells.append([f"{share:.1%}" for share in columns[-1]])
    shown = [list(row) for row in zip(*cells, strict=True)]
    marks = []
    t = cuts.thresholds
    for label, values, colour in (
        ("precision", cuts.precision, "blue"),
        ("recall", cuts.tpr, "orange"),
        ("F1", cuts.f1, "green"),
    ):
        x, y = along(t[::-1], values[::-1])
        marks.append(Line.of(label, x, y, colour, "strong" if label == "F1" else "plain"))
    axis = _share("threshold") if t[-1] >= 0 and t[0] <= 1 else Axis("threshold")
    chart = Chart("Precision, recall and F1", tuple(marks), axis, _share("share"),
                  width=440, height=300)  # fmt: skip
    of = (
        ""
        if "validation" in judged.where
        else (" Choose a threshold on other rows than those that the model is judged by.")
    )
    return chapter(
        "Threshold",
        paragraph(
            f"Class {name!r} is predicted from some probability on. A higher threshold finds fewer "
            f"of them and is right more often. From {judged.said}.{of}"
        ),
        beside(
            panel(chart),
            table(["choice", "threshold", "precision", "recall", "F1", "accuracy", "found"], shown),
        ),
        anchor="threshold",
    )  # fmt: skip


def between(cuts: Cuts, i: int) -> float:
    """Return a threshold for the i-th cut: halfway to the next lower score.

    >>> between(Cuts.of([1, 0], [0.9, 0.4]), 0)
    0.65
    """
    below = cuts.thresholds[i + 1] if i + 1 < len(cuts.thresholds) else 0.0
    return float((cuts.thresholds[i] + below) / 2)


def _cut(said: str, cuts: Cuts, at: float, i: int | None) -> list[Any]:
    """A choice, and its threshold, precision, recall, F1, accuracy and share that is found."""
    total = cuts.positives + cuts.negatives
    if i is None:  # nothing is predicted positive
        return [said, at, None, 0.0, 0.0, cuts.negatives / total, 0.0]
    share = (cuts.tp[i] + cuts.fp[i]) / total
    return [said, at, cuts.precision[i], cuts.tpr[i], cuts.f1[i], cuts.accuracy[i], share]
