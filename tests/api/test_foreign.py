"""Weights of PyTorch, Keras and scikit-learn: the same predictions, and what cannot be read."""

from itertools import pairwise

import numpy as np
import pytest
from safetensors.numpy import save_file

import fastnn
from fastnn import from_keras, from_pytorch, from_sklearn
from fastnn.errors import ArgumentError, DataError, ModelFileError

RNG = np.random.default_rng(5)
X = RNG.normal(size=(40, 4)).astype(np.float32)


def state(*sizes, prefix="", step=2, dtype=np.float32, **norms) -> dict[str, np.ndarray]:
    """A state dict of Linear layers named 0, 2, 4 ..., each input first in ``sizes``."""
    found = {}
    for i, (k, n) in enumerate(pairwise(sizes)):
        found[f"{prefix}{i * step}.weight"] = RNG.normal(size=(n, k)).astype(dtype)
        found[f"{prefix}{i * step}.bias"] = RNG.normal(size=n).astype(dtype)
    return found


def norm(name, n) -> dict[str, np.ndarray]:
    return {
        f"{name}.weight": RNG.uniform(0.5, 2, n).astype(np.float32),
        f"{name}.bias": RNG.normal(size=n).astype(np.float32),
        f"{name}.running_mean": RNG.normal(size=n).astype(np.float32),
        f"{name}.running_var": RNG.uniform(0.5, 2, n).astype(np.float32),
        f"{name}.num_batches_tracked": np.array(7),
    }


# ---------------------------------------------------------------- PyTorch


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("place", [None, "before", "after"])
@pytest.mark.parametrize(
    ("activation", "module"),
    [("relu", "ReLU"), ("tanh", "Tanh"), ("gelu", "GELU"), ("silu", "SiLU"), ("elu", "ELU"),
     ("sigmoid", "Sigmoid"), ("selu", "SELU"), ("softplus", "Softplus"), ("mish", "Mish"),
     ("leaky_relu", "LeakyReLU")],
)  # fmt: skip
def test_pytorch_file_predicts_the_same(torch, tmp_path, activation, module, place):
    from safetensors.torch import save_file as save_torch

    torch.manual_seed(0)
    g = getattr(torch.nn, module)
    layers = []
    for k, n in ((4, 16), (16, 8)):
        middle = {None: [g()], "before": [torch.nn.BatchNorm1d(n), g()],
                  "after": [g(), torch.nn.BatchNorm1d(n)]}[place]  # fmt: skip
        layers += [torch.nn.Linear(k, n), *middle]
    theirs = torch.nn.Sequential(*layers, torch.nn.Linear(8, 3))
    theirs.train()
    for _ in range(5):  # estimates that are not 0 and 1
        theirs(torch.randn(20, 4) + 1)
    theirs.eval()
    save_torch(theirs.state_dict(), tmp_path / "net.safetensors")
    ours = from_pytorch(
        tmp_path / "net.safetensors", task="multiclass", activation=activation,
        batch_normalization=place,
    )  # fmt: skip
    with torch.no_grad():
        wanted = torch.softmax(theirs(torch.from_numpy(X)), 1).numpy()
    np.testing.assert_allclose(ours.predict_proba(X), wanted, atol=1e-6)
    assert ours.parameters.dtype == np.float32


def test_a_module_with_named_layers_and_tensors_as_they_are(torch):
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.out = torch.nn.Linear(5, 1, bias=False)
            self.first = torch.nn.Linear(4, 7)
            self.second = torch.nn.Linear(7, 5)

        def forward(self, x):
            return self.out(torch.tanh(self.second(torch.tanh(self.first(x)))))

    theirs = Net().double()
    ours = from_pytorch(theirs.state_dict(), task="regression", activation="tanh")
    with torch.no_grad():
        wanted = theirs(torch.from_numpy(X).double()).numpy()[:, 0]
    np.testing.assert_allclose(ours.predict(X), wanted, rtol=1e-12)
    assert ours.parameters.dtype == np.float64


