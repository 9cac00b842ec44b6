"""Matrix products by cuBLAS's own functions, called by address.

CuPy refuses cuBLAS while a stream is captured, and costs several microseconds for each product. Its
libcublas is in the process, though: here it is called as it is, with a handle of our own. cuBLAS
counts along columns, our arrays along rows: ``out = a b`` is computed as ``out^T = b^T a^T``, which
is the same memory read the other way, so nothing is ever copied.

Source: NVIDIA, cuBLAS documentation, sections 2.4 (helper functions) and 2.7 (gemm).
"""

from __future__ import annotations

import ctypes
import re
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fastnn.backend.program import Array, Dot, address
from fastnn.errors import ArgumentError, DeviceError

#: Bytes that cuBLAS may write to while it multiplies: its own default, by the GPU's generation.
WORKSPACE, WORKSPACE_HOPPER = 4 << 20, 32 << 20
#: cublasMath_t: products of float32 in float32, or rounded to TF32 (10 bits of mantissa) before.
MATH_MODES = {"full": 0, "tf32": 3}

_INT, _LONG, _POINTER = ctypes.c_int, ctypes.c_longlong, ctypes.c_void_p
_GEMM = (_POINTER, _INT, _INT, _INT, _INT, _INT)  # handle, operations, sizes
_OPERAND = (_POINTER, _INT)  # address, leading dimension
_SCALAR = {"float32": ctypes.c_float, "float64": ctypes.c_double}
_LETTER = {"float32": "S", "float64": "D"}


class _Handle(ctypes.c_void_p):
    """What cuBLAS calls its handle. Every call that was prepared with it keeps it alive."""


def workspace_bytes(compute_capability: str) -> int:
    """Return how much memory cuBLAS is given on a GPU of, say, ``"90"`` (9.0, Hopper).

    >>> workspace_bytes("86") >> 20, workspace_bytes("120") >> 20
    (4, 32)
    """
    return WORKSPACE_HOPPER if int(compute_capability) >= 90 else WORKSPACE


def loaded_libraries(maps: str) -> list[str]:
    """Return the paths of libcublas in the text of ``/proc/self/maps``, each once.

    >>> loaded_libraries("7f00-7f10 r-xp 00000000 08:01 42    /a b/libcublas.so.12")
    ['/a b/libcublas.so.12']
    """
    paths = (line.split(maxsplit=5)[-1] for line in maps.splitlines() if "libcublas.so" in line)
    return list(dict.fromkeys(p for p in paths if re.search(r"/libcublas\.so[.\d]*$", p)))


def find_library(major: int) -> Any:
    """Return the libcublas that this process has loaded, as a `ctypes.CDLL`.

    ``major``: the CUDA that CuPy is built for; it decides where several are loaded. Two of the same
    major version (CuPy's and PyTorch's own, say) do the same, and the first is taken. Raises
    DeviceError, with the reason, if there is none.
    """
    try:
        found = loaded_libraries(Path("/proc/self/maps").read_text(encoding="utf-8"))
    except OSError as error:
        raise DeviceError(f"the loaded libraries cannot be listed ({error})") from error
    if len(found) > 1:
        found = [path for path in found if re.search(rf"\.so\.{major}\b", path)]
    if not found:
        raise DeviceError("CuPy has not loaded libcublas under that name")
    return ctypes.CDLL(found[0])


