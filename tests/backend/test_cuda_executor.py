"""The CUDA backend on a real device: every method against NumPy, and whole training runs."""

import re
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.availability import cuda_status
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Recorder
from fastnn.errors import ArgumentError, DeviceError
from tests.backend.training_runs import RUNS, train

STATUS = cuda_status()
pytestmark = pytest.mark.cuda

add = Kernel("add", lambda x, y: x + y)
both = Kernel("both", lambda x, y: (x + y, np.tanh(x) * y))


@pytest.fixture(scope="module")
def cuda() -> Any:
    return get_backend("cuda")


def test_the_backend_says_where_it_is(cuda: Any) -> None:
    assert cuda.device == "cuda:0"
    assert cuda.xp.__name__ == "cupy"
    assert get_backend("cuda:0") is cuda
    assert get_backend("auto") is cuda
    assert STATUS.devices


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_with_transposed_arguments(cuda: Any, dtype: str, rng: Any) -> None:
    for n, k, m in ((1, 1, 1), (3, 4, 5), (1, 7, 33), (33, 7, 1), (64, 33, 127)):
        A, B = rng.normal(size=(n, k)).astype(dtype), rng.normal(size=(k, m)).astype(dtype)
        for a in (cuda.array(A), cuda.array(A.T).T):
            for b in (cuda.array(B), cuda.array(B.T).T):
                out = cuda.empty((n, m), dtype)
                assert cuda.dot(a, b, out=out) is out
                wanted = A.astype(float) @ B.astype(float)
                tolerance = 1e-5 if dtype == "float32" else 1e-13  # TF32 would be 1e-3 off
                np.testing.assert_allclose(cuda.host(out), wanted, tolerance, tolerance)
                np.testing.assert_array_equal(cuda.host(cuda.dot(a, b)), cuda.host(out))


def test_kernels_with_and_without_out(cuda: Any, rng: Any) -> None:
    X, y = rng.normal(size=(3, 5)), rng.normal(size=(3, 1))
    x = cuda.array(X)
    outs = cuda.apply(both, x, cuda.array(y))
    np.testing.assert_array_equal(cuda.host(outs[0]), X + y)
    np.testing.assert_allclose(cuda.host(outs[1]), np.tanh(X) * y, rtol=1e-14)
    assert cuda.apply(add, x, cuda.array(y), out=x) is x
    np.testing.assert_array_equal(cuda.host(x), X + y)


def test_no_product_is_fused_with_a_sum(cuda: Any) -> None:
    """Else numbers would depend on which kernels are put together; only a real GPU would do it."""
    x = np.array([[1 + 2.0**-12]], np.float32)
    square_less = Kernel("square_less", lambda x, c: x * x - c)
    found = cuda.apply(square_less, cuda.array(x), cuda.array(x * x))  # 2^-24 more is rounded off
    assert cuda.host(found).tolist() == [[0.0]]


@pytest.mark.parametrize("keepdims", [True, False])
@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("how", ["sum", "max"])
def test_reductions(cuda: Any, how: str, axis: int | None, keepdims: bool) -> None:
    A = np.arange(5000.0 * 3).reshape(3, 5000) % 1001
    for host in (A, A.T):
        a = cuda.array(A) if host is A else cuda.array(A).T
        wanted = getattr(np, how)(host, axis=axis, keepdims=keepdims)
        found = getattr(cuda, how)(a, axis=axis, keepdims=keepdims)
        np.testing.assert_array_equal(cuda.host(found), wanted)
        out = cuda.empty(wanted.shape, float)
        assert getattr(cuda, how)(a, axis=axis, keepdims=keepdims, out=out) is out
        np.testing.assert_array_equal(cuda.host(out), wanted)


def test_arrays_to_the_device_and_back(cuda: Any) -> None:
    values = np.arange(6).reshape(2, 3)
    cpu = CpuBackend()
    for given in (values, values.T, [[1, 2], [3, 4]], 5.0, np.float32(2)):
        for dtype in (None, "float32"):
            here, there = cpu.array(given, dtype), cuda.array(given, dtype)
            assert there.flags.c_contiguous
            assert (there.shape, there.dtype) == (here.shape, here.dtype)
            np.testing.assert_array_equal(cuda.host(there), here)
    again = cuda.array(cuda.array(values).T, "float64")
    assert again.flags.c_contiguous
    np.testing.assert_array_equal(cuda.host(again), values.T)
    assert cuda.host(values) is values
    assert cuda.host(cuda.zeros((2, 2), "int64")).tolist() == [[0, 0], [0, 0]]


