"""Derivatives before there are layers: by the limit, by the chain rule, of one neuron."""

from __future__ import annotations

from collections.abc import Callable

from fastnn.reference.functions import Column, Matrix, sigmoid, softplus


def numeric_gradient(f: Callable[[Column], float], x: Column, h: float = 1e-5) -> Column:
    """Return the derivative of f by its limit definition (N16): ``(f(x + h) - f(x - h)) / 2h``.

    >>> [round(d, 6) for d in numeric_gradient(lambda x: x[0] ** 2 + 3 * x[1], [2.0, 1.0])]
    [4.0, 3.0]
    """
    gradient = []
    for i in range(len(x)):
        up, down = list(x), list(x)
        up[i] += h
        down[i] -= h
        gradient.append((f(up) - f(down)) / (2 * h))
    return gradient


def computation_graph(a: float, b: float, c: float) -> tuple[float, float, float, float]:
    """Return ``J = 3 (a + b c)`` and its sensitivities dJ/da, dJ/db, dJ/dc by the chain rule (N15).

    >>> computation_graph(5.0, 3.0, 2.0)
    (33.0, 3.0, 6.0, 9.0)
    """
    u = b * c
    v = a + u
    J = 3 * v
    dJ_dv = 3.0
    dJ_da, dJ_du = dJ_dv * 1, dJ_dv * 1  # v = a + u
    dJ_db, dJ_dc = dJ_du * c, dJ_du * b  # u = b c
    return J, dJ_da, dJ_db, dJ_dc


def logistic_regression_gradient(
    X: Matrix, y: Column, w: Column, b: float
) -> tuple[float, Column, float]:
    """Return ``J, dw, db`` of logistic regression, the textbook loop over examples (N7).

    >>> J, dw, db = logistic_regression_gradient([[2.0, 4.0]], [1.0, 0.0], [0.0], 0.0)
    >>> round(J, 4), dw, db
    (0.6931, [0.5], 0.0)
    """
    m = len(y)
    J, dw, db = 0.0, [0.0] * len(w), 0.0
    for j in range(m):
        z = b
        for i in range(len(w)):
            z += w[i] * X[i][j]
        a = sigmoid(z)
        J += y[j] * softplus(-z) + (1 - y[j]) * softplus(z)  # -log a, -log(1 - a)
        dz = a - y[j]
        for i in range(len(w)):
            dw[i] += X[i][j] * dz
        db += dz
    return J / m, [d / m for d in dw], db / m
