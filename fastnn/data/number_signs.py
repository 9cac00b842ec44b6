"""Numbers among other signs: how programs write them, and units that nearly every cell has."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from fastnn.data.cells import Reading
from fastnn.data.statistics import DataWarning
from fastnn.data.table import Array, for_column
from fastnn.errors import advice, shown, warn

#: Numbers are measured, not counted or codes, if one has a fraction or more than so many differ.
CODES = 20

#: Notations that are looked for: decimal sign, sign of the thousands.
NOTATIONS = [
    Reading(decimal=decimal, thousands=thousands)
    for decimal, thousands in [
        (None, None), (",", None), (None, ","), (",", "."), (None, " "), (",", " "), (None, "'"),
        (",", "'"), (None, "’"), (None, "_"),
    ]
]  # fmt: skip

#: Of so many cells at most one may be something else than a number with its unit.
_CELLS_PER_OTHER = 10
#: Of numbers with fractions so many units may be in turn, such as k and M.
_UNITS = 3
#: So many texts are looked at first.
_FIRST = 200

#: Signs for which there is a plainer one: of East Asian width, minus and dashes, decimal signs.
_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | str.maketrans(
    "\u2212\u2013\ufe63\u066b\u00b7\u066c", "---..,", "\u00ad\u200b\u200c\u200d\u2060\ufeff"
)
_QUOTED = re.compile(r"(?:=?\"(.*)\"|['‘’`](.*?)['’`]?)")
_POWER = re.compile(r"(?<=\d)\s*[x×*]\s*10\s*\^\s*\(?([+-]?\d+)\)?$")
_FORTRAN = re.compile(r"(?:(?<=[\d.])[dD](?=[+-]\d+$)|(?<=\d)(?<=\.\d)[dD](?=\d+$))")
_MINUS_LAST = re.compile(r"([\d.,'’ ]*\d)\s*-")

#: One number, and what is around it.
_ONE = re.compile(
    r"(?P<before>[^\d]{0,8}?)"
    r"(?P<number>[+-]?(?:\d(?:[\d.,'’_ \u00a0\u2009\u202f]*\d)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"(?P<after>(?:[^\d]|(?<=[^\W\d])\d){0,12})"
)
#: A code rather than a number: letters right before it, a number sign, 1st, 12-a.
_OF_CODES = re.compile(r".*[^\W\d][-_/:]*|.*[#№@].*")
_AFTER_CODES = re.compile(r"[-/:].*|st|nd|rd|th")


def plainly(text: str) -> str:
    r"""Return a number as Python writes it, from signs that stand for plain ones; else the text.

    >>> [plainly(t) for t in ("\u22125", "=\"5\"", "5.25-", "1.5D+02", "1.5 x 10^2", "Ulm")]
    ['-5', '5', '-5.25', '1.5e+02', '1.5e2', 'Ulm']
    """
    found = text.translate(_PLAIN).strip()
    if quoted := _QUOTED.fullmatch(found):
        found = (quoted[1] or quoted[2] or "").strip()
    found = _FORTRAN.sub("e", _POWER.sub(r"e\1", found))
    return f"-{last[1]}" if (last := _MINUS_LAST.fullmatch(found)) else found


def tell_affixes(
    name: str,
    there: Sequence[int],
    texts: Sequence[str | None],
    codes: Array,
    where: Callable[[int], str],
) -> None:
    """Warn (DataWarning) of a column of text of which nearly every cell is a number with a unit.

    ``texts``: the different ones, those of ``there`` no gaps; cell i is ``texts[codes[i]]``, and
    ``where(k)`` is where the first of ``texts[k]`` is. The numbers must be measured ones: codes
    such as F12, Model 3 and 12-a are text.

    >>> import warnings
    >>> with warnings.catch_warnings(record=True, action="always") as told:
    ...     tell_affixes("w", [0, 1], ["1.5 kg", "2 kg"], np.array([0, 1]), "row {}".format)
    >>> str(told[0].message)
    "column 'w', row 0: '1.5 kg' is text, and so a category; nearly every cell is a number with \
'kg': write the numbers alone, or make the column categorical: categorical=['w']"
    """
    if sum(_parted(texts[k] or "") is not None for k in there[:_FIRST]) * 2 < len(there[:_FIRST]):
        return
    counts = np.bincount(codes, minlength=len(texts)).tolist()
    units: Counter[tuple[str, str]] = Counter()
    values: set[float] = set()
    first, others = None, 0
    for k in there:
        found = _parted(texts[k] or "")
        if found is None:
            others += counts[k]
            continue
        before, number, after = found
        values.add(number)
        units[before, after] += counts[k]
        first = k if first is None and (before or after) else first
    bare = units.pop(("", ""), 0)
    n_all, n_units = sum(counts[k] for k in there), units.total()
    if first is None or others * _CELLS_PER_OTHER > n_all:
        return
    fractions = any(value % 1 for value in values)
    (before, after), most = units.most_common(1)[0]
    constant = (n_units - most) * _CELLS_PER_OTHER <= n_units
    letters = any(map(str.isalpha, before)) and not any(map(_is_money, before))
    if not fractions and (
        len(values) <= CODES or bare > n_units or letters or (len(after) == 1 and after.isalpha())
    ):
        return
    if not constant and not (fractions and len(units) <= _UNITS):
        return
    signs = " and ".join(shown(sign) for sign in (before, after) if sign)
    category = f", or make the column categorical: {for_column('categorical', name)}"
    warn(
        f"column {shown(name)}, {where(first)}: {shown(texts[first])} is text, and so a category; "
        f"nearly every cell is a number with {signs}: write the numbers alone"
        f"{advice('categorical', category)}",
        DataWarning,
    )


def _parted(text: str) -> tuple[str, float, str] | None:
    """What is before the one number of a text, the number, and what is after it."""
    found = _ONE.fullmatch(text.translate(_PLAIN))
    if found is None:
        return None
    before, after = found["before"].strip("+- "), found["after"].strip()
    if _OF_CODES.fullmatch(found["before"]) or _AFTER_CODES.fullmatch(found["after"]):
        return None
    for how in NOTATIONS:
        if (number := how.number(found["number"])) is not None:
            return before, number, after
    return None


def _is_money(sign: str) -> bool:
    return unicodedata.category(sign) == "Sc"
