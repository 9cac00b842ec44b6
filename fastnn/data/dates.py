"""Dates and times as numbers: seconds since 1970-01-01 00:00 UTC, and the calendar's parts of them.

A time with a zone is turned to UTC; one without is taken as it stands. A time of day is seconds
since midnight; a month, a quarter or a year is its first day. A duration is no date: it is a
number, in seconds. The calendar is the Gregorian one, before 1582 too.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

DAY = 86_400
#: Microseconds of a second, in which dates are exact before they become floats.
MICRO = 1_000_000

_EPOCH = datetime.datetime(1970, 1, 1)

#: What data frames write for dates, times of day and durations.
_WRITTEN = re.compile(
    r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d:\d\d:\d\d(?:\.\d{1,9})?"
    r"|(?P<days>-?\d{1,9}) days?(?:,? \+?(?P<h>\d{1,2}):(?P<m>\d\d):(?P<s>\d\d(?:\.\d{1,9})?))?"
)


class Dates(np.ndarray[Any, np.dtype[np.float64]]):
    """A column of dates, or of times of day, on its way to a `Table`: seconds, NaN a gap.

    ``form``: how the text was written, a format of `date_text`, or "" if it was no text;
    ``of_day``: these are times of day. Any part of the column keeps both.

    >>> column = Dates.of([0.0, np.nan], "%Y-%m-%d")
    >>> column[:1].form, column[:1].of_day
    ('%Y-%m-%d', False)
    """

    form: str
    of_day: bool

    @classmethod
    def of(cls, seconds: npt.ArrayLike, form: str = "", of_day: bool = False) -> Dates:
        """Return the column of these seconds."""
        column = np.asarray(seconds, np.float64).view(cls)
        column.form, column.of_day = form, of_day
        return column

    def __array_finalize__(self, source: Any) -> None:
        self.form = getattr(source, "form", "")
        self.of_day = getattr(source, "of_day", False)


def seconds_of(micros: Array, gaps: Array | None = None) -> Array:
    """Return whole microseconds (int64) as seconds, NaN where there is a gap.

    >>> seconds_of(np.array([1_500_000, 0]), np.array([False, True]))
    array([1.5, nan])
    """
    whole = micros // MICRO  # as floats, microseconds of far years would be rounded before
    seconds = whole + (micros - whole * MICRO) / MICRO
    if gaps is not None:
        seconds[gaps] = np.nan
    return np.asarray(seconds)


def from_numpy(values: Array) -> tuple[Array, bool]:
    """Return datetime64 or timedelta64 as seconds (NaT: NaN), and whether they are durations.

    >>> from_numpy(np.array(["1970-01-02", "NaT"], "M8[D]"))
    (array([86400.,    nan]), False)
    """
    kind = values.dtype.kind
    gaps = np.isnat(values)
    return seconds_of(values.astype(f"{kind}8[us]").astype(np.int64), gaps), kind == "m"


def from_objects(cells: Iterable[Any]) -> tuple[Array, str]:
    """Return Python objects as seconds, None a gap, with what they are.

    They are "date" (dates, time stamps, periods, which begin then), "time" (of day) or "duration";
    or without seconds "zone", a mixture of times with a zone and without, or another "mixture".

    >>> from_objects([datetime.date(1970, 1, 2), None])
    (array([86400.,    nan]), 'date')
    >>> from_objects([datetime.time(0, 1, 30)])
    (array([90.]), 'time')
    """
    found = [None if cell is None else _of_object(cell) for cell in cells]
    kinds = {one[1] for one in found if one is not None}
    if kinds == {"date", "date in a zone"}:
        return np.zeros(0), "zone"
    if len(kinds) != 1:
        return np.zeros(0), "mixture"
    (kind,) = kinds
    gaps = np.array([one is None for one in found], bool)
    micros = np.array([0 if one is None else one[0] for one in found], np.int64)
    return seconds_of(micros, gaps), kind.partition(" ")[0]


#: What `_of_object` takes, besides periods of pandas.
_OBJECTS = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def _of_object(cell: Any) -> tuple[int, str]:
    """Whole microseconds, and of what."""
    cell = getattr(cell, "start_time", cell)  # a period of pandas
    if isinstance(cell, (np.datetime64, np.timedelta64)):
        of = cell.dtype.kind
        return int(cell.astype(f"{of}8[us]").astype(np.int64)), "date" if of == "M" else "duration"
    if isinstance(cell, datetime.timedelta):
        return cell // datetime.timedelta(microseconds=1), "duration"
    if isinstance(cell, datetime.time):
        seconds = (cell.hour * 60 + cell.minute) * 60 + cell.second
        return seconds * MICRO + cell.microsecond, "time"
    kind = "date"
    if isinstance(cell, datetime.datetime):
        if cell.tzinfo is not None:
            cell, kind = cell.astimezone(datetime.UTC).replace(tzinfo=None), "date in a zone"
    else:
        cell = datetime.datetime(cell.year, cell.month, cell.day)
    return (cell - _EPOCH) // datetime.timedelta(microseconds=1), kind


def days_of(years: Array, months: Array, days: Array) -> Array:
    """Return the days since 1970-01-01, int64; months and days count from 1.

    >>> days_of(np.array([1970, 2000]), np.array([1, 3]), np.array([2, 1]))
    array([    1, 11017])
    """
    months = np.asarray((years - 1970) * 12 + months - 1, "M8[M]")
    return np.asarray(months.astype("M8[D]").astype(np.int64) + days - 1)


def days_in(years: Array, months: Array) -> Array:
    """Return how many days months have.

    >>> days_in(np.array([2023, 2024]), np.array([2, 2]))
    array([28, 29])
    """
    start = np.asarray((years - 1970) * 12 + months - 1, "M8[M]")
    length = (start + 1).astype("M8[D]") - start.astype("M8[D]")
    return np.asarray(length.astype(np.int64))


def calendar(seconds: Array) -> dict[str, Array]:
    """Return year, month and day (from 1), weekday (Monday 0) and seconds of the day: floats.

    >>> {name: part.tolist() for name, part in calendar(np.array([1.5, -1.0])).items()}
    {'year': [1970.0, 1969.0], 'month': [1.0, 12.0], 'day': [1.0, 31.0], 'weekday': [3.0, 2.0], \
'second': [1.5, 86399.0]}
    """
    number = np.floor(seconds / DAY)
    day = number.astype(np.int64).astype("M8[D]")
    month = day.astype("M8[M]")
    year = day.astype("M8[Y]")
    parts = {
        "year": year.astype(np.int64) + 1970,
        "month": (month - year.astype("M8[M]")).astype(np.int64) + 1,
        "day": (day - month.astype("M8[D]")).astype(np.int64) + 1,
        "weekday": (number + 3) % 7,
        "second": seconds - number * DAY,
    }
    return {name: values.astype(np.float64) for name, values in parts.items()}


def _micros(seconds: float) -> int:
    """The whole microseconds that are next; as a product they would be rounded once more."""
    whole = int(seconds // 1)
    return whole * MICRO + round((seconds - whole) * MICRO)


def written(seconds: float, of_day: bool = False) -> str:
    """Return a date or a time of day as ISO 8601 writes it, without what is 0; "" for a gap.

    >>> written(0.0), written(90.25), written(5400.0, of_day=True)
    ('1970-01-01', '1970-01-01 00:01:30.250000', '01:30')
    """
    if seconds != seconds:
        return ""
    text = str(np.datetime64(_micros(seconds), "us")).replace("T", " ")
    day, _, time = text.partition(" ")
    time = time.removesuffix(".000000")
    short = time.removesuffix(":00") if len(time) == 8 else time
    if of_day:
        return short
    return day if short == "00:00" else f"{day} {short}"


def duration_written(seconds: float) -> str:
    """Return a duration as data frames write it, without what is 0; "" for a gap.

    >>> duration_written(172800.0), duration_written(5400.25), duration_written(-60.0)
    ('2 days', '0 days 01:30:00.250000', '-1 days +23:59:00')
    """
    if seconds != seconds:
        return ""
    days, micros = divmod(_micros(seconds), DAY * MICRO)
    clock = f"{_EPOCH + datetime.timedelta(microseconds=micros):%H:%M:%S.%f}".removesuffix(
        ".000000"
    )
    sign = "+" if days < 0 else ""
    return f"{days} days" + (f" {sign}{clock}" if micros else "")


def object_written(cell: object) -> str | None:
    """Return the text of a date, a time of day or a duration, as a column of them has it.

    None for what is no such object.

    >>> object_written(datetime.datetime(2024, 1, 31, 10)), object_written(3)
    ('2024-01-31 10:00', None)
    """
    if not isinstance(cell, _OBJECTS):
        return None
    micros, kind = _of_object(cell)
    seconds = float(seconds_of(np.array(micros)))
    return duration_written(seconds) if kind == "duration" else written(seconds, kind == "time")


def text_written(text: str) -> str | None:
    """Return the text that a column of dates, times or durations has for what frames write of one.

    None for any other text. So a category is the same from a file and from a frame.

    >>> text_written("2024-01-31T10:00:00"), text_written("2024-01-31 00:00:00+01:00")
    ('2024-01-31 10:00', '2024-01-30 23:00')
    >>> text_written("1 day, 1:30:00"), text_written("31.1.2024"), text_written("2024-02-31")
    ('1 days 01:30:00', None, None)
    """
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    if found["days"]:
        clock = int(found["h"] or 0) * 3600 + int(found["m"] or 0) * 60 + float(found["s"] or 0)
        return duration_written(int(found["days"]) * DAY + clock)
    of = datetime.time if text[2] == ":" else datetime.datetime
    try:
        return object_written(of.fromisoformat(text))
    except (ValueError, OverflowError):  # a 31st of February, or before year 1 in UTC
        return None
