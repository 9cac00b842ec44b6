"""Logistic regression: its graph with da and dz, and its gradient in loops and vectorised."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.derivative import derivative
from fastnn.backend.random import generator
from fastnn.demos.demo import Demonstration
from fastnn.demos.small_pass import Numbers, Weights, backward_pass, column, forward_pass
from fastnn.errors import ArgumentError, arg, shown
from fastnn.nn.activations import sigmoid
from fastnn.nn.dense import gradients, linear
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters
from fastnn.nn.step import Data
from fastnn.pictures.marks import Axis, Chart, Diagram, Edge, Figure, Line, Node
from fastnn.reference.derivatives import logistic_regression_gradient
from fastnn.timing.clock import time_calls

FEATURES = 30
#: Numbers of examples for which the gradient is timed.
EXAMPLES = (1, 10, 100, 1000, 10_000)
#: Seconds after which no more calls are timed.
AT_MOST = 0.3


def logistic_regression(
    *,
    x: Annotated[Sequence[float], "the two inputs"] = (1.0, 2.0),
    w: Annotated[Sequence[float], "their weights"] = (0.5, -0.4),
    b: Annotated[float, "the bias"] = 0.1,
    y: Annotated[int, "the target, 0 or 1"] = 1,
) -> Demonstration:
    """Return the graph of logistic regression with every derivative, and its times.

    ``z = w . x + b``, ``a = sigmoid(z)``, ``L = -[y log a + (1 - y) log(1 - a)]``; back
    ``da = dL/da = -y/a + (1 - y)/(1 - a)``, ``dz = da a (1 - a) = a - y``, ``dw = x dz``,
    ``db = dz`` (N7, N12). Of m examples, ``dW = 1/m dZ X^T``: in loops over examples and inputs,
    or as products of matrices (N17), which give the same numbers.

    >>> print(logistic_regression())
    forward: z = w1 x1 + w2 x2 + b = -0.2, a = sigmoid(z) = 0.4502, L = 0.7981
    backward: da = -2.2214, dz = da a(1 - a) = a - y = -0.5498, dw1 = -0.5498, dw2 = -1.0997, ...
    30 inputs, 10,000 examples: in loops ... ms, vectorised ... ms, ... times as fast; ...

    Raises ArgumentError unless x and w are two numbers each and y is 0 or 1.
    """
    X, W = column("x", x, 2), column("w", w, 2).T
    bias = column("b", [b], 1)
    if y not in (0, 1):
        raise ArgumentError(f"{arg('y')} must be 0 or 1, found {shown(y)}")
    net = network([2, 1], loss_function="binary_crossentropy")
    weights = Weights((W,), (bias,))
    Z, A = forward_pass(net, weights, X)
    back = backward_pass(net, weights, Z, A, np.full((1, 1), float(y)))
    z, a, L, dz = (float(M[0, 0]) for M in (Z[0], A[1], back.losses, back.dZ[0]))
    of_a = derivative(lambda a: -(y * np.log(a) + (1 - y) * np.log(1 - a)))
    with np.errstate(all="ignore"):
        da = float(of_a.evaluate(A[1])[0][0, 0])
    if not math.isfinite(da):
        raise ArgumentError(
            f"{arg('x')}: with z = {z:g}, a is {a:g} to the last digit and da is no finite number; "
            "choose smaller numbers"
        )
    dw, db = back.dW[0][0], float(back.db[0][0, 0])
    loops, vectorised, recorded, apart = _timed()
    ms = 1e3 * loops[-1], 1e3 * vectorised[-1]
    lines = (
        f"forward: z = w1 x1 + w2 x2 + b = {z:.4g}, a = sigmoid(z) = {a:.4f}, L = {L:.4f}",
        f"backward: da = {da:.4f}, dz = da a(1 - a) = a - y = {dz:.4f}, dw1 = {dw[0]:.4f}, "
        f"dw2 = {dw[1]:.4f}, db = {db:.4f}",
        f"{FEATURES} inputs, {EXAMPLES[-1]:,} examples: in loops {ms[0]:.1f} ms, vectorised "
        f"{ms[1]:.2f} ms, {ms[0] / ms[1]:.0f} times as fast; they differ by {apart:.0e} at most",
    )
    texts = {
        "x1": (f"{X[0, 0]:g}",),
        "w1": (f"{W[0, 0]:g}", f"dw1 = {dw[0]:.4f}"),
        "x2": (f"{X[1, 0]:g}",),
        "w2": (f"{W[0, 1]:g}", f"dw2 = {dw[1]:.4f}"),
        "b": (f"{bias[0, 0]:g}", f"db = {db:.4f}"),
        "z = w1 x1 + w2 x2 + b": (f"{z:.4g}", f"dz = {dz:.4f}"),
        "a = sigmoid(z)": (f"{a:.4f}", f"da = {da:.4f}"),
        "L(a, y)": (f"{L:.4f}", f"y = {y:g}"),
    }
    graph = _graph(texts, da)
    times = Chart(
        "The time of one gradient, dW and db",
        (
            Line.of("in loops", EXAMPLES, loops, "orange", "strong"),
            Line.of("vectorised", EXAMPLES, vectorised, "blue", "strong"),
            Line.of("recorded", EXAMPLES, recorded, "green"),
        ),
        Axis("examples", log=True),
        Axis("seconds", log=True),
        f"{FEATURES} inputs; recorded: the program of a training step, into its own memory",
    )
    figure = Figure("Logistic regression", [graph, times], columns=1)
    return Demonstration("logistic-regression", lines, figure)


def _graph(texts: dict[str, tuple[str, ...]], da: float) -> Diagram:
    lefts = {"z = w1 x1 + w2 x2 + b": 310.0, "a = sigmoid(z)": 555.0, "L(a, y)": 740.0}
    nodes = []
    for k, (name, said) in enumerate(texts.items()):
        place = (lefts[name], 200.0) if name in lefts else (75.0, 40.0 + 80.0 * k)
        width = max(70.0, 9.0 * len(name) + 14, 7.0 * max(map(len, said)) + 14)
        colour = "blue" if name in lefts else "grey"
        if name == "L(a, y)":
            colour = "green"
        nodes.append(Node(*place, (name, *said), "box", colour, width, 62.0))
    edges = [Edge(k, 5) for k in range(5)]
    edges += [
        Edge(5, 6, bend=-16.0),
        Edge(6, 7, bend=-16.0),
        Edge(6, 5, "dz", "orange", dashed=True, bend=-16.0),
        Edge(7, 6, "da", "orange", dashed=True, bend=-16.0),
    ]
    return Diagram(
        "Its graph, for one example",
        tuple(nodes),
        tuple(edges),
        "solid arrows go forward; what comes back along the dashed ones is in the last lines",
        width=800,
        height=400,
    )


def _timed() -> tuple[list[float], list[float], list[float], float]:
    """The seconds of a gradient in loops, vectorised and recorded, and how far they are apart."""
    loops, vectorised, recorded, apart = [], [], [], 0.0
    xp, random = CpuBackend(), generator(0, "check")
    W = random.normal(0.0, 0.3, (1, FEATURES))
    for m in EXAMPLES:
        X = random.normal(0.0, 1.0, (FEATURES, m))
        Y = (random.uniform(0.0, 1.0, (1, m)) < 0.5).astype(np.float64)
        plan = _recorded(X, Y, W)
        plan.cost_and_gradient()
        as_lists = X.tolist(), Y[0].tolist(), W[0].tolist(), 0.0
        _, dw, db = logistic_regression_gradient(*as_lists)
        for dW, d in (_vectorised(xp, X, Y, W), (plan.dW[0], plan.db[0])):
            apart = max(apart, float(np.abs(dW[0] - dw).max()), abs(float(d[0, 0]) - db))
        loops.append(_seconds(logistic_regression_gradient, *as_lists))
        vectorised.append(_seconds(_vectorised, xp, X, Y, W))
        recorded.append(_seconds(plan.cost_and_gradient))
    return loops, vectorised, recorded, apart


def _vectorised(xp: CpuBackend, X: Numbers, Y: Numbers, W: Numbers) -> tuple[Numbers, Numbers]:
    """``dW, db`` of m examples as the notes write it, with a bias of 0."""
    A = sigmoid(linear(xp, W, np.zeros((1, 1)), X))
    return gradients(xp, (A - Y) / Y.shape[1], X)


def _recorded(X: Numbers, Y: Numbers, W: Numbers) -> GradientPlan:
    """The same as the program of a training step, which also computes the cost."""
    xp, net = CpuBackend(), network([FEATURES, 1], loss_function="binary_crossentropy")
    parameters = Parameters(net, xp, np.float64)
    parameters.W[0][:] = W
    return GradientPlan(xp, net, parameters, Data(np.ascontiguousarray(X.T), Y.T))


def _seconds(function: Callable[..., object], *args: object) -> float:
    """The shortest time of a call, of some."""

    def run(n: int) -> None:
        for _ in range(n):
            function(*args)

    return min(time_calls(run, seconds=0.02, repeats=3, at_most=AT_MOST))
