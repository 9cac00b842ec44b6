"""Batch normalisation: by hand, the limit definition, the loop twin, PyTorch; batches of one."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.evaluation import EvaluationPlan
from fastnn.nn.gradient import GradientPlan
from fastnn.nn.gradient_check import gradient_check
from fastnn.nn.groups import ParameterGroup
from fastnn.nn.losses import LOSSES
from fastnn.nn.network import Network, network
from fastnn.nn.normalization import BatchNorm, NormKernels, batch_norm
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from fastnn.nn.parameters import Layout, Parameters, initialize
from fastnn.nn.step import Data

XP = CpuBackend()
PLACES = ["before", "after"]


def started(net, seed: int = 0, dtype=np.float64) -> Parameters:
    """Parameters in which nothing is 0 or 1 any more."""
    p, rng = Parameters(net, XP, dtype), np.random.default_rng(seed)
    initialize(net, p, XP, seed=seed)
    for array in [*p.b, *(v for n in p.norms.values() for v in (n.gamma, n.beta, n.mean))]:
        array += rng.uniform(-0.5, 0.5, array.shape)
    for n in p.norms.values():
        n.variance[:] = rng.uniform(0.5, 2, n.variance.shape)
    return p


def twin(net, p: Parameters, rule="gradient_descent", rate=0.05, **options) -> reference.Training:
    ref = reference.Network([(g.name, g.options) for g in net.activations],
                            (net.loss.name, net.loss.options), **options)  # fmt: skip
    norms = [
        norm and reference.BatchNorm(
            norm.place, *(v[:, 0].tolist() for v in (n.gamma, n.beta, n.mean, n.variance)),
            momentum=norm.momentum, epsilon=norm.epsilon,
        )
        for norm, n in zip(net.batch_norm, [p.norms.get(l + 1) for l in range(net.n_layers)],
                           strict=True)
    ]  # fmt: skip
    W, b = [w.tolist() for w in p.W], [v.tolist() for v in p.b]
    return reference.Training(ref, W, b, rule, rate, norms=norms)


def assert_same_numbers(p: Parameters, run: reference.Training, rtol: float = 1e-11) -> None:
    for found, wanted in zip([*p.W, *p.b], [*run.W, *run.b], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=rtol, atol=1e-12)
    for l, n in p.norms.items():
        norm = run.norms[l - 1]
        for name in ("gamma", "beta", "mean", "variance"):
            np.testing.assert_allclose(
                getattr(n, name)[:, 0], getattr(norm, name), rtol=rtol, atol=1e-12, err_msg=name
            )


# ---------------------------------------------------------------- by hand


def test_a_layer_worked_by_hand(make) -> None:
    # One unit, W = 1, b = 7, x = (1, 3): mu = 2 (+ b), s2 = 1, epsilon = 3: zhat = -+1/2.
    # gamma 2, beta 5: a = (4, 6); output W = 1, b = 0, y = (4, 4): J = 1/2 * 2^2/2 = 1.
    # dY = (0, 2)/2: dbeta = 1, dgamma = 1/2, dZ = 2/2 * (dY - 1/2 (1 + zhat/2)) = -+3/8,
    # dW = 3/8 * (3 - 1) = 3/4. The running mean goes from 1 to 0.75 * 1 + 0.25 * 9 = 3, the
    # variance from 1 to 0.75 + 0.25 = 1.
    net = network([1, 1, 1], activation="identity",
                  batch_normalization="before(momentum=0.75, epsilon=3)")  # fmt: skip
    p = Parameters(net, XP, np.float64)
    n = p.norms[1]
    for array, value in ((p.W[0], 1), (p.b[0], 7), (p.W[1], 1), (n.gamma, 2), (n.beta, 5),
                         (n.mean, 1), (n.variance, 1)):  # fmt: skip
        array[:] = value
    data = Data(np.array([[1.0], [3.0]]), np.array([[4.0], [4.0]]))
    plan = make.plan(net, data, parameters=p)
    assert plan.run_epoch(np.array([0, 1]), np.array([0.0])).tolist() == [1.0]
    dn = p.layout.norm_views(plan.gradient)[1]
    dW, db = p.layout.views(plan.gradient)
    assert (dn.beta.item(), dn.gamma.item()) == (1.0, 0.5)
    assert (dW[0].item(), db[0].item()) == (0.75, 0.0)
    assert (n.mean.item(), n.variance.item()) == (3.0, 1.0)
    # Now by the estimates: 2 * (x + 7 - 3) / sqrt(1 + 3) + 5 = x + 9
    assert EvaluationPlan(XP, net, p).predict(data.X).ravel().tolist() == [10.0, 12.0]


def test_the_start_is_gamma_1_beta_0_mean_0_variance_1() -> None:
    net = network([2, 3, 1], batch_normalization="after")
    p = Parameters(net, XP, np.float32)
    initialize(net, p, XP, seed=0)
    n = p.norms[1]
    assert [v.ravel().tolist() for v in (n.gamma, n.beta, n.mean, n.variance)] == [
        [1, 1, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1],
    ]  # fmt: skip


# ---------------------------------------------------------------- the limit definition (N16)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("g", ACTIVATIONS.names)
def test_the_gradient_of_every_activation(make, g, place, dropout) -> None:
    net = network([3, 4, 5, 2], activation=[g, "tanh"], dropout=dropout,
                  batch_normalization=[place, "after"])  # fmt: skip
    data = make.data(net, 7)
    check = gradient_check(net, data.X, data.Y, l2=0.1, l1=0.05)
    assert check.relative_error <= 1e-6, check
    assert {"gamma[1]", "beta[1]", "gamma[2]", "beta[2]"} < set(check.errors)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("loss", LOSSES.names)
def test_the_gradient_of_every_loss_with_weights(make, loss, place) -> None:
    net = network([3, 5, 2], activation="tanh", loss_function=loss, batch_normalization=place)
    data = make.data(net, 7, weights=1)
    check = gradient_check(net, data.X, data.Y, weights=data.w)
    assert check.relative_error <= 1e-6, check
    along = gradient_check(net, data.X, data.Y, directions=3)
    assert along.relative_error <= 1e-6, along


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_delta_is_found(make, place, monkeypatch) -> None:
    from fastnn.backend.kernel import Kernel
    from fastnn.nn import dense

    def no_mean(dy, zhat, dgamma, dbeta, gamma, inverse, s):
        return gamma * inverse * (dy - zhat * dgamma * s)

    monkeypatch.setattr(dense, "normalize_delta", Kernel("wrong", no_mean))
    monkeypatch.setattr(
        NormKernels, "delta_activated",
        Kernel("wrong", lambda dy, zhat, dgamma, dbeta, gamma, inverse, s, t:
               no_mean(dy, zhat, dgamma, dbeta, gamma, inverse, s) * (1 - t * t)),
    )  # fmt: skip
    net = network([3, 4, 2], activation="tanh", batch_normalization=place)
    data = make.data(net, 6)
    assert gradient_check(net, data.X, data.Y).relative_error > 1e-3


# ---------------------------------------------------------------- the loop twin


@pytest.mark.parametrize("places", [["before", "after"], [None, "before"], ["after", None]])
@pytest.mark.parametrize("g", ACTIVATIONS.names)
def test_forward_and_backward_are_the_loop_twins(make, g, places) -> None:
    net = network([3, 4, 4, 2], activation=[g, "tanh"], batch_normalization=places)
    p, data = started(net), make.data(net, 6)
    run, X, Y = twin(net, p, l2=0.3), data.X.T.tolist(), data.Y.T.tolist()
    plan = GradientPlan(XP, net, p, data, l2=0.3)
    before = p.theta.copy()
    J, gradient = plan.cost_and_gradient()
    Z, A = reference.forward(run.network, run.W, run.b, X, norms=run.norms)
    assert pytest.approx(reference.cost(run.network, run.W, Z, A, Y), rel=1e-12) == J
    _, dW, db = reference.backward(run.network, run.W, Z, A, Y, norms=run.norms)
    for found, wanted in zip([*plan.dW, *plan.db], [*dW, *db], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-13)
    for l, views in p.layout.norm_views(gradient).items():
        np.testing.assert_allclose(views.gamma[:, 0], run.norms[l - 1].dgamma, atol=1e-13)
        np.testing.assert_allclose(views.beta[:, 0], run.norms[l - 1].dbeta, atol=1e-13)
    np.testing.assert_array_equal(p.theta, before, "the running estimates stay")
    _, A = reference.forward(run.network, run.W, run.b, X, norms=run.norms, training=False)
    np.testing.assert_allclose(
        EvaluationPlan(XP, net, p, block=4).predict(data.X), np.array(A[-1]).T, rtol=1e-11
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "spec", ["gradient_descent", "momentum", "adam", "adamw(weight_decay=0.1)"]
)
def test_epochs_of_batches_are_the_loop_twins(make, spec, place) -> None:
    rule = optimizer(spec)
    net = network([3, 5, 2], activation="tanh", dropout=0.0,
                  batch_normalization=f"{place}(momentum=0.8, epsilon=0.01)")  # fmt: skip
    p, data = started(net), make.data(net, 11, weights=1)
    run = twin(net, p, (rule.name, rule.options), 0.01, l2=0.5)
    run.clip_norm = 0.5
    plan = make.plan(net, data, spec, 4, parameters=p, l2=0.5, clip_norm=0.5)
    X, Y, w = (v.T.tolist() for v in (data.X, data.Y, data.w))
    for epoch in range(3):
        order = np.random.default_rng(epoch).permutation(11)
        batches = [order[i : i + 4].tolist() for i in (0, 4, 8)]
        costs = reference.train_epoch(run, X, Y, batches, w)
        np.testing.assert_allclose(plan.run_epoch(order, np.full(3, 0.01)), costs, rtol=1e-11)
    # Adam makes steps of the rounding errors that the loops have for a bias that cancels out.
    assert_same_numbers(p, run, 1e-8 if "adam" in spec else 1e-11)


# ---------------------------------------------------------------- PyTorch


@pytest.mark.parametrize("place", PLACES)
def test_training_is_pytorchs_but_for_the_variance_of_the_estimate(make, place) -> None:
    torch = pytest.importorskip("torch")
    net = network([4, 6, 2], activation="relu",
                  batch_normalization=f"{place}(momentum=0.9, epsilon=1e-5)")  # fmt: skip
    p, data = started(net), make.data(net, 12)
    first, last = (
        torch.nn.Linear(4, 6, dtype=torch.float64),
        torch.nn.Linear(6, 2, dtype=torch.float64),
    )
    norm = torch.nn.BatchNorm1d(6, dtype=torch.float64)
    n = p.norms[1]
    pairs = [(first.weight, p.W[0]), (first.bias, p.b[0]), (last.weight, p.W[1]),
             (last.bias, p.b[1]), (norm.weight, n.gamma), (norm.bias, n.beta),
             (norm.running_mean, n.mean), (norm.running_var, n.variance)]  # fmt: skip
    with torch.no_grad():
        for theirs, ours in pairs:
            theirs.copy_(torch.from_numpy(ours.reshape(theirs.shape)))
    middle = [norm, torch.nn.ReLU()] if place == "before" else [torch.nn.ReLU(), norm]
    model = torch.nn.Sequential(first, *middle, last)
    descent = torch.optim.SGD(model.parameters(), lr=0.1)
    plan = make.plan(net, data, "gradient_descent", 6, parameters=p)
    X, Y = torch.from_numpy(data.X), torch.from_numpy(data.Y)
    variance, mean = np.array(n.variance[:, 0]), np.array(n.mean[:, 0])
    for _ in range(3):
        plan.run_epoch(np.arange(12), np.full(2, 0.1))
        for i in (0, 6):
            before = norm.running_var.clone()
            descent.zero_grad()
            (0.5 * (model(X[i : i + 6]) - Y[i : i + 6]) ** 2).sum(1).mean().backward()
            descent.step()
            unbiased = (norm.running_var - 0.9 * before) / 0.1
            variance = 0.9 * variance + 0.1 * unbiased.numpy() * 5 / 6  # m = 6: ours divides by m
    for theirs, ours in pairs[:7]:
        # The bias before the normalisation has the gradient 0, theirs that of rounding.
        np.testing.assert_allclose(
            ours.reshape(theirs.shape), theirs.detach(), rtol=1e-9, atol=1e-12
        )
    assert not np.allclose(n.mean[:, 0], mean)
    np.testing.assert_allclose(n.variance[:, 0], variance, rtol=1e-9)
    with torch.no_grad():
        norm.running_var.copy_(torch.from_numpy(n.variance[:, 0]))
        wanted = model.eval()(X)
    np.testing.assert_allclose(EvaluationPlan(XP, net, p).predict(data.X), wanted, rtol=1e-9)


# ---------------------------------------------------------------- batches of one


@pytest.mark.parametrize(
    ("n", "m", "steps"), [(9, 4, [4, 5]), (5, 4, [5]), (10, 4, [4, 4, 2]), (13, 4, [4, 4, 5])]
)
def test_a_last_batch_of_one_joins_the_batch_before(make, n, m, steps) -> None:
    net = network([3, 4, 2], activation="tanh", batch_normalization="before")
    p, data = started(net), make.data(net, n)
    run = twin(net, p)
    plan = make.plan(net, data, batch_size=m, parameters=p)
    assert plan.n_steps == len(steps)
    order = np.random.default_rng(1).permutation(n)
    cuts = np.cumsum([0, *steps])
    batches = [order[i:j].tolist() for i, j in pairwise(cuts)]
    costs = reference.train_epoch(run, data.X.T.tolist(), data.Y.T.tolist(), batches)
    found = plan.run_epoch(order, np.full(len(steps), 0.05))
    np.testing.assert_allclose(found, costs, rtol=1e-12)
    assert_same_numbers(p, run)


@pytest.mark.parametrize(
    ("n", "m", "said"),
    [(5, 1, "with batch_size=1: the variance"), (1, 8, "with one example: .*; give more")],
)
def test_batches_of_one_are_refused(make, n, m, said) -> None:
    net = network([3, 4, 2], batch_normalization="after")
    with pytest.raises(ArgumentError, match=said):
        make.plan(net, make.data(net, n), batch_size=m)


def test_without_normalisation_a_last_batch_of_one_stays(make) -> None:
    net = network([3, 4, 2])
    assert make.plan(net, make.data(net, 9), batch_size=4).n_steps == 3


# ---------------------------------------------------------------- layout, groups, plans


def test_the_estimates_lie_behind_what_is_trained() -> None:
    # Blocks begin at multiples of 16: W at 0, 64, 144; b at 160, 192, 208.
    layout = Layout.of((3, 20, 4, 2), (True, False, False))
    assert layout.gammas == {1: slice(224, 244)}
    assert layout.betas == {1: slice(256, 276)}
    assert layout.n_trained == 288
    assert layout.means == {1: slice(288, 308)}
    assert layout.variances == {1: slice(320, 340)}
    assert layout.size == 352
    assert Layout.of((3, 4), (False,)).n_trained == Layout.of((3, 4)).size


def test_a_snapshot_has_the_estimates(make) -> None:
    net = network([3, 5, 2], batch_normalization="before")
    plan = make.plan(net, make.data(net, 10), "adam", 4)
    start = plan.snapshot()
    first = plan.run_epoch(np.arange(10), np.full(3, 0.1)).tolist()
    after = plan.parameters.theta.copy()
    plan.restore(start)
    assert plan.run_epoch(np.arange(10), np.full(3, 0.1)).tolist() == first
    np.testing.assert_array_equal(plan.parameters.theta, after)
    assert plan.gradient.size == plan.parameters.layout.n_trained < after.size


@pytest.mark.parametrize("kind", ["gammas", "betas"])
def test_groups_of_their_own(make, kind) -> None:
    net = network([3, 5, 5, 2], batch_normalization=["before", "after"])
    p, data = started(net), make.data(net, 10)
    start = p.theta.copy()
    group = ParameterGroup(kind, layer=2, learning_rate_factor=0.0)
    make.plan(net, data, batch_size=5, parameters=p, groups=[group]).run_epoch(
        np.arange(10), np.full(2, 0.1)
    )
    layout = p.layout
    for name in ("gammas", "betas"):
        for l in (1, 2):
            moved = (p.theta != start)[getattr(layout, name)[l]].all()
            assert moved == ((name, l) != (kind, 2))


def test_weight_decay_leaves_gammas_and_betas_alone(make) -> None:
    net = network([3, 5, 2], batch_normalization="after")
    p = started(net)
    start, n_weights = p.theta.copy(), p.layout.n_weights
    # No slope anywhere: only the decay moves anything.
    for W in p.W:
        W[:] *= 0
    p.W[0][:] = start[p.layout.weights[0]].reshape(5, 3)
    p.norms[1].gamma[:] *= 0
    kept = p.theta.copy()
    data = Data(make.data(net, 8).X, np.tile(p.b[1].T, (8, 1)))
    plan = make.plan(net, data, "adamw(weight_decay=0.5)", 8, parameters=p)
    plan.run_epoch(np.arange(8), np.array([0.1]))
    np.testing.assert_allclose(p.W[0], kept[p.layout.weights[0]].reshape(5, 3) * 0.95)
    trained = slice(n_weights, p.layout.n_trained)
    np.testing.assert_array_equal(p.theta[trained], kept[trained])


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (ParameterGroup("gammas"), "there are no gammas, the network has no batch normalisation"),
        (ParameterGroup("betas", layer=1), "there are no betas, layer 1 has no batch norm"),
    ],
)
def test_groups_of_what_is_not_there(make, group, said) -> None:
    net = network([3, 5, 2])
    with pytest.raises(ArgumentError, match=said):
        make.plan(net, make.data(net, 4), groups=[group])


@pytest.mark.parametrize("place", PLACES)
def test_every_array_of_every_program_has_a_name(make, place) -> None:
    net = network([3, 4, 4, 4, 2], activation=["gelu", "softmax", "relu"], dropout=0.3,
                  batch_normalization=place)  # fmt: skip
    data = make.data(net, 9)
    programs = [make.plan(net, data, name, 4).program for name in OPTIMIZERS.names]
    programs += GradientPlan(XP, net, make.parameters(net), data).programs
    for program in programs:
        assert "array(" not in str(program), program
    text = str(programs[0])
    assert "1/deviation[3], mean[3], variance[3] = track(sum[3], squares[3], 1/m, " in text
    assert "dbeta[3] = sum(" in text
    assert ("db[1] = " in text) == (place == "after"), "a bias that cancels out has no gradient"


@pytest.mark.parametrize("g", ["relu", "gelu", "softmax"])
@pytest.mark.parametrize("place", PLACES)
def test_predictions_of_a_block_are_those_of_single_rows(make, place, g) -> None:
    net = network([3, 6, 2], activation=g, batch_normalization=place)
    p, data = started(net), make.data(net, 7)
    whole = EvaluationPlan(XP, net, p).predict(data.X)
    for i in range(7):
        np.testing.assert_allclose(
            EvaluationPlan(XP, net, p).predict(data.X[i : i + 1])[0], whole[i], rtol=1e-12
        )


# ---------------------------------------------------------------- the network that says so


def test_a_network_says_and_keeps_it() -> None:
    net = network([4, 8, 8, 1], dropout=[0.0, 0.5],
                  batch_normalization=["before", "after(momentum=0.9)"])  # fmt: skip
    assert net.batch_norm == (BatchNorm("before", 0.99, 1e-3), BatchNorm("after", 0.9, 1e-3), None)
    assert str(net) == (
        "4 inputs -> 8 relu (batch norm before) -> 8 relu (batch norm after, dropout 0.5) "
        "-> 1 identity; squared_error; 153 parameters"
    )  # 40 + 72 + 9 weights and biases, 32 gammas and betas
    assert net.n_estimates == 32
    form = net.to_json()
    assert form["batch_norm"][1] == {"name": "after", "momentum": 0.9, "epsilon": 1e-3}
    assert Network.from_json(form).to_json() == form
    assert "batch_norm" not in network([4, 8, 1]).to_json()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("befor", "did you mean 'before'"),
        ("before(momentum=1)", r"momentum=1.0 is outside \[0, 1\)"),
        ("after(epsilon=0)", r"epsilon=0.0 is outside \(0, inf\)"),
        ("before(decay=0.9)", "has no option 'decay'"),
        (True, "batch_normalization must be a name"),
        (["before", "after"], "batch_normalization has 2 entries but the network has 1 hidden"),
    ],
)
def test_what_cannot_be_is_refused(spec, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        network([3, 4, 1], batch_normalization=spec)


@pytest.mark.parametrize(
    "change", [{"batch_norm": [None]}, {"batch_norm": "before"}, {"batch_norm": [None, "before"]}]
)
def test_a_damaged_description_is_refused(change) -> None:
    form = network([3, 4, 1], batch_normalization="before").to_json()
    with pytest.raises(ArgumentError):
        Network.from_json({**form, **change})


def test_after_the_identity_is_before_it() -> None:
    net = network([3, 4, 4, 1], activation=["linear", "relu"], batch_normalization="after")
    assert [norm.place for norm in net.batch_norm[:-1]] == ["before", "after"]


def test_a_rule_may_be_given_as_it_is() -> None:
    rule = BatchNorm("before", 0.5, 0.1)
    assert batch_norm(rule) is rule
    assert replace(rule, momentum=0.9).to_json()["momentum"] == 0.9
