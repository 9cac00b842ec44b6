"""Every optimiser: by hand, and 50 steps of a whole network beside PyTorch (float64)."""

import json
import math

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError
from fastnn.nn.network import network
from fastnn.nn.optimizers import OPTIMIZERS, optimizer

XP = CpuBackend()


def steps(spec: str, gradients: list[float], rate: float, p: float = 1.0) -> list[float]:
    """The parameter after each step, for the given gradients."""
    rule = optimizer(spec)
    t = np.arange(1.0, len(gradients) + 1)
    table = rule.coefficients(t, np.full(len(gradients), rate))
    theta, state, found = np.array([p]), [np.zeros(1) for _ in rule.state], []
    for g, row in zip(gradients, table, strict=True):
        scalars = [np.array([c]) for c in row]
        out = (theta, *state) if state else theta
        XP.apply(rule.kernel, theta, np.array([g]), *state, *scalars, out=out)
        found.append(theta.item())
    return found


# p starts at 1; the gradients are 2 and then -1; the learning rate is 0.5.
BY_HAND = {
    "gradient_descent": [1 - 0.5 * 2, 0 + 0.5 * 1],
    # V = 0.5*0 + 0.5*2 = 1: p = 1 - 0.5;  V = 0.5*1 + 0.5*(-1) = 0: p stays
    "momentum(beta=0.5)": [0.5, 0.5],
    # V = 1: p = 1 - 0.5 (0.5*1 + 0.5*2) = 0.25;  V = 0: p = 0.25 - 0.5 (0 - 0.5) = 0.5
    "nesterov(beta=0.5)": [0.25, 0.5],
    # N29. S = 0.5*4 = 2: p = 1 - 0.5*2/sqrt(2 + 2) = 0.5
    # S = 0.5*2 + 0.5*1 = 1.5: p = 0.5 + 0.5/sqrt(1.5 + 2)   (epsilon = 1 in the next rows)
    "rmsprop(beta=0.5, epsilon=0.25)": [
        1 - 0.5 * 2 / 1.5,  # sqrt(2 + 0.25) = 1.5
        1 - 0.5 * 2 / 1.5 + 0.5 * 1 / math.sqrt(1.75),
    ],
    "rmsprop(beta=0.5, epsilon=1, epsilon_placement=outside)": [
        1 - 1 / (math.sqrt(2) + 1),
        1 - 1 / (math.sqrt(2) + 1) + 0.5 / (math.sqrt(1.5) + 1),
    ],
    # N30, beta1 = beta2 = 0.5. t = 1: V = 1, Vhat = 2; S = 2, Shat = 4.
    # t = 2: V = 0.5 - 0.5 = 0, so p stays.
    "adam(beta1=0.5, beta2=0.5, epsilon=1)": [1 - 0.5 * 2 / (2 + 1)] * 2,
    "adam(beta1=0.5, beta2=0.5, epsilon=1, epsilon_placement=inside)": [
        1 - 0.5 * 2 / math.sqrt(4 + 1)
    ]
    * 2,
    # decay first: 1 - 0.5*0.1 = 0.95, then Adam's step 1/3; then 0.95 of that, and V = 0
    "adamw(beta1=0.5, beta2=0.5, epsilon=1, weight_decay=0.1)": [
        0.95 - 1 / 3,
        0.95 * (0.95 - 1 / 3),
    ],
}


@pytest.mark.parametrize("spec", BY_HAND)
def test_two_steps_worked_by_hand(spec: str) -> None:
    assert steps(spec, [2.0, -1.0], rate=0.5) == pytest.approx(BY_HAND[spec], abs=1e-15)


