"""Looking at a training: when, what it costs the training (nothing), and what a step is."""

import json
from typing import Any

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.api.train_many import train_many
from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.doctor import Doctor, step_updates
from fastnn.diagnosis.findings import Case, Finding
from fastnn.errors import ArgumentError, DivergenceError
from fastnn.nn.network import network
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.callbacks import TrainingState
from fastnn.training.learner import Learner
from fastnn.training.loop import TrainingInterrupted
from fastnn.training.part import Part

SMALL: dict[str, Any] = {"hidden_layer_sizes": [8], "epochs": 6}


def test_it_looks_before_after_1_2_4_and_at_the_end() -> None:
    diagnosis = train("diabetes", doctor=True, **SMALL).diagnosis
    times = ["before training", "after epoch 1", "after epoch 2", "after epoch 4", "at the end"]
    assert [seen.when for seen in diagnosis.looks] == times
    assert {seen.examples for seen in diagnosis.looks} == {265}
    losses = [seen.loss for seen in diagnosis.looks]
    assert losses == sorted(losses, reverse=True)
    assert all((x.update or 0) > 0 for seen in diagnosis.looks for x in seen.layers)
    json.dumps(diagnosis.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "adam", "dropout": 0.3, "schedule": "cosine"},
        {"optimizer": "momentum", "batch_normalization": "after", "patience": 2, "l1": 0.1},
        {"optimizer": "rmsprop", "batch_size": 20, "micro_batch_size": 7, "tolerance": 1e-3},
    ],
)
def test_the_training_is_the_same_with_it(options: dict[str, Any]) -> None:
    alone, seen = (train("diabetes", doctor=d, **SMALL, **options) for d in (False, True))
    assert [e.loss for e in alone.history.epochs] == [e.loss for e in seen.history.epochs]
    assert alone.history.stopped == seen.history.stopped
    theta = [np.asarray(t.model.parameters.theta).tobytes() for t in (alone, seen)]
    assert theta[0] == theta[1]
    assert alone.report == seen.report
    assert alone.diagnosis.looks == ()
    assert len(seen.diagnosis.looks) >= 3


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam", "adamw(weight_decay=0.1)"])
def test_a_step_is_that_of_the_training(optimizer: str) -> None:
    """With all examples in one batch an epoch is one step: the next epoch is what was foretold."""
    net = network([3, 4, 2], activation="tanh")
    random = np.random.default_rng(0)
    part = Part(random.standard_normal((20, 3)), random.standard_normal((20, 2)))
    learner = Learner.new(net, RunSettings(dtype="float64"), seed=1)
    recipe = Recipe.of(
        optimizer=optimizer, learning_rate=0.01, batch_size="full", epochs=4, patience=None,
        schedule="cosine",
    )  # fmt: skip
    for epoch in range(3):
        foretold = step_updates(learner, part, recipe)
        before = {name: np.array(v) for name, v in learner.weights().items()}
        stop = lambda state, n=epoch + 1: setattr(state, "stop", state.epoch.epoch >= n)  # noqa: E731
        learner.train(part, recipe, callbacks=[stop])
        assert len(learner.history.epochs) == epoch + 1
        for l in (1, 2):
            W, W_new = before[f"W{l}"], learner.weights()[f"W{l}"]
            change = np.linalg.norm(W_new - W) / np.linalg.norm(W)
            assert foretold[l - 1] == pytest.approx(change, rel=1e-9)


def test_a_step_that_diverges_or_of_weights_0_is_no_number() -> None:
    X = np.full((4, 1), 1e30)
    learner = Learner.new(network([1, 1]), RunSettings())
    assert np.isnan(step_updates(learner, Part(X, X), Recipe.of(optimizer="sgd"))).all()
    still = Learner.new(network([1, 1]), RunSettings(), initializer="zero")
    nothing = Part(np.zeros((4, 1)), np.zeros((4, 1)))
    assert np.isnan(step_updates(still, nothing, Recipe.of())).all()


