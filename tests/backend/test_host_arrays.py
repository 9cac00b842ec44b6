"""Arrays of a GPU, wherever somebody hands them over: moved, or refused with the reason."""

from typing import Any

import numpy as np
import pytest

from fastnn import Dense, MLPClassifier, Sequential, train
from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.host.arrays import check_on_host, is_on_gpu, to_host
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Recorder
from fastnn.errors import ArgumentError
from fastnn.model.files import load

VALUES = np.array([[1.0, 2.0], [3.0, 4.0]])
double = Kernel("double", lambda x: 2 * x)


class Foreign:
    """An array of a GPU, as far as anybody can see from outside."""

    shape = (2, 2)
    __cuda_array_interface__ = {"shape": (2, 2)}  # noqa: RUF012

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError("implicit conversion is not allowed")


class LikeCupy(Foreign):
    def get(self) -> Any:
        return VALUES


class LikeTorch(Foreign):
    def detach(self) -> Any:
        return self

    def cpu(self) -> Any:
        return self

    def numpy(self) -> Any:
        return VALUES


class LikeNumba(Foreign):
    def copy_to_host(self) -> Any:
        return VALUES


class LikeJax(Foreign):
    def block_until_ready(self) -> Any:
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        return VALUES


@pytest.mark.parametrize("kind", [LikeCupy, LikeTorch, LikeNumba, LikeJax])
def test_every_library_has_its_way_to_the_host(kind: Any) -> None:
    assert is_on_gpu(kind())
    found = to_host(kind())
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, VALUES)


def test_what_is_on_the_host_stays_as_it_is() -> None:
    for values in (VALUES, [1, 2], None, "text", 3.0):
        assert to_host(values) is values
        check_on_host(values)


def test_a_library_without_a_way_is_refused() -> None:
    with pytest.raises(ArgumentError, match="an array of type Foreign lies on a GPU and has no kn"):
        to_host(Foreign())


def test_the_cpu_backend_takes_arrays_of_a_gpu_over() -> None:
    xp = CpuBackend()
    out = np.zeros((2, 2))
    xp.copy(LikeCupy(), out)
    for found in (xp.array(LikeCupy()), xp.host(LikeCupy()), out):
        np.testing.assert_array_equal(found, VALUES)


def test_the_cpu_backend_does_not_compute_with_arrays_of_a_gpu() -> None:
    xp, foreign = CpuBackend(), LikeCupy()
    recorder = Recorder()
    recorder.apply(double, foreign, out=np.zeros((2, 2)))
    for call in (
        lambda: xp.dot(VALUES, foreign),
        lambda: xp.apply(double, foreign),
        lambda: xp.sum(foreign, axis=0),
        lambda: xp.max(foreign, axis=0),
        lambda: xp.compile(recorder.program()),
    ):
        with pytest.raises(ArgumentError, match=r"shape \(2, 2\) is on a GPU, not in main memory"):
            call()


# --- with CuPy's own arrays -------------------------------------------------------------------


@pytest.fixture
def examples(rng: Any) -> tuple[Any, Any, Any, Any]:
    """The same examples on the GPU and on the host."""
    X = rng.normal(size=(60, 3)).astype("float32")
    y = (X[:, 0] > 0).astype(int)
    xp = get_backend("cuda").xp
    return xp.asarray(X), xp.asarray(y), X, y


@pytest.mark.cuda
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_cupy_arrays_train_as_the_same_numbers_do(device: str, examples: Any) -> None:
    there_X, there_y, X, y = examples
    weights = np.linspace(0.5, 1.5, 60)
    options: dict[str, Any] = {"hidden_layer_sizes": [4], "epochs": 2, "device": device}
    xp = get_backend("cuda").xp
    found = train(there_X, there_y, sample_weight=xp.asarray(weights), **options).model
    wanted = train(X, y, sample_weight=weights, **options).model
    np.testing.assert_array_equal(found.predict_proba(there_X), wanted.predict_proba(X))
    np.testing.assert_array_equal(found.outputs_of_rows(there_X), wanted.outputs_of_rows(X))
    assert found.evaluate(there_X, there_y) == wanted.evaluate(X, y)


@pytest.mark.cuda
def test_cupy_arrays_fit_a_sequential(examples: Any) -> None:
    there_X, there_y, X, y = examples
    losses = []
    for inputs, labels in ((there_X, there_y), (X, y)):
        model = Sequential([Dense(4, activation="relu", input_dim=3), Dense(1, "sigmoid")])
        model.compile(optimizer="adam", loss="binary_crossentropy")
        losses.append(model.fit(inputs, labels, epochs=2, verbose=0).history["loss"])
        assert isinstance(model.predict(inputs), np.ndarray)
    assert losses[0] == losses[1]


@pytest.mark.cuda
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # few epochs are enough here
def test_cupy_arrays_fit_an_estimator(examples: Any) -> None:
    there_X, there_y, X, y = examples
    found, wanted = (
        MLPClassifier(hidden_layer_sizes=(4,), max_iter=3, random_state=0).fit(inputs, labels)
        for inputs, labels in ((there_X, there_y), (X, y))
    )
    np.testing.assert_array_equal(found.predict_proba(there_X), wanted.predict_proba(X))


@pytest.mark.cuda
def test_a_model_of_the_gpu_needs_no_cupy(tmp_path: Any, examples: Any, run_python: Any) -> None:
    *_, X, y = examples
    model = train(X, y, hidden_layer_sizes=[4], epochs=2, device="cuda").model
    assert model.device == "cuda:0"
    path = tmp_path / "model.fastnn"
    model.save(path)
    np.testing.assert_allclose(
        load(path, "cpu").predict_proba(X), model.predict_proba(X), rtol=1e-5, atol=1e-6
    )
    hidden = "import sys; sys.modules['cupy'] = None"
    code = f"{hidden}; from fastnn.model.files import load; print(load({str(path)!r}).device)"
    done = run_python("-c", code)
    assert (done.stdout, done.returncode) == ("cpu\n", 0), done.stderr
