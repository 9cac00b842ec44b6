"""What a fit leaves behind: a learner, its logits, and its weights as scikit-learn shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array as DeviceArray
from fastnn.errors import ArgumentError
from fastnn.nn.activations import activation
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.losses import loss
from fastnn.nn.network import Network
from fastnn.training.learner import Learner

Array = npt.NDArray[Any]


class Fitted(Learner):
    """The numbers of a fitted estimator, on the device where they were made.

    >>> from fastnn.nn.network import network
    >>> from fastnn.recipe.run_settings import RunSettings
    >>> Fitted.new(network([2, 1]), RunSettings(), initializer="zeros").predict(np.ones((2, 2)))
    array([[0.],
           [0.]], dtype=float32)
    """

    _logits: EvaluationPlan | None = None  # made when asked for

    def change(self, network: Network) -> None:
        """Go on with another network of the same shape."""
        super().change(network)
        self._logits = None

    def logits(self, rows: Array) -> Array:
        """Return ``Z[L]``, what the output activation is applied to, for rows (N, n_0): (N, K)."""
        plan = self._logits
        if plan is None:
            *hidden, _ = self.network.activations
            linear = replace(
                self.network,
                activations=(*hidden, activation("identity")),
                loss=loss("squared_error"),
            )
            plan = self._logits = EvaluationPlan(self.backend, linear, self.parameters)
        return plan.predict(rows)

    def coefs(self) -> WeightList:
        """Return ``W[l].T`` of each layer, (n_{l-1}, n_l): views on the CPU."""
        return WeightList("coefs_", (self._shown(W).T for W in self.parameters.W))

    def intercepts(self) -> WeightList:
        """Return ``b[l]`` of each layer, (n_l,): views on the CPU."""
        return WeightList("intercepts_", (self._shown(b)[:, 0] for b in self.parameters.b))

    def _shown(self, values: DeviceArray) -> Array:
        shown = self.backend.host(values)
        if self.backend.device != "cpu":  # a copy: writing into it would change nothing
            shown.flags.writeable = False
        return shown


class WeightList(list[Any]):
    """The list that ``coefs_`` and ``intercepts_`` are: putting an array into it copies its values.

    >>> weights = WeightList("coefs_", [np.zeros(2)])
    >>> weights[0] = [1, 2]
    >>> weights[0]
    array([1., 2.])
    """

    def __init__(self, name: str, arrays: Iterable[Array]) -> None:
        super().__init__(arrays)
        self.name = name

    def __reduce__(self) -> Any:
        return list, (list(self),)

    def __setitem__(self, place: Any, values: Any) -> None:
        """Copy values into the array at a place; raise ArgumentError if they do not fit."""
        into, values = self[place], np.asarray(values)
        if isinstance(place, slice) or into.shape != values.shape:
            raise ArgumentError(
                f"{self.name}[{place}] has shape {getattr(into, 'shape', '?')}, "
                f"found an array of shape {values.shape}",
                argument=self.name,
            )
        into[...] = values

    def assign(self, arrays: Any) -> None:
        """Copy a whole list of arrays; raise ArgumentError if there are too few or too many."""
        if len(arrays) != len(self):
            raise ArgumentError(
                f"{self.name} needs {len(self)} arrays, found {len(arrays)}", argument=self.name
            )
        for place, values in enumerate(arrays):
            self[place] = values
