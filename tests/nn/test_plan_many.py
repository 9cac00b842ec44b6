"""A plan for many networks against one for each of them: numbers, not tolerances of taste."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.engine import compiled_status
from fastnn.backend.stack import Stack
from fastnn.data.batches import epoch_order
from fastnn.errors import ArgumentError
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.network import Network, network
from fastnn.nn.optimizers import OPTIMIZERS, OptimizerRule, optimizer
from fastnn.nn.parameters import Parameters, initialize
from fastnn.nn.plan import TrainingPlan
from fastnn.nn.row_source import Pool

G, N, EPOCHS = 5, 23, 4
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
ENGINES = [
    "numpy",
    pytest.param(
        "compiled",
        marks=pytest.mark.skipif(bool(compiled_status()), reason=compiled_status() or "-"),
    ),
]


@dataclass(frozen=True)
class Member:
    """What a network of a stack has of its own."""

    optimizer: OptimizerRule
    seed: int = 0
    l2: float = 0.0
    l1: float = 0.0
    clip_norm: float | None = None


def plan_of(
    backend: Any, net: Network, theta: Any, members: list[Member], pool: Pool, m: int, **given: Any
) -> TrainingPlan:
    """A plan for all members at once, on a stack with their weights."""
    stack = Stack(backend, [member.seed for member in members])
    parameters = Parameters(net, stack, theta.dtype)
    stack.all(parameters.theta)[:] = theta
    own = {
        name: [getattr(member, name) for member in members] for name in ("l2", "l1", "clip_norm")
    }
    rules = [member.optimizer for member in members]
    return TrainingPlan(
        stack, net, parameters, rules, pool.on(stack, range(len(members))), m, **own, **given
    )


def weights(net: Network, backend: Any, dtype: str, g: int) -> Any:
    parameters = Parameters(net, backend, dtype)
    kinds = ["glorot_uniform", "he_normal", "scaled_normal"]
    initialize(net, parameters, backend, initializer=kinds[g % 3], seed=g)
    return parameters


def pool_of(make: Any, net: Network, dtype: str, n_sets: int, weighted: int) -> Pool:
    sets = [make.data(net, N, seed=f, weights=weighted, dtype=dtype) for f in range(n_sets)]
    return Pool(
        np.stack([d.X for d in sets]),
        np.stack([d.Y for d in sets]),
        np.stack([d.w for d in sets]) if weighted else None,
        tuple(g * 7 % n_sets for g in range(G)),
    )


def check(
    make: Any,
    net: Network,
    members: list[Member],
    engine: str = "numpy",
    dtype: str = "float64",
    batch_size: int = 6,
    n_sets: int = 1,
    weighted: int = 0,
    groups: tuple[ParameterGroup, ...] = (),
) -> None:
    """Train all at once and each alone; compare costs, weights, state, outputs and losses."""
    backend = get_backend("cpu", engine)
    pool = pool_of(make, net, dtype, n_sets, weighted)
    theta = np.stack([weights(net, backend, dtype, g).theta for g in range(G)])
    many = plan_of(backend, net, theta, members, pool, batch_size, groups=groups, epochs=EPOCHS)
    rates = np.array([np.full(many.n_steps, 0.01 * (1 + g)) for g in range(G)])
    orders = [np.array([epoch_order(N, g, e) for g in range(G)]) for e in range(EPOCHS)]
    costs = [many.run_epoch(order, rates) for order in orders]
    sets = [pool.on(backend, [g]) for g in range(G)]  # those that several share are one array
    X, Y, w = ([getattr(d, name) for d in sets] for name in ("X", "Y", "w"))
    outputs, losses = EvaluationPlan(many.backend, net, many.parameters, 10).evaluate(X, Y, w)
    assert many.finite.tolist() == [True] * G
    near: dict[str, Any] = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype]}
    for g, member in enumerate(members):
        parameters = weights(net, backend, dtype, g)
        before = parameters.theta.copy()
        alone = TrainingPlan(
            backend, net, parameters, member.optimizer, sets[g], batch_size,
            l2=member.l2, l1=member.l1, clip_norm=member.clip_norm, groups=groups,
            seed=member.seed, epochs=EPOCHS,
        )  # fmt: skip
        for order, found in zip(orders, costs, strict=True):
            np.testing.assert_allclose(found[g], alone.run_epoch(order[g], rates[g]), **near)
        np.testing.assert_allclose(many.theta[g], parameters.theta, **near)
        for name, state in alone.state.items():
            np.testing.assert_allclose(many.state[name][g], state, **near)
        data = sets[g]
        A, J = EvaluationPlan(backend, net, parameters, block=10).evaluate(data.X, data.Y, data.w)
        np.testing.assert_allclose(outputs[g], A, **near)
        assert losses[g] == pytest.approx(J, rel=TOLERANCE[dtype])
        assert np.abs(parameters.theta - before).max() > 1e-3  # it was trained
    assert len(np.unique(np.round(many.theta[:, 0], 9))) == G  # and each in its own way


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch_size", [1, 6, N])
def test_each_network_is_the_one_trained_alone(make, engine, dtype, batch_size) -> None:
    net = network([3, 9, 6, 4], dropout=[0.2, 0.0], loss_function="categorical_crossentropy")
    members = [Member(optimizer("adam"), seed=g, l2=0.1 * g) for g in range(G)]
    check(make, net, members, engine, dtype, batch_size)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("row", list(OPTIMIZERS), ids=lambda row: row.name)
def test_every_optimizer_with_options_of_each_network(make, engine, row) -> None:
    first = row.options[0].name if row.options else ""
    specs = [f"{row.name}({first}={0.5 + g / 10})" if first else row.name for g in range(G)]
    net = network([3, 5, 2], activation="tanh")
    check(make, net, [Member(optimizer(spec), seed=g) for g, spec in enumerate(specs)], engine)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("description", "weighted"),
    [
        ({"sizes": [3, 1], "loss_function": "binary_crossentropy"}, 0),
        ({"sizes": [3, 1], "loss_function": "binary_crossentropy"}, 1),
        ({"sizes": [3, 4, 4, 2], "activation": ["softmax", "gelu"], "dropout": 0.3}, 0),
        ({"sizes": [3, 8, 2], "activation": "selu", "loss_function": "huber"}, 2),
        ({"sizes": [1, 1, 1], "loss_function": "poisson"}, 0),
        ({"sizes": [3, 6, 5, 2], "batch_normalization": ["before", "after"], "dropout": 0.2}, 0),
    ],
)
def test_other_networks_and_weighted_examples(make, engine, description, weighted) -> None:
    members = [Member(optimizer("momentum"), seed=g) for g in range(G)]
    check(make, network(**description), members, engine, weighted=weighted)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [6, N])
def test_each_network_has_the_examples_of_its_fold(make, engine, batch_size) -> None:
    net = network([3, 7, 3], loss_function="categorical_crossentropy")
    members = [Member(optimizer("adam"), seed=g) for g in range(G)]
    check(make, net, members, engine, batch_size=batch_size, n_sets=3)
    check(make, net, members, engine, batch_size=batch_size, n_sets=5, weighted=1)


@pytest.mark.parametrize("engine", ENGINES)
def test_penalties_clipping_and_groups(make, engine) -> None:
    net, rule = network([3, 6, 2]), optimizer("adamw")
    members = [
        Member(rule, seed=0),
        Member(rule, seed=1, l1=0.3),
        Member(rule, seed=2, clip_norm=0.5),
        Member(rule, seed=3, l2=0.3, l1=0.1, clip_norm=0.1),
        Member(optimizer("adamw(weight_decay=0.2)"), seed=4, l2=0.5),
    ]
    some = (ParameterGroup("biases", learning_rate_factor=2.0), ParameterGroup(layer=2,
            learning_rate_factor=0.5))  # fmt: skip
    check(make, net, members, engine)
    check(make, net, members, engine, groups=some)


POOL = Pool(np.ones((1, 4, 2)), np.ones((1, 4, 1)), None, (0, 0))


def small(*members: Member, pool: Pool = POOL) -> TrainingPlan:
    given = list(members) or [Member(optimizer("adam")), Member(optimizer("adam"), seed=1)]
    return plan_of(get_backend(), network([2, 1]), np.zeros((len(given), 32)), given, pool, 2)


def test_different_kinds_of_optimizers_are_refused() -> None:
    with pytest.raises(ArgumentError, match="one kind of optimizer"):
        small(Member(optimizer("adam")), Member(optimizer("adam(epsilon_placement=inside)")))


@pytest.mark.parametrize("option", ["l2", "l1", "clip_norm"])
def test_every_network_s_own_numbers_are_looked_at(option: str) -> None:
    with pytest.raises(ArgumentError, match=f"training: {option}=-1.0 is outside"):
        small(Member(optimizer("adam")), Member(optimizer("adam"), **{option: -1.0}))


@pytest.mark.parametrize(("name", "shape"), [("order", (2, 3)), ("rates", (2, 1))])
def test_orders_and_rates_of_a_wrong_shape(name: str, shape: tuple[int, int]) -> None:
    given = {"order": np.zeros((2, 4), np.int64), "rates": np.zeros((2, 2)), name: np.zeros(shape)}
    with pytest.raises(ArgumentError, match=rf"{name} has shape \(2, {shape[1]}\), needs"):
        small().run_epoch(given["order"], given["rates"])


def test_data_that_do_not_fit_the_network() -> None:
    with pytest.raises(ArgumentError, match=r"X has shape \(4, 3\)"):
        small(pool=Pool(np.ones((1, 4, 3)), np.ones((1, 4, 1)), None, (0, 0)))


def test_parts_of_different_lengths_are_not_judged_together() -> None:
    plan = small()
    both = EvaluationPlan(plan.backend, plan.network, plan.parameters)
    with pytest.raises(ArgumentError, match="X: networks of a stack need arrays of one shape"):
        both.evaluate([np.ones((3, 2)), np.ones((1, 2))])
    with pytest.raises(ArgumentError, match="Y: networks of a stack need arrays of one shape"):
        both.evaluate([np.ones((3, 2))] * 2, [np.ones((3, 1)), None])


def test_examples_that_several_networks_share_are_sent_once() -> None:
    class Counting(CpuBackend):
        sent = 0

        def copy(self, source: Any, out: Any) -> None:
            self.sent += any(np.shares_memory(source, X) for X in (one, two))
            super().copy(source, out)

    one, two = np.ones((5, 2)), np.zeros((5, 2))
    backend = Counting()
    stack = Stack(backend, [0] * 4)
    net = network([2, 1])
    plan = EvaluationPlan(stack, net, Parameters(net, stack, "float64"), block=4)
    plan.evaluate([one, two, one, one])
    assert backend.sent == 2 * 2  # in blocks of 4 rows and 1


def test_one_network_goes_back_and_the_other_stays() -> None:
    plan = small()
    orders, rates = np.tile(np.arange(4), (2, 1)), np.full((2, 2), 0.1)
    plan.run_epoch(orders, rates)
    kept, theta = plan.snapshot(), plan.theta.copy()
    plan.run_epoch(orders, rates)
    later = plan.theta.copy()
    plan.restore(plan.part(kept, 1), 1)
    assert plan.t.tolist() == [4, 2]
    np.testing.assert_array_equal(plan.theta, [later[0], theta[1]])
    np.testing.assert_array_equal(plan.state["V"][1], kept[1]["V"][1])
    rates[0] = 0.0  # the first stands still, the second takes the same steps again
    plan.run_epoch(orders, rates)
    np.testing.assert_array_equal(plan.theta, later)
    assert plan.t.tolist() == [6, 4]


def test_a_network_that_is_no_longer_finite_is_told_from_the_others() -> None:
    plan = small(pool=Pool(np.zeros((1, 4, 2)), np.zeros((1, 4, 1)), None, (0, 0)))
    plan.theta[:, :2] = [[1.0, 1.0], [np.finfo(np.float64).max] * 2]  # whose sum is infinite
    orders, rates = np.tile(np.arange(4), (2, 1)), np.zeros((2, 2))
    plan.run_epoch(orders, rates)
    assert plan.finite.tolist() == [True, True]
    plan.theta[0, 0] = np.nan
    plan.run_epoch(orders, rates)
    assert plan.finite.tolist() == [False, True]


def test_an_epoch_in_pieces_is_the_epoch_to_the_last_bit() -> None:
    orders, rates = np.array([[3, 1, 2, 0], [0, 2, 1, 3]]), np.array([[0.1, 0.2], [0.3, 0.1]])
    whole, pieces = small(), small()
    costs = [whole.run_epoch(orders, rates) for _ in range(2)]
    for wanted in costs:
        found = [pieces.run_epoch(orders, rates, 1), pieces.run_epoch(orders, rates, 2, first=1)]
        np.testing.assert_array_equal(np.hstack(found), wanted)
    np.testing.assert_array_equal(pieces.theta, whole.theta)
    assert pieces.t.tolist() == whole.t.tolist() == [4, 4]
