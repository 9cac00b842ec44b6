"""Plans: epochs, batches, groups, penalties, weights, evaluation, memory, repeatability."""

import threading
import tracemalloc

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.protocols import EngineChoice
from fastnn.errors import ArgumentError
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.groups import ParameterGroup, segments
from fastnn.nn.network import network
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from fastnn.nn.parameters import Layout, Parameters
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data

XP = CpuBackend()
NET = network([3, 5, 2], activation="tanh")


def epochs(plan, n: int, rate: float = 0.05, seed: int = 0) -> list[list[float]]:
    rng = np.random.default_rng(seed)
    N = len(plan.data)
    return [
        plan.run_epoch(rng.permutation(N), np.full(plan.n_steps, rate)).tolist() for _ in range(n)
    ]


# ---------------------------------------------------------------- batches (N26, N27)


@pytest.mark.parametrize(
    ("batch_size", "n_steps"), [(1, 10), (3, 4), (4, 3), (5, 2), (10, 1), (999, 1)]
)
def test_the_costs_are_those_of_the_batches(make, batch_size, n_steps) -> None:
    data, p = make.data(NET, 10), make.parameters(NET)
    plan = make.plan(NET, data, batch_size=batch_size, parameters=p, l2=0.4)
    assert (plan.n_steps, plan.batch_size) == (n_steps, min(batch_size, 10))
    order = np.random.default_rng(4).permutation(10)
    costs = plan.run_epoch(order, np.zeros(n_steps))  # a learning rate of 0: nothing moves
    penalty = 0.4 / (2 * 10) * sum((W**2).sum() for W in p.W)
    whole = EvaluationPlan(XP, NET, p)
    for step in range(n_steps):
        rows = order[step * batch_size : (step + 1) * batch_size]
        _, J = whole.evaluate(data.X[rows], data.Y[rows])
        assert costs[step] == pytest.approx(J + penalty, rel=1e-13)
    assert costs.dtype == np.float64


def test_every_row_is_used_once_an_epoch(make) -> None:
    # One weight, target 0, input 1 for row i and 0 for the others: each row moves its weight once.
    net, n = network([7, 1]), 7
    p = Parameters(net, XP, np.float64)
    p.W[0][:] = 1.0
    data = Data(np.eye(n), np.zeros((n, 1)))
    plan = make.plan(net, data, batch_size=3, parameters=p)
    plan.run_epoch(np.random.default_rng(0).permutation(n), np.full(3, 1e-3))
    moved = sorted(1.0 - p.W[0].ravel())
    # batches of 3, 3 and 1: the last row moves its weight by 1/1, not 1/3
    assert moved == pytest.approx([1e-3 / 3] * 6 + [1e-3], rel=1e-2)


def test_gradient_descent_on_a_line_by_hand(make) -> None:
    # a = w x + b, one example x = 2, y = 10, w = 1, b = 0: e = -8, dw = -16, db = -8; rate 0.1
    net = network([1, 1])
    p = Parameters(net, XP, np.float64)
    p.W[0][:] = 1.0
    plan = make.plan(net, Data(np.array([[2.0]]), np.array([[10.0]])), parameters=p)
    assert plan.run_epoch(np.array([0]), np.array([0.1])).tolist() == [32.0]
    assert p.W[0].item() == pytest.approx(2.6, abs=1e-15)
    assert p.b[0].item() == pytest.approx(0.8, abs=1e-15)


@pytest.mark.parametrize("row", list(OPTIMIZERS), ids=lambda row: row.name)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_lowers_the_cost(make, row, dtype) -> None:
    net = network([3, 12, 2], loss_function="categorical_crossentropy")
    data, p = make.data(net, 50, dtype=dtype), make.parameters(net, dtype=dtype)
    Y = (data.X[:, :1] + data.X[:, 1:2] > 0).astype(dtype)
    plan = make.plan(net, Data(data.X, Y), row.name, 16, parameters=p)
    costs = epochs(plan, 40, rate=row.learning_rate * 3)
    assert np.mean(costs[-1]) < 0.7 * np.mean(costs[0])
    assert p.theta.dtype == dtype


