"""Permutation importance: by how much a metric suffers when a column tells nothing any more.

A column of the table, not an input of the network: of a column with categories or gaps all inputs
that it becomes are permuted together. As each row becomes inputs by itself, this is the same as
permuting the column of the table. Source: Breiman, "Random Forests", 2001, section 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.backend.random import check_seed, generator
from fastnn.errors import ArgumentError, DataError, arg, shown
from fastnn.faces import Face
from fastnn.model.given import AnyModel, as_model
from fastnn.model.model import Model
from fastnn.preparation.examples import Examples
from fastnn.preparation.record import drawn
from fastnn.recipe.checks import whole
from fastnn.recipe.table import ReadingOptions
from fastnn.report.judged import Judged
from fastnn.report.read import read
from fastnn.text import number, numbers
from fastnn.training.metrics import default_metrics, greater_is_better, metric_names, probabilities

Array = npt.NDArray[Any]

#: Unless told otherwise so many rows are looked at, and all their repeats together have no more
#: than so many numbers, which is 128 MB.
MOST_ROWS, MOST_NUMBERS = 20_000, 2**25


@dataclass(frozen=True, eq=False, repr=False)
class Importance:
    """By how much ``metric`` gets worse when a column is permuted.

    ``score``: the metric on the rows as they are; ``drops`` (p, repeats): for each of the
    ``columns`` by how much it is worse with its values in another order, in each repeat.
    ``rows`` of ``total`` were looked at.

    >>> found = Importance("r2", True, 0.9, ("a", "b"), np.array([[0.5, 0.7], [0.0, 0.2]]), 5, 5, 0)
    >>> found.mean.tolist(), found.deviation.round(3).tolist(), found.ranked
    ([0.6, 0.1], [0.1, 0.1], [0, 1])
    >>> [row["column"] for row in found]
    ['a', 'b']
    """

    metric: str
    greater_is_better: bool
    score: float
    columns: tuple[str, ...]
    drops: Array
    rows: int
    total: int
    seed: int

    @property
    def mean(self) -> Array:
        """The mean over the repeats (p,)."""
        return np.asarray(self.drops.mean(axis=1))

    @property
    def deviation(self) -> Array:
        """The standard deviation over the repeats (p,)."""
        return np.asarray(self.drops.std(axis=1))

    @property
    def ranked(self) -> list[int]:
        """The places of the columns, the most important first."""
        return [int(j) for j in np.argsort(-np.nan_to_num(self.mean, nan=-np.inf), kind="stable")]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        mean, deviation = self.mean, self.deviation
        for j in self.ranked:
            yield {
                "column": self.columns[j],
                "importance": float(mean[j]),
                "deviation": float(deviation[j]),
            }

    @property
    def cells(self) -> list[list[str]]:
        """The columns as the rows of a table: name, importance and deviation, as text."""
        rows = list(self)
        columns = (numbers([row[name] for row in rows]) for name in ("importance", "deviation"))
        return [[row["column"], *own] for row, *own in zip(rows, *columns, strict=True)]

    def _face(self) -> Face:
        of = f"{self.rows:,} of {self.total:,}" if self.rows < self.total else f"all {self.rows:,}"
        worse = "lower" if self.greater_is_better else "higher"
        facts = {"metric": f"{self.metric} {number(self.score)}", "rows": of}
        facts["repeats"] = f"{self.drops.shape[1]}, seed {self.seed}"
        head = ["column", f"{self.metric} {worse} by", "deviation"]
        return Face("Importance", facts, [head, *self.cells], "columns")

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()


def explain(
    model: AnyModel,
    data: Any,
    target: Any = None,
    *,
    by: str | None = None,
    repeats: int = 5,
    rows: int | None = None,
    seed: int = 0,
    **reading: Unpack[ReadingOptions],
) -> Importance:
    """Return how much each column matters to a model: permutation importance.

    A column's values are put into another order, so that it tells nothing of its row; by how much
    the metric gets worse is its importance. It is of this model, not of the world: of two columns
    that say the same each may seem of no importance, and on rows that the model was trained on
    what it learnt by heart seems to matter.

    Parameters
    ----------
    model : a trained model, estimator or `Sequential`.
    data : a built-in name, a file, a data frame, a dict of columns or an array: rows with a known
        target, best such as were not in training.
    target : as in `Model.evaluate`: None takes the column or columns of the training.
    by : a metric, such as "accuracy"; None takes "accuracy", of regression "r2".
    repeats : so many permutations of each column; their deviation says what chance does.
    rows : look at so many rows, drawn by ``seed``; None: at 20,000, fewer with many inputs.
    reading : as in `Model.predict`.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=20).model
    >>> found = explain(model, "diabetes")
    >>> len(found.columns), found.metric, found.drops.shape
    (10, 'r2', (10, 5))

    Raises ArgumentError for a metric that does not fit the task, DataError for rows that the model
    cannot take, and for a single row, which cannot be permuted.
    """
    model = as_model(model)
    examples = read(model, data, target, reading)
    return explained(model, examples, by=by, repeats=repeats, rows=rows, seed=seed)


def explained(
    model: Model,
    examples: Examples,
    *,
    by: str | None = None,
    repeats: int = 5,
    rows: int | None = None,
    seed: int = 0,
) -> Importance:
    """`explain` with examples that have been read."""
    repeats = whole("repeats", repeats)
    name, seed = checked_metric(model, by), check_seed(seed)
    most = most_rows(model, repeats) if rows is None else whole("rows", rows)
    if rows is not None and most < 2:
        raise ArgumentError(
            f"{arg('rows')} must be 2 or more to be permuted, found {most}", value=1
        )
    few = drawn(examples, most, seed)
    judged = Judged.of(model, few, "the data", len(examples))
    if len(judged) < 2:
        raise DataError("what matters cannot be told from one row: give two or more")
    return importance(judged, metric=name, repeats=repeats, seed=seed)


def checked_metric(model: Model, by: str | None) -> str:
    """Return the metric to explain by; raise ArgumentError for one that does not fit the task.

    >>> from fastnn.api.train import train
    >>> checked_metric(train("diabetes", hidden_layer_sizes=[], epochs=1).model, None)
    'r2'
    """
    if by is None:
        return default_metrics(model.task, model.network.loss)[0]
    if not isinstance(by, str):
        raise ArgumentError(
            f"{arg('by')} must be the name of a metric, found {shown(by)}", value=by
        )
    try:
        (name,) = metric_names(model.task, [by])
    except ArgumentError as error:  # there it is one of several
        said = str(error).removeprefix("metrics: ")
        raise ArgumentError(f"{arg('by')}: {said}", value=by) from None
    return name


def most_rows(model: Model, repeats: int) -> int:
    """Return how many rows are looked at, so that all their repeats fit into the memory.

    >>> from fastnn.api.train import train
    >>> most_rows(train("digits", hidden_layer_sizes=[], epochs=1).model, 5)
    20000
    """
    return max(100, min(MOST_ROWS, MOST_NUMBERS // (repeats * model.features.n_features)))


def importance(judged: Judged, *, metric: str, repeats: int, seed: int) -> Importance:
    """Return the importance of each column on rows that have been judged.

    All repeats of a column are one prediction.
    """
    model, X, N = judged.model, judged.part.X, len(judged)
    better = greater_is_better(metric)
    (score,) = judged.judged(judged.output, [metric]).values()
    orders = [generator(seed, "importance", r).permutation(N) for r in range(repeats)]
    order = np.concatenate(orders)
    rows = np.tile(X, (repeats, 1))
    columns = model.features.columns
    drops = np.empty((len(columns), repeats))
    places = model.features.places
    for j, column in enumerate(columns):
        mine = places[column]
        rows[:, mine] = X[:, mine][order]
        outputs = model.learner.predict(rows).astype(np.float64)
        for r in range(repeats):
            found = _decoded(judged, outputs[r * N : (r + 1) * N])
            (value,) = judged.judged(found, [metric]).values()
            drops[j, r] = score - value if better else value - score
        rows[:, mine] = np.tile(X[:, mine], (repeats, 1))
    return Importance(metric, better, score, columns, drops, N, judged.total, seed)


def _decoded(judged: Judged, A: Array) -> Array:
    """Outputs of the network in the form in which they are judged."""
    targets = judged.model.targets
    if targets.task == "regression":
        return np.asarray(targets.inverse(A)).reshape(-1, targets.n_outputs)
    return probabilities(targets.task, A)
