"""The estimators beside scikit-learn's, and what they have on top."""

import copy
import pickle
import threading

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the estimators are for scikit-learn")

from scipy.sparse import csr_array
from sklearn import neural_network
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastnn
from fastnn import ArgumentError, DataError, DivergenceError, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

IRIS = load_iris(return_X_y=True)
FAST = {"learning_rate_init": 0.02, "max_iter": 40, "random_state": 0, "standardize": True}


# Beside scikit-learn's.


@pytest.mark.parametrize("activation", ["relu", "logistic", "tanh", "identity"])
def test_lbfgs_finds_what_scikit_learn_finds(activation) -> None:
    given = {"solver": "lbfgs", "activation": activation, "max_iter": 15, "random_state": 3}
    ours = MLPClassifier((7, 5), **given).fit(*IRIS)
    theirs = neural_network.MLPClassifier((7, 5), **given).fit(*IRIS)
    assert ours.loss_ == pytest.approx(theirs.loss_, rel=1e-6)
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_,
                           strict=True):  # fmt: skip
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "given",
    [
        {"solver": "adam"},
        {"solver": "adam", "epsilon": 0.1, "beta_1": 0.8, "beta_2": 0.95},
        {"solver": "sgd"},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"solver": "sgd", "momentum": 0.0},
        # The velocity has the rates of the steps before in it: seen where the rate changes.
        {"solver": "sgd", "learning_rate": "invscaling", "power_t": 0.2},
        {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
    ],
    ids=str,
)
def test_fifty_full_batches_take_the_steps_of_scikit_learn(given) -> None:
    X, y = IRIS
    given = {**given, "batch_size": 150, "max_iter": 50, "random_state": 1, "alpha": 0.5}
    given |= {"learning_rate_init": 0.01, "n_iter_no_change": 50}
    ours = MLPClassifier((6,), **given).fit(X, y)
    theirs = neural_network.MLPClassifier((6,), **given).fit(X, y)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-12)
    for mine, other in zip(ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_,
                           strict=True):  # fmt: skip
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-12)


def test_sample_weights_in_full_batches_are_those_of_scikit_learn(rng) -> None:
    X, y = load_diabetes(return_X_y=True)
    w = rng.uniform(0.5, 3.0, len(y))
    given = {"batch_size": len(y), "max_iter": 10, "random_state": 1, "alpha": 1.0}
    given |= {"solver": "sgd", "learning_rate_init": 1e-4, "hidden_layer_sizes": (5,)}
    ours = MLPRegressor(**given).fit(X, y, sample_weight=w)
    theirs = neural_network.MLPRegressor(**given).fit(X, y, sample_weight=w)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-8)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_regression_takes_the_steps_of_scikit_learn(loss, rng) -> None:
    X, y = rng.normal(size=(60, 3)), rng.poisson(2.0, 60).astype(float)
    given = {"batch_size": 60, "max_iter": 15, "random_state": 1, "solver": "sgd"}
    ours = MLPRegressor(loss, (4,), **given).fit(X, y)
    theirs = neural_network.MLPRegressor(loss, (4,), **given).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-8)
    assert ours.out_activation_ == theirs.out_activation_


def test_with_the_defaults_it_is_as_accurate_as_scikit_learn() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    right = dict.fromkeys((MLPClassifier, neural_network.MLPClassifier), 0.0)
    for seed in range(5):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, test_size=0.3, random_state=seed, stratify=y
        )
        for make in right:
            right[make] += make(random_state=seed).fit(X_train, y_train).score(X_test, y_test) / 5
    ours, theirs = right.values()
    assert ours >= theirs - 0.005


def test_attributes_are_those_of_scikit_learn() -> None:
    for ours, theirs in (
        (MLPClassifier(max_iter=3), neural_network.MLPClassifier(max_iter=3)),
        (MLPRegressor(max_iter=3), neural_network.MLPRegressor(max_iter=3)),
    ):
        ours.fit(*IRIS)
        theirs.fit(*IRIS)
        public = [name for name in dir(theirs) if name.endswith("_") and name[0] != "_"]
        assert [name for name in public if not hasattr(ours, name)] == []
        for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
            assert getattr(ours, name) == getattr(theirs, name), name
        assert [c.shape for c in ours.coefs_] == [c.shape for c in theirs.coefs_]
        defaults = theirs.get_params()
        assert {name: ours.get_params()[name] for name in defaults} == defaults


