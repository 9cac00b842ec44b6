"""Pickles of an earlier fastnn: new fields have their defaults, or the error says what to do."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.errors import ModelFileError
from fastnn.recipe.recipe import Recipe
from fastnn.training.history import History
from fastnn.training.learner import Learner

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def _new(cls: type) -> Any:
    return cls.__new__(cls)


def older(made: Any, *lacking: str) -> Any:
    """The object from a pickle of a fastnn whose class had not these fields yet."""
    state = {"removed since": None, **(made.__getstate__() or {})}
    state = {name: value for name, value in state.items() if name not in lacking}
    reduced = (_new, (type(made),), state)

    class Before:
        def __reduce__(self) -> Any:
            return reduced

    return pickle.loads(pickle.dumps(Before()))


def test_fields_that_are_new_have_their_defaults():
    features = Features.fit(Table.from_columns({"x": X}))
    again = older(features, "dates", "left_out", "reading", "weight")
    assert (again.dates, again.left_out, again.reading, again.weight) == ({}, {}, {}, "")
    np.testing.assert_array_equal(
        again.transform(Table.from_columns({"x": X})),
        features.transform(Table.from_columns({"x": X})),
    )
    assert older(Recipe.of(epochs=3), "split", "time_limit") == Recipe.of(epochs=3)
    assert older(History(stopped="epochs"), "engine") == History(stopped="epochs")


def sequential() -> Any:
    model = fastnn.Sequential([fastnn.Dense(1, activation="sigmoid")])
    model.compile("bce", "adam")
    model.fit(X, Y, epochs=1)
    return model


def test_a_sequential_of_a_fastnn_without_dates_and_splits():
    model = sequential()
    core = model._core
    core.features, core.options = older(core.features, "dates"), older(core.options, "split")
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    again.fit(X, Y, epochs=1)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_an_estimator_of_a_fastnn_that_had_fewer_parameters():
    model = fastnn.MLPClassifier(max_iter=2, random_state=0).fit(X, Y)
    again = older(model, "class_weight", "standardize")
    assert again.get_params() == model.get_params()
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: older(Features.fit(Table.from_columns({"x": X})), "mean"), "Features"),
        (lambda: older(sequential(), "_core"), "Sequential"),
        (lambda: older(sequential()._core, "settings"), "Sequential"),
        # before 'from_state', a learner was pickled as it was
        (lambda: older(Learner.__new__(Learner)), "Learner"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(make: Callable[[], Any], name: str):
    with pytest.raises(ModelFileError, match=f"the pickle of {name} was .*write a model file"):
        make()
