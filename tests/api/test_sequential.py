"""The Keras-like door: the notes' lines, the same numbers as the core, and what it refuses."""

import copy
import pickle

import numpy as np
import pytest

import fastnn
from fastnn import Activation, Dense, Dropout, Input, Normalization, Sequential
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.data.statistics import DataNote, DataWarning
from fastnn.datasets.builtin import load
from fastnn.errors import ArgumentError, DataError, DivergenceError
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.recipe.recipe import Recipe
from fastnn.training.learner import Learner
from fastnn.training.loop import TrainingInterrupted
from fastnn.training.part import Part

RNG = np.random.default_rng(7)
X = RNG.normal(size=(75, 4))
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
CLASSES = np.digitize(X[:, 0] + 0.3 * X[:, 2], [-0.5, 0.5])
VALUES = X @ [[1.0], [-2.0], [0.5], [0.0]] + 3


def breast_cancer():
    data = load("breast_cancer")
    return data.table.numeric, data.target


def binary(seed=0, dtype="float64", dropout=0.0, **compiled) -> Sequential:
    layers = [Dense(6, activation="tanh", input_dim=4), Dropout(dropout), Dense(1, "sigmoid")]
    model = Sequential(layers, seed=seed, dtype=dtype, engine="numpy")
    model.compile(**{"loss": "binary_crossentropy", "metrics": ["accuracy"], **compiled})
    return model


def softmax(units=3, **compiled) -> Sequential:
    model = Sequential([Dense(5, "relu", input_dim=4), Dense(units, "softmax")], dtype="float64")
    model.compile(**{"loss": "sparse_categorical_crossentropy", **compiled})
    return model


def regression(**compiled) -> Sequential:
    model = Sequential([Input((4,)), Dense(1)], dtype="float64")
    model.compile(**{"loss": "mse", "optimizer": "sgd", **compiled})
    return model


def assert_same_weights(a: Sequential, b: Sequential) -> None:
    for ours, theirs in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


NOTES = """
model.compile(loss='binary_crossentropy',
              optimizer='adam',
              metrics=['accuracy'])
model.fit(X, y, epochs=5)
"""


def test_the_lines_of_the_notes_n31_work_word_for_word():
    features, y = breast_cancer()
    model = Sequential([Normalization(), Dense(16, "relu"), Dense(1, "sigmoid")])
    exec(NOTES, {"model": model, "X": features, "y": y})
    loss, accuracy = model.evaluate(features, y)
    assert accuracy > 0.93
    assert 0 < loss < 0.3
    assert accuracy == np.mean((model.predict(features)[:, 0] > 0.5) == y)


#: What the names are in `fastnn.train`.
STEPS = {
    "adam": {"optimizer": "adam(epsilon=1e-7, epsilon_placement=before_correction)"},
    "sgd": {"optimizer": "gradient_descent", "learning_rate": 0.01},
    "momentum": {"optimizer": "momentum"},
}


@pytest.mark.parametrize("optimizer", STEPS)
@pytest.mark.parametrize("rate", [0.0, 0.4])
def test_it_is_the_same_network_trained_by_the_one_trainer_bit_for_bit(optimizer, rate):
    model = binary(seed=3, dtype="float32", dropout=rate, optimizer=optimizer, l2=0.1)
    history = model.fit(X, LABELS, epochs=3, batch_size=16)

    net = network((4, 6, 1), activation="tanh", dropout=rate, loss_function="binary_crossentropy")
    parameters = Parameters(net, CpuBackend(), "float32")
    initialize(net, parameters, CpuBackend(), seed=3)
    rows = Part(X.astype(np.float32), LABELS[:, None].astype(np.float32))
    chosen = STEPS[optimizer]
    options = Recipe.of(patience=None, epochs=3, batch_size=16, **chosen, l2=0.1, seed=3)
    trained = Learner(net, parameters, CpuBackend()).train(rows, options)

    assert history.history["loss"] == [e.loss for e in trained.epochs]
    kernels, biases = model.get_weights()[::2], model.get_weights()[1::2]
    for kernel, bias, W, b in zip(kernels, biases, parameters.W, parameters.b, strict=True):
        np.testing.assert_array_equal(kernel, W.T)
        np.testing.assert_array_equal(bias, b[:, 0])


@pytest.mark.parametrize("optimizer", ["adam", "nesterov", "rmsprop", "adamw"])
def test_fit_twice_for_two_epochs_is_fit_once_for_four(optimizer):
    chosen = {"optimizer": optimizer, "schedule": "exponential", "gradient_clip": 0.5}
    given = {"batch_size": 16, "validation_split": 0.2}
    once, twice = (binary(dropout=0.3, **chosen) for _ in range(2))
    whole = once.fit(X, LABELS, epochs=4, **given)
    halves = [twice.fit(X, LABELS, epochs=2, **given) for _ in range(2)]
    assert_same_weights(once, twice)
    for key, values in whole.history.items():
        assert values == halves[0].history[key] + halves[1].history[key]
    assert halves[1].epoch == [2, 3]


