"""Which choices are best on the validation part (N32): `search`.

The validation part judges every candidate; the test part is looked at once, for the best (N18).
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any, TypeVar, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.api.search_grid import Grid, expand
from fastnn.api.search_result import Candidate, Search, ranking
from fastnn.api.search_workers import WORKERS, in_processes
from fastnn.api.train import Training
from fastnn.api.train_many import Named, Work, groups, read_recipes, train_recipes, trainings
from fastnn.data.statistics import DataWarning
from fastnn.errors import ArgumentError, DivergenceError, arg, shown
from fastnn.preparation.examples import Source
from fastnn.preparation.fit_to_task import choose_loss
from fastnn.recipe.checks import flag, monitor, one_of, optional, whole
from fastnn.recipe.checks import seed as check_seed
from fastnn.recipe.choices import pick, refuse_unknown
from fastnn.recipe.documentation import documented
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import RecipeOptions, RunOptions, TrainOptions
from fastnn.registry import did_you_mean
from fastnn.training.history import History
from fastnn.training.loop import TrainingInterrupted, insist
from fastnn.training.metrics import default_metrics, greater_is_better, metric_names

T = TypeVar("T")

#: With different values of these, losses are not of one kind.
_LOSS_CHANGES = ("loss", "label_smoothing", "class_weight", "standardize_target")


@documented(TrainOptions)
def search(
    data: Any,
    target: Any = None,
    *,
    grid: Grid | None = None,
    n_random: int | None = None,
    folds: int | None = None,
    by: str | None = None,
    jobs: int | None = None,
    workers: str | None = None,
    validation: Any = None,
    test: Any = None,
    sample_weight: npt.ArrayLike | str | None = None,
    verbose: bool = False,
    **common: Unpack[TrainOptions],
) -> Search:
    """Train a network for every combination of ``grid`` and compare them on the validation part.

    Parameters
    ----------
    grid : options with the values to try, such as ``{"initializer": ["he_normal",
        "glorot_uniform"], "learning_rate": [1e-3, 1e-2]}``.
    n_random : try so many combinations, drawn at random by ``seed``; a range, `LogUniform`, may
        then stand in the place of a list.
    folds : compare means over so many folds instead of one validation part. The test part, a
        fifth, is not in any of them.
    by : "loss" or a metric; None takes ``monitor``, or the loss. Different losses cannot be
        compared by the loss.
    jobs, workers : processes, and the library that runs them, "joblib" or "dask". Without them
        everything runs here, networks of one shape at once (`train_many`); so do the networks of
        each process.
    data, target, validation, test, sample_weight, verbose : as in `train_many`.

    What all combinations have:

    {options}

    >>> found = search("diabetes", grid={"l2": [0.0, 100.0]}, hidden_layer_sizes=[8], epochs=3)
    >>> len(found.candidates), found.by, sorted(found.training.report)
    (2, 'loss', ['test', 'train', 'validation'])

    Raises what `train_many` raises; DivergenceError if no candidate could be trained. Ctrl-C
    raises TrainingInterrupted, whose ``result`` is the `Search` of the candidates that were done
    by then (over all folds; with jobs also all that their process trains at once), or None.
    """
    refuse_unknown("search", common, signature(search).parameters)
    shared = pick(common, RecipeOptions)
    if grid is None:
        raise ArgumentError(
            f"{arg('grid')} is missing: give options with the values to try, such as "
            f"{arg('grid', {'learning_rate': [1e-3, 1e-2]})}"
        )
    configs = expand(grid, n_random, check_seed("seed", shared.get("seed", 0)))
    n_folds = _check_folds(folds, grid, shared)
    jobs = optional(whole)("jobs", jobs)
    workers = optional(one_of(*WORKERS))("workers", workers)
    by = optional(monitor)("by", by)
    recipes = read_recipes(configs, shared)
    settings = RunSettings(**pick(common, RunOptions))
    backend = settings.backend()
    if (jobs or workers) and backend.device != "cpu":
        raise ArgumentError(
            f"{arg('jobs')} and {arg('workers')} have no effect on device {backend.device!r}: "
            "networks of one shape are trained there at once"
        )
    parts = {"validation": validation, "test": test, "sample_weight": sample_weight}
    work = Work.read(settings, data, target, common, **parts)
    source = work.source
    by, greater = _judge(by, grid, shared, source)
    if "loss" in grid and "metrics" not in grid and not shared.get("metrics"):
        same = default_metrics(source.task)  # and not those of each loss
        recipes = [replace(one, recipe=replace(one.recipe, metrics=same)) for one in recipes]
    if n_folds > len(source.examples):
        raise ArgumentError(f"{arg('folds', n_folds)}: there are {len(source.examples)} rows only")
    if n_folds > 1:
        recipes = [
            Named(
                f"{one.name}, fold {i}",
                replace(one.recipe, fold=(i, n_folds)),
                {**one.given, "fold": (i, n_folds)},
            )
            for one in recipes
            for i in range(n_folds)
        ]
    train: Any = partial(
        train_recipes, verbose=flag("verbose", verbose) and not jobs, judged=("validation",)
    )
    trained: list[Training | None] = [None] * len(recipes)
    stopped = again = False
    try:
        if jobs is None and workers is None:
            trained = train(recipes, work)
        else:
            together = groups(work.set_up(recipes))  # which tells what there is to say of the data
            trained = in_processes(
                partial(_silently, train), recipes, {"work": work}, jobs=jobs or _cores(),
                workers=workers or "joblib", together=together,
            )  # fmt: skip
    except KeyboardInterrupt as stop:
        stopped, trained = True, getattr(stop, "result", None) or trained
    ended = [t if t is not None and t.history.stopped != "interrupted" else None for t in trained]
    complete = _complete(ended, n_folds)
    candidates = tuple(_candidate(configs[i], part, by) for i, part in complete.items())
    best = ranking(candidates, greater)[0] if candidates else 0
    found = None
    if candidates and not math.isnan(candidates[best].score):
        place = [*complete][best]
        first = recipes[place * n_folds], complete[place][0]
        training, again = insist(partial(_silently, _judged, work, *first))
        found = Search(by, greater, candidates, best, training)
    if stopped or again:
        done = sum(t is not None for t in ended)
        raise SearchInterrupted(found, (done, len(ended)), (len(complete), len(configs))) from None
    if found is None:
        raise DivergenceError(f"no candidate has a {by} to compare: {_reason(trained)}")
    return found


def _complete(ended: Sequence[Training | None], n_folds: int) -> dict[int, list[Training]]:
    """Return the folds of each combination, by its place, of those that have them all."""
    found = {}
    for i in range(len(ended) // n_folds):
        part = [t for t in ended[i * n_folds : (i + 1) * n_folds] if t is not None]
        if len(part) == n_folds:
            found[i] = part
    return found


def _silently(do: Callable[..., T], /, *given: Any, **named: Any) -> T:
    """Do what reads and prepares the data once more, of which all is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return do(*given, **named)


