"""Ctrl-C, `kill` and closed terminals: what has been trained is saved, whenever they come."""

import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from fastnn.cli.signals import SIGNALS, as_interrupts, unhurried
from fastnn.model.files import load
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]
#: The command, with the terminal that is its standard input as its own: it leads a session.
LEADER = """
import fcntl, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
{before}
from fastnn.__main__ import run
sys.exit(run())
"""
ENDLESS = ["--hidden", "8", "--epochs", "1000000", "--patience", "none", "--out", "here.fastnn"]


class Terminal:
    """A terminal with a command in it."""

    def __init__(self, folder: Path, *arguments: str, before: str = "") -> None:
        self.ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", LEADER.format(before=before), *arguments], cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.seen = b""

    def read_until(self, text: bytes) -> None:
        """Read what the command says until it has said ``text``."""
        while text not in self.seen:
            self.seen += os.read(self.ours, 4096)  # raises OSError when the command is gone

    def type(self, keys: bytes) -> None:
        os.write(self.ours, keys)

    def close(self) -> None:
        """What closing the window does: SIGHUP, and nothing can be written any more."""
        if self.ours >= 0:
            os.close(self.ours)
            self.ours = -1

    def code(self) -> int:
        return self.process.wait(timeout=HANG)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """``terminal("train", ...)`` runs a command of fastnn in a terminal."""
    made: list[Terminal] = []

    def make(*arguments: str, before: str = "") -> Terminal:
        made.append(Terminal(tmp_path, *arguments, before=before))
        return made[-1]

    yield make
    for one in made:
        one.close()
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


@pytest.mark.parametrize("again", [False, True], ids=["once", "and told again"])
def test_a_training_in_a_terminal_that_is_closed_is_saved(
    terminal: Callable[..., Terminal], again: bool, tmp_path: Path
) -> None:
    one = terminal("train", "digits", *ENDLESS)
    one.read_until(b"loss")
    one.close()
    if again:  # by the shell, which ends too
        one.process.send_signal(signal.SIGHUP)
    assert one.code() == 128 + signal.SIGHUP
    history = load(tmp_path / "here.fastnn").history
    assert history.stopped == "interrupted"
    assert len(history.epochs) == history.best_epoch > 0


