"""The pytest-benchmark cases: all of them are there, and they can be run, saved and skipped."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn.backend.cuda.availability import cuda_status
from fastnn.timing.comparison import BATCH_SIZES, COLUMNS, subjects

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pytest_benchmark") is None,
    reason="pytest-benchmark is not installed (extra bench)",
)


def pytest_cases(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs"]
    command += ["benchmarks/test_kernels.py", *arguments]
    # pytest-benchmark measures nothing where it sees the variables of pytest-xdist.
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)


def test_there_is_a_case_for_every_kernel_batch_size_and_column() -> None:
    done = pytest_cases("--collect-only", "-q")
    found = [line for line in done.stdout.splitlines() if "::test_time[" in line]
    once = sum(not s.per_batch for s in subjects())
    expected = (len(subjects()) - once) * (len(BATCH_SIZES) + 1) + once
    assert len(found) == expected * len(COLUMNS), done.stdout[-500:]


def test_cases_are_measured_saved_and_skipped_with_a_reason(tmp_path: Path) -> None:
    file = tmp_path / "kernels.json"
    done = pytest_cases(
        "-k", "relu and forward and not leaky and (16-loop or 16-NumPy or 16-GPU or 10000-loop)",
        "--benchmark-min-rounds=1", "--benchmark-max-time=0.001", f"--benchmark-json={file}",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    cases = {
        (case["group"], case["extra_info"]["column"]): case["stats"]["min"]
        for case in json.loads(file.read_text())["benchmarks"]
    }
    for column in ("loop", "NumPy"):
        assert cases["relu forward, batch 16", column] > 0
    if not cuda_status().usable:
        assert cuda_status().reason in done.stdout