def test_ten_layers_come_in_the_order_of_their_numbers():
    weights = state(4, *[4] * 11, 1, prefix="net.", step=1)
    ours = from_pytorch(weights, task="regression", activation="identity")
    A = X.T.astype(np.float64)
    for i in range(12):
        A = weights[f"net.{i}.weight"] @ A + weights[f"net.{i}.bias"][:, None]
    np.testing.assert_allclose(ours.predict(X), A[0], rtol=1e-3)


@pytest.mark.parametrize("classes", [["a", "b", "c"], ["c", "a", "b"]])
def test_labels_in_the_order_of_the_outputs(classes, tmp_path):
    weights = state(4, 3)
    ours = from_pytorch(weights, task="multiclass", classes=classes)
    Z = X @ weights["0.weight"].T + weights["0.bias"]
    assert ours.predict(X).tolist() == [classes[k] for k in Z.argmax(1)]
    ours.save(tmp_path / "m.fastnn")
    assert fastnn.load(tmp_path / "m.fastnn").predict(X).tolist() == ours.predict(X).tolist()


@pytest.mark.parametrize("classes", [["no", "yes"], ["yes", "no"]])
@pytest.mark.parametrize("K", [1, 2])
def test_two_labels_with_one_output_or_two(classes, K):
    weights = state(4, 6, K)
    ours = from_pytorch(weights, task="binary", classes=classes, activation="tanh")
    A = np.tanh(X @ weights["0.weight"].T + weights["0.bias"])
    Z = A @ weights["2.weight"].T + weights["2.bias"]
    p = sigmoid(Z[:, 0]) if K == 1 else sigmoid(Z[:, 1] - Z[:, 0])  # of the second label
    column = 1 if classes[1] == "yes" else 0
    np.testing.assert_allclose(ours.predict_proba(X)[:, column], p, atol=1e-6)
    assert ours.predict(X).tolist() == [classes[int(q > 0.5)] for q in p]


def test_half_precision_and_named_columns():
    weights = {k: v.astype(np.float16) for k, v in state(2, 1).items()}
    ours = from_pytorch(weights, task="regression", columns=["b", "a"])
    W, b = (weights[f"0.{k}"].astype(np.float64) for k in ("weight", "bias"))
    found = ours.predict({"a": np.array([1.0]), "b": np.array([2.0])})
    np.testing.assert_allclose(found, W @ [2.0, 1.0] + b, rtol=1e-6)
    with pytest.raises(DataError, match="no column 'b'"):
        ours.predict({"a": np.array([1.0])})


@pytest.mark.parametrize(
    ("linear", "bn", "layer"),
    [(["0", "3", "6"], ["4"], 2), (["0", "3", "6"], ["1"], 1), (["fc1", "fc2", "fc3"], ["bn2"], 2),
     (["a", "b", "c"], ["n", "m"], 1)],
)  # fmt: skip
def test_batch_normalisation_goes_to_its_layer(linear, bn, layer):
    sizes = [4, 6, 6, 2]
    weights = {}
    for name, k, n in zip(linear, sizes[:-1], sizes[1:], strict=True):
        weights[f"{name}.weight"] = RNG.normal(size=(n, k)).astype(np.float32)
    for name in bn:
        weights |= norm(name, 6)
    order = linear if linear[0] == "a" else None
    ours = from_pytorch(weights, task="regression", layers=order, batch_normalization="after")
    rule = ours.network.batch_norm[layer - 1]
    assert (rule.place, rule.momentum, rule.epsilon) == ("after", 0.9, 1e-5)
    first = sorted(bn)[0]
    found = ours.parameters.norms[layer].mean[:, 0]
    np.testing.assert_array_equal(found, weights[f"{first}.running_mean"])


GOOD = state(4, 3, 2)


