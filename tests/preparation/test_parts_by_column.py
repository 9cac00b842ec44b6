"""Parts by a time or by groups: at every door, with and without parts of the user's own."""

import numpy as np
import pytest

import fastnn
from fastnn.errors import ArgumentError, DataError
from fastnn.preparation.account import account
from fastnn.preparation.examples import read_source
from fastnn.preparation.parts import divide
from fastnn.recipe.recipe import Recipe

N = 60
DAYS = np.datetime64("2024-01-01") + np.arange(N)
X = np.random.default_rng(0).normal(size=N)
DATA = {"day": DAYS[::-1], "x": X, "who": [f"p{i % 10}" for i in range(N)]}
Y = 2 * X
QUICK = {"hidden_layer_sizes": [4], "epochs": 1, "engine": "numpy"}


def shown(rule, **options):
    """The parts' days, counted from the first, and the columns that are inputs."""
    drop = options.pop("drop", [])
    source = read_source(DATA, Y, split=rule, drop=drop)
    parts = divide(source, rule=rule, **options)
    first = DAYS.astype("M8[s]").astype(float)[0]
    days = {
        name: ((part.table.column("day") - first) / 86_400).astype(int).tolist()
        for name, part in parts.items()
        if "day" in part.table.names
    }
    return days, parts["train"].table.names, parts


def test_in_the_order_of_time():
    days, columns, _ = shown("time:day")
    assert [sorted(part) for part in days.values()] == [
        [*range(36)], [*range(36, 48)], [*range(48, 60)]
    ]  # fmt: skip
    assert columns == ("day", "x", "who")
    days, _, _ = shown("time:day", fractions=(0.5, 0.25, 0.25))
    assert [len(part) for part in days.values()] == [30, 15, 15]


def test_a_time_that_is_dropped_divides_and_is_no_input():
    _, columns, parts = shown("time:day", drop=["day"])
    assert columns == ("x", "who")
    assert sorted(X[::-1][:36].tolist()) == sorted(parts["train"].table.column("x").tolist())
    _, columns, _ = shown("time:day", drop=["who"])
    assert columns == ("day", "x")


def test_groups_are_whole_and_no_input():
    _, columns, parts = shown("group:who", seed=3)
    assert columns == ("day", "x")
    rows = [part.index for part in parts.values()]
    assert [len({i % 10 for i in part}) for part in rows] == [6, 2, 2]
    assert [len(part) for part in rows] == [36, 12, 12]


def test_the_folds_of_groups():
    seen = []
    for i in range(4):
        _, _, parts = shown("group:who", fold=(i, 4))
        assert {j % 10 for j in parts["train"].index}.isdisjoint(
            j % 10 for j in parts["validation"].index
        )
        seen += parts["validation"].index.tolist()
        tested = parts["test"].index
    assert sorted([*seen, *tested]) == [*range(N)]


def test_beside_parts_of_ones_own():
    own = ({name: values[:7] for name, values in DATA.items()}, Y[:7])
    days, _, parts = shown("time:day", test=own)
    assert len(parts["test"]) == 7
    assert sorted(days["validation"]) == [*range(54, 60)]
    days, columns, parts = shown("group:who", validation=own)
    assert (len(parts["validation"]), columns) == (7, ("day", "x"))
    assert {j % 10 for j in parts["train"].index}.isdisjoint(j % 10 for j in parts["test"].index)
    with pytest.raises(ArgumentError, match="split='time:day' has no effect: the validation and t"):
        shown("time:day", validation=own, test=own)
    with pytest.raises(ArgumentError, match="fractions have no effect: the test part is given"):
        shown("time:day", test=own, fractions=(0.6, 0.2, 0.2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"split": "day"}, "split must be time:COL or group:COL, .* found 'day'"),
        ({"split": "time:"}, "split must be time:COL"),
        ({"split": 3}, "split must be time:COL"),
        ({"split": "time:day", "split_seed": 3}, "split_seed=3 has no effect with a split by time"),
        ({"split": "time:day", "fold": (0, 3)}, r"fold=\(0, 3\) has no effect with a split by"),
    ],
)
def test_what_has_no_effect_is_refused(given, message):
    with pytest.raises(ArgumentError, match=message):
        Recipe.of(**given)


def test_every_door_divides_alike():
    one = fastnn.train(DATA, Y, split="time:day", **QUICK)
    many = fastnn.train_many([{"seed": 0}], DATA, Y, split="time:day", **QUICK)[0]
    # a split of one config only
    mixed = fastnn.train_many([{"split": "time:day"}, {"split": None}], DATA, Y, seed=0, **QUICK)
    searched = fastnn.search(DATA, Y, grid={"seed": [0]}, split="time:day", **QUICK)
    assert one.record.rows == {"train": 36, "validation": 12, "test": 12}
    told = account(one.record, one.model.features, one.model.targets)
    assert told["rows"] == "60: 36 train, 12 validation, 12 test; in the order of 'day'"
    assert told["columns"].startswith(
        "1 numeric, 1 with dates or times and 1 with categories, which"
    )
    assert one.report == many.report == mixed[0].report == searched.training.report
    assert mixed[1].report != one.report
    dropped = fastnn.train(DATA, Y, split="time:day", drop=["day"], **QUICK)
    assert dropped.model.features.columns == ("x", "who")
    by_group = fastnn.train(DATA, Y, split="group:who", **QUICK)
    assert by_group.model.features.columns == ("day", "x")
    folds = fastnn.search(DATA, Y, grid={"seed": [0]}, folds=3, split="group:who", **QUICK)
    assert len(folds.candidates[0].scores) == 3
    with pytest.raises(ArgumentError, match="folds has no effect with a split by time"):
        fastnn.search(DATA, Y, grid={"seed": [0]}, folds=3, split="time:day", **QUICK)
    with pytest.raises(ArgumentError, match="split would compare on different validation parts"):
        fastnn.search(DATA, Y, grid={"split": ["time:day"]}, **QUICK)
    with pytest.raises(ArgumentError, match="no argument 'split'; use scikit-learn's splitters"):
        fastnn.MLPRegressor(split="time:day")


def test_a_class_that_comes_late_is_refused():
    labels = ["early"] * 10 + ["late"] * 50  # the days are in reverse
    with pytest.raises(DataError, match="split='time:day': of class 'early' the training part"):
        fastnn.train(DATA, labels, split="time:day", **QUICK)
