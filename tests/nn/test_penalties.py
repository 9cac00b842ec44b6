"""L2, L1 and clipping, worked by hand."""

import math

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.nn.penalties import clip_by_norm, l1_penalty, l2_penalty

XP = CpuBackend()


def one(value: float) -> np.ndarray:
    return np.array([[value]])


def test_l2_by_hand() -> None:  # N11: lambda/m = 0.5: J += 0.25 * (9 + 16), dW += 0.5 W
    W, dW, J = np.array([3.0, -4.0]), np.array([1.0, 1.0]), one(10.0)
    l2_penalty(XP, W, dW, one(0.5), J=J, squares=one(np.nan))
    assert J.item() == 16.25
    assert dW.tolist() == [2.5, -1.0]
    assert W.tolist() == [3.0, -4.0]


def test_l1_by_hand() -> None:  # lambda/m = 0.5: J += 0.5 * 7, dW += 0.5 sign(W); sign(0) = 0
    W, dW, J = np.array([3.0, -4.0, 0.0]), np.ones(3), one(10.0)
    l1_penalty(XP, W, dW, one(0.5), J=J, total=one(np.nan), signs=np.full(3, np.nan))
    assert J.item() == 13.5
    assert dW.tolist() == [1.5, 0.5, 1.0]


@pytest.mark.parametrize(
    ("g", "clip", "expected"),
    [
        ([3.0, 4.0], 1.0, [0.6, 0.8]),
        ([3.0, 4.0], 5.0, [3.0, 4.0]),
        ([3.0, 4.0], 10.0, [3.0, 4.0]),
        ([0.0, 0.0], 1.0, [0.0, 0.0]),
        ([-30.0, 40.0], 5.0, [-3.0, 4.0]),
    ],
)
def test_clipping_by_hand(g, clip, expected) -> None:
    gradient = np.array(g)
    clip_by_norm(XP, gradient, one(clip), squares=one(np.nan), factor=one(np.nan))
    assert gradient.tolist() == pytest.approx(expected, abs=1e-15)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_clipping_keeps_the_direction(dtype, rng) -> None:
    g = rng.standard_normal(1000).astype(dtype)
    clipped, limit = g.copy(), np.array([[0.125]], dtype)
    scratch = np.empty((1, 1), dtype), np.empty((1, 1), dtype)
    clip_by_norm(XP, clipped, limit, squares=scratch[0], factor=scratch[1])
    norm = math.sqrt(math.fsum(float(v) ** 2 for v in clipped))
    assert norm == pytest.approx(0.125, rel=1e-5)
    np.testing.assert_allclose(clipped / g, clipped[0] / g[0], rtol=1e-5)


def test_a_gradient_that_is_not_finite_stays_visible() -> None:
    gradient = np.array([1.0, np.nan])
    clip_by_norm(XP, gradient, one(0.5), squares=one(0.0), factor=one(0.0))
    assert np.isnan(gradient).any()
