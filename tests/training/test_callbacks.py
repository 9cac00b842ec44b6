"""Callbacks, and the progress that a person sees: lines in a file, a bar on a terminal."""

import contextlib
import io
import os
import re

import pytest

from fastnn.errors import ArgumentError
from fastnn.training.callbacks import (
    ProgressReport,
    TrainingState,
    as_callback,
    fitting,
)
from fastnn.training.history import Epoch, History


def report(
    progress: ProgressReport, n_epochs: int = 12, shown: int = 3, metric: str = "f1"
) -> None:
    state = TrainingState(History(), n_epochs, 100, "cpu")
    progress.begin(state)
    for n in range(1, shown + 1):
        state.history.epochs.append(Epoch(n, 1 / n, 0.1, 0.5, {metric: 0.25}, 0.1, 1234567.0))
        progress.epoch_end(state)
    progress.end(state)


class Clock:
    """A clock that tells how late it is, epoch after epoch."""

    def __init__(self, *times: float) -> None:
        self.times = list(times)

    def __call__(self) -> float:
        return self.times.pop(0)


def epochs_of(text: str) -> list[int]:
    return [int(line.split()[1].partition("/")[0]) for line in text.splitlines()]


def test_a_line_where_there_is_no_terminal():
    stream = io.StringIO()
    report(ProgressReport(stream), shown=1)
    assert stream.getvalue() == (
        "epoch  1/12  loss 1.0000  validation loss 0.5000  validation f1 0.2500  "
        "1,234,567 examples/s\n"
    )


@pytest.mark.parametrize(
    ("times", "epochs"),
    [
        ((0, 1, 2, 3, 4), [1, 5]),  # the first and the last
        ((0, 4.9, 5, 9.9, 10, 10.1), [1, 3, 5, 6]),
        ((0, 5, 9.9, 10), [1, 2, 4]),  # the last is one of those of every 5 seconds
        ((0, 60, 61, 66), [1, 2, 4]),  # 5 seconds after the last line, however late that was
        ((3,), [1]),
        ((0, *(i / 1000 for i in range(1, 10001))), [1, 5001, 10001]),
    ],
)
def test_off_terminals_a_line_every_5_seconds(times, epochs):
    stream = io.StringIO()
    report(ProgressReport(stream, clock=Clock(*times)), 10001, shown=len(times))
    assert epochs_of(stream.getvalue()) == epochs


def test_each_of_two_trainings_begins_and_ends_with_a_line():
    stream = io.StringIO()
    progress = ProgressReport(stream, clock=Clock(0, 1, 2, 3, 4, 4.5))
    report(progress)
    report(progress)
    assert epochs_of(stream.getvalue()) == [1, 3, 1, 3]


def test_a_training_without_an_epoch_says_nothing():
    stream = io.StringIO()
    report(ProgressReport(stream), shown=0)
    assert stream.getvalue() == ""


class OutStream(io.StringIO):
    """What standard error is in a notebook, as far as its module tells it."""


OutStream.__module__ = "ipykernel.iostream"


def test_in_a_notebook_one_line_is_written_anew():
    stream = OutStream()
    state = TrainingState(History(), 9, 100, "cpu")
    progress = ProgressReport(stream, clock=Clock(0, 0.2, 0.5, 0.6))
    progress.begin(state)
    for n, loss in ((1, 1000.5), (2, 2.0), (3, 3.0), (4, 4.0)):
        state.history.epochs.append(Epoch(n, loss, 0.1))
        progress.epoch_end(state)
    progress.end(state)
    assert stream.getvalue() == (
        "\repoch 1/9  loss 1000.5000\repoch 3/9  loss 3.0000   \repoch 4/9  loss 4.0000\n"
    )


def test_standard_error_is_the_default(capsys):
    report(ProgressReport(), shown=1)
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.startswith("epoch  1/12  loss 1.0000")


