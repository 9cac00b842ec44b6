"""Every test that needs a GPU, run on the emulated one; each is a test here, too.

They run in an environment of their own, all at once, when the first of them is asked for. No GPU
code runs: tests/cuda/emulator/README.md says what this proves and what it cannot.
"""

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = ROOT / ".venv-emulator"
TIMEOUT = 900


def why_not() -> str:
    """Why there is no emulated GPU; an empty text when there is one."""
    reason = ENVIRONMENT / "why-not"
    if reason.exists():
        return reason.read_text(encoding="utf-8").strip()
    built = ENVIRONMENT / "emulator" / "built-from"
    return "" if built.exists() else "it is made by ./scripts/test or ./scripts/emulator"


def run_pytest(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run pytest on the emulated GPU, where a test that finds no GPU is an error."""
    options = ["-p", "emulated_plugin", "-p", "no:cacheprovider", "-m", "cuda", "-q"]
    return subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), "-m", "pytest", *options, *arguments],
        cwd=ROOT,
        env={**os.environ, "FASTNN_TEST_CUDA": "required", "PYTHONPATH": str(ROOT)},
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
        and path != Path(__file__).resolve()
    )
    done = run_pytest("--collect-only", *files)
    found = tuple(line for line in done.stdout.splitlines() if "::" in line)
    if done.returncode or not found:
        raise RuntimeError(f"the device tests cannot be collected:\n{done.stdout}{done.stderr}")
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device_test" in metafunc.fixturenames and not why_not():
        names = device_tests()
        metafunc.parametrize("device_test", names, ids=[n.removeprefix("tests/") for n in names])
    elif "device_test" in metafunc.fixturenames:
        metafunc.parametrize("device_test", [""], ids=["all"])


@pytest.fixture(scope="session")
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: Any, proven: Callable[[str], None]
) -> dict[str, dict[str, str]]:
    """What became of the tests that this session asks for."""
    folder = tmp_path_factory.mktemp("emulated")
    chosen = [
        item.callspec.params["device_test"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "device_test" in item.fixturenames
    ]
    (folder / "tests").write_text("\n".join(chosen), encoding="utf-8")
    report = folder / "report"
    workers = "0" if len(chosen) < 8 else "2"
    done = run_pytest("--emulated-report", str(report), "-n", workers, f"@{folder / 'tests'}")
    found: dict[str, dict[str, str]] = {}
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else []:
        outcome = json.loads(line)
        if found.get(outcome["test"], {}).get("outcome") != "failed":
            found[outcome["test"]] = outcome
    end = f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    for name in set(chosen) - set(found):
        found[name] = {"outcome": "failed", "said": f"it did not run:\n{end}"}
    kinds = Counter(outcome["outcome"] for outcome in found.values())
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    proven(f"CUDA: {len(chosen)} device tests on the emulated device, no GPU code ran ({counts})")
    return found


def test_on_the_emulated_gpu(
    device_test: str, request: pytest.FixtureRequest, proven: Callable[[str], None]
) -> None:
    if not device_test:
        proven(f"CUDA: NOT PROVEN, the device tests did not run: no emulated GPU: {why_not()}")
        pytest.skip(f"the device tests did not run: no emulated GPU: {why_not()}")
    outcome = request.getfixturevalue("outcomes")[device_test]
    if outcome["outcome"] == "skipped":
        pytest.skip(outcome["said"].removeprefix("Skipped: "))
    if outcome["outcome"] == "failed":
        pytest.fail(outcome["said"], pytrace=False)
    assert outcome["outcome"] == "passed"
