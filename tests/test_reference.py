"""The loop twin against numbers worked by hand, NumPy, PyTorch and the limit definition."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn import reference as ref

# ---------------------------------------------------------------- by hand


def test_forward_and_backward_worked_by_hand():
    # One example (1, 2), two relu units, one output with half the squared error, target 3.
    # Z0 = (1*1 + 1*2 + 0, 1*1 - 1*2 + 0) = (3, -1), A1 = relu = (3, 0)
    # Z1 = 2*3 + 5*0 + 1 = 7 = A2, L = (7 - 3)^2 / 2 = 8
    # dZ1 = 7 - 3 = 4, dW1 = 4 * (3, 0) = (12, 0), db1 = 4
    # dA1 = (2, 5) * 4 = (8, 20), dZ0 = (8 * 1, 20 * 0) = (8, 0)
    # dW0 = ((8*1, 8*2), (0, 0)), db0 = (8, 0)
    net = ref.Network(["relu", "identity"], "squared_error")
    W, b = [[[1.0, 1.0], [1.0, -1.0]], [[2.0, 5.0]]], [[[0.0], [0.0]], [[1.0]]]
    Z, A = ref.forward(net, W, b, X=[[1.0], [2.0]])
    assert Z == [[[3.0], [-1.0]], [[7.0]]]
    assert A == [[[1.0], [2.0]], [[3.0], [0.0]], [[7.0]]]
    assert ref.cost(net, W, Z, A, [[3.0]]) == 8.0
    dZ, dW, db = ref.backward(net, W, Z, A, [[3.0]])
    assert dZ == [[[8.0], [0.0]], [[4.0]]]
    assert dW == [[[8.0, 16.0], [0.0, 0.0]], [[12.0, 0.0]]]
    assert db == [[[8.0], [0.0]], [[4.0]]]


def test_two_examples_are_averaged_and_weighted_without_dividing_by_the_weights():
    # a = 2x: (2, 4), y = (0, 1): L = (2, 4.5), w = (1, 3)
    # J = (1*2 + 3*4.5) / 2 = 7.75;  dZ = (1*2, 3*3) = (2, 9), dW = (2*1 + 9*2)/2 = 10, db = 5.5
    net = ref.Network(["identity"], "squared_error")
    W, b, X, Y, w = [[[2.0]]], [[[0.0]]], [[1.0, 2.0]], [[0.0, 1.0]], [[1.0, 3.0]]
    Z, A = ref.forward(net, W, b, X)
    assert ref.cost(net, W, Z, A, Y, w) == 7.75
    assert ref.backward(net, W, Z, A, Y, w) == ([[[2.0, 9.0]]], [[[10.0]]], [[[5.5]]])


def test_weights_per_output():
    # a = (1, 1), y = (0, 3): L = (0.5, 2); weights (2, 0): J = 1, dZ = (2 * 1, 0)
    net = ref.Network(["identity"], "squared_error")
    W, b, X, Y = [[[1.0], [1.0]]], [[[0.0], [0.0]]], [[1.0]], [[0.0], [3.0]]
    Z, A = ref.forward(net, W, b, X)
    assert ref.cost(net, W, Z, A, Y, [[2.0], [0.0]]) == 1.0
    assert ref.backward(net, W, Z, A, Y, [[2.0], [0.0]])[0] == [[[2.0], [0.0]]]


def test_penalties_spare_the_biases_and_do_not_depend_on_the_batch():
    # W = (3, -4), b = 100, prediction perfect: J = l2/(2n) * 25 + l1/n * 7
    # n = 10: 2/20 * 25 + 5/10 * 7 = 2.5 + 3.5 = 6; dW = (2*3 + 5, 2*(-4) - 5)/10 = (1.1, -1.3)
    net = ref.Network(["identity"], "squared_error", l2=2.0, l1=5.0)
    W, b, X, Y = [[[3.0, -4.0]]], [[[100.0]]], [[0.0], [0.0]], [[100.0]]
    Z, A = ref.forward(net, W, b, X)
    assert ref.cost(net, W, Z, A, Y, n_train=10) == pytest.approx(6.0, abs=1e-15)
    _, dW, db = ref.backward(net, W, Z, A, Y, n_train=10)
    assert dW[0][0] == pytest.approx([1.1, -1.3], abs=1e-15)
    assert db == [[[0.0]]]


def test_l1_has_slope_zero_at_zero():
    net = ref.Network(["identity"], "squared_error", l1=1.0)
    Z, A = ref.forward(net, [[[0.0]]], [[[0.0]]], [[1.0]])
    assert ref.backward(net, [[[0.0]]], Z, A, [[0.0]])[1] == [[[0.0]]]


@pytest.mark.parametrize(
    ("activation", "slope_at_zero"),
    [
        ("relu", 0.0),
        ("leaky_relu", 0.01),
        (("leaky_relu", {"slope": 0.3}), 0.3),
        (("elu", {"alpha": 2.0}), 2.0),
        ("selu", 1.0507009873554805 * 1.6732632423543772),
        ("sigmoid", 0.25),  # 1/2 (1 - 1/2)
        ("tanh", 1.0),  # 1 - 0^2
        ("gelu", 0.5),
        ("silu", 0.5),
        ("mish", 0.6),  # tanh(log 2) = (2 - 1/2) / (2 + 1/2)
        ("softplus", 0.5),
        ("exponential", 1.0),
        ("identity", 1.0),
    ],
)
def test_slope_at_zero(activation, slope_at_zero):
    assert ref.activate_backward(activation, [0.0], [1.0]) == pytest.approx([slope_at_zero])


@pytest.mark.parametrize(
    ("loss", "y", "a", "expected", "slope"),
    [
        ("absolute_error", 2.0, 2.0, 0.0, 0.0),
        ("absolute_error", 2.0, -1.0, 3.0, -1.0),
        ("huber", 0.0, 0.5, 0.125, 0.5),
        ("huber", 0.0, 1.0, 0.5, 1.0),  # where the parabola meets the line
        ("huber", 0.0, -3.0, 2.5, -1.0),  # 1 (3 - 1/2)
        (("huber", {"delta": 2.0}), 0.0, 3.0, 4.0, 2.0),  # 2 (3 - 1)
        (("quantile", {"quantile": 0.9}), 1.0, 0.0, 0.9, -0.9),  # predicted too low: dear
        (("quantile", {"quantile": 0.9}), 0.0, 1.0, 0.1, 0.1),
        (("quantile", {"quantile": 0.9}), 1.0, 1.0, 0.0, 0.1),
    ],
)
def test_losses_of_the_output_by_hand(loss, y, a, expected, slope):
    terms, slopes = ref.example_loss(loss, [y], [math.nan], [a])
    assert (*terms, *slopes) == pytest.approx((expected, slope), abs=1e-15)


def test_losses_of_the_logits_by_hand():
    log, smoothing = math.log, {"label_smoothing": 0.2}
    # a = 1/2: -log(1/2) whatever the target
    assert ref.example_loss("binary_crossentropy", [1.0], [0.0], [0.5]) == ([log(2)], [-0.5])
    # z = log 3: a = 3/4; y = 1 smoothed by 0.2: 0.9: -(0.9 log 3/4 + 0.1 log 1/4)
    terms, dz = ref.example_loss(("binary_crossentropy", smoothing), [1], [log(3)], [0])
    assert terms == pytest.approx([-0.9 * log(0.75) - 0.1 * log(0.25)], abs=1e-15)
    assert dz == pytest.approx([0.75 - 0.9], abs=1e-15)
    # z = (0, log 2, 0): a = (1/4, 1/2, 1/4), class 1
    z = [0.0, log(2), 0.0]
    terms, dz = ref.example_loss("categorical_crossentropy", [1], z, [0.0] * 3)
    assert terms == pytest.approx([0.0, log(2), 0.0], abs=1e-15)
    assert dz == pytest.approx([0.25, -0.5, 0.25], abs=1e-15)
    # the same, smoothed by 0.3: y = (0.1, 0.8, 0.1)
    loss = ("categorical_crossentropy", {"label_smoothing": 0.3})
    terms, dz = ref.example_loss(loss, [1], z, [0.0] * 3)
    assert terms == pytest.approx([0.1 * log(4), 0.8 * log(2), 0.1 * log(4)], abs=1e-15)
    assert dz == pytest.approx([0.15, -0.3, 0.15], abs=1e-15)
    # rate e^0 = 1, count 3: 1 - 3*0
    assert ref.example_loss("poisson", [3.0], [0.0], [1.0]) == ([1.0], [-2.0])


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_extreme_logits_stay_exact(loss):
    z = [900.0] if loss == "binary_crossentropy" else [0.0, 900.0]
    terms, _ = ref.example_loss(loss, [0], z, z)
    assert sum(terms) == 900.0


@pytest.mark.parametrize("name", [*ref.ACTIVATIONS, "softmax"])
@pytest.mark.parametrize("z", [-800.0, 800.0])
def test_activations_do_not_overflow(name, z):
    a, slope = ref.activate(name, [z]), ref.activate_backward(name, [z], [1.0])
    assert not any(map(math.isnan, a + slope))
    assert name == "exponential" or all(map(math.isfinite, a + slope))


def test_logistic_regression_is_the_network_without_a_hidden_layer():  # N7
    X, y, w, b = [[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], [1.0, 0.0, 1.0], [0.3, -0.2], 0.1
    J, dw, db = ref.logistic_regression_gradient(X, y, w, b)
    net = ref.Network(["sigmoid"], "binary_crossentropy")
    Z, A = ref.forward(net, [[w]], [[[b]]], X)
    assert ref.cost(net, [[w]], Z, A, [y]) == pytest.approx(J, rel=1e-14)
    _, dW, db_network = ref.backward(net, [[w]], Z, A, [y])
    assert dW[0][0] == pytest.approx(dw, rel=1e-14)
    assert db_network[0][0] == pytest.approx([db], rel=1e-14)
    limit = ref.numeric_gradient(
        lambda p: ref.logistic_regression_gradient(X, y, p[:2], p[2])[0], [*w, b]
    )
    assert limit == pytest.approx([*dw, db], rel=1e-8)


def test_computation_graph_agrees_with_the_limit_definition():  # N15
    point = [5.0, 3.0, 2.0]
    J, *sensitivities = ref.computation_graph(*point)
    assert J == 33.0  # 3 (5 + 6)
    limit = ref.numeric_gradient(lambda x: ref.computation_graph(*x)[0], point)
    assert limit == pytest.approx(sensitivities, rel=1e-8)


@pytest.mark.parametrize("factor", [1.5, 0.5])
def test_repeated_layers_explode_or_vanish(factor):  # N20
    depth = 20
    net = ref.Network(["identity"] * depth, "squared_error")
    W, b = [[[factor, 0.0], [0.0, factor]]] * depth, [[[0.0], [0.0]]] * depth
    Z, A = ref.forward(net, W, b, [[1.0], [1.0]])
    assert A[-1] == [[factor**depth], [factor**depth]]
    dZ, _, _ = ref.backward(net, W, Z, A, [[0.0], [0.0]])
    assert dZ[0][0][0] == pytest.approx(factor ** (2 * depth - 1))


def test_zero_initialisation_keeps_the_units_equal():  # N24
    net = ref.Network(["tanh", "sigmoid"], "binary_crossentropy")
    W = [[[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.1]]]
    run = ref.Training(net, W, [[[0.0], [0.0]], [[0.0]]], "adam", rate=0.1)
    for _ in range(5):
        ref.train_step(run, [[1.0, -2.0], [0.5, 1.0]], [[1.0, 0.0]])
    assert run.W[0][0] == run.W[0][1] != [0.5, 0.5]
    assert run.W[1][0][0] == run.W[1][0][1]


def test_a_loss_refuses_the_output_activation_of_another():
    with pytest.raises(ValueError, match="'binary_crossentropy' needs output activation 'sigmoid'"):
        ref.Network(["tanh"], "binary_crossentropy")
    assert ref.Network([("leaky_relu", {"slope": 0.1})], "huber").loss == "huber"


# ---------------------------------------------------------------- the limit definition (N16)

ACTIVATIONS = [
    *ref.ACTIVATIONS,
    "softmax",
    ("leaky_relu", {"slope": 0.3}),
    ("elu", {"alpha": 0.5}),
]
LOSSES = [
    *ref.LOSSES,
    "categorical_crossentropy",
    ("binary_crossentropy", {"label_smoothing": 0.1}),
    ("categorical_crossentropy", {"label_smoothing": 0.1}),
    ("huber", {"delta": 0.2}),
    ("quantile", {"quantile": 0.8}),
]
CASES = [
    *((hidden, ref.link(loss) or "identity", loss) for hidden in ACTIVATIONS for loss in LOSSES),
    *(("tanh", out, loss) for out in ACTIVATIONS for loss in LOSSES if ref.link(loss) is None),
]


def random_matrix(rng, rows, columns):
    return rng.normal(size=(rows, columns)).tolist()


def target(rng, loss, outputs, m):
    name = loss if isinstance(loss, str) else loss[0]
    if name == "categorical_crossentropy":
        return rng.integers(outputs, size=(1, m)).astype(float).tolist()
    if name == "binary_crossentropy":
        return rng.integers(2, size=(outputs, m)).astype(float).tolist()
    return np.abs(rng.normal(size=(outputs, m))).tolist()


@pytest.mark.parametrize(("hidden", "output", "loss"), CASES)
def test_backward_is_the_limit(hidden, output, loss, rng):
    sizes, m = [2, 3, 2], 3
    net = ref.Network([hidden, output], loss, l2=0.7, l1=0.3)
    X, Y = random_matrix(rng, 2, m), target(rng, loss, 2, m)
    weights = rng.uniform(0.5, 2, size=(1, m)).tolist()
    masks = [None, ref.dropout_mask(rng.uniform(size=(3, m)).tolist(), 0.4)]
    flat = rng.normal(size=sum(o * (i + 1) for i, o in pairwise(sizes)))

    def shaped(numbers):
        rest, W, b = list(numbers), [], []
        for n_in, n_out in pairwise(sizes):
            W.append([[rest.pop(0) for _ in range(n_in)] for _ in range(n_out)])
            b.append([[rest.pop(0)] for _ in range(n_out)])
        return W, b

    def cost_of(numbers):
        W, b = shaped(numbers)
        Z, A = ref.forward(net, W, b, X, masks)
        return ref.cost(net, W, Z, A, Y, weights, n_train=7)

    W, b = shaped(flat)
    Z, A = ref.forward(net, W, b, X, masks)
    _, dW, db = ref.backward(net, W, Z, A, Y, weights, masks, n_train=7)
    found = [
        g
        for dW_l, db_l in zip(dW, db, strict=True)
        for g in [*(x for row in dW_l for x in row), *(row[0] for row in db_l)]
    ]
    limit = np.array(ref.numeric_gradient(cost_of, flat.tolist()))
    assert np.linalg.norm(limit - found) <= 1e-7 * np.linalg.norm(limit)


# ---------------------------------------------------------------- PyTorch


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is the oracle")


def torch_activation(torch, name):
    F = torch.nn.functional
    return {
        "identity": lambda z: z,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "relu": F.relu,
        "leaky_relu": F.leaky_relu,
        "elu": F.elu,
        "selu": F.selu,
        "gelu": F.gelu,
        "silu": F.silu,
        "mish": F.mish,
        "softplus": lambda z: F.softplus(z, threshold=1000),
        "exponential": torch.exp,
        "softmax": lambda z: F.softmax(z, dim=0),
    }[name]


@pytest.mark.parametrize("name", [*ref.ACTIVATIONS, "softmax"])
def test_activations_agree_with_torch(torch, name):
    z, da = [-30.0, -2.5, -0.1, 0.0, 0.1, 2.5, 30.0], [1.0, -2.0, 3.0, 0.5, 1.0, 2.0, -1.0]
    z_torch = torch.tensor(z, dtype=torch.float64, requires_grad=True)
    a = torch_activation(torch, name)(z_torch)
    a.backward(torch.tensor(da, dtype=torch.float64))
    assert ref.activate(name, z) == pytest.approx(a.tolist(), rel=1e-12, abs=1e-14)
    assert ref.activate_backward(name, z, da) == pytest.approx(
        z_torch.grad.tolist(), rel=1e-12, abs=1e-14
    )


@pytest.mark.parametrize("name", [*ref.LOSSES, "categorical_crossentropy"])
def test_a_whole_network_agrees_with_torch(torch, name, rng):
    F, m, K = torch.nn.functional, 4, 3
    if name == "categorical_crossentropy":
        name = (name, {"label_smoothing": 0.2})
    torch_loss = {
        "binary_crossentropy": lambda z, y: F.binary_cross_entropy_with_logits(
            z, y, reduction="sum"
        ),
        "poisson": lambda z, y: F.poisson_nll_loss(z, y, reduction="sum"),
        "squared_error": lambda z, y: F.mse_loss(z, y, reduction="sum") / 2,
        "absolute_error": lambda z, y: F.l1_loss(z, y, reduction="sum"),
        "huber": lambda z, y: F.huber_loss(z, y, reduction="sum"),
        "quantile": lambda z, y: torch.maximum(0.5 * (y - z), 0.5 * (z - y)).sum(),
    }
    net = ref.Network(["gelu", "tanh", ref.link(name) or "identity"], name)
    W = [random_matrix(rng, *shape) for shape in [(5, 2), (4, 5), (K, 4)]]
    b = [random_matrix(rng, n, 1) for n in (5, 4, K)]
    X, Y = random_matrix(rng, 2, m), target(rng, name, K, m)
    Z, A = ref.forward(net, W, b, X)
    tensors = [
        [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in p] for p in (W, b)
    ]
    H = F.gelu(tensors[0][0] @ torch.tensor(X, dtype=torch.float64) + tensors[1][0])
    H = torch.tanh(tensors[0][1] @ H + tensors[1][1])
    z, y = tensors[0][2] @ H + tensors[1][2], torch.tensor(Y, dtype=torch.float64)
    J = (
        torch_loss[name](z, y) / m
        if isinstance(name, str)
        else F.cross_entropy(z.T, y[0].long(), label_smoothing=0.2)
    )
    J.backward()
    assert ref.cost(net, W, Z, A, Y) == pytest.approx(J.item(), rel=1e-12)
    _, dW, db = ref.backward(net, W, Z, A, Y)
    for found, expected in zip(dW + db, tensors[0] + tensors[1], strict=True):
        np.testing.assert_allclose(found, expected.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "optimizer",
    [
        "gradient_descent",
        "momentum",
        "nesterov",
        ("rmsprop", {"epsilon_placement": "outside", "epsilon": 1e-6}),
        "adam",
        ("adam", {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3}),
        ("adamw", {"weight_decay": 0.1}),
    ],
)
def test_fifty_steps_of_each_optimiser_agree_with_torch(torch, optimizer, rng):
    rate, kind = 0.05, torch.optim
    name, constants = (optimizer, {}) if isinstance(optimizer, str) else optimizer
    betas = (constants.get("beta1", 0.9), constants.get("beta2", 0.999))
    epsilon = constants.get("epsilon", 1e-8)
    # The notes' V is (1 - beta) times PyTorch's buffer, so a rate of (1 - beta) rate is the same.
    make = {
        "gradient_descent": lambda p: kind.SGD(p, lr=rate),
        "momentum": lambda p: kind.SGD(p, lr=rate * 0.1, momentum=0.9),
        "nesterov": lambda p: kind.SGD(p, lr=rate * 0.1, momentum=0.9, nesterov=True),
        "rmsprop": lambda p: kind.RMSprop(p, lr=rate, alpha=0.9, eps=epsilon),
        "adam": lambda p: kind.Adam(p, lr=rate, betas=betas, eps=epsilon),
        "adamw": lambda p: kind.AdamW(p, lr=rate, betas=betas, eps=epsilon, weight_decay=0.1),
    }[name]
    parameter = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    theirs, p, moments = make([parameter]), 1.5, (0.0, 0.0)
    for t, g in enumerate(rng.normal(1.0, 1.0, size=50).tolist(), start=1):
        parameter.grad = torch.tensor(g, dtype=torch.float64)
        theirs.step()
        p, moments = ref.OPTIMIZERS[name](p, g, moments, t, rate, **constants)
        assert p == pytest.approx(parameter.item(), rel=1e-12)


# ---------------------------------------------------------------- optimisers and training


def test_the_notes_forms_have_epsilon_inside_the_root():
    # RMSprop: S = 0.9*0 + 0.1*2^2 = 0.4; 1 - 0.5*2 / sqrt(0.4 + 0.6) = 0
    assert ref.rmsprop(1.0, 2.0, (0.0, 0.0), 1, 0.5, epsilon=0.6)[0] == pytest.approx(0, abs=1e-15)
    # Adam, second step, betas 1/2: V = 1/2*1 + 1/2*2 = 1.5, Vhat = 1.5 / (3/4) = 2
    # S = 1/2*2 + 1/2*4 = 3, Shat = 3 / (3/4) = 4; 1 - 0.5*2 / sqrt(4 + 12) = 0.75
    p, moments = ref.adam(1.0, 2.0, (1.0, 2.0), 2, 0.5, 0.5, 0.5, 12.0, "inside")
    assert (p, moments) == (0.75, (1.5, 3.0))
    # and outside: 1 - 0.5*2 / (2 + 2) = 0.75 with epsilon 2
    assert ref.adam(1.0, 2.0, (1.0, 2.0), 2, 0.5, 0.5, 0.5, 2.0)[0] == 0.75


def test_adamw_decays_the_weights_only():
    # Target hit exactly: no gradient. W = 2 (1 - 0.1 * 0.5) = 1.9, b stays.
    net = ref.Network(["identity"], "squared_error")
    run = ref.Training(net, [[[2.0]]], [[[1.0]]], ("adamw", {"weight_decay": 0.5}), rate=0.1)
    ref.train_step(run, [[1.0]], [[3.0]])
    assert (run.W, run.b) == ([[[1.9]]], [[[1.0]]])


def test_clipping_scales_all_gradients_by_one_factor():
    # dZ = 4, x = 3/4: dW = 3, db = 4, norm 5; clipped to 1: (0.6, 0.8)
    net = ref.Network(["identity"], "squared_error")
    run = ref.Training(net, [[[0.0]]], [[[0.0]]], "gradient_descent", rate=1.0, clip_norm=1.0)
    ref.train_step(run, [[0.75]], [[-4.0]])
    assert run.W[0][0] + run.b[0][0] == pytest.approx([-0.6, -0.8], abs=1e-15)
    assert ref.clip_factor([[[0.0]]], 1.0) == 1.0
    assert ref.clip_factor([[[3.0]], [[4.0]]], 5.0) == 1.0


def test_an_epoch_is_its_batches_in_order():
    # p := p - 0.5 dJ/dp, a = b only (x = 0). Batch (2, 0): dJ/db = ((0-4) + (0-0))/2 = -2, b = 1.
    # Batch (1), the short last one: dJ/db = 1 - 2 = -1, b = 1.5. Costs (8 + 0)/2 and 1/2.
    net = ref.Network(["identity"], "squared_error")
    run = ref.Training(net, [[[7.0]]], [[[0.0]]], "gradient_descent", rate=0.5)
    costs = ref.train_epoch(run, [[0.0, 0.0, 0.0]], [[0.0, 2.0, 4.0]], [[2, 0], [1]])
    assert (costs, run.b, run.W, run.steps) == ([4.0, 0.5], [[[1.5]]], [[[7.0]]], 2)


def test_an_epoch_passes_weights_and_masks_of_each_step():
    net = ref.Network(["identity", "identity"], "squared_error")
    run = ref.Training(net, [[[1.0]], [[1.0]]], [[[0.0]], [[0.0]]], "gradient_descent", rate=0.0)
    asked = []

    def masks(step, m):
        asked.append((step, m))
        return [None, [[2.0 * (step == 2)] * m]]

    # Step 1 drops the hidden unit: L = (0 - 1)^2/2, weight 4. Step 2 doubles it: (2 - 1)^2/2 each,
    # weights 1 and 3: (0.5 + 1.5)/2.
    costs = ref.train_epoch(
        run, [[1.0] * 3], [[1.0] * 3], [[0], [1, 2]], weights=[[4.0, 1.0, 3.0]], masks=masks
    )
    assert (costs, asked) == ([2.0, 1.0], [(1, 1), (2, 2)])


def test_penalty_of_a_batch_counts_the_training_examples():
    # Four examples, batches of one: l2/(2*4) * 2^2 = 1 in each batch.
    net = ref.Network(["identity"], "squared_error", l2=2.0)
    run = ref.Training(net, [[[2.0]]], [[[0.0]]], "gradient_descent", rate=0.0)
    assert ref.train_epoch(run, [[0.0] * 4], [[0.0] * 4], [[0], [3]]) == [1.0, 1.0]


def test_training_learns_xor():
    net = ref.Network(["tanh", "sigmoid"], "binary_crossentropy")
    W = [[[0.5, -0.4], [-0.3, 0.6], [0.7, 0.2]], [[0.4, -0.5, 0.3]]]
    run = ref.Training(net, W, [[[0.1], [-0.1], [0.0]], [[0.0]]], "adam", rate=0.05)
    X, Y = [[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]], [[0.0, 1.0, 1.0, 0.0]]
    for _ in range(300):
        ref.train_epoch(run, X, Y, [[0, 1], [2, 3]])
    assert [round(a) for a in ref.forward(net, run.W, run.b, X)[1][-1][0]] == [0, 1, 1, 0]


# ---------------------------------------------------------------- random numbers

word64 = st.integers(0, 2**64 - 1)


@given(
    counter=st.lists(word64, min_size=4, max_size=4), key=st.lists(word64, min_size=2, max_size=2)
)
def test_philox_is_numpys_bit_for_bit(counter, key):
    number = sum(word << (64 * i) for i, word in enumerate(counter)) + 1  # NumPy counts first
    following = [(number >> (64 * i)) & (2**64 - 1) for i in range(4)]
    words = np.random.Philox(key=np.array(key, np.uint64), counter=np.array(counter, np.uint64))
    assert ref.philox(following, key) == tuple(words.random_raw(4).tolist())


@given(seed=word64, words=st.lists(word64, min_size=3, max_size=3), n=st.integers(0, 40))
def test_uniform32_is_numpys_bit_for_bit(seed, words, n):
    key, counter = np.array([seed, 0], np.uint64), np.array([0, *words], np.uint64)
    numpys = np.random.Generator(np.random.Philox(key=key, counter=counter))
    assert ref.uniform32(seed, words, n) == numpys.random(n, dtype=np.float32).tolist()


def test_dropout_mask_keeps_the_mean():
    U = [ref.uniform32(1, [2, 3, 4], 4000)]
    mask = ref.dropout_mask(U, rate=0.25)[0]
    assert set(mask) == {0.0, 1 / 0.75}
    assert sum(mask) / 4000 == pytest.approx(1.0, abs=0.03)
    assert ref.dropout_mask([[0.0, 0.9]], rate=0.0) == [[1.0, 1.0]]
    assert ref.dropout_mask([[0.5]], rate=0.5) == [[2.0]]  # u = rate is kept
