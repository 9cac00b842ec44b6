"""Learning-rate schedules: one row each, the factor on the learning rate over time.

``t`` counts from 0, in steps or in epochs; ``total`` is how many there will be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.errors import ArgumentError, arg
from fastnn.registry import About, Option, Table, parse_choice

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Schedule:
    """One row: ``factor(t, total, **options)``, vectorised over the float64 array ``t``."""

    name: str
    factor: Callable[..., FloatArray]
    aliases: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    about: About = field(kw_only=True)


def constant(t: FloatArray, total: float) -> FloatArray:
    """1.

    >>> constant(np.arange(3.0), 3).tolist()
    [1.0, 1.0, 1.0]
    """
    return np.ones_like(t)


def step(t: FloatArray, total: float, drop: float, every: float) -> FloatArray:
    """``drop^floor(t / every)``.

    >>> step(np.arange(4.0), 4, drop=0.5, every=2).tolist()
    [1.0, 1.0, 0.5, 0.5]
    """
    return drop ** np.floor(t / every)


def exponential(t: FloatArray, total: float, decay: float) -> FloatArray:
    """``decay^t``.

    >>> exponential(np.arange(3.0), 3, decay=0.5).tolist()
    [1.0, 0.5, 0.25]
    """
    return decay**t


def inverse_scaling(t: FloatArray, total: float, power: float) -> FloatArray:
    """``1 / (t + 1)^power``.

    >>> inverse_scaling(np.array([0.0, 3.0]), 4, power=0.5).tolist()
    [1.0, 0.5]
    """
    return (t + 1.0) ** -power


def cosine(t: FloatArray, total: float, final: float) -> FloatArray:
    """``final + (1 - final) (1 + cos(pi t / total)) / 2``. Loshchilov and Hutter 2017.

    >>> cosine(np.array([0.0, 2.0, 4.0]), 4, final=0.0).tolist()
    [1.0, 0.5, 0.0]
    """
    progress = np.minimum(t / max(total, 1.0), 1.0)
    return final + (1 - final) * 0.5 * (1 + np.cos(np.pi * progress))


def one_cycle(t: FloatArray, total: float, rise: float, initial: float, final: float) -> FloatArray:
    """From ``initial`` up to 1 in the first ``rise`` of the time, then down to ``final``.

    Both arcs are half a cosine. Smith and Topin 2019.

    >>> one_cycle(np.arange(5.0), 5, rise=0.5, initial=0.0, final=0.0).round(3).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    progress = np.minimum(t / max(total - 1.0, 1.0), 1.0)
    up = np.minimum(progress / rise, 1.0)
    down = np.clip((progress - rise) / (1 - rise), 0.0, 1.0)
    rising = initial + (1 - initial) * 0.5 * (1 - np.cos(np.pi * up))
    falling = final + (1 - final) * 0.5 * (1 + np.cos(np.pi * down))
    return np.where(progress < rise, rising, falling)


def _share(name: str, default: float, says: str, open_ends: bool = False) -> Option:
    return Option(
        name, default, low=0.0, high=1.0, open_low=open_ends, open_high=open_ends, says=says
    )


_FINAL = _share("final", 0.0, "the factor at the end")

