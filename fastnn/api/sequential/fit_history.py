"""What a fit returns: the epochs under Keras' keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastnn.diagnosis.diagnosis import Diagnosis
from fastnn.diagnosis.findings import Finding
from fastnn.faces import MOST_ROWS, Curve, Face, table_rows
from fastnn.text import clipped
from fastnn.training.history import ENDINGS, History


@dataclass(frozen=True, repr=False)
class FitHistory:
    """The epochs of one fit.

    ``history``: "loss", each metric, and with a validation part "val_loss" and "val_" and each
    metric: a list with a value per epoch. ``epoch``: their numbers, from 0, counted over all
    fits since `Sequential.compile`. ``stopped``: why the fit ended. ``engine``: what ran the steps,
    on how many "threads", and the "reason". ``diagnosis``: what the doctor saw, of a fit with
    ``doctor=True``, and ``findings`` what is wrong, empty without one.
    ``pandas.DataFrame(fitted)`` and ``polars.DataFrame(fitted)`` are tables with a row per epoch.

    >>> FitHistory({"loss": [0.5, 0.25]}, [0, 1], "epochs").history["loss"]
    [0.5, 0.25]
    """

    history: dict[str, list[float]]
    epoch: list[int]
    stopped: str
    engine: Mapping[str, Any] | None = None
    diagnosis: Diagnosis | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong, as far as the doctor found it."""
        return () if self.diagnosis is None else self.diagnosis.findings

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return table_rows({"epoch": self.epoch, **self.history})

    def _face(self) -> Face:
        curves = {clipped(key, 30): Curve(values) for key, values in self.history.items()}
        shown = {key: curves[key] for key in [*curves][:MOST_ROWS]}
        ending = ENDINGS.get(self.stopped, self.stopped)
        facts: dict[str, str | Curve] = {"epochs": f"{len(self.epoch)}, {ending}", **shown}
        if self.findings:
            facts["found"] = ", ".join(finding.name for finding in self.findings)
        return Face("FitHistory", facts)

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()


def fit_history(
    whole: History, done: int, keys: Mapping[str, str], diagnosis: Diagnosis | None = None
) -> FitHistory:
    """Return the epochs after those ``done`` before, under Keras' keys.

    ``keys``: metric to the name that the user gave it; ``diagnosis``: of a fit with a doctor.

    >>> from fastnn.training.history import Epoch
    >>> epoch = Epoch(1, 0.5, 0.1, 0.6, {"accuracy": 0.8}, training_metrics={"accuracy": 0.9})
    >>> fit_history(History(epochs=[epoch]), 0, {"accuracy": "acc"}).history
    {'loss': [0.5], 'acc': [0.9], 'val_loss': [0.6], 'val_acc': [0.8]}
    """
    epochs = whole.epochs[done:]
    columns = {"loss": [e.loss for e in epochs]}
    columns |= {key: [e.training_metrics[name] for e in epochs] for name, key in keys.items()}
    losses = [e.validation_loss for e in epochs if e.validation_loss is not None]
    if losses:
        columns["val_loss"] = losses
        columns |= {f"val_{key}": [e.metrics[name] for e in epochs] for name, key in keys.items()}
    numbers = [e.epoch - 1 for e in epochs]
    return FitHistory(columns, numbers, whole.stopped, whole.engine, diagnosis)
