"""Columns of the training part that teach nothing: without a value, or of other text in each row.

A value that occurs in one row only says nothing of any other row. Moreover, the share of the values
that occur once estimates how many new rows have a value that was never seen (I. J. Good, "The
population frequencies of species and the estimation of population parameters", 1953): names, keys,
free text. Of a column where that is half of them, most of what a network could learn is noise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from fastnn.data.categories import gaps_of
from fastnn.data.statistics import DataNote, columns_with_gaps
from fastnn.data.table import Array, Table, check_known, for_column, listed
from fastnn.data.texts import Texts, counts_of
from fastnn.errors import ArgumentError, DataError, advice, arg, shown, warn

#: Why a column is left out, as a model keeps it, and in words.
REASONS = {"empty": "without a value", "text": "text that is another in nearly every row"}
#: Of fewer values nothing is concluded.
_FEWEST = 15


def is_identifier(texts: Array | Texts) -> bool:
    """Say whether at least half of the values, of which there are 15 or more, occur only once.

    >>> is_identifier(np.array([f"name {i}" for i in range(20)], dtype=object))
    True
    >>> is_identifier(np.array(["Ulm", "Bonn"] * 10 + ["Hof"], dtype=object))
    False
    """
    counts = counts_of(texts)
    n = sum(counts.values())
    return n >= _FEWEST and 2 * sum(count == 1 for count in counts.values()) >= n


def useless_columns(table: Table, keep: Collection[str] = ()) -> dict[str, str]:
    """Return the columns to leave out, each with its reason, one of `REASONS`.

    ``keep``: columns of text that stay, however many values they have.

    >>> import numpy as np
    >>> table = Table.from_columns({"x": np.array([1.0, 2.0]), "y": np.full(2, np.nan)})
    >>> useless_columns(table)
    {'y': 'empty'}

    Raises DataError if none would be left.
    """
    gaps = np.flatnonzero(columns_with_gaps(table.numeric)) if table.numeric_names else ()
    found = {table.numeric_names[j]: "empty" for j in gaps if np.isnan(table.numeric[:, j]).all()}
    for name, texts in table.categorical.items():
        if gaps_of(texts).all():
            found[name] = "empty"
        elif name not in keep and is_identifier(texts):
            found[name] = "text"
    if len(found) == len(table.names):
        kept = [name for name, why in found.items() if why == "text"]
        cure = (
            advice("keep_text", f"; to keep it: {for_column('keep_text', kept[0])}") if kept else ""
        )
        raise DataError(
            "no column is left to learn from: "
            + ", ".join(f"{shown(name)} is {REASONS[why]}" for name, why in found.items())
            + cure
        )
    return {name: found[name] for name in table.names if name in found}


def tell_useless(found: Mapping[str, str]) -> None:
    """Warn (DataNote) of columns that are left out, in a line for each reason.

    >>> tell_useless({})
    """
    for reason, words in REASONS.items():
        names = [name for name, why in found.items() if why == reason]
        if names:
            cure = ""
            if reason == "text":
                cure = advice("keep_text", f"; to keep one: {for_column('keep_text', names[0])}")
            warn(DataNote(f"left out, {words}: {listed(map(repr, names))}{cure}"))


def check_text(keep: Collection[str], table: Table) -> None:
    """Raise unless ``keep_text`` names columns of text.

    >>> check_text(["x"], Table.from_columns({"x": np.array([1.0])}))
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: keep_text=['x'] has no effect: the column holds numbers
    """
    check_known(keep, table.names, "keep_text")
    for name in keep:
        if name in table.numeric_names:
            raise ArgumentError(
                f"{arg('keep_text', [name])} has no effect: the column holds numbers", value=keep
            )