@pytest.mark.parametrize(
    ("weights", "options", "said"),
    [
        ({**GOOD, "2.weight": np.ones((2, 5))}, {},
         r"layer '2' has weights \(2, 5\) and so 5 inputs, but layer '0' before it has \(3, 4\) "
         "and so 3 outputs"),
        ({**GOOD, "2.bias": np.ones(3)}, {}, r"layer '2' .* but a bias of shape \(3,\), needs"),
        ({**GOOD, "2.bias": np.array([1, np.nan])}, {}, "'2' has weights that are not finite"),
        ({**GOOD, "4.weight": np.ones((2, 2, 3))}, {}, r"module '4' \(weight \(2, 2, 3\)\) is no"),
        ({"c.weight": np.ones((3, 2, 2)), "c.x": np.ones(2)}, {}, "neither a Linear nor a Batch"),
        ({**GOOD, "0.bias": np.array(["a", "b", "c"])}, {}, "'0.bias' is of <U1, needs float32"),
        ({**GOOD, "0.weight": np.ones((3, 4), np.int8)}, {}, "'0.weight' is of int8, needs"),
        ({"a.weight": np.ones((4, 4)), "b.weight": np.ones((4, 4))}, {},
         r"fit together in more than one order \(a \(4, 4\), b \(4, 4\)\): say which with layers="),
        ({"a.weight": np.ones((4, 3)), "b.weight": np.ones((4, 2))}, {}, "together in no order"),
        (GOOD, {"layers": ["0", "1"]}, "layers names 0, 1, but the Linear modules are 0, 2"),
        ({}, {}, "the weights have no layer"),
        (GOOD, {"task": "clusters"}, "task"),
        (GOOD, {"task": "multiclass", "classes": ["a"]}, "classes must be 2 different labels"),
        (GOOD, {"classes": [1, 2]}, "classes has no effect with task 'regression'"),
        (state(4, 3), {"task": "binary"}, "task 'binary' does not fit the 3 outputs of layer '0'"),
        (state(4, 1), {"task": "multiclass"}, "task 'multiclass' does not fit the 1 output"),
        (GOOD, {"activation": "rellu"}, "did you mean 'relu'"),
        (GOOD, {"dtype": "float16"}, "dtype must be 'float32' or 'float64'"),
        ({**GOOD, "2.bias": np.array([1e39, 0])}, {"dtype": "float32"},
         "layer '2' has weights that are too large for float32: use dtype='float64'"),
        (GOOD, {"columns": ["a"]}, "columns names 1 inputs, the weights have 4"),
        (GOOD, {"batch_normalization": "before"}, "has no effect: the weights have none"),
        ({**GOOD, **norm("1", 3)}, {}, "say where it is, batch_normalization='before' or 'after'"),
        ({**GOOD, **norm("1", 5)}, {"batch_normalization": "after"},
         r"layer '0' has weights \(3, 4\) .* but a batch norm of shape \(5,\), needs \(3,\)"),
        ({**GOOD, **norm("3", 2)}, {"batch_normalization": "after"},
         "batch normalisation after the output layer '2' cannot be read"),
        ({**GOOD, "1.weight": np.ones(3), "1.bias": np.ones(3)}, {"batch_normalization": "after"},
         "module '1' .* without running_mean and running_var no BatchNorm1d"),
        ({**GOOD, **norm("1", 3), "1.running_var": -np.ones(3)}, {"batch_normalization": "after"},
         "layer '0': its running variance has values below 0"),
        ({**state(4, 6, 6, 6, 1), **norm("norm", 6)}, {"batch_normalization": "after"},
         "batch normalisation 'norm' of 6 units cannot be told to belong"),
        (7, {}, "weights must be the path of a safetensors file or a state dict"),
    ],
)  # fmt: skip
def test_a_state_dict_that_does_not_fit(weights, options, said):
    with pytest.raises(ArgumentError, match=said):
        from_pytorch(weights, **{"task": "regression", **options})


