"""A trained model examined on data: what its layers are like there, and what is wrong."""

from __future__ import annotations

from typing import Any, Unpack

from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.doctor import examine
from fastnn.model.given import AnyModel, as_model
from fastnn.preparation.preparation import Preparation
from fastnn.recipe.table import ReadingOptions
from fastnn.report.case import case_of


def diagnose(
    model: AnyModel, data: Any, target: Any = None, **reading: Unpack[ReadingOptions]
) -> Diagnosis:
    """Look at signals and gradients of every layer of a model on data with a known target.

    The ``findings`` name what is wrong, with cause and cure: gradients that vanish or explode, dead
    or saturated units, inputs and targets that are not scaled, a learning rate that was too high or
    too low, weights that began equal, a loss no better than chance. ``looks[0].layers`` are the
    numbers: weights, signals ``Z`` and ``A``, gradients ``dW`` and ``db``, the size of ``dZ``.

    ``model``: a trained model, estimator or `Sequential`; ``data``, ``target``, ``reading``: as in
    `Model.evaluate`; of more than 1,000 rows so many are looked at. Raises DataError if the columns
    do not fit, ArgumentError for what is no model.

    >>> from fastnn.api.train import train
    >>> from fastnn.datasets.builtin import load
    >>> digits, layers = load("digits"), [32] * 20
    >>> model = train("digits", hidden_layer_sizes=layers, activation="sigmoid", epochs=1).model
    >>> print(diagnose(model, digits.table, digits.target).findings[0])
    vanishing gradients: the size of dZ in layer 1 is ...e-13 times that of the last of 21 ...
    """
    given, model = model, as_model(model)
    prepared = Preparation(model.features, model.targets, model.network.loss)
    part = prepared.part(model.examples(data, target, **reading))
    return examine(model.learner, part, case_of(model, given))
