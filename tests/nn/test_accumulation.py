"""Micro-batches: the same training as with whole mini-batches, mask by mask, within rounding."""

from dataclasses import replace

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError
from fastnn.nn.accumulation import micro_batches
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters
from fastnn.nn.step import Data

CASES = {
    "plain": ([4, 9, 2], {}, "sgd", 0, {}),
    "softmax, dropout, weights": (
        [4, 9, 7, 3],
        {"loss_function": "categorical_crossentropy", "dropout": [0.5, 0.3]},
        "adam", 1, {"l2": 0.3, "l1": 0.05, "clip_norm": 0.5},
    ),
    "groups, several labels": (
        [4, 9, 3], {"loss_function": "binary_crossentropy", "activation": "gelu"}, "adamw", 3,
        {"groups": (ParameterGroup("weights", 1, 0.5), ParameterGroup("biases", None, 2.0))},
    ),
    "no bias, loss times a factor": (
        [4, 9, 2], {"use_bias": [False, True], "loss_function": "mse(factor=3)"}, "adam", 0, {}
    ),
    "hidden softmax": ([4, 6, 5, 1], {"activation": "softmax", "dropout": 0.2}, "rmsprop", 0, {}),
}  # fmt: skip


def trained(make, case: str, m: int, micro: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Costs and parameters after three epochs on 23 examples."""
    sizes, shape, rule, weights, options = CASES[case]
    net = network(sizes, **shape)
    data, p = make.data(net, 23, weights=weights), make.parameters(net)
    plan = make.plan(net, data, rule, m, parameters=p, seed=3, micro_batch_size=micro, **options)
    orders = [np.random.default_rng(e).permutation(23) for e in range(3)]
    costs = [plan.run_epoch(order, np.full(plan.n_steps, 0.01)) for order in orders]
    return np.concatenate(costs), p.theta


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("m", "micro"),
    # 10 = 3 + 3 + 3 + 1 and the rest of 3; 8 = 4 + 4, rest 7 = 4 + 3; one by one; the full batch
    [(10, 3), (8, 4), (5, 1), (23, 7), (23, 22), (99, 8)],
)
def test_the_training_is_the_same(make, case: str, m: int, micro: int) -> None:
    costs, theta = trained(make, case, m, None)
    found_costs, found = trained(make, case, m, micro)
    np.testing.assert_allclose(found_costs, costs, rtol=1e-12)
    np.testing.assert_allclose(found, theta, rtol=1e-10, atol=1e-12)
    assert not np.array_equal(theta, make.parameters(network(CASES[case][0])).theta[: len(theta)])


@pytest.mark.parametrize(("m", "rows", "micro"), [(5, 10, 2), (5, 5, 3), (7, 21, 1)])
def test_examples_that_come_in_blocks_change_no_bit(make, m: int, rows: int, micro: int) -> None:
    net = network([4, 9, 3], dropout=0.3, loss_function="categorical_crossentropy")
    data, thetas = make.data(net, 23), []
    for block in (None, rows):
        p = make.parameters(net)
        plan = make.plan(
            net, data, "adam", m, parameters=p, block_rows=block, micro_batch_size=micro
        )
        for epoch in range(2):
            order = np.random.default_rng(epoch).permutation(23)
            plan.run_epoch(order, np.full(plan.n_steps, 0.01))
        thetas.append(p.theta)
    np.testing.assert_array_equal(*thetas)


def test_a_micro_batch_as_large_as_the_mini_batch_changes_no_bit(make) -> None:
    for m in (8, 23):
        for a, b in zip(trained(make, "plain", m, None), trained(make, "plain", m, m), strict=True):
            np.testing.assert_array_equal(a, b)


def test_dropout_masks_are_those_of_the_whole_mini_batch_bit_by_bit(make) -> None:
    net = network([4, 9, 7, 3], dropout=0.5)
    data = make.data(net, 10)
    order, rates = np.arange(10), np.zeros(1)
    whole = make.plan(net, data, "sgd", 10, seed=3)
    whole.run_epoch(order, rates)
    wanted = [i.out for i in whole.program.instructions if type(i).__name__ == "Uniform"]
    assert len(wanted) == 2
    seen: list[list[np.ndarray]] = [[], []]
    plan = make.plan(net, data, "sgd", 10, seed=3, micro_batch_size=4)

    class Watched:
        """A program of a micro-batch that keeps its uniform numbers."""

        def __init__(self, program, executable) -> None:
            self.executable = executable
            self.U = [i.out for i in program.instructions if type(i).__name__ == "UniformColumns"]

        def run(self, n: int = 1) -> None:
            for _ in range(n):
                self.executable.run()
                for kept, U in zip(seen, self.U, strict=True):
                    kept.append(U.copy())

    step = plan._full
    watched = [
        (Watched(program, executable), runs)
        for program, (executable, runs) in zip(plan.programs, step.parts, strict=False)
    ]
    plan._full = replace(step, parts=watched)
    plan.run_epoch(order, rates)
    for found, U in zip(seen, wanted, strict=True):
        np.testing.assert_array_equal(np.concatenate(found, axis=1), U)


def test_micro_batches_cover_the_mini_batch_and_only_the_first_writes() -> None:
    for m in range(1, 30):
        for size in range(1, 31):
            parts = micro_batches(m, size)
            assert sum(part.m * part.runs for part in parts) == m
            assert max(part.m for part in parts) <= size
            assert [part.first for part in parts] == [True] + [False] * (len(parts) - 1)
            assert parts[0].runs == 1


def test_the_programs_read_like_the_notes(make) -> None:
    net = network([3, 5, 2], activation="tanh", dropout=0.2)
    plan = make.plan(net, make.data(net, 9), "adam", 9, l2=0.1, clip_norm=1.0, micro_batch_size=4)
    first, more, rest, update = map(str, plan.programs)
    assert "dW[2] = dot(dZ[2], " in first
    assert "J = sum(cost, axis=None)" in first
    for text, m in ((more, 4), (rest, 1)):
        for line in (
            "part of dW[2] = dot(dZ[2], ",
            "dtheta = add(dtheta, part of dtheta)",
            "J = add(J, part of J)",
            f"position += {m}",
        ):
            assert line in text, text
    assert "theta, V, S = adam(theta" in update
    assert "column += -9" in update
    assert "array(" not in first + more + rest + update, "everything has a name"


@pytest.mark.parametrize("micro", [0, -1, 2.5, True])
def test_what_is_no_size_is_refused(make, micro) -> None:
    net = network([3, 2])
    with pytest.raises(ArgumentError, match="micro_batch_size must be a whole number above 0"):
        make.plan(net, make.data(net, 9), "sgd", 4, micro_batch_size=micro)


def test_one_by_one_by_hand() -> None:
    # a = w x, w = 1: errors 2 - 0 = 2 and 3 - 1 = 2, J = (4/2 + 4/2) / 2 = 2,
    # dw = (2*2 + 2*3) / 2 = 5, db = (2 + 2) / 2 = 2
    from fastnn.nn.optimizers import optimizer
    from fastnn.nn.plan import TrainingPlan

    net, xp = network([1, 1]), CpuBackend()
    p = Parameters(net, xp, np.float64)
    p.W[0][:] = 1.0
    data = Data(np.array([[2.0], [3.0]]), np.array([[0.0], [1.0]]))
    rule = optimizer("gradient_descent")
    plan = TrainingPlan(xp, net, p, rule, data, 2, micro_batch_size=1)
    assert plan.run_epoch(np.array([1, 0]), np.array([0.1])).tolist() == [2.0]
    assert (p.W[0].item(), p.b[0].item()) == pytest.approx((0.5, -0.2), abs=1e-15)
