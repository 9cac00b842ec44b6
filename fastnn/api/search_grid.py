"""What a search tries: every combination of a grid, or some drawn at random."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from numbers import Real
from typing import Any

import numpy as np

from fastnn.errors import ArgumentError, arg, shown
from fastnn.recipe.checks import whole
from fastnn.registry import as_float


@dataclass(frozen=True)
class LogUniform:
    """Numbers from ``low`` to ``high``, each order of magnitude as likely: for random search.

    >>> LogUniform(1e-4, 1e-1).draw(np.random.default_rng(0)) < 1e-1
    True

    Raises ArgumentError unless 0 < low < high.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = isinstance(self.low, Real) and isinstance(self.high, Real)
        if not numbers or not 0 < as_float(self.low) < as_float(self.high) < math.inf:
            raise ArgumentError(
                f"a range goes from a number above 0 to a larger one, found {shown(self.low)} to "
                f"{shown(self.high)}",
                argument="low",
            )

    def draw(self, random: np.random.Generator) -> float:
        """Return one number, of three significant digits, for a table to show as it is."""
        value = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return float(f"{value:.3g}")


Grid = Mapping[str, Sequence[Any] | LogUniform]


def expand(grid: Grid, n_random: int | None = None, seed: int = 0) -> list[dict[str, Any]]:
    """Return every combination, the last name changing fastest, or ``n_random`` of them.

    >>> expand({"l2": [0.0, 1.0], "seed": [1, 2]})
    [{'l2': 0.0, 'seed': 1}, {'l2': 0.0, 'seed': 2}, {'l2': 1.0, 'seed': 1}, {'l2': 1.0, 'seed': 2}]
    >>> len(expand({"l2": [0.0, 1.0], "seed": [1, 2]}, n_random=3))
    3

    Raises ArgumentError for what is no grid, for a range without ``n_random``, and for more random
    combinations than there are.
    """
    if not isinstance(grid, Mapping) or not grid:
        raise ArgumentError(
            f"{arg('grid')} must map arguments to lists of values, such as {{'l2': [0, 1]}}; "
            f"found {shown(grid)}"
        )
    for name, values in grid.items():
        if isinstance(values, LogUniform):
            if n_random is None:
                raise ArgumentError(
                    f"{arg('grid')}: {arg(name)} is a range, which only a random search draws: "
                    f"say {arg('n_random')}"
                )
            continue
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise ArgumentError(
                f"{arg('grid')}: {arg(name)} must be a list of values, found {shown(values)}"
            )
        if not len(values):
            raise ArgumentError(f"{arg('grid')}: {arg(name)} has no values")
    if n_random is None:
        lists = [list(values) for values in grid.values() if not isinstance(values, LogUniform)]
        return [dict(zip(grid, row, strict=True)) for row in product(*lists)]
    return _drawn(grid, whole("n_random", n_random), np.random.default_rng(seed))


def _drawn(grid: Grid, n: int, random: np.random.Generator) -> list[dict[str, Any]]:
    if any(isinstance(values, LogUniform) for values in grid.values()):
        return [
            {
                name: v.draw(random)
                if isinstance(v, LogUniform)
                else v[int(random.integers(len(v)))]
                for name, v in grid.items()
            }
            for _ in range(n)
        ]
    everything = expand(grid)
    if n > len(everything):
        raise ArgumentError(
            f"{arg('n_random', n)} is more than the {len(everything)} combinations of the grid: "
            "leave it "
            "out to try them all"
        )
    return [everything[i] for i in sorted(random.choice(len(everything), n, replace=False))]
