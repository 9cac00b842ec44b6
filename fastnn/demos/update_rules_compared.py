"""Gradient descent, momentum, RMSprop and Adam, in a valley and on a real network (N28-N30)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import numpy.typing as npt

from fastnn.api.train_many import train_many
from fastnn.demos.demo import Demonstration
from fastnn.demos.two_weights import Path, TwoWeights, points_of
from fastnn.pictures.marks import Axis, Chart, Figure, Line
from fastnn.pictures.palette import series_colour
from fastnn.recipe.checks import between
from fastnn.recipe.checks import seed as check_seed
from fastnn.training.history import History

#: Rule: its rate in the valley, where gradient descent is stable below 2/100 = 0.02.
RULES = {"gradient_descent": 0.0195, "momentum": 0.08, "rmsprop": 0.15, "adam": 0.3}
#: Rule: the rates that are tried on the digits.
TRIED = {
    "gradient_descent": (0.03, 0.1, 0.3, 1.0),
    "momentum": (0.03, 0.1, 0.3, 1.0),
    "rmsprop": (0.001, 0.003, 0.01, 0.03),
    "adam": (0.001, 0.003, 0.01, 0.03),
}
#: The curvatures of the valley, along and across.
ALONG, ACROSS, START = 1.0, 100.0, (-4.0, 0.8)


def optimisers(
    *,
    steps: Annotated[int, "steps in the valley"] = 60,
    epochs: Annotated[int, "passes through the digits"] = 10,
    seed: Annotated[int, "seed of the network on the digits"] = 0,
) -> Demonstration:
    """Return the paths of four optimisers in a long valley, and their costs on the digits.

    The steep direction limits the rate of gradient descent, which goes to and fro across the
    valley. Momentum averages that out: ``V = beta V + (1 - beta) dW``, ``W -= alpha V`` (N28).
    RMSprop divides each direction by its own size: ``S = beta S + (1 - beta) dW^2``, ``W -= alpha
    dW / sqrt(S + epsilon)`` (N29). Adam does both, each corrected by ``1 - beta^t`` (N30).

    RMSprop's step does not become short with the gradient: where the valley is crossed no more, S
    forgets that it was steep, ``alpha / sqrt(S)`` grows until it is above ``2 / curvature``, and
    the path jumps. On the digits each rule has the best of four rates, by the validation part's
    cost: with one rate for all, or the usual ones, rates would be compared and not rules.

    >>> print(optimisers(epochs=1))
    crossings of the valley in 60 steps: gradient_descent 60, momentum ...
    ...

    Raises ArgumentError unless there are 2 to 1,000 steps and 1 to 100 epochs.
    """
    steps, epochs = between("steps", steps, 2, 1000), between("epochs", epochs, 1, 100)
    check_seed("seed", seed)
    bowl = TwoWeights(np.sqrt(2) * np.diag(np.sqrt([ALONG, ACROSS])), np.zeros((2, 1)))
    paths = {rule: bowl.path(rule, rate, steps, START) for rule, rate in RULES.items()}
    ends = {rule: float(bowl.costs(path.weights[-1])) for rule, path in paths.items()}
    best = _best_on_digits(epochs, seed)
    lines = (
        f"crossings of the valley in {steps} steps: "
        + ", ".join(f"{rule} {_crossings(path)}" for rule, path in paths.items()),
        f"J after {steps} steps, from {float(bowl.costs(np.array(START))):.3g}: "
        + ", ".join(f"{rule} {J:.1e}" for rule, J in ends.items()),
        "digits, validation accuracy, each rule with the best of 4 rates: "
        + ", ".join(
            f"{rule} {h.epochs[-1].metrics['accuracy']:.1%} ({rate:g})"
            for rule, (rate, h) in best.items()
        ),
    )
    curves = {f"{rule}, {rate:g}": [e.loss for e in h.epochs] for rule, (rate, h) in best.items()}
    figure = Figure(
        "Optimisers",
        [
            *(_valley(rule, bowl, path) for rule, path in paths.items()),
            _costs("Cost in the valley", {r: bowl.costs(p.weights) for r, p in paths.items()},
                   "step", 0, "rmsprop rises where it jumps" if _jump(paths["rmsprop"]) else ""),
            _costs("Cost of a 64-64-10 network on the digits", curves, "epoch", 1,
                   "beside each rule its rate: of four, the one with the lowest cost of the "
                   "validation part"),
        ],
        f"a valley {ACROSS / ALONG:.0f} times as steep across as along (w2 is drawn larger), and "
        "a real network",
    )  # fmt: skip
    return Demonstration("optimisers", lines, figure)


def _best_on_digits(epochs: int, seed: int) -> dict[str, tuple[float, History]]:
    """Of each rule the rate with the lowest cost of the validation part in the end."""
    pairs = [(rule, rate) for rule, rates in TRIED.items() for rate in rates]
    trained = train_many(
        [{"optimizer": rule, "learning_rate": rate} for rule, rate in pairs], "digits",
        hidden_layer_sizes=[64], epochs=epochs, patience=None, seed=seed,
    )  # fmt: skip
    found: dict[str, tuple[float, History]] = {}
    for (rule, rate), training in zip(pairs, trained, strict=True):
        if rule not in found or _end(training.history) < _end(found[rule][1]):
            found[rule] = rate, training.history
    return found


def _end(history: History) -> float:
    """The cost of the validation part after the last epoch; that of a diverged training is inf."""
    loss = history.epochs[-1].validation_loss
    return loss if loss is not None and np.isfinite(loss) else np.inf


def _crossings(path: Path) -> int:
    """How often the second weight changes its sign."""
    return int((np.diff(np.sign(path.weights[:, 1])) != 0).sum())


def _valley(rule: str, bowl: TwoWeights, path: Path) -> Chart:
    x, y = (-4.6, 2.2), (-1.2, 1.2)
    inside = (path.weights > [x[0], y[0]]) & (path.weights < [x[1], y[1]])
    shown = np.where(inside.all(axis=1, keepdims=True), path.weights, np.nan)
    line = Line("", points_of(bowl, shown), series_colour([*RULES].index(rule)))
    note = f"learning rate {RULES[rule]:g}"
    if rule == "rmsprop" and (jump := _jump(path)):
        note += (
            f"; from step {jump[0]} on alpha / sqrt(S) across the valley is above 2/{ACROSS:g}, as "
            f"S has forgotten how steep it was: w2 grows, up to the jump in step {jump[1]}"
        )
    return Chart(rule, (*bowl.marks(x, y), line), Axis("w1", limits=x), Axis("w2", limits=y),
                 note, height=300)  # fmt: skip


def _jump(path: Path) -> tuple[int, int] | None:
    """The step from which on w2 grows, to and fro, and the step of the jump; None without one.

    A step multiplies w2 by ``1 - curvature alpha / sqrt(S + epsilon)``: below -1 it grows.
    """
    w2 = path.weights[:, 1]
    grows = np.flatnonzero((w2[1:] * w2[:-1] < 0) & (np.abs(w2[1:]) > np.abs(w2[:-1])))
    lengths = np.abs(np.diff(w2))
    if not len(grows) or lengths[grows[0] :].max() < 0.01:
        return None
    return int(grows[0]) + 1, int(grows[0] + lengths[grows[0] :].argmax()) + 1


def _costs(
    title: str, costs: Mapping[str, npt.ArrayLike], unit: str, first: int, note: str
) -> Chart:
    lines = []
    for k, (rule, given) in enumerate(costs.items()):
        values = np.asarray(given, np.float64)
        lines.append(Line.of(rule, range(first, first + len(values)), values, series_colour(k)))
    return Chart(title, tuple(lines), Axis(unit), Axis("cost J", log=True), note, height=340)
