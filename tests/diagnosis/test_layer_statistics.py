"""Statistics of layers: those of the loops, of the numeric gradient, and of numbers by hand."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.engine import compiled_status
from fastnn.diagnosis.layers import Look, Statistics, look, sample, weight_statistics
from fastnn.nn.network import Network, network
from fastnn.recipe.run_settings import RunSettings
from fastnn.reference.normalization import BatchNorm
from fastnn.training.learner import Learner
from fastnn.training.part import Part

F64 = RunSettings(dtype="float64", engine="numpy")


def learner_of(net: Network, settings: RunSettings = F64) -> Learner:
    learner = Learner.new(net, settings, seed=3)
    random = np.random.default_rng(3)
    for b in learner.parameters.b:
        b[:] = random.uniform(-0.5, 0.5, b.shape)
    for norm in learner.parameters.norms.values():
        norm.gamma[:] = random.uniform(0.5, 2.0, norm.gamma.shape)
        norm.beta[:] = random.uniform(-0.5, 0.5, norm.beta.shape)
    return learner


def part_of(net: Network, m: int = 7, weighted: bool = False) -> Part:
    random = np.random.default_rng(4)
    X, K = random.standard_normal((m, net.sizes[0])), net.sizes[-1]
    if net.loss.link == "softmax":
        Y = random.integers(0, K, (m, 1))
    elif net.loss.link == "sigmoid":
        Y = random.integers(0, 2, (m, K))
    else:
        Y = random.standard_normal((m, K))
    return Part(X, Y, random.uniform(0.5, 2.0, (m, 1)) if weighted else None)


def by_hand(values: Any) -> dict[str, float]:
    """The same five numbers of a matrix, in loops."""
    x = [v for row in values for v in row]
    mean = sum(x) / len(x)
    return {
        "mean": mean,
        "std": math.sqrt(sum((v - mean) ** 2 for v in x) / len(x)),
        "rms": math.sqrt(sum(v * v for v in x) / len(x)),
        "max": max(map(abs, x)),
        "zeros": sum(v == 0 for v in x) / len(x),
    }


def size(dZ: Any) -> float:
    return math.sqrt(sum(v * v for row in dZ for v in row))


NETWORKS = {
    "relu": network([3, 5, 4, 1], activation="relu"),
    "tanh, classes": network(
        [3, 4, 4, 3], activation="tanh", loss_function="categorical_crossentropy"
    ),
    "gelu, labels": network([3, 4, 2], activation="gelu", loss_function="binary_crossentropy"),
    "mixed": network([2, 3, 4, 3, 1], activation=["sigmoid", "softplus", "silu"]),
    "softmax inside": network([3, 4, 1], activation="softmax"),
    "logistic": network([3, 1], loss_function="binary_crossentropy"),
    "sigmoid output": network([3, 4, 2], activation="elu", output_activation="sigmoid"),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_they_are_those_of_the_loops(name: str, weighted: bool) -> None:
    net = NETWORKS[name]
    learner, part = learner_of(net), part_of(net, weighted=weighted)
    seen = look(learner, part)
    assert_equal_to_loops(seen, learner, part)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu"])
def test_so_they_are_with_batch_normalisation(activation: str, place: str) -> None:
    net = network([3, 4, 2], activation=activation, batch_normalization=place)
    learner, part = learner_of(net), part_of(net, 9)
    p = learner.parameters.norms[1]
    values = [getattr(p, name)[:, 0].tolist() for name in ("gamma", "beta", "mean", "variance")]
    norm = BatchNorm(place, *values)
    assert_equal_to_loops(look(learner, part), learner, part, [norm])


def assert_equal_to_loops(seen: Look, learner: Learner, part: Part, norms: Any = ()) -> None:
    net = learner.network
    named = [(g.name, g.options) for g in net.activations]
    ref = reference.Network(named, (net.loss.name, net.loss.options))
    W, b = ([v.tolist() for v in values] for values in (learner.parameters.W, learner.parameters.b))
    X, Y = part.X.T.tolist(), part.Y.T.tolist()
    w = None if part.w is None else part.w.T.tolist()
    Z, A = reference.forward(ref, W, b, X, norms=norms)
    dZ, dW, db = reference.backward(ref, W, Z, A, Y, w, norms=norms)
    assert seen.loss == pytest.approx(reference.cost(ref, W, Z, A, Y, w), rel=1e-10)
    for l, layer in enumerate(seen.layers):
        wanted = {"weights": W[l], "biases": b[l], "Z": Z[l], "A": A[l + 1], "dW": dW[l]}
        if net.trains_bias[l]:  # else what is left of it is rounding
            wanted["db"] = db[l]
        for what, values in wanted.items():
            found = vars(getattr(layer, what))
            assert found == pytest.approx(by_hand(values), rel=1e-9, abs=1e-12), (layer.layer, what)
        assert layer.delta == pytest.approx(size(dZ[l]) / size(dZ[-1]), rel=1e-9)
        if layer.activation == "relu" and l < net.n_layers - 1 and not norms:
            assert layer.dead == sum(all(a == 0 for a in row) for row in A[l + 1])


def test_the_gradient_is_the_numeric_one() -> None:
    """The loss of two looks, at W + h and at W - h, for each weight and bias (N16)."""
    net = network([3, 4, 3, 2], activation=["tanh", "softplus"])
    learner, part, h = learner_of(net), part_of(net), 1e-6
    layers = look(learner, part).layers
    for l, layer in enumerate(layers):
        for what, array in (("dW", learner.parameters.W[l]), ("db", learner.parameters.b[l])):
            numeric = np.zeros(array.shape)
            for place in np.ndindex(array.shape):
                middle = array[place]
                losses = []
                for array[place] in (middle + h, middle - h):
                    losses.append(look(learner, part).loss)
                array[place] = middle
                numeric[place] = (losses[0] - losses[1]) / (2 * h)
            assert vars(getattr(layer, what)) == pytest.approx(
                vars(Statistics.of(numeric)), rel=1e-6, abs=1e-8
            )


def test_dead_and_saturated_units_are_counted() -> None:
    """Of x = -1, ..., 1 in 21 steps. ReLU of x - 2 is 0 for all, of x and of x + 2 not.

    tanh(3x) is flat where 1 - a^2 < 0.05, |3x| > 2.18, |x| > 0.73: on 6 of 21; tanh(3x + 6) where
    3x + 6 > 2.18, everywhere; tanh(30x) where |x| > 0.073, on all but x = 0: 20 of 21.
    """
    X = np.linspace(-1, 1, 21)[:, None]
    for activation, W, b, dead, saturated in (
        ("relu", [1.0, 1.0, 1.0], [-2.0, 0.0, 2.0], 1, None),
        ("leaky_relu", [1.0, 1.0, 1.0], [-2.0, 0.0, 2.0], 0, None),
        ("softplus", [1.0, 1.0, 1.0], [-20.0, 0.0, 2.0], 1, None),
        ("tanh", [3.0, 3.0, 30.0], [0.0, 6.0, 0.0], None, 2),
        ("identity", [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], None, None),
        ("softmax", [1.0, 1.0, 1.0], [0.0, 0.0, 0.0], None, None),
    ):
        learner = learner_of(network([1, 3, 1], activation=activation))
        learner.parameters.W[0][:] = np.array(W)[:, None]
        learner.parameters.b[0][:] = np.array(b)[:, None]
        first, last = look(learner, Part(X, X)).layers
        assert (first.dead, first.saturated) == (dead, saturated), activation
        assert (last.dead, last.saturated) == (None, None)


def test_dropout_is_left_out() -> None:
    net = network([3, 6, 1], activation="tanh")
    dropping = network([3, 6, 1], activation="tanh", dropout=0.5)
    a, b = learner_of(net), learner_of(dropping)
    assert look(a, part_of(net)) == look(b, part_of(net))


def test_of_many_examples_some_are_looked_at_evenly() -> None:
    X = np.arange(5000.0)[:, None]
    few = sample(Part(X, X, X))
    assert len(few) == 1000
    assert (few.X[0, 0], few.X[-1, 0]) == (0.0, 4999.0)
    assert set(np.diff(few.X[:, 0])) <= {5.0, 6.0}
    assert (few.X == few.Y).all()
    assert (few.w == few.X).all()
    assert look(learner_of(network([1, 1])), Part(X, X)).examples == 1000


@pytest.mark.parametrize("place", [None, "before", "after"])
def test_one_example_can_be_looked_at(place: str | None) -> None:
    net = network([3, 4, 2], batch_normalization=place)
    seen = look(learner_of(net), part_of(net, 1))
    assert seen.examples == 1
    assert all(np.isfinite(layer.dW.rms) for layer in seen.layers)


def test_weights_that_are_no_numbers_are_said_as_they_are() -> None:
    net = network([3, 4, 2])
    learner = learner_of(net)
    learner.parameters.W[0][0, 0] = np.nan
    seen = look(learner, part_of(net))
    assert math.isnan(seen.loss)
    assert math.isnan(seen.layers[0].weights.rms)
    assert math.isnan(seen.layers[0].gain)
    assert not seen.layers[0].equal


def test_nothing_to_learn_has_no_relative_size() -> None:
    """Where the loss is 0, dZ is, and a share of it is no number."""
    net = network([1, 1])
    learner = learner_of(net)
    learner.parameters.theta[:] = 0
    seen = look(learner, Part(np.ones((3, 1)), np.zeros((3, 1))))
    assert math.isnan(seen.layers[0].delta)


@pytest.mark.skipif(bool(compiled_status()), reason=f"no compiled code: {compiled_status()}")
def test_compiled_code_measures_the_same() -> None:
    net = NETWORKS["mixed"]
    seen = [
        look(learner_of(net, replace(F64, engine=engine)), part_of(net)).to_json()
        for engine in ("numpy", "compiled")
    ]
    for a, b in zip(seen[0]["layers"], seen[1]["layers"], strict=True):
        for what in ("Z", "A", "dW", "db"):
            assert a[what] == pytest.approx(b[what], rel=1e-9, abs=1e-12)
        assert a["delta"] == pytest.approx(b["delta"])


def test_weights_alone_tell_less() -> None:
    net = network([4, 3, 2], batch_normalization="before")
    first, last = weight_statistics(learner_of(net))
    assert set(first.norm) == {"gamma", "beta", "mean", "variance"}
    assert (first.Z, first.A, first.dW, first.db, first.delta, first.dead) == (None,) * 6
    assert not {"Z", "A", "dW", "norm", "dead"} & set(first.to_json())
    assert first.to_json()["gamma"] == vars(first.norm["gamma"])
    assert last.norm == {}


def test_units_are_equal_only_if_all_are_in_and_out() -> None:
    learner = learner_of(network([3, 4, 2], activation="tanh"))
    p = learner.parameters

    def equal() -> bool:
        return weight_statistics(learner)[0].equal

    assert not equal()
    p.W[0][:], p.b[0][:], p.W[1][:] = p.W[0][:1], p.b[0][:1], p.W[1][:, :1]
    assert equal()
    p.W[1][0, 2] += 0.1  # what comes back to unit 2 differs
    assert not equal()
    p.W[1][:] = 0
    p.b[0][1] += 0.1
    assert not equal()
    assert not weight_statistics(learner_of(network([3, 1, 1])))[0].equal, "one unit alone"
