"""The learning-rate range test: training steps at rates that grow from one to the next.

L. N. Smith, "Cyclical learning rates for training neural networks", 2017 (arXiv 1506.01186), with
rates that grow by a constant factor instead of a constant difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.batches import epoch_order
from fastnn.errors import DivergenceError, arg
from fastnn.nn.network import Network
from fastnn.nn.plan import TrainingPlan
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.learner import Learner
from fastnn.training.loop import Trainer
from fastnn.training.part import Part

FloatArray = npt.NDArray[np.float64]

#: The rates of a sweep: from, to, and how many to a power of ten.
LOWEST, HIGHEST, PER_DECADE = 1e-8, 100.0, 60
#: Sweeps, each with weights and an order of its own; one where a step takes all examples.
SWEEPS = 3
#: A sweep ends when the mean cost of so many steps is so many times what it was at first.
LATEST, DIVERGED = 10, 4.0
#: Standard deviation of the bell by which costs are smoothed, in steps.
BELL = 9
#: The rate is chosen where so much of the cost's fall is done; and at most this share of the rate
#: from which on the cost is above its start again.
DONE, BELOW = 0.95, 0.1
#: A fall is one if it is so many times the deviation that the smoothed costs have by chance.
CLEAR = 5.0
#: Below the loss of a constant prediction it is by more than this share.
LEAST = 0.02
#: So much below the loss of a constant prediction it is little: a deep network that learns late, or
#: a target that the columns tell little about. A sweep cannot tell which.
LITTLE = 0.2


@dataclass(frozen=True)
class Choice:
    """The rate that was chosen, and why; not ``clear``: nothing was found, it is the default."""

    rate: float
    reason: str
    clear: bool = True


def rates_of_a_sweep() -> FloatArray:
    """Return the rates, each 4% above the one before.

    >>> rates = rates_of_a_sweep()
    >>> len(rates), rates[0].item(), rates[60].round(10).item(), rates[-1].item()
    (601, 1e-08, 1e-07, 100.0)
    """
    decades = math.log10(HIGHEST / LOWEST)
    return np.geomspace(LOWEST, HIGHEST, round(decades * PER_DECADE) + 1)


def sweep_costs(network: Network, part: Part, recipe: Recipe, settings: RunSettings) -> FloatArray:
    """Return the costs J of the mini-batches that the steps took, float64: a row for each sweep.

    The steps are those of a training: optimiser, penalties, clipping, dropout and batch size are
    the recipe's; the schedule is left out. A sweep that has ended is nan from there on.

    >>> from fastnn.nn.network import network
    >>> part = Part(np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]]))
    >>> recipe = Recipe.of(optimizer="sgd", patience=None)
    >>> J = sweep_costs(network([1, 1]), part, recipe, RunSettings(dtype="float64"))
    >>> J.shape, bool(J[0, 420] < J[0, 0])  # at a rate of 0.1
    ((1, 601), True)

    Raises DivergenceError if the cost is no number before the first step.
    """
    rates = rates_of_a_sweep()
    full = recipe.batch_size_for(len(part)) >= len(part)
    found = np.full((1 if full else SWEEPS, len(rates)), np.nan)
    for k, row in enumerate(found):
        seed = (recipe.seed + k) % 2**64
        own = replace(recipe, patience=None, seed=seed, epochs=1)
        learner = Learner.new(network, settings, initializer=recipe.initializer, seed=seed)
        trainer = Trainer(learner.backend, network, [learner.entry(part, own)])
        costs = _swept(trainer.plan, rates, own)
        row[: len(costs)] = costs
    if not np.isfinite(found[:, 0]).all():
        raise DivergenceError(
            f"the loss is {found[0, 0]:g} before the first step, which no learning rate can mend: "
            f"look at the inputs ({arg('standardize')}), the {arg('initializer')} and the "
            f"{arg('loss')}"
        )
    return found


def _swept(plan: TrainingPlan, rates: FloatArray, recipe: Recipe) -> FloatArray:
    """Run one sweep, through as many epochs as it takes, and return the costs until it ended."""
    costs: list[float] = []
    N, n, epoch = len(plan.data), len(rates), 0
    while len(costs) < n:
        epoch += 1
        order = epoch_order(N, recipe.seed, epoch) if recipe.shuffle else np.arange(N)
        for first in range(0, plan.n_steps, LATEST):
            done = len(costs)
            steps = min(LATEST, plan.n_steps - first, n - done)
            if steps <= 0:
                break
            own = np.zeros(plan.n_steps)
            own[first : first + steps] = rates[done : done + steps]
            costs += plan.run_epoch(order, own, first + steps, first).tolist()
            latest = np.array(costs[-LATEST:])
            if not np.isfinite(latest).all():
                numbers = [k for k, J in enumerate(costs) if not math.isfinite(J)]
                return np.array(costs[: max(1, numbers[0])])
            if not plan.finite or latest.mean() > _most(np.mean(costs[:PER_DECADE])):
                return np.array(costs)
    return np.array(costs)


def _most(start: Any) -> Any:
    """Return the cost at which a sweep ends, from that at its start (N,), which may be below 0."""
    return start + (DIVERGED - 1) * np.abs(start)


def smoothed(costs: FloatArray) -> FloatArray:
    """Return the mean of the sweeps, smoothed by a bell, float64 (n,).

    Each counts by its cost at the start, so that unlucky weights do not drown the others. One
    that has ended goes on with `DIVERGED` times that cost, and no cost counts with more. Where all
    have ended it is nan.

    >>> smoothed(np.ones((2, 50))).round(6).tolist() == [1.0] * 50
    True
    """
    start = np.nanmean(costs[:, :PER_DECADE], axis=1, keepdims=True)
    most = _most(start)
    full = np.where(np.isfinite(costs), np.minimum(costs, most), most)
    if (start > 0).all():  # some losses may be below 0
        full *= start.mean() / start
    mean = full.mean(axis=0)
    there = np.isfinite(costs).any(axis=0)
    n = int(there.sum())
    steps = np.arange(n)
    bell = np.exp(-0.5 * ((steps[:, None] - steps) / BELL) ** 2)
    found = np.full(len(mean), np.nan)
    found[:n] = bell @ mean[:n] / bell.sum(axis=1)
    return found


def choose(costs: FloatArray, default: float, constant: float = math.inf) -> Choice:
    """Return the learning rate for the costs of the sweeps, to two digits; else ``default``.

    It is the lowest rate at which 95% of the fall of the smoothed cost is done, from what it is
    at first to the lowest that it gets to; and at most a tenth of the rate from which on the cost
    is above its start again. Slope and minimum, which others take, move with the noise; this place
    hardly does. ``constant``: the loss of the best constant prediction; a fall down to that is no
    learning, and none is found then.

    >>> J = np.ones((1, 601))
    >>> J[0, 300:] = 0.0  # from 1e-3 on
    >>> choose(J, 0.1).rate
    0.0018
    """
    rates, J = rates_of_a_sweep(), smoothed(costs)
    n = int(np.isfinite(J).sum())
    first = costs[:, :PER_DECADE]
    start, noise = float(np.nanmean(first)), float(np.nanmean(np.nanstd(first, axis=1)))
    # The mean of n costs under a bell of deviation s has noise / sqrt(n 2 s sqrt(pi)).
    noise /= math.sqrt(len(costs) * 2 * BELL * math.sqrt(math.pi))
    lowest = int(np.argmin(J[:n]))
    fall = start - float(J[lowest])
    least = math.inf if constant == math.inf else constant - LEAST * abs(constant)
    falls = fall > max(CLEAR * noise, 1e-3 * abs(start))
    if not (falls and J[lowest] < least):
        what = f"the {start:.3g} that it begins with"
        if constant < start:
            what = f"that of a constant prediction, {constant:.4g}"
        return Choice(
            default,
            f"no rate from {LOWEST:g} to {rates[n - 1]:.2g} brings the loss clearly below {what}: "
            "this is the default of the optimizer",
            clear=False,
        )
    enough = start - DONE * fall
    rate, bound = rates[np.argmax(enough >= J)], math.inf
    back = np.flatnonzero(J[lowest:n] >= start)
    above = f"is not above its start again up to rate {rates[n - 1]:.2g}"
    if len(back):
        again = rates[lowest + back[0]]
        bound, above = BELOW * again, f"is above its start again from rate {again:.2g}"
    little = ""
    if constant < math.inf and J[lowest] > (1 - LITTLE) * constant > 0:
        little = (
            f"; that is little below a constant prediction's {constant:.4g}: compare a training at "
            "a tenth of it"
        )
    where = "a tenth of that rate" if bound < rate else "the rate where 95% of the fall is done"
    return Choice(
        float(f"{min(rate, bound):.2g}"),
        f"the loss falls from {start:.3g} to {J[lowest]:.3g} (at {rates[lowest]:.2g}) and {above}; "
        f"chosen is {where}{little}",
    )
