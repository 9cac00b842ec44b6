"""What a training leaves for its report: what was read, and some rows of each part.

The rows are few, so that a training that is kept does not keep its data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fastnn.backend.random import generator
from fastnn.data.categories import gaps_of
from fastnn.data.statistics import columns_with_gaps
from fastnn.data.table import Table
from fastnn.data.targets import Targets
from fastnn.errors import shown
from fastnn.preparation.examples import Examples, Source

Array = npt.NDArray[Any]

#: Of each part so many rows are kept, and no more than so many numbers; of the training part, whose
#: rows are for a look at the layers, fewer.
MOST_ROWS, MOST_NUMBERS, MOST_OF_TRAINING = 20_000, 2**20, 1_000


@dataclass(frozen=True, eq=False)
class Record:
    """What was read for a training, and rows of its parts.

    ``rows``: how many each part has; ``gaps``: how many values each column lacks, by part, where it
    lacks any; ``given``: the parts that were the user's own; ``dropped``: columns that were left
    out; ``weighted``: whether examples have weights; ``prior`` (K,): of the training part the
    weighted shares of the classes or of the labels, or the mean of each target in its own units;
    ``samples``: rows of each part. ``unlabelled``: how many rows were left out because they have no
    target, of the "data" and of parts that were given, where there were any; ``whole_numbers``:
    that many different ones are the target, if it could be classes as well as values and nobody
    said which; ``rule``: that of the split by a column, such as "time:day".
    """

    rows: Mapping[str, int]
    gaps: Mapping[str, Mapping[str, int]]
    given: tuple[str, ...]
    dropped: tuple[str, ...]
    weighted: bool
    prior: Array
    samples: Mapping[str, Examples]
    unlabelled: Mapping[str, int] = field(default_factory=dict)
    whole_numbers: int = 0
    rule: str | None = None

    @property
    def divided(self) -> str:
        """By which column the parts were told apart, in words; nothing if at random."""
        kind, _, name = (self.rule or "").partition(":")
        words = {"time": "in the order of {}", "group": "each {} in one part"}
        return words[kind].format(shown(name, 30)) if kind else ""

    @staticmethod
    def of(
        source: Source,
        parts: Mapping[str, Examples],
        targets: Targets,
        Y: Array,
        given: tuple[str, ...],
        seed: int,
        unused: Collection[str] = (),
        rule: str | None = None,
    ) -> Record:
        """Return the record of parts; ``Y``: the encoded target of the training part.

        ``seed`` draws the rows; ``unused``: columns whose gaps do not matter; ``rule``: of
        the split.

        >>> from fastnn.preparation.examples import read_source
        >>> source = read_source("diabetes")
        >>> targets = Targets.fit(source.examples.target, source.task)
        >>> Y = targets.encode(source.examples.target)
        >>> record = Record.of(source, {"train": source.examples}, targets, Y, (), seed=0)
        >>> record.rows, record.prior.round(1), len(record.samples["train"])
        ({'train': 442}, array([152.1]), 442)
        """
        train = parts["train"]
        wide = max(len(train.table.names), targets.n_outputs)
        most = max(min(MOST_ROWS, MOST_NUMBERS // wide), 500)
        limits = dict.fromkeys(parts, most) | {"train": min(most, MOST_OF_TRAINING)}
        lacking = {name: gaps(part.table) for name, part in parts.items()}
        columns = {c: 0 for found in lacking.values() for c in found if c not in unused}
        read = {"data": source.examples, **{name: parts[name] for name in given}}
        return Record(
            {name: len(part) for name, part in parts.items()},
            {c: {name: found.get(c, 0) for name, found in lacking.items()} for c in columns},
            given,
            tuple(source.columns.get("drop", ())),
            train.weights is not None,
            prior(targets, Y, train.flat_weights),
            {name: drawn(part, limits[name], seed) for name, part in parts.items()},
            {name: part.left_out for name, part in read.items() if part.left_out},
            source.whole_numbers,
            rule,
        )


def gaps(table: Table) -> dict[str, int]:
    """Return how many values each column lacks, of those that lack any.

    >>> gaps(Table.from_columns({"x": np.array([1.0, np.nan]), "y": np.array([1.0, 2.0])}))
    {'x': 1}
    """
    found = {}
    if table.numeric_names:
        for j in np.flatnonzero(columns_with_gaps(table.numeric)):
            found[table.numeric_names[j]] = int(np.isnan(table.numeric[:, j]).sum())
    for name, texts in table.categorical.items():
        if n := int(gaps_of(texts).sum()):
            found[name] = n
    return found


def prior(targets: Targets, Y: Array, weights: Array | None = None) -> Array:
    """Return the shares (K,) of the classes or labels, or the mean (k,) of each target.

    ``Y``: the encoded target, `Targets.encode`; ``weights``: (N,).

    >>> targets = Targets.fit(["a", "b"], "binary")
    >>> prior(targets, targets.encode(["a", "b", "b", "b"]))
    array([0.25, 0.75])
    """
    if targets.classes is not None:
        index = Y[:, 0].astype(np.int64)
        counts = np.bincount(index, weights, minlength=len(targets.classes))
        return np.asarray(counts / counts.sum())
    mean = np.average(Y.astype(np.float64), axis=0, weights=weights)
    return targets.inverse(mean).reshape(-1) if targets.task == "regression" else mean


def drawn(examples: Examples, most: int, seed: int) -> Examples:
    """Return at most so many examples, drawn at random, in their order.

    >>> source = Examples(Table.from_columns({"x": np.arange(9.0)}), np.arange(9.0))
    >>> some = drawn(source, 3, seed=0)
    >>> len(some), bool((some.index == some.target).all())
    (3, True)
    """
    if len(examples) <= most:
        return examples
    chosen = generator(seed, "report").choice(len(examples), most, replace=False, shuffle=False)
    return examples.rows(np.sort(chosen))
