"""Streams that are closed, full or not there: what is said may be lost, results may not."""

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest

from fastnn.cli.main import main
from fastnn.cli.messages import ResultsLostError, note, standard_streams
from fastnn.model.files import load
from tests.waiting import HANG, SAYING_EVERY_EPOCH

ROOT = Path(__file__).resolve().parents[2]
COMMAND = f'exec "{sys.executable}" -m fastnn '
SHORT = "--hidden 8 --epochs 3 --out here.fastnn"
LOST = "fastnn: error: the results cannot be written to standard output: "
SAVED = "; the model is saved in here.fastnn"


def shell(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip


def epochs_of(path: Path) -> int:
    return len(load(path).history.epochs)


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&- <&-"])
def test_progress_that_cannot_be_written_ends_no_training(redirection: str, tmp_path: Path) -> None:
    done = shell(f"{COMMAND} train digits {SHORT} {redirection}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "model: here.fastnn" in done.stdout
    assert "epoch 1/3" not in done.stdout
    assert epochs_of(tmp_path / "here.fastnn") == 3


def test_a_reader_of_all_that_is_said_may_go(tmp_path: Path) -> None:
    """`fastnn train ... 2>&1 | head -1`, with many more lines than any pipe holds at once."""
    saying = " ".join(map(shlex.quote, SAYING_EVERY_EPOCH))
    command = f"({saying} train digits --hidden 1 --epochs 1000 --patience none --out a.fastnn)"
    done = shell(f"{command} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("epoch    1/1000")
    assert epochs_of(tmp_path / "a.fastnn") == 1000


@pytest.mark.parametrize("option", ["", "--json"])
@pytest.mark.parametrize(
    ("redirection", "why"),
    [(">/dev/full", "No space left on device"), (">&-", "it is closed"), (">&- 2>&- <&-", "")],
)
def test_results_that_cannot_be_written_are_an_error(
    redirection: str, why: str, option: str, tmp_path: Path
) -> None:
    done = shell(f"{COMMAND} train digits {SHORT} --quiet {option} {redirection}", tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (f"{LOST}{why}{SAVED}\n" if why else "")
    assert epochs_of(tmp_path / "here.fastnn") == 3


def test_a_search_in_processes_needs_no_standard_stream(tmp_path: Path) -> None:
    pytest.importorskip("joblib", reason="joblib is not installed")
    search = f"{COMMAND} search digits --grid epochs=1,2 --jobs 2 --hidden 4 --out here.fastnn"
    done = shell(f"{search} >&- 2>&- <&-", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert load(tmp_path / "here.fastnn").history.stopped == "epochs"
    assert (tmp_path / "here.search.csv").read_text().count("\n") == 3


def test_no_file_gets_the_number_of_a_stream_that_is_closed(tmp_path: Path) -> None:
    """What a library prints on number 2 would go into it."""
    code = """
import os, sys
from fastnn import __main__
import fastnn.cli.main
def main():
    numbers = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    os.write(2, b"from some library")
    return 10 if min(numbers) > 2 else 20
fastnn.cli.main.main = main
sys.exit(__main__.run())
"""
    done = shell(f"exec '{sys.executable}' -c '{code}' <&- >&- 2>&-", tmp_path)
    assert done.returncode == 10


@pytest.fixture(params=["full", "closed", "None", "unread"])
def broken(request: pytest.FixtureRequest) -> Iterator[TextIO | None]:
    """A stream that cannot be written; to close it fails if something is left to be written."""
    if request.param == "None":
        yield None
        return
    if request.param == "full":
        stream = os.fdopen(os.open("/dev/full", os.O_WRONLY), "w")
    else:
        ours, theirs = os.pipe()
        os.close(ours)
        stream = os.fdopen(theirs, "w")
    with stream:
        if request.param == "closed":
            stream.close()
        yield stream


BENCH = [
    *("bench", "tanh forward", "--batch-sizes", "1"),
    *("--seconds", "0", "--loop-limit", "0", "--repeats", "1"),
]
COMMANDS = [
    ["--help"],
    ["--version"],
    ["train", "--help"],
    ["info"],
    ["info", "--json"],
    ["inspect", "MODEL"],
    ["inspect", "MODEL", "--json"],
    ["predict", "MODEL", "digits"],
    ["predict", "MODEL", "digits", "--proba"],
    ["evaluate", "MODEL", "digits"],
    ["evaluate", "MODEL", "digits", "--json"],
    [*BENCH],
    [*BENCH, "--json"],
]


@pytest.fixture(params=COMMANDS, ids=" ".join)
def words(request: pytest.FixtureRequest, models: Path) -> list[str]:
    """A command that has results."""
    return [w.replace("MODEL", str(models / "digits.fastnn")) for w in request.param]


def test_a_command_says_that_its_results_are_lost(
    words: list[str], broken: TextIO | None, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", broken)
        code = main(words)
    said = capsys.readouterr().err
    if request.node.callspec.params["broken"] == "unread":  # the reader has seen enough: `| head`
        assert code == 0
        assert "error" not in said
    else:
        assert code == 3
        assert said.splitlines()[-1].startswith(LOST)


def test_a_command_does_its_work_where_nothing_can_be_said(
    words: list[str], broken: TextIO | None, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", broken)
        code = main(words)
    assert code == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["train", "digits", "--epochs"], 2),
        (["train", "digits", "--activation", "rellu"], 2),
        (["inspect", "no_such.fastnn"], 3),
        (["inspect", "no_such.fastnn", "--traceback"], 3),
    ],
)
def test_an_error_that_cannot_be_said_has_its_code(
    arguments: list[str], expected: int, broken: TextIO | None, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", broken)
        code = main(arguments)
    assert code == expected
    assert capsys.readouterr().out == ""


def test_an_error_of_another_pipe_is_not_taken_for_a_reader_who_has_gone(
    fastnn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was a silent 0 with nothing done."""
    import fastnn.cli.diagnose as diagnose

    def gather() -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(diagnose, "gather", gather)
    ran = fastnn("info")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "fastnn: error: the output cannot be read or written: Broken pipe\n"


def test_a_letter_that_standard_output_lacks_is_no_broken_stream() -> None:
    """What was printed before it is there."""
    raw = io.BytesIO()
    former, sys.stdout = sys.stdout, io.TextIOWrapper(raw, encoding="ascii")
    ascii_only = sys.stdout
    try:
        with standard_streams():
            print("Ulm")
            with pytest.raises(UnicodeEncodeError):
                print("Köln")
            print("Bonn")
    finally:
        sys.stdout = former
    ascii_only.flush()
    assert raw.getvalue() == b"Ulm\nBonn\n"


def test_the_streams_are_as_they_were_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with pytest.raises(ResultsLostError, match="standard output: it is closed"), standard_streams():
        raise ResultsLostError
    assert (sys.stdout, sys.stderr) == before
    note("on standard error")
    assert capsys.readouterr() == ("", "fastnn: on standard error\n")
