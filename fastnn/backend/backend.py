"""From a device name to the backend that computes there."""

from __future__ import annotations

import warnings
from functools import cache

from fastnn.backend.cpu.backend import NumpyBackend
from fastnn.backend.device import choose
from fastnn.backend.engine import check_engine
from fastnn.backend.shim import Backend
from fastnn.errors import ArgumentError


def get_backend(device: object = "cpu", engine: str = "auto") -> Backend:
    """Return the backend of "cpu", "cuda", "cuda:N" or "auto": one per device and process (N33).

    >>> get_backend("cpu").device
    'cpu'

    ``engine`` says what runs training steps on the CPU: "numpy", "compiled" (extra ``jit``), or
    "auto", compiled where that saves time. Device "auto" takes the GPU if it can be used and else
    the CPU; the first time that it has to, it says why in a RuntimeWarning.

    Raises ArgumentError for an unknown name or an engine without effect, and DeviceError, with
    the reason and the remedy, for a GPU that was asked for and cannot be used.
    """
    choice = choose(device)
    if choice.reason:
        _say_once(choice.reason)
    if choice.device != "cpu" and check_engine(engine) != "auto":
        raise ArgumentError(f"engine={engine!r} has no effect on device {choice.device!r}")
    return _backend(choice.device, engine)


@cache
def _backend(device: str, engine: str) -> Backend:
    if device == "cpu":
        return NumpyBackend(engine)
    from fastnn.backend.cuda.executor import CudaBackend

    return CudaBackend(int(device.removeprefix("cuda:")))


@cache
def _say_once(reason: str) -> None:
    warnings.warn(reason, RuntimeWarning, stacklevel=3)