def test_the_program_reads_like_the_notes(make) -> None:
    plan = make.plan(NET, make.data(NET, 9), "adam", 4, l2=0.1, l1=0.1, clip_norm=1.0)
    text = str(plan.program)
    for line in (
        "Z[1] = dot(W[1], A[0])",
        "A[1] = tanh(Z[1], b[1])",
        "dZ[2], cost = squared_error(Z[2], Y, 1/m)",
        "dW[2] = dot(dZ[2], A[1].T)",
        "db[2] = sum(dZ[2], axis=1)",
        "dZ[1] = dot(W[2].T, dZ[2])",
        "dW = add_l2(dW, W, lambda2/m)",
        "dtheta = scale(dtheta, factor)",
        "theta, V, S = adam(theta, dtheta, V, S, rate, beta1, rest1, beta2, rest2, epsilon, corr",
    ):
        assert line in text, text
    assert "array(" not in text, "everything has a name"


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_every_array_of_every_program_has_a_name(make, loss) -> None:
    net = network([3, 4, 4, 2], activation=["gelu", "softmax"], dropout=0.3, loss_function=loss)
    data = make.data(net, 9, weights=1)
    programs = [make.plan(net, data, name, 4).program for name in OPTIMIZERS.names]
    programs += GradientPlan(XP, net, make.parameters(net), data, l2=1.0, l1=1.0).programs
    for program in programs:
        assert "array(" not in str(program), program


# ---------------------------------------------------------------- repeatability


@pytest.mark.parametrize("spec", OPTIMIZERS.names)
def test_a_snapshot_replays_bit_by_bit(make, spec) -> None:
    net = network([3, 5, 2], dropout=0.3)
    plan = make.plan(net, make.data(net, 10), spec, 4, seed=5)
    epochs(plan, 2)
    snapshot = plan.snapshot()
    first = epochs(plan, 3, seed=1), plan.parameters.theta.copy(), plan.t
    plan.restore(snapshot)
    assert plan.t == snapshot[2]
    again = epochs(plan, 3, seed=1), plan.parameters.theta, plan.t
    assert first[0] == again[0]
    np.testing.assert_array_equal(first[1], again[1])
    assert first[2] == again[2] == 15


def test_an_epoch_may_be_looked_at_step_by_step(make) -> None:
    plan = make.plan(NET, make.data(NET, 10), "adam", 4)
    start, order, rates = plan.snapshot(), np.arange(10)[::-1].copy(), np.array([0.1, 0.2, 0.3])
    whole = plan.run_epoch(order, rates)
    end = plan.parameters.theta.copy()
    for steps in (1, 2, 3):
        plan.restore(start)
        np.testing.assert_array_equal(plan.run_epoch(order, rates, steps), whole[:steps])
        assert plan.t == steps
    np.testing.assert_array_equal(plan.parameters.theta, end)


@pytest.mark.parametrize("engine", ["numpy", "auto"])
@pytest.mark.parametrize(
    ("shape", "given"),
    [
        ({"dropout": 0.3}, {}),
        ({"dropout": 0.3}, {"micro_batch_size": 2}),
        ({"dropout": 0.3}, {"block_rows": 8}),
        ({"batch_normalization": "before"}, {"block_rows": 4}),  # 21 = 4 + 4 + 4 + 4 + 5
        ({"batch_normalization": "before"}, {}),
    ],
)
def test_an_epoch_in_pieces_is_the_epoch_to_the_last_bit(make, engine, shape, given) -> None:
    net = network([3, 6, 2], activation="tanh", **shape)
    data, backend = make.data(net, 21), CpuBackend(engine)
    order, thetas, costs = np.random.default_rng(0).permutation(21), [], []
    for ends in ([None], [1, None], [2, 3, None], [1, 2, 3, 4, None]):
        p = make.parameters(net)
        plan = TrainingPlan(backend, net, p, optimizer("adam"), data, 4, seed=2, **given)
        rates, found = np.linspace(0.01, 0.05, plan.n_steps), []
        for _ in range(2):
            for first, end in zip([0, *ends], ends, strict=False):
                found += plan.run_epoch(order, rates, end, first or 0).tolist()
        assert plan.t == 2 * plan.n_steps
        thetas.append(p.theta)
        costs.append(found)
    for theta, found in zip(thetas, costs, strict=True):
        np.testing.assert_array_equal(theta, thetas[0])
        assert found == costs[0]


