"""Arrays of other libraries, where scikit-learn's array API dispatch is switched on.

With ``sklearn.set_config(array_api_dispatch=True)`` predictions come back as the kind of array
that X is, on its device. Training works on NumPy rows (and on ``device``) whatever comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.host.arrays import to_host


@dataclass(frozen=True)
class Namespace:
    """A library of arrays by name, and a device of it."""

    name: str
    device: str


def dispatching() -> bool:
    """Return whether array API dispatch is on.

    >>> dispatching()
    False
    """
    from sklearn import get_config

    return bool(get_config()["array_api_dispatch"])


def namespace_of(X: Any) -> Namespace | None:
    """Return where an array comes from, None for NumPy and all else that becomes NumPy.

    >>> namespace_of(np.zeros(3)) is None
    True
    """
    if not dispatching():
        return None
    from sklearn.utils._array_api import get_namespace_and_device

    xp, foreign, device = get_namespace_and_device(X)
    if not foreign or xp.__name__.endswith("numpy"):
        return None
    return Namespace(xp.__name__, str(device))


def to_numpy(values: Any) -> Any:
    """Return an array of any library as a NumPy array; None, lists and sparse matrices stay.

    >>> to_numpy(np.ones(2))
    array([1., 1.])
    """
    if not dispatching() or namespace_of(values) is None:
        return to_host(values)
    from sklearn.utils._array_api import move_to

    return move_to(values, xp=np, device="cpu")


def same_as(given: Any, values: npt.NDArray[Any]) -> Any:
    """Return NumPy ``values`` as the kind of array that ``given`` is; labels of text stay NumPy.

    >>> same_as(np.zeros(3), np.ones(2))
    array([1., 1.])
    """
    if namespace_of(given) is None or values.dtype.kind not in "biuf":
        return values
    from sklearn.utils._array_api import get_namespace_and_device, move_to

    xp, _, device = get_namespace_and_device(given)
    return move_to(values, xp=xp, device=device)


def check_same(owner: str, method: str, fitted: Namespace | None, given: Any) -> None:
    """Raise ValueError, as scikit-learn does, if X is of another library than in ``fit``.

    >>> check_same("MLPClassifier", "predict", None, np.zeros(3))
    """
    if dispatching() and namespace_of(given) != fitted:
        found = namespace_of(given)
        names = [f"{n.name} on {n.device}" if n else "numpy" for n in (fitted, found)]
        raise ValueError(
            f"Inputs passed to {owner}.{method}() must use the same namespace and the same device "
            f"as those passed to fit(): it was fitted with arrays of {names[0]}, found {names[1]}"
        )
