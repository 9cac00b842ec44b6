"""X and y on their way into an estimator: validation data, and numbers that float32 cannot hold."""

import math
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are for scikit-learn")

from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError

from fastnn import DataError, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
Y = X[:, 0]
CODES = np.digitize(Y, [-0.5, 0.5])
HELD = slice(0, 20)
TEXT = np.array(["low", "middle", "high"], object)[CODES]
TWO = np.stack([Y, -Y], axis=1)
LABELS = (TWO > 0).astype(int)
ONES = np.ones(len(X))

MAKES = {
    "regressor": (MLPRegressor, X, Y),
    "regressor of lists": (MLPRegressor, X.tolist(), Y.tolist()),
    "regressor, two outputs": (MLPRegressor, X, TWO),
    "regressor, sparse": (MLPRegressor, csr_array(X), Y),
    "regressor, float32": (MLPRegressor, X.astype(np.float32), Y),
    "classifier": (MLPClassifier, X, CODES),
    "classifier, text": (MLPClassifier, X, TEXT),
    "classifier, labels": (MLPClassifier, X, LABELS),
    "classifier, sparse labels": (MLPClassifier, X, csr_array(LABELS)),
}
WAYS = {
    "fit": {},
    "early stopping": {"early_stopping": True},
    "standardised": {"standardize": True},
    "target standardised": {"standardize_target": True},
}


