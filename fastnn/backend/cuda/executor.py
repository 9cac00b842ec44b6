"""The GPU: CuPy as the array module, programs run as prepared launches on one stream.

`fusing` and `lowering` decide what is launched, `elementwise_text` and `other_texts` hold the
texts. Here they are given to CuPy, which is imported when the first `CudaBackend` is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.cuda.capture import WARM_UP, Capture, record
from fastnn.backend.cuda.cublas import Cublas
from fastnn.backend.cuda.elementwise_text import Source
from fastnn.backend.cuda.feed import CudaFeed
from fastnn.backend.cuda.fusing import lower_program
from fastnn.backend.cuda.lowering import Launch
from fastnn.backend.cuda.products import Products
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Apply, Array, Dot, Instruction, Program, Reduce, reads, writes
from fastnn.backend.protocols import EngineChoice
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError, DeviceError, arg

Call = Callable[[], Any]

#: No multiplication fused with an addition: what is computed element by element then has the same
#: bits however kernels are put together, and mostly NumPy's. (Products are cuBLAS's: they fuse.)
COMPILER_OPTIONS = ("--fmad=false",)


@cache
def _raw_kernel(source: Source) -> Any:
    """Return CuPy's kernel of a text. It compiles once per device, and keeps that on the disk."""
    import cupy

    return cupy.RawKernel(source.text, source.name, options=COMPILER_OPTIONS)