def on_a_terminal(monkeypatch, columns: int, n_epochs: int = 100, metric: str = "f1") -> str:
    """What a terminal of so many columns is sent."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        report(ProgressReport(terminal), n_epochs, metric=metric)
    pieces = []
    with contextlib.suppress(OSError):  # how a pseudo-terminal ends
        while piece := os.read(ours, 4096):
            pieces.append(piece)
    os.close(ours)
    return b"".join(pieces).decode()


def plain_text(seen: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen)


def last_line(seen: str) -> str:
    return plain_text(seen).rstrip().splitlines()[-1].rstrip()


def test_a_very_narrow_terminal_keeps_the_count_the_bar_and_the_loss(monkeypatch):
    last = last_line(on_a_terminal(monkeypatch, 55))
    assert re.fullmatch(r"epoch +3/100 ━\S{9} \d:\d\d:\d\d loss 0\.3333  .*…", last), last
    assert len(last) <= 55


@pytest.mark.parametrize(
    ("n_epochs", "metric", "shown"),
    [
        (100, "f1", "loss 0.3333  val. loss 0.5000, f1 0.2500"),
        (100, "accuracy", "loss 0.3333  val. loss 0.5000, accuracy 0.2500"),
        (1000, "accuracy", "val. loss 0.5000, accuracy 0.2500"),
    ],
)
def test_80_columns_show_the_metric_rather_than_the_speed(monkeypatch, n_epochs, metric, shown):
    last = last_line(on_a_terminal(monkeypatch, 80, n_epochs, metric))
    assert re.fullmatch(rf"epoch +3/{n_epochs} ━\S{{9}} \d:\d\d:\d\d {re.escape(shown)}", last), (
        last
    )


def test_the_room_beside_the_bar_is_used_to_the_last_column(monkeypatch):
    metric = "balanced_accuracy"
    full = f"loss 0.3333  validation loss 0.5000  validation {metric} 0.2500  1,234,567 examples/s"
    beside = len("epoch   3/100 ━━━━━━━━━━ 0:00:00 ")
    for more, shown in ((0, full), (-1, full.rpartition("  ")[0])):
        last = last_line(on_a_terminal(monkeypatch, beside + len(full) + more, 100, metric))
        assert re.fullmatch(rf"epoch +3/100 \S{{10}} \d:\d\d:\d\d {re.escape(shown)}", last), last


def test_the_first_metric_outlives_the_others():
    epoch = Epoch(1, 0.5, 0.1, 0.75, {"r2": 0.25, "mae": 3.0}, examples_per_second=10)
    losses = "loss 0.5000  validation loss 0.7500"
    full = f"{losses}  validation r2 0.2500  validation mae 3.0000"
    assert fitting(epoch, 99) == f"{full}  10 examples/s"
    assert fitting(epoch, 85) == full
    assert fitting(epoch, 70) == f"{losses}  validation r2 0.2500"
    assert fitting(epoch, 70, "mae") == f"{losses}  validation mae 3.0000"
    assert fitting(epoch, 50, "loss") == "loss 0.5000  val. loss 0.7500, r2 0.2500"
    assert fitting(epoch, 30, "mae") == "val. loss 0.7500, mae 3.0000"
    without = Epoch(1, 0.5, 0.1, training_metrics={"r2": 0.25}, examples_per_second=10)
    assert fitting(without, 40) == "loss 0.5000  training r2 0.2500"
    assert fitting(without, 20) == "loss 0.5000"


def test_a_bar_on_a_terminal(monkeypatch):
    seen = on_a_terminal(monkeypatch, 120)
    plain = plain_text(seen)
    last = plain.rstrip().splitlines()[-1]
    assert re.search(r"epoch +3/100 .*━", last), plain
    assert "loss 0.3333" in last
    assert "\x1b[?25l" in seen, "the cursor is hidden"
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l"), "and shown again at the end"
    assert "epoch   1/100  loss" not in plain, "lines instead of a bar"


def test_a_terminal_that_is_closed_takes_the_bar_along(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        progress = ProgressReport(terminal)
        state = TrainingState(History(), 2, 100, "cpu")
        progress.begin(state)
        os.close(ours)
        state.history.epochs.append(Epoch(1, 0.5, 0.1))
        progress.epoch_end(state)
        progress.end(state)
        progress.epoch_end(state)  # a line now
        assert not terminal.isatty()


def test_results_printed_beside_the_bar_stay_on_standard_output(monkeypatch, capsys):
    """`python train.py > results`: what a callback prints does not go to the terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w", encoding="utf-8") as terminal:
        progress = ProgressReport(terminal)
        state = TrainingState(History(), 2, 100, "cpu")
        progress.begin(state)
        print("a result")
        progress.end(state)
    os.close(ours)
    assert capsys.readouterr().out == "a result\n"


def test_an_epoch_without_validation():
    assert str(Epoch(1, 0.5, 0.1, examples_per_second=10)) == "loss 0.5000  10 examples/s"
    assert str(Epoch(1, 0.5, 0.1)) == "loss 0.5000", "the speed is not known"


def test_a_function_is_called_after_each_epoch_only():
    seen = []
    callback = as_callback(seen.append)
    for method in (callback.begin, callback.epoch_end, callback.end):
        method(method.__name__)
    assert seen == ["epoch_end"]


def test_an_object_with_the_three_methods_is_taken_as_it_is():
    progress = ProgressReport(io.StringIO())
    assert as_callback(progress) is progress


@pytest.mark.parametrize("given", [3, "print", None, object()])
def test_what_cannot_be_one(given):
    with pytest.raises(ArgumentError, match=re.escape(f"epoch_end and end; found {given!r}")):
        as_callback(given)
