"""How dates and times are written, and the moments that such text means."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
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


NAMES_OF_MONTHS, _WEEKDAY = _any_of(_MONTHS), _any_of(_WEEKDAYS.split())
_CLOCK = (
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?"
    r"(?:\s*(?P<p>[ap])\.?m\.?)?"
)
_ZONE = r"(?:\s*(?P<z>[+-]\d{2}:?\d{2}(?::\d{2})?|[+-]\d{2}|[a-z]{1,5}))?"
#: As ISO 8601 has it without signs between the parts.
_BASIC = (
    r"(?P<Y>\d{4})(?P<m>\d{2})(?P<d>\d{2})t(?P<H>\d{2})(?P<M>\d{2})"
    r"(?:(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?(?P<z>z|[+-]\d{2}(?::?\d{2})?)?"
)
_YEAR, _MONTH, _DAY = r"(?P<Y>\d{4})", r"(?P<m>\d{1,2})", r"(?P<d>\d{1,2})"
_SHORT = r"(?P<y>\d{2})"
_NAMED = rf"(?P<b>{NAMES_OF_MONTHS})\.?"
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
        Notation("%Y%m%dT%H%M%S", re.compile(_BASIC, re.I | re.A), weak=True),
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


def moments_of(
    form: str, texts: Sequence[str], shapes: Shapes | None = None
) -> tuple[Array, list[str]]:
    """Return microseconds since 1970, or midnight, and what is wrong with each text ("": nothing).

    Unix times are float64, others int64. ``shapes``: those of the texts, if they are known.

    >>> moments_of("%d.%m.%Y", ["2.1.1970", "31.2.1970"])[1]
    ['', 'cannot be']
    """
    if form == "%Y-%m-%d" and (found := iso_moments(texts)) is not None:
        return found
    if form in NOTATIONS:
        return _read(NOTATIONS[form], shapes or Shapes.of(texts))
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


@dataclass(frozen=True, eq=False)
class Shapes:
    """Texts by their shapes, in which every digit is a 0: a notation has all of a shape, or none.

    Text i has the shape ``known[codes[i]]``; first come, first there.
    """

    texts: Sequence[str]
    known: Sequence[str]
    codes: Array

    @classmethod
    def of(cls, texts: Sequence[str]) -> Shapes:
        """Return the shapes of texts.

        >>> Shapes.of(["31.1.2024", "30.1.2024", "2.10.99"]).known
        ['00.0.0000', '0.00.00']
        """
        index: dict[str, int] = {}
        found = (index.setdefault(text.translate(_ZEROS), len(index)) for text in texts)
        codes = np.fromiter(found, np.intp, len(texts))
        return cls(texts, list(index), codes)

    def rows(self) -> list[Array]:
        """Return which texts have each of the shapes."""
        order = np.argsort(self.codes, kind="stable")
        ends = np.cumsum(np.bincount(self.codes, minlength=len(self.known)))
        return np.split(order, ends[:-1])


_ZEROS = str.maketrans("123456789", "0" * 9)


def _read(notation: Notation, shapes: Shapes) -> tuple[Array, list[str]]:
    """Microseconds, and what is wrong, of texts in a notation.

    Where the parts of a date are follows from the shape, so that each is looked at once, and the
    digits of all its texts are read at once.
    """
    n, groups = len(shapes.texts), notation.pattern.groupindex
    absent = {"Y": 1970, "m": 1, "d": 1, "q": 1}
    fields = {key: np.full(n, absent.get(key, 0), np.int64) for key in "YmdqHMSfpz"}
    fits, timed, zoned = (np.zeros(n, bool) for _ in range(3))
    for shape, rows in zip(shapes.known, shapes.rows(), strict=True):
        match = notation.pattern.fullmatch(shape)
        if match is None:
            continue
        texts = [shapes.texts[k] for k in rows.tolist()]
        signs = np.array(texts, f"U{len(shape)}").view(np.uint32).reshape(len(texts), len(shape))
        fits[rows] = True
        timed[rows] = "H" in groups and match["H"] is not None
        for key in groups:
            start, end = match.span(key)
            if start < 0:
                continue
            if key == "z":
                zoned[rows] = True
                fields["z"][rows] = _zones([text[start:end] for text in texts])
            elif key == "b":
                fields["m"][rows] = _MONTHS[match["b"].lower()]
            elif key == "p":
                fields["p"][rows] = 1 if match["p"] in "aA" else 2  # am, pm
            elif key == "f":
                fields["f"][rows] = _digits(signs, start, min(end, start + 6))
                fields["f"][rows] *= 10 ** max(6 - (end - start), 0)
            elif key == "y":
                year = _digits(signs, start, end)
                fields["Y"][rows] = year + np.where(year >= 69, 1900, 2000)
            else:
                fields[key][rows] = _digits(signs, start, end)
    month, quarter, half, hour = (fields[key] for key in "mqpH")
    hour = np.where((half > 0) & ((hour < 1) | (hour > 12)), 24, hour)  # which cannot be
    zone = fields["z"]
    micros, wrong = _moments(
        fields["Y"],
        np.where((quarter >= 1) & (quarter <= 4), month + 3 * (quarter - 1), 0),
        fields["d"],
        np.where((half > 0) & (hour < 24), hour % 12 + 12 * (half == 2), hour),
        fields["M"],
        fields["S"],
        fields["f"],
    )
    unknown = zone == _UNKNOWN
    micros -= np.where(unknown, 0, zone) * MICRO
    problems = [""] * n
    wrong |= unknown | (abs(zone) >= DAY)
    if (timed & zoned).any():
        for k in np.flatnonzero(timed & ~zoned):
            problems[k] = "has no time zone, and others have one"
    for k in np.flatnonzero(wrong):
        problems[k] = "has a time zone that is not known" if unknown[k] else _IMPOSSIBLE
    for k in np.flatnonzero(~fits):
        problems[k] = OTHERWISE
    return micros, problems


def _digits(signs: Array, start: int, end: int) -> Array:
    """The numbers that are written in some columns of signs."""
    powers = 10 ** np.arange(end - start - 1, -1, -1)
    return (signs[:, start:end].astype(np.int64) - ord("0")) @ powers


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


def _zones(texts: Sequence[str]) -> list[int]:
    known = {text: _zone(text) for text in set(texts)}
    return [known[text] for text in texts]


def _zone(text: str) -> int:
    """Seconds that are to be taken away."""
    if text[0] not in "+-":
        return 0 if text.upper() in ("Z", "UTC", "GMT") else _UNKNOWN
    digits = text[1:].replace(":", "").ljust(6, "0")
    offset = (int(digits[:2]) * 60 + int(digits[2:4])) * 60 + int(digits[4:])
    return -offset if text[0] == "-" else offset
