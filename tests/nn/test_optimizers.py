"""Every optimiser: by hand, and 50 steps of a whole network beside PyTorch (float64)."""

import json
import math

import numpy as np
import pytest

from fastnn import reference
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from fastnn.proofs.selfcheck import optimizer_rules

XP = CpuBackend()


def steps(spec: object, gradients: list[float], rate: float, p: float = 1.0) -> list[float]:
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
    # V = 0.5*0 - 0.5*2 = -1: p = 0;  V = 0.5*(-1) - 0.5*(-1) = 0: p stays
    "velocity(momentum=0.5)": [0.0, 0.0],
    # V = -1: p = 1 + 0.5*(-1) - 0.5*2 = -0.5;  V = 0: p = -0.5 + 0 + 0.5
    "nesterov_velocity(momentum=0.5)": [-0.5, 0.0],
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
    # t = 1: the rate is 0.5 sqrt(1/2) / (1/2) = 1/sqrt(2); V = 1, S = 2. t = 2: V = 0 again.
    "adam(beta1=0.5, beta2=0.5, epsilon=1, epsilon_placement=before_correction)": [
        1 - 1 / math.sqrt(2) / (math.sqrt(2) + 1)
    ]
    * 2,
    # decay first: 1 - 0.5*0.1 = 0.95, then the step of the row above; then 0.95 of that
    "adamw(beta1=0.5, beta2=0.5, epsilon=1, weight_decay=0.1, "
    "epsilon_placement=before_correction)": [
        0.95 - 1 / math.sqrt(2) / (math.sqrt(2) + 1),
        0.95 * (0.95 - 1 / math.sqrt(2) / (math.sqrt(2) + 1)),
    ],
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
    for placement in ("inside", "outside", "before_correction"):
        spec = f"adam(beta1=0.5, beta2=0.75, epsilon=1e-300, epsilon_placement={placement})"
        assert steps(spec, [2, 0, 4], 1.0, 0.0) == pytest.approx([p1, p2, p3], abs=1e-14)


def test_the_first_step_of_adam_is_the_learning_rate_for_any_gradient() -> None:
    for g in (1e-3, 1.0, 1e6):
        assert steps("adam(epsilon=1e-300)", [g], 0.01) == pytest.approx([0.99], abs=1e-14)


def test_the_places_of_epsilon_differ_where_the_gradient_is_small() -> None:
    # Shat = 1e-16: sqrt(1e-16 + 1e-8) = 1e-4, sqrt(1e-16) + 1e-8 = 2e-8
    # and before the correction, S = 1e-19: V / (sqrt(S) + 1e-8), V = 1e-9, times sqrt(1e-3) / 0.1
    inside = steps("adam(epsilon_placement=inside)", [1e-8], 1.0, 0.0)
    before = steps("adam(epsilon_placement=before_correction)", [1e-8], 1.0, 0.0)
    outside = steps("adam", [1e-8], 1.0, 0.0)
    assert inside == pytest.approx([-1e-4], rel=1e-6)
    assert outside == pytest.approx([-0.5], rel=1e-6)
    expected = -math.sqrt(1e-3) / 0.1 * 1e-9 / (math.sqrt(1e-19) + 1e-8)
    assert before == pytest.approx([expected], rel=1e-6)


def test_velocity_has_the_rates_of_the_steps_before_in_it() -> None:
    """At one rate it is momentum at rate / (1 - beta); not when the rate changes."""
    gradients = [2.0, -1.0, 0.5]
    for velocity, average in (("velocity", "momentum"), ("nesterov_velocity", "nesterov")):
        assert steps(f"{velocity}(momentum=0.75)", gradients, 0.25) == pytest.approx(
            steps(f"{average}(beta=0.75)", gradients, 1.0), abs=1e-15
        )
    rule, t = optimizer("velocity(momentum=0.5)"), np.array([1.0, 2.0])
    p, V, one = np.array([1.0]), np.zeros(1), np.array([1.0])
    for row in rule.coefficients(t, np.array([0.5, 0.0])):
        XP.apply(rule.kernel, p, one, V, *(np.array([c]) for c in row), out=(p, V))
    # V = -0.5, p = 0.5; then the rate is 0 and half of the velocity is left: p = 0.5 - 0.25
    assert (p.item(), V.item()) == (0.25, -0.25)


