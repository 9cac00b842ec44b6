"""Examples in blocks: the same numbers as with all of them on the device."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data


class LateFeed:
    """A device that is as slow as it may be: what was sent arrives when it is received.

    Two buffers take turns. One that is asked for while it is on its way has to arrive first, as
    a copy from pinned memory has.
    """

    def __init__(self, targets: Sequence[Any]) -> None:
        self.targets = targets
        self.slots = [tuple(np.full_like(t, np.nan) for t in targets) for _ in range(2)]
        self.arrived = tuple(np.full_like(t, np.nan) for t in targets)
        self.turn, self.flying, self.log = 0, [], []

    def buffers(self) -> tuple[Any, ...]:
        if any(slot == self.turn for slot, _ in self.flying):
            self.land()
        return self.slots[self.turn]

    def send(self, rows: int) -> None:
        assert not self.flying, "two blocks on their way to one place"
        self.flying.append((self.turn, rows))
        self.turn = 1 - self.turn
        self.log.append(f"send {rows}")

    def land(self) -> None:
        for slot, rows in self.flying:
            for buffer, arrived in zip(self.slots[slot], self.arrived, strict=True):
                arrived[:rows] = buffer[:rows]
                buffer[:] = np.nan  # to be filled anew
        self.flying.clear()

    def receive(self) -> None:
        self.land()
        for arrived, target in zip(self.arrived, self.targets, strict=True):
            target[:] = arrived
            arrived[:] = np.nan
        self.log.append("receive")

    def settle(self) -> None:
        self.land()
        self.log.append("settle")


class LateBackend(CpuBackend):
    """The CPU, fed as a GPU is."""

    feeds: list[LateFeed]

    def feed(self, targets: Sequence[Any]) -> Any:
        self.feeds = [LateFeed(targets)]
        return self.feeds[0]


NET = network([3, 6, 2], activation="tanh", dropout=[0.25])
CLASSES = network([3, 6, 4], loss_function="categorical_crossentropy")


def trained(
    make: Any, net: Any, data: Data, m: int, backend: Any = None, rows: int | None = None
) -> tuple[np.ndarray, list[np.ndarray]]:
    p = make.parameters(net, dtype=data.X.dtype)
    plan = TrainingPlan(
        backend or CpuBackend(), net, p, optimizer("adam"), data, m, block_rows=rows, seed=3
    )
    rng = np.random.default_rng(0)
    costs = [
        plan.run_epoch(rng.permutation(len(data)), np.full(plan.n_steps, 0.05)) for _ in range(3)
    ]
    return p.theta, costs


@pytest.mark.parametrize("backend", [CpuBackend, LateBackend])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "m", "rows"),
    [(23, 5, 5), (23, 5, 10), (23, 5, 15), (23, 5, 25), (20, 5, 10), (20, 5, 20), (7, 1, 3)],
)  # fmt: skip
@pytest.mark.parametrize("net", [NET, CLASSES], ids=["dropout", "softmax"])
def test_blocks_change_nothing(make, net, n, m, rows, dtype, backend) -> None:
    data = make.data(net, n, weights=1, dtype=dtype)
    theta, costs = trained(make, net, data, m)
    streamed, streamed_costs = trained(make, net, data, m, backend(), rows)
    np.testing.assert_array_equal(streamed, theta)
    np.testing.assert_array_equal(streamed_costs, costs)


@pytest.mark.parametrize("backend", [CpuBackend, LateBackend])
@pytest.mark.parametrize(("n", "rows"), [(21, 5), (21, 10), (21, 15), (21, 20), (11, 5), (22, 10)])
def test_a_row_that_joins_the_batch_before_comes_with_its_block(make, n, rows, backend) -> None:
    net = network([3, 6, 2], activation="tanh", batch_normalization="before")
    data = make.data(net, n, weights=1)
    theta, costs = trained(make, net, data, 5)
    streamed, streamed_costs = trained(make, net, data, 5, backend(), rows)
    np.testing.assert_array_equal(streamed, theta)
    np.testing.assert_array_equal(streamed_costs, costs)


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_some_steps_where_a_row_joins(make, steps) -> None:
    net = network([3, 6, 2], activation="tanh", batch_normalization="after")
    data, costs = make.data(net, 21), []
    for rows in (None, 10):
        plan = make.plan(net, data, "adam", 5, parameters=make.parameters(net), block_rows=rows)
        costs.append(plan.run_epoch(np.arange(21), np.full(4, 0.05), steps=steps))
    np.testing.assert_array_equal(*costs)


def test_the_next_block_is_sent_before_this_one_has_run(make) -> None:
    backend = LateBackend()
    data = make.data(NET, 23)
    trained(make, NET, data, 5, backend, 10)
    epoch = ["send 10", "receive", "send 10", "receive", "send 3", "receive", "settle"]
    assert backend.feeds[0].log == 3 * epoch


def test_compiled_steps_take_blocks_too(make) -> None:
    pytest.importorskip("llvmlite", reason="llvmlite is not installed")
    data = make.data(NET, 23)
    theta, _ = trained(make, NET, data, 5, CpuBackend("compiled"))
    streamed, _ = trained(make, NET, data, 5, CpuBackend("compiled"), 10)
    np.testing.assert_array_equal(streamed, theta)


def test_examples_may_lie_in_a_file(make, tmp_path) -> None:
    data = make.data(NET, 23)
    for name, values in (("X", data.X), ("Y", data.Y)):
        np.save(tmp_path / f"{name}.npy", values)
    mapped = Data(*(np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "XY"))
    theta, _ = trained(make, NET, data, 5)
    streamed, _ = trained(make, NET, mapped, 5, rows=10)
    np.testing.assert_array_equal(streamed, theta)


def test_some_steps_only(make) -> None:
    data, order = make.data(NET, 23), np.arange(23)
    rates = np.full(5, 0.05)
    plans = [
        make.plan(NET, data, "adam", 5, parameters=make.parameters(NET), block_rows=rows)
        for rows in (None, 10)
    ]
    for steps in (1, 2, 3, 4, 5):
        whole, streamed = (plan.run_epoch(order, rates, steps=steps) for plan in plans)
        np.testing.assert_array_equal(streamed, whole)


@pytest.mark.parametrize("rows", [4, 7, 0])
def test_a_block_is_made_of_whole_batches(make, rows) -> None:
    with pytest.raises(ArgumentError, match="block_rows must be a multiple of the batch size 5"):
        make.plan(NET, make.data(NET, 23), batch_size=5, block_rows=rows)


def test_a_full_batch_cannot_come_in_blocks(make) -> None:
    with pytest.raises(ArgumentError, match="batch_size is all 23 examples"):
        make.plan(NET, make.data(NET, 23), batch_size=23, block_rows=23)
