"""Table: what it keeps, what it shares, what it refuses."""

import numpy as np
import pytest

from fastnn.data.table import Table, check_exact, from_zero, listed
from fastnn.errors import ArgumentError, DataError, shown


def small() -> Table:
    return Table.from_columns(
        {
            "a": np.array([1, 2, 3]),
            "town": np.array(["x", None, "z"], dtype=object),
            "b": np.array([True, False, True]),
        }
    )


def test_columns_go_to_one_matrix_and_keep_their_order():
    table = small()
    assert table.names == ("a", "town", "b")
    assert table.numeric_names == ("a", "b")
    np.testing.assert_array_equal(table.numeric, [[1, 1], [2, 0], [3, 1]])
    assert table.numeric.dtype == np.float64
    assert table.numeric.flags.c_contiguous
    assert len(table) == 3


def test_a_wide_float_matrix_is_not_copied():
    pixels = np.zeros((20, 784), np.float32)
    assert np.shares_memory(Table.from_columns({"x": pixels}).numeric, pixels)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("uint8", "float32"),
        ("int16", "float32"),
        ("float16", "float32"),
        ("float32", "float32"),
        ("int32", "float64"),
        ("int64", "float64"),
        ("float64", "float64"),
    ],
)
def test_the_dtype_holds_every_value(given, kept):
    assert Table.from_columns({"x": np.ones((2, 2), given)}).numeric.dtype == kept


def test_rows_drop_and_column():
    table = small()
    part = table.rows(np.array([2, 0]))
    assert part.column("town").tolist() == ["z", "x"]
    assert part.column("a").tolist() == [3.0, 1.0]
    assert part.numeric.flags.c_contiguous
    assert table.rows([True, False, False]).column("a").tolist() == [1.0]
    less = table.drop(["a", "town"])
    assert less.names == ("b",)
    assert less.numeric.flags.c_contiguous
    assert np.shares_memory(table.drop(["town"]).numeric, table.numeric)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (lambda: small().column("towm"), DataError, "no column 'towm'; did you mean 'town'"),
        (lambda: small().drop(["no", "nope"]), DataError, "missing columns: no, nope"),
        (lambda: small().drop("a"), ArgumentError, "columns must be a list of names"),
        (lambda: small().drop(["a", "b", "town"]), DataError, "has no columns"),
        (lambda: small().rows([]), DataError, "no rows are chosen"),
        (lambda: Table.from_columns({}), DataError, "no columns"),
        (lambda: Table.from_columns({"a": np.zeros(0)}), DataError, "empty: no rows"),
        (
            lambda: Table.from_columns({"a": np.zeros(2), "b": np.zeros(3)}),
            DataError,
            "column 'b' has 3 rows but column 'a' has 2",
        ),
        (lambda: Table.from_columns({3: np.zeros(2)}), DataError, "must be text, found 3"),
        (lambda: Table.from_columns({" ": np.zeros(2)}), DataError, "column 1 has no name"),
        (
            lambda: Table.from_columns({"x": np.zeros((2, 1)), "x0": np.zeros(2)}),
            DataError,
            "two columns are called 'x0'",
        ),
        (
            lambda: Table.from_columns({"a": np.zeros(2), "b": np.array([0, -np.inf])}),
            DataError,
            r"column 'b', row 1 \(counted from 0\): -inf is not a finite number",
        ),
        (
            lambda: Table.from_columns({"a": np.array([1e300])}, dtype="float32"),
            DataError,
            "column 'a', row 0",
        ),
        (
            lambda: Table.from_columns({"a": np.zeros(2)}, dtype="float16"),
            ArgumentError,
            "dtype must be 'float32' or 'float64', found 'float16'",
        ),
        (
            lambda: Table(("a",), np.zeros((2, 1), int), ("a",), {}),
            DataError,
            "must be a float32 or float64 matrix",
        ),
        (
            lambda: Table(("a", "b"), np.zeros((2, 2)).T[:, ::-1], ("a", "b"), {}),
            DataError,
            "must be C-contiguous",
        ),
        (lambda: Table(("a",), np.zeros((2, 2)), ("a",), {}), DataError, "has 2 columns"),
        (lambda: Table(("a", "b"), np.zeros((2, 1)), ("a",), {}), DataError, "must name each"),
        (
            lambda: Table(("a",), np.zeros((2, 0)), (), {"a": np.zeros(2)}),
            DataError,
            "must be an object array of 2 rows",
        ),
    ],
)
def test_refused(work, error, message):
    with np.errstate(over="ignore"), pytest.raises(error, match=message):
        work()


def test_identifiers_too_large_for_a_float_are_refused():
    ids = np.array([2**53, 2**53 + 1])
    with pytest.raises(DataError, match=r"column 'id', row 1 .*: 9007199254740993 is too large"):
        Table.from_columns({"id": ids})
    with pytest.raises(DataError, match="column 'x1', row 0"):
        Table.from_columns({"x": np.array([[1, 2**63 + 3]], np.uint64)})
    exact = np.array([-(2**60), 2**60])  # powers of 2 are exact, however large
    assert Table.from_columns({"id": exact}).numeric.ravel().tolist() == [-(2.0**60), 2.0**60]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("Ulm", "'Ulm'"),
        ("a\nb", "'a\\nb'"),
        ("z" * 80, repr("z" * 80)),
        ("z" * 81, repr("z" * 80) + "... (81 characters)"),
        (3.5, "3.5"),
        (list(range(1000)), str(list(range(1000)))[:80] + "... (4890 characters)"),
    ],
)
def test_shown(value, found):
    assert shown(value) == found
    assert shown(10**5000) == "a value of type int"  # of more digits than Python prints


def test_long_names_are_cut_short_in_lists():
    assert listed(["z" * 1000, "b"]) == "z" * 100 + "..., b"
    with pytest.raises(DataError) as caught:
        small().column("q" * 100_000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("values", "exact"),
    [
        (np.array([2**53, -(2**60)]), True),
        (np.array([2**53 + 1]), False),
        (np.array([2**63 - 1]), False),
        (np.array([2**64 - 1], np.uint64), False),
        (np.array([2**63], np.uint64), True),
        (np.array([2**31 - 1], np.int32), True),
        (np.array([np.longdouble(2**53) + 1]), False),
        (np.array([np.longdouble(1) / 3, np.nan]), True),
        (np.array([1e300]), True),
        (np.zeros((0, 2), np.int64), True),
    ],
)
def test_check_exact(values, exact):
    if exact:
        check_exact(values, ["id"], from_zero)
    else:
        with pytest.raises(DataError, match=r"column 'id', row 0 .* is too large to be exact"):
            check_exact(values, ["id"], from_zero)
