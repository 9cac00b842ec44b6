"""What a diagnosis found, as text: the layers as a table, findings in the spelling of the flags."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from fastnn.cli.messages import note
from fastnn.cli.train_arguments import as_flag
from fastnn.streams import say

if TYPE_CHECKING:
    from fastnn.diagnosis.doctor import Diagnosis
    from fastnn.diagnosis.findings import Finding
    from fastnn.diagnosis.layers import LayerStatistics, Look

#: So many layers are shown, of more the first and the last ones.
MOST_LAYERS = 12


def tell(finding: Finding) -> None:
    """Say what a look at a training has found, while it goes on."""
    note(f"doctor: {finding.said(as_flag)}")


def warn(findings: Sequence[Finding]) -> None:
    """Say in a line each what is wrong with a training."""
    for finding in findings:
        note(f"warning: {finding.said(as_flag)}")


def say_diagnosis(diagnosis: Diagnosis) -> None:
    """Print what was seen at the end of a training, and all that was found."""
    if not diagnosis.looks:
        return
    last = diagnosis.looks[-1]
    say(f"\ndoctor: {len(diagnosis.looks)} looks; {seen_in_words(last)}:\n{layers_table(last)}")
    say(findings_text(diagnosis.findings))


def seen_in_words(seen: Look) -> str:
    """Return what a look was at.

    >>> from fastnn.diagnosis.layers import Look
    >>> seen_in_words(Look("at the end", 1000, 0.25, ()))
    'at the end, on 1,000 examples (loss 0.2500)'
    """
    from fastnn.text import number

    when = f"{seen.when}, " if seen.when else ""
    many = f"{seen.examples:,} example{'s' * (seen.examples != 1)}"
    return f"{when}on {many} (loss {number(seen.loss)})"


def findings_text(findings: Sequence[Finding]) -> str:
    """Return all that was found, wrapped.

    >>> findings_text([])
    'nothing is found to be wrong'
    """
    from fastnn.text import WIDTH

    lines = [
        fill(
            finding.said(as_flag), WIDTH, subsequent_indent="  ", break_on_hyphens=False,
            break_long_words=False,
        )
        for finding in findings
    ]  # fmt: skip
    return "\n".join(lines) or "nothing is found to be wrong"


def layers_table(seen: Look) -> str:
    """Return the signals and gradients of each layer, a line each."""
    from fastnn.text import table

    layers = seen.layers
    steps = any(x.update is not None for x in layers)
    header = ["layer", "A", "dW", f"dZ / dZ[{len(layers)}]", "units", *["update / W"] * steps]
    rows = [[_layer(x), *_measured(x), *[_short(x.update)] * steps] for x in layers]
    if len(rows) > MOST_LAYERS:
        k = MOST_LAYERS // 2
        rows = [*rows[:k], ["...", *[""] * (len(header) - 1)], *rows[-k:]]
    says = "A, dW: root mean squares of activations and of the weights' gradient"
    if steps:
        says += ";\nupdate / W: by how much a step changes the weights"
    return f"{table([header, *rows])}\n{says}"


def _layer(x: LayerStatistics) -> str:
    return f"{x.layer}  {x.units} {x.activation}"


def _measured(x: LayerStatistics) -> list[str]:
    sizes = [None if s is None else s.rms for s in (x.A, x.dW)]
    flat = "" if x.saturated is None else f"{x.saturated} saturated"
    return [*map(_short, [*sizes, x.delta]), flat if x.dead is None else f"{x.dead} dead"]


def _short(value: float | None) -> str:
    """Three digits; a dash where there is no number.

    >>> _short(0.00012345), _short(float("nan"))
    ('0.000123', '-')
    """
    return "-" if value is None or value != value else f"{value:.3g}"
