"""The shape of a network: sizes, activations, dropout and loss. It holds no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from fastnn.errors import ArgumentError, arg, shown
from fastnn.nn.activations import ActivationFunction, activation
from fastnn.nn.losses import LossFunction, loss
from fastnn.nn.normalization import BatchNorm, batch_norm
from fastnn.text import clipped


@dataclass(frozen=True)
class Network:
    """Layers ``1..L``; layer ``l`` has ``sizes[l]`` units, ``sizes[0]`` is the inputs.

    ``activations[l-1]``, ``dropout[l-1]``, ``batch_norm[l-1]`` and ``use_bias[l-1]`` belong to
    layer ``l``. Without a bias ``b[l]`` is there, but stays 0. Without a hidden layer and with one
    sigmoid output it is logistic regression (N7).

    >>> net = network([3, 4, 1], loss_function="binary_crossentropy")
    >>> net.n_layers, net.n_parameters, [g.name for g in net.activations]
    (2, 21, ['relu', 'sigmoid'])
    """

    sizes: tuple[int, ...]
    activations: tuple[ActivationFunction, ...]
    dropout: tuple[float, ...]
    loss: LossFunction
    batch_norm: tuple[BatchNorm | None, ...]
    use_bias: tuple[bool, ...]

    @property
    def n_layers(self) -> int:
        """L: the layers with weights, hidden ones and output."""
        return len(self.sizes) - 1

    @property
    def n_parameters(self) -> int:
        """What is trained: weights and biases, gammas and betas."""
        gammas_and_betas = self.n_estimates  # as many as means and variances
        layers = zip(pairwise(self.sizes), self.use_bias, strict=True)
        return sum(n * (k + bias) for (k, n), bias in layers) + gammas_and_betas

    @property
    def n_estimates(self) -> int:
        """The running means and variances of batch normalisation, which are not trained."""
        return sum(2 * n for n, norm in zip(self.sizes[1:], self.batch_norm, strict=True) if norm)

    @property
    def normalized(self) -> tuple[bool, ...]:
        """For each layer, whether it has batch normalisation."""
        return tuple(norm is not None for norm in self.batch_norm)

    @property
    def trains_bias(self) -> tuple[bool, ...]:
        """For each layer, whether b is trained: not where z is normalised, for it cancels out."""
        layers = zip(self.use_bias, self.batch_norm, strict=True)
        return tuple(used and (norm is None or norm.place != "before") for used, norm in layers)

    def to_json(self) -> dict[str, Any]:
        """Return the closed form that a model file keeps."""
        form: dict[str, Any] = {
            "sizes": list(self.sizes),
            "activations": [a.to_json() for a in self.activations],
            "dropout": list(self.dropout),
            "loss": self.loss.to_json(),
        }
        if any(self.normalized):
            form["batch_norm"] = [
                None if norm is None else norm.to_json() for norm in self.batch_norm
            ]
        if not all(self.use_bias):
            form["use_bias"] = list(self.use_bias)
        return form

    @staticmethod
    def from_json(data: Any) -> Network:
        """Return the network of `to_json`; raises ArgumentError if anything is amiss."""
        entries = {"sizes", "activations", "dropout", "loss"}
        if not isinstance(data, dict) or set(data) - {"batch_norm", "use_bias"} != entries:
            raise ArgumentError("a network is described by sizes, activations, dropout and loss")
        norms = data.get("batch_norm", [None])
        lists = [data["sizes"], data["activations"], data["dropout"], norms]
        if not all(isinstance(x, list) for x in lists):
            raise ArgumentError("sizes, activations, dropout and batch_norm of a network are lists")
        if data["dropout"][-1:] != [0.0] or norms[-1:] != [None]:
            raise ArgumentError(
                "dropout of a network ends with 0 and batch_norm with null: "
                "its output layer has neither"
            )
        return network(
            data["sizes"],
            activation=data["activations"][:-1],
            output_activation=data["activations"][-1] if data["activations"] else None,
            dropout=data["dropout"][:-1],
            loss_function=data["loss"],
            batch_normalization=norms[:-1] if "batch_norm" in data else None,
            use_bias=data.get("use_bias", True),
        )

    def __str__(self) -> str:
        parts = [f"{self.sizes[0]} inputs"]
        kinds = (self.activations, self.use_bias, self.batch_norm, self.dropout)
        for n, g, bias, norm, p in zip(self.sizes[1:], *kinds, strict=True):
            extras = [] if bias else ["no bias"]
            extras += [f"batch norm {norm.place}"] if norm else []
            extras += [f"dropout {p:g}"] if p else []
            parts.append(f"{n} {g.name}" + (f" ({', '.join(extras)})" if extras else ""))
        return f"{' -> '.join(parts)}; {self.loss}; {self.n_parameters:,} parameters"

    def __repr__(self) -> str:
        return f"<Network {clipped(str(self), 200)}>"


def network(
    sizes: Sequence[int],
    *,
    activation: object = "relu",
    output_activation: object = None,
    dropout: float | Sequence[float] = 0.0,
    loss_function: object = "squared_error",
    batch_normalization: object = None,
    use_bias: bool | Sequence[bool] = True,
) -> Network:
    """Return a checked `Network`.

    Parameters
    ----------
    sizes : units of every layer, inputs first and outputs last.
    activation : one for all hidden layers, or a list with one for each: names, options or
        expressions, as `activation` takes them.
    output_activation : by default the loss's own; another one only for a loss that is a function
        of the output (squared error, absolute error, Huber, quantile, your own).
    dropout : the share of a hidden layer's outputs set to zero in training, one for all or a
        list with one for each.
    loss_function : as `loss` takes it.
    batch_normalization : "before" or "after" the activation of the hidden layers, with options
        as in "before(momentum=0.9, epsilon=1e-5)", or None; one for all or a list.
    use_bias : False leaves the biases at 0; one for all layers, the output layer too, or a list.

    >>> print(network([4, 8, 3], loss_function="categorical_crossentropy"))
    4 inputs -> 8 relu -> 3 softmax; categorical_crossentropy; 67 parameters

    Raises ArgumentError naming the argument that cannot work.
    """
    if not isinstance(sizes, (list, tuple, np.ndarray)):
        raise ArgumentError(
            f"layer {arg('sizes')} must be a list such as [4, 8, 3], found {shown(sizes)}"
        )
    sizes = tuple(sizes)
    if len(sizes) < 2 or not all(
        isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n > 0 for n in sizes
    ):
        raise ArgumentError(
            f"layer {arg('sizes')} must be whole numbers above 0, inputs first and outputs last; "
            f"found {list(sizes)}"
        )
    hidden = len(sizes) - 2
    cost = loss(loss_function)
    last = _output_activation(cost, output_activation, sizes[-1])
    activations = tuple(_activation(a) for a in _each(activation, hidden, "activation"))
    rates = tuple(_rate(p) for p in _each(dropout, hidden, "dropout"))
    norms = [batch_norm(n) for n in _each(batch_normalization, hidden, "batch_normalization")]
    # After the identity is before it: the bias cancels out there, too.
    norms = [
        replace(norm, place="before") if norm and g.name == "identity" else norm
        for norm, g in zip(norms, activations, strict=True)
    ]
    return Network(
        tuple(int(n) for n in sizes),
        (*activations, last),
        (*rates, 0.0),
        cost,
        (*norms, None),
        _biases(use_bias, len(sizes) - 1),
    )


_activation = activation  # the parameter of `network` hides the function


def _each(value: Any, hidden: int, name: str) -> list[Any]:
    """Return ``value`` once per hidden layer, or the list that it is."""
    if isinstance(value, (list, tuple)):
        if len(value) != hidden:
            raise ArgumentError(
                f"{arg(name)} has {len(value)} entries but the network has {hidden} hidden "
                f"layer{'s' * (hidden != 1)}"
            )
        return list(value)
    return [value] * hidden


def _biases(given: Any, n_layers: int) -> tuple[bool, ...]:
    chosen = list(given) if isinstance(given, (list, tuple)) else [given] * n_layers
    if len(chosen) != n_layers or not all(isinstance(used, bool) for used in chosen):
        raise ArgumentError(
            f"{arg('use_bias')} must be True or False, or a list with one for each of the "
            f"{n_layers} layers, found {given!r}"
        )
    return tuple(chosen)


def _rate(p: Any) -> float:
    if isinstance(p, bool) or not isinstance(p, (int, float, np.number)) or not 0 <= p < 1:
        raise ArgumentError(f"{arg('dropout')} must be in [0, 1), found {p!r}")
    return float(p)


def _output_activation(cost: LossFunction, given: object, n_outputs: int) -> ActivationFunction:
    chosen = activation(cost.link if given is None else given)
    if cost.from_logits and chosen.name != cost.link:
        raise ArgumentError(
            f"loss {cost.name!r} is computed from the logits and needs the output activation "
            f"{cost.link!r}, found {chosen.name!r}: leave {arg('output_activation')} out, or "
            "choose a "
            "loss of the output such as 'squared_error'"
        )
    if chosen.over_columns is not None and not cost.from_logits:
        raise ArgumentError(
            f"{arg('loss')} {cost.name!r} cannot be used with a {chosen.name} output: "
            f"use {arg('loss', 'categorical_crossentropy')}"
        )
    if cost.link == "softmax" and n_outputs < 2:
        raise ArgumentError(
            f"{arg('loss')} 'categorical_crossentropy' needs at least 2 outputs, one for each "
            f"class, found {n_outputs}: for one output use 'binary_crossentropy'"
        )
    return chosen
