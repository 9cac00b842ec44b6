"""The call of a matrix product: of BLAS, or of a product written out in LLVM.

The written-out product is for processors with vectors of 512 bits. There it was 3 to 50 % faster
than OpenBLAS 0.3.31 on one core (AMD EPYC, Zen 4), most of all where a factor is transposed; small
products and other processors are left to BLAS.
"""

from __future__ import annotations

from dataclasses import dataclass

from fastnn.backend.compiled.elementwise_text import number
from fastnn.backend.compiled.llvm_engine import NotCompilableError, target
from fastnn.backend.compiled.llvm_products import (
    COLUMNS,
    LANES,
    ROWS,
    copy_columns_text,
    copy_rows_text,
    panels_text,
    product_text,
    scratch_size,
    tile_text,
    transposed_panels_text,
)
from fastnn.backend.host.blas import Blas
from fastnn.backend.program import Array, address

#: Rows, columns and terms below which BLAS multiplies.
SMALLEST = 16


@dataclass(frozen=True)
class Product:
    """``C = A B`` of BLAS type ``t``, the arrays given as far as they take part."""

    a: Array
    b: Array
    out: Array
    t: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, columns, terms."""
        return (*self.out.shape, self.a.shape[1])


def scratch_elements(t: str) -> int:
    """Return how many elements a written-out product needs to copy to, at most."""
    return scratch_size(COLUMNS, t)


def is_written_out(product: Product) -> bool:
    """Return whether this machine and this product are better served without BLAS."""
    return min(product.shape) >= SMALLEST and has_wide_vectors()


def has_wide_vectors() -> bool:
    """Return whether the processor has 32 vector registers of 512 bits."""
    return "+avx512f" in target()[2].split(",")


def blas_call(product: Product, blas: Blas) -> str:
    """Return the line that calls BLAS; 101 is row-major order."""
    t, size, (n, m, k) = product.t, blas.size, product.shape
    trans_a, lda = leading(product.a)
    trans_b, ldb = leading(product.b)
    _, ldc = leading(product.out)
    steps = (lda, ldb, ldc)
    if size == "i32" and max(n, m, k, *steps) >= 2**31:
        raise NotCompilableError(f"a product of {n} x {k} x {m} with a BLAS of 32-bit sizes")
    return (
        f"call void inttoptr (i64 {blas.gemm[t]} to ptr)"
        f"(i32 101, i32 {trans_a}, i32 {trans_b}, {size} {n}, {size} {m}, {size} {k}, "
        f"{t} {number(1.0, t)}, {pointer(product.a)}, {size} {lda}, "
        f"{pointer(product.b)}, {size} {ldb}, "
        f"{t} {number(0.0, t)}, {pointer(product.out)}, {size} {ldc})"
    )


def product_texts(product: Product) -> list[str]:
    """Return the functions of a written-out product, in the order that `product_call` takes."""
    t, (n, m, _) = product.t, product.shape
    by_columns = leading(product.a)[0] == 112
    tiles = -(-n // ROWS)
    heights = (n // tiles, n // tiles + (n % tiles > 0))
    rest = m % (2 * LANES[t])
    at_edge = 1 if 0 < rest <= LANES[t] else 2
    return [
        product_text(t),
        copy_columns_text(t) if by_columns else copy_rows_text(t),
        transposed_panels_text(t) if leading(product.b)[0] == 112 else panels_text(t),
        *(
            tile_text(t, rows, vectors, transposed=by_columns)
            for vectors in (2 if m >= 2 * LANES[t] else at_edge, at_edge)
            for rows in heights
        ),
    ]


def product_call(product: Product, functions: list[int], scratch: int) -> str:
    """Return the line that calls a written-out product.

    ``functions``: the numbers of `product_texts`; ``scratch``: an address, a multiple of 64.
    """
    numbers = [
        (product.a, leading(product.a)[1], *_steps(product.a)),
        (product.b, leading(product.b)[1], *_steps(product.b)),
        (product.out, leading(product.out)[1]),
    ]
    arguments = [
        f"{pointer(array)}, " + ", ".join(f"i64 {n}" for n in steps) for array, *steps in numbers
    ]
    arguments += [f"i64 {n}" for n in product.shape]
    arguments.append(f"ptr inttoptr (i64 {scratch} to ptr)")
    arguments += [f"ptr {{{n}}}" for n in functions[1:]]
    return f"call void {{{functions[0]}}}({', '.join(arguments)})"


def leading(a: Array) -> tuple[int, int]:
    """Return BLAS's transposition code (111 no, 112 yes) and leading dimension of a factor.

    >>> import numpy as np
    >>> leading(np.ones((2, 3))), leading(np.ones((2, 3)).T)
    ((111, 3), (112, 3))
    """
    item, (n, k) = a.dtype.itemsize, a.shape
    for code, rows, columns, step, unit in (
        (111, n, k, a.strides[0], a.strides[1]),
        (112, k, n, a.strides[1], a.strides[0]),
    ):
        step = step if rows > 1 else columns * item
        if (unit == item or columns == 1) and step >= columns * item and step % item == 0:
            return code, step // item
    raise NotCompilableError(f"a factor of shape {a.shape} and strides {a.strides}")


def pointer(array: Array) -> str:
    """Return an array's address as an LLVM argument."""
    return f"ptr inttoptr (i64 {address(array)} to ptr)"


def _steps(a: Array) -> tuple[int, int]:
    return a.strides[0] // a.dtype.itemsize, a.strides[1] // a.dtype.itemsize
