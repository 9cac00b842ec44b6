"""Seconds since 1970, and back: against Python's own calendar."""

import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.dates import (
    Dates,
    calendar,
    days_in,
    from_numpy,
    from_objects,
    text_written,
    written,
)
from tests.optional import optional

pd = optional("pandas")

EPOCH = datetime.datetime(1970, 1, 1)


def seconds(moment):
    return (moment - EPOCH) / datetime.timedelta(seconds=1)


@given(st.lists(st.datetimes(), min_size=1, max_size=5))
def test_the_calendar_is_that_of_python(moments):
    parts = calendar(np.array([seconds(m.replace(microsecond=0)) for m in moments]))
    assert parts["year"].tolist() == [m.year for m in moments]
    assert parts["month"].tolist() == [m.month for m in moments]
    assert parts["day"].tolist() == [m.day for m in moments]
    assert parts["weekday"].tolist() == [m.weekday() for m in moments]
    assert parts["second"].tolist() == [(m.hour * 60 + m.minute) * 60 + m.second for m in moments]


@given(st.datetimes())
def test_numpy_and_objects_are_the_same_seconds(moment):
    of_numpy, durations = from_numpy(np.array([moment], "M8[us]"))
    of_objects = from_objects([moment])
    assert not durations
    assert of_objects[1] == "date"
    assert of_numpy.tolist() == of_objects[0].tolist()
    assert of_numpy[0] == pytest.approx(seconds(moment), rel=1e-15)


def test_days_in_months_of_leap_years_and_others():
    years = np.array([1900, 2000, 2023, 2024, 2024])
    months = np.array([2, 2, 2, 2, 12])
    assert days_in(years, months).tolist() == [28, 29, 28, 29, 31]


def test_what_objects_are():
    in_rome = datetime.timezone(datetime.timedelta(hours=1))
    cells = [
        (datetime.date(1970, 1, 3), 172_800.0, "date"),
        (datetime.datetime(1970, 1, 1, 3, tzinfo=in_rome), 7_200.0, "date"),
        (datetime.time(1, 1, 1, 500_000), 3_661.5, "time"),
        (datetime.timedelta(days=-1), -86_400.0, "duration"),
        (np.datetime64("1970-01-02"), 86_400.0, "date"),
        (np.timedelta64(90, "m"), 5_400.0, "duration"),
        (pd.Timestamp("1970-01-01 00:00:01.25"), 1.25, "date"),
        (pd.Period("1970-02", freq="M"), 31 * 86_400.0, "date"),
    ]
    for cell, wanted, kind in cells:
        found = from_objects([cell, None])
        assert (found[0][0], found[1]) == (wanted, kind)
        assert np.isnan(found[0][1])
    assert from_objects([datetime.date(1970, 1, 1), datetime.time(1)])[1] == "mixture"


def test_any_part_of_a_column_keeps_what_it_is():
    column = Dates.of([1.0, 2.0, 3.0], "%H:%M", of_day=True)
    for part in (column[1:], column[[0, 2]], column.copy()):
        assert (part.form, part.of_day) == ("%H:%M", True)
    assert type(np.asarray(column)) is np.ndarray


@pytest.mark.parametrize(
    ("value", "of_day", "text"),
    [
        (-86_400.0, False, "1969-12-31"),
        (0.5, False, "1970-01-01 00:00:00.500000"),
        (61.0, False, "1970-01-01 00:01:01"),
        (61.0, True, "00:01:01"),
        (0.0, True, "00:00"),
        (float("nan"), False, ""),
    ],
)
def test_written(value, of_day, text):
    assert written(value, of_day) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31 00:00:00.000000", "2024-01-31"),
        ("2024-01-31T10:00:00.123456789", "2024-01-31 10:00:00.123456"),
        ("2024-01-31T10:00:00Z", "2024-01-31 10:00"),
        ("2024-01-31 00:30:00-0130", "2024-01-31 02:00"),
        ("05:30:00.000000", "05:30"),
        ("1 days 00:00:00", "1 days"),
        ("0 days 00:00:00", "0 days"),
        ("-1 day, 23:59:00", "-1 days +23:59:00"),
        ("2024-02-30", None),
        ("0001-01-01 00:00:00+01:00", None),
        ("2024-1-31", None),
        ("31.01.2024", None),
        ("5:30", None),
        ("1 week", None),
    ],
)
def test_one_text_for_each_date_time_and_duration(text, found):
    assert text_written(text) == found
    assert found is None or text_written(found) in (found, None)


def test_late_dates_are_written_as_they_are_read_again():
    # so late a float has steps of 15 microseconds
    for micro in range(0, 200, 7):
        late = written(68_720_000_000 + micro / 1e6)
        assert text_written(late) == late
