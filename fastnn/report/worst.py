"""The rows that a model gets most wrong, and what is in them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.dates import written
from fastnn.data.table import Table
from fastnn.pictures.page import Markup, chapter, paragraph, table
from fastnn.pictures.raster import grey_png
from fastnn.report.judged import Judged
from fastnn.report.subject import outputs_of
from fastnn.report.values import in_units
from fastnn.text import clipped, sizes

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
        if len(judged) == 1:
            why = f"{judged.said[:1].upper()}{judged.said[1:]} is predicted rightly."
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
        own = features.sources(source)
        few = [own[features.columns[j]] for j in ranked[:COLUMNS]]
        columns = [clipped(features.columns[j], CELL) for j in ranked[:COLUMNS]]
        shown = [list(row) for row in zip(*(_cells(source, n, order) for n in few), strict=True)]
        if len(few) < len(own):
            said += f" Of the row's {len(own):,} columns the {len(few)} that matter most."
    rows = [
        [f"{places[i]:,}", *told, *of]
        for i, told, of in zip(order, cells(order), shown, strict=True)
    ]
    return chapter(
        "Largest errors",
        paragraph(f"Of {judged.said}; rows are counted from 0, without a heading. {said}"),
        table(["row", *head, *columns], rows, "text"),
        anchor="errors",
    )


def _errors(judged: Judged) -> tuple[Array, str, list[str], Any]:
    """How wrong each row is, what that means, and what is said of some rows, cell by cell."""
    names, task = outputs_of(judged.model, CELL), judged.model.task
    if task == "regression":
        residual = judged.output - judged.target
        scale = residual.std(axis=0)
        size = (abs(residual) / np.where(scale > 0, scale, 1.0)).max(axis=1)
        worst_of = (abs(residual) / np.where(scale > 0, scale, 1.0)).argmax(axis=1)

        def values(order: list[int]) -> list[list[str]]:
            ks = worst_of[order]
            found = np.stack([v[order, ks] for v in (judged.target, judged.output, residual)])
            cells = in_units(found, scale[ks])
            cells[2] = [c if r < 0 else f"+{c}" for c, r in zip(cells[2], found[2], strict=True)]
            of = [[names[k] for k in ks]] if len(names) > 1 else []
            return [list(row) for row in zip(*of, *cells, strict=True)]

        of = ["target"] if len(names) > 1 else []
        return size, "", [*of, "true", "predicted", "residual"], values
    if task == "multilabel":
        wrong = judged.predicted != judged.target
        own = np.where(judged.target == 1, judged.output, 1 - judged.output)
        size = np.where(wrong.any(axis=1), -np.log(np.maximum(own, 1e-300)).sum(axis=1), 0.0)

        def labels(order: list[int]) -> list[list[str]]:
            both = [(wrong[i] & (judged.target[i] == true)) for i in order for true in (1, 0)]
            told = [", ".join(names[k] for k in np.flatnonzero(those)) for those in both]
            short = [clipped(text, 40) or "-" for text in told]
            return [short[j : j + 2] for j in range(0, len(short), 2)]

        return size, "Those with the least probable labels.", ["missed", "wrongly found"], labels
    own = judged.output[np.arange(len(judged)), judged.target]
    top = judged.output.max(axis=1)
    size = np.where(judged.predicted != judged.target, 1.0 + top - own, 0.0)

    def label(order: list[int]) -> list[list[str]]:
        true, taken = ([names[k] for k in v[order]] for v in (judged.target, judged.predicted))
        probable = [f"{p:.3f}" for p in top[order]]
        cells = zip(true, taken, probable, sizes(own[order].tolist()), strict=True)
        return [list(row) for row in cells]

    head = ["true", "predicted", "its probability", "that of the true class"]
    return size, "Those where the model was most sure of a wrong class.", head, label


def _cells(source: Table, name: str, order: list[int]) -> list[str]:
    """The values of a column in some rows; nothing where there is a gap."""
    values = [source.column(name)[i] for i in order]
    if name in source.dates:
        return [written(float(value), source.dates[name].of_day) for value in values]
    if any(isinstance(value, str) for value in values):
        return ["" if value is None else clipped(value, CELL) for value in values]
    known = [math.nan if value is None else float(value) for value in values]
    texts = [text.replace(",", "") for text in sizes(known, 6)]  # they may be years
    return ["" if math.isnan(v) else text for v, text in zip(known, texts, strict=True)]


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
