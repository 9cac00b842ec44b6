"""A network with K outputs and its cost, sigmoid and softmax (N6, N9 to N11)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.random import generator
from fastnn.demos.demo import Demonstration
from fastnn.demos.network_diagram import Grid, unit
from fastnn.demos.small_pass import (
    Numbers,
    Weights,
    backward_pass,
    engine_parameters,
    forward_pass,
    weights_to_read,
)
from fastnn.errors import ArgumentError, arg
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import Network, network
from fastnn.nn.step import Data
from fastnn.pictures.marks import (
    Axis,
    Bar,
    BarChart,
    Chart,
    Diagram,
    Edge,
    Figure,
    HeatMap,
    Line,
    Node,
)
from fastnn.recipe.checks import number, whole

#: 4 inputs, 6 hidden units, 3 classes, as in the notes; examples of each class.
SIZES, EACH = (4, 6, 3), 20
RATE = 0.5


@dataclass(frozen=True, eq=False)
class Trained:
    """A network after gradient descent, with the cost of every step."""

    network: Network
    weights: Weights
    costs: list[float]


def k_outputs(
    *,
    steps: Annotated[int, "steps of gradient descent"] = 200,
    l2: Annotated[float, "strength of the penalty, lambda"] = 0.5,
    seed: Annotated[int, "draws the examples and the first weights"] = 0,
) -> Demonstration:
    """Return a network with three outputs, trained with either cost for K outputs.

    ``J = -1/m sum_i sum_k [y_k log a_k + (1 - y_k) log(1 - a_k)] + lambda/2m sum W^2`` with
    sigmoids (N9, N11): each output is a question of its own, and they need not sum to 1. With
    softmax ``J = -1/m sum_i sum_k y_k log a_k`` and the penalty (N10): one question with K answers.
    4-6-3, on 60 examples of 3 classes drawn by the seed; ``W -= alpha dJ/dW`` (N25).

    >>> print(k_outputs())
    sigmoid, one example: ...
    ...

    Raises ArgumentError unless steps is a whole number above 0 and l2 is 0 or more.
    """
    steps, l2 = whole("steps", steps), number("l2", l2)
    X, classes = _examples(seed)
    Y = (np.arange(SIZES[-1])[:, None] == classes[None]).astype(np.float64)
    sigmoid = _descend("binary_crossentropy", X, Y, steps, l2, seed)
    indices = classes[None].astype(np.float64)
    softmax = _descend("categorical_crossentropy", X, indices, steps, l2, seed)
    one = X[:, :1]
    Z, A = forward_pass(sigmoid.network, sigmoid.weights, one)
    terms = backward_pass(sigmoid.network, sigmoid.weights, Z, A, Y[:, :1]).losses[:, 0]
    Z_soft, A_soft = forward_pass(softmax.network, softmax.weights, one)
    soft_terms = backward_pass(
        softmax.network, softmax.weights, Z_soft, A_soft, indices[:, :1]
    ).losses[:, 0]
    parts, penalty = _parts(sigmoid, X, Y, l2)
    right = [_share_right(trained, X, classes) for trained in (sigmoid, softmax)]
    a, a_soft = A[-1][:, 0], A_soft[-1][:, 0]
    lines = (
        f"sigmoid, one example: a = {_list(a)} (sum {a.sum():.3f}), L = {_list(terms)}, together "
        f"{terms.sum():.4f}; softmax: {_list(a_soft)} (sum {a_soft.sum():.3f})",
        f"J = 1/m sum L + lambda/2m sum W^2 = {sum(parts):.4f} + {penalty:.4f} = "
        f"{sum(parts) + penalty:.4f}; gradient descent began at {sigmoid.costs[0]:.4f}",
        f"after {steps} steps {right[0]:.0%} (sigmoid) and {right[1]:.0%} (softmax) of the "
        f"{X.shape[1]} examples have their largest output at their class",
    )
    table = HeatMap(
        "The cost of one example",
        tuple(f"k = {k + 1}" for k in range(SIZES[-1])),
        ("y", "z", "a, sigmoid", "L, sigmoid", "a, softmax", "L, softmax"),
        tuple(
            (Y[k, 0], Z[-1][k, 0], a[k], terms[k], a_soft[k], soft_terms[k])
            for k in range(SIZES[-1])
        ),
        "sigmoid: L = -[y log a + (1 - y) log(1 - a)]; softmax: L = -y log a",
        low=0.0,
        high=1.0,
    )
    figure = Figure(
        "A network with K = 3 outputs",
        [_network(sigmoid, one, A), table, _costs(sigmoid, softmax), _bars(parts, penalty)],
    )
    return Demonstration("k-outputs", lines, figure)


def _examples(seed: int) -> tuple[Numbers, npt.NDArray[np.intp]]:
    """X (4, 60): a cloud for each class; and the class of each example, 0 to 2."""
    random = generator(seed, "check")
    classes = np.tile(np.arange(SIZES[-1]), EACH)
    middles = random.normal(0.0, 1.3, (SIZES[0], SIZES[-1]))
    X = middles[:, classes] + random.normal(0.0, 0.7, (SIZES[0], len(classes)))
    return np.round(X, 2), classes


def _descend(loss: str, X: Numbers, Y: Numbers, steps: int, l2: float, seed: int) -> Trained:
    """Gradient descent over all examples (N25), with the engine's recorded gradient."""
    net = network(SIZES, activation="sigmoid", loss_function=loss)
    xp, start = CpuBackend(), weights_to_read(net, seed)
    parameters = engine_parameters(net, start)
    plan = GradientPlan(xp, net, parameters, Data(X.T, Y.T), l2=l2, runs=steps)
    costs = []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            J, gradient = plan.cost_and_gradient()
            costs.append(J)
            parameters.theta -= RATE * gradient
        costs.append(plan.cost())
    if not math.isfinite(costs[-1]):
        raise ArgumentError(
            f"{arg('l2')}={l2:g} is too strong for alpha = {RATE:g}: gradient descent moves away; "
            "choose a smaller one"
        )
    weights = Weights(tuple(w.copy() for w in parameters.W), tuple(b.copy() for b in parameters.b))
    return Trained(net, weights, costs)


