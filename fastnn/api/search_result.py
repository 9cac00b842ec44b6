"""What a search found: its candidates, ranked, as a table, and as it shows itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnn.api.train import Training
from fastnn.faces import Face, table_rows
from fastnn.recipe.forms import written
from fastnn.text import clipped, engine_text, number


@dataclass(frozen=True)
class Candidate:
    """One combination and how it did on the validation part, over folds the mean."""

    config: Mapping[str, Any]
    score: float  # what is compared; NaN if it cannot be
    scores: tuple[float, ...]  # of each fold
    metrics: Mapping[str, float]
    best_epoch: float
    stopped: str
    seconds: float  # of the training steps

    @property
    def deviation(self) -> float:
        """Standard deviation of the scores over the folds."""
        return float(np.std(self.scores))

    def __repr__(self) -> str:
        judged = ", ".join(f"{name} {number(value)}" for name, value in self.metrics.items())
        return f"<Candidate {clipped(config_text(self.config), 120)}: {clipped(judged, 120)}>"


@dataclass(frozen=True, eq=False, repr=False)
class Search:
    """What `search` found.

    ``candidates`` in the order of the grid; ``training``: that of the best, the first fold's
    where there are folds, and the only one that was judged on the test part.

    A loop over a search gives the ranked candidates as rows, dicts of the names of `columns`, so
    that ``pandas.DataFrame(found)`` and ``polars.DataFrame(found)`` are tables of them.

    >>> from fastnn.api.search import search
    >>> found = search("diabetes", grid={"seed": [0, 1]}, hidden_layer_sizes=[4], epochs=1)
    >>> list(found.columns())
    ['rank', 'seed', 'validation loss', 'validation r2', 'validation rmse', 'validation mae',
     'best_epoch', 'stopped', 'seconds']
    """

    by: str
    greater_is_better: bool
    candidates: tuple[Candidate, ...]
    best: int
    training: Training

    @property
    def engine(self) -> Mapping[str, Any] | None:
        """What ran the steps of the best training, as `Training.engine` says it."""
        return self.training.engine

    @property
    def ranked(self) -> list[Candidate]:
        """The candidates, best first; equal ones as in the grid, those without a score last."""
        return [self.candidates[i] for i in ranking(self.candidates, self.greater_is_better)]

    def columns(self) -> dict[str, list[Any]]:
        """Return the ranked candidates as columns, ready for a data frame or a CSV file."""
        rows = self.ranked
        names = dict.fromkeys(name for c in rows for name in c.config)
        table: dict[str, list[Any]] = {"rank": list(range(1, len(rows) + 1))}
        table |= {name: [c.config.get(name) for c in rows] for name in names}
        table |= {f"validation {name}": [c.metrics[name] for c in rows] for name in rows[0].metrics}
        if len(rows[0].scores) > 1:
            table[f"deviation of {self.by}"] = [c.deviation for c in rows]
        for name in ("best_epoch", "stopped", "seconds"):
            table[name] = [getattr(c, name) for c in rows]
        return table

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return table_rows(self.columns())

    def ranked_rows(self) -> list[list[str]]:
        """Return the ranked candidates for people: what differs, how they did, how they ended.

        The first row has the names of the columns, first of the metrics the one that is compared.

        >>> from fastnn.api.search import search
        >>> search("diabetes", grid={"seed": [0, 1]}, epochs=1, by="r2").ranked_rows()[0]
        ['', 'seed', 'r2', 'loss', 'rmse', 'mae', 'epoch', 'ended']
        """
        ranked = self.ranked
        names, metrics = [*ranked[0].config], [*ranked[0].metrics]
        metrics.sort(key=lambda name: name != self.by)
        rows = [["", *names, *metrics, "epoch", "ended"]]
        for place, c in enumerate(ranked, start=1):
            values = [written(c.config[name]) for name in names]
            judged = [number(c.metrics[name]) for name in metrics]
            rows.append([str(place), *values, *judged, f"{c.best_epoch:.3g}", c.stopped])
        return rows

    def _face(self) -> Face:
        best, better = self.candidates[self.best], "highest" if self.greater_is_better else "lowest"
        n, folds = len(self.candidates), len(best.scores)
        facts = {
            "combinations": f"{n:,}, each in {folds} folds" if folds > 1 else f"{n:,}",
            "compared by": f"the {better} validation {self.by}",
            "best": config_text(best.config),
        }
        for part, judged in self.training.report.items():
            if part == "test":
                facts["test part"] = ", ".join(f"{k} {number(v)}" for k, v in judged.items())
        if said := engine_text(self.engine):
            facts["engine"] = said
        return Face("Search", facts, self.ranked_rows(), more="combinations")

    def __repr__(self) -> str:
        return self._face().text()

    def _repr_html_(self) -> str:
        return self._face().html()


def config_text(config: Mapping[str, Any]) -> str:
    """Return a combination in words.

    >>> config_text({"learning_rate": 0.01, "hidden_layer_sizes": (64, 32)})
    'learning rate 0.01, hidden layer sizes [64,32]'
    """
    return ", ".join(f"{name.replace('_', ' ')} {written(value)}" for name, value in config.items())


def ranking(candidates: Sequence[Candidate], greater: bool) -> list[int]:
    """Return the places of the candidates, best first; those without a score last.

    >>> ranking([], greater=True)
    []
    """

    def key(i: int) -> tuple[bool, float]:
        score = candidates[i].score
        return math.isnan(score), -score if greater else score

    return sorted(range(len(candidates)), key=key)
