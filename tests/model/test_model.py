"""A trained model: predictions for every form of data, and what it refuses."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

import fastnn
from fastnn.api.train import train
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.engine import compiled_status
from fastnn.data.statistics import DataNote, DataWarning
from fastnn.datasets.builtin import load
from fastnn.errors import ArgumentError, DataError, DeviceError
from fastnn.preparation.loss_weights import check_weights
from fastnn.reading.files import read_table
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")

RNG = np.random.default_rng(1)
N = 60
FRAME = {
    "age": RNG.normal(40, 10, N),
    "town": np.array(["Ulm", "Bonn", "Kiel"] * (N // 3), object),
    "pay": RNG.normal(0, 1, N),
}
LABELS = np.where(FRAME["age"] + 5 * FRAME["pay"] > 40, "old", "young")
OPTIONS = {"hidden_layer_sizes": [5], "epochs": 5}


@pytest.fixture(scope="module")
def model():
    return train({**FRAME, "who": LABELS}, "who", **OPTIONS).model


@pytest.fixture(scope="module")
def regression():
    return train(FRAME, FRAME["age"] * 100, task="regression", **OPTIONS).model


def test_predictions_do_not_depend_on_the_form_of_the_data(model, tmp_path):
    frame = pd.DataFrame(FRAME)
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    expected = model.predict_proba(FRAME)
    assert expected.shape == (N, 2)
    np.testing.assert_allclose(expected.sum(axis=1), 1, rtol=1e-6)
    for data in (
        frame, frame[["town", "pay", "age"]], pl.DataFrame(FRAME), tmp_path / "d.csv",
        tmp_path / "d.parquet", {name: list(values) for name, values in FRAME.items()},
    ):  # fmt: skip
        np.testing.assert_array_equal(model.predict_proba(data), expected)
    labels = model.predict(frame)
    np.testing.assert_array_equal(labels, np.where(expected[:, 1] > 0.5, "young", "old"))


def test_one_row_predicts_as_it_does_among_others(model):
    whole = model.predict_proba(FRAME)
    for i in (0, 17):
        one = model.predict_proba({name: values[i : i + 1] for name, values in FRAME.items()})
        np.testing.assert_allclose(one[0], whole[i], rtol=1e-5)


def test_regression_answers_in_the_units_of_the_target(regression):
    values = regression.predict(FRAME)
    assert values.shape == (N,)
    assert values.dtype == np.float64
    y = FRAME["age"] * 100
    assert y.min() - 3 * y.std() < values.min() <= values.max() < y.max() + 3 * y.std()
    found = regression.evaluate(FRAME, y)
    assert found["mae"] == pytest.approx(abs(values - y).mean(), rel=1e-6)
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean((values - y) ** 2)), rel=1e-6)
    assert found["r2"] == pytest.approx(1 - np.mean((values - y) ** 2) / y.var(), rel=1e-5)
    with pytest.raises(
        ArgumentError, match=r"no probabilities with task='regression': a reg.* use predict"
    ):
        regression.predict_proba(FRAME)


def test_evaluate_knows_its_target_by_name(model):
    labelled = {**FRAME, "who": LABELS}
    found = model.evaluate(labelled)
    assert found == model.evaluate(FRAME, LABELS)
    assert found == model.evaluate({**FRAME, "other": LABELS}, "other")
    assert found["accuracy"] == np.mean(model.predict(FRAME) == LABELS)
    p = model.predict_proba(FRAME)[np.arange(N), (LABELS == "young").astype(int)]
    assert found["loss"] == pytest.approx(-np.log(p).mean(), rel=1e-5)
    assert set(model.evaluate(labelled, metrics=["log_loss"])) == {"log_loss", "loss"}


def test_sample_weights_count_examples_and_their_scale_does_not_matter(model):
    twice = {name: np.concatenate([v, v[:20]]) for name, v in FRAME.items()}
    weights = np.where(np.arange(N) < 20, 2.0, 1.0)
    expected = model.evaluate(twice, np.concatenate([LABELS, LABELS[:20]]))
    for scale in (1, 50):
        found = model.evaluate(FRAME, LABELS, sample_weight=weights * scale)
        assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("age"), "no column 'age'"),
        (lambda d: d.update(age=np.full(N, "x")), "'x' is not a number, in a numeric column"),
        (lambda d: d.update(age=np.full(N, np.inf)), "column 'age', row 0.*inf is not a finite"),
        (lambda d: d.update(age=np.full(N, 1e300)), "too large for float32"),
        (lambda d: d.update(age=np.zeros(2)), "column '.*' has .* rows"),
        (lambda d: d.clear(), "missing columns: age, pay, town"),
    ],
)
def test_columns_that_do_not_fit(model, change, said):
    data = dict(FRAME)
    change(data)
    before = model.parameters.theta.tobytes()
    with pytest.raises(DataError, match=said):
        model.predict(data)
    assert model.parameters.theta.tobytes() == before


@pytest.mark.parametrize("form", ["dict", "pandas", "table", "csv"])
def test_columns_that_it_does_not_know_are_left_out_with_one_note(model, form, tmp_path):
    # of a kind that no model could take, but for a Table, which is read already
    more = {**FRAME, "id": np.arange(N), "guest": np.array(["x"] * N)}
    if form != "table":
        more["day"] = np.full(N, "2024-01-31", "M8[D]")
    data = {
        "dict": lambda: more,
        "pandas": lambda: pd.DataFrame(more),
        "table": lambda: read_table(more),
        "csv": lambda: write_csv(tmp_path / "more.csv", more),
    }[form]()
    for predict in (model.predict, model.predict_proba):
        with pytest.warns(DataNote) as caught:
            found = predict(data)
        assert len(caught) == 1
        names = "id, guest" if form == "table" else "id, guest, day"
        said = f"columns that the model does not take are left out: {names}"
        assert str(caught[0].message) == said
        plain = write_csv(tmp_path / "plain.csv", FRAME) if form == "csv" else FRAME
        np.testing.assert_array_equal(found, getattr(model, predict.__name__)(plain))


def test_the_target_in_the_data_is_named_as_such(model):
    with pytest.warns(DataNote, match="^the target 'who' in the data is left out$"):
        model.predict({**FRAME, "who": LABELS})
    with pytest.warns(DataNote, match="are left out: id; so is the target 'who'$"):
        model.predict({**FRAME, "id": LABELS, "who": LABELS})
    with pytest.warns(DataNote, match="are left out: id$"):
        model.evaluate({**FRAME, "id": LABELS, "who": LABELS})


def write_csv(path, columns):
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_the_number_of_features():
    model = train("diabetes", epochs=1, **{"hidden_layer_sizes": []}).model
    with pytest.raises(DataError, match="expected 10 features, found 9"):
        model.predict(np.zeros((3, 9)))
    with pytest.raises(DataError, match="expected 10 features, found 1"):
        model.predict(np.zeros(10))
    with pytest.raises(DataError, match="the data are empty: no rows"):
        model.predict(np.zeros((0, 10)))


def test_a_few_rows_are_read_as_in_training():
    # by themselves these rows would be numbers, truth, or near enough to be refused
    codes = np.array(["02134", "1.0", "x", "true"] * 15, dtype=object)
    table = {"code": codes, "n": np.arange(60.0)}
    model = train(table, np.arange(60) % 3 * 1.5, hidden_layer_sizes=[4], epochs=3).model
    assert model.features.categories["code"] == ("02134", "1", "x")
    whole = model.predict(table)
    for i, spelt in enumerate(["02134", "1", "x", True]):
        for rows in (
            {"code": [spelt], "n": [i]}, [[spelt, i]], np.array([[spelt, i]], dtype=object),
            {"code": [f" {spelt} "], "n": [str(i)]},
        ):  # fmt: skip
            assert model.predict(rows) == whole[i]


def test_text_is_read_as_in_training_until_told_otherwise(tmp_path):
    lines = [f"{i % 7},{i % 9};{['NA', 'DE', '-'][i % 3]};{i % 5},5" for i in range(60)]
    path = tmp_path / "d.csv"
    path.write_text("a;cc;y\n" + "\n".join(lines) + "\n")
    how = {"delimiter": ";", "decimal": ",", "missing": []}
    model = train(path, "y", hidden_layer_sizes=[4], epochs=2, **how).model
    assert model.features.categories["cc"] == ("-", "DE", "NA")
    model.save(tmp_path / "m.fastnn")
    again = fastnn.load(tmp_path / "m.fastnn")
    rows = tmp_path / "rows.csv"
    rows.write_text("a;cc\n3,5;NA\n1,0;DE\n")
    found = again.predict(rows, delimiter=";")
    typed = {"a": [3.5, 1.0], "cc": ["NA", "DE"]}
    np.testing.assert_array_equal(found, model.predict(typed))
    with pytest.raises(DataError, match="'3,5' is not a number"):
        again.predict(rows, delimiter=";", decimal=".")
    with pytest.warns(DataWarning, match="column 'cc': 1 of 2 values are missing"):
        again.predict(typed, missing=["NA"])
    assert again.evaluate(path, delimiter=";") == model.evaluate(path, delimiter=";")


def test_text_labels_are_no_numbers_in_a_part_of_the_rows(tmp_path):
    labels = np.array(["1", "2", "other"] * 20, dtype=object)
    model = train({"a": np.arange(60.0)}, labels, hidden_layer_sizes=[], epochs=1).model
    path = tmp_path / "d.csv"
    path.write_text("a,target\n" + "1,1\n2,2\n" * 10 + "3,other\n")
    assert model.evaluate(path)["loss"] > 0
    with pytest.raises(DataError, match="unknown label 'othr'"):
        model.evaluate({"a": [1, 2], "target": ["1", "othr"]})


def test_labels_that_do_not_fit(model, regression):
    for target, error, said in (
        (np.full(N, "ancient"), DataError, "row 0 .*: unknown label 'ancient'; the model knows"),
        (LABELS[:3], DataError, "target has 3 values for 60 rows of data"),
        (np.zeros((N, 2)), DataError, "needs one label per row"),
        ("what", DataError, "target: no column 'what'"),
        (None, DataError, "target: no column 'who'"),
    ):
        with pytest.raises(error, match=said):
            model.evaluate(FRAME, target)
    with pytest.raises(ArgumentError, match="metrics must be a list of names, found 'accuracy'"):
        model.evaluate(FRAME, LABELS, metrics="accuracy")
    with pytest.raises(ArgumentError, match="metric 'rmse' does not apply to a binary target"):
        model.evaluate(FRAME, LABELS, metrics=["rmse"])
    with pytest.raises(DataError, match="the target has 2 columns; the model was trained on 1"):
        regression.evaluate(FRAME, np.zeros((N, 2)))


def test_a_gap_or_a_new_category_is_said(model):
    with pytest.warns(DataWarning, match="column 'town': 60 of 60 values have no place"):
        model.predict({**FRAME, "town": np.full(N, "Rome", object)})
    with pytest.warns(DataWarning, match="column 'age': 1 of 60 values are missing"):
        model.predict({**FRAME, "age": np.where(np.arange(N) == 3, np.nan, FRAME["age"])})


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([1.0], "needs one weight for 3 rows"),
        ([1.0, np.nan, 1.0], "must be finite"),
        ([1.0, -1.0, 1.0], "not negative"),
        ([0.0, 0.0, 0.0], "not 0 for every example"),
        (["a", "b", "c"], "must be a list of numbers"),
    ],
)
def test_sample_weights_that_cannot_be(weights, said):
    with pytest.raises(ArgumentError, match=f"sample_weight.*{said}"):
        check_weights(weights, 3)


def test_what_runs_the_predictions_is_chosen_and_said(model, tmp_path):
    model.save(tmp_path / "m.fastnn")
    assert model.to("cpu").engine is None, "nothing was predicted yet"
    expected = model.predict_proba(FRAME)
    for chosen in (
        model.to("cpu", engine="numpy"),
        fastnn.load(tmp_path / "m.fastnn", engine="numpy"),
    ):
        np.testing.assert_array_equal(chosen.predict_proba(FRAME), expected)
        assert chosen.engine["engine"] == "numpy"
        assert chosen.engine["reason"] == "engine='numpy' was asked for"
    assert fastnn.load(tmp_path / "m.fastnn").learner.settings.engine == "auto"
    if not compiled_status():
        compiled = fastnn.load(tmp_path / "m.fastnn", engine="compiled")
        np.testing.assert_allclose(compiled.predict_proba(FRAME), expected, rtol=1e-5)
        assert compiled.engine["engine"] == "compiled"
        assert compiled.evaluate(FRAME, LABELS)["loss"] > 0
        assert compiled.engine["engine"] == "compiled"


@pytest.mark.parametrize(
    ("how", "argument", "said"),
    [
        ({"engine": "numpi"}, "engine", "engine must be one of .*; did you mean 'numpy'"),
        ({"precision": "tf32"}, "precision", "precision='tf32' has no effect on device 'cpu'"),
        ({"capture": "always"}, "capture", "capture='always' has no effect on device 'cpu'"),
        ({"enginee": "numpy"}, "enginee", "has no argument 'enginee'; did you mean 'engine'"),
    ],
)
def test_what_cannot_run_predictions(model, tmp_path, how, argument, said):
    model.save(tmp_path / "m.fastnn")
    for call in (partial(fastnn.load, tmp_path / "m.fastnn"), partial(model.to, "cpu")):
        with pytest.raises(ArgumentError, match=said) as caught:
            call(**how)
        assert caught.value.argument == argument
    with pytest.raises(ArgumentError, match="engine='numpy' has no effect: the backend is made"):
        model.to(CpuBackend(), engine="numpy")


def test_another_device_is_another_model(model):
    moved = model.to("cpu")
    assert moved is not model
    assert model.to(CpuBackend()).device == moved.device == "cpu"
    np.testing.assert_array_equal(moved.outputs(FRAME), model.outputs(FRAME))
    before = model.outputs(FRAME)
    moved.parameters.theta[:] = 0
    np.testing.assert_array_equal(model.outputs(FRAME), before)
    with pytest.raises(ArgumentError, match="unknown device 'gpu'"):
        model.to("gpu")
    with pytest.raises(DeviceError, match="cuda:99"):
        model.to("cuda:99")


def test_its_text_says_what_it_is(model):
    facts = model.facts()
    assert facts["task"] == "binary of 'who'"
    assert facts["network"] == "6 inputs -> 5 relu -> 1 sigmoid; binary_crossentropy; 41 parameters"
    assert facts["inputs"] == "6: 2 numeric, standardised; 4 for the categories of town (3 values)"
    assert str(model).startswith("Model\n  task             binary of 'who'\n")


def test_classes_are_called_as_in_scikit_learn(model, regression):
    assert model.classes_.tolist() == ["old", "young"]
    assert model.predict_proba(FRAME).shape[1] == len(model.classes_)
    model.classes_[:] = "x"  # a copy
    assert model.classes_.tolist() == ["old", "young"]
    assert not hasattr(regression, "classes_")
    with pytest.raises(AttributeError, match="no attribute 'classes_': a regression model has no"):
        _ = regression.classes_
    labels = np.column_stack([FRAME["age"] > 40, FRAME["pay"] > 0]).astype(int)
    several = train(FRAME, labels, task="multilabel", **OPTIONS).model
    assert several.classes_.tolist() == [0, 1]
    assert several.predict_proba(FRAME).shape == (N, 2)


def test_copies_are_whole_and_their_own(model):
    model.outputs(FRAME)  # so that there is a recorded program to leave behind
    for again in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.outputs(FRAME), model.outputs(FRAME))
        before = model.outputs(FRAME)
        again.parameters.W[0][:] = 0
        np.testing.assert_array_equal(model.outputs(FRAME), before)
        assert (again.outputs(FRAME) != before).any()


def test_a_binary_model_with_softmax_predicts_the_likelier_label() -> None:
    """Two outputs, of which the second is the positive class."""
    model = train(
        "breast_cancer", loss="categorical_crossentropy", hidden_layer_sizes=[], epochs=20
    ).model
    data = load("breast_cancer")
    predicted, chances = model.predict(data.table), model.predict_proba(data.table)
    assert chances.shape == (569, 2)
    assert (predicted == chances.argmax(axis=1)).all()
    assert (predicted == data.target).mean() > 0.9


# --- rows of numbers without a table ------------------------------------------------------------


def test_rows_of_numbers_give_what_a_table_gives() -> None:
    table = {name: FRAME[name] for name in ("age", "pay")}
    for target, task in ((LABELS, "auto"), (FRAME["age"] * 100, "regression")):
        model = train(table, target, task=task, **OPTIONS).model
        rows = np.column_stack([FRAME["age"], FRAME["pay"]])
        expected = model.outputs(table)
        np.testing.assert_allclose(model.outputs_of_rows(rows), expected, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            model.outputs_of_rows(rows[3].tolist()), expected[3:4], rtol=1e-5, atol=1e-6
        )
        assert model.outputs_of_rows(rows).dtype == np.float32


def test_rows_that_are_not_plain_numbers_are_refused(model, regression) -> None:
    with pytest.raises(ArgumentError, match="columns of text, of dates or with gaps: use outputs"):
        model.outputs_of_rows([[1.0, 2.0]])
    numbers = train({"age": FRAME["age"]}, LABELS, **OPTIONS).model
    with pytest.raises(ArgumentError, match=r"X has shape \(1, 2\), needs \(N, 1\)"):
        numbers.outputs_of_rows([[1.0, 2.0]])
    for strange in (np.nan, np.inf, 1e300):
        with pytest.raises(ArgumentError, match="not finite, or too large for float32"):
            numbers.outputs_of_rows([strange])
