"""The demos of training say and draw what closed forms and the plain loops give."""

import math
import re

import numpy as np
import pytest

from fastnn import demos, reference
from fastnn.api.train import train
from fastnn.demos.deep_pass import deep_pass
from fastnn.demos.table import DEMOS
from fastnn.demos.two_weights import TwoWeights
from fastnn.demos.update_rules_compared import TRIED
from fastnn.errors import ArgumentError
from fastnn.nn.network import network
from fastnn.pictures.marks import Chart, HeatMap, Line
from fastnn.reference import optimizers as loops
from tests.demos.ran import shown


def chart(name: str, panel: int) -> Chart:
    found = shown(name).figure.panels[panel]
    assert isinstance(found, Chart)
    return found


def heat_map(name: str, panel: int) -> HeatMap:
    found = shown(name).figure.panels[panel]
    assert isinstance(found, HeatMap)
    return found


def lines(of: Chart) -> dict[str, np.ndarray]:
    """The points (n, 2) of the named lines."""
    named = [m for m in of.marks if isinstance(m, Line) and m.name]
    return {m.name: np.array([(p.x, p.y) for p in m.points]) for m in named}


def path(of: Chart) -> np.ndarray:
    """The points (n, 2) of the last line, which is the way that was taken."""
    return np.array([(p.x, p.y) for p in of.marks[-1].points])


# Two weights


@pytest.mark.parametrize("rule", ["gradient_descent", "momentum", "rmsprop", "adam"])
def test_a_path_against_the_loops(rule: str, rng: np.random.Generator) -> None:
    X, y = rng.normal(size=(7, 2)), rng.normal(size=(7, 1))
    bowl, w, moments = TwoWeights(X, y), [1.0, -2.0], [(0.0, 0.0), (0.0, 0.0)]
    found = bowl.path(rule, 0.1, 15, (1.0, -2.0))
    update = getattr(loops, rule)
    for t in range(1, 16):
        errors = [w[0] * a + w[1] * b - c for (a, b), (c,) in zip(X, y, strict=True)]
        assert found.batch_costs[t - 1] == pytest.approx(sum(e * e for e in errors) / 14)
        for k in (0, 1):
            g = sum(e * x[k] for e, x in zip(errors, X, strict=True)) / 7
            w[k], moments[k] = update(w[k], g, moments[k], t, 0.1)
        assert found.weights[t].tolist() == pytest.approx(w, rel=1e-9)
    np.testing.assert_allclose(bowl.costs(found.weights[:-1]), found.batch_costs, rtol=1e-12)


def test_normalisation_by_the_closed_form() -> None:
    """w(t) = w* + (I - rate H)^t (w(0) - w*), H = X^T X / N."""
    for panel, steps in ((0, 56), (1, 2)):
        places = path(chart("normalisation", panel))
        assert len(places) == steps + 1
        assert f": {steps} steps" in chart("normalisation", panel).title
        # From three steps of it: differences d(t + 1) = (I - rate H) d(t).
        d = np.diff(places, axis=0)
        if panel == 0:
            M = np.linalg.lstsq(d[:2], d[1:3], rcond=None)[0]
            np.testing.assert_allclose(d[1:10] @ M, d[2:11], atol=1e-9)
            # The best rate: the factors of both axes are equally far from 0.
            low, high = sorted(np.linalg.eigvals(M).real)
            assert low == pytest.approx(-high, rel=1e-6)
            kappa = (1 + high) / (1 - high)
            assert f"{kappa:.0f} times as steep" in shown("normalisation").lines[0]
            assert f"{high:.3f} in the valley" in shown("normalisation").lines[2]
    more = demos.normalisation(spread=10.0)
    assert int(re.findall(r"takes (\d+) steps", more.lines[0])[0]) > 200


# Many layers


def test_exploding_by_hand() -> None:
    for name, c in (("W = 1.5 I", 1.5), ("W = 0.5 I", 0.5)):
        found = lines(chart("exploding", 0))[name]
        np.testing.assert_allclose(found, [(l, c**l) for l in range(21)], rtol=1e-12)
    said = shown("exploding").lines
    assert "3325.26" in said[0]  # 1.5^20
    assert "9.53674e-07" in said[0]  # 2^-20
    assert "2.22e+03" in said[1]  # 1.5^19
    gradients = lines(chart("exploding", 1))
    sigmoid = gradients["sigmoid, glorot_uniform"][:, 1]
    assert (np.diff(np.log(sigmoid[:18])) > 0).all()  # straight down towards the input
    assert sigmoid[0] < 1e-10 * sigmoid[-1]
    for fits in ("tanh, glorot_uniform", "relu, he_normal"):
        assert 0.05 < gradients[fits][0, 1] / gradients[fits][-1, 1] < 20


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_a_deep_pass_against_the_loops(activation: str, rng: np.random.Generator) -> None:
    net = network([3, 4, 5, 2], activation=activation, output_activation="sigmoid",
                  loss_function="binary_crossentropy")  # fmt: skip
    W = [rng.normal(size=(n, k)) for k, n in ((3, 4), (4, 5), (5, 2))]
    X, Y = rng.normal(size=(6, 3)), rng.integers(0, 2, (6, 2)).astype(float)
    found = deep_pass(net, W, X, Y)
    plain = reference.Network([activation, activation, "sigmoid"], "binary_crossentropy")
    Ws, bs = [w.tolist() for w in W], [[[0.0]] * len(w) for w in W]
    Z, A = reference.forward(plain, Ws, bs, X.T.tolist())
    dZ, dW, _ = reference.backward(plain, Ws, Z, A, Y.T.tolist())
    expected = [np.var(M) for M in (*A[:-1], Z[-1])]
    np.testing.assert_allclose(found.variances, expected, rtol=1e-12)

    def rms(M: list[list[float]]) -> float:
        return math.sqrt(np.mean(np.square(M)))

    np.testing.assert_allclose(found.gradients, [rms(M) for M in dW], rtol=1e-12)
    # Here dZ has the 1/m of the notes' dW in it.
    ratio = [rms(M) / rms(dZ[-1]) for M in dZ]
    np.testing.assert_allclose(found.errors / found.errors[-1], ratio, rtol=1e-12)


