"""Features: fitted on the training part, exact to restore, and nothing handled in silence."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastnn.data.preprocess import Features
from fastnn.data.statistics import DataWarning
from fastnn.data.table import Table
from fastnn.errors import ArgumentError, DataError, ModelFileError

NAN = np.nan
CELL = st.one_of(st.none(), st.sampled_from(["a", "b", "ä"]))
NUMBER = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


def texts(*cells):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    return array


def numbers(matrix, positional=True):
    return Table.from_columns({"x": np.asarray(matrix)}, positional=positional)


@st.composite
def tables(draw):
    """Return mixed tables whose columns each have at least one value."""
    n_rows = draw(st.integers(1, 12))
    matrix = draw(arrays(np.float64, (n_rows, 2), elements=st.one_of(NUMBER, st.just(NAN))))
    matrix[0] = draw(st.tuples(NUMBER, NUMBER))
    words = draw(st.lists(CELL, min_size=n_rows, max_size=n_rows))
    words[0] = "a"
    return Table.from_columns({"p": matrix[:, 0], "word": texts(*words), "q": matrix[:, 1]})


def test_by_hand():
    table = Table.from_columns(
        {
            "size": np.array([1.0, NAN, 4.0, 7.0, 8.0]),
            "town": texts("B", "A", None, "B", "B"),
            "fixed": np.full(5, 0.1),
        }
    )
    features = Features.fit(table, dtype="float64")
    # the median of 1, 4, 7, 8 is 5.5; filled: 1, 5.5, 4, 7, 8 with mean 5.1, variance 6.04
    assert features.names == (
        "size",
        "fixed",
        "size is missing",
        "town=A",
        "town=B",
        "town=<unknown>",
    )
    np.testing.assert_allclose(features.fill, [5.5, 0.1])
    np.testing.assert_allclose(features.mean, [5.1, 0.1], rtol=1e-15)
    np.testing.assert_allclose(features.scale, [np.sqrt(6.04), 1], rtol=1e-15)
    out = features.transform(table)
    sizes = np.array([-4.1, 0.4, -1.1, 1.9, 2.9]) / np.sqrt(6.04)
    np.testing.assert_allclose(out[:, 0], sizes, rtol=1e-14)
    assert out[:, 1].tolist() == [0] * 5  # constant: kept, and exactly zero
    assert out[:, 2].tolist() == [0, 1, 0, 0, 0]
    assert out[:, 3:].tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 0]]


@given(tables(), st.sampled_from(["float32", "float64"]))
def test_the_training_part_gets_mean_0_and_deviation_1(table, dtype):
    features = Features.fit(table, dtype=dtype)
    out = features.transform(table)
    assert out.dtype == dtype
    assert out.flags.c_contiguous
    assert out.shape == (len(table), features.n_features)
    assert np.isfinite(out).all()
    np.testing.assert_allclose(out[:, :2].mean(axis=0), 0, atol=1e-5)
    for column in out[:, :2].T:
        assert column.std() == pytest.approx(1, abs=1e-5) or not column.any()
    n_words = len(features.categories["word"]) + 1
    np.testing.assert_array_equal(out[:, -n_words:].sum(axis=1), 1)


@given(tables(), st.booleans())
def test_state_survives_json_in_any_key_order(table, standardize):
    features = Features.fit(table, standardize=standardize)
    metadata, parts = features.to_state()
    again = Features.from_state(json.loads(json.dumps(metadata, sort_keys=True)), parts)
    assert again.to_state()[0] == metadata
    np.testing.assert_array_equal(again.transform(table), features.transform(table))


@given(tables(), st.randoms())
def test_named_columns_match_in_any_order(table, random):
    features = Features.fit(table)
    order = list(table.names)
    random.shuffle(order)
    shuffled = Table.from_columns({name: table.column(name) for name in order})
    np.testing.assert_array_equal(features.transform(shuffled), features.transform(table))


@given(tables())
def test_rows_are_transformed_one_by_one(table):
    features = Features.fit(table)
    rows = [features.transform(table.rows([i])) for i in range(len(table))]
    np.testing.assert_array_equal(np.concatenate(rows), features.transform(table))


def test_against_scikit_learn():
    sklearn = pytest.importorskip("sklearn.preprocessing", reason="scikit-learn is not installed")
    matrix = np.random.default_rng(0).normal(5, [1, 1e3, 1e-3], (500, 3))
    ours = Features.fit(numbers(matrix), dtype="float64").transform(numbers(matrix[:50]))
    theirs = sklearn.StandardScaler().fit(matrix).transform(matrix[:50])
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_large_offsets_keep_their_digits_in_float32():
    # seconds since 1970: as float32 before the subtraction all these would be one number
    seconds = 1.7e9 + np.arange(10.0)
    out = Features.fit(numbers(seconds[:, None])).transform(numbers(seconds[:, None]))
    expected = (np.arange(10) - 4.5) / np.sqrt(8.25)
    np.testing.assert_allclose(out[:, 0], expected, rtol=1e-6)


def test_without_standardisation_numbers_stay():
    table = numbers([[1.5, 2.0], [NAN, 4.0], [3.5, 9.0]])
    out = Features.fit(table, standardize=False).transform(table)
    assert out.tolist() == [[1.5, 2, 0], [2.5, 4, 1], [3.5, 9, 0]]


def test_blocks_of_a_large_matrix_agree_with_the_whole():
    matrix = np.random.default_rng(1).normal(3, 2, (3000, 200)).astype(np.float32)
    features = Features.fit(numbers(matrix), dtype="float64")
    np.testing.assert_allclose(features.mean, matrix.astype(float).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(features.scale, matrix.astype(float).std(axis=0), rtol=1e-12)
    out = features.transform(numbers(matrix))
    np.testing.assert_allclose(out.std(axis=0), 1, rtol=1e-12)


def test_gaps_that_training_did_not_have_are_filled_and_reported():
    features = Features.fit(numbers([[1.0, 5.0], [3.0, 5.0]]))
    with pytest.warns(DataWarning, match="column 'x0': 1 of 2 values are missing, none was in"):
        out = features.transform(numbers([[NAN, 5.0], [3.0, 5.0]]))
    assert out.tolist() == [[0, 0], [1, 0]]


def test_unknown_categories_have_a_place_and_are_reported():
    table = Table.from_columns({"town": texts("A", "B")})
    features = Features.fit(table)
    with (
        pytest.warns(DataWarning, match=r"column 'town': 1 of 3 values are missing, none was in"),
        pytest.warns(DataWarning, match=r"column 'town': 1 of 3 values have no .*first 'C'"),
    ):
        out = features.transform(Table.from_columns({"town": texts("C", None, "A")}))
    assert out.tolist() == [[0, 0, 1], [0, 0, 1], [1, 0, 0]]


def test_codes_match_whatever_their_type():
    features = Features.fit(numbers([[3, 1.0], [4, 2.0]]), categorical=["x0"])
    assert features.names == ("x1", "x0=3", "x0=4", "x0=<unknown>")
    assert (features.numeric, features.categorical) == (("x1",), ("x0",))
    text = Table.from_columns({"code": texts("4"), "y": np.array([1.5])}, positional=True)
    assert features.transform(text).tolist() == [[0, 0, 1, 0]]


def test_numbers_written_as_text_are_read():
    features = Features.fit(Table.from_columns({"a": np.array([1.0, 3.0])}))
    out = features.transform(Table.from_columns({"a": texts("5", "1")}))
    assert out.tolist() == [[3], [-1]]
    with pytest.raises(DataError, match=r"column 'a', row 1 .*'abc' is not a number"):
        features.transform(Table.from_columns({"a": texts("5", "abc")}))


def test_rare_categories_share_the_unknown_place():
    town = texts("c", "c", "b", "b", "a", "d", None)
    with pytest.warns(DataWarning, match=r"'town' has 4 different values; the 3 .*1 of 7 rows"):
        features = Features.fit(Table.from_columns({"town": town}), max_categories=3)
    assert features.categories == {"town": ("a", "b", "c")}


@pytest.mark.parametrize("positional", [True, False])
def test_plain_arrays_match_by_position(positional):
    features = Features.fit(numbers(np.eye(3), positional=positional))
    other = Table.from_columns({"p": np.eye(3)}, positional=True)
    np.testing.assert_array_equal(features.transform(other), features.transform(numbers(np.eye(3))))
    with pytest.raises(DataError, match="expected 3 features, found 2"):
        features.transform(numbers(np.eye(2)))


NAMED = Table.from_columns({"age": np.array([1.0, 2.0]), "town": texts("A", "B")})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"age": np.ones(1)}, r"no column 'town' \(columns: age\)"),
        ({"agee": np.ones(1), "town": texts("A")}, "no column 'age'; did you mean 'agee'"),
        ({"z": np.ones(1)}, r"missing columns: age, town \(columns: z\)"),
    ],
)
def test_wrong_columns_are_named(columns, message):
    with pytest.raises(DataError, match=message):
        Features.fit(NAMED).transform(Table.from_columns(columns))


@pytest.mark.parametrize(
    ("table", "options", "error", "message"),
    [
        (numbers([[NAN], [NAN]]), {}, DataError, "no column is left .*'x0' is without a value"),
        (Table.from_columns({"t": texts(None, None)}), {}, DataError, "no column is left .*'t' is"),
        (NAMED, {"keep_text": ["towns"]}, DataError, "no column 'towns'; did you mean 'town'"),
        (NAMED, {"keep_text": ["age"]}, ArgumentError, "no effect: the column holds numbers"),
        (numbers([[1e200], [-1e200]]), {}, DataError, "column 'x0': the numbers are too large"),
        (NAMED, {"dtype": "float16"}, ArgumentError, "dtype must be 'float32' or 'float64'"),
        (NAMED, {"categorical": ["agee"]}, DataError, "no column 'agee'; did you mean 'age'"),
        (NAMED, {"max_categories": 0}, ArgumentError, "max_categories must be at least 1, found 0"),
        (NAMED, {"max_categories": 2.5}, ArgumentError, "must be a whole number, found 2.5"),
    ],
)
def test_fit_refuses(table, options, error, message):
    with pytest.raises(error, match=message):
        Features.fit(table, **options)


def test_zero_has_no_sign():
    column = np.array([[-0.0], [0.0], [-1.0], [1.0]])
    for standardize in (True, False):
        features = Features.fit(Table.from_columns({"x": column}), standardize=standardize)
        found = features.transform(Table.from_columns({"x": column}))
        assert not np.signbit(found[:2]).any()


def test_numbers_too_large_for_the_dtype_are_shown():
    features = Features.fit(numbers([[1.0, 2.0], [2.0, NAN], [5.0, 3.0]]))
    with pytest.raises(DataError, match=r"column 'x0', row 1 .*1e\+300 is too large for float32"):
        features.transform(numbers([[1.0, 2.0], [1e300, NAN]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ["age"]}, "contradict each other"),
        ({"columns": ["age", "age"]}, "'columns' has the value"),
        ({"columns": "age"}, "'columns' has the value"),
        ({"positional": 0}, "'positional'"),
        ({"numeric": []}, "contradict each other"),
        ({"indicators": ["town"]}, "contradict each other"),
        ({"categories": {"town": [1]}}, "'categories'"),
        ({"categories": ["town"]}, "'categories'"),
        ({"dtype": "object"}, "'dtype'"),
        ({"standardize": None}, "'standardize'"),
        ({"class": "Features"}, "unknown entries class"),
    ],
)
def test_foreign_states_are_refused(change, message):
    metadata, parts = Features.fit(NAMED).to_state()
    with pytest.raises(ModelFileError, match=message):
        Features.from_state(metadata | change, parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": np.zeros(3)}, "array 'mean' must be 1 finite numbers"),
        ({"scale": np.array([-1.0])}, "'scale' must be positive"),
        ({"fill": np.array(["a"])}, "array 'fill' must be float64"),
        ({"more": np.zeros(1)}, "unknown entries more"),
    ],
)
def test_foreign_arrays_are_refused(change, message):
    metadata, parts = Features.fit(NAMED).to_state()
    with pytest.raises(ModelFileError, match=message):
        Features.from_state(metadata, parts | change)
    with pytest.raises(ModelFileError, match="entries columns are missing"):
        Features.from_state({k: v for k, v in metadata.items() if k != "columns"}, parts)


def test_weights_count_in_means_and_deviations_alone():
    table = numbers([[1.0, NAN], [5.0, 2.0], [5.0, 4.0]])
    features = Features.fit(table, dtype="float64", weights=np.array([6.0, 1.0, 1.0]))
    assert features.mean.tolist() == [2.0, 3.0]  # the gap is filled with 3, the plain median
    np.testing.assert_allclose(features.scale, [np.sqrt(3.0), 0.5])
    assert features.fill.tolist() == [2.0, 3.0]
    plain = Features.fit(table)
    ones = Features.fit(table, weights=np.ones(3))
    assert [getattr(plain, n).tobytes() for n in ("fill", "mean", "scale")] == [
        getattr(ones, n).tobytes() for n in ("fill", "mean", "scale")
    ]


def test_how_text_was_read_is_kept():
    options = {"delimiter": ";", "decimal": ",", "missing": ("-",)}
    features = Features.fit(NAMED, reading=options)
    metadata, parts = features.to_state()
    again = Features.from_state(json.loads(json.dumps(metadata)), parts)
    assert again.reading == {"decimal": ",", "missing": ["-"]}
    assert again.complete == ("town",)
    assert again.reading_with({"decimal": ".", "delimiter": ";", "thousands": None}) == {
        "decimal": ".", "missing": ["-"], "delimiter": ";",
    }  # fmt: skip


def test_a_state_of_an_older_fastnn_says_nothing_of_it():
    metadata, parts = Features.fit(NAMED).to_state()
    del metadata["complete"]
    assert set(metadata) == {
        "columns", "positional", "numeric", "indicators", "categories", "standardize", "dtype",
    }  # fmt: skip
    old = Features.from_state(metadata, parts)
    assert (old.reading, old.complete) == ({}, ())
    gap = Table.from_columns({"age": np.array([1.0]), "town": texts(None)})
    assert old.transform(gap).tolist() == [[-1, 0, 0, 1]]  # no warning: nobody knows


@pytest.mark.parametrize(
    "change",
    [
        {"reading": {"decimal": ",,"}},
        {"reading": {"delimiter": ";"}},
        {"reading": []},
        {"complete": ["age"]},
        {"complete": "town"},
    ],
)
def test_a_reading_that_cannot_be_is_refused(change):
    metadata, parts = Features.fit(NAMED).to_state()
    with pytest.raises(ModelFileError, match=r"'reading'|'complete'|contradict each other"):
        Features.from_state(metadata | change, parts)
