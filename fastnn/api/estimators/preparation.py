"""What a fit divides its examples into, its penalty, and the network that it describes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from fastnn.api.estimators.parameters import hidden_units
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, DataError, arg
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.losses import LossFunction
from fastnn.nn.network import Network, network
from fastnn.preparation.examples import Examples
from fastnn.preparation.fit_to_task import output_units
from fastnn.preparation.parts import hold_out


def divide(given: Examples, task: str, fraction: float, seed: int) -> tuple[Examples, Examples]:
    """Return the training part and the validation part for early stopping.

    Classes keep their shares in both parts, however many there are; one with a single example
    stays in the training part. Raises DataError if the validation part has fewer than two
    examples.
    """
    n, held = len(given), None
    if fraction * n >= 1:
        with suppress(DataError, ArgumentError):
            train, held = hold_out(given, task, fraction, seed)
    if held is None or len(held) < 2:
        raise DataError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            f"dataset: {fraction:g} of {n} examples"
        )
    return train, held


def effective_alpha(alpha: float, given: Examples) -> float:
    """Return the L2 strength for a cost whose weights have the mean 1.

    The penalty is ``alpha / (2 s) sum W^2``, s being the sample size: the examples, or the sum of
    their weights, so that a weight of 2 is an example that is there twice. Raises ArgumentError
    for weights of which so little is left that the penalty is infinite.
    """
    if given.weights is None:
        return alpha
    with np.errstate(over="ignore"):
        found = float(alpha * len(given) / given.weights.sum())
    if not math.isfinite(found):
        raise ArgumentError(
            f"{arg('sample_weight')}: its sum {given.weights.sum():g} is too small beside "
            f"{arg('l2', alpha)}: scale the weights"
        )
    return found


def make_network(
    p: Mapping[str, Any],
    n_inputs: int,
    targets: Targets,
    cost: LossFunction,
    output: ActivationFunction,
) -> Network:
    """Return the network that the parameters describe."""
    hidden = hidden_units(p)
    return network(
        (n_inputs, *hidden, output_units(targets, cost)),
        activation=p["activation"] if hidden else [],
        output_activation=output,
        dropout=p["dropout"] if hidden else [],
        batch_normalization=p["batch_normalization"] if hidden else None,
        loss_function=cost,
    )


def check_same_shape(before: Network, now: Network) -> None:
    """Raise ArgumentError if training cannot go on, because the parameters changed the network.

    >>> check_same_shape(network([2, 5, 1]), network([2, 7, 1]))
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: the network was [2, 5, 1] and would now be [2, 7, 1]: warm_start...
    """
    if before.sizes != now.sizes or before.normalized != now.normalized:
        raise ArgumentError(
            f"the network was {list(before.sizes)} and would now be {list(now.sizes)}: warm_start "
            "and partial_fit go on with the same layers; use warm_start=False for others",
            argument="hidden_layer_sizes",
        )
