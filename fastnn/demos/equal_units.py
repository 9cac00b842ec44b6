"""What happens if weights are initialised to zero: all hidden units stay equal (N24)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from fastnn.demos.demo import Demonstration
from fastnn.nn.network import network
from fastnn.pictures.marks import Axis, Chart, Figure, HeatMap, Line
from fastnn.pictures.palette import series_colour
from fastnn.recipe.checks import between
from fastnn.recipe.checks import seed as check_seed
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.callbacks import TrainingState
from fastnn.training.learner import Learner
from fastnn.training.part import Part

EXAMPLES = 400


@dataclass(frozen=True, eq=False)
class Trained:
    """``weights`` (epochs + 1, units, 2): W[1] after each epoch; the costs; accuracy in the end."""

    weights: np.ndarray
    losses: list[float]
    accuracy: float

    @property
    def apart(self) -> float:
        """The largest difference between the weights of two units in the end."""
        last = self.weights[-1]
        return float((last.max(axis=0) - last.min(axis=0)).max())


def zero(
    *,
    units: Annotated[int, "hidden units"] = 4,
    epochs: Annotated[int, "passes through the examples"] = 200,
    seed: Annotated[int, "seed of the examples and of the random weights"] = 0,
) -> Demonstration:
    """Return the weights of hidden units that began at zero, and of others that did not.

    With ``W = 0`` all hidden units have the same activation, sigmoid(0) = 1/2, so dW[2] has the
    same number for each (with tanh and ReLU, whose value at 0 is 0, nothing moves at all). From
    then on ``dZ[1] = W[2]^T dZ[2] * g'(Z[1])`` has equal rows, and all units take the same steps
    (N24). The network is as good as one with a single hidden unit, which cannot learn that a
    point is in one of two opposite quadrants.

    >>> print(zero(epochs=50))
    from zero: after 50 epochs the weights of the 4 hidden units differ by 0, and accuracy is ...
    ...

    Raises ArgumentError unless there are 2 to 8 units and 1 to 1,000 epochs.
    """
    units, epochs = between("units", units, 2, 8), between("epochs", epochs, 1, 1000)
    random = np.random.default_rng(check_seed("seed", seed))
    X = random.uniform(-1, 1, (EXAMPLES, 2))
    part = Part(X, (X[:, :1] * X[:, 1:] > 0).astype(np.float64))
    equal, different = (
        _trained(part, units, epochs, initializer, seed)
        for initializer in ("zero", "xavier_normal")
    )
    one = _trained(part, 1, epochs, "xavier_normal", seed)
    lines = (
        f"from zero: after {epochs} epochs the weights of the {units} hidden units differ by "
        f"{equal.apart:.3g}, and accuracy is {equal.accuracy:.1%}",
        f"from random weights: they differ by {different.apart:.3g}, and accuracy is "
        f"{different.accuracy:.1%}",
        f"a single hidden unit reaches {one.accuracy:.1%}: equal units are one unit",
    )
    figure = Figure(
        "Weights initialised to zero",
        [
            _paths("From zero: all units take one way", equal),
            _paths("From random weights: each unit its own", different),
            _rows(equal, different),
            _costs({"zero": equal, "random": different, "one unit": one}),
        ],
        f"a 2-{units}-1 network with sigmoids; is a point in two opposite quadrants?",
    )
    return Demonstration("zero", lines, figure)


def _trained(part: Part, units: int, epochs: int, initializer: str, seed: int) -> Trained:
    net = network(
        [2, units, 1], activation="sigmoid", output_activation="sigmoid",
        loss_function="binary_crossentropy",
    )  # fmt: skip
    recipe = Recipe.of(optimizer="momentum", learning_rate=2.0, epochs=epochs, patience=None,
                       batch_size=64, seed=seed)  # fmt: skip
    learner = Learner.new(net, RunSettings(dtype="float64"), initializer=initializer, seed=seed)
    weights = [learner.weights()["W1"].copy()]

    def note(_: TrainingState) -> None:
        weights.append(learner.weights()["W1"].copy())

    history = learner.train(part, recipe, callbacks=[note])
    right = (learner.predict(part.X) >= 0.5) == part.Y
    return Trained(np.array(weights), [e.loss for e in history.epochs], float(right.mean()))


def _paths(title: str, trained: Trained) -> Chart:
    lines = tuple(
        Line.of(f"unit {k + 1}", trained.weights[:, k, 0], trained.weights[:, k, 1],
                series_colour(k))
        for k in range(trained.weights.shape[1])
    )  # fmt: skip
    return Chart(title, lines, Axis("weight of x1"), Axis("weight of x2"),
                 "a line for each hidden unit, epoch by epoch")  # fmt: skip


def _rows(equal: Trained, different: Trained) -> HeatMap:
    """W[1] in the end: with zeros all of its rows are one, as in the notes."""
    values = np.hstack([equal.weights[-1], different.weights[-1]])
    return HeatMap(
        "W[1] in the end",
        tuple(f"unit {k + 1}" for k in range(len(values))),
        ("zero: x1", "zero: x2", "random: x1", "random: x2"),
        tuple(map(tuple, values.tolist())),
        "a row for each hidden unit, a column for each input; blue above 0, orange below",
        below="orange",
    )


def _costs(trained: dict[str, Trained]) -> Chart:
    lines = tuple(
        Line.of(name, range(1, len(t.losses) + 1), t.losses, series_colour(k))
        for k, (name, t) in enumerate(trained.items())
    )
    return Chart("Cost", lines, Axis("epoch"), Axis("cost J of the epoch"))
