"""Keras on JAX: ``model.fit``."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import keras

from benchmarks.networks import Case
from benchmarks.systems import Trained


def prepare(case: Case) -> Trained:
    """Return the network, ready to be trained."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(case.seed)
    X, y = case.data()
    layers = [keras.layers.Dense(n, activation=case.activation) for n in case.sizes[1:-1]]
    model = keras.Sequential(
        [keras.Input((case.sizes[0],)), *layers, keras.layers.Dense(case.sizes[-1])]
    )
    cross = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss = cross if case.loss == "categorical_crossentropy" else "mean_squared_error"
    model.compile(loss=loss, optimizer=keras.optimizers.Adam(0.001))

    def epoch() -> None:
        model.fit(X, y, batch_size=case.batch, epochs=1, verbose=0, shuffle=True)

    def predict(rows: Any) -> Any:
        return model.predict(rows, batch_size=1000, verbose=0)

    return Trained(epoch, predict, predict)
