"""What a `Sequential` shows of its work, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fastnn.api.sequential.keywords import one_of
from fastnn.streams import say
from fastnn.training.callbacks import CallbackLike, ProgressReport, TrainingState


def show_epoch(state: TrainingState) -> None:
    """Print the epoch that has just ended in one line, on standard error."""
    say(f"epoch {state.epoch.epoch}/{state.n_epochs}  {state.epoch}")


_VERBOSE: dict[Any, Callable[[], list[CallbackLike]]] = {
    0: list,
    1: lambda: [ProgressReport()],
    2: lambda: [show_epoch],
    "auto": lambda: [ProgressReport()],
}


def reports(verbose: object) -> list[CallbackLike]:
    """Return the callbacks of a fit: for 0 none, for 1 and "auto" a bar or a line now and then, for
    2 a line per epoch.

    >>> reports(0)
    []
    >>> reports("loud")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: verbose must be 0 or 1 or 2 or 'auto', found 'loud'
    """
    return one_of("verbose", verbose, _VERBOSE)()


def show_result(verbose: object, what: str, values: Mapping[str, float]) -> None:
    """Print what an evaluation or a prediction came to in one line, unless ``verbose`` is 0.

    >>> show_result(0, "evaluate", {"loss": 0.5})
    """
    if one_of("verbose", verbose, _VERBOSE)():
        shown = ", ".join(f"{name} {value:.5g}" for name, value in values.items())
        say(f"{what}: {shown}")
