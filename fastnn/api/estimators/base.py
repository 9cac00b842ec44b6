"""What the two estimators share: the course of a fit, and the attributes it leaves."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastnn.api.estimators import inputs, lbfgs
from fastnn.api.estimators.fitted import Fitted, WeightList
from fastnn.api.estimators.initial import draw_seed, draw_weights
from fastnn.api.estimators.namespaces import dispatching, same_as
from fastnn.api.estimators.parameters import as_parameter, checked
from fastnn.api.estimators.preparation import (
    check_same_shape,
    divide,
    effective_alpha,
    make_network,
)
from fastnn.api.estimators.stochastic import Descent, descend
from fastnn.api.sequential.examples import pair
from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError, DivergenceError, arg, lacking, spelled, warn
from fastnn.model.model import Model
from fastnn.nn.activations import ActivationFunction
from fastnn.nn.losses import LossFunction
from fastnn.nn.network import Network
from fastnn.nn.parameters import Parameters
from fastnn.preparation.examples import Examples
from fastnn.preparation.loss_weights import class_weights
from fastnn.preparation.preparation import Preparation
from fastnn.recipe.run_settings import RunSettings
from fastnn.recipe.table import ClassWeight
from fastnn.training.history import History
from fastnn.training.loop import TrainingInterrupted
from fastnn.training.metrics import greater_is_better, metric_names
from fastnn.training.part import Part

Array = npt.NDArray[Any]
Given = Mapping[str, Any]

#: scikit-learn's words, before ours.
_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed. "
)

#: scikit-learn's names of output activations.
_OUT = {"sigmoid": "logistic", "exponential": "exp"}


class BaseMLP(BaseEstimator):  # type: ignore[misc]
    """The common part of `MLPClassifier` and `MLPRegressor`; not for use by itself."""

    _metric = ""  # what early stopping watches unless told otherwise
    _fitted: Fitted
    _inputs: inputs.Inputs
    _targets: Targets

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Parameters that an earlier fastnn did not have are as a new estimator has them.
        super().__setstate__({**type(self)().get_params(deep=False), **state})

    # What a subclass says of y.

    def _read_target(self, y: Any, first: bool, incremental: bool, classes: Any) -> Any:
        """Return checked y; note its classes."""
        raise NotImplementedError

    def _make_targets(self, given: Examples, p: Given) -> Targets:
        raise NotImplementedError

    def _class_weight(self, p: Given) -> ClassWeight:
        """What ``class_weight`` says of the classes as the targets number them."""
        return None

    def _cost(self, p: Given) -> tuple[LossFunction, ActivationFunction]:
        raise NotImplementedError

    def _task(self) -> str:
        raise NotImplementedError

    # The course of a fit.

    def _fit(
        self, X: Any, y: Any, sample_weight: Any, *, incremental: bool = False, classes: Any = None
    ) -> Any:
        with spelled(as_parameter), lacking(*inputs.NOT_HERE, "find_learning_rate"):
            p = checked(self)
            if incremental and p["early_stopping"]:
                raise ArgumentError(f"partial_fit does not support {arg('early_stopping', True)}")
            first = not self.__sklearn_is_fitted__() or not (p["warm_start"] or incremental)
            if first:
                self._forget()
            given = X
            sample = self._read(p, X, y, sample_weight, first, incremental, classes)
            random = check_random_state(p["random_state"])
            # The weights are drawn from the state as it is, so that they are scikit-learn's.
            seed = draw_seed(copy.deepcopy(random)) if first else self._fitted.seed
            train, held = sample, None
            if p["early_stopping"] and p["validation_data"] is None:
                train, held = divide(sample, self._task(), p["validation_fraction"], seed)
            # What the training part decides is decided before anything else is read by it.
            if first:
                self._inputs = inputs.settle(train.table, train.flat_weights, p, self, given)
                self._targets = self._make_targets(train, p)
            if p["validation_data"] is not None:
                held = self._own_validation(p)
            cost, output = self._cost(p)
            prepared = Preparation(self._inputs, self._targets, cost, ("", "y: "))
            arrays = prepared.rows(train), prepared.target(train)
            net = make_network(p, arrays[0].shape[1], self._targets, cost, output)
            by_class = class_weights(self._class_weight(p), self._targets, arrays[1])
            part = prepared.part(train, arrays=arrays, by_class=by_class)
            fitted = self._new(p, net, random, seed) if first else self._again(net)
            try:
                if p["solver"] == "lbfgs":
                    self._minimize(fitted, p, part, effective_alpha(p["alpha"], train))
                else:
                    self._descend(fitted, p, train, part, held, prepared, incremental)
            except DivergenceError as error:
                raise error.within(_NOT_FINITE) from error.__cause__
            return self

    def _read(
        self, p: Given, X: Any, y: Any, sample_weight: Any, first: bool, incremental: bool,
        classes: Any,
    ) -> Examples:  # fmt: skip
        kept = inputs.kept_dtypes(p) if first else self._inputs.kept
        numeric = self._metric == "r2"
        X, y = inputs.read(self, p, X, y, reset=first, dtype=kept, y_numeric=numeric)
        y = self._read_target(y, first, incremental, classes)
        w = inputs.read_weights(sample_weight, y)
        return Examples(X, self._numbered(y), None if w is None else w.reshape(-1, 1))

    def _numbered(self, y: Any) -> Array:
        """Return checked y as the targets take it."""
        return np.asarray(y)

    def _own_validation(self, p: Given) -> Examples:
        X, y, w = pair(p["validation_data"])
        with inputs.in_validation_data():
            return self._read(p, X, y, w, first=False, incremental=True, classes=None)

    def _new(self, p: Given, net: Network, random: Any, seed: int) -> Fitted:
        ways = {name: p[name] for name in ("device", "engine", "capture", "precision")}
        settings = RunSettings(**ways, dtype=self._inputs.dtype.name)
        backend = settings.backend()
        parameters = Parameters(net, backend, self._inputs.dtype)
        draw_weights(
            net, parameters, backend, initializer=p["initializer"],
            logistic=p["activation"] == "logistic", random=random,
        )  # fmt: skip
        return Fitted(net, parameters, backend, settings, seed)

    def _again(self, net: Network) -> Fitted:
        fitted = self._fitted
        check_same_shape(fitted.network, net)
        if net.to_json() != fitted.network.to_json():
            fitted.change(net)
        return fitted

    def _minimize(self, fitted: Fitted, p: Given, part: Part, alpha: float) -> None:
        self.loss_, self.n_iter_ = lbfgs.minimize(fitted, p, part, alpha)
        self._settle(fitted, seen=self.n_iter_ * len(part))

    def _descend(
        self, fitted: Fitted, p: Given, train: Examples, part: Part, held: Examples | None,
        prepared: Preparation, incremental: bool,
    ) -> None:  # fmt: skip
        monitor = p["monitor"] or self._metric
        metrics = [self._metric if monitor == "loss" else monitor]
        name = metric_names(self._targets.task, metrics)[0]
        greater = monitor != "loss" and greater_is_better(monitor)
        validation = None
        if held is not None:
            with nullcontext() if p["validation_data"] is None else inputs.in_validation_data():
                validation = prepared.part(held, metrics=metrics)
        done = len(fitted.history.epochs)
        before = None if incremental else fitted.keep()
        work = Descent(
            train=part,
            validation=validation,
            alpha=effective_alpha(p["alpha"], train),
            monitor=None if not p["early_stopping"] else ("loss" if monitor == "loss" else name),
            greater_is_better=greater,
            one_epoch=incremental,
            seen=getattr(self, "t_", 0),
        )
        try:
            watch = descend(fitted, p, work)
        except TrainingInterrupted as interrupted:
            # No fitted estimator: whoever wants the weights so far finds them in the error.
            if len(fitted.history.epochs) > done:
                interrupted.result = self._as_model(fitted)
            if before is not None:  # one epoch of partial_fit is there whole or not at all
                fitted.go_back(before)
            raise
        except Exception:
            new = len(fitted.history.epochs) - done
            if new:  # a callback failed: the estimator can be used as it is
                self._note(fitted, name, monitor, p, done, new, new * len(part))
            raise
        seen = watch.seen - work.seen
        self._note(fitted, name, monitor, p, done, watch.epochs, seen)
        # scikit-learn's private names for how it ended, which people read.
        self._no_improvement_count = watch.count
        self._optimizer = SimpleNamespace(learning_rate=watch.next_rate())
        if not (watch.stopped or incremental or watch.epochs < p["max_iter"]):
            warn(
                f"Stochastic Optimizer: Maximum iterations ({p['max_iter']}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    def _note(
        self, fitted: Fitted, name: str, monitor: str, p: Given, done: int, n_iter: int, seen: int
    ) -> None:
        """Set the attributes that describe a descent."""
        epochs = fitted.history.epochs[done:]
        self.n_iter_, self.loss_ = n_iter, fitted.history.epochs[-1].loss
        self._monitor = monitor if monitor == "loss" else name
        self.best_validation_score_: float | None = None
        self.best_loss_: float | None = None
        if p["early_stopping"]:
            lowest = monitor == "loss" or not greater_is_better(monitor)
            defined = [v for v in self._judged(fitted) if not np.isnan(v)]
            self.best_validation_score_ = (min if lowest else max)(defined, default=np.nan)
        else:
            best = min(e.loss for e in epochs)
            before = getattr(self, "_best_loss", np.inf) if done else np.inf
            self._best_loss = self.best_loss_ = min(best, before)
        self._settle(fitted, seen)

    def _settle(self, fitted: Fitted, seen: int) -> None:
        """Set the attributes that describe the network: from here on the estimator is fitted."""
        net = fitted.network
        self.t_ = getattr(self, "t_", 0) + seen
        self.n_layers_ = len(net.sizes)
        self.n_outputs_ = net.sizes[-1]
        out = net.activations[-1].name
        self.out_activation_ = _OUT.get(out, out)
        self._fitted = fitted

    def _forget(self) -> None:
        """Take away what an earlier fit left, so that one that fails leaves nothing of it."""
        for name in [n for n in vars(self) if n.endswith("_") and not n.startswith("_")]:
            delattr(self, name)
        for name in ("_fitted", "_inputs", "_targets", "_monitor", "_best_loss", "_optimizer"):
            self.__dict__.pop(name, None)

    # What a fit leaves.

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in vars(self)

    @property
    def coefs_(self) -> WeightList:
        """The weights of each layer, (n_{l-1}, n_l); on the CPU views of what predicts."""
        return self._of_fit("coefs_").coefs()

    @coefs_.setter
    def coefs_(self, arrays: Any) -> None:
        self._of_fit("coefs_").coefs().assign(arrays)

    @property
    def intercepts_(self) -> WeightList:
        """The biases of each layer, (n_l,); on the CPU views of what predicts."""
        return self._of_fit("intercepts_").intercepts()

    @intercepts_.setter
    def intercepts_(self, arrays: Any) -> None:
        self._of_fit("intercepts_").intercepts().assign(arrays)

    @property
    def history_(self) -> History:
        """The epochs since the weights were drawn: losses, metrics, learning rates, times."""
        return self._of_fit("history_").history.even()

    @property
    def loss_curve_(self) -> list[float]:
        """The loss of each epoch since the weights were drawn; not for solver 'lbfgs'."""
        fitted = self._of_fit("loss_curve_", "_monitor")
        return [epoch.loss for epoch in fitted.history.epochs]

    @property
    def validation_scores_(self) -> list[float] | None:
        """What `monitor` says of the validation part after each epoch; None if there is none."""
        return self._judged(self._of_fit("validation_scores_", "_monitor")) or None

    def _judged(self, fitted: Fitted) -> list[float]:
        """What `monitor` says of each epoch that had a validation part, and was judged by it."""
        held = [e for e in fitted.history.epochs if e.validation_loss is not None]
        return [
            e.value(self._monitor)
            for e in held
            if self._monitor == "loss" or self._monitor in e.metrics
        ]

    def _of_fit(self, name: str, needed: str = "_fitted") -> Fitted:
        if needed not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return self._fitted

    def _outputs(self, X: Any, method: str, logits: bool = False) -> Array:
        """Return the network's outputs for X, or what goes into its last activation: (N, K)."""
        if "_fitted" not in self.__dict__:
            check_is_fitted(self)
        rows = inputs.read_new(self, self._inputs, X, method)
        of = self._fitted.logits if logits else self._fitted.predict
        if type(rows) is np.ndarray:
            return of(rows)
        return np.concatenate([of(block) for block in rows])

    def _as_given(self, X: Any, values: Any) -> Any:
        return values if type(X) is np.ndarray else same_as(X, values)

    def to_model(self) -> Model:
        """Return a copy as a `fastnn.Model`: to save in one file, to move to another device.

        Raises NotFittedError before `fit`.
        """
        check_is_fitted(self)
        return self._as_model(self._fitted)

    def _as_model(self, fitted: Fitted) -> Model:
        twin = fitted.copy_to(fitted.backend, fitted.settings)
        twin.progress.history = fitted.history.even()
        return Model(twin, self._inputs.as_features(), self._model_targets())

    def _model_targets(self) -> Targets:
        return self._targets

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        by_column = self.categorical_features is not None
        tags.input_tags.sparse = not by_column
        tags.input_tags.categorical = tags.input_tags.string = by_column
        tags.input_tags.allow_nan = self.missing_values == "median"
        # Without dispatch, arrays of other libraries come back as NumPy.
        tags.array_api_support = dispatching() and not by_column
        return tags
