"""When the loss is no longer a number: find the step, the layer and the likely cure."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.errors import DivergenceError, arg
from fastnn.nn.plan import TrainingPlan
from fastnn.training.rate_advice import by_trying, lower_rate

FloatArray = npt.NDArray[np.float64]


def explain_divergence(
    plan: TrainingPlan,
    order: npt.NDArray[np.int64],
    rates: FloatArray,
    costs: FloatArray,
    epoch: int,
) -> DivergenceError:
    """Replay the epoch up to the step that failed, and look at each layer there.

    If every cost is a number, the last step has spoilt the weights. The plan must be at the
    epoch's start. Shuffles and dropout masks are functions of the seed, so the replay is exact.
    The plan is left at the failing step.
    """
    bad = np.flatnonzero(~np.isfinite(costs))
    step = int(bad[0]) if len(bad) else plan.n_steps
    if step:
        plan.run_epoch(order, rates, steps=step)
    where = (
        f"epoch {epoch}, step {step + 1} of {plan.n_steps}: the loss is {costs[step]}"
        if len(bad)
        else f"epoch {epoch}, after step {step} of {plan.n_steps}"
    )
    cure = _cure(plan, rates[min(step, plan.n_steps - 1)])
    p = plan.parameters
    numbers = {"weights": dict(enumerate(p.W, start=1)), "biases": dict(enumerate(p.b, start=1))}
    for name in ("gamma", "beta", "mean", "variance"):
        numbers[f"{name}s"] = {l: getattr(norm, name) for l, norm in p.norms.items()}
    for kind, arrays in numbers.items():
        for l, values in arrays.items():
            found = _statistics(plan.backend.host(values))
            if found["share"] < 1:
                return DivergenceError(
                    f"{where}; the {kind} of layer {l} are no longer finite "
                    f"({found['share']:.0%} of them are). {cure}"
                )
    weights = [_statistics(plan.backend.host(W)) for W in p.W]
    l = int(np.argmax([found["largest"] for found in weights])) + 1
    largest, rms = weights[l - 1]["largest"], weights[l - 1]["rms"]
    return DivergenceError(
        f"{where}; the largest weight is in layer {l}, |W| = {largest:.3g} "
        f"(root mean square {rms:.3g}): the outputs overflow. {cure}"
    )


def _statistics(W: npt.NDArray[Any]) -> dict[str, float]:
    values = np.asarray(W, np.float64)
    finite = np.isfinite(values)
    with np.errstate(all="ignore"):
        return {
            "largest": float(np.abs(values).max()),
            "rms": float(np.sqrt(np.mean(values**2))),
            "share": float(finite.mean()),
        }


def _cure(plan: TrainingPlan, rate: float) -> str:
    # Optimisers that are trained at once are of one kind.
    lower = lower_rate(rate, plan.optimizer.learning_rate)
    cures = [f"a {arg('learning_rate')} below {rate:g} (try {lower:g}{by_trying()})"]
    if not plan.clips:
        cures.append(arg("gradient_clip", 1))
    largest = float(np.abs(plan.backend.host(plan.data.X)).max())
    if largest > 100:
        cures.insert(0, f"standardised inputs (the largest is {largest:.3g})")
    if plan.network.loss.link == "identity":
        largest = float(np.abs(plan.backend.host(plan.data.Y)).max())
        if largest > 100:
            cures.insert(0, f"a standardised target (the largest value is {largest:.3g})")
    return "Try " + ", or ".join(cures)