class Cublas:
    """A handle of cuBLAS that works on one stream.

    ``library``: libcublas; ``stream``: the address of a CUDA stream; ``workspace``: an array of
    the device that only products of streams in step with this one use; ``precision``: "full" or
    "tf32". Raises DeviceError if a function is missing or fails.
    """

    def __init__(self, library: Any, stream: int, workspace: Array, precision: str) -> None:
        self._library, self._workspace = library, workspace
        self._handle = _Handle()
        self._call("cublasCreate_v2", (_POINTER,), ctypes.byref(self._handle))
        destroy = self._function("cublasDestroy_v2", (_POINTER,))
        weakref.finalize(self._handle, destroy, _POINTER(self._handle.value)).atexit = False
        here = (self._handle,)
        self._call("cublasSetStream_v2", (_POINTER, _POINTER), *here, stream)
        self._call(
            "cublasSetWorkspace_v2", (_POINTER, _POINTER, ctypes.c_size_t),
            *here, address(workspace), workspace.nbytes,
        )  # fmt: skip
        self._call("cublasSetMathMode", (_POINTER, _INT), *here, MATH_MODES[precision])

    @property
    def version(self) -> str:
        """The version of libcublas, such as "12.9.0"."""
        number = _INT()
        self._call("cublasGetVersion_v2", (_POINTER, _POINTER), self._handle, ctypes.byref(number))
        major, rest = divmod(number.value, 10000)
        return f"{major}.{rest // 100}.{rest % 100}"

    def product(self, i: Dot) -> Callable[[], Any]:
        """Return the call of one product, of matrices or of G of them (G, n, k) @ (G, k, m).

        The arrays must be checked (`check_product`); none of them is empty.
        """
        (n, k), m = i.a.shape[-2:], i.b.shape[-1]
        dtype = i.out.dtype.name
        one, zero = _SCALAR[dtype](1), _SCALAR[dtype](0)
        a, b = leading(i.a, "dot: a"), leading(i.b, "dot: b")
        sizes = (b.transposed, a.transposed, m, n, k)
        batched = i.out.ndim == 3
        strides = [(_LONG(_stride(x)),) if batched else () for x in (i.b, i.a, i.out)]
        scalar = (_POINTER,)
        operand = (*_OPERAND, _LONG) if batched else _OPERAND
        function = self._function(
            f"cublas{_LETTER[dtype]}gemm{'StridedBatched' if batched else '_v2'}",
            (*_GEMM, *scalar, *operand, *operand, *scalar, *operand, *((_INT,) if batched else ())),
        )
        arguments = [
            self._handle, *(_INT(_fits(size)) for size in sizes),
            ctypes.byref(one), _POINTER(address(i.b)), _INT(_fits(b.ld)), *strides[0],
            _POINTER(address(i.a)), _INT(_fits(a.ld)), *strides[1],
            ctypes.byref(zero), _POINTER(address(i.out)), _INT(_fits(m)), *strides[2],
        ]  # fmt: skip
        if batched:
            arguments.append(_INT(_fits(i.out.shape[0])))
        return partial(function, *arguments)

    def _function(self, name: str, types: tuple[Any, ...]) -> Any:
        """Return a function of the library that raises DeviceError where it fails."""
        try:
            # A copy of its own: the library's attribute is shared by all who loaded it.
            function = ctypes.CFUNCTYPE(_INT, *types)((name, self._library))
        except AttributeError:
            raise DeviceError(f"libcublas has no function {name}") from None

        def check(status: int, _function: Any, _arguments: Any) -> int:
            if status:
                raise DeviceError(f"{name} failed with status {status}")
            return status

        function.errcheck = check  # type: ignore[assignment]
        return function

    def _call(self, name: str, types: tuple[Any, ...], *arguments: Any) -> None:
        self._function(name, types)(*arguments)


@dataclass(frozen=True)
class Leading:
    """How cuBLAS reads a matrix: ``transposed`` 0 for rows one after the other, 1 for columns;
    ``ld``: how many elements one of them is from the next.
    """

    transposed: int
    ld: int


def leading(x: Array, what: str) -> Leading:
    """Return how cuBLAS reads the last two dimensions of ``x`` without a copy.

    >>> import numpy as np
    >>> leading(np.zeros((2, 3)), "a"), leading(np.zeros((3, 2)).T, "a")
    (Leading(transposed=0, ld=3), Leading(transposed=1, ld=2))

    Raises ArgumentError, naming ``what``, for any other view.
    """
    rows, cols = x.shape[-2:]
    down, along = (s // x.dtype.itemsize for s in x.strides[-2:])
    # Where there is only one row or column, its stride means nothing.
    if (along == 1 or cols == 1) and (down >= cols or rows == 1):
        return Leading(0, max(1, cols if rows == 1 else down))
    if (down == 1 or rows == 1) and (along >= rows or cols == 1):
        return Leading(1, max(1, rows if cols == 1 else along))
    raise ArgumentError(
        f"{what} of shape {tuple(x.shape)} has its numbers neither row after row nor column after "
        "column; copy it first"
    )


def _stride(x: Array) -> int:
    """Return how many elements one matrix of a stack is from the next."""
    return int(x.strides[0] // x.dtype.itemsize)


def _fits(n: int) -> int:
    """Return ``n`` if cuBLAS's 32-bit arguments can hold it."""
    if n >= 2**31:
        raise ArgumentError(f"dot: a dimension of {n} is more than cuBLAS takes; split the product")
    return int(n)


def check_product(i: Dot) -> None:
    """Raise ArgumentError unless the shapes, dtypes and layouts of a product fit.

    >>> import numpy as np
    >>> check_product(Dot(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 2))))
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: dot: shapes (2, 3) and (2, 3) do not fit
    """
    stacks = {tuple(x.shape[:-2]) for x in (i.a, i.b)}
    if i.a.ndim not in (2, 3) or i.b.ndim != i.a.ndim or i.a.shape[-1] != i.b.shape[-2]:
        raise ArgumentError(f"dot: shapes {i.a.shape} and {i.b.shape} do not fit")
    if len(stacks) > 1:
        raise ArgumentError(
            f"dot: {i.a.shape[0]} matrices and {i.b.shape[0]} matrices do not pair up"
        )
    needed = (*i.a.shape[:-1], i.b.shape[-1])
    if tuple(i.out.shape) != needed:
        raise ArgumentError(f"dot: out has shape {i.out.shape}, needs {needed}")
    if not i.out.flags.c_contiguous:
        raise ArgumentError(f"dot: out of shape {i.out.shape} is not C-contiguous; copy it first")
    if i.out.dtype.name not in _SCALAR:
        raise ArgumentError(
            f"dot: out must be float32 or float64 on the GPU, found {i.out.dtype.name}"
        )
    if not i.a.dtype == i.b.dtype == i.out.dtype:
        raise ArgumentError(f"dot: the dtypes differ ({i.a.dtype}, {i.b.dtype}, out {i.out.dtype})")
    for x, name in ((i.a, "a"), (i.b, "b")):
        if x.size:
            leading(x, f"dot: {name}")
