"""A linear network of two weights: its cost is a bowl over the plane, which can be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.data.batches import epoch_order
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.pictures.contours import contour
from fastnn.pictures.marks import Dots, Mark, Point, Surface

Numbers = npt.NDArray[np.float64]
Range = tuple[float, float]

#: Shades of a picture from side to side, numbers for contours, and lines of equal cost.
CELLS, FINE, LEVELS = 48, 121, 15


@dataclass(frozen=True, eq=False)
class Path:
    """Where the weights are before each step, and in the end, (steps + 1, 2); J of each step."""

    weights: Numbers
    batch_costs: Numbers


@dataclass(frozen=True, eq=False)
class TwoWeights:
    """The network ``z = w1 x1 + w2 x2`` on examples X (N, 2) with targets Y (N, 1), float64.

    Its cost is ``J = 1/2N sum (z - y)^2``, squared error, and has no bias.

    >>> one = TwoWeights(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[2.0], [2.0]]))
    >>> one.lowest.tolist(), one.costs(np.array([[0.0, 0.0], [2.0, 1.0]])).tolist()
    ([2.0, 1.0], [2.0, 0.0])
    >>> one.path("sgd", 0.5, 2, (0.0, 0.0)).weights.tolist()  # dJ/dw1 = (w1 - 2) / 2, ...
    [[0.0, 0.0], [0.5, 1.0], [0.875, 1.0]]
    """

    X: Numbers
    Y: Numbers

    @property
    def curvatures(self) -> Numbers:
        """The curvatures of the bowl along its axes, the small one first: (2,)."""
        return np.asarray(np.linalg.eigvalsh(self.X.T @ self.X / len(self.X)), np.float64)

    @property
    def lowest(self) -> Numbers:
        """The weights with the lowest cost, (2,)."""
        return np.asarray(np.linalg.lstsq(self.X, self.Y[:, 0], rcond=None)[0], np.float64)

    def costs(self, weights: Numbers) -> Numbers:
        """Return J at weights (..., 2)."""
        errors = weights @ self.X.T - self.Y[:, 0]
        return np.asarray((errors**2).mean(axis=-1) / 2, np.float64)

    def path(
        self,
        rule: str,
        rate: float,
        epochs: int,
        start: tuple[float, float],
        batch_size: int | None = None,
        seed: int = 0,
    ) -> Path:
        """Return the way of an optimiser, from the kernels that train every network.

        ``batch_size``: None takes all examples in a step; else their order is new in each epoch.
        """
        net, cpu, N = network([2, 1], use_bias=False), CpuBackend("numpy"), len(self.X)
        parameters = Parameters(net, cpu, "float64")
        parameters.W[0][:] = start
        data = Data(X=self.X, Y=self.Y)
        plan = TrainingPlan(cpu, net, parameters, optimizer(rule), data, batch_size or N)
        rates = np.full(plan.n_steps, rate)
        places, costs = [parameters.W[0][0].copy()], []
        for epoch in range(1, epochs + 1):
            order = epoch_order(N, seed, epoch)
            for step in range(plan.n_steps):
                costs += plan.run_epoch(order, rates, step + 1, step).tolist()
                places.append(parameters.W[0][0].copy())
        return Path(np.array(places), np.array(costs))

    def surface(self, x: Range, y: Range) -> Surface:
        """Return the cost over the plane of the two weights."""
        J = self._costs_at(x, y, (np.arange(CELLS) + 0.5) / CELLS)
        return Surface(x, y, tuple(map(tuple, J.tolist())), -float(J.max()), float(J.max()))

    def _costs_at(self, x: Range, y: Range, shares: Numbers) -> Numbers:
        """J at shares (n,) of the way along both axes, (n, n)."""
        across, up = x[0] + (x[1] - x[0]) * shares, y[0] + (y[1] - y[0]) * shares
        return self.costs(np.stack(np.meshgrid(across, up), axis=-1))

    def marks(self, x: Range, y: Range) -> tuple[Mark, ...]:
        """Return the cost as shades and lines of equal cost, and a dot where it is lowest.

        The levels are as squares: at equal distances in a round bowl.
        """
        surface, low, (a, b) = self.surface(x, y), float(self.costs(self.lowest)), self.lowest
        levels = low + (surface.high - low) * (np.arange(1, LEVELS) / LEVELS) ** 2
        fine = self._costs_at(x, y, np.linspace(0.0, 1.0, FINE))
        lines = [
            contour(fine, x, y, float(level), colour="pale_blue", weight="thin") for level in levels
        ]
        return surface, *lines, Dots("", (Point(float(a), float(b), "lowest"),), "ink", 5.0)


def points_of(bowl: TwoWeights, weights: Numbers) -> tuple[Point, ...]:
    """Return the places of a path (steps + 1, 2) as points that say their cost.

    >>> one = TwoWeights(np.eye(2), np.ones((2, 1)))
    >>> points_of(one, np.zeros((1, 2)))[0].text
    'step 0: w = (0, 0), J = 0.5'
    """
    costs = bowl.costs(weights)
    return tuple(
        Point(float(a), float(b), f"step {k}: w = ({a:.3g}, {b:.3g}), J = {J:.3g}")
        for k, ((a, b), J) in enumerate(zip(weights, costs, strict=True))
    )


def window(places: Numbers, margin: float = 0.35) -> tuple[Range, Range]:
    """Return a square window around places (n, 2), with a margin of a share of its side.

    >>> window(np.array([[0.0, 0.0], [2.0, 1.0]]), 0.0)
    ((0.0, 2.0), (-0.5, 1.5))
    """
    low, high = places.min(axis=0), places.max(axis=0)
    half = (high - low).max() * (0.5 + margin)
    x, y = ((float(m - half), float(m + half)) for m in (low + high) / 2)
    return x, y


def steps_until(costs: Numbers, share: float, low: float) -> int | None:
    """Return the first place where no more than a share of the excess over ``low`` is left.

    >>> steps_until(np.array([5.0, 2.0, 1.5, 1.01]), 0.01, 1.0), steps_until(np.ones(2) * 5, 0.1, 1)
    (3, None)
    """
    there = np.flatnonzero(costs - low <= share * (costs[0] - low) * (1 + 1e-9))
    return int(there[0]) if len(there) else None
