"""train(): every kind of input and task, what each choice does, and what is refused."""

import inspect
import math

import numpy as np
import pytest

import fastnn
from fastnn.api.train import train
from fastnn.data.split import split
from fastnn.data.statistics import DataWarning
from fastnn.errors import ArgumentError, DataError, DeviceError, DivergenceError
from fastnn.model.files import load
from fastnn.nn.groups import ParameterGroup
from fastnn.training.loop import TrainingInterrupted
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")

RNG = np.random.default_rng(2)
N = 80
X = RNG.normal(size=(N, 3))
Y = (X[:, 0] - X[:, 1] > 0).astype(int)
R = 3 * X[:, 0] - X[:, 1] + 10
FRAME = {"a": X[:, 0], "town": np.array(["Ulm", "Bonn"] * (N // 2), object), "y": Y}
SMALL = {"hidden_layer_sizes": [4], "epochs": 3}
#: Full-batch training of a network without hidden layers, to the optimum: compared with algebra.
EXACT = {
    "hidden_layer_sizes": [],
    "standardize": False,
    "dtype": "float64",
    "batch_size": "full",
    "optimizer": "adam",
    "learning_rate": 0.05,
    "epochs": 1500,
    "patience": None,
}


def theta(training) -> bytes:
    return training.model.parameters.theta.tobytes()


# Inputs and tasks


def test_what_does_not_fit_into_the_memory_is_refused_before_it_is_allocated():
    with pytest.raises(
        DeviceError, match=r"training needs \d\d\.\d TB on cpu.* \(param.* are free: "
    ):
        train(X, Y, hidden_layer_sizes=[10**6, 10**6])
    with pytest.raises(
        DeviceError, match=r"GB on cpu, even with one example .* use smaller hidden"
    ):
        train(X, Y, hidden_layer_sizes=[10**9], optimizer="sgd", patience=None)


def test_every_form_of_the_same_data_gives_the_same_model(tmp_path):
    frame = pd.DataFrame(FRAME)
    frame.to_csv(tmp_path / "d.csv", index=False)
    frame.to_parquet(tmp_path / "d.parquet")
    np.savez(
        tmp_path / "d.npz", **{k: v.astype(str) if k == "town" else v for k, v in FRAME.items()}
    )
    forms = [
        FRAME, frame, pl.DataFrame(FRAME), tmp_path / "d.csv", str(tmp_path / "d.parquet"),
        tmp_path / "d.npz",
    ]  # fmt: skip
    trained = [train(form, "y", **SMALL) for form in forms]
    trained.append(train(frame.drop(columns="y"), frame["y"], **SMALL))
    assert len({theta(t) for t in trained}) == 1
    assert {t.model.task for t in trained} == {"binary"}
    assert [t.model.target_name for t in trained] == ["y"] * 6 + ["target"]


def test_a_column_of_an_array_can_be_a_category():
    codes = np.column_stack([X[:, 0], np.arange(N) % 3])
    assert train(codes, Y, categorical=["x1"], **SMALL).model.features.n_features == 5
    assert (
        train("diabetes", categorical=["sex"], drop=["age"], **SMALL).model.features.n_features
        == 11
    )


def test_several_columns_of_a_file_are_the_target(tmp_path):
    table = {"a": X[:, 0], "b": X[:, 1], "price": R, "rent": -2 * R}
    pd.DataFrame(table).to_csv(tmp_path / "d.csv", index=False, sep=";")
    training = train(tmp_path / "d.csv", ["price", "rent"], delimiter=";", **SMALL)
    model = training.model
    assert (model.task, model.target_name) == ("regression", ("price", "rent"))
    matrix = train(X[:, :2], np.column_stack([R, -2 * R]), **SMALL)
    np.testing.assert_array_equal(theta(training), theta(matrix))
    model.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.target_name == ("price", "rent")
    found = again.evaluate(tmp_path / "d.csv", delimiter=";")
    assert found == model.evaluate(table) == model.evaluate(table, ["price", "rent"])
    assert found != model.evaluate(table, ["rent", "price"])
    (tmp_path / "x.csv").write_text("b;a\n0.5;1.5\n")
    for work in (again.predict, again.outputs):
        np.testing.assert_array_equal(
            work(tmp_path / "x.csv", delimiter=";"), work({"a": [1.5], "b": [0.5]})
        )
    with pytest.raises(ArgumentError, match="delimiter has no effect"):
        again.predict({"a": [1.5], "b": [0.5]}, delimiter=";")


@pytest.mark.parametrize("name", ["train", "train_many", "search"])
def test_numbers_in_another_notation(tmp_path, name):
    cells = {"a": [f"1.{i % 7}00,5" for i in range(60)], "y": [f"{i % 9},25" for i in range(60)]}
    pd.DataFrame(cells).to_csv(tmp_path / "d.csv", index=False, sep=";")
    how = {"delimiter": ";", "decimal": ",", "thousands": ".", "missing": ["-"]}
    path, options = tmp_path / "d.csv", {**SMALL, "epochs": 1}
    work = {
        "train": lambda how: train(path, "y", **how, **options),
        "train_many": lambda how: fastnn.train_many([{}], path, "y", **how, **options)[0],
        "search": lambda how: (
            fastnn.search(path, "y", grid={"l2": [0.0]}, **how, **options).training
        ),
    }[name]
    model = work(how).model
    assert (model.task, model.features.numeric) == ("regression", ("a",))
    assert 1000 < model.features.mean[0] < 1700
    assert model.features.reading == {"decimal": ",", "thousands": ".", "missing": ["-"]}
    with pytest.raises(
        DataError, match=r"'1\.000,5' is not a number.*say decimal=',' and thousands"
    ):
        work({"delimiter": ";"})
    with pytest.raises(ArgumentError, match="decimal must be one sign"):
        work({**how, "decimal": "comma"})
    with pytest.raises(ArgumentError, match="missing has no effect: data set 'digits' is no text"):
        train("digits", missing=["-"], **SMALL)


@pytest.mark.parametrize(
    ("target", "options", "task", "outputs", "metrics"),
    [
        (Y, {}, "binary", 1, {"accuracy", "roc_auc"}),
        (Y.astype(bool), {"loss": "softmax_crossentropy"}, "binary", 2, {"accuracy", "roc_auc"}),
        (Y, {"loss": "squared_error"}, "binary", 1, {"accuracy", "roc_auc"}),
        (np.array(["a", "b", "c", "c"] * 20), {}, "multiclass", 3, {"accuracy"}),
        (np.column_stack([Y, 1 - Y]), {}, "multilabel", 2, {"accuracy", "f1"}),
        (R, {}, "regression", 1, {"r2", "rmse", "mae"}),
        (np.column_stack([R, -R]), {"loss": "huber"}, "regression", 2, {"r2", "rmse", "mae"}),
        (Y, {"task": "regression"}, "regression", 1, {"r2", "rmse", "mae"}),
        (
            R,
            {"loss": "quantile(quantile=0.9)"},
            "regression",
            1,
            {"pinball(quantile=0.9)", "coverage"},
        ),
        (R, {"loss": "mae", "metrics": ["mae"]}, "regression", 1, {"mae"}),
        (np.round(abs(R)), {"loss": "poisson", "task": "regression"}, "regression", 1, None),
    ],
)
def test_every_task(target, options, task, outputs, metrics):
    training = train(X, target, **SMALL, **options)
    assert training.model.task == task
    assert training.model.network.sizes[-1] == outputs
    assert set(training.report) == {"train", "validation", "test"}
    for row in training.report.values():
        assert all(map(math.isfinite, row.values()))
        if metrics is not None:
            assert set(row) == {*metrics, "loss"}
    assert len(training.history.epochs) == 3


def test_the_report_is_what_the_model_says_of_each_part():
    training = train(X, R, **SMALL, seed=4)
    parts = split(R, "regression", None, 4)
    for name in ("train", "validation", "test"):
        rows = getattr(parts, name)
        assert training.report[name] == pytest.approx(
            training.model.evaluate(X[rows], R[rows]), rel=1e-9
        )
    assert training.model.report is training.report
    assert training.model.history is training.history


def test_the_seed_decides_everything():
    first, again, other = (train(X, Y, dropout=0.2, **SMALL, seed=s) for s in (1, 1, 2))
    assert theta(first) == theta(again) != theta(other)


# No leak


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_nothing_in_the_model_comes_from_the_test_part(task):
    target = Y if task == "binary" else R
    parts = split(target, task, None, 0)
    data = {"a": X[:, 0].copy(), "b": X[:, 1].copy(), "town": FRAME["town"].copy()}
    first = train(data, target, **SMALL)
    data["a"][parts.test] *= 1000
    data["b"][parts.test[0]] = np.nan
    data["town"][parts.test] = "Rome"
    changed = np.array(target, float)
    if task == "regression":
        changed[parts.test] -= 500
    with pytest.warns(DataWarning):
        second = train(data, changed, task=task, **SMALL)
    assert theta(first) == theta(second)
    for name in ("mean", "scale", "fill"):
        np.testing.assert_array_equal(
            getattr(first.model.features, name), getattr(second.model.features, name)
        )
    assert first.model.features.names == second.model.features.names
    assert first.report["validation"] == second.report["validation"]
    assert first.report["test"] != second.report["test"]


def test_nor_does_the_validation_part_but_for_the_choice_of_the_epoch():
    parts = split(R, "regression", None, 0)
    changed, target = X.copy(), R.copy()
    changed[parts.validation] *= 100
    target[parts.validation] += 7
    first, second = (train(*d, patience=None, **SMALL) for d in ((X, R), (changed, target)))
    assert theta(first) == theta(second)
    np.testing.assert_array_equal(first.model.features.mean, X[parts.train].mean(axis=0))
    assert first.model.targets.mean[0] == pytest.approx(R[parts.train].mean())


def test_parts_of_ones_own_are_kept_apart():
    own = {"validation": (X[:20], Y[:20]), "test": (X[20:40], Y[20:40])}
    training = train(X[40:], Y[40:], **own, **SMALL)
    np.testing.assert_array_equal(training.model.features.mean, X[40:].mean(axis=0))
    assert training.report["test"] == pytest.approx(training.model.evaluate(X[20:40], Y[20:40]))
    frame = pd.DataFrame(FRAME)
    named = train(frame[40:], "y", validation=frame[:20], test=frame[20:40], **SMALL)
    assert named.report["test"] == pytest.approx(named.model.evaluate(frame[20:40]))


# What the choices do, against algebra


def fit(x, y, weights=None, **options):
    """Train on exactly these rows; validation and test repeat them."""
    part = (x, y)
    return train(
        x, y, validation=part, test=part, sample_weight=weights, **{**EXACT, **options}
    ).model


def test_a_weight_of_two_is_a_row_that_is_there_twice():
    x, y = X[:20], R[:20]
    weights = np.where(np.arange(20) < 5, 2.0, 1.0)
    options = {"standardize_target": False, "epochs": 50}
    weighted = fit(x, y, weights, **options)
    doubled = fit(np.vstack([x, x[:5]]), np.append(y, y[:5]), **options)
    np.testing.assert_allclose(
        weighted.parameters.theta, doubled.parameters.theta, rtol=0, atol=1e-12
    )
    scaled = fit(x, y, 1000 * weights, **options)
    np.testing.assert_allclose(weighted.parameters.theta, scaled.parameters.theta, atol=1e-12)


def test_least_squares():
    noisy, design = R + RNG.normal(size=N), np.column_stack([X, np.ones(N)])
    model = fit(X, noisy)
    best = design @ np.linalg.lstsq(design, noisy)[0]
    np.testing.assert_allclose(model.predict(X), best, atol=1e-3)


def test_class_weights_are_sample_weights_of_the_classes():
    rare = np.where(np.arange(N) % 8 == 0, "rare", "usual")
    options = {"epochs": 30, "hidden_layer_sizes": [3]}
    balanced = fit(X, rare, class_weight="balanced", **options)
    by_hand = fit(X, rare, class_weight={"rare": 4.0, "usual": 4 / 7}, **options)
    by_row = fit(X, rare, np.where(rare == "rare", 7.0, 1.0), **options)
    np.testing.assert_allclose(balanced.parameters.theta, by_hand.parameters.theta, atol=1e-12)
    np.testing.assert_allclose(balanced.parameters.theta, by_row.parameters.theta, atol=1e-12)


def test_balanced_classes_move_the_odds():
    """Without information, logistic regression predicts the (weighted) share of the class."""
    rare = np.arange(N) % 8 == 0
    nothing = np.zeros((N, 1))
    plain = fit(nothing, rare).predict_proba(nothing)[0, 1]
    balanced = fit(nothing, rare, class_weight="balanced").predict_proba(nothing)[0, 1]
    # Adam's steps do not get shorter than what rounding leaves of the gradient.
    assert plain == pytest.approx(1 / 8, abs=3e-3)
    assert balanced == pytest.approx(1 / 2, abs=3e-3)


def test_label_smoothing_bounds_the_certainty():
    sure = (X[:, :1] > 0).astype(float) * 2 - 1
    for loss in ("binary_crossentropy", "categorical_crossentropy"):
        p = fit(sure, sure[:, 0] > 0, loss=loss, label_smoothing=0.1).predict_proba(sure)
        np.testing.assert_allclose(p.max(axis=1), 0.95, atol=2e-3)


def test_poisson_regression_keeps_the_mean_of_the_counts():
    """With an intercept, the predictions of the best fit sum to the counts."""
    counts = RNG.poisson(np.exp(0.5 * X[:, 0] + 1)).astype(float)
    model = fit(X, counts, loss="poisson", task="regression")
    predicted = model.predict(X)
    assert (predicted > 0).all()
    assert predicted.mean() == pytest.approx(counts.mean(), rel=1e-3)
    assert np.average(predicted, weights=X[:, 0] + 9) == pytest.approx(
        np.average(counts, weights=X[:, 0] + 9), rel=1e-3
    )


def test_quantiles():
    nothing = np.zeros((N, 1))
    for share in (0.2, 0.8):
        value = fit(nothing, R, loss=f"quantile(quantile={share})").predict(nothing)[0]
        assert np.mean(value > R) == pytest.approx(share, abs=0.03)


def test_own_expressions_are_as_good_as_the_built_in_ones():
    options = {"epochs": 40, "hidden_layer_sizes": [4, 3], "initializer": "glorot_uniform"}
    built_in = fit(X, R, activation="tanh", **options)
    own = fit(
        X, R, activation=lambda z: np.tanh(z), loss=lambda a, y: 0.5 * (a - y) ** 2, **options
    )
    np.testing.assert_allclose(own.parameters.theta, built_in.parameters.theta, atol=1e-9)
    assert own.network.loss.name == "custom"


def test_standardisation_of_inputs_and_target_can_be_chosen():
    plain = train(X, R, standardize=False, standardize_target=False, **SMALL).model
    assert (plain.features.mean == 0).all()
    assert (plain.targets.mean, plain.targets.scale) == ([0.0], [1.0])
    usual = train(X, R, **SMALL).model
    assert (usual.features.mean != 0).all()
    assert usual.targets.mean[0] == pytest.approx(10, abs=2)
    bounded = train(X, abs(R), output_activation="softplus", **SMALL).model
    assert bounded.targets.mean[0] == 0
    assert (bounded.predict(X) >= 0).all()


def test_any_metric_can_be_watched_and_the_best_epoch_counts():
    training = train(
        X, Y, hidden_layer_sizes=[8], epochs=30, patience=4, monitor="f1",
        metrics=["f1", "log_loss"], learning_rate=0.1, seed=1,
    )  # fmt: skip
    values = [e.metrics["f1"] for e in training.history.epochs]
    assert training.history.monitor == "f1"
    assert training.history.best_epoch == 1 + int(np.argmax(values))
    assert training.report["validation"]["f1"] == max(values)


def test_a_training_does_what_its_model_does(tmp_path):
    training = train(X, Y, **SMALL)
    model = training.model
    for name in ("predict", "predict_proba", "evaluate", "save"):
        ours, theirs = getattr(type(training), name), getattr(type(model), name)
        assert inspect.signature(ours) == inspect.signature(theirs)
        assert ours.__doc__ == theirs.__doc__
    np.testing.assert_array_equal(training.predict(X), model.predict(X))
    np.testing.assert_array_equal(training.predict_proba(X), model.predict_proba(X))
    weights = np.arange(len(X)) + 1.0
    given = {"metrics": ["log_loss"], "sample_weight": weights}
    assert training.evaluate(X, Y, **given) == model.evaluate(X, Y, **given)
    training.save(tmp_path / "one.fastnn")
    model.save(tmp_path / "other.fastnn")
    assert (tmp_path / "one.fastnn").read_bytes() == (tmp_path / "other.fastnn").read_bytes()
    with pytest.raises(ArgumentError, match="no argument 'delimitr'"):
        training.predict(X, delimitr=";")


def test_progress_goes_to_standard_error(capsys):
    train(X, Y, verbose=True, **SMALL)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert [line[:10] for line in seen.err.splitlines()] == ["epoch 1/3 ", "epoch 3/3 "]
    assert "  validation loss " in seen.err
    assert "  validation accuracy " in seen.err


def test_ctrl_c_leaves_a_model_to_use(tmp_path):
    def ctrl_c(state):
        if state.epoch.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        train(X, Y, callbacks=[ctrl_c], **SMALL)
    assert isinstance(caught.value, TrainingInterrupted)
    result = caught.value.result
    assert result.history.stopped == "interrupted"
    assert len(result.history.epochs) == 2
    assert result.report["test"]["accuracy"] >= 0
    result.model.save(tmp_path / "model")
    assert result.model.predict(X).shape == (N,)


def test_divergence_is_an_error_with_a_cure():
    with pytest.raises(DivergenceError, match=r"epoch \d+, step \d+ of \d+: .*layer \d.*Try "):
        train(X, R, optimizer="sgd", learning_rate=1e6, **SMALL)


def test_a_divergence_brings_the_training_until_then():
    def explode(state):
        if len(state.history.epochs) == 2:
            state.rate_factor = 1e30

    with pytest.raises(DivergenceError) as caught:
        train(X, R, hidden_layer_sizes=[], epochs=9, optimizer="sgd", callbacks=[explode])
    for error in (caught.value, caught.value.within(after="; nothing is saved")):
        training = error.result
        assert (training.history.stopped, len(training.history.epochs)) == ("diverged", 2)
        assert str(training.error) == str(caught.value)
        assert training.error.__traceback__ is None
        assert math.isfinite(training.report["test"]["loss"])
        assert training.record.rows == {"train": 48, "validation": 16, "test": 16}


# What is refused

NO_EFFECT = [
    (
        {"patience": None, "monitor": "accuracy"},
        "monitor='accuracy' has no effect without patience",
    ),
    ({"patience": None, "min_delta": 0.1}, "min_delta=0.1 has no effect without patience"),
    ({"optimizer": "adam(momentum=0.9)"}, "optimizer 'adam' has no option 'momentum'"),
    ({"optimizer": "sgd(beta=0.9)"}, "'gradient_descent' has no option 'beta'; it belongs to mom"),
    ({"schedule": "step(decay=0.9)"}, "schedule 'step' has no option 'decay'; it belongs to expo"),
    ({"schedule": "one_cycle(warm_up=3)"}, "warm_up has no effect"),
    ({"schedule": "step(every=3)", "epochs": 3}, "every=3 epochs has no effect"),
    ({"standardize_target": True}, "standardize_target has no effect with a binary target"),
    ({"standardize_target": False}, "standardize_target has no effect with a binary target"),
    ({"loss": "mse", "label_smoothing": 0.1}, "'squared_error' has no option 'label_smoothing'"),
    ({"gradient_clip": 0}, "gradient_clip must be a number above 0, found 0"),
    ({"hidden_layer_sizes": [], "dropout": 0.5}, "dropout=0.5 has no effect: there is no hidden"),
    ({"hidden_layer_sizes": [], "activation": "tanh"}, "activation='tanh' has no effect"),
    ({"groups": [ParameterGroup("biases")]}, "has no effect: give it a learning_rate_factor"),
    (
        {"groups": [ParameterGroup("weights", None, 1.0, 0.1)]},
        "groups: weight_decay has no effect with optimizer='adam': use optimizer='adamw', or l2",
    ),
    ({"validation": (X, Y), "fractions": (0.6, 0.2, 0.2)}, "fractions have no effect: the valid"),
    ({"momentum": 0.9}, "train has no argument 'momentum'"),
    ({"lerning_rate": 0.1}, "train has no argument 'lerning_rate'; did you mean 'learning_rate'"),
    ({"patience_": 3}, "train has no argument 'patience_'; did you mean 'patience'"),
]


@pytest.mark.parametrize(("options", "said"), NO_EFFECT)
def test_a_parameter_without_effect_is_an_error(options, said):
    with pytest.raises(ArgumentError, match=said):
        train(X, Y, **{**SMALL, **options})


def test_more_parameters_without_effect():
    with pytest.raises(ArgumentError, match="class_weight has no effect in regression"):
        train(X, R, class_weight="balanced", **SMALL)
    with pytest.raises(ArgumentError, match="target has no effect: data set 'digits' has its own"):
        train("digits", "digit", **SMALL)
    with pytest.raises(
        ArgumentError, match="label_smoothing has no effect with a loss of your own"
    ):
        train(X, R, loss=lambda a, y: (a - y) ** 2, label_smoothing=0.1, **SMALL)


BAD_ARGUMENTS = [
    ({"batch_size": -3}, "batch_size must be a whole number above 0 or .* found -3"),
    ({"epochs": 0}, "epochs must be a whole number above 0, found 0"),
    ({"activation": "rellu"}, "unknown activation 'rellu'; did you mean 'relu'"),
    ({"activation": ["relu", "tanh"]}, "activation has 2 entries but the network has 1 hidden"),
    ({"activation": lambda z: z if z > 0 else 0}, "cannot branch on its argument"),
    ({"activation": 3}, "activation must be a name"),
    ({"output_activation": "identity"}, "needs the output activation 'sigmoid', found 'identity'"),
    (
        {"loss": "mse", "output_activation": "relu"},
        "'relu' gives no probabilities, which a binary target needs",
    ),
    ({"loss": "huber"}, "loss 'huber' does not fit a binary target; choose from binary_crossent"),
    ({"loss": "hubber"}, "unknown loss 'hubber'; did you mean 'huber'"),
    ({"initializer": "he"}, "unknown initializer 'he'"),
    ({"initializer": ["zero"]}, "initializer has 1 entries but there are 2 layers"),
    ({"hidden_layer_sizes": [4, 0]}, "each of hidden_layer_sizes must be a whole number above 0"),
    ({"dropout": 1.0}, r"dropout must be in \[0, 1\), found 1.0"),
    ({"dropout": -0.1}, r"dropout must be in \[0, 1\), found -0.1"),
    ({"task": "binry"}, "task must be one of auto, .* found 'binry'; did you mean 'binary'"),
    ({"metrics": ["rmse"]}, "metric 'rmse' does not apply to a binary target"),
    ({"metrics": ["acuracy"]}, "unknown metric 'acuracy'; did you mean 'accuracy'"),
    ({"monitor": "acuracy"}, "monitor must be 'loss' or one of .* did you mean 'accuracy'"),
    ({"callbacks": [3]}, "each of callbacks is a function of the training state, .* found 3"),
    ({"callbacks": print}, "callbacks must be a list, found"),
    ({"categorical": "x0"}, "categorical must be a list, found 'x0'"),
    ({"drop": "x0"}, "drop must be a list, found 'x0'"),
    ({"standardize": "no"}, "standardize must be True or False, found 'no'"),
    ({"verbose": 1}, "verbose must be True or False, found 1"),
    ({"class_weight": {7: 1.0}}, "class_weight: unknown label 7 .known: 0, 1"),
    ({"sample_weight": [1.0]}, "sample_weight has shape .1,., needs one weight for 80 rows"),
    ({"fractions": (0.5, 0.5)}, "fractions must be three numbers"),
    ({"dtype": "float16"}, "dtype must be one of float32, float64, found 'float16'"),
    ({"device": "gpu"}, "unknown device 'gpu'; did you mean 'cuda'"),
    ({"seed": -1}, "seed must be a whole number from 0"),
    ({"learning_rate": 0}, "learning_rate must be a number above 0"),
    ({"l2": -1}, "l2 must be a number of 0 or more"),
]


@pytest.mark.parametrize(("options", "said"), BAD_ARGUMENTS)
def test_arguments_that_cannot_work_are_named(options, said):
    with pytest.raises(ArgumentError, match=said) as caught:
        train(X, Y, **{**SMALL, **options})
    assert "\n" not in str(caught.value)


BAD_DATA = [
    (X[:0], Y[:0], {}, "the data are empty: no rows"),
    (X, np.zeros(N), {}, "the target has one class only: all 80 rows are 0.0"),
    (X, Y[:5], {}, "target has 5 values for 80 rows of data"),
    (np.where(X > 2, np.inf, X), Y, {}, r"column 'x\d', row \d+ .*: inf is not a finite number"),
    (np.full((N, 1), np.nan), Y, {}, "no column is left to learn from: 'x0' is without a value"),
    (X, np.where(Y == 1, np.nan, 0), {"missing_target": "error"}, r"target, row \d+ .*: no value"),
    (X, np.full(N, np.nan), {}, "^target 'target': no row has a value$"),
    (X, np.where(R > 12, np.inf, R), {}, r"target, row \d+ .*: inf; fill it in"),
    (X, R, {"task": "binary"}, "is no class label .not a whole number.; use task='regression'"),
    (X, Y + 0.5, {"task": "multilabel"}, "label .* is out of range; multilabel targets are 0 or 1"),
    (X, [0, 1, 2, 3] * 20, {"task": "binary"}, "a binary target needs two classes, found 4"),
    (X, ["a", "b"] * 40, {"task": "regression"}, "needs numbers, found the text '.'"),
    (X, R - 20, {"loss": "poisson"}, "train part: target: loss 'poisson' needs values of at leas"),
    (X, R * 1e200, {}, "column 'target': the numbers are too large to standardise"),
    (X, R * 1e60, {"standardize_target": False}, "too large to compute with in float32"),
    (X * 1e200, Y, {}, "column 'x0': the numbers are too large to standardise"),
    ({"a": [1, 2], 3: [1, 2]}, [0, 1], {}, "column names must be text, found 3"),
    ({"a": [1, "x", 3]}, [0, 1, 0], {}, "column 'a', row 1 .*: 'x' among cells of another type"),
    ({"a": [1.0, 2.0], "y": [0, 1]}, "z", {}, "target: no column 'z'"),
    ({"y": [0, 1]}, "y", {}, "no feature columns are left beside the target y"),
    ([[1, 2], [3]], [0, 1], {}, "rows of unequal lengths cannot be a table"),
    (X[:3], [0, 1, 1], {}, "2 rows are too few: the test part is empty"),
    (X, Y, {"validation": (X, Y + 5)}, "validation part: target, row .*: unknown label"),
    (X, Y, {"test": (X[:, :2], Y)}, "test part: expected 3 features, found 2"),
    ("no.csv", "y", {}, "file 'no.csv' does not exist; check the path"),
    ("digit", None, {}, "'digit' is neither a file nor a built-in data set; did you mean 'digits'"),
]


@pytest.mark.filterwarnings("ignore::fastnn.data.statistics.DataWarning")
@pytest.mark.parametrize(("data", "target", "options", "said"), BAD_DATA)
def test_data_that_cannot_be_used_say_what_and_where(data, target, options, said):
    with pytest.raises(DataError, match=said) as caught:
        train(data, target, **{**SMALL, **options})
    assert "\n" not in str(caught.value)


def test_bad_cells_of_files_are_found_by_line(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("a,y\n" + "1,0\n2,1\n" * 10 + "high,1\n")
    with pytest.raises(
        DataError, match=r"column 'a', line 22 of '.*d.csv': 'high' is not a number"
    ):
        train(path, "y", **SMALL)
    path.write_text("a,a,y\n1,2,0\n")
    with pytest.raises(DataError, match="two columns are called 'a'"):
        train(path, "y", **SMALL)
    frame = pd.DataFrame([[1, 2, 0]], columns=["a", "a", "y"])
    with pytest.raises(DataError, match="two columns are called 'a'"):
        train(frame, "y", **SMALL)


def test_a_part_where_no_example_counts():
    weights = np.zeros(N)
    weights[split(Y, "binary", None, 0).validation] = 1
    with pytest.raises(DataError, match="train part: every example has the weight 0"):
        train(X, Y, sample_weight=weights, **SMALL)


def test_a_device_that_is_not_there():
    with pytest.raises(DeviceError, match="device 'cuda:99' cannot be used"):
        train(X, Y, device="cuda:99", **SMALL)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (
            "beta",
            r"it is an option of momentum, .*write for example optimizer='momentum\(beta=0\.9\)'",
        ),
        ("momentum", "no argument 'momentum'; write optimizer='momentum'"),
        ("warm", "no argument 'warm'$"),
        ("power", r"write for example schedule='inverse_scaling\(power=0\.5\)'"),
    ],
)
def test_options_of_a_choice_are_shown_their_place(option, said):
    with pytest.raises(ArgumentError, match=said):
        train(X, Y, **{option: 0.5})
