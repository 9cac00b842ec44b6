"""The account of what was read, and the baseline, at every door."""

import json
import re
import warnings

import numpy as np
import pytest

import fastnn
from fastnn.api.train import train
from fastnn.data.statistics import DataNote
from fastnn.data.targets import Targets
from fastnn.data.tasks import few_whole_numbers
from fastnn.preparation.account import account, account_json
from fastnn.preparation.baseline import Baseline, baseline_of, weighted_quantile
from fastnn.preparation.fit_to_task import choose_loss
from fastnn.training.part import Part
from tests.optional import optional

N = 100
HOW = {"hidden_layer_sizes": [2], "epochs": 1, "seed": 0, "engine": "numpy"}


@pytest.fixture
def skm():
    """scikit-learn's metrics."""
    return optional("sklearn.metrics")


def everything():
    """A table in which there is something to say of every kind."""
    x = np.arange(N, dtype=float)
    return {
        "size": np.where(x % 10 == 3, np.nan, x),
        "town": np.array(["Ulm", "Bonn", None, "Kiel"] * (N // 4), object),
        "name": [f"guest {i}" for i in range(N)],
        "gone": np.full(N, np.nan),
        "id": x,
        "weight": 1 + x % 2,
        "grade": np.where(x < 5, np.nan, x % 4),
    }


def trained(**more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataNote)
        return train(everything(), "grade", drop=["id"], sample_weight="weight", **HOW, **more)


def test_six_lines_say_everything() -> None:
    training = trained()
    model, record = training.model, training.record
    found = account(record, model.features, model.targets)
    assert found == {
        "rows": "95: 57 train, 19 validation, 19 test",
        "columns": "1 numeric and 1 with categories, which become 6 inputs; weights: 'weight'",
        "left out": "5 rows without a target; empty: 'gone'; nearly all different: 'name'; "
        "as asked: 'id'",
        "gaps": "filled: 'town' 24, 'size' 9",
        "target": found["target"],
    }
    said = "4 classes (task='regression' takes them as values): "
    assert found["target"].startswith(said)
    shares = [int(s.split()[-1][:-1]) for s in found["target"].removeprefix(said).split(", ")]
    assert shares == sorted(shares, reverse=True)
    assert 98 <= sum(shares) <= 102
    words = " ".join(str(training).split())  # which are wrapped
    for line in found.values():
        assert line in words


def test_the_document_has_the_names_and_counts() -> None:
    training = trained()
    found = account_json(training.record, training.model.features, training.model.targets)
    assert json.loads(json.dumps(found)) == found
    assert found["rows"] == {"train": 57, "validation": 19, "test": 19}
    assert found["rows_without_target"] == {"data": 5}
    assert found["columns"] == {"numeric": ["size"], "dates": [], "categorical": ["town"]}
    assert found["left_out"] == {"empty": ["gone"], "text": ["name"], "asked": ["id"]}
    assert {name: sum(of.values()) for name, of in found["gaps"].items()} == {"size": 9, "town": 24}
    assert (found["inputs"], found["weights"], found["whole_numbers_in_target"]) == (6, "weight", 4)
    assert [one["label"] for one in found["classes"]] == [0, 1, 2, 3]
    assert sum(one["share"] for one in found["classes"]) == pytest.approx(1)
    as_values = trained(task="regression")
    said = account(as_values.record, as_values.model.features, as_values.model.targets)["target"]
    assert "task=" not in said  # nothing is to be said of what was asked for


@pytest.mark.parametrize(
    ("target", "n"),
    [
        (np.arange(99) % 3, 3),
        (np.arange(99) % 2, 0),
        (np.arange(210) % 101, 0),
        (np.arange(200) % 100, 100),
        (np.arange(9) % 5, 0),  # fewer than two of each
        (np.arange(99) % 3 + 0.0, 3),
        (np.arange(99) % 3 + 0.5, 0),
        (["1", "2", "3"] * 9, 0),
        ([True, False] * 9, 0),
        (np.zeros((9, 2)), 0),
    ],
)
def test_whole_numbers_that_may_be_classes_or_values(target, n) -> None:
    assert few_whole_numbers(target) == n


def test_few_whole_numbers_as_values_are_said_with_the_way_out() -> None:
    letters = np.arange(N * 2) % 26
    said = r"26 different whole numbers, which are taken as values; as classes: task='multiclass'$"
    with pytest.warns(DataNote, match=said):
        training = train(letters / 3.0, letters, **HOW)
    said = account(training.record, training.model.features, training.model.targets)["target"]
    assert "task=" not in said  # it was told, once
    assert train(letters / 3.0, letters, loss="poisson", **HOW).model.task == "regression"
    for task in ("regression", "multiclass"):
        assert train(letters / 3.0, letters, task=task, **HOW).model.task == task


@pytest.mark.parametrize(
    ("target", "task", "cost", "prior", "says", "metrics"),
    [
        # 3 of 4 are 'b' in training; of the test part 1 of 2
        (["a", "b", "b", "b"], "binary", None, [0.25, 0.75], "always 'b'", {"accuracy": 0.5}),
        ([3, 5, 9, 9], "multiclass", None, [0.25, 0.25, 0.5], "always 9", {"accuracy": 0.5}),
        # 10 for 10 and 30: the mean error is (0 + 20)/2, of all (0 + 400)/2 = 200
        (
            [10.0, 10.0, 30.0],
            "regression",
            None,
            [10.0],
            "the mean, 10.00",
            {"mae": 10.0, "mse": 200.0},
        ),
        # 20 for 10 and 30: 0.1 of 10 too high, 0.9 of 10 too low; one of two is not above it
        (
            [10.0, 10.0, 30.0],
            "regression",
            "quantile(quantile=0.9)",
            [20.0],
            "the 0.9 quantile, 20.00",
            {"pinball(quantile=0.9)": (1 + 9) / 2, "coverage": 0.5},
        ),
    ],
)
def test_the_baseline_by_hand(target, task, cost, prior, says, metrics) -> None:
    targets = Targets.fit(target, task)
    own = [target[0], target[-1]]
    Y = targets.encode(own)

    def score(A):
        from fastnn.training.metrics import score

        return score(targets, A, Y, [*metrics])

    part = Part(np.zeros((2, 1)), Y, None, score)
    found = baseline_of(targets, choose_loss(cost, task), np.array(prior), part)
    assert found.says == says
    assert found.metrics == pytest.approx(metrics)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("seed", range(20))
def test_no_other_constant_has_less_pinball_loss_than_a_quantile(q, seed, skm) -> None:
    rng = np.random.default_rng(seed)
    y, w = rng.normal(size=(25, 2)).round(1), rng.integers(0, 4, 25).astype(float)
    for weights in (w, None):
        found = weighted_quantile(y, q, weights)
        for j, own in enumerate(found):
            cost = {
                c: skm.mean_pinball_loss(y[:, j], np.full(25, c), alpha=q, sample_weight=weights)
                for c in y[:, j].tolist()  # the least is at one of them
            }
            assert own in cost
            assert cost[own] == pytest.approx(min(cost.values()), abs=1e-12)


def test_a_model_of_a_quantile_is_judged_as_one_at_every_door(tmp_path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = x + rng.exponential(size=400)
    options = HOW | {"loss": "quantile(quantile=0.8)", "epochs": 60, "learning_rate": 0.05}
    training = train(x, y, **options)
    names = ["pinball(quantile=0.8)", "coverage"]
    part = training.record.samples["train"]
    constant = np.quantile(part.target, 0.8, method="inverted_cdf")
    assert training.model.prior == pytest.approx([constant])
    assert training.baseline.says == f"the 0.8 quantile, {constant:.4f}"
    assert [*training.baseline.metrics] == names
    assert training.baseline.is_beaten(training.report["test"])
    (many,) = fastnn.train_many([{}], x, y, **options)
    best = fastnn.search(x, y, grid={"l2": [0.0]}, **options).training
    assert many.baseline == best.baseline == training.baseline
    training.model.save(tmp_path / "m.fastnn")
    model = fastnn.load(tmp_path / "m.fastnn")
    assert model.prior.tolist() == training.model.prior.tolist()
    for report in (training.report["test"], many.report["test"], model.evaluate(x, y)):
        assert {*report} == {"loss", *names}
    assert {*train(x, y, **options | {"metrics": ["mae"]}).report["test"]} == {"loss", "mae"}
    both = fastnn.search(x, y, grid={"loss": [options["loss"], "mse"]}, by="r2", **HOW)
    assert {*both.candidates[0].metrics} == {*both.candidates[1].metrics} > {"r2", "loss"}


def test_every_door_has_the_baseline_of_its_test_part() -> None:
    y = np.array(["no"] * 9 + ["yes"])[np.arange(300) % 10]
    data = {"x": np.random.default_rng(0).normal(size=300), "y": y}
    single = train(data, "y", **HOW)
    assert single.baseline.says == "always 'no'"
    assert single.baseline.metrics["accuracy"] == 0.9
    assert re.search(r"baseline +always 'no': accuracy 0\.9000", str(single))
    (many,) = fastnn.train_many([{}], data, "y", **HOW)
    best = fastnn.search(data, "y", grid={"l2": [0.0]}, **HOW).training
    assert many.baseline == best.baseline == single.baseline
    two = train(data["x"], np.stack([data["x"], data["x"] + 1], axis=1), **HOW)
    assert two.baseline.says == "the mean of each target"
    assert train(data, "y", metrics=[], **HOW).baseline is None
    softmax = train(data, "y", output_activation="softmax", loss="categorical_crossentropy", **HOW)
    assert softmax.baseline.metrics["accuracy"] == 0.9


@pytest.mark.parametrize(
    ("own", "model", "beaten"),
    [
        ({"accuracy": 0.94}, {"accuracy": 0.94}, False),
        ({"accuracy": 0.94}, {"accuracy": 0.95}, True),
        ({"rmse": 3.0}, {"rmse": 2.0}, True),
        ({"rmse": 3.0}, {"rmse": 4.0}, False),
        ({"rmse": 3.0}, {"rmse": float("nan")}, False),
        ({"f1": float("nan")}, {"f1": 0.1}, True),
    ],
)
def test_a_tie_beats_nothing(own, model, beaten) -> None:
    assert Baseline("", own).is_beaten(model) is beaten
