"""Seconds of training until Fashion-MNIST's test accuracy reaches 0.88.

Same network, optimiser and batch size, each system in its own process and alone; the accuracy is
looked at after every epoch, and that time does not count. Three seeds, because how many epochs it
takes depends on luck; a system that has trained for long gets fewer.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.networks import FASHION, NETWORKS, case
from benchmarks.processes import Worker, workers
from benchmarks.rows import FASTNN, PEERS, Row
from benchmarks.sections import Options

TARGET = 0.88
MOST_EPOCHS = 15
SEEDS = (0, 1, 2)
#: After so many seconds of training no further seed is begun.
LONG = 40.0
SECTION = "accuracy"


def run(options: Options) -> Iterator[list[Row]]:
    """Train every system to the target."""
    label = f"{FASHION}:{NETWORKS[FASHION][3][0]}"
    for name in options.chosen(*FASTNN, *PEERS):
        if options.known(SECTION, label, (name,)):
            continue
        row = Row(SECTION, label, name, extra={"target": TARGET, "network": case(label).shape})
        row.extra |= {"batch": case(label).batch, "runs": []}
        with workers([name]) as at_work:
            for seed in SEEDS:
                if row.error is None and sum(row.values) < LONG:
                    train(at_work[name], row, label, seed)
        yield [row]


def train(worker: Worker, row: Row, label: str, seed: int) -> None:
    """Train once; note the seconds, and the accuracy after each epoch.

    What is compiled in the first epoch counts: whoever trains must wait for it.
    """
    answer = worker.ask("prepare", case=label, seed=seed)
    seconds, curve = answer.get("prepare_seconds", 0.0), []
    while "error" not in answer:
        answer = worker.ask("accuracy")
        if "error" in answer:
            break
        curve.append([seconds, answer["accuracy"]])
        if answer["accuracy"] >= TARGET:
            row.values.append(seconds)
            row.extra["runs"].append(curve)
            return
        if len(curve) >= MOST_EPOCHS:
            best = max(accuracy for _, accuracy in curve)
            answer = {"error": f"seed {seed}: {best:.4f} at best in {MOST_EPOCHS} epochs"}
            break
        answer = worker.ask("epoch")
        seconds += answer.get("seconds", 0.0)
    row.extra["runs"].append(curve)
    row.error = answer["error"]
