"""The one training loop: best weights, endings, interruptions, and what the history says."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.data.batches import epoch_order
from fastnn.errors import ArgumentError, DataError, DeviceError, DivergenceError
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.recipe.recipe import Recipe
from fastnn.training.loop import TrainingInterrupted
from fastnn.training.part import Part
from fastnn.training.stopping import TimeLimit
from tests.training.alone import Alone
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4))
Y = (X[:, :1] * X[:, 1:2] > 0).astype(float)


def score(A):
    """Two metrics of the validation outputs."""
    return {"mean": float(A.mean()), "largest": float(A.max())}


def make(n=30, loss="binary_crossentropy", dtype=np.float64, greater=False, **options) -> Alone:
    net = network((4, 6, 1), loss_function=loss)
    backend = CpuBackend()
    parameters = Parameters(net, backend, dtype)
    initialize(net, parameters, backend, seed=1)
    train, validation = (
        Part(X[rows].astype(dtype), Y[rows].astype(dtype), score=score)
        for rows in (slice(0, n), slice(n, None))
    )
    chosen = Recipe.of(
        **{"patience": None, "batch_size": 8, "learning_rate": 0.1, "epochs": 12, **options}
    )
    return Alone(
        backend, net, parameters, train, chosen, validation=validation, greater_is_better=greater
    )


class Watch:
    """Keeps the weights after each epoch, and the calls."""

    def __init__(self, trainer):
        self.trainer, self.thetas, self.calls = trainer, [], []

    def begin(self, state):
        self.calls.append("begin")

    def epoch_end(self, state):
        self.calls.append("epoch")
        self.thetas.append(self.trainer.parameters.theta.copy())

    def end(self, state):
        self.calls.append("end")


@pytest.mark.parametrize(
    ("monitor", "greater"), [("loss", False), ("mean", True), ("largest", False)]
)
def test_early_stopping_goes_back_to_the_best_epoch_exactly(monitor, greater):
    trainer = make(patience=3, monitor=monitor, greater=greater, epochs=60)
    watch = Watch(trainer)
    history = trainer.run([watch])
    values = [e.value(monitor) for e in history.epochs]
    best = 1 + int(np.argmax(values) if greater else np.argmin(values))
    assert history.monitor == monitor
    assert history.best_epoch == best
    assert history.stopped == "early_stopping"
    assert len(history.epochs) == best + 3
    np.testing.assert_array_equal(trainer.parameters.theta, watch.thetas[best - 1])
    assert (trainer.parameters.theta != watch.thetas[-1]).any()


def test_without_patience_the_last_epoch_counts():
    trainer = make(epochs=4)
    watch = Watch(trainer)
    history = trainer.run([watch])
    assert (history.stopped, history.best_epoch, history.monitor) == ("epochs", 4, None)
    np.testing.assert_array_equal(trainer.parameters.theta, watch.thetas[-1])
    assert watch.calls == ["begin", "epoch", "epoch", "epoch", "epoch", "end"]


def test_the_history_is_complete_and_true():
    trainer = make(epochs=3, schedule="step(drop=0.5, every=1)", l2=0.3)
    history = trainer.run()
    assert [e.epoch for e in history.epochs] == [1, 2, 3]
    assert [e.learning_rate for e in history.epochs] == [0.1, 0.05, 0.025]
    for e in history.epochs:
        assert len(e.batch_costs) == 4  # 8 + 8 + 8 + 6 of 30 examples
        assert e.loss == pytest.approx((8 * e.batch_costs[:3].sum() + 6 * e.batch_costs[3]) / 30)
        assert e.seconds > 0
        assert e.examples_per_second == pytest.approx(30 / e.seconds)
        assert set(e.metrics) == {"mean", "largest"}
    # another plan over the same weights sees the same validation part
    plan = EvaluationPlan(trainer.backend, trainer.network, trainer.parameters)
    A, loss = plan.evaluate(X[30:], Y[30:])
    assert history.epochs[-1].validation_loss == pytest.approx(loss, rel=1e-12)
    assert history.epochs[-1].metrics == pytest.approx(score(A))


def test_batches_come_in_the_order_of_the_seed_and_shuffling_can_be_off():
    """One step of gradient descent per example: the cost of a batch tells which one it was."""
    for shuffle in (True, False):
        trainer = make(n=30, batch_size=1, epochs=1, learning_rate=1e-12, shuffle=shuffle, seed=4)
        start = trainer.parameters.theta.copy()
        costs = trainer.run().epochs[0].batch_costs
        trainer.parameters.theta[:] = start
        plan = EvaluationPlan(trainer.backend, trainer.network, trainer.parameters)
        each = [plan.evaluate(X[i : i + 1], Y[i : i + 1])[1] for i in range(30)]
        order = epoch_order(30, 4, 1) if shuffle else np.arange(30)
        np.testing.assert_allclose(costs, np.array(each)[order], rtol=1e-6)


def test_it_stops_when_the_cost_stands_still():
    trainer = make(batch_size="full", tolerance=1e-3, epochs=5000, l2=5.0, learning_rate=0.02)
    history = trainer.run()
    assert history.stopped == "converged"
    losses = np.array([e.loss for e in history.epochs])
    quiet = abs(np.diff(losses)) <= 1e-3 * abs(losses[:-1])
    assert quiet[-3:].all()
    assert not any(quiet[i : i + 3].all() for i in range(len(quiet) - 3)), "the first such epoch"


def test_it_stops_before_an_epoch_that_would_end_after_the_time_limit(monkeypatch):
    times = iter([0.0, 10.0, 20.0, 30.0])  # at the begin, and after each epoch
    clock = partial(TimeLimit, clock=lambda: next(times))
    monkeypatch.setattr("fastnn.training.course.TimeLimit", clock)
    history = make(epochs=50, patience=20, time_limit="35s").run()
    assert (len(history.epochs), history.stopped) == (3, "time_limit")
    losses = [e.validation_loss for e in history.epochs]
    assert history.best_epoch == np.argmin(losses) + 1


def test_a_callback_stops_it():
    trainer = make(epochs=12)

    def after_two(state):
        state.stop = state.epoch.epoch == 2

    history = trainer.run([after_two])
    assert (history.stopped, len(history.epochs), history.best_epoch) == ("callback", 2, 2)


def test_a_callback_sees_where_and_how_much():
    trainer, seen = make(epochs=2), []
    trainer.run([lambda s: seen.append((s.epoch.epoch, s.n_epochs, s.n_examples, s.device))])
    assert seen == [(1, 2, 30, "cpu"), (2, 2, 30, "cpu")]
    again = []
    trainer.run([Watch(trainer), lambda s: again.append(s.history.stopped)])
    assert again == []
    assert trainer.history.stopped == "epochs"


def test_an_error_of_a_callback_comes_through_and_the_others_are_ended():
    trainer = make(patience=2)
    watch = Watch(trainer)

    def fails(state):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        trainer.run([watch, fails])
    assert watch.calls == ["begin", "epoch", "end"]
    assert trainer.history.stopped == "failed"


@pytest.mark.parametrize("patience", [None, 20])
def test_ctrl_c_after_an_epoch_keeps_it(patience):
    trainer = make(patience=patience)
    watch = Watch(trainer)

    def ctrl_c(state):
        if state.epoch.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        trainer.run([watch, ctrl_c])
    history = caught.value.history
    assert isinstance(caught.value, KeyboardInterrupt)
    assert history is trainer.history
    assert history.stopped == "interrupted"
    assert len(history.epochs) == 3
    losses = [e.validation_loss for e in history.epochs]
    assert history.best_epoch == (3 if patience is None else 1 + int(np.argmin(losses)))
    np.testing.assert_array_equal(trainer.parameters.theta, watch.thetas[history.best_epoch - 1])
    assert watch.calls[-1] == "end"


def test_ctrl_c_in_the_middle_of_an_epoch_goes_back_to_its_start():
    trainer = make(epochs=5)
    watch = Watch(trainer)
    run_epoch, calls = trainer.plan.run_epoch, []

    def interrupted(order, rates):
        calls.append(run_epoch(order, rates, steps=3 if len(calls) == 2 else None))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return calls[-1]

    trainer.plan.run_epoch = interrupted
    with pytest.raises(TrainingInterrupted):
        trainer.run([watch])
    assert len(trainer.history.epochs) == trainer.history.best_epoch == 2
    np.testing.assert_array_equal(trainer.parameters.theta, watch.thetas[-1])
    assert trainer.plan.t == 8


def test_ctrl_c_before_the_first_epoch_is_over():
    trainer = make(patience=2)
    start = trainer.parameters.theta.copy()

    class Impatient(Watch):
        def begin(self, state):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted) as caught:
        trainer.run([Impatient(trainer)])
    assert caught.value.history.best_epoch is None
    np.testing.assert_array_equal(trainer.parameters.theta, start)


def test_a_real_signal():
    """SIGINT to a process that trains for hours: it stops at once, with the best weights."""
    code = """