def test_new_data_and_batch_sizes_go_on_from_the_moments():
    """Adam's first step after a fit is not its very first: that one has the size of the rate."""
    steps = []
    for first in (True, False):
        model = regression(optimizer="adam", learning_rate=0.01)
        if not first:
            model.fit(X, VALUES, epochs=3, batch_size=10)
        before = model.get_weights()[0]
        model.fit(X[:9], -VALUES[:9], batch_size="full")
        steps.append(abs(model.get_weights()[0] - before))
    np.testing.assert_allclose(steps[0], 0.01, rtol=1e-4)  # but for epsilon
    assert (abs(steps[1] - 0.01) > 1e-4).any()


def test_compile_again_keeps_the_weights_and_starts_the_optimizer_anew():
    model, fresh = binary(), binary()
    model.fit(X, LABELS, epochs=3)
    model.compile(loss="binary_crossentropy", optimizer="rmsprop")
    fresh.set_weights(model.get_weights())
    fresh.compile(loss="binary_crossentropy", optimizer="rmsprop")
    histories = [m.fit(X, LABELS, epochs=2) for m in (model, fresh)]
    assert histories[0] == histories[1]
    assert histories[0].epoch == [0, 1]
    assert_same_weights(model, fresh)


def test_one_step_of_one_unit_by_hand():
    model = Sequential([Dense(1, input_dim=2)], dtype="float64")
    model.compile(loss="squared_error", optimizer="sgd", learning_rate=0.1, metrics=["mae"])
    model.set_weights([[[1.0], [2.0]], [0.5]])
    np.testing.assert_allclose(model.predict([[1.0, 1.0], [2.0, 0.0]]), [[3.5], [2.5]])
    # errors 3.5 - 3 = 0.5 and 2.5 - 4 = -1.5; cost (0.25 + 2.25) / 2 / 2 = 0.625
    history = model.fit([[1.0, 1.0], [2.0, 0.0]], [3.0, 4.0], batch_size=2)
    assert history.history["loss"] == pytest.approx([0.625])
    # dW = ((0.5 * 1 - 1.5 * 2) / 2, 0.5 / 2) = (-1.25, 0.25), db = -0.5
    np.testing.assert_allclose(model.get_weights()[0], [[1.125], [1.975]])
    np.testing.assert_allclose(model.get_weights()[1], [0.55])


def test_one_step_of_keras_mse_by_hand():
    model = Sequential([Dense(1, input_dim=2)], dtype="float64")
    model.compile(loss="mse", optimizer="sgd", learning_rate=0.1)
    model.set_weights([[[1.0], [2.0]], [0.5]])
    # without the half, the cost (0.25 + 2.25) / 2 and the step are twice those above
    history = model.fit([[1.0, 1.0], [2.0, 0.0]], [3.0, 4.0], batch_size=2)
    assert history.history["loss"] == pytest.approx([1.25])
    np.testing.assert_allclose(model.get_weights()[0], [[1.25], [1.95]])
    np.testing.assert_allclose(model.get_weights()[1], [0.6])


