"""A grid search over initialisers and learning rates (N32), as a heat map."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated

import numpy as np

from fastnn.api.search import search
from fastnn.api.search_grid import Grid
from fastnn.demos.demo import Demonstration
from fastnn.pictures.marks import Axis, Chart, Figure, HeatMap, Line
from fastnn.pictures.palette import series_colour

#: The notes' ``init_mode``.
INITIALIZERS = (
    "uniform", "lecun_uniform", "normal", "zero", "glorot_normal", "glorot_uniform", "he_normal",
    "he_uniform",
)  # fmt: skip
#: What is drawn together; in both the n-th of them divides by the same.
FAMILIES = {
    "Uniform weights": ("uniform", "lecun_uniform", "glorot_uniform", "he_uniform"),
    "Normal weights, and zeros": ("normal", "zero", "glorot_normal", "he_normal"),
}
HIDDEN = (64, 64, 64)


def grid_search(
    *,
    learning_rates: Annotated[Sequence[float], "the rates to try"] = (1e-4, 1e-3, 1e-2, 1e-1),
    epochs: Annotated[int, "passes through the digits"] = 10,
    seed: Annotated[int, "seed of weights, order and split"] = 0,
) -> Demonstration:
    """Return the validation accuracy of every initialiser with every learning rate.

    Whatever a choice can be made of, the weights' initialisation too, is tried on the validation
    part; the test part is looked at once, for the best (N18, N32). `fastnn.search` trains the
    networks of one shape all at once.

    >>> print(grid_search(learning_rates=(1e-3, 1e-2), epochs=2))
    16 trainings: the best is he_...
    ...

    Raises ArgumentError, naming it, for an argument that cannot be.
    """
    grid: Grid = {"initializer": list(INITIALIZERS), "learning_rate": list(learning_rates)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # some rates are meant to be too high
        found = search(
            "digits", grid=grid, by="accuracy", hidden_layer_sizes=HIDDEN, epochs=epochs,
            patience=None, seed=seed,
        )  # fmt: skip
    scores = np.array([c.score for c in found.candidates]).reshape(len(INITIALIZERS), -1)
    best = divmod(found.best, scores.shape[1])
    ranked = found.ranked
    test = found.training.report["test"]["accuracy"]
    middle = int(np.argmax(np.nanmean(scores, axis=0)))
    column = scores[:, middle]
    low, high = int(np.nanargmin(column)), int(np.nanargmax(column))
    zero = INITIALIZERS.index("zero")
    lines = (
        f"{scores.size} trainings: the best is {ranked[0].config['initializer']} with "
        f"{ranked[0].config['learning_rate']:g}, validation accuracy {ranked[0].score:.1%}; on the "
        f"test part, looked at once, {test:.1%}",
        f"at the rate {learning_rates[middle]:g} accuracy goes from {column[low]:.1%} "
        f"({INITIALIZERS[low]}) to {column[high]:.1%} ({INITIALIZERS[high]})",
        f"zero learns nothing at any rate: {np.nanmin(scores[zero]):.1%} to "
        f"{np.nanmax(scores[zero]):.1%}, of ten classes",
    )
    rates = tuple(f"{rate:g}" for rate in learning_rates)
    network = "-".join(map(str, (64, *HIDDEN, 10)))
    figure = Figure(
        "Grid search over initialisers and learning rates",
        [
            HeatMap(
                "Validation accuracy", INITIALIZERS, rates, tuple(map(tuple, scores.tolist())),
                f"{network} on the digits, ReLU, Adam, {epochs} epochs; framed: the best",
                texts=tuple(tuple(f"{v:.1%}" for v in row) for row in scores),
                row_name="initialiser", column_name="learning rate", chosen=(best,),
            ),
            *_curves(scores, learning_rates),
        ],
        columns=3,
    )  # fmt: skip
    return Demonstration("grid-search", lines, figure)


def _curves(scores: np.ndarray, rates: Sequence[float]) -> list[Chart]:
    """A line for each initialiser over the rates: four in a chart can be told apart."""
    charts = []
    for title, names in FAMILIES.items():
        lines = tuple(
            Line.of(name, rates, scores[INITIALIZERS.index(name)], series_colour(k))
            for k, name in enumerate(names)
        )
        charts.append(Chart(title, lines, Axis("learning rate", log=True),
                            Axis("validation accuracy", limits=(0.0, 1.0))))  # fmt: skip
    return charts
