"""L2 and L1 penalties on the weights (N11), and clipping of the gradient's norm.

``m`` is the number of *training* examples, in every batch: a penalty then means the same at
every batch size, and with the full batch it is the notes'. Biases are not penalised.
"""

from __future__ import annotations

import numpy as np

from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Array
from fastnn.backend.protocols import Shim
from fastnn.registry import Option

#: What the strengths may be.
LIMITS = {
    "l2": Option("l2", 0.0, low=0.0),
    "l1": Option("l1", 0.0, low=0.0),
    "clip_norm": Option("clip_norm", None, low=0.0, open_low=True),
}

# strength is lambda / m
add_l2 = Kernel("add_l2", lambda dW, W, strength: dW + strength * W)
add_l2_cost = Kernel("add_l2_cost", lambda J, squares, strength: J + 0.5 * strength * squares)
sign = Kernel("sign", lambda W: np.sign(W))
add_l1 = Kernel("add_l1", lambda dW, s, strength: dW + strength * s)
add_l1_cost = Kernel("add_l1_cost", lambda J, total, strength: J + strength * total)

clip_factor = Kernel(
    "clip_factor",
    lambda squares, clip: np.where(
        np.sqrt(squares) > clip, clip / np.sqrt(np.maximum(squares, 1e-30)), 1.0
    ),
)
scale = Kernel("scale", lambda g, factor: g * factor)


def l2_penalty(xp: Shim, W: Array, dW: Array, strength: Array, *, J: Array, squares: Array) -> None:
    """``J += lambda/(2m) sum W^2``, ``dW += lambda/m W`` (N11).

    ``W``, ``dW``: all weights, flat (n,); ``J``, ``squares``, ``strength``: (1, 1).

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> W, dW, J = np.array([3.0, -4.0]), np.zeros(2), np.zeros((1, 1))
    >>> strength = np.array([[0.5]])
    >>> l2_penalty(CpuBackend(), W, dW, strength, J=J, squares=np.empty((1, 1)))
    >>> J.item(), dW.tolist()  # 0.5 / 2 * 25
    (6.25, [1.5, -2.0])
    """
    xp.dot(W.reshape(1, -1), W.reshape(-1, 1), out=squares)
    xp.apply(add_l2_cost, J, squares, strength, out=J)
    xp.apply(add_l2, dW, W, strength.reshape(1), out=dW)


def l1_penalty(
    xp: Shim, W: Array, dW: Array, strength: Array, *, J: Array, total: Array, signs: Array
) -> None:
    """``J += lambda/m sum |W|``, ``dW += lambda/m sign(W)``; ``signs``: (n,) scratch.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> W, dW, J = np.array([3.0, -4.0]), np.zeros(2), np.zeros((1, 1))
    >>> scratch = {"total": np.empty((1, 1)), "signs": np.empty(2)}
    >>> l1_penalty(CpuBackend(), W, dW, np.array([[0.5]]), J=J, **scratch)
    >>> J.item(), dW.tolist()  # 0.5 * 7
    (3.5, [0.5, -0.5])
    """
    xp.apply(sign, W, out=signs)
    xp.dot(signs.reshape(1, -1), W.reshape(-1, 1), out=total)
    xp.apply(add_l1_cost, J, total, strength, out=J)
    xp.apply(add_l1, dW, signs, strength.reshape(1), out=dW)


def clip_by_norm(xp: Shim, gradient: Array, clip: Array, *, squares: Array, factor: Array) -> None:
    """``g *= min(1, clip / ||g||)`` over all parameters at once; ``clip`` etc.: (1, 1).

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> g, one = np.array([3.0, 4.0]), np.array([[1.0]])
    >>> clip_by_norm(CpuBackend(), g, one, squares=np.empty((1, 1)), factor=np.empty((1, 1)))
    >>> g.tolist()
    [0.6000000000000001, 0.8]
    """
    xp.dot(gradient.reshape(1, -1), gradient.reshape(-1, 1), out=squares)
    xp.apply(clip_factor, squares, clip, out=factor)
    xp.apply(scale, gradient, factor.reshape(1), out=gradient)
