"""Targets: labels to numbers and back, saved and restored exactly."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.targets import Targets
from fastnn.data.tasks import infer_task
from fastnn.errors import ArgumentError, DataError, ModelFileError

LABELS = st.one_of(
    st.lists(st.integers(-(2**60), 2**60), min_size=2, max_size=30),
    st.lists(st.text("abcäé ", min_size=1), min_size=2, max_size=30),
    st.lists(st.booleans(), min_size=2, max_size=30),
    st.lists(st.integers(-1000, 1000).map(float), min_size=2, max_size=30),
).filter(lambda labels: len(set(labels)) > 1)


@given(LABELS)
def test_labels_come_back_in_value_and_type(labels):
    targets = Targets.fit(labels, "multiclass")
    index = targets.encode(labels)
    assert index.dtype == np.int64
    assert index.shape == (len(labels), 1)
    assert targets.n_outputs == len(set(labels))
    assert targets.decode(index).tolist() == labels
    assert type(targets.decode(index).tolist()[0]) is type(labels[0])


@given(LABELS)
def test_state_survives_json(labels):
    targets = Targets.fit(labels, "multiclass", dtype="float64")
    metadata, arrays = targets.to_state()
    again = Targets.from_state(json.loads(json.dumps(metadata, sort_keys=True)), arrays)
    assert again.to_state()[0] == metadata
    assert again.classes.dtype == targets.classes.dtype
    np.testing.assert_array_equal(again.encode(labels), targets.encode(labels))


def test_binary_is_a_column_of_zeros_and_ones():
    targets = Targets.fit(["no", "yes", "no"], "binary", dtype="float64")
    assert targets.encode(["yes", "no"]).tolist() == [[1.0], [0.0]]
    assert targets.encode(["yes"]).dtype == np.float64
    assert targets.n_outputs == 1


def test_multilabel():
    matrix = [[0, 1, 1], [1, 0, 0]]
    targets = Targets.fit(matrix, "multilabel")
    assert (targets.n_outputs, targets.encode(matrix).dtype) == (3, np.float32)
    assert targets.decode(targets.encode(matrix)).tolist() == matrix


def test_regression_by_hand():
    # mean 4, population sigma 2 (the sample's would be 2.14)
    targets = Targets.fit([2, 4, 4, 4, 5, 5, 7, 1], "regression", dtype="float64")
    assert targets.mean.tolist() == [4.0]
    assert targets.scale.tolist() == [np.sqrt(3.0)]
    assert targets.decode(np.array([[1.0], [-1.0]])).tolist() == [4 + np.sqrt(3), 4 - np.sqrt(3)]
    two = Targets.fit([[0.0, 10.0], [2.0, 30.0]], "regression", dtype="float64")
    assert two.encode([[3.0, 20.0]]).tolist() == [[2.0, 0.0]]
    assert two.decode([[2.0, 0.0]]).tolist() == [[3.0, 20.0]]
    plain = Targets.fit([5.0, 7.0], "regression", standardize=False)
    assert plain.encode([5.0]).tolist() == [[5.0]]
    constant = Targets.fit([0.1] * 10, "regression", dtype="float64")
    assert constant.encode([0.1, 1.1]).tolist() == [[0.0], [1.0]]


def test_regression_state():
    targets = Targets.fit([1.5, 2.5, 7.0], "regression")
    metadata, arrays = targets.to_state()
    again = Targets.from_state(json.loads(json.dumps(metadata)), arrays)
    np.testing.assert_array_equal(again.encode([3.0]), targets.encode([3.0]))
    assert again.decode([[1.0]]).shape == (1,)


def test_numbers_are_found_among_text_labels():
    targets = Targets.fit(["1", "2", "other"], "multiclass")
    assert targets.encode([2, 1]).ravel().tolist() == [1, 0]
    assert Targets.fit([0, 1], "binary").encode([True, False]).ravel().tolist() == [1, 0]
    assert Targets.fit([0, 1], "binary").encode([1.0]).ravel().tolist() == [1]


@pytest.mark.parametrize(
    ("fitted", "task", "labels", "message"),
    [
        ([1, 2], "binary", [1, 3], r"row 1 .*unknown label 3; the model knows 1, 2"),
        ([1, 2], "binary", ["1x"], "unknown label '1x'; the model knows 1, 2"),
        ([1, 2], "binary", ["01"], "unknown label '01'; the model knows 1, 2"),
        ([1, 2], "binary", ["1", "3.0"], r"row 1 .*unknown label '3.0'; the model knows 1, 2"),
        (
            ["a", "b"],
            "binary",
            ["b", "zz"],
            r"row 1 .*unknown label 'zz'; the model knows 'a', 'b'",
        ),
        (["a", "b"], "binary", ["A"], "unknown label 'A'"),
        ([1, 2], "binary", [0.5], "0.5 is no class label"),
        ([[0, 1], [1, 0]], "multilabel", [[0, 2]], "output 1: label 2 is out of range"),
        ([[0, 1], [1, 0]], "multilabel", [[0, 1, 1]], "3 columns; the model was trained on 2"),
        ([1.0, 2.5], "regression", [np.nan], r"row 0 .*no value"),
        ([1.0, 2.5], "regression", ["a"], "needs numbers, found the text 'a'"),
    ],
)
def test_labels_the_model_cannot_know(fitted, task, labels, message):
    with pytest.raises(DataError, match=message):
        Targets.fit(fitted, task).encode(labels)


@pytest.mark.parametrize(
    ("target", "task", "error", "message"),
    [
        ([1, 1], "binary", DataError, "one class only: all 2 rows are 1"),
        ([1, 2, 3], "binary", DataError, "needs two classes, found 3: 1, 2, 3; use task='multi"),
        ([[0, 1], [2, 0]], "multilabel", DataError, "row 1 .*output 0: label 2 is out of range"),
        (["a", "b"], "regression", DataError, "needs numbers, found the text 'a'"),
        ([1.0, np.inf], "regression", DataError, "row 1 .*inf"),
        ([1, 2], "regresion", ArgumentError, "did you mean 'regression'"),
    ],
)
def test_targets_that_cannot_be_fitted(target, task, error, message):
    with pytest.raises(error, match=message):
        Targets.fit(target, task)


def test_arguments():
    with pytest.raises(ArgumentError, match="dtype must be"):
        Targets.fit([1, 2], "binary", dtype="int8")
    with pytest.raises(DataError, match="class index 2 is out of range: there are 2 classes"):
        Targets.fit([1, 2], "binary").decode([2])
    with pytest.raises(DataError, match="found 2 outputs, expected 1"):
        Targets.fit([1.5, 2], "regression").decode([[1.0, 2.0]])
    with pytest.raises(ArgumentError, match="inverse is for regression"):
        Targets.fit([1, 2], "binary").inverse([1.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "other"}, "'task' has the value 'other'"),
        ({"task": []}, "'task' has the value"),
        ({"extra": 1}, "unknown entries extra"),
        ({"flat": 1}, "'flat'"),
        ({"n_outputs": 2}, "n_outputs=2 does not fit task 'binary'"),
        ({"n_outputs": True}, "'n_outputs'"),
        ({"dtype": "float16"}, "'dtype'"),
        ({"classes": None}, "classes do not fit"),
        ({"classes": [2, 1]}, "sorted labels of one type"),
        ({"classes": [1, True]}, "sorted labels of one type"),
        ({"classes": [1, 2, 3]}, "sorted labels of one type"),
        ({"classes": [1, 2**70]}, "too large"),
        ({"label_type": "text"}, "sorted labels of one type"),
        ({"label_type": ["text"]}, "'label_type'"),
        ({"task": "regression"}, "entries mean, scale are missing"),
    ],
)
def test_foreign_states_are_refused(change, message):
    metadata, arrays = Targets.fit([1, 2], "binary").to_state()
    with pytest.raises(ModelFileError, match=message):
        Targets.from_state(metadata | change, arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mean": np.zeros(2)}, "'mean' must be 1 finite numbers"),
        ({"mean": np.array([np.nan])}, "'mean' must be 1 finite numbers"),
        ({"mean": np.zeros(1, np.float32)}, "'mean' must be float64, found float32"),
        ({"scale": np.zeros(1)}, "'scale' must be positive"),
        ({"other": np.zeros(1)}, "unknown entries other"),
    ],
)
def test_foreign_arrays_are_refused(change, message):
    metadata, arrays = Targets.fit([1.5, 2], "regression").to_state()
    with pytest.raises(ModelFileError, match=message):
        Targets.from_state(metadata, arrays | change)
    with pytest.raises(ModelFileError, match="entries scale are missing"):
        Targets.from_state(metadata, {"mean": arrays["mean"]})
    with pytest.raises(ModelFileError, match="expected a mapping"):
        Targets.from_state([], arrays)


def test_several_targets_of_text():
    with pytest.raises(DataError, match="found the text 'a'; several targets must be numbers, or"):
        Targets.fit([["a", "b"], ["b", "a"]], "multilabel")


def test_tiny_targets_are_standardised():
    y = np.array([1.0, 3.0]) * 1e-200
    targets = Targets.fit(y, "regression", dtype="float64")
    assert targets.encode(y).ravel().tolist() == [-1.0, 1.0]
    assert targets.inverse([[1.0]])[0] == pytest.approx(3e-200, rel=1e-14, abs=0)


def test_text_of_numbers_serves_a_regression():
    targets = Targets.fit(["1.5", "2.5", "1e1"], "regression", standardize=False)
    assert targets.encode(["7", "0.5"]).ravel().tolist() == [7, 0.5]
    with pytest.raises(DataError, match="needs numbers, found the text 'x'"):
        Targets.fit(["1.5", "x"], "regression")


def test_labels_that_are_no_text_are_known_by_the_text_of_a_frame():
    targets = Targets.fit([False, True], "binary")  # of a file, or of a typed column
    assert targets.encode(["true", "False", "1"]).ravel().tolist() == [1, 0, 1]
    targets = Targets.fit([7, 11, -3], "multiclass")
    assert targets.encode(["11", " 7.0", "-3"]).ravel().tolist() == [2, 1, 0]


def test_codes_are_labels_of_their_own():
    targets = Targets.fit(["1", "01", "2"], "multiclass")
    assert targets.classes.tolist() == ["01", "1", "2"]
    assert targets.encode([1, 2]).ravel().tolist() == [1, 2]
    assert infer_task(["1", "01"]) == "binary"


def test_labels_of_text_are_known_by_other_spellings_of_numbers():
    targets = Targets.fit(["True", "False", "maybe"], "multiclass")
    assert targets.encode([True, False]).ravel().tolist() == [1, 0]
    targets = Targets.fit(["1.0", "2.0", "x"], "multiclass")
    assert targets.encode([2, 1]).ravel().tolist() == [1, 0]
    assert targets.decode([1]).tolist() == ["2.0"]
    # two labels of one number: only the spelling itself tells them apart
    targets = Targets.fit(["1", "1.0", "x"], "multiclass")
    assert targets.encode([1]).ravel().tolist() == [0]


def test_a_target_is_never_rounded():
    with pytest.raises(DataError, match=r"target, row 1 .*9007199254740993 is too large"):
        Targets.fit([1, 2**53 + 1], "regression")
    with pytest.raises(DataError, match=r"target 1, row 0 .*9007199254740993 is too"):
        Targets.fit([[1, 2**53 + 1], [2, 3]], "regression")


def test_a_long_label_is_cut_short():
    with pytest.raises(DataError) as caught:
        Targets.fit(["a" * 10_000, "b"], "binary").encode(["z" * 10_000])
    assert len(str(caught.value)) < 500
