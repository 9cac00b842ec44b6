"""One cell to a number, the text of a category, or a gap: the rule of every reader.

Whatever a cell comes from (a file, a data frame, an array, a list), these are equal:

| cells | as a number | as a category |
|---|---|---|
| None, NaN, NA, NaT, and text of `MISSING` | gap | gap |
| True, "true", "TRUE", 1, 1.0, "1", " 1.0 ", "1e0" | 1 | "1" |
| False, "false", 0, -0.0, "0", "-0" | 0 | "0" |
| 1000, 1000.0, "1e3" | 1000 | "1000" |
| 2.5, "2.50" | 2.5 | "2.5" |
| "02134" | 2134 | "02134": leading zeros make a code |
| " Ulm " | none | "Ulm" |
| a date, "2024-01-31", "2024-01-31 00:00:00" | none | "2024-01-31" |
| a time stamp, "2024-01-31T10:00:00.000", the same in a zone | none | "2024-01-31 10:00", in UTC |
| a duration, "1 days 00:00:00", "1 day, 0:00:00" | none | "1 days" |

Labels keep their type, and text its spelling. A file has no types: labels that are all numbers, or
all true and false, are that, unless one is a code such as "01"; in a frame, an array or a list they
are what they are there. Either way new ones are known by what equals what here.

`Reading` says what a user may say of text: how numbers are written, and what stands for no value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np

from fastnn.data.date_notations import check_form
from fastnn.data.dates import object_written, text_written
from fastnn.data.table import Array
from fastnn.errors import ArgumentError, arg, shown

#: Text that means 'no value', in small letters; the case does not matter.
MISSING = ("", "na", "n/a", "nan", "-nan", "null", "none", "?", "#n/a", "#na", "<na>")

_TRUTH = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
#: Whole, however large: group 1 is the sign with the digits.
_WHOLE = re.compile(r"([+-]?\d+)(\.0*)?")
_CODE = re.compile(r"[+-]?0\d")
#: Beyond so many digits a number is infinite as a float.
_MOST_DIGITS = 310


def _check_encoding(name: object) -> None:
    if name is None:
        return
    try:
        known = isinstance(name, str) and isinstance("".encode(name), bytes)
    except (LookupError, ValueError):
        known = False
    if not known:
        raise ArgumentError(
            f"{arg('encoding')} must be one that Python knows, such as 'utf-8', 'cp1252' or "
            f"'utf-16', found {shown(name)}"
        )


@dataclass(frozen=True)
class Reading:
    """How text is to be understood.

    Attributes:
        delimiter: what parts the columns of a text file; None: what parts all of its lines alike
            of a comma, a semicolon, a tab and '|'. "whitespace": runs of spaces and tabs.
        encoding: how the characters of a text file are written; None: UTF-8, or what a byte order
            mark at its begin says.
        header: whether the first line of a text file names the columns; False: it is a row, and
            they are called x0, x1, ...; None: it does, and what can be no header is refused.
        sheet: which sheet of an Excel file holds the table; None: the first that is not empty.
        bad_rows: "skip" leaves out rows of a text file that have too few or too many cells;
            "error" and None refuse them.
        decimal: the decimal sign; None: a point.
        thousands: the sign that groups digits by thousands; None or "": there is none.
        missing: texts that stand for no value, besides those of `MISSING`; an empty list: no text
            does but an empty cell, not even those. A number among them does so as a number, too.
        date_format: how dates are written (`date_text`): one format for the columns written so,
            or one for each of some columns; others are recognised.

    Raises ArgumentError for signs that cannot be told from a number.

    >>> Reading(decimal=",", thousands=".").number("1.234,5")
    1234.5
    >>> Reading(missing=["-"]).is_gap("-"), Reading(missing=[]).is_gap("NA")
    (True, False)
    """

    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    sheet: str | None = None
    bad_rows: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    missing: Collection[str] | None = None
    date_format: str | Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        sign = self.delimiter
        spaces = sign == "whitespace"
        if sign is not None and not spaces and (not isinstance(sign, str) or len(sign) != 1):
            raise ArgumentError(
                f"{arg('delimiter')} must be one character or 'whitespace', found {shown(sign)}"
            )
        if sign and not spaces and (sign.isalnum() or sign in '"\r\n.-+' or not sign.isascii()):
            raise ArgumentError(
                f"{arg('delimiter')} must be a character that no number or quoted text has a use "
                "for, such "
                f"as ';', found {sign!r}"
            )
        _check_encoding(self.encoding)
        if self.bad_rows not in (None, "error", "skip"):
            raise ArgumentError(
                f"{arg('bad_rows')} must be 'error' or 'skip', found {shown(self.bad_rows)}"
            )
        if self.header not in (None, True, False):
            raise ArgumentError(f"{arg('header')} must be True or False, found {self.header!r}")
        if self.sheet is not None and not isinstance(self.sheet, str):
            raise ArgumentError(f"{arg('sheet')} must be a name, found {shown(self.sheet)}")
        for name, value in (("decimal", self.decimal), ("thousands", self.thousands)):
            if value is None or (name == "thousands" and isinstance(value, str) and not value):
                continue
            if not isinstance(value, str) or len(value) != 1 or value.isalnum() or value in '+-"':
                raise ArgumentError(
                    f"{arg(name)} must be one sign, such as ',', that is no letter, digit or + - "
                    f'", found {shown(value)}'
                )
        if self.thousands and self.thousands == (self.decimal or "."):
            raise ArgumentError(
                f"{arg('thousands', self.thousands)} is the decimal sign too; say which one "
                f"{arg('decimal')} is"
            )
        given = self.missing
        if given is not None:
            listed = isinstance(given, Collection) and not isinstance(given, (str, bytes, Mapping))
            if not listed or not all(isinstance(text, str) for text in given):
                raise ArgumentError(
                    f"{arg('missing')} must be a list of texts, found {shown(given)}"
                )
        form = self.date_format
        if form is not None:
            for one in form.values() if isinstance(form, Mapping) else [form]:
                check_form(one)

    def date_form(self, column: str) -> str | None:
        """Return the format in which the dates of a column are said to be written, or None.

        >>> Reading(date_format={"day": "%d.%m.%Y"}).date_form("day")
        '%d.%m.%Y'
        """
        form = self.date_format
        return form.get(column) if isinstance(form, Mapping) else form

    @cached_property
    def markers(self) -> frozenset[str]:
        """The texts that stand for no value, in small letters."""
        given = () if self.missing is None else tuple(self.missing)
        standard = ("",) if self.missing is not None and not given else MISSING
        return frozenset([*standard, *(text.strip().lower() for text in given)])

    @cached_property
    def plain(self) -> bool:
        """Whether numbers are written as Python writes them."""
        return not self.thousands and self.decimal in (None, ".")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        point = re.escape(self.decimal or ".")
        # a space stands for those that do not break, too
        sign = "[ \u00a0\u2009\u202f]" if self.thousands == " " else re.escape(self.thousands or "")
        # 1,234,567, or 12,34,567 as in India; what 0 begins are no thousands: 0.101 is a fraction
        threes = rf"\d{{1,3}}(?:{sign}\d{{3}})+|\d{{1,2}}(?:{sign}\d{{2}})+{sign}\d{{3}}"
        groups = f"(?!0)(?:{threes})|" if sign else ""
        return re.compile(rf"([+-]?)(?:({groups}\d+)(?:{point}(\d*))?|{point}(\d+))([eE][+-]?\d+)?")

    @cached_property
    def gap_numbers(self) -> list[float]:
        """The numbers among the markers, such as -999: as numbers they stand for no value, too."""
        found = [self.value(text) for text in self.markers]
        return [float(number) for number in found if number is not None]

    def is_gap(self, cell: object) -> bool:
        """Say whether a text, or a number, stands for no value.

        >>> Reading().is_gap(" n/a "), Reading().is_gap("x"), Reading(missing=["-9"]).is_gap(-9.0)
        (True, False, True)
        """
        if isinstance(cell, str):
            if cell.strip().lower() in self.markers:
                return True
            cell = self.value(cell) if self.gap_numbers else None
        number = isinstance(cell, (int, float, np.number, np.bool_, Decimal))
        return number and bool(self.gap_numbers) and cell in self.gap_numbers

    def gaps_in(self, numbers: Array) -> Array:
        """Say of each number of an array whether it stands for no value.

        >>> Reading(missing=["-9"]).gaps_in(np.array([1, -9]))
        array([False,  True])
        """
        return np.isin(numbers, self.gap_numbers)

    def number_text(self, text: str) -> str | None:
        """Return the number that ``text`` writes as Python would write it, None if it is none.

        >>> Reading(thousands=",").number_text(" 1,234.50 "), Reading().number_text("1,234")
        ('1234.50', None)
        """
        text = text.strip()
        if not self.plain and (match := self._pattern.fullmatch(text)):
            sign, whole, part, lone, power = (group or "" for group in match.groups())
            digits = "".join(filter(str.isdigit, whole)) or "0"
            fraction = f".{part or lone}" if part or lone else ""
            return f"{sign}{digits}{fraction}{power}"
        if not self.plain and not text.lstrip("+-").lower().startswith("inf"):
            return None
        return text if _NUMBER.fullmatch(text) else None

    def value(self, text: str) -> bool | int | float | None:
        """Return what ``text`` writes: a truth value, a whole number, another number, or None.

        >>> [Reading().value(text) for text in ("True", "12", "12.0", "Ulm")]
        [True, 12, 12.0, None]
        """
        truth = _TRUTH.get(text.strip().lower())
        if truth is not None:
            return truth
        found = self.number_text(text)
        if found is None:
            return None
        whole = _WHOLE.fullmatch(found)
        if whole and len(found) < _MOST_DIGITS and (whole[2] is None or len(whole[1]) > 15):
            return int(whole[1])  # exact, where a float might round it
        return float(found)

    def number(self, text: str) -> float | None:
        """Return the number that ``text`` writes, or None.

        >>> Reading().number(" -2.5e3 "), Reading().number("1_000"), Reading().number("true")
        (-2500.0, None, 1.0)
        """
        found = self.value(text)
        return None if found is None else float(found)

    def category(self, cell: object) -> str | None:
        """Return the text of a category, None for a gap.

        >>> [Reading().category(cell) for cell in (3, 3.0, " 3.0", True, "False", "007", "NA")]
        ['3', '3', '3', '1', '0', '007', None]
        """
        if not isinstance(cell, str):
            return None if self.gap_numbers and self.is_gap(cell) else _written(cell)
        text = cell.strip()
        small = text.lower()
        if small in self.markers or (self.gap_numbers and self.is_gap(text)):
            return None
        if small in _TRUTH:
            return str(int(_TRUTH[small]))
        found = self.number_text(text)
        if found is None:
            return text_written(text) or text
        return text if is_code(found) else _canonical(found)


STANDARD = Reading()


def is_code(text: str) -> bool:
    """Say whether leading zeros make text a code, which is more than its number.

    >>> is_code("02134"), is_code("0.5"), is_code("0")
    (True, False, False)
    """
    return _CODE.match(text) is not None


def kept_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return which arguments of `Reading` hold for new data, too.

    The delimiter and the encoding are those of one file.

    >>> kept_options({"delimiter": ";", "decimal": ",", "missing": None})
    {'decimal': ','}
    """
    names = ("header", "decimal", "thousands")
    kept = {name: options[name] for name in names if options.get(name) is not None}
    if (missing := options.get("missing")) is not None:
        kept["missing"] = list(missing)
    return kept


