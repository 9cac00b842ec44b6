"""Dates as people write them, the notation found, and what cannot be."""

import re
import warnings
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.date_notations import (
    _NAMES_OF_MONTHS,
    NOTATIONS,
    Shapes,
    check_form,
    iso_moments,
    moments_of,
)
from fastnn.data.statistics import DataNote
from fastnn.errors import ArgumentError, DataError
from fastnn.reading.files import read_table

#: The same evening: 2024-12-31 at 18:05.
EVENING = 1_735_668_300.0
#: 2024-12-31, 2024-12-01 and 2024-10-01 at midnight: 20,088, 20,058 and 19,997 days.
DAY, MONTH, QUARTER = 1_735_603_200.0, 1_733_011_200.0, 1_727_740_800.0


def read(*cells, **options):
    table = read_table({"d": list(cells)}, **options)
    assert table.dates, table
    return table.column("d").tolist(), table.dates["d"].form


@pytest.mark.parametrize(
    ("text", "form", "wanted"),
    [
        ("2024-12-31", "%Y-%m-%d", DAY),
        ("2024-12-31 18:05", "%Y-%m-%d", EVENING),
        ("2024-12-31T18:05:00.250", "%Y-%m-%d", EVENING + 0.25),
        ("2024-12-31T18:05:00Z", "%Y-%m-%d", EVENING),
        ("2024-12-31T19:05:00+01:00", "%Y-%m-%d", EVENING),
        ("2024-12-31 12:35-0530", "%Y-%m-%d", EVENING),
        ("2024-12-31 18:05:00 UTC", "%Y-%m-%d", EVENING),
        ("20241231T180500Z", "%Y%m%dT%H%M%S", EVENING),
        ("20241231T1905+01", "%Y%m%dT%H%M%S", EVENING),
        ("20241231T180500.25", "%Y%m%dT%H%M%S", EVENING + 0.25),
        ("2024/12/31", "%Y/%m/%d", DAY),
        ("2024.12.31", "%Y.%m.%d", DAY),
        ("31.12.2024", "%d.%m.%Y", DAY),
        ("31.12.2024, 18:05", "%d.%m.%Y", EVENING),
        ("31/12/2024", "%d/%m/%Y", DAY),
        ("12/31/2024 6:05 PM", "%m/%d/%Y", EVENING),
        ("31-12-2024", "%d-%m-%Y", DAY),
        ("12-31-2024", "%m-%d-%Y", DAY),
        ("31/12/24", "%d/%m/%y", DAY),
        ("12/31/24", "%m/%d/%y", DAY),
        ("31.12.24", "%d.%m.%y", DAY),
        ("Dec 31, 2024", "%b %d, %Y", DAY),
        ("December 31st 2024", "%b %d, %Y", DAY),
        ("Tue, 31 Dec 2024 18:05:00 +0000", "%d %b %Y", EVENING),
        ("31. december 2024", "%d %b %Y", DAY),
        ("31-Dec-24", "%d-%b-%y", DAY),
        ("2024-Dec-31", "%Y-%b-%d", DAY),
        ("2024-12", "%Y-%m", MONTH),
        ("2024/12", "%Y-%m", MONTH),
        ("Dec 2024", "%b %Y", MONTH),
        ("2024-Q4", "%Y-Q%q", QUARTER),
        ("18:05", "%H:%M", 65_100.0),
        ("6:05:30.5 p.m.", "%H:%M", 65_130.5),
        ("12:00 am", "%H:%M", 0.0),
        ("31.12.69", "%d.%m.%y", -86_400.0),
    ],
)
def test_one_cell(text, form, wanted):
    assert read(text) == ([wanted], form)
    assert read(f" {text} ", None)[0][0] == wanted


