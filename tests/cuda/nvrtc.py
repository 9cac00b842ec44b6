"""NVIDIA's run-time compiler, which needs no GPU, by ctypes: from CUDA text to machine code."""

import ctypes
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastnn.backend.cuda.executor import COMPILER_OPTIONS
from tests.cuda.emulated_run import ROOT

#: What the compiler said of a text that was right, for the next time.
KNOWN = ROOT / ".venv-cuda" / "compiled"
#: Texts that are compiled together, which takes a fifth of the time.
TOGETHER = 40
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


def compile_all(
    texts: Iterable[str], architecture: str, known: Path = KNOWN
) -> tuple[str, dict[str, list[Usage]]]:
    """Compile texts for ``sm_<architecture>``, on two cores; return what is wrong, and the uses.

    What was compiled before, by the same compiler with the same options, is read from the disk.
    """
    known.mkdir(parents=True, exist_ok=True)
    places = {text: known / _key(text, architecture) for text in texts}
    new = [text for text, place in places.items() if not place.exists()]
    parts = [new[k : k + TOGETHER] for k in range(0, len(new), TOGETHER)]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda part: compile_text(_joined(part), architecture), parts))
    for part, (wrong, uses) in zip(parts, done, strict=True):
        if wrong:
            return wrong, {}
        for k, text in enumerate(part):
            own = [astuple(use) for use in uses if _namespace(use.kernel) == f"n{k}"]
            scratch = places[text].with_suffix(f".{os.getpid()}")
            scratch.write_text(json.dumps(own), encoding="utf-8")
            scratch.replace(places[text])  # as a whole: another process may be reading
    read = ((text, json.loads(place.read_text("utf-8"))) for text, place in places.items())
    return "", {text: [Usage(*use) for use in uses] for text, uses in read}


def _key(text: str, architecture: str) -> str:
    told = "\0".join([text, architecture, *OPTIONS, version()])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _joined(texts: Sequence[str]) -> str:
    """Return one text; each of them gets a namespace of its own, as their names repeat."""
    parts = [text.replace('extern "C" ', "") for text in texts]
    return "\n".join(f"namespace n{k} {{\n{part}\n}}" for k, part in enumerate(parts))


def _namespace(kernel: str) -> str:
    """The outer namespace of a kernel, by the name that the compiler gives it: _ZN2n17kernelPf."""
    found = re.match(r"_ZN(\d)", kernel)
    return kernel[found.end() :][: int(found[1])] if found else ""


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
