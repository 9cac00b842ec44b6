"""A curve of the size of a line of text, as SVG."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn.text import heights

WIDTH, HEIGHT, MARGIN = 160, 28, 3


def sparkline_svg(values: Sequence[float | None]) -> str:
    """Return a curve, lowest to highest finite value, in the colour of the text around it.

    More values than pixels are drawn as the means of stretches. Where a value is None or not
    finite the curve has a gap; without any finite value the result is empty.

    >>> sparkline_svg([2.0, 1.0])[:40], sparkline_svg([None])
    ('<svg width="160" height="28" viewBox="0 ', '')
    """
    found = heights(values, WIDTH - 2 * MARGIN)
    if all(h is None for h in found):
        return ""
    step = (WIDTH - 2 * MARGIN) / max(len(found) - 1, 1)
    path, joined = [], False
    for i, height in enumerate(found):
        if height is not None:
            x, y = MARGIN + i * step, HEIGHT - MARGIN - height * (HEIGHT - 2 * MARGIN)
            path.append(f"{'L' if joined else 'M'}{x:.1f} {y:.1f}{'' if joined else 'h0'}")
        joined = height is not None
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="a curve of {len(values)} values" style="vertical-align:middle">'
        f'<path d="{"".join(path)}" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
