"""NVIDIA's run-time compiler, which needs no GPU, by ctypes: from CUDA text to machine code."""

import ctypes
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastnn.backend.cuda.executor import COMPILER_OPTIONS
from tests.cuda.emulated_run import ROOT

#: Ours, and what CuPy 14 adds for a raw kernel.
OPTIONS = (*COMPILER_OPTIONS, "-ftz=true", "--device-as-default-execution-space")


@dataclass(frozen=True)
class Usage:
    """What ptxas says of one kernel."""

    kernel: str
    registers: int
    spilled_bytes: int
    stack_bytes: int


def library_path() -> str:
    """The compiler's library in .venv-cuda; an empty text when it is not there."""
    found = sorted(ROOT.glob(".venv-cuda/lib/python3*/site-packages/nvidia/*/lib/libnvrtc.so.*"))
    return str(found[0]) if found else ""


@cache
def _library() -> Any:
    library = ctypes.CDLL(library_path())
    library.nvrtcGetErrorString.restype = ctypes.c_char_p
    return library


def _call(name: str, *arguments: Any) -> None:
    status = getattr(_library(), name)(*arguments)
    if status:
        raise RuntimeError(f"{name}: {_library().nvrtcGetErrorString(status).decode()}")


def version() -> str:
    """The version of CUDA that it belongs to."""
    numbers = ctypes.c_int(), ctypes.c_int()
    _call("nvrtcVersion", *map(ctypes.byref, numbers))
    return ".".join(str(n.value) for n in numbers)


def compile_text(text: str, architecture: str) -> tuple[str, list[Usage]]:
    """Compile for ``sm_<architecture>``; return what is wrong with it, and what it uses."""
    program, size = ctypes.c_void_p(), ctypes.c_size_t()
    _call("nvrtcCreateProgram", ctypes.byref(program), text.encode(), b"kernels.cu", 0, None, None)
    options = [f"-arch=sm_{architecture}", "--ptxas-options=-v", *OPTIONS]
    array = (ctypes.c_char_p * len(options))(*(option.encode() for option in options))
    try:
        status = _library().nvrtcCompileProgram(program, len(options), array)
        _call("nvrtcGetProgramLogSize", program, ctypes.byref(size))
        log = ctypes.create_string_buffer(size.value)
        _call("nvrtcGetProgramLog", program, log)
    finally:
        _call("nvrtcDestroyProgram", ctypes.byref(program))
    said = log.value.decode()
    wrong = [line for line in said.splitlines() if re.search(r"\b(error|warning)\b", line, re.I)]
    if status and not wrong:
        wrong = [said or f"status {status}"]
    return "\n".join(wrong), usages(said)


_USAGE = re.compile(
    r"Function properties for (\S+)\s+"
    r"ptxas\s+\.\s+(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads\s+"
    r"ptxas info\s+: Used (\d+) registers"
)


def usages(log: str) -> list[Usage]:
    """Read what ``ptxas -v`` says."""
    return [
        Usage(name, int(registers), int(stores) + int(loads), int(stack))
        for name, stack, stores, loads, registers in _USAGE.findall(log)
    ]
