"""From choices and examples to all that a training needs: network, preprocessing, arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.preprocess import Features
from fastnn.data.targets import Targets
from fastnn.data.tasks import check_task
from fastnn.errors import DataError, inside
from fastnn.nn.network import Network, network
from fastnn.preparation.examples import Examples, Source, divide
from fastnn.preparation.fit_to_task import (
    check_target_range,
    choose_loss,
    choose_metrics,
    choose_output,
    choose_standardization,
    output_units,
)
from fastnn.preparation.loss_weights import class_weights, loss_weights
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.table import ClassWeight
from fastnn.training.loop import Part
from fastnn.training.metrics import score

Array = npt.NDArray[Any]

#: What was made for one training and serves others that ask for the same.
Shared = dict[Hashable, Any]


@dataclass(frozen=True, eq=False)
class Setup:
    """A training made ready: nothing but the weights is missing."""

    recipe: Recipe
    network: Network
    features: Features
    targets: Targets
    parts: Mapping[str, Part]  # "train", "validation", "test"
    greater_is_better: bool
    target_name: str | tuple[str, ...]


def set_up(
    source: Source,
    recipe: Recipe,
    *,
    dtype: str = "float32",
    validation: Any = None,
    test: Any = None,
    shared: Shared | None = None,
) -> Setup:
    """Split and preprocess the examples as chosen, and lay out the network.

    All preprocessing is fitted on the training part. ``shared``: what other trainings on the same
    source made and this one can use, and the other way round.

    >>> from fastnn.preparation.examples import read_source
    >>> setup = set_up(read_source("digits"), Recipe.of(hidden_layer_sizes=[16]))
    >>> setup.network.sizes, len(setup.parts["train"])
    ((64, 16, 10), 1078)
    """
    kind = check_task(source.task)
    cost = choose_loss(recipe.loss, kind, recipe.label_smoothing)
    output = choose_output(recipe.output_activation, kind, cost)
    standardizes = choose_standardization(recipe.standardize_target, kind, cost, output)
    judges = choose_metrics(recipe.metrics, recipe.monitor, kind)
    shared = {} if shared is None else shared
    split = (recipe.fractions, recipe.split_seed, recipe.fold)
    parts = _remember(
        shared,
        ("parts", split),
        lambda: divide(
            source, fractions=recipe.fractions, validation=validation, test=test,
            seed=recipe.split_seed, fold=recipe.fold,
        ),
    )  # fmt: skip
    table = parts["train"].table
    inputs = ("inputs", split, recipe.standardize)
    features = _remember(
        shared,
        inputs,
        lambda: Features.fit(
            table,
            dtype=dtype,
            standardize=recipe.standardize,
            categorical=[c for c in source.columns["categorical"] if c in table.numeric_names],
        ),
    )
    outputs = ("outputs", split, standardizes)
    targets = _remember(
        shared,
        outputs,
        lambda: Targets.fit(parts["train"].target, kind, dtype=dtype, standardize=standardizes),
    )
    arrays = {}
    for name, part in parts.items():
        Y = _remember(shared, (name, *outputs), partial(_encode, targets, part, name))
        X = _remember(shared, (name, *inputs), partial(_transform, features, part, name))
        check_target_range(Y, cost, f"{name} part, target")
        arrays[name] = X, Y
    weights = _remember(
        shared,
        ("weights", *outputs, repr(recipe.class_weight)),
        lambda: _weights(recipe.class_weight, parts, targets, arrays, features.dtype),
    )
    ready = {
        name: Part(
            *arrays[name], weights[name], _Score(targets, arrays[name][1], judges.metrics,
                                                 part.weights)
        )
        for name, part in parts.items()
    }  # fmt: skip
    net = network(
        (features.n_features, *recipe.hidden_layer_sizes, output_units(targets, cost)),
        activation=recipe.activation if recipe.hidden_layer_sizes else [],
        output_activation=output,
        dropout=recipe.dropout if recipe.hidden_layer_sizes else [],
        loss_function=cost,
        batch_normalization=recipe.batch_normalization if recipe.hidden_layer_sizes else None,
    )
    return Setup(
        recipe, net, features, targets, ready, judges.greater_is_better, source.target_name
    )


def _remember(shared: Shared, key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what was made under ``key``; make it if it is new."""
    if key not in shared:
        shared[key] = make()
    return shared[key]


def _encode(targets: Targets, part: Examples, name: str) -> Array:
    with inside(f"{name} part: "), np.errstate(over="ignore", invalid="ignore"):
        return targets.encode(part.target)


def _transform(features: Features, part: Examples, name: str) -> Array:
    with inside(f"{name} part: "):
        return features.transform(part.table)


def _weights(
    class_weight: ClassWeight,
    parts: Mapping[str, Examples],
    targets: Targets,
    arrays: Mapping[str, tuple[Array, Array]],
    dtype: npt.DTypeLike,
) -> dict[str, Array | None]:
    """Return the weights in the loss, by part; those of the training part have the mean 1."""
    by_class = class_weights(class_weight, targets, arrays["train"][1])
    found: dict[str, Array | None] = {}
    mean = 1.0
    for name, part in parts.items():
        w = loss_weights(part.weights, by_class, targets, arrays[name][1])
        if w is not None:
            if not w.any():
                raise DataError(f"every example of the {name} part has the weight 0")
            if name == "train":
                mean = float(w.mean())  # so that weights change proportions, not the step size
            w = (w / mean).astype(dtype)
        found[name] = w
    return found


@dataclass(frozen=True, eq=False)
class _Score:
    """The metrics of one part as a function of the network's outputs."""

    targets: Targets
    Y: Array
    metrics: Sequence[object]
    weights: Array | None

    def __call__(self, A: Array) -> dict[str, float]:
        weights = None if self.weights is None else self.weights[:, 0]
        return score(self.targets, A, self.Y, self.metrics, weights)
