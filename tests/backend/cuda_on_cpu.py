"""Run planned kernel launches on NumPy arrays: their C++ text, compiled by g++ for the CPU.

What it proves: the text, the plan and the arguments give the right numbers. What it cannot show:
races between threads, speed, and that a GPU's compiler and cuBLAS are there.
"""

import atexit
import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.elementwise_text import Source
from fastnn.backend.cuda.fusing import lower_program
from fastnn.backend.cuda.lowering import Launch, lower
from fastnn.backend.program import Dot, Instruction, Program

HEADER = Path(__file__).with_name("cuda_on_cpu.h")
FOLDER = Path(tempfile.mkdtemp(prefix="fastnn_cuda_on_cpu_"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
COMPILER = ("g++", "-std=c++17", "-O1", "-ffp-contract=off", "-shared", "-fPIC")
COMPILER += ("-Wall", "-Wno-unused", "-Werror")
COMPILED: dict[Source, Callable[..., None]] = {}

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: no kernel text can be run here"
)


@cache
def compiled_header() -> Path:
    """Compile the header, which takes longer than most texts, and return what to include."""
    path = FOLDER / HEADER.name
    command = [*COMPILER, "-x", "c++-header", str(HEADER), "-o", f"{path}.gch"]
    subprocess.run(command, check=True, capture_output=True)
    return path


def compile_texts(sources: Iterable[Source]) -> None:
    """Compile all texts that are new, in one go. Each gets a namespace of its own."""
    new = [s for s in dict.fromkeys(sources) if s not in COMPILED]
    if not new:
        return
    parts = []
    for k, source in enumerate(new):
        barriers = "true" if "__syncthreads" in source.text else "false"
        text = source.text.replace('extern "C" ', "")
        parts.append(f"namespace kernel_{k} {{\n{text}\n}}")
        parts.append(
            f'extern "C" void launch_{k}(void** a, unsigned int blocks, unsigned int threads)\n'
            f"{{ launch(&kernel_{k}::{source.name}, a, blocks, threads, {barriers}); }}"
        )
    text = "\n".join(parts)
    path = FOLDER / hashlib.sha256(text.encode()).hexdigest()[:16]
    path.with_suffix(".cpp").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*COMPILER, "-include", str(compiled_header()), "-o", f"{path}.so", f"{path}.cpp"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[:4000]
    library = ctypes.CDLL(f"{path}.so")
    COMPILED.update((source, getattr(library, f"launch_{k}")) for k, source in enumerate(new))


def run(launches: Sequence[Launch]) -> None:
    """Run the launches, one after the other."""
    compile_texts(launch.source for launch in launches)
    for launch in launches:
        values = [
            np.array(a.ctypes.data, np.uint64) if isinstance(a, np.ndarray) else np.array(a)
            for a in launch.args
        ]
        slots = (ctypes.c_void_p * len(values))(*(v.ctypes.data for v in values))
        COMPILED[launch.source](slots, ctypes.c_uint(launch.blocks), ctypes.c_uint(launch.threads))


def execute(instruction: Instruction) -> None:
    """Plan one instruction and run it."""
    run(lower(instruction, poisoned))


def poisoned(shape: Any, dtype: Any) -> Any:
    """Memory as a GPU hands it out: full of what was there before."""
    array = np.empty(shape, dtype)
    array.view(np.uint8).fill(0xCD)
    return array


class TextBackend(CpuBackend):
    """NumPy memory and products, but programs run as the GPU's kernel texts."""

    def compile(self, program: Program, runs: int = 1) -> Any:
        return TextExecutable(program)


class TextExecutable:
    def __init__(self, program: Program) -> None:
        work = lower_program(program.instructions, poisoned)
        compile_texts(x.source for x in work if isinstance(x, Launch))
        self._calls = [
            partial(np.dot, x.a, x.b, out=x.out) if isinstance(x, Dot) else partial(run, [x])
            for x in work
        ]

    def run(self, n: int = 1) -> None:
        for _ in range(n):
            for call in self._calls:
                call()
