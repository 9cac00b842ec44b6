"""Callbacks: what may look at a training while it runs, and stop it."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeAlias, cast

from fastnn.errors import ArgumentError, arg
from fastnn.streams import SafeStream
from fastnn.text import clipped
from fastnn.training.history import Epoch, History

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@dataclass
class TrainingState:
    """What a callback sees. Set ``stop = True`` to end the training after this epoch.

    ``rate_factor`` multiplies the learning rates of the epochs to come.
    """

    history: History
    n_epochs: int
    n_examples: int
    device: str
    stop: bool = False
    rate_factor: float = 1.0

    @property
    def epoch(self) -> Epoch:
        """The epoch that has just ended."""
        return self.history.epochs[-1]

    def __repr__(self) -> str:
        done = len(self.history.epochs)
        last = f": {clipped(str(self.epoch), 200)}" if done else ""
        return (
            f"<TrainingState: epoch {done:,} of {self.n_epochs:,}, {self.n_examples:,} examples on "
            f"{self.device}{last}>"
        )


class Callback(Protocol):
    """An object with these three methods. A plain function of the state is one too."""

    def begin(self, state: TrainingState) -> None: ...
    def epoch_end(self, state: TrainingState) -> None: ...
    def end(self, state: TrainingState) -> None: ...


CallbackLike: TypeAlias = Callback | Callable[[TrainingState], Any]


@dataclass(frozen=True)
class _AfterEpoch:
    """A plain function, called after each epoch."""

    function: Callable[[TrainingState], Any]

    def begin(self, state: TrainingState) -> None:
        """Nothing."""

    def epoch_end(self, state: TrainingState) -> None:
        self.function(state)

    def end(self, state: TrainingState) -> None:
        """Nothing."""


def as_callback(given: CallbackLike) -> Callback:
    """Return ``given`` as a callback; raise ArgumentError if it cannot be one.

    >>> as_callback(print).epoch_end("an epoch")
    an epoch
    """
    if all(hasattr(given, name) for name in ("begin", "epoch_end", "end")):
        return given  # type: ignore[return-value]
    if callable(given):
        return _AfterEpoch(given)
    raise ArgumentError(
        f"each of {arg('callbacks')} is a function of the training state, or an object with the "
        f"methods begin, epoch_end and end; found {given!r}"
    )


def fitting(epoch: Epoch, width: int, monitor: str | None = None) -> str:
    """Return an epoch in at most ``width`` characters, if that can be.

    What gives way, in turn: the speed, all metrics but the one that is monitored (else the first),
    the long name of the validation part, the training loss.

    >>> epoch = Epoch(3, loss=0.25, learning_rate=0.001, validation_loss=0.5,
    ...               metrics={"accuracy": 0.9, "roc_auc": 0.75}, examples_per_second=12000)
    >>> fitting(epoch, 64)
    'loss 0.2500  validation loss 0.5000  validation accuracy 0.9000'
    >>> fitting(epoch, 47), fitting(epoch, 40, monitor="roc_auc")
    ('loss 0.2500  val. loss 0.5000, accuracy 0.9000', 'val. loss 0.5000, roc_auc 0.7500')
    """
    kept = monitor if monitor in epoch.metrics else next(iter(epoch.metrics), None)
    first = {} if kept is None else {kept: epoch.metrics[kept]}
    forms = [
        str(epoch),
        str(replace(epoch, examples_per_second=0.0)),
        str(replace(epoch, examples_per_second=0.0, metrics=first, training_metrics={})),
    ]
    if epoch.validation_loss is not None:
        said = [f"loss {epoch.validation_loss:.4f}", *(f"{m} {v:.4f}" for m, v in first.items())]
        validation = f"val. {', '.join(said)}"
        forms += [f"loss {epoch.loss:.4f}  {validation}", validation]
    # Where nothing fits, what is cut off begins with the loss.
    shortest = forms[-2] if epoch.validation_loss is not None else forms[-1]
    return next((form for form in forms if len(form) <= width), shortest)


#: Seconds between two lines where there is no terminal, and between two states of the line in a
#: notebook.
SECONDS, SECONDS_IN_A_NOTEBOOK = 5.0, 0.5


class ProgressReport:
    """A progress bar on a terminal; elsewhere lines; all on ``stream``, standard error.

    The lines are the first epoch, one every 5 seconds, and the last epoch. In a notebook they are
    one line, written anew twice a second. ``clock`` tells the seconds. A stream that cannot be
    written, or no longer, is switched off; the training goes on.
    """

    def __init__(
        self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        stream = sys.stderr if stream is None else stream
        self.stream, self._clock = SafeStream(stream), clock
        self._in_notebook = type(stream).__module__.partition(".")[0] == "ipykernel"
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._next = -math.inf  # when the next line is due
        self._unsaid = False  # whether there was an epoch since the last line
        self._length = 0  # of the line in a notebook

    def begin(self, state: TrainingState) -> None:
        """Start the bar, if the stream is a terminal."""
        if self._in_notebook or not self.stream.isatty():
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.table import Column

        def fixed() -> Column:
            return Column(no_wrap=True)

        # Only the description gives way in a narrow terminal, from its end.
        self._bar = Progress(
            TextColumn("epoch", table_column=fixed()),
            MofNCompleteColumn(table_column=fixed()),
            BarColumn(bar_width=10, table_column=Column(min_width=10)),
            TimeRemainingColumn(table_column=fixed()),
            TextColumn(
                "{task.description}",
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            console=Console(file=cast(TextIO, self.stream)),
            expand=True,
            # what is printed on the same terminal goes above the bar, results elsewhere stay there
            redirect_stdout=SafeStream(sys.stdout).isatty(),
        )
        self._task = self._bar.add_task("", total=state.n_epochs)
        self._bar.start()

    def epoch_end(self, state: TrainingState) -> None:
        """Show the epoch that has just ended."""
        if self._bar is not None and self._task is not None:
            # beside it: the word, the counts, the bar, the time left, and a space after each
            beside = len("epoch") + 2 * len(str(state.n_epochs)) + 1 + 10 + len("0:00:00") + 4
            room = self._bar.console.width - beside
            text = fitting(state.epoch, room, state.history.monitor)
            self._bar.update(self._task, completed=state.epoch.epoch, description=text)
            return
        self._unsaid, now = True, self._clock()
        if now >= self._next:
            self._next = now + (SECONDS_IN_A_NOTEBOOK if self._in_notebook else SECONDS)
            self._say(state)

    def _say(self, state: TrainingState) -> None:
        number = f"{state.epoch.epoch:{len(str(state.n_epochs))}}/{state.n_epochs}"
        line = f"epoch {number}  {state.epoch}"
        if self._in_notebook:  # back to its beginning, and blanks over what is left of the last one
            self.stream.write(f"\r{line:{self._length}}")
            self._length = len(line)
        else:
            self.stream.write(f"{line}\n")
        self.stream.flush()
        self._unsaid = False

    def end(self, state: TrainingState) -> None:
        """Take the bar down, leaving its last state; or write the last epoch."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        elif self._unsaid:
            self._say(state)
        if self._length:
            self.stream.write("\n")
            self.stream.flush()
        self._next, self._length = -math.inf, 0