SCRIPT = """
import sys
import numpy as np
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.protocols import EngineChoice
from fastnn.backend.random import generator
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.step import Data

seed, xp = int(sys.argv[1]), CpuBackend()
net = network([20, 64, 5], dropout=0.2, loss_function="categorical_crossentropy")
p = Parameters(net, xp, np.float32)
initialize(net, p, xp, seed=seed)
rng = np.random.default_rng(0)
data = Data(rng.standard_normal((300, 20)).astype("f4"), rng.integers(0, 5, (300, 1)).astype("f4"))
plan = TrainingPlan(xp, net, p, optimizer("adam"), data, 64, l2=0.1, seed=seed)
for epoch in range(3):
    order = generator(seed, "shuffle", index=epoch).permutation(300)
    plan.run_epoch(order, np.full(plan.n_steps, 0.01))
print(p.theta.tobytes().hex())
"""


def test_the_same_seed_gives_the_same_bits_in_two_processes(run_python) -> None:
    runs = [run_python("-c", SCRIPT, seed) for seed in ("3", "3", "4")]
    assert all(r.returncode == 0 for r in runs), runs[0].stderr
    first, second, other = (r.stdout for r in runs)
    assert len(first) > 10_000
    assert first == second
    assert first != other


def test_dropout_has_a_seed_and_the_shuffle_does_not_feel_it(make) -> None:
    net = network([3, 8, 2], dropout=0.5)
    thetas = []
    for seed in (1, 1, 2):
        plan = make.plan(net, make.data(net, 10), batch_size=4, seed=seed)
        epochs(plan, 2)
        thetas.append(plan.parameters.theta.copy())
    np.testing.assert_array_equal(thetas[0], thetas[1])
    assert not np.array_equal(thetas[0], thetas[2])


# ---------------------------------------------------------------- memory


# NumPy works with broadcast or mixed operands through buffers of 8192 elements each.
NUMPY_BUFFERS = 3 * 8192 * 8 + 20_000


