"""From choices and examples to all that a training needs: network, preprocessing, arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy.typing as npt

from fastnn.data.placeholders import tell_placeholders
from fastnn.data.preprocess import Features
from fastnn.data.statistics import DataNote
from fastnn.data.strange import Strange, tell_of_parts
from fastnn.data.targets import Targets
from fastnn.data.tasks import Task, check_task
from fastnn.errors import arg, inside, warn
from fastnn.nn.network import Network, network
from fastnn.preparation.baseline import constant
from fastnn.preparation.examples import Examples, Source, read_source
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
from fastnn.recipe.choices import pick
from fastnn.recipe.config import Config
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import SourceOptions
from fastnn.training.batching import Batching, choose_batching
from fastnn.training.part import Part

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
    record: Record
    constant: Array  # (K,) what to say without looking at a column: `baseline.constant`
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
    judges = choose_metrics(recipe.metrics, recipe.monitor, task, cost)
    shared = {} if shared is None else shared
    if recipe.loss is None:  # which would say what is meant
        _remember(shared, "whole numbers", lambda: _tell_whole_numbers(source))
    split = (recipe.fractions, recipe.split, recipe.split_seed, recipe.fold)
    parts = _remember(
        shared,
        ("parts", split),
        lambda: divide(
            source, fractions=recipe.fractions, validation=validation, test=test,
            seed=recipe.split_seed, fold=recipe.fold, rule=recipe.split,
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
            keep_text=source.kept_text,
            weights=train.flat_weights,
            reading=source.reading,
            weight=source.weight,
        ),
    )
    targets = _remember(
        shared,
        ("targets", outputs),
        lambda: _targets(train, source.target_name, task, dtype, standardizes),
    )
    prepared = Preparation(features, targets, cost)
    own = {"validation": validation, "test": test}
    where = {name: f"{name if own.get(name) is None else arg(name)} part: " for name in parts}
    rows = _remember(shared, ("X", inputs), lambda: _rows(features, parts, where))
    arrays = {
        name: (
            rows[name],
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
            features.left_out, recipe.split,
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
        recipe, net, features, targets, ready, judges.greater_is_better, source.target_name, record,
        constant(record.prior, train, cost),
    )  # fmt: skip


def _targets(
    train: Examples, name: str | tuple[str, ...], task: Task, dtype: str, standardizes: bool
) -> Targets:
    """Fit the encoding of the target; a number in it that may mean no value is told."""
    if task == "regression" and train.target.dtype.kind in "iuf":
        values = train.target.reshape(len(train), -1)
        several = [f"{name} {j}" for j in range(values.shape[1])]
        names = name if isinstance(name, tuple) else several if len(several) > 1 else [name]
        tell_placeholders(values, names, what="target")
    return Targets.fit(
        train.target, task, dtype=dtype, standardize=standardizes, weights=train.flat_weights,
        place=train.where,
    )  # fmt: skip


def _tell_whole_numbers(source: Source) -> None:
    """Warn (DataNote) of few whole numbers that are values; of classes the metrics tell at once."""
    if source.whole_numbers and source.task == "regression":
        warn(
            DataNote(
                f"the target has {source.whole_numbers} different whole numbers, which are taken "
                f"as values; as classes: {arg('task', 'multiclass')}"
            )
        )


def _rows(
    features: Features, parts: Mapping[str, Examples], where: Mapping[str, str]
) -> dict[str, Array]:
    """Return the rows of every part; what is strange in them is told once, for all of them."""
    found: dict[str, Array] = {}
    strange: dict[str, list[Strange]] = {name: [] for name in parts}
    for name, part in parts.items():
        with inside(where[name]):
            found[name] = features.transform(part.table, strange[name])
    tell_of_parts(strange)
    return found


def prepared(
    data: Any,
    target: Any,
    recipe: Recipe,
    settings: RunSettings,
    *,
    validation: Any = None,
    test: Any = None,
    sample_weight: Any = None,
    options: Mapping[str, Any],
) -> tuple[Setup, Batching]:
    """Read what a user hands over, set the training up, and see that it fits into the memory.

    ``options``: those of the source are taken. Raises what reading and `set_up` raise, DeviceError
    for a device that cannot be used or too little memory.

    >>> setup, sizes = prepared("digits", None, Recipe.of(), RunSettings(), options={})
    >>> setup.network.sizes, sizes.batch_size
    ((64, 128, 10), 32)
    """
    backend = settings.backend()
    source = read_source(
        data, target, sample_weight=sample_weight, split=recipe.split,
        **pick(options, SourceOptions),
    )  # fmt: skip
    setup = set_up(source, recipe, dtype=settings.dtype, validation=validation, test=test)
    part = setup.parts["train"]
    examples = (part.X, part.Y, part.w)
    return setup, choose_batching(backend, setup.network, examples, recipe, settings.dtype)


def _remember(shared: Shared, key: Hashable, make: Callable[[], Any]) -> Any:
    """Return what was made under ``key``; make it if it is new."""
    if key not in shared:
        shared[key] = make()
    return shared[key]
