"""The systems that are measured: each module has ``prepare(case)``, which returns a `Trained`.

All train the same network: a new order in each epoch, every mini-batch, Adam with learning rate
0.001, float32. Weights start as each library starts them. Each runs in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Trained(NamedTuple):
    """``epoch()`` trains an epoch and comes back when it is really done.

    ``predict(X)`` gives scores (N, K) as a NumPy array, ``predict_row(X)`` what the library's
    users call for a prediction; None where the system does not predict.
    """

    epoch: Callable[[], None]
    predict: Callable[[Any], Any] | None = None
    predict_row: Callable[[Any], Any] | None = None
