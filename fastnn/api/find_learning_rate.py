"""A learning rate for a training, found by trying: `find_learning_rate`."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, TypeVar, Unpack, cast

import numpy as np
import numpy.typing as npt

from fastnn.diagnosis.baseline import constant_loss
from fastnn.errors import ArgumentError, arg, warn
from fastnn.formats.atomic import path_text, write_atomically
from fastnn.model.model import Model
from fastnn.pictures.figure import figure_svg
from fastnn.pictures.files import ending_of, figure_page, file_content, notebook_html
from fastnn.pictures.marks import Axis, Chart, Figure, Line, Point
from fastnn.pictures.numbers import figure_csv
from fastnn.pictures.raster import svg_to_png
from fastnn.preparation.setup import Setup, prepared
from fastnn.recipe.checks import flag
from fastnn.recipe.choices import pick, refuse_unknown
from fastnn.recipe.documentation import documented
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import RecipeOptions, RunOptions, TrainOptions
from fastnn.streams import say
from fastnn.training.history import History
from fastnn.training.loop import TrainingInterrupted
from fastnn.training.rate_sweep import choose, rates_of_a_sweep, smoothed, sweep_costs

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class RangeTest:
    """What `find_learning_rate` found: the rate, why it is that one, and the losses.

    ``learning_rate`` has two digits, so that it can be written by hand. ``clear`` is False if no
    rate brought the loss down; then it is the default of the optimizer.

    ``rates`` (n,): the learning rates that were tried, each 4% above the one before; ``losses``
    (3, n), with full batches (1, n): the cost of the mini-batch of each step in each sweep, nan
    where one had ended; ``smoothed`` (n,): their mean, smoothed. All float64.

    Printed it says what was found; in a notebook it shows the picture too.

    >>> found = find_learning_rate("diabetes", hidden_layer_sizes=[], optimizer="sgd")
    >>> found.columns()["learning_rate"][0], found.clear
    (1e-08, True)
    """

    learning_rate: float
    reason: str
    clear: bool
    optimizer: str
    rates: FloatArray
    losses: FloatArray
    smoothed: FloatArray

    @property
    def lines(self) -> tuple[str, str]:
        """What was found, and why."""
        reason = f"{self.reason[:1].upper()}{self.reason[1:]}."
        return f"learning rate {self.learning_rate:g} for {self.optimizer}", reason

    def __repr__(self) -> str:
        return "\n".join(self.lines)

    def columns(self) -> dict[str, list[float]]:
        """Return the numbers as columns, ready for a data frame."""
        sweeps = {f"loss {k}": row.tolist() for k, row in enumerate(self.losses, start=1)}
        return {
            "learning_rate": self.rates.tolist(), **sweeps, "smoothed": self.smoothed.tolist()
        }  # fmt: skip

    def figure(self) -> Figure:
        """Return the picture: the loss over the learning rate, with the rate that was chosen."""
        n = int(np.isfinite(self.smoothed).sum())
        rates, mean = self.rates[:n].tolist(), self.smoothed[:n].tolist()
        # Twice the loss at first shows the fall, and that it rises again.
        start, low = float(np.nanmean(self.losses[:, 0])), min(0.0, float(np.nanmin(self.losses)))
        top = start + abs(start)
        rate = self.learning_rate
        said = [f"rate {r:.2g}: {J:.4g}" for r, J in zip(rates, mean, strict=True)]
        points = tuple(Point(*point) for point in zip(rates, _below(mean, top), said, strict=True))
        nearest = min(points, key=lambda p: abs(math.log(p.x / rate)))
        marks = (
            *(Line.of("", rates, _below(J[:n], top), "grey", "thin") for J in self.losses),
            Line("smoothed", points, "blue", "strong"),
            Line.of(f"{rate:g}", [rate, rate], [low, top], "orange", "dashed"),
            Line("", (nearest,), "orange", "strong"),
        )
        chart = Chart(
            "Loss over learning rate",
            marks,
            Axis("learning rate", log=True),
            Axis("loss", limits=(low, top)),
            f"pale: each sweep ({len(self.losses)}); strong: their mean, smoothed",
            width=760,
        )
        title = f"Learning rate found for {self.optimizer}: {rate:g}"
        return Figure(title, [chart], self.lines[1], columns=1)

    def svg(self) -> str:
        """Return the picture as an SVG file."""
        return figure_svg(self.figure())

    def png(self, zoom: float = 2.0) -> bytes:
        """Return the picture as PNG; raise MissingExtraError without the extra ``plot``."""
        return svg_to_png(self.svg(), zoom)

    def csv(self) -> str:
        """Return the numbers of the picture as CSV."""
        return figure_csv(self.figure())

    def page(self) -> str:
        """Return a page of one file, which needs no network."""
        return figure_page(self.figure(), self.lines[:1], _MADE)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture, the numbers or the page, by the ending: .svg, .png, .csv or .html.

        Raises ArgumentError for another ending, DataError if nothing can be written there.
        """
        name = path_text(path)
        content = file_content(self.figure(), self.lines[:1], ending_of(name), _MADE)
        write_atomically(name, content)

    def _repr_html_(self) -> str:
        return notebook_html(self.figure(), self.lines[:1])


def _below(losses: npt.ArrayLike, top: float) -> FloatArray:
    """Return the losses with a gap where they are above the picture."""
    values = np.asarray(losses, np.float64)
    return np.where(values <= top, values, np.nan)


_MADE = (
    "A range test after "
    '<a href="https://arxiv.org/abs/1506.01186">Smith 2017</a>, '
    "with rates that grow by a constant factor."
)


