"""`estimate`: what a training would take, found without it."""

import numpy as np
import pytest

from fastnn.api.estimate import estimate
from fastnn.api.train import train
from fastnn.errors import ArgumentError, DataError
from fastnn.nn.memory import training_memory
from fastnn.nn.optimizers import optimizer


def test_it_says_of_a_training_what_that_says_of_itself() -> None:
    options = {"hidden_layer_sizes": [16], "epochs": 3, "batch_size": 100, "seed": 4}
    found = estimate("digits", **options)
    trained = train("digits", **options)
    assert found.rows == {"train": 1078, "validation": 360, "test": 359}
    assert found.rows == trained.record.rows
    assert found.network.to_json() == trained.model.network.to_json()
    assert (found.task, found.target_name) == (trained.model.task, trained.model.target_name)
    assert (found.batch_size, found.steps, found.epochs) == (100, 11, 3)
    assert found.engine == trained.engine
    assert found.memory == training_memory(
        found.network, optimizer("adam"), 1078, 100, "float32", keeps_best=True, n_evaluated=1078
    )


def test_times_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the clock is a second after the one before."""
    ticks = iter(range(1000))
    monkeypatch.setattr("fastnn.api.estimate.time.perf_counter", lambda: float(next(ticks)))
    found = estimate("digits", batch_size=10, hidden_layer_sizes=[], epochs=7)  # 108 steps
    assert found.step_seconds == pytest.approx(0.1), "a piece of 10 steps took a second"
    assert found.epoch_seconds == pytest.approx(108 * 0.1 + 1.0), "and the look at validation one"
    assert found.seconds == pytest.approx(7 * found.epoch_seconds)


def test_what_would_be_trained_is_not_changed_and_random_numbers_are_not_used_up() -> None:
    X, y = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3
    before = X.copy(), y.copy()
    options = {"epochs": 2, "hidden_layer_sizes": [4], "dropout": 0.5}
    one = train(X, y, **options).model.parameters.theta.copy()
    estimate(X, y, **options)
    again = train(X, y, **options).model.parameters.theta
    np.testing.assert_array_equal(again, one)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_it_refuses_what_a_training_refuses() -> None:
    for data, options, kind, said in (
        ("digits", {"epochs": 0}, ArgumentError, "epochs must be a whole number above 0"),
        ("digits", {"epoch": 3}, ArgumentError, "estimate has no argument 'epoch'; did you mean"),
        ("digitz", {}, DataError, "neither a file nor a built-in data set"),
        ("digits", {"loss": "squared_hinge"}, ArgumentError, "loss"),
    ):
        with pytest.raises(kind, match=said):
            estimate(data, **options)


def test_a_batch_of_everything_is_one_step() -> None:
    found = estimate("diabetes", batch_size="full", hidden_layer_sizes=[])
    assert (found.steps, found.batch_size) == (1, 265)
    text = repr(found)
    for said in ("265 train, 89 validation, 88 test", "1 per epoch, of 265 examples", "all 100"):
        assert said in text
