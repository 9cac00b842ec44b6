"""scikit-learn's MLP; ``partial_fit`` is one pass through the data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.networks import Case


def prepare(case: Case) -> Callable[[], None]:
    """Return the function that trains one epoch."""
    X, y = case.data()
    cross = case.loss == "categorical_crossentropy"
    kind: Any = MLPClassifier if cross else MLPRegressor
    model = kind(
        hidden_layer_sizes=case.sizes[1:-1],
        activation=case.activation,
        solver="adam",
        alpha=0.0,
        batch_size=case.batch,
        shuffle=True,
        random_state=np.random.RandomState(0),
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if cross:
        model.partial_fit(X, y, classes=np.arange(case.sizes[-1]))

    def epoch() -> None:
        model.partial_fit(X, y)

    return epoch
