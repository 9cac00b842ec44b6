"""forward, blocks, delta and k-outputs say and draw what the plain loops compute."""

import re
from itertools import pairwise

import numpy as np
import pytest

from fastnn import demos, reference
from fastnn.demos import several_outputs
from fastnn.demos.demo import Demonstration
from fastnn.demos.small_pass import (
    Weights,
    backward_pass,
    forward_pass,
    rows_as_text,
    weights_to_read,
)
from fastnn.errors import ArgumentError
from fastnn.nn.network import network
from fastnn.pictures.marks import BarChart, Chart, Diagram


def texts(found: Demonstration, panel: int = 0) -> list[tuple[str, ...]]:
    """What the nodes of a diagram say."""
    diagram = found.figure.panels[panel]
    assert isinstance(diagram, Diagram)
    return [node.texts for node in diagram.nodes]


def numbers(text: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", text)]


@pytest.mark.parametrize(
    ("sizes", "activation", "loss", "output"),
    [
        ((3, 4, 1), "sigmoid", "binary_crossentropy", None),
        ((2, 3, 3, 2), "tanh", "binary_crossentropy", None),
        ((4, 6, 3), "gelu", "categorical_crossentropy", None),
        ((2, 5, 2), "relu", "squared_error", "sigmoid"),
        ((3, 2), "relu", "binary_crossentropy", None),
    ],
)
def test_a_pass_against_the_loops(sizes, activation, loss, output, rng) -> None:
    net = network(sizes, activation=activation, loss_function=loss, output_activation=output)
    weights = weights_to_read(net, seed=3)
    X = rng.normal(size=(sizes[0], 5))
    classes = loss == "categorical_crossentropy"
    Y = rng.integers(0, 2, (1 if classes else sizes[-1], 5)).astype(float)
    Z, A = forward_pass(net, weights, X)
    found = backward_pass(net, weights, Z, A, Y)
    loops = reference.Network([g.name for g in net.activations], loss)
    W, b = [[M.tolist() for M in part] for part in (weights.W, weights.b)]
    Z_loops, A_loops = reference.forward(loops, W, b, X.tolist())
    dZ, dW, db = reference.backward(loops, W, Z_loops, A_loops, Y.tolist())
    for ours, theirs in ((Z, Z_loops), (A, A_loops), (found.dZ, dZ), (found.dW, dW),
                         (found.db, db)):  # fmt: skip
        assert len(ours) == len(theirs)
        for M, expected in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(M, expected, rtol=1e-11, atol=1e-14)
    for l, dA in enumerate(found.dA):
        np.testing.assert_allclose(dA, np.array(W[l + 1]).T @ np.array(dZ[l + 1]), atol=1e-12)
    J = reference.cost(loops, W, Z_loops, A_loops, Y.tolist())
    assert found.losses.sum() / 5 == pytest.approx(J, rel=1e-12)


def test_rows_are_equally_long() -> None:
    lines = rows_as_text(np.array([[1.0, -10.25], [0.5, 3.0]]))
    assert [len(line) for line in lines] == [13, 13]
    assert [numbers(line.replace("\u2007", " ")) for line in lines] == [[1, -10.25], [0.5, 3]]


def test_forward_shows_every_number_of_the_pass() -> None:
    """By NumPy's own words: W x + b of the weights that are drawn on the edges."""
    found = demos.forward(x=(2.0, -1.0, 0.5), seed=4, activation="tanh")
    said = texts(found)
    [diagram] = found.figure.panels
    assert isinstance(diagram, Diagram)
    assert len(diagram.edges) == 3 * 4 + 4 * 1
    W1 = np.array([float(edge.text) for edge in diagram.edges[:12]]).reshape(4, 3)
    W2 = np.array([float(edge.text) for edge in diagram.edges[12:]]).reshape(1, 4)
    units = [dict(re.findall(r"(\w) = (\S+)", " ".join(t[2:]))) for t in said[3:8]]
    b = np.array([float(u["b"]) for u in units])
    z1 = W1 @ np.array([2.0, -1.0, 0.5]) + b[:4]
    z2 = W2 @ np.tanh(z1) + b[4:]
    assert [float(u["z"]) for u in units] == pytest.approx([*z1, *z2], abs=0.006)
    y = 1 / (1 + np.exp(-z2[0]))
    assert [float(t[1]) for t in said[3:8]] == pytest.approx([*np.tanh(z1), y], abs=6e-5)
    assert found.lines[2].endswith(f"= {y:.4f}")


@pytest.mark.parametrize(
    "x", [(1.0, 2.0), (1.0, float("nan"), 0.0), (1.0, 1e7, 0.0), "abc", None, ((1, 2), (3,))]
)
def test_forward_needs_three_numbers(x: object) -> None:
    with pytest.raises(ArgumentError, match=r"x must be 3 numbers from -1e\+06 to 1e\+06, found"):
        demos.forward(x=x)


def test_blocks_are_worked_out_by_hand() -> None:
    """Each array of the picture from those that go into its block."""
    said = {t[0]: t for t in texts(demos.blocks())}
    arrays = {}
    for text in said.values():
        name = ""
        for line in text:
            if match := re.match(
                r"(?:loss with )?(d?[AWZb]\[\d\]|db\[\d\]|Y) \((\d), (\d)\)", line
            ):
                name, shape = match[1], (int(match[2]), int(match[3]))
                arrays[name] = (shape, numbers(line.partition(":")[2]))
            elif name:
                arrays[name][1].extend(numbers(line.replace("\u2007", " ")))
    M = {name: np.array(values).reshape(shape) for name, (shape, values) in arrays.items()}
    assert set(M) == {
        *("A[0]", "A[1]", "A[2]", "Z[1]", "Z[2]", "W[1]", "W[2]", "b[1]", "b[2]", "Y"),
        *("dA[1]", "dA[2]", "dZ[1]", "dZ[2]", "dW[1]", "dW[2]", "db[1]", "db[2]"),
    }
    hand = {
        "Z[1]": M["W[1]"] @ M["A[0]"] + M["b[1]"],
        "A[1]": np.tanh(M["Z[1]"]),
        "Z[2]": M["W[2]"] @ M["A[1]"] + M["b[2]"],
        "A[2]": 1 / (1 + np.exp(-M["Z[2]"])),
        "dA[2]": -M["Y"] / M["A[2]"] + (1 - M["Y"]) / (1 - M["A[2]"]),
        "dZ[2]": M["A[2]"] - M["Y"],
        "dA[1]": M["W[2]"].T @ M["dZ[2]"],
        "dZ[1]": M["dA[1]"] * (1 - M["A[1]"] ** 2),
        "dW[2]": M["dZ[2]"] @ M["A[1]"].T / 3,
        "db[2]": M["dZ[2]"].mean(axis=1, keepdims=True),
        "dW[1]": M["dZ[1]"] @ M["A[0]"].T / 3,
        "db[1]": M["dZ[1]"].mean(axis=1, keepdims=True),
    }
    for name, expected in hand.items():  # from numbers of two decimals
        assert M[name].shape == expected.shape, name
        np.testing.assert_allclose(M[name], expected, atol=0.06, err_msg=name)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "squared_error"])
