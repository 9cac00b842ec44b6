"""The best constant predictor, against formulas worked by hand and all constants on a grid."""

import math

import numpy as np
import pytest

from fastnn.diagnosis.baseline import MOST, constant_loss
from fastnn.nn.losses import custom_loss
from fastnn.nn.network import network
from fastnn.training.part import Part


def part(Y, w=None) -> Part:
    Y = np.asarray(Y, np.float64).reshape(len(Y), -1)
    return Part(np.zeros((len(Y), 1)), Y, None if w is None else np.asarray(w, float)[:, None])


def loss(name: str, Y, w=None, outputs: int = 1, **options) -> float:
    return constant_loss(network([1, outputs], loss_function=name, **options), part(Y, w))


def test_the_prior_of_classes() -> None:
    """3 of 4, 1 of 4: -(3/4 log 3/4 + 1/4 log 1/4)."""
    wanted = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert loss("binary_crossentropy", [1, 1, 0, 1]) == pytest.approx(wanted)
    assert loss("categorical_crossentropy", [1, 1, 0, 1], outputs=2) == pytest.approx(wanted)
    # a class that is not there has no share
    assert loss("categorical_crossentropy", [1, 1, 0, 1], outputs=5) == pytest.approx(wanted)
    assert loss("binary_crossentropy", [1, 1]) == pytest.approx(0.0, abs=1e-12)


def test_a_weight_of_3_is_an_example_that_is_there_three_times() -> None:
    """J is divided by the number of examples, not by the sum of the weights: 4/2 times the mean."""
    for name, outputs in (("binary_crossentropy", 1), ("categorical_crossentropy", 2)):
        weighted = loss(name, [1, 0], [3.0, 1.0], outputs)
        assert weighted == pytest.approx(2 * loss(name, [1, 1, 1, 0], outputs=outputs))
    assert loss("squared_error", [2.0, 6.0], [3.0, 1.0]) == pytest.approx(
        2 * loss("squared_error", [2.0, 2.0, 2.0, 6.0])
    )


def test_variance_and_deviations() -> None:
    """Of 1, 2, 6: mean 3, squares 4 + 1 + 9, half of the mean of them; median 2: (1 + 0 + 4)/3."""
    assert loss("squared_error", [1.0, 2.0, 6.0]) == pytest.approx(14 / 6)
    assert loss("absolute_error", [1.0, 2.0, 6.0]) == pytest.approx(5 / 3)
    assert loss("mse(factor=2)", [1.0, 2.0, 6.0]) == pytest.approx(14 / 3)


def test_poisson_by_the_logarithm_of_the_mean() -> None:
    """exp(z) - y z at z = log 2: 2 - 2 log 2."""
    assert loss("poisson", [1, 2, 3]) == pytest.approx(2 - 2 * math.log(2))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("huber(delta=0.5)", -1, 7),
        ("quantile(quantile=0.9)", -1, 7),
        ("absolute_error", -1, 7),
        ("binary_crossentropy(label_smoothing=0.3)", -6, 6),
        ("categorical_crossentropy(label_smoothing=0.3)", -6, 6),
    ],
)
def test_no_constant_on_a_grid_is_better(name: str, low: float, high: float) -> None:
    random = np.random.default_rng(0)
    classes = "crossentropy" in name
    Y = random.integers(0, 2, 40) if classes else random.exponential(1.0, 40)
    w = random.uniform(0.1, 2.0, 40)
    softmax = name.startswith("categorical")
    net = network([1, 2 if softmax else 1], loss_function=name)
    found = constant_loss(net, part(Y, w))
    grid = np.linspace(low, high, 4001)
    s = net.loss.options.get("label_smoothing", 0.0)
    if softmax:  # two logits 0 and z are one logit z
        target = Y * (1 - s) + s / 2
        losses = [np.mean(w * (np.logaddexp(0, z) - target * z)) for z in grid]
    else:
        losses = [np.mean(w * net.loss.value(z, Y)) for z in grid]
    assert found == pytest.approx(min(losses), rel=1e-3)
    assert found <= min(losses) + 1e-9


def test_each_output_has_its_own_constant() -> None:
    Y = np.array([[0.0, 5.0], [2.0, 5.0]])
    assert loss("squared_error", Y, outputs=2) == pytest.approx(0.5)
    assert loss("huber", Y, outputs=2) == pytest.approx(0.5)
    own = custom_loss(lambda a, y: np.log1p((a - y) * (a - y)))
    net = network([1, 2], loss_function=own)
    assert constant_loss(net, part(Y)) == pytest.approx(math.log(2.0))  # of 0 and 2 by 1


def test_of_a_large_part_some_are_looked_at() -> None:
    Y = np.random.default_rng(0).standard_normal(10 * MOST)
    assert loss("squared_error", Y) == pytest.approx(0.5, rel=0.03)


def test_a_target_that_is_constant_leaves_nothing_to_learn() -> None:
    for name in ("squared_error", "absolute_error", "huber"):
        assert loss(name, [3.0, 3.0]) == 0.0
