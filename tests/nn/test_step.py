"""The recorded step against the loop twin: the same costs, gradients and parameters (N17)."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.program import Recorder
from fastnn.backend.random import PURPOSES
from fastnn.errors import ArgumentError
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.network import network
from fastnn.nn.step import Data, Memory, check_data, make_batch

ACTIVATIONS = [*reference.ACTIVATIONS, "leaky_relu(slope=0.3)", "elu(alpha=0.5)", "softmax"]
LOSSES = [
    *reference.LOSSES,
    "categorical_crossentropy",
    "binary_crossentropy(label_smoothing=0.2)",
    "categorical_crossentropy(label_smoothing=0.1)",
    "huber(delta=0.3)",
    "quantile(quantile=0.8)",
]
SEED = 11


@st.composite
def cases(draw) -> SimpleNamespace:
    """A network with data and penalties; one unit, one feature and one example are included."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=2, max_size=4))
    hidden = len(sizes) - 2
    spec = draw(st.sampled_from(LOSSES))
    if spec.startswith("categorical"):
        sizes[-1] += 1
    free = spec.split("(")[0] in ("squared_error", "absolute_error", "huber", "quantile")
    output = draw(st.sampled_from(ACTIVATIONS[:-1])) if free else None
    activations = [draw(st.sampled_from(ACTIVATIONS)) for _ in range(hidden)]
    assume([*activations, output][-2:] != ["exponential", "exponential"])
    return SimpleNamespace(
        net=network(
            sizes,
            activation=activations,
            output_activation=output,
            dropout=[draw(st.sampled_from([0.0, 0.0, 0.4])) for _ in range(hidden)],
            loss_function=spec,
        ),
        n=draw(st.integers(1, 9)),
        weights=draw(st.sampled_from([0, 1, 1 if spec.startswith("categorical") else sizes[-1]])),
        l2=draw(st.sampled_from([0.0, 0.7])),
        l1=draw(st.sampled_from([0.0, 0.3])),
        seed=draw(st.integers(0, 1000)),
    )


def twin(net, l2: float = 0.0, l1: float = 0.0) -> reference.Network:
    named = [(g.name, g.options) for g in net.activations]
    return reference.Network(named, (net.loss.name, net.loss.options), l2, l1)


def masks(net, step: int, m: int) -> list:
    """The dropout masks of a step by the loop twin's own Philox."""
    found: list = [None]
    for layer, (rate, n) in enumerate(zip(net.dropout, net.sizes[1:-1], strict=False), start=1):
        u = reference.uniform32(SEED, [step, layer, PURPOSES["dropout"]], n * m)
        rows = [u[i * m : (i + 1) * m] for i in range(n)]
        found.append(reference.dropout_mask(rows, rate) if rate else None)
    return found


def columns(array) -> list | None:
    return None if array is None else array.T.tolist()


def assert_close(found, expected, tolerance: float = 1e-12) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert abs(found - expected).max() <= tolerance * max(1.0, abs(expected).max())


@settings(max_examples=250)
@given(cases())
def test_cost_and_gradient_are_the_loop_twins(make, case) -> None:
    net, data = case.net, make.data(case.net, case.n, case.seed, case.weights)
    p, ref = make.parameters(net, case.seed), twin(case.net, case.l2, case.l1)
    plan = GradientPlan(CpuBackend(), net, p, data, l2=case.l2, l1=case.l1, seed=SEED)
    W, b = [w.tolist() for w in p.W], [v.tolist() for v in p.b]
    X, Y, w, drops = columns(data.X), columns(data.Y), columns(data.w), masks(net, 0, case.n)
    Z, A = reference.forward(ref, W, b, X, drops)
    J, gradient = plan.cost_and_gradient()
    assert_close(J, reference.cost(ref, W, Z, A, Y, w))
    _, dW, db = reference.backward(ref, W, Z, A, Y, w, drops)
    for found, expected in zip([*plan.dW, *plan.db], [*dW, *db], strict=True):
        assert_close(found, expected)
    assert plan.cost() == J
    assert gradient is plan.gradient


