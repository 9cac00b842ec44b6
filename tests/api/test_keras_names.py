"""Keras' names: its losses, steps and metrics, computed here from its definitions in NumPy."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
from fastnn import Dense, Input, Sequential
from fastnn.api.sequential import keras_names
from fastnn.errors import ArgumentError
from fastnn.nn.losses import LOSSES
from fastnn.nn.optimizers import OPTIMIZERS

RNG = np.random.default_rng(3)
N, FEATURES, HIDDEN = 32, 4, 5
X = RNG.normal(size=(N, FEATURES))
VALUES, LABELS = 2 * RNG.normal(size=(N, 3)), (RNG.random((N, 3)) < 0.4).astype(float)
COUNTS, CLASSES = RNG.poisson(2.0, (N, 3)).astype(float), RNG.integers(0, 3, N)
WEIGHTS = RNG.uniform(0.2, 2.0, N)


def smoothed(Y, s, classes):
    return Y * (1 - s) + s / classes


def crossentropy(A, Y, s=0.0):
    Y = smoothed(Y, s, 2)
    loss = -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).mean(axis=1)
    return loss, (-Y / A + (1 - Y) / (1 - A)) / A.shape[1]


def categorical(A, Y, s=0.0):
    Y = smoothed(np.eye(3)[Y] if Y.ndim == 1 else Y, s, 3)
    return -(Y * np.log(A)).sum(axis=1), -Y / A


def huber(A, Y, delta=1.0):
    E = abs(A - Y)
    loss = np.where(delta < E, delta * E - delta**2 / 2, E**2 / 2).mean(axis=1)
    return loss, np.clip(A - Y, -delta, delta) / A.shape[1]


#: Keras' loss of each example from outputs A and targets Y (N, K), and its derivative by A.
LOSS = {
    "mse": lambda A, Y: (((A - Y) ** 2).mean(axis=1), 2 * (A - Y) / A.shape[1]),
    "mae": lambda A, Y: (abs(A - Y).mean(axis=1), np.sign(A - Y) / A.shape[1]),
    "huber": huber,
    "poisson": lambda A, Y: ((A - Y * np.log(A)).mean(axis=1), (1 - Y / A) / A.shape[1]),
    "crossentropy": crossentropy,
    "categorical": categorical,
}

#: Names and options, the loss, the last activation, the target.
CASES = [
    ("mse", "mse", "linear", VALUES),
    ("MSE", "mse", "linear", VALUES[:, :1]),
    ("mean_squared_error", "mse", "tanh", VALUES[:, :2]),
    ("MeanSquaredError", "mse", "sigmoid", LABELS),
    ("mae", "mae", "linear", VALUES),
    ("MAE", "mae", "linear", VALUES[:, :1]),
    ("MeanAbsoluteError", "mae", "linear", VALUES),
    ("mean_absolute_error", "mae", "linear", VALUES),
    ("huber", "huber", "linear", VALUES),
    ("Huber(delta=0.4)", "huber", "linear", VALUES),
    ("poisson", "poisson", "exponential", COUNTS),
    ("Poisson", "poisson", "exponential", COUNTS[:, :1]),
    ("binary_crossentropy", "crossentropy", "sigmoid", LABELS),
    ("BinaryCrossentropy", "crossentropy", "sigmoid", LABELS[:, :1]),
    ("bce", "crossentropy", "sigmoid", LABELS),
    ("BinaryCrossentropy(label_smoothing=0.2)", "crossentropy", "sigmoid", LABELS),
    ("categorical_crossentropy", "categorical", "softmax", np.eye(3)[CLASSES]),
    ("CategoricalCrossentropy(label_smoothing=0.2)", "categorical", "softmax", np.eye(3)[CLASSES]),
    ("sparse_categorical_crossentropy", "categorical", "softmax", CLASSES),
    ("SparseCategoricalCrossentropy", "categorical", "softmax", CLASSES),
]

#: a = g(Z), and dJ/dZ from dJ/dA.
LAST = {
    "linear": (lambda Z: Z, lambda A, dA: dA),
    "tanh": (np.tanh, lambda A, dA: dA * (1 - A**2)),
    "sigmoid": (lambda Z: 1 / (1 + np.exp(-Z)), lambda A, dA: dA * A * (1 - A)),
    "exponential": (np.exp, lambda A, dA: dA * A),
    "softmax": (
        lambda Z: np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True),
        lambda A, dA: A * (dA - (dA * A).sum(axis=1, keepdims=True)),
    ),
}


def sgd(p, g, s, t, learning_rate=0.01, momentum=0.0, nesterov=False):
    s["m"] = momentum * s["m"] - learning_rate * g
    return p + (momentum * s["m"] - learning_rate * g if nesterov else s["m"])


def rmsprop(p, g, s, t, learning_rate=0.001, rho=0.9, epsilon=1e-7):
    s["v"] = rho * s["v"] + (1 - rho) * g**2
    return p - learning_rate * g / np.sqrt(s["v"] + epsilon)


def adam(p, g, s, t, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, weight_decay=0.0):
    p = p - p * weight_decay * learning_rate
    s["m"] = s["m"] + (g - s["m"]) * (1 - beta_1)
    s["v"] = s["v"] + (g**2 - s["v"]) * (1 - beta_2)
    alpha = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return p - s["m"] * alpha / (np.sqrt(s["v"]) + epsilon)


OPTIMIZER = {"SGD": sgd, "RMSprop": rmsprop, "Adam": adam, "AdamW": adam}
DEFAULTS = {"AdamW": {"weight_decay": 0.004}}

#: Keras' class, the name that is given, Keras' options.
STEPS = [
    ("SGD", "sgd", {}),
    ("SGD", "SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", "SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", "sgd", {"nesterov": True}),
    ("RMSprop", "rmsprop", {}),
    ("RMSprop", "RMSprop", {"learning_rate": 0.01, "rho": 0.8, "epsilon": 1e-3}),
    ("Adam", "adam", {}),
    ("Adam", "Adam", {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.01}),
    ("Adam", "Adam", {"learning_rate": 0.02, "weight_decay": 0.3}),
    ("AdamW", "adamw", {}),
    ("AdamW", "AdamW", {"learning_rate": 0.02, "weight_decay": 0.3}),
]


def trained(weights, loss, last, Y, step, epochs, w=None, m=N, use_bias=True):
    """Weights, losses of the epochs, outputs and loss after Keras' training without shuffling."""
    (W1, b1, W2, b2), (g, backward) = (np.array(a) for a in weights), LAST[last]
    p, states, t, losses = [W1, b1, W2, b2], [{"m": 0.0, "v": 0.0} for _ in range(4)], 0, []

    def forward(x):
        H = np.tanh(x @ p[0] + p[1])
        return H, g(H @ p[2] + p[3])

    for _ in range(epochs):
        total = 0.0
        for start in range(0, N, m):
            rows, t = slice(start, start + m), t + 1
            H, A = forward(X[rows])
            each, dA = loss(A, Y[rows])
            scale = (np.ones(len(A)) if w is None else w[rows]) / len(A)
            total += (each * scale).sum() * len(A) / N
            dZ = backward(A, dA * scale[:, None])
            dH = dZ @ p[2].T * (1 - H**2)
            slopes = [X[rows].T @ dH, dH.sum(axis=0) * use_bias, H.T @ dZ, dZ.sum(axis=0)]
            p[:] = [step(*given, t) for given in zip(p, slopes, states, strict=True)]
        losses.append(total)
    A = forward(X)[1]
    return p, losses, A, (loss(A, Y)[0] * (1 if w is None else w)).mean()


