"""From what a user hands over to rows that can be judged."""

from __future__ import annotations

from typing import Any

from fastnn.model.model import Model
from fastnn.preparation.examples import Examples, check_there, is_built_in
from fastnn.recipe.table import ReadingOptions


def read(model: Model, data: Any, target: Any, reading: ReadingOptions) -> Examples:
    """Return rows with their target: of a built-in data set its test part if it has one of its own.

    >>> from fastnn.api.train import train
    >>> model = train("diabetes", hidden_layer_sizes=[], epochs=1).model
    >>> len(read(model, "diabetes", None, {}))
    442

    Raises DataError or ArgumentError as `Model.evaluate` does.
    """
    if not is_built_in(data):
        check_there(data)
    return model.examples(data, target, **reading)