def test_delta_against_the_loops(loss: str) -> None:
    found = demos.delta(x=(0.5, 1.0, -0.5), y=(0.0, 1.0), loss=loss, seed=5)
    net = network([3, 3, 2], activation="sigmoid", output_activation="sigmoid", loss_function=loss)
    weights = weights_to_read(net, seed=5)
    loops = reference.Network(["sigmoid", "sigmoid"], loss)
    W, b = [[M.tolist() for M in part] for part in (weights.W, weights.b)]
    Z, A = reference.forward(loops, W, b, [[0.5], [1.0], [-0.5]])
    dZ, dW, db = reference.backward(loops, W, Z, A, [[0.0], [1.0]])
    flow, gradient = found.figure.panels
    assert isinstance(flow, Diagram)
    assert isinstance(gradient, Diagram)
    deltas = [float(n.texts[2].removeprefix("δ = ")) for n in flow.nodes[3:8]]
    assert deltas == pytest.approx([d[0] for layer in dZ for d in layer], abs=6e-4)
    back = [numbers(edge.text)[-1] for edge in flow.edges if edge.text]
    assert back == pytest.approx(
        [W[1][k][j] * dZ[1][k][0] for k in range(2) for j in range(3)], abs=6e-4
    )
    assert [float(edge.text) for edge in gradient.edges] == pytest.approx(
        [v for layer in dW for row in layer for v in row], abs=6e-4
    )
    names = [n.texts[0] for n in flow.nodes[:8]]
    assert names == ["x1", "x2", "x3", "a1", "a2", "a3", "out 1", "out 2"]
    biases = [float(n.texts[2].removeprefix("db = ")) for n in gradient.nodes[3:8]]
    assert biases == pytest.approx([d[0] for layer in db for d in layer], abs=6e-4)
    assert numbers(found.lines[2])[-1] < 1e-7  # back-propagation and the limit


