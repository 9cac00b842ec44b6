"""cuBLAS by address, against a stand-in for main memory that multiplies column by column.

The stand-in refuses what cuBLAS refuses. A mistake in sizes, layouts or strides shows as a wrong
number or a refusal; whether a real cuBLAS is found and fast is for a machine with a GPU.
"""

import ctypes
import itertools
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cuda.cublas import (
    Cublas,
    Leading,
    check_product,
    find_library,
    leading,
    loaded_libraries,
    workspace_bytes,
)
from fastnn.backend.program import Dot
from fastnn.errors import ArgumentError, DeviceError
from tests.backend.cuda_on_cpu import needs_compiler

SOURCE = Path(__file__).with_name("fake_cublas.cpp")
STREAM = 0x7F0012345678


class Call(ctypes.Structure):
    """What the stand-in was asked for last."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("operation_a", "operation_b", "m", "n", "k")),
        *((name, ctypes.c_int) for name in ("lda", "ldb", "ldc", "batches")),
        *((name, ctypes.c_double) for name in ("alpha", "beta")),
        ("stream", ctypes.c_void_p),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: Any) -> Any:
    path = tmp_path_factory.mktemp("cublas") / "libcublas.so.12"
    command = ["g++", "-O1", "-shared", "-fPIC", "-o", str(path), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = ctypes.CDLL(str(path))
    found.fake_last.restype = ctypes.POINTER(Call)
    return found


@pytest.fixture
def cublas(library: Any) -> Cublas:
    return Cublas(library, STREAM, np.zeros(1024, np.uint8), "full")


def layouts(a: np.ndarray) -> list[np.ndarray]:
    """The same numbers in every layout that needs no copy: rows, columns, and parts of larger."""
    wide = np.full((*a.shape[:-1], a.shape[-1] + 3), np.nan, a.dtype)
    tall = np.full((*a.shape[:-2], a.shape[-1], a.shape[-2] + 2), np.nan, a.dtype)
    wide[..., : a.shape[-1]] = a
    tall[..., : a.shape[-2]] = np.swapaxes(a, -1, -2)
    columns = np.ascontiguousarray(np.swapaxes(a, -1, -2))
    return [
        a.copy(),
        np.swapaxes(columns, -1, -2),
        wide[..., : a.shape[-1]],
        np.swapaxes(tall[..., : a.shape[-2]], -1, -2),
    ]


SIZES = [(1, 1, 1), (2, 3, 4), (1, 7, 33), (33, 7, 1), (5, 1, 6), (1, 9, 1), (10, 64, 33)]


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_every_layout_of_both_matrices(
    cublas: Cublas, library: Any, size: tuple[int, int, int], dtype: str
) -> None:
    n, k, m = size
    a = (np.arange(n * k) % 11 - 5.0).reshape(n, k).astype(dtype)
    b = (np.arange(k * m) % 7 - 3.0).reshape(k, m).astype(dtype)
    for left, right in itertools.product(layouts(a), layouts(b)):
        out = np.full((n, m), np.nan, dtype)  # beta is 0: what was there is not read
        product = Dot(left, right, out)
        check_product(product)
        cublas.product(product)()
        np.testing.assert_array_equal(out, a @ b)
        last = library.fake_last().contents
        assert (last.m, last.n, last.k, last.ldc) == (m, n, k, m)  # out^T = b^T a^T
        assert (last.alpha, last.beta, last.batches, last.stream) == (1.0, 0.0, 1, STREAM)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("groups", [1, 2, 5])
@pytest.mark.parametrize("size", [(1, 1, 1), (2, 3, 4), (1, 5, 3), (3, 5, 1), (4, 1, 2)])
def test_stacks_of_matrices(
    cublas: Cublas, library: Any, size: tuple[int, int, int], groups: int, dtype: str
) -> None:
    n, k, m = size
    a = (np.arange(groups * n * k) % 13 - 6.0).reshape(groups, n, k).astype(dtype)
    b = (np.arange(groups * k * m) % 5 - 2.0).reshape(groups, k, m).astype(dtype)
    for left, right in itertools.product(layouts(a), layouts(b)):
        out = np.full((groups, n, m), np.nan, dtype)
        product = Dot(left, right, out)
        check_product(product)
        cublas.product(product)()
        np.testing.assert_array_equal(out, np.einsum("gnk,gkm->gnm", a, b))
        assert library.fake_last().contents.batches == groups


@needs_compiler
def test_one_matrix_for_a_whole_stack(cublas: Cublas) -> None:
    a, b = np.arange(6.0).reshape(2, 3), np.arange(24.0).reshape(2, 3, 4)
    out = np.empty((2, 2, 4))
    cublas.product(Dot(np.broadcast_to(a, (2, 2, 3)), b, out))()
    np.testing.assert_array_equal(out, np.stack([a @ b[0], a @ b[1]]))


@needs_compiler
def test_the_handle_has_its_stream_workspace_and_precision(library: Any) -> None:
    before = library.fake_handles()
    workspace = np.zeros(4096, np.uint8)
    for precision, mode in (("full", 0), ("tf32", 3)):
        handle = Cublas(library, STREAM, workspace, precision)
        place, size, found = ctypes.c_void_p(), ctypes.c_size_t(), ctypes.c_int()
        library.fake_workspace(
            handle._handle, ctypes.byref(place), ctypes.byref(size), ctypes.byref(found)
        )
        # Setting the stream takes the workspace away: it must be given afterwards.
        assert place.value == workspace.ctypes.data
        assert (size.value, found.value) == (4096, mode)
        assert handle.version == "12.8.1"
        del handle
    assert library.fake_handles() == before  # destroyed with its owner


@needs_compiler
def test_a_product_that_fails_says_so(cublas: Cublas, library: Any) -> None:
    call = cublas.product(Dot(np.ones((1, 1)), np.ones((1, 1)), np.ones((1, 1))))
    library.fake_fail(1)
    try:
        with pytest.raises(DeviceError, match="cublasDgemm_v2 failed with status 13"):
            call()
    finally:
        library.fake_fail(0)


@needs_compiler
def test_a_library_without_the_functions(tmp_path: Path) -> None:
    path = tmp_path / "libcublas.so.9"
    empty = ["g++", "-shared", "-fPIC", "-x", "c++", "/dev/null", "-o", str(path)]
    subprocess.run(empty, check=True)
    with pytest.raises(DeviceError, match="libcublas has no function cublasCreate_v2"):
        Cublas(ctypes.CDLL(str(path)), 0, np.zeros(1, np.uint8), "full")


def test_how_cublas_reads_a_matrix() -> None:
    whole = np.zeros((4, 6))
    assert leading(whole, "a") == Leading(0, 6)
    assert leading(whole.T, "a") == Leading(1, 6)
    assert leading(whole[:, :2], "a") == Leading(0, 6)
    assert leading(whole[1:2, :3], "a") == Leading(0, 3)
    assert leading(whole[:, 1:2], "a") == Leading(0, 6)
    assert leading(whole[:1, :1], "a") == Leading(0, 1)
    for view in (whole[:, ::2], whole[::-1], np.broadcast_to(np.zeros((1, 6)), (4, 6))):
        with pytest.raises(ArgumentError, match=r"a of shape \(4, [36]\) has its numbers neither"):
            leading(view, "a")


A, B = np.zeros((2, 3)), np.zeros((3, 4))


@pytest.mark.parametrize(
    ("product", "message"),
    [
        (Dot(A, A, A), r"dot: shapes \(2, 3\) and \(2, 3\) do not fit"),
        (Dot(A[0], B, A), r"dot: shapes \(3,\) and \(3, 4\) do not fit"),
        (Dot(A, B[None], A), r"dot: shapes \(2, 3\) and \(1, 3, 4\) do not fit"),
        (Dot(np.zeros((2, 2, 3)), np.zeros((3, 3, 4)), A), "2 matrices and 3 matrices do not pair"),
        (Dot(A, B, np.zeros((2, 3))), r"dot: out has shape \(2, 3\), needs \(2, 4\)"),
        (Dot(A, B, np.zeros((4, 2)).T), r"dot: out of shape \(2, 4\) is not C-contiguous"),
        (Dot(A, B, np.zeros((2, 4), int)), "dot: out must be float32 or float64 on the GPU"),
        (Dot(A, B, np.zeros((2, 4), "f")), r"dtypes differ \(float64, float64, out float32\)"),
        (Dot(np.zeros((2, 6))[:, ::2], B, np.zeros((2, 4))), "dot: a of shape .* copy it first"),
        (Dot(A, np.zeros((3, 8))[:, ::2], np.zeros((2, 4))), "dot: b of shape .* copy it first"),
    ],
)
def test_products_that_cannot_be(product: Dot, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        check_product(product)


@needs_compiler
def test_a_product_too_large_for_cublas(cublas: Cublas) -> None:
    line = np.lib.stride_tricks.as_strided(np.zeros(1), (1, 2**31), (8, 8))
    with pytest.raises(ArgumentError, match="a dimension of 2147483648 is more than cuBLAS takes"):
        cublas.product(Dot(line, line.T, np.zeros((1, 1))))


MAPS = """\
7f0000000000-7f0000001000 r--p 00000000 08:01 1    /lib/libcublasLt.so.12
7f0000001000-7f0000002000 r--p 00000000 08:01 2    /opt/my cuda/libcublas.so.12.8.4.1
7f0000002000-7f0000003000 r-xp 00001000 08:01 2    /opt/my cuda/libcublas.so.12.8.4.1
7f0000003000-7f0000004000 rw-p 00000000 00:00 0
7f0000004000-7f0000005000 r--p 00000000 08:01 3    /lib/libcublas.so.13
7f0000005000-7f0000006000 r--p 00000000 08:01 4    /lib/libmylibcublas.so.13
"""


def test_the_loaded_library_is_found_by_its_name() -> None:
    assert loaded_libraries(MAPS) == ["/opt/my cuda/libcublas.so.12.8.4.1", "/lib/libcublas.so.13"]


def test_the_library_of_the_wanted_version_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: MAPS)
    with pytest.raises(DeviceError, match="CuPy has not loaded libcublas"):
        find_library(11)
    opened: list[str] = []
    monkeypatch.setattr("ctypes.CDLL", opened.append)
    find_library(13)
    find_library(12)
    two = MAPS.replace("/lib/libcublas.so.13", "/torch/libcublas.so.13")
    two = two.replace("libmylib", "lib")
    monkeypatch.setattr(Path, "read_text", lambda self, encoding: two)
    find_library(13)  # PyTorch has one of its own: both multiply
    assert opened == [
        "/lib/libcublas.so.13",
        "/opt/my cuda/libcublas.so.12.8.4.1",
        "/torch/libcublas.so.13",
    ]


def test_the_workspace_is_cublas_own_default() -> None:
    sizes = {"75": 4, "80": 4, "89": 4, "90": 32, "100": 32, "120": 32}
    assert {cc: workspace_bytes(cc) >> 20 for cc in sizes} == sizes
