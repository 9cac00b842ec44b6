"""A table of numbers with shades, as SVG."""

from __future__ import annotations

import math
from html import escape

from fastnn.pictures.marks import HeatMap
from fastnn.pictures.palette import text_on

CELL_HEIGHT = 30
LETTER = 7.0


def heat_map(chart: HeatMap) -> tuple[str, int, int]:
    """Return the table, its width and its height."""
    texts = chart.texts or tuple(tuple(f"{v:.3g}" for v in row) for row in chart.values)
    longest = max((len(t) for t in (*sum(texts, ()), *chart.columns)), default=1)
    cell = round(max(34, 12 + LETTER * longest))
    left = round(16 + LETTER * max((len(r) for r in (*chart.rows, chart.row_name)), default=0))
    top = 26 + (18 if chart.column_name else 0)
    width, height = left + cell * len(chart.columns) + 8, top + CELL_HEIGHT * len(chart.rows) + 8
    parts = [f'<rect class="backdrop" width="{width}" height="{height}"/>']
    if chart.column_name:
        parts.append(f'<text class="axis" x="{left}" y="14">{escape(chart.column_name)}</text>')
    if chart.row_name:
        parts.append(f'<text class="axis" text-anchor="end" x="{left - 10}" y="{top - 8}">'
                     f"{escape(chart.row_name)}</text>")  # fmt: skip
    for j, name in enumerate(chart.columns):
        parts.append(f'<text class="tick" text-anchor="middle" x="{left + cell * (j + 0.5)}" '
                     f'y="{top - 8}">{escape(name)}</text>')  # fmt: skip
    shades = chart.shades or chart.values
    finite = [v for row in shades for v in row if math.isfinite(v)]
    low = chart.low if chart.low is not None else min(finite, default=0.0)
    high = chart.high if chart.high is not None else max(finite, default=1.0)
    if chart.below:
        low, high = 0.0, max(abs(low), abs(high))
    for i, row in enumerate(shades):
        y = top + CELL_HEIGHT * i
        parts.append(f'<text class="name" text-anchor="end" x="{left - 10}" '
                     f'y="{y + 19}">{escape(chart.rows[i])}</text>')  # fmt: skip
        for j, value in enumerate(row):
            negative = bool(chart.below) and value < 0
            share = round(_share(-value if negative else value, low, high), 2)
            colour = chart.below if negative else chart.colour
            tip = escape(f"{chart.rows[i]}, {chart.columns[j]}: {texts[i][j]}")
            parts.append(
                f'<g class="cell on-{text_on(colour, share)} c-{colour}">'
                f'<rect x="{left + cell * j}" y="{y}" width="{cell}" height="{CELL_HEIGHT}" '
                f'fill-opacity="{share:g}" data-tip="|{tip}"><title>{tip}</title></rect>'
                f'<text text-anchor="middle" x="{left + cell * (j + 0.5)}" y="{y + 19}">'
                f"{escape(texts[i][j])}</text></g>"
            )
    for i, j in chart.chosen:
        parts.append(f'<rect class="chosen" x="{left + cell * j}" y="{top + CELL_HEIGHT * i}" '
                     f'width="{cell}" height="{CELL_HEIGHT}"/>')  # fmt: skip
    return "\n".join(parts), width, height


def _share(value: float, low: float, high: float) -> float:
    if not math.isfinite(value):
        return 0.0
    return min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)
