"""Examples with what a model says of them: what most of a report is made of."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.statistics import DataWarning
from fastnn.errors import DataError
from fastnn.model.model import Model
from fastnn.preparation.examples import Examples
from fastnn.preparation.preparation import Preparation
from fastnn.preparation.record import drawn
from fastnn.training.class_counts import ClassCounts
from fastnn.training.metrics import decided, default_metrics, evaluate, probabilities
from fastnn.training.part import Part

Array = npt.NDArray[Any]

#: Of a user's own data so many rows are looked at, and no more than so many numbers.
MOST_ROWS, MOST_NUMBERS = 100_000, 2**24


@dataclass(frozen=True, eq=False)
class Judged:
    """Some of the rows of ``where`` (``total`` in all), and the model's outputs for them.

    ``target`` and ``output`` are in the shapes of `training.metrics`: class indices (N,) and
    probabilities (N, K); 0/1 labels (N, K) and their probabilities; values (N, k) in their own
    units. ``part`` has the same rows as the network takes them. ``strange``: rows that are left
    out because their output is not a finite number. ``every``: counts of all of the rows, or of as
    many as there is time for, where these are fewer.
    """

    model: Model
    where: str
    total: int
    examples: Examples
    part: Part
    target: Array
    output: Array
    loss: float
    strange: int = 0
    every: ClassCounts | None = None

    @staticmethod
    def of(
        model: Model, examples: Examples, where: str, total: int | None = None, known: bool = False
    ) -> Judged:
        """Return the rows with their outputs.

        ``total``: of how many rows they were drawn; ``known``: what is strange about them was said
        in the training. Raises DataError for rows that the model cannot take.

        >>> from fastnn.api.train import train
        >>> from fastnn.preparation.examples import read_source
        >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
        >>> rows = Judged.of(model, read_source("diabetes").examples, "diabetes")
        >>> rows.target.shape, rows.output.shape, rows.said
        ((442, 1), (442, 1), 'the 442 rows of diabetes')
        """
        prepared = Preparation(model.features, model.targets, model.network.loss)
        with warnings.catch_warnings():
            if known:
                warnings.simplefilter("ignore", DataWarning)
            part = prepared.part(examples)
        outputs, loss = model.learner.evaluate(part)
        A = np.asarray(outputs, np.float64)
        finite = np.asarray(np.isfinite(A).all(axis=1))
        strange = int((~finite).sum())
        if strange == len(finite):
            raise DataError("no output of the model is a finite number: scale the inputs")
        if strange:
            rows = np.flatnonzero(finite)
            examples, A = examples.rows(rows), A[finite]
            part = Part(part.X[rows], part.Y[rows], None if part.w is None else part.w[rows])
        if model.task == "regression":
            k = model.targets.n_outputs
            target, A = (np.asarray(model.targets.inverse(v)).reshape(-1, k) for v in (part.Y, A))
        else:
            A = probabilities(model.task, A)
            target = part.Y if model.task == "multilabel" else part.Y[:, 0].astype(np.int64)
        whole = len(examples) + strange if total is None else total
        return Judged(model, where, whole, examples, part, target, A, float(loss), strange)

    def __len__(self) -> int:
        return len(self.examples)

    @property
    def said(self) -> str:
        """Which rows these are, in words."""
        n, rest = len(self), self.total - self.strange
        left = f" ({self.strange:,} left out, whose output is not finite)" if self.strange else ""
        return f"{_rows(n, self.total, n < rest)} of {self.where}{left}"

    @property
    def sampled(self) -> bool:
        """Whether there are more rows than these."""
        return len(self) + self.strange < self.total

    @property
    def weights(self) -> Array | None:
        """The examples' weights (N,), if they have any."""
        return self.examples.flat_weights

    @property
    def places(self) -> Array:
        """The number of each row, from 0, in the data that it is from."""
        index = self.examples.index
        return np.arange(len(self)) if index is None else index

    @cached_property
    def predicted(self) -> Array:
        """Class indices (N,), 0/1 labels (N, K), or values (N, k)."""
        return decided(self.model.task, self.output)

    @cached_property
    def counts(self) -> ClassCounts:
        """How often each class or label is predicted, and for what: of all rows, if it is known."""
        if self.every is not None:
            return self.every
        if self.model.task == "multilabel":
            return ClassCounts.of_labels(self.target, self.predicted, self.weights)
        K = self.output.shape[1]
        return ClassCounts.of_classes(self.target, self.predicted, K, self.weights)

    @property
    def said_of_counts(self) -> str:
        """Which rows are counted, in words."""
        n = self.counts.total
        if n == len(self):
            return self.said
        return f"{_rows(n, self.total, n < self.total - self.strange)} of {self.where}"

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """The task's own metrics on these rows, and the loss."""
        return {**self.judged(self.output), "loss": self.loss}

    def judged(self, output: Array, metrics: Sequence[object] | None = None) -> dict[str, float]:
        """Return metrics of other outputs for the same rows."""
        model = self.model
        chosen = default_metrics(model.task, model.network.loss) if metrics is None else metrics
        return evaluate(self.model.task, chosen, self.target, output, self.weights)

    def some(self, most: int, seed: int) -> Judged:
        """Return at most so many of the rows, drawn at random."""
        if len(self) <= most:
            return self
        examples = drawn(Examples(self.examples.table, self.examples.target), most, seed)
        rows = examples.index
        assert rows is not None
        part = Part(
            self.part.X[rows], self.part.Y[rows], None if self.part.w is None else self.part.w[rows]
        )
        return Judged(
            self.model, self.where, self.total, self.examples.rows(rows), part, self.target[rows],
            self.output[rows], self.loss, self.strange, self.every,
        )  # fmt: skip


def _rows(n: int, total: int, sampled: bool) -> str:
    if sampled:
        return f"{n:,} of the {total:,} rows"
    return "the only row" if n == 1 else f"the {n:,} rows"


def most_rows(model: Model) -> int:
    """Return how many rows of a user's own data a report looks at.

    >>> from fastnn.api.train import train
    >>> most_rows(train("diabetes", hidden_layer_sizes=[], epochs=1).model)
    100000
    """
    wide = max(len(model.features.columns), model.features.n_features, model.targets.n_outputs)
    return max(500, min(MOST_ROWS, MOST_NUMBERS // wide))
