"""Values that were predicted beside the true ones, and what is between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.pictures.marks import Axis, Chart, Dots, Panel, Point, Steps
from fastnn.pictures.page import chapter, grid, paragraph, table
from fastnn.report.judged import Judged
from fastnn.report.learning import WIDTH, guide
from fastnn.report.subject import IN_CHART, outputs_of
from fastnn.text import numbers
from fastnn.training.scores import ratio

Array = npt.NDArray[Any]

#: Targets that are drawn, dots in a picture, and bars of a histogram.
MOST_TARGETS, MOST_DOTS, BARS = 4, 800, 30
#: Targets in a table.
IN_TABLE = 200


def values(judged: Judged, seed: int) -> str:
    """Return the chapter of a regression: predicted against true, and the residuals.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=1)
    >>> values(of_training(training.model, training.record).judged, 0).count("<figure")
    3
    """
    names = outputs_of(judged.model, IN_CHART)
    few = judged.some(MOST_DOTS, seed)
    panels: list[Panel] = []
    for k, name in enumerate(names[:MOST_TARGETS]):
        panels += [_against(few, k, name), _residuals(few, k, name), _histogram(judged, k, name)]
    said = f"From {judged.said}. A residual is the predicted value less the true one."
    if len(few) < len(judged):
        said += f" {len(few):,} of them, drawn by seed {seed}, are dots."
    if len(names) > MOST_TARGETS:
        said += f" The first {MOST_TARGETS} of {len(names):,} targets are drawn."
    return chapter(
        "Predicted and true", paragraph(said), grid(panels, columns=3), _table(judged),
        anchor="values",
    )  # fmt: skip


def _against(few: Judged, k: int, name: str) -> Chart:
    y, a = few.target[:, k], few.output[:, k]
    low, high = float(min(y.min(), a.min())), float(max(y.max(), a.max()))
    return Chart(
        f"{name}: predicted and true",
        (_dots(few, y, a, y, a), guide([low, high], [low, high])),
        Axis("true"), Axis("predicted"), "dashed: predicted as it is", width=WIDTH, height=300,
    )  # fmt: skip


def _residuals(few: Judged, k: int, name: str) -> Chart:
    y, a = few.target[:, k], few.output[:, k]
    ends = [float(a.min()), float(a.max())]
    return Chart(
        f"{name}: residuals",
        (_dots(few, a, a - y, y, a), guide(ends, [0, 0])),
        Axis("predicted"), Axis("residual"), "a pattern is what the model has missed",
        width=WIDTH, height=300,
    )  # fmt: skip


def _dots(few: Judged, xs: Array, ys: Array, true: Array, predicted: Array) -> Dots:
    size = 2.6 if len(few) > 200 else 3.2
    texts = (
        f"row {place}: true {t:.4g}, predicted {p:.4g}"
        for place, t, p in zip(few.places.tolist(), true.tolist(), predicted.tolist(), strict=True)
    )
    points = zip(xs.tolist(), ys.tolist(), texts, strict=True)
    return Dots("", tuple(Point(x, y, text) for x, y, text in points), "blue", size)


def _histogram(judged: Judged, k: int, name: str) -> Chart:
    residual = judged.output[:, k] - judged.target[:, k]
    heights, edges = np.histogram(residual, bins=BARS, weights=judged.weights)
    steps = Steps("", tuple(edges.tolist()), tuple((heights / (heights.sum() or 1.0)).tolist()))
    return Chart(f"{name}: residuals, how often", (steps,), Axis("residual"),
                 Axis("share of the rows"), width=WIDTH, height=300)  # fmt: skip


def in_units(values: Array, scales: Array) -> list[list[str]]:
    """Return numbers in the units of the targets, all in one form.

    ``scales``: a typical size for each target: if they are of sizes too different for the same
    decimals, all numbers have an exponent.

    >>> in_units(np.array([[1.5, 120.25]]), np.array([1.5, 120.25]))
    [['1.50', '120.25']]
    >>> in_units(np.array([[1.5, 3e6]]), np.array([1.5, 3e6]))
    [['1.500e+00', '3.000e+06']]
    """
    flat, known = values.ravel().tolist(), scales[scales > 0]
    if len(known) and known.max() > 1000 * known.min():
        texts = [f"{value:.3e}" for value in flat]
    else:
        texts = numbers(flat)
    return [list(row) for row in np.array(texts, object).reshape(values.shape)]


def _table(judged: Judged) -> str:
    """The residuals of each target in numbers: quantiles of their size, mean, r2."""
    residual = judged.output - judged.target
    w = np.ones(len(judged)) if judged.weights is None else judged.weights
    mean = np.average(residual, axis=0, weights=w)
    rmse = np.sqrt(np.average(residual**2, axis=0, weights=w))
    spread = np.average(
        (judged.target - np.average(judged.target, axis=0, weights=w)) ** 2, axis=0, weights=w
    )
    r2 = 1 - ratio(rmse**2, spread, of_nothing=np.nan)
    half, most = np.quantile(abs(residual), (0.5, 0.9), axis=0)
    largest = abs(residual).max(axis=0)
    names = outputs_of(judged.model)[:IN_TABLE]
    sized = np.stack([rmse, mean, half, most, largest])[:, : len(names)]  # in the targets' units
    cells = np.array(in_units(sized, rmse[: len(names)]), object)
    rows = [
        list(row) for row in zip(names, numbers(r2[: len(names)].tolist()), *cells, strict=True)
    ]
    head = ["target", "r2", "rmse", "mean residual", "half are below", "90 % are below", "largest"]
    return table(head, rows)
