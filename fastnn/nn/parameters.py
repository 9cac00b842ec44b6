"""All numbers of a network in one flat buffer, ``theta = [W1 .. WL | b1 .. bL]``.

With batch normalisation ``[... | gammas | betas | running means | running variances]``: all but
the running estimates are trained and have a gradient. ``W[l]`` and ``b[l]`` are contiguous views
of it: the optimiser is one kernel over one array, a snapshot or a transfer is one copy, the
penalised part is one slice. Each block starts at a multiple of 16 elements, so that it is aligned
for vector instructions; the gaps stay zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.errors import ArgumentError, DeviceError, arg
from fastnn.nn.initializers import initial_weights
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import NormViews

ALIGN = 16

FloatArray = npt.NDArray[np.float64]


def _aligned(n: int) -> int:
    return -(-n // ALIGN) * ALIGN


@dataclass(frozen=True)
class Layout:
    """Where each layer's numbers lie in the flat buffer.

    ``gammas`` to ``variances`` have a place for each layer with batch normalisation, by its
    number from 1.

    >>> layout = Layout.of((3, 4, 2))
    >>> layout.weights, layout.n_weights
    ((slice(0, 12, None), slice(16, 24, None)), 32)
    """

    sizes: tuple[int, ...]
    weights: tuple[slice, ...]
    biases: tuple[slice, ...]
    gammas: dict[int, slice]
    betas: dict[int, slice]
    means: dict[int, slice]
    variances: dict[int, slice]
    n_weights: int  # theta[:n_weights] is all weights, gaps included
    n_trained: int  # theta[:n_trained] is all but the running estimates
    size: int

    @staticmethod
    def of(sizes: tuple[int, ...], normalized: Sequence[bool] = ()) -> Layout:
        """Return the layout; ``normalized``: for each layer, whether it has batch normalisation."""
        place = 0

        def next_block(length: int) -> slice:
            nonlocal place
            block = slice(place, place + length)
            place += _aligned(length)
            return block

        def of_normalized() -> dict[int, slice]:
            return {l: next_block(sizes[l]) for l, there in enumerate(normalized, 1) if there}

        weights = tuple(next_block(n * k) for k, n in pairwise(sizes))
        n_weights = place
        biases = tuple(next_block(n) for n in sizes[1:])
        gammas, betas = of_normalized(), of_normalized()
        n_trained = place
        means, variances = of_normalized(), of_normalized()
        return Layout(
            sizes, weights, biases, gammas, betas, means, variances, n_weights, n_trained, place
        )

    def views(self, flat: Array) -> tuple[list[Array], list[Array]]:
        """Return the lists ``W`` (n_l, n_{l-1}) and ``b`` (n_l, 1) as views of ``flat``."""
        shapes = list(zip(self.sizes[1:], self.sizes[:-1], strict=True))
        W = [flat[s].reshape(shape) for s, shape in zip(self.weights, shapes, strict=True)]
        b = [flat[s].reshape(-1, 1) for s in self.biases]
        return W, b

    def names(self) -> dict[str, slice]:
        """Return the name and place of each block: "W1", "b1", ... "gamma1", "variance1".

        >>> list(Layout.of((3, 4, 2), (True, False)).names())
        ['W1', 'W2', 'b1', 'b2', 'gamma1', 'beta1', 'mean1', 'variance1']
        """
        named = {f"W{l}": place for l, place in enumerate(self.weights, start=1)}
        named |= {f"b{l}": place for l, place in enumerate(self.biases, start=1)}
        for name in ("gamma", "beta", "mean", "variance"):
            of_layers = getattr(self, name + "s")
            named |= {f"{name}{l}": place for l, place in of_layers.items()}
        return named

    def shapes(self) -> dict[str, tuple[int, int]]:
        """Return the shape of each block by its name.

        >>> Layout.of((3, 4)).shapes()
        {'W1': (4, 3), 'b1': (4, 1)}
        """
        return {
            name: (s.stop - s.start, 1)
            if name[0] != "W"
            else (self.sizes[int(name[1:])], self.sizes[int(name[1:]) - 1])
            for name, s in self.names().items()
        }

    def named_views(self, flat: Array) -> dict[str, Array]:
        """Return each block by its name, in its shape, as a view of ``flat``.

        >>> views = Layout.of((3, 4)).named_views(np.arange(32))
        >>> views["b1"].ravel().tolist()
        [16, 17, 18, 19]
        """
        shapes = self.shapes()
        return {name: flat[place].reshape(shapes[name]) for name, place in self.names().items()}

    def norm_views(self, flat: Array) -> dict[int, NormViews]:
        """Return each layer's batch normalisation, by its number from 1, as views of ``flat``.

        A gradient, ``n_trained`` long, has gamma and beta only.
        """
        places = [self.gammas, self.betas]
        if len(flat) == self.size:
            places += [self.means, self.variances]
        return {l: NormViews(*(flat[p[l]].reshape(-1, 1) for p in places)) for l in self.gammas}


class Parameters:
    """The numbers of a network on one device: ``theta`` and its views ``W[l-1]``, ``b[l-1]``.

    ``norms[l]`` is the batch normalisation of layer l, where it has one.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> p = Parameters(network([3, 4, 2]), CpuBackend(), "float32")
    >>> p.W[0].shape, p.b[0].shape, p.theta.dtype.name
    ((4, 3), (4, 1), 'float32')
    """

    def __init__(self, network: Network, backend: Backend, dtype: npt.DTypeLike) -> None:
        self.layout = Layout.of(network.sizes, network.normalized)
        self.dtype = np.dtype(dtype)
        try:
            self.theta = backend.zeros((self.layout.size,), self.dtype)
        except (MemoryError, OverflowError, ValueError) as error:
            needed = self.layout.size * self.dtype.itemsize / 2**30
            raise DeviceError(
                f"the weights of the network need {needed:,.0f} GiB on {backend.device}, more than "
                "there is: use smaller layers"
            ) from error
        self._make_views()

    def _make_views(self) -> None:
        self.W, self.b = self.layout.views(self.theta)
        self.norms = self.layout.norm_views(self.theta)

    def __getstate__(self) -> dict[str, Any]:
        return {"layout": self.layout, "dtype": self.dtype, "theta": self.theta}

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Views must be made anew: a copy or a pickle separates them from their buffer.
        self.__dict__.update(state)
        self._make_views()


def check_dtype(dtype: object) -> np.dtype[Any]:
    """Return float32 or float64 as a dtype; raise ArgumentError for anything else.

    >>> check_dtype("float32").name
    'float32'
    """
    try:
        found: np.dtype[Any] = np.dtype(dtype)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        found = np.dtype(object)
    if found not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise ArgumentError(f"{arg('dtype')} must be 'float32' or 'float64', found {dtype!r}")
    return found


def initialize(
    network: Network,
    parameters: Parameters,
    backend: Backend,
    *,
    initializer: object = None,
    seed: int = 0,
) -> None:
    """Fill the parameters: weights drawn on the host in float64, biases zero.

    Batch normalisation begins with gamma 1, beta 0, running mean 0 and running variance 1.

    ``initializer`` is a name or options for all layers, or a list with one for each; None takes
    what suits each layer's activation (He for the ReLU family, LeCun for SELU, else Glorot). The
    same seed gives the same numbers on every device.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> net, xp = network([3, 2]), CpuBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> initialize(net, p, xp, initializer="uniform", seed=0)
    >>> bool(abs(p.W[0]).max() <= 0.05), p.b[0].ravel().tolist()
    (True, [0.0, 0.0])

    Raises ArgumentError for an unknown initialiser or a list of the wrong length.
    """
    n = network.n_layers
    specs = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * n
    if len(specs) != n:
        raise ArgumentError(
            f"{arg('initializer')} has {len(specs)} entries but there are {n} layers"
        )
    layout = parameters.layout
    flat = np.zeros(layout.size)
    for place, spec in enumerate(specs):
        g = network.activations[place]
        n_in, n_out = network.sizes[place], network.sizes[place + 1]
        random = generator(seed, "weights", layer=place + 1)
        W = initial_weights(g.initializer if spec is None else spec, n_out, n_in, g.gain, random)
        flat[layout.weights[place]] = W.ravel()
    for block in (*layout.gammas.values(), *layout.variances.values()):
        flat[block] = 1.0
    backend.copy(backend.array(flat, parameters.dtype), parameters.theta)
