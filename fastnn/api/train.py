"""Train a model on data: split, preprocess, build the network, train, judge."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import Any, TypeVar, Unpack

import numpy.typing as npt

from fastnn.api.find_learning_rate import RangeTest, check_wish, found_for
from fastnn.backend.random import check_seed
from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.doctor import Doctor, Wish, wanted
from fastnn.diagnosis.findings import Case, Finding
from fastnn.errors import ArgumentError, DivergenceError, Spelling, arg, in_python, lacking
from fastnn.faces import Curve, Face
from fastnn.formats.atomic import path_text, write_atomically
from fastnn.model.facts import report_rows, task_text
from fastnn.model.model import Model
from fastnn.preparation.account import account
from fastnn.preparation.baseline import Baseline, baseline_of
from fastnn.preparation.record import Record
from fastnn.preparation.setup import prepared
from fastnn.recipe.checks import flag, listed
from fastnn.recipe.choices import pick, refuse_unknown
from fastnn.recipe.config import Config
from fastnn.recipe.documentation import documented
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import (
    ReadingOptions,
    RecipeOptions,
    RunOptions,
    TrainOptions,
)
from fastnn.text import engine_text, number
from fastnn.training.callbacks import CallbackLike, ProgressReport, as_callback
from fastnn.training.class_counts import ClassCounts
from fastnn.training.history import History
from fastnn.training.learner import Learner
from fastnn.training.loop import TrainingInterrupted, insist
from fastnn.training.part import Part

Array = npt.NDArray[Any]
F = TypeVar("F", bound=Callable[..., Any])


def as_in(method: Callable[..., Any]) -> Callable[[F], F]:
    """Give a method that only calls another one the documentation of that."""

    def write(function: F) -> F:
        function.__doc__ = method.__doc__
        return function

    return write


@dataclass(frozen=True, eq=False, repr=False)
class Training:
    """What `train` returns: the model, and its metrics on each part.

    `predict`, `predict_proba`, `evaluate` and `save` are those of the model. ``report["test"]``
    was computed once, after all choices were made (N18).

    >>> training = train("diabetes", hidden_layer_sizes=[], epochs=2)
    >>> sorted(training.report), sorted(training.report["test"])
    (['test', 'train', 'validation'], ['loss', 'mae', 'r2', 'rmse'])
    >>> training.history.stopped
    'epochs'
    """

    model: Model
    report: Mapping[str, Mapping[str, float]]
    error: DivergenceError | None = None  # why its loss was no longer a number
    diagnosis: Diagnosis = field(default=Diagnosis(), repr=False)
    range_test: RangeTest | None = None  # how the learning rate was found, if it was looked for
    record: Record | None = field(default=None, repr=False)  # what was read, for `report_html`
    counts: ClassCounts | None = field(default=None, repr=False)  # of the test part, all its rows
    baseline: Baseline | None = None  # what is to be had without a column, on the test part

    @property
    def history(self) -> History:
        """The epochs of the training."""
        return self.model.history

    @property
    def engine(self) -> Mapping[str, Any] | None:
        """What ran the steps: "engine", "threads" and the "reason", which says why with "auto"."""
        return self.history.engine

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the training: with ``doctor`` all, else what costs nothing to find."""
        return self.diagnosis.findings

    def report_html(self, seed: int = 0, *, file: str = "", spelling: Spelling = in_python) -> str:
        """Return a page on the training and its model: HTML that needs no network.

        Judged on the test part, of which at most 20,000 rows are looked at; thresholds are chosen
        on the validation part. ``seed``: of what is drawn, the orders of permuted columns and the
        dots of a picture; ``file``: what the model's file is called, for the listings;
        ``spelling``: how options are written, as in Python unless told.

        >>> text = train("diabetes", hidden_layer_sizes=[], epochs=1).report_html()
        >>> "the 88 rows of the test part" in text
        True

        A training that was not judged on its test part (of a `search` all but the best) has the
        page of its model alone.
        """
        from fastnn.report.document import document
        from fastnn.report.subject import of_training

        error = "" if self.error is None else self.error.said(spelling)
        tried = self.range_test
        subject = of_training(
            self.model,
            self.record,
            self.counts,
            error=error,
            findings=self.findings,
            rate=None if tried is None else (tried.lines[1], tried.figure().panels[0]),
            seed=check_seed(seed),
            file=file,
            spelling=spelling,
        )
        return document(subject)

    def save_report(
        self,
        path: str | os.PathLike[str],
        seed: int = 0,
        *,
        file: str = "",
        spelling: Spelling = in_python,
    ) -> None:
        """Write the page of `report_html` into a file, whole or not at all.

        Raises ArgumentError for a name that does not end in .html, DataError, naming the path, if
        nothing can be written there.

        >>> train("diabetes", epochs=1).save_report("no-such-folder/report.html")
        Traceback (most recent call last):
        fastnn.errors.DataError: cannot write file 'no-such-folder/report.html': there is no ...
        """
        name = path_text(path)
        if not name.lower().endswith((".html", ".htm")):
            raise ArgumentError(
                f"{arg('path')}: the name of a page ends in .html, found {name!r}",
                argument="path",
                value=path,
            )
        write_atomically(path, self.report_html(seed, file=file, spelling=spelling).encode())

    @as_in(Model.predict)
    def predict(self, data: Any, **reading: Unpack[ReadingOptions]) -> Array:
        return self.model.predict(data, **reading)

    @as_in(Model.predict_proba)
    def predict_proba(self, data: Any, **reading: Unpack[ReadingOptions]) -> Array:
        return self.model.predict_proba(data, **reading)

    @as_in(Model.evaluate)
    def evaluate(
        self,
        data: Any,
        target: Any = None,
        *,
        metrics: Sequence[object] | None = None,
        sample_weight: npt.ArrayLike | str | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> dict[str, float]:
        return self.model.evaluate(
            data, target, metrics=metrics, sample_weight=sample_weight, **reading
        )

    @as_in(Model.save)
    def save(self, path: str | os.PathLike[str]) -> None:
        self.model.save(path)

    def _face(self) -> Face:
        model = self.model
        facts: dict[str, str | Curve] = {"task": task_text(model.task, model.target_name)}
        facts |= {"network": str(model.network), "engine": engine_text(self.engine)}
        facts |= self.history.facts()
        if self.range_test is not None:
            facts["learning rate"] = f"{self.range_test.learning_rate:g}: {self.range_test.reason}"
        if self.record is not None:
            facts |= account(self.record, model.features, model.targets)
        if self.baseline is not None:
            metrics = (f"{name} {number(v)}" for name, v in self.baseline.metrics.items())
            facts["baseline"] = f"{self.baseline.says}: {', '.join(metrics)} on the test part"
        if self.error is not None:
            facts["error"] = str(self.error)
        if self.findings:
            facts["found"] = ", ".join(finding.name for finding in self.findings)
        return Face("Training", facts, report_rows(self.report))

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()


@documented(TrainOptions)
def train(
    data: Any,
    target: Any = None,
    *,
    validation: Any = None,
    test: Any = None,
    sample_weight: npt.ArrayLike | str | None = None,
    callbacks: Sequence[CallbackLike] = (),
    verbose: bool = False,
    doctor: Wish = False,
    find_learning_rate: bool | str | os.PathLike[str] = False,
    **options: Unpack[TrainOptions],
) -> Training:
    """Train a network on a table and return the model with its metrics.

    The data are split 60-20-20 (98-1-1 from a million rows on, N18); all preprocessing is fitted
    on the training part; the validation part decides when to stop and which epoch's weights to
    keep; the test part is used once, at the end.

    Parameters
    ----------
    data : a built-in name ("digits", "breast_cancer", "diabetes", "fashion_mnist", "flights"), a
        file (CSV, Parquet, Excel, NPZ and others), a folder, a pattern or a list of files; a data
        frame or what streams Arrow tables, a dict of columns, an array (N, n_features) or of images
        (N, height, width) or (N, height, width, channels).
    target : the name of a column, a list of such names (regression of several values, or several
        0/1 labels), or an array of N labels or values, (N,) or (N, k).
    validation, test : parts of your own, each a pair (data, target), or (data, target, weights),
        or data with the target column. If only one is given, the other is split off: a tenth of the
        rest for validation, a fifth for test.
    sample_weight : one per row of ``data``, or the name of a column of them, which is no input
        then and weights new data, too, where they have it; in training scaled to the mean 1.
    callbacks : functions of the `TrainingState` after each epoch, or objects with the methods
        begin, epoch_end and end.
    verbose : show progress on standard error: a bar on a terminal, elsewhere a line every few
        seconds.
    doctor : look at signals and gradients of every layer before the first epoch, after 1, 2, 4, 8,
        ... epochs and at the end, for ``training.findings`` and ``training.diagnosis``; a function
        is called with each finding when it is first met. The training stays the same.
    find_learning_rate : True finds it first, as `fastnn.find_learning_rate` does, and trains with
        it; the model is the same as with that ``learning_rate`` given. The name of a file (.svg,
        .png, .csv or .html) also gets its picture. ``Training.range_test`` says what was found.
    {options}

    >>> training = train("breast_cancer", hidden_layer_sizes=[16], epochs=20, seed=0)
    >>> training.report["test"]["accuracy"] > 0.9
    True

    Raises ArgumentError, DataError or DeviceError naming what cannot work, DeviceError also if it
    does not fit into the memory (N27); DivergenceError if the loss is no longer a number, whose
    ``result`` is the training with the weights of the last good epoch; TrainingInterrupted on
    Ctrl-C, whose ``result`` is the one with the best weights so far.
    """
    refuse_unknown("train", options, signature(train).parameters)
    recipe = Recipe.of(**pick(options, RecipeOptions))
    recipe.check_end()
    settings = RunSettings(**pick(options, RunOptions))
    check_wish(find_learning_rate, options.get("learning_rate"))
    watchers = [as_callback(c) for c in listed("callbacks", callbacks)]
    watchers += [ProgressReport()] if flag("verbose", verbose) else []
    tell, looks = doctor if callable(doctor) else None, wanted(doctor)
    parts = {"validation": validation, "test": test, "sample_weight": sample_weight}
    setup, _ = prepared(data, target, recipe, settings, options=options, **parts)
    net, ready = setup.network, setup.parts
    part = ready["train"]
    found, asked = None, {"data": data, "target": target, **parts, **options}
    if find_learning_rate is not False:
        found = found_for(setup, settings, find_learning_rate, verbose)
        asked["learning_rate"] = found.learning_rate
        recipe = replace(recipe, learning_rate=found.learning_rate)
    learner = Learner.new(net, settings, initializer=recipe.initializer, seed=recipe.seed)
    case = Case.of(net, recipe.to_json(), setup.features, setup.targets)
    config = Config.of(asked)
    physician = Doctor(learner, part, recipe, case, tell)
    watchers = [physician, *watchers] if looks else watchers

    def finish() -> Training:
        seen = {name: _judge(learner, part, name == "test") for name, part in ready.items()}
        report = {name: metrics for name, (metrics, _) in seen.items()}
        model = Model(
            learner.trained(), setup.features, setup.targets, setup.target_name,
            recipe.to_json(), report, config, setup.constant,
        )  # fmt: skip
        return Training(
            model, report, diagnosis=physician.diagnosis(ready["validation"]), range_test=found,
            record=setup.record, counts=seen["test"][1],
            baseline=baseline_of(setup.targets, net.loss, setup.constant, ready["test"]),
        )  # fmt: skip

    stopped = False
    # Whether the rate was too high or too low: what found it is no cure.
    with lacking(*["find_learning_rate"] * (found is not None)):
        try:
            learner.train(
                part, recipe, validation=ready["validation"],
                greater_is_better=setup.greater_is_better, callbacks=watchers,
            )  # fmt: skip
        except TrainingInterrupted:
            stopped = True
        except DivergenceError as error:
            # Without the frames of its traceback; where dask is loaded, tblib copies them, too.
            error.result = replace(finish(), error=copy(error).with_traceback(None))
            raise
        training, again = insist(finish)
    if stopped or again:
        raise TrainingInterrupted(training.history, training)
    return training


def _judge(
    learner: Learner, part: Part, count: bool
) -> tuple[dict[str, float], ClassCounts | None]:
    """The metrics of a part; and the counts of its classes, if they are wanted."""
    A, value = learner.evaluate(part)
    counts = part.counted(A) if count else None
    return {**part.judged(A), "loss": float(value)}, counts