@given(st.lists(st.datetimes(datetime(1, 1, 1)), min_size=1, max_size=4))
def test_the_fast_way_is_the_other_way(moments):
    for spec, n in ((" ", 26), ("T", 19), (" ", 16), (" ", 10)):
        texts = [m.isoformat(spec, "microseconds")[:n] for m in moments]
        fast = iso_moments(texts)
        assert fast is not None
        slow = moments_of("%Y-%m-%d", [*texts, "2024-1-1"])  # which is not fast
        assert fast[0].tolist() == slow[0][:-1].tolist()
        if n == 26:
            wanted = [(m - datetime(1970, 1, 1)) // timedelta(microseconds=1) for m in moments]
            assert fast[0].tolist() == wanted
    assert iso_moments(["2024-01-31", "2024-1-31"]) is None
    assert iso_moments(["2024-01-3x"]) is None
    assert iso_moments(["２024-01-31"]) is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2068, 1, 1)), st.sampled_from([*NOTATIONS]))
def test_every_notation_reads_what_strftime_writes(moment, form):
    if form == "%Y-Q%q":
        return
    text = moment.strftime(form)
    (micros,), (problem,) = moments_of(form, [text])
    start = datetime(1900 if form == "%H:%M" else 1970, 1, 1)
    wanted = (datetime.strptime(text, form) - start) // timedelta(microseconds=1)
    assert (micros, problem) == (wanted, "")


TIMES = ("", " %H:%M", "T%H:%M:%S.%f", " %I:%M %p", " %H:%M:%SZ", " %H:%M:%S+01:30", " %H:%M CET")
MOMENTS = st.tuples(st.datetimes(), st.sampled_from(TIMES))


@given(
    st.lists(st.tuples(st.datetimes(), st.sampled_from(TIMES)), min_size=1, max_size=9), st.data()
)
def test_dates_that_are_read_at_once_are_those_that_are_read_one_by_one(moments, data):
    form = data.draw(st.sampled_from([f for f in NOTATIONS if f != "%Y-Q%q"]))
    texts = [moment.strftime(form + time) for moment, time in moments] + ["soon"]
    micros, problems = moments_of(form, texts)
    for k, text in enumerate(texts):
        (alone,), (problem,) = moments_of(form, [text])
        assert problems[k] in (problem, "has no time zone, and others have one")
        assert problem or micros[k] == alone


@given(st.text("0123456789/-.: TZaJun", max_size=19) | st.datetimes().map(str))
def test_a_notation_has_every_text_of_a_shape_or_none(text):
    (shape,) = Shapes.of([text]).known
    for notation in NOTATIONS.values():
        found, of_shape = (notation.pattern.fullmatch(t) for t in (text, shape))
        assert (found and found.regs) == (of_shape and of_shape.regs)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["1/2/2024", "13/2/2024"], "%d/%m/%Y"),
        (["1/2/2024", "2/13/2024"], "%m/%d/%Y"),
        (["1/1/2024", "2/2/2024"], "%d/%m/%Y"),  # either way the same
        (["1/2/24", "13/2/24"], "%d/%m/%y"),
    ],
)
def test_day_and_month_are_told_apart_by_the_whole_column(cells, form):
    assert read(*cells)[1] == form


