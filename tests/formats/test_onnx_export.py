"""The export to ONNX: valid, and onnxruntime predicts what the model predicts."""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.api.train import train
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.expression import OPERATIONS, erf
from fastnn.backend.graph import trace
from fastnn.data.preprocess import Features
from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.datasets.builtin import load as load_data
from fastnn.errors import ArgumentError, DataError
from fastnn.formats.onnx_graph import OnnxGraph
from fastnn.model.model import Model
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.losses import LOSSES
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.training.history import History
from fastnn.training.learner import Learner

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

RNG = np.random.default_rng(11)
X = RNG.normal(size=(50, 5))
SOFTMAX = {"loss_function": "categorical_crossentropy"}


def session(source: Any) -> Any:
    data = source if isinstance(source, bytes) else str(source)
    return ort.InferenceSession(data, providers=["CPUExecutionProvider"])


def exported(model: Model, folder: Path) -> Any:
    path = folder / "model.onnx"
    model.to_onnx(path)
    onnx.checker.check_model(str(path), full_check=True)
    return session(path)


def run(ready: Any, data: Any) -> dict[str, np.ndarray]:
    """The outputs by name; ``data`` is the matrix X, or a column for each input."""
    inputs = {}
    for i in ready.get_inputs():
        values = data if i.name == "X" else np.asarray(data[i.name])[:, None]
        kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}.get(i.type, object)
        inputs[i.name] = np.asarray(values).astype(kind)
    names = [o.name for o in ready.get_outputs()]
    return dict(zip(names, ready.run(None, inputs), strict=True))


def made(task="regression", K=2, dtype="float32", classes=None, **shape) -> Model:
    """A model of 5 inputs with random numbers everywhere."""
    net = network([5, 8, 6, K], **shape)
    p, rng = Parameters(net, CpuBackend(), dtype), np.random.default_rng(0)
    initialize(net, p, CpuBackend(), initializer="glorot_normal", seed=0)
    for b in p.b:
        b[:] = rng.uniform(-0.5, 0.5, b.shape)
    for n in p.norms.values():
        for view in (n.gamma, n.beta, n.mean, n.variance):
            view[:] = rng.uniform(0.5, 1.5, view.shape)
    table = Table.from_columns({"x": np.zeros((1, 5))}, positional=True)
    features = Features.fit(table, dtype=dtype, standardize=False)
    mean = np.arange(K) + 1.0 if task == "regression" else None
    k = 1 if task == "binary" else K
    targets = Targets(task, classes, k, mean, mean, K == 1, dtype)
    learner = Learner(net, p, CpuBackend(), history=History(stopped="epochs"))
    return Model(learner, features, targets)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("place", [None, "before", "after"])
@pytest.mark.parametrize("g", ACTIVATIONS.names)
def test_every_activation(g, place, dtype, tmp_path):
    model = made(activation=g, batch_normalization=place, dtype=dtype)
    found = run(exported(model, tmp_path), 0.3 * X)  # exponentials of exponentials stay small
    assert list(found) == ["prediction"]
    assert found["prediction"].dtype == np.float64
    tolerance = 1e-6 if dtype == "float32" or g == "gelu" else 1e-12
    wanted = model.predict(0.3 * X)
    np.testing.assert_allclose(found["prediction"], wanted, rtol=tolerance, atol=tolerance)


OUTPUTS = [(row.name, task) for row in LOSSES for task in row.tasks]


@pytest.mark.parametrize(("loss", "task"), OUTPUTS)
def test_every_loss_and_task(loss, task, tmp_path):
    K = {"binary": 1, "multiclass": 3, "multilabel": 3, "regression": 2}[task]
    K = 2 if (loss, task) == ("categorical_crossentropy", "binary") else K
    labels = {"binary": np.array(["no", "yes"]), "multiclass": np.array([3, 5, 9])}.get(task)
    free = loss == "squared_error" and task != "regression"
    model = made(
        task, K, classes=labels, loss_function=loss, activation="tanh",
        output_activation="sigmoid" if free else None,
    )  # fmt: skip
    found = run(exported(model, tmp_path), X)
    if task == "regression":
        np.testing.assert_allclose(found["prediction"], model.predict(X), rtol=1e-6, atol=1e-6)
        return
    assert list(found) == ["label", "probabilities"]
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-6)
    assert found["label"].tolist() == model.predict(X).tolist()
    assert len(np.unique(found["label"])) > 1, "a constant would prove little"


