"""Blocks of rows on their way to a GPU while it computes."""

from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data

pytestmark = pytest.mark.cuda

NET = network([5, 16, 3], activation="relu", dropout=[0.2])


@pytest.fixture
def cuda() -> Any:
    return get_backend("cuda")


def test_what_is_sent_is_there_when_it_is_received(cuda: Any) -> None:
    targets = [cuda.zeros((4, 3), "float32"), cuda.zeros((4, 1), "float64")]
    feed = cuda.feed(targets)
    sent = []
    for block in range(5):  # more than there are buffers
        for buffer in feed.buffers():
            buffer[:] = block + np.arange(buffer.size).reshape(buffer.shape) / 16
        feed.send(4)
        if block:
            sent.append([cuda.host(t) for t in targets])  # the one before, still untouched
        feed.receive()
    feed.settle()
    sent.append([cuda.host(t) for t in targets])
    for block, found in enumerate(sent):
        for values in found:
            wanted = block + np.arange(values.size).reshape(values.shape) / 16
            np.testing.assert_array_equal(values, wanted)


def test_only_the_rows_that_were_sent_change(cuda: Any) -> None:
    target = cuda.array(np.full((4, 2), 7.0))
    feed = cuda.feed([target])
    feed.buffers()[0][:] = 1.0
    feed.send(3)
    feed.receive()
    np.testing.assert_array_equal(cuda.host(target), [[1, 1], [1, 1], [1, 1], [7, 7]])


@pytest.mark.parametrize(("batch_size", "rows"), [(8, 8), (8, 24), (10, 40)])
def test_a_training_in_blocks_is_the_training(cuda: Any, batch_size: int, rows: int) -> None:
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(93, n)).astype(np.float32) for n in (5, 3))
    ends = []
    for block_rows in (None, rows):
        parameters = Parameters(NET, cuda, "float32")
        initialize(NET, parameters, cuda, seed=0)
        move = cuda.array if block_rows is None else np.asarray
        plan = TrainingPlan(
            cuda, NET, parameters, optimizer("adam"), Data(move(X), move(Y)), batch_size,
            block_rows=block_rows,
        )  # fmt: skip
        costs = [
            plan.run_epoch(np.random.default_rng(k).permutation(93), np.full(plan.n_steps, 0.01))
            for k in range(3)
        ]
        ends.append((cuda.host(parameters.theta), costs))
    np.testing.assert_array_equal(ends[1][0], ends[0][0])
    np.testing.assert_array_equal(ends[1][1], ends[0][1])