def _parts(trained: Trained, X: Numbers, Y: Numbers, l2: float) -> tuple[list[float], float]:
    """The cost of each output, and the penalty."""
    Z, A = forward_pass(trained.network, trained.weights, X)
    losses = backward_pass(trained.network, trained.weights, Z, A, Y).losses
    squares = sum(float((W * W).sum()) for W in trained.weights.W)
    return losses.mean(axis=1).tolist(), l2 / (2 * X.shape[1]) * squares


def _share_right(trained: Trained, X: Numbers, classes: npt.NDArray[np.intp]) -> float:
    _, A = forward_pass(trained.network, trained.weights, X)
    return float((A[-1].argmax(axis=0) == classes).mean())


def _list(values: Numbers) -> str:
    return ", ".join(f"{v:.3f}" for v in values)


def _network(trained: Trained, x: Numbers, A: list[Numbers]) -> Diagram:
    grid = Grid((50.0, 265.0, 480.0), top=66.0, down=66.0)
    places = grid.places(SIZES)
    nodes = [unit(at, f"x{i + 1}", f"{x[i, 0]:g}", size=52) for i, at in enumerate(places[0])]
    nodes += [
        unit(at, f"a{i + 1}", f"{A[1][i, 0]:.3f}", colour="blue", size=52)
        for i, at in enumerate(places[1])
    ]
    nodes += [
        Node(*at, (f"P(class {i + 1})", f"{A[2][i, 0]:.3f}"), "box", "green", 92.0, 46.0)
        for i, at in enumerate(places[2])
    ]
    edges = []
    for W, first, then in ((trained.weights.W[0], 0, 4), (trained.weights.W[1], 4, 10)):
        for i in range(W.shape[0]):
            for j in range(W.shape[1]):
                colour = "blue" if W[i, j] > 0 else "orange"
                width = 0.4 + 2.4 * min(abs(float(W[i, j])) / 3.0, 1.0)
                edges.append(Edge(first + j, then + i, "", colour, width, arrow=False))
    return Diagram(
        "One example through the trained network",
        tuple(nodes + grid.headings("x (4, 1)", "A[1] (6, 1)", "A[2] (3, 1)")),
        tuple(edges),
        "sigmoids; weights blue above 0, orange below, the wider the larger",
        width=560,
        height=450,
    )


def _costs(sigmoid: Trained, softmax: Trained) -> Chart:
    return Chart(
        "Gradient descent on either cost",
        tuple(
            Line.of(name, range(len(trained.costs)), trained.costs, colour, "strong")
            for name, trained, colour in (
                ("K sigmoids", sigmoid, "blue"),
                ("softmax", softmax, "orange"),
            )
        ),
        Axis("step"),
        Axis("cost J"),
        f"all examples, alpha = {RATE:g}",
    )


def _bars(parts: list[float], penalty: float) -> BarChart:
    bars = [Bar(f"output {k}", v, f"{v:.4f}") for k, v in enumerate(parts, start=1)]
    bars.append(Bar("penalty", penalty, f"{penalty:.4f}", "orange"))
    total = sum(parts) + penalty
    bars.append(Bar("J", total, f"{total:.4f}", "green", "strong"))
    return BarChart(
        "What J of the sigmoids is made of",
        tuple(bars),
        "the mean loss of each output, and lambda/2m times the sum of all squared weights",
    )