# PyTorch's RMSprop has epsilon beside the root: none of it to speak of, both are the same.
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop(rho=0.99, epsilon=1e-20)"])
def test_pytorch_trains_the_same_network_from_the_same_weights(optimizer):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    model = softmax(optimizer=optimizer, learning_rate=0.05)
    linears = [torch.nn.Linear(4, 5).double(), torch.nn.Linear(5, 3).double()]
    with torch.no_grad():
        arrays = [a.numpy().copy() for l in linears for a in (l.weight.T, l.bias)]
    model.set_weights(arrays)
    net = torch.nn.Sequential(linears[0], torch.nn.ReLU(), linears[1])
    rule = {"sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop}[optimizer.partition("(")[0]]
    steps = rule(net.parameters(), lr=0.05, **({} if optimizer == "sgd" else {"eps": 1e-20}))
    for _ in range(10):
        steps.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(torch.tensor(X)), torch.tensor(CLASSES))
        loss.backward()
        steps.step()
    history = model.fit(X, CLASSES, epochs=10, batch_size="full")
    assert history.history["loss"][-1] == pytest.approx(loss.item(), rel=1e-10)
    for ours, theirs in zip(model.get_weights()[::2], linears, strict=True):
        # RMSprop with so small an epsilon divides rounding errors by themselves.
        np.testing.assert_allclose(ours, theirs.weight.detach().numpy().T, rtol=0, atol=1e-9)


def test_one_hot_rows_and_class_indices_are_the_same_target():
    one_hot = np.eye(3)[CLASSES]
    targets = [CLASSES, CLASSES[:, None], one_hot, one_hot.astype(bool), CLASSES.astype(float)]
    losses = ["categorical_crossentropy", "sparse_categorical_crossentropy"]
    models = [softmax(loss=loss) for loss in losses for _ in targets]
    for model, y in zip(models, targets * 2, strict=True):
        model.fit(X, y, epochs=2)
        assert_same_weights(model, models[0])


def test_label_smoothing_and_learning_rate_may_be_options_of_the_names():
    spelt = [
        {"loss": "sparse_categorical_crossentropy(label_smoothing=0.1)",
         "optimizer": "adam(beta1=0.8, learning_rate=0.02)"},
        {"loss": {"name": "categorical_crossentropy", "label_smoothing": 0.1},
         "optimizer": {"name": "adam", "beta1": 0.8}, "learning_rate": 0.02},
    ]  # fmt: skip
    models = [softmax(**chosen) for chosen in spelt]
    for model in models:
        model.fit(X, CLASSES, epochs=2)
    assert_same_weights(*models)
    plain = softmax(optimizer="adam(beta1=0.8)")
    plain.fit(X, CLASSES, epochs=2)
    assert (plain.get_weights()[0] != models[0].get_weights()[0]).any()


def test_history_has_the_keys_of_keras_under_the_names_that_were_given():
    model = softmax(metrics=["acc", "log_loss", "top_k_accuracy(k=2)"])
    history = model.fit(X, CLASSES, epochs=3, validation_split=0.2).history
    own = ["loss", "acc", "log_loss", "top_k_accuracy(k=2)"]
    assert list(history) == [*own, *(f"val_{key}" for key in own)]
    assert all(len(values) == 3 for values in history.values())
    assert list(softmax().fit(X, CLASSES).history) == ["loss"]


def test_the_history_says_what_ran():
    model = Sequential([Dense(1)], engine="numpy")
    model.compile(loss="mse")
    said = {"engine": "numpy", "threads": 1, "reason": "engine='numpy' was asked for"}
    assert model.fit(X, VALUES).engine == said
    assert model.to_model().history.engine == said


def test_training_metrics_are_those_of_the_weights_after_the_epoch():
    model = binary(dropout=0.5)
    history = model.fit(X, LABELS, epochs=2)
    assert history.history["accuracy"][-1] == model.evaluate(X, LABELS)[1]
    assert history.stopped == "epochs"


def test_evaluate_returns_what_keras_returns():
    model = regression(metrics=["rmse", "mean_absolute_error"])
    values = model.evaluate(X, VALUES, return_dict=True, verbose=0)
    assert list(values) == ["loss", "rmse", "mean_absolute_error"]
    assert model.evaluate(X, VALUES) == list(values.values())
    assert values["loss"] == pytest.approx(values["rmse"] ** 2)
    assert regression().evaluate(X, VALUES, batch_size=7) == pytest.approx(values["loss"])


def test_patience_puts_the_best_weights_back():
    model = binary(learning_rate=0.3)
    held = (X[50:], LABELS[50:])
    history = model.fit(X[:50], LABELS[:50], epochs=80, validation_data=held, patience=5)
    values = history.history["val_loss"]
    assert history.stopped == "early_stopping"
    assert len(values) == 1 + int(np.argmin(values)) + 5
    assert model.evaluate(*held)[0] == pytest.approx(min(values), rel=1e-12)


def test_patience_may_watch_a_metric_and_begins_anew_with_each_fit():
    model = binary(learning_rate=0.3, metrics=["acc"])
    given = {"validation_data": (X[50:], LABELS[50:]), "patience": 4, "monitor": "val_acc"}
    for _ in range(2):
        values = model.fit(X[:50], LABELS[:50], epochs=60, **given).history["val_acc"]
        assert len(values) == 1 + int(np.argmax(values)) + 4
        assert model.evaluate(X[50:], LABELS[50:])[1] == max(values)


def test_the_validation_part_is_shuffled_and_has_every_class():
    """Sorted by class, the last rows would all be of one class: Keras' validation part."""
    order = np.argsort(CLASSES, kind="stable")
    seen = []
    model = softmax()
    history = model.fit(X[order], CLASSES[order], validation_split=0.2, callbacks=[seen.append])
    assert seen[0].n_examples == 60
    last = model.evaluate(X[order][-15:], CLASSES[order][-15:])
    assert abs(history.history["val_loss"][0] - last) > 1e-3


def test_integer_sample_weights_count_like_repeated_rows():
    """J = 1/m sum w L: with rows repeated m grows, so the rate is raised by as much."""
    w = RNG.integers(1, 4, len(X))
    weighted, repeated = (
        regression(learning_rate=rate) for rate in (0.05, 0.05 * w.sum() / len(w))
    )
    weighted.fit(X, VALUES, epochs=4, batch_size="full", sample_weight=w)
    repeated.fit(np.repeat(X, w, axis=0), np.repeat(VALUES, w), epochs=4, batch_size="full")
    for a, b in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_class_weights_are_weights_of_the_examples_in_training_only():
    given = {"epochs": 2, "validation_data": (X[:20], LABELS[:20])}
    by_class, by_row = binary(), binary()
    a = by_class.fit(X, LABELS, class_weight={1: 3.0}, **given).history
    b = by_row.fit(X, LABELS, sample_weight=np.where(LABELS == 1, 3.0, 1.0), **given).history
    assert_same_weights(by_class, by_row)
    assert a["val_loss"] == b["val_loss"]
    assert a["loss"] == b["loss"]


def test_normalization_learns_from_the_training_part_once():
    far = X * [1.0, 100.0, 0.01, 1.0] + [0.0, 5.0, 0.0, -50.0]
    model = Sequential([Normalization(), Dense(1)], dtype="float64")
    model.compile(loss="mse")
    model.fit(far[:60], VALUES[:60], validation_data=(far[60:], VALUES[60:]))
    standard = (far - far[:60].mean(axis=0)) / far[:60].std(axis=0)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(model.predict(far), standard @ kernel + bias, rtol=1e-9)
    before = model.predict(far[:1] * 2)
    model.compile(loss="mse", learning_rate=1e-12)  # a second fit that moves nothing
    model.fit(far * 2, VALUES)
    np.testing.assert_allclose(model.predict(far[:1] * 2), before, rtol=1e-9)


@pytest.mark.parametrize("normalize", [False, True])
def test_save_and_load_give_a_model_with_the_same_outputs(tmp_path, normalize):
    layers = [Dense(5, "gelu"), Dropout(0.1), Dense(3), Activation("softmax")]
    model = Sequential([Normalization(), *layers] if normalize else layers)
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, CLASSES, epochs=2)
    model.fit(X, CLASSES, epochs=1, validation_split=0.2)
    model.save(tmp_path / "model.fastnn")
    loaded = fastnn.load(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(loaded.outputs(X), model.predict(X))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X).argmax(axis=1))
    assert loaded.evaluate(X, CLASSES)["accuracy"] == model.evaluate(X, CLASSES)[1]
    assert [e.validation_loss is None for e in loaded.history.epochs] == [True, True, False]
    assert loaded.options["initializer"] == [None, None]


