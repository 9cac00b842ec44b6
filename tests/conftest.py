"""What every test can use, and what the run says at its end about the oracles it did not have.

Warnings are errors (pyproject.toml), so NumPy's overflow, division and invalid-value warnings fail
a test; underflow to zero is what a stable softmax relies on and stays allowed. The environment is
passed on to child processes as it is (OPENBLAS_CORETYPE decides which BLAS kernels run).
"""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

from fastnn.backend.cuda.availability import cuda_status
from tests import optional
from tests.cuda.emulated_run import Background
from tests.optional import ORACLES, why_missing
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent

# Every run compiles what it tests, and leaves nothing in the user's folders.
os.environ.setdefault("FASTNN_CACHE", "off")

# On a busy machine every limit of time is a coin toss; a fixed seed makes a failure a finding.
# New examples on purpose: ./scripts/test --hypothesis-profile explore
patient = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("fixed", **patient, derandomize=True)
hypothesis.settings.register_profile("explore", **patient, max_examples=1000)
hypothesis.settings.load_profile("fixed")

# What tests want said at the end of the run about what was proven, and what was not.
PROOFS: pytest.StashKey[list[str]] = pytest.StashKey()


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers for making test cases, the same in every run."""
    return np.random.default_rng(20260101)


@pytest.fixture(scope="session")
def proven(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """A function that notes a line for the end of the run; each line is said once."""
    lines = pytestconfig.stash.setdefault(PROOFS, [])

    def note(line: str) -> None:
        if line not in lines:
            lines.append(line)

    return note


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """A function that runs ``python ARGUMENTS`` on this tree in an empty folder, and returns it.

    ``run_python("-c", code)``, ``run_python("-m", "fastnn", "info")``; the result has
    ``returncode``, ``stdout`` and ``stderr``. Standard input is empty.
    """

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=HANG,
            check=False,
        )

    return run


def pytest_configure(config: pytest.Config) -> None:
    """Run the device tests beside the others, and let tests send signals to what they start.

    A run with ``nohup`` or ``&`` ignores hang-ups or Ctrl-C, and hands that down; what is caught
    here is not handed down. Nor is that this process may be one of several: what tests start is on
    its own.
    """
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        del os.environ[name]
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.pluginmanager.register(optional, "optional packages")
    config.pluginmanager.register(Background(config), "emulated run")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what was proven to the process that distributes the tests, if there is one."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["proofs"] = session.config.stash.get(PROOFS, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect what was proven in one of several processes."""
    lines = node.config.stash.setdefault(PROOFS, [])
    found = getattr(node, "workeroutput", {}).get("proofs", [])
    lines += [line for line in found if line not in lines]


@cache
def imported_packages(path: Path) -> frozenset[str]:
    """The top-level packages that a module imports anywhere, and those its doctests import."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, doctests of modules that can use a package which is not there.

    Names of tests are the same in every process: they are shared out by name.
    """
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(f"a name with an address, give ids: {item.nodeid}")
        if isinstance(item, pytest.DoctestItem):
            examples = "".join(example.source for example in item.dtest.examples)
            for package in filter(why_missing, ORACLES):
                if f"import {package}" in examples or package in imported_packages(item.path):
                    item.add_marker(pytest.mark.skip(f"{package}: {why_missing(package)}"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a GPU where there is none; there, it runs on the emulated one."""
    if item.get_closest_marker("cuda") and not cuda_status().usable:
        if os.environ.get("FASTNN_TEST_CUDA") == "required":
            pytest.fail(f"no CUDA device: {cuda_status()}", pytrace=False)
        pytest.skip(
            f"no CUDA device here; see tests/cuda/test_emulated_device.py ({cuda_status()})"
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what proofs ran and which optional oracles were missing: without, a run proves less."""
    missing = [
        f"{package} ({why_missing(package)}; for {purpose})"
        for package, purpose in ORACLES.items()
        if why_missing(package)
    ]
    for line in terminalreporter.config.stash.get(PROOFS, []):
        terminalreporter.write_line(line)
    terminalreporter.write_line(
        f"optional oracles missing: {', '.join(missing)}"
        if missing
        else "optional oracles: all present"
    )
