"""How examples are divided: stratified, and a class with one example trains."""

import warnings

import numpy as np
import pytest

from fastnn.data.statistics import DataWarning
from fastnn.errors import DataError
from fastnn.preparation.examples import read_source
from fastnn.preparation.parts import divide, hold_out

LABELS = ["a"] * 20 + ["b"] * 10 + ["lonely"]
X = np.arange(31.0).reshape(31, 1)


@pytest.mark.parametrize(
    "how", [{}, {"fold": (0, 3)}, {"fold": (2, 3)}, {"test": (X[:2], ["a", "b"])}]
)
def test_a_class_with_a_single_example_trains_and_is_said(how) -> None:
    source = read_source(X, LABELS)
    with pytest.warns(DataWarning, match="target: 'lonely': a class with a single example is in"):
        parts = divide(source, **how)
    assert "lonely" in parts["train"].target
    for name in ("validation", "test"):
        assert set(parts[name].target) == {"a", "b"}
    assert (np.diff(parts["train"].table.numeric[:, 0]) > 0).all()


def test_folds_share_out_every_row_but_the_single_one() -> None:
    source = read_source(X, LABELS)
    with pytest.warns(DataWarning):
        folds = [divide(source, fold=(i, 3)) for i in range(3)]
    held = np.concatenate([part["validation"].table.numeric[:, 0] for part in folds])
    assert len(held) == len(set(held))
    assert sorted([*held, *folds[0]["test"].table.numeric[:, 0]]) == list(range(30))
    assert all(30.0 in part["train"].table.numeric for part in folds)


def test_the_single_ones_may_be_all_that_is_not_one_class() -> None:
    source = read_source(np.arange(12.0).reshape(12, 1), [0] * 11 + [1])
    rest, held = hold_out(source.examples, "binary", 0.25, seed=3)
    assert (len(rest), len(held)) == (9, 3)
    assert 1 in rest.target
    assert 1 not in held.target


def test_no_class_is_no_reason_to_warn() -> None:
    parts = divide(read_source(X, X[:, 0] ** 2 + 0.5))
    assert [len(part) for part in parts.values()] == [19, 6, 6]


@pytest.mark.parametrize("how", [{}, {"fold": (0, 5)}, {"test": (X[:2], ["a", "b"])}])
def test_a_target_that_differs_in_each_row_is_refused_in_words(how) -> None:
    source = read_source(X, [f"id {i}" for i in range(len(X))])
    wanted = f"target has {len(X)} classes, each with one example .'id 0', .*; predict another"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(DataError, match=wanted):
            divide(source, **how)


def test_a_long_label_is_told_by_its_beginning() -> None:
    source = read_source(X, [*LABELS[:-1], "z" * 100_000])
    with pytest.warns(DataWarning, match="'zzz.*100000 characters.*single example") as told:
        divide(source)
    assert len(str(told[0].message)) < 300


@pytest.mark.parametrize("n", [1, 2])
def test_fewer_rows_than_parts(n: int) -> None:
    source = read_source({"a": np.arange(float(n)), "y": np.arange(n) + 0.5}, "y")
    with pytest.raises(DataError, match=f"^{n} rows? .* too few for a training, a validation and"):
        divide(source)
    part = ({"a": [1.0], "y": [2.0]}, "y")
    assert len(divide(source, validation=part, test=part)["train"]) == n