def test_a_model_that_was_never_fitted_can_be_saved_and_values_stay_in_their_units(tmp_path):
    model = regression()
    model.save(tmp_path / "model.fastnn")
    loaded = fastnn.load(tmp_path / "model.fastnn")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X)[:, 0])


def test_to_model_is_a_copy():
    model = regression()
    kept = model.to_model()
    before = kept.predict(X)
    model.fit(X, VALUES)
    np.testing.assert_array_equal(kept.predict(X), before)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_goes_on_by_itself_just_as_the_model_does(duplicate):
    model = binary(dropout=0.2)
    model.fit(X, LABELS, epochs=2)
    before = model.predict(X)
    other = duplicate(model)
    ours = other.fit(X, LABELS, epochs=2)
    np.testing.assert_array_equal(model.predict(X), before)
    assert model.fit(X, LABELS, epochs=2) == ours
    assert_same_weights(model, other)
    assert duplicate(Sequential([Dense(2)])).layers == (Dense(2),)


def test_weights_in_the_shapes_of_keras_and_back():
    model, other = softmax(), softmax()
    arrays = [RNG.normal(size=w.shape) for w in model.get_weights()]
    assert [w.shape for w in arrays] == [(4, 5), (5,), (5, 3), (3,)]
    model.set_weights(arrays)
    for given, found in zip(arrays, model.get_weights(), strict=True):
        np.testing.assert_array_equal(given, found)
    hidden = np.maximum(X @ arrays[0] + arrays[1], 0)
    logits = hidden @ arrays[2] + arrays[3]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-12)
    model.get_weights()[0][:] = 9  # a copy
    np.testing.assert_array_equal(model.get_weights()[0], arrays[0])
    other.set_weights(model.get_weights())
    assert_same_weights(model, other)