def test_methods_of_scikit_learn_are_there() -> None:
    for ours, theirs in (
        (MLPClassifier(), neural_network.MLPClassifier()),
        (MLPRegressor(), neural_network.MLPRegressor()),
    ):
        assert {n for n in dir(theirs) if n[0] != "_"} <= {n for n in dir(ours) if n[0] != "_"}
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")


def test_text_labels() -> None:
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    model = MLPClassifier((8,), **FAST).fit(X, names)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.score(X, names) > 0.9
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(model.predict_proba(X)))
    logits, P = model.decision_function(X), model.predict_proba(X)
    np.testing.assert_allclose(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), P)


@pytest.mark.parametrize("sparse", [False, True])
def test_several_labels(sparse) -> None:
    X, y = IRIS
    Y = np.stack([y == 0, y != 1], axis=1).astype(int)
    model = MLPClassifier((8,), **{**FAST, "max_iter": 150}).fit(X, csr_array(Y) if sparse else Y)
    assert model.out_activation_ == "logistic"
    found = model.predict(X)
    assert (found.toarray() if sparse else found).shape == (150, 2)
    assert model.predict_proba(X).shape == (150, 2)
    assert ((found.toarray() if sparse else found) == Y).mean() > 0.9


def test_several_outputs() -> None:
    X, _ = IRIS
    Y = np.stack([X.sum(axis=1), X[:, 0] - X[:, 1]], axis=1)
    model = MLPRegressor(hidden_layer_sizes=(16,), solver="lbfgs", max_iter=60).fit(X, Y)
    assert model.predict(X).shape == (150, 2)
    assert model.score(X, Y) > 0.99


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_the_history_says_what_ran(solver: str) -> None:
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    fitted = MLPRegressor("squared_error", 3, solver=solver, engine="numpy", max_iter=2).fit(X, y)
    said = {"engine": "numpy", "threads": 1, "reason": "engine='numpy' was asked for"}
    assert fitted.history_.engine == said


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_sparse_rows_give_what_dense_rows_give(solver) -> None:
    X, y = load_digits(return_X_y=True)
    X, y = X[:300], y[:300]
    given = {"solver": solver, "max_iter": 3, "random_state": 0}
    dense = MLPClassifier(**given).fit(X, y)
    sparse = MLPClassifier(**given).fit(csr_array(X), y)
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(csr_array(X)))


def test_weights_can_be_set_and_are_used() -> None:
    model = MLPRegressor(hidden_layer_sizes=(), max_iter=1).fit(np.eye(2), [1.0, 2.0])
    model.coefs_[0][...] = [[3.0], [4.0]]
    model.intercepts_[0] = [0.5]
    assert model.predict(np.eye(2)).tolist() == [3.5, 4.5]
    model.coefs_ = [[[1.0], [2.0]]]
    assert model.predict(np.eye(2)).tolist() == [1.5, 2.5]
    with pytest.raises(ArgumentError, match=r"coefs_\[0\] has shape \(2, 1\), found .* \(1, 2\)"):
        model.coefs_ = [[[1.0, 2.0]]]
    with pytest.raises(ArgumentError, match="coefs_ needs 1 arrays, found 2"):
        model.coefs_ = [[[1.0], [2.0]], []]


# On top.


@pytest.mark.parametrize(
    "given",
    [
        {"dropout": 0.2},
        {"batch_normalization": "before"},
        {"initializer": "he_normal"},
        {"optimizer": "rmsprop(beta=0.95)"},
        {"optimizer": "adamw", "schedule": "cosine"},
        {"gradient_clip": 1.0},
        {"label_smoothing": 0.1},
        {"class_weight": "balanced"},
        {"class_weight": {0: 2.0, 1: 1.0}},
        {"activation": ["gelu"]},
        pytest.param({"activation": lambda z: z * z}, id="own activation"),
        {"groups": [fastnn.ParameterGroup(kind="biases", learning_rate_factor=2.0)]},
        {"dtype": "float32"},
        {"loss": "categorical_crossentropy"},
        {"engine": "numpy"},
    ],
    ids=lambda given: ", ".join(given),
)
def test_it_learns_with(given) -> None:
    X, y = IRIS
    model = MLPClassifier((12,), **{**FAST, "max_iter": 80}, **given).fit(X, y)
    assert model.score(X, y) > 0.9
    again = pickle.loads(pickle.dumps(model)) if "activation" not in given else copy.deepcopy(model)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("given", [{"capture": "never"}, {"precision": "tf32"}], ids=str)
