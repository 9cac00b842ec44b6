"""The two main charts as PNG, for places that show no HTML (needs resvg-py, extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import charts
from benchmarks.rows import Row
from fastnn.pictures.figure import figure_svg
from fastnn.pictures.marks import Figure
from fastnn.pictures.raster import svg_to_png


def draw(rows: Sequence[Row], folder: Path, stem: str) -> list[Path]:
    """Write ``STEM-throughput.png`` and ``STEM-vectorised.png``, where there is something to show;
    return their paths.
    """
    found = []
    for name, title, drawn in (
        ("throughput", "Samples per second over the batch size", charts.throughput(rows)),
        ("vectorised", "Times as fast as plain loops", charts.vectorised(rows)),
    ):
        if drawn:
            path = folder / f"{stem}-{name}.png"
            path.write_bytes(svg_to_png(figure_svg(Figure(title, drawn)), zoom=1.2))
            found.append(path)
    return found