def test_several_labels_and_squared_error_of_labels_are_classification():
    several = Sequential([Dense(2, "sigmoid")])
    several.compile(loss="binary_crossentropy", metrics=["accuracy", "f1"])
    Y = np.column_stack([LABELS, CLASSES > 1])
    several.fit(X, Y, epochs=2, class_weight=[1.0, 2.0])
    both = ((several.predict(X) > 0.5) == Y).all(axis=1).mean()
    assert several.evaluate(X, Y)[1] == both
    for metric, task in (("accuracy", "binary"), ("mae", "regression")):
        one = Sequential([Dense(1, "sigmoid", input_dim=4)])
        one.compile(loss="mse", metrics=[metric])
        one.fit(X, LABELS)
        assert one.to_model().task == task


def test_poisson_and_an_own_loss_and_activation():
    model = Sequential([Dense(4, lambda z: z / (1 + abs(z))), Dense(1, "exponential")])
    model.compile(loss="poisson", metrics=["rmse"])
    assert len(model.fit(X, CLASSES, epochs=2).history["rmse"]) == 2
    own = regression(loss=lambda a, y: abs(a - y) ** 3)
    assert np.isfinite(own.fit(X, VALUES).history["loss"]).all()


def test_columns_of_a_data_frame_are_matched_by_name():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("narwhals")
    frame = pandas.DataFrame(X, columns=list("abcd"))
    model, plain = regression(), regression()
    model.fit(frame, VALUES)
    plain.fit(X, VALUES)
    assert_same_weights(model, plain)
    np.testing.assert_array_equal(model.predict(frame[list("dcba")]), plain.predict(X))
    with pytest.raises(DataError, match="X: no column 'a'"):
        model.predict(frame.rename(columns={"a": "e"}))
    with pytest.raises(DataError, match="X, column 'a': it holds text"):
        regression().fit(frame.assign(a="x"), VALUES)


def test_layers_one_by_one_and_the_summary(capsys):
    model = Sequential()
    for layer in (Dense(4), Activation("relu"), Dropout(0.5), Dense(1, "sigmoid")):
        model.add(layer)
    model.summary()
    assert "is not known before fit" in capsys.readouterr().out
    model.compile(loss="binary_crossentropy")
    model.fit(X, LABELS)
    lines = []
    model.summary(print_fn=lines.append)
    assert [line.split()[0] for line in lines[1:-1]] == ["Dense", "Activation", "Dropout", "Dense"]
    assert lines[-1] == "25 parameters"  # 4 * 4 + 4 + 4 + 1
    assert sum(w.size for w in model.get_weights()) == 25


@pytest.mark.parametrize("verbose", [0, 1, 2, False, True, "auto"])
def test_progress_is_on_standard_error(verbose, capsys):
    model = binary()
    model.fit(X, LABELS, epochs=2, verbose=verbose)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("training accuracy") == err.count("epoch") == (2 if verbose else 0)
    loss, accuracy = model.evaluate(X, LABELS, verbose=verbose)
    model.predict(X, verbose=verbose)
    expected = f"evaluate: loss {loss:.5g}, accuracy {accuracy:.5g}\npredict: rows 75\n"
    assert capsys.readouterr() == ("", expected if verbose else "")


def test_keras_names_of_arguments_and_a_call_of_the_model():
    model, other = binary(), binary()
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    model.fit(x=X, y=LABELS, epochs=2)
    other.fit(X, LABELS, epochs=2)
    assert_same_weights(model, other)
    assert model.evaluate(x=X, y=LABELS) == other.evaluate(X, LABELS)
    for outputs in (model(X), model(X, training=False), model(inputs=X), model.predict(x=X)):
        np.testing.assert_array_equal(outputs, other.predict(X))


def test_a_layer_without_bias_has_no_bias_to_get_set_or_count():
    model = Sequential([Dense(5, "relu", use_bias=False, input_dim=4), Dense(1, use_bias=False)])
    lines = []
    model.summary(lines.append)
    assert lines[-1] == "25 parameters"
    assert [w.shape for w in model.get_weights()] == [(4, 5), (5, 1)]
    arrays = [RNG.normal(size=w.shape) for w in model.get_weights()]
    model.set_weights(arrays)
    expected = np.maximum(X @ arrays[0], 0) @ arrays[1]
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-6)
    with pytest.raises(
        ArgumentError, match=r"list of 2 arrays, a kernel and a bias .* that has one"
    ):
        model.set_weights([*arrays, np.zeros(1)])
    model.compile(loss="mse", optimizer="adamw")
    model.fit(X, VALUES)
    kept = model.to_model()
    assert kept.network.n_parameters == 25
    assert not any(b.any() for b in kept.parameters.b)


def test_divergence_leaves_a_model_that_can_be_used():
    model = regression(learning_rate=1e4)
    with pytest.raises(DivergenceError, match="a learning_rate below"):
        model.fit(X * 1e3, VALUES, epochs=50)
    assert np.isfinite(model.predict(X)).all()


