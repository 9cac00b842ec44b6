"""scikit-learn's MLP; ``partial_fit`` is one pass through the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.networks import Case
from benchmarks.systems import Trained


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
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
        random_state=np.random.RandomState(case.seed),
    )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    # The first call must know the classes, the next ones need not.
    first = {"classes": np.arange(case.sizes[-1])} if cross else {}

    def epoch() -> None:
        model.partial_fit(X, y, **first)

    return Trained(epoch, model.predict_proba if cross else model.predict, model.predict)
