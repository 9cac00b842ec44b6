"""Small trainings of every task, whose reports are looked at."""

from typing import Any

import numpy as np
import pytest

from fastnn.api.train import Training, train

NASTY = "<script>alert(1)</script>&\"'|"
N = 240


def table() -> dict[str, np.ndarray]:
    """Numbers with gaps, categories, a name and labels that a page must escape; a weight."""
    rng = np.random.default_rng(5)
    area, rooms = rng.uniform(30, 150, N).round(1), rng.integers(1, 6, N).astype(float)
    town = rng.choice(np.array(["Ulm", "Bonn", NASTY], object), N)
    built = rng.integers(1900, 2020, N).astype(float)
    built[::9] = np.nan
    price = 30 * area + 100 * rooms + 500 * (town == "Bonn") + rng.normal(0, 150, N)
    return {"area": area, NASTY: rooms, "town": town, "built": built, "price": price.round()}


def classes(names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The same, with classes by price."""
    columns = table()
    price = columns.pop("price")
    edges = np.quantile(price, np.linspace(0, 1, len(names) + 1)[1:-1])
    return {**columns, "kind": np.array(names, object)[np.searchsorted(edges, price)]}


SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": [8], "epochs": 20, "learning_rate": 0.01, "engine": "numpy", "seed": 1,
}  # fmt: skip


@pytest.fixture(scope="session")
def trainings() -> dict[str, Training]:
    """A training of each task."""
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 4))
    weights = rng.uniform(0.5, 2, N)
    several = np.column_stack([X[:, 0] + 3, 10 * X[:, 1] - X[:, 2]])
    labels = (X[:, :3] + rng.normal(0, 0.5, (150, 3)) > 0).astype(int)
    binary, many = classes(("cheap", NASTY)), classes(("a", "b", "c", NASTY))
    return {
        "binary": train(binary, "kind", **SETTINGS),
        "weighted": train(binary, "kind", sample_weight=weights, **SETTINGS),
        "multiclass": train(many, "kind", **SETTINGS),
        "regression": train(table(), "price", **SETTINGS),
        "several": train(X, several, **SETTINGS),
        "multilabel": train(X, labels, **SETTINGS),
    }
