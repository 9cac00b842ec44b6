"""What ``fastnn train`` and ``fastnn search`` print of a training: what it read, how good it is."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from fastnn.cli.train_arguments import as_flag

if TYPE_CHECKING:
    from fastnn.api.train import Training


#: The account of what was read has no more.
MOST_LINES = 12


def read_text(training: Training) -> str:
    """Return what was read, a line or some for each fact, at most twelve; '' if it is not known.

    >>> from fastnn.api.train import train
    >>> print(read_text(train("diabetes", epochs=1)))
    rows     442: 265 train, 89 validation, 88 test
    columns  10 numeric, which become 10 inputs
    target   values of mean ...
    """
    from fastnn.preparation.account import account
    from fastnn.text import pairs

    model, record = training.model, training.record
    if record is None:
        return ""
    facts = account(record, model.features, model.targets, as_flag)
    texts = (pairs(facts, most=lines) for lines in (4, 3, 2, 1))  # of each fact
    return next(text for text in texts if len(text.splitlines()) <= MOST_LINES)


def quality_text(training: Training) -> str:
    """Return the metrics of each part beside the baseline, and plainly if that is not beaten.

    >>> from fastnn.api.train import train
    >>> training = train({"x": [0.0, 1.0] * 40, "y": ["a", "b", "b", "b"] * 20}, "y", epochs=1)
    >>> print(quality_text(training))
                  loss  accuracy  roc_auc
    train ...
    baseline         -    0.7500   0.5000
    <BLANKLINE>
    baseline: always 'b', on the test part
    the model is no better than that: its accuracy there is ...
    """
    from fastnn.text import WIDTH, metrics_table, number

    base = training.baseline
    if base is None:
        return metrics_table(training.report)
    lines = [f"baseline: {base.says}, on the test part"]
    if not base.is_beaten(training.report["test"]):
        own = number(training.report["test"].get(base.metric))
        lines.append(
            f"the model is no better than that: its {base.metric} there is {own}, the baseline's "
            f"{number(base.metrics[base.metric])}"
        )
    lines = [line for text in lines for line in wrap(text, WIDTH)]
    return "\n".join([metrics_table({**training.report, "baseline": base.metrics}), "", *lines])


def read_document(training: Training) -> dict[str, Any]:
    """Return what was read and the baseline, for the JSON document.

    >>> from fastnn.api.train import train
    >>> sorted(read_document(train("diabetes", epochs=1)))
    ['baseline', 'read']
    """
    from fastnn.preparation.account import account_json

    model, record, base = training.model, training.record, training.baseline
    found: dict[str, Any] = {}
    if record is not None:
        found["read"] = account_json(record, model.features, model.targets)
    if base is not None:
        beaten = base.is_beaten(training.report["test"])
        found["baseline"] = {"predicts": base.says, "test": dict(base.metrics), "beaten": beaten}
    return found
