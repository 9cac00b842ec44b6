"""Rows without a target, and weights in a column: the same at every door."""

import datetime
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastnn
from fastnn.api.train import train
from fastnn.data.statistics import DataNote
from fastnn.errors import ArgumentError, DataError
from fastnn.model.files import load
from fastnn.preparation.examples import read_source
from tests.optional import optional
from tests.reading.test_same_table_everywhere import NAMED, SOURCES

pd = optional("pandas")

N = 40
X = np.arange(N, dtype=float)
DAYS = np.datetime64("2024-01-01") + np.arange(N)
TIMES = [datetime.time(8, minute) for minute in range(N)]
HOW = {"hidden_layer_sizes": [3], "epochs": 2, "seed": 0, "engine": "numpy"}


@pytest.mark.parametrize(
    ("target", "left", "task"),
    [
        ([0.0, np.nan, 1.0, 2.5], [0.0, 1.0, 2.5], "regression"),
        ([0.0, np.nan, 1.0, 1.0], [0, 1, 1], "binary"),  # gaps had made them floats
        (np.array(["a", None, "b", "a"], object), ["a", "b", "a"], "binary"),
        ([[0.5, np.nan], [np.nan, 1], [1, 2], [0.5, 1]], [[1, 2], [0.5, 1]], "regression"),
        ([[1, 0], [np.nan, 1], [1, 1], [0, 0]], [[1, 0], [1, 1], [0, 0]], "multilabel"),
    ],
    ids=str,
)
def test_rows_without_a_target_are_left_out_and_weights_follow(target, left, task) -> None:
    rows = np.array([[1.0], [2.0], [3.0], [4.0]])
    with pytest.warns(
        DataNote, match=r"of 4 rows ha(s|ve) no value and (is|are) left out; missing_t"
    ):
        source = read_source(rows, target, sample_weight=[1.0, 2.0, 3.0, 4.0])
    found = source.examples
    assert found.target.tolist() == left
    assert source.task == task
    assert found.left_out == 4 - len(left)
    np.testing.assert_array_equal(found.flat_weights, found.table.numeric[:, 0])
    np.testing.assert_array_equal(found.index, found.flat_weights - 1)


def test_labels_that_read_as_gaps_are_named_as_what_they_may_be() -> None:
    data = {"x": X, "y": ["none", "mild"] * 20}
    said = r"'y': 20 of 40 rows .*; if .* NA, none or the like as a label, say missing=\[\]$"
    with pytest.warns(DataNote, match=said), pytest.raises(DataError, match="one class only"):
        train(data, "y", **HOW)
    assert train(data, "y", missing=[], **HOW).model.classes_.tolist() == ["mild", "none"]


@settings(max_examples=8)
@given(
    st.sampled_from([("text", ["no", "yes"]), ("whole", [3, 7]), ("short number", [0.25, 1.5])]),
    st.lists(st.integers(0, N - 1), min_size=1, max_size=15, unique=True),
)
def test_every_door_leaves_out_the_same_rows(tmp_path_factory, labels, gaps) -> None:
    """As if the rows were not there, whatever the table comes from."""
    kind, values = labels
    folder = tmp_path_factory.mktemp("gaps")
    target = [None if i in gaps else values[i % 2] for i in range(N)]
    kept = [i for i in range(N) if i not in gaps]
    kinds = {"x": "short number", "y": kind}

    def learnt(make, rows):
        cells = {"x": [i / 8 for i in rows], "y": [target[i] for i in rows]}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            training = train(make(folder, kinds, cells), "y", **HOW)
        said = [str(w.message) for w in caught if "left out" in str(w.message)]
        model = training.model
        return said, model.predict({"x": X}).tolist(), model.evaluate({"x": X}, values * 20)

    _, *expected = learnt(SOURCES["csv"], kept)
    for name in NAMED:
        said, *found = learnt(SOURCES[name], range(N))
        assert found == expected, name
        assert len(said) == 1
        assert f"'y': {len(gaps)} of {N} rows" in said[0]


