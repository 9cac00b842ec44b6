"""A column that is nearly numbers: what stands among them, and which option reads it.

Numbers that all have the same sign of a currency or of per cent are numbers without it: "12%" is
12 and "$5" is 5 (`signed_numbers`). Other text is refused, and not taken for categories, where it
looks like numbers in another notation ("1.234,5", "12" beside "12 %"), like numbers with a sign for
'no value' among them ("-", "nil"), or like numbers with a mistake. Codes ("A-1", "12-34", "1.2.3"),
names and dates are none of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fastnn.data.cells import STANDARD, Reading
from fastnn.data.number_signs import CODES, NOTATIONS, plainly
from fastnn.data.statistics import DataNote
from fastnn.data.table import Array, for_column
from fastnn.errors import DataError, advice, arg, shown, warn

#: Text in at most one of so many cells, among numbers (90 % or more), is taken for a mistake.
NUMBERS_PER_STRAY = 10

#: So many different words, among measured numbers that are at least half of the cells, are too.
_FEW = 3
_SIGNS = {",": "a comma", ".": "a point", " ": "a space", "'": "an apostrophe", "’": "’", "_": "_"}

#: Text longer than this is no number, whatever it looks like.
_LONGEST = 60

_MONEY = r"[$€£¥₹]|USD|EUR|GBP|CHF|JPY"
_SIGNED = re.compile(
    rf"(?P<open>\()?\s*(?:{_MONEY})?\s*[+\-−]?\s*(?:{_MONEY})?\s*"
    rf"(?P<body>[\d.,'’_ \u00a0\u2009\u202f]*\d[\d.,]*(?:[eE][+-]?\d+)?)\s*(?:{_MONEY}|%|‰)?\s*"
    r"(?(open)\))"
)
_UNIT = re.compile(
    rf"(?P<sign>[+-])?(?:(?P<before>{_MONEY})\s*)?(?P<inner>[+-])?"
    rf"(?P<body>[\d.,'’_ \u00a0\u2009\u202f]*\d[\d.,]*(?:[eE][+-]?\d+)?)"
    rf"\s*(?P<after>{_MONEY}|%|‰)?"
)
#: A number as a bound, or with the mark of a footnote.
_MARKED = re.compile(
    r"(?P<bound>[<>≤≥]=?|[~≈])\s*[+-]?[\d.,]*\d[\d.,]*(?:[eE][+-]?\d+)?"
    r"|[+-]?[\d.,]*\d[\d.,]*\s*(?P<mark>\*+|[†‡§¶]+|[⁰¹²³⁴-⁹]+|\[\w{1,3}\]|\(\w\)|(?<=\s)[A-Za-z])"
)
#: What begins a row that is no example but sums up the others.
_OF_TOTALS = re.compile(
    r"(?:grand |sub)?-?\s*(?:totals?|sums?|summe|gesamt|average|mean|mittelwert|avg)\b.*", re.I
)
#: Words and signs that people and programs write where there is no value.
_NO_VALUE = re.compile(
    r"[\W_]+|n\.?a\.?|k\. ?a\.|n\.?d\.?|nil|nat|missing|unk|unknown|undefined|no data|\(null\)"
    r"|not available|err:\d+|\\n|[+-]?1\.#\w+|#\w+[!?/0]*",
    re.IGNORECASE,
)


def no_dates(name: str, kind: str) -> str:
    """Return the message for a column of dates that is to be numbers, or the target.

    >>> no_dates("day", "label")
    "target column 'day' holds dates or times; predict numbers, such as days since a fixed day"
    """
    if kind == "numeric":
        return f"column {shown(name)} holds dates or times, and is to hold numbers"
    return (
        f"target column {shown(name)} holds dates or times; predict numbers, such as days since a "
        "fixed day"
    )


def unit_of(text: str) -> tuple[str, str] | None:
    """Return the sign of a currency or of per cent at a number, and the number; None without one.

    >>> unit_of("-$1,200"), unit_of("12 %"), unit_of("12"), unit_of("$12%")
    (('$', '-1,200'), ('%', '12'), None, None)
    """
    found = _UNIT.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None or bool(found["before"]) == bool(found["after"]):
        return None
    if found["sign"] and found["inner"]:
        return None
    sign = found["sign"] or found["inner"] or ""
    return found["before"] or found["after"], sign + found["body"].strip()


def signed_numbers(
    name: str, texts: Sequence[str], reading: Reading
) -> list[int | float | bool] | None:
    """Return the numbers of a column whose texts all have the same sign at them, without it.

    The sign only names the unit: "12%" is 12. None for other columns. Warns (DataNote) of it.

    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     print(signed_numbers("rate", ["12%", "7.5 %"], Reading()))
    [12, 7.5]
    """
    if not texts or unit_of(texts[0]) is None:
        return None
    units = [unit_of(text) for text in texts]
    found = [None if unit is None else reading.value(unit[1]) for unit in units]
    numbers = [number for number in found if number is not None]
    signs = {unit[0] for unit in units if unit is not None}
    if len(signs) != 1 or len(numbers) != len(texts):
        return None
    warn(
        f"column {shown(name)}: {shown(texts[0])} is read as the number {numbers[0]}, in the "
        f"unit {signs.pop()!r}, as are all of its cells",
        DataNote,
    )
    return numbers


def refuse_near_numbers(
    name: str,
    texts: Sequence[str],
    numbers: Sequence[float | None],
    counts: Array,
    place: Callable[[int], str],
    begin: int | None = None,
    reading: Reading = STANDARD,
) -> None:
    """Raise DataError, with the cell and the cure, if a column of text looks like numbers.

    ``texts``: the different texts of the column, no gaps; ``numbers``: what each writes in
    ``reading``, None if it is none; ``counts``: in how many cells it is; ``place``: where the
    first of them is; ``begin``: which text the first row has, and no other.

    >>> import numpy as np
    >>> near = ["1,5", "2,75"], [None, None], np.array([1, 1])
    >>> refuse_near_numbers("size", *near, "row {}".format)
    Traceback (most recent call last):
    fastnn.errors.DataError: column 'size', row 0: '1,5' is not a number, in a numeric column; ...
    """
    strays = [k for k, number in enumerate(numbers) if number is None]
    plain = [number for number in numbers if number is not None]
    n_all, n_stray = int(counts.sum()), int(counts[strays].sum())
    measured = len(plain) > CODES or any(number % 1 for number in plain)
    words = not any(character.isdigit() for k in strays for character in texts[k])
    few = len(strays) <= _FEW and n_stray * 2 <= n_all and words
    if n_stray * NUMBERS_PER_STRAY > n_all and not (measured and few):
        marked = [k for k in strays if _MARKED.fullmatch(texts[k])]
        others = [k for k in strays if k not in marked]
        if not all(_bare(texts[k]) or _NO_VALUE.fullmatch(texts[k]) for k in others):
            return  # true text
        if marked and n_stray * 2 > n_all:
            return  # such as '5*' of hotels
        if not measured and any(_bounded(texts[k]) for k in marked):
            return  # such as '>3' children
        if len(plain) < 2 and not any(_bare(texts[k]) for k in strays):
            return
    alike = [texts[k] for k in strays if _bare(texts[k])]
    signs = {(unit_of(texts[k]) or ("",))[0] for k in strays}
    if len(signs) == 1 and "" not in signs and n_stray * 2 > n_all and plain:
        bare = next(k for k, number in enumerate(numbers) if number is not None)
        raise DataError(
            f"column {shown(name)}, {place(bare)}: {shown(texts[bare])} has no {signs.pop()!r}, as "
            f"most cells have ({shown(texts[strays[0]])}); write the sign at all of the numbers, "
            "or at none"
        )
    first = next(k for k in strays if not alike or texts[k] == alike[0])
    raise DataError(not_a_number(name, place(first), texts[first], alike, first == begin, reading))


def not_a_number(
    name: str,
    where: str,
    cell: object,
    alike: Sequence[str] = (),
    begins: bool = False,
    reading: Reading = STANDARD,
) -> str:
    """Return the message for a stray text cell in a numeric column.

    ``alike``: cells like it; ``begins``: it is in the first row alone; ``reading``: in which it is
    no number.

    >>> raise DataError(not_a_number("age", "line 3 of 'a.csv'", "1,5"))
    Traceback (most recent call last):
    fastnn.errors.DataError: column 'age', line 3 of 'a.csv': '1,5' is not a number, in a numeric
    column; if the decimal sign is a comma, say decimal=',', or make the column categorical: ...
    """
    text = str(cell).strip()
    wrong = f"column {shown(name)}, {where}: {shown(cell)} is not a number, in a numeric column; "
    if found := _no_example(text, begins):
        return wrong + found
    category = f", or make the column categorical: {for_column('categorical', name)}"
    return f"{wrong}{_cure(text, alike, reading)}{advice('categorical', category)}"


def _bare(text: str) -> str | None:
    """Return a number in whatever notation without the signs around it; None if it is none."""
    found = _SIGNED.fullmatch(plainly(text)) if len(text) <= _LONGEST else None
    body = found["body"] if found else ""
    return body if any(how.number_text(body) is not None for how in NOTATIONS) else None


def _no_example(cell: str, begins: bool) -> str:
    """The cure if the cell's row is no example: a sum, or units below the header."""
    if _OF_TOTALS.fullmatch(cell):
        return "if the row sums up the others, remove it"
    if begins and not any(map(str.isdigit, cell)) and not _NO_VALUE.fullmatch(cell):
        return "if the row holds units or explanations of the columns, remove it"
    return ""


