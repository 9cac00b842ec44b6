"""Statistics of the training part, on numbers that are hard on them."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastnn.data.statistics import (
    blocks,
    columns_with_gaps,
    filled_by_median,
    moments,
)
from fastnn.errors import DataError


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
    for value in (0.1, 1e-320, 123456789.123, 1e300, -1.7e308):
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


# ---------------------------------------------------------------- weights

COLUMNS = arrays(
    np.float64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.floats(-1e6, 1e6)
)
CONSTANTS = [14.62, 0.1, 1 / 3, np.log(1e-5), 123456.789, 2 / 3, 9.81, 273.15, -1e-300, 1.7e9]


@given(COLUMNS, st.floats(1e-3, 1e3))
def test_equal_weights_are_no_weights_bit_for_bit(values, weight):
    plain = moments(values, ["a", "b"])
    weighted = moments(values, ["a", "b"], np.full(len(values), weight))
    assert [part.tobytes() for part in plain] == [part.tobytes() for part in weighted]


@given(COLUMNS, st.data())
def test_a_weight_counts_an_example_so_many_times(values, data):
    counts = data.draw(arrays(np.int64, len(values), elements=st.integers(0, 4)))
    assume(counts.any())
    mean, scale = moments(np.repeat(values, counts, axis=0), ["a", "b"])
    found = moments(values, ["a", "b"], counts.astype(float))
    np.testing.assert_allclose(found[0], mean, rtol=1e-12, atol=1e-9)
    # where a deviation is all but rounding, either may call it constant
    clear = (scale > 1e-6) & (scale != 1)
    np.testing.assert_allclose(found[1][clear], scale[clear], rtol=1e-9)


@given(COLUMNS, st.data())
def test_a_weight_counts_a_number_so_many_times_in_the_median(values, data):
    counts = data.draw(arrays(np.int64, len(values), elements=st.integers(0, 4)))
    assume(counts.any())
    gaps = np.array([True, False])
    many = filled_by_median(np.repeat(values, counts, axis=0), gaps, ["a", "b"])[1]
    assert filled_by_median(values, gaps, ["a", "b"], counts.astype(float))[1] == pytest.approx(
        many
    )


def test_weighted_medians_by_hand():
    values = np.array([[5.0], [1.0], [np.nan], [9.0]])

    def median(*weights):
        return filled_by_median(values, np.array([True]), ["x"], np.array(weights))[1][0]

    assert median(1.0, 1.0, 4.0, 1.0) == 5  # the gap's own weight does not count
    assert median(1.0, 3.0, 0.0, 1.0) == 1
    assert median(1.0, 2.0, 0.0, 1.0) == 3  # half of the weight on either side of 1 and 5
    assert median(0.0, 0.0, 1.0, 0.0) == 5  # nothing else is known


@pytest.mark.parametrize("constant", CONSTANTS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_constant_columns_stay_constant_with_weights(constant, dtype):
    weights = np.random.default_rng(2).exponential(1, 2000)
    values = np.full((2000, 1), constant, dtype)
    mean, scale = moments(values, ["x"], weights)
    assert (mean[0], scale[0]) == (float(values[0, 0]), 1.0)
    # and one that is constant where weights count
    values[7] = 1e6
    weights[7] = 0
    mean, scale = moments(values, ["x"], weights)
    assert (mean[0], scale[0]) == (float(values[0, 0]), 1.0)


@given(COLUMNS, st.sampled_from([2.0**-40, 2.0**-3, 2.0**7, -(2.0**60)]), st.booleans())
def test_the_unit_of_a_weighted_column_does_not_matter(values, unit, weighted):
    weights = np.linspace(1, 3, len(values)) if weighted else None
    mean, scale = moments(values, ["a", "b"], weights)
    assume((np.abs(values[values != 0]) > 1e-100).all())
    times = moments(values * unit, ["a", "b"], weights)  # powers of 2 change no digits
    constant = scale == 1
    np.testing.assert_array_equal(times[0], mean * unit)
    np.testing.assert_array_equal(times[1][~constant], scale[~constant] * abs(unit))


@given(
    arrays(np.float64, st.integers(3, 30), elements=st.integers(-100, 100).map(float)),
    st.sampled_from([0.0, 1.0, -1e6, 2.0**40]),
)
def test_an_offset_moves_the_mean_alone(away, offset):
    weights = np.arange(1.0, len(away) + 1)
    mean, scale = moments(away[:, None], ["x"], weights)
    moved = moments(away[:, None] + offset, ["x"], weights)
    np.testing.assert_allclose(moved[0] - offset, mean, atol=1e-3 * (abs(offset) > 1e9) + 1e-9)
    np.testing.assert_allclose(moved[1], scale, rtol=1e-7)


def test_weights_by_hand():
    mean, scale = moments(np.array([[1.0], [5.0]]), ["x"], np.array([3.0, 1.0]))
    assert (mean[0], scale[0]) == (2.0, np.sqrt(3.0))
    tiny = moments(np.array([[1.0], [5.0]]) * 1e-200, ["x"], np.array([3.0, 1.0]) * 1e-300)
    np.testing.assert_allclose(np.ravel(tiny), [2e-200, np.sqrt(3.0) * 1e-200], rtol=1e-12)
    with pytest.raises(DataError, match="column 'x': the numbers are too large to standardise"):
        moments(np.array([[1e200], [-1e200]]), ["x"], np.array([3.0, 1.0]))


@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 40), st.integers(1, 3)),
        elements=st.floats(-9, 9, width=32),
    )
)
def test_float32_has_the_moments_of_the_same_numbers_in_float64(values):
    narrow, wide = (moments(v, ["a", "b", "c"]) for v in (values, values.astype(np.float64)))
    assert [part.tobytes() for part in narrow] == [part.tobytes() for part in wide]
