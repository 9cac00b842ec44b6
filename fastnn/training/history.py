"""What happened in a training: one record per epoch (N26)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.protocols import EngineChoice
from fastnn.data.state import check_metadata, is_count, is_text
from fastnn.errors import ModelFileError

#: Why a training ended.
ENDINGS = (
    "epochs", "early_stopping", "converged", "interrupted", "diverged", "callback", "failed",
    "running",
)  # fmt: skip


@dataclass(frozen=True)
class Epoch:
    """One pass through the training examples.

    ``loss`` is the mean cost J of its batches, penalty included, weighted by their sizes;
    ``validation_loss`` is without penalty, dropout and label smoothing's effect included.
    ``metrics`` are those of the validation part, ``training_metrics`` those of the training part
    after the epoch, where they were asked for. Times are of the training steps alone.
    """

    epoch: int  # from 1
    loss: float
    learning_rate: float  # of the last step
    validation_loss: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    examples_per_second: float = 0.0
    batch_costs: npt.NDArray[np.float64] | None = None  # J of every batch
    training_metrics: Mapping[str, float] = field(default_factory=dict)

    def value(self, monitor: str) -> float:
        """Return ``validation_loss`` for "loss", or the metric of that name."""
        if monitor == "loss":
            return math.nan if self.validation_loss is None else self.validation_loss
        return self.metrics[monitor]


@dataclass
class History:
    """The epochs of a training, which of them was best and why it ended.

    >>> history = History(monitor="loss")
    >>> history.epochs.append(Epoch(1, loss=0.7, learning_rate=0.001, validation_loss=0.6))
    >>> history.columns()["validation_loss"]
    [0.6]
    """

    monitor: str | None = None  # what `best_epoch` is the best of; None: the last epoch counts
    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int | None = None  # from 1; the weights of this epoch are the model's
    stopped: str = "running"
    engine: Mapping[str, Any] | None = None  # what ran the steps, on how many threads, and why

    def note(self, choice: EngineChoice) -> None:
        """Note what runs the training, and why."""
        self.engine = {
            "engine": choice.engine, "threads": choice.threads, "reason": choice.reason,
        }  # fmt: skip

    def columns(self) -> dict[str, list[Any]]:
        """Return the history as columns, a row per epoch: ready for a data frame."""
        names = ("epoch", "loss", "validation_loss", "learning_rate", "seconds",
                 "examples_per_second")  # fmt: skip
        table = {name: [getattr(e, name) for e in self.epochs] for name in names}
        metrics = self.epochs[0].metrics if self.epochs else {}
        return {**table, **{m: [e.metrics[m] for e in self.epochs] for m in metrics}}

    def even(self) -> History:
        """Return a history whose epochs all have the same metrics, nan where one had none.

        Some of the trainings that it is of may have had a validation part, and others not.

        >>> epochs = [Epoch(1, 0.5, 0.1), Epoch(2, 0.4, 0.1, 0.6, {"f1": 0.8})]
        >>> History(epochs=epochs).even().columns()["f1"]
        [nan, 0.8]
        """
        names = list(dict.fromkeys(name for e in self.epochs for name in e.metrics))
        epochs = [
            replace(e, metrics={name: e.metrics.get(name, math.nan) for name in names})
            for e in self.epochs
        ]
        return replace(self, epochs=epochs)

    def to_json(self) -> dict[str, Any]:
        """Return what a model file keeps: not times, batches' costs and training metrics.

        Times differ from run to run; without them the same seed gives the same file.
        """
        said = {} if self.engine is None else {"engine": dict(self.engine)}
        return {
            **said,
            "monitor": self.monitor,
            "best_epoch": self.best_epoch,
            "stopped": self.stopped,
            "epochs": [
                {
                    "epoch": e.epoch,
                    "loss": _finite(e.loss),
                    "validation_loss": _finite(e.validation_loss),
                    "learning_rate": e.learning_rate,
                    "metrics": {k: _finite(v) for k, v in e.metrics.items()},
                }
                for e in self.epochs
            ],
        }

    @staticmethod
    def from_json(data: Any) -> History:
        """Return the history of `to_json`; anything else raises ModelFileError.

        >>> History.from_json(History().to_json()).stopped
        'running'
        """
        engine = data.get("engine") if isinstance(data, dict) else None  # since version 0.2
        if engine is not None:
            data = {name: value for name, value in data.items() if name != "engine"}
            check_metadata(
                engine,
                {"engine": is_text, "threads": is_count, "reason": is_text},
                "history, engine",
            )
        check_metadata(
            data,
            {
                "monitor": lambda v: v is None or is_text(v),
                "best_epoch": lambda v: v is None or is_count(v),
                "stopped": lambda v: v in ENDINGS,
                "epochs": lambda v: isinstance(v, list),
            },
            "history",
        )
        for n, record in enumerate(data["epochs"], start=1):
            check_metadata(
                record,
                {
                    "epoch": is_count,
                    "loss": _is_number,
                    "validation_loss": _is_number,
                    "learning_rate": lambda v: type(v) is float,
                    "metrics": lambda v: isinstance(v, dict) and all(map(_is_number, v.values())),
                },
                f"history, epoch {n}",
            )
        epochs = [
            Epoch(
                epoch=e["epoch"],
                loss=_number(e["loss"]),
                learning_rate=e["learning_rate"],
                validation_loss=e["validation_loss"],
                metrics={name: _number(v) for name, v in e["metrics"].items()},
            )
            for e in data["epochs"]
        ]
        if [e.epoch for e in epochs] != list(range(1, len(epochs) + 1)):
            raise ModelFileError("history: the epochs are not numbered from 1; a damaged file")
        if (data["best_epoch"] or 0) > len(epochs):
            raise ModelFileError(f"history: there is no epoch {data['best_epoch']}")
        if any(set(e.metrics) != set(epochs[0].metrics) for e in epochs):
            raise ModelFileError("history: the epochs have different metrics; a damaged file")
        return History(data["monitor"], epochs, data["best_epoch"], data["stopped"], engine)


def _finite(value: float | None) -> float | None:
    """JSON has no NaN: an undefined metric is null."""
    return None if value is None or not math.isfinite(value) else float(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _is_number(value: object) -> bool:
    return value is None or type(value) is float
