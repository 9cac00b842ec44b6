"""What a fit leaves behind: network, weights, optimiser's state; predictions from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.backend import get_backend
from fastnn.backend.program import Array as DeviceArray
from fastnn.backend.protocols import Backend, copied
from fastnn.errors import ArgumentError
from fastnn.nn.activations import activation
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.losses import loss
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.training.history import History
from fastnn.training.loop import Trainer

Array = npt.NDArray[Any]
Moments = tuple[str, dict[str, DeviceArray], int]  # the optimiser's name, its state, its steps


class Fitted:
    """The numbers of a fitted estimator, on the device where they were made.

    >>> from fastnn.nn.network import network
    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> net, xp = network([2, 1]), CpuBackend()
    >>> Fitted(net, Parameters(net, xp, "float64"), xp, {}, seed=0).predict(np.ones((3, 2)))
    array([[0.],
           [0.],
           [0.]])
    """

    def __init__(
        self,
        network: Network,
        parameters: Parameters,
        backend: Backend,
        ways: Mapping[str, str],
        seed: int,
    ) -> None:
        """``ways``: engine, capture and precision, as they were asked for."""
        self.network, self.parameters = network, parameters
        self.backend, self.ways, self.seed = backend, ways, seed
        self.history = History()  # of all fits since the weights were drawn
        self.moments: Moments | None = None
        self.trainer: Trainer | None = None  # of partial_fit, for the next batch of that size
        self._plan = EvaluationPlan(backend, network, parameters)
        self._logits: EvaluationPlan | None = None  # made when asked for
        self._lock = Lock()  # threads share the plan's memory

    def __getstate__(self) -> dict[str, Any]:
        # Numbers on the host, no functions, no recorded programs.
        host, moments = self.backend.host, self.moments
        if moments is not None:
            name, state, t = moments
            moments = name, {key: host(v).copy() for key, v in state.items()}, t
        return {
            "network": self.network.to_json(),
            "theta": host(self.parameters.theta).copy(),
            "device": self.backend.device,
            "ways": self.ways,
            "seed": self.seed,
            "history": self.history,
            "moments": moments,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        backend = get_backend(state["device"], **state["ways"])
        network = Network.from_json(state["network"])
        parameters = Parameters(network, backend, state["theta"].dtype)
        backend.copy(backend.array(state["theta"]), parameters.theta)
        Fitted.__init__(self, network, parameters, backend, state["ways"], state["seed"])
        self.history = state["history"]
        if state["moments"] is not None:
            name, moments, t = state["moments"]
            self.moments = name, {key: backend.array(v) for key, v in moments.items()}, t

    def change(self, network: Network) -> None:
        """Go on with another network of the same shape (another dropout, another loss)."""
        self.network = network
        self._plan = EvaluationPlan(self.backend, network, self.parameters)
        self._logits = None

    def keep(self) -> tuple[DeviceArray, History, Moments | None]:
        """Return what `go_back` needs to undo a fit."""
        history = replace(self.history, epochs=list(self.history.epochs))
        return copied(self.backend, self.parameters.theta), history, self.moments

    def go_back(self, kept: tuple[DeviceArray, History, Moments | None]) -> None:
        """Undo what a fit did since `keep`; a trainer that was kept is given up."""
        theta, self.history, self.moments = kept
        self.backend.copy(theta, self.parameters.theta)
        self.trainer = None

    def predict(self, rows: Array) -> Array:
        """Return the outputs ``A[L]`` for rows (N, n_0): (N, K)."""
        with self._lock:
            return self._plan.predict(rows)

    def logits(self, rows: Array) -> Array:
        """Return ``Z[L]``, what the output activation is applied to, for rows (N, n_0): (N, K)."""
        with self._lock:
            if self._logits is None:
                *hidden, _ = self.network.activations
                linear = replace(
                    self.network,
                    activations=(*hidden, activation("identity")),
                    loss=loss("squared_error"),
                )
                self._logits = EvaluationPlan(self.backend, linear, self.parameters)
            return self._logits.predict(rows)

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
                f"found an array of shape {values.shape}"
            )
        into[...] = values

    def assign(self, arrays: Any) -> None:
        """Copy a whole list of arrays; raise ArgumentError if there are too few or too many."""
        if len(arrays) != len(self):
            raise ArgumentError(f"{self.name} needs {len(self)} arrays, found {len(arrays)}")
        for place, values in enumerate(arrays):
            self[place] = values
