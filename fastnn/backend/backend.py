"""From a device name to the backend that computes there."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.availability import choose, cuda_status
from fastnn.backend.cuda.capture import CAPTURES
from fastnn.backend.engine import ENGINES
from fastnn.backend.protocols import Backend
from fastnn.errors import ArgumentError, arg, warn
from fastnn.registry import one_of


def get_backend(
    device: object = "cpu",
    engine: str = "auto",
    *,
    capture: str = "auto",
    precision: str = "full",
) -> Backend:
    """Return the backend of "cpu", "cuda", "cuda:N" or "auto": one per choice and process (N33).

    >>> get_backend("cpu").device
    'cpu'

    ``engine`` says what runs training steps on the CPU: "numpy", "compiled" (extra ``jit``), or
    "auto", compiled where that saves time. Device "auto" takes the GPU if it can be used and else
    the CPU; the first time that it has to, it says why in a RuntimeWarning.

    For a GPU: ``capture="auto"`` makes each step one CUDA graph where that works, and warns once
    where it does not; "never" starts its kernels one by one; "always" raises instead of that.
    ``precision="tf32"`` multiplies float32 with 10 bits of mantissa, which is faster.

    Raises ArgumentError for an unknown name or an option without effect, and DeviceError, with
    the reason and the remedy, for a GPU that was asked for and cannot be used.
    """
    one_of("capture", capture, CAPTURES)
    one_of("precision", precision, ("full", "tf32"))
    choice = choose(device)
    if choice.reason:
        _say_once(choice.reason)
    if choice.device != "cpu":
        if one_of("engine", engine, ENGINES) != "auto":
            raise ArgumentError(
                f"{arg('engine', engine)} has no effect on device {choice.device!r}"
            )
        return _cuda_backend(choice.device, capture, precision)
    for name, value, default in (("capture", capture, "auto"), ("precision", precision, "full")):
        if value != default:
            raise ArgumentError(f"{arg(name, value)} has no effect on device 'cpu'")
    return _numpy_backend(engine)


def cuda_capabilities() -> dict[str, str | None]:
    """Return how the first GPU multiplies, and whether steps are captured; None without a GPU.

    >>> sorted(cuda_capabilities())
    ['graphs', 'products']
    """
    if not cuda_status().usable:
        return {"products": None, "graphs": None}
    backend: Any = get_backend("cuda")
    return dict(backend.capabilities())


@cache
def _numpy_backend(engine: str) -> Backend:
    return CpuBackend(engine)


@cache
def _cuda_backend(device: str, capture: str, precision: str) -> Backend:
    from fastnn.backend.cuda.executor import CudaBackend

    return CudaBackend(int(device.removeprefix("cuda:")), capture, precision)


@cache
def _say_once(reason: str) -> None:
    warn(reason, RuntimeWarning)
