"""BatchNormalization in a Sequential: where it may be, Keras' arrays, training, prediction."""

import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Input,
    Normalization,
    Sequential,
)
from fastnn.api.sequential.layers import stack
from fastnn.errors import ArgumentError

RNG = np.random.default_rng(3)
X = RNG.normal(size=(90, 4))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)


def places(layers) -> list[str | None]:
    return [units.batch_norm and units.batch_norm.place for units in stack(layers).units]


def binary(*middle, seed=0, **options) -> Sequential:
    layers = [Input((4,)), *middle, Dense(1, activation="sigmoid")]
    model = Sequential(layers, seed=seed, dtype="float64", engine="numpy", **options)
    model.compile("binary_crossentropy", metrics=["accuracy"], learning_rate=0.01)
    return model


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ([Dense(3), BatchNormalization(), Activation("relu"), Dense(1)], ["before", None]),
        ([Dense(3, "relu"), BatchNormalization(), Dense(1)], ["after", None]),
        ([Dense(3), Activation("tanh"), BatchNormalization(), Dense(1)], ["after", None]),
        ([Dense(3), BatchNormalization(), Dense(1)], ["before", None]),
        ([Dense(3), BatchNormalization(), Activation("relu"), Dropout(0.5), Dense(1)],
         ["before", None]),
        ([Dense(3, "elu"), BatchNormalization(), Dropout(0.5), Dense(1)], ["after", None]),
    ],
)  # fmt: skip
def test_its_place_says_whether_it_is_before_or_after_the_activation(layers, found):
    assert places(layers) == found
    net = stack(layers).network(4, None)
    assert net.batch_norm[0].momentum == 0.99
    assert net.batch_norm[0].epsilon == 1e-3


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([BatchNormalization(), Dense(1)],
         r"layer 1, BatchNormalization: there is no Dense layer before it; .* Normalization\(\)"),
        ([Dense(3), Dropout(0.5), BatchNormalization()],
         "layer 3, BatchNormalization: it must come before the Dropout"),
        ([Dense(3), BatchNormalization(), BatchNormalization()], "has one already"),
        ([Dense(3), BatchNormalization(), Activation("relu"), BatchNormalization()],
         "layer 4, BatchNormalization: its Dense layer has one already"),
        ([Dense(3, "relu"), BatchNormalization(), Activation("tanh")],
         "layer 3, Activation: the Dense layer before it already has the activation 'relu'"),
    ],
)  # fmt: skip
def test_where_it_cannot_be(layers, said):
    with pytest.raises(ArgumentError, match=said):
        stack(layers)


def test_outputs_are_not_normalised():
    with pytest.raises(ArgumentError, match="after the last Dense layer would normalise outputs"):
        Sequential([Dense(1, input_dim=2), BatchNormalization()]).compile("mse")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"momentum": 1.0}, r"BatchNormalization: momentum must be in \[0, 1\), found 1.0"),
        ({"epsilon": 0.0}, "epsilon must be a number above 0, found 0.0"),
        ({"axis": 0}, "BatchNormalization: axis=0 is not there: the units are the last axis"),
        ({"momentum": "x"}, r"momentum must be in \[0, 1\), found \'x\'"),
    ],
)
def test_options_that_cannot_be(options, said):
    with pytest.raises(ArgumentError, match=said):
        BatchNormalization(**options)


def test_weights_are_keras_arrays_in_keras_order():
    # (2 - 1) / sqrt(8 + 1) * 6 + 0.5 = 2.5 after a kernel of 1 and a bias of 1: x = 1; then relu,
    # times 2 and plus 10
    model = Sequential(
        [Dense(1, input_dim=1), BatchNormalization(epsilon=1.0), Activation("relu"), Dense(1)]
    )
    shapes = [(1, 1), (1,), (1,), (1,), (1,), (1,), (1, 1), (1,)]
    assert [w.shape for w in model.get_weights()] == shapes
    assert [w.item() for w in model.get_weights()[2:6]] == [1, 0, 0, 1]
    values = [[[1.0]], [1.0], [6.0], [0.5], [1.0], [8.0], [[2.0]], [10.0]]
    model.set_weights(values)
    assert model.predict([[1.0]]).item() == 15.0
    assert [w.tolist() for w in model.get_weights()] == values


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (2, [1.0], r"weights\[2\], the gamma of Dense 1, has shape \(1,\), needs \(3,\)"),
        (4, [1.0, np.nan, 1.0], r"weights\[4\], the moving mean of Dense 1, holds values"),
        (5, [1.0, -1.0, 1.0], r"weights\[5\], the moving variance of Dense 1, holds negative"),
        (None, None, "a list of 8 arrays, a kernel and a bias for each Dense layer, and four for"),
    ],
)
def test_weights_that_do_not_fit(place, value, said):
    model = Sequential([Dense(3, "relu", input_dim=2), BatchNormalization(), Dense(1)])
    weights = model.get_weights()
    if place is None:
        weights = weights[:2] + weights[6:]
    else:
        weights[place] = value
    with pytest.raises(ArgumentError, match=said):
        model.set_weights(weights)


