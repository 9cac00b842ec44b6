"""A pytest plugin for runs on the emulated GPU: ``-p emulated_plugin --emulated-report FILE``."""

import json
from collections.abc import Iterator
from pathlib import Path

import emulated_gpu
import pytest

from fastnn.backend.cuda.cublas import Cublas
from fastnn.backend.cuda.elementwise_text import Source
from fastnn.backend.cuda.executor import COMPILER_OPTIONS, Call, CudaBackend
from fastnn.backend.cuda.lowering import Launch
from fastnn.backend.program import Dot


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--emulated-report", type=Path, help="write each outcome as a line of JSON")


def pytest_report_header() -> str:
    return "emulated device, no GPU code ran"


@pytest.fixture(autouse=True)
def _no_array_is_written_past_its_end() -> Iterator[None]:
    yield
    if emulated_gpu.active():
        assert emulated_gpu.overruns() == 0, "an array was written past its end"


@pytest.fixture(scope="session", autouse=True)
def _kernels_are_compiled_together() -> Iterator[None]:
    """Kernels compile when the first of them runs, with all that have been made ready by then.

    Which changes no text; it only saves time. Programs in child processes do without.
    """
    call = CudaBackend.call
    waiting: list[str] = []
    known: set[Source] = set()

    def called(self: CudaBackend, work: Launch | Dot, cublas: Cublas | None = None) -> Call | None:
        if isinstance(work, Dot) or work.source in known:
            return call(self, work, cublas)
        waiting.append(work.source.text)
        emulated_gpu.write_down(work.source.text, COMPILER_OPTIONS)  # it may never run
        found: list[Call | None] = []

        def later() -> None:
            if not found:
                emulated_gpu.compile_together(waiting, COMPILER_OPTIONS)
                waiting.clear()
                found.append(call(self, work, cublas))
                known.add(work.source)
            for launch in filter(None, found):
                launch()

        return later

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CudaBackend, "call", called)
        yield


class _Report:
    """Writes for every test that it has begun, and its outcome: failed if any of its parts did."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._skipped: dict[str, str] = {}
        self._failed: set[str] = set()

    def _write(self, test: str, outcome: str, said: str = "") -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([test, outcome, said]) + "\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._write(nodeid, "begun")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        if report.failed:
            if report.capstderr:
                said += f"\non standard error:\n{report.capstderr[-2000:]}"
            self._failed.add(report.nodeid)
            self._write(report.nodeid, "failed", said)  # at once: a test that crashed has no end
        elif report.skipped:
            self._skipped[report.nodeid] = said

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if nodeid in self._failed:
            return
        skipped = nodeid in self._skipped
        self._write(nodeid, "skipped" if skipped else "passed", self._skipped.get(nodeid, ""))


def pytest_configure(config: pytest.Config) -> None:
    path = config.getoption("--emulated-report")
    if path and not hasattr(config, "workerinput"):  # of parallel runs, the one that collects
        config.pluginmanager.register(_Report(path))
