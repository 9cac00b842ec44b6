"""`diagnose`: a model examined on data, and data that do not fit it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import DataError, diagnose, load, train
from fastnn.datasets.builtin import load as built_in
from fastnn.model.model import Model

DIABETES = built_in("diabetes")
X, Y = DIABETES.table.numeric, DIABETES.target


@pytest.fixture(scope="module")
def model() -> Model:
    return train("diabetes", hidden_layer_sizes=[8, 8], epochs=20, learning_rate=0.01).model


def test_a_model_on_tables_arrays_and_files(model: Model, tmp_path: Path) -> None:
    found = diagnose(model, DIABETES.table, Y)
    assert found.findings == ()
    assert found.looks[0].examples == 442
    assert diagnose(model, X, Y) == found
    path, names = tmp_path / "patients.csv", [*DIABETES.table.names, "progression"]
    rows = [";".join(names), *(";".join(map(str, [*row, y])) for row, y in zip(X, Y, strict=True))]
    path.write_text("\n".join(rows))
    assert diagnose(model, path, delimiter=";") == found
    json.dumps(found.to_json(), allow_nan=False)


def test_it_is_what_the_file_is(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "m.fastnn")
    found = diagnose(load(tmp_path / "m.fastnn"), DIABETES.table, DIABETES.target)
    assert found == diagnose(model, DIABETES.table, DIABETES.target)


def test_one_row(model: Model) -> None:
    """Of one example no unit can be said to be dead or saturated on all."""
    found = diagnose(model, DIABETES.table.rows(np.array([0])), DIABETES.target[:1])
    assert found.looks[0].examples == 1
    assert [finding.name for finding in found.findings if "units" in finding.name] == []


def test_other_columns_are_named(model: Model) -> None:
    with pytest.raises(DataError, match="missing columns: age"):
        diagnose(model, {"length": [1.0], "progression": [2.0]})
    with pytest.raises(DataError, match="expected 10 features, found 3"):
        diagnose(model, np.zeros((2, 3)), [1.0, 2.0])
    with pytest.raises(DataError, match="progression"):
        diagnose(model, dict(zip(DIABETES.table.names, X.T, strict=True)))


def test_labels_that_it_does_not_know() -> None:
    model = train("digits", hidden_layer_sizes=[], epochs=1).model
    with pytest.raises(DataError, match="label 11"):
        diagnose(model, np.zeros((2, 64)), [3, 11])


def test_data_in_other_units_are_told(model: Model) -> None:
    found = diagnose(model, 1000 * X, 1000 * DIABETES.target)
    said = [str(finding) for finding in found.findings]
    assert said[0].startswith("unscaled inputs: the root mean square of column '")
    assert said[0].endswith(
        "by the mean and deviation of the training part; give the units of training"
    )
    assert said[1].startswith("unscaled targets: the root mean square of the target is")


def test_a_model_without_history(model: Model) -> None:
    bare = replace(model, learner=model.learner.copy_to(model.backend), options={}, report={})
    bare.learner.progress.history = type(model.history)()
    assert diagnose(bare, DIABETES.table, DIABETES.target).findings == ()


def test_weights_of_another_library() -> None:
    sklearn = pytest.importorskip("sklearn.neural_network", reason="scikit-learn is the oracle")
    A = np.random.default_rng(0).standard_normal((100, 3))
    foreign = sklearn.MLPRegressor(hidden_layer_sizes=[4], solver="lbfgs", random_state=0)
    found = diagnose(fastnn.from_sklearn(foreign.fit(A, A[:, 0])), A, A[:, 0])
    assert [layer.units for layer in found.looks[0].layers] == [4, 1]


def test_weights_that_are_no_numbers(model: Model) -> None:
    """Such as of a training that a callback let go on; a file does not hold them."""
    spoilt = model.to("cpu")
    spoilt.parameters.W[1][0, 0] = np.nan
    found: Any = diagnose(spoilt, DIABETES.table, DIABETES.target)
    assert str(found.findings[0]).startswith(
        "learning rate too high: the weights of layer 2 are no longer finite numbers; try "
        "learning_rate=0.001, or gradient_clip=1"
    )


def test_an_estimator_and_a_sequential_are_what_their_models_are() -> None:
    pytest.importorskip("sklearn", reason="the estimators need scikit-learn")
    estimator = fastnn.MLPRegressor(hidden_layer_sizes=(8,), solver="sgd", tol=10.0)
    estimator.fit(X, Y)
    layers = fastnn.Sequential([fastnn.Normalization(), fastnn.Dense(8, "tanh"), fastnn.Dense(1)])
    layers.compile(loss="mse")
    layers.fit(X, Y)
    for given in (estimator, layers):
        found = diagnose(given, X, Y)
        of_model = diagnose(given.to_model(), X, Y)
        assert found.looks == of_model.looks
        assert [f.name for f in found.findings] == [f.name for f in of_model.findings]
        assert [layer.units for layer in found.looks[0].layers] == [8, 1]


def test_cures_are_what_the_door_of_the_training_has() -> None:
    """Raw inputs and a raw target: of `train`, an estimator, a Sequential, and of nobody."""
    pytest.importorskip("sklearn", reason="the estimators need scikit-learn")
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    rng = np.random.default_rng(1)
    rows = 1000 * rng.standard_normal((60, 2))
    values = rows[:, 0]
    ours = fastnn.train(
        rows, values, standardize=False, standardize_target=False, epochs=1, verbose=False
    ).model
    estimator = fastnn.MLPRegressor(hidden_layer_sizes=(4,), max_iter=1)
    with pytest.warns(ConvergenceWarning):
        estimator.fit(rows, values)
    layers = fastnn.Sequential([fastnn.Dense(1)])
    layers.compile(loss="mse", optimizer="adam")
    layers.fit(rows, values)
    theirs = MLPRegressor(hidden_layer_sizes=(4,), max_iter=1)
    with pytest.warns(ConvergenceWarning):
        theirs.fit(rows, values)
    nobody = fastnn.from_sklearn(theirs)
    said = {
        "do without standardize=False": ours,
        "give the estimator standardize=True": estimator,
        "let the first layer be Normalization()": layers,
        "let the first layer be Normalization() ": layers.to_model(),
        "give the rows scaled as the training had them": nobody,
    }
    for cure, given in said.items():
        found = diagnose(given, rows, values)
        named = {finding.name: finding.cure for finding in found.findings}
        assert named["unscaled inputs"] == cure.strip()
        others = "standardize" if "standardize" not in cure else "Normalization"
        assert others not in str(found), found
        assert ("find_learning_rate" in str(found)) <= (given is ours)


def test_a_built_in_name_is_the_same_rows_at_every_door() -> None:
    model = train("digits", hidden_layer_sizes=[4], epochs=1, verbose=False).model
    digits = built_in("digits")
    assert model.evaluate("digits") == model.evaluate(digits.table, digits.target)
    np.testing.assert_array_equal(model.predict("digits"), model.predict(digits.table))
    assert model.predict_proba("digits").shape == (1797, 10)
    assert diagnose(model, "digits") == diagnose(model, digits.table, digits.target)
    with pytest.raises(fastnn.ArgumentError, match="target has no effect: data set 'digits' has"):
        model.evaluate("digits", "y")
    with pytest.raises(fastnn.ArgumentError, match="decimal has no effect"):
        model.predict("digits", decimal=",")
    weights = np.arange(1797.0)
    weighted = model.evaluate(digits.table, digits.target, sample_weight=weights)
    assert model.evaluate("digits", sample_weight=weights) == weighted
