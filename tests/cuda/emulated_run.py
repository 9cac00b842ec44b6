"""One run of the device tests on the emulated GPU, in an environment of its own.

It goes on in the background while the other tests run (`Background`, which tests/conftest.py gives
to pytest), and leaves what it finds in a folder. `EmulatedRun` reads there what has become of a
test, in whichever process that is asked.
"""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.cuda.emulator.sources import why_not_of_these
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parent.parent.parent
ENVIRONMENT = ROOT / ".venv-emulator"
#: What asks for the run: the first with the name of one device test, the others for all of them.
ONE_TEST = "tests/cuda/test_emulated_device.py::test_on_the_emulated_gpu["
ALL_TESTS = (
    "tests/cuda/test_emulated_device.py::test_the_run",
    "tests/cuda/test_compile_matrix.py::test_every_kernel",
)
#: With this many tests, a second process is worth its start.
ENOUGH_FOR_TWO = 8


@cache
def why_not() -> str:
    """Why there is no emulated GPU; an empty text when there is one."""
    reason = ENVIRONMENT / "why-not"
    if reason.exists():
        return reason.read_text(encoding="utf-8").strip()
    return why_not_of_these(ENVIRONMENT / "emulator")


def command(*arguments: str) -> list[str]:
    """Pytest on the emulated GPU."""
    options = ["-p", "emulated_plugin", "-p", "no:cacheprovider", "-m", "cuda", "-q"]
    return [str(ENVIRONMENT / "bin" / "python"), "-m", "pytest", *options, *arguments]


def environment(**more: str) -> dict[str, str]:
    """Its environment, in which a test that finds no GPU is an error."""
    return {**os.environ, "FASTNN_TEST_CUDA": "required", "PYTHONPATH": str(ROOT), **more}


@cache
def device_tests() -> tuple[str, ...]:
    """The tests that are marked as needing CUDA."""
    files = sorted(
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"mark\.cuda\b", path.read_text(encoding="utf-8"))
    )
    done = subprocess.run(
        command("--collect-only", *files),
        cwd=ROOT, env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=HANG, check=False,
    )  # fmt: skip
    found = tuple(line for line in done.stdout.splitlines() if "::" in line)
    if done.returncode or not found:
        raise RuntimeError(f"the device tests cannot be collected:\n{done.stdout}{done.stderr}")
    return found


def name_of(test: str) -> str:
    """The name that a device test has here, between brackets."""
    return test.removeprefix("tests/")


def chosen(ids: Iterable[str]) -> tuple[str, ...]:
    """The device tests that the tests with these names ask for: none, some or all."""
    ids = tuple(ids)
    if any(i.startswith(ALL_TESTS) for i in ids):
        return device_tests()
    return tuple(f"tests/{i[len(ONE_TEST) : -1]}" for i in ids if i.startswith(ONE_TEST))


class Outcome(NamedTuple):
    """What became of a test: passed, failed, skipped; begun as long as it runs."""

    outcome: str
    said: str = ""


