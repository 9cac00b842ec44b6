"""What was seen of a network and found to be wrong, as one thing that shows itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastnn.diagnosis.findings import Finding
from fastnn.diagnosis.layers import LayerStatistics, Look
from fastnn.errors import Spelling, in_python
from fastnn.faces import Curve, Face
from fastnn.text import number

WELL = "nothing is found to be wrong"


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """What is wrong, and the ``looks`` at the layers by which it was found, if there were any.

    >>> print(Diagnosis())
    nothing is found to be wrong
    """

    findings: tuple[Finding, ...] = ()
    looks: tuple[Look, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings)) or WELL

    def to_json(self, spelling: Spelling = in_python) -> dict[str, Any]:
        """Return the same in dicts and lists; ``spelling``: of the options in causes and cures."""
        return {
            "findings": [finding.to_json(spelling) for finding in self.findings],
            "looks": [seen.to_json() for seen in self.looks],
        }

    def _face(self) -> Face:
        facts: dict[str, str | Curve] = {}
        for finding in self.findings:
            facts[finding.name] = str(finding).partition(": ")[2]
        rows: list[list[str]] = []
        if self.looks:
            facts["seen"] = seen_in_words(self.looks[-1])
            rows = layer_rows(self.looks[-1])
        return Face("Diagnosis" + f": {WELL}" * (not self.findings), facts, rows, "layers")

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()


def seen_in_words(seen: Look) -> str:
    """Return what a look was at.

    >>> seen_in_words(Look("at the end", 1000, 0.25, ()))
    'at the end, on 1,000 examples (loss 0.2500)'
    """
    if not seen.examples:
        return "the weights alone"
    when = f"{seen.when}, " if seen.when else ""
    many = f"{seen.examples:,} example{'s' * (seen.examples != 1)}"
    return f"{when}on {many} (loss {number(seen.loss)})"


def layer_rows(seen: Look) -> list[list[str]]:
    """Return the signals and gradients of each layer as rows of a table, their names first.

    ``A``, ``dW``: root mean squares; ``dZ / dZ[L]``: its size relative to that of the last layer;
    "update / W": by how much a step changes the weights, where that is known.

    >>> layer_rows(Look("", 0, 0.0, ()))
    [['layer', 'A', 'dW', 'dZ / dZ[0]', 'units']]
    """
    layers = seen.layers
    steps = any(x.update is not None for x in layers)
    header = ["layer", "A", "dW", f"dZ / dZ[{len(layers)}]", "units", *["update / W"] * steps]
    return [header, *([*_measured(x), *[_short(x.update)] * steps] for x in layers)]


def _measured(x: LayerStatistics) -> list[str]:
    sizes = [None if s is None else s.rms for s in (x.A, x.dW)]
    flat = "" if x.saturated is None else f"{x.saturated} saturated"
    flat = flat if x.dead is None else f"{x.dead} dead"
    return [f"{x.layer}: {x.units} {x.activation}", *map(_short, [*sizes, x.delta]), flat]


def _short(value: float | None) -> str:
    """Three digits; a dash where there is no number.

    >>> _short(0.00012345), _short(float("nan"))
    ('0.000123', '-')
    """
    return "-" if value is None or value != value else f"{value:.3g}"
