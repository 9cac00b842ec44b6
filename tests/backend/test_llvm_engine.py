"""From text to machine code: each text once per process, from any thread."""

import ctypes
import threading

import pytest

from fastnn.backend.compiled.llvm_engine import (
    KernelCache,
    NotCompilableError,
    _circumstances,
    _key,
    compile_module,
    llvmlite_problem,
    load,
    object_code,
    target,
)
from fastnn.backend.compiled.object_cache import ObjectCache
from tests.backend.compiled import needs_compiler

ADD = """
define i64 @NAME(i64 %a) #0 {{
  %r = add i64 %a, {n}
  ret i64 %r
}}
"""


def text(n: int) -> str:
    return ADD.format(n=n)


def call(address: int, argument: int) -> int:
    result: int = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(address)(argument)
    return result


@needs_compiler
def test_the_target_is_this_machine() -> None:
    triple, cpu, features = target()
    assert "-" in triple
    assert cpu
    assert features.isascii()
    assert target() is target()


@needs_compiler
@pytest.mark.parametrize("optimize", [True, False])
def test_text_becomes_a_function(optimize: bool) -> None:
    engine = load(object_code(text(40).replace("NAME", "forty"), optimize=optimize))
    assert call(engine.get_function_address("forty"), 2) == 42


@needs_compiler
def test_a_function_that_calls_another() -> None:
    kernel = load(object_code(text(40).replace("NAME", "forty"), optimize=True))
    place = kernel.get_function_address("forty")
    engine = compile_module(f"""
    define i64 @g(i64 %a) {{
      %r = call i64 inttoptr (i64 {place} to ptr)(i64 %a)
      %d = mul i64 %r, 2
      ret i64 %d
    }}
    """)
    assert call(engine.get_function_address("g"), 2) == 84


@needs_compiler
def test_intrinsics_can_be_called() -> None:
    lines = """
    define double @f(double %x) #0 {
      %a = call double @llvm.fabs.f64(double %x)
      %s = call double @llvm.sqrt.f64(double %a)
      %p = call double @llvm.pow.f64(double %s, double 3.0)
      %r = call double @llvm.rint.f64(double %p)
      %c = call double @llvm.cos.f64(double 0.0)
      %t = fadd double %r, %c
      ret double %t
    }
    """
    engine = load(object_code(lines, optimize=False))
    f = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(engine.get_function_address("f"))
    assert f(-4.0) == 9.0


@needs_compiler
def test_each_text_is_compiled_once() -> None:
    cache = KernelCache(ObjectCache(None))
    first = cache.addresses([text(1), text(2), text(1)])
    assert first[0] == first[2] != first[1]
    again = cache.addresses([text(2), text(3), text(1)])
    assert (again[0], again[2]) == (first[1], first[0])
    assert [call(a, 10) for a in again] == [12, 13, 11]
    assert cache.addresses([]) == []


@needs_compiler
def test_a_text_that_is_wrong_spoils_nothing() -> None:
    cache = KernelCache(ObjectCache(None))
    (good,) = cache.addresses([text(1)])
    with pytest.raises(RuntimeError):
        cache.addresses([text(2), "define i64 @NAME(i64 %a) { nonsense }"])
    assert cache.addresses([text(1)]) == [good]
    (later,) = cache.addresses([text(2)])
    assert call(later, 1) == 3


@needs_compiler
def test_many_threads_ask_at_once() -> None:
    cache, found = KernelCache(ObjectCache(None)), {}

    def ask(me: int) -> None:
        found[me] = cache.addresses([text(n) for n in range(me, me + 4)])

    crowd = [threading.Thread(target=ask, args=(i,)) for i in range(6)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    for me, addresses in found.items():
        assert [call(a, 0) for a in addresses] == list(range(me, me + 4))
    assert len({a for addresses in found.values() for a in addresses}) == 9


@needs_compiler
def test_another_process_finds_the_machine_code_on_disk(tmp_path, monkeypatch) -> None:
    texts = [text(n) for n in range(4)]
    first = KernelCache(ObjectCache(tmp_path / "kernels"))
    first.addresses(texts[:2])
    first.addresses(texts[2:3])

    compiled: list[str] = []

    def compile_one(lines: str, *, optimize: bool) -> bytes:
        compiled.append(lines)
        return object_code(lines, optimize=optimize)

    monkeypatch.setattr("fastnn.backend.compiled.llvm_engine.object_code", compile_one)
    second = KernelCache(ObjectCache(tmp_path / "kernels"))
    places = second.addresses([texts[n] for n in (3, 1, 2, 1, 0)])
    assert [call(a, 10) for a in places] == [13, 11, 12, 11, 10]
    assert len(compiled) == 1
    assert "add i64 %a, 3" in compiled[0]
    assert compiled[0].count("define") == 1, "only what was not there"


@needs_compiler
def test_the_key_says_what_machine_code_depends_on(monkeypatch) -> None:
    module = "fastnn.backend.compiled.llvm_engine"
    keys = {_key(text(1)), _key(text(2))}
    triple, cpu, features = target()
    for name, value in (
        ("target", lambda: (triple, "another", features)),
        ("target", lambda: (triple, cpu, features + ",+more")),
        ("_LEVEL", 1),
        ("_TUNING", {"speed_level": 3}),
        ("_PRELUDE", "declare i64 @llvm.umin.i64(i64, i64)"),
        ("declarations", str),
    ):
        with monkeypatch.context() as changed:
            changed.setattr(f"{module}.{name}", value)
            _circumstances.cache_clear()
            keys.add(_key(text(1)))
    _circumstances.cache_clear()
    assert len(keys) == 8
    with monkeypatch.context() as changed:
        changed.setattr("llvmlite.__version__", "99.0")
        _circumstances.cache_clear()
        keys.add(_key(text(1)))
    _circumstances.cache_clear()
    assert len(keys) == 9
    assert _key(text(1)) in keys


@pytest.mark.parametrize(
    ("version", "old"),
    [("0.44.0", True), ("0.9.1", True), ("0.45.0rc1", False), ("0.45.1", False), ("1.0", False)],
)
def test_the_version_that_is_needed(version: str, old: bool, monkeypatch) -> None:
    llvmlite = pytest.importorskip("llvmlite")
    monkeypatch.setattr(llvmlite, "__version__", version)
    remedy = f"llvmlite {version} is older than 0.45: pip install -U llvmlite"
    assert llvmlite_problem() == (remedy if old else "")
    if old:
        with pytest.raises(NotCompilableError, match="older than"):
            target.__wrapped__()
