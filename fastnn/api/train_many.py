"""Many trainings on the same data at once: `train_many`."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any

import numpy.typing as npt

from fastnn.api.train import Training, check_options, listed
from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.protocols import Backend
from fastnn.errors import ArgumentError, FastnnError
from fastnn.model.model import Model
from fastnn.nn.parameters import Parameters, check_dtype, initialize
from fastnn.preparation.examples import Source, read_source
from fastnn.preparation.preparation import Choices, Setup, Shared, choices, set_up
from fastnn.training.callbacks import ProgressReport, TrainingState
from fastnn.training.history import History
from fastnn.training.loop import TrainingInterrupted, insist
from fastnn.training.many import Entry, ManyTrainer, at_once, batching, evaluate_many


def train_many(
    configs: Sequence[Mapping[str, Any]],
    data: Any,
    target: Any = None,
    *,
    task: str = "auto",
    validation: Any = None,
    test: Any = None,
    sample_weight: npt.ArrayLike | None = None,
    categorical: Collection[str] = (),
    drop: Collection[str] = (),
    delimiter: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    missing: Collection[str] | None = None,
    device: str = "cpu",
    engine: str = "auto",
    capture: str = "auto",
    precision: str = "full",
    dtype: str = "float32",
    verbose: bool = False,
    **common: Any,
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
    configs : for each network what is its own: a mapping of `train`'s arguments, but for those
        below and `callbacks`.
    data, target, task, validation, test, sample_weight, categorical, drop, delimiter, decimal,
        thousands, missing, device, capture, precision, dtype : as in `train`, the same for all.
    engine : as in `train`. "auto" takes what it would take for one network alone, for the same
        numbers; "compiled" (extra ``jit``) is faster for small networks, and differs by rounding.
    verbose : show progress on standard error: the network with the lowest loss so far, and the
        examples per second of all.
    common : what all configs have that do not say otherwise.

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
    if isinstance(configs, (str, bytes, Mapping)) or not all(
        isinstance(config, Mapping) for config in configs
    ):
        raise ArgumentError(
            f"configs must be a list of mappings such as [{{'seed': 0}}, {{'seed': 1}}], found "
            f"{configs!r}"
        )
    if not configs:
        raise ArgumentError("configs is empty: give at least one, such as {'seed': 0}")
    if not isinstance(verbose, bool):
        raise ArgumentError(f"verbose must be True or False, found {verbose!r}")
    check_configs(configs, common)
    categorical = listed("categorical", categorical)
    source = read_source(
        data,
        target,
        task=task,
        categorical=categorical,
        drop=listed("drop", drop),
        sample_weight=sample_weight,
        delimiter=delimiter,
        decimal=decimal,
        thousands=thousands,
        missing=missing,
    )
    trained = train_configs(
        configs, source, validation=validation, test=test, categorical=categorical, device=device,
        engine=engine, capture=capture, precision=precision, dtype=dtype, verbose=verbose, **common,
    )  # fmt: skip
    for i, training in enumerate(trained):
        if training.error is not None:
            warnings.warn(
                f"{_name(i, configs[i])} diverged, the others went on: {training.error}",
                RuntimeWarning,
                stacklevel=2,
            )
    return trained


def check_configs(configs: Sequence[Mapping[str, Any]], common: Mapping[str, Any]) -> list[Choices]:
    """Return the choices of each config; raise ArgumentError, naming it, for one that cannot be.

    >>> [c.settings.seed for c in check_configs([{"seed": 1}, {"seed": 2}], {"epochs": 3})]
    [1, 2]
    """
    common = {"split_seed": common.get("seed", 0), **common}
    found = []
    for i, config in enumerate(configs):
        with _naming(i, config):
            found.append(_choices({**common, **config}))
    return found


def train_configs(
    configs: Sequence[Mapping[str, Any]],
    source: Source,
    *,
    validation: Any = None,
    test: Any = None,
    categorical: Collection[str] = (),
    device: str = "cpu",
    engine: str = "auto",
    capture: str = "auto",
    precision: str = "full",
    dtype: str = "float32",
    verbose: bool = False,
    judged: Collection[str] = ("train", "validation", "test"),
    **common: Any,
) -> list[Training]:
    """`train_many` on examples that have been read; only the parts ``judged`` are looked at.

    >>> source = read_source("diabetes")
    >>> trained = train_configs([{"seed": 0}], source, judged=["validation"], epochs=1)
    >>> list(trained[0].report)
    ['validation']
    """
    backend = get_backend(device, engine, capture=capture, precision=precision)
    dtype = check_dtype(dtype).name
    setups = set_ups(
        configs, source, common,
        dtype=dtype, categorical=categorical, validation=validation, test=test,
    )  # fmt: skip
    results: list[Training | None] = [None] * len(configs)
    try:
        for members in groups(setups):
            _train_group(backend, setups, members, results, dtype, verbose, judged)
    except KeyboardInterrupt:
        latest = next((t.history for t in reversed(results) if t is not None), History())
        raise TrainingInterrupted(latest, results) from None
    return [training for training in results if training is not None]


def set_ups(
    configs: Sequence[Mapping[str, Any]],
    source: Source,
    common: Mapping[str, Any],
    **given: Any,
) -> list[Setup]:
    """Return what each training needs; ``given`` are the other arguments of `set_up`.

    >>> [s.network.sizes for s in set_ups([{"hidden_layer_sizes": []}], read_source("digits"), {})]
    [(64, 10)]
    """
    shared: Shared = {}
    found = []
    for i, chosen in enumerate(check_configs(configs, common)):
        with _naming(i, configs[i]):
            found.append(set_up(source, chosen, shared=shared, **given))
    return found


def _name(i: int, config: Mapping[str, Any]) -> str:
    return f"config {i} {dict(config)!r}"


@contextmanager
def _naming(i: int, config: Mapping[str, Any]) -> Iterator[None]:
    """Say of which config an error is."""
    try:
        yield
    except FastnnError as error:
        raise type(error)(f"{_name(i, config)}: {error}") from error


def _choices(given: Mapping[str, Any]) -> Choices:
    """Return the choices of one config, the common ones included."""
    mine = signature(choices).parameters
    common = [n for n in signature(train_many).parameters if n not in ("configs", "common")]
    for name in given:
        if name in common:
            raise ArgumentError(
                f"{name} is the same for all networks: give it beside the configs, not in one"
            )
        if name == "callbacks":
            raise ArgumentError("callbacks have no effect in train_many: use train")
    check_options({name: value for name, value in given.items() if name not in mine})
    return choices(**given)


def groups(setups: Sequence[Setup]) -> list[list[int]]:
    """Return which trainings can be one: of one shape, kind of optimizer and number of examples.

    >>> groups([])
    []
    """
    found: dict[str, list[int]] = {}
    for i, setup in enumerate(setups):
        settings = setup.choices.settings
        rule = settings.optimizer
        key = {
            "network": setup.network.to_json(),
            "optimizer": (rule.name, rule.options.get("epsilon_placement")),
            "epochs": settings.epochs,  # the engine is chosen by them
            "batch_size": (settings.batch_size, settings.micro_batch_size),
            "groups": repr(settings.groups),
            "examples": [len(part) for part in setup.parts.values()],
            "weights": [None if p.w is None else p.w.shape[1] for p in setup.parts.values()],
        }
        found.setdefault(json.dumps(key, sort_keys=True), []).append(i)
    return list(found.values())


def _train_group(
    backend: Backend,
    setups: Sequence[Setup],
    members: Sequence[int],
    results: list[Training | None],
    dtype: str,
    verbose: bool,
    judged: Collection[str],
) -> None:
    """Train networks of one shape, as many at once as fit into the memory; fill in the results."""
    network = setups[members[0]].network
    entries = [_entry(i, setups[i], dtype) for i in members]
    most = at_once(backend, network, entries)
    for start in range(0, len(members), most):
        some, numbers = entries[start : start + most], members[start : start + most]
        stopped, progress = False, _Progress(some, backend) if verbose else None
        try:
            ManyTrainer(backend, network, some).run(progress)
        except KeyboardInterrupt:
            stopped = True
            if any(entry.history is None or entry.history.stopped == "running" for entry in some):
                raise  # before it began: there is nothing of these
        finally:
            if progress is not None:
                progress.end()
        mine = [setups[i] for i in numbers]
        trained, again = insist(partial(trainings, backend, mine, some, judged))
        for i, training in zip(numbers, trained, strict=True):
            results[i] = training
        if stopped or again:
            raise KeyboardInterrupt


def _entry(i: int, setup: Setup, dtype: str) -> Entry:
    """Return a network with its first weights; these are drawn on the host."""
    host = CpuBackend()
    chosen = setup.choices
    parameters = Parameters(setup.network, host, dtype)
    with _naming(i, {}):
        initialize(
            setup.network, parameters, host,
            initializer=chosen.initializer, seed=chosen.settings.seed,
        )  # fmt: skip
    return Entry(
        parameters.theta, chosen.settings, setup.parts["train"], setup.parts["validation"],
        setup.greater_is_better, f"config {i}",
    )  # fmt: skip


def trainings(
    backend: Backend, setups: Sequence[Setup], entries: Sequence[Entry], judged: Collection[str]
) -> list[Training]:
    """Return the models, judged on some of the parts."""
    network, thetas = setups[0].network, [entry.theta for entry in entries]
    times = entries[0].options.epochs
    block = batching(backend, network, entries[0]).judged_rows
    reports: list[dict[str, dict[str, float]]] = [{} for _ in entries]
    for name in [part for part in setups[0].parts if part in judged]:
        parts = [setup.parts[name] for setup in setups]
        found = evaluate_many(backend, network, thetas, parts, block, times)
        for report, part, (outputs, loss) in zip(reports, parts, found, strict=True):
            assert part.score is not None
            report[name] = {**part.score(outputs), "loss": loss}
    trained = []
    for setup, entry, report in zip(setups, entries, reports, strict=True):
        assert entry.history is not None
        parameters = Parameters(setup.network, backend, entry.theta.dtype)
        backend.copy(backend.array(entry.theta), parameters.theta)
        model = Model(
            setup.network, parameters, setup.features, setup.targets, entry.history,
            setup.target_name, setup.choices.to_json(), report, backend,
        )  # fmt: skip
        trained.append(Training(model, report, entry.error))
    return trained


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
