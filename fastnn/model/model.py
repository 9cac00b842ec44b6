"""A trained model as one thing: network, preprocessing, labels and history."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from fastnn.backend.backend import get_backend
from fastnn.backend.host.arrays import to_host
from fastnn.backend.protocols import Backend
from fastnn.data.preprocess import Features
from fastnn.data.statistics import DataNote
from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.data.wanted import Only, tell_others
from fastnn.errors import ArgumentError, arg, lacking, shown, warn
from fastnn.faces import Face
from fastnn.formats.atomic import write_atomically
from fastnn.formats.document import Contents, pack
from fastnn.formats.onnx_export import onnx_bytes
from fastnn.model.facts import model_facts, report_rows
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.preparation.examples import (
    Examples,
    built_in_rows,
    is_built_in,
    target_values,
    with_target,
    with_weights,
)
from fastnn.preparation.loss_weights import check_weights
from fastnn.preparation.preparation import Preparation
from fastnn.reading.files import (
    has_names,
    is_text_file,
    read_labelled,
    read_table,
    target_columns,
    width,
)
from fastnn.reading.larger import storage_of
from fastnn.recipe.choices import refuse_unknown
from fastnn.recipe.config import Config
from fastnn.recipe.documentation import documented
from fastnn.recipe.table import DataOptions, EngineOptions, ReadingOptions
from fastnn.training.history import History
from fastnn.training.learner import Learner
from fastnn.training.metrics import default_metrics, metric_names, probabilities

Array = npt.NDArray[Any]

#: What the columns are was said in training, and is not asked for new data.
_OF_TRAINING = tuple(DataOptions.__annotations__)
#: `Model.read` and `Model.examples` can leave columns out.
_NOT_WHEN_READ = tuple(name for name in _OF_TRAINING if name != "drop")


@dataclass(eq=False)
class Model:
    """What training makes and a model file keeps.

    Examples are rows here, as people have them: ``(N, n_features)`` arrays, data frames, or
    files. Predictions run on the CPU unless `to` moved the model elsewhere.

    >>> from fastnn.api.train import train
    >>> model = train("breast_cancer", epochs=3, seed=0).model
    >>> model.task, model.predict(np.zeros((2, 30))).shape
    ('binary', (2,))
    """

    learner: Learner  # the network with its numbers, where predictions run
    features: Features
    targets: Targets
    target_name: str | tuple[str, ...] = "target"  # several columns: their names
    options: Mapping[str, Any] = field(default_factory=dict)  # how it was trained
    report: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # metrics by part
    config: Config = field(
        default_factory=Config
    )  # what the training was given: ``train(**config.given)``
    prior: Array | None = None  # of the training part: class shares, mean or quantile, (K,)

    @property
    def network(self) -> Network:
        """The shape of the network."""
        return self.learner.network

    @property
    def parameters(self) -> Parameters:
        """Its weights and biases, on the device."""
        return self.learner.parameters

    @property
    def history(self) -> History:
        """The epochs of its training."""
        return self.learner.history

    @property
    def backend(self) -> Backend:
        """What computes its predictions."""
        return self.learner.backend

    @property
    def task(self) -> str:
        """``"binary"``, ``"multiclass"``, ``"multilabel"`` or ``"regression"``."""
        return self.targets.task

    @property
    def classes_(self) -> Array:
        """The labels, (K,) and sorted, as scikit-learn calls them: `predict_proba`'s columns.

        Of several 0/1 labels their numbers from 0. A regression model has no such attribute.

        >>> from fastnn.api.train import train
        >>> train("breast_cancer", epochs=1).model.classes_
        array([0, 1])
        """
        if self.task == "regression":
            said = "'Model' object has no attribute 'classes_': a regression model has no classes"
            raise AttributeError(said, name="classes_", obj=self)
        classes = self.targets.classes
        return np.arange(self.targets.n_outputs) if classes is None else classes.copy()

    @property
    def device(self) -> str:
        """Where predictions run: ``"cpu"`` or ``"cuda:N"``."""
        return self.backend.device

    @property
    def engine(self) -> Mapping[str, Any] | None:
        """What ran the last predictions: "engine", "threads" and the "reason"; None before any."""
        return self.learner.engine

    @documented(EngineOptions)
    def to(self, device: str | Backend, **how: Unpack[EngineOptions]) -> Model:
        """Return the same model on another device; the parameters are copied.

        Parameters
        ----------
        device : "cpu", "cuda", "cuda:N" or "auto", or a backend.
        {options}

        >>> from fastnn.api.train import train
        >>> model = train("diabetes", epochs=1).model.to("cpu", engine="numpy")
        >>> model.device, model.predict(np.zeros((3, 10))).shape, model.engine["reason"]
        ('cpu', (3,), "engine='numpy' was asked for")

        Raises DeviceError if the device cannot be used, ArgumentError for an option without effect
        there.
        """
        given: Any = device
        refuse_unknown("to", how, EngineOptions.__annotations__)
        if hasattr(given, "compile"):
            for name, value in how.items():
                raise ArgumentError(
                    f"{arg(name, value)} has no effect: the backend is made already"
                )
            backend = given
        else:
            backend = get_backend(given, **how)
        return replace(self, learner=self.learner.copy_to(backend))

    def outputs(self, data: Any, **reading: Unpack[ReadingOptions]) -> Array:
        """Return ``A[L]`` for the rows of ``data``: (N, K), float of the model's dtype."""
        with lacking(*_OF_TRAINING):
            rows = self.features.transform(self.read(data, **reading))
        return self.learner.predict(rows)

    def outputs_of_rows(self, X: npt.ArrayLike) -> Array:
        """Return ``A[L]`` for rows of plain numbers: the shortest way, for one row at a time.

        ``X``: (N, p) finite numbers, or (p,) for one row: the training columns in their order, as
        they were before preprocessing, which is applied here. The result is (N, K), float of the
        model's dtype, not decoded: probabilities, or standardised values.

        >>> from fastnn.api.train import train
        >>> model = train("breast_cancer", epochs=1).model
        >>> model.outputs_of_rows(np.zeros(30)).shape
        (1, 1)

        Raises ArgumentError if the model takes text or has columns with gaps (use `outputs`), if
        the shape does not fit or a number is not finite.
        """
        f = self.features
        try:
            rows = np.atleast_2d(np.asarray(to_host(X), np.float64))
        except (TypeError, ValueError):
            raise ArgumentError(f"{arg('X')} must be rows of numbers, found {shown(X)}") from None
        if f.categories or f.indicators or f.dates:
            raise ArgumentError(
                "outputs_of_rows takes numbers only, and this model has columns of text, of dates "
                "or with gaps: use outputs",
                argument="X",
            )
        if rows.ndim != 2 or rows.shape[1] != len(f.mean):
            raise ArgumentError(f"{arg('X')} has shape {np.shape(X)}, needs (N, {len(f.mean)})")
        rows = (rows - f.mean) / f.scale
        if rows.size and not abs(rows).max() <= np.finfo(f.dtype).max:  # NaN is not, either
            raise ArgumentError(
                f"{arg('X')} has a number that is not finite, or too large for {f.dtype}"
            )
        return self.learner.predict(rows.astype(f.dtype))

    def predict(self, data: Any, **reading: Unpack[ReadingOptions]) -> Array:
        """Return the predicted labels, or values in the target's own units.

        (N,) labels in their original type; (N, k) of 0 and 1 for multilabel; (N,) or (N, k) float64
        for regression. ``data``: rows without the target: an array, a data frame, a dict of
        columns, a path, a `Table`, or the name of a built-in data set: its test part, else all of
        its rows. ``reading``: ``delimiter`` of a CSV file, if it is not a comma; ``decimal``,
        ``thousands``, ``missing`` and ``date_format`` of text, if they are not as in training (see
        `fastnn.train`). Raises DataError if the columns do not fit.

        >>> import numpy as np
        >>> from fastnn.api.train import train
        >>> train("diabetes", epochs=1).model.predict(np.zeros((3, 10))).shape
        (3,)
        """
        return self.decoded(self.outputs(data, **reading))

    def predict_proba(self, data: Any, **reading: Unpack[ReadingOptions]) -> Array:
        """Return class probabilities (N, K), K = 2 for binary; (N, k) per label for multilabel.

        >>> import numpy as np
        >>> from fastnn.api.train import train
        >>> train("breast_cancer", epochs=1).model.predict_proba(np.zeros((1, 30))).shape
        (1, 2)

        Raises ArgumentError for regression.
        """
        return self.probabilities_of(self.outputs(data, **reading))

    def evaluate(
        self,
        data: Any,
        target: Any = None,
        *,
        metrics: Sequence[object] | None = None,
        sample_weight: npt.ArrayLike | str | None = None,
        **reading: Unpack[ReadingOptions],
    ) -> dict[str, float]:
        """Return metrics and the (weighted) mean loss for examples with a known target.

        ``target``: labels or values, or the name of a column of ``data``, or a list of such
        names; None takes the column or columns that the model was trained to predict. A built-in
        data set is given by its name, and has its own: its test part, else all of it. Rows without
        a target are left out, with a DataNote. ``sample_weight``: weights, or the name of their
        column; None takes the column that training took, if it is there. ``reading``: as in
        `predict`. Raises DataError for a label that the model does not know,
        or if a target column is missing.

        >>> import numpy as np
        >>> from fastnn.api.train import train
        >>> model = train("digits", epochs=2).model
        >>> sorted(model.evaluate(np.zeros((2, 64)), [3, 4]))
        ['accuracy', 'loss']
        """
        metrics = default_metrics(self.task, self.network.loss) if metrics is None else metrics
        metric_names(self.task, metrics)  # or refuses
        with lacking(*_OF_TRAINING):
            examples = self.examples(data, target, sample_weight=sample_weight, **reading)
            prepared = Preparation(self.features, self.targets, self.network.loss)
            part = prepared.part(examples, metrics=metrics)
        if (missing := self.features.weight) and examples.weights is None and has_names(data):
            warn(
                DataNote(f"without weights: the column {missing!r} that training took is not there")
            )
        A, loss = self.learner.evaluate(part)
        return {**part.judged(A), "loss": float(loss)}

    @lacking(*_NOT_WHEN_READ)
    def read(
        self, data: Any, *, drop: Sequence[str] = (), **reading: Unpack[ReadingOptions]
    ) -> Table:
        """Return the rows of ``data`` as `predict` takes them: the columns that the model knows.

        Others, ``drop`` among them, are not looked at; those that training did not have are told
        with a DataNote.

        >>> from fastnn.api.train import train
        >>> model = train({"a": np.arange(99.0), "y": np.arange(99.0)}, "y", epochs=1).model
        >>> model.read({"a": [1.0]}).names
        ('a',)
        """
        if is_built_in(data):
            return self._built_in(data, None, None, drop, reading).table
        return self._read(data, drop, reading)[0]

    def _built_in(
        self, name: str, target: Any, sample_weight: Any, drop: Sequence[str], reading: Any
    ) -> Examples:
        """The rows of a data set of the package: its test part, if it has one of its own."""
        found = built_in_rows(name, target, reading)
        weight = sample_weight if isinstance(sample_weight, str) else self.features.weight
        if sample_weight is not None and not isinstance(sample_weight, str):
            weights = check_weights(sample_weight, len(found))
            found, weight = replace(found, weights=weights), ""
        if weight in found.table.names or isinstance(sample_weight, str):
            found = with_weights(found, weight)
        return replace(found, table=found.table.drop(list(drop))) if drop else found

    @lacking(*_NOT_WHEN_READ)
    def examples(
        self,
        data: Any,
        target: Any = None,
        *,
        sample_weight: npt.ArrayLike | str | None = None,
        drop: Sequence[str] = (),
        **reading: Unpack[ReadingOptions],
    ) -> Examples:
        """Return the rows of ``data`` with their known target, as `evaluate` takes both.

        >>> from fastnn.api.train import train
        >>> len(train("digits", epochs=1).model.examples(np.zeros((2, 64)), [3, 4]))
        2
        """
        if isinstance(data, Examples):
            return data
        if is_built_in(data):
            return self._built_in(data, target, sample_weight, drop, reading)
        wanted = self.target_name if target is None else target
        names = target_columns(data, wanted)
        column = sample_weight if isinstance(sample_weight, str) else ""
        weight = column or (self.features.weight if sample_weight is None else "")
        if target is None or names:
            own = names or ((wanted,) if isinstance(wanted, str) else wanted)
            table, labels = self._read(data, drop, reading, [*own, weight], names or wanted)
        else:
            table, labels = self._read(data, drop, reading, [weight])
            labels = target_values(wanted)
        found = Examples(table, labels)
        if sample_weight is not None and not column:
            found = replace(found, weights=check_weights(sample_weight, len(table)))
        if len(labels) == len(table):  # or it is refused with both numbers
            called = self.target_name if target is None else names or "target"
            found = with_target(found, called, read=target is None or bool(names))
        if column or weight in table.names:
            found = with_weights(found, weight)
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model into one file, whole or not at all; `fastnn.load` reads it back.

        Raises DataError, naming the path, if nothing can be written there, ArgumentError if the
        weights are not finite. An old file is then still there, and the model unchanged.

        >>> from fastnn.api.train import train
        >>> train("diabetes", epochs=1).model.save("no-such-folder/model.fastnn")
        Traceback (most recent call last):
        fastnn.errors.DataError: cannot write file 'no-such-folder/model.fastnn': there is no ...
        """
        contents = Contents(
            self.network, self.learner.weights(), self.features, self.targets, self.history,
            self.target_name, self.options, self.report, self.config, self.prior,
        )  # fmt: skip
        write_atomically(path, pack(contents))

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model as ONNX: preprocessing, network and labels in one graph.

        Of numeric columns the input is one matrix ``X`` (N, n_columns) of the model's dtype, or
        double where float32 would lose what tells the numbers apart or has no such number; with
        categories or dates each column is an input (N, 1) by its name, categories as text, dates
        as double: seconds since 1970-01-01 UTC, of times of day seconds since midnight. The outputs
        are ``label`` and ``probabilities``, or ``prediction`` for regression. Gaps (NaN) and
        unknown categories are handled as in `predict`, but without a warning.

        The graph compares text and cannot read it as `predict` does: give categories as
        ``model.features.categories`` has them ("1" for 1, 1.0 and True; without spaces around
        them; the file's metadata has them, too). It knows common spellings besides: "1.0", "+1",
        "True", "TRUE", one space before or behind. Any other text counts as '<unknown>'.

        Raises ArgumentError without the extra ``onnx``, DataError if nothing can be written there.

        >>> from fastnn.api.train import train
        >>> train("diabetes", epochs=1).model.to_onnx("no-such-folder/model.onnx")
        Traceback (most recent call last):
        fastnn.errors.DataError: cannot write file 'no-such-folder/model.onnx': there is no ...
        """
        weights, fitted = self.learner.weights(), (self.features, self.targets)
        write_atomically(path, onnx_bytes(self.network, weights, *fitted, self.target_name))

    def __copy__(self) -> Model:
        return replace(self, learner=copy(self.learner))  # never with the weights of another

    def facts(self) -> dict[str, str]:
        """Return in words what the model is and how it was trained; its repr has them, too.

        >>> from fastnn.api.train import train
        >>> train("digits", hidden_layer_sizes=[], epochs=1).model.facts()["task"]
        "multiclass of 'digit'"
        """
        kinds = (self.features, self.targets, self.target_name, self.options)
        return model_facts(self.learner, *kinds)

    def _face(self) -> Face:
        course = self.history.facts() if self.history.epochs else {}
        return Face("Model", {**self.facts(), **course}, report_rows(self.report))

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()

    def _read(
        self,
        data: Any,
        drop: Sequence[str],
        reading: ReadingOptions,
        more: Sequence[str] = (),
        target: str | Sequence[str] = (),
    ) -> tuple[Table, Array]:
        """Read the columns that the model takes, and ``more``; the ``target`` apart, if any."""
        f, only = self.features, None
        if has_names(data) and not isinstance(data, Table) and not f.positional:
            only = Only({*f.columns, *more})
        how = {"only": only, **self.kinds(data, drop), **self._how(data, reading)}
        how["storage"] = storage_of(data)
        labels = np.zeros(0)
        if len(target):
            text = self.has_text_labels
            table, labels = read_labelled(data, target, text=text, gaps=True, **how)
        else:
            table = read_table(data, **how)
        if only is not None:
            silent = {*drop, *f.left_out, f.weight}
            tell_others([name for name in only.others if name not in silent], self._targets)
        return table, labels

    @property
    def _targets(self) -> tuple[str, ...]:
        """What the columns of the target are called, those of a matrix in an NPZ file, too."""
        name = self.target_name
        blocks = (f"{name}{j}" for j in range(self.targets.n_outputs))
        return (name, *blocks) if isinstance(name, str) else tuple(name)

    def _how(self, data: Any, reading: ReadingOptions) -> dict[str, Any]:
        """How text is read: as ``reading`` says, else as in training."""
        refuse_unknown("a model", reading, ReadingOptions.__annotations__)
        return self.features.reading_with(reading, text=is_text_file(data))

    @property
    def has_text_labels(self) -> bool:
        """Whether labels are text."""
        return self.targets.classes is not None and self.targets.classes.dtype.kind == "U"

    def kinds(self, data: Any, drop: Sequence[str] = ()) -> dict[str, Any]:
        """Return which columns of ``data`` are numeric, categorical, dates, and to be left out.

        The first three are what training found them to be. They are declared to the reader, so that
        a few rows are not judged by themselves. ``drop``: further ones to leave out.
        """
        f, given = self.features, {"drop": drop}
        if isinstance(data, Table):
            return given
        names = {column: column for column in f.columns}
        if not has_names(data):  # columns are known by their places
            for columns in (f.columns, f.given):
                if width(data) == len(columns):
                    names = {column: f"x{j}" for j, column in enumerate(columns)}
                    break
            else:
                return given
            given = {"drop": [*drop, *(names[c] for c in f.left_out if c in names)]}
        elif f.positional:
            return given
        return {
            "numeric": [names[column] for column in f.numeric if column not in f.dates],
            "categorical": [names[column] for column in f.categorical],
            "dates": {names[column]: date.form for column, date in f.dates.items()},
            **given,
        }

    def decoded(self, A: Array, threshold: float | None = None) -> Array:
        """Return the labels or values that outputs ``A[L]`` (N, K) stand for, as `predict` does.

        ``threshold``: the second of two classes, or a label, is predicted from this probability
        on; None: above 1/2.

        >>> from fastnn.api.train import train
        >>> model = train("breast_cancer", epochs=1).model
        >>> model.decoded(np.array([[0.2], [0.4]]), threshold=0.3)
        array([0, 1])
        """

        def above(P: Array) -> Array:
            return np.asarray(P > 0.5 if threshold is None else threshold <= P)

        match self.task:
            case "binary":
                return self.targets.decode(above(probabilities("binary", A)[:, 1]))
            case "multiclass":
                return self.targets.decode(A.argmax(axis=1))
            case "multilabel":
                return self.targets.decode(above(A))
            case _:
                return self.targets.decode(A)

    def probabilities_of(self, A: Array) -> Array:
        """Return the probabilities that outputs ``A[L]`` (N, K) stand for, as `predict_proba` does.

        >>> from fastnn.api.train import train
        >>> train("breast_cancer", epochs=1).model.probabilities_of(np.array([[0.25]]))
        array([[0.75, 0.25]])

        Raises ArgumentError for regression.
        """
        if self.task == "regression":
            raise ArgumentError(
                f"there are no probabilities with {arg('task', self.task)}: a regression model "
                "predicts values; use predict",
                value=self.task,
            )
        return probabilities(self.task, A)
