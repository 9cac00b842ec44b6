"""NumPy's own BLAS by address, with 64-bit and with 32-bit sizes; its number of threads."""

import ctypes
import threading
from dataclasses import replace

import numpy as np
import pytest

from fastnn.backend.compiled.executor import CompiledExecutable
from fastnn.backend.compiled.llvm_engine import NotCompilableError, compile_module
from fastnn.backend.host import blas as module
from fastnn.backend.host.blas import NO_BLAS, ONE_THREAD, Blas, OneThread, find_blas
from fastnn.backend.program import Dot, Program
from tests.backend.compiled import needs_compiler, run

needs_blas = pytest.mark.skipif(find_blas() is None, reason=NO_BLAS)


@pytest.fixture
def blas() -> Blas:
    found = find_blas()
    assert found is not None
    return found


@needs_blas
@pytest.mark.parametrize(("t", "dtype"), [("float", np.float32), ("double", np.float64)])
def test_the_addresses_are_those_of_the_functions(t: str, dtype, blas: Blas, rng) -> None:
    size = {"i64": ctypes.c_int64, "i32": ctypes.c_int32}[blas.size]
    real = {"float": ctypes.c_float, "double": ctypes.c_double}[t]
    dot = ctypes.CFUNCTYPE(real, size, ctypes.c_void_p, size, ctypes.c_void_p, size)(blas.dot[t])
    x, y = np.array([1, 2, 3], dtype), np.array([4, 5, 6], dtype)
    assert dot(3, x.ctypes.data, 1, y.ctypes.data, 1) == 32.0
    arguments = [ctypes.c_int] * 3 + [size] * 3 + [real, ctypes.c_void_p, size, ctypes.c_void_p]
    arguments += [size, real, ctypes.c_void_p, size]
    gemm = ctypes.CFUNCTYPE(None, *arguments)(blas.gemm[t])
    a, b, c = np.array([[1, 2, 3]], dtype), np.eye(3, 2, dtype=dtype), np.zeros((1, 2), dtype)
    gemm(101, 111, 111, 1, 2, 3, 1.0, a.ctypes.data, 3, b.ctypes.data, 2, 0.0, c.ctypes.data, 2)
    assert c.tolist() == [[1.0, 2.0]]


@needs_blas
def test_the_number_of_threads_can_be_set(blas: Blas) -> None:
    before = blas.get_threads()
    try:
        blas.set_threads(1)
        assert blas.get_threads() == 1
    finally:
        blas.set_threads(before)
    assert blas.get_threads() == before >= 1


_NARROW = """
define {ret} @narrow_{name}({parameters}) {{
{widen}
  {call}call {ret} inttoptr (i64 {address} to ptr)({arguments})
  ret {value}
}}
"""


def narrow(name: str, address: int, kinds: list[str], ret: str) -> str:
    """The text of a function with 32-bit sizes that calls the one with 64-bit sizes."""
    types = ["i32" if k == "size" else k for k in kinds]
    widen = [f"  %w{i} = sext i32 %a{i} to i64" for i, k in enumerate(kinds) if k == "size"]
    passed = [f"i64 %w{i}" if k == "size" else f"{k} %a{i}" for i, k in enumerate(kinds)]
    return _NARROW.format(
        name=name,
        ret=ret,
        address=address,
        parameters=", ".join(f"{t} %a{i}" for i, t in enumerate(types)),
        widen="\n".join(widen),
        arguments=", ".join(passed),
        call="" if ret == "void" else "%r = ",
        value="void" if ret == "void" else f"{ret} %r",
    )


