"""Dates and times as people write them: which notation a column is in, and the cells' seconds.

Recognised, each with a time of day behind it or without, in UTC or a zone such as +01:00:
2024-01-31, 2024/1/31, 2024.01.31, 31.1.2024, 31/1/2024 or 1/31/2024, 31-1-2024 or 1-31-2024, with
years of two digits 31.01.24, 31/1/24 or 1/31/24 (69 to 99 are of the last century), Jan 31, 2024,
31 January 2024, 31-Jan-24, 2024-Jan-31; months: 2024-01, 2024/01, Jan 2024, January 2024; quarters:
2024Q1; 20240131T180500Z; times of day: 9:30, 09:30:15.5, 9:30 pm. Names are English, German,
French, Spanish, Italian, Portuguese or Dutch. Where day and month cannot be told apart in a whole
column, the user is asked. Other notations are given as `strptime` has them, which knows English
names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from fastnn.data.date_notations import (
    NAMES_OF_MONTHS,
    NOTATIONS,
    OF_NUMBERS,
    OTHERWISE,
    Notation,
    Shapes,
    is_of_day,
    iso_moments,
    moments_of,
)
from fastnn.data.dates import Array, Dates, seconds_of
from fastnn.data.statistics import DataNote
from fastnn.data.table import for_column
from fastnn.errors import DataError, advice, arg, shown, warn

#: Of so many cells at most one that is no date is taken for a mistake, else it is a text column.
DATES_PER_STRAY = 10
#: So many different texts are looked at first.
_FIRST = 50


def date_cells(
    name: str,
    texts: Sequence[str | None],
    codes: Array,
    place: Callable[[int], str],
    given: str | None = None,
    forced: bool = False,
) -> Dates | None:
    """Return the dates that the different texts of a column are, None if it holds none.

    Row i of the column has ``texts[codes[i]]``, None among the texts is a gap. ``given``: the
    format in which it is written, if it is one of dates; ``forced``: it is, in this notation or, if
    no cell is, in another one. Raises DataError, naming the cell, for one that is no date among
    dates, and if day and month cannot be told apart.

    >>> date_cells("day", ["31.1.2024", None], np.array([0, 1, 0]), "row {}".format)
    Dates([1.7066592e+09,           nan])
    >>> date_cells("day", ["1/2/2024", "3/2/2024"], np.array([0, 1]), "row {}".format)
    Traceback (most recent call last):
    fastnn.errors.DataError: column 'day' holds dates of which day and month cannot be told apart \
