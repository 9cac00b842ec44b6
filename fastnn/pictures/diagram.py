"""Nodes and arrows as SVG."""

from __future__ import annotations

import math
from html import escape

from fastnn.pictures.arrows import HEIGHT, Curve, Place, curve, text_places, text_width
from fastnn.pictures.marks import Diagram, Edge, Node

HEAD = 7.0  # the length of an arrow's head
LINE = 15.0  # from one line of text to the next


def diagram(chart: Diagram) -> str:
    """Return the diagram: arrows first, so that nodes cover their ends, and then what they say."""
    parts = [f'<rect class="backdrop" width="{chart.width}" height="{chart.height}"/>']
    curves = [curve(edge, chart.nodes[edge.start], chart.nodes[edge.end]) for edge in chart.edges]
    places = text_places(chart.nodes, chart.edges, curves)
    parts += [_arrow(edge, c) for edge, c in zip(chart.edges, curves, strict=True)]
    parts += [_text(chart.edges[k], place) for k, place in places.items()]
    parts += [_node(node) for node in chart.nodes]
    return "\n".join(parts)


def _node(node: Node) -> str:
    shape = ""
    style = f'class="shape" fill-opacity="{node.fill:g}"'
    left, top = node.x - node.width / 2, node.y - node.height / 2
    size = f'x="{left:.1f}" y="{top:.1f}" width="{node.width:g}" height="{node.height:g}"'
    if node.shape == "circle":
        round_ = f'cx="{node.x:.1f}" cy="{node.y:.1f}" r="{node.width / 2:g}"'
        # The paper first: an arrow that ends at the middle must not shine through.
        shape = f'<circle class="backdrop" {round_}/><circle {style} {round_}/>'
    elif node.shape == "box":
        shape = f'<rect class="backdrop" {size} rx="6"/><rect {style} {size} rx="6"/>'
    first = node.y + 4.5 - LINE * (len(node.texts) - 1) / 2
    texts = "".join(
        f'<text class="{"large" if k == 0 else "small"}" text-anchor="middle" x="{node.x:.1f}" '
        f'y="{first + LINE * k:.1f}">{escape(text)}</text>'
        for k, text in enumerate(node.texts)
    )
    return f'<g class="node c-{node.colour}">{shape}{texts}</g>'


def _arrow(edge: Edge, c: Curve) -> str:
    a, control, b = c.start, c.control, c.end
    head = ""
    if edge.arrow:
        back = math.hypot(b[0] - control[0], b[1] - control[1]) or 1.0
        u = (b[0] - control[0]) / back, (b[1] - control[1]) / back
        base = b[0] - HEAD * u[0], b[1] - HEAD * u[1]
        corners = (b, (base[0] - 3.5 * u[1], base[1] + 3.5 * u[0]),
                   (base[0] + 3.5 * u[1], base[1] - 3.5 * u[0]))  # fmt: skip
        head = f'<polygon points="{" ".join(f"{p:.1f},{q:.1f}" for p, q in corners)}"/>'
        b = base
    return (
        f'<g class="arrow{" dashed" if edge.dashed else ""} c-{edge.colour}">'
        f'<path stroke-width="{edge.width:g}" d="M{a[0]:.1f},{a[1]:.1f} '
        f'Q{control[0]:.1f},{control[1]:.1f} {b[0]:.1f},{b[1]:.1f}"/>{head}</g>'
    )


def _text(edge: Edge, place: Place) -> str:
    """The text of an arrow, which lies on it in a gap of its own."""
    (x, y), width = place, text_width(edge.text)
    return (
        f'<g class="arrow c-{edge.colour}"><rect class="backdrop" x="{x - width / 2:.1f}" '
        f'y="{y - HEIGHT / 2:.1f}" width="{width:.1f}" height="{HEIGHT:g}"/>'
        f'<text text-anchor="middle" x="{x:.1f}" y="{y + 4:.1f}">{escape(edge.text)}</text></g>'
    )
