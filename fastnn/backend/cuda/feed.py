"""Rows from the host to fixed arrays of a GPU, copied while the GPU computes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fastnn.backend.program import Array


class CudaFeed:
    """Two pinned buffers on the host, one place to arrive on the device, a stream for copies.

    ``buffers()`` gives the host arrays to fill, once the copy that read them has ended; ``send``
    starts the copy; ``receive`` has the computing stream wait for it and take it over into the
    targets, where the recorded steps expect it. Nothing is allocated on the copy stream, and the
    computing stream is never waited for.
    """

    def __init__(self, xp: Any, device: Any, stream: Any, targets: Sequence[Array]) -> None:
        self._xp, self._device, self._computing = xp, device, stream
        self._targets = tuple(targets)
        with device, stream:
            self._arrived = tuple(xp.empty_like(t) for t in self._targets)
        with device:
            self._copying = xp.cuda.Stream(non_blocking=True)
            self._pinned = tuple(
                tuple(_pinned(xp, t.shape, t.dtype) for t in self._targets) for _ in range(2)
            )
            self._sent = tuple(xp.cuda.Event(disable_timing=True) for _ in range(2))
            self._taken = xp.cuda.Event(disable_timing=True)
            # What was freed to make room for the arrivals may still be in use by the computation.
            self._taken.record(stream)
        self._slot = 0
        self._last = (0, 0)  # slot and rows of what was sent last

    def buffers(self) -> tuple[np.ndarray[Any, Any], ...]:
        """Return the host arrays to fill next, in the shapes of the targets."""
        self._sent[self._slot].synchronize()
        return self._pinned[self._slot]

    def send(self, rows: int) -> None:
        """Start to copy the first ``rows`` rows of the buffers that were given out last."""
        runtime = self._xp.cuda.runtime
        with self._device:
            self._copying.wait_event(self._taken)
            for host, arrived in zip(self._pinned[self._slot], self._arrived, strict=True):
                runtime.memcpyAsync(
                    arrived.data.ptr, host.ctypes.data, host[:rows].nbytes,
                    runtime.memcpyHostToDevice, self._copying.ptr,
                )  # fmt: skip
            self._sent[self._slot].record(self._copying)
        self._last = (self._slot, rows)
        self._slot = 1 - self._slot

    def receive(self) -> None:
        """Put what was sent into the targets, as the computing stream's next work."""
        runtime = self._xp.cuda.runtime
        slot, rows = self._last
        with self._device:
            self._computing.wait_event(self._sent[slot])
            for arrived, target in zip(self._arrived, self._targets, strict=True):
                runtime.memcpyAsync(
                    target.data.ptr, arrived.data.ptr, arrived[:rows].nbytes,
                    runtime.memcpyDeviceToDevice, self._computing.ptr,
                )  # fmt: skip
            self._taken.record(self._computing)

    def settle(self) -> None:
        """Wait until nothing is on its way: from then on the memory may be freed."""
        self._copying.synchronize()


def _pinned(xp: Any, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    """Return an uninitialised host array that the device can read by itself."""
    size = int(np.prod(shape))
    memory = xp.cuda.alloc_pinned_memory(size * np.dtype(dtype).itemsize)
    return np.frombuffer(memory, dtype, size).reshape(shape)
