"""Parity of a device with NumPy: it passes on NumPy, and finds what is a little wrong."""

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.program import Apply, Gather, Uniform, UniformColumns, writes
from fastnn.proofs.parity import (
    different_bits,
    parity,
    prove_batches,
    prove_masks,
    prove_training,
    prove_weights,
)


@pytest.mark.cuda
def test_the_device_has_parity() -> None:
    found = list(parity(get_backend("cuda")))
    assert len(found) == 5
    for proof in found:
        assert proof.passed, proof
        assert proof.device == "cuda:0"


def test_compiled_steps_have_parity() -> None:
    pytest.importorskip("llvmlite", reason="llvmlite is not installed")
    for proof in parity(CpuBackend("compiled")):
        assert proof.passed, proof


class Off(CpuBackend):
    """A device that spoils what one kind of instruction writes."""

    device = "cuda:0"

    def __init__(self, kind: type, spoil) -> None:
        super().__init__()
        self.kind, self.spoil = kind, spoil

    def compile(self, program, runs=1):
        executable = super().compile(program, runs)
        wrong = [i for i in program.instructions if isinstance(i, self.kind)][-1:]
        spoil = self.spoil

        class Spoilt:
            def run(self, n: int = 1) -> None:
                for _ in range(n):
                    executable.run()
                    for i in wrong:
                        for out in writes(i):
                            spoil(out)

        return Spoilt()


def last_bit(out: np.ndarray) -> None:
    """Change the last element by its last bit."""
    flat = out.reshape(-1)
    flat[-1] = np.nextafter(flat[-1], np.inf, dtype=flat.dtype)


def test_one_bit_of_one_row_or_mask_is_found() -> None:
    batches = prove_batches(Off(Gather, last_bit))
    assert (batches.passed, batches.allowed) == (False, 0.0)
    assert batches.largest_error == 1.0, "of one element"
    for kind in (Uniform, UniformColumns):
        masks = prove_masks(Off(kind, last_bit))
        assert not masks.passed
        assert masks.worst.startswith("(1, 1) at step")


def test_one_bit_of_one_weight_is_found() -> None:
    class OneBit(CpuBackend):
        def copy(self, source, out) -> None:
            super().copy(source, out)
            last_bit(out)

    found = prove_weights(OneBit())
    assert not found.passed
    assert 0 < found.largest_error < 0.01


@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-11), ("float32", 1e-5)])
def test_steps_that_differ_by_little_are_found(dtype: str, error: float) -> None:
    def spoil(out: np.ndarray) -> None:
        out *= 1 + error

    found = prove_training(Off(Apply, spoil), dtype)
    assert not found.passed
    assert found.allowed < found.largest_error < 1e4 * found.allowed


def test_different_bits() -> None:
    one = np.ones(4, np.float32)
    assert different_bits(one, one) == 0.0
    assert different_bits(one, np.array([1, 1, 1, np.nan], np.float32)) == 0.25
    assert different_bits(one, one.astype(float)) == different_bits(one, one[:2]) == 1.0
    assert different_bits(one[:0], one[:0]) == 0.0
