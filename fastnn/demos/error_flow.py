"""Errors flowing back through a network, node by node (N12 to N14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastnn.demos.demo import Demonstration
from fastnn.demos.network_diagram import Grid, unit
from fastnn.demos.small_pass import (
    Gradients,
    Numbers,
    Weights,
    backward_pass,
    column,
    engine_parameters,
    forward_pass,
    weights_to_read,
)
from fastnn.nn.gradient_check import gradient_check
from fastnn.nn.network import network
from fastnn.pictures.marks import Diagram, Edge, Figure, Node
from fastnn.registry import one_of

SIZES = (3, 3, 2)
PLAIN = ("binary_crossentropy", "squared_error")


def delta(
    *,
    x: Annotated[Sequence[float], "the three inputs"] = (1.0, 0.5, -1.0),
    y: Annotated[Sequence[float], "the two targets"] = (1.0, 0.0),
    loss: Annotated[str, "binary_crossentropy, or squared_error as in some of the notes"] = PLAIN[
        0
    ],
    seed: Annotated[int, "draws the weights, of one decimal"] = 19,
) -> Demonstration:
    """Return a 3-3-2 network of sigmoids with the delta of every unit, and the gradients.

    ``delta = dL/dz``. At the outputs ``a - y`` for cross-entropy, ``(a - y) g'(z)`` for the squared
    error (N12). A hidden unit has ``delta_j = (sum_k w_kj delta_k) g'(z_j)``: the deltas come back
    over the weights (N13). A weight gets ``dW_ij = delta_i a_j``, a bias ``db_i = delta_i`` (N14).

    >>> print(delta())
    outputs: delta_1 = a - y = ...
    ...

    Raises ArgumentError unless x is three and y two numbers and the loss is one of the two.
    """
    X, Y = column("x", x, 3), column("y", y, 2)
    one_of("loss", loss, PLAIN)
    net = network(SIZES, activation="sigmoid", output_activation="sigmoid", loss_function=loss)
    weights = weights_to_read(net, seed)
    Z, A = forward_pass(net, weights, X)
    back = backward_pass(net, weights, Z, A, Y)
    checked = gradient_check(net, X.T, Y.T, parameters=engine_parameters(net, weights).theta)
    d1, d2 = (d[:, 0] for d in back.dZ)
    w, slope = weights.W[1][:, 0], float(A[1][0, 0] * (1 - A[1][0, 0]))
    sums = " + ".join(f"({a:g})({d:.4f})" for a, d in zip(w, d2, strict=True))
    form = "a - y" if loss == PLAIN[0] else "(a - y) g'(z)"
    lines = (
        f"outputs: delta_1 = {form} = {d2[0]:.4f}, delta_2 = {d2[1]:.4f}; a = "
        f"{A[2][0, 0]:.4f}, {A[2][1, 0]:.4f}, y = {y[0]:g}, {y[1]:g}",
        f"hidden unit 1: delta = (w_11 delta_1 + w_21 delta_2) g'(z) = ({sums}) {slope:.4f} = "
        f"{d1[0]:.4f}",
        f"W[2]_11: dW = delta_1 a_1 = ({d2[0]:.4f})({A[1][0, 0]:.4f}) = {back.dW[1][0, 0]:.4f}; "
        f"back-propagation and the limit differ by {checked.relative_error:.0e} (relative)",
    )
    figure = Figure(
        "Errors flow back",
        [_flow(weights, A, back, Y), _weights(A, back)],
        columns=1,
    )
    return Demonstration("delta", lines, figure)


#: Where the units are: the deltas, with room for their products, and the gradients.
FLOW, GRADIENTS = Grid((60.0, 250.0, 700.0), down=128.0), Grid((60.0, 350.0, 640.0), down=128.0)


def _units(
    grid: Grid, A: Sequence[Numbers], said: Sequence[Sequence[tuple[str, ...]]]
) -> list[Node]:
    """The units of all layers, and a heading over each layer."""
    nodes = []
    for l, places in enumerate(grid.places(SIZES)):
        letter, colour = (("x", "grey"), ("a", "blue"), ("out ", "green"))[l]
        for i, place in enumerate(places):
            value = f"{A[l][i, 0]:g}" if l == 0 else f"a = {A[l][i, 0]:.3f}"
            nodes.append(
                unit(place, f"{letter}{i + 1}", value, *said[l][i], colour=colour, size=86)
            )
    return nodes + grid.headings("x", "hidden layer", "output layer")


def _flow(weights: Weights, A: Sequence[Numbers], back: Gradients, Y: Numbers) -> Diagram:
    """What comes back to each hidden unit, over which weight."""
    deltas = [[f"δ = {d:.3f}" for d in layer[:, 0]] for layer in back.dZ]
    said: list[list[tuple[str, ...]]] = [
        [() for _ in range(SIZES[0])],
        [(d,) for d in deltas[0]],
        [(d, f"y = {y:g}") for d, y in zip(deltas[1], Y[:, 0], strict=True)],
    ]
    edges = [
        Edge(3 + i, j, colour="pale_grey", width=0.8, arrow=False)
        for i in range(SIZES[1])
        for j in range(SIZES[0])
    ]
    for k in range(SIZES[2]):
        for j in range(SIZES[1]):
            w, d = float(weights.W[1][k, j]), float(back.dZ[1][k, 0])
            text = f"({w:g})({d:.3f}) = {w * d:.3f}"
            edges.append(Edge(6 + k, 3 + j, text, _sign(w * d), at=0.63))
    return Diagram(
        "The delta of every unit",
        tuple(_units(FLOW, A, said)),
        tuple(edges),
        "on each arrow w times δ; their sum, times g'(z), is the δ of the hidden unit",
        width=760,
        height=390,
    )


def _weights(A: Sequence[Numbers], back: Gradients) -> Diagram:
    """What each weight and bias gets."""
    said: list[list[tuple[str, ...]]] = [[() for _ in range(SIZES[0])]]
    said += [[(f"db = {v:.3f}",) for v in db[:, 0]] for db in back.db]
    edges = []
    for l, first, then in ((0, 0, 3), (1, 3, 6)):
        for i in range(SIZES[l + 1]):
            for j in range(SIZES[l]):
                v = float(back.dW[l][i, j])
                edges.append(Edge(first + j, then + i, f"{v:.3f}", _sign(v), at=0.8))
    return Diagram(
        "The gradient of every weight",
        tuple(_units(GRADIENTS, A, said)),
        tuple(edges),
        "on each arrow dW = δ of its end times a of its start; db = δ",
        width=700,
        height=390,
    )


def _sign(value: float) -> str:
    return "blue" if value > 0 else "orange"
