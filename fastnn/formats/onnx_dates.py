"""The calendar in an ONNX graph: from seconds since 1970 to year, month, weekday and hour."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn.data.date_features import LONGEST_MONTH, DateParts
from fastnn.data.dates import DAY
from fastnn.formats.onnx_graph import OnnxGraph

#: Days from 0000-03-01, with which the years of the algorithm begin, to 1970-01-01.
_TO_1970 = 719_468
#: Days and years after which the calendar is the same again; added often enough, nothing is
#: negative, of which an integer division would round the other way.
_ERA_DAYS, _ERA_YEARS, _ERAS = 146_097, 400, 1_000


def date_parts(graph: OnnxGraph, date: DateParts, seconds: str) -> list[str]:
    """Add the nodes of `DateParts.values`; return their (N, 1) float64 values.

    ``seconds``: (N, 1) float64 without gaps. The calendar is that of H. Hinnant, "chrono-Compatible
    Low-Level Date Algorithms" (2013): in years that begin in March the day of the year says the
    month by one line.

    >>> graph = OnnxGraph("date", taken=["x"])
    >>> len(date_parts(graph, DateParts("", False, ("hour",), (0.0, 1.0)), "x"))
    2
    """
    day = graph.node("Floor", graph.node("Div", seconds, graph.constant(np.float64(DAY))))
    found: list[str] = []
    if {"year", "month"} & {*date.parts}:
        year, month, of_month = _civil(graph, day)
    for part in date.parts:
        match part:
            case "year":
                mean, scale = (graph.constant(np.float64(value)) for value in date.year)
                found.append(graph.node("Div", graph.node("Sub", year, mean), scale))
                continue
            case "month":
                away = graph.node("Div", of_month, graph.constant(np.float64(LONGEST_MONTH)))
                place, whole = graph.node("Add", month, away), 12.0
            case "weekday":
                shifted = graph.node("Add", day, graph.constant(np.float64(3)))
                seven = graph.constant(np.float64(7))
                weeks = graph.node("Floor", graph.node("Div", shifted, seven))
                place, whole = graph.node("Sub", shifted, graph.node("Mul", weeks, seven)), 7.0
            case _:
                start = graph.node("Mul", day, graph.constant(np.float64(DAY)))
                place, whole = graph.node("Sub", seconds, start), float(DAY)
        found += _cycle(graph, place, whole)
    return found


def _cycle(graph: OnnxGraph, place: str, whole: float) -> list[str]:
    """``sin`` and ``cos`` of ``2 pi place/whole``."""
    turns = graph.node("Div", place, graph.constant(np.float64(whole)))
    angle = graph.node("Mul", turns, graph.constant(np.float64(2 * np.pi)))
    return [graph.node("Sin", angle), graph.node("Cos", angle)]


def _civil(graph: OnnxGraph, day: str) -> tuple[str, str, str]:
    """Year, month and day of the month, the latter two from 0, as float64, of days since 1970."""

    def op(name: str, a: str, b: int) -> str:
        return graph.node(name, a, graph.constant(np.int64(b)))

    def minus(a: str, b: str) -> str:
        return graph.node("Sub", a, b)

    z = op("Add", graph.cast(day, np.int64), _TO_1970 + _ERAS * _ERA_DAYS)
    era = op("Div", z, _ERA_DAYS)
    of_era = minus(z, op("Mul", era, _ERA_DAYS))
    leaps = minus(
        graph.node("Add", minus(of_era, op("Div", of_era, 1460)), op("Div", of_era, 36524)),
        op("Div", of_era, 146096),
    )
    year = op("Div", leaps, 365)  # of the era, from March
    before = minus(
        graph.node("Add", op("Mul", year, 365), op("Div", year, 4)), op("Div", year, 100)
    )
    of_year = minus(of_era, before)
    from_march = op("Div", op("Add", op("Mul", of_year, 5), 2), 153)
    first = op("Div", op("Add", op("Mul", from_march, 153), 2), 5)
    of_month = minus(of_year, first)
    spring = graph.node("Less", from_march, graph.constant(np.int64(10)))
    month = graph.node("Where", spring, op("Add", from_march, 2), op("Sub", from_march, 10))
    later = graph.cast(graph.node("Not", spring), np.int64)
    full = graph.node("Add", graph.node("Add", op("Mul", era, _ERA_YEARS), year), later)
    years = op("Sub", full, _ERAS * _ERA_YEARS)
    made: list[Any] = [graph.cast(value, np.float64) for value in (years, month, of_month)]
    return made[0], made[1], made[2]