OPTIMIZERS = [
    "gradient_descent",
    "momentum(beta=0.8)",
    "nesterov",
    "velocity(momentum=0.8)",
    "nesterov_velocity",
    "rmsprop",
    "rmsprop(epsilon_placement=outside)",
    "adam",
    "adam(epsilon_placement=inside, beta1=0.8)",
    "adamw(weight_decay=0.1)",
    "adamw(epsilon_placement=inside)",
    "adam(epsilon_placement=before_correction, epsilon=1e-3)",
    "adamw(epsilon_placement=before_correction, weight_decay=0.1)",
]


@settings(max_examples=120)
@given(cases(), st.sampled_from(OPTIMIZERS), st.integers(1, 5), st.sampled_from([None, 0.5, 100.0]))
def test_two_epochs_of_batches_are_the_loop_twins(make, case, spec, batch_size, clip) -> None:
    net, data = case.net, make.data(case.net, case.n, case.seed, case.weights)
    p, rate = make.parameters(net, case.seed), 0.01
    W, b = [w.tolist() for w in p.W], [v.tolist() for v in p.b]
    plan = make.plan(
        net, data, spec, batch_size,
        parameters=p, l2=case.l2, l1=case.l1, clip_norm=clip, seed=SEED,
    )  # fmt: skip
    rule = plan.optimizer
    run = reference.Training(
        twin(net, case.l2, case.l1), W, b, (rule.name, rule.options), rate,
        clip_norm=float("inf") if clip is None else clip,
    )  # fmt: skip
    rng = np.random.default_rng(case.seed)
    for _ in range(2):
        order = rng.permutation(case.n) if batch_size < case.n else np.arange(case.n)
        batches = [order[i : i + batch_size].tolist() for i in range(0, case.n, batch_size)]
        expected = reference.train_epoch(
            run, columns(data.X), columns(data.Y), batches, columns(data.w),
            lambda step, m: masks(net, step - 1, m),
        )  # fmt: skip
        costs = plan.run_epoch(order, np.full(len(batches), rate))
        assert_close(costs, expected)
    # rmsprop and Adam divide by a root: a gradient of rounding errors becomes a step.
    sizes = abs(plan.gradient)
    rounding = ((sizes > 0) & (sizes < 1e-4)).any()
    if rule.name in ("gradient_descent", "momentum", "nesterov") or not rounding:
        for found, wanted in zip([*p.W, *p.b], [*run.W, *run.b], strict=True):
            assert_close(found, wanted)


@pytest.mark.parametrize("spec", OPTIMIZERS)
@pytest.mark.parametrize("clip", [None, 0.1])
def test_every_optimizer_with_a_ragged_last_batch(make, spec, clip) -> None:
    net = network([3, 4, 2], activation="tanh", loss_function="squared_error")
    data, p = make.data(net, 11), make.parameters(net)
    plan = make.plan(net, data, spec, 4, parameters=p, l2=0.5, l1=0.2, clip_norm=clip)
    rule, rates = plan.optimizer, [0.05, 0.02, 0.01]
    run = reference.Training(
        twin(net, 0.5, 0.2),
        [w.tolist() for w in p.W],
        [b.tolist() for b in p.b],
        (rule.name, rule.options),
        rate=rates[0],
        clip_norm=clip or float("inf"),
    )
    X, Y, order = columns(data.X), columns(data.Y), np.random.default_rng(1).permutation(11)
    for _ in range(4):
        expected = []
        for step, rate in enumerate(rates):
            run.rate = rate
            batch = order[4 * step : 4 * step + 4].tolist()
            x, y = ([[row[j] for j in batch] for row in M] for M in (X, Y))
            expected.append(reference.train_step(run, x, y, n_train=11))
        assert_close(plan.run_epoch(order, np.array(rates)), expected)
    for found, wanted in zip([*p.W, *p.b], [*run.W, *run.b], strict=True):
        assert_close(found, wanted)