@pytest.mark.parametrize("sign", ["/", "-"])
def test_else_the_user_is_asked(sign):
    cells = [text.replace("/", sign) for text in ("1/2/2024", "3/4/2024")]
    forms = [f"%d{sign}%m{sign}%Y", f"%m{sign}%d{sign}%Y"]
    with pytest.raises(DataError) as caught:
        read(*cells)
    assert str(caught.value) == (
        f"column 'd' holds dates of which day and month cannot be told apart ({cells[0]!r} ...); "
        f"say which it is: date_format={forms[0]!r} or date_format={forms[1]!r}"
    )
    # 1 February is day 31 of the year, 2 January day 1
    start = np.datetime64("2024-01-01", "s").astype(float)
    assert read(*cells, date_format=forms[0])[0][0] == start + 31 * 86_400
    assert read(*cells, date_format=forms[1])[0][0] == start + 86_400
    assert read(*cells, date_format={"d": forms[1]})[0][0] == start + 86_400


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["2021-02-28", "2021-02-30"],
            r"^column 'd', row 1 \(counted from 0\): '2021-02-30' cannot be, in a column of dates "
            r"\(written %Y-%m-%d\); correct or empty the cell, or if it means no value say "
            r"missing=\['2021-02-30'\], or make the column categorical: categorical=\['d'\]$",
        ),
        (["2021-1-1"] * 9 + ["soon"], "row 9 .*'soon' is not a date, in a column of dates"),
        (["0000-00-00", "2021-01-01"], "row 0 .*'0000-00-00' cannot be"),
        (["31.12.2021", "12.31.2021"], "row 1 .*'12.31.2021' cannot be"),
        (["13/13/2021", "1/2/2021", "14/2/2021"], "row 0 .*'13/13/2021' cannot be"),
        (["2021-01-01 24:00"], "cannot be"),
        (
            ["2024-01-31"] * 3 + ["31.12.2024"],
            r"^column 'd', row 3 .*: '31.12.2024' is a date in another notation than '2024-01-31' "
            r"before it; write all in one, such as 2024-01-31, or make the .*=\['d'\]$",
        ),
        (["2021-01-01 13:00 pm"], "cannot be"),
        (["2021-01-01 10:00 CET"], "has a time zone that is not known"),
        (["2021-01-01 10:00Z", "2021-01-01 10:00"], "row 1 .*has no time zone, and others have"),
        (["9:30"] * 10 + ["25:10"], "row 10 .*'25:10' cannot be, in a column of times of day"),
    ],
)
def test_what_cannot_be_is_named(cells, message):
    with pytest.raises(DataError, match=message):
        read(*cells)


@pytest.mark.parametrize(
    "cells",
    [
        ["2009-10", "2010-11"],  # seasons
        ["3:15", "75:20"],
        ["1.2.03", "1.2.04"],
        ["soon", "2024-01-31", "later"],
        ["May", "June"],
        ["12-34-56", "56-78-90"],
        ["99/99/99", "1/1/24"],
        ["2024-01-31", "31.12.2024", "soon"],  # a third of them is no date
    ],
)
def test_other_text_stays_text(cells):
    assert read_table({"d": cells}).column("d").tolist() == cells


def test_numbers_are_dates_only_if_that_is_said():
    assert not read_table({"d": [20241231, 20241230]}).dates
    for cells in ([20241231], ["20241231"], [20241231.0]):
        assert read(*cells, dates=["d"]) == ([DAY], "%Y%m%d")
    assert read(202412, dates=["d"]) == ([MONTH], "%Y%m")
    assert read(2024, dates=["d"])[1] == "%Y"
    with pytest.raises(DataError, match=r"'7' is not a date in a notation.*20240131, 202401"):
        read(7, dates=["d"])
    with pytest.raises(DataError, match=r"'soon' is not a date in a notation .*date_format="):
        read("soon", dates=["d"])


@pytest.mark.parametrize(
    ("cell", "form", "wanted"),
    [
        ("1735668300", "s", EVENING),
        ("1735668300250", "ms", EVENING + 0.25),
        ("20241231 1805", "%Y%m%d %H%M", EVENING),
        ("31 12 24", "%d %m %y", DAY),
        ("1805h", "%H%Mh", 65_100.0),
        ("2024-12-31 19h +0100", "%Y-%m-%d %Hh %z", EVENING - 300),
    ],
)
def test_a_format_of_ones_own(cell, form, wanted):
    assert read(cell, dates=["d"], date_format=form) == ([wanted], form)


@pytest.mark.parametrize("form", ["dd.mm.yyyy", "", "%d.%m.", "%Q", 7, "%"])
def test_formats_that_cannot_be(form):
    with pytest.raises(ArgumentError, match="date_format must be written with the codes of strp"):
        check_form(form)


def test_a_format_without_effect_is_refused():
    with pytest.raises(ArgumentError, match=r"date_format='%d\.%m\.%Y' has no effect: no column"):
        read_table({"d": ["2024-12-31"]}, date_format="%d.%m.%Y")
    with pytest.raises(DataError, match="date_format: no column 'e'"):
        read_table({"d": ["2024-12-31"]}, date_format={"e": "%d.%m.%Y"})


