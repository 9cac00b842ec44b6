"""``np.dot`` step by step: rows times columns, and what the shape is."""

from __future__ import annotations

from typing import Annotated, TypedDict

import numpy as np

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.demos.demo import Demonstration
from fastnn.demos.small_pass import LARGEST, Numbers
from fastnn.errors import ArgumentError, arg, shown
from fastnn.pictures.marks import Figure, HeatMap

LEFT, RIGHT = "0,1; 4,3; 5,-1", "2,-1,0; 3,4,1"
#: More rows, columns or terms cannot be read.
MOST = 6


class Scale(TypedDict):
    """What all maps have in common: blue above 0, orange below."""

    low: float
    high: float
    below: str


def dot(
    *,
    left: Annotated[str, "a matrix: numbers with commas, rows with semicolons"] = LEFT,
    right: Annotated[str, "the matrix it is multiplied with"] = RIGHT,
) -> Demonstration:
    """Return the product of two matrices with every product and sum.

    ``C[i, j] = sum_k A[i, k] B[k, j]``: row i of A times column j of B. A is (m, n), B (n, t), and
    C is (m, t); so is ``W x`` of a layer (N1). The example is the one of the notes.

    >>> print(dot())
    (3, 2) times (2, 3) is (3, 3): the 2 columns of the left must be the 2 rows of the right
    row 1 times column 1: (0)(2) + (1)(3) = 3; row 2 times column 1: (4)(2) + (3)(3) = 17
    3 x 3 x 2 = 18 products; in three loops and by np.dot the results differ by 0

    Raises ArgumentError for what is no matrix, and for two that do not fit.
    """
    A, B = _matrix("left", left), _matrix("right", right)
    (m, n), (rows, t) = A.shape, B.shape
    if n != rows:
        raise ArgumentError(
            f"{arg('right')} is ({rows}, {t}) and {arg('left')} is ({m}, {n}): the left one must "
            f"have as many columns ({n}) as the right one has rows ({rows})"
        )
    C = CpuBackend().dot(A, B)
    apart = float(np.abs(C - np.array(_in_loops(A.tolist(), B.tolist()))).max())
    steps = tuple(tuple(_step(A[i], B[:, j], C[i, j]) for j in range(t)) for i in range(m))
    row = [(0, k) for k in range(n)]
    column = [(k, 0) for k in range(n)]
    largest = max(float(np.abs(M).max()) for M in (A, B, C))
    scale: Scale = {"low": -largest, "high": largest, "below": "orange"}
    panels = [
        _map("A", A, scale, row, "its rows, from the left to the right"),
        _map("B", B, scale, column, "its columns, from the top to the bottom"),
        HeatMap(
            "Row i of A times column j of B",
            tuple(f"row {i + 1}" for i in range(m)),
            tuple(f"column {j + 1}" for j in range(t)),
            _tuples(C),
            f"{n} products each, and their sum",
            steps,
            **scale,
            chosen=((0, 0),),
        ),
        _map("C = np.dot(A, B)", C, scale, [(0, 0)], f"({m}, {n}) times ({n}, {t})"),
    ]
    second = f"row 2 times column 1: {steps[1][0]}" if m > 1 else f"{m * t} numbers in all"
    lines = (
        f"({m}, {n}) times ({n}, {t}) is ({m}, {t}): the {n} columns of the left must be the {n} "
        "rows of the right",
        f"row 1 times column 1: {steps[0][0]}; {second}",
        f"{m} x {t} x {n} = {m * t * n} products; in three loops and by np.dot the results differ "
        f"by {apart:g}",
    )
    return Demonstration("dot", lines, Figure("The product of two matrices", panels))


def _matrix(name: str, text: object) -> Numbers:
    try:
        rows = [[float(cell) for cell in row.split(",")] for row in str(text).split(";")]
        matrix = np.array(rows, np.float64)
    except ValueError:
        matrix = np.empty(0)
    if matrix.ndim != 2 or not (np.abs(matrix) <= LARGEST).all():  # nan is not
        raise ArgumentError(
            f"{arg(name)} must be rows of numbers of equal length, from {-LARGEST:g} to "
            f"{LARGEST:g}, such as '1,2; 3,4', found {shown(text)}"
        )
    if max(matrix.shape) > MOST:
        raise ArgumentError(
            f"{arg(name)} is {matrix.shape}: at most {MOST} rows and columns can be shown"
        )
    return matrix


def _in_loops(A: list[list[float]], B: list[list[float]]) -> list[list[float]]:
    """The product in three loops (N17)."""
    C = []
    for a in A:
        C.append([0.0] * len(B[0]))
        for j in range(len(B[0])):
            for k in range(len(B)):
                C[-1][j] += a[k] * B[k][j]
    return C


def _step(row: Numbers, column: Numbers, total: float) -> str:
    products = " + ".join(f"({a:g})({b:g})" for a, b in zip(row, column, strict=True))
    return f"{products} = {total:g}"


def _tuples(M: Numbers) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, M.tolist()))


def _map(title: str, M: Numbers, scale: Scale, chosen: list[tuple[int, int]], note: str) -> HeatMap:
    m, n = M.shape
    return HeatMap(
        f"{title} ({m}, {n})",
        tuple(f"row {i + 1}" for i in range(m)),
        tuple(f"column {j + 1}" for j in range(n)),
        _tuples(M),
        note,
        tuple(tuple(f"{v:g}" for v in row) for row in M.tolist()),
        **scale,
        chosen=tuple(chosen),
    )