def test_an_interruption_hands_the_model_over_and_it_can_go_on():
    def stop(state):
        if state.epoch.epoch == 2:
            raise KeyboardInterrupt

    model, other = binary(), binary()
    with pytest.raises(TrainingInterrupted) as caught:
        model.fit(X, LABELS, epochs=9, callbacks=[stop])
    assert caught.value.result is model
    other.fit(X, LABELS, epochs=2, callbacks=None)
    assert model.fit(X, LABELS).epoch == [2]
    other.fit(X, LABELS)
    assert_same_weights(model, other)


def test_a_callback_that_fails_leaves_a_model_that_can_go_on():
    def fail(state):
        raise RuntimeError("mine")

    model, other = binary(), binary()
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, LABELS, epochs=3, callbacks=[fail])
    model.fit(X, LABELS)
    other.fit(X, LABELS, epochs=2)
    assert_same_weights(model, other)


def test_a_schedule_with_an_end_is_for_one_fit():
    model = binary(schedule="cosine")
    model.fit(X, LABELS, epochs=2)
    with pytest.raises(ArgumentError, match="schedule 'cosine' runs over the epochs of one fit"):
        model.fit(X, LABELS, epochs=2)


WRONG_COMPILE = [
    ({"loss": "binary_crossentropi"}, "unknown loss .*did you mean 'binary_crossentropy'"),
    ({"loss": "adam"}, r"the loss comes first, compile\(loss, optimizer\)"),
    ({"optimizer": "adm"}, "unknown optimizer 'adm'; did you mean 'adam'"),
    ({"optimizer": "adam(beta_3=0.9)"}, "optimizer 'adam' has no option 'beta_3'.*beta_1"),
    ({"metrics": ["acuracy"]}, "unknown metric 'acuracy'; did you mean 'accuracy'"),
    ({"metrics": ["rmse"]}, "metric 'rmse' does not apply to a binary target; choose from acc"),
    ({"metrics": "accuracy"}, "metrics must be a list"),
    ({"metrics": ["acc", "accuracy"]}, "metrics: 'accuracy' is there twice"),
    ({"optimiser": "adam"}, "compile has no argument 'optimiser'; did you mean 'optimizer'"),
    ({"learning_rate": -1}, "learning_rate must be a number above 0, found -1"),
    ({"optimizer": "adam(learning_rate=1)", "learning_rate": 1}, "learning_rate is given twice"),
    ({"loss": "poisson"}, r"Dense\(1, activation='exponential'\), found activation 'sigmoid'"),
    ({"loss": "categorical_crossentropy"}, r"Dense\(1, activation='softmax'\), found"),
]


@pytest.mark.parametrize(("given", "message"), WRONG_COMPILE)
def test_compile_refuses(given, message):
    with pytest.raises(ArgumentError, match=message):
        binary(**given)


def broken(row, column, value):
    wrong = X.copy()
    wrong[row, column] = value
    return wrong


