"""Weight initialisers: one row each (N21, N23, N24), by their Keras names and definitions (N22).

A layer multiplies the spread of what passes through it by a factor that depends on its weights.
L layers multiply it L times: a factor above 1 explodes, one below 1 vanishes (N20). The scales
below keep it near 1.

``W`` has shape (n_out, n_in). The *normal* ones of Keras are truncated at two standard
deviations and widened so that the variance is the stated one; `scaled_normal` is the notes'
``randn(shape) * sqrt(1/n_in)``, not truncated. Biases start at zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.registry import About, Option, Table, parse_choice

FloatArray = npt.NDArray[np.float64]

# The standard deviation of a standard normal that is cut off at 2.
_TRUNCATED_STD = 0.87962566103423978


@dataclass(frozen=True)
class Initializer:
    """One row: ``distribution`` of the given spread ``scale(n_in, n_out, gain)``."""

    name: str
    distribution: str  # "uniform" on [-scale, scale], "normal", "truncated" or "zero"
    scale: Callable[..., float]
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    about: About = field(kw_only=True)


_UNIFORM = "W uniform from -r to r"
_NORMAL = "W normal, deviation r"
_TRUNCATED = "W normal, deviation r, cut off at 2.27 r"  # 2 / _TRUNCATED_STD
_GLOROT = "Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html"
_HE = "N22; He et al. 2015, https://arxiv.org/abs/1502.01852"
_LECUN = "N22; LeCun et al. 1998"


def _spread(says: str) -> Option:
    return Option("scale", 0.05, low=0.0, open_low=True, says=says)


INITIALIZERS: Table[Initializer] = Table(
    "initializer",
    [
        Initializer(
            "scaled_normal", "normal", lambda n_in, n_out, gain: math.sqrt(1 / n_in),
            about=About(
                f"r = sqrt(1 / n_in); {_NORMAL}",
                "Variance 1/n: Z = W A + b is spread like A. The notes' randn times sqrt(1/n).",
                "N21",
            ),
        ),
        Initializer(
            "uniform", "uniform", lambda n_in, n_out, gain, scale: scale,
            aliases=("random_uniform",),
            options=(_spread("r, the largest weight"),),
            about=About(
                f"r = scale; {_UNIFORM}",
                "The same spread whatever the layer's size: signals shrink or grow in deep nets.",
                "N22",
            ),
        ),
        Initializer(
            "normal", "normal", lambda n_in, n_out, gain, scale: scale,
            aliases=("random_normal",),
            options=(_spread("r, the standard deviation"),),
            about=About(
                f"r = scale; {_NORMAL}",
                "The same spread whatever the layer's size: signals shrink or grow in deep nets.",
                "N22",
            ),
        ),
        Initializer(
            "zero", "zero", lambda n_in, n_out, gain: 0.0,
            aliases=("zeros",),
            about=About(
                "r = 0; W = 0",
                "All hidden units stay equal to each other: there to be seen, and for networks "
                "without a hidden layer.",
                "N24",
            ),
        ),
        Initializer(
            "lecun_uniform", "uniform", lambda n_in, n_out, gain: math.sqrt(3 / n_in),
            about=About(f"r = sqrt(3 / n_in); {_UNIFORM}", "Variance 1/n_in.", _LECUN),
        ),
        Initializer(
            "lecun_normal", "truncated", lambda n_in, n_out, gain: math.sqrt(1 / n_in),
            about=About(f"r = sqrt(1 / n_in); {_TRUNCATED}", "Variance 1/n_in; for selu.", _LECUN),
        ),
        Initializer(
            "he_uniform", "uniform", lambda n_in, n_out, gain: math.sqrt(6 / n_in),
            about=About(f"r = sqrt(6 / n_in); {_UNIFORM}", "Variance 2/n_in; for ReLU.", _HE),
        ),
        Initializer(
            "he_normal", "truncated", lambda n_in, n_out, gain: math.sqrt(2 / n_in),
            about=About(
                f"r = sqrt(2 / n_in); {_TRUNCATED}",
                "Variance 2/n_in, since ReLU halves it: the default of ReLU and its like.",
                _HE,
            ),
        ),
        Initializer(
            "glorot_uniform", "uniform", lambda n_in, n_out, gain: math.sqrt(6 / (n_in + n_out)),
            about=About(
                f"r = sqrt(6 / (n_in + n_out)); {_UNIFORM}",
                "Variance 2/(n_in + n_out), between what keeps signals and what keeps gradients: "
                "the default of the other activations.",
                f"N22; {_GLOROT}",
            ),
        ),
        Initializer(
            "glorot_normal", "truncated", lambda n_in, n_out, gain: math.sqrt(2 / (n_in + n_out)),
            about=About(
                f"r = sqrt(2 / (n_in + n_out)); {_TRUNCATED}",
                "Variance 2/(n_in + n_out).",
                f"N22; {_GLOROT}",
            ),
        ),
        Initializer(
            "xavier_uniform",
            "uniform",
            lambda n_in, n_out, gain: gain * math.sqrt(6 / (n_in + n_out)),
            about=About(
                f"r = gain sqrt(6 / (n_in + n_out)); {_UNIFORM}",
                "Glorot's, times a gain by the activation: 4 for tanh, sqrt(2) for ReLU and its "
                "like, else 1.",
                f"N23; {_GLOROT}",
            ),
        ),
        Initializer(
            "xavier_normal",
            "normal",
            lambda n_in, n_out, gain: gain * math.sqrt(2 / (n_in + n_out)),
            about=About(
                f"r = gain sqrt(2 / (n_in + n_out)); {_NORMAL}",
                "Glorot's, times a gain by the activation: 4 for tanh, sqrt(2) for ReLU and its "
                "like, else 1.",
                f"N23; {_GLOROT}",
            ),
        ),
    ],
)  # fmt: skip


def initial_weights(
    spec: object, n_out: int, n_in: int, gain: float, random: np.random.Generator
) -> FloatArray:
    """Return W, (n_out, n_in) float64, drawn as the initialiser ``spec`` says.

    ``gain`` is the activation's factor of N23, used by the two ``xavier`` rows only.

    >>> from fastnn.backend.random import generator
    >>> W = initial_weights("he_uniform", 3, 24, 1.0, generator(0, "weights"))
    >>> W.shape, bool(abs(W).max() <= 0.5)  # sqrt(6 / 24) = 0.5
    ((3, 24), True)

    Raises ArgumentError for an unknown name or option.
    """
    name, options = initializer(spec)
    row = INITIALIZERS[name]
    scale = row.scale(n_in, n_out, gain, **options)
    shape = (n_out, n_in)
    match row.distribution:
        case "uniform":
            return random.uniform(-scale, scale, shape)
        case "normal":
            return random.standard_normal(shape) * scale
        case "truncated":
            return truncated_normal(shape, random) * (scale / _TRUNCATED_STD)
        case _:
            return np.zeros(shape)


def truncated_normal(shape: tuple[int, ...], random: np.random.Generator) -> FloatArray:
    """Return standard normal numbers, those beyond 2 drawn again.

    >>> from fastnn.backend.random import generator
    >>> float(abs(truncated_normal((1000,), generator(0, "weights"))).max()) <= 2.0
    True
    """
    values = random.standard_normal(shape)
    while (beyond := abs(values) > 2).any():
        values[beyond] = random.standard_normal(int(beyond.sum()))
    return values


def initializer(spec: object) -> tuple[str, Mapping[str, Any]]:
    """Return the checked (name, options) of an initialiser.

    >>> initializer("random_normal(scale=0.1)")
    ('normal', {'scale': 0.1})
    """
    name, given = parse_choice(spec, "initializer")
    return INITIALIZERS[name].name, INITIALIZERS.options(name, given)


def initializer_form(spec: object) -> object:
    """Return an initialiser, or a list of them, in the form that a model file keeps.

    >>> initializer_form(["zeros", None])
    [{'name': 'zero'}, None]
    """
    if isinstance(spec, (list, tuple)):
        return [initializer_form(one) for one in spec]
    if spec is None:
        return None
    name, options = initializer(spec)
    return {"name": name, **options}
