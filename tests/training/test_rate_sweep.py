"""The range test: what its steps are, where a sweep ends, and which rate is chosen."""

from dataclasses import replace

import numpy as np
import pytest

from fastnn.errors import DivergenceError
from fastnn.nn.network import network
from fastnn.nn.optimizers import OPTIMIZERS
from fastnn.recipe.recipe import Recipe
from fastnn.recipe.run_settings import RunSettings
from fastnn.training.part import Part
from fastnn.training.rate_sweep import (
    DIVERGED,
    choose,
    rates_of_a_sweep,
    smoothed,
    sweep_costs,
)

FLOAT64 = RunSettings(dtype="float64")


def _blobs(rng: np.random.Generator, n: int = 200) -> Part:
    y = rng.integers(0, 2, (n, 1)).astype(np.float64)
    return Part(rng.normal(size=(n, 3)) + 2 * y, y)


def test_a_sweep_by_hand() -> None:
    """One weight, three examples, all in a step: J = 1/3 sum (w x + b - y)^2 / 2."""
    examples, w, b = [(1.0, 1.0), (2.0, 3.0), (3.0, 2.0)], 0.0, 0.0
    expected: list[float] = []
    for rate in rates_of_a_sweep()[:480]:
        errors = [w * x + b - y for x, y in examples]
        expected.append(sum(e**2 for e in errors) / 6)
        w -= rate * sum(e * x for e, (x, _) in zip(errors, examples, strict=True)) / 3
        b -= rate * sum(errors) / 3
    X, Y = (np.array(values)[:, None] for values in zip(*examples, strict=True))
    recipe = Recipe.of(optimizer="sgd", patience=None, initializer="zeros", batch_size="full")
    [found] = sweep_costs(network([1, 1]), Part(X, Y), recipe, FLOAT64)
    # Until it begins to diverge, from the last digit on.
    np.testing.assert_allclose(found[:450], expected[:450], rtol=1e-12)
    # It ends when the mean of the last ten is four times what it was at first.
    n = int(np.isfinite(found).sum())
    assert np.isnan(found[n:]).all()
    means = [found[max(0, k - 10) : k].mean() for k in range(1, n + 1)]
    assert means[-1] > DIVERGED * expected[0] * 0.99 > max(means[:-1])


def test_the_sweeps_differ_in_weights_and_order_and_come_from_the_seed(rng) -> None:
    part, recipe = _blobs(rng), Recipe.of(optimizer="sgd", patience=None, batch_size=16)
    net = network([3, 4, 1], output_activation="sigmoid", loss_function="binary_crossentropy")
    found = sweep_costs(net, part, recipe, FLOAT64)
    assert len({sweep[0] for sweep in found}) == 3
    np.testing.assert_array_equal(sweep_costs(net, part, recipe, FLOAT64), found)
    other = sweep_costs(net, part, replace(recipe, seed=1), FLOAT64)
    np.testing.assert_array_equal(other[0], found[1])


def test_schedule_epochs_and_stopping_have_no_part_in_it(rng) -> None:
    part, net = _blobs(rng), network([3, 4, 1])
    plain = Recipe.of(optimizer="sgd", patience=None, batch_size=16)
    other = Recipe.of(
        optimizer="sgd", patience=7, batch_size=16, schedule="cosine(warm_up=2)", epochs=9,
        tolerance=0.1,
    )  # fmt: skip
    np.testing.assert_array_equal(
        sweep_costs(net, part, plain, FLOAT64), sweep_costs(net, part, other, FLOAT64)
    )


@pytest.mark.parametrize("optimizer", [row.name for row in OPTIMIZERS])
def test_every_optimizer(optimizer: str, rng) -> None:
    part = _blobs(rng)
    net = network([3, 8, 1], output_activation="sigmoid", loss_function="binary_crossentropy")
    recipe = Recipe.of(
        optimizer=optimizer, patience=None, batch_size=16, l2=0.1, gradient_clip=5.0
    )  # fmt: skip
    choice = choose(sweep_costs(net, part, recipe, FLOAT64), 123.0)
    assert choice.clear
    assert 1e-4 < choice.rate < 10
    assert "the loss falls from" in choice.reason


@pytest.mark.parametrize("batch_size", ["full", 1, 150])
def test_one_batch_single_examples_and_a_ragged_one(batch_size: object, rng) -> None:
    part = _blobs(rng)
    recipe = Recipe.of(optimizer="sgd", patience=None, batch_size=batch_size)
    choice = choose(sweep_costs(network([3, 1]), part, recipe, FLOAT64), 123.0)
    assert choice.clear
    assert 1e-4 < choice.rate < 1


