"""What is known of a model's training, for causes and cures: by the door at which it began."""

from __future__ import annotations

from fastnn.diagnosis.findings import ELSEWHERE, ESTIMATOR, SEQUENTIAL, TRAIN, Case, Door
from fastnn.model.model import Model


def case_of(model: Model, given: object = None) -> Case:
    """Return the case of a model; ``given``: what it was made of, if it was an estimator.

    >>> from fastnn.api.train import train
    >>> case_of(train("diabetes", epochs=1).model).door.finds_rate
    True
    """
    door = _door(model, given)
    return Case.of(model.network, model.options, model.features, model.targets, door)


def _door(model: Model, given: object) -> Door:
    if hasattr(given, "get_params"):
        return ESTIMATOR
    if not model.options:
        return ELSEWHERE
    # Only a Sequential has an initialiser for each layer without being told one.
    own = not model.config.given and isinstance(model.options.get("initializer"), (list, tuple))
    return SEQUENTIAL if own else TRAIN
