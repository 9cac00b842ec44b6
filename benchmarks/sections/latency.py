"""Seconds for the prediction of one row: what a service waits for."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.networks import case
from benchmarks.processes import workers
from benchmarks.rows import FASTNN, PEERS, Row
from benchmarks.sections import Options

LABELS = ("B:128", "A:128")
SECTION = "latency"
#: `Model.predict`, which checks and prepares the row and gives labels, beside the raw paths.
SYSTEMS = (*FASTNN, "fastnn_model", *(p for p in PEERS if p not in ("jax_scan", "pytorch_compile")))
#: Calls in a repeat; Keras needs milliseconds for one.
CALLS = {"keras_fit": 20}


def run(options: Options) -> Iterator[list[Row]]:
    """Time the prediction of one row after one epoch of training."""
    wanted = tuple(s for s in SYSTEMS if s in options.systems or s == "fastnn_model")
    for label in LABELS:
        if options.known(SECTION, label, wanted):
            continue
        rows = []
        with workers(wanted) as at_work:
            for name, worker in at_work.items():
                row = Row(SECTION, label, name, extra={"network": case(label).shape})
                trains = name != "fastnn_model"
                answer = worker.ask("prepare", case=label, first_epoch=trains)
                if "error" not in answer:
                    answer = worker.ask("predict", calls=CALLS.get(name, 500))
                row.error, row.values = answer.get("error"), answer.get("values", [])
                rows.append(row)
        yield rows
