"""A pytest plugin for runs on the emulated GPU: ``-p emulated_plugin --emulated-report FILE``."""

import json
from collections.abc import Iterator
from pathlib import Path

import emulated_gpu
import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--emulated-report", type=Path, help="write each outcome as a line of JSON")


def pytest_report_header() -> str:
    return "emulated device, no GPU code ran"


@pytest.fixture(autouse=True)
def _no_array_is_written_past_its_end() -> Iterator[None]:
    yield
    if emulated_gpu.active():
        assert emulated_gpu.overruns() == 0, "an array was written past its end"


class _Report:
    """Writes the outcome of every test: failed if any of its parts failed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        if report.failed and report.capstderr:
            said += f"\non standard error:\n{report.capstderr[-2000:]}"
        line = {"test": report.nodeid, "outcome": report.outcome, "said": said}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--emulated-report")
    if path and not hasattr(config, "workerinput"):  # of parallel runs, the one that collects
        config.pluginmanager.register(_Report(path))
