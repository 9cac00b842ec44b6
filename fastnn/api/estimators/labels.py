"""y of a classifier: labels to class indices and back, in scikit-learn's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.targets import Targets
from fastnn.data.tasks import Task

Array = npt.NDArray[Any]

_ONE_AND_ZERO = {t.char: np.array([1, 0], t) for t in map(np.dtype, ("float32", "float64"))}


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of a target; ``sparse``: a multilabel target came as a sparse matrix.

    >>> labels = fit_labels(np.array(["b", "a", "b"]))
    >>> labels.task, labels.numbered(np.array(["a", "b"]))
    ('binary', array([0, 1]))
    """

    task: Task
    classes: Array
    sparse: bool = False

    def targets(self, dtype: str) -> Targets:
        """Return the encoding as the training knows it."""
        K = len(self.classes)
        if self.task == "multilabel":
            return Targets(self.task, None, K, None, None, False, dtype)
        n_outputs = 1 if self.task == "binary" else K
        return Targets(self.task, self.classes, n_outputs, None, None, True, dtype)

    def numbered(self, y: Any) -> Array:
        """Return the places of labels among the classes (N,), or (N, k) of 0 and 1 for labels."""
        if self.task == "multilabel":
            values = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
            return np.asarray(values != 0, np.int64)
        return np.asarray(np.searchsorted(self.classes, y), np.int64)

    def decode(self, A: Array) -> Any:
        """Return the labels of outputs (N, K); a label counts from above 1/2."""
        if self.task == "multilabel":
            found = (A > 0.5).astype(np.int64)
            if not self.sparse:
                return found
            from scipy.sparse import csr_array

            return csr_array(found)
        P = self.probabilities(A) if len(self.classes) > 1 else np.zeros((len(A), 2))
        index = P[:, 1] > 0.5 if self.task == "binary" else P.argmax(axis=1)
        labels: Array = self.classes[index.astype(np.intp)]
        return labels

    def probabilities(self, A: Array) -> Array:
        """Return (N, K) probabilities; a column of ones if there is a single class."""
        if len(self.classes) == 1 and self.task == "binary":
            return np.ones((len(A), 1), A.dtype)
        if self.task == "binary" and A.shape[1] == 1:
            P: Array = np.subtract(A, _ONE_AND_ZERO[A.dtype.char])  # A - 1 and A
            np.absolute(P, P)  # two calls for a row are the fewest
            return P
        return A


def read_labels(y: Any) -> Any:
    """Return y as labels (N,), or (N, k) of 0 and 1; raise ValueError if it is no target.

    >>> read_labels(np.array([1, 2])).shape
    (2,)
    """
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import column_or_1d

    if y.ndim == 2 and y.shape[1] == 1 and not hasattr(y, "toarray"):
        y = column_or_1d(y, warn=True)
    check_classification_targets(y)
    if type_of_target(y, input_name="y") == "multiclass-multioutput":
        raise ValueError("Multioutput target data is not supported: use one classifier for each")
    return y


def fit_labels(y: Any, classes: Any = None) -> Labels:
    """Return the labels of checked ``y``, or for a single output of ``classes`` if given."""
    from sklearn.utils.multiclass import unique_labels

    if y.ndim == 2:
        return Labels("multilabel", np.arange(y.shape[1]), hasattr(y, "toarray"))
    found = np.asarray(unique_labels(y if classes is None else classes))
    return Labels("binary" if len(found) <= 2 else "multiclass", found)


def check_known(labels: Labels, y: Any, *, all_of_them: bool) -> None:
    """Raise ValueError if y has other classes than before, or with ``all_of_them`` fewer.

    >>> labels = fit_labels(np.array([0, 1]))
    >>> check_known(labels, np.array([0, 2]), all_of_them=False)
    Traceback (most recent call last):
    ValueError: `y` has classes not in `self.classes_`. `self.classes_` has [0 1]. 'y' has [0 2].
    """
    if y.ndim == 2 or labels.task == "multilabel":
        shape = y.shape[1] if y.ndim == 2 else 1
        if labels.task != "multilabel" or shape != len(labels.classes):
            raise ValueError(f"y has {shape} outputs, the classifier was fitted otherwise")
        return
    found = np.unique(y)
    if all_of_them and set(found.tolist()) != set(labels.classes.tolist()):
        raise ValueError(
            "warm_start can only be used where `y` has the same classes as in the previous call "
            f"to fit. Previously got {labels.classes}, `y` has {found}"
        )
    if not np.isin(found, labels.classes).all():
        raise ValueError(
            f"`y` has classes not in `self.classes_`. `self.classes_` has {labels.classes}. "
            f"'y' has {found}."
        )