def test_tensors_that_numpy_does_not_have(torch, tmp_path):
    from safetensors.torch import save_file as save_torch

    weights = {"0.weight": torch.ones((2, 3), dtype=torch.bfloat16)}
    save_torch(weights, tmp_path / "net.safetensors")
    with pytest.raises(ModelFileError, match=r"bfloat16.*save_file\(model\.float\(\)"):
        from_pytorch(tmp_path / "net.safetensors", task="regression")
    with pytest.raises(ArgumentError, match=r"'0\.weight' is no array: .*BFloat16"):
        from_pytorch(weights, task="regression")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ModelFileError, match=r"no\.safetensors' cannot be read: "):
        from_pytorch(tmp_path / "no.safetensors", task="regression")
    (tmp_path / "net.pt").write_bytes(b"PK\x03\x04 a pickle")
    with pytest.raises(ModelFileError, match=r"net\.pt' is no safetensors file .*save_file"):
        from_pytorch(tmp_path / "net.pt", task="regression")
    save_file(GOOD, tmp_path / "net.safetensors")
    assert from_pytorch(tmp_path / "net.safetensors", task="regression").predict(X).shape == (40, 2)


# ---------------------------------------------------------------- Keras


def by_hand(weights, g, epsilon=1e-3, place=None):
    """Keras' arithmetic on get_weights() of Dense with bias, in NumPy."""
    A, weights = X.astype(np.float64), list(weights)
    while weights:
        kernel, bias = weights.pop(0), weights.pop(0)
        A = A @ kernel + bias
        if not weights:
            return A
        four = [weights.pop(0) for _ in range(4)] if place else None
        if place == "after":
            A = g(A)
        if four:
            gamma, beta, mean, variance = four
            A = gamma * (A - mean) / np.sqrt(variance + epsilon) + beta
        if place != "after":
            A = g(A)
    raise AssertionError


def keras_list(*sizes, norms=False):
    arrays = []
    for k, n in pairwise(sizes):
        arrays += [RNG.normal(size=(k, n)), RNG.normal(size=n)]
        if norms and n != sizes[-1]:
            arrays += [RNG.uniform(0.5, 2, n) for _ in range(4)]
    return arrays


@pytest.mark.parametrize("place", [None, "before", "after"])
def test_keras_weights_predict_the_same(place):
    weights = keras_list(4, 9, 6, 3, norms=place is not None)
    ours = from_keras(
        weights, task="regression", activation="tanh", batch_normalization=place, dtype="float64"
    )
    np.testing.assert_allclose(
        ours.predict(X), by_hand(weights, np.tanh, place=place), rtol=1e-10, atol=1e-12
    )


def test_keras_weights_are_those_of_sequential():
    layers = [fastnn.Dense(6, "relu", input_dim=4), fastnn.BatchNormalization(),
              fastnn.Dense(1, "sigmoid")]  # fmt: skip
    model = fastnn.Sequential(layers)
    model.set_weights([abs(w) + 0.1 for w in model.get_weights()])
    ours = from_keras(model.get_weights(), task="binary", batch_normalization="after")
    np.testing.assert_array_equal(ours.outputs(X), model.predict(X))


def test_keras_without_biases_and_with_a_normalisation_of_its_own():
    kernel, last = RNG.normal(size=(4, 3)), RNG.normal(size=(3, 1))
    four = [np.array(v) for v in ([1.0, 2, 3], [0.0, 0, 1], [0.5, 0, 0], [1.0, 4, 9])]
    ours = from_keras(
        [kernel, *four, last], task="regression", batch_normalization="before(epsilon=1.0)"
    )
    A = np.maximum(four[0] * (X @ kernel - four[2]) / np.sqrt(four[3] + 1) + four[1], 0)
    np.testing.assert_allclose(ours.predict(X), (A @ last)[:, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ([np.ones(3), np.ones(3), np.ones((3, 1))],
         r"must begin with the kernel \(n_in, n_out\) of a Dense layer, found \(3,\), \(3,\)"),
        ([np.ones((3, 2)), np.ones(2), np.ones(2), np.ones((2, 1))],
         r"Dense 1: after its kernel \(3, 2\) come 2 arrays of shapes \(2,\), \(2,\)"),
        ([np.ones((3, 2)), np.ones(2), np.ones((5, 1)), np.ones(1)],
         r"layer 'Dense 2' has weights \(1, 5\) and so 5 inputs, but layer 'Dense 1' .* \(2, 3\)"),
        (np.ones((3, 2)), "weights must be the list that get_weights"),
        ([], "must begin with the kernel"),
        (["a"], r"weights\[0\]' is of <U1"),
    ],
)  # fmt: skip
def test_a_list_that_does_not_fit(weights, said):
    with pytest.raises(ArgumentError, match=said):
        from_keras(weights, task="regression")