def model(units, last, use_bias=True, **compiled) -> Sequential:
    layers = [Input((FEATURES,)), Dense(HIDDEN, "tanh", use_bias), Dense(units, last)]
    made = Sequential(layers, dtype="float64", seed=4)
    made.compile(**compiled)
    return made


def options_of(name):
    return {
        k: float(v) for k, v in (part.split("=") for part in name[:-1].split("(")[1].split(","))
    }


def assert_trains_as_keras(made, loss, last, Y, step, **given):
    epochs = 50 if given.get("m", N) == N else 13
    p, losses, A, value = trained(made.get_weights(), loss, last, Y, step, epochs, **given)
    history = made.fit(X, Y, epochs=epochs, batch_size=given.get("m", N), shuffle=False,
                       sample_weight=given.get("w"))  # fmt: skip
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-11)
    for ours, theirs in zip(made.get_weights(), p, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(made.predict(X), A, rtol=1e-10)
    evaluated = made.evaluate(X, Y, sample_weight=given.get("w"))
    assert evaluated == pytest.approx(value, rel=1e-11)


@pytest.mark.parametrize(("name", "kind", "last", "Y"), CASES, ids=[c[0] for c in CASES])
def test_a_loss_by_keras_name_has_its_value_and_its_fifty_steps(name, kind, last, Y):
    options = {"s": 0.2} if "smoothing" in name else {"delta": 0.4} if "delta" in name else {}
    made = model(3 if Y.ndim == 1 else Y.shape[1], last, loss=name, optimizer="SGD")

    def loss(A, Y):
        return LOSS[kind](A, Y, **options)

    assert_trains_as_keras(made, loss, last, Y, sgd)
    made.compile(loss=name, optimizer="Adam")  # ragged batches of weighted examples
    assert_trains_as_keras(made, loss, last, Y, adam, w=WEIGHTS, m=10)


@pytest.mark.parametrize(("cls", "name", "options"), STEPS, ids=str)
def test_an_optimizer_by_keras_name_takes_its_fifty_steps(cls, name, options):
    def step(p, g, s, t):
        return OPTIMIZER[cls](p, g, s, t, **{**DEFAULTS.get(cls, {}), **options})

    text = f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})" if options else name
    for spec in (text, {"name": name, **options}):
        made = model(3, "linear", loss="mse", optimizer=spec)
        made.set_weights([w + 0.1 for w in made.get_weights()])  # biases that can decay
        assert_trains_as_keras(made, LOSS["mse"], "linear", VALUES, step)


