"""Plans of instructions: what is refused, how much is launched, and whole training runs."""

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.lowering import lower
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import (
    Advance,
    Apply,
    Dot,
    Gather,
    Instruction,
    Load,
    Reduce,
    Store,
    Uniform,
)
from fastnn.errors import ArgumentError
from tests.backend.cuda_on_cpu import TextBackend, needs_compiler
from tests.backend.training_runs import RUNS, train

add = Kernel("add", lambda x, y: x + y)
double = Kernel("double", lambda x: 2 * x)
A = np.zeros((4, 4))
ONE = np.zeros(1, np.int64)

REFUSED: list[tuple[Instruction, str]] = [
    (Apply(add, (A, np.zeros(3)), (A,)), r"kernel 'add': shapes \(4, 4\), \(3,\) do not broadcast"),
    (Apply(double, (A,), (np.zeros(4),)), r"kernel 'double': out has shape \(4,\), needs \(4, 4\)"),
    (Apply(double, (np.zeros((2, 2, 2)),), (A,)), "one or two dimensions only"),
    (Apply(double, (A.T,), (A,)), "out overlaps an argument only in part"),
    (Apply(double, (A[:2],), (A[1:3],)), "out overlaps an argument only in part"),
    (Apply(add, (A, A[0]), (A,)), "out overlaps an argument only in part"),
    (Apply(double, (A[::-1],), (A,)), "out overlaps an argument only in part"),
    (Apply(double, (A[0, :1],), (A.view(np.float32)[0, :1],)), "overlaps an argument only in part"),
    (Reduce("sum", A, 0, np.zeros(4)), r"sum: out has shape \(4,\), needs \(1, 4\)"),
    (Reduce("sum", A, 2, np.zeros(4)), r"sum: axis 2 of an array of shape \(4, 4\)"),
    (Reduce("sum", np.zeros((2, 2, 2)), 0, A), r"sum: axis 0 of an array of shape \(2, 2, 2\)"),
    (Reduce("max", A, 1, A[:, :1]), "max: out overlaps the array"),
    (Reduce("max", np.zeros((0, 3)), 0, np.zeros((1, 3))), "max: the array is empty"),
    (Reduce("sum", A[:, ::2], 1, np.zeros((4, 1))), "sum: the array is not contiguous; copy it"),
    (Reduce("sum", A, 0, np.zeros((4, 2))[:, :1].T), r"sum: out of shape \(1, 4\) is not C-cont"),
    (Reduce("sum", A, None, np.zeros((1, 1), int)), "sum: out must be float32 or float64"),
    (
        Gather(A, ONE, ONE, np.zeros((1, 3))),
        r"gather: rows of source \(shape \(4, 4\)\) do not fit",
    ),
    (Gather(A.T, ONE, ONE, np.zeros((1, 4))), "gather: source of shape .* is not C-contiguous"),
    (Gather(A, np.zeros(4), ONE, np.zeros((1, 4))), "gather: order must hold whole numbers"),
    (Gather(A, ONE, np.zeros(2, int), np.zeros((1, 4))), "gather: counter must hold one number"),
    (Load(A, ONE, np.zeros(3)), r"load: a row of the table \(shape \(4, 4\)\) does not fit"),
    (Load(np.zeros((0, 2)), ONE, np.zeros(2)), r"load: table has shape \(0, 2\): it needs rows"),
    (
        Load(A, np.zeros(1), np.zeros(4)),
        "load: counter must hold whole numbers, found dtype float64",
    ),
    (
        Store(np.zeros(2), ONE, np.zeros(4)),
        r"store: value must hold one number, found shape \(2,\)",
    ),
    (Store(np.zeros(1), ONE, A), r"store: a row of the table \(shape \(4, 4\)\) is not one number"),
    (Advance(np.zeros(2, int), 1), "advance: counter must hold one number"),
    (Uniform(0, 1, ONE, np.zeros(4)), "uniform: out must be float32, found float64"),
    (Uniform(-1, 1, ONE, np.zeros(4, np.float32)), "seed must be a whole number from 0"),
    (Dot(A, A, A), "a product is not a kernel launch"),
]


@pytest.mark.parametrize(("instruction", "message"), REFUSED)
def test_what_cannot_run_is_refused_when_it_is_planned(
    instruction: Instruction, message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        lower(instruction, np.empty)


def test_overlaps_that_are_no_race_are_allowed() -> None:
    even, odd = A[:, ::2], np.zeros((4, 2))
    for allowed in (
        Apply(double, (even,), (even,)),
        Apply(add, (A[:2], A[2:]), (A[:2],)),
        Apply(double, (A[:1, :1],), (A[0, 0].reshape(1, 1),)),
        Apply(add, (odd, odd), (odd,)),
    ):
        assert len(lower(allowed, np.empty)) == 1


def test_one_text_serves_every_size() -> None:
    def text(n: int, m: int) -> str:
        Z, b = np.zeros((n, m)), np.zeros((n, 1))
        return lower(Apply(add, (Z, b), (Z,)), np.empty)[0].source.text

    assert text(2, 3) == text(128, 64) == text(10, 1000)


def test_long_sums_use_many_blocks() -> None:
    # 10 units, 65,536 examples: ten blocks would leave most of a GPU idle.
    first, second = lower(Reduce("sum", np.empty((10, 65536)), 1, np.empty((10, 1))), np.empty)
    assert first.blocks == 160
    assert second.blocks == 10
    assert second.args[0] is first.args[1]


# --- whole training runs ----------------------------------------------------------------------


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RUNS)
def test_training_by_the_texts_is_training_by_numpy(name: str, dtype: str) -> None:
    costs, theta, predictions = train(TextBackend(), RUNS[name], dtype)
    wanted_costs, wanted_theta, wanted_predictions = train(CpuBackend(), RUNS[name], dtype)
    tolerance = 2e-4 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(costs, wanted_costs, rtol=tolerance)
    np.testing.assert_allclose(theta, wanted_theta, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(predictions, wanted_predictions, rtol=tolerance, atol=tolerance)
    assert costs[-1] < costs[0]
