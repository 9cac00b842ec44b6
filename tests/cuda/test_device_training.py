"""Training on a GPU is training on the CPU: optimisers, data sets, and every way to ask for it."""

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn.api.train import train
from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.program import Uniform
from fastnn.backend.protocols import Backend
from fastnn.backend.random import generator
from fastnn.datasets.builtin import load
from fastnn.nn.network import network
from fastnn.nn.optimizers import OptimizerRule, optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.schedules import SCHEDULES
from fastnn.nn.step import Data
from fastnn.proofs.selfcheck import optimizer_rules, prove_parity
from fastnn.recipe.run_settings import RunSettings

pytestmark = pytest.mark.cuda

RULES = {f"{r.name} {r.options.get('epsilon_placement', '')}": r for r in optimizer_rules()}
ESTIMATORS = [name for name in ("MLPClassifier", "MLPRegressor") if hasattr(fastnn, name)]


def run(backend: Backend, rule: OptimizerRule, dtype: str, steps: int) -> list[np.ndarray]:
    """Train 5-8-3 with dropout on 70 examples (batches of 20, 20, 20, 10), a new rate each step.

    Return the initial weights, every cost, the uniforms of the last masks, the parameters.
    """
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((70, 5)), rng.integers(0, 3, (70, 1))
    net = network(
        [5, 8, 3], activation="tanh", dropout=0.25, loss_function="categorical_crossentropy"
    )
    p = Parameters(net, backend, dtype)
    initialize(net, p, backend, seed=11)
    first = np.array(backend.host(p.theta))
    data = Data(backend.array(X, dtype), backend.array(Y, dtype))
    plan = TrainingPlan(backend, net, p, rule, data, 20, l2=0.01, clip_norm=1.0, seed=11)
    costs = []
    for epoch in range(steps // 4):
        order = generator(11, "shuffle", epoch).permutation(70)
        costs.append(plan.run_epoch(order, 0.02 / np.arange(1, 5) / (1 + 0.01 * epoch)))
    [uniforms] = [i.out for i in plan.program.instructions if isinstance(i, Uniform)]
    return [first, np.concatenate(costs), backend.host(uniforms), np.array(backend.host(p.theta))]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_every_optimizer_for_200_steps(name: str, dtype: str) -> None:
    found = run(get_backend("cuda"), RULES[name], dtype, 200)
    wanted = run(CpuBackend(), RULES[name], dtype, 200)
    assert found[0].tobytes() == wanted[0].tobytes()  # initial weights
    assert found[2].tobytes() == wanted[2].tobytes()  # the uniforms that the masks are made of
    assert len(found[1]) == 200
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    for there, here in zip(found, wanted, strict=True):
        assert np.abs(there - here).max() <= tolerance * np.abs(here).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RULES)
def test_replayed_steps_are_the_launched_ones_bit_for_bit(name: str, dtype: str) -> None:
    found, wanted = (
        run(get_backend("cuda", capture=capture), RULES[name], dtype, 20)
        for capture in ("always", "never")
    )
    assert [a.tobytes() for a in found] == [b.tobytes() for b in wanted]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_order_of_threads_and_blocks_changes_no_bit(dtype: str) -> None:
    emulated_gpu = pytest.importorskip("emulated_gpu", reason="a GPU's order cannot be chosen")
    backend, rule = get_backend("cuda"), optimizer("adam")
    wanted = run(backend, rule, dtype, 8)
    emulated_gpu.reverse(True)
    try:
        found = run(backend, rule, dtype, 8)
    finally:
        emulated_gpu.reverse(False)
    assert [a.tobytes() for a in found] == [b.tobytes() for b in wanted]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_parity_that_the_self_check_reports(dtype: str) -> None:
    proof = prove_parity(get_backend("cuda"), dtype)
    assert proof.passed, proof
    assert proof.device == "cuda:0"


