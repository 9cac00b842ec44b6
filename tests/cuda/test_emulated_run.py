"""A run in the background: what it has found counts, and if it breaks off that is one finding."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cuda import emulated_run
from tests.cuda.emulated_run import EmulatedRun, Outcome, chosen
from tests.cuda.emulator.sources import HERE, digest
from tests.waiting import HANG

TESTS = ("tests/a.py::one", "tests/a.py::two[x]", "tests/b.py::three", "tests/b.py::four")
FOR_EVER = "import signal; signal.pause()"


@pytest.fixture
def a_run(tmp_path: Path) -> Iterator[Callable[..., EmulatedRun]]:
    """A function: a run that has reported these lines and now runs this code."""
    run = EmulatedRun(tmp_path)

    def begin(code: str, *lines: tuple[str, ...], hang: float = 1e9) -> EmulatedRun:
        run.hang = hang
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        (tmp_path / "report").write_text(text, encoding="utf-8")
        (tmp_path / "tests").write_text("\n".join(TESTS), encoding="utf-8")
        run.launch([sys.executable, "-c", code], {})
        return run

    yield begin
    run.end()


def test_a_hang_is_one_finding_and_what_was_found_is_kept(a_run) -> None:
    one, two, three, four = TESTS
    known = [(one, "begun"), (one, "passed"), (two, "begun"), (three, "begun"), (three, "skipped")]
    run = a_run(FOR_EVER, *known, hang=0.01)
    assert run.outcome(one) == Outcome("passed")
    assert run.outcome(three) == Outcome("skipped")
    assert run.outcome(four) == Outcome("skipped", f"not run: the run broke off in {two}")
    assert not run.alive()
    found = run.outcome(two)
    assert found.outcome == "failed"
    assert "nothing happened for 0.01 seconds" in found.said
    assert run.culprits() == [two]
    assert run.summary() == "1 begun, 1 passed, 1 skipped"


@pytest.mark.parametrize("code", ["raise SystemExit('no module named pytest')", "print('no')"])
def test_a_run_that_does_not_begin_is_one_finding(code: str, a_run) -> None:
    run = a_run(code)
    found = {test: run.outcome(test) for test in TESTS}
    assert [outcome for outcome, _ in found.values()] == ["failed", *["skipped"] * 3]
    assert found[TESTS[0]].said.endswith(("no module named pytest\n", "no\n"))


def test_an_outcome_is_known_while_the_run_goes_on(a_run) -> None:
    run = a_run(FOR_EVER, (TESTS[0], "begun"), (TESTS[0], "failed", "why"))
    assert run.outcome(TESTS[0]) == Outcome("failed", "why")
    assert run.alive()
    run.end()
    assert not run.alive()


def test_a_run_at_its_end_has_no_culprit(a_run) -> None:
    run = a_run("", *((test, "passed") for test in TESTS))
    assert run.wait() == dict.fromkeys(TESTS, Outcome("passed"))
    assert run.culprits() == []


def test_what_is_being_written_is_read_later(tmp_path: Path) -> None:
    run, report = EmulatedRun(tmp_path), tmp_path / "report"
    lines = [f'["tests/{name}", "failed", "é"]\n'.encode() for name in ("one", "two")]
    report.write_bytes(lines[0] + lines[1][:-4])  # up to the middle of a letter
    assert run.outcomes() == {"tests/one": Outcome("failed", "é")}
    report.write_bytes(b"".join(lines))
    assert set(run.outcomes()) == {"tests/one", "tests/two"}


def test_what_a_run_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulated_run, "device_tests", lambda: TESTS)
    here = [f"tests/cuda/test_emulated_device.py::test_on_the_emulated_gpu[{t[6:]}]" for t in TESTS]
    assert chosen(["tests/data/test_split.py::test_it[a]"]) == ()
    assert chosen(here[1:3]) == TESTS[1:3]
    matrix = "tests/cuda/test_compile_matrix.py::test_every_kernel_compiles_and_spills_nothing[75]"
    assert chosen([*here[1:2], matrix]) == TESTS


def test_an_emulator_of_other_files_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why_not = emulated_run.why_not.__wrapped__
    monkeypatch.setattr(emulated_run, "ENVIRONMENT", tmp_path)
    assert why_not() == "it is made by ./scripts/test or ./scripts/emulator"
    (tmp_path / "emulator").mkdir()
    built = tmp_path / "emulator" / "built-from"
    for stamp, said in ((digest(), ""), ("another", "it was built from other files; ")):
        built.write_text(stamp, encoding="utf-8")
        assert why_not().startswith(said)
        assert bool(why_not()) == bool(said)
    (tmp_path / "why-not").write_text("g++ is not installed\n", encoding="utf-8")
    assert why_not() == "g++ is not installed"


def test_cupy_is_not_imported_with_an_emulator_of_other_files(tmp_path: Path) -> None:
    """Whoever starts the environment's Python is told, too, and not by g++ about a macro."""
    (tmp_path / "cupy.py").touch()
    (tmp_path / "built-from").write_text("another", encoding="utf-8")
    program = (
        "import pathlib, emulated_gpu; emulated_gpu.install(); "
        f"emulated_gpu.FOLDER = pathlib.Path({str(tmp_path)!r}); import cupy"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(HERE)])},
        capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ImportError: emulated GPU: it was built from other files; "
        "./scripts/test or ./scripts/emulator builds it again\n"
    )
