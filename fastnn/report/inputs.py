"""What was read, what became of it, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fastnn.data.dates import DAY, written
from fastnn.data.preprocess import Features
from fastnn.data.table import listed
from fastnn.data.useless import REASONS
from fastnn.pictures.page import chapter, folded, paragraph, table
from fastnn.preparation.record import Record
from fastnn.report.subject import IN_TABLE, Subject, outputs_of, target_of
from fastnn.text import clipped, number, sizes

#: Columns in a table in sight, and in one behind its fold.
IN_SIGHT, MOST = 12, 500


def inputs(subject: Subject) -> str:
    """Return the chapter: rows, the target, columns with their gaps and categories.

    >>> from fastnn.api.train import train
    >>> "pixel_0_0" in inputs(Subject(train("digits", hidden_layer_sizes=[], epochs=1).model))
    True
    """
    model, record = subject.model, subject.record
    parts = []
    if record is not None:
        parts.append(_rows(record))
    else:
        parts.append(paragraph("How many rows it was trained on is not in a model's file."))
    parts += [paragraph(text) for text in _said(subject)]
    head = ["column", "kind", "becomes", "mean", "deviation", "in a gap"]
    named = list(record.rows) if record is not None and record.gaps else []
    head += [f"gaps: {name.replace('train', 'training')}" for name in named]
    rows = _columns(model.features, record, named)
    if len(rows) <= IN_SIGHT:
        parts.append(table(head, rows, "text"))
    else:
        count = (
            f"all {len(rows):,}" if len(rows) <= MOST else f"the first {MOST:,} of {len(rows):,}"
        )
        parts.append(folded(f"Table of {count} columns", table(head, rows[:MOST], "text")))
    return chapter("What was read", *parts, anchor="data")


def _rows(record: Record) -> str:
    total = sum(record.rows.values())
    rows = []
    for name, n in record.rows.items():
        whose = "given as such" if name in record.given else "split off"
        whose += f", {record.divided}" if record.rule and name not in record.given else ""
        use = {
            "train": "the network and the preprocessing learnt from it",
            "validation": "decided when to stop, and which epoch to keep",
            "test": "looked at once, at the end",
        }[name]
        whose = "the rest" if name == "train" else whose
        rows.append([name.replace("train", "training"), f"{n:,}", f"{n / total:.1%}", whose, use])
    return table(["part", "rows", "share", "how", "what for"], rows, "text")


def _said(subject: Subject) -> list[str]:
    """Sentences on what was dropped, weighted, filled, and on the target."""
    model, record = subject.model, subject.record
    f, targets = model.features, model.targets
    found = []
    names = outputs_of(model, 24)
    if targets.classes is not None:
        some = ", ".join(names[:12]) + f" ... ({len(names):,} in all)" * (len(names) > 12)
        found.append(f"Target {target_of(model)!r}: {len(names):,} classes: {some}.")
    elif targets.mean is not None and targets.scale is not None:
        ends = zip(names[:6], targets.mean, targets.scale, strict=False)
        several = len(names) > 1
        units = "; ".join(
            f"{name}: " * several + f"mean {number(m)}, deviation {number(s)}"
            for name, m, s in ends
        )
        if (targets.mean == 0).all() and (targets.scale == 1).all():
            units = "in its own units"
        found.append(f"Target {target_of(model)!r}: {units}.")
    else:
        found.append(f"Target: {len(names):,} labels of 0 and 1.")
    n_numbers = len(f.numeric) - len(f.dates)
    kinds = [f"{n_numbers:,} numeric" + " and standardised" * f.standardize] if n_numbers else []
    kinds += [f"{len(f.dates):,} with dates or times"] if f.dates else []
    kinds += [f"{len(f.categories):,} with categories"] if f.categories else []
    found.append(
        f"{len(f.columns):,} columns, {' and '.join(kinds)}, became {f.n_features:,} inputs."
    )
    if record is not None:
        if record.dropped:
            some = ", ".join(clipped(name, 40) for name in record.dropped[:20])
            found.append(f"Left out as asked: {some}.")
        for why, words in REASONS.items():
            gone = [clipped(name, 40) for name, own in f.left_out.items() if own == why]
            if gone:
                found.append(f"Left out, {words}: {listed(gone, 20)}.")
        if record.weighted:
            found.append("Rows have weights; they count in every mean on this page.")
        n = sum(record.unlabelled.values())
        rows = f"{n:,} rows without a target were left out." if n else "No row was left out."
        rows = rows.replace("rows", "row").replace("were", "was") if n == 1 else rows
        lacking = sum(sum(parts.values()) for parts in record.gaps.values())
        if lacking:
            found.append(
                f"{lacking:,} value{'s are' if lacking > 1 else ' is'} missing, in "
                f"{len(record.gaps):,} column{'s' * (len(record.gaps) > 1)}. A missing number is "
                "replaced by the median of the training part and told by an input of its own; a "
                f"missing category counts as '<unknown>'. {rows}"
            )
        else:
            found.append(f"No value is missing. {rows}")
    constant = _constant(f, record)
    if constant:
        some = ", ".join(clipped(name, 30) for name in constant[:8])
        more = f" and {len(constant) - 8:,} more" * (len(constant) > 8)
        found.append(f"The same value in every row that was looked at: {some}{more}.")
    return found


def _constant(f: Features, record: Record | None) -> list[str]:
    """The numeric columns that tell nothing: their deviation is 0, which counts as 1."""
    if record is None or not f.standardize:
        return []
    table = record.samples["train"].table
    own = f.sources(table)
    return [
        name
        for name, scale in zip(f.numeric, f.scale, strict=True)
        if scale == 1.0 and np.ptp(table.column(own[name])) == 0
    ]


def _columns(f: Features, record: Record | None, parts: list[str]) -> list[list[str]]:
    numeric = {name: j for j, name in enumerate(f.numeric)}
    places, found = f.places, []
    known = [None if name in f.dates else numeric.get(name) for name in f.columns]
    means, scales = (
        sizes([None if j is None or not f.standardize else float(v[j]) for j in known], 4)
        for v in (f.mean, f.scale)
    )
    fills = sizes(
        [None if j is None or n not in f.indicators else float(f.fill[j])
         for n, j in zip(f.columns, known, strict=True)], 4,
    )  # fmt: skip
    for name, mean, scale, fill in zip(f.columns, means, scales, fills, strict=True):
        lacking: Mapping[str, int] = {} if record is None else record.gaps.get(name, {})
        counts = [f"{lacking.get(part, 0):,}" for part in parts]
        becomes = f"{len(places[name]):,} input{'s' * (len(places[name]) > 1)}"
        if name in f.dates:
            row = _date(f, numeric[name], becomes)
        elif name in numeric:
            own = [mean, scale] if f.standardize else ["", ""]
            row = ["number", becomes, *own, fill if name in f.indicators else ""]
        else:
            values = f.categories[name]
            kind = f"{len(values):,} categories"
            row = [kind, becomes, "", "", "" if name in f.complete else "'<unknown>'"]
        found.append([clipped(name, IN_TABLE), *row, *counts])
    return found


def _date(f: Features, j: int, becomes: str) -> list[str]:
    """The cells of a column of dates: which parts of them are inputs, mean and deviation."""
    name = f.numeric[j]
    date = f.dates[name]
    kind = "time of day" if date.of_day else "date"
    parts = ", ".join(["elapsed time", *date.parts])
    fill = written(float(f.fill[j]), date.of_day) if name in f.indicators else ""
    moments = ["", ""]
    if f.standardize:
        mean, scale = written(float(f.mean[j]), date.of_day), f"{number(float(f.scale[j]) / DAY)} d"
        moments = [mean.partition(".")[0], scale]
    return [kind, f"{becomes}: {parts}", *moments, fill]
