"""Throughput of `fastnn.train_many` against the same trainings in turn.

    python -m benchmarks.many [--networks 32] [--epochs 50] [--repeats 3]

64-64-10 on the built-in digits, batches of 32, Adam, no early stopping, every engine. ``whole`` is
the call, reading and splitting the data and the metrics of every epoch included; ``steps`` are the
training steps alone.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from fastnn.api.train import Training, train
from fastnn.api.train_many import train_many
from fastnn.backend.engine import compiled_status


def configs(n: int) -> list[dict[str, Any]]:
    """Return ``n`` networks with seeds and learning rates of their own.

    >>> configs(2)
    [{'seed': 0, 'learning_rate': 0.001}, {'seed': 1, 'learning_rate': 0.00105}]
    """
    return [{"seed": g, "learning_rate": round(1e-3 * (1 + g / 20), 6)} for g in range(n)]


def measure(n: int, epochs: int, engine: str, *, at_once: bool) -> tuple[float, float]:
    """Return the seconds of ``n`` trainings: all of it, and the steps alone.

    >>> whole, steps = measure(2, 1, "numpy", at_once=True)
    >>> whole > steps > 0
    True
    """
    common: dict[str, Any] = {
        "hidden_layer_sizes": [64], "batch_size": 32, "epochs": epochs, "patience": None,
        "engine": engine,
    }  # fmt: skip
    start = time.perf_counter()
    trained: list[Training] = (
        train_many(configs(n), "digits", **common)
        if at_once
        else [train("digits", split_seed=0, **common, **config) for config in configs(n)]
    )
    whole = time.perf_counter() - start
    return whole, sum(epoch.seconds for t in trained for epoch in t.history.epochs)


def main() -> None:
    """Print a table; each figure is the minimum of the repeats, the ways in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    for name, default in (("networks", 32), ("epochs", 50), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    engines = ["numpy", "auto"] + (["compiled"] if not compiled_status() else [])
    ways = [(engine, at_once) for engine in engines for at_once in (False, True)]
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {way: [] for way in ways}
    measure(2, 1, engines[-1], at_once=True)  # libraries are loaded, kernels compiled
    for _ in range(given.repeats):
        for engine, at_once in ways:
            found[engine, at_once].append(
                measure(given.networks, given.epochs, engine, at_once=at_once)
            )
    print(f"{given.networks} networks 64-64-10, {given.epochs} epochs of 34 steps; seconds")
    print(f"{'engine':10}{'':10}{'in turn':>10}{'at once':>10}{'times':>8}")
    for engine in engines:
        for part, name in enumerate(("whole", "steps")):
            turn, once = (min(f[part] for f in found[engine, way]) for way in (False, True))
            print(f"{engine:10}{name:10}{turn:10.3f}{once:10.3f}{turn / once:8.1f}")


if __name__ == "__main__":
    main()
