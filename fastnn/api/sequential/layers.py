"""The layers of a `Sequential`, and the network that a list of them describes.

A layer only says what is wanted; the numbers are in the network's flat parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any, TypeAlias, TypeVar

import numpy.typing as npt

from fastnn.api.sequential import keras_names
from fastnn.api.sequential.keywords import strict
from fastnn.errors import ArgumentError, about, arg
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.losses import LossFunction
from fastnn.nn.network import Network, network
from fastnn.nn.normalization import BatchNorm
from fastnn.recipe.checks import above_0, flag, share, whole

Array = npt.NDArray[Any]
N = TypeVar("N", bound="Named")
Shape: TypeAlias = int | tuple[int, ...] | None


def _sides(owner: str, shape: object) -> tuple[int, ...]:
    """Return the shape of an example: (30,) of 30, (30,) or [30], and (28, 28) as it is."""
    if not isinstance(shape, (tuple, list)):
        return (whole(owner, shape),)
    if not shape:
        raise ArgumentError(f"{arg(owner)}={shape!r} must have a number of features, such as (30,)")
    return tuple(whole(owner, side) for side in shape)


def _by(sides: tuple[int, ...]) -> str:
    return " x ".join(map(str, sides))


@dataclass(frozen=True)
class Named:
    """What every layer has: a name, for the user alone, and weights as a layer of a model.

    >>> Dropout(0.5, name="half").name
    'half'
    """

    name: str | None = field(default=None, kw_only=True, repr=False, compare=False)

    def get_weights(self) -> list[Array]:
        """Return copies of the layer's arrays, as `Sequential.get_weights` returns those of all.

        Raises ArgumentError for a layer that is not one of ``model.layers``.

        >>> from fastnn import Sequential
        >>> [w.shape for w in Sequential([Dense(4, input_dim=3)]).layers[0].get_weights()]
        [(3, 4), (4,)]
        """
        weights: Callable[[], list[Array]] | None = vars(self).get("_weights")
        if weights is None:
            raise ArgumentError(
                f"{type(self).__name__} has no weights by itself: ask model.layers[i].get_weights()"
            )
        return weights()

    def in_model(self: N, name: str, weights: Callable[[], list[Array]]) -> N:
        """Return it as a layer of a model: with a name, its own or this one, and weights."""
        twin = copy(self)
        vars(twin).update(name=self.name or name, _weights=weights)
        return twin


@strict
@dataclass(frozen=True)
class Input(Named):
    """The number of inputs: ``shape`` is ``(n_features,)``. First of the layers, or left out.

    Without it the first `fit` takes the number from the columns of X. The shape of an image,
    ``(height, width)`` or with channels, is for `Flatten`.

    >>> Input(shape=(30,)).n_features, Input((28, 28)).sides
    (30, (28, 28))
    """

    shape: Shape

    def __post_init__(self) -> None:
        self.n_features  # noqa: B018 -- raises if it cannot be

    @property
    def sides(self) -> tuple[int, ...]:
        """The shape of an example."""
        return _sides("Input: shape", self.shape)

    @property
    def n_features(self) -> int:
        """The number of features."""
        return prod(self.sides)


@strict
@dataclass(frozen=True)
class Flatten(Named):
    """Each example of shape ``(d_1, ..., d_k)`` as one row of ``d_1 ... d_k`` numbers, as in Keras.

    Row-major: the last axis is the fastest. It comes before the first `Dense` layer; after one
    there is nothing to flatten, and it does nothing. ``input_shape``: the shape of an example.

    >>> Flatten(input_shape=(28, 28)).sides
    (28, 28)
    >>> stack([Input((8, 8)), Flatten(), Dense(10)]).n_features
    64
    """

    input_shape: Shape = None

    def __post_init__(self) -> None:
        self.sides  # noqa: B018 -- raises if it cannot be

    @property
    def sides(self) -> tuple[int, ...] | None:
        """The shape of an example, where it was given."""
        shape = self.input_shape
        return None if shape is None else _sides("Flatten: input_shape", shape)


@strict
@dataclass(frozen=True)
class Dense(Named):
    """A layer ``A[l] = g(W[l] A[l-1] + b[l])`` of ``units`` units (N1).

    Parameters
    ----------
    units : n_l.
    activation : a name, "name(option=value)", a dict or an expression; None is the identity. By
        Keras' names, also of classes such as "ReLU"; "leaky_relu" has Keras' slope of 0.2 (0.01
        in `fastnn.train`).
    use_bias : False leaves ``b[l]`` out: it stays 0, and `Sequential.get_weights` has none.
    kernel_initializer : of W, by Keras' names (N22), also of classes such as "HeNormal", or as
        `fastnn.train` takes it; None takes what suits the activation (He for the ReLU family,
        LeCun for SELU, else Glorot), where Keras always takes Glorot. Biases start at 0.
    input_shape, input_dim : the number of inputs, for the first layer: (30,) or 30.

    >>> Dense(16, activation="relu", kernel_initializer="he_normal").units
    16
    >>> Dense(16, activation="rellu")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: unknown activation 'rellu'; did you mean 'relu'? (known: ...

    Raises ArgumentError for what cannot work.
    """

    units: int
    activation: object = None
    use_bias: bool = True
    kernel_initializer: object = None
    input_shape: Shape = None
    input_dim: int | None = None

    def __post_init__(self) -> None:
        whole("Dense: units", self.units)
        if self.activation is not None:
            keras_names.activation(self.activation)
        flag("Dense: use_bias", self.use_bias)
        if self.kernel_initializer is not None:
            with about("kernel_initializer"):
                keras_names.initializer(self.kernel_initializer)
        if self.input_shape is not None and self.input_dim is not None:
            raise ArgumentError(
                f"{arg('Dense: input_shape')} and {arg('input_dim')} say the same: give one of them"
            )
        self.n_features  # noqa: B018 -- raises if it cannot be

    @property
    def n_features(self) -> int | None:
        """The number of inputs, where it was given."""
        if self.input_dim is not None:
            return whole("Dense: input_dim", self.input_dim)
        if self.input_shape is not None:
            sides = _sides("Dense: input_shape", self.input_shape)
            if len(sides) > 1:
                raise ArgumentError(
                    f"{arg('Dense: input_shape')}={self.input_shape!r} must be one number of "
                    f"features, such as (30,): put Flatten(input_shape={sides}) before the layer"
                )
            return sides[0]
        return None


@strict
@dataclass(frozen=True)
class Activation(Named):
    """The activation of the `Dense` layer before it, which then has none of its own.

    >>> Activation("tanh").activation
    'tanh'
    """

    activation: object

    def __post_init__(self) -> None:
        keras_names.activation(self.activation)


@strict
@dataclass(frozen=True)
class Dropout(Named):
    """Sets the share ``rate`` of a hidden layer's outputs to 0, in training only.

    The others are divided by ``1 - rate``, so that their expectation stays the same.

    >>> Dropout(0.5)
    Dropout(rate=0.5)
    >>> Dropout(1)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: Dropout: rate must be in [0, 1), found 1
    """

    rate: float

    def __post_init__(self) -> None:
        share("Dropout: rate", self.rate)


@strict
@dataclass(frozen=True)
class BatchNormalization(Named):
    """Each unit of a hidden layer to mean 0 and variance 1 over the batch, then gamma and beta.

    Between a `Dense` layer without activation and its `Activation` it comes before the
    activation, after an activated `Dense` layer or an `Activation` after it. Defaults and
    arithmetic are Keras': predictions go by running estimates, ``momentum`` old and
    ``1 - momentum`` new, of the mean and of the biased variance of each batch.

    Two things differ from Keras. A batch of one example has no variance: a last one joins the
    batch before, and ``batch_size=1`` is refused. Before an activation the bias of the `Dense`
    layer cancels out in training and stays what it is.

    >>> BatchNormalization()
    BatchNormalization(momentum=0.99, epsilon=0.001)
    >>> BatchNormalization(momentum=1.5)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: BatchNormalization: momentum must be in [0, 1), found 1.5
    """

    momentum: float = 0.99
    epsilon: float = 1e-3

    def __post_init__(self) -> None:
        share("BatchNormalization: momentum", self.momentum)
        above_0("BatchNormalization: epsilon", self.epsilon)

    def rule(self, place: str) -> BatchNorm:
        """Return it as the network has it, "before" or "after" the activation."""
        return BatchNorm(place, float(self.momentum), float(self.epsilon))


@strict
@dataclass(frozen=True)
class Normalization(Named):
    """``(x - mu)/sigma`` of each input column, before the first `Dense` layer (N19).

    mu and sigma come from the training part of the first `fit` (so not from its validation
    part) and stay from then on. A constant column has sigma 1.

    >>> Normalization()
    Normalization()
    """


Layer: TypeAlias = (
    Input | Flatten | Normalization | Dense | BatchNormalization | Activation | Dropout
)


@dataclass(frozen=True)
class _Units:
    """One layer of the network."""

    units: int
    activation: ActivationFunction
    initializer: object
    use_bias: bool = True
    dropout: float = 0.0
    batch_norm: BatchNorm | None = None


@dataclass(frozen=True)
class Stack:
    """What a list of layers describes; ``sides``, of an example, are None if nobody has said it."""

    sides: tuple[int, ...] | None = None
    flatten: bool = False
    normalize: bool = False
    units: tuple[_Units, ...] = field(default=())

    @property
    def n_features(self) -> int | None:
        """The number of inputs, None where nobody has said it yet."""
        return None if self.sides is None else prod(self.sides)

    @property
    def n_outputs(self) -> int:
        """The units of the last layer, 1 if there is none yet."""
        return self.units[-1].units if self.units else 1

    @property
    def initializers(self) -> list[object]:
        """One for each layer of the network."""
        return [layer.initializer for layer in self.units]

    def network(self, n_features: int, cost: LossFunction | None) -> Network:
        """Return the network; without a loss yet, with one that its last activation allows.

        Raises ArgumentError if there is no `Dense` layer, or the layers and the loss do not go
        together.

        >>> print(stack([Dense(4, "tanh"), Dropout(0.25), Dense(1)]).network(3, None))
        3 inputs -> 4 tanh (dropout 0.25) -> 1 identity; squared_error; 21 parameters
        """
        if not self.units:
            raise ArgumentError(
                "Sequential has no Dense layer: add at least one", argument="layers"
            )
        *hidden, last = self.units
        g = last.activation
        if last.dropout:
            raise ArgumentError(
                "Dropout after the last Dense layer would drop outputs: remove it",
                argument="layers",
            )
        if last.batch_norm:
            raise ArgumentError(
                "BatchNormalization after the last Dense layer would normalise outputs: remove it",
                argument="layers",
            )
        if cost is not None and cost.from_logits and g.name != cost.link:
            raise ArgumentError(
                f"{arg('loss')} {cost.name!r} needs the last layer to be Dense({last.units}, "
                f"activation={cost.link!r}), found activation {g.name!r}"
            )
        softmax = "categorical_crossentropy" if g.name == "softmax" else "squared_error"
        return network(
            (n_features, *(layer.units for layer in self.units)),
            activation=[layer.activation for layer in hidden],
            output_activation=g,
            dropout=[layer.dropout for layer in hidden],
            loss_function=softmax if cost is None else cost,
            batch_normalization=[layer.batch_norm for layer in hidden],
            use_bias=[layer.use_bias for layer in self.units],
        )


def stack(layers: Sequence[Layer], argument: str = "layers") -> Stack:
    """Return what ``layers`` describe; they may still be incomplete.

    ``argument``: the one that they were given as.

    >>> found = stack([Input((3,)), Dense(4), Activation("relu"), Dense(1)])
    >>> found.n_features, [layer.activation.name for layer in found.units]
    (3, ['relu', 'identity'])

    Raises ArgumentError, naming the layer by its place from 1, for an order that cannot be.
    """
    found = Stack()
    for place, layer in enumerate(layers, start=1):
        here = f"layer {place}, {type(layer).__name__}"
        found = _push(found, layer, here, argument, first=place == 1)
    return found


def _push(below: Stack, layer: Layer, here: str, argument: str, first: bool) -> Stack:
    def wrong(text: str) -> ArgumentError:
        return ArgumentError(f"{here}{text}", argument=argument)

    last = below.units[-1] if below.units else None
    match layer:
        case Input():
            if not first:
                raise wrong(": it must be the first layer")
            return replace(below, sides=layer.sides)
        case Flatten():
            if last is None and below.normalize:
                raise wrong(": it must come before Normalization, which takes columns")
            if layer.sides is not None and (last is not None or below.sides is not None):
                raise wrong(": the shape is known from the layers before it; leave input_shape out")
            if last is not None:
                return below
            return replace(below, flatten=True, sides=layer.sides or below.sides)
        case Normalization() | Dense() if len(below.sides or ()) > 1 and not below.flatten:
            raise wrong(f": its inputs are {_by(below.sides or ())}; put Flatten() before it")
        case Normalization():
            if last is not None or below.normalize:
                raise wrong(": it belongs once, before the first Dense layer")
            return replace(below, normalize=True)
        case Dense():
            n = layer.n_features
            if n is not None and (last is not None or below.sides is not None):
                raise wrong(
                    ": its number of inputs is known from the layers before it; "
                    "leave input_shape and input_dim out"
                )
            given, drawn = layer.activation, layer.kernel_initializer
            g = keras_names.activation("identity" if given is None else given)
            drawn = None if drawn is None else keras_names.initializer(drawn)
            units = _Units(int(layer.units), g, drawn, layer.use_bias)
            sides = below.sides if n is None else (n,)
            return replace(below, sides=sides, units=(*below.units, units))
        case Activation() | Dropout() | BatchNormalization() if last is None:
            hint = "; for the inputs use Normalization()" * isinstance(layer, BatchNormalization)
            raise wrong(f": there is no Dense layer before it{hint}")
        case Activation():
            if last.dropout:
                raise wrong(": it must come before the Dropout of its Dense layer")
            if last.activation.name != "identity":
                raise wrong(
                    f": the Dense layer before it already has the activation "
                    f"{last.activation.name!r}; leave one of them out"
                )
            if last.batch_norm and last.batch_norm.place == "after":
                raise wrong(
                    ": the Dense layer before it has an activation already, which "
                    "BatchNormalization follows; leave one of the activations out"
                )
            changed = replace(last, activation=keras_names.activation(layer.activation))
            return replace(below, units=(*below.units[:-1], changed))
        case BatchNormalization():
            if last.dropout:
                raise wrong(": it must come before the Dropout of its Dense layer")
            if last.batch_norm:
                raise wrong(": its Dense layer has one already; leave one out")
            place = "before" if last.activation.name == "identity" else "after"
            changed = replace(last, batch_norm=layer.rule(place))
            return replace(below, units=(*below.units[:-1], changed))
        case Dropout():
            if last.dropout:
                raise wrong(": there is a Dropout just before it; leave one out")
            return replace(
                below, units=(*below.units[:-1], replace(last, dropout=float(layer.rate)))
            )
        case _:
            raise wrong(
                " cannot be used: a layer is an object made by Input, Flatten, Normalization, "
                f"Dense, BatchNormalization, Activation or Dropout, found {layer!r}"
            )
