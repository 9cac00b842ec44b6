"""The kernels that are timed: one layer, every activation, every loss, every optimiser (N17).

In loops each is the textbook's own function (`fastnn.reference`); otherwise it is what a training
step runs. Both compute the same numbers from the same inputs, which a test holds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastnn import reference
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array, Recorder
from fastnn.nn.activations import ACTIVATIONS, activation
from fastnn.nn.dense import HiddenKernels, LayerArrays, gradients, hidden_backward, linear
from fastnn.nn.losses import LOSSES, loss
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from fastnn.nn.output import OutputArrays, output_gradient, output_kernels
from fastnn.nn.softmax import softmax_backward, softmax_forward
from fastnn.timing.subject import FloatArray, Inputs, Subject, kernel

#: Elements of the vectors in the notes' own demonstration.
MILLION = 1_000_000
OUTPUTS = 10
RATE = 0.001


def kernels(units: int = 64) -> list[Subject]:
    """Return the subjects for layers of ``units`` units.

    >>> [s.name for s in kernels() if s.kind == "dense"]
    ['dense forward', 'dense backward']
    """
    found = [dot_product(), dense_forward(units), dense_backward(units)]
    for name in ACTIVATIONS.names:
        found += [activation_forward(name, units), activation_backward(name, units)]
    found += [loss_and_delta(name) for name in LOSSES.names]
    return found + [update(name, units) for name in OPTIMIZERS.names]


def normal(*shape: int, seed: int = 0) -> FloatArray:
    """Return standard normal numbers, the same on every call.

    >>> normal(2, 3).shape
    (2, 3)
    """
    return np.random.default_rng(seed).standard_normal(shape)


def dot_product(n: int = MILLION) -> Subject:
    """``a . b`` of two vectors, the notes' demonstration of vectorisation (N17)."""

    def loop(a: list[list[float]], b: list[list[float]]) -> Sequence[Any]:
        total = 0.0
        for x, [y] in zip(a[0], b, strict=True):
            total += x * y
        return [[[total]]]

    return kernel(
        "dot", "dot product", f"{n:,} elements",
        lambda m: {"a": normal(1, n), "b": normal(n, 1, seed=1)},
        loop=loop,
        record=lambda xp, x, new: [xp.dot(x["a"], x["b"], out=new(1, 1))],
        per_batch=False,
    )  # fmt: skip


def dense_forward(units: int) -> Subject:
    """``Z = W A + b`` (N1)."""
    net = reference.Network(["identity"], "squared_error")

    def inputs(m: int) -> Inputs:
        return {"W": _weights(units), "b": normal(units, 1), "A": normal(units, m, seed=1)}

    def record(xp: Recorder, x: dict[str, Array], new: Callable[..., Array]) -> Sequence[Array]:
        return [linear(xp, x["W"], x["b"], x["A"], Z=new(*x["A"].shape))]

    def loop(W: Any, b: Any, A: Any) -> Sequence[Any]:
        return reference.forward(net, [W], [b], A)[0]

    size = f"{units} to {units} units"
    return kernel("dense", "dense forward", size, inputs, loop=loop, record=record)


def dense_backward(units: int) -> Subject:
    """Two tanh layers under the squared error, backwards: their dZ, dW, db (N12 to N14)."""
    net = reference.Network(["tanh", "identity"], "squared_error")
    hidden = HiddenKernels(activation("tanh"), 0.0)
    output = output_kernels(loss("squared_error"), activation("identity"), units, False)

    def inputs(m: int) -> Inputs:
        W1, W2, X = _weights(units), _weights(units, seed=1), normal(units, m)
        A = np.tanh(W1 @ X)
        return {
            "W1": W1, "W2": W2, "X": X, "Z1": W1 @ X, "A1": A, "Z2": W2 @ A,
            "Y": normal(units, m, seed=2), "scale": np.full((1, 1), 1 / m),
        }  # fmt: skip

    def loop(
        W1: Any, W2: Any, X: Any, Z1: Any, A1: Any, Z2: Any, Y: Any, scale: Any
    ) -> Sequence[Any]:
        _, dW, db = reference.backward(net, [W1, W2], [Z1, Z2], [X, A1, Z2], Y)
        return [*dW, *db]

    def record(xp: Recorder, x: dict[str, Array], new: Callable[..., Array]) -> Sequence[Array]:
        m = x["X"].shape[1]
        layer = LayerArrays(Z=x["Z1"], A=x["A1"], dZ=new(units, m))
        end = OutputArrays(x["Z2"], x["Y"], new(units, m), new(units, m), x["scale"])
        output_gradient(xp, output, end)
        dW2, db2 = gradients(xp, end.dZ, x["A1"], dW=new(units, units), db=new(units, 1))
        dZ1 = hidden_backward(xp, x["W2"], end.dZ, hidden, layer)
        dW1, db1 = gradients(xp, dZ1, x["X"], dW=new(units, units), db=new(units, 1))
        return [dW1, dW2, db1, db2]

    size = f"two layers of {units} units"
    return kernel("dense", "dense backward", size, inputs, loop=loop, record=record)


def activation_forward(name: str, units: int) -> Subject:
    """``A = g(Z)`` (N2 to N6)."""
    g = activation(name)
    forward = Kernel(name, lambda z: g.forward(z))

    def record(xp: Recorder, x: dict[str, Array], new: Callable[..., Array]) -> Sequence[Array]:
        Z = x["Z"]
        m = Z.shape[1]
        if name == "softmax":
            return [softmax_forward(xp, Z, top=new(1, m), total=new(1, m), A=new(*Z.shape))]
        return [xp.apply(forward, Z, out=new(*Z.shape))]

    def loop(Z: Any) -> Sequence[Any]:
        columns = (reference.column(Z, j) for j in range(len(Z[0])))
        return [_rows([reference.activate(name, z) for z in columns])]

    return kernel(
        "activation", f"{name} forward", f"{units} units",
        lambda m: {"Z": normal(units, m)}, loop=loop, record=record,
    )  # fmt: skip


