"""Where and how it is computed, made and checked once; the result is the same but for rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy.typing as npt

from fastnn.backend.backend import get_backend
from fastnn.backend.protocols import Backend
from fastnn.nn.parameters import check_dtype
from fastnn.recipe.choices import checked
from fastnn.recipe.table import RunOptions


@dataclass(frozen=True)
class RunSettings:
    """The device and what runs the steps there (N33); a field for each of the `RunOptions`.

    >>> RunSettings(engine="numpy").backend().device
    'cpu'
    >>> RunSettings(dtype="float16")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: dtype must be one of float32, float64, found 'float16'; did you ...

    Raises ArgumentError naming the choice that is none.
    """

    device: str = "cpu"
    engine: str = "auto"
    capture: str = "auto"
    precision: str = "full"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        checked(vars(self), RunOptions)

    def backend(self) -> Backend:
        """Return the backend that computes so: one per choice and process.

        Raises DeviceError for a device that cannot be used, and ArgumentError for an unknown one
        or a choice that has no effect there.
        """
        return get_backend(self.device, self.engine, capture=self.capture, precision=self.precision)

    def on(self, backend: Backend) -> RunSettings:
        """Return the same with the device by its number: "cuda" and "auto" may change places.

        >>> from fastnn.backend.cpu_backend import CpuBackend
        >>> RunSettings(device="auto").on(CpuBackend()).device
        'cpu'
        """
        return replace(self, device=backend.device)

    @staticmethod
    def of(backend: Backend, dtype: npt.DTypeLike) -> RunSettings:
        """Return the settings of a backend that somebody else has made.

        >>> from fastnn.backend.cpu_backend import CpuBackend
        >>> RunSettings.of(CpuBackend("numpy"), "float64").engine
        'numpy'
        """
        return RunSettings(
            backend.device,
            engine=getattr(backend, "engine", "auto"),
            capture=getattr(getattr(backend, "capture", None), "mode", "auto"),
            precision=getattr(backend, "precision", "full"),
            dtype=check_dtype(dtype).name,
        )
