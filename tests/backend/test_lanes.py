"""How a program is shared out among threads: any order of the lanes gives what NumPy alone does."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from fastnn.api.train import train as train_one
from fastnn.api.train_many import train_many
from fastnn.backend import engine
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy import lanes as module
from fastnn.backend.numpy.batched import NotShareableError
from fastnn.backend.numpy.executor import NumpyExecutable, prepare
from fastnn.backend.numpy.lanes import share_program
from fastnn.backend.numpy.phases import Schedule
from fastnn.backend.numpy.scratch import Scratch
from fastnn.backend.program import Dot, Program, Recorder
from tests.backend.training_runs import RUNS, train

Order = Callable[[int], Sequence[int]]
ORDERS: dict[str, Order] = {"forwards": range, "backwards": lambda n: range(n)[::-1]}
square = Kernel("square", lambda z: z * z)
add_bias = Kernel("add_bias", lambda z, b: z + b)


@pytest.fixture(autouse=True)
def share_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of tests are small: share them all the same."""
    monkeypatch.setattr(module, "FEWEST", 1)
    monkeypatch.setattr(module, "WORTH_SHARING", 1)
    monkeypatch.setattr(module, "_STEP", 16)


class LaneAfterLane:
    """Does a schedule's phases, in each one lane after the other."""

    def __init__(self, schedule: Schedule, order: Order) -> None:
        scratch = Scratch()
        lanes = [[phase[t] for t in order(len(phase))] for phase in schedule.phases]
        binds = [prepare(i, scratch) for phase in lanes for lane in phase for i in lane]
        self._calls = [call for bind in binds for call in bind()]

    def run(self, n: int = 1) -> None:
        with np.errstate(all="ignore"):
            for _ in range(n):
                for call in self._calls:
                    call()


class Sharing(CpuBackend):
    """A backend whose programs are shared out, and that notes the schedules."""

    def __init__(self, n: int, order: Order) -> None:
        super().__init__()
        self.n, self.order = n, order
        self.schedules: list[Schedule] = []

    def compile(self, program: Program, runs: int = 1) -> Any:
        self.schedules.append(share_program(program, self.n))
        return LaneAfterLane(self.schedules[-1], self.order)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RUNS)
def test_a_training_in_lanes_is_the_training(name: str, dtype: str, n: int, order: str) -> None:
    """The last batch of each epoch has 2 examples: fewer than three lanes."""
    wanted = train(CpuBackend(), RUNS[name], dtype)
    backend = Sharing(n, ORDERS[order])
    found = train(backend, RUNS[name], dtype)
    tolerance = {"float32": 1e-6, "float64": 1e-12}[dtype]
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    # Not one of these programs is left to the first lane alone.
    assert all(any(phase[1] for phase in s.phases) for s in backend.schedules)


def recorded(m: int = 64, *, result: bool = False) -> tuple[Recorder, dict[str, Any]]:
    """A layer of four units, its examples, and the gradient of the weights."""
    rng = np.random.default_rng(0)
    xp = Recorder()
    a: dict[str, Any] = {
        "X": rng.normal(size=(m, 3)), "W": rng.normal(size=(4, 3)), "b": rng.normal(size=(4, 1)),
        "Z": np.empty((4, m)), "A": np.empty((4, m)), "dW": np.empty((4, 3)),
        "db": np.empty((4, 1)), "J": np.empty((1, 1)),
    }  # fmt: skip
    xp.examples(a["X"])
    xp.dot(a["W"], a["X"].T, out=a["Z"])
    xp.apply(add_bias, a["Z"], a["b"], out=a["A"])
    if result:
        xp.result(a["A"])
    return xp, a


def test_lanes_meet_only_where_one_needs_what_another_made() -> None:
    xp, a = recorded()
    xp.dot(a["A"], a["X"], out=a["dW"])
    xp.sum(a["A"], axis=1, out=a["db"])
    xp.apply(add_bias, a["W"], a["b"], out=a["W"])
    schedule = share_program(xp.program(), 2)
    kinds = [[[type(i).__name__ for i in lane] for lane in phase] for phase in schedule.phases]
    own = ["Dot", "Apply", "Dot", "Reduce"]
    # The update of W must wait until nobody multiplies by it any more.
    assert kinds[0] == [own, own]
    assert kinds[1][0][-1] == "Apply"
    assert len(kinds) == 2