@dataclass
class EmulatedRun:
    """What became of each test so far, and every CUDA text of fastnn's that ran."""

    folder: Path
    hang: float = HANG
    _outcomes: dict[str, Outcome] = field(default_factory=dict)
    _read: int = 0
    _process: "subprocess.Popen[bytes] | None" = None

    def begin(self, tests: Sequence[str]) -> None:
        """Begin the run, on two cores if the tests are many."""
        (self.folder / "texts").mkdir()
        (self.folder / "tests").write_text("\n".join(tests), encoding="utf-8")
        workers = "2" if len(tests) >= ENOUGH_FOR_TWO else "0"
        report = str(self.folder / "report")
        arguments = ("--emulated-report", report, "-n", workers, f"@{self.folder / 'tests'}")
        self.launch(
            command(*arguments), environment(EMULATED_KERNEL_TEXTS=str(self.folder / "texts"))
        )

    def launch(self, command: Sequence[str], environment: dict[str, str]) -> None:
        """Start the process. It holds a lock for as long as it lives, however it ends."""
        with (self.folder / "alive").open("w") as lock, (self.folder / "output").open("w") as out:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=environment, pass_fds=[lock.fileno()],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        (self.folder / "process").write_text(str(self._process.pid), encoding="utf-8")

    def alive(self) -> bool:
        """Whether the process is there."""
        with (self.folder / "alive").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def end(self) -> None:
        """End the process, if it is there; its workers end when they hear no more of it."""
        if (self.folder / "process").exists() and self.alive():
            with suppress(ProcessLookupError):
                os.kill(int((self.folder / "process").read_text()), signal.SIGKILL)
        if self._process:
            self._process.wait()

    def still_going(self) -> bool:
        """Whether there is more to come. A run without any progress is ended: it hangs."""
        if not self.alive():
            return False
        files = [self.folder / name for name in ("report", "output", "texts", "tests")]
        last = max(path.stat().st_mtime for path in files if path.exists())
        if time.time() - last > self.hang:
            with (self.folder / "output").open("a", encoding="utf-8") as output:
                output.write(f"\nended: nothing happened for {self.hang:g} seconds\n")
            self.end()
        return True

    def outcomes(self) -> dict[str, Outcome]:
        """What is known by now. The last that is said of a test is true."""
        report = self.folder / "report"
        if report.exists():
            with report.open("rb") as file:
                file.seek(self._read)
                for line in file:
                    if line.endswith(b"\n"):  # or it is being written
                        self._read += len(line)
                        test, *outcome = json.loads(line)
                        self._outcomes[test] = Outcome(*outcome)
        return self._outcomes

    def wait(self) -> dict[str, Outcome]:
        """What has become of all tests, once the run is over."""
        while self.still_going():
            time.sleep(0.1)
        return self.outcomes()

    def outcome(self, test: str) -> Outcome:
        """What has become of a test, as soon as that is known.

        If the run broke off, the tests that ran at that moment have failed (if none did, the first
        that had not run); the others count as skipped: a hang is one finding, not hundreds.
        """
        while True:
            going = self.still_going()  # asked first: what was written before the end is read
            found = self.outcomes().get(test, Outcome("begun"))
            if found.outcome != "begun":
                return found
            if not going:
                break
            time.sleep(0.1)
        culprits = self.culprits()
        if test not in culprits:
            return Outcome("skipped", f"not run: the run broke off in {', '.join(culprits)}")
        output = (self.folder / "output").read_text(encoding="utf-8")
        return Outcome("failed", f"the run broke off here:\n{output[-4000:]}")

    def culprits(self) -> list[str]:
        """The tests in which a run that is over broke off."""
        found = self.outcomes()
        begun = [test for test, outcome in found.items() if outcome.outcome == "begun"]
        tests = (self.folder / "tests").read_text(encoding="utf-8").splitlines()
        return begun or [test for test in tests if test not in found][:1]

    def summary(self) -> str:
        """How many tests passed, failed and so on, in words."""
        kinds = Counter(outcome.outcome for outcome in self.wait().values())
        return ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))

    def texts(self) -> tuple[str, ...]:
        """The CUDA texts of fastnn's that ran."""
        self.wait()
        paths = sorted((self.folder / "texts").glob("*.cu"))
        found = (path.read_text(encoding="utf-8") for path in paths)
        return tuple(text for text in found if re.search(r"\bfastnn_\w+\(", text))


class Background:
    """A plugin of pytest: the run begins when it is known what is asked for, and ends with pytest.

    The process that distributes tests to others (pytest-xdist) or runs them all owns the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        given = getattr(config, "workerinput", {}).get("emulated_run")
        self._owner = given is None
        self.run = EmulatedRun(Path(given or tempfile.mkdtemp(prefix="fastnn-emulated-run-")))

    def _begin(self, ids: Iterable[str]) -> None:
        begun = (self.run.folder / "tests").exists()
        if self._owner and not begun and not why_not() and (tests := chosen(ids)):
            self.run.begin(tests)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not session.config.option.collectonly:
            self._begin(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["emulated_run"] = str(self.run.folder)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        self._begin(ids)

    def pytest_unconfigure(self) -> None:
        if self._owner:
            self.run.end()
            shutil.rmtree(self.run.folder, ignore_errors=True)
