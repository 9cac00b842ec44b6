"""Exploding and vanishing: what L layers make of a factor in each of them (N20)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np

from fastnn.demos.deep_pass import DeepPass, deep_pass, some_digits
from fastnn.demos.demo import Demonstration
from fastnn.errors import ArgumentError, arg, shown
from fastnn.nn.network import network
from fastnn.pictures.marks import Axis, Chart, Figure, Line
from fastnn.pictures.palette import series_colour
from fastnn.recipe.checks import above_0, between, listed
from fastnn.recipe.checks import seed as check_seed

#: Random networks on the digits: activation and initialiser, which fit each other in the last two.
NETWORKS = (
    ("sigmoid", "glorot_uniform"),
    ("tanh", "glorot_uniform"),
    ("relu", "he_normal"),
)
UNITS, EXAMPLES = 64, 200


def exploding(
    *,
    layers: Annotated[int, "how deep the networks are"] = 20,
    factors: Annotated[Sequence[float], "the weights are this times the identity matrix"] = (
        1.5,
        0.5,
    ),
    seed: Annotated[int, "seed of the random networks"] = 0,
) -> Demonstration:
    """Return how activations and errors grow or shrink from layer to layer.

    A network without activations whose weights are ``W[l] = c I`` makes ``c^L x`` of x, and its
    errors go back as ``dZ[1] = c^(L-1) dZ[L]`` (N20). In a network with activations the factor of a
    layer is about the size of its weights times that of g': at most 1/4 for the sigmoid.

    >>> print(exploding())
    W = 1.5 I in 20 layers: the output is 1.5^20 = 3325.26 times the input; W = 0.5 I: 9.53674e-07
    ...

    Raises ArgumentError unless there are 2 to 200 layers, and factors above 0, up to 10.
    """
    layers = between("layers", layers, 2, 200)
    own = [above_0("factors", c) for c in listed("factors", factors)]
    if not own or max(own) > 10:
        raise ArgumentError(f"{arg('factors')} must be numbers up to 10, found {shown(factors)}")
    check_seed("seed", seed)
    scaled = {c: _identity_times(c, layers) for c in own}
    X, Y = some_digits(EXAMPLES)
    sizes = [X.shape[1], *[UNITS] * (layers - 1), 10]
    random = {}
    for activation, initializer in NETWORKS:
        net = network(
            sizes, activation=activation, output_activation="softmax",
            loss_function="categorical_crossentropy",
        )  # fmt: skip
        random[f"{activation}, {initializer}"] = deep_pass(
            net, None, X, Y, initializer=initializer, seed=seed
        )
    outputs = [np.sqrt(found.variances[-1] / found.variances[0]) for found in scaled.values()]
    first, *others = zip(scaled, outputs, strict=True)
    lines = (
        f"W = {first[0]:g} I in {layers} layers: the output is {first[0]:g}^{layers} = "
        f"{first[1]:g} times the input" + "".join(f"; W = {c:g} I: {y:g}" for c, y in others),
        "errors go back by the same factors: those of layer 1 are " + ", ".join(
            f"{f.errors[0] / f.errors[-1]:.3g} times the output's with {c:g} I"
            for c, f in scaled.items()
        ),
        "gradient of the first layer, as a share of the last one's, in random networks: "
        + "; ".join(
            f"{name.partition(',')[0]} {f.gradients[0] / f.gradients[-1]:.1g}"
            for name, f in random.items()
        ),
    )  # fmt: skip
    figure = Figure(
        "Exploding and vanishing", [_powers(scaled), _gradients(random)],
        f"networks of {layers} layers; on a logarithmic scale a constant factor is a straight line",
    )  # fmt: skip
    return Demonstration("exploding", lines, figure)


def _identity_times(c: float, layers: int) -> DeepPass:
    """A pass through layers of two units with ``W = c I``, without biases and activations."""
    net = network([2] * (layers + 1), activation="identity", use_bias=False)
    X = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return deep_pass(net, [c * np.eye(2)] * layers, X, np.zeros((2, 2)))


def _powers(scaled: dict[float, DeepPass]) -> Chart:
    lines = tuple(
        Line.of(f"W = {c:g} I", range(len(f.variances)), np.sqrt(f.variances), series_colour(k),
                "strong")
        for k, (c, f) in enumerate(scaled.items())
    )  # fmt: skip
    return Chart(
        "W = c I: what arrives at each layer", lines, Axis("layer"),
        Axis("size of A[l], that of the input is 1", log=True),
    )  # fmt: skip


def _gradients(random: dict[str, DeepPass]) -> Chart:
    lines = tuple(
        Line.of(name, range(1, len(f.gradients) + 1), f.gradients, series_colour(k))
        for k, (name, f) in enumerate(random.items())
    )
    return Chart(
        "Random networks: the gradient of each layer's weights", lines, Axis("layer"),
        Axis("size of dW[l], root mean square", log=True), f"{UNITS} units, {EXAMPLES} digits",
    )  # fmt: skip
