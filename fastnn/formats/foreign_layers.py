"""Weights of other libraries as a list of layers, their shapes checked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.table import listed
from fastnn.errors import ArgumentError, ModelFileError, arg
from fastnn.formats.atomic import path_text

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One layer: W (n, k), b (n,), and of batch normalisation gamma, beta, mean, variance (n,)."""

    name: str
    W: Array
    b: Array
    norm: tuple[Array, ...] | None = None


def check_chain(layers: Sequence[LayerWeights], argument: str = "weights") -> None:
    """Raise ArgumentError, naming the shapes, unless each layer takes what the one before gives.

    ``argument``: the one that they were given as.

    >>> shapes = {"a": (4, 3), "b": (1, 5)}
    >>> check_chain([LayerWeights(k, np.ones(s), np.ones(s[0])) for k, s in shapes.items()])
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: layer 'b' has weights (1, 5) and so 5 inputs, but layer 'a' ...
    """

    def wrong(text: str) -> ArgumentError:
        return ArgumentError(text, argument=argument)

    if not layers:
        raise wrong("the weights have no layer: at least one matrix is needed")
    for layer in layers:
        n = len(layer.W)
        for what, values in (("bias", layer.b), *(("batch norm", v) for v in layer.norm or ())):
            if np.shape(values) != (n,):
                raise wrong(
                    f"layer {layer.name!r} has weights {layer.W.shape} (units, inputs), but a "
                    f"{what} of shape {np.shape(values)}, needs {(n,)}"
                )
        if layer.norm is not None and (layer.norm[3] < 0).any():
            raise wrong(f"layer {layer.name!r}: its running variance has values below 0")
        for values in (layer.W, layer.b, *(layer.norm or ())):
            if not np.isfinite(values).all():
                raise wrong(f"layer {layer.name!r} has weights that are not finite numbers")
    for before, layer in pairwise(layers):
        if layer.W.shape[1] != len(before.W):
            raise wrong(
                f"layer {layer.name!r} has weights {layer.W.shape} and so {layer.W.shape[1]} "
                f"inputs, but layer {before.name!r} before it has {before.W.shape} and so "
                f"{len(before.W)} outputs"
            )


def read_state_dict(source: Any) -> dict[str, Array]:
    """Return the arrays of a safetensors file, or of a mapping of names to arrays or tensors.

    Half precision becomes float32. Raises ModelFileError naming the file, ArgumentError naming
    the tensor that is none.
    """
    if isinstance(source, Mapping):
        return {str(name): _floats(str(name), values) for name, values in source.items()}
    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(
            f"{arg('weights')} must be the path of a safetensors file or a state dict, a "
            f"mapping of names to arrays, found {type(source).__name__}"
        )
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    shown = path_text(source)
    try:
        arrays = load_file(shown)
        for name, values in arrays.items():  # another package may have taught NumPy more types
            if values.dtype.kind not in "fiu":
                raise TypeError(f"{name!r} is of {values.dtype}")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(f"file '{shown}' cannot be read: {reason}") from error
    except (SafetensorError, KeyError, TypeError) as error:
        raise ModelFileError(
            f"file '{shown}' is no safetensors file that can be read ({error}); write one with "
            "safetensors.torch.save_file(model.float().state_dict(), path)"
        ) from error
    return {name: _floats(name, values) for name, values in arrays.items()}


def _floats(name: str, values: Any) -> Array:
    """Return an array of float32 or float64; counters stay whole numbers."""
    try:
        array = np.asarray(values)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ArgumentError(f"{arg('weights')}: {name!r} is no array: {error}") from error
    if array.dtype == np.float16:
        array = array.astype(np.float32)
    counter = array.dtype.kind in "iu" and name.endswith("num_batches_tracked")
    if array.dtype not in (np.float32, np.float64) and not counter:
        raise ArgumentError(
            f"{arg('weights')}: {name!r} is of {array.dtype}, needs float32 or float64"
        )
    return array