def test_ways_of_a_gpu_are_refused_on_the_cpu(given) -> None:
    with pytest.raises(ArgumentError, match="has no effect on device 'cpu'"):
        MLPClassifier((2,), **FAST, **given).fit(*IRIS)


def test_own_losses() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    brier = MLPClassifier((8,), loss=lambda a, t: (a - t) ** 2, **FAST).fit(X, y)
    assert brier.score(X, y) > 0.95
    values = X[:, 0]
    cosh = MLPRegressor(
        lambda a, t: np.log(np.exp(a - t) + np.exp(t - a)), (8,), standardize_target=True, **FAST
    ).fit(X, values)  # fmt: skip
    assert cosh.score(X, values) > 0.95


def test_gaps_are_filled_and_categories_encoded() -> None:
    pd = pytest.importorskip("pandas")
    n = 120
    town = np.tile(["Ulm", "Bonn", "Kiel"], n // 3)
    size = np.linspace(0, 1, n)
    frame = pd.DataFrame({"size": size, "town": town})
    frame.loc[::10, "size"] = np.nan
    y = (town == "Ulm").astype(int)
    given = {"categorical_features": ["town"], "missing_values": "median", **FAST}
    model = MLPClassifier((8,), **given).fit(frame, y)
    assert model.score(frame, y) == 1.0
    assert list(model.feature_names_in_) == ["size", "town"]
    assert model.coefs_[0].shape[0] == 6  # size, its gaps, three towns, unknown
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(frame), model.predict(frame))
    by_type = clone(model).set_params(categorical_features="from_dtype").fit(frame, y)
    np.testing.assert_array_equal(by_type.predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(DataError, match=r"column 'town': it holds text; name it in categorical"):
        clone(model).set_params(categorical_features=["size"]).fit(frame, y)
    with pytest.raises(DataError, match=r"Input X contains NaN: column 'size'"):
        clone(model).set_params(missing_values="error").fit(frame, y)
    with pytest.raises(ArgumentError, match="X has no column 'city'"):
        clone(model).set_params(categorical_features=["city"]).fit(frame, y)


def test_codes_can_be_categories() -> None:
    X = np.column_stack([np.tile([0, 1, 2], 30), np.arange(90)])
    y = (X[:, 0] == 1).astype(int)
    for chosen in ([0], [True, False]):
        model = MLPClassifier((), categorical_features=chosen, **{**FAST, "max_iter": 200})
        assert model.fit(X, y).score(X, y) == 1.0
        assert model.coefs_[0].shape == (5, 1)


def test_own_validation_data_give_a_curve() -> None:
    X, y = IRIS
    model = MLPClassifier((8,), validation_data=(X[::2], y[::2]), **FAST).fit(X[1::2], y[1::2])
    assert model.n_iter_ == 40  # watched, and nothing is stopped
    assert len(model.validation_scores_) == len(model.history_.epochs) == 40
    assert model.history_.epochs[-1].validation_loss > 0
    assert model.best_validation_score_ is None
    with pytest.raises(ValueError, match="`y` has classes not in"):
        MLPClassifier(validation_data=(X, y + 5)).fit(X, y)


def test_partial_fit_judges_by_the_validation_data_of_now() -> None:
    X, y = IRIS
    model = MLPClassifier((4,), validation_data=(X, y), random_state=0)
    model.partial_fit(X, y, classes=[0, 1, 2])
    model.set_params(validation_data=(X[:50], y[:50])).partial_fit(X, y)
    assert model.validation_scores_[-1] == pytest.approx(model.score(X[:50], y[:50]))


def test_to_model_keeps_preprocessing_and_labels(tmp_path) -> None:
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    model = MLPClassifier((8,), **FAST).fit(X, names)
    model.to_model().save(tmp_path / "iris.fastnn")
    loaded = fastnn.load(tmp_path / "iris.fastnn")
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(loaded.predict_proba(X), model.predict_proba(X), rtol=1e-12)
    regressor = MLPRegressor(hidden_layer_sizes=(8,), standardize_target=True, **FAST)
    regressor.fit(X, 100.0 * y)
    np.testing.assert_allclose(regressor.to_model().predict(X), regressor.predict(X))


def test_to_model_goes_out_as_onnx(tmp_path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"], dtype=object)[y]
    model = MLPClassifier((8,), **FAST).fit(X, names)
    model.to_model().to_onnx(tmp_path / "iris.onnx")
    path, on = str(tmp_path / "iris.onnx"), ["CPUExecutionProvider"]
    ready = onnxruntime.InferenceSession(path, providers=on)
    labels, P = ready.run(["label", "probabilities"], {"X": X})
    assert labels.tolist() == model.predict(X).tolist()
    np.testing.assert_allclose(P, model.predict_proba(X), rtol=1e-9)


def test_a_callback_that_raises_leaves_the_model_usable() -> None:
    def fail(state) -> None:
        if state.epoch.epoch == 3:
            raise RuntimeError("disk full")

    model = MLPClassifier((4,), callbacks=[fail])
    with pytest.raises(RuntimeError, match="disk full"):
        model.fit(*IRIS)
    assert model.n_iter_ == 3
    assert model.predict(IRIS[0]).shape == (150,)


def test_a_callback_can_end_the_training() -> None:
    def enough(state) -> None:
        state.stop = state.epoch.epoch == 5

    assert MLPClassifier((4,), callbacks=[enough]).fit(*IRIS).n_iter_ == 5


def test_predictions_from_several_threads() -> None:
    X, y = load_digits(return_X_y=True)
    model = MLPClassifier((50,), max_iter=2, random_state=0).fit(X, y)
    blocks = [X[i::8][:100] for i in range(8)]
    expected = [model.predict_proba(b) for b in blocks]
    wrong = []

    def work(block, right) -> None:
        for _ in range(30):
            if not np.array_equal(model.predict_proba(block), right):
                wrong.append(1)

    pairs = zip(blocks, expected, strict=True)
    threads = [threading.Thread(target=work, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# In company.


def test_in_pipelines_searches_and_ensembles() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    net = MLPClassifier((8,), learning_rate_init=0.02, max_iter=20, random_state=0)
    pipeline = make_pipeline(StandardScaler(), net)
    scores = cross_validate(pipeline, X, y, cv=3, return_train_score=True)
    assert scores["test_score"].mean() > 0.95
    calibrated = CalibratedClassifierCV(pipeline, cv=2).fit(X, y)
    assert calibrated.score(X, y) > 0.95
    bagged = BaggingClassifier(pipeline, n_estimators=3, random_state=0).fit(X, y)
    assert bagged.score(X, y) > 0.95
    grid = {"mlpclassifier__initializer": ["he_normal", None], "mlpclassifier__batch_size": [32]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_score_ > 0.95
    assert clone(net).get_params() == net.get_params()


def test_in_searches_of_every_kind() -> None:
    from scipy.stats import loguniform
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV, RandomizedSearchCV

    X, y = load_breast_cancer(return_X_y=True)
    net = MLPClassifier((8,), max_iter=15, standardize=True, random_state=0)
    grid = {
        "initializer": ["he_normal", "glorot_uniform"],
        "activation": ["relu", "gelu"],
        "optimizer": ["adam", "rmsprop(beta=0.95)"],
        "batch_size": [8, 16],
        "learning_rate_init": [0.01],
    }
    halving = HalvingGridSearchCV(net, grid, factor=4, cv=2, random_state=0)
    drawn = {**grid, "learning_rate_init": loguniform(3e-3, 3e-2)}
    randomized = RandomizedSearchCV(net, drawn, n_iter=4, cv=2, n_jobs=2, random_state=0)
    for search in (halving, randomized):
        search.fit(X, y)
        assert set(search.best_params_) == set(grid)
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()  # none failed
        assert search.best_score_ > 0.9


def test_in_a_column_transformer_with_pandas_output() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"size": np.linspace(-1, 1, 60), "town": np.tile(["Ulm", "Bonn"], 30)})
    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(sparse_output=False), make_column_selector(dtype_exclude=float)),
            ("numbers", StandardScaler(), ["size"]),
        ]
    ).set_output(transform="pandas")
    y = (frame["town"] == "Ulm").map({True: "yes", False: "no"})
    model = make_pipeline(columns, MLPClassifier((8,), learning_rate_init=0.05, max_iter=60))
    assert model.fit(frame, y).score(frame, y) == 1.0


