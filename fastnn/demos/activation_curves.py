"""Each activation with its derivative, tanh as the scaled sigmoid, and what each is good for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fastnn.demos.demo import Demonstration
from fastnn.demos.small_pass import Numbers
from fastnn.nn.activations import activation
from fastnn.pictures.marks import Axis, Chart, Dots, Figure, HeatMap, Line, Mark

#: name: title, formula, what it is good for, and the limits of the picture
SHOWN = {
    "sigmoid": (
        "sigmoid",
        "a = 1 / (1 + e^-z), slope a (1 - a)",
        "the output for two classes, a probability",
        (-0.25, 1.25),
    ),
    "tanh": (
        "tanh",
        "a = (e^z - e^-z) / (e^z + e^-z), slope 1 - a^2",
        "hidden layers; centred, better than sigmoid",
        (-1.25, 1.25),
    ),
    "relu": (
        "ReLU",
        "a = max(0, z), slope 1 if z > 0, else 0",
        "hidden layers, the default choice",
        (-1.0, 4.0),
    ),
    "leaky_relu": (
        "leaky ReLU",
        "a = max(0.01 z, z), slope 1 if z > 0, else 0.01",
        "hidden layers, where units of ReLU die",
        (-1.0, 4.0),
    ),
}
#: Layers that a gradient goes back through, for the share that is left of it.
LAYERS = 10
#: Just above 0, and from which difference on the slope there is another one than at 0.
ABOVE_0, JUMP = 1e-9, 0.01


def activations() -> Demonstration:
    """Return sigmoid, tanh, ReLU and leaky ReLU with their derivatives (N2 to N5).

    ``tanh z = 2 sigmoid(2 z) - 1``: the scaled sigmoid. A gradient is multiplied by a slope in
    each layer that it goes back through; how much of it is left after 10 layers is the reason why
    one activation is better than another.

    >>> print(activations())
    sigmoid: slope 0.25 at most and 0.0066 at z = 5; through 10 layers at most 9.5e-07 is left ...
    tanh z = 2 sigmoid(2z) - 1, apart by ... at most; slope 1 at most, outputs centred at 0: ...
    ReLU: slope 1 for all z > 0, 0 for z <= 0, where a unit stops learning; leaky ReLU: 0.01 ...
    """
    z = np.linspace(-6.0, 6.0, 241)
    charts = [_curves(name, z) for name in SHOWN]
    sigmoid, tanh = activation("sigmoid"), activation("tanh")
    scaled = 2 * sigmoid.forward(2 * z) - 1
    apart = float(np.abs(scaled - tanh.forward(z)).max())
    some = slice(0, None, 12)
    marks: tuple[Mark, ...] = (
        Line.of("sigmoid(z)", z, sigmoid.forward(z), "orange", "dashed"),
        Line.of("tanh(z)", z, tanh.forward(z), "blue", "strong"),
        replace(Dots.of("2 sigmoid(2z) - 1", z[some], scaled[some], "pink", 4.0), curve=True),
    )
    charts.append(
        Chart(
            "tanh is the scaled sigmoid",
            marks,
            Axis("z"),
            Axis(limits=(-1.25, 1.25)),
            f"twice as high, twice as steep, one lower; apart by {apart:.1e} at most",
            height=300,
        )
    )
    steepest = float(_slope("sigmoid", np.zeros(1))[0])
    flat = float(_slope("sigmoid", np.full(1, 5.0))[0])
    leaky = float(_slope("leaky_relu", np.full(1, -1.0))[0])
    lines = (
        f"sigmoid: slope {steepest:g} at most and {flat:.4f} at z = 5; through {LAYERS} layers at "
        f"most {steepest**LAYERS:.1e} is left of a gradient; good for outputs, as a probability",
        f"tanh z = 2 sigmoid(2z) - 1, apart by {apart:.1e} at most; slope 1 at most, outputs "
        "centred at 0: better in hidden layers, but it vanishes too",
        f"ReLU: slope 1 for all z > 0, 0 for z <= 0, where a unit stops learning; leaky ReLU: "
        f"{leaky:g} there, so that none does; ReLU is the default choice",
    )
    figure = Figure("Activations and their derivatives", [*charts, _table()])
    return Demonstration("activations", lines, figure)


def _slope(name: str, z: Numbers) -> Numbers:
    g = activation(name)
    return np.broadcast_to(g.derivative(g.forward(z) if g.from_output else z), z.shape)


def _slope_with_jump(name: str, z: Numbers) -> tuple[Numbers, Numbers]:
    """The slope over z, with a gap at 0 if it jumps there."""
    slope = _slope(name, z)
    at_0, above_0 = _slope(name, np.array([0.0, ABOVE_0]))
    if above_0 - at_0 > JUMP:
        place = int(np.searchsorted(z, 0.0, side="right"))
        z = np.insert(z, place, [0.0, ABOVE_0])
        slope = np.insert(slope, place, [np.nan, above_0])
    return z, slope


def _curves(name: str, z: Numbers) -> Chart:
    title, formula, good_for, limits = SHOWN[name]
    shown = activation(name).forward(z)
    inside = np.where(shown <= limits[1], shown, np.nan)
    marks: list[Mark] = [
        Line.of("a = g(z)", z, inside, "blue", "strong"),
        Line.of("g'(z)", *_slope_with_jump(name, z), "orange"),
    ]
    at_0, above_0 = _slope(name, np.array([0.0, ABOVE_0]))
    if above_0 - at_0 > JUMP:
        marks.append(Dots.of("", [0.0], [at_0], "orange", 3.5))  # the slope at 0 itself
    return Chart(
        f"{title}: {good_for}",
        tuple(marks),
        Axis("z"),
        Axis(limits=limits),
        formula,
        in_order=True,  # where a and g' are both 0, both are seen
        height=300,
    )


def _table() -> HeatMap:
    """What is left of a gradient: the slope at some z, and its mean over z of a unit normal."""
    at = (-3.0, -1.0, 0.0, 1.0, 3.0)
    # The mean over a normal z is the integral of slope times density.
    z = np.linspace(-8.0, 8.0, 8001)
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    rows = []
    for name in SHOWN:
        mean = float(np.trapezoid(_slope(name, z) * density, z))
        rows.append((*map(float, _slope(name, np.array(at))), mean))
    return HeatMap(
        "The slope at some z, and on average",
        tuple(title for title, *_ in SHOWN.values()),
        (*(f"z = {v:g}" for v in at), "z normal"),
        tuple(rows),
        "what a layer leaves of a gradient that goes back through it",
        tuple(tuple(f"{v:.3f}" for v in row) for row in rows),
        low=0.0,
        high=1.0,
    )