@pytest.mark.parametrize("g", [name for name in ACTIVATIONS.names if name != "softmax"])
def test_every_output_activation(g, tmp_path):
    model = made(activation="tanh", output_activation=g, loss_function="squared_error")
    found = run(exported(model, tmp_path), X)["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "classes",
    [["ant", "bee", "cöl"], [-4, 0, 7], [0.5, 1.5, 2.5]],
    ids=["text", "whole numbers", "numbers"],
)
def test_labels_of_every_type(classes, tmp_path):
    model = made("multiclass", 3, classes=np.array(classes), **SOFTMAX)
    assert run(exported(model, tmp_path), X)["label"].tolist() == model.predict(X).tolist()


def test_truth_values_as_labels_and_one_target_value(tmp_path):
    model = made("binary", 1, classes=np.array([False, True]), loss_function="binary_crossentropy")
    found = run(exported(model, tmp_path), X)
    assert found["label"].dtype == bool
    assert found["label"].tolist() == model.predict(X).tolist()
    one = made(K=1)
    assert run(exported(one, tmp_path), X)["prediction"].shape == one.predict(X).shape == (50,)


def check_expression(function: Any, x: np.ndarray, y: np.ndarray, dtype: Any) -> None:
    expression, columns = trace(function), x.shape[1]
    graph = OnnxGraph("expression", taken=["x", "y"])
    names = {"a": graph.add_input("x", dtype, columns), "b": graph.add_input("y", dtype, columns)}
    graph.add_output("out", graph.expression(expression, names, dtype)[0], dtype, columns)
    ready = session(graph.model({}, "test", "0").SerializeToString())
    wanted = expression.evaluate(x.astype(dtype), y.astype(dtype))[0]
    given = {"x": x.astype(dtype), "y": y.astype(dtype)}
    found = ready.run(None, {i.name: given[i.name] for i in ready.get_inputs()})[0]
    np.testing.assert_allclose(found, np.asarray(wanted, dtype), rtol=1e-6, atol=3e-7)


@pytest.mark.parametrize("op", [op for op in OPERATIONS if not OPERATIONS[op].boolean])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_operation_of_an_expression(op, dtype):
    x, y = np.linspace(0.1, 3, 24).reshape(6, 4), np.linspace(2, -1.3, 24).reshape(6, 4)
    row = OPERATIONS[op]
    of_arity = {
        1: lambda a, b: erf(a) if op == "erf" else row.function(a),
        2: lambda a, b: row.function(a, b),
        3: lambda a, b: np.where(a > b, a - 1, b),
    }
    check_expression(of_arity[row.arity], x, y, dtype)


@pytest.mark.parametrize("op", [op for op in OPERATIONS if OPERATIONS[op].boolean])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_truth_value_of_an_expression(op, dtype):
    """As a condition, as a number in a sum, and as the result itself."""
    x = np.tile([0.0, 1.0, 2.0], 4).reshape(4, 3)
    y = np.repeat([0.0, 1.0, 2.0, -1.0], 3).reshape(4, 3)
    row = OPERATIONS[op]

    def truth(a, b):
        return row.function(a, b) if row.arity == 2 else row.function(a)

    check_expression(lambda a, b: np.where(truth(a, b), a, 5.0), x, y, dtype)
    check_expression(lambda a, b: truth(a, b) * 2.0 + a, x, y, dtype)
    check_expression(lambda a, b: truth(a, b), x, y, dtype)


def test_an_activation_of_ones_own(tmp_path):
    def g(z):
        return np.where((z > 0) & ~(z > 2), np.log1p(z * z), np.sin(z) + np.clip(z, -1, 1) ** 3)

    model = made(activation=[g, "elu(alpha=0.5)"], output_activation=lambda z: z / (1 + abs(z)))
    found = run(exported(model, tmp_path), X)["prediction"]
    np.testing.assert_allclose(found, model.predict(X), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [1, 7, 50])
def test_the_number_of_rows_is_free(n, tmp_path):
    model = made("multiclass", 3, classes=np.arange(3), **SOFTMAX)
    ready = exported(model, tmp_path)
    assert [i.shape for i in ready.get_inputs()] == [["N", 5]]
    found = run(ready, X[:n])
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X[:n]), atol=1e-6)


