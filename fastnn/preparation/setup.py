"""From choices and examples to all that a training needs: network, preprocessing, arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastnn.data.preprocess import Features
from fastnn.data.targets import Targets
from fastnn.data.tasks import check_task
from fastnn.errors import arg
from fastnn.nn.network import Network, network
from fastnn.preparation.examples import Source
from fastnn.preparation.fit_to_task import (
    choose_loss,
    choose_metrics,
    choose_output,
    choose_standardization,
    output_units,
)
from fastnn.preparation.loss_weights import class_weights
from fastnn.preparation.parts import divide
from fastnn.preparation.preparation import Preparation
from fastnn.preparation.record import Record
from fastnn.recipe.config import Config
from fastnn.recipe.recipe import Recipe
from fastnn.training.part import Part

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
    record: Record
    config: Config = field(default_factory=Config)  # what was asked for


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
    task = check_task(source.task)
    cost = choose_loss(recipe.loss, task, recipe.label_smoothing)
    output = choose_output(recipe.output_activation, task, cost)
    standardizes = choose_standardization(recipe.standardize_target, task, cost, output)
    judges = choose_metrics(recipe.metrics, recipe.monitor, task)
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
    train, inputs, outputs = parts["train"], (split, recipe.standardize), (split, standardizes)
    features = _remember(
        shared,
        ("features", inputs),
        lambda: Features.fit(
            train.table,
            dtype=dtype,
            standardize=recipe.standardize,
            categorical=[
                c for c in source.columns["categorical"] if c in train.table.numeric_names
            ],
            weights=train.flat_weights,
            reading=source.reading,
        ),
    )
    targets = _remember(
        shared,
        ("targets", outputs),
        lambda: Targets.fit(
            train.target, task, dtype=dtype, standardize=standardizes, weights=train.flat_weights
        ),
    )
    prepared = Preparation(features, targets, cost)
    own = {"validation": validation, "test": test}
    where = {name: f"{name if own.get(name) is None else arg(name)} part: " for name in parts}
    arrays = {
        name: (
            _remember(shared, ("X", name, inputs), partial(prepared.rows, part, where[name])),
            _remember(shared, ("Y", name, outputs), partial(prepared.target, part, where[name])),
        )
        for name, part in parts.items()
    }
    by_class = class_weights(recipe.class_weight, targets, arrays["train"][1])
    ready = {
        name: prepared.part(
            part, where[name], arrays=arrays[name], by_class=by_class, metrics=judges.metrics
        )
        for name, part in parts.items()
    }
    given = {"validation": validation, "test": source.test if test is None else test}
    record = _remember(
        shared,
        ("record", split),
        lambda: Record.of(
            source, parts, targets, arrays["train"][1],
            tuple(name for name, part in given.items() if part is not None), recipe.split_seed,
        ),
    )  # fmt: skip
    net = network(
        (features.n_features, *recipe.hidden_layer_sizes, output_units(targets, cost)),
        activation=recipe.activation if recipe.hidden_layer_sizes else [],
        output_activation=output,
        dropout=recipe.dropout if recipe.hidden_layer_sizes else [],
        loss_function=cost,
        batch_normalization=recipe.batch_normalization if recipe.hidden_layer_sizes else None,
    )
    return Setup(
        recipe, net, features, targets, ready, judges.greater_is_better, source.target_name, record
    )


def _remember(shared: Shared, key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what was made under ``key``; make it if it is new."""
    if key not in shared:
        shared[key] = make()
    return shared[key]
