"""The closed form against what a training plan really allocates; what does not fit is refused."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import DeviceError
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.memory import TrainingMemory, require_memory, size, training_memory
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters
from fastnn.nn.step import Data

SOFTMAX = {"loss_function": "categorical_crossentropy"}
BINARY = {"loss_function": "binary_crossentropy"}
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any], str, int, int, dict[str, Any]]] = {
    "images": ((784, 256, 128, 10), SOFTMAX, "adam", 3000, 128, {}),
    "full batch": ((20, 300, 1), BINARY, "momentum", 5000, 5000, {}),
    "one by one": ((30, 8, 1), {}, "rmsprop", 4000, 1, {}),
    "ragged": ((50, 64, 64, 7), SOFTMAX, "nesterov", 1001, 100, {}),
    "dropout": ((40, 500, 3), {"dropout": 0.3}, "adam", 900, 300, {}),
    "logits kept": ((40, 500, 3), {"activation": "gelu"}, "adam", 900, 300, {}),
    "hidden softmax": (
        (40, 300, 200, 3), {"activation": "softmax", "dropout": 0.1}, "sgd", 900, 300, {},
    ),
    "weights and l1": ((40, 500, 20), BINARY, "adam", 900, 300, {"weights": 20, "l1": 0.1}),
    "batch normalisation": (
        (40, 300, 200, 100, 3), {"batch_normalization": ["before", "after", None], "dropout": 0.1},
        "adam", 900, 300, {},
    ),
    "micro-batches": ((40, 500, 3), SOFTMAX, "adam", 900, 300, {"micro_batch_size": 70}),
    "micro-batches of the full batch": (
        (40, 500, 300, 3), {"activation": "gelu", "dropout": 0.5}, "adam", 900, 900,
        {"micro_batch_size": 100, "weights": 1},
    ),
    "groups": (
        (10, 20, 1), {}, "adamw", 3000, 1,
        {"groups": (ParameterGroup("weights", 1, 0.5), ParameterGroup("biases", 2, 0.1))},
    ),
}  # fmt: skip


def arrays_of(value: Any) -> dict[int, np.ndarray]:
    """The buffers behind whatever an instruction works on."""
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        return {id(value): value}
    if isinstance(value, tuple):
        return {k: a for v in value for k, a in arrays_of(v).items()}
    return {}


def touched(plan) -> int:
    """Bytes of all that the instructions of a step read or write."""
    instructions = [i for program in plan.programs for i in program.instructions]
    found = {k: a for i in instructions for v in vars(i).values() for k, a in arrays_of(v).items()}
    found |= arrays_of(plan.data.X) | arrays_of(plan.data.Y) | arrays_of(plan._feed.order)
    return sum(a.nbytes for a in found.values())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_it_is_what_a_plan_works_on(make, case, dtype):
    sizes, shape, rule, n, m, options = CASES[case]
    net, columns = make.network(sizes, **shape), options.get("weights", 0)
    data = make.data(net, n, weights=columns, dtype=dtype)
    rest = {k: v for k, v in options.items() if k != "weights"}
    parameters = make.parameters(net, dtype=dtype)
    plan = make.plan(net, data, rule, m, parameters=parameters, **rest)
    needed = training_memory(net, optimizer(rule), n, m, dtype, weight_columns=columns, **rest)
    copies = plan.snapshot()
    assert needed.snapshots == copies[0].nbytes + sum(v.nbytes for v in copies[1].values())
    assert needed.total - needed.snapshots == pytest.approx(touched(plan), rel=0.01)


@contextmanager
def allocated() -> Iterator[list[int]]:
    """The bytes that are still allocated at the end; zeros cost no time before they are used."""
    found: list[int] = []
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        yield found
        found.append(tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("activation", "m", "dropout"), [("relu", 64, 0.0), ("tanh", 1024, 0.5), ("silu", 512, 0.0)]
)
def test_it_is_what_python_allocates(make, activation, m, dropout):
    net = make.network((784, 2048, 2048, 10), activation=activation, dropout=dropout, **SOFTMAX)
    with allocated() as found:
        parameters = Parameters(net, CpuBackend(), np.float32)
        data = Data(np.zeros((60_000, 784), np.float32), np.zeros((60_000, 1), np.float32))
        plan = make.plan(net, data, "adam", m, parameters=parameters)
        kept = plan.snapshot()
    needed = training_memory(net, optimizer("adam"), 60_000, m, np.float32)
    assert needed.total == pytest.approx(found[0], rel=0.05)
    assert kept[2] == 0


@pytest.mark.parametrize(
    "shape",
    [{}, {"activation": "silu"}, {"activation": "softmax"}, {"batch_normalization": "after"}],
)
def test_evaluation(make, shape):
    net = make.network((300, 4000, 500, 10), **SOFTMAX, **shape)
    parameters = Parameters(net, CpuBackend(), np.float64)
    X, Y = np.zeros((1500, 300)), np.zeros((1500, 1))
    with allocated() as found:
        plan = EvaluationPlan(CpuBackend(), net, parameters)
        for n in (1500, 100, 1024):  # blocks of 1024, 476 and 100 rows in the same memory
            plan.evaluate(X[:n], Y[:n])
    needed = training_memory(net, optimizer("sgd"), 1500, 32, np.float64, n_evaluated=1500)
    assert needed.evaluation == pytest.approx(found[0], rel=0.05)


def test_the_best_weights_are_two_more_copies_while_they_change(make):
    net, rule = make.network((10, 5, 1)), optimizer("adam")
    one, two = (
        training_memory(net, rule, 100, 10, "float32", keeps_best=keeps) for keeps in (False, True)
    )
    assert two.total - one.total == 2 * one.parameters


@pytest.mark.parametrize("rows", [50, 200])
def test_examples_in_blocks(make, rows):
    """On the device: a block that is used and one that arrives; the CPU needs the first only."""
    net = make.network((20_000, 40, 10), **SOFTMAX)
    data = Data(np.zeros((400, 20_000)), np.zeros((400, 1)))
    needed = training_memory(net, optimizer("sgd"), 400, 50, np.float64, block_rows=rows)
    whole = training_memory(net, optimizer("sgd"), 400, 50, np.float64)
    parameters = make.parameters(net)
    with allocated() as found:
        plan = make.plan(net, data, "sgd", 50, parameters=parameters, block_rows=rows)
    assert plan.n_steps == 8
    arriving = rows * 20_001 * 8
    assert needed.data < whole.data
    parts = needed.data - arriving + needed.batch + needed.gradient
    assert parts == pytest.approx(found[0], rel=0.05)


class SmallMachine(CpuBackend):
    def free_memory(self) -> int:
        return 1_000_000


def test_what_fits_is_let_through_and_what_is_there_already_counts():
    fitting, larger = TrainingMemory(data=900_000, batch=100_000), TrainingMemory(data=1_900_000)
    require_memory(SmallMachine(), fitting)
    require_memory(SmallMachine(), larger, present=900_000)
    with pytest.raises(DeviceError):
        require_memory(SmallMachine(), larger, present=899_999)


@pytest.mark.parametrize(
    ("needed", "cure"),
    [
        (TrainingMemory(parameters=2_000_000, batch=1), "use smaller hidden layers"),
        (TrainingMemory(optimizer=2_000_000), "an optimizer that keeps less"),
        (TrainingMemory(data=2_000_000), "fewer rows or columns, or dtype='float32'"),
        (TrainingMemory(batch=2_000_000), "a smaller batch_size"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_figures(needed, cure):
    said = r"training needs 2\.0 MB on cpu \(.* 2\.0 MB.*\); 1\.0 MB are free: .*" + cure
    with pytest.raises(DeviceError, match=said):
        require_memory(SmallMachine(), needed)
    with pytest.raises(DeviceError, match=r", of which 10 B are there already; 1\.0 MB are"):
        require_memory(SmallMachine(), needed, present=10)


def test_sizes_for_people():
    assert [size(n) for n in (0, 999, 1000, 999_949, 999_951, 10**15)] == [
        "0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1,000.0 TB",
    ]  # fmt: skip
