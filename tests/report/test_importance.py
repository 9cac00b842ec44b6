"""Permutation importance: the column of the user's table is permuted, and nothing else."""

import math

import numpy as np
import pytest

from fastnn.api.train import Training, train
from fastnn.backend.random import generator
from fastnn.data.table import Table
from fastnn.errors import ArgumentError, DataError
from fastnn.report.importance import explain, most_rows
from tests.optional import optional
from tests.report.conftest import NASTY, SETTINGS, classes, table


def _permuted(columns: dict[str, np.ndarray], name: str, order: np.ndarray) -> dict:
    return {n: v[order] if n == name else v for n, v in columns.items()}


@pytest.mark.parametrize(
    ("task", "columns", "target", "metric", "sign"),
    [
        ("regression", table(), "price", None, 1),
        ("regression", table(), "price", "mae", -1),
        ("multiclass", classes(("a", "b", "c", NASTY)), "kind", None, 1),
        ("binary", classes(("cheap", NASTY)), "kind", "log_loss", -1),
    ],
)
def test_it_is_the_metric_on_the_permuted_table(
    trainings: dict[str, Training], task, columns, target, metric, sign
) -> None:
    """A column with gaps and one of categories are several inputs, which move together."""
    model = trainings[task].model
    found = explain(model, columns, by=metric, repeats=2, seed=3)
    name = metric or {"regression": "r2"}.get(task, "accuracy")
    assert found.metric == name
    assert found.score == pytest.approx(model.evaluate(columns, metrics=[name])[name], rel=1e-6)
    for j, column in enumerate(found.columns):
        for r in range(2):
            order = generator(3, "importance", r).permutation(len(columns[target]))
            value = model.evaluate(_permuted(columns, column, order), metrics=[name])[name]
            drop = sign * (found.score - value)
            assert found.drops[j, r] == pytest.approx(drop, rel=1e-5, abs=1e-6)
    assert set(found.columns) == {n for n in columns if n != target}


def test_labels_and_several_targets_can_be_explained(trainings: dict[str, Training]) -> None:
    rng = np.random.default_rng(6)
    X = rng.normal(size=(150, 4))
    Y = np.column_stack([X[:, 0] + 3, 10 * X[:, 1] - X[:, 2]])
    found = explain(trainings["several"].model, X, Y)
    assert found.mean[3] < min(found.mean[:2])  # the target does not depend on it
    labels = (X[:, :3] > 0).astype(int)
    found = explain(trainings["multilabel"].model, X, labels, by="f1")
    assert found.mean[3] < min(found.mean[:3])


def test_scikit_learn_finds_about_the_same(trainings: dict[str, Training]) -> None:
    """Its orders are others: means of 40 of them, by three standard errors of the two."""
    permutation_importance = optional("sklearn.inspection").permutation_importance
    X = np.random.default_rng(1).normal(size=(200, 3))
    y = 3 * X[:, 0] + X[:, 1]
    model = train(X, y, **SETTINGS).model

    class Wrapped:
        def fit(self) -> None:
            """It is fitted."""

        def score(self, X: np.ndarray, y: np.ndarray) -> float:
            return model.evaluate(X, y)["r2"]

    theirs = permutation_importance(Wrapped(), X, y, n_repeats=40, random_state=0)
    ours = explain(model, X, y, repeats=40)
    spread = np.hypot(ours.deviation, theirs.importances_std) / math.sqrt(40)
    assert (abs(ours.mean - theirs.importances_mean) <= 3 * spread + 1e-9).all()


def test_ranks_deviations_and_text_by_hand(trainings: dict[str, Training]) -> None:
    found = explain(trainings["regression"].model, table(), repeats=3)
    assert found.mean == pytest.approx([sum(row) / 3 for row in found.drops.tolist()])
    expected = [math.sqrt(sum((x - sum(row) / 3) ** 2 for x in row) / 3) for row in found.drops]
    assert found.deviation == pytest.approx(expected)
    assert found.columns[found.ranked[0]] == "area"
    rows = list(found)
    assert [row["importance"] for row in rows] == sorted(found.mean.tolist(), reverse=True)


def test_the_same_seed_gives_the_same_and_rows_are_drawn(trainings: dict[str, Training]) -> None:
    model = trainings["regression"].model
    one, again, other = (explain(model, table(), rows=50, seed=s) for s in (1, 1, 2))
    assert one.drops.tobytes() == again.drops.tobytes()
    assert one.drops.tobytes() != other.drops.tobytes()
    assert (one.rows, one.total) == (50, 240)
    assert "50 of 240" in repr(one)


def test_one_row_and_an_undefined_metric(trainings: dict[str, Training]) -> None:
    columns = classes(("cheap", NASTY))
    model = trainings["binary"].model
    with pytest.raises(DataError, match="what matters cannot be told from one row: give two or"):
        explain(model, {name: values[:1] for name, values in columns.items()})
    same = np.flatnonzero(columns["kind"] == "cheap")[:2]  # ROC AUC needs both classes
    found = explain(model, {name: v[same] for name, v in columns.items()}, by="roc_auc")
    assert np.isnan(found.drops).all()
    assert sorted(found.ranked) == [0, 1, 2, 3]


def test_very_wide_rows_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    model = train(np.zeros((40, 50)), np.arange(40) % 2, **SETTINGS).model
    assert most_rows(model, 5) == 20_000
    monkeypatch.setattr("fastnn.report.importance.MOST_NUMBERS", 5 * 50 * 130)
    assert most_rows(model, 5) == 130


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"by": "accuracy"}, ArgumentError, "by: metric 'accuracy' does not apply to a "),
        ({"by": "r3"}, ArgumentError, "by: unknown metric 'r3' (known: accuracy, "),
        ({"by": ["r2"]}, ArgumentError, "by must be the name of a metric, found"),
        ({"repeats": 0}, ArgumentError, "repeats must be a whole number above 0, found 0"),
        ({"rows": 1}, ArgumentError, "rows must be 2 or more"),
        ({"rows": 1.5}, ArgumentError, "rows must be a whole number above 0, found 1.5"),
        ({"seed": -1}, ArgumentError, "seed must be a whole number from 0 to"),
        ({"target": "prise"}, DataError, "target: no column 'prise'; did you mean 'price'"),
        ({"colour": "red"}, ArgumentError, "a model has no argument 'colour'"),
    ],
)
def test_what_cannot_be_is_refused(trainings, given, error, said) -> None:
    with pytest.raises(error) as caught:
        explain(trainings["regression"].model, table(), **given)
    assert str(caught.value).startswith(said)


def test_other_columns_and_a_built_in_set(trainings) -> None:
    with pytest.raises(DataError, match="area"):
        explain(trainings["regression"].model, {"price": np.arange(3.0), "b": np.arange(3.0)})
    with pytest.raises(ArgumentError, match="target has no effect: data set 'diabetes' has its"):
        explain(trainings["regression"].model, "diabetes", "price")
    with pytest.raises(DataError, match="'diabets' is neither a file nor a built-in data set"):
        explain(trainings["regression"].model, "diabets")
    found = explain(trainings["several"].model, Table.from_columns(
        {"x": np.zeros((5, 4))}, positional=True), np.zeros((5, 2)))  # fmt: skip
    assert found.rows == 5
