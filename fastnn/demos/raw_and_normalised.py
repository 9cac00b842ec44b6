"""Inputs as they are and normalised: the bowl of the cost, and the way down in it (N19)."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from fastnn.data.preprocess import Features
from fastnn.demos.demo import Demonstration
from fastnn.demos.two_weights import Path, TwoWeights, points_of, steps_until, window
from fastnn.errors import ArgumentError, arg
from fastnn.pictures.marks import Axis, Chart, Figure, Line
from fastnn.reading.files import read_table
from fastnn.recipe.checks import above_0
from fastnn.recipe.checks import seed as check_seed

#: The share of the excess cost that is left when a path counts as at its end.
LEFT = 0.001
EPOCHS = 1000


def normalisation(
    *,
    seed: Annotated[int, "seed of the examples"] = 0,
    spread: Annotated[float, "how many times the second input spreads as far as the first"] = 3.0,
) -> Demonstration:
    """Return the cost of a network of two weights before and after N19, and the ways down.

    ``(x - mu) / sigma`` with mu and sigma of the examples (N19). Gradient descent multiplies the
    distance from the lowest cost by ``1 - rate lambda`` along each axis of the bowl, lambda being
    its curvature there. The best rate, ``2 / (lambda_1 + lambda_2)``, leaves the share
    ``(kappa - 1) / (kappa + 1)`` of it in each step, ``kappa = lambda_1 / lambda_2``: little where
    the bowl is round, nearly all where it is a long valley.

    >>> print(normalisation())
    raw inputs: the bowl is 32 times as steep across as along; with the best rate, 0.028, it ...
    ...

    Raises ArgumentError for a spread that is no number from 0.1 to 30.
    """
    if not 0.1 <= above_0("spread", spread) <= 30:
        raise ArgumentError(f"{arg('spread')} must be from 0.1 to 30, found {spread!r}")
    random = np.random.default_rng(check_seed("seed", seed))
    rooms, age = random.normal(3.0, 1.0, 200), random.normal(2.5 * spread, spread, 200)
    price = 4.0 * rooms - 1.5 / spread * age + random.normal(0.0, 0.3, 200)
    table = read_table({"rooms": rooms, "age": age})
    raw = TwoWeights(np.c_[rooms, age], price[:, None])
    features = Features.fit(table, dtype="float64")
    normal = TwoWeights(features.transform(table), (price - price.mean())[:, None])
    found = [(_best_rate(bowl), bowl) for bowl in (raw, normal)]
    paths = [bowl.path("gradient_descent", rate, EPOCHS, (0.0, 0.0)) for rate, bowl in found]
    steps = [_steps(bowl, path) for (_, bowl), path in zip(found, paths, strict=True)]
    kappa = [float(bowl.curvatures[1] / bowl.curvatures[0]) for _, bowl in found]
    lines = (
        f"raw inputs: the bowl is {kappa[0]:.0f} times as steep across as along; with the best "
        f"rate, {found[0][0]:.2g}, it takes {_counted(steps[0])} until {LEFT:.1%} of the excess "
        "cost is left",
        f"normalised inputs (mu = {_listed(features.mean)}, sigma = {_listed(features.scale)}): "
        f"{kappa[1]:.2f} times as steep; with the rate {found[1][0]:.2g} it takes "
        f"{_counted(steps[1])}",
        "each step leaves the share (kappa - 1)/(kappa + 1) of the distance: "
        f"{_share(kappa[0]):.3f} in the valley, {_share(kappa[1]):.3f} in the round bowl",
    )
    panels = [
        _panel(f"{title}: {_counted(n)}", bowl, path, n)
        for title, (_, bowl), path, n in zip(
            ("Raw inputs", "Normalised inputs"), found, paths, steps, strict=True
        )
    ]
    figure = Figure(
        "Why inputs are normalised",
        panels,
        "lines of equal cost, and the path of gradient descent from w = (0, 0), each with its best "
        "learning rate",
    )
    return Demonstration("normalisation", lines, figure)


def _best_rate(bowl: TwoWeights) -> float:
    return 2 / float(bowl.curvatures.sum())


def _steps(bowl: TwoWeights, path: Path) -> int | None:
    return steps_until(bowl.costs(path.weights), LEFT, float(bowl.costs(bowl.lowest)))


def _counted(steps: int | None) -> str:
    return f"more than {EPOCHS} steps" if steps is None else f"{steps} steps"


def _share(kappa: float) -> float:
    return (kappa - 1) / (kappa + 1)


def _listed(values: np.ndarray) -> str:
    return ", ".join(f"{v:.3g}" for v in values)


def _panel(title: str, bowl: TwoWeights, path: Path, steps: int | None) -> Chart:
    shown = path.weights[: EPOCHS if steps is None else steps + 1]
    x, y = window(np.vstack([shown, bowl.lowest]))
    marks = (
        *bowl.marks(x, y),
        Line("", points_of(bowl, shown), "orange", "plain" if len(shown) > 10 else "strong"),
    )
    return Chart(
        title, marks, Axis("weight of the first input", limits=x),
        Axis("weight of the second input", limits=y), height=400, equal=True,
    )  # fmt: skip