def test_gaps_and_missing_markers():
    (found, gap, marked), _ = read("2024-12-31", "NA", "-", missing=["-"])
    assert found == DAY
    assert np.isnan([gap, marked]).all()


def test_a_format_that_half_of_the_cells_have_is_that_of_the_column():
    cells = ["2024-01-31", "2024-02-29", "31.12.2024"]
    for form in ("%Y-%m-%d", {"d": "%Y-%m-%d"}):
        with pytest.raises(DataError, match=r"row 2 .*'31.12.2024' is not a date, in a column of"):
            read_table({"d": cells}, date_format=form)


@pytest.mark.parametrize(
    "cells",
    [
        ["1-Gru-2020", "3-Sty-2021"], ["2024, Tag 3 im März", "2024, Tag 5 im Juni"],
        ["2020/01/01_00h", "2020/01/02_13h"], ["1 stycznia 2020", "2 kwietnia 2021"] * 9 + ["?!"],
        ["3/2024 (5)", "4/2024 (1)"],
        ["21/Jun/2023:12:28:09 +0000", "22/Jun/2023:01:02:03 +0000"],
        ["21-Jun-23 12.28.09.000000 PM", "22-Jun-23 11.28.09.000000 AM"],
    ],
)  # fmt: skip
def test_what_may_be_dates_in_an_unknown_notation_is_told(cells):
    said = rf"'d' is taken as text; if '{re.escape(cells[0])}' is a date, .*say how, such as date_"
    with pytest.warns(DataNote, match=said):
        assert read_table({"d": cells}).column("d").tolist() == cells


@pytest.mark.parametrize(
    "cells",
    [
        ["order-2020-0012", "order-2021-0013"], ["A-12", "B-13"], ["2020 Ford Focus", "2021 Audi"],
        ["Ulm", "Bonn"], ["since 2020", "since 2021"], ["12-34-56", "99-88-77"], ["2020a", "2021b"],
        ["2009-10", "2010-11"], ["20240131T999999", "20241399T121212"],
    ],
)  # fmt: skip
def test_other_text_is_not_said_to_be_dates(cells):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_table({"d": cells}).column("d").tolist() == cells


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("3. März 2024", "2024-03-03"), ("MONTAG, 3. MÄRZ 2024", "2024-03-03"),
        ("15. Okt. 2024", "2024-10-15"), ("Mi, 1. Mai 2024", "2024-05-01"),
        ("14-Dez-24", "2024-12-14"), ("Jänner 2024", "2024-01-01"), ("juil. 2024", "2024-07-01"),
        ("1er janvier 2024", "2024-01-01"), ("mercredi 3 avril 2024", "2024-04-03"),
        ("14 août 2024", "2024-08-14"), ("FÉVR. 2024", "2024-02-01"), ("5 juin 2024", "2024-06-05"),
        ("3 de marzo de 2024", "2024-03-03"), ("miércoles, 5 enero 2022", "2022-01-05"),
        ("9 dic 2023", "2023-12-09"), ("giovedì 3 ottobre 2024", "2024-10-03"),
        ("15 set 2024", "2024-09-15"), ("7 luglio 2024 10:30", "2024-07-07T10:30"),
        ("3 de março de 2024", "2024-03-03"), ("outubro de 2024", "2024-10-01"),
        ("terça-feira, 2 jan 2024", "2024-01-02"), ("3 maart 2024", "2024-03-03"),
        ("woensdag 1 mei 2024", "2024-05-01"), ("2024-Aug-31", "2024-08-31"),
    ],
)  # fmt: skip
def test_names_of_months_in_other_languages(text, day):
    found = read_table({"d": [text]}).column("d")
    assert found.tolist() == [np.datetime64(day, "s").astype(float)]


def test_no_name_is_that_of_two_months():
    names = [name for of_one in _NAMES_OF_MONTHS for name in of_one.split()]
    assert len(names) == len(set(names))
    assert len(_NAMES_OF_MONTHS) == 12


def test_words_before_a_number_are_no_months():
    cells = ["Set 2000", "Gen 2001", "Out 2002"]
    assert read_table({"d": cells}).column("d").tolist() == cells
