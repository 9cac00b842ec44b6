"""Numbers that seem to stand for no value are told, at every door, and nothing else is."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastnn
from fastnn.data.placeholders import placeholders
from fastnn.data.statistics import DataNote

QUICK = {"hidden_layer_sizes": [2], "epochs": 1, "engine": "numpy"}
X = np.random.default_rng(0).uniform(0, 50, 80)


def some(values, number, n=4):
    found = values.copy()
    found[:: len(found) // n] = number
    return found


@pytest.mark.parametrize("number", [-99.0, -999.0, 999.0, -9999.0, 9999.0, 99999.0, -999999.0])
def test_a_number_far_from_all_others_is_told(number):
    columns = np.stack([X, some(X, number), X + 1], axis=1)
    assert placeholders(columns, ["a", "b", "c"]) == {"b": number}
    assert placeholders(columns, ["a", "b", "c"], besides=["b"]) == {}


@pytest.mark.parametrize(
    "values",
    [
        np.append(X, -999.0),  # once: an outlier, or a true value
        np.append(X, [-1000.0, -1000.0]),
        np.append(X * 100, [-999.0, -999.0]),  # no farther than others are from each other
        np.array([-999.0, -999.0, 5.0, 5.0]),  # a yes and a no
        np.full(9, -999.0),
        np.arange(0, 2000.0),
    ],
)
def test_what_may_be_a_value_is_not_told(values):
    assert placeholders(values[:, None], ["x"]) == {}


@given(st.lists(st.floats(-1e4, 1e4), min_size=2), st.sampled_from([-999.0, 9999.0]))
def test_the_rule(values, number):
    column = np.array([*values, number, number])
    others = column[column != number]
    away = np.abs(others - number).min() if len(others) else 0.0
    told = bool(len(others)) and away > np.ptp(others) > 0
    outside = bool(len(others)) and not others.min() < number < others.max()
    assert (placeholders(column[:, None], ["x"]) == {"x": number}) == (told and outside)


def test_every_door_tells_and_says_how_to_read_it():
    data = {"x": some(X, -999.0), "z": some(X, 9999.0), "y": np.roll(some(2 * X, -99999.0), 1)}
    of_x = "column 'x' has -999 several times, far from all its other values (and 1 more such colu"
    of_y = "target 'y' has -99999 several times, far from all its other values; if that means no v"
    for train in (
        lambda **how: fastnn.train(data, "y", **how),
        lambda **how: fastnn.train_many([{}], data, "y", **how),
        lambda **how: fastnn.search(data, "y", grid={"l2": [0.0]}, **how),
    ):
        with pytest.warns(DataNote) as told:
            train(**QUICK)
        said = [str(one.message) for one in told]
        assert [text[: len(of_x)] for text in said] == [of_x, of_y]
        assert said[0].endswith("if that means no value, say missing=['-999', '9999']")
    read = {"missing": ["-999", "9999", "-99999"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="target 'y': 4 of 80 rows have no value")
        model = fastnn.train(data, "y", **read, **QUICK).model
    assert model.features.indicators == ("x", "z")