def test_sample_weights_are_routed() -> None:
    import sklearn

    X, y = IRIS
    with sklearn.config_context(enable_metadata_routing=True):
        net = MLPClassifier((4,), max_iter=3, random_state=0).set_fit_request(sample_weight=True)
        net.set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipeline = make_pipeline(scaler, net)
        w = np.where(y == 0, 5.0, 1.0)
        weighted = pipeline.fit(X, y, sample_weight=w).predict_proba(X)
        plain = clone(pipeline).fit(X, y).predict_proba(X)
    assert not np.allclose(weighted, plain)


def test_workers_share_the_cores() -> None:
    from joblib import Parallel, delayed, parallel_config

    # Each worker is told by joblib how many threads it may take, and BLAS is the measure of ours.
    with parallel_config("loky", inner_max_num_threads=1):
        found = Parallel(n_jobs=2)(delayed(_threads_of_a_large_step)() for _ in range(2))
    assert found == [1, 1]


def _threads_of_a_large_step() -> int:
    from fastnn.backend.cpu_backend import CpuBackend
    from fastnn.backend.engine import threads_for
    from fastnn.backend.program import Recorder

    xp, cpu = Recorder(), CpuBackend()
    a, b, c = (xp.name(cpu.zeros((512, 512), np.float32), name) for name in "abc")
    xp.dot(a, b, out=c)
    return threads_for(xp.program())


