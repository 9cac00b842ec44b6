"""Parameters without effect: fastnn's are refused, scikit-learn's are left out with a warning."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are for scikit-learn")

from hypothesis import given
from hypothesis import strategies as st
from sklearn import neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastnn import ArgumentError, DivergenceError, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
ADAM, LBFGS = " (it is 'adam')", "with solver='lbfgs', which works on all examples at once"

SCIKIT_LEARNS = [
    ({"momentum": 0.5}, "momentum has no effect unless solver='sgd'" + ADAM),
    ({"momentum": 1.0}, "momentum has no effect unless solver='sgd'" + ADAM),
    ({"nesterovs_momentum": False}, "nesterovs_momentum has no effect unless solver='sgd'" + ADAM),
    ({"learning_rate": "adaptive"}, "learning_rate has no effect unless solver='sgd'" + ADAM),
    (
        {"power_t": 0.3},
        "power_t has no effect unless learning_rate='invscaling', which is for solver='sgd'",
    ),
    (
        {"solver": "sgd", "power_t": 0.3},
        "power_t has no effect unless learning_rate='invscaling', which is for solver='sgd'",
    ),
    (
        {"solver": "lbfgs", "momentum": 0.5},
        "momentum has no effect unless solver='sgd' (it is 'lbfgs')",
    ),
    ({"solver": "sgd", "beta_1": 0.5}, "beta_1 has no effect unless solver='adam' (it is 'sgd')"),
    ({"solver": "sgd", "beta_2": 0.5}, "beta_2 has no effect unless solver='adam' (it is 'sgd')"),
    ({"solver": "sgd", "epsilon": 2}, "epsilon has no effect unless solver='adam' (it is 'sgd')"),
    (
        {"optimizer": "rmsprop", "beta_1": 0.5},
        "beta_1 has no effect unless solver='adam' (optimizer is given)",
    ),
    ({"max_fun": 10}, "max_fun has no effect unless solver='lbfgs'" + ADAM),
    ({"solver": "lbfgs", "batch_size": 999}, f"batch_size has no effect {LBFGS}"),
    ({"solver": "lbfgs", "early_stopping": True}, f"early_stopping has no effect {LBFGS}"),
    ({"solver": "lbfgs", "validation_fraction": 0.2}, f"validation_fraction has no effect {LBFGS}"),
    ({"solver": "lbfgs", "learning_rate_init": 0.1}, f"learning_rate_init has no effect {LBFGS}"),
    ({"solver": "lbfgs", "shuffle": False}, f"shuffle has no effect {LBFGS}"),
    ({"solver": "lbfgs", "n_iter_no_change": 5}, f"n_iter_no_change has no effect {LBFGS}"),
    (
        {"validation_fraction": 0.2},
        "validation_fraction has no effect unless early_stopping=True, without validation_data",
    ),
    (
        {"hidden_layer_sizes": (), "activation": "tanh"},
        "activation has no effect where there is no hidden layer",
    ),
]


def fitted(**given):
    return MLPClassifier(**{"max_iter": 3, "random_state": 0, **given}).fit(*IRIS)


@pytest.mark.parametrize(("given", "text"), SCIKIT_LEARNS, ids=lambda v: str(v)[:40])
def test_one_of_scikit_learns_without_effect_is_left_out_and_named_once(given, text) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = fitted(**given)
    told = [w for w in told if w.category is not ConvergenceWarning]
    name = text.partition(" ")[0]
    assert [str(w.message) for w in told] == [text]
    assert told[0].filename.endswith("test_estimator_parameters.py")
    # It has no effect: the fit is the one without it, to the last bit.
    expected = fitted(**{k: v for k, v in given.items() if k != name})
    np.testing.assert_array_equal(found.predict_proba(IRIS[0]), expected.predict_proba(IRIS[0]))
    assert found.get_params()[name] == given[name]  # the estimator keeps what it was given


FASTNNS = [
    ({"solver": "lbfgs", "dropout": 0.5}, "with solver='lbfgs'"),
    ({"solver": "lbfgs", "batch_normalization": "before"}, "with solver='lbfgs'"),
    ({"solver": "lbfgs", "schedule": "cosine"}, "with solver='lbfgs'"),
    ({"solver": "lbfgs", "gradient_clip": 1.0}, "with solver='lbfgs'"),
    ({"solver": "lbfgs", "callbacks": [print]}, "with solver='lbfgs'"),
    ({"solver": "lbfgs", "validation_data": IRIS}, "with solver='lbfgs'"),
    ({"monitor": "loss"}, "unless early_stopping=True"),
    ({"optimizer": "rmsprop", "solver": "sgd"}, "leave one out"),
    ({"solver": "sgd", "learning_rate": "adaptive", "schedule": "cosine"}, "learning_rate='const"),
    ({"hidden_layer_sizes": (), "dropout": 0.5}, "no hidden layer"),
]


@pytest.mark.parametrize(("given", "where"), FASTNNS, ids=lambda v: str(v)[:40])
def test_one_of_fastnns_without_effect_is_refused(given, where) -> None:
    with pytest.raises(ArgumentError, match="has no effect") as error:
        fitted(**given)
    assert where in str(error.value)
    assert any(str(error.value).startswith(name) for name in given)


def test_the_default_of_a_parameter_without_effect_is_no_offence() -> None:
    defaults = {"momentum": 0.9, "power_t": 0.5, "learning_rate": "constant", "beta_1": 0.9}
    for solver in ("adam", "sgd", "lbfgs"):
        assert 1 <= fitted(solver=solver, **defaults).n_iter_ <= 3


def test_errors_name_arguments_as_scikit_learn_does() -> None:
    with pytest.raises(ArgumentError, match=r"is longer than the training \(max_iter=3\)"):
        fitted(schedule="cosine(warm_up=5)")


def test_momentum_is_below_1_where_it_is_used() -> None:
    with pytest.raises(ArgumentError, match=r"momentum must be in \[0, 1\), found 1.0"):
        fitted(solver="sgd", momentum=1.0)
    with pytest.raises(ArgumentError, match=r"momentum must be in \[0, 1\), found 1.5"):
        fitted(momentum=1.5)


GRID = {
    "solver": ["lbfgs", "sgd", "adam"],
    "learning_rate_init": [0.001, 0.01],
    "momentum": [0.9, 0.5],
}
CLIPPED = pytest.mark.filterwarnings("ignore:Got `batch_size` less than 1:UserWarning")
WITHOUT_EFFECT = pytest.mark.filterwarnings("ignore:.* has no effect:UserWarning")


@CLIPPED
@WITHOUT_EFFECT
@pytest.mark.parametrize("kind", [GridSearchCV, RandomizedSearchCV, HalvingGridSearchCV])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_a_search_over_several_solvers_fails_nowhere(kind, make) -> None:
    net = make(hidden_layer_sizes=(4,), max_iter=3, random_state=0)
    if kind is HalvingGridSearchCV:
        search = kind(net, GRID, cv=2, random_state=0, error_score="raise")
    elif kind is RandomizedSearchCV:
        given = {**GRID, "batch_size": [10, 999], "early_stopping": [True, False]}
        search = kind(net, given, n_iter=12, cv=2, random_state=0, error_score="raise")
    else:
        search = kind(net, GRID, cv=2, error_score="raise")
    search.fit(*IRIS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert len(search.cv_results_["params"]) >= 12


@WITHOUT_EFFECT
def test_a_pipeline_may_change_its_solver() -> None:
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=3, momentum=0.5))
    for solver in ("sgd", "adam", "lbfgs"):
        again = clone(pipeline).set_params(mlpclassifier__solver=solver).fit(*IRIS)
        assert again[-1].get_params()["momentum"] == 0.5


OF_SCIKIT_LEARN = {
    "solver": st.sampled_from(["lbfgs", "sgd", "adam"]),
    "hidden_layer_sizes": st.sampled_from([(), (3,), [4, 2], 5]),
    "activation": st.sampled_from(["relu", "tanh", "logistic", "identity"]),
    "alpha": st.sampled_from([0, 1e-4, 1.0]),
    "batch_size": st.sampled_from(["auto", 1, 7, 1000]),
    "learning_rate": st.sampled_from(["constant", "invscaling", "adaptive"]),
    "learning_rate_init": st.sampled_from([1e-4, 0.01]),
    "power_t": st.sampled_from([0, 0.25, 1]),
    "shuffle": st.booleans(),
    "momentum": st.sampled_from([0, 0.5, np.float32(0.25)]),
    "nesterovs_momentum": st.booleans(),
    "early_stopping": st.booleans(),
    "validation_fraction": st.sampled_from([0.1, 0.5]),
    "beta_1": st.sampled_from([0, 0.5]),
    "beta_2": st.sampled_from([0.5, 0.99]),
    "epsilon": st.sampled_from([1e-5, 2]),
    "n_iter_no_change": st.sampled_from([1, np.inf]),
    "max_fun": st.sampled_from([1, 100]),
    "tol": st.sampled_from([0, 1.0]),
}


@WITHOUT_EFFECT
@CLIPPED
@given(given=st.fixed_dictionaries({}, optional=OF_SCIKIT_LEARN), name=st.booleans())
def test_what_scikit_learn_fits_is_fitted(given, name) -> None:
    make = "MLPClassifier" if name else "MLPRegressor"
    X, y = IRIS[0][::3], IRIS[1][::3]
    given = {**given, "max_iter": 2, "random_state": 0}
    theirs = getattr(neural_network, make)(**given).fit(X, y)
    ours = (MLPClassifier if name else MLPRegressor)(**given).fit(X, y)
    assert ours.n_layers_ == theirs.n_layers_
    assert np.isfinite(ours.score(X, y))


def test_a_loss_that_is_no_number_is_a_failed_fit_of_a_search() -> None:
    X, y = IRIS
    net = MLPRegressor(solver="sgd", max_iter=20, random_state=0)
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights") as error:
        clone(net).set_params(learning_rate_init=1e6).fit(1e3 * X, y)
    assert isinstance(error.value, DivergenceError)
    search = GridSearchCV(net, {"learning_rate_init": [1e-9, 1e6]}, cv=2, error_score=-1e9)
    with pytest.warns(FitFailedWarning, match="2 fits failed out of a total of 4"):
        search.fit(1e3 * X, y)
    assert search.cv_results_["mean_test_score"][1] == -1e9
    assert search.best_params_ == {"learning_rate_init": 1e-9}
