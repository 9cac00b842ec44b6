"""How dates and times are written, and the moments that such text means."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.data.dates import DAY, MICRO, Array, days_in, days_of
from fastnn.errors import ArgumentError, arg, shown

#: What is wrong with text that is written in another way, and with a 31st of February.
OTHERWISE, _IMPOSSIBLE = "is not a date", "cannot be"

#: The months in English, German, French, Spanish, Italian, Portuguese and Dutch, first as they are
#: abbreviated. No name is that of another month in another of these languages.
_NAMES_OF_MONTHS = (
    "jan ene gen january januar jänner janvier enero gennaio janeiro januari",
    "feb fév févr fev february februar février febrero febbraio fevereiro februari",
    "mar mär mrz mrt march märz mars marzo março maart",
    "apr avr abr april avril abril aprile",
    "may mai mag mei mayo maggio maio",
    "jun giu juin june juni junio giugno junho",
    "jul lug juil july juli juillet julio luglio julho",
    "aug aoû ago august août agosto augustus",
    "sep sept set september septembre septiembre settembre setembro",
    "oct okt ott out october oktober octobre octubre ottobre outubro",
    "nov november novembre noviembre novembro",
    "dec dez déc dic december dezember décembre diciembre dicembre dezembro",
)
_MONTHS = {name: month for month, names in enumerate(_NAMES_OF_MONTHS, 1) for name in names.split()}
#: What a number may follow that is no year, such as "Set 2000".
_OTHER_WORDS = {"set", "out", "gen", "mag"}
_WEEKDAYS = (
    "monday mon tuesday tues tue wednesday wed thursday thurs thur thu friday fri saturday sat "
    "sunday sun montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do "
    "fr sa so lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves "
    "viernes sábado domingo lunedì martedì mercoledì giovedì venerdì sabato domenica segunda-feira "
    "terça-feira quarta-feira quinta-feira sexta-feira maandag dinsdag woensdag donderdag vrijdag "
    "zaterdag zondag"
)


def _any_of(names: Iterable[str]) -> str:
    """A pattern of names: in it only the cases of plain letters are ignored."""
    return "|".join(sorted({form for n in names for form in (n, n.upper())}, key=len, reverse=True))


_NAME, _WEEKDAY = _any_of(_MONTHS), _any_of(_WEEKDAYS.split())
_CLOCK = (
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s*(?P<p>[ap])\.?m\.?)?"
)
_ZONE = r"(?:\s*(?P<z>[+-]\d{2}:?\d{2}(?::\d{2})?|[+-]\d{2}|[a-z]{1,5}))?"
_YEAR, _MONTH, _DAY = r"(?P<Y>\d{4})", r"(?P<m>\d{1,2})", r"(?P<d>\d{1,2})"
_SHORT = r"(?P<y>\d{2})"
_NAMED = rf"(?P<b>{_NAME})\.?"
_COMMA = r"(?:[ ,/-]\s*| de | del )"
_OF = r"(?:[ /-]| de | del )"  # of Spanish and Portuguese
_NTH = r"(?P<d>\d{1,2})(?:st|nd|rd|th|er|º|°)?"


@dataclass(frozen=True)
class Notation:
    """How dates are written: ``form`` as `strptime` has it, and as a pattern.

    ``weak``: other things are written so too, so that all must be dates for them to be taken so;
    ``asked``: only a user can say that such text is a date; ``other``: the same signs with the
    month before the day.
    """

    form: str
    pattern: re.Pattern[str]
    weak: bool = False
    asked: bool = False
    other: str = ""


def _notation(form: str, date: str, **more: Any) -> Notation:
    """The notation of a date, after which there may be a time."""
    text = rf"(?:(?:{_WEEKDAY})\.?,?\s+)?{date}(?:(?:[ t]|,?\s+){_CLOCK}{_ZONE})?"
    return Notation(form, re.compile(text, re.IGNORECASE | re.ASCII), **more)


def _both_ways(sign: str, year: str, form: str, **more: Any) -> list[Notation]:
    first, second = f"%d{sign}%m{sign}{form}", f"%m{sign}%d{sign}{form}"
    return [
        _notation(first, f"{_DAY}{sign}{_MONTH}{sign}{year}", other=second, **more),
        _notation(second, f"{_MONTH}{sign}{_DAY}{sign}{year}", asked=True, **more),
    ]


#: Those that are known, the more frequent first.
NOTATIONS = {
    notation.form: notation
    for notation in [
        _notation("%Y-%m-%d", rf"{_YEAR}-{_MONTH}-{_DAY}"),
        _notation("%Y/%m/%d", rf"{_YEAR}/{_MONTH}/{_DAY}"),
        *_both_ways("/", _YEAR, "%Y"),
        _notation("%d.%m.%Y", rf"{_DAY}\.{_MONTH}\.{_YEAR}"),
        *_both_ways("-", _YEAR, "%Y"),
        _notation("%Y.%m.%d", rf"{_YEAR}\.{_MONTH}\.{_DAY}"),
        _notation("%b %d, %Y", rf"{_NAMED}\s+{_NTH},?\s+{_YEAR}"),
        _notation("%d %b %Y", rf"{_NTH}\.?{_OF}{_NAMED}{_OF}{_YEAR}"),
        _notation("%d-%b-%y", rf"{_NTH}[ /-]{_NAMED}[ /-]{_SHORT}"),
        _notation("%Y-%b-%d", rf"{_YEAR}[ /-]{_NAMED}[ /-]{_DAY}"),
        *_both_ways("/", _SHORT, "%y", weak=True),
        _notation("%d.%m.%y", rf"(?P<d>\d{{2}})\.(?P<m>\d{{2}})\.{_SHORT}", weak=True),
        _notation("%Y-%m", rf"{_YEAR}[/-](?P<m>\d{{2}})", weak=True),
        _notation("%b %Y", rf"(?P<b>{_any_of({*_MONTHS} - _OTHER_WORDS)})\.?{_COMMA}{_YEAR}"),
        Notation("%Y-Q%q", re.compile(r"(?P<Y>\d{4})[ -]?q(?P<q>\d)", re.I | re.A), weak=True),
        Notation("%H:%M", re.compile(_CLOCK, re.I | re.A), weak=True),
        _notation("%Y%m%d", r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})", asked=True),
        _notation("%Y%m", r"(?P<Y>\d{4})(?P<m>\d{2})", asked=True),
        _notation("%Y", r"(?P<Y>\d{4})", asked=True),
    ]
}
#: Numbers of so many of these since 1970, in a second.
UNIX = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
#: Notations that numbers may be in, where a user says that they are dates.
OF_NUMBERS = ("%Y%m%d", "%Y%m", "%Y")


def reads_numbers(form: str) -> bool:
    """Say whether dates of a format look like whole numbers.

    >>> reads_numbers("ms"), reads_numbers("%Y%m%d"), reads_numbers("%d/%m/%Y")
    (True, True, False)
    """
    return form in UNIX or re.fullmatch("(%[YmdHMSy])+", form) is not None


#: Codes of `strptime` that say which day it is, and those that say which year.
_DATE_CODES, _YEAR_CODES = set("aAbBdjmUuVWwxcyYG"), set("yYcxG")


def check_form(form: object) -> None:
    """Raise ArgumentError unless ``form`` is a notation of dates or of times of day.

    >>> check_form("%d.%m.%Y")
    >>> check_form("dd.mm.yyyy")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: date_format must be written with the codes of strptime, such as \