class CudaBackend:
    """Computes on one GPU. ``out`` may be left out: a new array is returned.

    The same methods as `CpuBackend`; `empty`, `zeros` and `array` give CuPy arrays. All work
    runs on a stream of its own, in order, behind the caller's back; only `host` and `synchronize`
    wait for it. The stream is a blocking one: CuPy code outside of it, on the default stream, and
    the work here wait for each other, so a user's own CuPy expressions on the arrays are safe.

    ``capture``: whether programs become CUDA graphs (see `Capture`); ``precision``: "full", or
    "tf32" for faster and coarser products of float32 (see `Products`).

    Raises DeviceError where memory runs out or a kernel does not compile, and ArgumentError for
    arrays that are not on this device.
    """

    def __init__(self, index: int = 0, capture: str = "auto", precision: str = "full") -> None:
        import cupy

        self.xp = cupy
        self.device = f"cuda:{index}"
        self._index = index
        self._device = cupy.cuda.Device(index)
        with self._device:
            self._stream = cupy.cuda.Stream(non_blocking=False)
        self.capture, self.precision = Capture(capture, self.device), precision
        self._for_capture: tuple[Any, Cublas] | None = None
        with self.active():
            self.products = Products(cupy, self._device, self._stream, precision)

    def dot(self, a: Array, b: Array, *, out: Array = None) -> Array:
        if out is None:
            out = self.empty((*a.shape[:-1], b.shape[-1]), a.dtype)
        return self._now(Dot(a, b, out), out)

    def apply(self, kernel: Kernel, *args: Array, out: Any = None) -> Any:
        if out is None:
            shape = np.broadcast_shapes(*(a.shape for a in args))
            made = tuple(self.empty(shape, args[0].dtype) for _ in range(kernel.n_outputs))
            out = made if len(made) > 1 else made[0]
        return self._now(Apply(kernel, args, out if isinstance(out, tuple) else (out,)), out)

    def sum(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array = None) -> Array:
        return self._reduced("sum", a, axis, keepdims, out)

    def max(self, a: Array, *, axis: int | None, keepdims: bool = True, out: Array = None) -> Array:
        return self._reduced("max", a, axis, keepdims, out)

    def _reduced(self, how: str, a: Array, axis: int | None, keepdims: bool, out: Array) -> Array:
        kept = tuple(1 if axis is None or k == axis % a.ndim else n for k, n in enumerate(a.shape))
        short = tuple(n for k, n in enumerate(a.shape) if axis is not None and k != axis % a.ndim)
        if out is None:
            out = self.empty(kept if keepdims else short, a.dtype)
        elif tuple(out.shape) != (kept if keepdims else short):
            raise ArgumentError(f"{how}: out has shape {out.shape}, needs {kept}")
        return self._now(Reduce(how, a, axis, out.reshape(kept)), out)

    def _now(self, instruction: Instruction, out: Any) -> Any:
        with self.active():
            for work in self.prepare([instruction]):
                call = self.call(work)
                if call is not None:
                    call()
        return out

    def empty(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        with self.active():
            return self.xp.empty(shape, dtype)

    def zeros(self, shape: tuple[int, ...], dtype: npt.DTypeLike) -> Array:
        with self.active():
            return self.xp.zeros(shape, dtype)

    def array(self, values: Any, dtype: npt.DTypeLike | None = None) -> Array:
        if not isinstance(values, self.xp.ndarray):
            values = np.ascontiguousarray(values, dtype=dtype)
        with self.active():
            return self.xp.ascontiguousarray(self.xp.asarray(values, dtype=dtype))

    def host(self, array: Array) -> np.ndarray[Any, Any]:
        if isinstance(array, np.ndarray):
            return array
        with self.active():
            found: np.ndarray[Any, Any] = self.xp.asnumpy(array)
        return found

    def copy(self, source: Array, out: Array) -> None:
        """Copy ``source`` (host or device) into ``out``, broadcast and converted as NumPy would."""
        self._check_here(out)
        if not np.can_cast(source.dtype, out.dtype, "same_kind"):
            raise ArgumentError(f"copy: cannot put {source.dtype} into an array of {out.dtype}")
        with self.active():
            if isinstance(source, self.xp.ndarray):
                self.xp.copyto(out, source)
                return
            try:
                values = np.broadcast_to(source, out.shape)
            except ValueError:
                raise ArgumentError(
                    f"copy: an array of shape {source.shape} does not fit {out.shape}"
                ) from None
            values = np.ascontiguousarray(values, dtype=out.dtype).reshape(out.shape)
            if out.flags.c_contiguous:
                out.set(values)
            else:
                out[...] = self.xp.asarray(values)

    def finite(self, array: Array, axis: int | None = None) -> Any:
        with self.active():  # on this device, whichever is current
            return self.xp.asnumpy(self.xp.isfinite(array).all(axis=axis))

    def feed(self, targets: Sequence[Array]) -> CudaFeed:
        return CudaFeed(self.xp, self._device, self._stream, targets)

    def compile(self, program: Program, runs: int = 1) -> CudaExecutable:
        return CudaExecutable(program, self)

    def compile_stacked(self, program: Program, stack: Stack, runs: int = 1) -> CudaExecutable:
        """Return the program made ready for every network of a stack, one after the other."""
        return self.compile(stack.unrolled(program), runs)

    def synchronize(self) -> None:
        """Wait until everything that was started is done."""
        self._stream.synchronize()

    def free_memory(self) -> int:
        """Bytes that can still be had: what the device has free and what CuPy's pool keeps."""
        with self._device:
            pool = self.xp.get_default_memory_pool()
            free = self.xp.cuda.runtime.memGetInfo()[0] + pool.free_bytes()
            limit = pool.get_limit()
            return int(min(free, limit - pool.used_bytes()) if limit else free)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this device and stream the current ones; say plainly when memory runs out."""
        try:
            with self._device, self._stream:
                yield
        except self.xp.cuda.memory.OutOfMemoryError as error:
            raise DeviceError(
                f"{self.device} has too little free memory ({error}): use a smaller batch size or "
                "network, end what else runs on the GPU, or use device 'cpu'"
            ) from error

    def prepare(self, instructions: Sequence[Instruction]) -> list[Launch | Dot]:
        """Return the launches and products of a program, checked and compiled, in order."""
        for i in instructions:
            for array in (*reads(i), *writes(i)):
                self._check_here(array)
        return lower_program(instructions, self.empty)

    def call(self, work: Launch | Dot, cublas: Cublas | None = None) -> Call | None:
        """Return the call of a launch or product, or None if there is nothing to do.

        ``cublas``: for a product on another stream.
        """
        if isinstance(work, Dot):
            return self.products.call(work, cublas)
        kernel = _raw_kernel(work.source)
        try:
            kernel.compile()
        except self.xp.cuda.compiler.CompileException as error:
            lines = str(error).splitlines()
            said = next((line for line in lines if "error" in line), lines[0] if lines else "")
            raise DeviceError(
                f"the kernel {work.source.name} does not compile for {self.device} "
                f"({said.strip()}): use device 'cpu', and report it"
            ) from error
        return partial(kernel, (work.blocks,), (work.threads,), work.args)

    def for_capture(self) -> tuple[Any, Cublas | None]:
        """Return the stream that programs are captured on, and cuBLAS working there.

        Nothing ever runs on it: a graph is launched on the stream of all other work. It must be
        non-blocking, so that CuPy code on the default stream, in whatever thread, neither breaks a
        capture nor gets into it.
        """
        if not self.products.capturable:
            raise DeviceError(f"CuPy multiplies, and it cannot be captured: {self.products.reason}")
        if self._for_capture is None:
            stream = self.xp.cuda.Stream(non_blocking=True)
            self._for_capture = (stream, self.products.on(stream))
        return self._for_capture

    def capabilities(self) -> dict[str, str]:
        """Return how this device multiplies and whether steps are captured, and if not, why."""
        a = self.zeros((2, 2), np.float32)
        product = Dot(a, a, self.empty((2, 2), np.float32))
        try:
            self._now(product, product.out)  # cuBLAS loads what it needs: not in a capture
            with self.active():
                stream, cublas = self.for_capture()
                call = self.products.call(product, cublas)
                record(stream, [call] if call else [])
            graphs = "captured"
        except Exception as error:  # whatever it is, it is the reason
            graphs = f"not captured: {error}"
        reason = f" ({self.products.reason})" if self.products.reason else ""
        return {"products": self.products.method + reason, "graphs": graphs}

    def _check_here(self, array: Array) -> None:
        if not isinstance(array, self.xp.ndarray):
            raise ArgumentError(
                f"an array of shape {np.shape(array)} is in main memory, not on {self.device}: "
                "bring it there with the backend's array()"
            )
        if array.device.id != self._index:
            raise ArgumentError(
                f"an array of shape {array.shape} is on cuda:{array.device.id}, "
                f"not on {self.device}"
            )


class CudaExecutable:
    """A program made ready on a GPU: ``run(n)`` starts it n times and does not wait.

    All memory was there before, what changes from step to step (counters, learning rates) lives
    on the device, and nothing is read back: the host only launches.
    """

    def __init__(self, program: Program, backend: CudaBackend) -> None:
        self._backend = backend
        with backend.active():
            self._work = backend.prepare(program.instructions)
            self._calls = self._prepared()
        self._graph: Any = None
        self._to_warm_up = WARM_UP if backend.capture.mode != "never" and self._calls else -1

    @property
    def captured(self) -> bool:
        """Whether the program runs as one CUDA graph by now."""
        return self._graph is not None

    @property
    def choice(self) -> EngineChoice:
        """Whether the GPU starts the program as one CUDA graph, and if not, why."""
        capture = self._backend.capture
        if self.captured:
            reason = "one CUDA graph"
        elif capture.mode == "never":
            reason = "kernel by kernel: capture='never' was asked for"
        elif capture.problem:
            reason = f"kernel by kernel: {capture.problem}"
        else:
            reason = f"kernel by kernel: a CUDA graph after {WARM_UP} runs"
        return EngineChoice("cuda", 1, reason, self.captured)

    def run(self, n: int = 1) -> None:
        with self._backend.active():
            for _ in range(n):
                if self._graph is None and self._to_warm_up == 0:
                    self._capture()
                if self._graph is not None:
                    self._graph.launch()
                    continue
                self._to_warm_up -= 1
                for call in self._calls:
                    call()

    def _prepared(self, cublas: Cublas | None = None) -> list[Call]:
        calls = (self._backend.call(work, cublas) for work in self._work)
        return [call for call in calls if call is not None]

    def _capture(self) -> None:
        """Make the graph; leave the program as it is where that fails."""
        backend = self._backend
        try:
            stream, cublas = backend.for_capture()
            self._graph = record(stream, self._prepared(cublas))
        except Exception as error:  # whatever it is, it is the reason
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            if backend.capture.mode == "always":
                raise DeviceError(
                    f"{arg('capture', 'always')}: the step cannot be captured as a CUDA graph "
                    f"({reason}); "
                    f"use {arg('capture', 'auto')}"
                ) from error
            backend.capture.failed(reason)
            self._to_warm_up = -1
