"""What can be given as a model, at each door that takes one."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.api.diagnose import diagnose
from fastnn.api.sequential.layers import Dense
from fastnn.api.sequential.model import Sequential
from fastnn.api.train import train
from fastnn.errors import ArgumentError
from fastnn.model.given import as_model
from fastnn.report.doors import report_html
from fastnn.report.importance import explain
from tests.optional import optional

X = np.random.default_rng(0).normal(size=(60, 3))
CLASSES, VALUES = (X[:, 0] > 0).astype(int), X[:, 0] - 2 * X[:, 1]

#: A door's name for its argument, and how it is called.
DOORS: dict[str, tuple[str, Callable[..., Any]]] = {
    "explain": ("model", explain),
    "report_html": ("models", report_html),
    "report_html of several": ("models", lambda m, *of: report_html({"a": m, "b": m}, *of)),
    "diagnose": ("model", diagnose),
}


def _classifier() -> tuple[Any, Any]:
    return _fitted(fastnn.MLPClassifier((4,), max_iter=3, random_state=0), CLASSES), CLASSES


def _regressor() -> tuple[Any, Any]:
    return _fitted(
        fastnn.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0), VALUES
    ), VALUES


def _fitted(estimator: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs do not converge
        return estimator.fit(X, y)


def _sequential() -> tuple[Any, Any]:
    model = Sequential([Dense(4, activation="relu", input_dim=3), Dense(1, activation="sigmoid")])
    model.compile(loss="binary_crossentropy")
    model.fit(X, CLASSES, epochs=2, verbose=0)
    return model, CLASSES


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("make", [_classifier, _regressor, _sequential])
def test_an_estimator_and_a_sequential_are_taken_for_their_model(door: str, make) -> None:
    given, y = make()
    _, call = DOORS[door]
    assert _text(call(given, X, y)) == _text(call(given.to_model(), X, y))


def _text(found: object) -> str:
    return found if isinstance(found, str) else repr(found)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("digits.fastnn", "found an object of type str: fastnn.load reads one from a file"),
        (None, "found an object of type NoneType"),
        (3.5, "found an object of type float"),
        (Sequential, "found the class Sequential"),
        (np.zeros(3), "found an object of type ndarray"),
        (lambda: None, "found an object of type function"),
    ],
)
def test_anything_else_is_refused_by_the_name_of_the_argument(door: str, given, said) -> None:
    name, call = DOORS[door]
    with pytest.raises(ArgumentError) as caught:
        call(given, X, CLASSES)
    assert caught.value.argument == name
    which = f"{name}: 'a'" if "several" in door else name
    kinds = "a fastnn.Model, an estimator of fastnn or a Sequential"
    assert str(caught.value) == f"{which} must be {kinds}, {said}"


def test_a_training_is_told_to_give_its_model() -> None:
    training = train("diabetes", hidden_layer_sizes=[], epochs=1)
    with pytest.raises(ArgumentError, match=r"found an object of type Training: give its \.model$"):
        as_model(training)


def test_what_is_not_ready_says_so_itself() -> None:
    model = Sequential([Dense(1, input_dim=3)])
    with pytest.raises(ArgumentError, match="a model of a Sequential needs a loss: call compile"):
        as_model(model)
    unfitted = fastnn.MLPClassifier()
    with pytest.raises(optional("sklearn.exceptions").NotFittedError, match="is not fitted yet"):
        as_model(unfitted)