def test_a_training_that_outlives_its_terminal_goes_on_to_its_end(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """As with `nohup` or `disown`: the bar is gone, and the results cannot be written."""
    one = terminal(
        *("train", "digits", "--hidden", "8", "--epochs", "400", "--patience", "none"),
        before="signal.signal(signal.SIGHUP, signal.SIG_IGN)",
    )
    one.read_until(b"loss")
    one.close()
    assert one.code() == 3
    history = load(tmp_path / "digits.fastnn").history
    assert (history.stopped, len(history.epochs)) == ("epochs", 400)


def test_a_search_in_a_terminal_that_is_closed_saves_the_best_so_far(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    """The second number of epochs is another group, trained when the first has ended."""
    one = terminal("search", "digits", "--grid", "hidden=4,8;epochs=2,1000000", *ENDLESS[4:])
    one.read_until(b"/1000000")
    one.close()
    one.process.send_signal(signal.SIGHUP)
    assert one.code() == 128 + signal.SIGHUP
    assert load(tmp_path / "here.fastnn").history.stopped == "epochs"
    assert (tmp_path / "here.search.csv").exists()


def test_ctrl_c_twice_in_a_terminal_is_as_once(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    one = terminal("train", "digits", *ENDLESS)
    one.read_until(b"loss")
    one.type(b"\x03\x03")
    one.read_until(b"model: here.fastnn")
    assert one.code() == 130
    assert b"Traceback" not in one.seen
    assert b"\x1b[?25h" in one.seen, "the cursor is shown again"
    assert load(tmp_path / "here.fastnn").history.stopped == "interrupted"


@contextmanager
def interrupting(monkeypatch: pytest.MonkeyPatch, name: str, times: int) -> Iterator[list[str]]:
    """Press Ctrl-C so many times where ``name`` is called first; yield the calls."""
    import importlib

    module, _, function = name.rpartition(".")
    owner = importlib.import_module(module)
    original, calls = getattr(owner, function), []

    def pressed(*arguments: object, **given: object) -> object:
        calls.append(function)
        if len(calls) == 1:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return original(*arguments, **given)

    with monkeypatch.context() as patch:
        patch.setattr(owner, function, pressed)
        yield calls


TRAIN = ["train", "digits", "--hidden", "4", "--epochs", "2", "--out", "here.fastnn"]
SEARCH = ["search", "digits", "--grid", "epochs=1,2", "--hidden", "4", "--out", "here.fastnn"]


@pytest.mark.parametrize("times", [1, 3, 9])
@pytest.mark.parametrize("words", [TRAIN, SEARCH], ids=["train", "search"])
def test_what_is_being_saved_is_saved_however_often_ctrl_c_is_pressed(
    fastnn, words: list[str], times: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with interrupting(monkeypatch, "os.fsync", times) as calls:
        ran = fastnn(*words)
    assert ran.code == 130
    assert calls.count("fsync") >= 2
    assert len(load(tmp_path / "here.fastnn").history.epochs) == 2
    assert "saved in here.fastnn" in ran.err
    assert "model: here.fastnn" in ran.out
    assert sorted(p.suffix for p in tmp_path.iterdir()) == sorted(
        {".fastnn", ".csv"} if words is SEARCH else {".fastnn"}
    )


def test_ctrl_c_after_the_last_epoch_loses_nothing(
    fastnn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """When the trained model is judged, it comes too late to end the training."""
    with interrupting(monkeypatch, "fastnn.api.train._judge", 2) as calls:
        ran = fastnn(*TRAIN)
    assert ran.code == 130
    assert len(calls) == 4, "the three parts, and the first of them twice"
    assert load(tmp_path / "here.fastnn").history.stopped == "epochs"


def test_the_third_ctrl_c_gives_up_and_leaves_the_old_model(
    fastnn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert fastnn(*TRAIN).code == 0
    before = (tmp_path / "here.fastnn").read_bytes()
    with (
        interrupting(monkeypatch, "fastnn.api.train._judge", 1),
        interrupting(monkeypatch, "fastnn.api.train.Training", 2),
    ):
        ran = fastnn(*TRAIN, "--seed", "5")
    assert (ran.code, ran.out) == (130, "")
    assert ran.err.splitlines()[-1] == "fastnn: interrupted"
    assert (tmp_path / "here.fastnn").read_bytes() == before


@pytest.mark.parametrize(
    ("numbers", "raised_at"),
    [
        ("INT", [0]),
        ("INT INT", [0]),
        ("INT INT INT INT", [0, 2, 3]),
        ("HUP HUP HUP HUP", [0]),
        ("TERM HUP HUP TERM TERM", [0, 4]),
        ("HUP TERM INT TERM", [0, 3]),
    ],
)
def test_the_first_signal_ends_and_the_third_insists(numbers: str, raised_at: list[int]) -> None:
    sent = [signal.Signals[f"SIG{name}"] for name in numbers.split()]
    raised = []
    with as_interrupts() as received:
        for i, number in enumerate(sent):
            try:
                signal.raise_signal(number)
            except KeyboardInterrupt:
                raised.append(i)
    assert (raised, received) == (raised_at, sent)


def test_a_second_signal_inside_the_handler_of_the_first_swallows_neither() -> None:
    """A terminal that is closed may be told twice within microseconds."""
    nested = []

    def between(frame: FrameType, event: str, argument: object) -> None:
        if event == "c_return" and frame.f_code.co_name == "interrupt" and not nested:
            nested.append(event)
            signal.raise_signal(signal.SIGHUP)

    with as_interrupts() as received:
        sys.setprofile(between)
        try:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGHUP)
        finally:
            sys.setprofile(None)
    assert nested
    assert received == [signal.SIGHUP] * 2


def test_handlers_are_as_they_were_and_what_is_ignored_stays_so() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        before = [signal.getsignal(number) for number in SIGNALS]
        with as_interrupts() as received:
            signal.raise_signal(signal.SIGHUP)
            assert not unhurried(lambda: signal.raise_signal(signal.SIGHUP))
            assert unhurried(lambda: signal.raise_signal(signal.SIGTERM))
        assert received == [signal.SIGTERM]
        assert [signal.getsignal(number) for number in SIGNALS] == before
    finally:
        signal.signal(signal.SIGHUP, former)


def test_an_error_while_saving_is_not_lost_by_ctrl_c() -> None:
    def fail() -> None:
        signal.raise_signal(signal.SIGINT)
        raise OSError(28, "No space left on device")

    with as_interrupts(), pytest.raises(OSError, match="No space left"):
        unhurried(fail)


def test_in_another_thread_nothing_changes() -> None:
    found = []

    def work() -> None:
        with as_interrupts() as received:
            found.append((unhurried(lambda: None), received, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, [], signal.getsignal(signal.SIGTERM))]


class Forgotten:
    """What a weak reference can be of."""


@pytest.mark.parametrize("number", SIGNALS)
def test_an_interrupt_that_a_callback_swallows_comes_again(
    number: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    """As an import's callbacks do: what they raise is reported, and goes no further."""
    waits, thing = threading.Event(), Forgotten()
    watch = weakref.ref(thing, lambda _: signal.raise_signal(number))
    with as_interrupts() as received:
        del thing
        assert watch() is None
        with pytest.raises(KeyboardInterrupt):
            waits.wait(HANG)
    assert received == [number]
    assert capfd.readouterr().err == "", "it was not lost, so it is not reported"


def test_what_else_a_callback_raises_is_reported_as_before() -> None:
    reported: list[object] = []
    former, sys.unraisablehook = sys.unraisablehook, lambda what: reported.append(what.exc_value)
    try:
        thing = Forgotten()
        watch = weakref.ref(thing, lambda _: [][0])
        with as_interrupts() as received:
            del thing
        assert watch() is None
        assert [type(error) for error in reported] == [IndexError]
        assert received == []
        assert sys.unraisablehook.__name__ == "<lambda>", "the hook of before is back"
    finally:
        sys.unraisablehook = former
