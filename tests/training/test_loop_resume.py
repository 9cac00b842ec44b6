"""A training that another trainer goes on with, and metrics of the training part."""

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import DataError
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.recipe.recipe import Recipe
from fastnn.training.course import Progress
from fastnn.training.part import Part
from tests.training.alone import Alone

RNG = np.random.default_rng(1)
X = RNG.normal(size=(30, 4))
Y = (X[:, :1] > 0).astype(float)
NET = network((4, 6, 1), dropout=0.3, loss_function="binary_crossentropy")


def score(A):
    return {"mean": float(A.mean()), "none": float("nan")}


def make(after=None, **options) -> Alone:
    """A training of the network, or one that goes on ``after`` another."""
    if after is None:
        parameters, progress = Parameters(NET, CpuBackend(), np.float64), Progress()
        initialize(NET, parameters, CpuBackend(), seed=2)
    else:
        parameters, progress = after.parameters, after.entry.progress
    part = Part(X, Y, score=score)
    chosen = Recipe.of(
        **{"patience": None, "batch_size": 8, "optimizer": "adam", "seed": 2, **options}
    )
    return Alone(
        CpuBackend(), NET, parameters, part, chosen, validation=part, training_metrics=True,
        progress=progress,
    )  # fmt: skip


def test_two_trainers_in_turn_are_one():
    once = make(epochs=5, schedule="step(every=2)")
    once.run()
    first = make(epochs=2, schedule="step(every=2)")
    first.run()
    second = make(first, epochs=5, schedule="step(every=2)")
    history = second.run()
    np.testing.assert_array_equal(second.parameters.theta, once.parameters.theta)
    assert [e.epoch for e in history.epochs] == [1, 2, 3, 4, 5]
    assert history.to_json() == once.history.to_json()
    for name, values in once.plan.state.items():
        np.testing.assert_array_equal(second.plan.state[name], values)
    assert second.plan.t == once.plan.t == 5 * 4


def test_early_stopping_after_resuming_minds_the_new_epochs_only():
    first = make(epochs=3)
    first.run()
    second = make(first, epochs=60, patience=2, learning_rate=1e-12, min_delta=1.0)
    assert second.run().best_epoch == 4
    assert len(second.history.epochs) == 6
    undefined = make(first, epochs=9, patience=2, monitor="none")
    with pytest.raises(DataError, match="monitor 'none' is not defined"):
        undefined.run()


def test_training_metrics_are_of_the_weights_after_the_epoch():
    trainer = make(epochs=2)
    epoch = trainer.run().epochs[-1]
    assert epoch.training_metrics["mean"] == trainer.evaluation.predict(X).mean()
    assert f"training mean {epoch.training_metrics['mean']:.4f}" in str(epoch)
    part = Part(X, Y, score=score)
    plain = Alone(
        CpuBackend(),
        NET,
        trainer.parameters,
        part,
        Recipe.of(patience=None, epochs=1),
        validation=part,
    )
    assert plain.run().epochs[0].training_metrics == {}