def test_the_notes_adam_with_a_third_step_by_hand() -> None:
    # beta1 = 0.5, beta2 = 0.75, epsilon = 0, gradients 2, 0, 4, rate 1, from p = 0:
    # V: 1, 0.5, 2.25; Vhat: 1/0.5 = 2, 0.5/0.75 = 2/3, 2.25/0.875 = 18/7
    # S: 1, 0.75, 4.5625; Shat: 1/0.25 = 4, 0.75/0.4375 = 12/7, 4.5625/0.578125 = 292/37
    p1 = -2 / 2
    p2 = p1 - (2 / 3) / math.sqrt(12 / 7)
    p3 = p2 - (18 / 7) / math.sqrt(292 / 37)
    for placement in ("inside", "outside"):
        spec = f"adam(beta1=0.5, beta2=0.75, epsilon=1e-300, epsilon_placement={placement})"
        assert steps(spec, [2, 0, 4], 1.0, 0.0) == pytest.approx([p1, p2, p3], abs=1e-14)


def test_the_first_step_of_adam_is_the_learning_rate_for_any_gradient() -> None:
    for g in (1e-3, 1.0, 1e6):
        assert steps("adam(epsilon=1e-300)", [g], 0.01) == pytest.approx([0.99], abs=1e-14)


def test_the_places_of_epsilon_differ_where_the_gradient_is_small() -> None:
    # Shat = 1e-16: sqrt(1e-16 + 1e-8) = 1e-4, sqrt(1e-16) + 1e-8 = 2e-8
    inside = steps("adam(epsilon_placement=inside)", [1e-8], 1.0, 0.0)
    outside = steps("adam", [1e-8], 1.0, 0.0)
    assert inside == pytest.approx([-1e-4], rel=1e-6)
    assert outside == pytest.approx([-0.5], rel=1e-6)


@pytest.mark.parametrize("row", list(OPTIMIZERS), ids=lambda row: row.name)
def test_the_rule_of_the_loop_twin(row, rng) -> None:
    gradients = rng.standard_normal(20).tolist()
    p, moments, expected = 1.0, (0.0, 0.0), []
    for t, g in enumerate(gradients, start=1):
        p, moments = reference.OPTIMIZERS[row.name](p, g, moments, t, 0.1)
        expected.append(p)
    assert steps(row.name, gradients, 0.1) == pytest.approx(expected, rel=1e-13)


# ---------------------------------------------------------------- beside PyTorch

