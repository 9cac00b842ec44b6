"""What is said beside the results ends no work, whatever the stream is."""

import ast
import importlib.util
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import pytest

from fastnn.streams import SafeStream, say

ROOT = Path(__file__).resolve().parent.parent


def closed_file() -> TextIO:
    stream = io.StringIO()
    stream.close()
    return stream


def closed_pipe() -> TextIO:
    ours, theirs = os.pipe()
    os.close(ours)
    return os.fdopen(theirs, "w", buffering=1)


def closed_terminal() -> TextIO:
    ours, theirs = os.openpty()
    os.close(ours)
    return os.fdopen(theirs, "w", buffering=1)


def full_disk() -> TextIO:
    return open("/dev/full", "w", buffering=1)


BROKEN = [closed_file, closed_pipe, closed_terminal, full_disk, lambda: None, object]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_stream_that_cannot_be_written_is_switched_off(broken: Callable[[], Any]) -> None:
    inner = broken()
    stream = SafeStream(inner)
    for _ in range(3):
        assert stream.write("epoch 1\n") == 8
        stream.flush()
    assert not stream.isatty()
    if hasattr(inner, "close"):
        inner.close()  # would raise if something were left to be written


class Counting:
    """A stream of somebody's own: it can write, twice, and nothing else."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def write(self, text: str) -> int:
        self.texts.append(text)
        if len(self.texts) == 3:
            raise OSError(5, "Input/output error")
        return len(text)


def test_it_is_tried_no_more_once_it_has_failed() -> None:
    inner: Any = Counting()
    stream = SafeStream(inner)
    for text in "abcde":
        stream.write(text)
        stream.flush()
        assert not stream.isatty()
    assert inner.texts == ["a", "b", "c"]


def test_what_the_encoding_lacks_is_written_as_its_number() -> None:
    raw = io.BytesIO()
    stream = SafeStream(io.TextIOWrapper(raw, encoding="ascii"))
    stream.write("Köln")
    stream.write(", Ulm")
    stream.flush()
    assert raw.getvalue() == b"K\\xf6ln, Ulm"


def test_all_else_is_as_with_the_stream_itself() -> None:
    inner = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    assert SafeStream(inner).encoding == "latin-1"
    with pytest.raises(AttributeError, match="no_such"):
        _ = SafeStream(inner).no_such


def test_a_line_goes_to_the_stream_that_is_there_now(capsys: pytest.CaptureFixture[str]) -> None:
    say("one")
    say("two", "stdout")
    assert capsys.readouterr() == ("two\n", "one\n")


def test_nothing_is_said_on_standard_output_for_want_of_standard_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", None)
        say("progress")
    assert capsys.readouterr() == ("", "")


#: Every way in which a training of the library says something.
SCRIPT = """
import sys, warnings
import numpy as np
import fastnn
warnings.simplefilter("ignore")
X = np.random.default_rng(0).normal(size=(40, 3))
y = X.sum(axis=1)
model = fastnn.Sequential([fastnn.Dense(1)])
model.compile("mse")
{break_it}
fastnn.train('diabetes', epochs=3, verbose=True)
fastnn.train_many([{{'seed': 1}}, {{}}], 'diabetes', epochs=3, verbose=True)
model.fit(X, y, epochs=3, verbose=1)
model.fit(X, y, epochs=3, verbose=2)
model.evaluate(X, y, verbose=1)
model.predict(X, verbose=1)
if {estimators}:
    fastnn.MLPRegressor(max_iter=3, verbose=True).fit(X, y)
    fastnn.MLPRegressor(max_iter=3, solver='lbfgs', verbose=True).fit(X, y)
with open("ended", "w") as file:
    file.write("yes")
"""


@pytest.mark.parametrize(
    ("redirection", "break_it"),
    [
        ("1>/dev/full 2>/dev/full", ""),
        ("1>&- 2>&-", ""),
        ("", "sys.stderr.close(); sys.stdout.close()"),
        ("", "sys.stderr = sys.stdout = None"),
    ],
    ids=["full", "not there", "closed", "None"],
)
def test_the_trainings_of_a_script_go_on(redirection: str, break_it: str, tmp_path: Path) -> None:
    """It ends with code 0: nothing is left for Python to fail on at its exit."""
    estimators = importlib.util.find_spec("sklearn") is not None
    code = SCRIPT.format(break_it=break_it, estimators=estimators)
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, code], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "ended").exists()


def test_nothing_else_writes_beside_the_results() -> None:
    """``print`` in the library, or on standard error, fails where that cannot be written."""
    found = []
    for path in sorted((ROOT / "fastnn").rglob("*.py")):
        name = path.relative_to(ROOT / "fastnn").as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                elsewhere = any(keyword.arg == "file" for keyword in node.keywords)
                if node.func.id == "print" and (elsewhere or not name.startswith("cli/")):
                    found.append(f"{name}, line {node.lineno}: print")
            if isinstance(node, ast.Attribute) and node.attr in ("stderr", "__stderr__"):
                if name not in ("cli/messages.py", "training/callbacks.py"):
                    found.append(f"{name}, line {node.lineno}: {node.attr}")
    assert found == []
