"""Row sums move into the loop that makes the rows, where nothing can tell the difference."""

import numpy as np
import pytest

from fastnn.backend.compiled.row_sums import fuse_row_sums
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Advance, Apply, Dot, Gather, Reduce, Store
from tests.backend.compiled import needs_compiler, run

TWICE = Kernel("twice", lambda z: 2 * z)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    z = np.arange(6.0).reshape(2, 3)
    return {"z": z, "dZ": np.zeros((2, 3)), "db": np.full((2, 1), 7.0), "dW": np.zeros((2, 2))}


def taken(arrays, *following) -> tuple[dict, list]:
    rest = list(following)
    return fuse_row_sums(Apply(TWICE, (arrays["z"],), (arrays["dZ"],)), rest), rest


def test_a_sum_is_taken_past_what_does_not_concern_it(arrays) -> None:
    dZ, db = arrays["dZ"], arrays["db"]
    product, total = Dot(dZ, arrays["z"].T, arrays["dW"]), Reduce("sum", dZ, 1, db)
    found, rest = taken(arrays, product, total)
    assert list(found) == [0]
    assert found[0] is db
    assert rest == [product]


def test_a_sum_stays_where_it_would_mean_something_else(arrays) -> None:
    z, dZ, db = arrays["z"], arrays["dZ"], arrays["db"]
    total = Reduce("sum", dZ, 1, db)
    assert taken(arrays, Apply(TWICE, (dZ,), (dZ,)), total)[0] == {}  # dZ changes
    assert taken(arrays, Apply(TWICE, (db,), (np.zeros((2, 1)),)), total)[0] == {}  # old db read
    assert taken(arrays, Apply(TWICE, (z[:, :1],), (db,)), total)[0] == {}  # db written
    assert taken(arrays, Reduce("max", dZ, 1, db))[0] == {}
    assert taken(arrays, Reduce("sum", dZ, 0, np.zeros((1, 3))))[0] == {}
    assert taken(arrays, Reduce("sum", dZ, None, np.zeros((1, 1))))[0] == {}
    assert taken(arrays, Reduce("sum", dZ[:1], 1, np.zeros((1, 1))))[0] == {}
    assert taken(arrays, Reduce("sum", dZ, 1, np.zeros((2, 4))[:, 1:2]))[0] == {}
    assert taken(arrays, Reduce("sum", dZ, 1, np.zeros((2, 1), np.float32)))[0] == {}
    onto_argument = Apply(Kernel("k", lambda z, b: z + b), (z, db), (dZ,))
    assert fuse_row_sums(onto_argument, [total]) == {}


def test_what_comes_in_between_may_be_anything(arrays) -> None:
    total, counter = Reduce("sum", arrays["dZ"], 1, arrays["db"]), np.array([0])
    between = [
        Gather(np.zeros((3, 2)), np.arange(3), counter, np.zeros((3, 2))),
        Store(np.zeros((1, 1)), counter, np.zeros(3)),
        Advance(counter, 1),
    ]
    assert list(taken(arrays, *between, total)[0]) == [0]


def test_two_sums_to_one_place_are_not_both_taken(arrays) -> None:
    one, two, place = np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((2, 1))
    kernel = Apply(Kernel("both", lambda z: (z + 1, z + 2)), (arrays["z"],), (one, two))
    following = [Reduce("sum", one, 1, place), Reduce("sum", two, 1, place)]
    assert list(fuse_row_sums(kernel, following)) == [0]
    assert len(following) == 1


@needs_compiler
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (1, 900), (40, 300), (33, 1)])
def test_sums_taken_along_are_right(shape, dtype, threads: int, rng) -> None:
    a, b = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    outs, sums = np.zeros((2, *shape), dtype), np.full((2, shape[0], 1), 777.0, dtype)
    kernel = Apply(Kernel("both", lambda a, b: (a * b, a - b)), (a, b), (outs[0], outs[1]))
    totals = [Reduce("sum", out, 1, s) for out, s in zip(outs, sums, strict=True)]
    run([kernel, *totals], threads)
    for found, s, wanted in zip(outs, sums, (a * b, a - b), strict=True):
        np.testing.assert_array_equal(found, wanted)
        scale = np.finfo(dtype).eps * abs(wanted).sum()
        np.testing.assert_allclose(s, wanted.sum(1, keepdims=True), rtol=0, atol=scale)
