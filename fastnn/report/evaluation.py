"""How good a model is on rows, in numbers and tables: what ``fastnn evaluate`` prints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.report.judged import Judged
from fastnn.report.quality import OF_THE_ROWS, baseline, better
from fastnn.report.subject import outputs_of
from fastnn.text import WIDTH, clipped, metrics_table, number, table
from fastnn.training.metrics import default_metrics

#: A confusion matrix is shown for so many classes at the most, and of more the pairs that are
#: confused most; so many classes and outputs have a line each.
MOST_IN_MATRIX, MOST_PAIRS, MOST_LINES = 20, 15, 40


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Rows with what a model says of them, and the metrics that are asked for; None: the usual.

    >>> from fastnn.api.train import train
    >>> from fastnn.preparation.examples import read_source
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> rows = Judged.of(model, read_source("diabetes").examples, "diabetes")
    >>> print(Evaluation(rows).text())
                       loss       r2 ...
    442 examples ...
    baseline ...
    """

    judged: Judged
    chosen: Sequence[object] | None = None

    @cached_property
    def names(self) -> tuple[object, ...]:
        """The metrics: the usual ones of the task, and what they leave out."""
        if self.chosen is not None:
            return tuple(self.chosen)
        task, loss = self.judged.model.task, self.judged.model.network.loss
        more: dict[str, tuple[str, ...]] = {
            "binary": ("balanced_accuracy", "average_precision"),
            "multiclass": ("balanced_accuracy",),
            "multilabel": ("average_precision",),
        }
        return (*default_metrics(task, loss), *more.get(task, ()))

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The loss and the metrics."""
        judged = self.judged
        return {"loss": judged.loss, **judged.judged(judged.output, self.names)}

    @cached_property
    def outputs(self) -> dict[str, dict[str, float]]:
        """The metrics of each target by itself, of a regression of several."""
        judged = self.judged
        k = judged.output.shape[1]
        if judged.model.task != "regression" or k == 1:
            return {}
        from fastnn.training.metrics import evaluate

        return {
            name: evaluate(
                "regression", self.names, judged.target[:, [j]], judged.output[:, [j]],
                judged.weights,
            )
            for j, name in enumerate(outputs_of(judged.model))
        }  # fmt: skip

    @cached_property
    def baseline(self) -> tuple[str, dict[str, float]]:
        """What is predicted without looking at a column, and its metrics."""
        return baseline(self.judged, self.names)

    @property
    def beaten(self) -> bool | None:
        """Whether the model is better than the baseline by the first metric; None: not defined."""
        values = self.baseline[1]
        name = next(iter(values), None)
        if name is None or not (math.isfinite(values[name]) and math.isfinite(self.metrics[name])):
            return None
        return better(name, self.metrics[name], values[name])

    def text(self) -> str:
        """Return the tables, for people."""
        n = len(self.judged)
        rows = {f"{n:,} example{'s' * (n > 1)}": self.metrics}
        rows |= {clipped(name, 24): row for name, row in list(self.outputs.items())[:MOST_LINES]}
        said, values = self.baseline
        if values:
            rows["baseline"] = values
        return "\n\n".join([metrics_table(rows), *self._words(said, values), *self._classes()])

    def _words(self, said: str, values: dict[str, float]) -> list[str]:
        judged = self.judged
        lines = []
        if values:
            lines += [said + (f" ({OF_THE_ROWS})" if judged.model.prior is None else "")]
        if self.beaten is False:
            name = next(iter(values))
            own, other = number(self.metrics[name]), number(values[name])
            lines.append(
                f"the model is no better than that: its {name} is {own}, the baseline's {other}"
            )
        if len(self.outputs) > MOST_LINES:
            lines.append(f"{len(self.outputs) - MOST_LINES:,} more outputs: see --json")
        taken = judged.model.features.weight
        if judged.weights is not None:
            lines.append("the examples are weighted: counts are sums of their weights")
        elif taken:
            lines.append(f"without weights: the column {taken!r} that training took is not there")
        if judged.strange:
            lines.append(f"{judged.strange:,} rows left out, whose output is not finite")
        return ["\n".join(line for text in lines for line in wrap(text, WIDTH))] if lines else []

    def _classes(self) -> list[str]:
        judged = self.judged
        if judged.model.task == "regression":
            return []
        counts, names = judged.counts, outputs_of(judged.model)
        columns = [counts.precision, counts.recall, counts.f1]
        met = (counts.there > 0) | (counts.found > 0)
        if judged.model.task == "multilabel" or not met.any():
            met[:] = True
        order = [k for k in range(len(names)) if met[k]]
        absent = len(names) - len(order)
        kind = "label" if judged.model.task == "multilabel" else "class"
        if len(order) > MOST_LINES:  # those that do worst
            order = sorted(order, key=lambda k: (counts.f1[k], names[k]))[:MOST_LINES]
        lines = [[kind, "precision", "recall", "f1", self._counted]]
        for k, there in zip(order, _counts(counts.there[order]), strict=True):
            shares = (number(float(column[k])) for column in columns)
            lines.append([clipped(names[k], 24), *shares, there])
        found = [table(lines)]
        if absent:
            found.append(f"{absent:,} more classes are neither there nor predicted")
        if len(names) - absent > MOST_LINES:
            found.append(
                f"the {MOST_LINES} of {len(names) - absent:,} with the lowest f1; all: see --json"
            )
        if kind == "label":
            return found
        if len(order) <= MOST_IN_MATRIX:
            matrix = counts.matrix[np.ix_(order, order)].tolist()
            return [*found, _matrix([names[k] for k in order], matrix)]
        pairs = counts.confusions()
        if not pairs:
            return found
        rows = [["true", "predicted", self._counted]]
        often = _counts(np.array([n for *_, n in pairs[:MOST_PAIRS]]))
        rows += [
            [clipped(names[i], 24), clipped(names[j], 24), n]
            for (i, j, _), n in zip(pairs, often, strict=False)
        ]
        most = f"the {MOST_PAIRS} most frequent of " if len(pairs) > MOST_PAIRS else ""
        found.append(f"taken for another class, {most}{len(pairs):,} pairs\n{table(rows)}")
        return found

    @property
    def _counted(self) -> str:
        return "examples" if self.judged.weights is None else "weight"

    def _exact(self, counts: npt.NDArray[Any]) -> list[Any]:
        """Counts as whole numbers, sums of weights as floats."""
        weighted = self.judged.weights is not None
        return list((counts if weighted else counts.astype(np.int64)).tolist())

    def document(self) -> dict[str, Any]:
        """Return all of it as numbers, texts and lists.

        >>> from fastnn.api.train import train
        >>> from fastnn.preparation.examples import read_source
        >>> model = train("digits", hidden_layer_sizes=[], epochs=1).model
        >>> found = Evaluation(Judged.of(model, read_source("digits").examples, "d")).document()
        >>> found["classes"][0]["label"], len(found["confusion_matrix"]["counts"])
        (0, 10)
        """
        judged, (said, values) = self.judged, self.baseline
        found: dict[str, Any] = {
            "examples": len(judged),
            "weighted": judged.weights is not None,
            "metrics": self.metrics,
        }
        found["baseline"] = {
            "predicts": said.removeprefix("baseline: "), "metrics": values, "beaten": self.beaten,
            "of_training": judged.model.prior is not None,
        }  # fmt: skip
        found["confusion_matrix"] = None
        if self.outputs:
            found["outputs"] = self.outputs
        classes = judged.model.targets.classes
        if judged.model.task != "regression":
            counts = judged.counts
            labels = outputs_of(judged.model) if classes is None else classes.tolist()
            key = "labels" if classes is None else "classes"
            each = zip(
                labels, counts.precision.tolist(), counts.recall.tolist(), counts.f1.tolist(),
                self._exact(counts.there), strict=True,
            )  # fmt: skip
            names = ("label", "precision", "recall", "f1", self._counted)
            found[key] = [dict(zip(names, row, strict=True)) for row in each]
            if classes is not None:
                if len(labels) <= MOST_IN_MATRIX:
                    matrix = self._exact(counts.matrix)
                    found["confusion_matrix"] = {"labels": labels, "counts": matrix}
                pairs = counts.confusions()[:1000]
                often = self._exact(np.array([n for *_, n in pairs]))
                found["confusions"] = [
                    {"true": labels[i], "predicted": labels[j], self._counted: n}
                    for (i, j, _), n in zip(pairs, often, strict=True)
                ]
        return found


def _counts(values: npt.NDArray[Any]) -> list[str]:
    """Counts, or sums of weights, with the same number of decimals."""
    decimals = 0 if (values == np.rint(values)).all() else 2
    return [f"{value:,.{decimals}f}" for value in values.tolist()]


def _matrix(labels: Sequence[str], counts: Sequence[Sequence[float]]) -> str:
    most = 8 if len(labels) > 6 else 12
    names = [n if len(n) <= most else n[: most - 1] + "~" for n in labels]
    values = np.array(counts)
    texts = np.reshape(_counts(values.reshape(-1)), values.shape)
    texts[values == 0] = "."
    rows = [[name, *row] for name, row in zip(names, texts.tolist(), strict=True)]
    return table([["true \\ predicted", *names], *rows])
