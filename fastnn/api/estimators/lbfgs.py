"""The solver 'lbfgs': SciPy's driver on the host, cost and gradient on either device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.api.estimators.fitted import Fitted
from fastnn.errors import DivergenceError, warn
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.step import Data
from fastnn.streams import say
from fastnn.training.course import Progress
from fastnn.training.history import Epoch, History
from fastnn.training.part import Part

FloatArray = npt.NDArray[np.float64]


def minimize(fitted: Fitted, p: Mapping[str, Any], train: Part, alpha: float) -> tuple[float, int]:
    """Go down to a minimum of the cost of all examples; return its cost and the iterations.

    It ends when no entry of the projected gradient is above ``tol``, after ``max_iter``
    iterations or ``max_fun`` costs; the last two with a ConvergenceWarning. Byrd, Lu, Nocedal and
    Zhu, "A limited memory algorithm for bound constrained optimization", 1995.

    Raises DivergenceError if the cost is no finite number, with the weights as they were.
    """
    from scipy.optimize import minimize as scipy_minimize

    backend, parameters = fitted.backend, fitted.parameters
    data = Data(*(_on_device(fitted, v) for v in (train.X, train.Y, train.w)))
    runs = int(min(p["max_fun"], p["max_iter"]))
    plan = GradientPlan(
        backend, fitted.network, parameters, data, l2=alpha, seed=fitted.seed, runs=runs
    )
    before = np.array(backend.host(parameters.theta), np.float64)
    costs: list[float] = []

    def cost_and_gradient(theta: FloatArray) -> tuple[float, FloatArray]:
        backend.copy(backend.array(theta, parameters.dtype), parameters.theta)
        J, gradient = plan.cost_and_gradient()
        return J, np.array(backend.host(gradient), np.float64)

    def note(intermediate_result: Any) -> None:
        costs.append(float(intermediate_result.fun))
        if p["verbose"]:
            say(f"Iteration {len(costs)}, loss = {costs[-1]:.8f}", "stdout")

    try:
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            found = scipy_minimize(
                cost_and_gradient,
                before,
                method="L-BFGS-B",
                jac=True,
                callback=note,
                options={"maxfun": p["max_fun"], "maxiter": p["max_iter"], "gtol": p["tol"]},
            )
    except BaseException:
        _set(fitted, before)
        raise
    if not (np.isfinite(found.fun) and np.isfinite(found.x).all()):
        _set(fitted, before)
        raise DivergenceError(
            f"solver 'lbfgs': the cost is {found.fun} after {found.nit} iterations; standardise "
            "the inputs (standardize=True), or take a smaller hidden layer or a larger alpha"
        )
    _set(fitted, found.x)
    iterations = int(min(found.nit, p["max_iter"]))
    epochs = [Epoch(i, loss=J, learning_rate=1.0) for i, J in enumerate(costs, start=1)]
    stopped = "converged" if found.status == 0 else "epochs"
    history = History(None, epochs, len(epochs) or None, stopped, plan.engine.to_json())
    fitted.progress = Progress(history)
    if found.status != 0:
        _warn(found, p)
    return float(found.fun), iterations


def _set(fitted: Fitted, theta: FloatArray) -> None:
    fitted.backend.copy(
        fitted.backend.array(theta, fitted.parameters.dtype), fitted.parameters.theta
    )


def _on_device(fitted: Fitted, values: Any) -> Any:
    return None if values is None else fitted.backend.array(values, fitted.parameters.dtype)


def _warn(found: Any, p: Mapping[str, Any]) -> None:
    from sklearn.exceptions import ConvergenceWarning

    warn(
        f"lbfgs failed to converge after {found.nit} iteration(s) (status={found.status}): "
        f"{found.message}. Increase max_iter (now {p['max_iter']}) or max_fun (now "
        f"{p['max_fun']}), or scale the data (standardize=True)",
        ConvergenceWarning,
    )
