"""From LLVM text to machine code, through llvmlite (extra ``jit``).

A kernel compiles in some ten milliseconds, and its text holds no addresses: each text is compiled
once, and its machine code is kept on disk (`object_cache`).
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from fastnn.backend.compiled.llvm_builder import declarations
from fastnn.backend.compiled.object_cache import ObjectCache, cache_folder
from fastnn.extras import pip_install


class NotCompilableError(Exception):
    """The program, or this machine, has something that compiled code cannot do; says what."""


_PRELUDE = """
attributes #0 = { nounwind noinline "no-trapping-math"="true" }
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare i64 @llvm.smax.i64(i64, i64)
declare i64 @llvm.smin.i64(i64, i64)
""" + "\n".join(
    f"declare {t} @llvm.{name}.{suffix}({', '.join([t] * arity)})"
    for t, suffix in (("float", "f32"), ("double", "f64"))
    for name, arity in (("fabs", 1), ("sqrt", 1), ("rint", 1), ("sin", 1), ("cos", 1), ("pow", 2))
)


# How kernels are made: the passes over the text, and the effort of the code generator.
_TUNING: dict[str, Any] = {
    "speed_level": 1,
    "loop_vectorization": True,
    "loop_interleaving": True,
    "loop_unrolling": False,
    "slp_vectorization": False,
}
_LEVEL = 2

#: The first release that reads the texts: opaque pointers.
_OLDEST = (0, 45)


def llvmlite_problem() -> str:
    """Return an empty string if llvmlite is installed and new enough, else the remedy.

    >>> llvmlite_problem() == "" or "pip install" in llvmlite_problem()
    True
    """
    try:
        import llvmlite
    except ImportError:
        return f"llvmlite is not installed: {pip_install('jit')}"
    version = llvmlite.__version__
    if tuple(int(n) for n in re.findall(r"\d+", version)[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"llvmlite {version} is older than {oldest}: {pip_install('jit', '-U')}"
    return ""


@lru_cache(maxsize=1)
def target() -> tuple[str, str, str]:
    """Return (triple, processor, features) of this machine.

    Raises NotCompilableError, with the remedy, if llvmlite is not there or does not load.
    """
    problem = llvmlite_problem()
    if problem:
        raise NotCompilableError(problem)
    try:
        import llvmlite.binding as llvm
    except (ImportError, OSError) as error:
        raise NotCompilableError(
            f"llvmlite does not load ({error}): pip install --force-reinstall llvmlite"
        ) from error
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return llvm.get_process_triple(), llvm.get_host_cpu_name(), features


def compile_module(text: str) -> Any:
    """Return the execution engine of a module; its functions live as long as it does.

    For what only calls kernels: translated as it stands, the quickest way. The functions of a
    step took 9 ms with all that the code generator can do, and 2 ms without.
    """
    import llvmlite.binding as llvm

    # An engine takes possession of the machine that it is given: each gets its own.
    machine = _machine(0)
    module = llvm.parse_assembly(text)
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


def object_code(text: str, *, optimize: bool) -> bytes:
    """Return the object file of kernels: they may use everything in `_PRELUDE`.

    Loops are made vectors, several at a time. O3 made the same code of them as O1, but that it
    unrolled what is left over at the end of an array; it took a seventh longer.
    """
    import llvmlite.binding as llvm

    machine = _machine(_LEVEL)
    module = llvm.parse_assembly("\n".join([_PRELUDE, declarations(), text]))
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    if optimize:
        tuning = llvm.create_pipeline_tuning_options()
        for name, value in _TUNING.items():
            setattr(tuning, name, value)
        builder = llvm.create_pass_builder(machine, tuning)
        builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def load(code: bytes) -> Any:
    """Return an execution engine with the functions of an object file."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(0))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine


def _machine(level: int) -> Any:
    import llvmlite.binding as llvm

    triple, cpu, features = target()
    return llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=level, jit=True
    )


@lru_cache(maxsize=1)
def _circumstances() -> str:
    """Return all that the machine code of kernels depends on besides their text."""
    import llvmlite
    import llvmlite.binding as llvm

    versions = (llvmlite.__version__, llvm.llvm_version_info)
    return repr((*target(), *versions, _TUNING, _LEVEL, _PRELUDE, declarations()))


class KernelCache:
    """Compiled kernels by their text, for all programs of the process; kept on ``disk``."""

    def __init__(self, disk: ObjectCache) -> None:
        self._addresses: dict[str, int] = {}
        self._engines: list[Any] = []
        self._lock = threading.Lock()
        self._disk = disk

    def addresses(self, texts: Sequence[str]) -> list[int]:
        """Return the address of each text's function ``@NAME``; compile those that are new."""
        with self._lock:
            new = {_key(t): t for t in dict.fromkeys(texts) if t not in self._addresses}
            for found in self._disk.find(list(new)):
                self._load(found.code, {key: new.pop(key) for key in found.keys})
            # What is written in vectors already (#1) gains nothing by the optimiser but its time.
            for optimize in (True, False):
                module = {key: t for key, t in new.items() if (" #1 {" not in t) == optimize}
                if module:
                    named = (t.replace("@NAME(", f"@{_name(key)}(") for key, t in module.items())
                    code = object_code("\n".join(named), optimize=optimize)
                    self._load(code, module)
                    self._disk.keep(code, list(module))
            return [self._addresses[t] for t in texts]

    def unlock(self) -> None:
        """Begin with a free lock: whoever held it was not there after a fork."""
        self._lock = threading.Lock()

    def _load(self, code: bytes, texts: Mapping[str, str]) -> None:
        engine = load(code)
        self._engines.append(engine)
        for key, text in texts.items():
            self._addresses[text] = engine.get_function_address(_name(key))


def _key(text: str) -> str:
    return hashlib.sha256((_circumstances() + text).encode()).hexdigest()


def _name(key: str) -> str:
    return f"fastnn_{key}"


KERNELS = KernelCache(ObjectCache(cache_folder()))
os.register_at_fork(after_in_child=KERNELS.unlock)