SCHEDULES: Table[Schedule] = Table(
    "schedule",
    [
        Schedule(
            "constant", constant,
            about=About("f = 1", "The same learning rate all along. The default.", "N25"),
        ),
        Schedule(
            "step", step,
            options=(
                _share("drop", 0.1, "the factor of each step down", True),
                Option("every", 10.0, low=1.0, says="epochs from one to the next"),
            ),
            about=About(
                "f = drop^floor(t / every)", "Down by a factor, every so many epochs.", "common use"
            ),
        ),
        Schedule(
            "exponential", exponential,
            options=(_share("decay", 0.95, "the factor of each epoch", True),),
            about=About("f = decay^t", "Down by a factor in each epoch.", "common use"),
        ),
        Schedule(
            "inverse_scaling", inverse_scaling,
            aliases=("invscaling",),
            options=(
                Option("power", 0.5, low=0.0, open_low=True, says="how fast it goes down"),
            ),
            about=About(
                "f = 1 / (t + 1)^power",
                "Down fast at first, then slowly; scikit-learn's 'invscaling'.",
                "Robbins and Monro 1951",
            ),
        ),
        Schedule(
            "cosine", cosine,
            options=(_FINAL,),
            about=About(
                "f = final + (1 - final) (1 + cos(pi t / T)) / 2",
                "Down along half a cosine: slowly at first and at the end.",
                "Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983",
            ),
        ),
        Schedule(
            "one_cycle", one_cycle,
            options=(
                _share("rise", 0.3, "the share of the time in which it goes up", True),
                _share("initial", 0.04, "the factor at the start"),
                _FINAL,
            ),
            about=About(
                "p = t / (T - 1); "
                "f = initial + (1 - initial) (1 - cos(pi p / rise)) / 2 if p < rise, "
                "else final + (1 - final) (1 + cos(pi (p - rise) / (1 - rise))) / 2",
                "Up and down once, each along half a cosine: high rates in the middle.",
                "Smith and Topin 2019, https://arxiv.org/abs/1708.07120",
            ),
        ),
    ],
)  # fmt: skip


@dataclass(frozen=True)
class ScheduleRule:
    """A schedule with its options: ``per`` step or epoch, after ``warm_up`` of those.

    >>> schedule("exponential(decay=0.5, warm_up=1)").factors(np.arange(4.0), 1, 4).tolist()
    [0.5, 1.0, 0.5, 0.25]
    """

    name: str
    options: Mapping[str, Any]
    per: str = "epoch"
    warm_up: float = 0.0

    def factors(self, steps: FloatArray, steps_per_epoch: int, epochs: int) -> FloatArray:
        """Return the factor for each step number (from 0) of the whole training.

        During warm-up the factor grows linearly, ``(t + 1) / (warm_up + 1)``, in steps of
        whatever ``per`` says; the schedule's own time starts when warm-up ends.
        """
        unit = 1.0 if self.per == "step" else float(steps_per_epoch)
        t = np.floor(steps / unit)
        total = epochs * steps_per_epoch / unit - self.warm_up
        factor = SCHEDULES[self.name].factor(
            np.maximum(t - self.warm_up, 0.0), total, **self.options
        )
        warming = t < self.warm_up
        return np.where(warming, (t + 1) / (self.warm_up + 1), factor)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "per": self.per, "warm_up": self.warm_up, **self.options}


#: Every schedule takes these, too.
PER = Option(
    "per", "epoch", choices=("step", "epoch"), says="whether t and T count epochs or steps"
)
WARM_UP = Option(
    "warm_up", 0.0, low=0.0, says="epochs (or steps) in which the rate grows to its full size"
)


def schedule(spec: object) -> ScheduleRule:
    """Return the schedule of a name, ``"name(option=value)"`` or a dict.

    Every schedule also takes ``per="step"`` or ``"epoch"`` (default) and ``warm_up``.

    >>> schedule("cosine(final=0.1)").factors(np.array([0.0, 30.0]), 10, 3).round(3).tolist()
    [1.0, 0.1]
    >>> schedule("cosine(power=2)")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: schedule 'cosine' has no option 'power'; it belongs to ...
    """
    if isinstance(spec, ScheduleRule):
        return spec
    name, given = parse_choice(spec, "schedule")
    common = {k: given.pop(k) for k in ("per", "warm_up") if k in given}
    row, options = SCHEDULES[name], SCHEDULES.options(name, given)
    owner = f"{arg('schedule')} {row.name!r}"
    warm_up = WARM_UP.check(owner, common.get("warm_up", 0.0))
    if row.name == "one_cycle" and warm_up:
        raise ArgumentError(f"{owner} has its own rise: warm_up has no effect with it")
    per = str(PER.check(owner, common.get("per", "epoch")))
    if row.name == "constant" and per == "step" and not warm_up:
        raise ArgumentError(f"{owner}: per='step' has no effect without warm_up")
    return ScheduleRule(
        name=row.name,
        options=options,
        per=per,
        warm_up=float(warm_up or 0.0),
    )
