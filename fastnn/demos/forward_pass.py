"""The 3-4-1 network and its forward pass with every number (N1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastnn.demos.demo import Demonstration
from fastnn.demos.network_diagram import Grid, unit, weight_edges
from fastnn.demos.small_pass import column, forward_pass, weights_to_read
from fastnn.nn.network import network
from fastnn.pictures.marks import Diagram, Figure

SIZES = (3, 4, 1)


def forward(
    *,
    x: Annotated[Sequence[float], "the three inputs"] = (1.0, 0.5, -1.0),
    activation: Annotated[str, "activation of the hidden layer"] = "sigmoid",
    seed: Annotated[int, "draws the weights, of one decimal"] = 19,
) -> Demonstration:
    """Return the 3-4-1 network with the number of every unit, weight and bias.

    ``Z[1] = W[1] x + b[1]``, ``A[1] = g(Z[1])``, ``Z[2] = W[2] A[1] + b[2]``,
    ``y = A[2] = sigmoid(Z[2])`` (N1): W[1] (4, 3), W[2] (1, 4), x (3, 1). Weights are on the
    edges, ``z = w . x + b`` and ``a = g(z)`` in the units.

    >>> print(forward().lines[0])
    z1 = w1 . x + b1 = (0.9)(1) + (-1.4)(0.5) + (-0.5)(-1) + (-0.1) = 0.60, a1 = ...

    Raises ArgumentError unless ``x`` is three numbers.
    """
    X = column("x", x, SIZES[0])
    net = network(SIZES, activation=activation, loss_function="binary_crossentropy")
    weights = weights_to_read(net, seed)
    Z, A = forward_pass(net, weights, X)
    grid = Grid()
    places = grid.places(SIZES)
    nodes = [unit(at, f"x{i + 1}", f"{X[i, 0]:g}") for i, at in enumerate(places[0])]
    for l, colour in ((1, "blue"), (2, "green")):
        for i, at in enumerate(places[l]):
            z, a, b = Z[l - 1][i, 0], A[l][i, 0], weights.b[l - 1][i, 0]
            name = "y" if l == len(Z) else f"a{i + 1}"
            nodes.append(unit(at, name, f"{a:.4f}", f"z = {z:.2f}", f"b = {b:g}", colour=colour))
    edges = [*weight_edges(weights.W[0], 0, 3), *weight_edges(weights.W[1], 3, 7)]
    nodes += grid.headings("x (3, 1)", "W[1] (4, 3)", "A[1] (4, 1)", "W[2] (1, 4)", "A[2] (1, 1)")
    g = net.activations[0].name
    w, b = weights.W[0][0], weights.b[0][0, 0]
    products = " + ".join(f"({a:g})({v:g})" for a, v in zip(w, X[:, 0], strict=True))
    lines = (
        f"z1 = w1 . x + b1 = {products} + ({b:g}) = {Z[0][0, 0]:.2f}, "
        f"a1 = {g}({Z[0][0, 0]:.2f}) = {A[1][0, 0]:.3f}",
        f"A[1] = {g}(W[1] x + b[1]) = ({', '.join(f'{a:.3f}' for a in A[1][:, 0])}); "
        "W[1] is (4, 3), x (3, 1), b[1] (4, 1)",
        f"y = A[2] = sigmoid(W[2] A[1] + b[2]) = sigmoid({Z[1][0, 0]:.3f}) = {A[2][0, 0]:.4f}",
    )
    shown = Diagram(
        f"Input, {g} hidden layer, sigmoid output",
        tuple(nodes),
        tuple(edges),
        "weights are on the edges, the wider the larger: blue above 0, orange below",
        width=650,
        height=460,
    )
    figure = Figure("The 3-4-1 network, forward", [shown], columns=1)
    return Demonstration("forward", lines, figure)
