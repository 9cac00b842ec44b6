"""One column of anything to numbers or text."""

import datetime
from decimal import Decimal

import numpy as np
import pytest

from fastnn.data.cells import Reading
from fastnn.data.columns import category_texts, numeric_part, text_column, typed_column
from fastnn.data.statistics import DataWarning
from fastnn.data.table import Table, from_zero
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
        (np.array(["2024-01-01"], "M8[D]"), "numeric", "column 'c' holds dates.*to hold numbers"),
        (objects(datetime.date(2024, 1, 1)), "label", "target column 'c' holds dates"),
        (objects(datetime.timedelta(1)), "date", "holds durations, and no dates"),
        (
            objects(datetime.date(2024, 1, 1), datetime.time(1)),
            None,
            "is a mixture of dates, times",
        ),
        (
            objects(
                datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
            ),
            None,
            "column 'c': some times have a time zone and others have none",
        ),
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


def test_gaps_of_typed_columns():
    gaps = np.array([False, True, False])
    found = typed_column("c", np.array([2**53, 0, 2], np.int64), gaps=gaps)
    np.testing.assert_array_equal(found, [2.0**53, np.nan, 2])
    codes = np.array([2**53 + 1, 0, 2**53 + 2])
    with pytest.raises(DataError, match=r"column 'c', row 0 .*: 9007199254740993 is too large"):
        typed_column("c", codes, gaps=gaps)
    texts = typed_column("c", codes, kind="categorical", gaps=gaps)
    assert texts.tolist() == ["9007199254740993", None, "9007199254740994"]
    # what stands in a gap does not matter
    found = typed_column("c", np.array([1, 2**60 + 1, 2]), gaps=gaps)
    np.testing.assert_array_equal(found, [1, np.nan, 2])


@pytest.mark.parametrize(
    ("cells", "result"),
    [
        (["1", "2"], [1, 2]),
        ([" 1", "2.5", "NA"], [1, 2.5, np.nan]),
        (["true", "False"], [True, False]),
        (["true", "0", None], [1, 0, np.nan]),
        (["true", "2"], [1, 2]),
        ([1, "2", " 3.5 "], [1, 2, 3.5]),
        ([1.5, "NA", None, "?"], [1.5, np.nan, np.nan, np.nan]),
        ([True, "no data", "x"], None),
        ([True, "false"], [True, False]),
        ([Decimal("NaN"), Decimal("1.5")], [np.nan, 1.5]),
        (["NA", "", None], [np.nan] * 3),
        ([2**63, 1], [2.0**63, 1]),
        ([-(2**63), 1], [-(2**63), 1]),
        ([1e400, "1e400"], [np.inf, np.inf]),
    ],
)
def test_cells_of_objects(cells, result):
    if result is None:
        with pytest.raises(DataError, match="among cells of another type"):
            typed_column("c", objects(*cells))
        return
    found = typed_column("c", objects(*cells))
    np.testing.assert_array_equal(found, result)
    assert found.dtype == np.array(result).dtype


@pytest.mark.parametrize(
    "number",
    [2**53 + 1, -(2**70) - 1, Decimal(2**53 + 1), "9007199254740993", "1" * 25],
)
def test_whole_numbers_that_are_no_floats(number):
    with pytest.raises(
        DataError, match=r"column 'id', row 1 .* is too large to be exact"
    ) as caught:
        typed_column("id", objects(0.5, number, None))
    assert len(str(caught.value)) < 300
    assert typed_column("id", objects(0.5, number), kind="categorical")[1] != "0.5"


def test_an_int_of_more_digits_than_python_prints():
    with pytest.raises(DataError, match=r"row 0 .*: a whole number is too large to be exact"):
        typed_column("id", objects(10**5000))


def test_labels_keep_their_text():
    cells = objects(" yes", "1.0", "True", "NA")
    assert typed_column("y", cells, kind="label").tolist() == ["yes", "1.0", "True", None]
    assert typed_column("y", objects("1.0", "2"), kind="label").tolist() == ["1.0", "2"]
    assert typed_column("y", objects(1, 2), kind="label").tolist() == [1, 2]
    codes = np.arange(2)
    assert text_column("y", ["1", "2"], codes, from_zero, "label").tolist() == [1, 2]
    assert text_column("y", ["01", "2"], codes, from_zero, "label").tolist() == ["01", "2"]
    assert text_column("y", ["01", "2"], codes, from_zero).tolist() == [1, 2]
    assert text_column("y", ["1", "2"], codes, from_zero, "text").tolist() == ["1", "2"]
    dots = Reading(decimal=",", thousands=".")
    assert typed_column("y", objects("1.234,5", "7"), kind="label", reading=dots).tolist() == [
        "1234.5", "7",
    ]  # fmt: skip


def test_spellings_of_one_number_are_told():
    for cells in (["v1", "1.1", "1.10"], ["v1", "1e3", "1000"]):
        with pytest.warns(DataWarning, match=r"column 'c': '1.* and '1.* are the same number"):
            texts = typed_column("c", objects(*cells))
        assert texts[1] == texts[2]
    # no news: whole numbers with and without .0, and truth
    typed_column("c", objects("v1", "1", "1.0", "1.00", "true", "True"))


def test_what_has_no_hash_is_refused():
    with pytest.raises(DataError, match=r"row 0 .*\[1\] is neither a number nor text"):
        typed_column("c", objects([1], [2]))


def test_text_of_a_table_in_a_numeric_column():
    table = Table.from_columns({"a": objects("1", " 2,5"), "b": np.array([1.0, 2.0])})
    with pytest.raises(
        DataError, match=r"column 'trained', row 1 .*: '2,5' is not a number.*decim"
    ):
        numeric_part(table, ["a", "b"], ["trained", "b"])
