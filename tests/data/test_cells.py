"""The rule of every reader: a cell to a number, the text of a category, or a gap."""

import datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.data.cells import Reading, is_missing, kept_options, parse_number, whole_number
from fastnn.errors import ArgumentError
from tests.optional import optional

pd = optional("pandas")

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1.0),
        ("+1.5", 1.5),
        (" -2e-3 ", -0.002),
        (".5", 0.5),
        ("5.", 5.0),
        ("-inf", -np.inf),
        ("1_000", None),
        ("1,5", None),
        ("0x1F", None),
        ("", None),
        ("nan", None),
        ("١", 1.0),
    ],
)
def test_parse_number(text, number):
    assert parse_number(text) == number
    assert Reading().number(text) == number


def test_is_missing():
    gaps = [None, float("nan"), np.float32("nan"), pd.NA, pd.NaT, Decimal("NaN"), np.ma.masked]
    assert all(map(is_missing, [*gaps, np.datetime64("NaT")]))
    assert not any(map(is_missing, ["", "NA", 0, False, Decimal(1), np.float32(0)]))


@pytest.mark.parametrize(
    ("category", "cells"),
    [
        ("1", [1, 1.0, True, np.int8(1), np.bool_(True), Decimal("1.00"), "1", " 1.0", "true"]),
        ("1", ["TRUE", "True ", "+1", "1e0", "1.", "1.000"]),
        ("0", [0, 0.0, -0.0, False, "0", "-0", "0.0", "False", ".0"]),
        ("1000", [1000, 1e3, "1e3", "1000.0", Decimal("1E+3")]),
        ("-7", [-7, -7.0, "-7", " -7.00 "]),
        ("2.5", [2.5, "2.50", "2.5", ".25e1", Decimal("2.5")]),
        ("0.1", [0.1, np.float32(0.1), np.float16(0.1), "0.1", "1e-1"]),
        ("1e-07", [1e-7, "1e-7", "0.0000001"]),
        ("10000000000000000", [1e16, 10**16, "1e16", "1e+16", "10000000000000000"]),
        ("9007199254740993", [2**53 + 1, "9007199254740993", "9007199254740993.0"]),
        ("02134", ["02134", " 02134 "]),
        ("007", ["007"]),
        ("Ulm", ["Ulm", " Ulm", "Ulm\t"]),
        ("A-1", ["A-1"]),
        ("1,5", ["1,5"]),
        ("inf", [np.inf, "inf"]),
        ("2024-01-31", [datetime.date(2024, 1, 31), "2024-01-31"]),
        (None, [None, np.nan, pd.NA, "", " ", "NA", "n/a", "NaN", "null", "None", "?", "#N/A"]),
    ],
)
def test_the_text_of_a_category(category, cells):
    assert [Reading().category(cell) for cell in cells] == [category] * len(cells)


@given(NUMBERS | st.integers(-(2**70), 2**70))
def test_a_number_and_its_text_are_one_category(number):
    # what files write of a number: Python's own text of it
    category = Reading().category(number)
    assert Reading().category(repr(number)) == category
    assert Reading().category(category) == category
    exact = Decimal(category) if isinstance(number, int) else float(category)
    assert exact == number


@given(st.lists(NUMBERS | st.integers(-(2**53), 2**53), min_size=2, max_size=2, unique=True))
def test_different_numbers_are_different_categories(numbers):
    first, second = map(Reading().category, numbers)
    assert first != second


@given(st.text())
def test_the_rule_takes_any_text(text):
    category = Reading().category(text)
    assert category is None or category == category.strip() != ""
    assert (category is None) == Reading().is_gap(text)


def test_texts_with_no_end_are_no_trap():
    assert Reading().category("1e999999999") == "1e999999999"
    assert Reading().number("1" * 5000) == np.inf
    assert Reading().category("1" * 5000) == "1" * 5000
    assert Reading().category(10**5000) == "1" + "0" * 5000
    assert whole_number("1" * 5000) is None


@given(
    st.integers(-(10**12), 10**12), st.integers(0, 99), st.sampled_from([",.", ".,", ", ", ".'"])
)
def test_other_signs_are_read_as_they_are_written(whole, cents, signs):
    decimal, thousands = signs
    text = f"{whole:,}".replace(",", thousands) + f"{decimal}{cents:02d}"
    reading = Reading(decimal=decimal, thousands=thousands)
    number = float(f"{whole}.{cents:02d}")
    assert reading.number(text) == number
    assert reading.category(text) == Reading().category(number)


def test_digits_in_groups_that_are_none_are_no_number():
    dots = Reading(decimal=",", thousands=".")
    assert [dots.number(text) for text in ("1.5", "1.23.456.789", "12.34")] == [None] * 3
    assert [dots.number(text) for text in ("1,5", "1.234", "12.345.678")] == [1.5, 1234, 12345678]
    assert Reading(thousands=",").number("1,00,000") == 100000  # as in India
    assert Reading(thousands=" ").number("1\u202f234\u00a0567") == 1234567
    assert Reading(decimal=",").number("1.5") is None
    assert Reading(decimal=",").number("-inf") == -np.inf
    assert Reading(decimal=",").number("-,5e2") == -50


@given(
    st.integers(-999, 999).map(lambda i: f"{i / 1000:.3f}"),
    st.sampled_from([(",", "."), (".", ","), (".", " "), (",", "'"), (".", "_")]),
)
def test_no_thousands_come_after_a_zero(fraction, signs):
    decimal, thousands = signs
    reading = Reading(decimal=decimal, thousands=thousands)
    assert reading.number(fraction.replace(".", thousands)) is None
    assert reading.category(fraction.replace(".", thousands)) == fraction.replace(".", thousands)
    assert reading.number(fraction.replace(".", decimal)) == float(fraction)
    assert [reading.number(text) for text in ("0", "-0", "00", f"0{decimal}")] == [0] * 4


def test_what_stands_for_no_value():
    assert Reading(missing=["-", " Nil "]).category("nil") is None
    assert Reading(missing=["-"]).is_gap("NA"), "a list adds to the usual"
    ages = Reading(missing=["-999"])  # as a number, too, however it is written
    assert [ages.category(cell) for cell in ("-999", "-999.0", -999, -999.0, -998)] == [
        None, None, None, None, "-998",
    ]  # fmt: skip
    assert [ages.is_gap(cell) for cell in (-999, Decimal("-999"), None, "x")] == [True] * 2 + [
        False
    ] * 2
    none = Reading(missing=[])
    assert (none.category("NA"), none.category("?"), none.category("")) == ("NA", "?", None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"decimal": "x"}, "decimal must be one sign, .* found 'x'"),
        ({"decimal": ""}, "decimal must be one sign"),
        ({"decimal": "-"}, "decimal must be one sign"),
        ({"thousands": ",,"}, "thousands must be one sign"),
        ({"thousands": "."}, r"thousands='\.' is the decimal sign too"),
        ({"thousands": ",", "decimal": ","}, "thousands=',' is the decimal sign too"),
        ({"missing": "NA"}, "missing must be a list of texts, found 'NA'"),
        ({"missing": [None]}, "missing must be a list of texts"),
        ({"missing": 0}, "missing must be a list of texts"),
        ({"delimiter": ";;"}, "delimiter must be one character"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ArgumentError, match=message):
        Reading(**options)


def test_a_model_keeps_what_holds_for_other_files():
    given = {"delimiter": ";", "decimal": ",", "thousands": None, "missing": ("-",)}
    assert kept_options(given) == {"decimal": ",", "missing": ["-"]}