def test_a_result_is_laid_out_as_it_was() -> None:
    xp, a = recorded(result=True)
    LaneAfterLane(share_program(xp.program(), 3), range).run()
    np.testing.assert_allclose(a["A"], a["W"] @ a["X"].T + a["b"], rtol=1e-12)


def test_sums_of_every_lane_are_added_up_once_a_step() -> None:
    xp, a = recorded()
    xp.dot(a["A"], a["X"], out=a["dW"])
    xp.sum(a["A"], axis=None, out=a["J"])
    schedule = share_program(xp.program(), 4)
    LaneAfterLane(schedule, range).run(5)
    A = a["W"] @ a["X"].T + a["b"]
    np.testing.assert_allclose(a["dW"], A @ a["X"], rtol=1e-12)
    np.testing.assert_allclose(a["J"], [[A.sum()]], rtol=1e-12)
    assert [[c.size for c in copies] for copies in schedule.kept] == [[12] * 3, [1] * 3]


def test_memory_of_a_schedule_serves_another_one() -> None:
    """A training's full and short batch add up the same gradient, on fewer lanes, perhaps."""
    xp, a = recorded()
    xp.dot(a["A"], a["X"], out=a["dW"])
    first, again, fewer = (share_program(xp.program(), n) for n in (3, 3, 2))
    assert again.kept[0] is fewer.kept[0] is first.kept[0]
    more = share_program(xp.program(), 4)
    assert more.kept[0] is not first.kept[0]
    ys, b = recorded()
    ys.dot(b["A"], b["X"], out=b["dW"])
    assert share_program(ys.program(), 2).kept[0] is not first.kept[0]


MANY: dict[str, dict[str, Any]] = {
    "one output": {"task": "regression"},
    "clipped, dropout": {"task": "regression", "gradient_clip": 0.1, "dropout": 0.3},
    "batch normalisation": {"task": "regression", "batch_normalization": "before", "l2": 0.1},
    "classes": {"activation": "tanh", "optimizer": "adamw"},
}


