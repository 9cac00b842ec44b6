"""From examples to arrays with weights: the one way, for every door and for every part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.errors import DataError, arg, inside
from fastnn.nn.losses import LossFunction
from fastnn.preparation.examples import Examples
from fastnn.preparation.fit_to_task import check_target_range
from fastnn.preparation.loss_weights import loss_weights
from fastnn.training.class_counts import count
from fastnn.training.metrics import score
from fastnn.training.part import Part

Array = npt.NDArray[Any]


class Transform(Protocol):
    """What makes rows for the network: (N, n_0), C-contiguous, of its dtype."""

    def transform(self, table: Table) -> Array: ...


@dataclass(frozen=True, eq=False)
class Preparation:
    """How examples become what a network takes: learnt from the training part, kept by the model.

    ``features`` make rows of numbers of a table (`fastnn.data.preprocess.Features`), ``targets``
    what the loss ``cost`` compares the outputs with; ``names`` is what a door calls the two in
    messages, such as "X: " and "y: ".

    >>> from fastnn.data.preprocess import Features
    >>> from fastnn.nn.losses import loss
    >>> from fastnn.preparation.examples import read_source
    >>> examples = read_source("diabetes").examples
    >>> features, targets = Features.fit(examples.table), Targets.fit(examples.target, "regression")
    >>> part = Preparation(features, targets, loss("squared_error")).part(examples)
    >>> part.X.shape, part.Y.shape, part.w
    ((442, 10), (442, 1), None)
    """

    features: Transform
    targets: Targets
    cost: LossFunction
    names: tuple[str, str] = ("", "")

    def rows(self, examples: Examples, where: str = "") -> Array:
        """Return the inputs: (N, n_0), C-contiguous, of the features' dtype."""
        with inside(where + self.names[0]):
            return self.features.transform(examples.table)

    def target(self, examples: Examples, where: str = "") -> Array:
        """Return what the loss takes: (N, K) floats, or (N, 1) class indices for softmax.

        Raises DataError for labels that the training part did not have, and for values that the
        loss or the dtype cannot take.
        """
        with inside(where + self.names[1]):
            if len(examples.target) != len(examples.table):
                raise DataError(
                    f"{arg('target')} has {len(examples.target)} values for {len(examples.table)} "
                    "rows of "
                    "data"
                )
            with np.errstate(over="ignore", invalid="ignore"):  # refused just below
                Y = self.targets.encode(examples.target, examples.where)
            check_target_range(Y, self.cost, "" if self.names[1] else "target")
        return Y

    def part(
        self,
        examples: Examples,
        where: str = "",
        *,
        arrays: tuple[Array, Array] | None = None,
        by_class: Array | None = None,
        metrics: Sequence[object] = (),
        scaled: bool = True,
    ) -> Part:
        """Return the arrays of a part, and how the outputs for them are judged.

        ``where`` is said before what is wrong with the part; ``arrays``: X and Y, where they are
        made already; ``by_class``: weights as `class_weights` returns them. The weights of the
        loss are scaled to the mean 1, so that they change proportions and not the size of the
        steps, and the loss is a weighted mean; not ``scaled``, the cost is ``1/m sum_i w_i L_i``.
        Metrics count the weights of the examples, not those of the classes.

        Raises DataError if every example has the weight 0.
        """
        X, Y = arrays or (self.rows(examples, where), self.target(examples, where))
        w = loss_weights(examples.weights, by_class, self.targets, Y)
        if w is not None:
            if not w.any():
                raise DataError(f"{where}every example has the weight 0")
            w = (w / (w.mean() if scaled else 1.0)).astype(X.dtype)
        if not metrics:
            return Part(X, Y, w)
        own = examples.flat_weights
        judge = partial(score, self.targets, Y=Y, metrics=metrics, weights=own)
        return Part(X, Y, w, judge, partial(count, self.targets, Y=Y, weights=own))