def _cure(cell: str, alike: Sequence[str], reading: Reading) -> str:
    bodies = [body for body in map(_bare, alike or [cell]) if body is not None]
    if not bodies:
        if sign := _bounded(cell):
            return f"{sign!r} makes it a bound and no number: write a number, or empty the cell"
        if found := _MARKED.fullmatch(cell):
            return f"remove {found['mark']!r} after the number, which looks like a footnote's mark"
        marker = advice("missing", f", or if it means no value say {arg('missing', [cell])}")
        return f"correct or empty the cell{marker if len(cell) < _LONGEST else ''}"
    reads = [how for how in NOTATIONS if all(how.number_text(body) is not None for body in bodies)]
    single = {sign for how in reads for sign in [how.decimal or how.thousands] if not _both(how)}
    ways = [how for how in reads if not _both(how) or not {how.decimal, how.thousands} & single]
    texts = list(alike or [cell])
    bare = bodies == texts
    if any(plainly(text) != text for text in texts):
        return (
            "write the numbers as -1234.5, in plain digits, with a plain minus before and no marks"
        )
    units = {(unit_of(text) or ("",))[0] for text in alike}
    if not reading.plain and all(STANDARD.number_text(text) is not None for text in texts):
        return _plain_option(reading)
    if not ways or (ways[0].plain and bare):
        return "write all numbers of the column in one notation"
    options = "; ".join(_option(how) for how in ways if not ways[0].plain)
    signs = "write the numbers alone, or each with the same sign, such as % or $"
    signs = "" if bare or (options and len(units) == 1) else signs
    by_hand = "write the numbers as 1234.5, with a point and no other sign" if options else ""
    return "; ".join(filter(None, [advice("decimal", options, by_hand), signs]))


def _plain_option(reading: Reading) -> str:
    """Say what reads numbers as Python writes them, where other signs have been given."""
    plain = {"decimal": ".", "thousands": ""}
    given = [arg(n, sign) for n, sign in plain.items() if getattr(reading, n) not in (None, sign)]
    by_hand = "write all numbers of the column in one notation"
    return advice("decimal", f"if the decimal sign is a point, say {' and '.join(given)}", by_hand)


def _bounded(text: str) -> str:
    """The sign that makes a number a bound, if there is one."""
    found = _MARKED.fullmatch(text)
    return (found["bound"] or "") if found else ""


def _both(how: Reading) -> bool:
    return bool(how.decimal and how.thousands)


def _option(how: Reading) -> str:
    """Say what reads such numbers, and when."""
    conditions, options = [], []
    for name, sign, what in (
        ("decimal", how.decimal, "the decimal sign is {}"),
        ("thousands", how.thousands, "{} groups the thousands"),
    ):
        if sign:
            conditions.append(what.format(_SIGNS[sign]))
            options.append(arg(name, sign))
    return f"if {' and '.join(conditions)}, say {' and '.join(options)}"
