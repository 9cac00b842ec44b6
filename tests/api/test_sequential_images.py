"""Images in a `Sequential`: `Flatten` makes rows of them, as Keras does."""

import numpy as np
import pytest

from fastnn import Dense, Flatten, Input, Normalization, Sequential
from fastnn.errors import DataError

CHANCE = np.random.default_rng(0)
X = CHANCE.integers(0, 256, (60, 4, 3, 2)).astype(np.float32)
y = (X.mean(axis=(1, 2, 3)) > 127).astype(int)


def fitted(layers, X, **more):
    model = Sequential([*layers, Dense(5, "relu"), Dense(1, "sigmoid")], seed=0)
    model.compile(loss="binary_crossentropy", optimizer="adam")
    model.fit(X, y, epochs=2, verbose=0, **more)
    return model


@pytest.mark.parametrize(
    "layers",
    [
        [Flatten(), Normalization()],
        [Flatten(input_shape=(4, 3, 2)), Normalization()],
        [Input((4, 3, 2)), Flatten(), Normalization()],
    ],
)
def test_flatten_is_reshape(layers):
    rows = X.reshape(60, 24)
    expected = fitted([Normalization()], rows).predict(rows)
    model = fitted(layers, X, validation_data=(X[:9], y[:9]))
    np.testing.assert_array_equal(model.predict(X), expected)
    np.testing.assert_array_equal(model.predict(rows), expected)  # a row is a row
    np.testing.assert_array_equal(model.predict(X.tolist()), expected)
    assert model.evaluate(X, y, verbose=0) == model.evaluate(rows, y, verbose=0)
    assert model.to_model().outputs(rows).shape == (60, 1)


def test_the_order_is_that_of_keras():
    """The last axis is the fastest: pixel (i, j, k) is column 6i + 2j + k."""
    model = Sequential([Flatten((4, 3, 2)), Dense(1, use_bias=False)])
    model.set_weights([np.arange(24.0)[:, None]])
    image = np.zeros((1, 4, 3, 2))
    image[0, 2, 1, 1] = 1
    assert model.predict(image).item() == 6 * 2 + 2 * 1 + 1


def test_images_without_flatten_or_of_another_shape():
    with pytest.raises(DataError, match=r"X has shape \(60, 4, 3, 2\): start the layers with Flat"):
        fitted([], X)
    with pytest.raises(DataError, match=r"X has shape \(60, 3, 4, 2\), the layers need \(N, 4"):
        fitted([Flatten((4, 3, 2))], X.transpose(0, 2, 1, 3))
    model = fitted([Flatten()], X)
    with pytest.raises(DataError, match="X has 12 columns, the network has 24 inputs"):
        model.predict(X[:, :2])
    with pytest.raises(DataError, match=r"validation_data, X has shape .* need \(N, 4, 3, 2\)"):
        fitted([Flatten((4, 3, 2))], X, validation_data=(X[:, :2], y))


def test_the_summary_names_it(capsys):
    Sequential([Input((4, 3)), Flatten(), Dense(2)]).summary()
    assert capsys.readouterr().out.splitlines()[1:3] == [
        "Input         (None, 4, 3)  0",
        "Flatten       (None, 12)    0",
    ]
