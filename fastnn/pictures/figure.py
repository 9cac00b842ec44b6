"""A figure of one or more panels, as SVG for a page or as a file of its own."""

from __future__ import annotations

from html import escape
from textwrap import wrap

from fastnn.pictures.bars import bars
from fastnn.pictures.diagram import diagram
from fastnn.pictures.heat_map import heat_map
from fastnn.pictures.marks import Chart, Diagram, Figure, HeatMap, Panel
from fastnn.pictures.palette import file_style
from fastnn.pictures.plane import plane

GAP, HEADING = 24, 40
#: Pixels from line to line, and of a letter on average: of titles, and of what is below them.
TITLE, NOTE = (19, 8.9), (16, 6.4)
#: On a page no panel is drawn below this share of its size, where texts of 12 pixels have 9.
READABLE = 0.75
#: The room for a panel on a page of 390 pixels, a phone; what needs more of it is scrolled there.
PHONE = 340


def drawn(panel: Panel) -> tuple[str, int, int]:
    """Return what is inside the SVG of a panel, its width and its height in pixels."""
    if isinstance(panel, Chart):
        return plane(panel), panel.width, panel.height
    if isinstance(panel, Diagram):
        return diagram(panel), panel.width, panel.height
    if isinstance(panel, HeatMap):
        return heat_map(panel)
    inner, height = bars(panel)
    return inner, panel.width, height


def panel_svg(panel: Panel) -> str:
    """Return a panel for a page, which has the style of pictures and the title beside it.

    >>> from fastnn.pictures.marks import BarChart
    >>> panel_svg(BarChart("Loss", ()))[:52]
    '<svg class="picture" viewBox="0 0 450 8" role="img" '
    """
    return sized_svg(panel)[0]


def sized_svg(panel: Panel) -> tuple[str, float, bool]:
    """Return a panel for a page, how wide it may become there, in pixels, and whether it scrolls.

    On a narrow page a wide panel is scrolled, as its small texts must be read.

    >>> [sized_svg(Diagram("net", (), width=width))[1:] for width in (450, 1000)]
    [(562.5, False), (1250.0, True)]
    """
    inner, width, height = drawn(panel)
    most = 1.25 * width
    scrolls = READABLE * width > PHONE
    least = f";min-width:{READABLE * width:g}px" if scrolls else ""
    return (
        (
            f'<svg class="picture" viewBox="0 0 {width} {height}" role="img" '
            f'style="max-width:{most:g}px{least}" aria-label="{escape(described(panel))}">'
            f"{inner}</svg>"
        ),
        most,
        scrolls,
    )


def described(panel: Panel) -> str:
    """Return a panel in words: its title, and what is over what.

    >>> from fastnn.pictures.marks import Axis
    >>> described(Chart("Loss", (), Axis("epoch"), Axis("cost J")))
    'Loss: cost J over epoch'
    """
    if isinstance(panel, Chart) and panel.x.name and panel.y.name:
        return f"{panel.title}: {panel.y.name} over {panel.x.name}"
    return ": ".join(text for text in (panel.title, panel.note) if text)


def figure_svg(figure: Figure) -> str:
    """Return a figure as an SVG file, with its title, its note and the title of each panel."""
    made = [(panel, *drawn(panel)) for panel in figure.panels]
    columns = max(1, min(figure.columns, len(made)))
    rows = [made[k : k + columns] for k in range(0, len(made), columns)]
    widths = [max((row[j][2] for row in rows if j < len(row)), default=0) for j in range(columns)]
    width = max(sum(widths) + GAP * (columns + 1), 480)
    note = wrap(figure.note, int((width - 2 * GAP) / NOTE[1]))
    parts = [f'<text class="heading" x="{GAP}" y="{GAP + 14}">{escape(figure.title)}</text>']
    parts += [
        f'<text class="note" x="{GAP}" y="{GAP + 36 + 16 * k}">{escape(line)}</text>'
        for k, line in enumerate(note)
    ]
    y = GAP + HEADING + 16 * len(note)
    for row in rows:
        x = GAP
        said = [_caption(panel, widths[j]) for j, (panel, *_) in enumerate(row)]
        top = max(height for _, height in said) + 10
        for j, (_, inner, w, h) in enumerate(row):
            parts.append(
                f'<svg x="{x}" y="{y}" width="{widths[j]}" height="{top}">{said[j][0]}</svg>'
            )
            parts.append(
                f'<svg x="{x}" y="{y + top}" width="{w}" height="{h}" '
                f'viewBox="0 0 {w} {h}">{inner}</svg>'
            )
            x += widths[j] + GAP
        y += top + max(h for *_, h in row) + GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" width="{width}" height="{y}" '
        f'viewBox="0 0 {width} {y}" role="img" aria-label="{escape(figure.title)}">'
        f"<style>{file_style()}</style>"
        f'<rect class="backdrop" width="{width}" height="{y}"/>\n' + "\n".join(parts) + "</svg>\n"
    )


def _caption(panel: Panel, width: int) -> tuple[str, int]:
    """A panel's title and note, in lines of a width, and the height of them all."""
    parts, y = [], -5
    for kind, text, (line, letter) in (("title", panel.title, TITLE), ("note", panel.note, NOTE)):
        for said in wrap(text, int(width / letter)):
            y += line
            parts.append(f'<text class="{kind}" y="{y}">{escape(said)}</text>')
    return "".join(parts), y + 5
