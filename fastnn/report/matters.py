"""Which columns matter: the importance as a picture."""

from __future__ import annotations

import numpy as np

from fastnn.pictures.marks import Bar, BarChart, Surface
from fastnn.pictures.page import beside, chapter, folded, panel, paragraph, table
from fastnn.pictures.raster import shades
from fastnn.report.importance import Importance, importance, most_rows
from fastnn.report.judged import Judged
from fastnn.report.worst import image_grid
from fastnn.text import clipped, number, numbers
from fastnn.training.metrics import default_metrics

#: Repeats in a report, columns in its picture and in its table.
REPEATS, IN_PICTURE, IN_TABLE = 5, 20, 500
#: A page takes about a second for it: so many multiplications at the most, on so many rows at the
#: least. An output of the network takes as long as so many of them, as it is copied and judged.
MOST_WORK, FEWEST_ROWS, OF_AN_OUTPUT = 6e9, 100, 150


def matters(judged: Judged, seed: int) -> tuple[str, list[int]]:
    """Return the chapter, and the places of the columns, the most important first.

    A network or a table that is too large for a page is told how to be explained.

    >>> from fastnn.api.train import train
    >>> from fastnn.report.subject import of_training
    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=1)
    >>> sorted(matters(of_training(training.model, training.record).judged, 0)[1])[:3]
    [0, 1, 2]
    """
    model = judged.model
    columns = list(range(len(model.features.columns)))
    once = model.network.n_parameters + OF_AN_OUTPUT * model.network.sizes[-1]
    of_a_row = len(columns) * REPEATS * once
    most = min(most_rows(model, REPEATS), int(MOST_WORK / of_a_row))
    heading, anchor = "What matters", "importance"
    if most < min(FEWEST_ROWS, len(judged)):
        why = (
            f"{len(columns):,} columns of a network of {model.network.n_parameters:,} parameters "
            "take longer than a page should. The command fastnn explain MODEL DATA looks at them."
        )
        return chapter(heading, paragraph(why), anchor=anchor), columns
    found = importance(
        judged.some(most, seed),
        metric=default_metrics(model.task, model.network.loss)[0],
        repeats=REPEATS,
        seed=seed,
    )
    rows = "one row" if found.rows == 1 else f"{found.rows:,} of {judged.total:,} rows"
    rows = judged.said if found.rows == len(judged) else f"{rows}, drawn by seed {seed}"
    said = (
        f"By how much the {found.metric} ({number(found.score)}) gets worse when the values of a "
        f"column are put into another order: the mean of {REPEATS} orders, dots are the single "
        f"ones. It is of this model: of two columns that say the same each may seem not to matter. "
        f"From {rows}."
    )
    pixels = image_grid(found.columns)
    pictures = [panel(importance_picture(found))]
    if pixels is not None:
        pictures.insert(0, pixel_picture(found, pixels))
    parts = [paragraph(said), beside(*pictures)]
    if len(columns) > IN_PICTURE:
        cells = [[clipped(name, 48), *own] for name, *own in found.cells]
        count = f"all {len(cells):,}" if len(cells) <= IN_TABLE else f"the first {IN_TABLE:,}"
        head = ["column", f"{found.metric} worse by", "deviation"]
        parts.append(folded(f"Table of {count} columns", table(head, cells[:IN_TABLE])))
    return chapter(heading, *parts, anchor=anchor), found.ranked


def pixel_picture(found: Importance, pixels: tuple[int, int]) -> str:
    """Return the importance of every pixel as a picture of ``pixels``, height and width.

    >>> some = Importance("accuracy", True, 0.9, ("a", "b"), np.array([[0.5], [-0.25]]), 5, 5, 0)
    >>> "strongest: 0.5" in pixel_picture(some, (1, 2))
    True
    """
    mean = np.nan_to_num(found.mean)
    top = float(np.abs(mean).max()) or 1.0
    values = tuple(map(tuple, mean.reshape(pixels)[::-1].tolist()))
    image = shades(Surface((0, pixels[1]), (0, pixels[0]), values, -top, top))
    note = f"{found.metric} worse by, strongest: {top:.3g}; orange: it is better without the pixel"
    side = 280
    return (
        f'<figure style="--most:{side + 120}px"><figcaption><h3>Importance of each pixel</h3>'
        f'{note}</figcaption><img class="pixels" width="{side}" '
        f'height="{round(side * pixels[0] / pixels[1])}" alt="importance of each pixel" '
        f'src="data:image/png;base64,{image}"></figure>'
    )


def importance_picture(found: Importance) -> BarChart:
    """Return bars of the most important columns, a dot for each repeat.

    >>> some = Importance("r2", True, 0.9, ("a", "b"), np.array([[0.5, 0.7], [0.0, 0.2]]), 5, 5, 0)
    >>> importance_picture(some).bars[0].text
    '0.6000'
    """
    mean, most = found.mean, found.ranked[:IN_PICTURE]
    bars = tuple(
        Bar(clipped(found.columns[j], 28), float(np.nan_to_num(mean[j])), text,
            dots=tuple(np.nan_to_num(found.drops[j]).tolist()))
        for j, text in zip(most, numbers(mean[most].tolist()), strict=True)
    )  # fmt: skip
    more = len(found.columns) - len(most)
    note = f"{found.metric} worse by" + f"; {more:,} more columns matter less" * (more > 0)
    return BarChart("Permutation importance", bars, note, width=460)
