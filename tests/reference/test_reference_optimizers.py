"""The optimisers of the loop twin: by hand and against PyTorch."""

import pytest

from fastnn import reference as ref


def test_the_notes_forms_have_epsilon_inside_the_root():
    # RMSprop: S = 0.9*0 + 0.1*2^2 = 0.4; 1 - 0.5*2 / sqrt(0.4 + 0.6) = 0
    assert ref.rmsprop(1.0, 2.0, (0.0, 0.0), 1, 0.5, epsilon=0.6)[0] == pytest.approx(0, abs=1e-15)
    # Adam, second step, betas 1/2: V = 1/2*1 + 1/2*2 = 1.5, Vhat = 1.5 / (3/4) = 2
    # S = 1/2*2 + 1/2*4 = 3, Shat = 3 / (3/4) = 4; 1 - 0.5*2 / sqrt(4 + 12) = 0.75
    p, moments = ref.adam(1.0, 2.0, (1.0, 2.0), 2, 0.5, 0.5, 0.5, 12.0, "inside")
    assert (p, moments) == (0.75, (1.5, 3.0))
    # and outside: 1 - 0.5*2 / (2 + 2) = 0.75 with epsilon 2
    assert ref.adam(1.0, 2.0, (1.0, 2.0), 2, 0.5, 0.5, 0.5, 2.0)[0] == 0.75


def test_keras_forms_by_hand():
    # Adam as above, S = 1/2*4 + 1/2*4 = 4, epsilon before the correction of S by 1 / (3/4):
    # 1 - 0.5 * 2 * sqrt(3/4) / (sqrt(4) + 1)
    adam, moments = ref.adam(1.0, 2.0, (1.0, 4.0), 2, 0.5, 0.5, 0.5, 1.0, "before_correction")
    assert (adam, moments) == (pytest.approx(1 - 0.75**0.5 / 3, abs=1e-15), (1.5, 4.0))
    # velocity 0.5*1 - 0.25*2 = 0: p stays, and looking ahead 1 + 0.5*0 - 0.25*2 = 0.5
    assert ref.velocity(1.0, 2.0, (1.0, 0.0), 2, 0.25, 0.5) == (1.0, (0.0, 0.0))
    assert ref.nesterov_velocity(1.0, 2.0, (1.0, 0.0), 2, 0.25, 0.5) == (0.5, (0.0, 0.0))


@pytest.mark.parametrize(
    "optimizer",
    [
        "gradient_descent",
        "momentum",
        "nesterov",
        "velocity",
        "nesterov_velocity",
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
        "velocity": lambda p: kind.SGD(p, lr=rate, momentum=0.9),
        "nesterov_velocity": lambda p: kind.SGD(p, lr=rate, momentum=0.9, nesterov=True),
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
