"""Activations and losses of the loop twin: by hand, at their extremes, against PyTorch."""

import math

import pytest

from fastnn import reference as ref


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
