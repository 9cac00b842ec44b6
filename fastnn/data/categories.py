"""Categories of the training part, their places in one-hot columns, and what is told of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from fastnn.data.cells import STANDARD, Reading
from fastnn.data.statistics import DataWarning
from fastnn.data.strange import Strange
from fastnn.data.table import Array, listed
from fastnn.data.texts import Texts, counts_of, parts_of
from fastnn.errors import advice, arg, shown, warn


def frequent_categories(name: str, texts: Array | Texts, most: int) -> tuple[str, ...]:
    """Return the sorted categories, the ``most`` most frequent of them with a DataWarning.

    >>> frequent_categories("town", np.array(["B", "A", None, "B"], dtype=object), 9)
    ('A', 'B')
    """
    counts = counts_of(texts)
    # by frequency, then by name: the order of the rows must not matter
    ranked = sorted(counts, key=lambda text: (-counts[text], text))
    if len(counts) > most:
        rest = sum(counts[text] for text in ranked[most:])
        warn(
            f"column {shown(name)} has {len(counts)} different values; the {most} most frequent "
            f"keep a place of their own, the others ({rest} of {len(texts)} rows) share "
            "'<unknown>'",
            DataWarning,
        )
    return tuple(sorted(ranked[:most]))


def gaps_of(texts: Array | Texts) -> Array:
    """Say of each text whether it is None.

    >>> gaps_of(np.array(["a", None], dtype=object))
    array([False,  True])
    """
    distinct, codes = parts_of(texts)
    return np.array([text is None for text in distinct], bool)[codes]


def places_of(texts: Array | Texts, known: Sequence[str]) -> Array:
    """Return the place of each text among the ``known`` categories, ``len(known)`` for others.

    >>> places_of(np.array(["b", None, "1"], dtype=object), ["a", "b", "1.0"])
    array([1, 3, 2])
    """
    index = {category: k for k, category in enumerate(known)}
    for k, category in enumerate(known):  # an older fastnn took "True" and "1.0" as they were
        index.setdefault(STANDARD.category(category) or category, k)
    distinct, codes = parts_of(texts)
    return np.array([index.get(text or "", len(known)) for text in distinct], np.int64)[codes]


def spellings(text: str, reading: Reading = STANDARD) -> list[str]:
    """Return common texts that are read as this category, for a program that cannot read.

    Truth values in any usual case, numbers with a sign, with zeros behind them and as a power; all
    with no or one space on either side. Nothing for what is read as a gap.

    >>> spellings("Ulm")
    ['Ulm', 'Ulm ', ' Ulm', ' Ulm ']
    >>> {"1.0", "1.00", "+1", "TRUE", " 1", "true "} <= {*spellings("1")}
    True
    """
    point = reading.decimal or "."
    words = {"0": "false", "1": "true"}.get(text, "")
    truth = [words, words.title(), words.upper()] if words else []
    written = text.replace(".", point)
    zeros = [written, *(f"{written}{end}" for end in (point, f"{point}0", f"{point}00", "0", "00"))]
    powers = [f"{written}e0", f"{written}E0"]
    signed = [f"{sign}{number}" for sign in "+-" for number in zeros]
    found = [text, *truth, *zeros, *powers, *signed]
    padded = [f"{a}{one}{b}" for one in dict.fromkeys(found) for a in ("", " ") for b in ("", " ")]
    own = reading.category(text)
    return [one for one in padded if own is not None and reading.category(one) == own]


def _merged(known: Sequence[str]) -> dict[int, list[str]]:
    """The known categories that are reached no more, by the place of the one that is instead."""
    read = np.array([STANDARD.category(text) or text for text in known], dtype=object)
    found: dict[int, list[str]] = {}
    for k, place in enumerate(places_of(read, known)):
        if k != place:
            found.setdefault(int(place), []).append(known[k])
    return found


def strange_texts(
    name: str,
    texts: Array | Texts,
    places: Array,
    known: Sequence[str],
    missing: Collection[str] | None,
    complete: bool,
) -> list[Strange]:
    """Return what the texts of a column have that the training part had not: values, and gaps.

    ``missing``: that of the `Reading`; ``complete``: there was no gap in training.

    >>> texts = np.array(["a", "c", None], dtype=object)
    >>> [one.n for one in strange_texts("t", texts, places_of(texts, "ab"), "ab", None, True)]
    [1, 1]
    """
    found = []
    gaps = gaps_of(texts)
    for k, merged in _merged(known).items():
        n = int((places == k).sum())
        if n and not {*merged} & {*texts}:  # else a Table made by hand, not read
            said = (
                f"are the model's category {shown(known[k])}; the older fastnn that trained it had "
                f"{listed([shown(text) for text in merged])} as another one, which is the same "
                "when it is read now: train the model again"
            )
            found.append(Strange(name, "category", n, len(texts), said))
    strange = texts[(places == len(known)) & ~gaps]
    if len(strange):
        said = (
            f"have no place of their own from training (first {shown(strange[0])}); they count as "
            "'<unknown>'"
        )
        found.append(Strange(name, "value", len(strange), len(texts), said))
    markers = [text for text in known if Reading(missing=missing).is_gap(text)]
    if gaps.any() and (complete or markers):
        why = "none was in training"
        if markers:  # of an older fastnn, or of a Table made by hand
            keep = advice("missing", f" ({arg('missing', [])} keeps it one)") if markers[0] else ""
            why = f"as the model's category {shown(markers[0])} counts when it is read{keep}"
        said = f"are missing, {why}; they count as '<unknown>'"
        found.append(Strange(name, "category", int(gaps.sum()), len(texts), said))
    return found
