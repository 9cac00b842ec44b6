"""What a backend is: the names that the mathematics calls, on whatever device.

`nn` is written against these. `CpuBackend` and `CudaBackend` compute at once; `Recorder` notes
the calls for a program, which a backend then compiles and runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array, Program


class Shim(Protocol):
    """NumPy's names for what the kernels need; ``out`` receives the result and is returned."""

    def dot(self, a: Array, b: Array, *, out: Array) -> Array: ...
    def apply(self, kernel: Kernel, *args: Array, out: Any) -> Any: ...
    def sum(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array) -> Array: ...
    def max(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array) -> Array: ...


@dataclass(frozen=True)
class EngineChoice:
    """What runs a program, on how many threads at most, and the ``reason`` in words.

    ``engine``: "numpy", "compiled" or "cuda"; ``captured``: whether a GPU runs it as one CUDA graph
    by now, None on the CPU.

    >>> EngineChoice("numpy", threads=2, reason="engine='numpy' was asked for").engine
    'numpy'
    """

    engine: str
    threads: int
    reason: str
    captured: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what a history keeps of it."""
        return {"engine": self.engine, "threads": self.threads, "reason": self.reason}


class Executable(Protocol):
    """A program made ready to run."""

    @property
    def choice(self) -> EngineChoice:
        """What runs it, and why."""

    def run(self, n: int = 1) -> None:
        """Execute the program ``n`` times."""


class Feed(Protocol):
    """Rows from the host to fixed arrays of a device, block after block."""

    def buffers(self) -> tuple[Array, ...]:
        """Return host arrays to fill, shaped like the targets."""

    def send(self, rows: int) -> None:
        """Start to copy their first ``rows`` rows."""

    def receive(self) -> None:
        """Have what was sent last in the targets before anything that is run from now on."""

    def settle(self) -> None:
        """Wait until nothing is on its way."""


class Backend(Shim, Protocol):
    """A device: its memory, its shim, and how it runs programs."""

    @property
    def device(self) -> str:
        """``"cpu"`` or ``"cuda:N"``."""

    @property
    def xp(self) -> Any:
        """The array module: ``numpy`` or ``cupy``."""

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array: ...
    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array: ...

    def array(self, values: Any, dtype: npt.DTypeLike | None = None) -> Array:
        """Return ``values`` (host or device) as a C-contiguous array of this device."""

    def host(self, array: Array) -> np.ndarray[Any, Any]:
        """Return a device array as a NumPy array (on the CPU: the same memory)."""

    def copy(self, source: Array, out: Array) -> None:
        """Copy ``source`` (host or device) into ``out``, an array of this device."""

    def finite(self, array: Array, axis: int | None = None) -> Any:
        """Return on the host whether all numbers are finite, of the whole or along ``axis``."""

    def feed(self, targets: Sequence[Array]) -> Feed:
        """Return the way from the host into ``targets``, arrays of this device."""

    def compile(self, program: Program, runs: int = 1) -> Executable:
        """Return the program made ready; ``runs``: how often it will run, as far as known."""

    def compile_stacked(self, program: Program, stack: Any, runs: int = 1) -> Executable:
        """Return a program ready to run for every network of a `fastnn.backend.stack.Stack`."""

    def synchronize(self) -> None: ...
    def free_memory(self) -> int:
        """Bytes that can still be had."""


def copied(backend: Backend, array: Array) -> Array:
    """Return a copy of a device array, on the same device and in the order of its work.

    The array's own ``copy()`` would be made on the GPU that happens to be current.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> a = np.array([1.0, 2.0])
    >>> copied(CpuBackend(), a).tolist()
    [1.0, 2.0]
    """
    out = backend.empty(array.shape, array.dtype)
    backend.copy(array, out)
    return out