RULES = {
    str(rule.to_json()): rule
    for rule in (optimizer({**r.to_json(), "epsilon": 0.01} if "epsilon" in r.options else r)
                 for r in optimizer_rules())
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_the_rule_of_the_loop_twin(name, rng) -> None:
    rule, gradients = RULES[name], rng.standard_normal(20).tolist()
    p, moments, expected = 1.0, (0.0, 0.0), []
    for t, g in enumerate(gradients, start=1):
        twin = reference.OPTIMIZERS[rule.name]
        p, moments = twin(p, g, moments, t, 0.1, **rule.options)
        expected.append(p)
    assert steps(rule, gradients, 0.1) == pytest.approx(expected, rel=1e-13)


# ---------------------------------------------------------------- Keras' definitions


class Keras:
    """Keras' optimisers for one array, from their documentation and sources, in NumPy."""

    def __init__(self, p: np.ndarray) -> None:
        self.p, self.m, self.v, self.t = p.copy(), 0 * p, 0 * p, 0

    def sgd(self, g, lr, momentum, nesterov) -> None:
        self.m = momentum * self.m - lr * g
        self.p = self.p + (momentum * self.m - lr * g if nesterov else self.m)

    def rmsprop(self, g, lr, rho, epsilon) -> None:
        self.v = rho * self.v + (1 - rho) * g**2
        self.p = self.p - lr * g / np.sqrt(self.v + epsilon)

    def adam(self, g, lr, beta_1, beta_2, epsilon, weight_decay=0.0) -> None:
        self.t += 1
        self.p = self.p - weight_decay * lr * self.p
        alpha = lr * np.sqrt(1 - beta_2**self.t) / (1 - beta_1**self.t)
        self.m += (g - self.m) * (1 - beta_1)
        self.v += (g**2 - self.v) * (1 - beta_2)
        self.p = self.p - self.m * alpha / (np.sqrt(self.v) + epsilon)


KERAS = {
    "velocity(momentum=0.8)": lambda k, g, lr: k.sgd(g, lr, 0.8, False),
    "nesterov_velocity(momentum=0.8)": lambda k, g, lr: k.sgd(g, lr, 0.8, True),
    "rmsprop(beta=0.8, epsilon=1e-3)": lambda k, g, lr: k.rmsprop(g, lr, 0.8, 1e-3),
    "adam(epsilon=1e-2, beta1=0.8, beta2=0.95, epsilon_placement=before_correction)": (
        lambda k, g, lr: k.adam(g, lr, 0.8, 0.95, 1e-2)
    ),
    "adamw(epsilon=1e-2, weight_decay=0.1, epsilon_placement=before_correction)": (
        lambda k, g, lr: k.adam(g, lr, 0.9, 0.999, 1e-2, 0.1)
    ),
}


@pytest.mark.parametrize("spec", KERAS)
def test_fifty_steps_at_changing_rates_are_keras(spec: str, rng) -> None:
    rule, start = optimizer(spec), rng.standard_normal(7)
    gradients, rates = rng.standard_normal((50, 7)) * 0.1, rng.uniform(0.01, 0.1, 50)
    theirs, p, state = Keras(start), start.copy(), [np.zeros(7) for _ in rule.state]
    table = rule.coefficients(np.arange(1.0, 51.0), rates)
    for g, rate, row in zip(gradients, rates, table, strict=True):
        KERAS[spec](theirs, g, rate)
        XP.apply(rule.kernel, p, g, *state, *(np.array([c]) for c in row), out=(p, *state))
        np.testing.assert_allclose(p, theirs.p, rtol=0, atol=1e-14)


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
        ("velocity", {"momentum": 0.9}),
        ("nesterov_velocity", {"momentum": 0.9}),
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
        ("adam(epsilon=0)", r"epsilon=0.0 is outside \(0, inf\)"),
        ("adam(epsilon_placement=insde)", "choose from outside, inside, before_.*mean 'inside'"),
        ("rmsprop(epsilon_placement=before_correction)", "choose from outside, inside$"),
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


@pytest.mark.parametrize("name", RULES)
def test_the_coefficients_are_the_last_arguments_of_the_update(name) -> None:
    rule = RULES[name]
    t, rate = np.arange(1.0, 5.0), np.array([0.1, 0.2, 0.3, 0.4])
    inputs, table = rule.kernel.inputs, rule.coefficients(t, rate)
    assert inputs[: 2 + len(rule.state)] == ("p", "g", *rule.state)
    assert table.shape == (4, len(inputs) - 2 - len(rule.state))
    assert table.dtype == np.float64
    constants = {"epsilon": 0.01, "beta1": 0.9, "rest2": 1 - 0.999, "beta": 0.9, "rest": 1 - 0.9}
    for column, coefficient in zip(table.T, inputs[2 + len(rule.state) :], strict=True):
        if coefficient in constants:
            assert (column == constants[coefficient]).all()


def test_a_late_step_of_adam_is_as_exact_as_an_early_one() -> None:
    rule = optimizer("adam")
    table = rule.coefficients(np.array([1e6, 1e9]), np.full(2, 0.1))
    np.testing.assert_array_equal(table[0], table[1])
    assert table[0, 0] == 0.1