# What cannot work.


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"initializer": "he_nrmal"}, "unknown initializer 'he_nrmal'; did you mean 'he_normal'"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), found 1.0"),
        ({"class_weight": {7: 1.0}}, r"class_weight: unknown label 7 \(known: 0, 1, 2\)"),
        ({"solver": "newton"}, "solver must be one of adam, sgd, lbfgs, found 'newton'"),
        ({"alpha": -1}, "alpha must be a number of 0 or more, found -1"),
        ({"alpha": np.ones(2)}, r"alpha must be a number of 0 or more, found array\(\[1., 1.\]\)"),
        ({"momentum": 1.0, "solver": "sgd"}, r"momentum must be in \[0, 1\), found 1.0"),
        ({"batch_size": 0}, "batch_size must be a whole number above 0"),
        ({"batch_size": "full"}, "batch_size must be a whole number above 0 or 'auto'"),
        ({"max_iter": 0}, "max_iter must be a whole number above 0"),
        ({"hidden_layer_sizes": (5, 0)}, "hidden_layer_sizes must be a whole number above 0"),
        ({"early_stopping": "yes"}, "early_stopping must be True or False, found 'yes'"),
        ({"n_iter_no_change": 0}, "n_iter_no_change must be a whole number above 0"),
        ({"verbose": "loud"}, "verbose must be True, False or a whole number, found 'loud'"),
        ({"dtype": "int8"}, "dtype must be 'float32' or 'float64'"),
        ({"monitor": "acuracy", "early_stopping": True}, "unknown metric 'acuracy'; did you mean"),
        ({"missing_values": "mean"}, "missing_values must be one of error, median"),
        ({"categorical_features": "all"}, "categorical_features must be 'from_dtype' or a list"),
        ({"validation_data": 3}, "validation_data must be"),
        ({"validation_data": (np.ones((9, 2)), np.ones(9))}, "validation_data: X has 2 features"),
        ({"categorical_features": 3}, "categorical_features must be 'from_dtype' or a list .* 3"),
        ({"batch_size": 2.5}, "batch_size must be a whole number above 0 or 'auto', found 2.5"),
        ({"callbacks": print}, "callbacks must be a list, found <built-in"),
        ({"early_stopping": True, "validation_fraction": 0.001}, "validation set is too small"),
        ({"activation": ["relu"], "hidden_layer_sizes": (3, 3)}, "activation has 1 entries"),
    ],
    ids=lambda v: str(v)[:50],
)
def test_what_cannot_work_is_named(given, message) -> None:
    with pytest.raises(fastnn.FastnnError, match=message):
        MLPClassifier(**{"max_iter": 2, **given}).fit(*IRIS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_row_after_row_each_is_checked(make, dtype) -> None:
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X).astype(dtype)
    model = make(hidden_layer_sizes=(4,), max_iter=2).fit(X, y)
    of = model.predict_proba if make is MLPClassifier else model.predict
    expected, good = of(X), X[:1]
    for wrong, message in (
        (np.where(np.arange(30) == 3, np.nan, good).astype(dtype), "Input X contains NaN"),
        (np.where(np.arange(30) == 3, -np.inf, good).astype(dtype), "Input X contains infinity"),
        (good[:, :29], "X has 29 features, but"),
        (good[0], "Expected 2D array, got 1D array"),
        (good[:0], "Found array with 0 sample"),
        (good.astype(complex), "Complex data not supported"),
    ):
        np.testing.assert_allclose(of(good), expected[:1], rtol=1e-5)
        with pytest.raises(ValueError, match=message):
            of(wrong)
    large = np.full((1, 30), 1e30, dtype)  # the sum of squares of float32 is not finite, they are
    assert np.isfinite(of(large)).all()
    for i in (1, 2):
        for row in (X[i : i + 1], X[i : i + 1].tolist(), np.asfortranarray(X)[i : i + 1]):
            np.testing.assert_allclose(of(row), expected[i : i + 1], rtol=1e-5)


