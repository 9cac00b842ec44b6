"""Every table of names that a training can be told."""

from __future__ import annotations

from typing import Any

from fastnn.registry import Table


def tables() -> tuple[Table[Any], ...]:
    """Return the tables of what a training can be told to take.

    >>> [table.kind for table in tables()][:3]
    ['data set', 'activation', 'loss']
    """
    from fastnn.datasets.builtin import DATASETS
    from fastnn.nn.activations import ACTIVATIONS
    from fastnn.nn.initializers import INITIALIZERS
    from fastnn.nn.losses import LOSSES
    from fastnn.nn.normalization import PLACES
    from fastnn.nn.optimizers import OPTIMIZERS
    from fastnn.nn.schedules import SCHEDULES
    from fastnn.training.metrics import METRICS

    return (
        DATASETS, ACTIVATIONS, LOSSES, INITIALIZERS, PLACES, OPTIMIZERS, SCHEDULES, METRICS,
    )  # fmt: skip