def test_a_changing_rate_is_in_the_velocity_as_in_keras():
    made = model(3, "linear", loss="mse", optimizer="SGD(learning_rate=0.1, momentum=0.9)",
                 schedule="exponential(decay=0.9)")  # fmt: skip

    def step(p, g, s, t):  # one step an epoch
        return sgd(p, g, s, t, learning_rate=0.1 * 0.9 ** (t - 1), momentum=0.9)

    assert_trains_as_keras(made, LOSS["mse"], "linear", VALUES, step)


def test_the_norm_of_all_gradients_is_clipped_as_in_keras():
    made = model(3, "linear", loss="mse", optimizer="SGD(learning_rate=1, global_clipnorm=0.01)")
    before = made.get_weights()
    made.fit(X, VALUES, batch_size=N)
    moved = [a - b for a, b in zip(made.get_weights(), before, strict=True)]
    assert np.sqrt(sum((d**2).sum() for d in moved)) == pytest.approx(0.01, rel=1e-12)


@pytest.mark.parametrize("optimizer", ["adam", "AdamW(weight_decay=0.3)"])
def test_a_layer_without_bias_trains_as_in_keras(optimizer):
    made = model(3, "linear", use_bias=False, loss="mse", optimizer=optimizer)
    assert [w.shape for w in made.get_weights()] == [(4, 5), (5, 3), (3,)]
    with_bias = [*made.get_weights()[:1], np.zeros(HIDDEN), *made.get_weights()[1:]]
    decay = {"weight_decay": 0.3} if "0.3" in optimizer else {}
    p, losses, A, _ = trained(
        with_bias, LOSS["mse"], "linear", VALUES, lambda *a: adam(*a, **decay), 50, use_bias=False
    )
    history = made.fit(X, VALUES, epochs=50, batch_size=N)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-11)
    for ours, theirs in zip(made.get_weights(), [p[0], *p[2:]], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)
    np.testing.assert_allclose(made.predict(X), A, rtol=1e-10)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("mse", lambda A, Y: ((A - Y) ** 2).mean()),
        ("MeanSquaredError", lambda A, Y: ((A - Y) ** 2).mean()),
        ("MAE", lambda A, Y: abs(A - Y).mean()),
        ("RootMeanSquaredError", lambda A, Y: np.sqrt(((A - Y) ** 2).mean())),
        ("root_mean_squared_error", lambda A, Y: np.sqrt(((A - Y) ** 2).mean())),
        ("R2Score", lambda A, Y: (1 - ((A - Y) ** 2).mean(0) / Y.var(0)).mean()),
    ],
)  # fmt: skip
@pytest.mark.parametrize("units", [1, 3])
def test_metrics_of_values_have_keras_values(metric, value, units):
    made = model(units, "linear", loss="mse", metrics=[metric])
    Y = VALUES[:, :units]
    found = made.evaluate(X, Y, return_dict=True)
    assert found[metric] == pytest.approx(value(made.predict(X), Y), rel=1e-12)


