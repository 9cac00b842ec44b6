"""Many trainings at once: each ends as it would alone, and none disturbs another."""

import math
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.errors import ArgumentError, DataError, DeviceError, DivergenceError
from fastnn.nn.memory import training_memory
from fastnn.nn.network import Network, network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.recipe.recipe import Recipe
from fastnn.training import many as many_module
from fastnn.training.loop import Part, Trainer, TrainingInterrupted
from fastnn.training.many import Entry, ManyTrainer, at_once, evaluate_many

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
    return Entry(first_weights(g).theta, options, train, validation, better, f"config {g}")


def compare(entries: list[Entry], alone: list[Entry]) -> None:
    """Each of ``entries`` is what a `Trainer` makes of its twin in ``alone``."""
    for found, given in zip(entries, alone, strict=True):
        parameters = Parameters(NET, BACKEND, "float64")
        parameters.theta[:] = given.theta
        trainer = Trainer(
            BACKEND, NET, parameters, given.train, given.options,
            validation=given.validation, greater_is_better=given.greater_is_better,
        )  # fmt: skip
        history = trainer.run()
        assert found.history is not None
        assert found.history.to_json() == history.to_json()
        np.testing.assert_array_equal(found.theta, parameters.theta)


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
    ManyTrainer(BACKEND, NET, entries).run()
    compare(entries, given())
    ends = [e.history.stopped for e in entries if e.history is not None]
    assert ends[0] == "early_stopping"
    assert ends[2:4] == ["epochs", "converged"]
    assert len({len(e.history.epochs) for e in entries if e.history}) > 3


def test_the_plan_shrinks_when_half_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    original = ManyTrainer._make_plan

    def counted(self: ManyTrainer) -> Any:
        sizes.append(len(self._active))
        return original(self)

    monkeypatch.setattr(ManyTrainer, "_make_plan", counted)

    def given() -> list[Entry]:
        return [entry(g, epochs=n, optimizer="adam") for g, n in enumerate([2, 9, 4, 4, 2, 5])]

    entries = given()
    ManyTrainer(BACKEND, NET, entries).run()
    assert sizes == [6, 2, 1]  # after epochs 4 and 5; after epoch 2, four of six go on
    compare(entries, given())


def test_data_sets_of_their_own() -> None:
    parts = [part(50, seed) for seed in (5, 6)]

    def given() -> list[Entry]:
        return [entry(g, train=parts[g % 2], patience=2, learning_rate=0.05) for g in range(4)]

    entries = given()
    ManyTrainer(BACKEND, NET, entries).run()
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
        ManyTrainer(BACKEND, NET, entries).run()
    twins = given(1e300)
    compare([entries[0], entries[2]], [twins[0], twins[2]])
    error, history = entries[1].error, entries[1].history
    assert isinstance(error, DivergenceError)
    assert history is not None
    assert history.stopped == "diverged"
    assert not history.epochs
    np.testing.assert_array_equal(entries[1].theta, twins[1].theta)
    trainer = Trainer(BACKEND, NET, first_weights(1), TRAIN, twins[1].options)
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as alone:
        trainer.run()
    assert str(error) == str(alone.value)
    assert entries[0].error is entries[2].error is None


def test_ctrl_c_keeps_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    entries, alone = ([entry(g, patience=5) for g in range(3)] for _ in range(2))
    trainer = ManyTrainer(BACKEND, NET, entries)
    original = many_module.ManyPlan.run_epochs
    epochs = iter(range(1, 100))

    def interrupted(plan: Any, orders: Any, rates: Any) -> Any:
        costs = original(plan, orders, rates)
        if next(epochs) == 3:
            raise KeyboardInterrupt  # in the middle of the third epoch: its weights do not count
        return costs

    monkeypatch.setattr(many_module.ManyPlan, "run_epochs", interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    for found in entries:
        assert found.history is not None
        assert (found.history.stopped, len(found.history.epochs)) == ("interrupted", 2)
        found.history.stopped = "epochs"
    monkeypatch.undo()
    for given in alone:
        given.options = Recipe.of(seed=given.options.seed, batch_size=8, epochs=2,
                                         patience=5)  # fmt: skip
    compare(entries, alone)


def test_a_callback_that_stops_is_no_ctrl_c() -> None:
    seen: list[int] = []
    entries = [entry(g, epochs=3) for g in range(2)]
    ManyTrainer(BACKEND, NET, entries).run(lambda histories, speed: seen.append(len(histories)))
    assert seen == [2, 2, 2]
    assert not issubclass(DivergenceError, TrainingInterrupted)


def test_what_cannot_be_trained_at_once() -> None:
    with pytest.raises(ArgumentError, match=r"config 1: .* as many examples"):
        ManyTrainer(BACKEND, NET, [entry(0), entry(1, train=part(40, 0))])
    with pytest.raises(ArgumentError, match="the same batch_size"):
        ManyTrainer(BACKEND, NET, [entry(0), entry(1, batch_size=4)])
    with pytest.raises(ArgumentError, match="patience needs a validation part"):
        ManyTrainer(BACKEND, NET, [entry(0, validation=None, patience=1)])


def test_a_monitor_that_is_not_defined_names_the_config() -> None:
    blank = Part(VALIDATION.X, VALIDATION.Y, None, lambda A: {"accuracy": math.nan})
    given = entry(1, validation=blank, patience=2, monitor="accuracy")
    with pytest.raises(DataError, match="config 1: monitor 'accuracy' is not defined"):
        ManyTrainer(BACKEND, NET, [given]).run()


def test_without_a_validation_part() -> None:
    def given() -> list[Entry]:
        return [entry(g, validation=None, epochs=3) for g in range(3)]

    entries = given()
    ManyTrainer(BACKEND, NET, entries).run()
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
    thetas = [np.zeros(32), np.zeros(32)]
    thetas[0][[0, 16]], thetas[1][[0, 16]] = (2.0, 1.0), (3.0, -1.0)
    (A, J), (B, K) = evaluate_many(BACKEND, net, thetas, [given, given])
    assert (A.ravel().tolist(), J) == ([3.0, 5.0], 1.0)  # (0 + 4) / 2 / 2
    assert (B.ravel().tolist(), K) == ([2.0, 5.0], 1.25)  # (1 + 4) / 2 / 2
