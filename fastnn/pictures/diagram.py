"""Nodes and arrows as SVG."""

from __future__ import annotations

import math
from html import escape

from fastnn.pictures.marks import Diagram, Edge, Node

HEAD = 7.0  # the length of an arrow's head
LETTER = 6.4  # pixels of a letter of an arrow's text, on average
LINE = 15.0  # from one line of text to the next


def diagram(chart: Diagram) -> str:
    """Return the diagram: arrows first, so that nodes cover their ends, and then what they say."""
    parts = [f'<rect class="backdrop" width="{chart.width}" height="{chart.height}"/>']
    drawn = [_arrow(edge, chart.nodes[edge.start], chart.nodes[edge.end]) for edge in chart.edges]
    parts += [arrow for arrow, _ in drawn]
    parts += [text for _, text in drawn if text]
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


def _arrow(edge: Edge, start: Node, end: Node) -> tuple[str, str]:
    """The arrow, and its text, which lies on it in a gap of its own."""
    if edge.bend:
        along = end.x - start.x, end.y - start.y
        length = math.hypot(*along) or 1.0
        across = -along[1] / length, along[0] / length
        # A quadratic curve's middle is halfway to its control point.
        control = (
            (start.x + end.x) / 2 + 2 * edge.bend * across[0],
            (start.y + end.y) / 2 + 2 * edge.bend * across[1],
        )
        a, b = _rim(start, control), _rim(end, control)
    else:
        a, b = _rim(start, (end.x, end.y)), _rim(end, (start.x, start.y))
        control = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    head = ""
    if edge.arrow:
        back = math.hypot(b[0] - control[0], b[1] - control[1]) or 1.0
        u = (b[0] - control[0]) / back, (b[1] - control[1]) / back
        base = b[0] - HEAD * u[0], b[1] - HEAD * u[1]
        corners = (b, (base[0] - 3.5 * u[1], base[1] + 3.5 * u[0]),
                   (base[0] + 3.5 * u[1], base[1] - 3.5 * u[0]))  # fmt: skip
        head = f'<polygon points="{" ".join(f"{p:.1f},{q:.1f}" for p, q in corners)}"/>'
        b = base
    text = ""
    if edge.text:
        t = edge.at
        x, y = ((1 - t) ** 2 * a[k] + 2 * t * (1 - t) * control[k] + t**2 * b[k] for k in (0, 1))
        width = LETTER * len(edge.text) + 3
        text = (f'<g class="arrow c-{edge.colour}"><rect class="backdrop" x="{x - width / 2:.1f}" '
                f'y="{y - 6.5:.1f}" width="{width:.1f}" height="13"/><text text-anchor="middle" '
                f'x="{x:.1f}" y="{y + 4:.1f}">{escape(edge.text)}</text></g>')  # fmt: skip
    return (
        f'<g class="arrow{" dashed" if edge.dashed else ""} c-{edge.colour}">'
        f'<path stroke-width="{edge.width:g}" d="M{a[0]:.1f},{a[1]:.1f} '
        f'Q{control[0]:.1f},{control[1]:.1f} {b[0]:.1f},{b[1]:.1f}"/>{head}</g>'
    ), text


def _rim(node: Node, towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from the middle of a node to a place leaves its shape."""
    dx, dy = towards[0] - node.x, towards[1] - node.y
    length = math.hypot(dx, dy) or 1.0
    if node.shape == "circle":
        share = node.width / 2 / length
    else:
        share = min(
            node.width / 2 / abs(dx) if dx else math.inf,
            node.height / 2 / abs(dy) if dy else math.inf,
        )
    return node.x + dx * min(share, 1.0), node.y + dy * min(share, 1.0)