def test_evaluate_leaves_them_out_too_and_parts_of_ones_own() -> None:
    y = np.where(X > 20, "high", "low").astype(object)
    model = train({"x": X}, y, **HOW).model
    gone = y.copy()
    gone[[3, 30]] = None
    kept = np.delete(np.arange(N), [3, 30])
    expected = model.evaluate({"x": X[kept]}, y[kept])
    weights = np.where(np.isin(np.arange(N), [3, 30]), 99.0, 1.0)
    for how in ({}, {"sample_weight": weights}):
        with pytest.warns(DataNote, match="2 of 40 rows have no value and are left out$"):
            assert model.evaluate({"x": X}, gone, **how) == pytest.approx(expected)
    with pytest.warns(DataNote, match="^target 'y': 2 of 40 rows"):
        whole = train({"x": X, "y": y}, "y", test={"x": X, "y": gone}, **HOW)
    plain = train({"x": X, "y": y}, "y", test={"x": X[kept], "y": y[kept]}, **HOW)
    assert whole.report == plain.report
    assert whole.record.rows["test"] == 38
    with pytest.raises(DataError, match=r"test: target column 'y', row 3 .*: no value"):
        train({"x": X, "y": y}, "y", test={"x": X, "y": gone}, missing_target="error", **HOW)


WEIGHTED = {"x": X, "w": np.where(X < 10, 3.0, 1.0), "y": np.where(X % 3 == 0, "a", "b")}


@pytest.mark.parametrize("name", ["dict", "pandas", "csv"])
def test_a_column_of_weights_is_no_input_and_weights_as_an_array_does(name, tmp_path) -> None:
    source = {"dict": lambda c: c, "pandas": pd.DataFrame, "csv": pd.DataFrame}[name](WEIGHTED)
    if name == "csv":
        source.to_csv(tmp_path / "a.csv", index=False)
        source = tmp_path / "a.csv"
    found = train(source, "y", sample_weight="w", **HOW)
    rest = {n: v for n, v in WEIGHTED.items() if n != "w"}
    expected = train(rest, "y", sample_weight=WEIGHTED["w"], **HOW)
    assert found.model.features.columns == ("x",)
    assert found.report == expected.report
    found.save(tmp_path / "m.fastnn")
    model = load(tmp_path / "m.fastnn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the column needs no word
        judged = model.evaluate(source)
        assert judged == expected.evaluate(rest, sample_weight=WEIGHTED["w"])
        assert model.evaluate(source, sample_weight="w") == judged
        np.testing.assert_array_equal(model.predict({"x": X, "w": X}), expected.predict({"x": X}))
    with pytest.warns(DataNote, match="without weights: the column 'w' that training took is not"):
        assert model.evaluate(rest) == expected.evaluate(rest) != judged
    (tried,) = fastnn.train_many([{}], source, "y", sample_weight="w", **HOW)
    assert tried.report == found.report
    best = fastnn.search(source, "y", grid={"l2": [0.0]}, sample_weight="w", **HOW).training
    assert best.report == found.report


def test_parts_of_ones_own_have_weights_where_they_have_the_column() -> None:
    rest = {n: v for n, v in WEIGHTED.items() if n != "w"}
    light = train(WEIGHTED, "y", sample_weight="w", test=rest, **HOW)
    heavy = train(WEIGHTED, "y", sample_weight="w", test=WEIGHTED, **HOW)
    with pytest.warns(DataNote, match="without weights"):
        assert light.report["test"] == light.evaluate(rest)
    assert heavy.report["test"] == pytest.approx(light.evaluate(WEIGHTED))
    assert heavy.report["test"] != light.report["test"]


@pytest.mark.parametrize(
    ("changed", "how", "error", "said"),
    [
        ({}, {"sample_weight": "weight"}, DataError, "sample_weight: no column 'weight'"),
        ({}, {"sample_weight": "y"}, ArgumentError, "sample_weight='y' is the target, too"),
        ({"w": np.where(X == 2, np.nan, 1)}, {}, DataError, "column 'w', row 2 .*: no value"),
        ({"w": ["a"] * N}, {}, DataError, "column 'w', row 0 .*: 'a' is not a number"),
        (
            {"w": 1 - X},
            {},
            DataError,
            "column 'w', row 2 .*: -1 is negative; weights are 0 or more",
        ),
        ({"w": 0 * X}, {}, DataError, "sample_weight: column 'w': every weight is 0"),
        ({"w": DAYS}, {}, DataError, "sample_weight: column 'w' holds dates, and weights are num"),
        ({"w": TIMES}, {}, DataError, "sample_weight: column 'w' holds times of day, and weights"),
    ],
)
def test_columns_that_are_no_weights(changed, how, error, said) -> None:
    with pytest.raises(error, match=said):
        train({**WEIGHTED, **changed}, "y", **{"sample_weight": "w", **HOW, **how})
    with pytest.raises(ArgumentError, match="an array has no column names, and so none 'w'"):
        train(X, WEIGHTED["y"], sample_weight="w", **HOW)
