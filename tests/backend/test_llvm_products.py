"""Matrix products written out in LLVM: exact on whole numbers, whatever the shape and the form."""

import ctypes
from itertools import product

import numpy as np
import pytest

from fastnn.backend.compiled import llvm_products
from fastnn.backend.compiled import products as multiplying
from fastnn.backend.compiled.llvm_engine import KERNELS, compile_module
from fastnn.backend.compiled.products import Product, product_call, product_texts
from fastnn.backend.program import Dot
from tests.backend.compiled import needs_compiler, run

pytestmark = needs_compiler

TYPES = {"float": np.float32, "double": np.float64}


def multiply(product: Product) -> None:
    """Run a written-out product on this processor, whatever its vectors."""
    size = multiplying.scratch_elements(product.t) * product.out.itemsize
    # What a copy leaves untouched must not matter: everything is NaN at first.
    scratch = np.full(size // 4 + 16, np.nan, np.float32)
    aligned = -(-scratch.ctypes.data // 64) * 64
    places = KERNELS.addresses(product_texts(product))
    line = product_call(product, list(range(len(places))), aligned)
    for n, place in enumerate(places):
        line = line.replace(f" {{{n}}}", f" inttoptr (i64 {place} to ptr)")
    engine = compile_module(f"define void @go() {{\n{line}\nret void\n}}")
    ctypes.CFUNCTYPE(None)(engine.get_function_address("go"))()


def whole_numbers(rng, shape: tuple[int, int], dtype, *, turned: bool):
    """Numbers whose products and sums are exact, inside a wider array, perhaps transposed."""
    n, m = shape[::-1] if turned else shape
    wide = rng.integers(-8, 9, (n + 2, m + 5)).astype(dtype)
    part = wide[1 : n + 1, 3 : m + 3]
    return part.T if turned else part


#: around the edges of tiles, vectors, copied strips and copied panels
SHAPES = [
    (1, 1, 1), (14, 32, 16), (15, 33, 17), (13, 16, 255), (28, 15, 256), (29, 31, 257),
    (3, 8, 515), (43, 511, 4), (2, 513, 300), (16, 1060, 20), (100, 65, 7),
]  # fmt: skip


@pytest.mark.parametrize("t", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_is_exact(shape: tuple[int, int, int], t: str, rng) -> None:
    n, m, k = shape
    for turned_a, turned_b in product([False, True], repeat=2):
        a = whole_numbers(rng, (n, k), TYPES[t], turned=turned_a)
        b = whole_numbers(rng, (k, m), TYPES[t], turned=turned_b)
        around = np.full((n + 2, m + 3), 7.0, TYPES[t])
        out = around[1:-1, 2:-1]
        expected = around.copy()
        expected[1:-1, 2:-1] = a.astype(int) @ b.astype(int)
        multiply(Product(a, b, out, t))
        np.testing.assert_array_equal(around, expected)  # and nothing beside it


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_goes_to_its_row_and_column_only(strange: float, rng) -> None:
    for turned in (False, True):
        a, b = (whole_numbers(rng, (20, 20), np.float32, turned=turned) + 9 for _ in range(2))
        a[3, 5] = strange
        out = np.empty((20, 20), np.float32)
        multiply(Product(a, b, out, "float"))
        assert [i for i in range(20) if not np.isfinite(out[i]).all()] == [3]
        b[4, 6] = strange
        multiply(Product(np.ones_like(a), b, out, "float"))
        assert [j for j in range(20) if not np.isfinite(out[:, j]).all()] == [6]


def test_rounding_is_that_of_sums_not_worse(rng) -> None:
    a, b = (rng.standard_normal((300, 300)).astype(np.float32) for _ in range(2))
    out = np.empty((300, 300), np.float32)
    multiply(Product(a, b, out, "float"))
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert abs(out - exact).max() < 4 * abs(a @ b - exact).max()


def test_a_strip_of_each_form_fits_into_its_place() -> None:
    row_form = (llvm_products.ROWS - 1) * llvm_products._ROW_STEP + llvm_products.DEPTH
    assert row_form <= llvm_products._STRIP
    assert llvm_products.ROWS <= llvm_products._COLUMN_STEP


@pytest.mark.parametrize("written_out", [True, False])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_program_multiplies_either_way(written_out: bool, threads: int, monkeypatch, rng) -> None:
    monkeypatch.setattr(multiplying, "has_wide_vectors", lambda: written_out)
    a = whole_numbers(rng, (40, 50), np.float32, turned=False)
    b = whole_numbers(rng, (50, 60), np.float32, turned=True)
    out = np.empty((40, 60), np.float32)
    run([Dot(a, b, out)], threads)
    np.testing.assert_array_equal(out, a @ b)


def test_small_products_are_left_to_blas(monkeypatch) -> None:
    monkeypatch.setattr(multiplying, "has_wide_vectors", lambda: True)

    def written_out(n: int, m: int, k: int) -> bool:
        arrays = (np.ones(shape, np.float32) for shape in ((n, k), (k, m), (n, m)))
        return multiplying.is_written_out(Product(*arrays, "float"))

    assert written_out(16, 16, 16)
    assert not any(written_out(*shape) for shape in ((15, 16, 16), (16, 15, 16), (16, 16, 15)))
