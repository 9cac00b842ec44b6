"""`MLPClassifier`: scikit-learn's, over fastnn's kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call

from fastnn.api.estimators.base import BaseMLP
from fastnn.api.estimators.labels import Labels, check_known, fit_labels, read_labels
from fastnn.api.estimators.parameters import completed, keep, solver_is_stochastic
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, arg
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.losses import LossFunction
from fastnn.preparation.examples import Examples
from fastnn.preparation.fit_to_task import choose_loss, choose_output
from fastnn.recipe.table import ClassWeight
from fastnn.training.callbacks import CallbackLike

Array = npt.NDArray[Any]


class MLPClassifier(ClassifierMixin, BaseMLP):  # type: ignore[misc]
    """A neural network that predicts classes or labels: scikit-learn's `MLPClassifier`, and more.

    The same parameters, attributes and methods, so that only the import changes; what follows
    ``max_fun`` is fastnn's. It minimises the cross-entropy (N8 to N10).

    Parameters
    ----------
    hidden_layer_sizes : units of each hidden layer; an empty list is logistic regression.
    activation : of the hidden layers, as scikit-learn's "identity", "logistic", "tanh", "relu", any
        of fastnn's, an expression of your own (`lambda z: z * z`), or a list with one for each.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, tol,
        warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1,
        beta_2, epsilon, n_iter_no_change, max_fun : as in scikit-learn's documentation. Where its
        code does something else, this follows the documentation: the penalty of ``alpha`` is
        divided by the number of examples, not of a batch; the early-stopping split keeps the
        shares of all classes; "adaptive" divides the rate after two epochs without progress;
        ``warm_start`` and ``partial_fit`` go on with the optimiser's moments, and shuffle anew. One
        of scikit-learn's parameters that was set and has no effect, such as ``momentum`` with
        another solver, is left out with a UserWarning; one of fastnn's is refused. ``momentum`` is
        below 1.
    random_state : an int, a RandomState, or None for NumPy's global one. Without ``initializer``
        the first weights are those of scikit-learn for the same state.
    verbose : print each epoch's loss.
    device, engine : where and how it computes: "cpu", "cuda", "cuda:N" or "auto", and on the CPU
        "numpy", "compiled" (extra `jit`) or "auto". capture, precision : of a GPU, as for
        `fastnn.train`.
    dtype : "float32" or "float64"; None keeps that of X, float64 unless X is float32.
    initializer : of the weights, a name or options, or a list with one for each layer; biases then
        start at 0. None: as scikit-learn, uniform for weights and biases.
    dropout : the share of a hidden layer's outputs set to 0 in training, or a list.
    class_weight : "balanced", or a weight for each label; a list for several labels.
    label_smoothing : moves targets by this share towards uniform.
    loss : "log_loss", or one of fastnn's that fits classes, or an expression of your own.
    batch_normalization : "before" or "after" the activation of the hidden layers, or a list.
    optimizer : any of fastnn's, with its options, in place of ``solver``: "rmsprop(beta=0.95)";
        its rate is ``learning_rate_init``. schedule : of the rate, such as "cosine".
    gradient_clip : the largest norm of the gradient. groups : `ParameterGroup` objects.
    validation_data : (X, y) or (X, y, sample_weight), judged after each epoch and, with
        ``early_stopping``, in place of a part of X that is held out.
    more : the other options of `fastnn.train`: l1, micro_batch_size.
    monitor : what early stopping watches: "loss" or a metric, by default accuracy.
    callbacks : functions of the `TrainingState`, called after each epoch.
    standardize : inputs to mean 0 and deviation 1, learnt from the training part (N19); with
        `partial_fit`, as medians and categories, from its first call alone.
    categorical_features : columns to one-hot encode: names, places, a mask, or "from_dtype" (all
        that hold text). missing_values : "error", or "median" to fill gaps in and mark them.

    Attributes
    ----------
    classes_ : the labels, sorted. coefs_, intercepts_ : weights (n_{l-1}, n_l) and biases (n_l,).
    loss_, loss_curve_, best_loss_ : of the training. validation_scores_, best_validation_score_ :
        of the validation part. history_ : all of it by epoch, as a `History`.
    n_iter_, t_ : epochs of the last fit, examples seen in all fits. n_features_in_,
    feature_names_in_, n_layers_, n_outputs_, out_activation_ : as in scikit-learn.

    Raises ArgumentError, or ValueError in scikit-learn's words, for what cannot work;
    DivergenceError, a ValueError too, if the loss is no longer a number; TrainingInterrupted on
    Ctrl-C, with the model so far as its ``result`` and the estimator as it was before.

    >>> from sklearn.datasets import load_iris
    >>> from fastnn import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier((16,), solver="lbfgs", tol=0.01, standardize=True, random_state=0)
    >>> model = model.fit(X, y)
    >>> model.score(X, y) > 0.9, model.predict_proba(X[:1]).shape
    (True, (1, 3))
    """  # noqa: D416 -- scikit-learn, which shows it in notebooks, warns of a colon

    _metric = "accuracy"
    _labels: Labels

    @completed
    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: ClassWeight = None,
        label_smoothing: float = 0.0,
        loss: Any = "log_loss",
        device: str = "cpu",
        engine: str = "auto",
        capture: str = "auto",
        precision: str = "full",
        dtype: Any = None,
        initializer: object = None,
        dropout: float | Sequence[float] = 0.0,
        batch_normalization: object = None,
        optimizer: object = None,
        schedule: object = None,
        gradient_clip: float | None = None,
        groups: Sequence[ParameterGroup] | None = None,
        validation_data: Any = None,
        monitor: str | None = None,
        callbacks: Sequence[CallbackLike] | None = None,
        standardize: bool = False,
        categorical_features: Any = None,
        missing_values: str = "error",
        **more: Any,
    ) -> None:
        keep(self, locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPClassifier:
        """Train on X (N, p) and labels y (N,), or 0 and 1 for several labels (N, k).

        ``sample_weight`` (N,): a weight of 2 counts as an example that is there twice.
        """
        fitted: MLPClassifier = self._fit(X, y, sample_weight)
        return fitted

    @available_if(solver_is_stochastic)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> MLPClassifier:
        """Train one epoch on these examples, going on from where the last call ended.

        ``classes``: all labels that will come, needed in the first call.
        """
        if isinstance(self.class_weight, str) and self.class_weight == "balanced":
            raise ArgumentError(
                f"{arg('class_weight', 'balanced')} is not for partial_fit, which sees only some "
                "examples: "
                "give a weight for each label, as compute_class_weight of scikit-learn does"
            )
        checked = checked_classes(self, classes)
        fitted: MLPClassifier = self._fit(X, y, sample_weight, incremental=True, classes=checked)
        return fitted

    def predict(self, X: Any) -> Any:
        """Return the label of each row: (N,), or (N, k) of 0 and 1 for several labels."""
        return self._as_given(X, self._labels_of(X))

    def predict_proba(self, X: Any) -> Any:
        """Return probabilities (N, K) in the order of ``classes_``; rows sum to 1 for classes."""
        return self._as_given(X, self._probabilities(X, "predict_proba"))

    def predict_log_proba(self, X: Any) -> Any:
        """Return the logarithm of `predict_proba`; minus infinity where that is 0."""
        P = self._probabilities(X, "predict_log_proba")
        with np.errstate(divide="ignore"):
            return self._as_given(X, np.log(P))

    def decision_function(self, X: Any) -> Any:
        """Return the logits: (N,), above 0 for ``classes_[1]``; (N, K) for more classes or labels.

        scikit-learn's classifier has no such method; those that prefer it to probabilities, such
        as `CalibratedClassifierCV`, take it.
        """
        Z = self._outputs(X, "decision_function", logits=True)
        if self._labels.task == "binary":
            Z = Z[:, -1] - Z[:, 0] if Z.shape[1] == 2 else Z[:, 0]
        return self._as_given(X, Z)

    def _labels_of(self, X: Any) -> Any:
        A = self._outputs(X, "predict")
        return self._labels.decode(A)

    def _probabilities(self, X: Any, method: str) -> Array:
        A = self._outputs(X, method)
        return self._labels.probabilities(A)

    def _read_target(self, y: Any, first: bool, incremental: bool, classes: Any) -> Any:
        y = read_labels(y)
        if first:
            self._labels = fit_labels(y, classes)
            self.classes_ = self._labels.classes
        if not first or classes is not None:
            check_known(self._labels, y, all_of_them=not incremental)
        return y

    def _numbered(self, y: Any) -> Array:
        return self._labels.numbered(y)

    def _make_targets(self, given: Examples, p: Mapping[str, Any]) -> Targets:
        labels = self._labels
        K = max(len(labels.classes), 2)  # of a single class, too
        return Labels(labels.task, np.arange(K)).targets(self._inputs.dtype.name)

    def _class_weight(self, p: Mapping[str, Any]) -> ClassWeight:
        given: ClassWeight = p["class_weight"]
        if not isinstance(given, Mapping) or self._labels.task == "multilabel":
            return given
        places = {label: place for place, label in enumerate(self._labels.classes.tolist())}
        for label in given:
            if label not in places:
                known = ", ".join(map(repr, places))
                raise ArgumentError(
                    f"{arg('class_weight')}: unknown label {label!r} (known: {known})", value=given
                )
        return {places[label]: weight for label, weight in given.items()}

    def _cost(self, p: Mapping[str, Any]) -> tuple[LossFunction, ActivationFunction]:
        spec = None if isinstance(p["loss"], str) and p["loss"] == "log_loss" else p["loss"]
        cost = choose_loss(spec, self._labels.task, p["label_smoothing"])
        return cost, choose_output(None, self._labels.task, cost)

    def _task(self) -> str:
        return self._labels.task

    def _model_targets(self) -> Targets:
        classes = self._labels.classes
        if self._labels.task == "multilabel":
            return self._targets
        if len(classes) < 2:
            raise ArgumentError("to_model: there is one class only, which a model cannot keep")
        kind = classes.dtype.kind
        plain = {"b": bool, "i": np.int64, "u": np.int64, "f": np.float64}.get(kind, np.str_)
        return Labels(self._labels.task, classes.astype(plain)).targets(self._inputs.dtype.name)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def checked_classes(estimator: MLPClassifier, classes: Any) -> Any:
    """Return the classes for the first call of `partial_fit`, None for later ones.

    >>> checked_classes(MLPClassifier(), None)
    Traceback (most recent call last):
    ValueError: classes must be passed on the first call to partial_fit.
    """
    return classes if _check_partial_fit_first_call(estimator, classes) else None
