"""Arrays and lists: NumPy must not make others of their cells."""

import numpy as np
import pytest

from fastnn.errors import DataError
from fastnn.reading.arrays import as_array, split_block
from fastnn.reading.files import read_table

BIG = 2**53 + 1


@pytest.mark.parametrize(
    "source",
    [
        [[BIG, 0.5], [2, 1.5]],
        {"x0": [BIG, 0.5]},
        {"x0": [BIG, None]},
        np.array([[BIG, None]], dtype=object),
        np.ma.masked_array([BIG, 2], mask=[False, True]),
        np.array([[np.longdouble(BIG)]]),
        np.array([[2**64 - 1]], np.uint64),
        np.array([[2**63 - 1]]),
    ],
)
def test_whole_numbers_are_never_rounded(source):
    with pytest.raises(DataError, match=r"column 'x0', row 0 .* is too large to be exact"):
        read_table(source)


def test_categories_of_lists_are_exact():
    table = read_table([[BIG, 0.5], [2, 1.5]], categorical=["x0"])
    assert table.column("x0").tolist() == [str(BIG), "2"]


def test_lists_keep_their_types():
    assert as_array("x", [1, "a"]).tolist() == [1, "a"]
    assert as_array("x", [1, 2.5]).dtype == np.float64
    assert as_array("x", [2.0**60, 1.5]).tolist() == [2.0**60, 1.5]


def test_masks_are_gaps():
    texts = np.ma.masked_array(["a", "b"], mask=[True, False])
    assert read_table({"t": texts}).column("t").tolist() == [None, "b"]
    numbers = np.ma.masked_array([[1, 2], [3, 4]], mask=[[0, 1], [0, 0]])
    np.testing.assert_array_equal(read_table(numbers).numeric, [[1, np.nan], [3, 4]])
    assert as_array("x", np.ma.masked_array([1.5, 2.5])).tolist() == [1.5, 2.5]


def test_blocks_stay_whole_where_they_can():
    block = np.eye(2)
    assert split_block("x", block, [])["x"] is block
    assert [v.tolist() for v in split_block("x", block, ["x0"]).values()] == [[1, 0], [0, 1]]
