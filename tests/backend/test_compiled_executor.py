"""Whole trainings as compiled code, on one thread and on several, against NumPy.

In float64 rounding stays rounding: 1e-12 after 100 steps for every activation, loss and
optimiser (measured: 5e-15). In float32, 1e-6 for the plain methods. RMSprop and Adam divide a
gradient by its own size, and the sign of a gradient near zero is rounding: there 1e-5 (measured:
4e-6, of 546 combinations). The exponential activation grows without bound and is trained slowly.
"""

import _thread
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.backend.compiled import barriers as sharing
from fastnn.backend.compiled import products as multiplying
from fastnn.backend.compiled.executor import CompiledExecutable
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.host import threads as compiled_threads
from fastnn.backend.host.blas import find_blas
from fastnn.backend.program import Advance, Program
from fastnn.backend.random import generator
from fastnn.errors import DivergenceError
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.losses import LOSSES
from fastnn.nn.network import network
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data
from fastnn.recipe.recipe import Recipe
from fastnn.training.learner import Learner
from fastnn.training.part import Part
from tests.backend.compiled import Compiled, needs_compiler
from tests.backend.training_runs import RUNS, train
from tests.waiting import HANG

pytestmark = needs_compiler

ROOT = Path(__file__).resolve().parents[2]
NUMPY = CpuBackend("numpy")
TOLERANCE = {"float64": 1e-12, "float32": 1e-6}


@pytest.fixture
def every_share(monkeypatch) -> None:
    """Even the smallest instruction is shared among the threads."""
    monkeypatch.setattr(sharing, "ALONE", 0)


def make_plan(
    backend: CpuBackend,
    dtype: str = "float64",
    sizes: tuple[int, ...] = (4, 17, 6, 3),
    n: int = 50,
    batch_size: int = 16,
    rule: str = "momentum",
    weighted: bool = False,
    training: dict[str, Any] | None = None,
    **choices: Any,
) -> TrainingPlan:
    rng = np.random.default_rng(8)
    net = network(list(sizes), **choices)
    X, Y = rng.standard_normal((n, sizes[0])), rng.standard_normal((n, sizes[-1]))
    match net.loss.name:
        case "categorical_crossentropy":
            Y = rng.integers(0, sizes[-1], (n, 1)).astype(float)
        case "binary_crossentropy":
            Y = (Y > 0).astype(float)
        case "poisson":
            Y = np.round(abs(Y))
    w = backend.array(rng.uniform(0.5, 2, (n, 1)), dtype) if weighted else None
    data = Data(backend.array(X, dtype), backend.array(Y, dtype), w)
    parameters = Parameters(net, backend, dtype)
    initialize(net, parameters, backend, seed=4)
    options = {"seed": 4, **(training or {})}
    return TrainingPlan(backend, net, parameters, optimizer(rule), data, batch_size, **options)


def epochs(plan: TrainingPlan, n: int, rate: float = 0.01, first: int = 0) -> np.ndarray:
    """The cost of every batch of n epochs."""
    N = len(plan.data)
    return np.concatenate(
        [
            plan.run_epoch(generator(4, "shuffle", e).permutation(N), np.full(plan.n_steps, rate))
            for e in range(first, first + n)
        ]
    )


def assert_alike(found: TrainingPlan, wanted: TrainingPlan, costs: Any, tolerance: float) -> None:
    pairs = [costs, (found.parameters.theta, wanted.parameters.theta)]
    pairs += [(found.state[name], wanted.state[name]) for name in wanted.state]
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, float(abs(b).max())))


