"""A column that is nearly numbers: what stands among them, and which option reads it.

Text is refused, and not taken for categories, where it looks like numbers in another notation
("1.234,5", "12 %"), like numbers with a sign for 'no value' among them ("-", "nil"), or like
numbers with a mistake. Codes ("A-1", "12-34", "1.2.3"), names and dates are none of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from fastnn.data.cells import Reading
from fastnn.data.table import Array, for_column
from fastnn.errors import DataError, advice, arg, shown

#: Text in at most one of so many cells, among numbers (90 % or more), is taken for a mistake.
NUMBERS_PER_STRAY = 10

#: So many different words, among measured numbers that are at least half of the cells, are too.
_FEW = 3
#: Numbers are measured, not counted or codes, if one has a fraction or more than so many differ.
_CODES = 20

#: Notations that are looked for: decimal sign, sign of the thousands.
_NOTATIONS = [
    Reading(decimal=decimal, thousands=thousands)
    for decimal, thousands in [
        (None, None), (",", None), (None, ","), (",", "."), (None, " "), (",", " "), (None, "'"),
        (",", "'"), (None, "’"), (None, "_"),
    ]
]  # fmt: skip
_SIGNS = {",": "a comma", ".": "a point", " ": "a space", "'": "an apostrophe", "’": "’", "_": "_"}

#: Text longer than this is no number, whatever it looks like.
_LONGEST = 60

_MONEY = r"[$€£¥₹]|USD|EUR|GBP|CHF|JPY"
_SIGNED = re.compile(
    rf"(?P<open>\()?\s*(?:{_MONEY})?\s*[+\-−]?\s*(?:{_MONEY})?\s*"
    rf"(?P<body>[\d.,'’_ \u00a0\u2009\u202f]*\d[\d.,]*(?:[eE][+-]?\d+)?)\s*(?:{_MONEY}|%|‰)?\s*"
    r"(?(open)\))"
)
#: Words and signs that people and programs write where there is no value.
_NO_VALUE = re.compile(
    r"[\W_]+|n\.?a\.?|k\. ?a\.|n\.?d\.?|nil|nat|missing|unk|unknown|undefined|no data|\(null\)"
    r"|not available|\\n|[+-]?1\.#\w+|#\w+[!?/0]*",
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


def refuse_near_numbers(
    name: str,
    texts: Sequence[str],
    numbers: Sequence[float | None],
    counts: Array,
    place: Callable[[int], str],
) -> None:
    """Raise DataError, with the cell and the cure, if a column of text looks like numbers.

    ``texts``: the different texts of the column, no gaps; ``numbers``: what each writes, None if
    it is none; ``counts``: in how many cells it is; ``place``: where the first of them is.

    >>> import numpy as np
    >>> near = ["1,5", "2,75"], [None, None], np.array([1, 1])
    >>> refuse_near_numbers("size", *near, "row {}".format)
    Traceback (most recent call last):
    fastnn.errors.DataError: column 'size', row 0: '1,5' is not a number, in a numeric column; ...
    """
    strays = [k for k, number in enumerate(numbers) if number is None]
    plain = [number for number in numbers if number is not None]
    n_all, n_stray = int(counts.sum()), int(counts[strays].sum())
    measured = len(plain) > _CODES or any(number % 1 for number in plain)
    words = not any(character.isdigit() for k in strays for character in texts[k])
    few = len(strays) <= _FEW and n_stray * 2 <= n_all and words
    if n_stray * NUMBERS_PER_STRAY > n_all and not (measured and few):
        if not all(_bare(texts[k]) or _NO_VALUE.fullmatch(texts[k]) for k in strays):
            return  # true text
        if len(plain) < 2 and not any(_bare(texts[k]) for k in strays):
            return
    alike = [texts[k] for k in strays if _bare(texts[k])]
    first = next(k for k in strays if not alike or texts[k] == alike[0])
    raise DataError(not_a_number(name, place(first), texts[first], alike))


def not_a_number(name: str, where: str, cell: object, alike: Sequence[str] = ()) -> str:
    """Return the message for a stray text cell in a numeric column; ``alike``: cells like it.

    >>> raise DataError(not_a_number("age", "line 3 of 'a.csv'", "1,5"))
    Traceback (most recent call last):
    fastnn.errors.DataError: column 'age', line 3 of 'a.csv': '1,5' is not a number, in a numeric
    column; if the decimal sign is a comma, say decimal=',', or make the column categorical: ...
    """
    cure = _cure(str(cell).strip(), alike)
    category = f", or make the column categorical: {for_column('categorical', name)}"
    return (
        f"column {shown(name)}, {where}: {shown(cell)} is not a number, in a numeric column; "
        f"{cure}{advice('categorical', category)}"
    )


def _bare(text: str) -> str | None:
    """Return a number in whatever notation without the signs around it; None if it is none."""
    found = _SIGNED.fullmatch(text) if len(text) <= _LONGEST else None
    body = found["body"] if found else ""
    return body if any(how.number_text(body) is not None for how in _NOTATIONS) else None


def _cure(cell: str, alike: Sequence[str]) -> str:
    bodies = [body for body in map(_bare, alike or [cell]) if body is not None]
    if not bodies:
        marker = advice("missing", f", or if it means no value say {arg('missing', [cell])}")
        return f"correct or empty the cell{marker if len(cell) < _LONGEST else ''}"
    reads = [how for how in _NOTATIONS if all(how.number_text(body) is not None for body in bodies)]
    single = {sign for how in reads for sign in [how.decimal or how.thousands] if not _both(how)}
    ways = [how for how in reads if not _both(how) or not {how.decimal, how.thousands} & single]
    bare = bodies == list(alike or [cell])
    if not ways or (ways[0].plain and bare):
        return "write all numbers of the column in one notation"
    options = "; ".join(_option(how) for how in ways if not ways[0].plain)
    signs = "" if bare else "write the numbers alone, without signs such as % or $"
    by_hand = "write the numbers as 1234.5, with a point and no other sign" if options else ""
    return "; ".join(filter(None, [advice("decimal", options, by_hand), signs]))


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
