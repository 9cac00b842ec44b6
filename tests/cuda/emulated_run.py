"""One run of the device tests on the emulated GPU, in an environment of its own."""

import json
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = ROOT / ".venv-emulator"
TIMEOUT = 900


@dataclass(frozen=True)
class EmulatedRun:
    """What became of each test, and every CUDA text of fastnn's that ran."""

    outcomes: dict[str, dict[str, str]]  # test: {"outcome": "passed", "said": ""}
    texts: tuple[str, ...]


def why_not() -> str:
    """Why there is no emulated GPU; an empty text when there is one."""
    reason = ENVIRONMENT / "why-not"
    if reason.exists():
        return reason.read_text(encoding="utf-8").strip()
    built = ENVIRONMENT / "emulator" / "built-from"
    return "" if built.exists() else "it is made by ./scripts/test or ./scripts/emulator"


def run_pytest(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest on the emulated GPU, where a test that finds no GPU is an error."""
    options = ["-p", "emulated_plugin", "-p", "no:cacheprovider", "-m", "cuda", "-q"]
    required = {"FASTNN_TEST_CUDA": "required", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), "-m", "pytest", *options, *arguments],
        cwd=ROOT,
        env={**os.environ, **required, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@cache
def device_tests() -> tuple[str, ...]:
    """The tests that are marked as needing CUDA."""
    files = sorted(
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"mark\.cuda\b", path.read_text(encoding="utf-8"))
    )
    done = run_pytest("--collect-only", *files)
    found = tuple(line for line in done.stdout.splitlines() if "::" in line)
    if done.returncode or not found:
        raise RuntimeError(f"the device tests cannot be collected:\n{done.stdout}{done.stderr}")
    return found


def run_device_tests(chosen: Sequence[str], folder: Path) -> EmulatedRun:
    """Run these tests, on two cores if there are many; ``folder`` is for what they leave behind."""
    tests, report, texts = folder / "tests", folder / "report", folder / "texts"
    tests.write_text("\n".join(chosen), encoding="utf-8")
    texts.mkdir()
    workers = "2" if len(chosen) >= 8 else "0"
    done = run_pytest(
        *("--emulated-report", str(report), "-n", workers, f"@{tests}"),
        EMULATED_KERNEL_TEXTS=str(texts),
    )
    outcomes: dict[str, dict[str, str]] = {}
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else []:
        outcome = json.loads(line)
        if outcomes.get(outcome["test"], {}).get("outcome") != "failed":
            outcomes[outcome["test"]] = outcome
    end = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    for name in set(chosen) - set(outcomes):
        outcomes[name] = {"outcome": "failed", "said": f"it did not run:\n{end}"}
    found = (path.read_text(encoding="utf-8") for path in sorted(texts.glob("*.cu")))
    return EmulatedRun(
        outcomes, tuple(text for text in found if re.search(r"\bfastnn_\w+\(", text))
    )
