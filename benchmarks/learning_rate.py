"""How well the learning rate that `fastnn.find_learning_rate` finds trains.

    python -m benchmarks.learning_rate [--optimizers sgd,momentum,adam,rmsprop] [--seeds 0,1]

For each problem, optimiser and seed: the validation loss with the rate that each of some rules
takes, the package's first, the optimiser's default last, and with each of 13 rates from 1e-5 to 10;
printed as multiples of the best of the 13.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.find_learning_rate import find_learning_rate
from fastnn.api.train_many import train_many
from fastnn.nn.optimizers import optimizer
from fastnn.training.rate_sweep import PER_DECADE

FloatArray = npt.NDArray[np.float64]

QUANTILES = (0.5, 0.75, 0.9)
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
    24
    """
    digits, tumours, diabetes = ("digits",), ("breast_cancer",), ("diabetes",)
    return {
        "digits": (digits, {}),
        "digits, no hidden layer": (digits, {"hidden_layer_sizes": ()}),
        "digits, four layers": (digits, {"hidden_layer_sizes": (64,) * 4}),
        "digits, 512 units": (digits, {"hidden_layer_sizes": (512,), "epochs": 30}),
        "digits, sigmoids": (digits, {"hidden_layer_sizes": (64, 64), "activation": "sigmoid"}),
        "digits, eight layers of tanh": (
            digits, {"hidden_layer_sizes": (32,) * 8, "activation": "tanh"},
        ),
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


@dataclass(frozen=True)
class Sweep:
    """What a rule sees: the smoothed loss over the rates, and where it turns."""

    rates: FloatArray
    J: FloatArray
    start: float
    default: float

    @property
    def lowest(self) -> int:
        return int(np.argmin(self.J))

    def done(self, share: float) -> float:
        """Return the lowest rate at which this share of the loss's fall is done."""
        enough = self.start - share * (self.start - self.J[self.lowest])
        return float(self.rates[np.argmax(enough >= self.J)])

    @property
    def back(self) -> float:
        """The rate at which the loss is back where it began."""
        again = np.flatnonzero(self.J[self.lowest :] >= self.start)
        return float(self.rates[self.lowest + again[0]]) if len(again) else np.inf

    @property
    def steepest(self) -> float:
        """The rate at which the loss falls fastest, before its lowest value."""
        return float(self.rates[np.argmin(np.gradient(self.J[: self.lowest + 2]))])

    @property
    def a_tenth(self) -> float:
        """A tenth of the rate at which the loss is lowest."""
        return float(self.rates[self.lowest] / 10)


#: The rules that are compared; the first is that of `fastnn.training.rate_sweep.choose`.
RULES: Mapping[str, Callable[[Sweep], float]] = {
    "95 % of the fall, at most back / 10": lambda s: min(s.done(0.95), s.back / 10),
    "90 % of the fall, at most back / 10": lambda s: min(s.done(0.90), s.back / 10),
    "98 % of the fall, at most back / 10": lambda s: min(s.done(0.98), s.back / 10),
    "steepest fall": lambda s: s.steepest,
    "lowest loss / 10": lambda s: s.a_tenth,
    "geometric mean of these two": lambda s: float(np.sqrt(s.steepest * s.a_tenth)),
    "lowest loss, at most back / 10": lambda s: min(10 * s.a_tenth, s.back / 10),
    "the optimiser's default": lambda s: s.default,
}


def compared(problem: Problem, optimizer_name: str, seed: int = 0) -> tuple[float, list[float]]:
    """Return the found rate, and each rule's loss as a multiple of the best of `RATES`.

    >>> rate, losses = compared((("diabetes",), {"epochs": 3}), "adam")
    >>> 1e-4 < rate < 1, len(losses) == len(RULES), min(losses) > 0.5
    (True, True, True)
    """
    examples, given = problem
    options = {"epochs": 60, **given, "optimizer": optimizer_name, "seed": seed}
    found = find_learning_rate(*examples, **options)
    n = int(np.isfinite(found.smoothed).sum())
    start = float(np.nanmean(found.losses[:, :PER_DECADE]))
    default = optimizer(optimizer_name).learning_rate
    sweep = Sweep(found.rates[:n], found.smoothed[:n], start, default)
    rates = [found.learning_rate, *[rule(sweep) for rule in RULES.values()][1:], *RATES]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # some diverge
        trained = train_many([{"learning_rate": r} for r in rates], *examples, **options)
    losses = [t.report["validation"]["loss"] if t.error is None else np.inf for t in trained]
    best = min(losses[len(RULES) :])
    return found.learning_rate, [loss / best for loss in losses[: len(RULES)]]


def main() -> None:
    """Print a row for each problem, optimiser and seed, and what came of each rule."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--optimizers", default="sgd,momentum,adam,rmsprop")
    parser.add_argument("--seeds", default="0,1", help="of weights, order and split")
    arguments = parser.parse_args()
    names, rows = arguments.optimizers.split(","), []
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    print(f"{'problem':30}{'optimizer':12}{'seed':>4}{'rate':>10}{'loss':>9}{'default':>12}")
    for (called, problem), name, seed in product(problems().items(), names, seeds):
        rate, losses = compared(problem, name, seed)
        rows.append(losses)
        shown = f"{called:30}{name:12}{seed:4}{rate:10.2g}{losses[0]:9.2f}{losses[-1]:12.4g}"
        print(shown, flush=True)
    print(f"\nloss as a multiple of the best of {len(RATES)} rates; {len(rows)} trainings\n")
    print(
        "| rule | half within | three quarters | nine tenths | above twice |\n|---|---|---|---|---|"
    )
    for rule, column in zip(RULES, np.array(rows).T, strict=True):
        shares = " | ".join(f"{np.quantile(column, q, method='higher'):.2f}" for q in QUANTILES)
        print(f"| {rule} | {shares} | {np.mean(column > 2):.0%} |")


if __name__ == "__main__":
    main()
