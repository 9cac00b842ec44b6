"""Many trainings on the same data at once: `train_many`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from inspect import signature
from typing import Any, Unpack

import numpy.typing as npt

from fastnn.api.train import Training
from fastnn.backend.protocols import Backend
from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.doctor import findings_of_training
from fastnn.diagnosis.findings import Case
from fastnn.errors import ArgumentError, arg, inside, shown, warn
from fastnn.model.model import Model
from fastnn.preparation.baseline import baseline_of
from fastnn.preparation.examples import Source, read_source
from fastnn.preparation.setup import Setup, Shared, set_up
from fastnn.recipe.checks import flag
from fastnn.recipe.checks import seed as check_seed
from fastnn.recipe.choices import options, pick, refuse_unknown
from fastnn.recipe.config import Config
from fastnn.recipe.documentation import documented
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import RecipeOptions, RunOptions, SourceOptions, TrainOptions
from fastnn.training.batching import at_once, choose_batching
from fastnn.training.callbacks import ProgressReport, TrainingState
from fastnn.training.class_counts import ClassCounts
from fastnn.training.course import Entry
from fastnn.training.history import History
from fastnn.training.learner import Learner
from fastnn.training.loop import Trainer, TrainingInterrupted, insist
from fastnn.training.part import evaluate_many

#: Arguments of `train` that a config cannot have.
_FOR_ALL = {
    *options(SourceOptions, RunOptions),
    *("data", "target", "validation", "test", "sample_weight", "verbose"),
}
#: Arguments of `train` that only a training alone has, and what to do.
_FOR_ONE = {
    "callbacks": "have no effect in train_many: use train",
    "doctor": "has no effect in train_many: use train",
    "find_learning_rate": "has no effect in train_many: call fastnn.find_learning_rate before",
}


@documented(TrainOptions)
def train_many(
    configs: Sequence[Mapping[str, Any]],
    data: Any,
    target: Any = None,
    *,
    validation: Any = None,
    test: Any = None,
    sample_weight: npt.ArrayLike | str | None = None,
    verbose: bool = False,
    **common: Unpack[TrainOptions],
) -> list[Training]:
    """Train a network for each of ``configs``, those of one shape all at once.

    The i-th result is that of ``train(data, target, **{**common, **configs[i]})``, on the CPU
    number for number, with the split of ``common`` for all: a ``seed`` in a config is that
    of the weights, the order of the examples and the dropout masks; only ``split_seed`` or
    ``fold`` changes the parts.

    Networks of the same layers, loss, dropout and kind of optimizer, with training parts and
    batches of the same size, are trained as one: a step is one matrix product per layer over all of
    them, on the CPU shared out by network. Learning rate, schedule, optimizer options, penalties,
    clipping, initializer, seed, fold and early stopping are each network's own. Any other
    difference makes a further such group, trained after the first. A network that stops keeps
    its best weights while the others go on.

    Parameters
    ----------
    configs : for each network what is its own: a mapping of the options below, but for those of
        the data and of the device, which are the same for all.
    data, target, validation, test, sample_weight : as in `train`.
    verbose : show progress on standard error: the network with the lowest loss so far, and the
        examples per second of all.

    What all configs have that do not say otherwise (``engine="auto"`` takes what it would take
    for one network alone, for the same numbers; "compiled" is faster for small networks, and
    differs by rounding):

    {options}

    >>> import numpy as np
    >>> rates = [{"learning_rate": rate} for rate in (1e-3, 1e-2, 1e-1)]
    >>> trained = train_many(rates, "breast_cancer", hidden_layer_sizes=[16], epochs=5)
    >>> len(trained), trained[0].model.predict(np.zeros((2, 30))).shape
    (3, (2,))

    Raises what `train` raises, naming the config. A network whose loss is no longer a number does
    not stop the others: its training has the weights of the last good epoch, ``history.stopped``
    is "diverged", ``error`` says why, and a RuntimeWarning is given. Ctrl-C raises
    TrainingInterrupted, whose ``result`` is the list with what there is, None for what had not
    begun.
    """
    refuse_unknown("train_many", common, signature(train_many).parameters)
    if not isinstance(configs, (list, tuple)) or not all(
        isinstance(config, Mapping) for config in configs
    ):
        raise ArgumentError(
            f"{arg('configs')} must be a list of mappings such as [{{'seed': 0}}, {{'seed': 1}}], "
            f"found {shown(configs)}",
            value=configs,
        )
    if not configs:
        raise ArgumentError(f"{arg('configs')} is empty: give at least one, such as {{'seed': 0}}")
    verbose = flag("verbose", verbose)
    recipes = read_recipes(configs, pick(common, RecipeOptions))
    settings = RunSettings(**pick(common, RunOptions))
    parts = {"validation": validation, "test": test, "sample_weight": sample_weight}
    work = Work.read(settings, data, target, common, **parts)
    trained = train_recipes(recipes, work, verbose=verbose)
    for recipe, training in zip(recipes, trained, strict=True):
        if training.error is not None:
            warn(f"{recipe.name} diverged, the others went on: {training.error}", RuntimeWarning)
    return trained


@dataclass(frozen=True)
class Named:
    """A recipe, and what messages call it."""

    name: str
    recipe: Recipe
    given: Mapping[str, Any] = field(default_factory=dict)  # its options


@dataclass(frozen=True, eq=False)
class Work:
    """What all of many trainings have in common: the examples, and how they are computed."""

    source: Source
    settings: RunSettings
    validation: Any = None
    test: Any = None
    config: Config = field(default_factory=Config)  # what all were given

    @staticmethod
    def read(
        settings: RunSettings,
        data: Any,
        target: Any,
        common: Mapping[str, Any],
        *,
        validation: Any = None,
        test: Any = None,
        sample_weight: Any = None,
    ) -> Work:
        """Return the work on what a user hands over; ``common``: the options of all trainings.

        >>> Work.read(RunSettings(), "digits", None, {"epochs": 3}).config.given
        {'data': 'digits'}
        """
        own = pick(common, SourceOptions)
        split = common.get("split")
        source = read_source(data, target, sample_weight=sample_weight, split=split, **own)
        given = {"data": data, "target": target, "validation": validation, "test": test}
        given |= {"sample_weight": sample_weight, **own, **pick(common, RunOptions)}
        return Work(source, settings, validation, test, Config.of(given))

    def set_up(self, recipes: Sequence[Named]) -> list[Setup]:
        """Return what each training needs; what several need alike is made once.

        >>> work = Work(read_source("digits"), RunSettings())
        >>> [s.network.sizes for s in work.set_up(read_recipes([{"hidden_layer_sizes": []}], {}))]
        [(64, 10)]
        """
        shared: Shared = {}
        found = []
        for named in recipes:
            with inside(f"{named.name}: "):
                setup = set_up(
                    self.source,
                    named.recipe,
                    dtype=self.settings.dtype,
                    validation=self.validation,
                    test=self.test,
                    shared=shared,
                )
            found.append(replace(setup, config=self.config.also(named.given)))
        return found


def read_recipes(configs: Sequence[Mapping[str, Any]], common: Mapping[str, Any]) -> list[Named]:
    """Return the recipe of each config; raise ArgumentError, naming it, for one that cannot be.

    >>> [one.recipe.seed for one in read_recipes([{"seed": 1}, {"seed": 2}], {"epochs": 3})]
    [1, 2]
    """
    one_split = {"split_seed": check_seed("seed", common.get("seed", 0))}
    found = []
    for i, config in enumerate(configs):
        name = f"config {i} {dict(config)!r}"
        with inside(f"{name}: "):
            for option in config:
                if option in _FOR_ALL:
                    raise ArgumentError(
                        f"{arg(option)} is the same for all networks: give it by itself"
                    )
                if option in _FOR_ONE:
                    raise ArgumentError(f"{arg(option)} {_FOR_ONE[option]}")
            given = {**common, **config}
            if not str(given.get("split")).startswith("time:"):
                given = {**one_split, **given}
            recipe = Recipe.of(**given)
            recipe.check_end()
        found.append(Named(name, recipe, given))
    return found


def train_recipes(
    recipes: Sequence[Named],
    work: Work,
    *,
    verbose: bool = False,
    judged: Collection[str] = ("train", "validation", "test"),
) -> list[Training]:
    """`train_many` on examples that have been read; only the parts ``judged`` are looked at.

    >>> work = Work(read_source("diabetes"), RunSettings())
    >>> trained = train_recipes(read_recipes([{"epochs": 1}], {}), work, judged=["validation"])
    >>> list(trained[0].report)
    ['validation']
    """
    work.settings.backend()  # or refuses
    setups = work.set_up(recipes)
    results: list[Training | None] = [None] * len(recipes)
    try:
        for members in groups(setups):
            _train_group(work.settings, setups, members, results, verbose, judged)
    except KeyboardInterrupt:
        latest = next((t.history for t in reversed(results) if t is not None), History())
        raise TrainingInterrupted(latest, results) from None
    return [training for training in results if training is not None]


def groups(setups: Sequence[Setup]) -> list[list[int]]:
    """Return which trainings can be one: of one shape, kind of optimizer and number of examples.

    >>> groups([])
    []
    """
    found: dict[str, list[int]] = {}
    for i, setup in enumerate(setups):
        recipe = setup.recipe
        rule = recipe.optimizer
        key = {
            "network": setup.network.to_json(),
            "optimizer": (rule.name, rule.options.get("epsilon_placement")),
            "epochs": recipe.epochs,  # the engine is chosen by them
            "batch_size": (recipe.batch_size, recipe.micro_batch_size),
            "groups": repr(recipe.groups),
            "examples": [len(part) for part in setup.parts.values()],
            "weights": [None if p.w is None else p.w.shape[1] for p in setup.parts.values()],
        }
        found.setdefault(json.dumps(key, sort_keys=True), []).append(i)
    return list(found.values())


def _train_group(
    settings: RunSettings,
    setups: Sequence[Setup],
    members: Sequence[int],
    results: list[Training | None],
    verbose: bool,
    judged: Collection[str],
) -> None:
    """Train networks of one shape, as many at once as fit into the memory; fill in the results."""
    backend, network = settings.backend(), setups[members[0]].network
    learners = [_learner(settings, i, setups[i]) for i in members]
    entries = [_entry(i, learner, setups[i]) for i, learner in zip(members, learners, strict=True)]
    most = at_once(backend, network, entries)
    for start in range(0, len(members), most):
        some, numbers = entries[start : start + most], members[start : start + most]
        stopped, progress = False, _Progress(some, backend) if verbose else None
        try:
            Trainer(backend, network, some).run(progress)
        except KeyboardInterrupt:
            stopped = True
            if any(entry.history.stopped == "running" for entry in some):
                raise  # before it began: there is nothing of these
        finally:
            if progress is not None:
                progress.end()
        mine = [setups[i] for i in numbers], learners[start : start + most]
        trained, again = insist(partial(trainings, *mine, judged))
        for i, training, entry in zip(numbers, trained, some, strict=True):
            results[i] = replace(training, error=entry.error)
        if stopped or again:
            raise KeyboardInterrupt


def _learner(settings: RunSettings, i: int, setup: Setup) -> Learner:
    """Return a network with its first weights."""
    recipe = setup.recipe
    with inside(f"config {i}: "):
        return Learner.new(
            setup.network, settings, initializer=recipe.initializer, seed=recipe.seed
        )


def _entry(i: int, learner: Learner, setup: Setup) -> Entry:
    return learner.entry(
        setup.parts["train"], setup.recipe, validation=setup.parts["validation"],
        greater_is_better=setup.greater_is_better, name=f"config {i}",
    )  # fmt: skip


def trainings(
    setups: Sequence[Setup], learners: Sequence[Learner], judged: Collection[str]
) -> list[Training]:
    """Return the models, judged on some of the parts."""
    setup, one, part = setups[0], learners[0], setups[0].parts["train"]
    examples, dtype = (part.X, part.Y, part.w), one.parameters.dtype
    block = choose_batching(one.backend, setup.network, examples, setup.recipe, dtype).judged_rows
    parameters = [learner.parameters for learner in learners]
    reports: list[dict[str, dict[str, float]]] = [{} for _ in learners]
    counts: list[ClassCounts | None] = [None for _ in learners]
    for name in [name for name in setup.parts if name in judged]:
        parts = [setup.parts[name] for setup in setups]
        found = evaluate_many(
            one.backend, setup.network, parameters, parts, block, setup.recipe.epochs
        )
        for g, (own, (outputs, loss)) in enumerate(zip(parts, found, strict=True)):
            reports[g][name] = {**own.judged(outputs), "loss": loss}
            if name == "test":
                counts[g] = own.counted(outputs)
    return [_training(*of) for of in zip(setups, learners, reports, counts, strict=True)]


def _training(
    setup: Setup,
    learner: Learner,
    report: Mapping[str, Mapping[str, float]],
    counts: ClassCounts | None,
) -> Training:
    options, parts = setup.recipe.to_json(), setup.parts
    model = Model(
        learner.trained(), setup.features, setup.targets, setup.target_name, options, report,
        setup.config, setup.constant,
    )  # fmt: skip
    case = Case.of(setup.network, options, setup.features, setup.targets)
    found = findings_of_training(learner, parts["train"], parts["validation"], case)
    record = setup.record if "test" in report else None
    base = None
    if record is not None:
        base = baseline_of(setup.targets, setup.network.loss, setup.constant, parts["test"])
    return Training(
        model, report, diagnosis=Diagnosis(found), record=record, counts=counts, baseline=base
    )


class _Progress:
    """Shows the network that has the lowest loss, and how fast all of them go."""

    def __init__(self, entries: Sequence[Entry], backend: Backend) -> None:
        most = max(entry.options.epochs for entry in entries)
        self._state = TrainingState(History(), most, len(entries[0].train), backend.device)
        self._report = ProgressReport()
        self._report.begin(self._state)

    def __call__(self, histories: Sequence[History], speed: float) -> None:
        latest = [h.epochs[-1] for h in histories if h.epochs]
        if not latest:
            return
        best = min(latest, key=lambda e: e.loss if e.validation_loss is None else e.validation_loss)
        number = max(e.epoch for e in latest)
        self._state.history.epochs.append(replace(best, epoch=number, examples_per_second=speed))
        self._report.epoch_end(self._state)

    def end(self) -> None:
        self._report.end(self._state)
