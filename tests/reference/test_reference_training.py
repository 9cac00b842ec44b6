"""Training in loops, by hand: steps, epochs, clipping, decay."""

import pytest

from fastnn import reference as ref


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


def test_zero_initialisation_keeps_the_units_equal():  # N24
    net = ref.Network(["tanh", "sigmoid"], "binary_crossentropy")
    W = [[[0.5, 0.5], [0.5, 0.5]], [[0.1, 0.1]]]
    run = ref.Training(net, W, [[[0.0], [0.0]], [[0.0]]], "adam", rate=0.1)
    for _ in range(5):
        ref.train_step(run, [[1.0, -2.0], [0.5, 1.0]], [[1.0, 0.0]])
    assert run.W[0][0] == run.W[0][1] != [0.5, 0.5]
    assert run.W[1][0][0] == run.W[1][0][1]


def test_training_learns_xor():
    net = ref.Network(["tanh", "sigmoid"], "binary_crossentropy")
    W = [[[0.5, -0.4], [-0.3, 0.6], [0.7, 0.2]], [[0.4, -0.5, 0.3]]]
    run = ref.Training(net, W, [[[0.1], [-0.1], [0.0]], [[0.0]]], "adam", rate=0.05)
    X, Y = [[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]], [[0.0, 1.0, 1.0, 0.0]]
    for _ in range(300):
        ref.train_epoch(run, X, Y, [[0, 1], [2, 3]])
    assert [round(a) for a in ref.forward(net, run.W, run.b, X)[1][-1][0]] == [0, 1, 1, 0]
