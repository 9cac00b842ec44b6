"""A program as one CUDA graph: the host starts a step with one launch instead of twenty.

What is captured is what was launched one by one before, with the same addresses: hyper-parameters
and counters are in device memory, so every replay finds the present ones there. Nothing may be
allocated in between, and nothing is: all memory was there before.

Source: NVIDIA, CUDA C++ Programming Guide, section "CUDA Graphs".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from fastnn.errors import FastnnWarning, arg, warn
from fastnn.registry import one_of

CAPTURES = ("auto", "never", "always")

#: Runs of a program before it is captured: they load what kernels and cuBLAS load on first use,
#: which a capture would not survive.
WARM_UP = 2


def record(stream: Any, calls: Sequence[Callable[[], Any]]) -> Any:
    """Return the graph of what ``calls`` start on ``stream``, which must be a non-blocking one.

    Nothing runs. Whatever goes wrong is raised, and the stream is left as it was.
    """
    with stream:
        stream.begin_capture()
        try:
            for call in calls:
                call()
        except BaseException:
            with suppress(Exception):  # it only says that the capture is broken
                stream.end_capture()
            raise
        return stream.end_capture()


class CaptureWarning(FastnnWarning, RuntimeWarning):
    """A GPU is used more slowly than it could be."""


class Capture:
    """Whether and how the programs of one device are captured.

    ``mode``: "auto" captures where that works and says once why where it does not, "never" does
    not, and "always" raises DeviceError instead of running without.
    """

    def __init__(self, mode: str, device: str) -> None:
        self.mode = one_of("capture", mode, CAPTURES)
        self._device = device
        self.problem = ""  # why a capture has failed

    def failed(self, reason: str) -> None:
        """Note that programs are launched kernel by kernel; warn about it the first time."""
        if not self.problem:
            warn(
                f"{self._device} starts every kernel of a step by itself, which is slow for small "
                f"networks: the step could not be captured as a CUDA graph ({reason}). "
                f"{arg('capture', 'never')} does so without this warning.",
                CaptureWarning,
            )
        self.problem = reason