def layers_of_state_dict(
    tensors: Mapping[str, Array], order: Sequence[str] | None
) -> list[LayerWeights]:
    """Return the layers of a PyTorch state dict of `Linear` and `BatchNorm1d` modules.

    ``order``: the names of the `Linear` modules from input to output. None takes their numbers
    ("0", "2", "fc10"), or else the only order in which the shapes fit.

    >>> state = {"2.weight": np.ones((1, 4)), "0.weight": np.ones((4, 3)), "0.bias": np.ones(4)}
    >>> [layer.name for layer in layers_of_state_dict(state, None)]
    ['0', '2']
    """
    modules: dict[str, dict[str, Array]] = {}
    for name, values in tensors.items():
        module, _, kind = name.rpartition(".")
        modules.setdefault(module, {})[kind] = values
    linear, norms = {}, {}
    for module, parts in modules.items():
        weight = parts.get("weight")
        if weight is not None and weight.ndim == 2 and not set(parts) - {"weight", "bias"}:
            b = parts.get("bias", np.zeros(len(weight), weight.dtype))
            linear[module] = LayerWeights(module, weight, b)
        elif set(parts) <= {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}:
            norms[module] = _batch_norm(module, parts)
        else:
            shapes = ", ".join(f"{kind} {values.shape}" for kind, values in parts.items())
            raise ArgumentError(
                f"{arg('weights')}: module {module!r} ({shapes}) is neither a Linear nor a "
                "BatchNorm1d layer: only stacks of these can be read"
            )
    if order is None:
        names = _natural_order(linear)
    else:
        names = list(order)
        if sorted(names) != sorted(linear):
            raise ArgumentError(
                f"{arg('layers')} names {listed(names)}, but the Linear modules are "
                f"{listed(linear)}"
            )
    layers = [linear[name] for name in names]
    return _with_norms(layers, norms)


def _batch_norm(module: str, parts: Mapping[str, Array]) -> tuple[Array, ...]:
    if "running_mean" not in parts or "running_var" not in parts:
        shapes = ", ".join(f"{kind} {values.shape}" for kind, values in parts.items())
        raise ArgumentError(
            f"{arg('weights')}: module {module!r} ({shapes}) is no Linear layer, and without "
            "running_mean and running_var no BatchNorm1d that can predict"
        )
    mean, variance = parts["running_mean"], parts["running_var"]
    gamma, beta = parts.get("weight", np.ones_like(mean)), parts.get("bias", np.zeros_like(mean))
    return gamma, beta, mean, variance


def _parts(name: str) -> list[Any]:
    """Split into texts and numbers, so that "fc10" comes after "fc9"."""
    return [int(p) if p.isdecimal() else p for p in re.split(r"(\d+)", name)]


def _texts(name: str) -> tuple[str, ...]:
    return tuple(p for p in _parts(name) if isinstance(p, str))


def _numbers(name: str) -> list[int]:
    return [p for p in _parts(name) if isinstance(p, int)]


def _natural_order(linear: Mapping[str, LayerWeights]) -> list[str]:
    """Order by number, where the names differ in nothing else; else by the shapes alone."""
    if len({_texts(name) for name in linear}) <= 1:
        return sorted(linear, key=_parts)
    chains = list(_chains([], list(linear.values())))
    if len(chains) == 1:
        return chains[0]
    shapes = ", ".join(f"{name} {layer.W.shape}" for name, layer in linear.items())
    found = "in more than one order" if chains else "in no order"
    raise ArgumentError(
        f"the shapes of the Linear modules fit together {found} ({shapes}): say which with "
        f"{arg('layers')}=[names from input to output]"
    )


