"""16 bytes at a time: where it is done, and the same numbers."""

from typing import Any

import numpy as np
import pytest

from fastnn.backend.cuda import wide_access as packs
from fastnn.backend.cuda.lowering import Launch, lower
from fastnn.backend.cuda.wide_access import suit_packs
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Apply, Gather
from fastnn.nn.optimizers import OPTIMIZERS, optimizer
from tests.backend.cuda_on_cpu import execute, needs_compiler, poisoned

mix = Kernel("mix", lambda z, b, y, s: (z + b * y + s, z * y))


def aligned(shape: tuple[int, ...], dtype: str, shift: int = 0) -> np.ndarray:
    """An array that begins ``shift`` bytes after a multiple of 64."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.empty(size + 128, np.uint8)
    memory.fill(0xCD)
    start = -memory.ctypes.data % 64 + shift
    return memory[start : start + size].view(dtype).reshape(shape)


def planned(instruction: Any) -> Launch:
    [launch] = lower(instruction, poisoned)
    return launch


def is_packed(launch: Launch) -> bool:
    return "Pack" in launch.source.text


@pytest.fixture(autouse=True)
def _from_few_elements_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "WORTH_PACKS", 64)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_rows_columns_and_numbers(dtype: str, rng: Any) -> None:
    z, outs = aligned((12, 36), dtype), (aligned((12, 36), dtype), aligned((12, 36), dtype))
    z[...] = rng.normal(size=z.shape)
    b, y = rng.normal(size=(12, 1)).astype(dtype), rng.normal(size=(1, 36)).astype(dtype)
    s = np.array([2.5], dtype)
    instruction = Apply(mix, (z, b, y, s), outs)
    assert is_packed(planned(instruction))
    execute(instruction)
    wanted = mix(*(x.astype(float) for x in (z, b, y, s)))
    for found, values in zip(outs, wanted, strict=True):
        np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-6)
    execute(Apply(mix, (z, b, y, s), (z, outs[1])))  # in place
    np.testing.assert_allclose(z, wanted[0], rtol=1e-6, atol=1e-6)


@needs_compiler
@pytest.mark.parametrize("name", OPTIMIZERS.names)
def test_updates(name: str, rng: Any) -> None:
    rule = optimizer(name)
    arrays = [aligned((160,), "float64") for _ in range(2 + len(rule.state))]
    for a in arrays:
        a[...] = rng.uniform(0.5, 1.0, size=160)
    before = [a.copy() for a in arrays]
    row = rule.coefficients(np.ones(1), np.full(1, 0.01))[0]
    scalars = [row[k : k + 1] for k in range(len(row))]
    outs = (arrays[0], *arrays[2:])
    instruction = Apply(rule.kernel, (*arrays, *scalars), outs)
    assert is_packed(planned(instruction))
    execute(instruction)
    wanted = rule.kernel(*before, *scalars)
    for found, values in zip(outs, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        np.testing.assert_allclose(found, values, rtol=1e-14)


@needs_compiler
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gathered_rows(dtype: str) -> None:
    source = aligned((9, 8), dtype)
    source[...] = np.arange(72).reshape(9, 8)
    order, out = np.array([8, 0, 3, 11, 5, 1, 2, 4, 6, 7, 0, 0]), aligned((10, 8), dtype)
    instruction = Gather(source, order, np.array([1]), out)
    assert is_packed(planned(instruction))
    execute(instruction)
    wanted = np.full((10, 8), np.nan)
    for place, row in enumerate(order[1:11]):
        if row < 9:
            wanted[place] = source[row]
    np.testing.assert_array_equal(out, wanted)  # row 11 does not exist: it shows


def test_where_packs_do_not_fit() -> None:
    whole, row = aligned((8, 12), "float32"), aligned((1, 12), "float32")
    assert suit_packs((whole, row, whole), ("flat", "row", "flat"), 8, 12)
    for arrays, patterns, rows, cols in (
        ((whole, whole), ("flat", "transposed"), 8, 12),  # columns are no packs
        ((whole, whole.view("int32")), ("flat", "flat"), 8, 12),  # to be converted
        ((aligned((8, 12), "float32", 4),), ("flat",), 8, 12),  # begins in the middle of a pack
        ((aligned((12, 7), "float32"), row), ("flat", "column"), 12, 7),  # rows end within one
        ((aligned((9, 9), "float32"),), ("flat",), 9, 9),  # 81 numbers are no whole packs
        ((aligned((4, 4), "float32"),), ("flat",), 4, 4),  # too few to pay
    ):
        assert not suit_packs(arrays, patterns, rows, cols)


def test_small_arrays_keep_a_thread_for_each_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for n, packed in ((1 << 15, False), (1 << 16, True)):
        z = aligned((n,), "float32")
        launch = planned(Apply(Kernel("double", lambda z: 2 * z), (z,), (z,)))
        assert is_packed(launch) == packed
    assert launch.blocks == (1 << 16) // 4 // 256
