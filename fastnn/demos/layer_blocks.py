"""Forward and backward blocks of layers, with what the one keeps for the other (N1, N12 to N14)."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from fastnn.backend.derivative import derivative
from fastnn.demos.demo import Demonstration
from fastnn.demos.small_pass import (
    Numbers,
    backward_pass,
    forward_pass,
    rows_as_text,
    weights_to_read,
)
from fastnn.nn.network import network
from fastnn.pictures.marks import Diagram, Edge, Figure, Node

SIZES = (2, 3, 1)
X = np.array([[1.0, 0.5, -1.0], [0.2, -0.7, 0.4]])
Y = np.array([[1.0, 0.0, 1.0]])
#: The middles of the columns A[0], layer 1, A[1], layer 2, A[2], and of the rows, in pixels.
COLUMNS = (90.0, 305.0, 520.0, 735.0, 950.0)
FORWARD, CACHE, BACKWARD, GRADIENTS = 85.0, 245.0, 405.0, 560.0


def blocks(*, seed: Annotated[int, "draws the weights, of one decimal"] = 19) -> Demonstration:
    """Return the blocks of two layers, forward and backward, with every array's shape and numbers.

    Forward, layer l takes ``A[l-1]``, gives ``A[l] = g(Z[l])`` with ``Z[l] = W[l] A[l-1] + b[l]``
    (N1) and keeps ``Z[l]``, ``A[l-1]``, ``W[l]``: its cache. Backward it takes ``dA[l]`` and the
    cache: ``dZ[l] = dA[l] * g'(Z[l])`` (N12, N13), ``dW[l] = 1/m dZ[l] A[l-1]^T``,
    ``db[l] = 1/m sum(dZ[l])`` (N14), and gives ``dA[l-1] = W[l]^T dZ[l]``. Here 2-3-1 and m = 3.

    >>> print(blocks())
    forward: A[0] (2, 3) -> A[1] (3, 3) -> A[2] (1, 3); kept: Z[1] (3, 3), Z[2] (1, 3), A[0], ...
    ...
    """
    net = network(SIZES, activation="tanh", loss_function="binary_crossentropy")
    weights = weights_to_read(net, seed)
    Z, A = forward_pass(net, weights, X)
    back = backward_pass(net, weights, Z, A, Y)
    # What comes in at the end: dL/da, from the loss as an expression of a and y.
    loss = derivative(lambda a, y: -(y * np.log(a) + (1 - y) * np.log(1 - a)), "a")
    dA = [*back.dA, np.asarray(loss.evaluate(A[2], Y)[0])]
    apart = float(np.abs(dA[1] * A[2] * (1 - A[2]) - back.dZ[1]).max())
    J = float(back.losses.sum()) / X.shape[1]
    nodes = [_array(f"A[{l}]", A[l], COLUMNS[2 * l], FORWARD, "grey") for l in range(3)]
    nodes += [
        _block(
            f"layer {l}, {net.activations[l - 1].name}",
            [(f"W[{l}]", weights.W[l - 1]), (f"b[{l}]", weights.b[l - 1])],
            COLUMNS[2 * l - 1],
            FORWARD,
            "blue",
        )
        for l in (1, 2)
    ]
    nodes += [
        _block(
            f"cache: A[{l - 1}], W[{l}]", [(f"Z[{l}]", Z[l - 1])], COLUMNS[2 * l - 1], CACHE, "grey"
        )
        for l in (1, 2)
    ]
    nodes += [
        _block(
            f"layer {l}, backward", [(f"dZ[{l}]", back.dZ[l - 1])], COLUMNS[2 * l - 1], BACKWARD,
            "orange",
        )
        for l in (1, 2)
    ]  # fmt: skip
    nodes += [_array(f"dA[{l}]", dA[l - 1], COLUMNS[2 * l], BACKWARD, "grey") for l in (1, 2)]
    nodes += [
        _block(
            "",
            [(f"dW[{l}]", back.dW[l - 1]), (f"db[{l}]", back.db[l - 1])],
            COLUMNS[2 * l - 1],
            GRADIENTS,
            "green",
        )
        for l in (1, 2)
    ]
    nodes.append(_array("loss with Y", Y, COLUMNS[4], CACHE, "grey"))
    steps = [(0, 3), (3, 1), (1, 4), (4, 2), (3, 5), (4, 6), (5, 7), (6, 8), (2, 13), (13, 10)]
    returns = [(10, 8), (8, 9), (9, 7), (7, 11), (8, 12)]
    edges = [Edge(a, b, dashed=b in (5, 6, 7, 8)) for a, b in steps]
    edges += [Edge(a, b, colour="orange") for a, b in returns]
    shapes = [" -> ".join(f"A[{l}] {a.shape}" for l, a in enumerate(A))]
    lines = (
        f"forward: {shapes[0]}; kept: Z[1] {Z[0].shape}, Z[2] {Z[1].shape}, A[0], A[1], W[1], "
        f"W[2]; J = {J:.4f}",
        f"backward: dA[2] {dA[1].shape} -> dZ[2] -> dA[1] {dA[0].shape} -> dZ[1]; dA[2] g'(Z[2]) "
        f"and A[2] - Y differ by {apart:.0e} at most",
        f"out come the shapes of the weights: dW[1] {back.dW[0].shape}, db[1] {back.db[0].shape}, "
        f"dW[2] {back.dW[1].shape}, db[2] {back.db[1].shape}; W[1] -= alpha dW[1] is the step",
    )
    diagram = Diagram(
        "Two layers, three examples",
        tuple(nodes),
        tuple(edges),
        "examples are columns; forward above, backward below, dashed: what is kept",
        width=1070,
        height=640,
    )
    figure = Figure("Forward and backward blocks of layers", [diagram], columns=1)
    return Demonstration("blocks", lines, figure)


def _array(name: str, M: Numbers, x: float, y: float, colour: str) -> Node:
    return _block(f"{name} {M.shape}", [("", M)], x, y, colour)


def _block(title: str, arrays: list[tuple[str, Numbers]], x: float, y: float, colour: str) -> Node:
    """A box with arrays, each with its name, its shape and its rows; the title, if any, first."""
    texts = [title] if title else []
    for name, M in arrays:
        if M.shape[1] == 1 and name:  # a column lies in one line
            texts.append(f"{name} {M.shape}: {' '.join(f'{v:.2f}' for v in M[:, 0])}")
            continue
        texts += [f"{name} {M.shape}"] if name else []
        texts += rows_as_text(M)
    width = max(9.0 * len(texts[0]), 6.8 * max(map(len, texts))) + 18
    return Node(x, y, tuple(texts), "box", colour, width, 15.0 * len(texts) + 16)
