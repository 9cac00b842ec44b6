"""The numbers of a figure as a table: what is drawn, a row for each number."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from fastnn.pictures.marks import (
    BarChart,
    Chart,
    Dots,
    Figure,
    HeatMap,
    Line,
    Mark,
    Panel,
    Remark,
    Steps,
    Surface,
)

HEAD = ("panel", "series", "x", "y", "value")


def figure_csv(figure: Figure) -> str:
    """Return the numbers of a figure as CSV, with a heading.

    ``x`` and ``y`` are numbers on the axes, or the names of a row and a column; ``value`` is the
    number of a bar, of a cell or of a shade; what a node says is its ``series``.

    >>> loss = Line.of("loss", [1, 2], [0.5, 0.25])
    >>> print(figure_csv(Figure("Digits", [Chart("Loss", (loss,))])), end="")
    panel,series,x,y,value
    Loss,loss,1.0,0.5,
    Loss,loss,2.0,0.25,
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEAD)
    for panel in figure.panels:
        writer.writerows((panel.title, *row) for row in _rows(panel))
    return file.getvalue()


def _rows(panel: Panel) -> Iterator[tuple[object, ...]]:
    if isinstance(panel, Chart):
        for mark in panel.marks:
            yield from _of_mark(mark)
    elif isinstance(panel, HeatMap):
        for row, values in zip(panel.rows, panel.values, strict=True):
            for column, value in zip(panel.columns, values, strict=True):
                yield "", row, column, value
    elif isinstance(panel, BarChart):
        for bar in panel.bars:
            yield bar.name, "", "", bar.value
    else:
        for node in panel.nodes:
            if node.texts:
                yield node.texts[0], "", "", " ".join(node.texts[1:])
        for edge in panel.edges:
            ends = (panel.nodes[k].texts[:1] or ("",) for k in (edge.start, edge.end))
            yield edge.text, *(end[0] for end in ends), ""


def _of_mark(mark: Mark) -> Iterator[tuple[object, ...]]:
    if isinstance(mark, Line | Dots):
        for p in mark.points:
            yield mark.name, p.x, p.y, ""
    elif isinstance(mark, Steps):
        for edge, height in zip(mark.edges, mark.heights, strict=False):
            yield mark.name, edge, height, ""
    elif isinstance(mark, Remark):
        yield mark.text, mark.x, mark.y, ""
    else:
        yield from _of_surface(mark)


def _of_surface(surface: Surface) -> Iterator[tuple[object, ...]]:
    """The middle of each shade, from the bottom."""
    n, m = len(surface.values), len(surface.values[0])
    (left, right), (bottom, top) = surface.x, surface.y
    for i, row in enumerate(surface.values):
        y = bottom + (top - bottom) * (i + 0.5) / n
        for j, value in enumerate(row):
            yield "", left + (right - left) * (j + 0.5) / m, y, value
