"""Arrays of whatever library and device as NumPy arrays, for all that is computed on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn.errors import ArgumentError

#: How libraries bring an array of a GPU to the host: CuPy, PyTorch, Numba, JAX.
_WAYS: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    ("get", lambda a: a.get()),
    ("detach", lambda a: a.detach().cpu().numpy()),
    ("copy_to_host", lambda a: a.copy_to_host()),
    ("block_until_ready", np.asarray),
)


def is_on_gpu(values: object) -> bool:
    """Return whether ``values`` is an array in the memory of a CUDA device.

    >>> is_on_gpu([1.0, 2.0]), is_on_gpu(np.ones(2))
    (False, False)
    """
    # PyTorch raises AttributeError from there for a tensor that is not on a GPU.
    return hasattr(values, "__cuda_array_interface__")


def check_on_host(*arrays: Any) -> None:
    """Raise ArgumentError if one of the arrays is on a GPU: NumPy would hand the work over to it.

    >>> check_on_host(np.ones(2))
    """
    for array in arrays:
        if is_on_gpu(array):
            raise ArgumentError(
                f"an array of shape {tuple(array.shape)} is on a GPU, not in main memory: bring it "
                "here with the backend's array()"
            )


def to_host(values: Any) -> Any:
    """Return ``values``, copied into a NumPy array if they are on a GPU, else as they are.

    >>> to_host([1, "a"])
    [1, 'a']

    Raises ArgumentError for an array on a GPU of a library that offers no known way.
    """
    if not is_on_gpu(values):
        return values
    for name, way in _WAYS:
        if hasattr(values, name):
            return np.asarray(way(values))
    raise ArgumentError(
        f"an array of type {type(values).__name__} lies on a GPU and has no known way to the host: "
        "copy it to a NumPy array first"
    )
