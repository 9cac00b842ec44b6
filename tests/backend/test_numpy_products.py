"""Products in parts: the numbers of one product, whoever multiplies them, and when threads do."""

import _thread
import threading
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.api.train import train as train_one
from fastnn.api.train_many import train_many
from fastnn.backend import engine
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.host.blas import NO_BLAS, ONE_THREAD, Blas, find_blas
from fastnn.backend.numpy import products as module
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.numpy.products import Pace, SharedProduct, parts
from fastnn.backend.numpy.stacked import StackedNumpyExecutable
from fastnn.backend.program import Advance, Dot, Program
from fastnn.backend.stack import Stack
from tests.backend.training_runs import RUNS, train


@pytest.fixture
def share_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of tests are small: share their products all the same."""
    monkeypatch.setattr(module, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(module, "_STEP", 2)


@pytest.fixture
def blas() -> Blas:
    found = find_blas()
    if found is None:
        pytest.skip(NO_BLAS)
    return found


# --- the parts ----------------------------------------------------------------------------------


@settings(max_examples=100)
@given(
    n=st.integers(1, 400), m=st.integers(1, 400), k=st.integers(1, 2000),
    threads=st.integers(1, 8),
)  # fmt: skip
def test_parts_are_the_product_once_each(n: int, m: int, k: int, threads: int) -> None:
    """Broadcast zeros take no memory, but for the result."""
    product = Dot(
        np.broadcast_to(1.0, (n, k)), np.broadcast_to(1.0, (k, m)), np.zeros((n, m), np.int8)
    )
    found = parts(product, threads)
    assert 1 <= len(found) <= threads
    assert len(found) == 1 or n * m * k > 4e7
    for part in found:
        assert part.out.base is product.out or part is product
        assert part.a.shape == (part.out.shape[0], k)
        assert part.b.shape == (k, part.out.shape[1])
        part.out[...] += 1
    assert (product.out == 1).all()


@pytest.mark.usefixtures("share_everything")
@pytest.mark.parametrize("shape", [(64, 500, 256), (256, 500, 64), (1000, 5000, 1), (1, 5000, 999)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_parts_compute(shape: tuple[int, int, int], dtype: str, rng) -> None:
    n, k, m = shape
    a = rng.integers(-8, 9, (n, k)).astype(dtype)
    b = rng.integers(-8, 9, (k, m)).astype(dtype)
    wanted = a.astype(np.int64) @ b.astype(np.int64)  # small whole numbers: exact
    for left, right in ((a, b), (np.asfortranarray(a), b), (a, np.asfortranarray(b))):
        out = np.full((n, m), np.nan, dtype)
        shared = NumpyExecutable(Program((Dot(left, right, out),), {}), threads=3)
        assert shared.threads > 1
        shared.run(2)
        np.testing.assert_array_equal(out, wanted)


# --- whoever multiplies, whatever else is going on ----------------------------------------------


class Sharing(CpuBackend):
    """A backend whose programs share their products out, at a pace that is set."""

    def __init__(self, threads: int, together: Iterator[bool]) -> None:
        super().__init__()
        self.threads, self.together, self.shared = threads, together, 0

    def compile(self, program: Program, runs: int = 1) -> NumpyExecutable:
        made = NumpyExecutable(program, self.threads)
        self.shared += made.threads > 1
        run = made.run

        def paced(n: int = 1) -> None:
            for _ in range(n):
                made._pace.together = next(self.together)
                run()

        made.run = paced  # type: ignore[method-assign]
        return made


def always(*values: bool) -> Iterator[bool]:
    while True:
        yield from values


@pytest.mark.usefixtures("share_everything")
@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("name", RUNS)
def test_the_bits_do_not_depend_on_who_multiplies(name: str, threads: int) -> None:
    wanted = train(Sharing(threads, always(False)), RUNS[name], "float32")
    plain = train(CpuBackend(), RUNS[name], "float32")
    for values in ([True], [True, False, False]):
        backend = Sharing(threads, always(*values))
        found = train(backend, RUNS[name], "float32")
        assert backend.shared > 1
        for a, b, c in zip(found, wanted, plain, strict=True):
            np.testing.assert_array_equal(a, b)
            np.testing.assert_allclose(a, c, rtol=1e-6, atol=1e-6)


def test_the_bits_do_not_depend_on_the_threads_of_blas(blas: Blas, rng) -> None:
    """Of 784 terms BLAS makes sums of other lengths on two threads than on one."""
    a, b = (rng.normal(size=s).astype(np.float32) for s in ((512, 784), (784, 128)))
    found, before = [], blas.get_threads()
    for n in (1, 2):
        blas.set_threads(n)
        try:
            for threads in (1, 2):
                out = np.empty((512, 128), np.float32)
                NumpyExecutable(Program((Dot(a, b, out),), {}), threads).run()
                found.append(out)
        finally:
            blas.set_threads(before)
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[3])


@pytest.mark.usefixtures("share_everything")
@pytest.mark.parametrize("n_networks", [1, 2, 3, 7])
def test_many_networks_have_the_bits_of_each_alone(n_networks: int, monkeypatch) -> None:
    """Costs and weights of every network, not only of the first one."""
    monkeypatch.setattr(engine, "available_threads", lambda: 3)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5)).astype("float32")
    y = np.digitize(X[:, :2].sum(axis=1), [-1.0, 1.0])
    given = {
        "hidden_layer_sizes": [8, 8], "epochs": 3, "batch_size": 32, "engine": "numpy",
        "split_seed": 0, "dropout": 0.2,
    }  # fmt: skip
    many = train_many([{"seed": g} for g in range(n_networks)], X, y, **given)
    for g, found in enumerate(many):
        wanted = train_one(X, y, seed=g, **given)
        costs = ([(e.loss, e.validation_loss) for e in t.history.epochs] for t in (found, wanted))
        np.testing.assert_array_equal(*costs)
        theta = (t.model.parameters.theta for t in (found, wanted))
        np.testing.assert_array_equal(*theta)


@pytest.mark.usefixtures("share_everything")
def test_a_stack_multiplies_the_same_parts(monkeypatch) -> None:
    multiplied: list[tuple[int, ...]] = []
    stack = Stack(CpuBackend(), seeds=[0, 0, 0])
    a, b, out = (stack.zeros(s, "float32") for s in ((6, 4), (4, 5), (6, 5)))
    product = Dot(a, b, out)
    matmul = np.matmul
    monkeypatch.setattr(np, "matmul", lambda *x: (multiplied.append(x[2].shape), matmul(*x))[1])
    StackedNumpyExecutable(Program((product,), {}), stack, threads=2).run()
    shapes = [part.out.shape for part in parts(product, 2)]
    assert shapes == [(2, 5), (4, 5)]
    assert multiplied == [(1, *s) for s in shapes] + [(2, *s) for s in shapes]


# --- BLAS, errors, Ctrl-C -----------------------------------------------------------------------


def watched(threads: int, work: int = 50_000_000) -> tuple[NumpyExecutable, list[int]]:
    """A product, and how many threads BLAS had whenever it was multiplied."""
    blas, seen = find_blas(), list[int]()
    assert blas is not None
    k = work // (64 * 64)
    out = np.empty((64, 64))
    made = NumpyExecutable(Program((Dot(np.ones((64, k)), np.ones((k, 64)), out),), {}), threads)
    made._calls.append(lambda: seen.append(blas.get_threads()))
    return made, seen


@pytest.mark.parametrize("threads", [1, 2])
def test_blas_is_held_to_one_thread_meanwhile(threads: int, blas: Blas) -> None:
    before = ONE_THREAD.threads(blas)
    made, seen = watched(threads)
    made.run(3)
    assert (made.threads, seen, blas.get_threads()) == (threads, [1] * 3, before)


def test_small_products_are_left_to_blas_which_takes_one_thread(blas: Blas) -> None:
    made, seen = watched(1, work=64 * 64 * 2)
    made.run()
    assert seen == [blas.get_threads()]


def test_ctrl_c_waits_until_all_parts_are_multiplied(blas: Blas) -> None:
    made, seen = watched(2)
    counter = np.array([0])
    made._calls.insert(0, NumpyExecutable(Program((Advance(counter, 1),), {}))._calls[0])

    def interrupt() -> None:
        if counter.item() == 5:
            _thread.interrupt_main()

    made._calls.insert(1, interrupt)
    made._pace.steps = 1
    with pytest.raises(KeyboardInterrupt):
        made.run(1000)
    assert counter.item() == len(seen) >= 5, "no step is torn in the middle"
    assert blas.get_threads() == ONE_THREAD.threads(blas)
    made._calls.pop(1)
    made.run(2)


@pytest.mark.usefixtures("share_everything")
def test_numbers_that_overflow_are_no_warning_in_any_thread() -> None:
    for shape in ((64, 1000, 256), (256, 1000, 64)):
        n, k, m = shape
        out = np.empty((n, m))
        full = np.full((n, k), 1e200), np.full((k, m), 1e200)
        NumpyExecutable(Program((Dot(*full, out),), {}), threads=4).run()
        assert np.isinf(out).all()


@pytest.mark.parametrize("shape", [(640, 400, 320), (320, 400, 640)])
def test_parts_of_any_layout_are_multiplied_where_they_lie(shape: tuple[int, int, int]) -> None:
    n, k, m = shape
    a, b, out = np.ones((n, k)), np.ones((k, m)), np.empty((n, m))
    layouts = ((a, b), (np.asfortranarray(a), b), (a, np.asfortranarray(b)))
    made = NumpyExecutable(Program(tuple(Dot(x, y, out) for x, y in layouts), {}), threads=3)
    made.run(2)
    tracemalloc.start()
    made.run(2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000, f"{peak} bytes for arrays of {out.nbytes}"


# --- the pace -----------------------------------------------------------------------------------


class Machine:
    """A clock, and how long a step takes in parts at the same time and one after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, together: float, alone: float) -> None:
        self.now, self.seconds, self.pace = 0.0, {True: together, False: alone}, Pace()
        self.steps = {True: 0, False: 0}
        monkeypatch.setattr(module.time, "perf_counter", lambda: self.now)

    def work(self, steps: int) -> None:
        self.now += steps * self.seconds[self.pace.together]
        self.steps[self.pace.together] += steps

    def share(self, n: int) -> float:
        """Take n steps; return which share of them went side by side."""
        self.steps = {True: 0, False: 0}
        self.pace.run(n, self.work)
        assert sum(self.steps.values()) == n
        return self.steps[True] / n


@pytest.mark.parametrize("step", [1e-5, 1e-3, 0.5])
def test_it_goes_the_way_that_takes_less_and_notices_a_change(step: float, monkeypatch) -> None:
    machine = Machine(monkeypatch, together=step, alone=1.6 * step)
    n = int(20 / step) + 100
    assert machine.share(n) > 0.9
    machine.seconds[True] = 10 * step  # somebody else needs the cores
    machine.share(int(2 / step) + 30)
    assert machine.share(n) < 0.1
    machine.seconds[True] = step
    machine.share(int(8 / step) + 150)  # the last trial took long, so the next one is far
    assert machine.share(n) > 0.9


def test_trials_become_rare_but_never_end(monkeypatch) -> None:
    machine = Machine(monkeypatch, together=2e-3, alone=1e-3)
    machine.share(1000)
    assert 0 < machine.share(100_000) < 0.02


@pytest.mark.parametrize("together", [True, False])
def test_a_shared_product_follows_the_pace(together: bool) -> None:
    seen: list[threading.Thread] = []
    pace = Pace()
    pace.together = together
    SharedProduct([lambda: seen.append(threading.current_thread())] * 3, pace)()
    assert seen.count(threading.current_thread()) == (1 if together else 3)