def test_each_finding_is_told_once_and_at_once() -> None:
    heard: list[tuple[int, Finding]] = []
    done: list[int] = []
    train(
        "digits", hidden_layer_sizes=[16] * 12, activation="sigmoid", epochs=2,
        doctor=lambda finding: heard.append((len(done), finding)),
        callbacks=[lambda state: done.append(1)],
    )  # fmt: skip
    assert [(epochs, finding.name) for epochs, finding in heard] == [(0, "vanishing gradients")]
    assert heard[0][1].when == ("before training",)


def test_an_interrupted_training_is_diagnosed_as_far_as_it_came() -> None:
    def interrupt(state: TrainingState) -> None:
        if state.epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as stop:
        train("diabetes", doctor=True, callbacks=[interrupt], **SMALL)
    looks = stop.value.result.diagnosis.looks
    assert [seen.when for seen in looks][-2:] == ["after epoch 2", "at the end"]


def test_a_diverged_training_is_the_result_of_its_error() -> None:
    with pytest.raises(DivergenceError) as caught:
        train("diabetes", optimizer="sgd", learning_rate=100.0, doctor=True, **SMALL)
    training = caught.value.result
    assert training.history.stopped == "diverged"
    assert str(training.error) == str(caught.value)
    assert [finding.name for finding in training.findings] == ["learning rate too high"]
    assert [seen.when for seen in training.diagnosis.looks] == ["before training", "at the end"]
    assert np.isfinite(training.model.parameters.theta).all(), "of the last good epoch"
    assert caught.value.within("x: ").result is training


def test_without_it_there_is_what_costs_nothing() -> None:
    training = train("diabetes", learning_rate=1e-6, **SMALL)
    assert training.diagnosis.looks == ()
    names = [finding.name for finding in training.findings]
    assert names == ["learning rate too low", "loss at chance"]
    assert training.findings[-1].cure == "mend the above first"
    names = [finding.name for finding in train("diabetes", initializer="zero", **SMALL).findings]
    assert names == ["zero initialisation", "loss at chance"]


def test_a_loss_at_chance_alone_is_a_reason_to_look_at_the_layers() -> None:
    X = np.random.default_rng(0).standard_normal((300, 2))
    noise = np.random.default_rng(1).standard_normal(300)
    found = [train(X, noise, learning_rate=0.01, doctor=d).findings for d in (False, True)]
    (alone,), (looked,) = found
    see = "see whether the columns tell anything about the target"
    assert str(alone).endswith(f"; {see}, or look at the layers: doctor=True")
    assert str(looked).endswith(f"; {see}")


def test_many_trainings_have_theirs() -> None:
    configs = [{"learning_rate": rate} for rate in (1e-6, 0.05, 1e6)]
    options = {"hidden_layer_sizes": [8], "optimizer": "sgd", "epochs": 20}
    with pytest.warns(RuntimeWarning, match="diverged"):
        low, good, high = train_many(configs, "diabetes", **options)
    assert low.findings[0].name == "learning rate too low"
    assert good.findings == ()
    assert [finding.name for finding in high.findings] == ["learning rate too high"]


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_what_it_cannot_be(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="doctor must be") as caught:
        train("diabetes", doctor=wrong)
    assert caught.value.argument == "doctor"


def test_a_training_that_goes_on_is_not_looked_at_before_it() -> None:
    net = network([2, 3, 1])
    learner, recipe = Learner.new(net, RunSettings()), Recipe.of(epochs=2, patience=None)
    part = Part(np.eye(2), np.eye(2)[:, :1])
    learner.train(part, recipe)
    doctor = Doctor(learner, part, recipe, Case(net))
    learner.train(part, Recipe.of(epochs=4, patience=None), callbacks=[doctor])
    assert [seen.when for seen in doctor.looks] == ["after epoch 4", "at the end"]
    assert isinstance(doctor.diagnosis(None), Diagnosis)