def auc(A, Y):
    positive, negative = A[Y == 1][:, None], A[Y == 0]
    return ((positive > negative) + (positive == negative) / 2).mean()


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("BinaryAccuracy", lambda A, Y: ((A > 0.5) == Y).mean()),
        ("binary_accuracy", lambda A, Y: ((A > 0.5) == Y).mean()),
        ("Precision", lambda A, Y: Y[A > 0.5].mean()),
        ("Recall", lambda A, Y: (A > 0.5)[Y == 1].mean()),
        ("AUC", auc),
        ("BinaryCrossentropy", lambda A, Y: crossentropy(A, Y)[0].mean()),
    ],
)
@pytest.mark.parametrize("last", ["sigmoid", "softmax", "one"])
def test_metrics_of_labels_have_keras_values(metric, value, last):
    if last == "softmax":
        made = model(3, "softmax", loss="categorical_crossentropy", metrics=[metric])
        Y = np.eye(3)[CLASSES]
    else:
        Y = LABELS[:, :1] if last == "one" else LABELS
        made = model(Y.shape[1], "sigmoid", loss="binary_crossentropy", metrics=[metric])
    made.set_weights([3 * w for w in made.get_weights()])
    A = made.predict(X)
    assert made.evaluate(X, Y, return_dict=True)[metric] == pytest.approx(value(A, Y), rel=1e-12)


def test_metrics_are_watched_and_saved_under_keras_names(tmp_path):
    made = model(3, "sigmoid", loss="bce", metrics=["Precision", "AUC", "acc"])
    history = made.fit(X, LABELS, epochs=3, validation_split=0.3, patience=2, monitor="val_AUC")
    keys = ["loss", "Precision", "AUC", "acc"]
    assert list(history.history) == [*keys, *(f"val_{key}" for key in keys)]
    made.save(tmp_path / "model.fastnn")
    loaded = fastnn.load(tmp_path / "model.fastnn")
    pooled = ["precision(pooled=True)", "roc_auc(pooled=True)"]
    assert set(loaded.history.epochs[0].metrics) == {*pooled, "accuracy"}
    found = loaded.evaluate(X, LABELS, metrics=pooled)
    assert found["precision(pooled=True)"] == made.evaluate(X, LABELS)[1]


def test_a_saved_model_remembers_the_value_of_its_loss(tmp_path):
    made = model(3, "linear", loss="mse", optimizer="SGD(momentum=0.9)")
    made.fit(X, VALUES)
    made.save(tmp_path / "model.fastnn")
    loaded = fastnn.load(tmp_path / "model.fastnn")
    assert loaded.network.loss.to_json() == {"name": "squared_error", "factor": 2 / 3}
    assert loaded.evaluate(X, VALUES)["loss"] == pytest.approx(made.evaluate(X, VALUES), rel=1e-12)
    assert "squared_error(factor=0.666667)" in str(loaded.network)
    assert loaded.options["optimizer"] == {"name": "velocity", "momentum": 0.9}


