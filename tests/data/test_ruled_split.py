"""Parts in the order of a time, and parts of whole groups."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.ruled_split import check_classes, ruled_parts, split_column
from fastnn.errors import DataError
from fastnn.reading.files import read_table

SHARES = (0.6, 0.2, 0.2)


def parts(rule, column, target=None, task="regression", shares=SHARES, seed=0):
    table = read_table({"a": column})
    values = np.zeros(len(column)) if target is None else target
    return ruled_parts(rule, table, values, task, shares, seed)


def is_a_partition(found, n):
    return sorted(np.concatenate(found).tolist()) == list(range(n)) and all(map(len, found))


def test_the_last_are_the_test_part():
    days = ["2024-01-05", "2024-01-01", "2024-01-04", "2024-01-02", "2024-01-03"]
    assert [rows.tolist() for rows in parts("time:a", days)] == [[1, 3, 4], [2], [0]]


def test_ties_stay_together():
    # cuts are wanted before rows 6 and 8 of 10; a part can begin at 5, 9: the nearest for both
    found = parts("time:a", [1] * 5 + [2] * 4 + [3])
    assert [len(rows) for rows in found] == [5, 4, 1]


@given(st.lists(st.integers(0, 9), min_size=3, max_size=60))
def test_time_properties(times):
    if len(set(times)) < 3:
        with pytest.raises(DataError, match="different times, too few for 3 parts"):
            parts("time:a", times)
        return
    found = parts("time:a", times)
    assert is_a_partition(found, len(times))
    values = [np.array(times)[rows] for rows in found]
    assert values[0].max() < values[1].min()
    assert values[1].max() < values[2].min()


@given(st.lists(st.sampled_from(["u", "v", "w", "x", "y", None]), min_size=3, max_size=60))
def test_group_properties(groups):
    n = len(set(groups))
    if n < 3:
        with pytest.raises(DataError, match=f"column 'a' has {n} different groups, too few"):
            parts("group:a", groups)
        return
    found = parts("group:a", groups)
    assert is_a_partition(found, len(groups))
    members = [{groups[i] for i in rows} for rows in found]
    assert sum(map(len, members)) == n


def test_groups_keep_the_sizes_and_the_shares_of_classes():
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 200, 2000)
    target = (generator.random(2000) < 0.1 + 0.3 * (groups < 60)).astype(int)
    found = parts("group:a", groups, target, "binary")
    for rows, share in zip(found, SHARES, strict=True):
        assert len(rows) / 2000 == pytest.approx(share, abs=0.01)
        assert target[rows].mean() == pytest.approx(target.mean(), abs=0.01)
    again, other = (parts("group:a", groups, target, "binary", seed=seed) for seed in (0, 1))
    assert all(map(np.array_equal, found, again))
    assert not all(map(np.array_equal, found, other))


@pytest.mark.parametrize(
    ("rule", "column", "message"),
    [
        ("time:b", [1, 2, 3], "split: no column 'b'"),
        ("time:a", ["x", "y", "z"], "split: column 'a' holds text.*date_format="),
        ("time:a", [1.0, None, 3.0], r"split: column 'a', row 1 \(counted from 0\): no value"),
        ("time:a", [1, 1, 2], "2 different times, too few for 3 parts.*validation, test"),
    ],
)
def test_refused(rule, column, message):
    with pytest.raises(DataError, match=message):
        parts(rule, column)


def test_a_class_that_is_not_trained_is_refused():
    with pytest.raises(DataError, match="split='time:a': of class 'c' the training part has no"):
        check_classes("time:a", np.array([0, 1]), ["a", "b", "c"], "multiclass")
    check_classes("time:a", np.array([0, 1]), [0.5, 1.5, 2.5], "regression")


def test_split_column():
    assert split_column("group:a:b") == ("a:b",)
