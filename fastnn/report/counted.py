"""Counts of more rows than are looked at: of all, or of as many as a page has the time for."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.statistics import DataWarning
from fastnn.model.model import Model
from fastnn.preparation.examples import Examples
from fastnn.preparation.preparation import Preparation
from fastnn.preparation.record import drawn
from fastnn.training.class_counts import ClassCounts, count

Array = npt.NDArray[Any]

#: Nanoseconds that a row takes, on two cores: its label, a number, a category, a multiplication by
#: a weight, an output. All rows together take no longer than about a second.
OF_A_ROW, OF_A_NUMBER, OF_A_CATEGORY, OF_A_WEIGHT, OF_AN_OUTPUT = 200.0, 30.0, 260.0, 0.05, 18.0
MOST_TIME = 7e8
#: So many numbers are worked on at a time.
BLOCK = 2**22


def counted(model: Model, examples: Examples, most: int, seed: int) -> ClassCounts | None:
    """Return how often each class or label is predicted, and for what; None of a regression.

    Of more rows than ``most`` so many are drawn by ``seed``. Rows whose output is not finite are
    left out.

    >>> from fastnn.api.train import train
    >>> from fastnn.preparation.examples import read_source
    >>> model = train("breast_cancer", hidden_layer_sizes=[], epochs=1).model
    >>> counted(model, read_source("breast_cancer").examples, 1000, seed=0).rows.tolist()
    [212, 357]
    """
    if model.task == "regression":
        return None
    few = drawn(examples, most, seed)
    prepared = Preparation(model.features, model.targets, model.network.loss)
    wide = max(len(model.features.columns), model.features.n_features, model.network.sizes[-1])
    found = None
    for start in range(0, len(few), size := max(BLOCK // wide, 100)):
        rows = few.rows(np.arange(start, min(start + size, len(few))))
        with warnings.catch_warnings():  # which were given for the rows that are looked at
            warnings.simplefilter("ignore", DataWarning)
            X, Y = prepared.rows(rows), prepared.target(rows)
        one = count(model.targets, model.learner.predict(X), Y, rows.flat_weights)
        found = one if found is None or one is None else found + one
    return found


def most_counted(model: Model) -> int:
    """Return how many rows a page has the time to count.

    >>> from fastnn.api.train import train
    >>> most_counted(train("breast_cancer", hidden_layer_sizes=[], epochs=1).model)
    625251
    """
    numbers, categories = len(model.features.numeric), len(model.features.categories)
    of_a_row = OF_A_ROW + OF_A_NUMBER * numbers + OF_A_CATEGORY * categories
    of_a_row += OF_A_WEIGHT * model.network.n_parameters + OF_AN_OUTPUT * model.network.sizes[-1]
    return int(MOST_TIME / of_a_row)
