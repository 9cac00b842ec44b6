"""Many trainings at once: each ends as it would alone, and none disturbs another."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.errors import ArgumentError, DataError, DeviceError, DivergenceError
from fastnn.nn.memory import training_memory
from fastnn.nn.network import Network, network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.recipe.recipe import Recipe
from fastnn.training.batching import at_once
from fastnn.training.course import Entry
from fastnn.training.loop import Trainer, TrainingInterrupted
from fastnn.training.part import Part, evaluate_many
from tests.training.alone import Alone

BACKEND = get_backend("cpu", "numpy")
NET = network([4, 8, 3], loss_function="categorical_crossentropy")


def part(n: int, seed: int, net: Network = NET) -> Part:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, net.sizes[0]))
    Y = (X[:, :1] > 0).astype(float) + (X[:, 1:2] > 0) if net.sizes[-1] == 3 else X[:, :1]
    return Part(X, Y, None, lambda A: {"accuracy": float((A.argmax(1) == Y[:, 0]).mean())})


TRAIN, VALIDATION = part(50, 0), part(30, 1)


def first_weights(seed: int, net: Network = NET) -> Parameters:
    parameters = Parameters(net, BACKEND, "float64")
    initialize(net, parameters, BACKEND, seed=seed)
    return parameters


def entry(g: int, train: Part = TRAIN, validation: Part | None = VALIDATION, **given: Any) -> Entry:
    options = Recipe.of(**{"patience": None, "seed": g, "batch_size": 8, "epochs": 12, **given})
    better = options.monitor == "accuracy"
    return Entry(first_weights(g), options, train, validation, better, name=f"config {g}")


def compare(entries: list[Entry], alone: list[Entry]) -> None:
    """Each of ``entries`` is what its twin in ``alone`` becomes by itself, moments included."""
    for found, twin in zip(entries, alone, strict=True):
        Trainer(BACKEND, NET, [twin]).run()
        # A stack may be computed on another number of threads, with the same numbers.
        assert (
            replace(found.history, engine=None).to_json()
            == replace(twin.history, engine=None).to_json()
        )
        np.testing.assert_array_equal(found.parameters.theta, twin.parameters.theta)
        moments, wanted = found.progress.moments, twin.progress.moments
        assert moments is not None
        assert wanted is not None
        assert moments.t == wanted.t
        for name, values in wanted.state.items():
            np.testing.assert_array_equal(moments.state[name], values)


def test_each_stops_when_it_would_alone() -> None:
    def given() -> list[Entry]:
        return [
            entry(0, learning_rate=0.3, patience=1),
            entry(1, learning_rate=0.01, patience=2, monitor="accuracy"),
            entry(2, learning_rate=0.01, epochs=3),
            entry(3, learning_rate=1e-7, tolerance=0.5),
            entry(4, learning_rate=0.05, patience=3, min_delta=0.01, schedule="cosine"),
            entry(5, learning_rate=0.01, shuffle=False, l2=0.1),
            entry(6, learning_rate=0.02, schedule="one_cycle(per=step)", gradient_clip=0.1),
        ]

    entries = given()
    Trainer(BACKEND, NET, entries).run()
    compare(entries, given())
    ends = [e.history.stopped for e in entries]
    assert ends[0] == "early_stopping"
    assert ends[2:4] == ["epochs", "converged"]
    assert len({len(e.history.epochs) for e in entries}) > 3


def test_the_plan_shrinks_when_half_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = Trainer._plan_of

    def counted(self: Trainer, networks: Any) -> Any:
        sizes.append(len(networks))
        return original(self, networks)

    monkeypatch.setattr(Trainer, "_plan_of", counted)

    def given() -> list[Entry]:
        return [entry(g, epochs=n, optimizer="adam") for g, n in enumerate([2, 9, 4, 4, 2, 5])]

    entries = given()
    Trainer(BACKEND, NET, entries).run()
    assert sizes == [6, 2, 1]  # after epochs 4 and 5; after epoch 2, four of six go on
    monkeypatch.undo()
    compare(entries, given())


def test_data_sets_of_their_own() -> None:
    parts = [part(50, seed) for seed in (5, 6)]

    def given() -> list[Entry]:
        return [entry(g, train=parts[g % 2], patience=2, learning_rate=0.05) for g in range(4)]

    entries = given()
    Trainer(BACKEND, NET, entries).run()
    compare(entries, given())


def test_one_that_diverges_leaves_the_others_alone() -> None:
    def given(rate: float) -> list[Entry]:
        return [
            entry(0, optimizer="sgd"),
            entry(1, optimizer="sgd", learning_rate=rate, l2=1e4),
            entry(2, optimizer="sgd", learning_rate=0.05),
        ]

    with np.errstate(all="ignore"):
        entries = given(1e300)
        Trainer(BACKEND, NET, entries).run()
    twins = given(1e300)
    compare([entries[0], entries[2]], [twins[0], twins[2]])
    error, history = entries[1].error, entries[1].history
    assert isinstance(error, DivergenceError)
    assert history.stopped == "diverged"
    assert not history.epochs
    np.testing.assert_array_equal(entries[1].parameters.theta, twins[1].parameters.theta)
    trainer = Alone(BACKEND, NET, first_weights(1), TRAIN, twins[1].options)
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as alone:
        trainer.run()
    assert str(error) == str(alone.value)
    assert entries[0].error is entries[2].error is None


def test_ctrl_c_keeps_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    entries, alone = ([entry(g, patience=5) for g in range(3)] for _ in range(2))
    trainer = Trainer(BACKEND, NET, entries)
    original = TrainingPlan.run_epoch
    epochs = iter(range(1, 100))

    def interrupted(plan: Any, orders: Any, rates: Any) -> Any:
        costs = original(plan, orders, rates)
        if next(epochs) == 3:
            raise KeyboardInterrupt  # in the middle of the third epoch: its weights do not count
        return costs

    monkeypatch.setattr(TrainingPlan, "run_epoch", interrupted)
    with pytest.raises(TrainingInterrupted):
        trainer.run()
    for found in entries:
        assert (found.history.stopped, len(found.history.epochs)) == ("interrupted", 2)
        found.history.stopped = "epochs"
    monkeypatch.undo()
    for given in alone:
        given.options = Recipe.of(seed=given.options.seed, batch_size=8, epochs=2,
                                         patience=5)  # fmt: skip
    compare(entries, alone)


def test_the_watcher_sees_all_histories_after_each_epoch() -> None:
    seen: list[int] = []
    entries = [entry(g, epochs=3) for g in range(2)]
    Trainer(BACKEND, NET, entries).run(lambda histories, speed: seen.append(len(histories)))
    assert seen == [2, 2, 2]


def test_each_history_says_what_ran_the_steps() -> None:
    entries = [entry(g, epochs=1) for g in range(2)]
    Trainer(BACKEND, NET, entries).run()
    said = [e.history.engine for e in entries]
    assert said[0] == said[1]
    assert said[0] is not None
    assert said[0]["engine"] == "numpy"


def test_each_network_has_callbacks_of_its_own() -> None:
    """One stops after two epochs, one halves its rates, one only looks."""

    def given() -> list[Entry]:
        def two(state: Any) -> None:
            state.stop = state.epoch.epoch == 2

        def halving(state: Any) -> None:
            state.rate_factor /= 2

        seen: list[int] = []
        entries = [entry(g, epochs=5) for g in range(3)]
        callbacks = (two, halving, lambda state: seen.append(state.epoch.epoch))
        for one, callback in zip(entries, callbacks, strict=True):
            one.callbacks = [callback]
        entries[2].name = "watched"
        return entries

    entries = given()
    Trainer(BACKEND, NET, entries).run()
    compare(entries, given())
    assert [e.history.stopped for e in entries] == ["callback", "epochs", "epochs"]
    rates = [e.learning_rate for e in entries[1].history.epochs]
    assert rates == [rates[0] / 2**k for k in range(5)]


def test_networks_go_on_together_where_they_were_apart() -> None:
    """Each with its own number of epochs behind it, as if it had never stopped."""

    def begun(g: int, epochs: int) -> Entry:
        first = entry(g, epochs=epochs, optimizer="adam", validation=None)
        Trainer(BACKEND, NET, [first]).run()
        options = Recipe.of(patience=None, seed=g, batch_size=8, epochs=6, optimizer="adam")
        return Entry(first.parameters, options, TRAIN, progress=first.progress)

    entries = [begun(0, 2), begun(1, 4), begun(2, 3)]
    Trainer(BACKEND, NET, entries).run()
    compare(entries, [entry(g, epochs=6, optimizer="adam", validation=None) for g in range(3)])


def test_some_have_a_validation_part_or_metrics_of_the_training_part_and_others_not() -> None:
    def given() -> list[Entry]:
        made = [entry(0, epochs=2, validation=None), entry(1, epochs=3), entry(2, epochs=3)]
        made[2].training_metrics = True
        return made

    entries, twins = given(), given()
    Trainer(BACKEND, NET, entries).run()
    compare(entries, twins)
    for found, twin in zip(entries, twins, strict=True):
        epochs = zip(found.history.epochs, twin.history.epochs, strict=True)
        assert all(a.training_metrics == b.training_metrics for a, b in epochs)
    assert [len(e.history.epochs[0].training_metrics) for e in entries] == [0, 0, 1]


def test_a_callback_that_fails_ends_all_with_their_best_weights() -> None:
    entries = [entry(g, epochs=9, patience=5) for g in range(2)]

    def fails(state: Any) -> None:
        if state.epoch.epoch == 3:
            raise ZeroDivisionError

    entries[1].callbacks = [fails]
    with pytest.raises(ZeroDivisionError):
        Trainer(BACKEND, NET, entries).run()
    assert [e.history.stopped for e in entries] == ["failed", "failed"]
    twin = entry(0, epochs=3, patience=5)
    Trainer(BACKEND, NET, [twin]).run()
    np.testing.assert_array_equal(entries[0].parameters.theta, twin.parameters.theta)


def test_they_can_be_run_again_to_go_on() -> None:
    entries = [entry(g, epochs=2, validation=None) for g in range(3)]
    trainer = Trainer(BACKEND, NET, entries)
    trainer.run()
    trainer.extend(5)
    trainer.run()
    compare(entries, [entry(g, epochs=5, validation=None) for g in range(3)])


def test_what_cannot_be_trained_at_once() -> None:
    with pytest.raises(ArgumentError, match=r"config 1: .* as many examples"):
        Trainer(BACKEND, NET, [entry(0), entry(1, train=part(40, 0))])
    with pytest.raises(ArgumentError, match="the same batch_size"):
        Trainer(BACKEND, NET, [entry(0), entry(1, batch_size=4)])
    with pytest.raises(ArgumentError, match="patience needs a validation part"):
        entry(0, validation=None, patience=1)


def test_a_monitor_that_is_not_defined_names_the_config() -> None:
    blank = Part(VALIDATION.X, VALIDATION.Y, None, lambda A: {"accuracy": math.nan})
    given = entry(1, validation=blank, patience=2, monitor="accuracy")
    with pytest.raises(DataError, match="config 1: monitor 'accuracy' is not defined"):
        Trainer(BACKEND, NET, [given]).run()


def test_without_a_validation_part() -> None:
    def given() -> list[Entry]:
        return [entry(g, validation=None, epochs=3) for g in range(3)]

    entries = given()
    Trainer(BACKEND, NET, entries).run()
    compare(entries, given())


def test_how_many_fit_into_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [entry(g) for g in range(10)]
    assert at_once(BACKEND, NET, entries) == 10
    given = {"n_evaluated": 50}
    needed = training_memory(NET, entries[0].options.optimizer, 50, 8, "float64", **given)
    room = needed.data + 3 * (needed.total - needed.data)
    monkeypatch.setattr(type(BACKEND), "free_memory", lambda self: room)
    assert at_once(BACKEND, NET, entries) == 3
    monkeypatch.setattr(type(BACKEND), "free_memory", lambda self: 100)
    with pytest.raises(DeviceError, match="training needs"):
        at_once(BACKEND, NET, entries)


def test_outputs_of_each_network_by_hand() -> None:
    # 2 x + 1 and 3 x - 1 for x = 1, 2; half the mean of the squared distances to 3
    net, given = network([1, 1]), Part(np.array([[1.0], [2.0]]), np.array([[3.0], [3.0]]))
    two = [Parameters(net, BACKEND, "float64") for _ in range(2)]
    two[0].theta[[0, 16]], two[1].theta[[0, 16]] = (2.0, 1.0), (3.0, -1.0)
    (A, J), (B, K) = evaluate_many(BACKEND, net, two, [given, given])
    assert (A.ravel().tolist(), J) == ([3.0, 5.0], 1.0)  # (0 + 4) / 2 / 2
    assert (B.ravel().tolist(), K) == ([2.0, 5.0], 1.25)  # (1 + 4) / 2 / 2
