"""When the loss is no longer a number, the message says where, what and what to do."""

import re

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import DivergenceError
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters
from fastnn.recipe.recipe import Recipe
from fastnn.training.part import Part
from tests.training.alone import Alone


def trainer(X, Y, sizes, **options) -> Alone:
    net, backend = network(sizes, loss_function="squared_error"), CpuBackend()
    parameters = Parameters(net, backend, np.float32)
    for l, W in enumerate(parameters.W):
        W[:] = 0.5 + 0.1 * l
    part = Part(np.asarray(X, np.float32), np.asarray(Y, np.float32))
    return Alone(backend, net, parameters, part, Recipe.of(patience=None, shuffle=False, **options))


def doubling(**options) -> Alone:
    """Linear regression of 0 on 1: each step multiplies W + b by 1 - 2 rate.

    The cost (W + b)^2 / 2 leaves float32 (3.4e38) when |W + b|, at first 0.5, is above 2.6e19:
    at rate 10 after 16 steps (19^16 = 2.9e20), at rate 1000 after 6 (1999^6 = 6.4e19).
    """
    return trainer(
        np.ones((40, 1)), np.zeros((40, 1)), (1, 1), optimizer="sgd", batch_size=4, **options
    )


def test_it_names_epoch_step_layer_statistic_and_cure():
    training, thetas = doubling(learning_rate=1000.0, epochs=9), []
    with pytest.raises(DivergenceError) as caught:
        training.run([lambda state: thetas.append(training.parameters.theta.copy())])
    said = re.fullmatch(
        r"epoch 1, step (\d+) of 10: the loss is (inf|nan); the largest weight is in layer 1, "
        r"\|W\| = (\S+) \(root mean square (\S+)\): the outputs overflow. Try a learning_rate "
        r"below 1000 \(try 0.1, or what find_learning_rate finds\), or gradient_clip=1",
        str(caught.value),
    )
    assert said, caught.value
    assert int(said[1]) == 7
    assert float(said[3]) == float(said[4]) == pytest.approx(0.25 * 1999**6, rel=1e-2)
    assert thetas == []
    assert training.history.stopped == "diverged"
    assert training.parameters.theta[0] == np.float32(0.5), "the weights it started with"


def test_the_weights_are_those_of_the_last_good_epoch():
    training, thetas = doubling(learning_rate=10.0, epochs=9), []
    with pytest.raises(DivergenceError, match="epoch 2, step 7 of 10: the loss is inf"):
        training.run([lambda state: thetas.append(training.parameters.theta.copy())])
    assert len(thetas) == len(training.history.epochs) == 1
    np.testing.assert_array_equal(training.parameters.theta, thetas[-1])
    assert np.isfinite(thetas[-1]).all()
    assert training.plan.t == 10


def test_the_layer_is_the_one_that_grew():
    X, Y = np.ones((8, 2)), np.full((8, 1), 1e19)
    training = trainer(X, Y, (2, 3, 1), optimizer="sgd", learning_rate=1e-3, epochs=3)
    with pytest.raises(DivergenceError, match=r"epoch \d, step 1 of 1: .*layer \d") as caught:
        training.run()
    layer = int(re.search(r"layer (\d)", str(caught.value))[1])
    assert layer in (1, 2)


def test_a_last_step_that_spoils_the_weights_is_seen_without_a_cost_to_show_it():
    training = trainer([[1e10]], [[0.0]], (1, 1), optimizer="sgd", learning_rate=1e20, epochs=1)
    with pytest.raises(
        DivergenceError,
        match=r"epoch 1, after step 1 of 1; the weights of layer 1 are no longer finite "
        r"\(0% of them are\). Try standardised inputs \(the largest is 1e\+10\), or a learning",
    ):
        training.run()
    assert training.parameters.theta[0] == np.float32(0.5)
    assert training.history.epochs == []


def test_biases_can_be_the_first_to_go():
    training = trainer([[0.0]], [[1e19]], (1, 1), optimizer="sgd", learning_rate=1e20, epochs=1)
    with pytest.raises(DivergenceError, match="the biases of layer 1 are no longer finite"):
        training.run()


def test_weights_whose_sum_is_too_large_for_their_dtype_are_numbers_still():
    training = trainer(np.zeros((4, 2)), np.zeros((4, 1)), (2, 1), optimizer="sgd", epochs=2)
    training.parameters.W[0][:] = 3e38
    assert len(training.run().epochs) == 2
    assert (training.parameters.W[0] == np.float32(3e38)).all()


def test_clipping_is_no_cure_where_it_is_on():
    training = trainer(
        [[1.0]], [[0.0]], (1, 1), optimizer="sgd", learning_rate=1e38, gradient_clip=1.0, epochs=3
    )
    with pytest.raises(DivergenceError) as caught:
        training.run()
    assert "gradient_clip" not in str(caught.value)


def test_a_large_target_is_named():
    training = trainer(np.ones((8, 1)), np.full((8, 1), 1e25), (1, 1), learning_rate=0.1)
    with pytest.raises(DivergenceError, match=r"Try a standardised target \(.* is 1e\+25\), or"):
        training.run()


@pytest.mark.parametrize(("kind", "name"), [("gammas", "gamma"), ("variances", "variance")])
def test_the_numbers_of_batch_normalisation_are_looked_at(kind, name):
    net, backend = network([2, 3, 1], batch_normalization="before"), CpuBackend()
    parameters = Parameters(net, backend, np.float32)
    for array in (*parameters.W, *parameters.b):
        array[:] = 1.0
    getattr(parameters.norms[1], name)[1] = np.inf
    X = np.random.default_rng(0).normal(size=(8, 2)).astype(np.float32)
    training = Alone(
        backend, net, parameters, Part(X, X[:, :1].copy()), Recipe.of(patience=None, epochs=1)
    )
    with pytest.raises(DivergenceError, match=f"the {kind} of layer 1 are no longer finite"):
        training.run()
