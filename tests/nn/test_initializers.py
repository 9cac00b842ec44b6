"""The initialisers by the definitions of Keras and of the notes' table (N21 to N24)."""

import math

import numpy as np
import pytest

from fastnn.backend.random import generator
from fastnn.errors import ArgumentError
from fastnn.nn.initializers import (
    INITIALIZERS,
    initial_weights,
    initializer,
    initializer_form,
    truncated_normal,
)

N_IN, N_OUT = 300, 200
N = N_IN * N_OUT


def draw(spec: object, gain: float = 1.0, seed: int = 0) -> np.ndarray:
    return initial_weights(spec, N_OUT, N_IN, gain, generator(seed, "weights"))


# name: variance; Keras 3 for all but scaled_normal (N21) and the xavier pair (N23)
VARIANCES = {
    "scaled_normal": 1 / N_IN,
    "uniform": 0.05**2 / 3,
    "normal": 0.05**2,
    "lecun_uniform": 1 / N_IN,
    "lecun_normal": 1 / N_IN,
    "he_uniform": 2 / N_IN,
    "he_normal": 2 / N_IN,
    "glorot_uniform": 2 / (N_IN + N_OUT),
    "glorot_normal": 2 / (N_IN + N_OUT),
    "xavier_uniform": 2 / (N_IN + N_OUT),
    "xavier_normal": 2 / (N_IN + N_OUT),
}


def test_every_row_is_tested() -> None:
    assert {*VARIANCES, "zero"} == set(INITIALIZERS.names)


@pytest.mark.parametrize("name", VARIANCES)
def test_mean_and_variance(name: str) -> None:
    W = draw(name)
    assert (W.shape, W.dtype) == ((N_OUT, N_IN), np.float64)
    sigma = math.sqrt(VARIANCES[name])
    assert abs(W.mean()) < 5 * sigma / math.sqrt(N)
    # The standard error of a variance is at most sqrt(2/n) (normal; less for the others).
    assert abs(W.var() / sigma**2 - 1) < 5 * math.sqrt(2 / N)


@pytest.mark.parametrize("name", [n for n in VARIANCES if "uniform" in n])
def test_uniform_ones_fill_their_interval(name: str) -> None:
    W, r = draw(name), math.sqrt(3 * VARIANCES[name])
    assert abs(W).max() <= r
    assert abs(W).max() > 0.999 * r
    counts = np.histogram(W, 10, (-r, r))[0]
    assert (abs(counts - N / 10) < 5 * math.sqrt(N / 10)).all()


def test_the_table_of_the_notes() -> None:  # N23: r = sqrt(6/(n_in+n_out)), tanh 4 r
    r = math.sqrt(6 / (N_IN + N_OUT))
    assert draw("xavier_uniform", gain=4.0) == pytest.approx(4 * draw("xavier_uniform"))
    assert abs(draw("xavier_uniform", gain=4.0)).max() == pytest.approx(4 * r, rel=1e-3)
    normal = draw("xavier_normal", gain=math.sqrt(2))
    assert normal.std() == pytest.approx(math.sqrt(2) * math.sqrt(2 / 500), rel=0.02)
    assert abs(normal).max() > 3 * normal.std(), "not truncated"


@pytest.mark.parametrize("name", ["lecun_normal", "he_normal", "glorot_normal"])
def test_the_normals_of_keras_are_cut_at_two_and_widened(name: str) -> None:
    W = draw(name)
    # The variance of a standard normal cut at 2: 1 - 2 * 2 phi(2) / (2 Phi(2) - 1)
    phi = math.exp(-2) / math.sqrt(2 * math.pi)
    cut = math.sqrt(1 - 4 * phi / math.erf(math.sqrt(2)))
    limit = 2 * math.sqrt(VARIANCES[name]) / cut
    assert abs(W).max() <= limit * (1 + 1e-12)
    assert abs(W).max() > 0.999 * limit


@pytest.mark.parametrize("name", ["scaled_normal", "normal", "xavier_normal"])
def test_the_plain_normals_have_tails(name: str) -> None:
    W = draw(name)
    share = (abs(W) > 2 * W.std()).mean()
    expected = math.erfc(math.sqrt(2))
    assert abs(share - expected) < 5 * math.sqrt(expected / N)


def test_zero() -> None:
    assert not draw("zero").any()


def test_the_gain_is_for_the_xavier_pair_only() -> None:
    for name in INITIALIZERS.names:
        same = np.array_equal(draw(name, gain=1.0), draw(name, gain=2.0))
        assert same != name.startswith("xavier")


@pytest.mark.parametrize("name", VARIANCES)
def test_the_seed_decides(name: str) -> None:
    np.testing.assert_array_equal(draw(name, seed=1), draw(name, seed=1))
    assert not np.array_equal(draw(name, seed=1), draw(name, seed=2))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("random_uniform", ("uniform", {"scale": 0.05})),
        ("random_normal(scale=2)", ("normal", {"scale": 2.0})),
        ({"name": "zeros"}, ("zero", {})),
    ],
)
def test_names_and_options(spec, expected) -> None:
    assert initializer(spec) == expected


def test_the_scale_option_scales() -> None:
    np.testing.assert_allclose(draw("normal(scale=0.5)"), 10 * draw("normal"), rtol=1e-14)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("he", r"unknown initializer 'he' \(known: scaled_normal, uniform"),
        ("he_norml", "did you mean 'he_normal'"),
        ("he_normal(scale=1)", "has no option 'scale'; it belongs to uniform, normal"),
        ("uniform(scale=0)", r"scale=0.0 is outside \(0, inf\)"),
        (0.1, "initializer must be a name"),
    ],
)
def test_what_is_no_initializer_is_refused(spec, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        initializer(spec)


def test_the_truncated_normal_has_no_gap_and_no_pile() -> None:
    values = truncated_normal((50_000,), generator(3, "weights"))
    counts, edges = np.histogram(values, 8, (-2, 2))
    cdf = [math.erf(e / math.sqrt(2)) for e in edges]
    shares = np.diff(cdf) / (cdf[-1] - cdf[0])
    assert counts.sum() == 50_000
    assert (abs(counts - 50_000 * shares) < 5 * np.sqrt(50_000 * shares)).all()


def test_the_form_of_initialisers():
    assert initializer_form(None) is None
    assert initializer_form("uniform(scale=.5)") == {"name": "uniform", "scale": 0.5}
    with pytest.raises(ArgumentError, match="unknown initializer 'he'"):
        initializer_form("he")
