"""What `Sequential.fit` shows while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn.api.sequential.keywords import one_of
from fastnn.streams import say
from fastnn.training.callbacks import CallbackLike, ProgressReport, TrainingState, describe


def show_epoch(state: TrainingState) -> None:
    """Print the epoch that has just ended in one line, on standard error."""
    epoch = state.epoch
    say(f"epoch {epoch.epoch}/{state.n_epochs}  {describe(epoch)}")


_VERBOSE: dict[Any, Callable[[], list[CallbackLike]]] = {
    0: list,
    1: lambda: [ProgressReport()],
    2: lambda: [show_epoch],
}


def reports(verbose: object) -> list[CallbackLike]:
    """Return the callbacks for 0 (nothing), 1 (a bar on a terminal, else lines) and 2 (lines).

    >>> reports(0)
    []
    >>> reports("loud")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: verbose must be 0 or 1 or 2, found 'loud'
    """
    return one_of("verbose", verbose, _VERBOSE)()
