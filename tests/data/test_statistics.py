"""Statistics of the training part, on numbers that are hard on them."""

import numpy as np
import pytest

from fastnn.data.categories import frequent_categories
from fastnn.data.statistics import (
    DataWarning,
    blocks,
    columns_with_gaps,
    filled_by_median,
    moments,
)


def test_blocks_cover_the_rows():
    for shape in [(5, 3), (1000, 1000), (3, 2**19), (4, 0)]:
        values = np.broadcast_to(0.0, shape)
        rows = np.concatenate([np.arange(shape[0])[cut] for cut in blocks(values)])
        assert rows.tolist() == list(range(shape[0]))


def test_moments_of_a_shifted_column():
    # variance 2/3 whatever the offset; the textbook's E[x^2] - E[x]^2 would give 0
    for offset in (0.0, 1e8):
        mean, scale = moments(np.array([[1.0], [2.0], [3.0]]) + offset, ["x"])
        assert mean == 2 + offset
        assert scale == pytest.approx(np.sqrt(2 / 3), rel=1e-12)


def test_constant_columns_have_sigma_1_and_their_exact_mean():
    for value in (0.1, 1e-320, 123456789.123):
        mean, scale = moments(np.full((1000, 1), value), ["x"])
        assert (mean, scale) == (value, 1.0)


def test_float32_sums_are_made_in_float64():
    values = np.full((2**20, 1), 0.1, np.float32)
    values[0] = 1e6
    exact = (1e6 + (2**20 - 1) * float(np.float32(0.1))) / 2**20
    assert moments(values, ["x"])[0] == pytest.approx(exact, rel=1e-12)


def test_filling_leaves_the_original_alone():
    values = np.array([[1.0, np.nan], [2.0, 8.0], [9.0, np.nan]])
    gaps = columns_with_gaps(values)
    assert gaps.tolist() == [False, True]
    filled, fill = filled_by_median(values, gaps, ["a", "b"])
    assert filled.tolist() == [[1, 8], [2, 8], [9, 8]]
    assert fill.tolist() == [0, 8]
    assert np.isnan(values[0, 1])


def test_ties_between_categories_do_not_depend_on_the_order_of_rows():
    for cells in (["a", "b", "c", "c"], ["b", "a", "c", "c"]):
        with pytest.warns(DataWarning, match="share '<unknown>'"):
            kept = frequent_categories("t", np.array(cells, dtype=object), 2)
        assert kept == ("a", "c")


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-20, 1.0, 1e150])
def test_the_unit_of_a_column_does_not_matter(unit):
    mean, scale = moments(np.array([[1.0], [3.0], [8.0]]) * unit, ["x"])
    assert mean[0] == pytest.approx(4 * unit, rel=1e-14, abs=0)
    assert scale[0] == pytest.approx(np.sqrt(26 / 3) * unit, rel=1e-14, abs=0)


def test_rounding_errors_are_no_information():
    # 0.1 + 0.2 and 0.3 differ in the last bit
    mean, scale = moments(np.array([[0.1 + 0.2], [0.3], [0.3]]), ["x"])
    assert scale[0] == 1.0
    assert mean[0] == pytest.approx(0.3, abs=1e-15)


def test_a_large_offset_hides_nothing_that_is_there():
    away = np.array([-1.0, 0.0, 1.0, 2.0])
    mean, scale = moments((1e9 + away)[:, None], ["x"])
    assert (mean[0], scale[0]) == (1e9 + 0.5, pytest.approx(np.sqrt(1.25), rel=1e-12))


def test_texts_that_are_all_different_are_told():
    texts = np.array([f"name {i}" for i in range(31)], dtype=object)
    with pytest.warns(DataWarning, match="column 'who' has another text in each of 31 rows"):
        assert len(frequent_categories("who", texts, 256)) == 31
    with pytest.warns(DataWarning, match=r"leave it out: drop=\['who'\], .* --drop who"):
        assert len(frequent_categories("who", texts, 5)) == 5
    assert len(frequent_categories("who", texts[:30], 256)) == 30