def test_fastnns_own_names_keep_the_definitions_of_the_notes():
    A = model(3, "linear", loss="mse").predict(X)
    for name, value in {
        "squared_error": ((A - VALUES) ** 2).sum(axis=1).mean() / 2,
        "absolute_error": abs(A - VALUES).sum(axis=1).mean(),
    }.items():
        assert model(3, "linear", loss=name).evaluate(X, VALUES) == pytest.approx(value, rel=1e-12)
    A = model(3, "sigmoid", loss="bce").predict(X)
    expected = 3 * crossentropy(A, LABELS)[0].mean()
    found = model(3, "sigmoid", loss="multilabel_crossentropy").evaluate(X, LABELS)
    assert found == pytest.approx(expected, rel=1e-12)
    for name in ("gradient_descent", "momentum(beta=0.8)", "nesterov"):
        chosen = keras_names.optimizer(name)
        assert chosen["learning_rate"] is None
        assert OPTIMIZERS[chosen["optimizer"]["name"]].name in name
    assert fastnn.network([4, 3], loss_function="mse").loss.to_json() == {"name": "squared_error"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("GlorotUniform", "glorot_uniform"),
        ("HeNormal", "he_normal"),
        ("LecunNormal", "lecun_normal"),
        ("Zeros", "zeros"),
        ("RandomNormal(stddev=0.2)", {"name": "random_normal", "scale": 0.2}),
        ("RandomNormal(mean=0.0, stddev=0.2, seed=None)", {"name": "random_normal", "scale": 0.2}),
        ({"name": "RandomUniform", "minval": -0.3, "maxval": 0.3},
         {"name": "random_uniform", "scale": 0.3}),
        ("he_normal", "he_normal"),
        ("uniform(scale=0.1)", {"name": "uniform", "scale": 0.1}),
    ],
)  # fmt: skip
def test_initializers_by_keras_names(given, name):
    assert keras_names.initializer(given) == name
    assert Dense(3, kernel_initializer=given).kernel_initializer == given  # as it was given


@pytest.mark.parametrize(
    ("given", "form"),
    [
        ("ReLU", {"name": "relu"}),
        ("Softmax", {"name": "softmax"}),
        ("ELU(alpha=0.5)", {"name": "elu", "alpha": 0.5}),
        ("leaky_relu", {"name": "leaky_relu", "slope": 0.2}),  # Keras': 0.01 in the notes, N5
        ("LeakyReLU(negative_slope=0.3)", {"name": "leaky_relu", "slope": 0.3}),
        ("leaky_relu(slope=0.01)", {"name": "leaky_relu", "slope": 0.01}),
        ("SiLU", {"name": "silu"}),
    ],
)
def test_activations_by_keras_names(given, form):
    assert keras_names.activation(given).to_json() == form


def test_every_name_of_a_table_can_be_spelt_like_a_class():
    for table in (LOSSES, OPTIMIZERS):
        for row in table:
            for name in (row.name, *row.aliases):
                camel = "".join(part.capitalize() for part in name.split("_"))
                assert keras_names.spelling(camel, [name]) == name
                assert keras_names.spelling(name.upper(), [name]) == name


def of_keras(module, name, **entries):
    """An object like one of Keras'."""
    return type(name, (), {"__module__": module, **entries})()


ADAM = of_keras("keras.src.optimizers.adam", "Adam")
REFUSED = [
    ({"optimizer": ADAM}, "optimizer is Adam of keras, .* give its name, .* optimizer='Adam'"),
    ({"optimizer": type(ADAM)}, "optimizer is Adam of keras"),
    ({"loss": of_keras("keras.src.losses.losses", "MeanSquaredError", __call__=max)},
     "loss is MeanSquaredError of keras, .* such as loss='MeanSquaredError'"),
    ({"metrics": [of_keras("keras.src.metrics", "AUC")]}, "metrics is AUC of keras"),
    ({"optimizer": of_keras("torch.optim.adam", "Adam")}, "optimizer is Adam of torch"),
    ({"optimizer": "Adam(amsgrad=True)"}, "'Adam': amsgrad=True is not there, only False"),
    ({"optimizer": "RMSprop(momentum=0.9)"}, "'RMSprop': momentum=0.9 is not there, only 0.0"),
    ({"optimizer": "RMSprop(centered=True)"}, "centered=True is not there"),
    ({"optimizer": "SGD(weight_decay=0.1)"}, "weight_decay=0.1 is not there, only None: use AdamW"),
    ({"optimizer": "SGD(clipnorm=1)"}, "clipnorm=1.0 is not there, .* only global_clipnorm"),
    ({"optimizer": "SGD(momentum=1.5)"}, r"'SGD': momentum=1.5 is outside \[0, 1\)"),
    ({"optimizer": "SGD(momentum=0.9, nesterov=1)"}, "nesterov must be True or False, found 1.0"),
    ({"optimizer": "SGD(lr=0.1)"}, "'SGD' has no option 'lr'.*its options: .*learning_rate"),
    ({"optimizer": "Adam(beta_3=0.1)"}, "no option 'beta_3'; did you mean 'beta_"),
    ({"optimizer": "Adam(rho=0.1)"}, "'Adam' has no option 'rho'"),
    ({"optimizer": "adam(beta_1=0.9, beta1=0.8)"}, "beta1 is given twice, once as"),
    ({"optimizer": "adam(beta_1=2)"}, r"beta1=2.0 is outside \[0, 1\)"),
    ({"optimizer": "momentum(rho=2)"}, r"beta=2.0 is outside \[0, 1\)"),
    ({"optimizer": "Nadam"}, "unknown optimizer 'Nadam'; did you mean 'adam'"),
    ({"optimizer": "sgd(global_clipnorm=1)", "gradient_clip": 1.0},
     "gradient_clip and global_clipnorm are the same"),
    ({"optimizer": "Adam(learning_rate=1)", "learning_rate": 1}, "learning_rate is given twice"),
    ({"loss": "Adam"}, r"loss 'Adam' is an optimizer: the loss comes first, compile\(loss, opt"),
    ({"loss": "gradient_descent"}, "loss 'gradient_descent' is an optimizer"),
    ({"loss": "MeanSquared"}, "unknown loss 'MeanSquared'"),
    ({"loss": "mse(factor=3)"}, "loss 'mse' is Keras' and has no factor; 'squared_error' has"),
    ({"loss": "mse(reduction=sum)"}, "loss 'mse': reduction='sum' is not there"),
    ({"loss": "bce(from_logits=True)"}, "from_logits=True is not there, .* the last layer"),
    ({"metrics": ["Precission"]}, "unknown metric 'Precission'; did you mean 'precision'"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), REFUSED)
