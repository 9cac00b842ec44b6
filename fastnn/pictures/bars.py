"""Horizontal bars as SVG."""

from __future__ import annotations

from html import escape

from fastnn.pictures.marks import Bar, BarChart

ROW = 25
LETTER = 6.6  # pixels of a letter, on average


def bars(chart: BarChart) -> tuple[str, int]:
    """Return horizontal bars from zero, the value at the end of each, and the height of it all."""
    height = ROW * len(chart.bars) + 8
    name = round(24 + LETTER * max((len(b.name) for b in chart.bars), default=0))
    value = round(24 + LETTER * max((len(b.text) for b in chart.bars), default=0))
    ends = [v for b in chart.bars for v in (b.value, *b.dots)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    per_unit = max(40, chart.width - name - value) / ((high - low) or 1.0)
    zero = name - low * per_unit
    parts = [f'<rect class="backdrop" width="{chart.width}" height="{height}"/>']
    parts += [_bar(b, ROW * i + 4, name, zero, per_unit) for i, b in enumerate(chart.bars)]
    return "\n".join(parts), height


def _bar(bar: Bar, top: float, name: float, zero: float, per_unit: float) -> str:
    width = max(1.5, abs(bar.value) * per_unit)
    left = zero - width if bar.value < 0 else zero
    middle = top + ROW / 2
    dots = "".join(
        f'<circle class="dot" cx="{zero + d * per_unit:.1f}" cy="{middle:.1f}" r="2.6"/>'
        for d in bar.dots
    )
    end = max([left + width, zero, *(zero + d * per_unit + 3 for d in bar.dots)])
    return (
        f'<g class="bar {bar.weight} c-{bar.colour}">'
        f'<text class="name" text-anchor="end" x="{name - 10}" y="{middle + 4:.1f}">'
        f"{escape(bar.name)}</text>"
        f'<rect x="{left:.1f}" y="{top + 4:.1f}" width="{width:.1f}" height="{ROW - 8}" rx="2" '
        f'data-tip="{escape(bar.name)}|{escape(bar.text)}">'
        f"<title>{escape(bar.name)}: {escape(bar.text)}</title></rect>{dots}"
        f'<text class="value" x="{end + 8:.1f}" y="{middle + 4:.1f}">{escape(bar.text)}</text></g>'
    )
