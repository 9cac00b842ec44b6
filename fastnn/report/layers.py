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
from fastnn.report.learning import HEIGHT, WIDTH, logarithmic
from fastnn.report.subject import Subject
from fastnn.text import number

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
    case = Case.of(model.network, model.options, model.features, model.targets)
    found = examine(model.learner, rows.part, case)
    return replace(found, findings=merged([*subject.findings, *found.findings]))


def layers(subject: Subject, found: Diagnosis) -> str:
    """Return the chapter: what was found, signals and gradients, and the weights.

    >>> from fastnn.api.train import train
    >>> subject = Subject(train("diabetes", hidden_layer_sizes=[4], epochs=2).model)
    >>> "W[1]" in layers(subject, diagnosis(subject))
    True
    """
    (seen,) = found.looks
    parts = [paragraph(str(finding), "warning") for finding in found.findings]
    if not seen.examples:
        parts.append(paragraph("Signals and gradients are measured on rows, and there are none."))
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
    rows = [
        [
            f"{x.layer} {x.activation}", f"{x.units:,}",
            _short(_rms(x.Z)), _short(_rms(x.A)), f"{x.A.zeros:.0%}" if x.A is not None else "",
            _short(_rms(x.dW)), _short(_rms(x.db)),
            _short(math.nan if x.delta is None else x.delta),
            *("" if n is None else f"{n:,}" for n in (x.dead, x.saturated)),
        ]
        for x in layers[:MOST]
    ]  # fmt: skip
    return table(head, rows)


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
    rows = []
    for x in layers[:MOST]:
        kinds = {f"W[{x.layer}]": x.weights, f"b[{x.layer}]": x.biases}
        kinds |= {f"{name}[{x.layer}]": s for name, s in x.norm.items()}
        for name, s in kinds.items():
            gain = _short(x.gain) if s is x.weights else ""
            shape = f"{x.units} x {x.inputs if s is x.weights else 1}"
            rows.append([name, shape, *map(_short, (s.mean, s.std, s.max)), f"{s.zeros:.0%}", gain])
    head = ["weights and biases", "shape", "mean", "deviation", "largest", "are 0", "gain"]
    return table(head, rows) + paragraph(
        "Gain: the square root of the inputs times the mean square of W; by so much W A is larger "
        "than A."
    )


def _short(value: float) -> str:
    """Three digits, as sizes of layers differ by powers of ten."""
    return f"{value:.3g}" if math.isfinite(value) else number(value)