def test_what_keras_has_and_fastnn_not_is_refused(given, message):
    with pytest.raises(ArgumentError, match=message):
        model(1, "sigmoid", **{"loss": "bce", **given})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(2, of_keras("keras.src.layers", "ReLU")), "activation is ReLU of keras"),
        (lambda: Dense(2, kernel_initializer=of_keras("keras.src.initializers", "HeNormal")),
         "kernel_initializer is HeNormal of keras"),
        (lambda: Dense(2, kernel_initializer="HeNormal(seed=3)"), "seed is an argument of Seq"),
        (lambda: Dense(2, kernel_initializer="RandomUniform(minval=0, maxval=1)"),
         "minval=0.0, maxval=1.0 must lie as far below 0 as above it"),
        (lambda: Dense(2, kernel_initializer="RandomUniform(maxval=1)"), "minval=None"),
        (lambda: Dense(2, kernel_initializer="Orthogonal"), "unknown initializer 'Orthogonal'"),
        (lambda: Dense(2, "ReLU6"), "unknown activation 'ReLU6'"),
        (lambda: Dense(2, use_bias=None), "Dense: use_bias must be True or False, found None"),
        (lambda: Dense(2, "relu", "he_normal"), "use_bias must be True or False, found 'he_norm"),
    ],
)  # fmt: skip
def test_layers_refuse_what_is_not_there(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


def test_options_that_are_keras_defaults_may_be_there():
    given = "Adam(amsgrad=False, weight_decay=None, clipnorm=None, use_ema=False)"
    assert keras_names.optimizer(given) == keras_names.optimizer("adam")
    assert keras_names.optimizer("RMSprop(momentum=0.0)") == keras_names.optimizer("rmsprop")
    assert str(keras_names.loss("bce(from_logits=False, axis=-1)", 1)) == "binary_crossentropy"


def test_a_pickled_model_goes_on_with_keras_steps():
    made = model(3, "linear", loss="mse", optimizer="AdamW(weight_decay=0.1)")
    made.fit(X, VALUES, epochs=2)
    other = pickle.loads(pickle.dumps(made))
    for one in (made, other):
        one.fit(X, VALUES, epochs=2)
    for a, b in zip(made.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_object_of_ones_own_is_an_expression_and_no_object_of_keras():
    keras_names.refuse_objects("loss", SimpleNamespace(name="mse"))
    keras_names.refuse_objects("loss", lambda a, y: (a - y) ** 2)
    assert keras_names.loss(lambda a, y: (a - y) ** 2, 3).name == "custom"