def digits(device: str, **options: Any) -> Any:
    chosen = {"hidden_layer_sizes": [64], "epochs": 15, "patience": None, "seed": 1, **options}
    return train("digits", device=device, **chosen)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_whole_fit_of_digits(dtype: str) -> None:
    there, here = (digits(device, dtype=dtype) for device in ("cuda", "cpu"))
    assert (there.model.device, here.model.device) == ("cuda:0", "cpu")
    accuracy = [t.report["test"]["accuracy"] for t in (there, here)]
    assert accuracy[0] == pytest.approx(accuracy[1], abs=0.005)
    assert min(accuracy) > 0.95
    losses = [[epoch.loss for epoch in t.history.epochs] for t in (there, here)]
    np.testing.assert_allclose(*losses, rtol=1e-3 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("schedule", SCHEDULES.names)
def test_every_schedule(schedule: str) -> None:
    schedule += "(every=2)" if schedule == "step" else ""
    options = {"schedule": schedule, "epochs": 3, "hidden_layer_sizes": [8], "dtype": "float64"}
    there, here = (digits(device, **options) for device in ("cuda", "cpu"))
    losses = [[epoch.loss for epoch in t.history.epochs] for t in (there, here)]
    np.testing.assert_allclose(*losses, rtol=1e-9)


def test_early_stopping_keeps_the_best_weights() -> None:
    options = {"epochs": 40, "patience": 2, "learning_rate": 0.05, "dtype": "float64"}
    there, here = (digits(device, **options) for device in ("cuda", "cpu"))
    assert there.history.stopped == here.history.stopped != "epochs"
    assert there.history.best_epoch == here.history.best_epoch
    assert there.report["test"]["accuracy"] == here.report["test"]["accuracy"]


def test_a_model_goes_from_device_to_device(tmp_path: Any) -> None:
    data = load("digits")
    X = data.table.numeric[:100]
    model = digits("cuda", epochs=3).model
    wanted = model.predict_proba(X)
    fastnn.save(model, tmp_path / "digits.fastnn")
    for device in ("cpu", "cuda"):
        again = fastnn.load(tmp_path / "digits.fastnn", device=device)
        assert again.device.startswith(device)
        np.testing.assert_allclose(again.predict_proba(X), wanted, atol=1e-5)


def sequential(device: str) -> tuple[Any, list[float], np.ndarray, list[float]]:
    data = load("breast_cancer")
    X, y = data.table.numeric, data.target
    model = fastnn.Sequential(
        [fastnn.Normalization(), fastnn.Dense(16, "relu"), fastnn.Dropout(0.2),
         fastnn.Dense(1, "sigmoid")], device=device, seed=4, dtype="float64",
    )  # fmt: skip
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    history = model.fit(X, y, epochs=5, validation_split=0.2)
    return model, history.history["val_loss"], model.predict(X), model.evaluate(X, y)


def test_models_keep_how_they_compute() -> None:
    model = fastnn.Sequential([fastnn.Dense(1, input_dim=2)], device="cuda", capture="never")
    for found in (model, pickle.loads(pickle.dumps(model))):
        assert found._core.backend is get_backend("cuda", capture="never")
    never = get_backend("cuda", capture="never")
    assert RunSettings.of(never, "float32").backend() is never
    pytest.importorskip("sklearn", reason="the estimators are scikit-learn's")
    estimator = fastnn.MLPRegressor(hidden_layer_sizes=(3,), device="cuda", capture="never")
    X = np.linspace(-1, 1, 20).reshape(10, 2)
    estimator.partial_fit(X, X[:, 0])
    for found in (estimator, pickle.loads(pickle.dumps(estimator))):
        assert found._fitted.backend is get_backend("cuda", capture="never")


def test_sequential() -> None:
    there, here = sequential("cuda"), sequential("cpu")
    for found, wanted in zip(there[1:], here[1:], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-8)
    assert there[3][1] > 0.9


def test_the_command_line(run_python: Callable[..., Any], tmp_path: Any) -> None:
    command = ("-m", "fastnn", "train", "digits", "--hidden", "32", "--epochs", "12", "--json")
    done = run_python(*command, "--device", "cuda", "--out", "model.fastnn")
    assert done.returncode == 0, done.stderr
    trained = json.loads(done.stdout)
    assert trained["device"] == "cuda:0"
    assert trained["test"]["accuracy"] > 0.85
    for device, name in (("cuda", "cuda:0"), ("cpu", "cpu"), ("auto", "cuda:0")):
        done = run_python(
            "-m", "fastnn", "evaluate", "model.fastnn", "digits", "--json", "--device", device
        )
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["device"] == name
    done = run_python(
        "-m", "fastnn", "predict", "model.fastnn", "digits", "--device", "cuda", "-o", "p.csv"
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 1798


def test_the_second_of_two_gpus(run_python: Callable[..., Any]) -> None:
    pytest.importorskip("emulated_gpu", reason="whether there are two GPUs is not known")
    train = ("-m", "fastnn", "train", "digits", "--epochs", "2", "--json", "--quiet", "--device")
    done = run_python(*train, "cuda:1", EMULATED_GPUS="2")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["device"] == "cuda:1"
    for device, gpus in (("cuda:7", "2"), ("cuda:1", "1")):
        done = run_python(*train, device, EMULATED_GPUS=gpus)
        assert done.returncode == 4
        assert f"there is no {device}: this process sees {gpus} GPU" in done.stderr


def test_arrays_of_another_gpu_are_refused(run_python: Callable[..., Any]) -> None:
    pytest.importorskip("emulated_gpu", reason="whether there are two GPUs is not known")
    code = """
from fastnn.backend.backend import get_backend
a, b = (get_backend(f"cuda:{i}").zeros((2, 2), "float32") for i in (0, 1))
try:
    get_backend("cuda:0").dot(a, b)
except Exception as error:
    print(type(error).__name__, error)
"""
    done = run_python("-c", code, EMULATED_GPUS="2")
    assert done.stdout.startswith("ArgumentError an array of shape (2, 2) is on cuda:1"), done


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # few epochs are enough here
def test_estimators() -> None:
    """Those of them that there are."""
    data = load("digits")
    X, y = data.table.numeric[:400], data.target[:400]
    for name in ESTIMATORS:
        there, here = (
            getattr(fastnn, name)(hidden_layer_sizes=(16,), max_iter=5, random_state=0, device=d)
            for d in ("cuda", "cpu")
        )
        found, wanted = (estimator.fit(X, y).predict(X) for estimator in (there, here))
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)
