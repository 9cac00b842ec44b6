"""What happened in a training: one record per epoch (N26)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.data.state import check_metadata, is_count, is_text
from fastnn.errors import ModelFileError
from fastnn.faces import Curve, Face, table_rows
from fastnn.pickles import Pickled
from fastnn.text import clipped, engine_text

#: Why a training ended, and the same in words after a number of epochs.
ENDINGS = {
    "epochs": "all that were asked for",
    "early_stopping": "then nothing got better",
    "converged": "then converged",
    "time_limit": "then the time was over",
    "interrupted": "then interrupted",
    "diverged": "then the loss was no longer a number",
    "callback": "then stopped by a callback",
    "failed": "then an error ended it",
    "running": "not finished",
}

#: Curves of metrics that a history shows of itself.
_MOST_CURVES = 8


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

    def __str__(self) -> str:
        """The losses, the metrics and the speed, in one line."""
        parts = [f"loss {self.loss:.4f}"]
        parts += [f"training {name} {value:.4f}" for name, value in self.training_metrics.items()]
        if self.validation_loss is not None:
            parts.append(f"validation loss {self.validation_loss:.4f}")
        parts += [f"validation {name} {value:.4f}" for name, value in self.metrics.items()]
        if self.examples_per_second:
            parts.append(f"{self.examples_per_second:,.0f} examples/s")
        return "  ".join(parts)

    def __repr__(self) -> str:
        return f"<Epoch {self.epoch}: {clipped(str(self), 200)}>"


@dataclass
class History(Pickled):
    """The epochs of a training, which of them was best and why it ended.

    A loop over a history gives its epochs as rows, dicts of the names of `columns`, so that
    ``pandas.DataFrame(history)`` and ``polars.DataFrame(history)`` are tables of them.

    >>> history = History(monitor="loss")
    >>> history.epochs.append(Epoch(1, loss=0.7, learning_rate=0.001, validation_loss=0.6))
    >>> history.columns()["validation_loss"]
    [0.6]
    >>> [row["loss"] for row in history]
    [0.7]
    """

    monitor: str | None = None  # what `best_epoch` is the best of; None: the last epoch counts
    epochs: list[Epoch] = field(default_factory=list)
    best_epoch: int | None = None  # from 1; the weights of this epoch are the model's
    stopped: str = "running"
    engine: Mapping[str, Any] | None = None  # what ran the steps, on how many threads, and why

    def columns(self) -> dict[str, list[Any]]:
        """Return the history as columns, a value per epoch.

        "loss" is that of the training part; "validation_loss" and "validation_" and each metric
        are those of the validation part, "training_" and each metric those of the training part,
        where they were asked for. None stands for what an epoch does not have.

        >>> epoch = Epoch(1, 0.5, 0.1, 0.6, {"f1": 0.8}, training_metrics={"f1": 0.9})
        >>> columns = History(epochs=[epoch]).columns()
        >>> columns["loss"], columns["validation_f1"], columns["training_f1"]
        ([0.5], [0.8], [0.9])
        """
        names = ("epoch", "loss", "validation_loss", "learning_rate", "seconds",
                 "examples_per_second")  # fmt: skip
        table = {name: [getattr(e, name) for e in self.epochs] for name in names}
        for part, of in (("training", "training_metrics"), ("validation", "metrics")):
            rows = [getattr(e, of) for e in self.epochs]
            for metric in dict.fromkeys(name for row in rows for name in row):
                table[f"{part}_{metric}"] = [row.get(metric) for row in rows]
        return table

    def batch_columns(self) -> dict[str, list[Any]]:
        """Return the cost J of every batch (N26) as columns: its epoch, its number in it, both
        from 1, and the cost.

        A model file does not keep them: the columns of a history that was read from one are empty.

        >>> History(epochs=[Epoch(1, 0.5, 0.1, batch_costs=np.array([0.75, 0.25]))]).batch_columns()
        {'epoch': [1, 1], 'batch': [1, 2], 'cost': [0.75, 0.25]}
        """
        rows = [
            (e.epoch, i, float(J))
            for e in self.epochs
            if e.batch_costs is not None
            for i, J in enumerate(e.batch_costs, start=1)
        ]
        names = ("epoch", "batch", "cost")
        return {name: [row[j] for row in rows] for j, name in enumerate(names)}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return table_rows(self.columns())

    def facts(self) -> dict[str, str | Curve]:
        """Return in words how the training went, and its curves.

        >>> History(epochs=[Epoch(1, 0.5, 0.1)], stopped="epochs", best_epoch=1).facts()["epochs"]
        '1, all that were asked for, best 1'
        """
        best = ""
        if self.best_epoch is not None:
            by = f" by the validation {self.monitor}" if self.monitor else ""
            best = f", best {self.best_epoch}{by}"
        facts: dict[str, str | Curve] = {
            "epochs": f"{len(self.epochs)}, {ENDINGS.get(self.stopped, self.stopped)}{best}"
        }
        columns = self.columns()
        for name in ("loss", "validation_loss"):
            if any(value is not None for value in columns[name]):
                facts[name.replace("_", " ")] = Curve(columns[name])
        return facts

    def _face(self) -> Face:
        if not self.epochs and self.stopped == "running":
            return Face("History", {"epochs": "none"})
        facts = self.facts()
        metrics = {
            clipped(f"{part} {name.removeprefix(f'{part}_')}", 30): values
            for part in ("training", "validation")
            for name, values in self.columns().items()
            if name.startswith(f"{part}_") and name != "validation_loss"
        }
        facts |= {name: Curve(metrics[name]) for name in [*metrics][:_MOST_CURVES]}
        if len(metrics) > _MOST_CURVES:
            facts["metrics"] = f"{len(metrics)} in all"
        rates = [e.learning_rate for e in self.epochs]
        if rates:
            facts["learning rate"] = f"{rates[0]:g}" if len({*rates}) == 1 else Curve(rates)
        if said := engine_text(self.engine):
            facts["engine"] = said
        return Face("History", facts)

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()

    def even(self) -> History:
        """Return a history whose epochs all have the same metrics, nan where one had none.

        Some of the trainings that it is of may have had a validation part, and others not.

        >>> epochs = [Epoch(1, 0.5, 0.1), Epoch(2, 0.4, 0.1, 0.6, {"f1": 0.8})]
        >>> History(epochs=epochs).even().columns()["validation_f1"]
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
                "stopped": lambda v: is_text(v) and v in ENDINGS,
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
