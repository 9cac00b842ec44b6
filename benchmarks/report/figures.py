"""The two main charts as PNG, for places that show no HTML (needs matplotlib, extra ``plot``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import charts
from benchmarks.report.charts import LineChart
from benchmarks.report.palette import light
from benchmarks.report.svg import decades, label_places, short
from benchmarks.rows import Row

INK, SOFT, GRID = "#1c2127", "#5b636e", "#e3e5e8"
WIDE = {"own": 2.6, "peer": 1.3, "floor": 1.2}


def draw(rows: Sequence[Row], folder: Path, stem: str) -> list[Path]:
    """Write ``STEM-throughput.png`` and ``STEM-vectorised.png``, where there is something to show;
    return their paths.
    """
    found = []
    for name, drawn in (("throughput", charts.throughput(rows)),
                        ("vectorised", charts.vectorised(rows))):  # fmt: skip
        if drawn:
            path = folder / f"{stem}-{name}.png"
            _figure(drawn, path)
            found.append(path)
    return found


def _figure(found: Sequence[LineChart], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    n_rows = (len(found) + 1) // 2
    n_columns = min(2, len(found))
    style = {"font.size": 9, "axes.edgecolor": GRID, "text.color": INK, "font.family": "sans-serif"}
    with pyplot.rc_context(style):
        figure, grid = pyplot.subplots(
            n_rows, n_columns, figsize=(5.9 * n_columns, 3.7 * n_rows), squeeze=False
        )
        for axes, chart in zip(grid.flat, found, strict=False):
            _axes(axes, chart)
        for axes in grid.flat[len(found) :]:
            axes.remove()
        figure.tight_layout(w_pad=1.5, h_pad=2.0)
        # Without the date and the version of matplotlib the same figures give the same file.
        figure.savefig(path, dpi=130, metadata={"Software": None})
        pyplot.close(figure)


def _axes(axes: Any, chart: LineChart) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    for line in chart.lines:
        axes.plot(
            [p.x for p in line.points], [p.y for p in line.points],
            color=light(line.key), linewidth=WIDE[line.kind],
            linestyle=(0, (4, 3)) if line.kind == "floor" else "-",
            marker="o", markersize=2 if line.kind == "floor" else 3,
            zorder={"floor": 2, "peer": 3, "own": 4}[line.kind],
        )  # fmt: skip
    axes.set_title(chart.title, loc="left", fontweight="bold", fontsize=10.5, pad=18)
    axes.text(0, 1.025, f"{chart.note}; {chart.y_name}", transform=axes.transAxes, fontsize=8,
              color=SOFT)  # fmt: skip
    axes.set_xlabel(chart.x_name, color=SOFT, loc="left")
    points = [p for line in chart.lines for p in line.points]
    axes.xaxis.set_major_locator(FixedLocator(sorted({p.x for p in points})))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_major_locator(FixedLocator(decades([p.y for p in points])))
    axes.yaxis.set_minor_formatter(NullFormatter())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda v, _: short(v)))
    axes.tick_params(which="both", length=0, colors=SOFT, labelsize=8)
    axes.grid(axis="y", which="major", color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    _labels(axes, chart)


def _labels(axes: Any, chart: LineChart) -> None:
    """Names at the right edge, moved where one would lie over another, each with a line from the
    last point: also where that is far from the edge, since other lines go on beside it.
    """
    last = max(p.x for line in chart.lines for p in line.points)
    axes.set_xlim(right=last * 1.08)
    axes.figure.canvas.draw()
    height = 270.0  # the labels' pixels, whatever the size of the picture
    to_share = axes.transData + axes.transAxes.inverted()
    ends = {
        line.name: to_share.transform((line.points[-1].x, line.points[-1].y))
        for line in chart.lines
    }
    places = label_places([((1 - end[1]) * height, name) for name, end in ends.items()])
    for line in chart.lines:
        style = {
            "fontsize": 8, "va": "center", "color": light(line.key), "annotation_clip": False,
            "fontweight": "bold" if line.kind == "own" else "normal",
            "xycoords": "axes fraction", "textcoords": "axes fraction",
        }  # fmt: skip
        end = ends[line.name]
        leader = {"arrowstyle": "-", "color": light(line.key), "lw": 0.6, "alpha": 0.5,
                  "shrinkA": 0, "shrinkB": 0, "relpos": (-0.02, 0.5)}  # fmt: skip
        place = (1.05, 1 - places[line.name] / height)
        axes.annotate(
            line.name, xy=(end[0] + 0.012, end[1]), xytext=place, arrowprops=leader, **style
        )
