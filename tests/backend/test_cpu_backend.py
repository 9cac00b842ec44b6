"""The CPU as a backend: NumPy's names, with and without ``out``."""

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Recorder
from fastnn.errors import ArgumentError

XP = CpuBackend()
RELU = Kernel("relu", lambda z: np.maximum(z, 0.0))
TWICE = Kernel("twice", lambda z, b: (z + b, 2 * z))


def test_it_says_what_it_is() -> None:
    assert (XP.device, XP.xp) == ("cpu", np)
    assert XP.free_memory() > 2**20
    XP.synchronize()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_results_are_new_arrays_unless_out_is_given(dtype) -> None:
    A = np.array([[1, -2], [3, 4]], dtype)
    for compute, expected in [
        (lambda out: XP.dot(A, A, out=out), [[-5, -10], [15, 10]]),
        (lambda out: XP.apply(RELU, A, out=out), [[1, 0], [3, 4]]),
        (lambda out: XP.sum(A, axis=0, out=out), [[4, 2]]),
        (lambda out: XP.sum(A, axis=None, out=out), [[6]]),
        (lambda out: XP.max(A, axis=1, out=out), [[1], [4]]),
    ]:
        made = compute(None)
        assert made.tolist() == expected
        assert made.dtype == dtype
        out = np.full(np.shape(expected), np.nan, dtype)
        assert compute(out) is out
        assert out.tolist() == expected


def test_a_kernel_of_several_results() -> None:
    first, second = XP.apply(TWICE, np.array([[1.0], [2.0]]), np.array([[10.0, 20.0]]))
    assert first.tolist() == [[11.0, 21.0], [12.0, 22.0]]
    assert second.tolist() == [[2.0, 2.0], [4.0, 4.0]]


def test_operands_are_checked() -> None:
    with pytest.raises(ArgumentError, match=r"kernel 'relu': out has shape \(3,\), needs \(2,\)"):
        XP.apply(RELU, np.zeros(2), out=np.zeros(3))
    with pytest.raises(ArgumentError, match="kernel 'relu': out has dtype int64"):
        XP.apply(RELU, np.zeros(2, np.int64))


def test_memory_and_transfers() -> None:
    assert XP.empty((2, 3), np.float32).shape == (2, 3)
    assert XP.zeros((2,), np.float64).tolist() == [0.0, 0.0]
    made = XP.array(np.arange(6).reshape(2, 3).T, np.float32)
    assert made.flags.c_contiguous
    assert made.dtype == np.float32
    out = np.zeros((3, 2))
    XP.copy(made, out)
    assert out.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert XP.host(out) is out


def test_a_program_is_compiled_and_run() -> None:
    xp, z = Recorder(), np.array([-1.0, 2.0])
    xp.apply(Kernel("twice", lambda z: z + z), z, out=z)
    XP.compile(xp.program()).run(3)
    assert z.tolist() == [-8.0, 16.0]