def test_delta_knows_the_two_losses_of_the_notes() -> None:
    with pytest.raises(ArgumentError, match="loss must be one of binary_crossentropy, squared_err"):
        demos.delta(loss="huber")
    with pytest.raises(ArgumentError, match="y must be 2 numbers"):
        demos.delta(y=(1.0,))


def test_k_outputs_cost_against_the_loops() -> None:
    found = demos.k_outputs(steps=30, l2=0.7, seed=1)
    X, classes = several_outputs._examples(seed=1)
    Y = np.eye(3)[classes].T
    trained = several_outputs._descend("binary_crossentropy", X, Y, 30, 0.7, 1)
    W, b = [[M.tolist() for M in part] for part in (trained.weights.W, trained.weights.b)]
    loops = reference.Network(["sigmoid", "sigmoid"], "binary_crossentropy", l2=0.7)
    J = reference.cost(loops, W, *reference.forward(loops, W, b, X.tolist()), Y.tolist())
    bars = found.figure.panels[3]
    assert isinstance(bars, BarChart)
    assert bars.bars[-1].value == pytest.approx(J, rel=1e-12)
    assert sum(bar.value for bar in bars.bars[:-1]) == pytest.approx(J, rel=1e-12)
    curves = found.figure.panels[2]
    assert isinstance(curves, Chart)
    for line in curves.marks:
        ys = [p.y for p in line.points]
        assert len(ys) == 31
        assert all(after < before for before, after in pairwise(ys))
    assert curves.marks[0].points[-1].y == pytest.approx(J, rel=1e-12)


def test_softmax_sums_to_1_and_costs_only_its_class() -> None:
    table = demos.k_outputs(steps=5).figure.panels[1]
    columns = dict(zip(table.columns, zip(*table.values, strict=True), strict=True))
    assert sum(columns["a, softmax"]) == pytest.approx(1.0)
    cost = [-y * np.log(a) for y, a in zip(columns["y"], columns["a, softmax"], strict=True)]
    assert columns["L, softmax"] == pytest.approx(cost)
    a = np.array(columns["a, sigmoid"])
    y = np.array(columns["y"])
    assert columns["L, sigmoid"] == pytest.approx(-(y * np.log(a) + (1 - y) * np.log(1 - a)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"steps": 0}, "steps must be a whole number above 0"),
        ({"l2": -1.0}, "l2 must be a number"),
        ({"l2": 1e4}, "l2=10000 is too strong for alpha = 0.5: gradient descent moves away"),
    ],
)
def test_k_outputs_refuses(options: dict[str, float], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        demos.k_outputs(**options)


def test_weights_can_be_read() -> None:
    drawn = weights_to_read(network([7, 5, 2]), seed=2)
    assert isinstance(drawn, Weights)
    for M in (*drawn.W, *drawn.b):
        assert [f"{v:g}" for v in M.ravel()] == [f"{v:.1f}".removesuffix(".0") for v in M.ravel()]
