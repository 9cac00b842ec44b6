"""How well the learning rate that `fastnn.find_learning_rate` finds trains.

    python -m benchmarks.learning_rate [--optimizers sgd,momentum,adam,rmsprop]

For each problem and optimiser: the validation loss with the found rate, with the optimiser's
default and with each of 13 rates from 1e-5 to 10; printed as multiples of the best of the 13.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn.api.find_learning_rate import find_learning_rate
from fastnn.api.train_many import train_many
from fastnn.nn.optimizers import optimizer

RATES = [float(f"{rate:.3g}") for rate in np.geomspace(1e-5, 10, 13)]


def moons(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two half circles that reach into each other: X (n, 2), y (n,)."""
    random = np.random.default_rng(0)
    t, y = random.uniform(0, np.pi, n), random.integers(0, 2, n)
    X = np.c_[np.cos(t) * (1 - 2 * y) + y, np.sin(t) * (1 - 2 * y) + y / 2]
    return X + random.normal(0, 0.2, X.shape), y


def spiral(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return three arms of a spiral: X (n, 2), y (n,)."""
    random = np.random.default_rng(0)
    y, t = random.integers(0, 3, n), random.uniform(0, 1, n)
    angle = 2 * np.pi * y / 3 + 4 * t
    X = np.c_[t * np.cos(angle), t * np.sin(angle)]
    return X + random.normal(0, 0.03, X.shape), np.array([*"abc"])[y]


def friedman(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return Friedman's first function of 5 of 10 inputs (1991): X (n, 10), y (n,)."""
    random = np.random.default_rng(0)
    X = random.uniform(size=(n, 10))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return X, y + 10 * X[:, 3] + 5 * X[:, 4] + random.normal(size=n)


def quadrants(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whether a point is in one of two opposite quadrants: X (n, 2), y (n,)."""
    X = np.random.default_rng(0).uniform(-1, 1, (n, 2))
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def wave(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return three periods of a sine: X (n, 1), y (n,)."""
    random = np.random.default_rng(0)
    X = random.uniform(-3, 3, (n, 1))
    return X, np.sin(3 * X[:, 0]) + random.normal(0, 0.1, n)


Problem = tuple[tuple[Any, ...], dict[str, Any]]


def problems() -> Mapping[str, Problem]:
    """Return the examples and the options of each problem.

    >>> len(problems())
    23
    """
    digits, tumours, diabetes = ("digits",), ("breast_cancer",), ("diabetes",)
    return {
        "digits": (digits, {}),
        "digits, no hidden layer": (digits, {"hidden_layer_sizes": ()}),
        "digits, four layers": (digits, {"hidden_layer_sizes": (64,) * 4}),
        "digits, 512 units": (digits, {"hidden_layer_sizes": (512,), "epochs": 30}),
        "digits, sigmoids": (digits, {"hidden_layer_sizes": (64, 64), "activation": "sigmoid"}),
        "digits, dropout": (digits, {"dropout": 0.5}),
        "digits, batch normalisation": (
            digits, {"hidden_layer_sizes": (64, 64), "batch_normalization": "before"},
        ),
        "digits, batches of 8": (digits, {"batch_size": 8, "epochs": 30}),
        "digits, batches of 256": (digits, {"batch_size": 256}),
        "digits, full batches": (digits, {"batch_size": "full"}),
        "tumours": (tumours, {}),
        "tumours, clipped": (tumours, {"gradient_clip": 1.0, "l2": 1.0}),
        "tumours, not normalised": (tumours, {"standardize": False}),
        "diabetes": (diabetes, {}),
        "diabetes, ELU": (diabetes, {"hidden_layer_sizes": (64, 64), "activation": "elu"}),
        "moons": (moons(1000), {"hidden_layer_sizes": (16, 16)}),
        "moons, few steps": (moons(600), {"hidden_layer_sizes": (32,), "epochs": 40}),
        "spiral": (spiral(1500), {"hidden_layer_sizes": (32,)}),
        "Friedman": (friedman(2000), {"hidden_layer_sizes": (32, 32), "activation": "tanh"}),
        "Friedman, few examples": (friedman(300), {"hidden_layer_sizes": (64,)}),
        "quadrants": (quadrants(1500), {"hidden_layer_sizes": (16,)}),
        "quadrants, tanh": (
            quadrants(1500), {"hidden_layer_sizes": (8, 8), "activation": "tanh"},
        ),
        "wave": (wave(1000), {"hidden_layer_sizes": (32, 32)}),
    }  # fmt: skip


def compared(problem: Problem, rule: str) -> tuple[float, float, float]:
    """Return the found rate, and its and the default's loss as multiples of the best of `RATES`.

    >>> rate, found, default = compared((("diabetes",), {"epochs": 3}), "adam")
    >>> 1e-4 < rate < 1, found > 0.5
    (True, True)
    """
    examples, given = problem
    options = {"epochs": 60, **given, "optimizer": rule}
    rate = find_learning_rate(*examples, **options).learning_rate
    rates = [rate, optimizer(rule).learning_rate, *RATES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # some diverge
        trained = train_many([{"learning_rate": r} for r in rates], *examples, **options)
    losses = [t.report["validation"]["loss"] if t.error is None else np.inf for t in trained]
    best = min(losses[2:])
    return rate, losses[0] / best, losses[1] / best


def main() -> None:
    """Print a row for each problem and optimiser, and the distribution."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--optimizers", default="sgd,momentum,adam,rmsprop")
    rules = parser.parse_args().optimizers.split(",")
    rows = []
    print(f"{'problem':30}{'optimizer':12}{'rate':>10}{'loss':>9}{'default':>12}")
    for name, problem in problems().items():
        for rule in rules:
            rate, found, default = compared(problem, rule)
            rows.append((found, default))
            print(f"{name:30}{rule:12}{rate:10.2g}{found:9.2f}{default:12.4g}", flush=True)
    for name, column in zip(("found", "default"), zip(*rows, strict=True), strict=True):
        shares = ", ".join(f"{q:.0%} within {np.quantile(column, q):.2f}" for q in (0.5, 0.75, 0.9))
        print(f"{name}: {shares} times the best of {len(RATES)} rates; {len(column)} trainings")


if __name__ == "__main__":
    main()