'%d/%m/%Y' or '%Y%m%d %H:%M', or be s, ms, us or ns (since 1970), found 'dd.mm.yyyy'
    """
    if isinstance(form, str) and (form in NOTATIONS or form in UNIX):
        return
    codes = set(re.findall("%([a-zA-Z])", form)) if isinstance(form, str) else set()
    try:
        assert isinstance(form, str)
        moment = datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.UTC)
        datetime.datetime.strptime(moment.strftime(form), form)
    except (ValueError, AssertionError):
        codes = set()
    if not codes or (codes & _DATE_CODES and not codes & _YEAR_CODES):
        why = "names no year" if codes else ""
        found = f"{shown(form)}, which {why}" if why else shown(form)
        raise ArgumentError(
            f"{arg('date_format')} must be written with the codes of strptime, such as '%d/%m/%Y' "
            f"or '%Y%m%d %H:%M', or be s, ms, us or ns (since 1970), found {found}"
        )


def is_of_day(form: str) -> bool:
    """Say whether a notation is one of times of day.

    >>> is_of_day("%H:%M"), is_of_day("%Y-%m-%d")
    (True, False)
    """
    return form not in UNIX and not set(re.findall("%([a-zA-Z])", form)) & _DATE_CODES


def moments_of(form: str, texts: Sequence[str]) -> tuple[Array, list[str]]:
    """Return microseconds since 1970, or midnight, and what is wrong with each text ("": nothing).

    Unix times are float64, others int64.

    >>> moments_of("%d.%m.%Y", ["2.1.1970", "31.2.1970"])[1]
    ['', 'cannot be']
    """
    if form == "%Y-%m-%d" and (found := iso_moments(texts)) is not None:
        return found
    if form in NOTATIONS:
        return _of_matches([NOTATIONS[form].pattern.fullmatch(text) for text in texts])
    values, problems = np.zeros(len(texts), np.int64), [""] * len(texts)
    if form in UNIX:
        values = values.astype(np.float64)
    for k, text in enumerate(texts):
        try:
            if form in UNIX:
                values[k] = float(text) / UNIX[form] * MICRO
            else:
                moment = datetime.datetime.strptime(text, form)
                if moment.tzinfo is not None:
                    moment = moment.astimezone(datetime.UTC).replace(tzinfo=None)
                start = datetime.datetime(1900 if is_of_day(form) else 1970, 1, 1)
                values[k] = (moment - start) // datetime.timedelta(microseconds=1)
        except (ValueError, OverflowError):
            problems[k] = OTHERWISE
    return values, problems


def _of_matches(found: Sequence[re.Match[str] | None]) -> tuple[Array, list[str]]:
    """Microseconds, and what is wrong, of what a notation's pattern has found."""
    n = len(found)
    groups = next((match.re.groupindex for match in found if match), {})

    def field(key: str, absent: int, read: Callable[[str], int] = int) -> Array:
        if key not in groups:
            return np.full(n, absent, np.int64)
        cells = [match[key] if match else None for match in found]
        return np.fromiter((absent if c is None else read(c) for c in cells), np.int64, n)

    year = field("y", 1970, lambda text: int(text) + (1900 if int(text) >= 69 else 2000))
    month = field("m", 1) if "m" in groups else field("b", 1, _month)
    quarter = field("q", 1)
    half = field("p", 0, lambda text: 1 if text in "aA" else 2)  # 1: am, 2: pm
    hour = field("H", 0)
    hour = np.where((half > 0) & ((hour < 1) | (hour > 12)), 24, hour)  # which cannot be
    zone = field("z", 0, _zone)
    micros, wrong = _moments(
        field("Y", 1970) if "Y" in groups else year,
        np.where((quarter >= 1) & (quarter <= 4), month + 3 * (quarter - 1), 0),
        field("d", 1),
        np.where((half > 0) & (hour < 24), hour % 12 + 12 * (half == 2), hour),
        field("M", 0),
        field("S", 0),
        field("f", 0, lambda text: int(text[:6].ljust(6, "0"))),
    )
    unknown = zone == _UNKNOWN
    micros -= np.where(unknown, 0, zone) * MICRO
    problems = [""] * n
    mixed = _mixed_zones(found) if "z" in groups else None
    for k in np.flatnonzero(wrong | unknown | ~unknown & (abs(zone) >= DAY)):
        problems[k] = "has a time zone that is not known" if unknown[k] else _IMPOSSIBLE
    for i, match in enumerate(found):
        if match is None:
            problems[i] = OTHERWISE
        elif mixed is not None and match["H"] and match["z"] is None and not problems[i]:
            problems[i] = "has no time zone, and others have one"
    return micros, problems