def test_probabilities_of_two_classes_add_up() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    for dtype in (np.float32, np.float64):
        model = MLPClassifier((4,), max_iter=2, standardize=True).fit(X.astype(dtype), y)
        P = model.predict_proba(X.astype(dtype))
        assert P.dtype == dtype
        np.testing.assert_array_equal(P[:, 0], 1 - P[:, 1])
        assert (P >= 0).all()


def test_words_of_scikit_learn() -> None:
    X, y = IRIS
    model = MLPClassifier((3,), max_iter=2).fit(X, y)
    with pytest.raises(ValueError, match="X has 3 features, but MLPClassifier is expecting 4"):
        model.predict(X[:, :3])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        model.predict(np.full((1, 4), np.nan))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.predict(np.full((1, 4), np.inf))
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        MLPClassifier().partial_fit(X, y)
    with pytest.raises(ValueError, match=r"`y` has classes not in `self\.classes_`"):
        MLPClassifier(max_iter=1).partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        MLPClassifier(early_stopping=True).partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same"):
        MLPClassifier(max_iter=1, warm_start=True).fit(X, y).fit(X, y % 2)
    with pytest.raises(ValueError, match="class_weight='balanced' is not for partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        MLPClassifier(solver="lbfgs").partial_fit(X, y)


def test_going_on_with_another_network_is_refused() -> None:
    model = MLPClassifier((3,), max_iter=1, warm_start=True).fit(*IRIS)
    with pytest.raises(ArgumentError, match=r"the network was \[4, 3, 3\] and would now be \[4, 9"):
        model.set_params(hidden_layer_sizes=(9,)).fit(*IRIS)
    ending = MLPClassifier((3,), max_iter=2, warm_start=True, schedule="cosine").fit(*IRIS)
    with pytest.raises(ArgumentError, match="schedule 'cosine' has an end, and there is none with"):
        ending.fit(*IRIS)


def test_a_loss_that_is_no_number_is_an_error() -> None:
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor(solver="sgd", learning_rate_init=1e6)
    with pytest.raises(DivergenceError, match="a learning_rate_init below"):
        model.fit(1e3 * X, 1e6 * y)
    with pytest.raises(DivergenceError, match="solver 'lbfgs': the cost is"):
        MLPRegressor(solver="lbfgs").fit(1e200 * X, y)


def test_to_model_of_one_class_is_refused() -> None:
    model = MLPClassifier((), max_iter=1).fit(np.eye(3), [4, 4, 4])
    assert model.predict(np.eye(3)).tolist() == [4, 4, 4]
    assert model.predict_proba(np.eye(3)).tolist() == [[1.0]] * 3
    with pytest.raises(ArgumentError, match="to_model: there is one class only"):
        model.to_model()
