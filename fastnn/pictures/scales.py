"""From values to pixels: scales, the ticks of an axis, and places for labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

LABEL = 13.5  # pixels between two labels


@dataclass(frozen=True)
class Scale:
    """From values to pixels, linear or logarithmic.

    >>> Scale(0, 10, 0, 100)(2.5), Scale(1, 100, 0, 10, log=True)(10)
    (25.0, 5.0)
    """

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return self.start + (at - low) / ((high - low) or 1.0) * (self.stop - self.start)


def scale_over(
    values: Sequence[float], start: float, stop: float, margin: float, log: bool = False
) -> Scale:
    """Return a scale over the values that can be shown, with a margin (a share) at both ends.

    >>> scale_over([0.0, 10.0, float("nan")], 0, 100, 0.1)
    Scale(low=-1.0, high=11.0, start=0, stop=100, log=False)
    >>> scale_over([], 0, 100, 0.1), scale_over([5.0], 0, 100, 0.1).low < 5
    (Scale(low=0.0, high=1.0, start=0, stop=100, log=False), True)
    """
    shown = [v for v in values if shows(v, log)]
    if not shown:
        return Scale(*((1.0, 10.0) if log else (0.0, 1.0)), start, stop, log)
    low, high = min(shown), max(shown)
    if log:
        room = (high / low) ** margin if high > low else 2.0
        return Scale(low / room, high * room, start, stop, log)
    room = (high - low) * margin or abs(low) * 0.1 or 1.0
    return Scale(low - room, high + room, start, stop)


def shows(value: float, log: bool) -> bool:
    """Return whether a value has a place on an axis.

    >>> shows(0.0, log=False), shows(0.0, log=True), shows(float("inf"), log=False)
    (True, False, False)
    """
    return math.isfinite(value) and (value > 0 or not log)


def ticks(low: float, high: float, log: bool, most: int = 7) -> list[float]:
    """Return round values from low to high, about five of them and at least three.

    >>> ticks(0, 10, False), ticks(0.0, 0.31, False)
    ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
    >>> ticks(0.6, 4.4, False), ticks(0.55, 0.61, True)
    ([1.0, 2.0, 3.0, 4.0], [0.55, 0.56, 0.57, 0.58, 0.59, 0.6, 0.61])
    """
    if not high > low:
        return [low]
    if log and len(found := decades(low, high, most)) >= 3:
        return found
    size = 10.0 ** math.floor(math.log10((high - low) / most))
    steps = [s * size for s in (1, 2, 5, 10, 20)]
    fits = next(k for k, step in enumerate(steps) if (high - low) / step <= most)
    found = _multiples(steps[fits], low, high)
    return found if len(found) >= 3 else _multiples(steps[fits - 1], low, high)


def _multiples(step: float, low: float, high: float) -> list[float]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = 1 - math.floor(math.log10(step))
    return sorted({round(n * step, digits) for n in range(first, last + 1)})


def decades(low: float, high: float, most: int = 7) -> list[float]:
    """Return powers of ten from low to high; 1, 2 and 5 times them if there are few.

    >>> decades(20, 30_000), decades(12, 80), decades(1e-12, 1)
    ([100.0, 1000.0, 10000.0], [20.0, 50.0], [1e-12, 1e-10, 1e-08, 1e-06, 0.0001, 0.01, 1.0])
    """
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for steps in ((1.0,), (1.0, 2.0, 5.0)):
        found = [
            v for e in exponents for s in steps
            if low * (1 - 1e-9) <= (v := s * 10.0**e) <= high * (1 + 1e-9)
        ]  # fmt: skip
        if len(found) >= 3:
            break
    every = max(1, math.ceil(len(found) / most))
    return found[::every]


def short(value: float) -> str:
    """Return a number for an axis.

    >>> short(16), short(4096), short(10_000), short(2e6), short(0.5), short(-25_000), short(1e-7)
    ('16', '4096', '10k', '2M', '0.5', '-25k', '1e-07')
    """
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if size <= abs(value) < 1e13:
            unit = 1e3 if letter == "k" else size
            return f"{value / unit:g}{letter}"
    return f"{value:g}"


def label_places(
    wanted: Sequence[tuple[float, str]], top: float = 0.5, gap: float = LABEL
) -> dict[str, float]:
    """Return where labels go: as near as can be to where they should, ``gap`` pixels apart.

    >>> label_places([(100.0, "a"), (101.0, "b"), (300.0, "c")])
    {'a': 93.75, 'b': 107.25, 'c': 300.0}
    >>> label_places([(0.0, "a"), (5.0, "b")], top=14)  # not above the chart
    {'a': 14.0, 'b': 27.5}
    """
    groups: list[tuple[list[str], float]] = []  # names from the top, their middle
    for at, name in sorted(wanted):
        names, middle = [name], at
        while groups and groups[-1][1] + gap * (len(groups[-1][0]) + len(names)) / 2 > middle:
            above, there = groups.pop()
            n, k = len(above), len(names)
            names, middle = [*above, *names], (there * n + middle * k) / (n + k)
        groups.append((names, middle))
    found: dict[str, float] = {}
    lowest = top - gap
    for names, middle in groups:
        first = middle - gap * (len(names) - 1) / 2
        for i, name in enumerate(names):
            lowest = max(first + gap * i, lowest + gap)
            found[name] = lowest
    return found
