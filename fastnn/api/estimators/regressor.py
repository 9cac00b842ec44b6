"""`MLPRegressor`: scikit-learn's, over fastnn's kernels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from fastnn.api.estimators.base import BaseMLP
from fastnn.api.estimators.parameters import completed, keep, solver_is_stochastic
from fastnn.data.targets import Targets
from fastnn.errors import DataError
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.losses import LossFunction
from fastnn.preparation.examples import Examples
from fastnn.preparation.fit_to_task import choose_loss, choose_output, choose_standardization
from fastnn.training.callbacks import CallbackLike

Array = npt.NDArray[Any]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """A neural network that predicts numbers: scikit-learn's `MLPRegressor`, and more.

    The same parameters, attributes and methods, so that only the import changes; what follows
    ``max_fun`` is fastnn's. A target of large or small numbers is learnt badly as it is: set
    ``standardize_target=True``.

    Parameters
    ----------
    loss : "squared_error" (half of it, N12), "poisson", another one of fastnn's ("huber",
        "absolute_error", "quantile(quantile=0.9)"), or an expression of your own of (a, y).
    hidden_layer_sizes : units of each hidden layer; an empty list is linear regression.
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
    standardize_target : y to mean 0 and deviation 1 while training; predictions are in its units,
        in float64. With `partial_fit` both are those of its first call.
    batch_normalization : "before" or "after" the activation of the hidden layers, or a list.
    optimizer : any of fastnn's, with its options, in place of ``solver``: "rmsprop(beta=0.95)";
        its rate is ``learning_rate_init``. schedule : of the rate, such as "cosine".
    gradient_clip : the largest norm of the gradient. groups : `ParameterGroup` objects.
    validation_data : (X, y) or (X, y, sample_weight), judged after each epoch and, with
        ``early_stopping``, in place of a part of X that is held out.
    more : the other options of `fastnn.train`: l1, micro_batch_size.
    monitor : what early stopping watches: "loss" or a metric, by default R2.
    callbacks : functions of the `TrainingState`, called after each epoch.
    standardize : inputs to mean 0 and deviation 1, learnt from the training part (N19); with
        `partial_fit`, as medians and categories, from its first call alone.
    categorical_features : columns to one-hot encode: names, places, a mask, or "from_dtype" (all
        that hold text). missing_values : "error", or "median" to fill gaps in and mark them.

    Attributes
    ----------
    coefs_, intercepts_ : weights (n_{l-1}, n_l) and biases (n_l,).
    loss_, loss_curve_, best_loss_ : of the training. validation_scores_, best_validation_score_ :
        of the validation part. history_ : all of it by epoch, as a `History`.
    n_iter_, t_ : epochs of the last fit, examples seen in all fits. n_features_in_,
    feature_names_in_, n_layers_, n_outputs_, out_activation_ : as in scikit-learn.

    Raises ArgumentError, or ValueError in scikit-learn's words, for what cannot work;
    DivergenceError, a ValueError too, if the loss is no longer a number; TrainingInterrupted on
    Ctrl-C, with the model so far as its ``result`` and the estimator as it was before.

    >>> import numpy as np
    >>> from fastnn import MLPRegressor
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = MLPRegressor(hidden_layer_sizes=(20,), solver="lbfgs", random_state=0)
    >>> model.fit(X, 1000 * X.ravel() ** 2).score(X, 1000 * X.ravel() ** 2) > 0.99
    True
    """  # noqa: D416 -- scikit-learn, which shows it in notebooks, warns of a colon

    _metric = "r2"

    @completed
    def __init__(
        self,
        loss: Any = "squared_error",
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
        standardize_target: bool = False,
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

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train on X (N, p) and values y, (N,) or (N, k).

        ``sample_weight`` (N,): a weight of 2 counts as an example that is there twice.
        """
        fitted: MLPRegressor = self._fit(X, y, sample_weight)
        return fitted

    @available_if(solver_is_stochastic)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Train one epoch on these examples, going on from where the last call ended."""
        fitted: MLPRegressor = self._fit(X, y, sample_weight, incremental=True)
        return fitted

    def predict(self, X: Any) -> Any:
        """Return the predicted values in the target's own units: (N,), or (N, k).

        With ``standardize_target`` they are float64, else of the network's dtype.
        """
        A = self._outputs(X, "predict")
        if self._standardizes:  # in float32 a time stamp would be rounded to two minutes
            A = self._targets.inverse(A).reshape(A.shape)
        return self._as_given(X, A[:, 0] if A.shape[1] == 1 else A)

    def _read_target(self, y: Any, first: bool, incremental: bool, classes: Any) -> Any:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not first and (y.shape[1] if y.ndim == 2 else 1) != self._targets.n_outputs:
            raise DataError(
                f"y has {y.shape[1] if y.ndim == 2 else 1} outputs, the regressor was fitted with "
                f"{self._targets.n_outputs}"
            )
        return y

    def _make_targets(self, given: Examples, p: Mapping[str, Any]) -> Targets:
        cost, output = self._cost(p)
        self._standardizes = choose_standardization(
            bool(p["standardize_target"]), "regression", cost, output
        )
        dtype = self._inputs.dtype.name
        return Targets.fit(
            given.target, "regression", dtype=dtype, standardize=self._standardizes,
            weights=given.flat_weights,
        )  # fmt: skip

    def _cost(self, p: Mapping[str, Any]) -> tuple[LossFunction, ActivationFunction]:
        cost = choose_loss(p["loss"], "regression")
        return cost, choose_output(None, "regression", cost)

    def _task(self) -> str:
        return "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
