"""From choices and examples to all that a training needs: network, preprocessing, arrays."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.random import check_seed
from fastnn.data.preprocess import Features
from fastnn.data.targets import Targets
from fastnn.data.tasks import check_task
from fastnn.errors import ArgumentError, DataError
from fastnn.nn.network import Network, network
from fastnn.preparation.examples import Examples, Source, divide
from fastnn.preparation.fit_to_task import (
    check_target_range,
    choose_loss,
    choose_metrics,
    choose_output,
    choose_standardization,
    initializer_form,
    layer_sizes,
    output_units,
)
from fastnn.preparation.loss_weights import ClassWeight, class_weights, loss_weights
from fastnn.recipe.recipe import TrainingOptions, training_options
from fastnn.training.loop import Part
from fastnn.training.metrics import score

Array = npt.NDArray[Any]

#: What was made for one training and serves others that ask for the same.
Shared = dict[Hashable, Any]


@dataclass(frozen=True)
class Choices:
    """The arguments of a training that do not say where the examples come from; `choices` checks.

    ``settings`` are those of the training loop; the others are as in `fastnn.train`.
    """

    settings: TrainingOptions
    hidden: tuple[int, ...]
    activation: object
    output_activation: object
    initializer: object
    loss: object
    label_smoothing: float
    dropout: float | Sequence[float]
    batch_normalization: object
    class_weight: ClassWeight
    metrics: Sequence[object] | None
    standardize: bool
    standardize_target: bool | None
    fractions: Sequence[float] | None
    split_seed: int
    fold: tuple[int, int] | None

    def to_json(self) -> dict[str, Any]:
        """Return what a model file keeps of them."""
        return {**self.settings.to_json(), "initializer": initializer_form(self.initializer)}


def choices(
    *,
    hidden_layer_sizes: Sequence[int] | int = (128,),
    activation: object = "relu",
    output_activation: object = None,
    initializer: object = None,
    loss: object = None,
    label_smoothing: float = 0.0,
    dropout: float | Sequence[float] = 0.0,
    batch_normalization: object = None,
    class_weight: ClassWeight = None,
    metrics: Sequence[object] | None = None,
    standardize: bool = True,
    standardize_target: bool | None = None,
    fractions: Sequence[float] | None = None,
    split_seed: int | None = None,
    fold: tuple[int, int] | None = None,
    seed: int = 0,
    patience: int | None = 10,
    **options: Any,
) -> Choices:
    """Return choices, checked as far as that is possible without examples.

    >>> choices(hidden_layer_sizes=16, seed=3).split_seed
    3
    """
    settings = training_options(patience=patience, seed=seed, **options)
    settings.check_schedule()
    if not isinstance(standardize, bool):
        raise ArgumentError(f"standardize must be True or False, found {standardize!r}")
    initializer_form(initializer)
    return Choices(
        settings=settings,
        hidden=layer_sizes(
            hidden_layer_sizes,
            activation=(activation, "relu"),
            dropout=(dropout, 0.0),
            batch_normalization=(batch_normalization, None),
        ),
        activation=activation,
        output_activation=output_activation,
        initializer=initializer,
        loss=loss,
        label_smoothing=label_smoothing,
        dropout=dropout,
        batch_normalization=batch_normalization,
        class_weight=class_weight,
        metrics=metrics,
        standardize=standardize,
        standardize_target=standardize_target,
        fractions=fractions,
        split_seed=settings.seed if split_seed is None else check_seed(split_seed),
        fold=fold,
    )


@dataclass(frozen=True, eq=False)
class Setup:
    """A training made ready: nothing but the weights is missing."""

    choices: Choices
    network: Network
    features: Features
    targets: Targets
    parts: Mapping[str, Part]  # "train", "validation", "test"
    greater_is_better: bool
    target_name: str | tuple[str, ...]


def set_up(
    source: Source,
    chosen: Choices,
    *,
    dtype: str = "float32",
    categorical: Collection[str] = (),
    validation: Any = None,
    test: Any = None,
    shared: Shared | None = None,
) -> Setup:
    """Split and preprocess the examples as chosen, and lay out the network.

    All preprocessing is fitted on the training part. ``shared``: what other trainings on the same
    source made and this one can use, and the other way round.

    >>> from fastnn.preparation.examples import read_source
    >>> setup = set_up(read_source("digits"), choices(hidden_layer_sizes=[16]))
    >>> setup.network.sizes, len(setup.parts["train"])
    ((64, 16, 10), 1078)
    """
    kind = check_task(source.task)
    cost = choose_loss(chosen.loss, kind, chosen.label_smoothing)
    output = choose_output(chosen.output_activation, kind, cost)
    standardizes = choose_standardization(chosen.standardize_target, kind, cost, output)
    judges = choose_metrics(chosen.metrics, chosen.settings, kind)
    shared = {} if shared is None else shared
    fractions = None if chosen.fractions is None else tuple(np.ravel(chosen.fractions))
    split = (fractions, chosen.split_seed, chosen.fold)
    parts = _remember(
        shared,
        ("parts", split),
        lambda: divide(
            source, fractions=chosen.fractions, validation=validation, test=test,
            seed=chosen.split_seed, fold=chosen.fold,
        ),
    )  # fmt: skip
    table = parts["train"].table
    inputs = ("inputs", split, chosen.standardize)
    features = _remember(
        shared,
        inputs,
        lambda: Features.fit(
            table,
            dtype=dtype,
            standardize=chosen.standardize,
            categorical=[c for c in categorical if c in table.numeric_names],
            reading=source.reading,
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
        ("weights", *outputs, repr(chosen.class_weight)),
        lambda: _weights(chosen.class_weight, parts, targets, arrays, features.dtype),
    )
    ready = {
        name: Part(
            *arrays[name], weights[name], _Score(targets, arrays[name][1], judges.metrics,
                                                 part.weights)
        )
        for name, part in parts.items()
    }  # fmt: skip
    net = network(
        (features.n_features, *chosen.hidden, output_units(targets, cost)),
        activation=chosen.activation if chosen.hidden else [],
        output_activation=output,
        dropout=chosen.dropout if chosen.hidden else [],
        loss_function=cost,
        batch_normalization=chosen.batch_normalization if chosen.hidden else None,
    )
    return Setup(
        chosen, net, features, targets, ready, judges.greater_is_better, source.target_name
    )


def _remember(shared: Shared, key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what was made under ``key``; make it if it is new."""
    if key not in shared:
        shared[key] = make()
    return shared[key]


def _encode(targets: Targets, part: Examples, name: str) -> Array:
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return targets.encode(part.target)
    except DataError as error:
        raise DataError(f"{name} part: {error}") from error


def _transform(features: Features, part: Examples, name: str) -> Array:
    try:
        return features.transform(part.table)
    except DataError as error:
        raise DataError(f"{name} part: {error}") from error


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