def test_table_11_1_by_hand() -> None:
    """For the logistic r = sqrt(6 / 200), s = sqrt(2 / 200) = 0.1; 4 and sqrt(2) times both."""
    table = heat_map("initialisers", 3)
    r, largest, s, deviation = zip(*table.values, strict=True)
    assert s == pytest.approx([0.1, 0.4, 0.1414], abs=1e-4)
    assert r == pytest.approx([0.17321, 0.69282, 0.24495], abs=1e-4)
    for k in range(3):
        assert 0.99 * r[k] < largest[k] <= r[k]
        assert deviation[k] == pytest.approx(s[k], rel=0.03)


def test_variances_follow_from_those_of_the_weights() -> None:
    """ReLU: E[A[l]^2] = n Var(w) E[A[l-1]^2] / 2 in a wide layer, for normal weights of mean 0."""
    found = demos.initialisers(units=300, layers=4)
    panel = found.figure.panels[0]
    assert isinstance(panel, Chart)
    drawn = lines(panel)
    # A ReLU's variance is (1/2 - 1/2pi) of Var(z), its mean square 1/2; from layer 2 on the factor
    # of the variance is that of the mean square, n Var(w) / 2.
    for name, n_var in (("scaled_normal", 1.0), ("he_normal", 2.0), ("normal", 300 * 0.05**2)):
        factors = drawn[name][2:, 1] / drawn[name][1:-1, 1]
        assert factors == pytest.approx([n_var / 2] * 3, rel=0.25)


# Training


def test_units_from_zero_stay_equal_to_the_last_bit() -> None:
    equal, random = lines(chart("zero", 0)), lines(chart("zero", 1))
    first, *others = equal.values()
    for other in others:
        np.testing.assert_array_equal(other, first)
    assert (first[0] == 0).all()
    assert np.abs(first[-1]).max() > 1  # they do move
    ends = np.array([points[-1] for points in random.values()])
    assert len(np.unique(ends.round(6), axis=0)) == 4
    assert "differ by 0," in shown("zero").lines[0]
    rows = heat_map("zero", 2).values
    assert len({row[:2] for row in rows}) == 1
    assert len({row[2:] for row in rows}) == 4
    shaded = heat_map("zero", 2)
    assert shaded.shades is None  # by the numbers themselves, from 0
    assert shaded.below


def test_batches_are_counted_and_averaged() -> None:
    per_batch, per_epoch = lines(chart("batches", 3)), lines(chart("batches", 4))
    assert {name: len(points) for name, points in per_batch.items()} == {
        "batch": 8, "mini-batch": 8 * 512 // 64, "stochastic": 8 * 512,
    }  # fmt: skip
    for name, points in per_epoch.items():
        means = per_batch[name][:, 1].reshape(8, -1).mean(axis=1)
        np.testing.assert_allclose(points[:, 1], means)
    # The way of full batches is straight in each axis of the bowl: differences shrink by a matrix.
    d = np.diff(path(chart("batches", 0)), axis=0)
    M = np.linalg.lstsq(d[:2], d[1:3], rcond=None)[0]
    np.testing.assert_allclose(d[2:-1] @ M, d[3:], atol=1e-6)
    weights = {m.name: m.weight for m in chart("batches", 3).marks if isinstance(m, Line)}
    assert weights == {"stochastic": "thin", "mini-batch": "plain", "batch": "plain"}
    noise = [path(chart("batches", k)) for k in (1, 2)]
    assert all(len(p) > 60 for p in noise)


def test_optimisers_by_the_closed_form() -> None:
    """J = w1^2 / 2 + 100 w2^2 / 2: a step of 0.0195 multiplies w1 by 0.9805 and w2 by -0.95."""
    said = shown("optimisers").lines
    assert "gradient_descent 60," in said[0]
    t = np.arange(61)
    expected = np.c_[-4 * 0.9805**t, 0.8 * (-0.95) ** t]
    np.testing.assert_allclose(path(chart("optimisers", 0)), expected, rtol=1e-9)
    J = expected[-1, 0] ** 2 / 2 + 50 * expected[-1, 1] ** 2
    assert f"gradient_descent {J:.1e}" in said[1]
    costs = lines(chart("optimisers", 4))
    assert costs["gradient_descent"][-1].tolist() == pytest.approx([60, J])
    assert costs["momentum"][-1, 1] < J / 10


