"""Programs that compiled code would get wrong are refused, with the reason, before it is made."""

import numpy as np
import pytest

from fastnn.backend.compiled.compilable import check_compilable
from fastnn.backend.compiled.llvm_engine import NotCompilableError
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Advance, Apply, Dot, Gather, Load, Reduce, Store, Uniform
from fastnn.errors import ArgumentError

ONE = np.zeros(1, np.int64)
TABLE, ROWS, OUT = np.zeros((5, 3)), np.zeros((6, 3)), np.zeros((2, 3))
ORDER = np.arange(6)
SQUARE = np.zeros((3, 3))
TWICE = Kernel("twice", lambda z: 2 * z)


def unaligned(shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape)) * 8
    return np.zeros(size + 8, np.uint8)[1 : size + 1].view(np.float64).reshape(shape)


def read_only(shape: tuple[int, ...]) -> np.ndarray:
    array = np.zeros(shape)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "instruction",
    [
        Dot(SQUARE, SQUARE.T, np.zeros((3, 3))),
        Dot(read_only((2, 3)), SQUARE, np.zeros((2, 3))),
        Apply(TWICE, (OUT,), (OUT,)),
        Reduce("sum", ROWS, 0, np.zeros((1, 3))),
        Gather(ROWS, ORDER, ONE, OUT),
        Load(TABLE, ONE, np.zeros(3)),
        Store(np.zeros((1, 1)), ONE, np.zeros(4)),
        Advance(ONE, 1),
        Uniform(0, 1, ONE, np.zeros((2, 2), np.float32)),
    ],
    ids=lambda i: type(i).__name__,
)
def test_what_a_training_step_does_passes(instruction) -> None:
    check_compilable(instruction)


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (Dot(SQUARE, SQUARE, SQUARE), "Dot whose result overlaps"),
        (Dot(ROWS, SQUARE, np.zeros((6, 3), np.float32)), "a Dot of arrays float64"),
        (Dot(ROWS, ROWS, np.zeros((6, 3))), "a Dot of arrays"),
        (Dot(ROWS, SQUARE, np.zeros((3, 6))), "a Dot of arrays"),
        (Dot(ROWS, SQUARE, np.zeros((3, 6)).T), "a result of strides"),
        (Dot(np.zeros((0, 3)), SQUARE, np.zeros((0, 3))), "empty"),
        (Dot(ROWS, SQUARE, read_only((6, 3))), "read only"),
        (Apply(TWICE, (np.zeros((0, 3)),), (np.zeros((0, 3)),)), "empty"),
        (Apply(TWICE, (unaligned((2, 3)),), (OUT,)), "not aligned"),
        (Apply(TWICE, (OUT,), (np.zeros((3, 2)).T,)), "a result of strides"),
        (Reduce("sum", ROWS.T, 0, np.zeros((1, 6))), "a Reduce of arrays"),
        (Reduce("sum", ROWS, 0, np.zeros((1, 3), np.float32)), "a Reduce of arrays"),
        (Reduce("sum", ROWS, 1, np.zeros((1, 3))), "a Reduce of arrays"),
        (Reduce("max", ROWS[:, :1].copy(), 1, ROWS[:1, :1]), "a Reduce of arrays"),
        (Reduce("sum", SQUARE, 0, SQUARE[:1]), "Reduce whose result overlaps"),
        (Gather(ROWS, ORDER.astype(np.int32), ONE, OUT), "a counter of int32"),
        (Gather(ROWS, ORDER[::2], ONE, OUT), "a Gather of arrays"),
        (Gather(ROWS, ORDER, ONE, np.zeros((2, 4))), "a Gather of arrays"),
        (Gather(ROWS.astype(np.float32), ORDER, ONE, OUT), "a Gather of arrays"),
        (Gather(np.zeros((3, 6)).T, ORDER, ONE, OUT), "a Gather of arrays"),
        (Load(TABLE, ONE, np.zeros(4)), "a Load of arrays"),
        (Load(TABLE, ONE, np.zeros(3, np.float32)), "a Load of arrays"),
        (Load(TABLE, ONE.astype(np.uint8), np.zeros(3)), "a counter of uint8"),
        (Store(np.zeros((1, 1), np.float32), ONE, np.zeros(4)), "a Store of arrays"),
        (Store(np.zeros((2, 2))[:, :1], ONE, np.zeros((4, 2))), "a Store of arrays"),
        (Store(np.zeros((1, 1)), ONE, np.zeros(8)[::2]), "a result of strides"),
        (Advance(np.zeros(1), 1), "a counter of float64"),
        (Uniform(0, 1, ONE, np.zeros((2, 2))), "a Uniform of arrays"),
    ],
)
def test_what_would_go_wrong_is_refused(instruction, said: str) -> None:
    with pytest.raises(NotCompilableError, match=said):
        check_compilable(instruction)


def test_what_numpy_refuses_is_refused_alike() -> None:
    x = np.zeros(10)
    with pytest.raises(
        ArgumentError, match="kernel 'twice': out overlaps an argument only in part"
    ):
        check_compilable(Apply(TWICE, (x[:6],), (x[2:8],)))
    with pytest.raises(ArgumentError, match=r"kernel 'twice': out has shape \(4,\), needs \(3,\)"):
        check_compilable(Apply(TWICE, (np.zeros(3),), (np.zeros(4),)))