def _judged(work: Work, named: Named, training: Training) -> Training:
    """Return the best training again, judged on every part."""
    (setup,) = work.set_up([named])
    return trainings([setup], [training.model.learner], setup.parts)[0]


class SearchInterrupted(TrainingInterrupted):
    """Ctrl-C during a search; ``result`` is the `Search` of the candidates that were done.

    It is None if none of them has something to compare. ``trainings``: how many had ended by
    themselves, of how many; ``combinations``: how many in all their folds, of how many.
    """

    def __init__(
        self, result: Search | None, trainings: tuple[int, int], combinations: tuple[int, int]
    ) -> None:
        super().__init__(History() if result is None else result.training.history, result)
        self.trainings, self.combinations = trainings, combinations
        self.args = (f"search interrupted: {trainings[0]} of {trainings[1]} trainings were done",)


def _check_folds(folds: int | None, grid: Grid, common: Mapping[str, Any]) -> int:
    """Return the number of folds, 1 for none."""
    for name in ("fold", "split", "split_seed"):
        if name in grid or (name == "fold" and name in common):
            raise ArgumentError(
                f"{arg(name)} would compare on different validation parts: leave it out, or use "
                f"{arg('folds')}"
            )
    if folds is None:
        return 1
    if str(common.get("split")).startswith("time:"):
        raise ArgumentError(f"{arg('folds')} has no effect with a {arg('split')} by time")
    if whole("folds", folds) < 2:
        raise ArgumentError(f"{arg('folds')} must be 2 or more, found {folds}")
    return folds


def _judge(
    by: str | None, grid: Grid, common: Mapping[str, Any], source: Source
) -> tuple[str, bool]:
    """Return what is compared, and whether more of it is better; refuse what has no meaning."""
    for name in ("monitor", "metrics"):
        if by is None and name in grid:
            raise ArgumentError(f"{arg('by')} is missing: the candidates differ in {arg(name)}")
    asked = "by" if by else "monitor"
    by = by or common.get("monitor") or "loss"
    if by == "loss":
        changed = [name for name in _LOSS_CHANGES if name in grid]
        if changed:
            raise ArgumentError(
                f"losses with different {arg(changed[0])} cannot be compared: give a metric, such "
                f"as {arg('by', default_metrics(source.task)[0])}"
            )
        return by, False
    cost = None if "loss" in grid else choose_loss(common.get("loss"), source.task)
    metrics = common.get("metrics") or default_metrics(source.task, cost)
    names = metric_names(source.task, metrics)
    if by not in names:
        raise ArgumentError(
            f"{arg(asked)} must be 'loss' or one of the metrics ({', '.join(names)}), found "
            f"{shown(by)}" + did_you_mean(by, ["loss", *names])
        )
    return by, greater_is_better(by)


def _candidate(config: Mapping[str, Any], folds: Sequence[Training], by: str) -> Candidate:
    """Return how a combination did; without a score if one of its folds diverged."""
    reports = [training.report["validation"] for training in folds]
    failed = any(training.error is not None for training in folds)
    scores = tuple(math.nan if failed else float(report[by]) for report in reports)
    names = ["loss", *(name for name in reports[0] if name != "loss")]
    ends = dict.fromkeys(training.history.stopped for training in folds)
    return Candidate(
        config=config,
        score=float(np.mean(scores)),
        scores=scores,
        metrics={name: float(np.mean([report[name] for report in reports])) for name in names},
        best_epoch=float(np.mean([training.history.best_epoch or 0 for training in folds])),
        stopped=", ".join(ends),
        seconds=sum(e.seconds for training in folds for e in training.history.epochs),
    )


def _reason(trained: Sequence[Training | None]) -> str:
    errors = [str(t.error) for t in trained if t is not None and t.error is not None]
    return errors[0] if errors else "it is not defined on the validation part"


def _cores() -> int:
    return len(os.sched_getaffinity(0))