# ---------------------------------------------------------------- memory and batches


def test_a_shorter_batch_has_the_same_memory_and_is_contiguous() -> None:
    memory = Memory(CpuBackend(), np.float32)
    whole, short = memory.take("Z", 3, 8), memory.take("Z", 3, 5)
    assert np.shares_memory(whole, short)
    assert short.flags.c_contiguous
    assert (short.shape, short.dtype) == ((3, 5), np.float32)
    assert memory.take("U", 2, 2, np.float64).dtype == np.float64
    assert not np.shares_memory(whole, memory.take("A", 3, 8))


def test_all_examples_are_used_where_they_lie(make) -> None:
    net = network([3, 2])
    data = make.data(net, 6)
    batch = make_batch(
        CpuBackend(), Memory(CpuBackend(), np.float64), net, data, 6,
        training=True, names=Recorder(),
    )  # fmt: skip
    assert batch.rows == ()
    assert np.shares_memory(batch.A0, data.X)
    assert batch.m == 6


def test_only_what_a_layer_needs_is_laid_out(make) -> None:
    net = network([3, 4, 4, 4, 2], activation=["relu", "gelu", "softmax"], dropout=[0.5, 0, 0])
    batch = make_batch(
        CpuBackend(), Memory(CpuBackend(), np.float64), net, make.data(net, 9), 6,
        training=True, names=Recorder(),
    )  # fmt: skip
    relu, gelu, softmax = batch.layers
    assert np.shares_memory(relu.Z, relu.A), "the derivative is a function of the output"
    assert not np.shares_memory(gelu.Z, gelu.A)
    assert relu.output is relu.dropped
    assert (relu.U.shape, relu.U.dtype) == ((4, 6), np.float32)
    assert gelu.output is gelu.A
    assert (gelu.scratch.top, gelu.U, gelu.dropped) == (None, None, None)
    assert softmax.scratch.top.shape == softmax.scratch.total.shape == (1, 6)
    assert np.shares_memory(softmax.Z, softmax.A), "its columns are mixed in place"
    assert len(batch.rows) == 2


@pytest.mark.parametrize(
    ("X", "Y", "w", "said"),
    [
        ((5, 2), (5, 2), None, r"X has shape \(5, 2\), the network and 5 rows of X need \(5, 3\)"),
        ((5, 3), (5, 1), None, r"Y has shape \(5, 1\), .* need \(5, 2\)"),
        ((5, 3), (4, 2), None, r"Y has shape \(4, 2\)"),
        ((5, 3), (5, 2), (5, 3), r"weights has shape \(5, 3\), .* need \(5, 1\) or \(5, 2\)"),
        ((5, 3), (5, 2), (5,), r"weights has shape \(5,\)"),
        ((0, 3), (0, 2), None, "X has no rows"),
    ],
)
def test_data_that_do_not_fit_are_refused(X, Y, w, said) -> None:
    data = Data(np.zeros(X), np.zeros(Y), None if w is None else np.zeros(w))
    with pytest.raises(ArgumentError, match=said):
        check_data(network([3, 2]), data)


def test_class_indices_are_one_column() -> None:
    net = network([3, 4], loss_function="categorical_crossentropy")
    check_data(net, Data(np.zeros((5, 3)), np.zeros((5, 1))))
    with pytest.raises(ArgumentError, match=r"Y has shape \(5, 4\), .* need \(5, 1\)"):
        check_data(net, Data(np.zeros((5, 3)), np.zeros((5, 4))))
    with pytest.raises(ArgumentError, match=r"weights has shape \(5, 4\), .* need \(5, 1\)$"):
        check_data(net, Data(np.zeros((5, 3)), np.zeros((5, 1)), np.zeros((5, 4))))