def range_test(setup: Setup, settings: RunSettings) -> RangeTest:
    """`find_learning_rate` for a training that is made ready.

    >>> recipe = Recipe.of(hidden_layer_sizes=[], optimizer="sgd")
    >>> setup, _ = prepared("diabetes", None, recipe, RunSettings(), options={})
    >>> 0.001 < range_test(setup, RunSettings()).learning_rate < 0.1
    True
    """
    recipe, part = setup.recipe, setup.parts["train"]
    costs = sweep_costs(setup.network, part, recipe, settings)
    # A penalty is part of the costs, and no part of what a constant costs.
    penalised = recipe.l2 > 0 or recipe.l1 > 0
    constant = math.inf if penalised else constant_loss(setup.network, part)
    choice = choose(costs, recipe.optimizer.learning_rate, constant)
    return RangeTest(
        choice.rate, choice.reason, choice.clear, recipe.optimizer.name,
        rates_of_a_sweep(), costs, smoothed(costs),
    )  # fmt: skip


F = TypeVar("F", bound=Callable[..., RangeTest])


def _of_data(find: F) -> F:
    """Refuse what is trained elsewhere, which is handed over before its data."""

    @wraps(find)
    def checked(*args: Any, **options: Any) -> RangeTest:
        first = args[0] if args else options.get("data")
        if callable(getattr(first, "fit", None)) or isinstance(first, Model):
            name = type(first).__name__
            raise ArgumentError(
                f"{arg('data')} is where find_learning_rate begins, found a {name}: it makes a "
                f"network of its own, find_learning_rate(X, y, {arg('hidden_layer_sizes', [64])}, "
                f"{arg('optimizer', 'adam')}); give the {name} the rate that is found for one "
                "like it",
                argument="data",
                value=first,
            )
        return find(*args, **options)

    return cast(F, checked)


@_of_data
@documented(TrainOptions, but=("learning_rate",))
def find_learning_rate(
    data: Any,
    target: Any = None,
    *,
    validation: Any = None,
    test: Any = None,
    sample_weight: npt.ArrayLike | str | None = None,
    **options: Unpack[TrainOptions],
) -> RangeTest:
    """Find a learning rate for a training with the same arguments, `train`'s, by a range test.

    Mini-batches of the training part are learnt from with rates that grow from 1e-8 to 100, by 4%
    from step to step, until the loss is four times what it was at first (Smith 2017, arXiv
    1506.01186, with a constant factor in place of a constant difference). Three such sweeps, each
    with weights and an order of its own (one, if a batch is all examples), are averaged and
    smoothed. The rate is the lowest at which 95% of the fall of that loss is done, from its
    beginning to its lowest value, and at most a tenth of the rate from which on it is above its
    beginning again. A fall to no less than the loss of the best constant prediction is none. It
    takes up to 1,800 steps. A problem that is learnt only after many epochs (a curve whose straight
    line is found first) may do better with a higher rate.

    A schedule is left out of the sweeps: it multiplies the rate that is found. How long a training
    goes on and when it stops (``epochs``, ``patience`` and so on) has no part in them either.

    Parameters
    ----------
    data, target, validation, test, sample_weight : as in `train`.
    {options}

    >>> found = find_learning_rate("digits", optimizer="momentum", hidden_layer_sizes=[16])
    >>> 0.01 < found.learning_rate < 1.0
    True
    >>> print(found)
    learning rate 0... for momentum
    The loss falls from 2... to 0... (at ...) and ...; chosen is the rate where 95% of ...

    Raises what `train` raises; DivergenceError if the loss is no number before the first step.
    """
    known = signature(find_learning_rate).parameters
    refuse_unknown("find_learning_rate", options, known, {"learning_rate": "it is what is found"})
    recipe = Recipe.of(**pick(options, RecipeOptions))
    settings = RunSettings(**pick(options, RunOptions))
    parts = {"validation": validation, "test": test, "sample_weight": sample_weight}
    setup, _ = prepared(data, target, recipe, settings, options=options, **parts)
    return range_test(setup, settings)


#: What `train` may be told: whether to find a rate, or where the picture of that goes.
Wish = bool | str | os.PathLike[str]


def check_wish(wish: Wish, given: float | None) -> None:
    """Raise ArgumentError unless a rate can be looked for as wished; ``given``: a learning rate.

    >>> check_wish("rates.svg", None)
    >>> check_wish(True, 0.1)
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: learning_rate is given, and find_learning_rate would replace it...
    """
    if isinstance(wish, (str, bytes, os.PathLike)):
        ending_of(path_text(wish), "find_learning_rate")
    else:
        flag("find_learning_rate", wish)
    if wish is not False and given is not None:
        raise ArgumentError(
            f"{arg('learning_rate')} is given, and {arg('find_learning_rate')} would replace it: "
            "leave one of them out",
            value=given,
        )


def found_for(setup: Setup, settings: RunSettings, wish: Wish, verbose: bool) -> RangeTest:
    """Find the learning rate of a training, say which, and draw it if ``wish`` is a path.

    >>> recipe = Recipe.of(hidden_layer_sizes=[])
    >>> setup, _ = prepared("diabetes", None, recipe, RunSettings(), options={})
    >>> found_for(setup, RunSettings(), wish=True, verbose=False).optimizer
    'adam'

    Raises TrainingInterrupted on Ctrl-C: there is no model yet.
    """
    try:
        found = range_test(setup, settings)
    except KeyboardInterrupt:
        raise TrainingInterrupted(History()) from None
    if not isinstance(wish, bool):
        found.save(wish)
    if not found.clear:
        warn(f"{found.lines[0]}: {found.reason}", RuntimeWarning)
    elif verbose:
        say(f"{found.lines[0]}: {found.reason}")
    return found
