"""scikit-learn's own checks of estimators: all pass, none is expected to fail, none skipped."""

import os
from unittest import SkipTest

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are for scikit-learn")
# Read by SciPy when it is first imported, and by the checks themselves when they run.
os.environ.setdefault("SCIPY_ARRAY_API", "1")
pytest.importorskip("pandas", reason="some checks use data frames")

from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.utils import get_tags
from sklearn.utils._array_api import NamespaceAndDevice
from sklearn.utils.estimator_checks import (
    check_array_api_input,
    check_array_api_mixed_inputs,
    check_array_api_same_namespace,
    parametrize_with_checks,
)

from fastnn import MLPClassifier, MLPRegressor

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:n_iter_no_change has no effect:UserWarning"),
]

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPClassifier(solver="lbfgs", alpha=0.1, max_iter=100),
    MLPClassifier((20, 10), "tanh", optimizer="nesterov", learning_rate_init=0.2, max_iter=50),
    MLPRegressor(max_iter=100),
    MLPRegressor(solver="lbfgs", max_iter=100),
    MLPRegressor(standardize=True, standardize_target=True, learning_rate_init=0.01, max_iter=40),
]
WITH_GAPS = [
    MLPClassifier(missing_values="median", learning_rate_init=0.01, max_iter=40),
    MLPRegressor(missing_values="median", learning_rate_init=0.01, max_iter=40),
]


def without_skips(check, estimator):
    """Run a check, of which a skip is a failure."""
    try:
        check(estimator)
    except (pytest.skip.Exception, SkipTest) as skipped:
        pytest.fail(f"skipped: {skipped}")


@parametrize_with_checks(ESTIMATORS, expected_failed_checks={})
def test_it_passes(estimator, check) -> None:
    without_skips(check, estimator)


@parametrize_with_checks(WITH_GAPS, expected_failed_checks={})
def test_it_passes_where_gaps_are_filled(estimator, check) -> None:
    without_skips(check, estimator)


ONE_EACH = [MLPClassifier(max_iter=20), MLPRegressor(max_iter=20), MLPRegressor(solver="lbfgs")]
NAMESPACES = [
    ("numpy", None, None),
    ("array_api_strict", "CPU_DEVICE", "float64"),
    ("array_api_strict", "device1", "float32"),
    ("torch", "cpu", "float64"),
    ("torch", "cpu", "float32"),
]


@pytest.mark.parametrize(("namespace", "device", "dtype"), NAMESPACES)
@pytest.mark.parametrize("estimator", ONE_EACH, ids=repr)
@pytest.mark.parametrize("weighted", [False, True])
def test_arrays_of_other_libraries(estimator, namespace, device, dtype, weighted) -> None:
    pytest.importorskip(namespace)
    # The mean of right answers is taken in float32 by PyTorch: values are for the next test.
    check_array_api_input(
        type(estimator).__name__, estimator, namespace, device, dtype, check_sample_weight=weighted
    )


@pytest.mark.parametrize("estimator", ONE_EACH, ids=repr)
@pytest.mark.parametrize(("of_X", "of_the_rest"), [(0, 1), (1, 0), (0, 2), (2, 0)])
def test_y_and_weights_of_another_library(estimator, of_X, of_the_rest) -> None:
    kinds = [("array_api_strict", "device1"), ("numpy", None), ("torch", "cpu")]
    for place in (of_X, of_the_rest):
        pytest.importorskip(kinds[place][0])
    check_array_api_mixed_inputs(
        type(estimator).__name__, estimator, NamespaceAndDevice(*kinds[of_X]),
        NamespaceAndDevice(*kinds[of_the_rest]),
    )  # fmt: skip


@pytest.mark.parametrize("namespace", ["array_api_strict", "torch"])
def test_values_are_those_of_numpy(namespace) -> None:
    xp = pytest.importorskip(namespace)
    X, y = make_classification(n_samples=40, random_state=0)
    estimator = MLPClassifier(max_iter=5, random_state=0)
    expected = estimator.fit(X, y).predict_proba(X)
    with config_context(array_api_dispatch=True):
        found = estimator.fit(xp.asarray(X), xp.asarray(y)).predict_proba(xp.asarray(X))
        assert type(found) is type(xp.asarray(X))
        np.testing.assert_array_equal(np.from_dlpack(found), expected)


@pytest.mark.parametrize("estimator", ONE_EACH, ids=repr)
def test_an_array_of_another_library_than_in_fit_is_refused(estimator) -> None:
    pytest.importorskip("array_api_strict")
    check_array_api_same_namespace(type(estimator).__name__, estimator, "array_api_strict")


def test_the_tag_says_that_it_follows_the_arrays_where_dispatch_is_on() -> None:
    assert not get_tags(MLPClassifier()).array_api_support
    with config_context(array_api_dispatch=True):
        assert get_tags(MLPClassifier()).array_api_support
        assert not get_tags(MLPClassifier(categorical_features=["town"])).array_api_support