# ---------------------------------------------------------------- trained, with preprocessing


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "diabetes"])
def test_trained_models_with_standardisation(name, tmp_path):
    options = {"hidden_layer_sizes": [32, 16], "batch_normalization": "before", "epochs": 5}
    model, data = train(name, **options).model, load_data(name)
    found = run(exported(model, tmp_path), data.table.numeric)
    if model.task == "regression":
        off = found["prediction"] - model.predict(data.table)
        assert abs(off / model.targets.scale).max() <= 1e-6  # in the network's units
        return
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(data.table), atol=1e-6)
    assert found["label"].tolist() == model.predict(data.table).tolist()
    assert found["label"].dtype == np.int64


TABLE = {
    "age": np.where(np.arange(90) % 7 == 0, np.nan, RNG.normal(40, 9, 90)),
    "town": np.array([["Ulm", "Köln", "", None][i % 4] for i in range(90)], dtype=object),
    "label": RNG.normal(1e4, 1, 90),
    "code": RNG.integers(1, 4, 90).astype(float),
}
KIND = np.array(["no", "yes", "maybe"])[np.arange(90) // 30]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaps_categories_and_codes(dtype, tmp_path):
    model = train(TABLE, KIND, categorical=["code"], epochs=4, dtype=dtype).model
    ready = exported(model, tmp_path)
    kinds = {i.name: i.type.removeprefix("tensor(").removesuffix(")") for i in ready.get_inputs()}
    number = {"float32": "float", "float64": "double"}[dtype]
    # the labels lie between 9,997 and 10,003: in float32 they would have few digits left
    assert kinds == {"age": number, "label": "double", "town": "string", "code": "string"}
    rows = {
        "age": np.array([np.nan, 40, 50, 60]),
        "town": np.array(["Köln", "Rom", "Ulm", None], dtype=object),
        "label": np.array([1e4, 1e4 + 1, np.nan, 1e4 - 1]),
        "code": np.array([1.0, 2.0, 9.0, 3.0]),
    }
    texts = {**rows, "code": ["1", "2", "9", "3"], "town": ["Köln", "Rom", "Ulm", "none"]}
    found = run(ready, texts)
    with warnings.catch_warnings():  # of the gap and the unknown ones
        warnings.simplefilter("ignore")
        wanted = model.predict_proba(rows), model.predict(rows)
    label = next(name for name in found if name.startswith("label"))
    assert label != "label", "an input has that name"
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(found["probabilities"], wanted[0], atol=tolerance)
    assert found[label].tolist() == wanted[1].tolist()


def test_categories_only_and_one_number_only(tmp_path):
    towns = {"town": TABLE["town"]}
    models = [
        train(data, KIND, epochs=2).model for data in (towns, {**towns, "x": X[:45, :2].ravel()})
    ]
    rows = {"town": np.array(["Ulm", "Köln"], dtype=object), "x": np.array([0.3, -2.0])}
    for model in models:
        given = {name: rows[name] for name in model.features.columns}
        found = run(exported(model, tmp_path), given)["probabilities"]
        np.testing.assert_allclose(found, model.predict_proba(given), atol=1e-6)


def test_numbers_as_they_are_and_several_labels(tmp_path):
    Y = (X[:, :3] > 0).astype(int)
    model = train(X, Y, standardize=False, epochs=3, dtype="float64").model
    found = run(exported(model, tmp_path), X)
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-12)
    assert found["label"].tolist() == model.predict(X).tolist()


def test_a_sequential_that_was_saved(tmp_path):
    layers = [
        fastnn.Normalization(),
        fastnn.Dense(8),
        fastnn.BatchNormalization(),
        fastnn.Activation("mish"),
        fastnn.Dropout(0.2),
        fastnn.Dense(2, "softmax"),
    ]
    sequential = fastnn.Sequential(layers)
    sequential.compile("sparse_categorical_crossentropy")
    sequential.fit(X, (X[:, 0] > 0).astype(int), epochs=3)
    sequential.save(tmp_path / "m.fastnn")
    found = run(exported(fastnn.load(tmp_path / "m.fastnn"), tmp_path), X)
    np.testing.assert_allclose(found["probabilities"], sequential.predict(X), atol=1e-6)
    assert found["label"].tolist() == sequential.predict(X).argmax(1).tolist()