def activation_backward(name: str, units: int) -> Subject:
    """``dZ = dA * g'(Z)`` (N13)."""
    g = activation(name)
    backward = HiddenKernels(g, 0.0).backward

    def inputs(m: int) -> Inputs:
        Z = normal(units, m)
        powers = np.exp(Z)
        A = powers / powers.sum(axis=0) if name == "softmax" else np.asarray(g.forward(Z))
        return {"dA": normal(units, m, seed=1), "Z": Z, "A": A}

    def record(xp: Recorder, x: dict[str, Array], new: Callable[..., Array]) -> Sequence[Array]:
        dA, dZ, m = x["dA"], new(*x["Z"].shape), x["Z"].shape[1]
        if name == "softmax":
            scratch = new(*dZ.shape)
            return [softmax_backward(xp, dA, x["A"], product=scratch, total=new(1, m), dZ=dZ)]
        return [xp.apply(backward, dA, x["A"] if g.from_output else x["Z"], out=dZ)]

    def loop(dA: Any, Z: Any, A: Any) -> Sequence[Any]:
        columns = ((reference.column(Z, j), reference.column(dA, j)) for j in range(len(Z[0])))
        return [_rows([reference.activate_backward(name, z, da) for z, da in columns])]

    return kernel(
        "activation", f"{name} backward", f"{units} units", inputs, loop=loop, record=record
    )


def loss_and_delta(name: str) -> Subject:
    """``J`` and ``dZ`` from the logits (N8 to N10, N12)."""
    cost = loss(name)
    by_class = cost.link == "softmax"
    ready = output_kernels(cost, activation(cost.link), OUTPUTS, False)

    def inputs(m: int) -> Inputs:
        random = np.random.default_rng(1)
        if by_class:
            Y = random.integers(OUTPUTS, size=(1, m)).astype(np.float64)
        elif cost.from_logits:
            Y = random.integers(2, size=(OUTPUTS, m)).astype(np.float64)
        else:
            Y = normal(OUTPUTS, m, seed=2)
        classes = np.arange(OUTPUTS, dtype=np.float64).reshape(-1, 1)
        return {"Z": normal(OUTPUTS, m), "Y": Y, "scale": np.full((1, 1), 1 / m), "k": classes}

    def record(xp: Recorder, x: dict[str, Array], new: Callable[..., Array]) -> Sequence[Array]:
        shape, m = x["Z"].shape, x["Z"].shape[1]
        end = OutputArrays(
            x["Z"], x["Y"], new(*shape), new(*shape), x["scale"],
            classes=x["k"] if by_class else None,
            top=new(1, m) if by_class else None,
            total=new(1, m) if by_class else None,
        )  # fmt: skip
        output_gradient(xp, ready, end)
        return [xp.sum(end.cost, axis=None, keepdims=True, out=new(1, 1)), end.dZ]

    def loop(Z: Any, Y: Any, scale: Any, k: Any) -> Sequence[Any]:
        m, J, dZ = len(Z[0]), 0.0, []
        for j in range(m):
            z, y = reference.column(Z, j), reference.column(Y, j)
            terms, delta = reference.example_loss(name, y, z, z)
            J += sum(terms) / m
            dZ.append([d / m for d in delta])
        return [[[J]], _rows(dZ)]

    return kernel("loss", name, f"{OUTPUTS} outputs", inputs, loop=loop, record=record)


def update(name: str, units: int) -> Subject:
    """One step of an optimiser over the parameters of a layer (N25, N28 to N30)."""
    rule = optimizer(name)
    n = units * units + units
    row = rule.coefficients(np.ones(1), np.full(1, RATE))
    scalars = rule.kernel.inputs[-row.shape[1] :]

    def inputs(m: int) -> Inputs:
        return {"theta": normal(n), "g": normal(n, seed=1), "row": row[0]}

    def record(xp: Recorder, x: dict[str, Array], new: Callable[..., Array]) -> Sequence[Array]:
        state = [new(n) for _ in rule.state]
        values = [x["row"][i : i + 1] for i in range(len(scalars))]
        outs = (x["theta"], *state)
        xp.apply(
            rule.kernel, x["theta"], x["g"], *state, *values,
            out=outs if len(outs) > 1 else x["theta"],
        )  # fmt: skip
        return [x["theta"]]

    def loop(theta: Any, g: Any, row: Any) -> Sequence[Any]:
        step, moments = reference.OPTIMIZERS[name], [(0.0, 0.0)] * n
        for i, (p, slope) in enumerate(zip(theta, g, strict=True)):
            theta[i], moments[i] = step(p, slope, moments[i], 1, RATE, **rule.options)
        return [theta]

    return kernel(
        "optimizer", name, f"{n:,} parameters", inputs, loop=loop, record=record, per_batch=False
    )


def _weights(units: int, seed: int = 0) -> FloatArray:
    return normal(units, units, seed=seed) / math.sqrt(units)


def _rows(columns: list[list[float]]) -> list[list[float]]:
    """Examples to rows of a matrix, as the textbook keeps them."""
    return [list(row) for row in zip(*columns, strict=True)]