@pytest.mark.parametrize("case", MANY)
def test_many_networks_in_lanes_have_the_bits_of_each_alone(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Costs and weights of every network, not only of the first one."""
    monkeypatch.setattr(engine, "lanes_for", lambda program: 3)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 5)).astype("float32")
    y = X[:, :2].sum(axis=1)
    y = y if "task" in MANY[case] else np.digitize(y, [-1.0, 1.0])
    given: dict[str, Any] = {
        "hidden_layer_sizes": [8, 8], "epochs": 3, "batch_size": 32, "engine": "numpy",
        "split_seed": 0, **MANY[case],
    }  # fmt: skip
    many = train_many([{"seed": g} for g in range(3)], X, y, **given)
    for g, found in enumerate(many):
        wanted = train_one(X, y, seed=g, **given)
        costs = ([(e.loss, e.validation_loss) for e in t.history.epochs] for t in (found, wanted))
        np.testing.assert_array_equal(*costs)
        theta = (t.model.parameters.theta for t in (found, wanted))
        np.testing.assert_array_equal(*theta)


def test_sums_with_something_between_them_are_added_up_apart() -> None:
    """The copy of what lies between two sums may hold what another sum left there."""
    xp, rng = Recorder(), np.random.default_rng(0)
    X = rng.normal(size=(64, 2))
    flat, own = np.zeros(48), np.zeros((2, 64))
    sums = [flat[k : k + 2].reshape(2, 1) for k in (0, 16, 32)]
    xp.examples(X)
    xp.dot(np.eye(2), X.T, out=own)
    for k in (0, 2, 1):
        xp.sum(own, axis=1, out=sums[k])
        if k:
            xp.apply(square, sums[2], out=np.empty((2, 1)))
            xp.apply(square, sums[0], out=np.empty((2, 1)))
    LaneAfterLane(share_program(xp.program(), 2), range).run(3)
    for found in sums:
        np.testing.assert_allclose(found, X.sum(axis=0)[:, None], rtol=1e-12)


def test_a_kernel_over_many_parameters_is_shared_in_stretches() -> None:
    xp, p, g = Recorder(), np.arange(100.0), np.ones(100)
    rate = np.array([0.5])
    xp.apply(Kernel("step", lambda p, g, rate: p - rate * g), p, g, rate, out=p)
    schedule = share_program(xp.program(), 3)
    sizes = [[i.outs[0].size for i in lane] for lane in schedule.phases[0]]
    assert sizes == [[32], [32], [36]]
    LaneAfterLane(schedule, range).run(2)
    assert p.tolist() == (np.arange(100.0) - 1).tolist()


def test_few_examples_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 40)
    monkeypatch.setattr(module, "WORTH_SHARING", 10**9)
    xp, _ = recorded(m=79)
    program = xp.program()
    assert [lane[1] for lane in share_program(program, 2).phases] == [[]]
    xp, _ = recorded(m=80)
    assert all(lane[1] for lane in share_program(xp.program(), 2).phases)


def wrong_dot(xp: Recorder, a: dict[str, Any]) -> None:
    xp.dot(a["A"].T, a["A"], out=np.empty((64, 64)))


def wrong_max(xp: Recorder, a: dict[str, Any]) -> None:
    xp.max(a["A"], axis=1, out=a["db"])


def wrong_part(xp: Recorder, a: dict[str, Any]) -> None:
    xp.apply(square, a["A"][:, 1:], out=np.empty((4, 63)))


def wrong_length(xp: Recorder, a: dict[str, Any]) -> None:
    xp.examples(np.empty((63, 1)))


def wrong_result(xp: Recorder, a: dict[str, Any]) -> None:
    xp.result(a["Z"])


def wrong_store(xp: Recorder, a: dict[str, Any]) -> None:
    xp.store(a["A"], np.array([0]), table=np.empty((3, 4, 64)))


def wrong_shape(xp: Recorder, a: dict[str, Any]) -> None:
    xp.apply(Kernel("add", lambda z, y: z + y), a["A"], np.ones((4, 64)), out=a["A"])


def wrong_direction(xp: Recorder, a: dict[str, Any]) -> None:
    xp.apply(Kernel("add", lambda z, y: z + y), a["A"], a["Y"], out=a["A"])


def wrong_reuse(xp: Recorder, a: dict[str, Any]) -> None:
    xp.load(np.empty((2, 4, 64)), np.array([0]), out=a["A"])


def wrong_random(xp: Recorder, a: dict[str, Any]) -> None:
    xp.uniform(0, 1, np.array([0]), out=np.empty((4, 9), np.float32))


def wrong_sum(xp: Recorder, a: dict[str, Any]) -> None:
    xp.sum(a["A"], axis=1, out=np.empty((4, 2))[:, :1])


WRONG: dict[str, tuple[Callable[[Recorder, dict[str, Any]], None], str]] = {
    "a product over no sum": (wrong_dot, "a product of examples with examples"),
    "a maximum": (wrong_max, "a maximum over the examples"),
    "a part": (wrong_part, "a part of an array with an axis of examples"),
    "two lengths": (wrong_length, "63 examples here and 64 there"),
    "a product from elsewhere": (wrong_result, "a product that is read from elsewhere"),
    "kept as a whole": (wrong_store, "Store of what has an axis of examples"),
    "no examples": (wrong_shape, "examples along rows here and along columns there"),
    "used again": (wrong_reuse, "an array that has an axis of examples at times"),
    "random numbers": (wrong_random, "random numbers that are not those of the examples"),
    "a sum with gaps": (wrong_sum, "a sum over the examples that is not contiguous"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_shared_is_refused(case: str) -> None:
    change, said = WRONG[case]
    xp, a = recorded()
    change(xp, a)
    with pytest.raises(NotShareableError, match=said):
        share_program(xp.program(), 2)
    NumpyExecutable(Program(xp.program().instructions[:2], {})).run()  # it is a program


def test_rows_and_columns_in_one_kernel_are_refused() -> None:
    xp, X = Recorder(), np.ones((4, 4))
    Y = np.ones((4, 4))
    xp.examples(X)
    xp.examples(Y)
    xp.apply(Kernel("add", lambda z, y: z + y), X, Y.T, out=np.empty((4, 4)))
    with pytest.raises(NotShareableError, match="along rows here and along columns there"):
        share_program(xp.program(), 2)


def test_products_of_lanes_write_where_blas_can() -> None:
    xp, a = recorded()
    xp.dot(a["A"], a["X"], out=a["dW"])
    schedule = share_program(xp.program(), 3)
    products = [i for p in schedule.phases for lane in p for i in lane if isinstance(i, Dot)]
    assert len(products) == 6
    assert all(i.out.flags.c_contiguous for i in products)
    assert sorted(i.out.shape[1] for i in products if i.out.shape[1] != 3) == [21, 21, 22]