#: every activation, loss and optimiser comes up, each with several of the others
COMBINATIONS = [
    (g, LOSSES.names[i % len(LOSSES.names)], OPTIMIZERS.names[i % len(OPTIMIZERS.names)])
    for i, g in enumerate(ACTIVATIONS.names)
]


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("g", "loss", "rule"), COMBINATIONS)
def test_a_hundred_steps(g: str, loss: str, rule: str, dtype: str) -> None:
    choices: dict[str, Any] = {"activation": g, "loss_function": loss, "rule": rule}
    rate = 0.001 if g == "exponential" else 0.01
    divides = rule in ("rmsprop", "adam", "adamw") and dtype == "float32"
    wanted = make_plan(NUMPY, dtype, **choices)
    costs = epochs(wanted, 25, rate)
    assert np.isfinite(costs).all()
    assert len(costs) == 100
    for threads in (1, 3) if dtype == "float64" else (2,):
        found = make_plan(Compiled(threads), dtype, **choices)
        compared = epochs(found, 25, rate), costs
        assert_alike(found, wanted, compared, 1e-5 if divides else TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("rule", ["momentum", "adam"])
def test_a_hundred_steps_with_products_written_out(rule: str, dtype: str, monkeypatch) -> None:
    monkeypatch.setattr(multiplying, "has_wide_vectors", lambda: True)
    choices: dict[str, Any] = {
        "sizes": (30, 70, 40, 20), "n": 256, "batch_size": 64, "activation": "tanh", "rule": rule,
    }  # fmt: skip
    wanted = make_plan(NUMPY, dtype, **choices)
    costs = epochs(wanted, 25)
    for threads in (1, 2):
        found = make_plan(Compiled(threads), dtype, **choices)
        tolerance = 1e-5 if (rule, dtype) == ("adam", "float32") else TOLERANCE[dtype]
        assert_alike(found, wanted, (epochs(found, 25), costs), tolerance)


GROUPS = [
    ParameterGroup("biases", learning_rate_factor=2.0, weight_decay=0.0),
    ParameterGroup(layer=1, learning_rate_factor=0.5),
]
CASES: dict[str, dict[str, Any]] = {
    "dropout": {"dropout": 0.4, "activation": "relu"},
    "dropout in one layer": {"dropout": [0.0, 0.5], "activation": "tanh"},
    "weights of the examples": {"weighted": True, "loss_function": "huber"},
    "L2": {"training": {"l2": 0.5}},
    "L1": {"training": {"l1": 0.05}},
    "L1, L2 and clipping": {"training": {"l1": 0.05, "l2": 0.5, "clip_norm": 0.1}},
    "groups": {"rule": "adamw", "training": {"groups": GROUPS}},
    "label smoothing": {"loss_function": "categorical_crossentropy(label_smoothing=0.1)"},
    "no ragged batch": {"batch_size": 10},
    "a ragged batch of one": {"batch_size": 7},
    "full batch": {"batch_size": 50},
    "batches of one": {"batch_size": 1},
    "one example": {"n": 1, "batch_size": 1},
    "two examples": {"n": 2, "batch_size": 1},
    "one feature": {"sizes": (1, 6, 2)},
    "one unit": {"sizes": (3, 1, 1)},
    "one unit and one feature": {"sizes": (1, 1)},
    "no hidden layer": {"sizes": (5, 4), "loss_function": "categorical_crossentropy"},
    "one output": {"sizes": (4, 9, 1), "loss_function": "binary_crossentropy"},
    "a deep one": {"sizes": (4, 6, 6, 6, 6, 6, 2), "activation": "selu"},
    "mixed activations": {"activation": ["softmax", "gelu"]},
}


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CASES)
def test_every_option(name: str, dtype: str) -> None:
    wanted = make_plan(NUMPY, dtype, **CASES[name])
    costs = epochs(wanted, 4)
    for threads in (1, 2) if dtype == "float64" else (1,):
        found = make_plan(Compiled(threads), dtype, **CASES[name])
        tolerance = 1e-5 if (name, dtype) == ("groups", "float32") else 2 * TOLERANCE[dtype]
        assert_alike(found, wanted, (epochs(found, 4), costs), tolerance)


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_the_runs_that_every_device_is_compared_on(run, threads: int) -> None:
    costs, theta, predictions = train(CpuBackend(), run, "float64")
    found = train(Compiled(threads), run, "float64")
    for a, b in zip(found, (costs, theta, predictions), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [1, 2])
