"""Weights of examples: by class, by label, by example, and their product."""

import numpy as np
import pytest

from fastnn.data.targets import Targets
from fastnn.errors import ArgumentError
from fastnn.preparation.loss_weights import class_weights, loss_weights

COLOURS = Targets.fit(["red", "blue", "blue", "green"], "multiclass")  # blue, green, red
LABELS = Targets.fit([[0, 1], [1, 0]], "multilabel")


def test_balanced_gives_every_class_the_same_sum():
    Y = COLOURS.encode(["red"] + ["blue"] * 6 + ["green"] * 3)
    weights = class_weights("balanced", COLOURS, Y)
    np.testing.assert_allclose(weights, [10 / 18, 10 / 9, 10 / 3])
    each = loss_weights(None, weights, COLOURS, Y)
    assert each.shape == (10, 1)
    sums = [each[k == Y].sum() for k in range(3)]
    np.testing.assert_allclose(sums, 10 / 3)


def test_a_weight_by_label_and_by_example():
    Y = COLOURS.encode(["red", "green", "blue"])
    weights = class_weights({"red": 2, "blue": np.float32(0)}, COLOURS, Y)
    np.testing.assert_array_equal(weights, [0, 1, 2])
    sample = np.array([[10.0], [20.0], [30.0]])
    np.testing.assert_array_equal(
        loss_weights(sample, weights, COLOURS, Y), [[20.0], [20.0], [0.0]]
    )
    assert loss_weights(sample, None, COLOURS, Y) is sample
    assert loss_weights(None, None, COLOURS, Y) is None


def test_a_weight_for_each_of_several_labels():
    Y = LABELS.encode([[0, 1], [1, 1]])
    weights = class_weights([1.0, 3.0], LABELS, Y)
    np.testing.assert_array_equal(
        loss_weights(np.array([[1.0], [2.0]]), weights, LABELS, Y), [[1.0, 3.0], [2.0, 6.0]]
    )


@pytest.mark.parametrize(
    ("given", "targets", "said"),
    [
        ("balance", COLOURS, "found 'balance'; did you mean 'balanced'"),
        ({"pink": 1.0}, COLOURS, "unknown label 'pink' .known: 'blue', 'green', 'red'"),
        ({"red": -1.0}, COLOURS, "must be finite and not negative"),
        ({"red": float("nan")}, COLOURS, "must be finite and not negative"),
        ({"red": 10**400}, COLOURS, "must be finite and not negative"),
        ({"red": 0, "blue": 0, "green": 0}, COLOURS, "and not all 0"),
        ({"red": "big"}, COLOURS, "the weight of 'red' is 'big', not a number"),
        ({"red": True}, COLOURS, "the weight of 'red' is True, not a number"),
        ({}, COLOURS, "a mapping of labels to weights, found {}"),
        ([1, 2, 3], COLOURS, r"a mapping of labels to weights, found \[1, 2, 3\]"),
        ("balanced", LABELS, "for a multilabel target is a list of 2 weights, found 'balanced'"),
        ([1.0], LABELS, "class_weight has 1 weights, the target has 2 labels"),
        ([1.0, "b"], LABELS, "the weight of 1 is 'b', not a number"),
        (3, LABELS, "for a multilabel target is a list of 2 weights, found 3"),
        ("balanced", Targets.fit([0.5, 1.5], "regression"), "no effect in regression: use sample"),
    ],
)
def test_weights_that_cannot_be(given, targets, said):
    Y = np.zeros((2, targets.n_outputs))
    with pytest.raises(ArgumentError, match=said):
        class_weights(given, targets, Y)
