"""What surprises people in scikit-learn's networks, and does not happen here: a test for each."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are for scikit-learn")

from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

import fastnn
from fastnn import MLPClassifier, MLPRegressor, TrainingInterrupted
from fastnn.training.callbacks import TrainingState

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def blobs():
    """150 examples of three classes in 4 columns."""
    return make_classification(150, 4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)


@pytest.mark.parametrize("seed", range(10))
def test_the_early_stopping_split_is_stratified_for_more_than_two_classes(seed) -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [190, 190, 20])  # the last class is 5 % of all
    X = rng.normal(size=(400, 2))
    X[:, 0] += 10 * y
    seen = {}
    model = MLPClassifier(
        (2,), early_stopping=True, random_state=seed, max_iter=1, monitor="top_k_accuracy(k=1)"
    )
    divide = fastnn.api.estimators.base.divide

    def noting(*given):
        seen["train"], seen["held"] = divide(*given)
        return seen["train"], seen["held"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fastnn.api.estimators.base.divide", noting)
        model.fit(X, y)
    assert np.bincount(seen["held"].target).tolist() == [19, 19, 2]
    assert np.bincount(seen["train"].target).tolist() == [171, 171, 18]


def test_partial_fit_with_a_whole_seed_shuffles_anew(blobs) -> None:
    X, y = blobs
    found = []
    model = MLPClassifier(
        (3,), batch_size=10, learning_rate_init=1e-12, random_state=0,
        callbacks=[lambda state: found.append(state.epoch.batch_costs)],
    )  # fmt: skip
    for _ in range(4):
        model.partial_fit(X, y, classes=[0, 1, 2])
    # With so small a rate the costs of the batches are those of the same weights: they are the
    # same numbers if and only if the batches are.
    different = {tuple(np.round(costs, 8)) for costs in found}
    assert len(different) == 4


def test_partial_fit_is_the_same_as_fit_epoch_by_epoch(blobs) -> None:
    X, y = blobs
    whole = MLPClassifier((5,), batch_size=32, max_iter=4, random_state=1).fit(X, y)
    parts = MLPClassifier((5,), batch_size=32, random_state=1)
    for _ in range(4):
        parts.partial_fit(X, y, classes=[0, 1, 2])
    np.testing.assert_array_equal(parts.coefs_[0], whole.coefs_[0])
    assert parts.loss_curve_ == whole.loss_curve_
    assert (parts.t_, parts.n_iter_) == (600, 1)


def test_partial_fit_does_not_write_into_the_users_arrays(blobs) -> None:
    X, y = blobs
    first, second = X[:75].copy(), X[75:].copy()
    model = MLPClassifier((3,), random_state=0).partial_fit(first, y[:75], classes=[0, 1, 2])
    model.partial_fit(second, y[75:])
    np.testing.assert_array_equal(first, X[:75])
    np.testing.assert_array_equal(second, X[75:])


def test_warm_start_keeps_the_moments(blobs) -> None:
    X, y = blobs
    whole = MLPClassifier((5,), max_iter=6, random_state=0).fit(X, y)
    halves = MLPClassifier((5,), max_iter=3, warm_start=True, random_state=0).fit(X, y)
    halves.fit(X, y)
    np.testing.assert_array_equal(halves.coefs_[0], whole.coefs_[0])
    assert len(halves.loss_curve_) == 6
    assert halves.n_iter_ == 3


def interrupting(after: int):
    """A callback that is interrupted as by Ctrl-C after so many epochs."""

    def interrupt(state: TrainingState) -> None:
        if state.epoch.epoch == after:
            raise KeyboardInterrupt

    return interrupt


def test_ctrl_c_does_not_leave_a_fitted_model(blobs) -> None:
    X, y = blobs
    model = MLPClassifier((4,), callbacks=[interrupting(3)], random_state=0)
    with pytest.raises(TrainingInterrupted) as interrupted:
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    assert not hasattr(model, "coefs_")
    assert len(interrupted.value.history.epochs) == 3
    assert interrupted.value.result.predict(X).shape == (150,)  # the weights are not lost


def test_ctrl_c_ends_a_grid_search_too(blobs) -> None:
    search = GridSearchCV(MLPClassifier((4,), callbacks=[interrupting(2)]), {"alpha": [0.1, 1]})
    with pytest.raises(KeyboardInterrupt):
        search.fit(*blobs)
    assert not hasattr(search, "best_estimator_")


def test_ctrl_c_in_a_warm_start_leaves_the_model_of_before(blobs) -> None:
    X, y = blobs
    model = MLPClassifier((4,), max_iter=3, warm_start=True, random_state=0).fit(X, y)
    before = model.predict_proba(X)
    model.set_params(callbacks=[interrupting(5)])
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)
    assert len(model.loss_curve_) == 3
    model.set_params(callbacks=None).fit(X, y)
    whole = MLPClassifier((4,), max_iter=6, random_state=0).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[1], whole.coefs_[1])


def test_an_unscaled_regression_target_can_be_standardised() -> None:
    X, y = load_diabetes(return_X_y=True)
    y = 1e6 + 1e4 * y
    given = {"max_iter": 150, "random_state": 0, "learning_rate_init": 0.01}
    plain = MLPRegressor(**given).fit(X, y)
    scaled = MLPRegressor(standardize_target=True, **given).fit(X, y)
    assert plain.score(X, y) < -10
    assert scaled.score(X, y) > 0.45


def test_the_l2_penalty_does_not_depend_on_the_batch_size() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    norms = {}
    for size in (19, 569):
        # As many steps of plain descent for each; alpha decides where they end.
        model = MLPClassifier(
            (), alpha=200.0, batch_size=size, max_iter=4000 * size // 569, solver="sgd",
            momentum=0.0, learning_rate_init=0.02, random_state=0, tol=0.0,
            n_iter_no_change=np.inf,
        )  # fmt: skip
        model.fit(X, y)
        norms[size] = float(np.linalg.norm(model.coefs_[0]))
    assert norms[19] == pytest.approx(norms[569], rel=0.02)


def test_alpha_is_divided_by_the_number_of_examples() -> None:
    # One weight w, x = 1, y = 1, no error at w = 1 with b = 0: only the penalty moves w.
    X, y = np.ones((10, 1)), np.ones(10)
    model = MLPRegressor(
        hidden_layer_sizes=(), alpha=5.0, batch_size=2, max_iter=1, solver="sgd", momentum=0.0,
        learning_rate_init=0.1, shuffle=False, warm_start=True,
    ).fit(X, y)  # fmt: skip
    model.coefs_, model.intercepts_ = [[[1.0]]], [[0.0]]
    # J = 0 + 5 / (2 * 10) * 1^2; the first batch's cost is that of these weights.
    model.fit(X, y)
    assert model.history_.epochs[-1].batch_costs[0] == pytest.approx(0.25)


@pytest.mark.parametrize("monitor", ["loss", "accuracy", "f1", "roc_auc", "log_loss"])
def test_early_stopping_can_watch_the_loss_or_any_metric(monitor) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = MLPClassifier(
        (8,), early_stopping=True, monitor=monitor, standardize=True, n_iter_no_change=3,
        learning_rate_init=0.05, random_state=0,
    ).fit(X, y)  # fmt: skip
    best = min if monitor in ("loss", "log_loss") else max
    assert model.best_validation_score_ == best(model.validation_scores_)
    assert model.history_.monitor == monitor
    at = model.validation_scores_.index(model.best_validation_score_)
    assert model.history_.best_epoch == at + 1
    assert model.n_iter_ < 200


def test_early_stopping_restores_the_best_weights(blobs) -> None:
    X, y = blobs
    model = MLPClassifier(
        (30,), validation_data=(X[:50], y[:50]), early_stopping=True, learning_rate_init=0.3,
        n_iter_no_change=5, random_state=0,
    ).fit(X[50:], y[50:])  # fmt: skip
    assert model.validation_scores_[-1] < model.best_validation_score_
    assert model.score(X[:50], y[:50]) == pytest.approx(model.best_validation_score_)


def test_the_adaptive_rate_falls_after_two_epochs_without_progress() -> None:
    X, y = np.zeros((20, 1)), np.tile([0.0, 1.0], 10)  # nothing to learn from X
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate="adaptive", learning_rate_init=1e-4,
        momentum=0.0, tol=1e3, n_iter_no_change=4,
    ).fit(X, y)  # fmt: skip
    rates = [epoch.learning_rate for epoch in model.history_.epochs]
    # The first epoch is the best so far; every two after it divide the rate by 5, until it is
    # at most 1e-6; then more than 4 without progress end the training.
    falling = [1e-4] * 3 + [2e-5] * 2 + [4e-6] * 2
    assert rates == pytest.approx(falling + [8e-7] * 5)
    assert model.history_.stopped == "converged"
    # scikit-learn's private names for it
    assert model._no_improvement_count == 5
    assert model._optimizer.learning_rate == pytest.approx(8e-7)


def test_inverse_scaling_counts_the_examples_seen() -> None:
    X, y = np.zeros((20, 1)), np.tile([0.0, 1.0], 10)
    model = MLPRegressor(
        hidden_layer_sizes=(), solver="sgd", learning_rate="invscaling", learning_rate_init=0.5,
        momentum=0.0, max_iter=3,
    ).fit(X, y)  # fmt: skip
    rates = [epoch.learning_rate for epoch in model.history_.epochs]
    assert rates == pytest.approx([0.5, 0.5 / 21**0.5, 0.5 / 41**0.5])
    assert model._optimizer.learning_rate == 0.5 / 61**0.5


def test_reaching_the_last_epoch_is_said(blobs) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
            MLPClassifier(max_iter=2).fit(*blobs)


def test_time_stamps_reach_standardisation_in_full() -> None:
    # as float32 the 600 seconds would be 5 numbers
    seconds = np.random.default_rng(0).uniform(0, 600, 200)
    X, y = 1.7e9 + seconds[:, None], np.sin(seconds / 100)
    same = {"standardize": True, "dtype": "float32", "max_iter": 5, "random_state": 0}
    model = MLPRegressor(hidden_layer_sizes=(8,), **same).fit(X, y)
    moved = MLPRegressor(hidden_layer_sizes=(8,), **same).fit(seconds[:, None], y)
    assert len(set(model.predict(X).tolist())) == 200
    np.testing.assert_allclose(model.predict(X), moved.predict(seconds[:, None]), atol=1e-4)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_weights_of_1_are_no_weights(kind) -> None:
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=90), np.full(90, 0.1), 1e9 + rng.normal(size=90)])
    y = (X[:, 0] > 0).astype(int) if kind is MLPClassifier else 1e5 * X[:, 0]
    options = {"standardize_target": True} if kind is MLPRegressor else {}
    found = []
    for weights in (None, np.ones(90)):
        model = kind(
            hidden_layer_sizes=(4,), standardize=True, max_iter=3, random_state=0, **options
        )
        model.fit(X, y, sample_weight=weights)
        found.append([W.tobytes() for W in model.coefs_] + [model.predict(X).tobytes()])
    assert found[0] == found[1]


def test_a_constant_column_is_harmless_with_weights() -> None:
    rng = np.random.default_rng(2)
    constants = np.array([14.62, 0.1, 1 / 3, np.log(1e-5), 123456.789, 2 / 3, 9.81, 273.15])
    X = np.column_stack([rng.normal(size=600), np.tile(constants, (600, 1))])
    y = (X[:, 0] > 0).astype(int)
    model = MLPClassifier((8,), standardize=True, random_state=0, learning_rate_init=0.01)
    model.set_params(max_iter=30).fit(X, y, sample_weight=rng.exponential(1, 600))
    moved = X.copy()
    moved[:, 1:] *= 1 + 1e-7
    assert abs(model.predict_proba(X) - model.predict_proba(moved)).max() < 1e-3


def test_codes_are_read_as_in_the_fit() -> None:
    X = np.array([["02134", 1], ["10115", 2], ["1", 3]] * 20, dtype=object)
    y = np.arange(60) % 3
    model = MLPClassifier((4,), categorical_features=["x0"], max_iter=2, random_state=0)
    model.fit(X, y)
    whole = model.predict_proba(X)
    alone = np.concatenate([model.predict_proba(X[[i]]) for i in range(3)])
    np.testing.assert_allclose(alone, whole[:3], rtol=1e-12)
    assert len(set(map(tuple, whole[:3].tolist()))) == 3
