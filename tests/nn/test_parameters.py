"""One flat buffer: layout, views, copies, and drawing the first numbers."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.random import generator
from fastnn.errors import ArgumentError
from fastnn.nn.initializers import initial_weights
from fastnn.nn.network import network
from fastnn.nn.parameters import ALIGN, Layout, Parameters, check_dtype, initialize

XP = CpuBackend()
NET = network([5, 7, 3, 2], activation=["relu", "tanh"])


def drawn(net=NET, dtype=np.float64, **options) -> Parameters:
    p = Parameters(net, XP, dtype)
    initialize(net, p, XP, **options)
    return p


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5))
def test_blocks_are_in_order_aligned_and_do_not_overlap(sizes) -> None:
    layout = Layout.of(tuple(sizes))
    blocks = [*layout.weights, *layout.biases]
    assert all(s.start % ALIGN == 0 for s in blocks)
    assert all(a.stop <= b.start < a.stop + ALIGN for a, b in pairwise(blocks))
    assert layout.weights[0].start == 0
    assert layout.biases[0].start == layout.n_weights
    assert blocks[-1].stop <= layout.size < blocks[-1].stop + ALIGN
    W, b = layout.views(np.arange(layout.size))
    assert [w.shape for w in W] == list(zip(sizes[1:], sizes[:-1], strict=True))
    assert [v.shape for v in b] == [(n, 1) for n in sizes[1:]]
    values = np.concatenate([v.ravel() for v in [*W, *b]])
    assert len(set(values.tolist())) == sum(n * (k + 1) for k, n in pairwise(sizes))


def test_views_share_the_buffer_and_are_contiguous() -> None:
    p = drawn()
    for view in [*p.W, *p.b]:
        assert np.shares_memory(view, p.theta)
        assert view.flags.c_contiguous
    p.theta[:] = 3.0
    assert all((view == 3.0).all() for view in [*p.W, *p.b])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_a_copy_has_views_of_its_own_buffer(duplicate) -> None:
    p = drawn()
    q = duplicate(p)
    np.testing.assert_array_equal(q.theta, p.theta)
    q.theta += 1.0
    np.testing.assert_array_equal(q.W[1], p.W[1] + 1.0)
    assert np.shares_memory(q.b[0], q.theta)
    assert not np.shares_memory(q.theta, p.theta)


def test_weights_are_drawn_a_stream_per_layer_and_biases_are_zero() -> None:
    p = drawn(seed=5, initializer="normal")
    for l, W in enumerate(p.W, start=1):
        expected = initial_weights("normal", *W.shape, 1.0, generator(5, "weights", layer=l))
        np.testing.assert_array_equal(W, expected)
    assert not any(b.any() for b in p.b)
    other = drawn(network([5, 7, 4, 2]), seed=5, initializer="normal")
    np.testing.assert_array_equal(other.W[0], p.W[0], "a layer's stream does not feel the others")


def test_each_layer_gets_what_suits_its_activation() -> None:
    net = network([60, 50, 40, 30], activation=["relu", "selu"])
    p = drawn(net)
    for l, name in enumerate(["he_normal", "lecun_normal", "glorot_uniform"]):
        expected = drawn(net, initializer=name)
        np.testing.assert_array_equal(p.W[l], expected.W[l])
    listed = drawn(net, initializer=["zero", "he_normal", None])
    assert not listed.W[0].any()
    np.testing.assert_array_equal(listed.W[2], p.W[2])


def test_the_gain_is_the_activations() -> None:  # N23
    net = network([5, 7, 3], activation="tanh")
    plain = network([5, 7, 3], activation="sigmoid")
    W = drawn(net, initializer="xavier_uniform").W
    expected = drawn(plain, initializer="xavier_uniform").W
    np.testing.assert_allclose(W[0], 4 * expected[0], rtol=1e-15)
    np.testing.assert_array_equal(W[1], expected[1])


def test_float32_is_float64_rounded() -> None:
    p, q = drawn(), drawn(dtype=np.float32)
    assert q.theta.dtype == np.float32
    np.testing.assert_array_equal(q.theta, p.theta.astype(np.float32))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"initializer": ["he_normal"]}, "initializer has 1 entries but there are 3 layers"),
        ({"initializer": "he"}, "unknown initializer 'he'"),
        ({"initializer": ""}, "unknown initializer ''"),
        ({"initializer": {}}, "initializer must be a name"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, said) -> None:
    with pytest.raises(ArgumentError, match=said):
        drawn(**options)


@pytest.mark.parametrize("optimizer", ["momentum", "rmsprop", "adam", "adamw(weight_decay=1)"])
def test_the_gaps_stay_zero(make, optimizer) -> None:
    data, p = make.data(NET, 9), make.parameters(NET)
    plan = make.plan(NET, data, optimizer, 4, parameters=p, l2=1.0, l1=1.0, clip_norm=0.1)
    for _ in range(3):
        plan.run_epoch(np.arange(9), np.full(3, 0.1))
    gaps = np.ones(p.layout.size, bool)
    for block in [*p.layout.weights, *p.layout.biases]:
        gaps[block] = False
    assert gaps.any()
    assert not p.theta[gaps].any()


@pytest.mark.parametrize("dtype", ["float32", np.float64, np.dtype("f4"), float])
def test_floats_are_a_dtype(dtype) -> None:
    assert check_dtype(dtype) == np.dtype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "int64", "flaot32", None.__class__, 3, bool])
def test_anything_else_is_not(dtype) -> None:
    with pytest.raises(ArgumentError, match="dtype must be 'float32' or 'float64', found"):
        check_dtype(dtype)
