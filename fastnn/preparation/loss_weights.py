"""Weights of examples in the loss: sample weights times class weights, mean 1 in training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.host.arrays import to_host
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, arg, shown
from fastnn.recipe.table import ClassWeight
from fastnn.registry import as_float, did_you_mean

Array = npt.NDArray[Any]


def class_weights(class_weight: ClassWeight, targets: Targets, Y: Array) -> Array | None:
    """Return a weight for each class (K,), or for each label of a multilabel target (k,).

    ``"balanced"``: ``N / (K N_c)`` for a class with N_c of the N training examples in ``Y``. A
    mapping gives a weight to each class by its label, the others have 1; for a multilabel target
    a list gives one to each label.

    >>> targets = Targets.fit(["a", "b", "b", "b"], "binary")
    >>> class_weights("balanced", targets, targets.encode(["a", "b", "b", "b"])).round(3).tolist()
    [2.0, 0.667]

    Raises ArgumentError for a regression target, an unknown label or a negative weight.
    """
    if class_weight is None:
        return None
    if targets.task == "regression":
        raise ArgumentError(
            f"{arg('class_weight')} has no effect in regression: use {arg('sample_weight')}"
        )
    if targets.task == "multilabel":
        return _label_weights(class_weight, targets.n_outputs)
    assert targets.classes is not None
    labels = targets.classes.tolist()
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ArgumentError(
                f"{arg('class_weight')} must be 'balanced' or a weight for each label, found "
                f"{shown(class_weight)}{did_you_mean(class_weight, ['balanced'])}"
            )
        counts = np.bincount(Y[:, 0].astype(np.int64), minlength=len(labels))
        return len(Y) / (len(labels) * np.maximum(counts, 1))
    if not isinstance(class_weight, Mapping) or not class_weight:
        raise ArgumentError(
            f"{arg('class_weight')} must be 'balanced' or a mapping of labels to weights, found "
            f"{shown(class_weight)}"
        )
    weights = np.ones(len(labels))
    for label, weight in class_weight.items():
        if label not in labels:
            raise ArgumentError(
                f"{arg('class_weight')}: unknown label {label!r} (known: "
                f"{', '.join(map(repr, labels))})"
            )
        weights[labels.index(label)] = _one_weight(label, weight)
    return _checked(weights)


def _label_weights(class_weight: ClassWeight, k: int) -> Array:
    if not isinstance(class_weight, (list, tuple, np.ndarray)):
        raise ArgumentError(
            f"{arg('class_weight')} for a multilabel target is a list of {k} weights, found "
            f"{shown(class_weight)}"
        )
    weights = np.array([_one_weight(j, weight) for j, weight in enumerate(class_weight)])
    if weights.shape != (k,):
        raise ArgumentError(
            f"{arg('class_weight')} has {weights.size} weights, the target has {k} labels"
        )
    return _checked(weights)


def _one_weight(label: object, weight: object) -> float:
    if isinstance(weight, bool) or not isinstance(weight, (int, float, np.integer, np.floating)):
        raise ArgumentError(
            f"{arg('class_weight')}: the weight of {shown(label)} is {weight!r}, not a number"
        )
    return as_float(weight)


def _checked(weights: Array) -> Array:
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ArgumentError(
            f"{arg('class_weight')} must be finite and not negative, and not all 0, found "
            f"{weights.tolist()}"
        )
    return weights


def loss_weights(
    sample: Array | None, by_class: Array | None, targets: Targets, Y: Array
) -> Array | None:
    """Return the weights of the loss, (N, 1) or for weighted labels (N, k), or None.

    ``sample``: (N, 1) or None; ``by_class`` as `class_weights` returns it.
    """
    if by_class is None:
        return sample
    chosen = (
        np.broadcast_to(by_class, (len(Y), len(by_class)))
        if targets.task == "multilabel"
        else by_class[Y[:, 0].astype(np.int64)].reshape(-1, 1)
    )
    return np.array(chosen if sample is None else chosen * sample)


def check_weights(weights: npt.ArrayLike, n: int) -> Array:
    """Return sample weights as (n, 1) float64; raise ArgumentError if they cannot be used.

    >>> check_weights([1, 2], 2).ravel()
    array([1., 2.])
    """
    try:
        w = np.asarray(to_host(weights), np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{arg('sample_weight')} must be a list of numbers") from None
    if w.shape not in ((n,), (n, 1)):
        raise ArgumentError(
            f"{arg('sample_weight')} has shape {w.shape}, needs one weight for {n} rows"
        )
    if not np.isfinite(w).all() or (w < 0).any() or not w.any():
        raise ArgumentError(
            f"{arg('sample_weight')} must be finite and not negative, and not 0 for every example"
        )
    return w.reshape(n, 1)
