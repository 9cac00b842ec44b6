"""What the layers are like on real rows: weights, signals, gradients, units that do nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from fastnn.diagnosis.diagnosis import Diagnosis, seen_in_words
from fastnn.diagnosis.doctor import examine, weigh
from fastnn.diagnosis.findings import Case, merged
from fastnn.diagnosis.layers import LayerStatistics, Statistics
from fastnn.pictures.marks import Axis, Chart, Line
from fastnn.pictures.page import chapter, folded, grid, paragraph, table
from fastnn.report.case import case_of
from fastnn.report.learning import HEIGHT, WIDTH, logarithmic
from fastnn.report.subject import Subject
from fastnn.text import sizes

#: From so many layers on they are drawn, and of so many at the most a table shows all.
DRAWN, MOST = 3, 200


def diagnosis(subject: Subject) -> Diagnosis:
    """Return what is found when the layers are looked at on the subject's rows, if it has any.

    What was found in the training comes first.

    >>> from fastnn.api.train import train
    >>> diagnosis(Subject(train("diabetes", hidden_layer_sizes=[4], epochs=2).model)).looks[0].loss
    nan
    """
    model, rows = subject.model, subject.look
    if rows is None:
        return weigh(model.learner, Case(model.network, model.options))
    found = examine(model.learner, rows.part, case_of(model))
    return replace(found, findings=merged([*subject.findings, *found.findings]))


def layers(subject: Subject, found: Diagnosis) -> str:
    """Return the chapter: what was found, signals and gradients, and the weights.

    >>> from fastnn.api.train import train
    >>> subject = Subject(train("diabetes", hidden_layer_sizes=[4], epochs=2).model)
    >>> "W[1]" in layers(subject, diagnosis(subject))
    True
    """
    (seen,) = found.looks
    spelling = subject.spelling
    parts = [paragraph(finding.said(spelling), "warning") for finding in found.findings]
    if not seen.examples:
        why = "Signals, gradients and dead units are measured on several rows, and there are none."
        if subject.one_row:
            why = "Signals, gradients and dead units cannot be told from one row."
        parts.append(paragraph(why))
        parts.append(_weights(seen.layers))
        return chapter("Layers", *parts, anchor="layers")
    rows = "" if subject.look is None else f" of {subject.look.where}"
    said = (
        f"Signals and gradients {seen_in_words(seen).replace(' examples', f' rows{rows}', 1)}, as "
        "root mean squares; dZ is its size relative to that of the last layer: far below 1 "
        "gradients vanish on their way back, far above they explode."
    )
    if not found.findings:
        said += " Nothing is found to be wrong."
    parts += [paragraph(said), _signals(seen.layers)]
    if len(seen.layers) >= DRAWN:
        parts.append(grid(_charts(seen.layers), columns=3))
    parts.append(folded("Weights and biases", _weights(seen.layers)))
    return chapter("Layers", *parts, anchor="layers")


def _signals(layers: Sequence[LayerStatistics]) -> str:
    head = ["layer", "units", "Z", "A", "A is 0", "dW", "db", "dZ", "dead", "saturated"]
    shown = layers[:MOST]
    columns = [
        [f"{x.layer} {x.activation}" for x in shown],
        [f"{x.units:,}" for x in shown],
        sizes([_rms(x.Z) for x in shown]),
        sizes([_rms(x.A) for x in shown]),
        ["" if x.A is None else f"{x.A.zeros:.0%}" for x in shown],
        sizes([_rms(x.dW) for x in shown]),
        sizes([_rms(x.db) for x in shown]),
        sizes([x.delta for x in shown]),
        *(["" if n is None else f"{n:,}" for n in counts]
          for counts in ([x.dead for x in shown], [x.saturated for x in shown])),
    ]  # fmt: skip
    return table(head, [list(row) for row in zip(*columns, strict=True)])


def _charts(layers: Sequence[LayerStatistics]) -> list[Chart]:
    found = []
    ways = [math.nan if x.delta is None else x.delta for x in layers]
    for title, name, colour, values in (
        ("Signals", "A, root mean square", "blue", [_rms(x.A) for x in layers]),
        ("Gradients", "dW, root mean square", "green", [_rms(x.dW) for x in layers]),
        ("The way back", "dZ, of the last layer's", "orange", ways),
    ):
        log = logarithmic(values)
        line = Line.of("", [x.layer for x in layers], values, colour, "strong")
        found.append(Chart(title, (line,), Axis("layer"), Axis(name + ", logarithmic" * log, log),
                           width=WIDTH, height=HEIGHT))  # fmt: skip
    return found


def _rms(s: Statistics | None) -> float:
    return math.nan if s is None else s.rms


def _weights(layers: Sequence[LayerStatistics]) -> str:
    found = []
    for x in layers[:MOST]:
        kinds = {f"W[{x.layer}]": x.weights, f"b[{x.layer}]": x.biases}
        kinds |= {f"{name}[{x.layer}]": s for name, s in x.norm.items()}
        found += [(name, x, s) for name, s in kinds.items()]
    gains = sizes([x.gain if s is x.weights else None for _, x, s in found])
    columns = [
        [name for name, *_ in found],
        [f"{x.units} x {x.inputs if s is x.weights else 1}" for _, x, s in found],
        sizes([s.mean for *_, s in found]),
        sizes([s.std for *_, s in found]),
        sizes([s.max for *_, s in found]),
        [f"{s.zeros:.0%}" for *_, s in found],
        [gain if s is x.weights else "" for gain, (_, x, s) in zip(gains, found, strict=True)],
    ]
    rows = [list(row) for row in zip(*columns, strict=True)]
    head = ["weights and biases", "shape", "mean", "deviation", "largest", "are 0", "gain"]
    return table(head, rows) + paragraph(
        "Gain: the square root of the inputs times the mean square of W; by so much W A is larger "
        "than A."
    )
