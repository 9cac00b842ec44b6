"""The cost of a data set and its gradient at any parameters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fastnn.backend.program import Array, Program, Recorder
from fastnn.backend.protocols import Backend, EngineChoice
from fastnn.nn.network import Network
from fastnn.nn.norm_arrays import Norms
from fastnn.nn.parameters import Parameters
from fastnn.nn.penalties import LIMITS
from fastnn.nn.step import (
    Batch,
    Data,
    Kernels,
    Memory,
    Penalty,
    backward,
    check_data,
    cost,
    forward,
    make_batch,
    name_parameters,
    penalize,
)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class GradientPlan:
    """The cost ``J`` of a data set, penalty included, and its gradient, without an update.

    Dropout, if the network has any, uses the masks of step ``t`` throughout, so that J is a
    smooth function of the parameters. Batch normalisation takes mean and variance of these data,
    and its running estimates stay as they are. ``runs``: how often the
    gradient will be wanted, as far as known.

    >>> from fastnn.backend.cpu_backend import CpuBackend
    >>> from fastnn.nn.network import network
    >>> net, xp = network([1, 1]), CpuBackend()
    >>> p = Parameters(net, xp, "float64")
    >>> p.W[0][:] = 2.0
    >>> plan = GradientPlan(xp, net, p, Data(X=np.array([[3.0]]), Y=np.array([[1.0]])), l2=1.0)
    >>> J, gradient = plan.cost_and_gradient()  # (2 * 3 - 1)^2 / 2 + 2^2 / 2, 5 * 3 + 2
    >>> J, plan.dW[0].item(), plan.db[0].item()
    (14.5, 17.0, 5.0)
    """

    def __init__(
        self,
        backend: Backend,
        network: Network,
        parameters: Parameters,
        data: Data,
        *,
        l2: float = 0.0,
        l1: float = 0.0,
        seed: int = 0,
        runs: int = 1,
    ) -> None:
        check_data(network, data)
        for option, value in (("l2", l2), ("l1", l1)):
            LIMITS[option].check("cost", value)
        self.backend, self.parameters = backend, parameters
        self.gradient = backend.zeros((parameters.layout.n_trained,), parameters.dtype)
        self.dW, self.db = parameters.layout.views(self.gradient)
        time = backend.zeros((1,), np.int64)  # the masks of step 0
        kernels = Kernels.of(network, data.w is not None)
        memory = Memory(backend, parameters.dtype)
        self.programs: list[Program] = []
        n = parameters.layout.n_weights
        norms = Norms(parameters.norms, parameters.layout.norm_views(self.gradient))
        for with_gradient in (False, True):
            xp = Recorder()
            name_parameters(xp, "", parameters.W, parameters.b)
            name_parameters(xp, "d", self.dW, self.db)
            xp.name(time, "t")
            self.batch: Batch = make_batch(
                backend, memory, network, data, len(data), training=True, names=xp, norms=norms
            )
            for l, x in enumerate(self.batch.layers, start=1):
                if x.U is not None:
                    xp.uniform(seed, l, time, out=x.U)
            forward(xp, kernels, parameters.W, parameters.b, self.batch)
            cost(xp, kernels, self.batch)
            if with_gradient:
                backward(xp, kernels, parameters.W, self.dW, self.db, self.batch)
            penalty = Penalty.make(backend, parameters, l2, l1, len(data))
            penalize(xp, penalty, parameters.theta[:n], self.gradient[:n], self.batch.J)
            self.programs.append(xp.program())
        self._cost, self._both = (backend.compile(p, runs) for p in self.programs)

    @property
    def engine(self) -> EngineChoice:
        """What computes cost and gradient, on how many threads, and why."""
        return self._both.choice

    def cost(self) -> float:
        """Return J at the present parameters."""
        self._cost.run()
        return float(self.backend.host(self.batch.J)[0, 0])

    def cost_and_gradient(self) -> tuple[float, Array]:
        """Return J and the flat gradient (a buffer that the next call overwrites)."""
        self._both.run()
        return float(self.backend.host(self.batch.J)[0, 0]), self.gradient