def test_numbers_that_float32_cannot_tell_apart_enter_as_double(tmp_path):
    stamps = 1.7e9 + RNG.uniform(0, 600, 200)
    table = {"ts": stamps, "z": RNG.normal(size=200), "year": RNG.integers(1990, 2020, 200)}
    y = np.sin(stamps / 600 * 2 * np.pi)
    model = train(table, y, epochs=30, learning_rate=0.01, hidden_layer_sizes=[16]).model
    ready = exported(model, tmp_path)
    assert [i.type for i in ready.get_inputs()] == ["tensor(double)"]
    found = run(ready, np.column_stack(list(table.values())))["prediction"]
    np.testing.assert_allclose(found, model.predict(table), atol=1e-6)
    with_text = {**table, "town": np.array(["Ulm", "Bonn"] * 100, dtype=object)}
    model = train(with_text, y, epochs=2, hidden_layer_sizes=[16]).model
    ready = exported(model, tmp_path)
    kinds = {i.name: i.type for i in ready.get_inputs()}
    double, single = "tensor(double)", "tensor(float)"
    assert kinds == {"ts": double, "z": single, "year": double, "town": "tensor(string)"}
    np.testing.assert_allclose(
        run(ready, with_text)["prediction"], model.predict(with_text), atol=1e-6
    )


@pytest.mark.parametrize("size", [1e100, 1e38, 1e33, 1e-33, 1e-42, 1e-200])
def test_numbers_that_float32_has_not_enter_as_double(size, tmp_path):
    rows = np.column_stack([X[:, 0], X[:, 1] * size])
    model = train(rows, X[:, 1], epochs=3).model
    ready = exported(model, tmp_path)
    assert [i.type for i in ready.get_inputs()] == ["tensor(double)"]
    found = run(ready, rows)["prediction"]
    np.testing.assert_allclose(found, model.predict(rows), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"standardize": False}, {"dtype": "float64"}, {}, {"scale": 1e30}, {"scale": 1e-30}]
)
def test_other_numbers_have_the_models_dtype(options, tmp_path):
    scale = options.get("scale", 1.0)
    own = {name: value for name, value in options.items() if name != "scale"}
    model = train((X[:, :2] + 3) * scale, X[:, 2], epochs=1, **own).model
    kind = exported(model, tmp_path).get_inputs()[0].type
    assert kind == ("tensor(double)" if "dtype" in options else "tensor(float)")


def test_spellings_of_categories_that_programs_write(tmp_path):
    table = {"flag": [True, False, True] * 20, "code": [1.0, 2.0, None] * 20}
    model = train(table, KIND[:60], categorical=["flag", "code"], epochs=3).model
    assert model.features.categories == {"flag": ("0", "1"), "code": ("1", "2")}
    ready = exported(model, tmp_path)
    rows = {"flag": [True, False, True], "code": [1, 2, None]}
    wanted = model.predict_proba(rows)
    for flags, codes in (
        (["1", "0", "1"], ["1", "2", ""]),
        (["True", "False", "true"], ["1.0", "2.0", "nan"]),
        (["TRUE", " 0", "+1"], ["1.00", "2 ", "?"]),
    ):
        found = run(ready, {"flag": np.array(flags), "code": np.array(codes)})["probabilities"]
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_text_with_spaces_around_it(tmp_path):
    table = {"town": np.array([" x", "y "] * 30, dtype=object), "z": X[:, 0][np.arange(60) % 50]}
    model = train(table, np.arange(60) % 2, epochs=3).model
    found = run(exported(model, tmp_path), table)["probabilities"]
    np.testing.assert_allclose(found, model.predict_proba(table), atol=1e-6)
    kept = {e.key: e.value for e in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert json.loads(kept["categories"]) == {"town": ["x", "y"]}


# ---------------------------------------------------------------- the file


def test_the_file_says_what_it_is_and_is_the_same_each_time(tmp_path):
    model = train({"b": X[:, 0], "a": X[:, 1]}, X[:, 2], epochs=1, task="regression").model
    for name in ("a.onnx", "b.onnx"):
        model.to_onnx(tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    kept = onnx.load(tmp_path / "a.onnx")
    assert (kept.producer_name, kept.producer_version) == ("fastnn", fastnn.__version__)
    found = {entry.key: entry.value for entry in kept.metadata_props}
    assert (found["task"], json.loads(found["columns"])) == ("regression", ["b", "a"])
    assert json.loads(found["target"]) == ["target"]


def test_without_onnx_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ArgumentError, match=r"needs onnx, .*: pip install onnx onnxruntime$"):
        made().to_onnx("never.onnx")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot write file"):
        made().to_onnx(tmp_path / "no" / "m.onnx")


def test_weights_that_no_file_can_hold(monkeypatch):
    monkeypatch.setattr("fastnn.formats.onnx_export._MOST_BYTES", 100)
    with pytest.raises(ArgumentError, match="the weights are too large for ONNX"):
        made().to_onnx("never.onnx")
