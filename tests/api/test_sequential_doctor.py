"""`Sequential.fit(doctor=...)`: the same fit, looked at as `fastnn.train` is."""

from typing import Any

import numpy as np
import pytest

from fastnn import Dense, Sequential, diagnose, train
from fastnn.errors import ArgumentError, DivergenceError

X = np.random.default_rng(0).standard_normal((300, 3))
Y = X[:, 0]


def model(*units: int, activation: str = "tanh", initializer: Any = None, **compiled: Any) -> Any:
    how: Any = {} if initializer is None else {"kernel_initializer": initializer}
    hidden = [Dense(n, activation, **how) for n in units]
    built = Sequential([*hidden, Dense(1, **how)], dtype="float64", engine="numpy")
    built.compile(loss="mse", **{"optimizer": "adam", **compiled})
    return built


def test_a_deep_network_and_what_it_says() -> None:
    told: list[Any] = []
    deep = model(*[8] * 12, activation="sigmoid")
    fitted = deep.fit(X, Y, epochs=4, validation_split=0.2, doctor=told.append)
    names = [finding.name for finding in fitted.findings]
    assert names == ["vanishing gradients", "loss at chance"]
    assert [finding.name for finding in told] == names[:1], "told while it went on"
    looks = [seen.when for seen in fitted.diagnosis.looks]
    assert looks == ["before training", *(f"after epoch {n}" for n in (1, 2, 4)), "at the end"]
    assert "found  vanishing gradients" in " ".join(str(fitted).split(" " * 4))
    assert "initializer" not in str(fitted.findings[0]), "none was chosen"


def test_the_fit_stays_the_same_and_a_healthy_one_is_left_alone() -> None:
    looked, plain = model(8), model(8)
    fitted = looked.fit(X, Y, epochs=8, doctor=True)
    assert plain.fit(X, Y, epochs=8).history == fitted.history
    for a, b in zip(looked.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert fitted.findings == ()
    assert len(fitted.diagnosis.looks) == 6
    assert len(looked.fit(X, Y, epochs=1, doctor=True).diagnosis.looks) == 1, "epoch 9 is no look"


def test_without_it_nothing_is_looked_at() -> None:
    fitted = model(8, initializer="zeros").fit(X, Y, epochs=1)
    assert (fitted.diagnosis, fitted.findings) == (None, ())
    found = model(8, initializer="zeros").fit(X, Y, epochs=1, doctor=True).findings
    assert found[0].name == "zero initialisation"


def test_a_fit_that_diverges_has_a_diagnosis() -> None:
    wild = model(8, optimizer="sgd", activation="relu", learning_rate=50.0)
    with pytest.raises(DivergenceError) as caught:
        wild.fit(X, Y, epochs=3, doctor=True)
    fitted = caught.value.result
    assert (fitted.stopped, fitted.epoch) == ("diverged", [])
    assert fitted.findings[0].name == "learning rate too high"
    # Keras' default of "sgd" is 0.01, the row's 0.1.
    assert "try learning_rate=0.1, or gradient_clip=1" in str(fitted.findings[0])
    assert "find_learning_rate" not in f"{caught.value} {fitted.findings}", "it cannot look for one"


def test_it_finds_what_train_finds() -> None:
    options: Any = {"hidden_layer_sizes": [8] * 8, "activation": "sigmoid", "epochs": 4, "seed": 0}
    there = train(X, Y, doctor=True, **options).findings[0]
    here = model(*[8] * 8, activation="sigmoid").fit(X, Y, epochs=4, doctor=True).findings[0]
    assert (here.name, here.cure) == (there.name, there.cure)
    assert here.name == "vanishing gradients"


def test_the_model_of_one_is_diagnosed_without_blame_for_an_initializer_of_nobody() -> None:
    deep = model(*[8] * 12, activation="sigmoid")
    deep.fit(X, Y, epochs=1)
    first = diagnose(deep.to_model(), X, Y).findings[0]
    assert first.name == "vanishing gradients"
    assert "initializer" not in first.cure
    own = model(*[8] * 12, activation="sigmoid", initializer="he_normal")
    own.fit(X, Y, epochs=1)
    assert "no initializer of your own" in diagnose(own.to_model(), X, Y).findings[0].cure


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_what_it_cannot_be(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="doctor must be True or False") as caught:
        model(8).fit(X, Y, doctor=wrong)
    assert caught.value.argument == "doctor"