def is_missing(value: object) -> bool:
    """Say whether an object is no value: None, NaN, NA, NaT. Text is for `Reading.is_gap`.

    >>> is_missing(float("nan")), is_missing(""), is_missing(0)
    (True, False, False)
    """
    if value is None or isinstance(value, (str, int)):
        return value is None
    if isinstance(value, (float, np.floating)):
        return bool(value != value)
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    return type(value).__name__ in ("NAType", "NaTType", "MaskedConstant")


def parse_number(text: str) -> float | None:
    """Return the number that ``text`` writes, or None (no thousands signs, no underscores).

    >>> parse_number(" -2.5e3 "), parse_number("1_000"), parse_number("abc")
    (-2500.0, None, None)
    """
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def whole_number(text: str) -> int | None:
    """Return the whole number that plain digits write, however many they are.

    >>> whole_number("9007199254740993.0"), whole_number("1e3"), whole_number("1.5")
    (9007199254740993, None, None)
    """
    found = _WHOLE.fullmatch(text.strip())
    return int(found[1]) if found and len(text) < _MOST_DIGITS else None


def _written(cell: object) -> str | None:
    """The category text of what is no text."""
    if is_missing(cell):
        return None
    if isinstance(cell, (bool, np.bool_)):
        return str(int(cell))
    if isinstance(cell, (int, np.integer)):
        return f"{Decimal(int(cell)):f}"  # str() of an int has a limit
    if (date := object_written(cell)) is not None:
        return date
    text = str(cell).strip()  # of a float the shortest that reads back as the same, in its own type
    return _canonical(text) if _NUMBER.fullmatch(text) and not is_code(text) else text


def _canonical(text: str) -> str:
    """One text for each number: whole ones by all their digits, others as Python prints them."""
    number = float(text)
    if not np.isfinite(number):
        whole = _WHOLE.fullmatch(text)
        return f"{Decimal(whole[1]):f}" if whole else text
    if number == 0:
        return "0"
    exact = Decimal(text)
    return f"{exact.to_integral_value():f}" if exact == exact.to_integral_value() else repr(number)
