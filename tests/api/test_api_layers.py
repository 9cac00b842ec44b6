"""Layers say what is wanted; a list of them is a network, or an error that names the layer."""

import pytest

from fastnn.api.sequential.layers import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Input,
    Normalization,
    stack,
)
from fastnn.errors import ArgumentError


def test_a_stack_is_the_network_that_it_looks_like():
    layers = [
        Input(shape=(30,)),
        Normalization(),
        Dense(16, kernel_initializer="he_normal"),
        Activation("leaky_relu(slope=0.2)"),
        Dropout(0.25),
        Dense(8, activation={"name": "elu", "alpha": 0.5}, use_bias=False),
        Dense(3, activation="linear"),
        Activation("softmax"),
    ]
    found = stack(layers)
    net = found.network(30, None)
    assert net.sizes == (30, 16, 8, 3)
    assert [g.to_json() for g in net.activations] == [
        {"name": "leaky_relu", "slope": 0.2},
        {"name": "elu", "alpha": 0.5},
        {"name": "softmax"},
    ]
    assert net.dropout == (0.25, 0.0, 0.0)
    assert found.initializers == ["he_normal", None, None]
    assert net.use_bias == (True, False, True)
    assert (found.n_features, found.normalize) == (30, True)


@pytest.mark.parametrize(
    "first", [Dense(2, input_dim=7), Dense(2, input_shape=(7,)), Dense(2, input_shape=7)]
)
def test_the_number_of_inputs_may_be_with_the_first_dense_layer(first):
    assert stack([first]).n_features == 7
    assert stack([Normalization(), first]).n_features == 7


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "Dense: units must be a whole number above 0, found 0"),
        (lambda: Dense(2.5), "Dense: units must be a whole number above 0, found 2.5"),
        (lambda: Dense(2, "rellu"), "unknown activation 'rellu'; did you mean 'relu'"),
        (lambda: Dense(2, kernel_initializer="he"), "unknown initializer 'he'"),
        (lambda: Dense(2, kernel_initializer="he_norml"), "did you mean 'he_normal'"),
        (lambda: Dense(2, bias=False), "Dense has no argument 'bias'; did you mean 'use_bias'"),
        (lambda: Dense(2, use_bias="no"), "Dense: use_bias must be True or False, found 'no'"),
        (lambda: Dense(), "Dense needs units"),
        (lambda: Dropout(0.1, rate=0.2), "Dropout: rate is given twice, by name and as the arg"),
        (lambda: Dense(2, actvation="relu"), "no argument 'actvation'; did you mean 'activation'"),
        (lambda: Dense(2, input_dim=2, input_shape=(2,)), "input_shape and input_dim say the same"),
        (lambda: Dense(2, input_shape=(28, 28)), r"input_shape=\(28, 28\) must be one number .*Fl"),
        (lambda: Dense(2, input_dim=-1), "Dense: input_dim must be a whole number above 0"),
        (lambda: Input(()), r"Input: shape=\(\) must have a number of features"),
        (lambda: Input((28, 0)), "Input: shape must be a whole number above 0, found 0"),
        (lambda: Flatten((28, "x")), "Flatten: input_shape must be a whole number above 0, found"),
        (lambda: Flatten(data_format=1), "Flatten: data_format=1 is not there: an example is"),
        (lambda: Input("30"), "Input: shape must be a whole number above 0, found '30'"),
        (lambda: Dropout(1.0), r"Dropout: rate must be in \[0, 1\), found 1.0"),
        (lambda: Dropout("half"), r"Dropout: rate must be in \[0, 1\), found \'half\'"),
        (lambda: Activation("sofmax"), "unknown activation 'sofmax'; did you mean 'softmax'"),
        (lambda: Normalization(axis=1), "Normalization: axis=1 is not there: each column"),
    ],
)
def test_a_layer_that_cannot_be(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Dense(2), Input((3,))], "layer 2, Input: it must be the first layer"),
        ([Dense(2), Normalization()], "layer 2, Normalization: it belongs once, before the first"),
        ([Normalization(), Normalization()], "layer 2, Normalization: it belongs once"),
        ([Activation("relu")], "layer 1, Activation: there is no Dense layer before it"),
        ([Input((3,)), Dropout(0.5)], "layer 2, Dropout: there is no Dense layer before it"),
        ([Dense(2, "relu"), Activation("tanh")], "layer 2, .* already has the activation 'relu'"),
        ([Dense(2), Dropout(0.5), Activation("tanh")], "layer 3, .* before the Dropout"),
        ([Dense(2), Dropout(0.5), Dropout(0.1)], "layer 3, Dropout: there is a Dropout just"),
        ([Dense(2), Dense(2, input_dim=2)], "layer 2, Dense: its number of inputs is known"),
        ([Input((2,)), Dense(2, input_dim=2)], "layer 2, Dense: its number of inputs is known"),
        ([Input((8, 8)), Dense(2)], r"layer 2, Dense: its inputs are 8 x 8; put Flatten\(\) bef"),
        ([Input((8, 8)), Normalization()], "layer 2, Normalization: its inputs are 8 x 8; put"),
        ([Normalization(), Flatten()], "layer 2, Flatten: it must come before Normalization"),
        ([Input((8, 8)), Flatten((8, 8))], "layer 2, Flatten: the shape is known from the layers"),
        ([Dense(2), Flatten((8, 8))], "layer 2, Flatten: the shape is known from the layers"),
        ([Dense], "layer 1, type cannot be used: .* found <class"),
    ],
)
def test_an_order_that_cannot_be(layers, message):
    with pytest.raises(ArgumentError, match=message):
        stack(layers)


def test_dropout_of_the_outputs_is_refused():
    with pytest.raises(ArgumentError, match="Dropout after the last Dense layer"):
        stack([Dense(2), Dropout(0.5)]).network(3, None)


@pytest.mark.parametrize(
    "layers",
    [
        [Input((8, 8, 3)), Flatten(), Normalization(), Dense(2)],
        [Flatten(input_shape=(8, 8, 3)), Dense(2)],
        [Flatten((8, 8, 3)), Flatten(), Dense(2), Flatten(), Dense(2)],
    ],
)
def test_images_are_flattened_before_the_first_dense_layer(layers):
    found = stack(layers)
    assert (found.n_features, found.sides, found.flatten) == (192, (8, 8, 3), True)
    assert found.network(192, None).sizes[:2] == (192, 2)
    assert stack([Flatten(), Dense(2)]).n_features is None