WRONG_FIT = [
    ({"X": broken(3, 1, np.nan)}, DataError, r"X, column 'x1', row 3 .*: no value; fill it in"),
    ({"X": broken(3, 1, np.inf)}, DataError, r"X: column 'x1', row 3 .*inf is not a finite"),
    ({"X": np.full(X.shape, "red")}, DataError, "X, column 'x0': it holds text"),
    ({"X": X[:, :3]}, DataError, "X has 3 columns, the network has 4 inputs"),
    ({"X": X.reshape(75, 2, 2)}, DataError, r"X has shape \(75, 2, 2\): start the layers with F"),
    ({"X": X[:0], "y": []}, DataError, "X: the data are empty"),
    ({"X": X[:9]}, DataError, r"y has shape \(75,\), the network and X need \(9,\) or \(9, 1\)"),
    ({"y": np.eye(2)[LABELS]}, DataError, r"y has shape \(75, 2\), .* need \(75,\) or \(75, 1\)"),
    ({"y": LABELS + 1}, DataError, "y: target, row .*: unknown label 2; the model knows 0, 1"),
    ({"y": np.where(LABELS, np.nan, 0.0)}, DataError, "y: target, row .*: no value"),
    ({"y": np.where(LABELS, "a", "b")}, DataError, "y: target, row 0 .*: unknown label 'a'"),
    ({"epochs": 0}, ArgumentError, "epochs must be a whole number above 0, found 0"),
    ({"batch_size": -3}, ArgumentError, "batch_size must be .*found -3"),
    ({"validation_split": 1.0}, ArgumentError, r"validation_split must be in \[0, 1\), found 1.0"),
    ({"validation_split": True}, ArgumentError, "validation_split must be .*found True"),
    ({"validation_data": X}, ArgumentError, r"validation_data must be .*ndarray of shape \(75"),
    ({"validation_data": (X, LABELS + 3)}, DataError, "validation_data, y: .*unknown label"),
    ({"validation_data": (X[:, :2], LABELS)}, DataError, "validation_data, X has 2 columns"),
    ({"validation_data": (X, LABELS), "validation_split": 0.1}, ArgumentError,
     "validation_split has no effect with validation_data"),
    ({"patience": 3}, ArgumentError, "patience needs validation_split or validation_data"),
    ({"monitor": "val_loss"}, ArgumentError, "monitor=.* has no effect without patience"),
    ({"monitor": "accuracy", "patience": 3}, ArgumentError,
     "monitor must be one of val_loss, val_accuracy, found 'accuracy'; did you mean 'val_acc"),
    ({"class_weight": {2: 1.0}}, ArgumentError, r"class_weight: unknown label 2 \(known: 0, 1\)"),
    ({"sample_weight": [1.0]}, ArgumentError, r"sample_weight has shape \(1,\)"),
    ({"sample_weight": -np.ones(75)}, ArgumentError, "sample_weight must be finite and not neg"),
    ({"sample_weight": 1.0 * (LABELS == 0), "class_weight": {0: 0.0}}, DataError,
     "every example has the weight 0"),
    ({"callbacks": print}, ArgumentError, "callbacks must be a list"),
    ({"callbacks": [3]}, ArgumentError, "each of callbacks is a function"),
    ({"verbose": 3}, ArgumentError, "verbose must be 0 or 1 or 2 or 'auto', found 3"),
    ({"shuffle": "yes"}, ArgumentError, "shuffle must be True or False"),
    ({"epoch": 5}, ArgumentError, "fit has no argument 'epoch'; did you mean 'epochs'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "message"), WRONG_FIT)
def test_fit_refuses_and_changes_nothing(given, kind, message):
    model, untouched = binary(), binary()
    with pytest.raises(kind, match=message):
        model.fit(**{"X": X, "y": LABELS, **given})
    assert_same_weights(model, untouched)
    assert model.fit(X, LABELS) == untouched.fit(X, LABELS)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (CLASSES + 1, "unknown label 3; the model knows 0, 1, 2"),
        (np.eye(3)[CLASSES] * 0.9, r"y, row 0 .* is not one-hot.*label_smoothing"),
        (np.ones((75, 3)), "is not one-hot"),
        (np.full((75, 3), np.nan), "is not one-hot"),
        (np.eye(4)[CLASSES], r"need \(75,\) or \(75, 1\) or \(75, 3\)"),
        (CLASSES + 0.5, "is no class label"),
    ],
)
def test_fit_refuses_classes_that_cannot_be(y, message):
    with pytest.raises(DataError, match=message):
        softmax().fit(X, y)


def test_poisson_refuses_negative_counts():
    model = Sequential([Dense(1, "exponential")])
    model.compile(loss="poisson")
    with pytest.raises(DataError, match="y: loss 'poisson' needs values of at least 0"):
        model.fit(X, -np.ones(75))


def test_a_class_with_one_example_trains_and_is_said():
    with pytest.warns(DataWarning, match="2: a class with a single example is in the training"):
        history = softmax().fit(X[:9], [0, 1, 0, 1, 0, 1, 0, 1, 2], validation_split=0.2)
    assert len(history.history["val_loss"]) == 1


