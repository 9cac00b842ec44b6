"""The rows that a model gets most wrong, and what is in them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.table import Table
from fastnn.pictures.page import Markup, chapter, paragraph, table
from fastnn.pictures.raster import grey_png
from fastnn.report.judged import Judged
from fastnn.report.subject import outputs_of
from fastnn.text import clipped, number

Array = npt.NDArray[Any]

#: Rows that are shown, their columns, and characters of a cell.
ROWS, COLUMNS, CELL = 12, 6, 24


def worst(judged: Judged, ranked: Sequence[int]) -> str:
    """Return the chapter; ``ranked``: the places of the columns, those to be shown first.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=1)
    >>> "residual" in worst(of_training(training.model, training.record).judged, range(10))
    True
    """
    size, said, head, cells = _errors(judged)
    order = [int(i) for i in np.argsort(-size, kind="stable")[:ROWS] if size[i] > 0]
    if not order:
        why = f"None of {judged.said} is predicted wrongly."
        return chapter("Largest errors", paragraph(why), anchor="errors")
    places = judged.places
    source = judged.examples.table
    grid = image_grid(judged.model.features.columns)
    features = judged.model.features
    shown: list[list[str]] = []
    if grid is not None:
        columns = ["picture"]
        ends = float(np.nanmin(source.numeric)), float(np.nanmax(source.numeric))
        shown = [[_picture(source.numeric[i], grid, ends)] for i in order]
    else:
        # Columns without names are known by their places.
        own = source.names if features.positional or source.positional else features.columns
        few = [own[j] for j in ranked[:COLUMNS]]
        columns = [clipped(features.columns[j], CELL) for j in ranked[:COLUMNS]]
        shown = [[_cell(source, name, i) for name in few] for i in order]
        if len(few) < len(own):
            said += f" Of the row's {len(own):,} columns the {len(few)} that matter most."
    rows = [[f"{places[i]:,}", *cells(i), *of] for i, of in zip(order, shown, strict=True)]
    return chapter(
        "Largest errors",
        paragraph(f"Of {judged.said}; rows are counted from 0, without a heading. {said}"),
        table(["row", *head, *columns], rows, "text"),
        anchor="errors",
    )


def _errors(judged: Judged) -> tuple[Array, str, list[str], Any]:
    """How wrong each row is, what that means, and what is said of a row."""
    names, task = outputs_of(judged.model, CELL), judged.model.task
    if task == "regression":
        residual = judged.output - judged.target
        scale = residual.std(axis=0)
        size = (abs(residual) / np.where(scale > 0, scale, 1.0)).max(axis=1)
        worst_of = (abs(residual) / np.where(scale > 0, scale, 1.0)).argmax(axis=1)

        def values(i: int) -> list[str]:
            k = int(worst_of[i])
            of = [names[k]] if len(names) > 1 else []
            return [*of, number(judged.target[i, k]), number(judged.output[i, k]),
                    f"{residual[i, k]:+.4g}"]  # fmt: skip

        of = ["target"] if len(names) > 1 else []
        return size, "", [*of, "true", "predicted", "residual"], values
    if task == "multilabel":
        wrong = judged.predicted != judged.target
        own = np.where(judged.target == 1, judged.output, 1 - judged.output)
        size = np.where(wrong.any(axis=1), -np.log(np.maximum(own, 1e-300)).sum(axis=1), 0.0)

        def labels(i: int) -> list[str]:
            missed = [names[k] for k in np.flatnonzero(wrong[i] & (judged.target[i] == 1))]
            extra = [names[k] for k in np.flatnonzero(wrong[i] & (judged.target[i] == 0))]
            return [clipped(", ".join(missed), 40) or "-", clipped(", ".join(extra), 40) or "-"]

        return size, "Those with the least probable labels.", ["missed", "wrongly found"], labels
    own = judged.output[np.arange(len(judged)), judged.target]
    top = judged.output.max(axis=1)
    size = np.where(judged.predicted != judged.target, 1.0 + top - own, 0.0)

    def label(i: int) -> list[str]:
        return [
            names[judged.target[i]],
            names[judged.predicted[i]],
            f"{top[i]:.3f}",
            f"{own[i]:.3g}",
        ]

    head = ["true", "predicted", "its probability", "that of the true class"]
    return size, "Those where the model was most sure of a wrong class.", head, label


def _cell(source: Table, name: str, i: int) -> str:
    value = source.column(name)[i]
    if isinstance(value, str):
        return clipped(value, CELL)
    return "" if value is None or math.isnan(value) else f"{value:.6g}"


def image_grid(columns: Sequence[str]) -> tuple[int, int] | None:
    """Return height and width if the columns are called like the pixels of a picture, else None.

    >>> image_grid([f"pixel_{i}_{j}" for i in range(8) for j in range(9)])
    (8, 9)
    >>> image_grid([f"pixel{k}" for k in range(1, 65)]), image_grid(["pixel0", "age"])
    ((8, 8), None)
    """
    names = [re.fullmatch(r"(?:pixel|px)_?(?:(\d+)[_x])?(\d+)", name) for name in columns]
    if len(names) < 16 or not all(names):
        return None
    places = [tuple(int(g) for g in m.groups() if g is not None) for m in names if m]
    if all(len(p) == 1 for p in places):
        side = math.isqrt(len(places))
        first = places[0][0]
        whole = [p[0] for p in places] == list(range(first, first + side * side))
        return (side, side) if whole else None
    height, width = (max(p[k] for p in places) + 1 for k in (0, 1))
    there = [(i, j) for i in range(height) for j in range(width)]
    return (height, width) if places == there else None


def _picture(values: Array, grid: tuple[int, int], ends: tuple[float, float]) -> Markup:
    low, high = ends
    pixels = (np.nan_to_num(values.astype(np.float64), nan=low) - low) / ((high - low) or 1.0)
    data = grey_png(pixels.reshape(grid))
    side = max(48, 2 * grid[1])
    return Markup(
        f'<img class="pixels" width="{side}" height="{round(side * grid[0] / grid[1])}" '
        f'alt="the row as a picture" src="data:image/png;base64,{escape(data)}">'
    )
