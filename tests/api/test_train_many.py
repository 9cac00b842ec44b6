"""`train_many`: the i-th training is that of `train` with the same arguments."""

from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
import pytest

from fastnn.api import train_many as many_module
from fastnn.api.search import search
from fastnn.api.train import Training, train
from fastnn.api.train_many import groups, train_many
from fastnn.backend.engine import compiled_status
from fastnn.errors import ArgumentError, DataError
from fastnn.preparation.examples import read_source
from fastnn.preparation.parts import divide
from fastnn.preparation.setup import set_up
from fastnn.recipe.recipe import Recipe
from fastnn.training.loop import Trainer, TrainingInterrupted

COMMON: dict[str, Any] = {"hidden_layer_sizes": [12], "epochs": 6, "engine": "numpy"}


def compare(configs: list[dict[str, Any]], data: Any = "breast_cancer", **common: Any) -> None:
    common = {**COMMON, **common}
    trained = train_many(configs, data, **common)
    for found, config in zip(trained, configs, strict=True):
        given = {"split_seed": common.get("seed", 0), **common, **config}
        alone = train(data, **given)
        # A stack may be computed on another number of threads, with the same numbers.
        assert (
            replace(found.history, engine=None).to_json()
            == replace(alone.history, engine=None).to_json()
        )
        assert found.report == alone.report
        assert dict(found.model.options) == dict(alone.model.options)
        np.testing.assert_array_equal(found.model.parameters.theta, alone.model.parameters.theta)


def test_seeds_rates_and_initializers() -> None:
    compare(
        [
            {"seed": 3, "learning_rate": 0.01},
            {"seed": 4, "initializer": "glorot_uniform", "l2": 1.0},
            {"seed": 3, "initializer": ["he_normal", "zeros"], "optimizer": "adam(beta1=0.8)"},
            {"patience": 1, "learning_rate": 0.1, "monitor": "accuracy"},
        ]
    )


@pytest.mark.skipif(bool(compiled_status()), reason=compiled_status() or "-")
def test_compiled_code() -> None:
    compare([{"seed": s, "dropout": 0.2} for s in range(3)], engine="compiled", dtype="float64")


def test_folds_and_splits_of_their_own() -> None:
    compare([{"fold": (i, 3), "seed": i} for i in range(3)], "diabetes")
    compare([{"split_seed": s} for s in range(3)], "diabetes", standardize=True)


def test_different_shapes_are_trained_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    together: list[int] = []
    original = Trainer.__init__

    def counted(self: Trainer, backend: Any, network: Any, entries: Any) -> None:
        together.append(len(entries))
        original(self, backend, network, entries)

    monkeypatch.setattr(Trainer, "__init__", counted)
    configs = [
        {"hidden_layer_sizes": sizes, "optimizer": rule, "batch_size": m}
        for sizes, rule, m in [
            ([8], "adam", 32), ([8, 4], "adam", 32), ([8], "sgd", 32), ([8], "adam", 16),
            ([8], "adam(beta2=0.9)", 32),
        ]
    ]  # fmt: skip
    compare(configs, metrics=["f1", "accuracy"], class_weight="balanced")
    assert together == [2, 1, 1, 1] + [1] * 5  # and then each of them alone


def test_a_group_that_does_not_fit_is_trained_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_module, "at_once", lambda backend, network, entries: 2)
    compare([{"seed": s} for s in range(5)])


def test_weights_of_examples_and_parts_of_ones_own() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(90, 4)), rng.integers(0, 3, 90)
    held = (rng.normal(size=(20, 4)), rng.integers(0, 3, 20))
    compare(
        [{"seed": s, "class_weight": c} for s in range(2) for c in (None, "balanced")],
        X,
        target=y,
        sample_weight=rng.uniform(0.1, 2, 90),
        validation=held,
    )


def test_the_examples_are_prepared_once_for_all() -> None:
    source, shared = read_source("digits"), {}
    same = [
        set_up(source, Recipe.of(hidden_layer_sizes=[n], seed=n, split_seed=0), shared=shared)
        for n in (4, 5)
    ]
    other = set_up(source, Recipe.of(standardize=False), shared=shared)
    assert same[0].parts["train"].X is same[1].parts["train"].X
    assert other.parts["train"].X is not same[0].parts["train"].X
    assert other.parts["train"].Y is same[0].parts["train"].Y
    assert groups(same) == [[0], [1]]


def test_folds_cut_what_is_not_the_test_part() -> None:
    source = read_source("digits")
    parts = [divide(source, seed=1, fold=(i, 4)) for i in range(4)]
    rows = [set(map(bytes, p["validation"].table.numeric)) for p in parts]
    assert [len(p["test"]) for p in parts] == [359] * 4  # a fifth of 1797, rounded
    assert sum(len(p["validation"]) for p in parts) == 1797 - 359
    assert all(len(p["train"]) == 1438 - len(p["validation"]) for p in parts)
    assert not rows[0] & rows[1]
    for p in parts:
        counts = np.unique(p["validation"].target, return_counts=True)[1]
        assert counts.min() >= 34  # stratified: about 36 of each of ten classes


