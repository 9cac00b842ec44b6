"""The loop twin's first derivatives against the limit definition and the network."""

import pytest

from fastnn import reference as ref


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
