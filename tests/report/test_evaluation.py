"""What `fastnn evaluate` says: per class, per target, beside the baseline, of quantiles."""

import re
import warnings
from typing import Any

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.datasets.builtin import load
from fastnn.model.model import Model
from fastnn.preparation.examples import Examples
from fastnn.report.evaluation import MOST_LINES, Evaluation
from fastnn.report.judged import Judged
from tests.optional import optional

RNG = np.random.default_rng(5)


@pytest.fixture
def skm() -> Any:
    """scikit-learn's metrics."""
    optional("sklearn").__name__  # noqa: B018 -- skips without it
    return optional("sklearn.metrics")


def evaluation(model: Model, X: Any, y: Any, chosen: Any = None) -> Evaluation:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Evaluation(Judged.of(model, model.examples(X, y), "the data"), chosen)


def quiet(*args: Any, **options: Any) -> Model:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return train(*args, **{"epochs": 2, "hidden_layer_sizes": [], **options}).model


def test_a_model_that_says_always_no_is_called_no_better() -> None:
    X, y = RNG.normal(size=(200, 2)), np.array(["no"] * 188 + ["yes"] * 12)
    model = quiet(X, y, learning_rate=1e-9)
    found = evaluation(model, X, y)
    shares = np.asarray(model.predict(X) == y).mean()
    document = found.document()
    assert document["baseline"]["metrics"]["accuracy"] == pytest.approx(0.94)
    assert document["baseline"]["beaten"] is bool(shares > 0.94)
    said = "the model is no better than that: its accuracy is"
    assert (said in found.text()) is not bool(shares > 0.94)
    assert "baseline: always 'no'" in found.text()


def test_several_targets_have_a_row_each(skm: Any) -> None:
    X = RNG.normal(size=(80, 3))
    y = np.column_stack([X[:, 0], X[:, 1] * 5 + 2])
    model = quiet({"a": X[:, 0], "b": X[:, 1], "low": y[:, 0], "high": y[:, 1]}, ["low", "high"])
    found = evaluation(model, {"a": X[:, 0], "b": X[:, 1]}, y)
    a = model.predict({"a": X[:, 0], "b": X[:, 1]})
    for j, name in enumerate(("low", "high")):
        wanted = {
            "r2": skm.r2_score(y[:, j], a[:, j]),
            "rmse": skm.root_mean_squared_error(y[:, j], a[:, j]),
            "mae": skm.mean_absolute_error(y[:, j], a[:, j]),
        }
        assert found.document()["outputs"][name] == pytest.approx(wanted, rel=1e-5)
        assert f"\n{name}" in found.text()


def test_a_quantile_model_has_pinball_loss_and_coverage(skm: Any) -> None:
    X = RNG.normal(size=(300, 2))
    y = X[:, 0] + RNG.normal(size=300)
    model = quiet(X, y, loss="quantile(quantile=0.9)", epochs=40, learning_rate=0.01)
    found = evaluation(model, X, y).document()["metrics"]
    a = model.predict(X)
    assert found["coverage"] == np.mean(y <= a)
    wanted = skm.mean_pinball_loss(y, a, alpha=0.9)
    assert found["pinball(quantile=0.9)"] == pytest.approx(wanted, rel=1e-5)


def test_every_class_has_precision_recall_and_f1(skm: Any) -> None:
    X, y = RNG.normal(size=(150, 2)), RNG.choice(["x", "y", "z"], 150)
    X[:, 0] += y == "x"
    model = quiet(X, y)
    found = evaluation(model, X, y)
    said = model.predict(X)
    p, r, f, n = skm.precision_recall_fscore_support(y, said, zero_division=0)
    for k, row in enumerate(found.document()["classes"]):
        assert row["label"] == "xyz"[k]
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx([p[k], r[k], f[k]])
        assert row["examples"] == n[k]
    matrix = found.document()["confusion_matrix"]["counts"]
    assert matrix == skm.confusion_matrix(y, said).tolist()


