"""The derivative by its limit: secants that approach the tangent, and the error over h (N16)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from fastnn.backend.derivative import derivative as derivative_graph
from fastnn.backend.graph import Graph
from fastnn.demos.demo import Demonstration
from fastnn.demos.own_expression import every_value, expression_graph
from fastnn.demos.small_pass import Numbers
from fastnn.errors import ArgumentError, arg
from fastnn.nn.gradient_check import gradient_check
from fastnn.nn.network import network
from fastnn.pictures.marks import Axis, Chart, Dots, Figure, Line, Remark, Weight

Function = Callable[[Numbers], Numbers]

SECANTS = (2.0, 1.0, 0.4)
#: How the secants are told apart, by colour and by stroke.
STROKES: tuple[tuple[str, Weight], ...] = (
    ("orange", "dashed"), ("pink", "dotted"), ("yellow", "plain"),
)  # fmt: skip


def derivative(
    *,
    expression: Annotated[str, "a function of x"] = "sin(x)",
    c: Annotated[float, "where the derivative is taken"] = 1.0,
) -> Demonstration:
    """Return secants through c and c + h that approach the tangent, and how near they come.

    ``f'(c) = lim (f(c + h) - f(c)) / h`` (N16). The error of that quotient falls with h, that of
    the central one, ``(f(c + h) - f(c - h)) / 2h``, with h^2; below some h the rounding of f,
    divided by h, takes over: a V. ``gradient_check`` compares the gradient of a whole network so.

    >>> print(derivative())
    f(x) = sin(x): f'(1) = 0.540302; secants with h = 2, 1, 0.4 have the slopes -0.350, 0.068, 0.360
    ...

    Raises ArgumentError for an expression of anything but x, or without a derivative at c.
    """
    graph = expression_graph(expression)
    if graph.inputs != ("x",):
        raise ArgumentError(
            f"{arg('expression')} must be a function of x alone, found {', '.join(graph.inputs)}"
        )
    at, slope = float(c), _slope(graph, float(c))
    f = _function(graph)
    hs = 10.0 ** np.arange(-15, 0.01, 0.25)
    forward = np.abs((f(at + hs) - f(np.array([at]))) / hs - slope)
    central = np.abs((f(at + hs) - f(at - hs)) / (2 * hs) - slope)
    net_hs = 10.0 ** np.arange(-12, 0.01, 0.5)
    errors = np.array([_network_error(float(h)) for h in net_hs])
    slopes = [float((f(np.array([at + h])) - f(np.array([at])))[0] / h) for h in SECANTS]
    best = [int(np.where(e > 0, e, np.inf).argmin()) for e in (forward, central)]
    lines = (
        f"f(x) = {expression.strip()}: f'({at:g}) = {slope:.6g}; secants with h = "
        f"{', '.join(f'{h:g}' for h in SECANTS)} have the slopes "
        f"{', '.join(f'{s:.3f}' for s in slopes)}",
        f"the quotient is best at h = {hs[best[0]]:.0e} (error {forward[best[0]]:.0e}), the "
        f"central one at h = {hs[best[1]]:.0e} (error {central[best[1]]:.0e}); then comes "
        "rounding",
        f"gradient of a whole 3-4-1 network: back-propagation and the limit differ by "
        f"{errors.min():.0e} (relative) at h = {net_hs[errors.argmin()]:.0e}",
    )
    figure = Figure(
        "The limit definition of the derivative",
        [
            _tangent(f, at, slope, slopes, expression.strip()),
            _errors(hs, forward, central, net_hs, errors),
        ],
    )
    return Demonstration("derivative", lines, figure)


def _slope(graph: Graph, at: float) -> float:
    every_value(graph, {"x": at})
    with np.errstate(all="ignore"):
        slope = float(derivative_graph(graph, "x").evaluate(np.float64(at))[0])
    if not np.isfinite(slope):
        raise ArgumentError(f"{arg('c')}: there is no derivative at {at:g}; choose another place")
    return slope


def _function(graph: Graph) -> Function:
    def f(x: Numbers) -> Numbers:
        with np.errstate(all="ignore"):
            return np.asarray(graph.evaluate(x)[0], np.float64)

    return f


def _tangent(f: Function, at: float, slope: float, slopes: list[float], text: str) -> Chart:
    low, high = at - 1.0, at + 2.4
    x = np.linspace(low, high, 241)
    here = float(f(np.array([at]))[0])
    marks: list[Line | Dots | Remark] = [Line.of("f", x, f(x), "blue", "strong")]
    for h, s, (colour, weight) in zip(SECANTS, slopes, STROKES, strict=True):
        ends = np.linspace(at - 0.6, at + h + 0.25, 81)
        marks.append(Line.of(f"h = {h:g}", ends, here + s * (ends - at), colour, weight))
        marks.append(Dots.of("", [at + h], [here + s * h], colour, 4.0))
    ends = np.linspace(low, high, 81)
    marks.append(Line.of("tangent", ends, here + slope * (ends - at), "green", "strong"))
    marks.append(Dots.of("", [at], [here], "ink", 5.0))
    return Chart(
        "Secants approach the tangent",
        tuple(marks),
        Axis("x"),
        Axis("f(x)"),
        f"f(x) = {text} at c = {at:g}",
        height=380,
    )


def _errors(
    hs: Numbers, forward: Numbers, central: Numbers, net_hs: Numbers, errors: Numbers
) -> Chart:
    return Chart(
        "The error over the step h",
        (
            Line.of("(f(c+h) - f(c)) / h", hs, forward, "orange"),
            Line.of("(f(c+h) - f(c-h)) / 2h", hs, central, "blue", "strong"),
            Line.of("network's gradient", net_hs, errors, "green", "dashed"),
        ),
        Axis("h", log=True),
        Axis("error", log=True),
        "to the right the quotient is not yet the limit, to the left rounding is divided by h",
        height=380,
    )


def _network_error(h: float) -> float:
    """The relative difference of back-propagation and central differences, all parameters."""
    net = network([3, 4, 1], activation="tanh", loss_function="binary_crossentropy")
    X = [[1.0, 0.5, -1.0], [0.2, -0.7, 0.4], [-1.3, 0.1, 0.9]]
    return gradient_check(net, X, [[1.0], [0.0], [1.0]], h=h).relative_error
