"""Every name and keyword of CuPy that fastnn uses exists in CuPy for CUDA, which needs no GPU."""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.cuda import cupy_uses
from tests.cuda.cupy_uses import Use, array_attributes, as_json, uses
from tests.cuda.emulated_run import ROOT
from tests.waiting import HANG

PYTHON = ROOT / ".venv-cuda" / "bin" / "python"
MODULES = sorted((ROOT / "fastnn/backend/cuda").glob("*.py"))

needs_cupy = pytest.mark.skipif(
    not (ROOT / ".venv-cuda" / "installed").exists(),
    reason="CuPy for CUDA is not there: ./scripts/emulator installs it",
)


def missing(asked: Iterable[Use]) -> list[str]:
    """Ask the CuPy for CUDA."""
    done = subprocess.run(
        [str(PYTHON), str(Path(cupy_uses.__file__))],
        input=as_json(set(asked)),
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@needs_cupy
def test_all_that_is_used_exists(proven: Callable[[str], None]) -> None:
    asked = {use for path in MODULES for use in uses(path.read_text(encoding="utf-8"))}
    assert Use("cupy.cuda.Device", 1, called=True) in asked
    assert len(asked) > 25
    assert missing(asked) == []
    proven(f"CUDA: {len(asked)} uses of CuPy's names exist in CuPy for CUDA")


@needs_cupy
def test_arrays_are_asked_for_nothing_that_only_numpy_has() -> None:
    names = {n for path in MODULES[1:] for n in array_attributes(path.read_text(encoding="utf-8"))}
    assert {"shape", "dtype", "reshape"} <= names
    names -= {"ctypes"}  # the address of an array in main memory
    assert missing(Use(f"cupy.ndarray.{name}") for name in names) == []


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        ("import cupy\ncupy.cuda.Device(1)", Use("cupy.cuda.Device", 1, called=True)),
        ("x = self.xp.empty(3, dtype=d)", Use("cupy.empty", 1, ("dtype",), called=True)),
        (
            "run = cupy.cuda.runtime\nrun.memGetInfo()",
            Use("cupy.cuda.runtime.memGetInfo", called=True),
        ),
        (
            "self._stream = cupy.cuda.Stream(True)\nself._stream.use()",
            Use("cupy.cuda.Stream.use", called=True),
        ),
        (
            "pool = xp.get_default_memory_pool()\npool.free_bytes()",
            Use("cupy.cuda.MemoryPool.free_bytes", called=True),
        ),
        ("isinstance(a, xp.ndarray)", Use("cupy.ndarray")),
        ("with cupy.cuda.Stream() as s:\n    s.done", Use("cupy.cuda.Stream.done")),
    ],
)
def test_uses_are_found(code: str, wanted: Use) -> None:
    assert wanted in uses(code)


@needs_cupy
def test_what_does_not_exist_is_found() -> None:
    assert missing([Use("cupy.logaddexp.reduce_all"), Use("cupy.cuda.Streams")]) == [
        "cupy.cuda.Streams does not exist",
        "cupy.logaddexp.reduce_all does not exist",
    ]
    [said] = missing([Use("cupy.cuda.Stream", 0, ("nonblocking",), called=True)])
    assert said.startswith("cupy.cuda.Stream has no keyword nonblocking (known: null, non_blocking")
    [said] = missing([Use("cupy.ndarray.set", 1, ("queue",), called=True)])  # compiled
    assert said == "cupy.ndarray.set has no keyword queue (known: arr, stream)"
    assert missing([Use("cupy.ndarray.ctypes")]) == ["cupy.ndarray.ctypes does not exist"]
