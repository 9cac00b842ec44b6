"""A learner: trained, copied, pickled, brought back; all that decides its future is listed."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.engine import compiled_status
from fastnn.errors import ArgumentError, DivergenceError
from fastnn.nn.network import network
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.learner import Learner
from fastnn.training.loop import TrainingInterrupted
from fastnn.training.part import Part

RNG = np.random.default_rng(1)
X = RNG.normal(size=(40, 4))
Y = (X[:, :1] * X[:, 1:2] > 0).astype(float)
NET = network((4, 6, 1), dropout=0.3, loss_function="binary_crossentropy")
ENGINES = [
    "numpy",
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(bool(compiled_status()), reason=compiled_status() or "-"),
    ),
]


def score(A: np.ndarray) -> dict[str, float]:
    return {"mean": float(A.mean())}


TRAIN, HELD = Part(X[:30], Y[:30], score=score), Part(X[30:], Y[30:], score=score)


def learner(engine: str = "numpy", dtype: str = "float64", **given: Any) -> Learner:
    return Learner.new(NET, RunSettings(engine=engine, dtype=dtype), seed=3, **given)


def options(**given: Any) -> Any:
    return Recipe.of(
        **{"patience": None, "batch_size": 8, "seed": 3, "learning_rate": 0.05, **given}
    )


def same(a: Learner, b: Learner) -> None:
    """Bit for bit, in all that decides what comes."""
    (one, arrays), (two, others) = a.state(), b.state()
    assert one == two
    assert list(arrays) == list(others)
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, others[name], err_msg=name)


WAYS: dict[str, Callable[[Learner], Learner]] = {
    "pickle": lambda a: pickle.loads(pickle.dumps(a)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "json and arrays": lambda a: Learner.from_state(
        json.loads(json.dumps(a.state()[0])), a.state()[1]
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_goes_on_as_the_original_and_neither_disturbs_the_other(
    way: str, engine: str
) -> None:
    first = learner(engine)
    first.train(TRAIN, options(epochs=3), validation=HELD)
    again = WAYS[way](first)
    same(again, first)
    assert again.settings == first.settings == RunSettings(engine=engine, dtype="float64")
    assert again.seed == 3
    np.testing.assert_array_equal(again.predict(X), first.predict(X))
    before = first.parameters.theta.copy()
    again.train(TRAIN, options(epochs=6), validation=HELD)
    np.testing.assert_array_equal(first.parameters.theta, before)
    assert len(first.history.epochs) == 3
    first.train(TRAIN, options(epochs=6), validation=HELD)
    same(again, first)
    whole = learner(engine)
    whole.train(TRAIN, options(epochs=6), validation=HELD)
    same(whole, first)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_history_says_what_ran_the_steps(engine: str) -> None:
    first = learner(engine)
    first.train(TRAIN, options(epochs=1))
    for said in (first.history.engine, WAYS["json and arrays"](first).history.engine):
        assert said is not None
        assert said["engine"] == engine
        assert said["threads"] >= 1
        assert said["reason"] == f"engine={engine!r} was asked for"


def test_a_pickle_has_the_times_too() -> None:
    first = learner()
    first.train(TRAIN, options(epochs=2))
    again = pickle.loads(pickle.dumps(first))
    assert [e.seconds for e in again.history.epochs] == [e.seconds for e in first.history.epochs]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "given",
    [
        {"patience": 2, "min_delta": 0.01, "epochs": 40},
        {"patience": 9, "monitor": "mean", "epochs": 40, "schedule": "cosine"},
        {"optimizer": "nesterov", "tolerance": 0.05, "epochs": 40},
        {"optimizer": "sgd", "epochs": 7},
    ],
)
@pytest.mark.parametrize("at", [1, 4])
def test_a_training_that_was_pickled_while_it_ran_is_resumed_to_the_last_bit(
    engine: str, given: dict[str, Any], at: int
) -> None:
    """Best epoch, patience, moments, learning rate and all: as if it had never stopped."""
    whole, kept = learner(engine), list[bytes]()

    def note(state: Any) -> None:
        if state.epoch.epoch == at:
            kept.append(pickle.dumps(whole))

    def slower(state: Any) -> None:
        state.rate_factor *= 0.9

    whole.train(TRAIN, options(**given), validation=HELD, callbacks=[slower, note])
    again = pickle.loads(kept[0])
    assert len(again.history.epochs) == at < len(whole.history.epochs)
    again.train(TRAIN, options(**given), validation=HELD, callbacks=[slower], resume=True)
    same(again, whole)
    assert again.history.stopped == whole.history.stopped


def test_without_resume_the_watch_begins_anew() -> None:
    kept: list[bytes] = []
    first, given = learner(), options(patience=2, epochs=30, min_delta=10.0)
    callback = lambda state: kept.append(pickle.dumps(first))  # noqa: E731
    first.train(TRAIN, given, validation=HELD, callbacks=[callback])
    assert (len(first.history.epochs), first.history.best_epoch) == (3, 1)
    again = pickle.loads(kept[1])
    again.train(TRAIN, given, validation=HELD)
    assert (len(again.history.epochs), again.history.best_epoch) == (5, 3)


def test_what_was_trained_can_be_undone() -> None:
    first = learner()
    first.train(TRAIN, options(epochs=2))
    twin = copy.deepcopy(first)
    kept = first.keep()
    first.train(TRAIN, options(epochs=5))
    assert len(first.history.epochs) == 5
    first.go_back(kept)
    same(first, twin)
    first.train(TRAIN, options(epochs=3))
    twin.train(TRAIN, options(epochs=3))
    same(first, twin)


def test_another_optimizer_begins_without_the_moments_of_the_first() -> None:
    first = learner()
    first.train(TRAIN, options(epochs=2, optimizer="adam"))
    theta = first.parameters.theta.copy()
    first.train(TRAIN, options(epochs=3, optimizer="momentum"))
    fresh = learner()
    fresh.parameters.theta[:] = theta
    fresh.progress.history = copy.deepcopy(first.history)
    del fresh.history.epochs[2:]
    fresh.train(TRAIN, options(epochs=3, optimizer="momentum"))
    same(fresh, first)


def test_the_next_part_of_as_many_examples_is_trained_by_the_same_trainer() -> None:
    """The examples are copied: the caller may change theirs, and the learner changes none."""
    first, given, theirs = learner(), options(epochs=99), X.copy()
    for start in (0, 10, 20):
        part = Part(theirs[start : start + 10], Y[start : start + 10])
        first.train(part, given, epochs=1, again=True)
        trainer = first._trainer
        assert trainer is not None
    np.testing.assert_array_equal(theirs, X)
    second = learner()
    for start in (0, 10, 20):
        second.train(Part(X[start : start + 10], Y[start : start + 10]), given, epochs=1)
    same(first, second)
    kept = first._trainer
    first.train(Part(X[:10], Y[:10]), given, epochs=1, again=True)
    assert first._trainer is kept
    first.train(Part(X[:10], Y[:10]), options(epochs=99, l2=1.0), epochs=1, again=True)
    assert first._trainer is not kept, "other options"
    kept = first._trainer
    first.train(Part(X[:9], Y[:9]), options(epochs=99, l2=1.0), epochs=1, again=True)
    assert first._trainer is not kept, "fewer examples"
    first.train(Part(X[:9], Y[:9]), options(epochs=99, l2=1.0), epochs=1)
    assert first._trainer is None


def test_a_kept_trainer_is_given_up_with_what_is_undone() -> None:
    first, given = learner(), options(epochs=99)
    first.train(TRAIN, given, epochs=1, again=True)
    twin, kept = copy.deepcopy(first), first.keep()
    first.train(TRAIN, given, epochs=1, again=True)
    first.go_back(kept)
    same(first, twin)
    for one in (first, twin):
        one.train(TRAIN, given, epochs=2, again=True)
    same(first, twin)


def test_the_engine_of_a_part_among_many_is_that_of_one_epoch() -> None:
    """Nobody knows how many parts will come; the choice is not changed in between."""
    first = learner("auto")
    first.train(TRAIN, options(epochs=10**6), epochs=1, again=True)
    assert first.history.engine is not None
    assert first.history.engine["engine"] == "numpy"


def test_another_network_of_the_same_shape() -> None:
    first = learner()
    first.train(TRAIN, options(epochs=1), validation=HELD)
    twin, other = copy.deepcopy(first), network((4, 6, 1), loss_function="squared_error",
                                                output_activation="tanh")  # fmt: skip
    first.change(other)
    outputs, loss = first.evaluate(HELD)
    np.testing.assert_allclose(outputs, np.tanh(np.arctanh(2 * twin.predict(HELD.X) - 1) * 2))
    assert loss == pytest.approx(0.5 * float(((outputs - HELD.Y) ** 2).mean()))
    first.train(TRAIN, options(epochs=2, optimizer="sgd"))
    assert len(first.history.epochs) == 2


@pytest.mark.skipif(bool(compiled_status()), reason=compiled_status() or "-")
def test_judged_by_the_engine_that_judged_in_training() -> None:
    rng = np.random.default_rng(5)
    inputs = rng.normal(size=(1000, 4)).astype(np.float32)
    held = Part(inputs, (inputs[:, :1] > 0).astype(np.float32))
    first = learner("auto", "float32")

    def stop(state: Any) -> None:
        state.stop = True

    history = first.train(TRAIN, options(epochs=10**6), validation=held, callbacks=[stop])
    assert history.engine is not None
    assert history.engine["engine"] == "compiled"
    assert first.evaluate(held)[1] == history.epochs[0].validation_loss
    assert (first.evaluate(held)[0] != first.predict(inputs)).any(), "those of NumPy, but for 1e-7"
    np.testing.assert_allclose(first.evaluate(held)[0], first.predict(inputs), atol=1e-6)


def test_judged_as_in_training() -> None:
    first = learner()
    history = first.train(TRAIN, options(epochs=2), validation=HELD)
    outputs, loss = first.evaluate(HELD)
    assert loss == history.epochs[-1].validation_loss
    assert score(outputs) == history.epochs[-1].metrics
    np.testing.assert_array_equal(outputs, first.predict(HELD.X))
    np.testing.assert_allclose(first.evaluation(7).predict(HELD.X), outputs, rtol=1e-14)
    assert first.evaluation(7).block == 7


def test_a_divergence_is_raised_with_the_weights_of_the_last_good_epoch() -> None:
    first = learner("numpy", "float32")
    theta = first.parameters.theta.copy()
    given = options(optimizer="sgd", learning_rate=1e30, l2=1e5, epochs=2)
    with np.errstate(all="ignore"), pytest.raises(DivergenceError, match="epoch 1, step"):
        first.train(TRAIN, given)
    np.testing.assert_array_equal(first.parameters.theta, theta)
    assert first.history.stopped == "diverged"
    first.train(TRAIN, options(epochs=1))
    assert len(first.history.epochs) == 1


def test_ctrl_c_leaves_the_best_weights_and_it_can_go_on() -> None:
    first = learner()

    def ctrl_c(state: Any) -> None:
        if state.epoch.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        first.train(TRAIN, options(epochs=9), callbacks=[ctrl_c])
    assert caught.value.history is first.history
    first.train(TRAIN, options(epochs=5))
    whole = learner()
    whole.train(TRAIN, options(epochs=5))
    same(first, whole)


def test_a_copy_on_a_backend_has_its_own_weights() -> None:
    first = learner()
    moved = first.copy_to(CpuBackend("numpy"))
    np.testing.assert_array_equal(moved.predict(X), first.predict(X))
    moved.parameters.theta[:] = 0.0
    assert (moved.predict(X) != first.predict(X)).any()
    shown = first.trained()
    assert shown.parameters is first.parameters
    assert shown.progress.moments is None


def test_weights_by_name() -> None:
    weights = learner().weights()
    assert {name: w.shape for name, w in weights.items()} == {
        "W1": (6, 4), "W2": (1, 6), "b1": (6, 1), "b2": (1, 1),
    }  # fmt: skip


def test_a_watch_needs_something_to_watch() -> None:
    with pytest.raises(ArgumentError, match="patience needs a validation part to watch"):
        learner().train(TRAIN, options(patience=2))
