"""The shape of a network: what is filled in, what is refused, what a file keeps."""

import json

import numpy as np
import pytest

from fastnn.errors import ArgumentError
from fastnn.nn.losses import custom_loss
from fastnn.nn.network import Network, network


def test_one_activation_for_all_or_one_for_each() -> None:
    same = network([4, 5, 6, 2], activation="tanh", dropout=0.2)
    assert [g.name for g in same.activations] == ["tanh", "tanh", "identity"]
    assert same.dropout == (0.2, 0.2, 0.0)
    each = network([4, 5, 6, 2], activation=["elu(alpha=2)", "relu"], dropout=[0.0, 0.5])
    assert [g.name for g in each.activations] == ["elu", "relu", "identity"]
    assert each.activations[0].options == {"alpha": 2.0}
    assert each.dropout == (0.0, 0.5, 0.0)


@pytest.mark.parametrize(
    ("loss", "output"),
    [
        ("binary_crossentropy", "sigmoid"),
        ("categorical_crossentropy", "softmax"),
        ("poisson", "exponential"),
        ("squared_error", "identity"),
        ("huber", "identity"),
    ],
)
def test_the_output_activation_is_the_losses_own(loss, output) -> None:
    assert network([3, 2], loss_function=loss).activations[-1].name == output


def test_a_free_loss_takes_any_output_activation() -> None:
    net = network([3, 2], loss_function="squared_error", output_activation="sigmoid")
    assert net.activations[-1].name == "sigmoid"
    own = network([3, 2], loss_function=lambda a, y: (a - y) ** 4, output_activation="tanh")
    assert own.loss.name == "custom"


def test_sizes_and_counts() -> None:
    net = network((np.int64(4), 8, 3))
    assert net.n_layers == 2
    assert net.n_parameters == 4 * 8 + 8 + 8 * 3 + 3
    assert all(type(n) is int for n in net.sizes)
    assert network([4, 1]).n_layers == 1, "no hidden layer: N7"


def test_it_prints_on_one_line() -> None:
    net = network([4, 1000, 1], dropout=0.25, loss_function="binary_crossentropy")
    expected = "4 inputs -> 1000 relu (dropout 0.25) -> 1 sigmoid; binary_crossentropy; "
    assert str(net) == expected + "6,001 parameters"


def test_layers_without_bias_are_counted_and_shown() -> None:
    net = network([4, 8, 3], use_bias=[False, True])
    assert net.n_parameters == 4 * 8 + 8 * 3 + 3
    assert str(net) == "4 inputs -> 8 relu (no bias) -> 3 identity; squared_error; 59 parameters"
    assert network([4, 8, 3], use_bias=False).use_bias == (False, False)
    assert "use_bias" not in network([4, 8, 3]).to_json()


def test_a_bias_is_trained_where_it_is_used_and_has_an_effect() -> None:
    norms = ["before", "after", None]
    net = network([4, 5, 5, 5, 2], batch_normalization=norms, use_bias=[True, True, False, True])
    assert net.trains_bias == (False, True, False, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sizes": [4]}, r"layer sizes must be whole numbers above 0, .* found \[4\]"),
        ({"sizes": [4, 0, 1]}, r"found \[4, 0, 1\]"),
        ({"sizes": [4, 2.5]}, "layer sizes"),
        ({"sizes": [4, True]}, "layer sizes"),
        ({"sizes": ["4", 1]}, "layer sizes"),
        ({"activation": ["relu"]}, "activation has 1 entries but the network has 2 hidden layers"),
        ({"dropout": [0.1, 0.1, 0.1]}, "dropout has 3 entries but the network has 2 hidden"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), found 1.0"),
        ({"dropout": -0.1}, "found -0.1"),
        ({"dropout": "0.5"}, "dropout must be"),
        ({"dropout": True}, "dropout must be"),
        ({"dropout": float("nan")}, "dropout must be"),
        ({"use_bias": "no"}, "use_bias must be True or False, or a list .* 3 layers, found 'no'"),
        ({"use_bias": [True, False]}, r"each of the 3 layers, found \[True, False\]"),
        ({"use_bias": [1, 0, 1]}, "use_bias must be"),
        ({"activation": "rely"}, "did you mean 'relu'"),
        ({"loss_function": "mse2"}, "unknown loss 'mse2'"),
        (
            {"loss_function": "binary_crossentropy", "output_activation": "tanh"},
            "loss 'binary_crossentropy' is computed from the logits and needs the output "
            "activation 'sigmoid', found 'tanh'",
        ),
        ({"output_activation": "softmax"}, "cannot be used with a softmax output: use loss='categ"),
        ({"sizes": [4, 1], "loss_function": "softmax_crossentropy"}, "at least 2 outputs"),
    ],
)
def test_what_cannot_work_is_refused(arguments, said) -> None:
    sizes = arguments.pop("sizes", [4, 3, 3, 2])
    with pytest.raises(ArgumentError, match=said):
        network(sizes, **arguments)


NETWORKS = [
    network([4, 8, 3], loss_function="categorical_crossentropy(label_smoothing=0.1)"),
    network([4, 1], loss_function="binary_crossentropy"),
    network([4, 3, 2], loss_function="mse(factor=1.5)", use_bias=[False, True]),
    network([2, 3, 3, 1], activation=["leaky_relu(slope=0.2)", "gelu"], dropout=[0, 0.5]),
    network(
        [2, 3, 1], activation=lambda z: z**3, loss_function=custom_loss(lambda a, y: (a - y) ** 4)
    ),
]


@pytest.mark.parametrize("net", NETWORKS, ids=str)
def test_a_network_survives_json(net: Network) -> None:
    again = Network.from_json(json.loads(json.dumps(net.to_json())))
    assert again.to_json() == net.to_json()
    assert str(again) == str(net)


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": None},
        {"sizes": "48"},
        {"sizes": [4, 8, 3, 3]},
        {"sizes": [4, -8, 3]},
        {"activations": []},
        {"activations": "relu"},
        {"activations": [{"name": "relu"}, {"name": "tanh"}]},
        {"activations": [{"name": "os.system"}, {"name": "softmax"}]},
        {"activations": [{"name": "relu", "slope": 3}, {"name": "softmax"}]},
        {"dropout": [0.5]},
        {"dropout": [0.5, 0.5]},
        {"dropout": [2.0, 0.0]},
        {"loss": {"name": "categorical_crossentropy", "label_smoothing": 2}},
        {"loss": None},
        {"use_bias": [True]},
        {"use_bias": [1, 1]},
        {"use_bias": None},
        {"more": 1},
    ],
)
def test_a_foreign_description_is_refused(change) -> None:
    good = network([4, 8, 3], loss_function="categorical_crossentropy").to_json()
    Network.from_json(good)
    with pytest.raises(ArgumentError):
        Network.from_json({**good, **change})


@pytest.mark.parametrize("data", [None, [], "network", {}])
def test_what_is_no_description_is_refused(data) -> None:
    with pytest.raises(ArgumentError, match="described by sizes, activations, dropout and loss"):
        Network.from_json(data)


@pytest.mark.parametrize("sizes", [3, "3,1", None])
def test_sizes_are_a_list(sizes):
    with pytest.raises(ArgumentError, match="layer sizes must be a list such as"):
        network(sizes)