RATE, BETA = 0.02, 0.9
TORCH = {
    "gradient_descent": ("SGD", {"lr": RATE}),
    "momentum": ("SGD", {"lr": RATE * (1 - BETA), "momentum": BETA}),
    "nesterov": ("SGD", {"lr": RATE * (1 - BETA), "momentum": BETA, "nesterov": True}),
    "rmsprop(epsilon_placement=outside)": ("RMSprop", {"lr": RATE, "alpha": 0.9}),
    "adam": ("Adam", {"lr": RATE}),
    "adamw(weight_decay=0.1)": ("AdamW", {"lr": RATE}),
}
NETS = {
    "softmax": {"activation": "tanh", "loss_function": "categorical_crossentropy"},
    "sigmoid": {"activation": "gelu", "loss_function": "binary_crossentropy"},
    "regression": {"activation": ["silu", "elu"], "loss_function": "squared_error"},
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("spec", TORCH)
def test_fifty_steps_are_pytorchs(make, spec: str, kind: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")
    functional = torch.nn.functional
    net = network([5, 8, 6, 3], **NETS[kind])
    data, p, rng = make.data(net, 28), make.parameters(net), np.random.default_rng(3)
    X, Y = torch.tensor(data.X), torch.tensor(data.Y)
    weights = [torch.tensor(W.copy(), requires_grad=True) for W in p.W]
    biases = [torch.tensor(b[:, 0].copy(), requires_grad=True) for b in p.b]
    g = [getattr(functional, a.name, None) or getattr(torch, a.name) for a in net.activations[:-1]]
    costs = {
        "softmax": lambda z, y: functional.cross_entropy(z, y[:, 0].long()),
        "sigmoid": lambda z, y: functional.binary_cross_entropy_with_logits(z, y) * 3,
        "regression": lambda z, y: functional.mse_loss(z, y) * 3 / 2,
    }
    name, options = TORCH[spec]
    groups = [{"params": weights}, {"params": biases}]
    if name == "AdamW":
        groups[0]["weight_decay"], groups[1]["weight_decay"] = 0.1, 0.0
    theirs = getattr(torch.optim, name)(groups, **options)
    plan = make.plan(net, data, spec, 12, parameters=p)
    taken = 0
    while taken < 50:  # batches of 12, 12 and 4
        order = rng.permutation(28)
        n = min(3, 50 - taken)
        ours = plan.run_epoch(order, np.full(3, RATE), steps=n)
        for step in range(n):
            rows = torch.tensor(order[12 * step : 12 * step + 12])
            a = X[rows]
            for l in range(3):
                a = functional.linear(a, weights[l], biases[l])
                a = g[l](a) if l < 2 else a
            J = costs[kind](a, Y[rows])
            theirs.zero_grad()
            J.backward()
            theirs.step()
            assert ours[step] == pytest.approx(J.item(), rel=1e-10)
        taken += n
    assert plan.t == 50
    for W, b, W_theirs, b_theirs in zip(p.W, p.b, weights, biases, strict=True):
        np.testing.assert_allclose(W, W_theirs.detach().numpy(), rtol=0, atol=1e-10)
        np.testing.assert_allclose(b[:, 0], b_theirs.detach().numpy(), rtol=0, atol=1e-10)


# ---------------------------------------------------------------- names and options


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {}),
        ("momentum", {"beta": 0.9}),
        ("nesterov", {"beta": 0.9}),
        ("rmsprop", {"beta": 0.9, "epsilon": 1e-8, "epsilon_placement": "inside"}),
        ("adam", {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "epsilon_placement": "outside"}),
    ],
)
def test_the_defaults(name, options) -> None:
    assert dict(optimizer(name).options) == options
    assert optimizer("adamw").options["weight_decay"] == 0.01


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("addam", "unknown optimizer 'addam'; did you mean 'adam'"),
        ("adam(beta=0.9)", "optimizer 'adam' has no option 'beta'; it belongs to momentum"),
        ("sgd(momentum=0.9)", "optimizer 'gradient_descent' has no option 'momentum'"),
        ("adam(beta1=1)", r"beta1=1.0 is outside \[0, 1\)"),
        ("adam(epsilon=0)", r"epsilon=0.0 is outside \(0, inf\]"),
        ("adam(epsilon_placement=insde)", "choose from outside, inside; did you mean 'inside'"),
        ("adam(weight_decay=0.1)", "it belongs to adamw"),
        ("adamw(weight_decay=-1)", "outside"),
        (1, "optimizer must be a name"),
    ],
)
def test_what_is_no_optimizer_is_refused(spec, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        optimizer(spec)


@pytest.mark.parametrize("spec", [*BY_HAND, "adamw(epsilon_placement=inside)"])
def test_an_optimizer_survives_json(spec: str) -> None:
    rule = optimizer(spec)
    again = optimizer(json.loads(json.dumps(rule.to_json())))
    assert (again.to_json(), again.update) == (rule.to_json(), rule.update)
    assert optimizer(rule) is rule


@pytest.mark.parametrize("row", list(OPTIMIZERS), ids=lambda row: row.name)
def test_the_coefficients_are_the_last_arguments_of_the_update(row) -> None:
    rule = optimizer(row.name)
    t, rate = np.arange(1.0, 5.0), np.array([0.1, 0.2, 0.3, 0.4])
    options = {k: v for k, v in rule.options.items() if k != "epsilon_placement"}
    names = list(row.coefficients(t, rate, **options))
    assert list(rule.kernel.inputs) == ["p", "g", *row.state, *names]
    assert rule.coefficients(t, rate).shape == (4, len(names))
    assert rule.coefficients(t, rate).dtype == np.float64


def test_a_late_step_of_adam_is_as_exact_as_an_early_one() -> None:
    rule = optimizer("adam")
    table = rule.coefficients(np.array([1e6, 1e9]), np.full(2, 0.1))
    np.testing.assert_array_equal(table[0], table[1])
    assert table[0, 0] == 0.1