#: Costs at the places 0, 60, 120 and so on, the rates 1e-8, 1e-7, 1e-6...
PLACES = 60 * np.arange(11)


def _costs(*at: float) -> np.ndarray:
    """A line through costs at 1e-8, 1e-7 and so on, in steps below the bell, which leaves them."""
    return np.interp(np.arange(601), PLACES, at)[None]


def test_the_rate_is_where_95_percent_of_the_fall_are_done() -> None:
    """From 2 at 1e-6 to 0.1 at 1e-3, to 0 at 1e-2, and up to 1 at 0.1: 95% are at 1e-3."""
    choice = choose(_costs(2, 2, 2, 1.5, 1, 0.1, 0, 1, 1, 1, 1), 123.0)
    assert choice.rate == pytest.approx(1e-3, rel=0.15)  # the bell rounds the corners
    assert choice.reason.startswith("the loss falls from 2 to 0.0")
    assert choice.reason.endswith(
        " and is not above its start again up to rate 1e+02; "
        "chosen is the rate where 95% of the fall is done"
    )


def test_the_rate_is_well_below_where_the_loss_is_back() -> None:
    """From 2 at 1e-3 to 0 at 1e-2, and back halfway to 4 at 0.1, at 10^-1.5 = 0.032."""
    choice = choose(_costs(2, 2, 2, 2, 2, 2, 0, 4, 4, 4, 4), 123.0)
    assert choice.rate == pytest.approx(0.0032, rel=0.05)
    above = " and is above its start again from rate 0.032; chosen is a tenth of that rate"
    assert choice.reason.endswith(above)


def test_a_fall_down_to_what_a_constant_costs_is_no_learning() -> None:
    """From 2 down to 1 at 1e-3: a constant prediction has 1, or 1.5."""
    costs = _costs(2, 2, 2, 2, 2, 1, 1, 1, 4, 4, 4)
    choice = choose(costs, 0.125, 1.0)
    assert (choice.rate, choice.clear) == (0.125, False)
    assert "brings the loss clearly below that of a constant prediction, 1: this" in choice.reason
    assert not choose(costs, 0.125, 1.005).clear
    assert choose(costs, 0.125, 1.5).clear


def test_a_fall_to_little_below_what_a_constant_costs_is_told() -> None:
    costs = _costs(2, 2, 2, 2, 2, 1, 1, 1, 4, 4, 4)
    said = "; that is little below a constant prediction's 1.1: compare a training at a tenth of it"
    assert choose(costs, 0.125, 1.1).reason.endswith(said)
    assert "little" not in choose(costs, 0.125, 1.5).reason


def test_nothing_is_chosen_from_noise(rng) -> None:
    flat = 0.7 + 0.1 * rng.normal(size=(3, 601))
    choice = choose(flat, 0.125)
    assert (choice.rate, choice.clear) == (0.125, False)
    assert "no rate from 1e-08 to 1e+02 brings the loss clearly below the 0.7" in choice.reason
    rising = np.where(np.arange(601) < 300, 1.0, 3.0)[None]
    assert not choose(rising, 0.125).clear


def test_losses_below_0_fall_too() -> None:
    costs = _costs(2, 2, 2, 1.5, 1, 0.1, 0, 1, 1, 1, 1)
    assert choose(costs - 4, 123.0).rate == choose(costs, 123.0).rate


def test_a_sweep_that_explodes_does_not_hide_the_others() -> None:
    J = np.ones((3, 601))
    J[0, 100] = 1e30
    J[1, 300:] = np.nan
    found = smoothed(J)
    assert found.max() <= (DIVERGED + 2) / 3 + 1e-12  # one of three at the most that counts
    assert np.isfinite(found).all()


def test_sweeps_count_by_their_first_cost() -> None:
    J = np.outer([1.0, 100.0], np.where(np.arange(601) < 300, 1.0, 0.5))
    np.testing.assert_allclose(smoothed(J)[[0, -1]], [50.5, 25.25])


def test_a_loss_that_is_no_number_before_the_first_step() -> None:
    part = Part(np.full((4, 1), 1e30), np.ones((4, 1)))
    recipe = Recipe.of(optimizer="sgd", patience=None)
    with pytest.raises(DivergenceError, match=r"the loss is (inf|nan) before the first step, which "
                       "no learning rate can mend: look at the inputs .standardize."):  # fmt: skip
        sweep_costs(network([1, 1]), part, recipe, RunSettings())