def test_copies(cuda: Any) -> None:
    out = cuda.zeros((2, 3), "float32")
    for source in (np.arange(6.0).reshape(2, 3), np.arange(3), np.ones((3, 2)).T, np.array(7.0)):
        for place in (out, cuda.zeros((3, 2), "float32").T):
            for given in (source, cuda.array(source)):
                cuda.copy(given, place)
                wanted = np.broadcast_to(source, (2, 3))
                np.testing.assert_array_equal(cuda.host(place), wanted)


def test_cupy_expressions_wait_for_the_work_before_them(cuda: Any) -> None:
    x = cuda.zeros((512, 512), "float32")
    one = cuda.array([1.0], "float32")
    for _ in range(50):
        cuda.apply(add, x, one, out=x)
    assert float((x + 0).sum()) == 50.0 * 512 * 512  # on CuPy's default stream


def test_memory(cuda: Any) -> None:
    assert 0 < cuda.free_memory() < 2**50
    with pytest.raises(
        DeviceError, match=r"cuda:0 has too little free memory .* smaller batch size"
    ):
        cuda.empty((2**50,), "float64")
    cuda.synchronize()


def test_a_program_counts_on_the_device(cuda: Any) -> None:
    x, table = cuda.zeros((1, 1), "float64"), cuda.zeros((4,), "float64")
    counter, step = cuda.zeros((1,), "int64"), cuda.array([[2.5]])
    recorder = Recorder()
    recorder.apply(add, x, step, out=x)
    recorder.store(x, counter, table=table)
    recorder.advance(counter, 1)
    executable = cuda.compile(recorder.program())
    assert cuda.host(table).tolist() == [0.0] * 4  # compiling runs nothing
    executable.run(3)
    assert cuda.host(table).tolist() == [2.5, 5.0, 7.5, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RUNS)
def test_training_is_the_training_of_the_cpu(cuda: Any, name: str, dtype: str) -> None:
    found, wanted = train(cuda, RUNS[name], dtype), train(CpuBackend(), RUNS[name], dtype)
    tolerance = 2e-4 if dtype == "float32" else 1e-10
    for there, here in zip(found, wanted, strict=True):
        np.testing.assert_allclose(there, here, rtol=tolerance, atol=tolerance)
    again = train(cuda, RUNS[name], dtype)
    assert found[1].tobytes() == again[1].tobytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c, a: c.dot(a, np.ones((2, 2))), "shape (2, 2) is in main memory, not on cuda:0"),
        (lambda c, a: c.dot(a, c.zeros((3, 2), float)), "shapes (2, 2) and (3, 2) do not fit"),
        (
            lambda c, a: c.dot(a, a, out=c.zeros((2, 1), float)),
            "out has shape (2, 1), needs (2, 2)",
        ),
        (lambda c, a: c.dot(a, a, out=a), "dot: out overlaps an argument"),
        (
            lambda c, a: c.dot(a, a, out=c.zeros((2, 4), float)[:, ::2]),
            "dot: out of shape (2, 2) is not C-contiguous",
        ),
        (
            lambda c, a: c.dot(a, c.zeros((2, 2), "float32")),
            "dot: the dtypes differ (float64, float32, out float64)",
        ),
        (
            lambda c, a: c.dot(*[c.zeros((2, 2), int)] * 2),
            "dot: out must be float32 or float64 on the GPU, found int64",
        ),
        (lambda c, a: c.apply(add, a, np.ones(2)), "shape (2,) is in main memory"),
        (lambda c, a: c.copy(np.ones(2), np.ones(2)), "shape (2,) is in main memory"),
        (lambda c, a: c.copy(np.ones(3), a), "copy: an array of shape (3,) does not fit (2, 2)"),
        (lambda c, a: c.copy(np.ones(2), c.zeros((2,), int)), "copy: cannot put float64 into"),
        (lambda c, a: c.sum(a, axis=0, out=c.zeros((2,), float)), "sum: out has shape (2,), needs"),
    ],
)
def test_what_cannot_work_is_refused(cuda: Any, call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        call(cuda, cuda.zeros((2, 2), float))
