"""The account of what a training read: in a few lines for people, and as a document."""

from __future__ import annotations

from typing import Any

from fastnn.data.preprocess import Features
from fastnn.data.table import listed
from fastnn.data.targets import Targets
from fastnn.data.useless import REASONS
from fastnn.errors import Spelling, arg, in_python, shown, spell
from fastnn.preparation.record import Record
from fastnn.text import counted

#: Why columns are left out, in a word or two.
_WHY = {"empty": "empty", "text": "nearly all different", "asked": "as asked"}
#: Names in a line.
_IN_LINE = 6


def account(
    record: Record, features: Features, targets: Targets, spelling: Spelling = in_python
) -> dict[str, str]:
    """Return what was read, left out and filled, as at most six names and sentences.

    ``spelling``: how options are written.

    >>> from fastnn.api.train import train
    >>> training = train("breast_cancer", epochs=1)
    >>> model = training.model
    >>> for name, text in account(training.record, model.features, model.targets).items():
    ...     print(f"{name:8} {text}")
    rows     569: 341 train, 114 validation, 114 test
    columns  30 numeric, which become 30 inputs
    target   2 classes: 1 63%, 0 37%
    """
    parts = ", ".join(f"{n:,} {part}" for part, n in record.rows.items())
    divided = f"; {record.divided}" * bool(record.rule)
    found = {"rows": f"{sum(record.rows.values()):,}: {parts}{divided}"}
    n_numbers = len(features.numeric) - len(features.dates)
    kinds = [f"{n_numbers:,} numeric"] * bool(n_numbers)
    kinds += [f"{len(features.dates):,} with dates or times"] * bool(features.dates)
    kinds += [f"{len(features.categories):,} with categories"] * bool(features.categories)
    weighted = ""
    if record.weighted:
        weighted = f"; weights: {shown(features.weight)}" if features.weight else "; weights given"
    n_columns = len(features.numeric) + len(features.categories)
    become = f"become{'s' * (n_columns == 1)} {counted(features.n_features, 'input')}"
    found["columns"] = f"{_joined(kinds)}, which {become}{weighted}"
    if gone := _left_out(record, features):
        found["left out"] = "; ".join(gone)
    if record.gaps:
        counts = {name: sum(of.values()) for name, of in record.gaps.items()}
        ranked = sorted(counts, key=lambda name: -counts[name])
        each = [f"{shown(name, 30)} {counts[name]:,}" for name in ranked]
        found["gaps"] = f"filled: {listed(each, _IN_LINE)}"
    found["target"] = _target(record, targets, spelling)
    return found


def _joined(kinds: list[str]) -> str:
    *others, last = kinds
    return f"{', '.join(others)} and {last}" if others else last


def _left_out(record: Record, features: Features) -> list[str]:
    n = sum(record.unlabelled.values())
    found = [f"{counted(n, 'row')} without a target"] if n else []
    for why, names in _columns_left_out(record, features).items():
        if names:
            found.append(f"{_WHY[why]}: {listed([shown(name, 30) for name in names], _IN_LINE)}")
    return found


def _columns_left_out(record: Record, features: Features) -> dict[str, list[str]]:
    """The columns that are no inputs, by the reason."""
    found = {why: [n for n, own in features.left_out.items() if own == why] for why in REASONS}
    return {**found, "asked": list(record.dropped)}


def _target(record: Record, targets: Targets, spelling: Spelling) -> str:
    prior, whole = record.prior, record.whole_numbers
    if targets.classes is not None:
        ranked = sorted(range(len(prior)), key=lambda k: -prior[k])
        shares = [f"{shown(targets.classes[k].item(), 30)} {prior[k]:.0%}" for k in ranked]
        other = spell(f" ({arg('task', 'regression')} takes them as values)", spelling)
        return f"{len(prior):,} classes{other * bool(whole)}: {listed(shares, _IN_LINE)}"
    if targets.task == "multilabel":
        return f"{len(prior):,} labels, of which {prior.sum():.2g} are 1 in a row on average"
    said = "values" if len(prior) == 1 else f"{len(prior):,} values"
    # that whole numbers may be meant as classes was told before the training: a note of `set_up`
    return said + f" of mean {listed([f'{mean:.4g}' for mean in prior], _IN_LINE)}"


def account_json(record: Record, features: Features, targets: Targets) -> dict[str, Any]:
    """Return the same as a document: names of columns by kind, counts by part.

    >>> from fastnn.api.train import train
    >>> training = train("diabetes", epochs=1)
    >>> account_json(training.record, training.model.features, training.model.targets)["rows"]
    {'train': 265, 'validation': 89, 'test': 88}
    """
    found: dict[str, Any] = {
        "rows": dict(record.rows),
        "rows_without_target": dict(record.unlabelled),
        "columns": {
            "numeric": [name for name in features.numeric if name not in features.dates],
            "dates": list(features.dates),
            "categorical": list(features.categories),
        },
        "split": record.rule,
        "left_out": _columns_left_out(record, features),
        "gaps": {name: dict(of) for name, of in record.gaps.items()},
        "inputs": features.n_features,
        "weights": features.weight or record.weighted,
        "whole_numbers_in_target": record.whole_numbers or None,
    }
    if targets.classes is not None:
        shares = zip(targets.classes.tolist(), record.prior.tolist(), strict=True)
        found["classes"] = [{"label": label, "share": share} for label, share in shares]
    return found
