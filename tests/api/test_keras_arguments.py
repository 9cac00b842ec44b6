"""Arguments and attributes that Keras has: those that change nothing are taken, others refused."""

import pickle
from typing import Any

import numpy as np
import pytest

from fastnn import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Normalization,
    Sequential,
)
from fastnn.errors import ArgumentError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = X[:, 0]


def fitted(compiled: tuple[Any, ...] = ("mse", "adam"), **fit: Any) -> Sequential:
    model = Sequential([Dense(4, "relu"), Dense(1)])
    model.compile(*compiled, jit_compile=True, run_eagerly=False, weighted_metrics=None)
    model.fit(X, Y, epochs=2, **fit)
    return model


def test_arguments_that_change_nothing() -> None:
    plain = fitted().get_weights()
    with_all = fitted(
        validation_freq=1,
        initial_epoch=0,
        steps_per_epoch=None,
        validation_batch_size=32,
        workers=1,
    )
    for a, b in zip(plain, with_all.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert Dense(4, bias_initializer="zeros", kernel_regularizer=None, trainable=True) == Dense(4)
    assert Dense(4, name="a") == Dense(4, name="b") == Dense(4)
    assert repr(Dropout(0.5, name="half", seed=None)) == "Dropout(rate=0.5)"
    assert Flatten(data_format=None, name="flat") == Flatten()
    assert BatchNormalization(axis=-1, center=True, scale=True) == BatchNormalization()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: Dense(4, kernel_regularizer="l2"),
            r"Dense: kernel_regularizer='l2' .*compile\(l2=",
        ),
        (
            lambda: Dense(4, bias_initializer="ones"),
            "bias_initializer='ones' is not there: biases st",
        ),
        (lambda: Dense(4, trainable=False), "trainable=False is not there: .*ParameterGroup"),
        (lambda: Dense(4, dtype="float32"), r"dtype='float32' .*Sequential\(dtype="),
        (lambda: fitted(validation_freq=2), "fit: validation_freq=2 is not there: the validation"),
        (lambda: fitted(validation_freq=True), "fit: validation_freq=True is not there"),
        (lambda: fitted(steps_per_epoch=3), "steps_per_epoch=3 is not there: an epoch is all"),
        (lambda: fitted(initial_epoch=3), "initial_epoch=3 is not there: fit goes on"),
        (
            lambda: Sequential([Dense(1)]).compile("mse", loss_weights=[1]),
            r"compile: loss_weights=\[1\] is not there: there is one loss",
        ),
        (
            lambda: Sequential([Dense(1)]).compile("mse", metrics=["F1Score"]),
            "metrics: .*'f1_score' is not there: Keras' is one number for each output.* write 'f1'",
        ),
    ],
)
def test_arguments_that_would_change_something(call: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        call()


@pytest.mark.parametrize("order", [("mse", "adam"), ("adam", "mse"), ("Adam", "MeanSquaredError")])
def test_compile_in_either_order(order: tuple[str, str]) -> None:
    for a, b in zip(fitted().get_weights(), fitted(order).get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_compile_with_the_optimizer_by_place_and_the_loss_by_name() -> None:
    model = Sequential([Dense(1)])
    model.compile("sgd", loss="mae")
    assert (model._core.arguments["loss"], model._core.arguments["optimizer"]) == ("mae", "sgd")


def test_attributes_that_keras_has() -> None:
    model = Sequential(
        [Input((3,)), Normalization(), Dense(4, use_bias=False), BatchNormalization(),
         Activation("relu"), Dropout(0.1), Dense(2, name="out")]
    )  # fmt: skip
    assert [layer.name for layer in model.layers] == [
        "input", "normalization", "dense", "batch_normalization", "activation", "dropout", "out",
    ]  # fmt: skip
    every = model.get_weights()
    assert model.count_params() == sum(w.size for w in every) == 12 + 16 + 8 + 2
    assert [len(layer.get_weights()) for layer in model.layers] == [0, 0, 1, 4, 0, 0, 2]
    found = [w for layer in model.layers for w in layer.get_weights()]
    for a, b, c in zip(every, found, model.weights, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)
    assert model.history is None
    model.compile("adam", "mse", metrics=["mae"])
    fit = model.fit(X, np.c_[Y, -Y], epochs=1)
    assert model.history is fit
    assert (
        model.metrics_names
        == ["loss", "mae"]
        == [*model.evaluate(X, np.c_[Y, -Y], return_dict=True)]
    )
    again = pickle.loads(pickle.dumps(model))
    assert again.history.history == fit.history


def test_a_layer_of_another_model_is_a_new_one() -> None:
    model = fitted()
    other = Sequential(model.layers)
    assert other.layers == model.layers
    assert [vars(layer).get("_weights") for layer in other._core.layers] == [None, None]
    with pytest.raises(ArgumentError, match="Dense has no weights by itself"):
        Dense(3).get_weights()
