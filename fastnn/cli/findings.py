"""What a diagnosis found, as text: the layers as a table, findings in the spelling of the flags."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

from fastnn.cli.messages import note
from fastnn.cli.train_arguments import as_flag
from fastnn.streams import say

if TYPE_CHECKING:
    from fastnn.diagnosis.diagnosis import Diagnosis
    from fastnn.diagnosis.findings import Finding
    from fastnn.diagnosis.layers import Look

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
    from fastnn.diagnosis.diagnosis import seen_in_words

    if diagnosis.looks:
        last = diagnosis.looks[-1]
        say(f"\ndoctor: {len(diagnosis.looks)} looks; {seen_in_words(last)}:\n{layers_table(last)}")
        say(findings_text(diagnosis.findings))


def findings_text(findings: Sequence[Finding]) -> str:
    """Return all that was found, wrapped.

    >>> findings_text([])
    'nothing is found to be wrong'
    """
    from fastnn.diagnosis.diagnosis import WELL
    from fastnn.text import WIDTH

    lines = [
        fill(
            finding.said(as_flag), WIDTH, subsequent_indent="  ", break_on_hyphens=False,
            break_long_words=False,
        )
        for finding in findings
    ]  # fmt: skip
    return "\n".join(lines) or WELL


def layers_table(seen: Look) -> str:
    """Return the signals and gradients of each layer, a line each, and what they are."""
    from fastnn.diagnosis.diagnosis import layer_rows
    from fastnn.text import table

    header, *rows = layer_rows(seen)
    if len(rows) > MOST_LAYERS:
        k = MOST_LAYERS // 2
        rows = [*rows[:k], ["...", *[""] * (len(header) - 1)], *rows[-k:]]
    says = "A, dW: root mean squares of activations and of the weights' gradient"
    delta = header[3]
    says += f";\n{delta}: size of a layer's error signal, relative to the last layer's"
    if header[-1] == "update / W":
        says += ";\nupdate / W: by how much a step changes the weights"
    return f"{table([header, *rows])}\n{says}"