def test_each_optimiser_has_the_best_of_its_rates_on_the_digits() -> None:
    digits = lines(chart("optimisers", 5))
    assert len(digits) == 4
    said = shown("optimisers").lines[2]
    for name in ("momentum", "adam"):
        ends = {}
        for rate in TRIED[name]:
            training = train("digits", optimizer=name, learning_rate=rate,
                             hidden_layer_sizes=[64], epochs=10, patience=None)  # fmt: skip
            ends[rate] = training.history
        best = min(ends, key=lambda rate: ends[rate].epochs[-1].validation_loss)
        losses = [e.loss for e in ends[best].epochs]
        np.testing.assert_allclose(digits[f"{name}, {best:g}"][:, 1], losses, rtol=1e-12)
        assert f"{name} {ends[best].epochs[-1].metrics['accuracy']:.1%} ({best:g})" in said


def test_the_jump_of_rmsprop_is_explained_by_its_average() -> None:
    """Across the valley, with curvature 100, a step multiplies w2 by 1 - 100 alpha / sqrt(S)."""
    note = chart("optimisers", 2).note
    unstable, jump = (int(n) for n in re.findall(r"step (\d+)", note))
    w2, S, rates = 0.8, 0.0, []
    for _ in range(60):
        S = 0.9 * S + 0.1 * (100 * w2) ** 2
        rates.append(0.15 / math.sqrt(S + 1e-8))
        w2 -= rates[-1] * 100 * w2
    assert rates[unstable - 1] > 0.02
    assert max(rates[: unstable - 1]) <= 0.02
    way = path(chart("optimisers", 2))[:, 1]
    assert int(np.abs(np.diff(way))[unstable:].argmax()) + unstable + 1 == jump
    few = demos.optimisers(steps=20, epochs=1).figure.panels[2]
    assert few.note == "learning rate 0.15"  # it has not come to that


def test_boundaries_are_a_line_and_a_ring() -> None:
    def boundary(panel: int) -> np.ndarray:
        return path(chart("boundaries", panel))

    straight = boundary(0)
    away = straight - straight.mean(axis=0)
    assert np.linalg.svd(away)[1][1] < 0.02 * np.linalg.svd(away)[1][0]
    for panel in (4, 5):  # 8 and 64 units: once around the disc of radius 1
        ring = boundary(panel)
        np.testing.assert_array_equal(ring[0], ring[-1])
        assert np.hypot(*ring.T) == pytest.approx([1.0] * len(ring), abs=0.35)
        turned = np.unwrap(np.arctan2(ring[:, 1], ring[:, 0]))
        assert abs(turned[-1] - turned[0]) == pytest.approx(2 * np.pi)


def test_the_grid_is_of_trainings_and_its_best_is_judged_once() -> None:
    found = heat_map("grid-search", 0)
    scores = np.array(found.values)
    [(i, j)] = found.chosen
    assert scores[i, j] == scores.max()
    alone = train(
        "digits", initializer=found.rows[i], learning_rate=float(found.columns[j]),
        hidden_layer_sizes=(64, 64, 64), epochs=10, patience=None,
    )  # fmt: skip
    assert alone.report["validation"]["accuracy"] == scores[i, j]
    assert (
        f"looked at once, {alone.report['test']['accuracy']:.1%}" in shown("grid-search").lines[0]
    )
    zero = scores[found.rows.index("zero")]
    assert zero.max() < 0.12


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("normalisation", {"spread": 100.0}, "spread must be from 0.1 to 30, found 100"),
        ("normalisation", {"spread": "x"}, "spread must be a number above 0, found 'x'"),
        ("exploding", {"layers": 1}, "layers must be a whole number from 2 to 200, found 1"),
        ("exploding", {"factors": ()}, r"factors must be numbers up to 10, found \(\)"),
        ("exploding", {"factors": (0.0,)}, "factors must be a number above 0, found 0"),
        ("initialisers", {"units": 10**6}, "units must be a whole number from 2 to 1,000, found"),
        ("zero", {"units": 2.5}, "units must be a whole number from 2 to 8, found 2.5"),
        ("zero", {"seed": -1}, "seed must be a whole number from 0 "),
        ("batches", {"batch_size": 512}, "batch_size must be a whole number from 2 to 256, found"),
        ("optimisers", {"epochs": 0}, "epochs must be a whole number from 1 to 100, found 0"),
        ("boundaries", {"widths": (3, -1)}, "widths must be a whole number from 0 to 1,024, found"),
        ("boundaries", {"widths": ()}, r"widths must be 1 to 9 numbers, found \(\)"),
        ("grid-search", {"learning_rates": ()}, "learning_rate has no values"),
        ("grid-search", {"epochs": 0}, "epochs must be a whole number above 0, found 0"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be(name: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        DEMOS[name].load()(**given)
