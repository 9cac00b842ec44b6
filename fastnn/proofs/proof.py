"""A proof: what was compared with what, and how far the two were apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Proof:
    """What was compared with what, in how many cases, and the largest error among them.

    >>> Proof("steps", "loops", "cpu", 91, 2e-16, "tanh with huber", 1e-12).passed
    True
    """

    subject: str
    oracle: str
    device: str
    cases: int
    largest_error: float
    worst: str
    allowed: float

    @property
    def passed(self) -> bool:
        """Whether the largest error is a number and not above what is allowed."""
        return self.largest_error <= self.allowed


def deviation(found: npt.ArrayLike, expected: npt.ArrayLike) -> float:
    """Return ``max |found - expected| / max |expected|``; infinite where something is not finite.

    >>> deviation([1.0, 2.5], [1.0, 2.0])
    0.25
    """
    a, b = (np.asarray(v, np.float64) for v in (found, expected))
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.inf
    largest = float(np.abs(b).max(initial=0.0))
    return float(np.abs(a - b).max(initial=0.0)) / (largest or 1.0)


def proof(
    subject: str, oracle: str, device: str, errors: Mapping[str, float], allowed: float
) -> Proof:
    """Return the proof of several cases, by the error of each; it names the worst.

    >>> proof("sums", "fsum", "cpu", {"short": 0.0, "long": 1e-15}, 1e-14).worst
    'long'
    """
    worst = max(errors, key=lambda name: math.inf if math.isnan(errors[name]) else errors[name])
    return Proof(subject, oracle, device, len(errors), errors[worst], worst, allowed)
