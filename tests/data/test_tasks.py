"""Which task a target asks for, and targets that cannot be used."""

import numpy as np
import pytest

from fastnn.data.tasks import check_task, class_labels, clean_target, infer_task
from fastnn.errors import ArgumentError, DataError
from tests.optional import optional

pd = optional("pandas")


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["a", "b", "a"], "binary"),
        (["a", "b", "c"], "multiclass"),
        ([True, False], "binary"),
        ([0, 1, 1], "binary"),
        ([3.0, 7.0], "binary"),
        (list(range(3)) * 5, "multiclass"),
        (list(range(20)) * 5, "multiclass"),
        (list(range(21)) * 9, "regression"),
        (list(range(3)) * 4, "regression"),
        ([0.5, 1.0], "regression"),
        ([[0, 1], [1, 1]], "multilabel"),
        ([[0, 2], [1, 1]], "regression"),
        ([[0], [1]], "binary"),
        (pd.Series(["a", "b"], dtype="category"), "binary"),
        (["0.5", "1.25", "7"], "regression"),
        (["3", "7", "7"], "binary"),
        ([*map(str, range(21))] * 9, "regression"),
        (["1", "2", "x"], "multiclass"),
        ([["0", "1"], ["1", "1"]], "multilabel"),
        (["NA", "none", "NA"], "binary"),
    ],
)
def test_infer_task(target, task):
    assert infer_task(target) == task


def test_clean_target_types():
    assert clean_target(np.array([1, 2], np.uint8)).dtype == np.int64
    assert clean_target([1.0, 2.0]).dtype == np.float64
    assert clean_target([True]).dtype == bool
    assert clean_target(pd.Series(["a"])).tolist() == ["a"]
    assert clean_target(np.array([1, 2], dtype=object)).dtype == np.int64


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([1.0, np.nan], r"target, row 1 \(counted from 0\): no value"),
        ([[1.0, 2.0], [3.0, np.inf]], r"target, row 1 .*inf"),
        (["a", None], r"row 1 .*no value"),
        ([["a", "b"], ["c", None]], r"row 1 .*no value"),
        ([1, "a", 2], r"column 'target', row 1 .*'a' among cells of another type \(number\)"),
        ([], r"shape \(0,\).*not empty"),
        (np.zeros((2, 2, 2)), r"shape \(2, 2, 2\)"),
        (np.array(["2024-01-01"], "M8[D]"), "holds datetime64"),
        ([5, 5], "one class only: all 2 rows are 5"),
        (["a", "a"], "one class only: all 2 rows are 'a'"),
        (["a"], "one class only: the only row is 'a'"),
    ],
)
def test_refused(target, message):
    with pytest.raises(DataError, match=message):
        infer_task(target)


def test_fractions_are_no_labels():
    with pytest.raises(DataError, match=r"row 1 .*: 1.5 is no class label.*regression"):
        class_labels([1.0, 1.5], "binary")
    with pytest.raises(DataError, match="needs one label per row"):
        class_labels([[0, 1], [1, 0]], "multiclass")


def test_check_task():
    with pytest.raises(ArgumentError, match="unknown task 'multiclas'; did you mean 'multiclass'"):
        check_task("multiclas")


def test_labels_that_would_wrap_round_are_refused():
    with pytest.raises(DataError, match=r"row 1 .*: 9223372036854775808 is too large"):
        clean_target(np.array([1, 2**63], np.uint64))
    assert clean_target(np.array([1, 2**63 - 1], np.uint64)).tolist() == [1, 2**63 - 1]