import sys
from fastnn.api.train import train
from fastnn.training import callbacks
from fastnn.training.loop import TrainingInterrupted
callbacks.SECONDS = 0  # a line per epoch
try:
    train("digits", epochs=10**6, patience=10**6, verbose=True, hidden_layer_sizes=[32])
except TrainingInterrupted as caught:
    model = caught.result.model
    best = caught.result.history.best_epoch
    print(model.history.stopped, 1 <= best <= len(model.history.epochs), sep=",", end=",")
    print(caught.result.report["test"]["accuracy"] > 0.5, isinstance(caught, KeyboardInterrupt))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    lines = [child.stderr.readline() for _ in range(3)]
    assert lines[0].startswith("epoch       1/1000000  loss "), lines
    child.send_signal(signal.SIGINT)
    out, errors = child.communicate(timeout=HANG)
    assert child.returncode == 0, errors
    assert out == "interrupted,True,True True\n"


def test_patience_needs_something_to_watch():
    trainer = make()
    with pytest.raises(ArgumentError, match="patience needs a validation part to watch"):
        Alone(
            trainer.backend, trainer.network, trainer.parameters, Part(X, Y),
            Recipe.of(patience=3),
        )  # fmt: skip


def test_a_metric_that_is_not_defined_cannot_be_watched():
    trainer = make(patience=3, monitor="auc")
    trainer.entry.validation = Part(X[30:], Y[30:], score=lambda A: {"auc": float("nan")})
    with pytest.raises(DataError, match="monitor 'auc' is not defined on the validation part"):
        trainer.run()


