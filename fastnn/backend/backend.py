"""From a device name to the backend that computes there."""

from __future__ import annotations

import warnings
from functools import cache

from fastnn.backend.device import choose
from fastnn.backend.numpy_backend import NumpyBackend
from fastnn.backend.shim import Backend


def get_backend(device: object = "cpu") -> Backend:
    """Return the backend of "cpu", "cuda", "cuda:N" or "auto": one per device and process (N33).

    >>> get_backend("cpu").device
    'cpu'

    "auto" takes the GPU if it can be used and else the CPU; the first time that it has to, it
    says why in a RuntimeWarning. Raises ArgumentError for an unknown name, and DeviceError, with
    the reason and the remedy, for a GPU that was asked for and cannot be used.
    """
    choice = choose(device)
    if choice.reason:
        _say_once(choice.reason)
    return _backend(choice.device)


@cache
def _backend(device: str) -> Backend:
    if device == "cpu":
        return NumpyBackend()
    from fastnn.backend.cuda_executor import CudaBackend

    return CudaBackend(int(device.removeprefix("cuda:")))


@cache
def _say_once(reason: str) -> None:
    warnings.warn(reason, RuntimeWarning, stacklevel=3)