def _moments(
    year: Array, month: Array, day: Array, hour: Array, minute: Array, second: Array, micro: Array
) -> tuple[Array, Array]:
    """Microseconds since 1970, and which of them cannot be."""
    good = (year >= 1) & (month >= 1) & (month <= 12)
    year, month = np.where(good, year, 1970), np.where(good, month, 1)
    good &= (day >= 1) & (day <= days_in(year, month))
    seconds = days_of(year, month, np.where(good, day, 1)) * DAY
    seconds += (hour * 60 + minute) * 60 + second
    return seconds * MICRO + micro, ~(good & (hour < 24) & (minute < 60) & (second < 60))


#: The longest text that `iso_moments` reads; the shortest is the date alone.
_ISO = b"0000-00-00 00:00:00.000000"


def iso_moments(texts: Sequence[str]) -> tuple[Array, list[str]] | None:
    """Return what `moments_of` does of "%Y-%m-%d", fast; None if they are not all of one length.

    >>> iso_moments(["1970-01-01 00:00:01", "1970-01-01 00:00:02"])
    (array([1000000, 2000000]), ['', ''])
    """
    length = len(texts[0])
    if length not in (10, 16, 19, *range(21, len(_ISO) + 1)) or len({*map(len, texts)}) > 1:
        return None
    try:
        signs = np.array(texts, f"S{length}").view(np.uint8).reshape(len(texts), length)
    except UnicodeEncodeError:
        return None
    layout = np.frombuffer(_ISO[:length], np.uint8)
    digits = layout == ord("0")
    fits = (signs[:, ~digits] == layout[~digits]) | (
        (layout[~digits] == ord(" ")) & (signs[:, ~digits] == ord("T"))
    )
    values = signs.astype(np.int64) - ord("0")
    if not fits.all() or (values[:, digits] < 0).any() or (values[:, digits] > 9).any():
        return None

    def number(start: int, n: int) -> Array:
        found = values[:, start : start + n]
        powers = 10 ** np.arange(n - 1, n - 1 - found.shape[1], -1)
        return np.asarray(found @ powers)

    parts = [number(*at) for at in ((0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2), (20, 6))]
    micros, wrong = _moments(*parts)
    return micros, [_IMPOSSIBLE if one else "" for one in wrong.tolist()]


#: Stands for the seconds of a zone with a name.
_UNKNOWN = 2**40


def _zone(text: str) -> int:
    """Seconds that are to be taken away."""
    if text[0] not in "+-":
        return 0 if text.upper() in ("Z", "UTC", "GMT") else _UNKNOWN
    digits = text[1:].replace(":", "").ljust(6, "0")
    offset = (int(digits[:2]) * 60 + int(digits[2:4])) * 60 + int(digits[4:])
    return -offset if text[0] == "-" else offset


def _mixed_zones(found: Sequence[re.Match[str] | None]) -> bool | None:
    """True if some times are in a zone and others in none, else None."""
    zones = {match["z"] is None for match in found if match and match["H"]}
    return True if len(zones) == 2 else None


def _month(text: str) -> int:
    return _MONTHS[text.lower()]
