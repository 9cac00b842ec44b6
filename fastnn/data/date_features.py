"""What a network gets of a date: the elapsed time, the year, and where in its cycles it is.

With mu and sigma those of the training part, of a date x in seconds since 1970-01-01 UTC:

- elapsed time ``(x - mu)/sigma``, or in days ``(x - mu)/86400`` if inputs are not standardised;
- the year, standardised likewise, or less the mean year;
- three cycles, each as ``sin(a)`` and ``cos(a)``, so that the end of one is beside its beginning:
  the month ``a = 2 pi (month - 1 + (day - 1)/31)/12``, the weekday ``a = 2 pi weekday/7`` (Monday
  0), and the hour ``a = 2 pi s/86400`` with s the seconds since midnight.

The elapsed time is always there; the others if they are not the same in the whole training part,
and weekdays only if the dates are not all of the same day of their months. A time of day has no
year, month and weekday.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.data.date_notations import check_form
from fastnn.data.dates import DAY, Array, Dates, calendar
from fastnn.data.state import Check, is_flag
from fastnn.data.statistics import blocks, moments
from fastnn.errors import ArgumentError

#: The parts beside the elapsed time, in the order of their outputs.
PARTS = ("year", "month", "weekday", "hour")
#: The days of a month that its cycle counts.
LONGEST_MONTH = 31


@dataclass(frozen=True)
class DateParts:
    """A column of dates after the training part: what of it is an input.

    ``form``: how the text was written, "" if it was none; ``of_day``: it holds times of day;
    ``parts``: which of `PARTS` there are; ``year``: mean and deviation of the years.
    """

    form: str
    of_day: bool
    parts: tuple[str, ...]
    year: tuple[float, float]

    @classmethod
    def fit(
        cls, column: Dates, seconds: Array, weights: Array | None, standardize: bool
    ) -> DateParts:
        """Learn which parts differ in the training part, of dates ``seconds`` (N,) without gaps.

        >>> days = np.arange(3.0) * 86_400
        >>> DateParts.fit(Dates.of([]), days, None, True).parts
        ('month', 'weekday')
        """
        first, differ = calendar(seconds[:1]), dict.fromkeys(calendar(seconds[:1]), False)
        years = np.empty((len(seconds), 1))
        for rows in blocks(years):
            found = calendar(seconds[rows])
            years[rows, 0] = found["year"]
            for name, values in found.items():
                differ[name] = differ[name] or bool((values != first[name]).any())
        there = {
            "year": differ["year"],
            "month": differ["month"] or differ["day"],
            "weekday": differ["weekday"] and differ["day"],
            "hour": differ["second"],
        }
        if column.of_day:
            there |= dict.fromkeys(("year", "month", "weekday"), False)
        mean, scale = moments(years, ["year"], weights)
        year = (float(mean[0]), float(scale[0]) if standardize else 1.0)
        parts = tuple(name for name in PARTS if there[name])
        return cls(column.form, column.of_day, parts, year)

    def names(self, column: str) -> list[str]:
        """Return the names of the outputs beside the elapsed time.

        >>> DateParts("", False, ("year", "hour"), (2000.0, 1.0)).names("day")
        ['day: year', 'day: hour sin', 'day: hour cos']
        """
        return [
            f"{column}: {part}{wave}"
            for part in self.parts
            for wave in (("",) if part == "year" else (" sin", " cos"))
        ]

    def values(self, seconds: Array) -> Array:
        """Return these outputs, (N, k) float64, of dates without gaps.

        >>> DateParts("", False, ("hour",), (0.0, 1.0)).values(np.array([21_600.0])).round(3)
        array([[1., 0.]])
        """
        c = calendar(seconds)
        turns = {
            "month": (c["month"] - 1 + (c["day"] - 1) / LONGEST_MONTH) / 12,
            "weekday": c["weekday"] / 7,
            "hour": c["second"] / DAY,
        }
        found: list[Array] = []
        for part in self.parts:
            if part == "year":
                found.append((c["year"] - self.year[0]) / self.year[1])
            else:
                angle = 2 * np.pi * turns[part]
                found += [np.sin(angle), np.cos(angle)]
        return np.stack(found, axis=1) if found else np.zeros((len(seconds), 0))

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; `of_json` reads it back.

        >>> date = DateParts("%Y", False, ("year",), (2000.0, 1.0))
        >>> DateParts.of_json(date.to_json()) == date
        True
        """
        return {
            "form": self.form,
            "of_day": self.of_day,
            "parts": list(self.parts),
            "year": list(self.year),
        }

    @staticmethod
    def of_json(data: Mapping[str, Any]) -> DateParts:
        """Return what `to_json` wrote; `are_dates` has checked it."""
        mean, scale = data["year"]
        return DateParts(data["form"], data["of_day"], tuple(data["parts"]), (mean, scale))


def elapsed_units(mean: Array, scale: Array, dates: Sequence[int], standardize: bool) -> Array:
    """Return mean and scale (2, p) of the numbers, of which those at ``dates`` are dates.

    Numbers that are not standardised have mean 0 and scale 1; dates are then days since the mean.

    >>> elapsed_units(np.array([5.0, 9.0]), np.array([2.0, 3.0]), [1], False)
    array([[0.00e+00, 9.00e+00],
           [1.00e+00, 8.64e+04]])
    """
    if standardize:
        return np.stack([mean, scale])
    units = np.stack([np.zeros(len(mean)), np.ones(len(mean))])
    units[0, dates], units[1, dates] = mean[dates], DAY
    return units


def are_dates(value: object) -> bool:
    """Accept what a model keeps of its columns of dates.

    >>> are_dates({"day": DateParts("", False, ("hour",), (0.0, 1.0)).to_json()})
    True
    >>> are_dates({"day": {"form": "", "of_day": False, "parts": ["hours"], "year": [0.0, 1.0]}})
    False
    """
    if not isinstance(value, dict):
        return False
    schema: dict[str, Check] = {
        "form": _is_form,
        "of_day": is_flag,
        "parts": _are_parts,
        "year": _is_mean_and_scale,
    }
    return all(
        isinstance(one, dict)
        and set(one) == set(schema)
        and all(check(one[key]) for key, check in schema.items())
        for one in value.values()
    )


def _are_parts(value: object) -> bool:
    return isinstance(value, list) and [part for part in PARTS if part in value] == value


def _is_form(value: object) -> bool:
    if value == "":
        return True
    try:
        check_form(value)
    except ArgumentError:
        return False
    return True


def _is_mean_and_scale(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    return all(isinstance(v, float) and np.isfinite(v) for v in value) and value[1] > 0