def _chains(done: list[LayerWeights], left: list[LayerWeights]) -> Iterator[list[str]]:
    """All orders in which each layer takes what the one before gives; two are enough."""
    if not left:
        yield [layer.name for layer in done]
        return
    found = 0
    for i, layer in enumerate(left):
        if not done or layer.W.shape[1] == len(done[-1].W):
            for chain in _chains([*done, layer], left[:i] + left[i + 1 :]):
                yield chain
                found += 1
                if found == 2:
                    return


def _with_norms(
    layers: list[LayerWeights], norms: Mapping[str, tuple[Array, ...]]
) -> list[LayerWeights]:
    """Give each batch normalisation to the `Linear` module that it follows."""
    for number, module in enumerate(sorted(norms, key=_parts)):
        n = len(norms[module][2])
        owner = _owner(module, number, n, layers, norms)
        if owner is None or layers[owner].norm is not None:
            shapes = ", ".join(f"{x.name} {x.W.shape}" for x in layers)
            raise ArgumentError(
                f"{arg('weights')}: batch normalisation {module!r} of {n} units cannot be told to "
                f"belong to one of the layers {shapes}: name it after its layer, such as 'bn1' for "
                "'fc1'"
            )
        layers[owner] = replace(layers[owner], norm=norms[module])
    return layers


def _owner(
    module: str, number: int, n: int, layers: Sequence[LayerWeights], norms: Mapping[str, Any]
) -> int | None:
    """Return the place of the layer that a batch normalisation belongs to, if that is certain.

    In one `Sequential` it is the layer with the largest number below its own. Elsewhere it is the
    one of the same number, or each hidden layer has one, or only one layer has so many units.
    """
    names = [layer.name for layer in layers]
    if len({_texts(name) for name in (*names, *norms)}) == 1:
        return max((i for i, x in enumerate(names) if _parts(x) < _parts(module)), default=None)
    same = [i for i, name in enumerate(names) if _numbers(name) == _numbers(module) != []]
    if len(same) == 1:
        return same[0]
    if len(norms) == len(layers) - 1:
        return number
    fitting = [i for i, layer in enumerate(layers) if len(layer.W) == n]
    return fitting[0] if len(fitting) == 1 else None


def layers_of_list(weights: Any) -> list[LayerWeights]:
    """Return the layers of Keras' list: kernels (n_in, n_out), biases, batch normalisations.

    After a kernel come a bias or none, then gamma, beta, moving mean and moving variance or none.

    >>> layer = layers_of_list([np.ones((3, 4)), np.ones(4)])[0]
    >>> layer.name, layer.W.shape
    ('Dense 1', (4, 3))
    """
    if not isinstance(weights, (list, tuple)):
        raise ArgumentError(
            f"{arg('weights')} must be the list that get_weights() returns, found "
            f"{type(weights).__name__}"
        )
    arrays = [_floats(f"weights[{i}]", values) for i, values in enumerate(weights)]
    starts = [i for i, values in enumerate(arrays) if values.ndim == 2]
    if not starts or starts[0] != 0:
        shapes = listed(values.shape for values in arrays)
        raise ArgumentError(
            f"{arg('weights')} must begin with the kernel (n_in, n_out) of a Dense layer, found "
            f"{shapes}; what comes before it, such as Normalization, must be done to the data"
        )
    layers = []
    for number, (start, stop) in enumerate(
        zip(starts, [*starts[1:], len(arrays)], strict=True), start=1
    ):
        kernel, rest = arrays[start], arrays[start + 1 : stop]
        if len(rest) not in (0, 1, 4, 5):
            raise ArgumentError(
                f"{arg('weights')}: Dense {number}: after its kernel {kernel.shape} come "
                f"{len(rest)} arrays of shapes {listed(v.shape for v in rest)}; a bias and the "
                "four arrays of BatchNormalization can be read"
            )
        has_bias = len(rest) in (1, 5)
        b = rest[0] if has_bias else np.zeros(kernel.shape[1], kernel.dtype)
        norm = tuple(rest[has_bias:]) or None
        layers.append(LayerWeights(f"Dense {number}", kernel.T, b, norm))
    return layers
