"""The emulated GPU: loads it under CuPy, and what tests ask of it.

The environment that `build` made imports this module at its start, from a ``.pth`` file: until CuPy
is imported it does nothing. It then loads the stand-in libraries, and g++ compiles what CuPy would
give to the GPU's compiler.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.abc
import importlib.machinery
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOLDER = Path(sys.prefix) / "emulator"
#: A chunk of CuPy's pool is a multiple of this many bytes.
CHUNK = 512
#: How the text of a kernel is compiled. No contraction: every operation rounds as NumPy's.
KERNEL_FLAGS = ("-std=c++17", "-O1", "-fPIC", "-w", "-ffp-contract=off", "-U_FORTIFY_SOURCE")

_library: Any = None


class _Finder(importlib.abc.MetaPathFinder):
    """Finds CuPy as usual, and wraps what runs its first module."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Any:
        if name != "cupy":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: Any) -> None:
                _load()
                execute(module)
                _adapt(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Be there when CuPy is imported."""
    sys.meta_path.insert(0, _Finder())


def _load() -> None:
    """Load the stand-in libraries; the loader then finds them by name when CuPy asks."""
    global _library
    os.environ.setdefault("ROCM_HOME", str(FOLDER / "rocm"))
    for path in sorted(FOLDER.glob("lib*.so*"), key=lambda p: "amdhip64" not in p.name):
        library = ctypes.CDLL(str(path))
        _library = _library or library
    _library.emulator_names.restype = ctypes.c_char_p
    _library.emulator_counters.restype = ctypes.POINTER(ctypes.c_uint64)
    _library.emulator_poison.argtypes = [
        *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
    ]


def _adapt(cupy: Any) -> None:
    """Send kernels to g++, and fill with rubbish what the memory pool hands out."""
    from cupy.cuda import compiler

    compiler._compile_module_with_cache = _compile
    pool = cupy.get_default_memory_pool()

    def poisoned(size: int) -> Any:
        pointer = pool.malloc(size)
        if size:
            stream = cupy.cuda.get_current_stream().ptr
            if _library.emulator_poison(pointer.ptr, size, -size % CHUNK, stream):
                raise RuntimeError("emulated GPU: memory for a stream that does not exist")
        return pointer

    cupy.cuda.set_allocator(poisoned)


# --- kernels ----------------------------------------------------------------------------------

_NAMES = re.compile(
    r'extern\s+"C"\s+__global__\s+void\s+(?:__launch_bounds__\s*\([^)]*\)\s*)?(\w+)\s*\('
)


def _compile(
    source: str, options: tuple[str, ...] = (), *, name_expressions: Any = None, **_: Any
) -> Any:
    """Return CuPy's module of a CUDA text, made by g++; kept on the disk by the text's hash."""
    from cupy.cuda import function

    if name_expressions:
        raise NotImplementedError("emulated GPU: kernels that are C++ templates")
    module = function.Module()
    module.load(os.fsencode(shared_library(source, options)))
    return module


def shared_library(source: str, options: tuple[str, ...] = ()) -> Path:
    """Return the path of the compiled text. Raises CuPy's CompileException."""
    from cupy.cuda import compiler

    barriers = "true" if re.search(r"__sync(threads|warp)|__shfl_\w+_sync", source) else "false"
    lines = [f"EMULATED_KERNEL({name}, {barriers})" for name in _NAMES.findall(source)]
    text = "\n".join([source, *lines, ""])
    flags = [*KERNEL_FLAGS, *(o for o in options if _wanted(o))]
    key = hashlib.sha256("\0".join([text, *flags]).encode())
    key.update((HERE / "device.h").read_bytes() + (HERE / "kernel.h").read_bytes())
    name = key.hexdigest()[:32]
    if texts := os.environ.get("EMULATED_KERNEL_TEXTS"):
        Path(texts, f"{name}.cu").write_text(source, encoding="utf-8")
    folder = FOLDER / "kernels"
    path = folder / f"{name}.so"
    if path.exists():
        return path
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        cpp, library = Path(scratch) / "kernel.cpp", Path(scratch) / "kernel.so"
        cpp.write_text(text, encoding="utf-8")
        # The compiled header in FOLDER stands for device.h; ours go before CuPy's.
        headers = [*("-I", str(FOLDER), "-I", str(HERE), "-I", str(HERE / "include"))]
        done = subprocess.run(
            [
                "g++",
                *headers,
                "-include",
                "device.h",
                *flags,
                "-shared",
                str(cpp),
                "-o",
                str(library),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise compiler.CompileException(done.stderr, source, str(cpp), options, "g++")
        library.replace(path)
    return path


def _wanted(option: str) -> bool:
    """Whether g++ is given an option of CuPy's: definitions, and CuPy's own headers."""
    return option.startswith("-D") or (
        option.startswith("-I") and "_cccl" not in option and "rocm" not in option
    )


# --- for tests --------------------------------------------------------------------------------


def active() -> bool:
    """Whether CuPy in this process runs on the emulated GPU."""
    return _library is not None


def counters() -> dict[str, int]:
    """What happened since the process began: launches, copies, synchronisations, allocations."""
    names = _library.emulator_names().decode().split()
    return dict(zip(names, _library.emulator_counters()[: len(names)], strict=True))


def overruns() -> int:
    """How many arrays have been written past their end; each is named on standard error."""
    return int(_library.emulator_overruns())


def reverse(on: bool) -> None:
    """From here on, run the last block and the last thread of each launch first."""
    _library.emulator_reverse(on)