def made(make, **given):
    if make is MLPClassifier:
        given.pop("standardize_target", None)
    return make(**{"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0, **given})


def some(values):
    return values[HELD]


# The user's validation data.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", MAKES)
def test_validation_data_are_judged_from_the_first_fit_on(kind, way) -> None:
    make, x, y = MAKES[kind]
    held = some(x), some(y)
    model = made(make, validation_data=held, **WAYS[way]).fit(x, y)
    assert len(model.validation_scores_) == 3
    if "early_stopping" in WAYS[way]:  # the weights are those of the best epoch
        expected = max(model.validation_scores_)
        assert model.best_validation_score_ == expected
    else:
        expected = model.validation_scores_[-1]
    assert model.score(*held) == pytest.approx(expected, rel=1e-5)
    # What is learnt does not depend on what is only watched.
    alone = made(make, **{**WAYS[way], "early_stopping": False}).fit(x, y)
    if "early_stopping" not in WAYS[way]:
        np.testing.assert_array_equal(model.coefs_[0], alone.coefs_[0])
    again = pickle.loads(pickle.dumps(model))
    assert again.validation_scores_ == model.validation_scores_


@pytest.mark.parametrize("kind", MAKES)
def test_validation_data_with_warm_start_and_partial_fit(kind) -> None:
    make, x, y = MAKES[kind]
    held = some(x), some(y)
    warm = made(make, warm_start=True, validation_data=held).fit(x, y).fit(x, y)
    assert len(warm.validation_scores_) == 6
    first = {} if make is MLPRegressor else {"classes": np.unique(CODES if y is CODES else TEXT)}
    if "labels" in kind:
        first = {"classes": [0, 1]}
    part = made(make, validation_data=held).partial_fit(x, y, **first).partial_fit(x, y)
    assert len(part.validation_scores_) == 2
    assert part.validation_scores_ == pytest.approx(warm.validation_scores_[:2])


def test_validation_data_of_data_frames() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abcd")).assign(town=np.tile(["Ulm", "Bonn"], 40))
    series = pd.Series(Y)
    model = made(MLPRegressor, categorical_features=["town"], standardize=True)
    model.set_params(validation_data=(frame[HELD], series[HELD])).fit(frame, series)
    found = model.score(frame[HELD], series[HELD])
    assert model.validation_scores_[-1] == pytest.approx(found)
    other = frame[HELD].rename(columns={"a": "z"})
    model.set_params(validation_data=(other, series[HELD]))
    with pytest.raises(DataError, match=r"validation_data: The feature names should match"):
        model.fit(frame, series)


def test_weights_of_validation_data_count() -> None:
    w = np.where(np.arange(20) < 10, 0.0, 2.0)
    held = X[HELD], Y[HELD], w
    weighted = made(MLPRegressor, validation_data=held).fit(X, Y)
    halved = made(MLPRegressor, validation_data=(X[10:20], Y[10:20])).fit(X, Y)
    assert weighted.validation_scores_ == pytest.approx(halved.validation_scores_)


@pytest.mark.parametrize(
    ("kind", "held", "message"),
    [
        ("regressor", (X, TWO), "y has 2 outputs, the regressor was fitted with 1"),
        ("regressor, two outputs", (X, Y), "y has 1 outputs, the regressor was fitted with 2"),
        ("regressor", (X[:, :3], Y), "X has 3 features, but MLPRegressor is expecting 4"),
        ("regressor", (X[:9], Y), "inconsistent numbers of samples"),
        ("regressor", (X[:0], Y[:0]), "Found array with 0 sample"),
        ("regressor", (X * np.nan, Y), "Input X contains NaN"),
        ("regressor", (X, Y * np.nan), "Input y contains NaN"),
        ("regressor", (X, Y, ONES[:3]), "sample_weight.shape == "),
        ("regressor", (X, Y, -ONES), "Negative values in data passed to `sample_weight`"),
        ("regressor", (X, Y, 0 * ONES), "at least one non-zero number"),
        ("classifier", (X, CODES + 1), "`y` has classes not in `self.classes_`"),
        ("classifier", (X, TEXT), "`y` has classes not in `self.classes_`"),
        ("classifier", (X, LABELS), "y has 2 outputs, the classifier was fitted otherwise"),
        ("classifier, labels", (X, CODES), "y has 1 outputs, the classifier was fitted otherwise"),
        ("classifier", (X, Y), "Unknown label type"),
    ],
)
def test_what_is_wrong_with_validation_data_is_said_of_them(kind, held, message) -> None:
    make, x, y = MAKES[kind]
    model = made(make, validation_data=held)
    with pytest.raises(DataError, match=f"^validation_data: .*{message}"):
        model.fit(x, y)
    with pytest.raises(NotFittedError):
        model.predict(x)
    model.set_params(validation_data=(some(x), some(y))).fit(x, y)  # and then it can be fitted
    assert len(model.validation_scores_) == 3


def test_a_target_out_of_the_range_of_the_loss_is_said_of_the_validation_data() -> None:
    model = MLPRegressor("poisson", (2,), validation_data=(X, Y))
    with pytest.raises(DataError, match=r"^validation_data: y: loss 'poisson' needs values of at"):
        model.fit(X, np.abs(Y))


def test_another_monitor_from_one_fit_to_the_next() -> None:
    held = X[HELD], CODES[HELD]
    model = made(MLPClassifier, warm_start=True).fit(X, CODES)
    assert model.validation_scores_ is None
    model.set_params(validation_data=held, early_stopping=True).fit(X, CODES)
    assert len(model.validation_scores_) == 3
    assert model.best_validation_score_ == max(model.validation_scores_)
    model.set_params(monitor="f1").fit(X, CODES)  # the epochs before were not judged by it
    assert len(model.validation_scores_) == 3
    columns = model.history_.columns()
    f1, accuracy = (np.isnan(columns[f"validation_{name}"]).tolist() for name in ("f1", "accuracy"))
    assert f1 == [True] * 6 + [False] * 3
    assert accuracy == [True] * 3 + [False] * 3 + [True] * 3


@pytest.mark.parametrize("monitor", [None, "mae"])
def test_a_metric_that_is_not_defined_gives_nan_without_a_warning(monitor) -> None:
    model = made(MLPRegressor, early_stopping=True, monitor=monitor, max_iter=20).fit(X, ONES)
    assert math.isnan(model.best_validation_score_) == (monitor is None)  # R2 of a constant


# To the standardisation in float64, and rounded once after it.


STAMPS = 1.7e9 + 100.0 * Y  # in float32 rounded to multiples of 128
LEARNING = {
    "hidden_layer_sizes": (16,), "learning_rate_init": 0.02, "max_iter": 200, "random_state": 0,
}  # fmt: skip


def fit_whole(model, x, y):
    return model.fit(x, y)


def fit_parts(model, x, y):
    classes = {"classes": np.unique(y)} if isinstance(model, MLPClassifier) else {}
    model.partial_fit(x, y, **classes)
    for _ in range(199):
        model.partial_fit(x, y)
    return model


def fit_watched(model, x, y):
    model.set_params(early_stopping=True, n_iter_no_change=200).fit(x, y)
    assert model.best_validation_score_ > 0.9


@pytest.mark.parametrize("fit", [fit_whole, fit_watched, fit_parts])
@pytest.mark.parametrize("x", [X, csr_array(X)], ids=["dense", "sparse"])
@pytest.mark.parametrize("y", [STAMPS, np.stack([STAMPS, -STAMPS], axis=1)], ids=["one", "two"])
def test_a_standardised_target_comes_back_in_float64(x, y, fit) -> None:
    x = x.astype(np.float32)
    model = MLPRegressor(standardize_target=True, **LEARNING)
    fit(model, x, y)
    found = model.predict(x)
    assert model.coefs_[0].dtype == np.float32
    assert found.dtype == np.float64
    assert found.shape == y.shape
    assert model.score(x, y) > 0.98


def test_without_standardisation_predictions_have_the_dtype_of_the_inputs() -> None:
    for dtype in (np.float32, np.float64):
        assert made(MLPRegressor).fit(X.astype(dtype), Y).predict(X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("fit", [fit_whole, fit_parts])
@pytest.mark.parametrize("kind", ["array", "whole numbers", "sparse", "gaps", "data frame"])
def test_inputs_are_standardised_before_they_become_float32(kind, fit) -> None:
    stamps = STAMPS[:, None]
    y = (Y > 0).astype(int)
    given = {"missing_values": "median"} if kind == "gaps" else {}
    x = {
        "array": stamps,
        "whole numbers": stamps.astype(np.int64),
        "sparse": csr_array(stamps),
        "gaps": np.where(stamps > np.quantile(stamps, 0.9), np.nan, stamps),
    }.get(kind)
    if x is None:
        x = pytest.importorskip("pandas").DataFrame(stamps, columns=["at"])
    given = {**LEARNING, **given, "standardize": True}
    narrow, wide = (MLPClassifier(dtype=dtype, **given) for dtype in ("float32", "float64"))
    fit(narrow, x, y)
    fit(wide, x, y)
    assert narrow.predict_proba(x).dtype == np.float32
    np.testing.assert_allclose(narrow.predict_proba(x), wide.predict_proba(x), atol=1e-2)
    assert narrow.score(x, y) >= 0.98


def test_float64_rows_for_a_network_of_float32_are_standardised_as_they_are() -> None:
    x = 1e4 + X
    model = made(MLPClassifier, standardize=True).fit(x.astype(np.float32), CODES)
    near = 1e4 + 1e-4 * np.arange(20.0)[:, None] * np.ones(4)  # float32 has steps of 1e-3 here
    assert len(np.unique(model.decision_function(near)[:, 0])) == 20