def second_epoch_peak(make, width: int, batch: int, spec: str = "adam") -> int:
    """Bytes that Python and NumPy allocate at the most in the second epoch, of four steps."""
    net = network(
        [width, width, width, 4],
        activation=["gelu", "relu"],
        dropout=0.2,
        loss_function="categorical_crossentropy",
    )
    data = make.data(net, 3 * batch + batch // 2, weights=1)
    plan = make.plan(net, data, spec, batch, l2=0.1, l1=0.1, clip_norm=1.0)
    order, rates = np.arange(len(data)), np.full(plan.n_steps, 1e-3)
    plan.run_epoch(order, rates)
    tracemalloc.start()
    plan.run_epoch(order, rates)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize("spec", OPTIMIZERS.names)
def test_the_second_epoch_allocates_nothing_that_grows_with_the_network(make, spec) -> None:
    small, large = (second_epoch_peak(make, width, 64, spec) for width in (64, 512))
    # 64 times the weights: 4 MB each for theta, its gradient and the moments
    assert large < NUMPY_BUFFERS, f"{small} bytes, then {large}"


def test_the_second_epoch_allocates_nothing_that_grows_with_the_batch(make) -> None:
    small, large = (second_epoch_peak(make, 32, batch) for batch in (64, 16384))
    # 256 times the batch: 4 MB for each activation, 0.5 MB for its signs
    assert large < NUMPY_BUFFERS, f"{small} bytes, then {large}"


def test_an_evaluation_allocates_its_result_only(make) -> None:
    net = network([30, 200, 3])
    p, data = make.parameters(net), make.data(net, 4096)
    plan = EvaluationPlan(XP, net, p)
    plan.evaluate(data.X, data.Y)
    tracemalloc.start()
    plan.evaluate(data.X, data.Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4096 * 3 * 8 + 100_000


# ---------------------------------------------------------------- penalties, weights, groups


def test_the_penalty_is_as_strong_for_every_batch_size(make) -> None:  # N11
    # With inputs of 0 only the penalty moves the weights: an epoch of k steps shrinks them by
    # (1 - rate lambda / N)^k, whatever the batch size.
    net, N, l2, rate = network([4, 3, 2], activation="tanh"), 12, 3.0, 0.1
    for batch_size in (1, 4, 5, 12):
        p = make.parameters(net)
        start = [W.copy() for W in p.W]
        for b in p.b:
            b[:] = 0.0
        data = Data(np.zeros((N, 4)), np.zeros((N, 2)))
        plan = make.plan(net, data, batch_size=batch_size, parameters=p, l2=l2)
        epochs(plan, 1, rate)
        for W, before in zip(p.W, start, strict=True):
            shrunk = before * (1 - rate * l2 / N) ** plan.n_steps
            np.testing.assert_allclose(W, shrunk, rtol=1e-12)
        assert not any(b.any() for b in p.b), "biases are not penalised"


def test_a_weight_of_two_is_the_example_twice(make) -> None:
    data, twice = make.data(NET, 6), [0, 1, 2, 3, 4, 5, 2, 5]
    w = np.array([[1.0], [1.0], [2.0], [1.0], [1.0], [2.0]])
    p = make.parameters(NET)
    J, g = GradientPlan(XP, NET, p, Data(data.X, data.Y, w)).cost_and_gradient()
    more = Data(data.X[twice], data.Y[twice])
    J_twice, g_twice = GradientPlan(XP, NET, p, more).cost_and_gradient()
    # The sum is divided by the number of examples, 6 or 8, not by the sum of the weights.
    assert pytest.approx(8 * J_twice, rel=1e-13) == 6 * J
    np.testing.assert_allclose(6 * g, 8 * g_twice, rtol=1e-12, atol=1e-15)


def test_a_weight_of_zero_leaves_the_example_out(make) -> None:
    data, p = make.data(NET, 6), make.parameters(NET)
    data.X[3] = 1e6
    w = np.ones((6, 1))
    w[3] = 0.0
    kept = [0, 1, 2, 4, 5]
    J, g = GradientPlan(XP, NET, p, Data(data.X, data.Y, w)).cost_and_gradient()
    J_kept, g_kept = GradientPlan(XP, NET, p, Data(data.X[kept], data.Y[kept])).cost_and_gradient()
    assert pytest.approx(5 * J_kept, rel=1e-12) == 6 * J
    np.testing.assert_allclose(6 * g, 5 * g_kept, rtol=1e-11, atol=1e-14)


def test_clipping_limits_the_step(make) -> None:
    data, p = make.data(NET, 10), make.parameters(NET)
    start = p.theta.copy()
    _, g = GradientPlan(XP, NET, p, data).cost_and_gradient()
    norm = float(np.sqrt((g**2).sum()))
    for clip, factor in ((norm / 4, 0.25), (norm * 4, 1.0)):
        p.theta[:] = start
        epochs(make.plan(NET, data, parameters=p, clip_norm=clip), 1, rate=1.0)
        np.testing.assert_allclose(start - p.theta, factor * g, rtol=1e-10, atol=1e-14)


def moved(make, groups, spec="gradient_descent", **options) -> dict[str, bool]:
    p = make.parameters(NET)
    start = p.theta.copy()
    epochs(make.plan(NET, make.data(NET, 10), spec, 4, parameters=p, groups=groups, **options), 1)
    before = p.layout.views(start)
    names = [f"{letter}{l}" for letter in "Wb" for l in (1, 2)]
    pairs = zip([*p.W, *p.b], [*before[0], *before[1]], strict=True)
    return {n: not np.array_equal(a, b) for n, (a, b) in zip(names, pairs, strict=True)}


@pytest.mark.parametrize(
    ("groups", "still"),
    [
        ([], set()),
        ([ParameterGroup(learning_rate_factor=0.0)], {"W1", "W2", "b1", "b2"}),
        ([ParameterGroup("weights", learning_rate_factor=0.0)], {"W1", "W2"}),
        ([ParameterGroup("biases", 1, 0.0)], {"b1"}),
        ([ParameterGroup("all", 1, 0.0)], {"W1", "b1"}),
        ([ParameterGroup("all", None, 0.0), ParameterGroup("weights", 2, 1.0)], {"W1", "b1", "b2"}),
    ],
)
@pytest.mark.parametrize("spec", ["gradient_descent", "adam"])
def test_a_group_may_stand_still(make, spec, groups, still) -> None:
    assert {name for name, there in moved(make, groups, spec).items() if not there} == still


@pytest.mark.parametrize("spec", ["velocity", "adam", "adamw"])
def test_a_layer_without_bias_keeps_a_bias_of_zero(make, spec) -> None:
    """Neither a step, a decay nor the norm that is clipped knows of it."""
    net, plain = (network([3, 4, 2], use_bias=used) for used in ([False, True], True))
    p, groups = make.parameters(net), [ParameterGroup("all", weight_decay=0.1)] * (spec == "adamw")
    p.b[0][:] = 0.0
    start = p.theta.copy()
    epochs(make.plan(net, make.data(net, 10), spec, 4, parameters=p, groups=groups), 2)
    assert not p.b[0].any()
    assert all((a != b).all() for a, b in zip(p.layout.views(start)[0], p.W, strict=True))

    clipped, whole = (make.parameters(n) for n in (net, plain))
    for q in (clipped, whole):
        q.theta[:] = start
    _, g = GradientPlan(XP, plain, whole, make.data(net, 10)).cost_and_gradient()
    g = g.copy()
    g[p.layout.biases[0]] = 0.0
    plan = make.plan(net, make.data(net, 10), parameters=clipped, clip_norm=0.01)
    epochs(plan, 1, rate=1.0)
    expected = start - 0.01 * g / np.linalg.norm(g)
    np.testing.assert_allclose(clipped.theta, expected, rtol=0, atol=1e-14)


def test_a_factor_multiplies_the_learning_rate(make) -> None:
    data, p = make.data(NET, 10), make.parameters(NET)
    start = p.theta.copy()
    _, g = GradientPlan(XP, NET, p, data).cost_and_gradient()
    groups = [ParameterGroup("biases", learning_rate_factor=2.0), ParameterGroup("all", 2, 0.5)]
    epochs(make.plan(NET, data, parameters=p, groups=groups), 1, rate=0.1)
    factor = np.ones_like(g)
    factor[p.layout.biases[0]] = 2.0
    factor[p.layout.weights[1]] = factor[p.layout.biases[1]] = 0.5
    np.testing.assert_allclose(start - p.theta, 0.1 * factor * g, rtol=1e-12, atol=1e-16)


def test_adamw_decays_weights_and_not_biases(make) -> None:
    # Without a gradient (targets met, epsilon large) only the decay is left: 1 - 0.1 * 0.5.
    net = network([3, 2])
    for groups, weight, bias in (
        ([], 0.95, 1.0),
        ([ParameterGroup("biases", weight_decay=0.5)], 0.95, 0.95),
        ([ParameterGroup("weights", weight_decay=0.0)], 1.0, 1.0),
        ([ParameterGroup("all", 1, 2.0, 0.25)], 0.95, 0.95),
    ):
        p = make.parameters(net)
        W, b = p.W[0].copy(), p.b[0].copy()
        data = Data(np.zeros((4, 3)), np.repeat(b.T, 4, axis=0))
        spec = "adamw(weight_decay=0.5)"
        epochs(make.plan(net, data, spec, parameters=p, groups=groups), 1, rate=0.1)
        np.testing.assert_allclose(p.W[0], weight * W, rtol=1e-14)
        np.testing.assert_allclose(p.b[0], bias * b, rtol=1e-14)


def test_stretches_that_are_updated_alike_are_one() -> None:
    layout = Layout.of((3, 5, 2))
    (whole,) = segments(layout, [], optimizer("adam"))
    assert whole.place == slice(0, layout.size)
    parts = segments(layout, [], optimizer("adamw"))
    assert [s.place for s in parts] == [
        slice(0, layout.n_weights),
        slice(layout.n_weights, layout.size),
    ]
    assert [s.weight_decay for s in parts] == [None, 0.0]


@pytest.mark.parametrize(
    ("group", "spec", "said"),
    [
        (ParameterGroup(layer=3), "adam", "layer 3 does not exist, there are 1 to 2"),
        (
            ParameterGroup(weight_decay=0.1),
            "adam",
            "weight_decay has no effect with optimizer='adam'",
        ),
    ],
)
def test_a_group_without_effect_is_refused(make, group, spec, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        make.plan(NET, make.data(NET, 4), spec, groups=[group])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "weight"}, "kind='weight'; choose from weights, .*did you mean 'weights'"),
        ({"layer": 0}, "layer must be a whole number above 0, found 0"),
        ({"layer": 1.5}, "layer must be a whole number above 0, found 1.5"),
        ({"weight_decay": -0.1}, r"weight_decay=-0.1 is outside \[0, inf\)"),
        ({"learning_rate_factor": -1}, r"learning_rate_factor=-1 is outside \[0, inf\)"),
        ({"learning_rate_factor": float("nan")}, "learning_rate_factor=nan is outside"),
        ({"learning_rate_factor": "x"}, "learning_rate_factor must be a number, found 'x'"),
    ],
)
def test_what_is_no_group(given, said) -> None:
    with pytest.raises(ArgumentError, match=f"^ParameterGroup: {said}"):
        ParameterGroup(**given)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"batch_size": 0}, "batch_size must be a whole number above 0, found 0"),
        ({"batch_size": -3}, "found -3"),
        ({"batch_size": 2.5}, "found 2.5"),
        ({"batch_size": True}, "found True"),
        ({"l2": -1}, r"training: l2=-1 is outside \[0, inf\)"),
        ({"l1": float("inf")}, "training: l1=inf"),
        ({"clip_norm": 0}, r"training: clip_norm=0 is outside \(0, inf\)"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(make, options, said) -> None:
    net = network([3, 5, 2], dropout=0.5)
    with pytest.raises(ArgumentError, match=said):
        make.plan(net, make.data(net, 6), **{"batch_size": 4, **options})


def test_an_order_or_rates_of_the_wrong_length_are_refused(make) -> None:
    plan = make.plan(NET, make.data(NET, 10), batch_size=4)
    start = plan.parameters.theta.copy()
    with pytest.raises(ArgumentError, match=r"order has shape \(1,\), needs \(10,\)"):
        plan.run_epoch(np.array([0]), np.ones(3))
    with pytest.raises(ArgumentError, match=r"rates has shape \(1,\), needs \(3,\)"):
        plan.run_epoch(np.arange(10), np.ones(1))
    np.testing.assert_array_equal(plan.parameters.theta, start)
    assert plan.t == 0


# ---------------------------------------------------------------- evaluation


@pytest.mark.parametrize(
    ("loss", "weights"),
    [
        ("squared_error", 0),
        ("binary_crossentropy", 2),
        ("categorical_crossentropy", 0),
        ("categorical_crossentropy", 1),
    ],
)
def test_any_number_of_rows_in_any_order(make, loss, weights) -> None:
    net = network([3, 5, 2], activation="gelu", loss_function=loss)
    p, data = make.parameters(net), make.data(net, 60, weights=weights)
    plan, whole = EvaluationPlan(XP, net, p, block=16), EvaluationPlan(XP, net, p)
    expected = whole.predict(data.X)
    for n in (5, 16, 1, 60, 5, 17, 33, 2, 60, 3, 4, 5, 48):
        w = None if data.w is None else data.w[:n]
        A, J = plan.evaluate(data.X[:n], data.Y[:n], w)
        np.testing.assert_allclose(A, expected[:n], rtol=1e-12)
        cost = GradientPlan(XP, net, p, Data(data.X[:n], data.Y[:n], w)).cost()
        assert pytest.approx(cost, rel=1e-12) == J
        np.testing.assert_array_equal(plan.predict(data.X[:n]), A)
    assert len(plan._ready) <= plan.KEPT


def test_the_short_way_of_the_same_number_of_rows(make) -> None:
    data, p = make.data(NET, 8), make.parameters(NET)
    for dtype in (np.float32, np.float64):
        given = np.ascontiguousarray(data.X[:8], dtype)
        plan = EvaluationPlan(XP, NET, p)
        expected = [EvaluationPlan(XP, NET, p).predict(given[i : i + 1]) for i in range(8)]
        for i in (0, 1, 2, 3):
            np.testing.assert_array_equal(plan.predict(given[i : i + 1]), expected[i])
        plan.predict(given)  # more rows: on memory made anew
        for i in (4, 5):
            np.testing.assert_array_equal(plan.predict(given[i : i + 1]), expected[i])
        p.theta[:] *= 2.0  # the weights are read, not kept
        assert (plan.predict(given[5:6]) != expected[5]).any()
        p.theta[:] /= 2.0
        np.testing.assert_array_equal(plan.predict(given[5:6]), expected[5])
        with pytest.raises(ArgumentError, match="X has shape"):
            plan.predict(given[:1, :2])


def test_predictions_belong_to_the_caller(make) -> None:
    p, data = make.parameters(NET), make.data(NET, 4)
    plan = EvaluationPlan(XP, NET, p)
    first = plan.predict(data.X)
    kept = first.copy()
    plan.predict(-data.X)
    np.testing.assert_array_equal(first, kept)
    assert np.isnan(plan.evaluate(data.X)[1])


def test_several_threads_predict_with_one_plan(make) -> None:
    """They work on the same memory, in turn: nobody gets what another one computed."""
    net = network([30, 300, 3])
    plan = EvaluationPlan(XP, net, make.parameters(net))
    inputs = [make.data(net, n).X * (n + 1) for n in (200, 200, 150, 1500)]
    wanted = [plan.predict(X) for X in inputs]
    wrong: list[int] = []

    def predict(i: int) -> None:
        for _ in range(60):
            if not np.array_equal(plan.predict(inputs[i]), wanted[i]):
                wrong.append(i)

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_predictions_follow_the_parameters(make) -> None:
    p, data = make.parameters(NET), make.data(NET, 4)
    plan = EvaluationPlan(XP, NET, p)
    before = plan.predict(data.X)
    p.b[1] += 1.0
    np.testing.assert_allclose(plan.predict(data.X), before + 1.0, rtol=1e-12)


def test_there_is_no_dropout_at_evaluation(make) -> None:
    dropping = network([3, 5, 2], activation="tanh", dropout=0.9)
    p, data = make.parameters(NET), make.data(NET, 20)
    np.testing.assert_array_equal(
        EvaluationPlan(XP, dropping, p).predict(data.X), EvaluationPlan(XP, NET, p).predict(data.X)
    )
    training = GradientPlan(XP, dropping, p, data).cost()
    assert training != pytest.approx(GradientPlan(XP, NET, p, data).cost(), rel=1e-3)


@pytest.mark.parametrize(
    ("X", "Y", "said"),
    [
        (np.zeros((4, 1)), None, r"X has shape \(4, 1\), .* need \(4, 3\)"),
        (np.zeros((4, 3)), np.zeros((4, 1)), r"Y has shape \(4, 1\), .* need \(4, 2\)"),
        (np.zeros((4, 3)), np.zeros((1, 2)), r"Y has shape \(1, 2\)"),
        (np.zeros((0, 3)), None, "X has no rows"),
    ],
)
def test_data_are_not_broadcast_in_silence(make, X, Y, said) -> None:
    plan = EvaluationPlan(XP, NET, make.parameters(NET))
    with pytest.raises(ArgumentError, match=said):
        plan.evaluate(X, Y)


def test_the_backend_is_told_how_often_an_evaluation_will_run(make, monkeypatch) -> None:
    p, data = make.parameters(NET), make.data(NET, 60)
    backend, told = CpuBackend(), []
    compile_ = backend.compile
    monkeypatch.setattr(
        backend, "compile", lambda program, runs=1: (told.append(runs), compile_(program))[1]
    )
    EvaluationPlan(backend, NET, p, block=16, times=10).predict(data.X)
    assert told == [30, 10]  # three blocks of 16 and one of 12, ten times


@pytest.mark.parametrize("micro_batch_size", [None, 2])
def test_a_plan_says_what_runs_it(make, micro_batch_size) -> None:
    plan = make.plan(NET, make.data(NET, 10), batch_size=4, micro_batch_size=micro_batch_size)
    assert plan.engine == EngineChoice("numpy", 1, "engine='numpy' was asked for")
