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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
FOLDER = Path(sys.prefix) / "emulator"
#: A chunk of CuPy's pool is a multiple of this many bytes.
CHUNK = 512
#: How the text of a kernel is compiled. No contraction: every operation rounds as NumPy's.
KERNEL_FLAGS = ("-std=c++17", "-O1", "-fPIC", "-w", "-ffp-contract=off", "-U_FORTIFY_SOURCE")
#: All that kernels need. The C++ library and what runs before main would take as long as the text.
LIBRARIES = ("-nostdlib", "-lm", "-lgcc", "-lc")

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
    """Load the stand-in libraries; the loader then finds them by name when CuPy asks.

    Raises ImportError if they are not of these files: a compiled header of before, say, lacks the
    macros that kernels are given today.
    """
    from sources import why_not_of_these  # beside this file, which is on the path

    global _library
    if why_not := why_not_of_these(FOLDER):
        raise ImportError(f"emulated GPU: {why_not}")
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
    from cupy.cuda import compiler, function

    if name_expressions:
        raise NotImplementedError("emulated GPU: kernels that are C++ templates")
    key, registered = _key(source, options), _registrations(source)
    write_down(source, options)
    if not (FOLDER / "kernels" / key).exists():
        if said := _build("\n".join([source, *registered, ""]), options, {key: ""}):
            raise compiler.CompileException(said, source, key, options, "g++")
    module = function.Module()
    module.load(os.fsencode((FOLDER / "kernels" / key).read_text(encoding="utf-8")))
    return module


def write_down(source: str, options: tuple[str, ...] = ()) -> None:
    """Keep a CUDA text for the compile matrix, if somebody asks for the texts."""
    if texts := os.environ.get("EMULATED_KERNEL_TEXTS"):
        Path(texts, f"{_key(source, options)}.cu").write_text(source, encoding="utf-8")


def compile_together(sources: Iterable[str], options: tuple[str, ...] = ()) -> None:
    """Compile the texts that are new in one go, which takes much less time than one by one.

    Each gets a namespace of its own. If one does not compile, none is kept: what is wrong will be
    said when it is asked for.
    """
    keys = {_key(source, options): source for source in sources}
    new = {k: source for k, source in keys.items() if not (FOLDER / "kernels" / k).exists()}
    if len(new) > 1:
        parts = []
        for key, source in new.items():
            text = source.replace('extern "C" ', "")
            parts += [f"namespace in_{key} {{", text, *_registrations(source, f"in_{key}"), "}"]
        _build("\n".join([*parts, ""]), options, {key: f"in_{key}_" for key in new})


def _registrations(source: str, prefix: str = "") -> list[str]:
    """Return what makes the kernels of a text known to the driver, a line each."""
    barriers = "true" if re.search(r"__sync(threads|warp)|__shfl_\w+_sync", source) else "false"
    known = f"{prefix}_" if prefix else ""
    return [f"EMULATED_KERNEL({n}, {known}{n}, {barriers})" for n in _NAMES.findall(source)]


def _flags(options: tuple[str, ...]) -> list[str]:
    """Return g++'s options: of CuPy's it is given the definitions.

    What CuPy adds by itself, as the folders of headers, is the same for every text. It is left out,
    or a text that is compiled ahead would have another key than when CuPy asks for it.
    """
    return [*KERNEL_FLAGS, *(o for o in options if o.startswith("-D"))]


def _key(source: str, options: tuple[str, ...]) -> str:
    """Return a text's name on the disk: the same for the same text, options and emulator."""
    key = hashlib.sha256("\0".join([source, *_flags(options)]).encode())
    key.update((HERE / "device.h").read_bytes() + (HERE / "kernel.h").read_bytes())
    return key.hexdigest()[:32]


def _build(text: str, options: tuple[str, ...], made: dict[str, str]) -> str:
    """Compile C++ text to a library; return what is wrong with it.

    ``made``: the keys of the CUDA texts in it, with what their kernels' names begin with there.
    For each the disk then says which library it is in: ``path#prefix``.
    """
    folder = FOLDER / "kernels"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        cpp, library = Path(scratch) / "kernel.cpp", Path(scratch) / "kernel.so"
        cpp.write_text(text, encoding="utf-8")
        # The compiled header in FOLDER stands for device.h; ours go before CuPy's.
        folders = (FOLDER, HERE, HERE / "include", _cupy_headers())
        headers = [f"-I{path}" for path in folders]
        command = ["g++", *headers, "-include", "device.h", *_flags(options)]
        done = subprocess.run(
            [*command, "-shared", str(cpp), "-o", str(library), *LIBRARIES],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return done.stderr
        kept = folder / f"{next(iter(made))}.so"
        library.replace(kept)
        for key, prefix in made.items():  # as a whole: another process may be reading
            place = Path(scratch) / key
            place.write_text(f"{kept}#{prefix}", encoding="utf-8")
            place.replace(folder / key)
    return ""


def _cupy_headers() -> Path:
    """Return the folder of the headers that CuPy's own kernels include."""
    import cupy

    return Path(cupy.__file__).parent / "_core" / "include"


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
