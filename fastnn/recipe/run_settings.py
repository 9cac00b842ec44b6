"""Where and how a training is computed; the result is the same but for rounding (N33)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Unpack

from fastnn.backend.backend import get_backend
from fastnn.backend.protocols import Backend
from fastnn.recipe.choices import checked
from fastnn.recipe.table import RunOptions


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """The device, and what runs the steps there; a field for each of the `RunOptions`.

    >>> RunSettings.of(dtype="float64").backend().device
    'cpu'
    """

    device: str
    engine: str
    capture: str
    precision: str
    dtype: str

    @staticmethod
    def of(**given: Unpack[RunOptions]) -> RunSettings:
        """Return checked settings; raise ArgumentError for what cannot be.

        >>> RunSettings.of(engine="numpy").dtype
        'float32'
        """
        return RunSettings(**checked(given, RunOptions))

    def backend(self) -> Backend:
        """Return the device; raise DeviceError, with the reason and the cure, if it has none.

        >>> RunSettings.of().backend().device
        'cpu'
        """
        return get_backend(self.device, self.engine, capture=self.capture, precision=self.precision)