def test_of_many_classes_the_worst_and_the_most_frequent_confusions_are_shown() -> None:
    X, y = RNG.normal(size=(600, 2)), np.arange(600) % 60
    model = quiet(X, y, task="multiclass")
    found = evaluation(model, X, y)
    text, document = found.text(), found.document()
    assert document["confusion_matrix"] is None
    assert len(document["classes"]) == 60
    assert f"the {MOST_LINES} of 60 with the lowest f1" in text
    assert "taken for another class, the 15 most frequent of" in text
    wrong = np.sum(model.predict(X) != y)
    assert sum(pair["examples"] for pair in document["confusions"]) == wrong
    assert len(text.splitlines()) < 75


def test_labels_are_told_one_by_one() -> None:
    X = RNG.normal(size=(100, 2))
    y = (X > 0).astype(int)
    model = quiet({"a": X[:, 0], "b": X[:, 1], "u": y[:, 0], "v": y[:, 1]}, ["u", "v"])
    found = evaluation(model, {"a": X[:, 0], "b": X[:, 1]}, y).document()
    assert [row["label"] for row in found["labels"]] == ["u", "v"]
    assert [row["examples"] for row in found["labels"]] == y.sum(axis=0).tolist()
    assert "average_precision" in found["metrics"]


def test_metrics_of_choice_are_all_that_is_told() -> None:
    X, y = RNG.normal(size=(40, 2)), np.arange(40) % 2
    found = evaluation(quiet(X, y), X, y, ["f1"])
    assert set(found.metrics) == {"loss", "f1"}
    assert set(found.baseline[1]) == {"f1"}


def test_one_row_is_an_example() -> None:
    X, y = RNG.normal(size=(40, 2)), np.arange(40) % 2
    text = evaluation(quiet(X, y), X[:1], y[:1]).text()
    assert text.splitlines()[1].startswith("1 example ")


def test_classes_neither_there_nor_predicted_have_no_line() -> None:
    digits = load("digits")
    model = train("digits", hidden_layer_sizes=[32], epochs=3, verbose=False).model
    one = Examples(digits.table.rows(np.array([0])), digits.target[:1])
    text = Evaluation(Judged.of(model, one, "one")).text()
    assert "9 more classes are neither there nor predicted" in text
    assert not [line for line in text.splitlines() if line.startswith("9 ") and "more" not in line]
    every = Evaluation(Judged.of(model, Examples(digits.table, digits.target), "all")).text()
    assert "neither there" not in every


@pytest.mark.parametrize("given", [None, np.tile([0.5, 1.0, 2.25, 1.0], 20), np.full(80, 2.0)])
def test_whether_examples_are_weighted_is_said(given: Any) -> None:
    x = RNG.normal(size=80)
    data = {"x": x, "y": np.where(x > 0, "p", "n")}
    weighted = data | {"w": np.arange(80.0)}
    model = quiet(weighted, "y", sample_weight="w")
    found = Evaluation(Judged.of(model, model.examples(data, "y", sample_weight=given), "the data"))
    text, document = found.text(), found.document()
    counted = np.ones(80) if given is None else given
    there = [float(counted[data["y"] == label].sum()) for label in "np"]
    said = "the examples are weighted: counts are sums of their weights"
    assert document["weighted"] == (said in text) == (given is not None)
    absent = "without weights: the column 'w' that training took is not there"
    assert (absent in text) == (given is None)
    key = "examples" if given is None else "weight"
    assert [row[key] for row in document["classes"]] == there
    wide = [f"{n:.2f}" if there[0] % 1 else f"{n:.0f}" for n in there]
    lines = re.search(r"^class .*\n(.*)\n(.*)$", text, re.M)
    assert lines is not None
    assert [line.split()[-1] for line in lines.groups()] == wide
    assert np.sum(document["confusion_matrix"]["counts"]) == sum(there)
    if given is None:
        assert type(document["classes"][0]["examples"]) is int
        assert type(document["confusion_matrix"]["counts"][0][0]) is int