def test_a_row_alone_cannot_be_split():
    with pytest.raises(DataError, match=r"validation_split=0\.5: 1 rows are too few: the held"):
        regression().fit(X[:1], VALUES[:1], validation_split=0.5)


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda m: m.fit(X, LABELS), "fit needs a loss: call compile"),
        (lambda m: m.evaluate(X, LABELS), "evaluate needs a loss: call compile"),
        (lambda m: m.save("model.fastnn"), "needs a loss: call compile"),
        (lambda m: m.get_weights(), "the number of inputs is not known yet: .*Input"),
        (lambda m: m.predict(X, verbose=3), "verbose must be 0 or 1 or 2 or 'auto', found 3"),
        (lambda m: m.predict(x=X, X=X), "predict: x and X are the same: give one"),
        (lambda m: m(X, training=True), "training must be False, found True"),
        (lambda m: m(), "a call of the model needs X"),
        (lambda m: m.fit(X), "fit needs y"),
        (lambda m: m.fit(X, LABELS, 32, 5), "fit takes X, y by place, found 4 arg.*by name"),
        (
            lambda m: m.fit(X, LABELS, y=LABELS),
            "fit: y is given twice, by name and as the argument",
        ),
        (lambda m: m.compile("mae", loss="mse"), "loss is given twice, .* place 1, 'mae': give"),
        (lambda m: m.compile("Adam"), r"the loss comes first, compile\(loss, optimizer\)"),
        (lambda m: m.compile(optimizer="adam"), "compile needs loss"),
        (lambda m: Sequential([Dense(1)], "mlp"), "Sequential takes layers by place, found 2"),
        (lambda m: m.predict(X, batch_size=0), "batch_size must be a whole number above 0"),
        (lambda m: m.predict(X, steps=3), "predict: steps=3 is not there: all rows are used"),
        (lambda m: m.evaluate(X, LABELS, retun_dict=True), "did you mean 'return_dict'"),
        (lambda m: m.add(3), "layer 2, int cannot be used: a layer is an object made by Input"),
        (lambda m: Sequential(Dense(1)), r"layers must be a list of layers, found Dense\("),
        (lambda m: Sequential(device="gpu"), "device"),
        (lambda m: Sequential(capture="never"), "capture='never' has no effect on device 'cpu'"),
        (lambda m: Sequential(precision="half"), "precision must be one of full, tf32, found"),
        (lambda m: Sequential(dtype="int8"), "dtype must be one of float32, float64"),
        (lambda m: Sequential(sed=1), "Sequential has no argument 'sed'; did you mean 'seed'"),
        (lambda m: Sequential().compile("mse"), "Sequential has no Dense layer: add at least one"),
    ],
)
def test_what_cannot_be_used_yet_or_at_all(use, message):
    with pytest.raises(ArgumentError, match=message):
        use(Sequential([Dense(1, "sigmoid")]))


@pytest.mark.parametrize(
    ("loss", "optimizer", "metrics", "keys"),
    [
        ("mean_squared_error", "Adam", ["mean_squared_error"], ["loss", "mean_squared_error"]),
        ("mae", "SGD", ["mse", "root_mean_squared_error"],
         ["loss", "mse", "root_mean_squared_error"]),
        ("huber", {"name": "RMSprop", "beta": 0.8}, ["mean_absolute_error"],
         ["loss", "mean_absolute_error"]),
    ],
)  # fmt: skip
def test_keras_names_and_its_keys_of_the_history(loss, optimizer, metrics, keys):
    model = regression(loss=loss, optimizer=optimizer, metrics=metrics)
    history = model.fit(X, VALUES, epochs=2, validation_split=0.2)
    assert list(history.history) == [*keys, *(f"val_{key}" for key in keys)]
    if "mse" in keys:
        found = np.array([history.history[name] for name in keys[1:]])
        np.testing.assert_allclose(found[0], found[1] ** 2)


def test_layers_cannot_be_added_once_they_are_in_use():
    with pytest.raises(ArgumentError, match="add: the layers are in use already"):
        binary().add(Dense(2))


def test_normalization_needs_a_fit_first():
    model = Sequential([Input((4,)), Normalization(), Dense(1)])
    with pytest.raises(ArgumentError, match="Normalization has not seen any data yet: call fit"):
        model.predict(X)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([np.ones((4, 1))], "weights must be a list of 2 arrays, a kernel and a bias .* found 1"),
        (np.ones((4, 1)), "found ndarray"),
        ([np.ones((1, 4)), [0.0]], r"weights\[0\], the kernel of Dense 1, has shape \(1, 4\), "
         r"needs \(4, 1\)"),
        ([np.ones((4, 1)), [0.0, 1.0]], r"weights\[1\], the bias of Dense 1, has shape"),
        ([np.ones((4, 1)), ["a"]], r"weights\[1\], .* is no array of numbers"),
        ([np.full((4, 1), np.nan), [0.0]], r"weights\[0\], .* values that are not finite"),
    ],
)  # fmt: skip
def test_set_weights_refuses_and_changes_nothing(weights, message):
    model = regression()
    before = model.predict(X)
    with pytest.raises(ArgumentError, match=message):
        model.set_weights(weights)
    np.testing.assert_array_equal(model.predict(X), before)


def test_columns_of_no_earlier_fit_are_left_out_with_one_note():
    columns = {"a": np.arange(8.0), "b": np.arange(8.0)[::-1].copy()}
    y = np.arange(8.0)
    model = Sequential([Dense(1)])
    model.compile(loss="mse")
    model.fit(columns, y, epochs=1, verbose=0)
    more = {"id": [f"n{i}" for i in range(8)], **columns}
    with pytest.warns(DataNote, match="^columns that the model does not take are left out: id$"):
        np.testing.assert_array_equal(model.predict(more), model.predict(columns))
    with pytest.warns(DataNote):
        assert model.evaluate(more, y, verbose=0) == model.evaluate(columns, y, verbose=0)
    with pytest.raises(DataError, match=r"X: no column 'b'; did you mean .*columns: a, bb"):
        model.predict({"a": columns["a"], "bb": columns["b"]})
