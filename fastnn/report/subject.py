"""What a report is about: a model, and the rows by which it is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastnn.diagnosis.findings import Finding
from fastnn.errors import Spelling, in_python
from fastnn.model.model import Model
from fastnn.pictures.marks import Panel
from fastnn.preparation.record import Record
from fastnn.report.judged import Judged
from fastnn.text import clipped
from fastnn.training.class_counts import ClassCounts

#: Characters of a label or a column in a chart, and in a table.
IN_CHART, IN_TABLE = 18, 48


@dataclass(frozen=True, eq=False)
class Subject:
    """A model with what is known of its training.

    ``judged``: rows that it was not chosen by, if there are any; ``chosen``: rows to choose a
    threshold by, the validation part's where that is known; ``look``: rows for a look at the
    layers. ``error``: why the loss was no longer a number, if it was not; ``findings``: what was
    found to be wrong in the training; ``rate``: how its learning rate was found, if it was looked
    for; ``file``: the name of the model's file, if it has one; ``spelling``: how the door of the
    page writes options.
    """

    model: Model
    record: Record | None = None
    judged: Judged | None = None
    chosen: Judged | None = None
    look: Judged | None = None
    error: str = ""
    findings: tuple[Finding, ...] = ()
    rate: tuple[str, Panel] | None = None
    seed: int = 0
    file: str = ""
    spelling: Spelling = in_python

    @property
    def one_row(self) -> bool:
        """Whether it is judged by a single row, from which there is little to be seen."""
        return self.judged is not None and len(self.judged) == 1


def of_training(
    model: Model,
    record: Record | None,
    counts: ClassCounts | None = None,
    *,
    error: str = "",
    findings: tuple[Finding, ...] = (),
    rate: tuple[str, Panel] | None = None,
    seed: int = 0,
    file: str = "",
    spelling: Spelling = in_python,
) -> Subject:
    """Return what a training left, judged on rows of its test part; ``counts`` are of all of them.

    >>> from fastnn.api.train import train
    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=1)
    >>> of_training(training.model, training.record).judged.said
    'the 88 rows of the test part'
    """
    known = Subject(
        model, error=error, findings=findings, rate=rate, seed=seed, file=file, spelling=spelling
    )
    if record is None:
        return known
    names = {"train": "the training part"}
    rows = {
        name: Judged.of(
            model, examples, names.get(name, f"the {name} part"), record.rows[name], known=True
        )
        for name, examples in record.samples.items()
    }
    judged = replace(rows["test"], every=counts)
    return replace(
        known, record=record, judged=judged, chosen=rows["validation"], look=rows["train"]
    )


def outputs_of(model: Model, most: int = IN_TABLE) -> list[str]:
    """Return what the outputs are called: the classes, the labels or the targets.

    >>> from fastnn.api.train import train
    >>> outputs_of(train("breast_cancer", hidden_layer_sizes=[], epochs=1).model)
    ['0', '1']
    """
    classes, names = model.targets.classes, model.target_name
    if classes is not None:
        return [clipped(str(label), most) for label in classes.tolist()]
    if isinstance(names, str):
        k = model.targets.n_outputs
        names = (names,) if k == 1 else tuple(f"{names} {j}" for j in range(k))
    return [clipped(name, most) for name in names]


def target_of(model: Model, most: int = IN_TABLE) -> str:
    """Return what is predicted.

    >>> from fastnn.api.train import train
    >>> target_of(train("breast_cancer", hidden_layer_sizes=[], epochs=1).model)
    'benign'
    """
    names = model.target_name
    return clipped(names if isinstance(names, str) else ", ".join(names), most)