('1/2/2024' ...); say which it is: date_format='%d/%m/%Y' or date_format='%m/%d/%Y'
    """
    there = [k for k, text in enumerate(texts) if text is not None]
    known = [text for text in texts if text is not None]
    if not known:
        return Dates.of(np.full(len(texts), np.nan)) if forced else None
    counts = np.bincount(codes, minlength=len(texts))[there]

    def where(k: int) -> str:
        return place(int(np.flatnonzero(codes == there[k])[0]))

    found = _chosen(name, known, counts, given, forced, where)
    if found is None:
        return None
    form, micros, problems = found
    first = next((k for k, problem in enumerate(problems) if problem), None)
    if first is not None:
        raise DataError(_stray(name, where(first), known[first], form, problems[first]))
    seconds = np.full(len(texts), np.nan)
    seconds[there] = seconds_of(micros)
    return Dates.of(seconds, form, of_day=is_of_day(form))


def _chosen(
    name: str,
    texts: Sequence[str],
    counts: Array,
    given: str | None,
    forced: bool,
    where: Callable[[int], str],
) -> tuple[str, Array, list[str]] | None:
    """The form, the microseconds and what is wrong with each text; None if these are no dates."""
    if given is not None:
        micros, problems = moments_of(given, texts)
        fits = [problem != OTHERWISE for problem in problems]
        half = 2 * int(counts[fits].sum()) >= int(counts.sum())
        if half or (forced and any(fits)) or _mostly(problems, counts):
            return given, micros, problems
    elif texts[0][:1].isdigit() and (found := iso_moments(texts)) is not None:
        return "%Y-%m-%d", *found
    shapes = Shapes.of(texts)
    best = _likeliest(shapes, counts, forced)
    if best is None:
        _refuse_several(name, shapes, counts, where)
        if not forced:
            _tell_likely(name, texts, counts)
            return None
        digits = all(text.isdigit() for text in texts)
        wide = DATESOF_NUMBERS if digits else ""
        such = _SINCE_1970.get(len(texts[0]), "%d/%m/%Y") if digits else "%d/%m/%Y"
        raise DataError(
            f"column {shown(name)}, {where(0)}: {shown(texts[0])} is not a date in a notation that "
            f"is known{wide}; say how it is written, such as {arg('date_format', such)}"
        )
    micros, problems = moments_of(best.form, texts, shapes)
    if best.other:
        swapped = moments_of(best.other, texts, shapes)
        wrong, wrong_swapped = (_cells(p, counts) for p in (problems, swapped[1]))
        if wrong == wrong_swapped and (micros != swapped[0]).any():
            ways = f"{arg('date_format', best.form)} or {arg('date_format', best.other)}"
            raise DataError(
                f"column {shown(name)} holds dates of which day and month cannot be told apart "
                f"({shown(texts[0])} ...)"
                + advice("date_format", f"; say which it is: {ways}", "; write them as 2024-01-31")
            )
        if wrong_swapped < wrong:
            return best.other, *swapped
    if best.weak and not forced and not _mostly(problems, counts):
        return None
    if best.form == "%Y-%m" and not forced and _seasons(texts):
        return None
    return best.form, micros, problems


#: Digits of numbers since 1970, of our time, and their unit.
_SINCE_1970 = {10: "s", 13: "ms", 16: "us", 19: "ns"}
DATESOF_NUMBERS = " (20240131, 202401 and 2024 are, of numbers)"


def _likeliest(shapes: Shapes, counts: Array, forced: bool) -> Notation | None:
    """The notation in which most cells are written, if enough are."""
    first = shapes.texts[:_FIRST]
    numbers = forced and all(text.isdigit() for text in shapes.texts)
    candidates = [
        n for n in NOTATIONS.values() if not n.asked or (numbers and n.form in OF_NUMBERS)
    ]
    candidates = [
        notation for notation in candidates if any(map(notation.pattern.fullmatch, first))
    ]
    cells = np.bincount(shapes.codes, counts).astype(np.int64)
    total = int(cells.sum())
    best, most = None, 0
    for notation in candidates:
        fits = [notation.pattern.fullmatch(shape) is not None for shape in shapes.known]
        n = int(cells[fits].sum())
        if n > most and (forced or (total - n) * DATES_PER_STRAY <= total):
            best, most = notation, n
    return best


def _refuse_several(name: str, shapes: Shapes, counts: Array, where: Callable[[int], str]) -> None:
    """Raise DataError if nearly all cells are dates, but not all in the same notation."""
    cells = np.bincount(shapes.codes, counts).astype(np.int64)
    total, n_others = int(cells.sum()), 0
    forms: dict[str, int] = {}
    for k, shape in enumerate(shapes.known):
        form = _notation_of(shape)
        if form is not None:
            forms.setdefault(form, k)
            continue
        n_others += int(cells[k])
        if n_others * DATES_PER_STRAY > total:
            return
    if len(forms) < 2:
        return
    one, other = (int((shapes.codes == k).argmax()) for k in [*forms.values()][:2])
    texts = shapes.texts
    category = advice(
        "categorical", f", or make the column categorical: {for_column('categorical', name)}"
    )
    raise DataError(
        f"column {shown(name)}, {where(other)}: {shown(texts[other])} is a date in another "
        f"notation than {shown(texts[one])} before it; write all in one, such as "
        f"2024-01-31{category}"
    )


def _notation_of(shape: str) -> str | None:
    """The first notation in which texts of a shape are dates for certain."""
    return next(
        (
            n.form
            for n in NOTATIONS.values()
            if not n.weak and not n.asked and n.pattern.fullmatch(shape)
        ),
        None,
    )


#: A year, and between words at most the numbers of a day, a month and a time.
_LIKELY_YEAR = re.compile(
    rf"(?<!\d)(?:1[89]|20)\d\d(?!\d)|(?<!\d)\d{{1,2}}[ /-](?:{NAMES_OF_MONTHS})[ /-]\d\d(?!\d)",
    re.IGNORECASE,
)
_LIKELY_REST = re.compile(r"\W*(?:(?:[^\W\d_]{1,12}|(?<!\d)\d{1,2}(?!\d))[\W_]*){1,8}")
_LIKELY_TIME = re.compile(
    r"(?<!\d)\d{1,2}[:.]\d{2}[:.]\d{2}(?:[.,]\d{1,9})?(?!\d)(?:\s*[+-]\d{2}:?\d{2}$)?"
)


def _tell_likely(name: str, texts: Sequence[str], counts: Array) -> None:
    """Warn (DataNote) of a column of text that may be dates in a notation that is not known."""
    total, n_others, first = int(counts.sum()), 0, ""
    for text, n in zip(texts, counts.tolist(), strict=True):
        if _is_likely(text):
            first = first or text
            continue
        n_others += n
        if n_others * DATES_PER_STRAY > total:
            return
    if len(texts) > 1:
        say = advice("date_format", f"say how, such as {arg('date_format', '%d. %B %Y')}, or ")
        warn(
            DataNote(
                f"column {shown(name)} is taken as text; if {shown(first)} is a date, in a "
                f"notation that is not known, {say}write it as 2024-01-31"
            )
        )


def _is_likely(text: str) -> bool:
    if len(text) > 40:
        return False
    rest = _LIKELY_TIME.sub(" 1 ", text, count=1)
    found = _LIKELY_YEAR.search(rest)
    if found is None:
        return False
    rest = f"{rest[: found.start()]} {rest[found.end() :]}"
    return any(map(str.isdigit, rest)) and _LIKELY_REST.fullmatch(rest) is not None


def _mostly(problems: Sequence[str], counts: Array) -> bool:
    return _cells(problems, counts) * DATES_PER_STRAY <= int(counts.sum())


def _cells(problems: Sequence[str], counts: Array) -> int:
    """In how many cells something is wrong."""
    return int(counts[np.fromiter(map(bool, problems), bool, len(counts))].sum())


def _seasons(texts: Sequence[str]) -> bool:
    """Whether these are years and the next ones, such as 2009-10, rather than months."""
    found = [re.fullmatch(r"(\d{4})-(\d\d)", text) for text in texts]
    return all(m is not None and (int(m[1]) + 1) % 100 == int(m[2]) for m in found)


def _stray(name: str, where: str, text: str, form: str, problem: str) -> str:
    """The message for a cell that is no date, in a column of dates."""
    marker = advice("missing", f", or if it means no value say {arg('missing', [text])}")
    category = advice(
        "categorical", f", or make the column categorical: {for_column('categorical', name)}"
    )
    kind = "times of day" if is_of_day(form) else f"dates (written {form})"
    return (
        f"column {shown(name)}, {where}: {shown(text)} {problem}, in a column of {kind}; correct "
        f"or empty the cell{marker if len(text) < 60 else ''}{category}"
    )