def test_dropout_masks_are_equal_bit_by_bit(threads: int) -> None:
    kept = []
    for backend in (NUMPY, Compiled(threads)):
        plan = make_plan(backend, dropout=0.5)
        epochs(plan, 2)
        kept.append(
            [i.out.copy() for i in plan.program.instructions if type(i).__name__ == "Uniform"]
        )
    assert len(kept[0]) == 2
    for a, b in zip(*kept, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.std() > 0.2


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_two_runs_are_equal_bit_by_bit(dtype: str, threads: int) -> None:
    runs = []
    for _ in range(2):
        plan = make_plan(Compiled(threads), dtype, rule="adam", dropout=0.2)
        runs.append((epochs(plan, 5), plan.parameters.theta))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(runs[0][1], runs[1][1])


@pytest.mark.parametrize("threads", [1, 2])
def test_products_written_out_give_the_same_bits_again(threads: int, monkeypatch) -> None:
    monkeypatch.setattr(multiplying, "has_wide_vectors", lambda: True)
    runs = []
    for _ in range(2):
        plan = make_plan(Compiled(threads), "float32", sizes=(30, 70, 40, 20), n=256, batch_size=64)
        runs.append((epochs(plan, 5), plan.parameters.theta))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(runs[0][1], runs[1][1])


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_snapshot_is_replayed_bit_by_bit(threads: int) -> None:
    plan = make_plan(Compiled(threads), "float32", rule="adam", dropout=0.2)
    epochs(plan, 2)
    snapshot = plan.snapshot()
    first = epochs(plan, 2, first=2), plan.parameters.theta.copy()
    plan.restore(snapshot)
    again = epochs(plan, 2, first=2), plan.parameters.theta.copy()
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert plan.t == 16


def diverging(backend: CpuBackend, X: np.ndarray, rate: float) -> tuple[str, np.ndarray]:
    """What is said, and the weights that are left."""
    net = network([3, 8, 1], activation="relu")
    parameters = Parameters(net, backend, "float64")
    initialize(net, parameters, backend, seed=1)
    options = Recipe.of(
        patience=None, optimizer="sgd", learning_rate=rate, epochs=30, batch_size=10
    )
    with pytest.raises(DivergenceError) as error:
        Learner(net, parameters, backend).train(Part(X, X[:, :1] * 3), options)
    return str(error.value), parameters.theta


@pytest.mark.usefixtures("every_share")
def test_a_divergence_is_found_and_told_alike() -> None:
    X = np.random.default_rng(0).standard_normal((40, 3))
    said, left = [], []
    for backend in (NUMPY, Compiled(1), Compiled(2)):
        message, theta = diverging(backend, X, rate=30.0)
        said.append(message)
        left.append(theta)
    assert said[0] == said[1] == said[2]
    assert np.isfinite(left).all()
    np.testing.assert_allclose(left[1], left[0], rtol=1e-9)
    np.testing.assert_allclose(left[2], left[0], rtol=1e-9)


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("g", ["tanh", "gelu", "softmax"])
def test_the_gradient_is_the_derivative(g: str, threads: int, rng) -> None:
    """Central differences of the cost (N16) along a direction."""
    made = make_plan(NUMPY, activation=g, loss_function="categorical_crossentropy", dropout=0.2)
    p, backend = made.parameters, Compiled(threads)
    plan = GradientPlan(backend, made.network, p, made.data, l2=0.3, seed=4)
    J, gradient = plan.cost_and_gradient()
    start, direction = p.theta.copy(), rng.standard_normal(p.theta.shape)
    slope, costs = gradient @ direction, []  # the next call overwrites the gradient
    assert plan.cost() == pytest.approx(J, rel=1e-14)
    for h in (1e-6, -1e-6):
        p.theta[:] = start + h * direction
        costs.append(plan.cost())
    assert (costs[0] - costs[1]) / 2e-6 == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("threads", [1, 2])
def test_predictions_are_those_of_numpy(threads: int) -> None:
    made = make_plan(NUMPY, activation="gelu", loss_function="categorical_crossentropy", n=45)
    net, p, X = made.network, made.parameters, made.data.X
    wanted = EvaluationPlan(NUMPY, net, p, 20).predict(X)
    found = EvaluationPlan(Compiled(threads), net, p, 20).predict(X)
    np.testing.assert_allclose(found, wanted, rtol=1e-13)


# --- memory, threads and processes ----------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2])
def test_the_second_epoch_allocates_nothing_that_grows(threads: int) -> None:
    peaks = []
    for n, width in ((200, 20), (2000, 200)):
        plan = make_plan(Compiled(threads), sizes=(30, width, 5), n=n, dropout=0.2)
        order, rates = np.arange(n), np.full(plan.n_steps, 0.01)
        plan.run_epoch(order, rates)
        copied = order.nbytes + 20 * plan.n_steps * 8  # the order, and tables of a row per step
        tracemalloc.start()
        plan.run_epoch(order, rates)
        peaks.append(tracemalloc.get_traced_memory()[1] - copied)
        tracemalloc.stop()
    assert peaks[1] < 40_000, f"{peaks} bytes; the parameters alone have {35 * 200 * 8}"


def test_running_zero_times_does_nothing() -> None:
    counter = np.array([0])
    executable = CompiledExecutable(Program((Advance(counter, 3),), {}))
    executable.run(0)
    assert counter.item() == 0
    executable.run(100_000)
    executable.run()
    assert counter.item() == 300_003


def blas_threads() -> int:
    blas = find_blas()
    assert blas is not None
    return blas.get_threads()


@pytest.fixture
def two_blas_threads():
    """NumPy multiplies with two threads, whatever was set before."""
    blas = find_blas()
    assert blas is not None
    before = blas.get_threads()
    blas.set_threads(2)
    yield
    blas.set_threads(before)


@pytest.mark.usefixtures("two_blas_threads")
def test_the_threads_of_blas_are_given_back_after_a_run_and_after_an_error(monkeypatch) -> None:
    before = blas_threads()
    plan = make_plan(Compiled(2))
    epochs(plan, 1)
    assert blas_threads() == before
    during: list[int] = []

    def refuse(self) -> None:
        during.append(blas_threads())
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    monkeypatch.setattr(compiled_threads, "_SLEEPERS", [])
    with pytest.raises(RuntimeError, match="can't start"):
        epochs(plan, 1)
    assert during == [1]
    assert blas_threads() == before


@pytest.mark.usefixtures("every_share", "two_blas_threads")
def test_two_trainings_at_once_do_not_disturb_each_other() -> None:
    before, wanted = blas_threads(), make_plan(Compiled(2), rule="adam", dropout=0.1)
    costs = epochs(wanted, 30)
    found: dict[int, Any] = {}

    def go(me: int) -> None:
        plan = make_plan(Compiled(2), rule="adam", dropout=0.1)
        found[me] = epochs(plan, 30), plan.parameters.theta

    pair = [threading.Thread(target=go, args=(i,)) for i in range(2)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()
    assert blas_threads() == before
    for result, theta in found.values():
        np.testing.assert_array_equal(result, costs)
        np.testing.assert_array_equal(theta, wanted.parameters.theta)
    assert len(found) == 2


def _in_a_child(queue: Any, threads: int) -> None:
    queue.put(epochs(make_plan(Compiled(threads), "float32"), 3))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_process_that_was_forked_off_after_a_training_trains_alike(threads: int) -> None:
    costs = epochs(make_plan(Compiled(threads), "float32"), 3)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_in_a_child, args=(queue, threads))
    child.start()
    child.join(HANG)
    assert child.exitcode == 0
    np.testing.assert_array_equal(queue.get(), costs)


def run_script(code: str, *, wait_for: str = "", **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if wait_for:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == wait_for
    return child


ON_ONE_CORE = """
import os
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
from fastnn.backend.compiled import products as multiplying
from fastnn.backend.compiled import barriers as sharing
sharing.ALONE = 0
from tests.backend.compiled import Compiled
from tests.backend.test_compiled_executor import epochs, make_plan
print(epochs(make_plan(Compiled(3)), 25).tolist())
"""


@pytest.mark.usefixtures("every_share")
def test_three_threads_on_one_core_come_to_an_end() -> None:
    child = run_script(ON_ONE_CORE)
    output, errors = child.communicate(timeout=HANG)
    assert child.returncode == 0, errors
    assert output.strip() == str(epochs(make_plan(Compiled(3)), 25).tolist())


# A data set that learns nothing, so that the first epoch stays the best; then Ctrl-C.
LONG_TRAINING = """
import threading
import time
import numpy as np
from fastnn.backend.host.blas import find_blas
from fastnn.backend.host.threads import _SLEEPERS
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.training.loop import TrainingInterrupted
from fastnn.recipe.recipe import Recipe
from fastnn.training.learner import Learner
from fastnn.training.part import Part
from tests.backend.compiled import Compiled
from tests.waiting import HANG

threads, dropout = {threads}, {dropout}
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((60_000, 64)), rng.standard_normal((60_000, 1))
backend = Compiled(threads)
net = network([64, 128, 64, 1], activation="relu", dropout=dropout)
parameters = Parameters(net, backend, "float32")
initialize(net, parameters, backend, seed=1)
options = Recipe.of(epochs=100_000, batch_size=32, patience=9999)
best = []

def watch(state):
    if state.history.best_epoch == len(state.history.epochs):
        best[:] = [parameters.theta.copy()]
    if len(state.history.epochs) == 2:
        print("going", flush=True)

before = find_blas().get_threads()
small = Part(X[:500], Y[:500])
learner = Learner(net, parameters, backend)
try:
    learner.train(Part(X, Y), options, validation=small, callbacks=[watch])
except TrainingInterrupted:
    assert (parameters.theta == best[0]).all(), "not the best weights"
    assert find_blas().get_threads() == before
    end = time.monotonic() + HANG
    while threading.active_count() > 1 + len(_SLEEPERS) and time.monotonic() < end:
        time.sleep(0.001)
    assert threading.active_count() == 1 + len(_SLEEPERS), "a thread is still at work"
    print(learner.history.stopped, flush=True)
"""


@pytest.mark.parametrize(("threads", "dropout"), [(1, 0.0), (2, 0.0), (1, 0.3), (2, 0.3)])
def test_ctrl_c_ends_a_training_with_the_best_weights(threads: int, dropout: float) -> None:
    code = LONG_TRAINING.format(threads=threads, dropout=dropout)
    child = run_script(code, wait_for="going")
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.1)  # it goes on, now in the middle of an epoch
    child.send_signal(signal.SIGINT)
    output, errors = child.communicate(timeout=HANG)
    assert child.returncode == 0, errors
    assert output.strip() == "interrupted"
    assert errors == "", "nothing was printed about an exception that was ignored"


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_is_noticed_between_two_stretches(threads: int, monkeypatch) -> None:
    """Not only at the end of an epoch, however long that is; all threads are as far."""
    monkeypatch.setattr("fastnn.backend.host.threads.STRETCH", 0.0)  # a step at a time
    counts, step = [np.zeros(1, np.int64) for _ in range(threads)], CompiledExecutable._run

    def interrupted(self: CompiledExecutable, n: int) -> None:
        step(self, n)
        if counts[0].item() == 5:
            _thread.interrupt_main()

    executable = CompiledExecutable(Program(tuple(Advance(c, 1) for c in counts), {}), threads)
    monkeypatch.setattr(CompiledExecutable, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        executable.run(1000)
    assert [c.item() for c in counts] == [5] * threads
    executable.run(2)  # and it can go on
    assert [c.item() for c in counts] == [7] * threads
