"""All examples in a step, some, or one: costs and paths of gradient descent (N25 to N27)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np

from fastnn.data.batches import batch_size_for
from fastnn.demos.demo import Demonstration
from fastnn.demos.two_weights import Path, TwoWeights, points_of, window
from fastnn.pictures.marks import Axis, Chart, Figure, Line, Weight
from fastnn.recipe.checks import between
from fastnn.recipe.checks import seed as check_seed

N, START, COLOURS = 512, (-2.0, 2.0), ("blue", "green", "orange")
#: Learning rates: the largest of which the noise of the smaller batches leaves something.
RATES = {"batch": 0.5, "mini-batch": 0.2, "stochastic": 0.02}


def batches(
    *,
    batch_size: Annotated[int, "examples of a mini-batch"] = 64,
    epochs: Annotated[int, "passes through the 512 examples"] = 8,
    seed: Annotated[int, "seed of the examples and of their order"] = 0,
) -> Demonstration:
    """Return the costs and the paths of batch, mini-batch and stochastic gradient descent.

    One step of batch gradient descent takes all m examples (N25), of mini-batch gradient descent
    some (N26), of stochastic gradient descent one: 1, m / size, and m steps in an epoch. Up to
    2,000 examples the notes take all, else 64 to 1,024 (N27). The gradient of fewer examples is a
    noisier one: the cost of a batch goes up and down, and that of an epoch falls.

    >>> print(batches(epochs=4))
    batch: 4 steps of 512 examples; J is 2 above its lowest after an epoch, 0.4 in the end
    ...

    Raises ArgumentError unless a batch has 2 to 256 examples and there are 1 to 50 epochs.
    """
    batch_size, epochs = between("batch_size", batch_size, 2, 256), between("epochs", epochs, 1, 50)
    random = np.random.default_rng(check_seed("seed", seed))
    X = random.normal(size=(N, 2)) * [1.0, 0.6]
    y = X @ [1.0, -1.0] + random.normal(0.0, 0.5, N)
    bowl = TwoWeights(X, y[:, None])
    sizes = {"batch": N, "mini-batch": batch_size, "stochastic": 1}
    paths = {
        name: bowl.path("gradient_descent", RATES[name], epochs, START, size, seed)
        for name, size in sizes.items()
    }
    low = float(bowl.costs(bowl.lowest))
    lines = tuple(
        f"{name}: {len(path.batch_costs):,} steps of {_examples(sizes[name])}; J is "
        f"{_excess(bowl, path, N // sizes[name], low)} above its lowest after an epoch, "
        f"{_excess(bowl, path, -1, low)} in the end"
        for name, path in paths.items()
    )
    figure = Figure(
        "Batch, mini-batch and stochastic gradient descent",
        [
            *(_path(name, bowl, path, sizes[name]) for name, path in paths.items()),
            _per_batch(paths, epochs),
            _per_epoch(paths, epochs),
        ],
        f"{epochs} epochs on {N} examples; the rule of the notes takes all {batch_size_for(N)} of "
        f"them in a step, and of 5,000,000 examples {batch_size_for(5_000_000):,}",
        columns=3,
    )
    return Demonstration("batches", lines, figure)


def _excess(bowl: TwoWeights, path: Path, step: int, low: float) -> str:
    return f"{float(bowl.costs(path.weights[step])) - low:.1g}"


def _examples(size: int) -> str:
    return f"{size} example{'s' * (size > 1)}"


def _path(name: str, bowl: TwoWeights, path: Path, size: int) -> Chart:
    x, y = window(np.array([START, bowl.lowest]), 0.3)
    steps = path.weights[:: max(1, len(path.weights) // 600)]
    line = Line("", points_of(bowl, steps), COLOURS[[*RATES].index(name)])
    return Chart(
        f"{name.capitalize()}: {_examples(size)} a step", (*bowl.marks(x, y), line),
        Axis("w1", limits=x), Axis("w2", limits=y), f"learning rate {RATES[name]:g}",
        width=420, height=390, equal=True,
    )  # fmt: skip


def _per_batch(paths: Mapping[str, Path], epochs: int) -> Chart:
    lines = []
    for (name, path), colour in reversed([*zip(paths.items(), COLOURS, strict=True)]):
        at = (np.arange(len(path.batch_costs)) + 1) * epochs / len(path.batch_costs)
        weight: Weight = "thin" if name == "stochastic" else "plain"  # it would hide the others
        lines.append(Line.of(name, at, path.batch_costs, colour, weight))
    return Chart("Cost of each batch", tuple(lines), Axis("epochs"),
                 Axis("J of the batch", log=True), width=420)  # fmt: skip


def _per_epoch(paths: Mapping[str, Path], epochs: int) -> Chart:
    lines = []
    for (name, path), colour in zip(paths.items(), COLOURS, strict=True):
        means = path.batch_costs.reshape(epochs, -1).mean(axis=1)
        lines.append(Line.of(name, range(1, epochs + 1), means, colour, "strong"))
    return Chart("Cost of each epoch", tuple(lines), Axis("epoch"),
                 Axis("mean J of its batches", log=True), width=420)  # fmt: skip