def test_training_without_a_validation_part():
    made = make()
    trainer = Alone(
        made.backend, made.network, made.parameters, Part(X, Y), Recipe.of(patience=None, epochs=2)
    )
    history = trainer.run()
    assert [e.validation_loss for e in history.epochs] == [None, None]
    assert [e.metrics for e in history.epochs] == [{}, {}]


def test_a_trainer_that_is_run_again_goes_on():
    whole, halves = make(epochs=4), make(epochs=4)
    whole.run()

    def after_two(state):
        state.stop = len(state.history.epochs) == 2

    halves.run([after_two])
    halves.run()
    np.testing.assert_array_equal(whole.parameters.theta, halves.parameters.theta)
    assert [e.loss for e in whole.history.epochs] == [e.loss for e in halves.history.epochs]


def test_a_trainer_that_is_run_again_has_nothing_left_of_the_run_before():
    """Neither its learning-rate factor, nor its callbacks, nor the epoch that it would undo."""
    trainer = make(epochs=2)

    def slower(state):
        state.rate_factor = 0.25

    before = Watch(trainer)
    trainer.run([before, slower])
    theta = trainer.parameters.theta.copy()
    trainer.trainer.extend(4)

    class Impatient(Watch):
        def begin(self, state):
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        trainer.run([Impatient(trainer)])
    np.testing.assert_array_equal(trainer.parameters.theta, theta)
    assert before.calls == ["begin", "epoch", "epoch", "end"]
    history = trainer.run()
    assert [e.learning_rate for e in history.epochs] == [0.1, 0.025, 0.1, 0.1]


def test_the_error_of_a_run_is_not_that_of_the_next():
    trainer = make(epochs=2)

    def impossible(state):
        state.rate_factor = 1e300

    class Sensible(Watch):
        def begin(self, state):
            state.rate_factor = 1.0

    with np.errstate(all="ignore"), pytest.raises(DivergenceError, match="epoch 2, "):
        trainer.run([impossible])
    assert trainer.history.stopped == "diverged"
    assert trainer.run([Sensible(trainer)]).stopped == "epochs"
    assert trainer.entry.error is None


def test_a_trainer_that_does_not_fit_into_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(CpuBackend, "free_memory", lambda self: 2000)
    with pytest.raises(
        DeviceError,
        match=r"training needs 7\.1 kB on cpu, even with one example.* 2\.0 kB are free",
    ):
        make()
    monkeypatch.setattr(CpuBackend, "free_memory", lambda self: 20_000)
    assert make(epochs=1).run().stopped == "epochs"


class SmallDevice(CpuBackend):
    """What has the CPU's arithmetic and little memory of its own."""

    device = "cuda:0"
    free = 0

    def free_memory(self) -> int:
        return self.free


def on_a_small_device(free: int, batch_size: object = 8) -> Alone:
    net, backend = network((4, 6, 1)), SmallDevice()
    backend.free = free
    parameters = Parameters(net, backend, np.float64)
    initialize(net, parameters, backend, seed=1)
    rng = np.random.default_rng(0)
    part = Part(rng.normal(size=(5000, 4)), rng.normal(size=(5000, 1)))
    options = Recipe.of(batch_size=batch_size, epochs=3, patience=None)
    return Alone(backend, net, parameters, part, options)


def test_examples_that_do_not_fit_come_in_blocks_and_it_is_said():
    said = (
        r"training would need 286\.7 kB on cuda:0, where 185\.6 kB are free: the training "
        r"examples \(200\.0 kB\) are sent there in blocks of 512, with the same result"
    )
    with pytest.warns(RuntimeWarning, match=said):
        streamed = on_a_small_device(185_000)
    resident = on_a_small_device(800_000)
    streamed.run()
    resident.run()
    np.testing.assert_array_equal(streamed.parameters.theta, resident.parameters.theta)


@pytest.mark.parametrize(("free", "batch_size"), [(5_000, 8), (185_000, "full")])
def test_what_cannot_come_in_blocks_either_is_refused(free, batch_size):
    with pytest.raises(DeviceError, match="training needs"):
        on_a_small_device(free, batch_size)