def test_summary_tells_trained_numbers_from_estimates():
    lines = []
    layers = [Input((4,)), Dense(6), BatchNormalization(), Activation("relu"), Dense(1)]
    Sequential(layers).summary(lines.append)
    assert lines[3].split() == ["BatchNormalization", "(None,", "6)", "24"]
    assert lines[-1].startswith("61 parameters: 49 are trained, 12 running means and variances")


@pytest.mark.parametrize(
    "middle",
    [
        (Dense(16), BatchNormalization(momentum=0.9), Activation("relu"), Dropout(0.1)),
        (Normalization(), Dense(16, "relu"), BatchNormalization(momentum=0.9), Dense(8, "tanh")),
    ],
)
def test_it_learns_goes_on_and_is_kept(middle, tmp_path):
    model = binary(*middle)
    history = model.fit(X, LABELS, epochs=30, batch_size=16, validation_split=0.2)
    assert history.history["loss"][-1] < 0.8 * history.history["loss"][0]
    whole = binary(*middle)
    whole.fit(X, LABELS, epochs=20, batch_size=16, validation_split=0.2)
    twin = pickle.loads(pickle.dumps(whole))
    other = copy.deepcopy(whole)
    for again in (twin, other):
        again.fit(X, LABELS, epochs=10, batch_size=16, validation_split=0.2)
        for found, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, wanted)
    model.save(tmp_path / "m.fastnn")
    kept = fastnn.load(tmp_path / "m.fastnn")
    np.testing.assert_array_equal(kept.outputs(X), model.predict(X))


def test_patience_puts_the_running_estimates_of_the_best_epoch_back():
    model = binary(Dense(16, "relu"), BatchNormalization(momentum=0.5))
    seen = []

    def watch(state):
        seen.append(model._core.learner.parameters.theta.copy())

    history = model.fit(
        X, RNG.permutation(LABELS), epochs=60, validation_split=0.3, patience=3, callbacks=[watch]
    )
    best = int(np.argmin(history.history["val_loss"]))
    assert best < len(seen) - 1
    np.testing.assert_array_equal(model._core.learner.parameters.theta, seen[best])
    layout = model._core.learner.parameters.layout
    means = layout.means[1]
    assert (seen[best][means] != seen[-1][means]).any()


def test_batches_of_one_are_refused_and_a_last_one_joins():
    model = binary(Dense(4, "relu"), BatchNormalization())
    with pytest.raises(ArgumentError, match="batch normalisation cannot train with batch_size=1"):
        model.fit(X, LABELS, batch_size=1)
    history = model.fit(X[:33], LABELS[:33], batch_size=32)
    assert np.isfinite(history.history["loss"][0])


@pytest.mark.parametrize("place", ["before", "after"])
def test_train_and_sequential_are_one(place):
    middle = [Dense(5), BatchNormalization(), Activation("tanh")]
    if place == "after":
        middle = [Dense(5, "tanh"), BatchNormalization()]
    model = binary(*middle)
    model.fit(X, LABELS, epochs=3, batch_size=32)
    training = fastnn.train(
        X, LABELS, hidden_layer_sizes=[5], activation="tanh", batch_normalization=place,
        validation=(X, LABELS), test=(X, LABELS), standardize=False, patience=None, epochs=3,
        batch_size=32, learning_rate=0.01, dtype="float64", engine="numpy", seed=0,
        optimizer="adam(epsilon=1e-7, epsilon_placement=before_correction)",  # Keras'
    )  # fmt: skip
    np.testing.assert_array_equal(training.model.outputs(X), model.predict(X))
