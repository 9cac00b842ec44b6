"""The network of the loop twin: by hand, against the limit definition, against PyTorch."""

from itertools import pairwise

import numpy as np
import pytest

from fastnn import reference as ref


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


@pytest.mark.parametrize("factor", [1.5, 0.5])
def test_repeated_layers_explode_or_vanish(factor):  # N20
    depth = 20
    net = ref.Network(["identity"] * depth, "squared_error")
    W, b = [[[factor, 0.0], [0.0, factor]]] * depth, [[[0.0], [0.0]]] * depth
    Z, A = ref.forward(net, W, b, [[1.0], [1.0]])
    assert A[-1] == [[factor**depth], [factor**depth]]
    dZ, _, _ = ref.backward(net, W, Z, A, [[0.0], [0.0]])
    assert dZ[0][0][0] == pytest.approx(factor ** (2 * depth - 1))


def test_a_loss_refuses_the_output_activation_of_another():
    with pytest.raises(ValueError, match="'binary_crossentropy' needs output activation 'sigmoid'"):
        ref.Network(["tanh"], "binary_crossentropy")
    assert ref.Network([("leaky_relu", {"slope": 0.1})], "huber").loss == "huber"


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


def test_the_outputs_of_softmax_have_no_weights_of_their_own():
    # nn refuses (N, K) weights here: a weight per output has no gradient of the form a - y
    net = ref.Network(["softmax"], "categorical_crossentropy")
    W, b, X, Y = [[[1.0], [2.0]]], [[[0.0], [0.0]]], [[1.0]], [[1.0]]
    Z, A = ref.forward(net, W, b, X)
    for work in (ref.backward, ref.cost):
        with pytest.raises(ValueError, match=r"takes one row of weights, .* found 2 rows"):
            work(net, W, Z, A, Y, [[1.0], [2.0]])
    assert ref.cost(net, W, Z, A, Y, [[2.0]]) == 2 * ref.cost(net, W, Z, A, Y)
