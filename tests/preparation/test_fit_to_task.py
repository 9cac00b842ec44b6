"""The choices that depend on each other: what fits, what has no effect."""

import numpy as np
import pytest

from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, DataError
from fastnn.nn.activations import activation
from fastnn.nn.losses import LOSSES, loss
from fastnn.preparation.fit_to_task import (
    check_target_range,
    choose_loss,
    choose_metrics,
    choose_output,
    choose_standardization,
    output_units,
)


def own(a, y):
    return (a - y) ** 4


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
def test_every_task_has_a_loss_and_each_loss_knows_its_tasks(task):
    assert task in choose_loss(None, task).tasks
    for row in LOSSES:
        if task in row.tasks:
            assert choose_loss(row.name, task).name == row.name
        else:
            with pytest.raises(
                ArgumentError, match=f"loss '{row.name}' does not fit a {task} target"
            ):
                choose_loss(row.name, task)


@pytest.mark.parametrize(
    ("spec", "task", "smoothing", "said"),
    [
        ("squared_error", "regression", 0.1, "'squared_error' has no option 'label_smoothing'"),
        (own, "regression", 0.1, "label_smoothing has no effect with a loss of your own"),
        ("binary_crossentropy(label_smoothing=0.2)", "binary", 0.1, "label_smoothing is given twi"),
        (None, "binary", 1.0, r"label_smoothing=1.0 is outside \[0, 1\)"),
        (None, "binary", "a lot", "label_smoothing must be a number, found 'a lot'"),
        (own, "multiclass", 0.0, "loss 'custom' does not fit a multiclass target"),
        ("mse_", "regression", 0.0, "unknown loss 'mse_'; did you mean 'mse'"),
    ],
)
def test_losses_that_cannot_be(spec, task, smoothing, said):
    with pytest.raises(ArgumentError, match=said):
        choose_loss(spec, task, smoothing)


def test_the_outputs_of_a_classifier_are_probabilities():
    squared = loss("squared_error")
    assert choose_output(None, "multilabel", squared).name == "sigmoid"
    assert choose_output(None, "regression", squared).name == "identity"
    assert choose_output("tanh", "regression", squared).name == "tanh"
    assert choose_output(lambda z: 1 / (1 + np.exp(-z)), "binary", squared).expression is not None
    assert choose_output(None, "multiclass", loss("categorical_crossentropy")).name == "softmax"
    for wrong in ("identity", "tanh", "relu"):
        with pytest.raises(ArgumentError, match=f"'{wrong}' gives no probabilities"):
            choose_output(wrong, "binary", squared)


def test_a_target_is_standardised_where_its_units_do_not_matter():
    identity, exponential = activation("identity"), activation("exponential")
    huber, poisson = loss("huber"), loss("poisson")
    assert choose_standardization(None, "regression", huber, identity)
    assert not choose_standardization(None, "regression", huber, exponential)
    assert not choose_standardization(None, "regression", poisson, exponential)
    assert not choose_standardization(None, "regression", poisson, identity), "either is enough"
    assert choose_standardization(True, "regression", huber, exponential)
    assert not choose_standardization(False, "regression", huber, identity)
    with pytest.raises(ArgumentError, match="cannot be used with loss 'poisson'"):
        choose_standardization(True, "regression", poisson, exponential)
    for wanted in (True, False):
        with pytest.raises(ArgumentError, match="no effect with a binary target: leave it out"):
            choose_standardization(wanted, "binary", huber, identity)


def test_what_is_watched_is_computed():
    watched = "top_k_accuracy(k=2)"
    judges = choose_metrics(["acc", "top_k_accuracy(k=2)"], watched, "multiclass")
    assert judges.greater_is_better
    assert not choose_metrics([], "loss", "regression").greater_is_better
    assert not choose_metrics(None, "rmse", "regression").greater_is_better
    for metrics, monitor, said in (
        (None, "acuracy", "found 'acuracy'; did you mean 'accuracy'"),
        (["f1"], "accuracy", r"monitor must be 'loss' or one of the metrics \(f1\)"),
        ("accuracy", "loss", "metrics must be a list of names, found 'accuracy'"),
        (["acc", "accuracy"], "loss", "metrics: 'accuracy' is there twice"),
        (["rmse"], "loss", "metric 'rmse' does not apply to a multiclass target"),
    ):
        with pytest.raises(ArgumentError, match=said):
            choose_metrics(metrics, monitor, "multiclass")


def test_output_units():
    three = Targets.fit([0, 1, 2], "multiclass")
    assert output_units(three, loss("categorical_crossentropy")) == 3
    assert output_units(Targets.fit([0, 1], "binary"), loss("binary_crossentropy")) == 1
    assert output_units(Targets.fit(np.eye(4), "regression"), loss("huber")) == 4


def test_targets_that_no_loss_can_use():
    with pytest.raises(DataError, match="validation: loss 'poisson' needs values of at least 0"):
        check_target_range(np.array([[2.0], [-0.5]]), loss("poisson"), "validation")
    with pytest.raises(DataError, match="target: a value is too large to compute with in float32"):
        check_target_range(np.array([[np.inf]], np.float32), loss("huber"))
