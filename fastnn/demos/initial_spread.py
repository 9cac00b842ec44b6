"""Initialisers: what they make of the variance of activations and errors (N21 to N23)."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from fastnn.backend.random import generator
from fastnn.demos.deep_pass import DeepPass, deep_pass
from fastnn.demos.demo import Demonstration
from fastnn.nn.activations import activation as activation_of
from fastnn.nn.initializers import INITIALIZERS, initial_weights
from fastnn.nn.network import network
from fastnn.pictures.marks import Axis, Chart, Figure, HeatMap, Line
from fastnn.pictures.palette import series_colour
from fastnn.recipe.checks import between
from fastnn.recipe.checks import seed as check_seed

ACTIVATIONS = ("sigmoid", "tanh", "relu")
#: Those that the charts show; the table has all.
DRAWN = ("normal", "scaled_normal", "glorot_normal", "he_normal", "xavier_normal")
EXAMPLES = 200


def initialisers(
    *,
    layers: Annotated[int, "how deep the networks are"] = 20,
    units: Annotated[int, "units of each layer"] = 100,
    seed: Annotated[int, "seed of the weights"] = 0,
) -> Demonstration:
    """Return the variance of A[l] through many layers, and of the errors, by initialiser.

    ``Var(z) = n_in Var(w) Var(a)``: a layer keeps the variance if Var(w) is 1/n_in (N21), and ReLU,
    which lets half of it through, if it is twice that (He). Keras' names are those of N22. Table
    11-1 (N23): the logistic function has ``r = sqrt(6 / (n_in + n_out))``, uniform on [-r, r], and
    ``s = sqrt(2 / (n_in + n_out))``, normal; tanh four times both, the ReLU family sqrt(2) times.

    >>> print(initialisers(layers=10))
    with ReLU he_normal keeps the variance of the activations at 0... after 10 layers of 100...
    ...

    Raises ArgumentError unless there are 2 to 100 layers of 2 to 1,000 units.
    """
    layers, units = between("layers", layers, 2, 100), between("units", units, 2, 1000)
    check_seed("seed", seed)
    random = np.random.default_rng(seed)
    X, Y = random.normal(size=(EXAMPLES, units)), random.normal(size=(EXAMPLES, 1))
    found: dict[tuple[str, str], DeepPass] = {}
    for activation in ACTIVATIONS:
        net = network([units] * (layers + 1) + [1], activation=activation)
        for row in INITIALIZERS:
            found[activation, row.name] = deep_pass(
                net, None, X, Y, initializer=row.name, seed=seed
            )
    kept = {key: float(f.variances[layers]) for key, f in found.items()}
    lines = (
        "with ReLU he_normal keeps the variance of the activations at "
        f"{kept['relu', 'he_normal']:.2g} after {layers} layers of {units}; glorot_normal leaves "
        f"{kept['relu', 'glorot_normal']:.1g}, normal (s = 0.05) {kept['relu', 'normal']:.1g}",
        f"with tanh glorot_normal leaves {kept['tanh', 'glorot_normal']:.2g}; weights four times "
        f"as large (xavier_normal, N23) drive it to {kept['tanh', 'xavier_normal']:.2g}: units "
        "saturate",
        f"errors that come back to layer 1, as a share of those in layer {layers}, with Xavier's "
        "weights by activation: "
        + ", ".join(f"{a} {_share(found[a, 'xavier_normal']):.1g}" for a in ACTIVATIONS),
    )
    charts = [_chart(a, found, layers) for a in ("relu", "tanh")]
    figure = Figure(
        "Initialisers through many layers", [*charts, _every(found, layers), _table(units, seed)],
        f"{layers} layers of {units} units, biases 0, inputs of variance 1",
    )  # fmt: skip
    return Demonstration("initialisers", lines, figure)


def _share(found: DeepPass) -> float:
    """How large the errors dZ of the first layer are beside those of the last hidden one."""
    last = float(found.errors[-2])
    return float(found.errors[0]) / last if last else math.nan


def _chart(activation: str, found: dict[tuple[str, str], DeepPass], layers: int) -> Chart:
    lines = []
    for k, name in enumerate(DRAWN):
        values = found[activation, name].variances[: layers + 1]
        lines.append(Line.of(name, range(layers + 1), values, series_colour(k), "plain"))
    title = f"{'ReLU' if activation == 'relu' else activation}: variance of the activations"
    return Chart(title, tuple(lines), Axis("layer"), Axis("Var(A[l])", log=True))


def _every(found: dict[tuple[str, str], DeepPass], layers: int) -> HeatMap:
    """Variances after the last hidden layer and shares of errors, of every initialiser."""
    values = tuple(
        tuple(float(found[a, row.name].variances[layers]) for a in ACTIVATIONS)
        + tuple(_share(found[a, row.name]) for a in ACTIVATIONS)
        for row in INITIALIZERS
    )
    return HeatMap(
        "All initialisers",
        tuple(row.name for row in INITIALIZERS),
        tuple(f"A, {a}" for a in ACTIVATIONS) + tuple(f"dZ, {a}" for a in ACTIVATIONS),
        values,
        f"A: its variance in layer {layers}; dZ: errors in layer 1 as a share of those in layer "
        f"{layers}; the fuller, the nearer 1",
        texts=tuple(tuple("-" if math.isnan(v) else f"{v:.1g}" for v in row) for row in values),
        shades=tuple(tuple(_near_1(v) for v in row) for row in values),
        low=-6.0, high=0.0,
    )  # fmt: skip


def _near_1(value: float) -> float:
    """Minus the orders of magnitude between a value and 1."""
    return -abs(math.log10(value)) if value > 0 else -math.inf


def _table(units: int, seed: int) -> HeatMap:
    """Table 11-1, and the same measured on weights that were drawn."""
    rows = []
    for activation in ACTIVATIONS:
        gain = activation_of(activation).gain
        draw = [
            initial_weights(name, units, units, gain, generator(seed, "weights", layer=k))
            for k, name in enumerate(("xavier_uniform", "xavier_normal"), start=1)
        ]
        rows.append((
            gain * math.sqrt(6 / (2 * units)), float(np.abs(draw[0]).max()),
            gain * math.sqrt(2 / (2 * units)), float(draw[1].std()),
        ))  # fmt: skip
    return HeatMap(
        "Table 11-1: Xavier's weights by activation",
        ("logistic", "tanh", "ReLU family"),
        ("r", "largest |w|", "s", "deviation"),
        tuple(rows),
        "uniform on [-r, r], normal with deviation s; beside each what was drawn",
        texts=tuple(tuple(f"{v:.4f}" for v in row) for row in rows),
    )
