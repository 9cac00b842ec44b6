"""What is wrong with a network, by the statistics of its layers and of its examples.

The limits are between what healthy and sick trainings measured: 440 trainings of 30 epochs (digits,
breast_cancer, diabetes and sin(2a) + bc of 8 inputs; relu, tanh, sigmoid; one and two layers of 64;
Adam, SGD, momentum, RMSprop at rates from 1e-6 to 10), and 170 of 15 epochs (seven activations, 2
to 20 layers, initial weights from normal(scale=0.01) to 3). *Healthy* is a training whose
validation loss came within a tenth of the way from the best one to that of the constant predictor,
*sick* one that stayed off by three tenths. Of 336 trainings of the first kind, looked at by
`fastnn.diagnosis.doctor`, 3 of 157 healthy ones had a finding, and 153 of 178 sick ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.diagnosis.findings import BEFORE, Case, Finding, figure, try_one_of
from fastnn.diagnosis.layers import LayerStatistics, Look, sample
from fastnn.errors import arg, shown
from fastnn.nn.network import Network
from fastnn.training.part import Part

#: The smallest ``delta`` of a layer. Healthy after training: 0.06 to 9; at chance: 0.003 and less,
#: learning slowly: 0.004 to 0.03. Adam overcomes 1e-5 within a few epochs, SGD does not.
VANISHED = 0.01

#: The largest ``delta``. Healthy: up to 9. relu normal(scale=0.3) in 8 layers of 64: 68, accuracy
#: 0.65 instead of 0.91; scale=0.5: 4,000 and 0.61; tanh scale=0.5: 32 and 0.24.
EXPLODED = 20.0

#: The share of a layer's units that are dead. Healthy: up to 0.28, in 20 layers of 32 before
#: training 0.59; relu after a step that was too large: 0.73 to 1.
DIED = 2 / 3

#: The share of a layer's units that are saturated. Healthy: up to 0.12; tanh with
#: normal(scale=3): 0.38 to 0.88, at ten times a good rate 0.41 to 1, on raw inputs 0.22 to 0.94.
SATURATED = 1 / 3

#: Fewer examples do not tell that a unit is dead or saturated on all of them.
FEWEST = 20

#: The root mean square of the largest input column. Times 0.1 or 3 standardised inputs did no
#: harm; times 10 accuracy fell by up to 0.06 and R2 below 0, times 0.01 by 0.06 and by 0.2.
INPUTS = (0.03, 10.0)

#: The same of a regression target: times 0.1 R2 fell below 0, plus 10 too; times 10 by 0.1.
TARGETS = (0.1, 10.0)


Rule = Callable[[Look, Case], Finding | None]


def judge(seen: Look, case: Case) -> list[Finding]:
    """Return what is wrong with the layers, by their statistics.

    >>> from fastnn.nn.network import network
    >>> judge(Look("", 50, 0.5, ()), Case(network([2, 1])))
    []
    """
    found = {f.name: f for rule in RULES if (f := rule(seen, case)) is not None}
    for cause, effects in FOLLOWS.items():
        if cause in found:
            found = {name: finding for name, finding in found.items() if name not in effects}
    return [replace(f, when=(seen.when,)) if seen.when else f for f in found.values()]


def judge_scales(part: Part, case: Case) -> list[Finding]:
    """Return whether inputs or targets of some examples are far from the size that networks learn.

    >>> from fastnn.nn.network import network
    >>> case = Case(network([1, 1]), columns=["age"])
    >>> print(*judge_scales(Part(np.full((3, 1), 40.0), np.ones((3, 1))), case))
    unscaled inputs: the root mean square of column 'age' is 40, not about 1; do without ...
    """
    few, network = sample(part), case.network
    rms = _root_mean_squares(few.X)
    j = int(rms.argmax())
    column = f"column {shown(case.columns[j])}" if case.columns else f"column number {j}"
    kinds = [("unscaled inputs", column, rms[j], INPUTS, case.door.inputs, case.standardizes)]
    if network.loss.link == network.activations[-1].name == "identity":
        rms = _root_mean_squares(few.Y)
        k = int(abs(np.log(np.where(rms > 0, rms, 1.0))).argmax())
        scaled = case.standardizes_target
        kinds.append(("unscaled targets", "the target", rms[k], TARGETS, case.door.targets, scaled))
    found = []
    for name, what, size, (low, high), cure, done in kinds:
        if size and not low <= size <= high:
            cause = f"the root mean square of {what} is {figure(size)}, not about 1"
            if done:
                cause += ", by the mean and deviation of the training part"
            found.append(Finding(name, cause, "give the units of training" if done else cure))
    return found


def _root_mean_squares(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Of each column; 0 where it is not a number."""
    with np.errstate(all="ignore"):
        rms = np.sqrt(np.mean(np.asarray(values, np.float64) ** 2, axis=0))
    return np.asarray(np.where(np.isfinite(rms), rms, 0.0))


