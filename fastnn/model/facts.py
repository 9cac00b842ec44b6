"""What a model says of itself in words: its repr, its look in a notebook, and `fastnn inspect`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn.data.preprocess import Features
from fastnn.data.table import listed
from fastnn.data.targets import Targets
from fastnn.errors import shown
from fastnn.recipe.forms import written
from fastnn.text import engine_text, metric_rows
from fastnn.training.learner import Learner


def model_facts(
    learner: Learner,
    features: Features,
    targets: Targets,
    target_name: str | tuple[str, ...],
    options: Mapping[str, Any],
) -> dict[str, str]:
    """Return what the network is, what it takes and predicts, and how it was trained.

    >>> from fastnn.api.train import train
    >>> train("diabetes", hidden_layer_sizes=[], epochs=1).model.facts()["network"]
    '10 inputs -> 1 identity; squared_error; 11 parameters'
    """
    facts = {"task": task_text(targets.task, target_name)}
    if targets.classes is not None:
        facts["classes"] = f"{len(targets.classes)}: {listed(targets.classes.tolist())}"
    if targets.mean is not None and targets.scale is not None:
        units = [
            "in its own units" if (m, s) == (0, 1) else f"mean {m:g}, deviation {s:g}"
            for m, s in zip(targets.mean, targets.scale, strict=True)
        ]
        facts["target"] = listed(units)
    facts["network"] = str(learner.network)
    facts["numbers"] = learner.parameters.dtype.name
    facts["columns"] = f"{len(features.columns)}: {listed(features.columns)}"
    facts["inputs"] = f"{features.n_features}: {'; '.join(_inputs(features))}"
    if options:
        facts["training"] = ", ".join(
            f"{name.replace('_', ' ')} {written(value)}"
            for name, value in options.items()
            if name == "seed" or not (value is True or value in (None, 0.0, []))
        )
    if said := engine_text(learner.history.engine):
        facts["engine"] = said
    return facts


def report_rows(report: Mapping[str, Mapping[str, float]]) -> list[list[str]]:
    """Return the metrics of each part as the rows of a table, the parts in the order of their use.

    >>> report_rows({"test": {"loss": 0.5}, "train": {"loss": 0.25}})
    [['', 'loss'], ['train', '0.2500'], ['test', '0.5000']]
    """
    return metric_rows(ordered(report)) if report else []


def ordered(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts in the order of their use: a file keeps them by name.

    >>> ordered({"test": {}, "train": {}})
    {'train': {}, 'test': {}}
    """
    order = ("train", "validation", "test")
    return {part: report[part] for part in sorted(report, key=order.index)}


def task_text(task: str, target_name: str | tuple[str, ...]) -> str:
    """Return the task, and of what.

    >>> task_text("binary", "who"), task_text("multilabel", ("a", "b"))
    ("binary of 'who'", "multilabel of 'a', 'b'")
    """
    names = (target_name,) if isinstance(target_name, str) else target_name
    return f"{task} of {listed(map(shown, names))}"


def _inputs(f: Features) -> list[str]:
    done = "standardised" if f.standardize else "as they are"
    n_numbers = len(f.numeric) - len(f.dates)
    inputs = [f"{n_numbers} numeric, {done}"] if n_numbers else []
    if f.indicators:
        inputs.append(f"{len(f.indicators)} for missing values ({listed(f.indicators)})")
    if f.categories:
        kinds = [f"{name} ({len(values)} values)" for name, values in f.categories.items()]
        n = sum(len(values) + 1 for values in f.categories.values())
        inputs.append(f"{n} for the categories of {listed(kinds)}")
    if f.dates:
        n = sum(1 + len(date.names(name)) for name, date in f.dates.items())
        kinds = [f"{name} (elapsed time{''.join(map(', {}'.format, date.parts))})"
                 for name, date in f.dates.items()]  # fmt: skip
        inputs.append(f"{n} for the dates of {listed(kinds)}")
    return inputs
