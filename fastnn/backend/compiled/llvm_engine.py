"""From LLVM text to machine code, through llvmlite (extra ``jit``).

A kernel compiles in some ten milliseconds and its text holds no addresses, so each text is
compiled once per process and nothing needs to be cached on disk.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from fastnn.backend.compiled.llvm_builder import declarations


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
        return "llvmlite is not installed: pip install 'fastnn[jit]'"
    version = llvmlite.__version__
    if tuple(int(n) for n in re.findall(r"\d+", version)[:2]) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        return f"llvmlite {version} is older than {oldest}: pip install -U 'fastnn[jit]'"
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


def compile_module(text: str, *, optimize: bool) -> Any:
    """Return the execution engine of a module; its functions live as long as it does."""
    import llvmlite.binding as llvm

    triple, cpu, features = target()
    # An engine takes possession of the machine that it is given: each gets its own.
    machine = llvm.Target.from_triple(triple).create_target_machine(
        cpu=cpu, features=features, opt=3, jit=True
    )
    module = llvm.parse_assembly("\n".join([_PRELUDE, declarations(), text]))
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    if optimize:
        tuning = llvm.create_pipeline_tuning_options(speed_level=3)
        tuning.loop_vectorization = tuning.slp_vectorization = True
        tuning.loop_interleaving = tuning.loop_unrolling = True
        builder = llvm.create_pass_builder(machine, tuning)
        builder.getModulePassManager().run(module, builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine


class KernelCache:
    """Compiled kernels by their text, for all programs of the process."""

    def __init__(self) -> None:
        self._addresses: dict[str, int] = {}
        self._engines: list[Any] = []
        self._lock = threading.Lock()

    def addresses(self, texts: Sequence[str]) -> list[int]:
        """Return the address of each text's function ``@NAME``; compile those that are new."""
        with self._lock:
            start = len(self._addresses)
            new = [t for t in dict.fromkeys(texts) if t not in self._addresses]
            named = {f"fastnn_{start + i}": text for i, text in enumerate(new)}
            # What is written in vectors already (#1) gains nothing by the optimiser but its time.
            for optimize in (True, False):
                module = {n: t for n, t in named.items() if (" #1 {" not in t) == optimize}
                if module:
                    self._compile(module, optimize)
            return [self._addresses[t] for t in texts]

    def _compile(self, named: dict[str, str], optimize: bool) -> None:
        text = "\n".join(t.replace("@NAME(", f"@{name}(") for name, t in named.items())
        engine = compile_module(text, optimize=optimize)
        self._engines.append(engine)
        for name, kernel in named.items():
            self._addresses[kernel] = engine.get_function_address(name)


KERNELS = KernelCache()
