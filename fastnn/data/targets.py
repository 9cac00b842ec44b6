"""What is to be predicted: which task, labels to class indices and back, N19 for regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from fastnn.data.cells import STANDARD
from fastnn.data.columns import category_texts
from fastnn.data.state import (
    check_metadata,
    check_vectors,
    is_count,
    is_flag,
)
from fastnn.data.statistics import moments
from fastnn.data.table import Array, Place, check_dtype, check_exact, from_zero, listed
from fastnn.data.tasks import (
    TASKS,
    Task,
    check_task,
    class_labels,
    clean_target,
    first_not_binary,
    numbers_of,
    one_class,
)
from fastnn.errors import ArgumentError, DataError, ModelFileError, advice, arg, lacking, shown
from fastnn.pickles import Pickled

_KIND = {"b": "boolean", "i": "integer", "f": "number", "U": "text"}


@dataclass(frozen=True, eq=False)
class Targets(Pickled):
    """The target's encoding, fitted on the training part and saved with the model.

    Attributes:
        task: 'binary', 'multiclass', 'multilabel' or 'regression'.
        classes: sorted labels (bool, int64, float64 or text); class k is ``classes[k]``. In a
            binary task ``classes[1]`` is the positive one. None for the other tasks.
        n_outputs: units of the output layer: 1, number of classes, or columns of the target.
        mean, scale: ``(n_outputs,)`` float64 of N19, regression only; else None.
        flat: predictions have shape ``(N,)`` rather than ``(N, n_outputs)``.
        dtype: of the encoded floats.

    >>> targets = Targets.fit(["spam", "ham", "spam"], "binary")
    >>> targets.encode(["ham", "spam"]).ravel(), targets.decode([1, 0])
    (array([0., 1.], dtype=float32), array(['spam', 'ham'], dtype='<U4'))
    """

    task: Task
    classes: Array | None
    n_outputs: int
    mean: Array | None
    scale: Array | None
    flat: bool
    dtype: str

    def __repr__(self) -> str:
        classes = "" if self.classes is None else f" of {len(self.classes):,} classes"
        plural = "" if self.n_outputs == 1 else "s"
        return f"<Targets: {self.task}{classes}, {self.n_outputs:,} output{plural}>"

    @classmethod
    def fit(
        cls,
        target: npt.ArrayLike,
        task: str,
        *,
        dtype: str = "float32",
        standardize: bool = True,
        weights: Array | None = None,
        place: Place = from_zero,
    ) -> Targets:
        """Learn the classes, or for regression mu and sigma (N19; sigma 0 becomes 1).

        ``standardize=False`` leaves a regression target as it is (counts for a Poisson loss);
        ``weights`` (N,) count in mu and sigma, as those of `Features.fit` do.
        Raises DataError for one class only, a binary target of three classes, values that are
        not 0 or 1 in a multilabel target, text in a regression target; ``place`` says in which row.

        >>> Targets.fit([1.0, 3.0], "regression").encode([5.0])
        array([[3.]], dtype=float32)
        """
        task = check_task(task)
        check_dtype(dtype)
        if task in ("binary", "multiclass"):
            labels = class_labels(target, task, place)
            classes = np.unique(labels)
            if len(classes) == 1:
                raise DataError(one_class(labels))
            if task == "binary" and len(classes) > 2:
                raise DataError(
                    f"a binary target needs two classes, found {len(classes)}: "
                    f"{listed(classes.tolist())}"
                    + advice("task", f"; use {arg('task', 'multiclass')}")
                )
            n_outputs = 1 if task == "binary" else len(classes)
            return cls(task, classes, n_outputs, None, None, True, dtype)
        values = clean_target(target, place)
        matrix = _numbers(values, task, place)
        n_outputs = matrix.shape[1]
        if task == "multilabel":
            _check_multilabel(matrix, place)
            return cls(task, None, n_outputs, None, None, False, dtype)
        mean, scale = np.zeros(n_outputs), np.ones(n_outputs)
        if standardize:
            names = ["target" if n_outputs == 1 else f"target {j}" for j in range(n_outputs)]
            mean, scale = moments(matrix, names, weights)
        return cls(task, None, n_outputs, mean, scale, values.ndim == 1, dtype)

    def encode(self, labels: npt.ArrayLike, place: Place = from_zero) -> Array:
        """Return what the loss needs, examples as rows.

        binary ``(N, 1)`` of 0.0 and 1.0; multiclass ``(N, 1)`` int64 class indices; multilabel
        ``(N, k)`` of 0.0 and 1.0; regression ``(N, k)``, ``(y - mu)/sigma``. A label that was
        not in the training part raises DataError with its ``place`` and the known ones.

        >>> Targets.fit([3, 5, 9], "multiclass").encode([9, 3])
        array([[2],
               [0]])
        """
        if self.classes is not None:
            index = self._indices(class_labels(labels, self.task, place), place)
            return index[:, None].astype(self.dtype if self.task == "binary" else np.int64)
        matrix = _numbers(clean_target(labels, place), self.task, place)
        if matrix.shape[1] != self.n_outputs:
            raise DataError(
                f"the target has {matrix.shape[1]} columns; the model was trained on "
                f"{self.n_outputs}"
            )
        if self.task == "multilabel":
            _check_multilabel(matrix, place)
            return matrix.astype(self.dtype)
        return ((matrix - self.mean) / self.scale).astype(self.dtype)

    def decode(self, values: npt.ArrayLike) -> Array:
        """Return predictions in the type of the original target: the inverse of ``encode``.

        ``values``: class indices ``(N,)`` or ``(N, 1)`` for binary and multiclass, a 0/1 matrix
        for multilabel, standardised outputs ``(N, k)`` for regression.

        >>> Targets.fit([1.0, 3.0], "regression").decode([[3.0]])
        array([5.])
        """
        found = np.asarray(values)
        if self.classes is not None:
            index = found.reshape(-1).astype(np.int64)
            if len(index) and not 0 <= index.min() <= index.max() < len(self.classes):
                raise DataError(
                    f"class index {int(index.max())} is out of range: there are "
                    f"{len(self.classes)} classes"
                )
            return np.asarray(self.classes[index])
        matrix = found.reshape(len(found), -1)
        if matrix.shape[1] != self.n_outputs:
            raise DataError(f"found {matrix.shape[1]} outputs, expected {self.n_outputs}")
        if self.task == "multilabel":
            return matrix.astype(np.int64)
        return self.inverse(matrix)

    def inverse(self, outputs: npt.ArrayLike) -> Array:
        """Return regression outputs in the target's own units, float64: ``y sigma + mu``.

        >>> Targets.fit([10.0, 30.0], "regression").inverse([[0.0], [1.0]])
        array([20., 30.])
        """
        if self.mean is None or self.scale is None:
            raise ArgumentError(f"inverse is for regression; this target's task is {self.task!r}")
        matrix = np.asarray(outputs, dtype=np.float64).reshape(-1, self.n_outputs)
        original = matrix * self.scale + self.mean
        return original[:, 0] if self.flat else original

    def _indices(self, labels: Array, place: Place) -> Array:
        classes = cast(Array, self.classes)
        if (classes.dtype.kind == "U") != (labels.dtype.kind == "U"):
            # a file whose labels all happen to be numbers, for a model that has other labels too,
            # or the text of a frame for one that was trained from a file
            spelt = category_texts(classes.astype(object)).astype(str)
            known = spelt if len(set(spelt)) == len(classes) else classes
            return self._among(known, category_texts(labels).astype(str), labels, place)
        return self._among(classes, labels, labels, place)

    def _among(self, classes: Array, labels: Array, given: Array, place: Place) -> Array:
        same = (classes.dtype.kind == "U") == (labels.dtype.kind == "U")
        order = np.argsort(classes)
        position = np.searchsorted(classes[order], labels) if same else np.zeros(len(labels), int)
        index = order[np.minimum(position, len(classes) - 1)]
        wrong = np.flatnonzero(classes[index] != labels) if same else np.arange(len(labels))
        if len(wrong):
            raise DataError(
                f"target, {place(int(wrong[0]))}: unknown label {shown(given[wrong[0]].item())}; "
                f"the model knows {listed(map(repr, cast(Array, self.classes).tolist()), most=20)}"
            )
        return index

    def to_state(self) -> tuple[dict[str, Any], dict[str, Array]]:
        """Return JSON-able metadata and arrays from which ``from_state`` makes the same again.

        >>> Targets.fit([3, 5], "binary").to_state()[0]["classes"]
        [3, 5]
        """
        metadata = {
            "task": self.task,
            "classes": None if self.classes is None else self.classes.tolist(),
            "label_type": None if self.classes is None else _KIND[self.classes.dtype.kind],
            "n_outputs": self.n_outputs,
            "flat": self.flat,
            "dtype": self.dtype,
        }
        arrays = {}
        if self.mean is not None and self.scale is not None:
            arrays = {"mean": self.mean.copy(), "scale": self.scale.copy()}
        return metadata, arrays

    @classmethod
    def from_state(cls, metadata: Mapping[str, Any], arrays: Mapping[str, Array]) -> Targets:
        """Rebuild from ``to_state``; anything else raises ModelFileError.

        >>> Targets.from_state(*Targets.fit([3, 5], "binary").to_state()).classes
        array([3, 5])
        """
        check_metadata(
            metadata,
            {
                "task": lambda v: v in TASKS,
                "classes": lambda v: v is None or isinstance(v, list),
                "label_type": lambda v: v is None or v in _KIND.values(),
                "n_outputs": is_count,
                "flat": is_flag,
                "dtype": lambda v: v in ("float32", "float64"),
            },
            "targets",
        )
        task, n_outputs = metadata["task"], metadata["n_outputs"]
        regression = task == "regression"
        lengths = {"mean": n_outputs, "scale": n_outputs} if regression else {}
        check_vectors(arrays, lengths, "targets")
        if regression and not (arrays["scale"] > 0).all():
            raise ModelFileError("targets: array 'scale' must be positive")
        classes = _saved_classes(metadata)
        units = {"binary": 1, "multiclass": 0 if classes is None else len(classes)}
        if units.get(task, n_outputs) != n_outputs:
            raise ModelFileError(f"targets: n_outputs={n_outputs} does not fit task {task!r}")
        mean, scale = arrays.get("mean"), arrays.get("scale")
        return cls(task, classes, n_outputs, mean, scale, metadata["flat"], metadata["dtype"])


def _saved_classes(metadata: Mapping[str, Any]) -> Array | None:
    classes, kind, task = metadata["classes"], metadata["label_type"], metadata["task"]
    classified = task in ("binary", "multiclass")
    if (classes is not None) != classified or (kind is not None) != classified:
        raise ModelFileError(f"targets: classes do not fit task {task!r}")
    if classes is None:
        return None
    types = {"boolean": bool, "integer": int, "number": float, "text": str}
    sound = len(classes) >= 2 and all(type(label) is types[kind] for label in classes)
    if not sound or sorted(set(classes)) != classes or (task == "binary" and len(classes) != 2):
        raise ModelFileError("targets: 'classes' must be two or more sorted labels of one type")
    try:
        return np.array(classes, dtype=np.int64 if kind == "integer" else None)
    except OverflowError as error:
        raise ModelFileError("targets: a class label is too large") from error


def _numbers(values: Array, task: Task, place: Place) -> Array:
    """The target as a float64 matrix; text that writes numbers is read."""
    if values.dtype.kind == "U":
        numbers = numbers_of(values)
        if numbers is None:
            cure = "; several targets must be numbers, or labels that are 0 or 1"
            if values.ndim == 1:
                binary = arg("task", "binary")
                labels = f"; for text labels use {binary} or {arg('task', 'multiclass')}"
                cure = advice("task", labels)
            cells = enumerate(values.ravel().tolist())
            i, text = next((i, text) for i, text in cells if STANDARD.value(text) is None)
            where = place(i * len(values) // values.size)
            found = f"a {task} target needs numbers, found the text {shown(text)}"
            raise DataError(f"target, {where}: {found}{cure}")
        values = numbers
    matrix = values.reshape(len(values), -1)
    k = matrix.shape[1]
    with lacking("drop", "categorical"):  # which are for the other columns
        names = ["target" if k == 1 else f"target {j}" for j in range(k)]
        check_exact(matrix, names, place, column="")
    return matrix.astype(np.float64)


def _check_multilabel(matrix: Array, place: Place) -> None:
    wrong = first_not_binary(matrix)
    if wrong is not None:
        row, column = wrong
        raise DataError(
            f"target, {place(row)}, output {column}: label {matrix[row, column]:g} is out of "
            "range; multilabel targets are 0 or 1"
        )