@needs_compiler
def test_a_blas_with_32_bit_sizes(blas: Blas, monkeypatch, rng) -> None:
    """As distributions link it; here functions that widen the sizes stand before the real ones."""
    if blas.size == "i64":
        texts = []
        for t in ("float", "double"):
            gemm = ["i32"] * 3 + ["size"] * 3 + [t, "ptr", "size", "ptr", "size", t, "ptr", "size"]
            texts.append(narrow(f"gemm_{t}", blas.gemm[t], gemm, "void"))
            texts.append(narrow(f"dot_{t}", blas.dot[t], ["size", "ptr", "size", "ptr", "size"], t))
        engine = compile_module("\n".join(texts))

        def address(name: str) -> dict[str, int]:
            return {
                t: engine.get_function_address(f"narrow_{name}_{t}") for t in ("float", "double")
            }

        blas = replace(blas, size="i32", gemm=address("gemm"), dot=address("dot"))
    monkeypatch.setattr("fastnn.backend.compiled.executor.find_blas", lambda: blas)
    for dtype in (np.float32, np.float64):
        a, b = (rng.standard_normal(s).astype(dtype) for s in ((20, 30), (30, 40)))
        out, inner = np.zeros((20, 40), dtype), np.zeros((1, 1), dtype)
        run([Dot(a, b, out), Dot(a[:1], b.T[:1].T.copy(), inner)], threads=2)
        np.testing.assert_allclose(out, a @ b, rtol=1e-4)
        np.testing.assert_allclose(inner, a[:1] @ b[:, :1], rtol=1e-4)
    # Claims rows 2^31 elements apart without having the memory: nothing is run.
    memory = np.zeros(16)
    long = np.lib.stride_tricks.as_strided(memory[12:], (2, 2), (2**31 * 8, 8))
    step = Dot(memory[6:12].reshape(3, 2), long, memory[:6].reshape(3, 2))
    with pytest.raises(
        NotCompilableError, match="a product of 3 x 2 x 2 with a BLAS of 32-bit sizes"
    ):
        CompiledExecutable(Program((step,), {}))


def test_a_library_without_the_functions(monkeypatch) -> None:
    monkeypatch.setattr(module.ctypes, "CDLL", lambda name: object())
    assert find_blas.__wrapped__() is None
    monkeypatch.setattr(module, "_NAMES", ())
    monkeypatch.undo()
    monkeypatch.setattr(module, "_NAMES", (("nobodys_", "", "i32"),))
    assert find_blas.__wrapped__() is None


@pytest.fixture
def counted() -> tuple[Blas, list[int]]:
    """A BLAS whose number of threads is a list: its last entry holds."""
    n = [6]
    return Blas({}, {}, "i64", set_threads=n.append, get_threads=lambda: n[-1]), n


def test_the_last_to_leave_gives_the_threads_back(counted) -> None:
    blas, n = counted
    limit = OneThread()
    limit.enter("a", blas)
    limit.enter("b", blas)
    limit.leave("a", blas)
    assert (n[-1], limit.threads(blas)) == (1, 6)
    limit.leave("b", blas)
    limit.leave("b", blas)
    assert (n[-1], limit.threads(blas)) == (6, 6)
    limit.leave("never entered", blas)
    assert n[-1] == 6


def test_it_is_held_until_the_outermost_block_ends(counted) -> None:
    blas, n = counted
    limit = OneThread()
    with limit.held(None):
        assert n[-1] == 6
    with limit.held(blas):
        with pytest.raises(KeyError), limit.held(blas):
            raise KeyError
        assert n[-1] == 1
    assert n[-1] == 6


def test_a_process_that_was_forked_off_is_held_by_nobody(counted) -> None:
    blas, n = counted
    limit = OneThread()
    limit.enter("a thread of the parent", blas)
    limit.forget(blas)
    assert (n[-1], limit.threads(blas)) == (6, 6)
    limit.enter("its own", blas)
    limit.leave("its own", blas)
    assert n[-1] == 6
    limit.forget(None)


def test_many_threads_enter_and_leave(counted) -> None:
    blas, n = counted
    limit, seen = OneThread(), []

    def come_and_go(me: int) -> None:
        for _ in range(200):
            limit.enter(me, blas)
            seen.append((n[-1], limit.threads(blas)))
            limit.leave(me, blas)

    crowd = [threading.Thread(target=come_and_go, args=(i,)) for i in range(4)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert set(seen) == {(1, 6)}
    assert n[-1] == 6


def test_nobody_holds_the_real_one_back() -> None:
    blas = find_blas()
    assert blas is None or ONE_THREAD.threads(blas) == blas.get_threads()
