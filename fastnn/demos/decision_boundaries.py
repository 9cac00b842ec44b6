"""What networks of growing width can separate: the boundaries of their decisions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt

from fastnn.api.train import Training
from fastnn.api.train_many import train_many
from fastnn.demos.demo import Demonstration
from fastnn.errors import ArgumentError, arg, shown
from fastnn.pictures.contours import contour
from fastnn.pictures.marks import Axis, Chart, Dots, Figure, Mark, Surface
from fastnn.recipe.checks import between, listed, whole
from fastnn.recipe.checks import seed as check_seed

Numbers = npt.NDArray[np.float64]

EXAMPLES, SIDE, RADIUS = 500, 1.3, 1.0
#: Shades from side to side, and numbers for the line between the answers.
CELLS, FINE = 48, 121
CLASSES = (("inside", "orange"), ("outside", "blue"))


def boundaries(
    *,
    widths: Annotated[Sequence[int], "units of the hidden layer, a network each"] = (
        0,
        1,
        2,
        3,
        8,
        64,
    ),
    epochs: Annotated[int, "passes through the examples"] = 150,
    seed: Annotated[int, "seed of the examples and of the networks"] = 0,
) -> Demonstration:
    """Return what each network says of every point of a plane, and the line between its answers.

    A unit's ``z = w x + b`` (N1) is 0 on a line; the network bends and joins as many such lines as
    it has units. Without a hidden layer it has one, which cannot go round a disc; with a few of
    them it can.

    >>> print(boundaries(widths=(0, 8), epochs=30))
    a ring around a disc; accuracy on examples that were not trained on: no hidden layer ...
    ...

    Raises ArgumentError for widths that are no whole numbers from 0 to 1,024, or more than 9.
    """
    sizes = [between("widths", w, 0, 1024) for w in listed("widths", widths)]
    if not 1 <= len(sizes) <= 9:
        raise ArgumentError(f"{arg('widths')} must be 1 to 9 numbers, found {shown(widths)}")
    X, y = ring(EXAMPLES, check_seed("seed", seed))
    configs: list[dict[str, object]] = [
        {"hidden_layer_sizes": [w], "activation": "tanh"} if w else {"hidden_layer_sizes": []}
        for w in sizes
    ]
    trained = train_many(
        configs, X, y, epochs=whole("epochs", epochs), seed=seed,
        optimizer="adam", learning_rate=0.03, patience=None, batch_size=32,
    )  # fmt: skip
    scores = [t.report["test"]["accuracy"] for t in trained]
    names = [_name(w) for w in sizes]
    enough = int(np.argmax(np.array(scores) >= max(scores) - 0.03))
    parameters = [t.model.network.n_parameters for t in trained]
    lines = (
        "a ring around a disc; accuracy on examples that were not trained on: "
        + ", ".join(f"{n} {s:.0%}" for n, s in zip(names, scores, strict=True)),
        f"{names[enough]} ({parameters[enough]:,} parameters): the first within 3 points of the "
        f"best, {max(scores):.1%}; each unit adds a line to bend and to join",
        f"{names[-1]} ({parameters[-1]:,} parameters): accuracy is "
        f"{trained[-1].report['train']['accuracy']:.1%} on what it was trained on, "
        f"{scores[-1]:.1%} on the rest; at the edge of the disc labels are noisy",
    )
    panels = [_panel(n, t, X, y) for n, t in zip(names, trained, strict=True)]
    figure = Figure(
        "Decision boundaries of networks of growing width", panels,
        f"shades: the probability of either class; line: where it is a half; {EXAMPLES} examples, "
        f"{epochs} epochs",
        columns=3,
    )  # fmt: skip
    return Demonstration("boundaries", lines, figure)


def ring(n: int, seed: int) -> tuple[Numbers, Numbers]:
    """Return n points of a square (n, 2), and whether they are in a disc ("inside") or around it.

    A few at the edge of the disc are on the wrong side.

    >>> X, y = ring(200, seed=0)
    >>> X.shape, sorted(set(y.tolist()))
    ((200, 2), ['inside', 'outside'])
    """
    random = np.random.default_rng(seed)
    X = random.uniform(-SIDE, SIDE, (n, 2))
    radius = np.hypot(X[:, 0], X[:, 1]) + random.normal(0.0, 0.08, n)
    return X, np.where(radius < RADIUS, "inside", "outside")


def _name(width: int) -> str:
    return f"{width} unit{'s' * (width != 1)}" if width else "no hidden layer"


def _outside(training: Training, places: Numbers) -> Numbers:
    """The probability of "outside" where x1 and x2 are each of the places (n,): (n, n)."""
    across, up = np.meshgrid(places, places)
    found = training.model.predict_proba(np.c_[across.ravel(), up.ravel()])[:, 1]
    return np.asarray(found, np.float64).reshape(across.shape)


def _panel(name: str, training: Training, X: Numbers, y: Numbers) -> Chart:
    ends = (-SIDE, SIDE)
    shades = _outside(training, -SIDE + 2 * SIDE * (np.arange(CELLS) + 0.5) / CELLS)
    surface = Surface(ends, ends, tuple(map(tuple, shades.tolist())), 0, 1)
    marks: list[Mark] = [surface]
    for label, colour in CLASSES:
        own = X[y == label]
        marks.append(Dots.of("", own[:, 0], own[:, 1], colour, 2.2))
    fine = _outside(training, np.linspace(*ends, FINE))
    marks.append(contour(fine, ends, ends, 0.5, colour="ink", weight="strong"))
    report = training.report
    return Chart(
        name.capitalize(), tuple(marks), Axis("x1", limits=ends), Axis("x2", limits=ends),
        f"accuracy: training {report['train']['accuracy']:.0%}, test "
        f"{report['test']['accuracy']:.0%}",
        width=370, height=340, equal=True,
    )  # fmt: skip