def _symmetric(seen: Look, case: Case) -> Finding | None:
    equal = tuple(x.layer for x in seen.layers if x.equal)
    if not equal:
        return None
    units = seen.layers[equal[0] - 1].units
    return Finding(
        "zero initialisation",
        f"the {units} units of {_named(equal)} have equal weights, and so learn the same",
        f"try another {arg('initializer')}, or none",
        equal,
    )


def _not_finite(seen: Look, case: Case) -> Finding | None:
    bad = tuple(
        x.layer for x in seen.layers if not np.isfinite([x.weights.rms, x.biases.rms]).all()
    )
    if not bad:
        return None
    return Finding(
        "learning rate too high",
        f"the weights of {_named(bad)} are no longer finite numbers",
        try_one_of([case.smaller_rate(), arg("gradient_clip", 1)]),
        bad,
    )


def _vanishing(seen: Look, case: Case) -> Finding | None:
    small = [x for x in seen.layers if x.delta is not None and x.delta < VANISHED]
    if not small:
        return None
    first = min(small, key=lambda x: x.delta or 0.0)
    cures = case.default_weights()
    names = {g.name for g in case.network.activations[:-1]}
    if not (cures or names <= {"relu", "leaky_relu", "selu"}):
        cures.append(arg("activation", "relu"))
    cures += _depth(case.network)
    return Finding(
        "vanishing gradients",
        _delta(first, seen),
        try_one_of(cures),
        tuple(x.layer for x in small),
    )


def _exploding(seen: Look, case: Case) -> Finding | None:
    large = [x for x in seen.layers if x.delta is not None and x.delta > EXPLODED]
    if not large:
        return None
    first = max(large, key=lambda x: x.delta or 0.0)
    cures = case.default_weights()
    if seen.when != BEFORE:
        cures.append(case.smaller_rate())
        if case.options.get("gradient_clip") is None:
            cures.append(arg("gradient_clip", 1))
    cures += _depth(case.network)
    return Finding(
        "exploding gradients",
        _delta(first, seen),
        try_one_of(cures),
        tuple(x.layer for x in large),
    )


def _delta(x: LayerStatistics, seen: Look) -> str:
    of_last = f"{figure(x.delta or 0.0)} times that of the last of {len(seen.layers)} layers"
    return f"the size of dZ in layer {x.layer} is {of_last}"


def _depth(network: Network) -> list[str]:
    cures = [] if any(network.normalized) else [arg("batch_normalization", "before")]
    return [*cures, *["fewer layers"] * (network.n_layers > 3)]


def _dead(seen: Look, case: Case) -> Finding | None:
    worst = _most(seen, "dead", DIED)
    if not worst:
        return None
    x = worst[0]
    alike = "are 0" if x.activation == "relu" else "have the slope 0"
    cures = case.default_weights()
    cures += [case.smaller_rate(), arg("activation", "leaky_relu")]
    return Finding(
        "dead ReLU units",
        f"{x.dead} of the {x.units} units of layer {x.layer} {alike} for every example",
        try_one_of(cures),
        tuple(sorted(x.layer for x in worst)),
    )


def _saturated(seen: Look, case: Case) -> Finding | None:
    worst = _most(seen, "saturated", SATURATED)
    if not worst:
        return None
    x = worst[0]
    cures = case.default_weights()
    cures += ["standardised inputs"] * (not case.standardizes)
    cures += [case.smaller_rate()] * (seen.when != BEFORE)
    cures.append(arg("activation", "relu"))
    return Finding(
        "saturated units",
        f"{x.saturated} of the {x.units} units of layer {x.layer} ({x.activation}) are flat on "
        "nearly all examples",
        try_one_of(cures),
        tuple(sorted(x.layer for x in worst)),
    )


def _most(seen: Look, what: str, share: float) -> list[LayerStatistics]:
    """The layers with more than a share of such units, that with the most first."""
    if seen.examples < FEWEST:
        return []
    counted = [x for x in seen.layers if getattr(x, what) is not None]
    found = [x for x in counted if getattr(x, what) > share * x.units]
    return sorted(found, key=lambda x: getattr(x, what) / x.units, reverse=True)


#: What follows from what, and is not said beside it: no gradient gets through flat units.
FOLLOWS = {
    "zero initialisation": ("vanishing gradients", "dead ReLU units"),
    "dead ReLU units": ("vanishing gradients",),
    "saturated units": ("vanishing gradients",),
}

RULES: tuple[Rule, ...] = (_not_finite, _symmetric, _vanishing, _exploding, _dead, _saturated)


def _named(layers: Sequence[int]) -> str:
    """Layers in words.

    >>> _named([1]), _named([1, 2, 3])
    ('layer 1', 'layers 1, 2, 3')
    """
    return f"layer{'s' * (len(layers) > 1)} {', '.join(map(str, layers))}"