# ---------------------------------------------------------------- scikit-learn


@pytest.fixture(scope="module")
def sklearn():
    pytest.importorskip("sklearn")
    import sklearn.neural_network
    import sklearn.pipeline
    import sklearn.preprocessing

    return sklearn


LABELS = np.array(["x", "y", "z"])[np.digitize(X[:, 0], [-0.5, 0.5])]


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("y", [LABELS, LABELS == "x", X[:, :2] > 0], ids=["3", "2", "labels"])
def test_a_classifier_predicts_the_same(sklearn, activation, y, tmp_path):
    theirs = sklearn.neural_network.MLPClassifier([7, 5], activation=activation, random_state=0)
    theirs.partial_fit(X, y, classes=np.unique(y) if y.ndim == 1 else np.arange(2))
    ours = from_sklearn(theirs)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    ours.save(tmp_path / "m.fastnn")
    np.testing.assert_array_equal(fastnn.load(tmp_path / "m.fastnn").predict(X), ours.predict(X))


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
@pytest.mark.parametrize("k", [0, 1, 2])
def test_a_regressor_predicts_the_same(sklearn, loss, k):
    y = abs(X[:, 0] if k == 0 else X[:, :k])
    if k == 1:
        y = y[:, 0]  # scikit-learn warns of a column
    theirs = sklearn.neural_network.MLPRegressor(loss, [6], random_state=0)
    theirs.partial_fit(X, y)
    ours = from_sklearn(theirs)
    assert ours.predict(X).shape == theirs.predict(X).shape
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-6)


def test_a_pipeline_with_a_scaler_and_named_columns(sklearn):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X * 50.0 + 7, dtype=float, columns=list("abcd"))
    mlp = sklearn.neural_network.MLPClassifier([5], max_iter=300, tol=1, random_state=0)
    theirs = sklearn.pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(), mlp)
    theirs.fit(frame, LABELS)
    ours = from_sklearn(theirs, dtype="float64")
    np.testing.assert_allclose(
        ours.predict_proba(frame[list("dcba")]), theirs.predict_proba(frame), atol=1e-9
    )


def test_what_is_no_fitted_mlp(sklearn):
    unfitted = sklearn.neural_network.MLPClassifier()
    with pytest.raises(ArgumentError, match="MLPClassifier is not a fitted MLPClassifier"):
        from_sklearn(unfitted)
    scaler = sklearn.preprocessing.MinMaxScaler()
    with pytest.raises(ArgumentError, match="a pipeline of MinMaxScaler, MLPClassifier cannot be"):
        from_sklearn(sklearn.pipeline.make_pipeline(scaler, unfitted))


def test_our_own_estimators_have_a_model_themselves(sklearn):
    """Their weights alone would predict from inputs that are not standardised."""
    ours = fastnn.MLPRegressor(hidden_layer_sizes=[3], standardize=True).partial_fit(X, X[:, 0])
    scaled = sklearn.pipeline.make_pipeline(sklearn.preprocessing.StandardScaler(), ours)
    for estimator in (ours, scaled):
        with pytest.raises(ArgumentError, match=r"MLPRegressor is fastnn's own.* its to_model\(\)"):
            from_sklearn(estimator)


def test_a_single_class(sklearn):
    theirs = sklearn.neural_network.MLPClassifier([3])
    theirs.partial_fit(X, np.full(len(X), 7), classes=[7])
    with pytest.raises(ArgumentError, match="was fitted to one class, 7: a model needs two"):
        from_sklearn(theirs)
