"""One column of anything to numbers or text."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from fastnn.data.cells import Reading
from fastnn.data.columns import category_texts, typed_column
from fastnn.data.statistics import DataWarning
from fastnn.errors import DataError


def objects(*cells):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def test_category_texts_of_codes_do_not_depend_on_their_type():
    for codes in (objects("3", "4"), np.array([3, 4]), np.array([3.0, 4.0]), objects(3, "4")):
        assert category_texts(codes).tolist() == ["3", "4"]
    assert category_texts(np.array([True, False])).tolist() == ["1", "0"]
    assert category_texts(objects("1.50", 1.5, None)).tolist() == ["1.5", "1.5", None]
    assert category_texts(np.array([0.1, np.nan], np.float32)).tolist() == ["0.1", None]


@pytest.mark.parametrize(
    ("given", "dtype", "result"),
    [
        (np.array([1, 2], np.uint8), np.uint8, [1, 2]),
        (np.array([True]), bool, [True]),
        (objects(1, 2), np.int64, [1, 2]),
        (objects(1, 2.5, Decimal("0.5")), np.float64, [1, 2.5, 0.5]),
        (objects(True, False), bool, [True, False]),
        (objects(True, 2), np.int64, [1, 2]),
        (objects("a", None), object, ["a", None]),
        (np.array(["a", "b"]), object, ["a", "b"]),
    ],
)
def test_types(given, dtype, result):
    column = typed_column("c", given)
    assert column.dtype == dtype
    assert column.tolist() == result


def test_missing_numbers_become_nan():
    np.testing.assert_array_equal(typed_column("c", objects(None, 2)), [np.nan, 2])
    np.testing.assert_array_equal(typed_column("c", objects(None, True)), [np.nan, 1])
    np.testing.assert_array_equal(typed_column("c", objects(None, None)), [np.nan, np.nan])


def test_declared_kinds():
    numbers = typed_column("c", np.array(["1", " 2.5 ", "NA", ""]), kind="numeric")
    np.testing.assert_array_equal(numbers, [1, 2.5, np.nan, np.nan])
    assert typed_column("c", np.array([1, 2]), kind="categorical").tolist() == ["1", "2"]
    assert typed_column("c", objects(1, "a"), kind="categorical").tolist() == ["1", "a"]


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (np.array(["2024-01-01"], "M8[D]"), None, "column 'c' holds dates.*turn them into numbers"),
        (objects(datetime.date(2024, 1, 1)), None, "column 'c' holds dates"),
        (np.array([1j]), None, "complex128, which is neither"),
        (objects(1j), None, "neither a number nor text"),
        (objects([1]), None, r"row 0 .*\[1\] is neither"),
        (np.array([b"a"]), None, "neither numbers nor text"),
        (objects(1, 2, "abc"), None, r"column 'c', row 2 \(counted from 0\): 'abc' among cells"),
        (objects("a", "b", True), None, "row 2.*True among"),
        (objects("1", "abc"), "numeric", r"column 'c', row 1 .*'abc' is not a number.*categorical"),
        (np.zeros((2, 2)), None, r"shape \(2, 2\)"),
    ],
)
def test_refused(given, kind, message):
    with pytest.raises(DataError, match=message):
        typed_column("c", given, kind=kind)