def test_one_that_diverges_is_told_and_the_others_are_there() -> None:
    configs = [{"learning_rate": 0.01}, {"learning_rate": 1e30}]
    with pytest.warns(RuntimeWarning, match=r"config 1 \{'learning_rate': 1e\+30\} diverged"):
        found = train_many(configs, "diabetes", optimizer="sgd", **COMMON)
    assert found[1].history.stopped == "diverged"
    assert found[1].error is not None
    assert found[0].error is None
    assert found[0].history.stopped == "epochs"


def test_ctrl_c_gives_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = Trainer.run, []

    def interrupted(self: Trainer, watcher: Any = None) -> None:
        original(self, watcher)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Trainer, "run", interrupted)
    configs = [{"hidden_layer_sizes": [n]} for n in (4, 5, 6)]
    with pytest.raises(TrainingInterrupted) as stop:
        train_many(configs, "diabetes", epochs=2)
    found = stop.value.result
    assert [isinstance(t, Training) for t in found] == [True, True, False]
    assert found[2] is None


def test_ctrl_c_before_a_training_begins_or_while_it_is_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    configs = [{"hidden_layer_sizes": [n]} for n in (4, 5)]
    monkeypatch.setattr(Trainer, "_plan_of", interrupted)
    with pytest.raises(TrainingInterrupted) as stop:
        train_many(configs, "diabetes", epochs=2)
    assert stop.value.result == [None, None]
    monkeypatch.undo()

    original, calls = many_module.trainings, []

    def once(*given: Any) -> Any:
        calls.append(1)
        return original(*given) if len(calls) > 1 else interrupted()

    monkeypatch.setattr(many_module, "trainings", once)
    with pytest.raises(TrainingInterrupted) as stop:
        train_many(configs, "diabetes", epochs=2)
    first, second = stop.value.result
    assert (first.history.stopped, second) == ("epochs", None)
    assert sorted(first.report) == ["test", "train", "validation"]


def test_progress_is_that_of_the_best(capsys: pytest.CaptureFixture[str]) -> None:
    train_many([{"seed": 0}, {"seed": 1}], "diabetes", verbose=True, epochs=2)
    lines = capsys.readouterr().err.splitlines()
    assert [line[:9] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert "validation loss" in lines[0]


@pytest.mark.parametrize(
    ("configs", "common", "message"),
    [
        ([], {}, "configs is empty"),
        ({"seed": 1}, {}, "configs must be a list of mappings"),
        ([3], {}, "configs must be a list of mappings"),
        ("seed", {}, "configs must be a list of mappings"),
        ([{"device": "cpu"}], {}, r"config 0 .*: device is the same for all networks"),
        ([{}, {"target": "y"}], {}, r"config 1 .*: target is the same for all networks"),
        ([{"callbacks": []}], {}, "callbacks have no effect in train_many"),
        ([{"doctor": True}], {}, "doctor has no effect in train_many: use train"),
        (
            [{"find_learning_rate": True}],
            {},
            "find_learning_rate has no effect in train_many: call",
        ),
        ([{"capture": "never"}], {}, "config 0 .*: capture is the same for all networks"),
        ([{}], {"capture": "never"}, "capture='never' has no effect on device 'cpu'"),
        ([{}], {"precision": "tf32"}, "precision='tf32' has no effect on device 'cpu'"),
        ([{"learning_rat": 1}], {}, "config 0 .*no argument 'learning_rat'; did you mean"),
        ([{"seed": 0}, {"l2": -1}], {}, r"config 1 \{'l2': -1\}: l2 must be a number of 0"),
        ([{"initializer": "he"}], {}, "config 0 .*unknown initializer 'he'"),
        ([{"dropout": 2.0}], {}, "config 0 .*dropout"),
        ([{"seed": 0}], {"verbose": 1}, "verbose must be True or False"),
        ([{"fold": (5, 5)}], {}, "config 0 .*fold must be .i, k."),
        ([{"fold": 3}], {}, "fold must be a pair"),
        ([{"fold": (0, 1)}], {}, "fold must be .i, k. with k of 2 or more"),
        ([{"fold": (0, 2), "fractions": [0.6, 0.2, 0.2]}], {}, "fractions has no effect with fold"),
        ([{"split_seed": -1}], {}, "seed must be a whole number"),
    ],
)
def test_what_cannot_work_is_refused(configs: Any, common: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        train_many(configs, "diabetes", **{"epochs": 1, **common})


def test_every_argument_of_train_has_a_place() -> None:
    given, mine = (set(signature(f).parameters) for f in (train, train_many))
    assert given - mine == {"callbacks", "doctor", "find_learning_rate"}  # which are refused
    assert mine - {"configs"} <= set(signature(search).parameters)


def test_a_validation_part_and_folds() -> None:
    data = (np.zeros((2, 10)), np.zeros(2))
    with pytest.raises(ArgumentError, match="validation has no effect with fold"):
        train("diabetes", fold=(0, 2), validation=data, epochs=1)


def test_too_few_rows_for_so_many_folds() -> None:
    X, y = np.arange(10.0).reshape(5, 2), np.arange(5.0)
    with pytest.raises(DataError, match="4 rows are too few for 7 folds"):
        train(X, y, fold=(0, 7), epochs=1)
