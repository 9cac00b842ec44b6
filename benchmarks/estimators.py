"""The estimators beside scikit-learn's: the same calls, the same data, in turn.

    python -m benchmarks.estimators                      # everything: about ten minutes
    python -m benchmarks.estimators --only fit,one_row   # some parts

``accuracy``: on the test part, mean and standard deviation over 5 seeds, both at their defaults;
``fit``: seconds of whole fits, the first in its process apart, which loads and compiles;
``one_row``: seconds of one `predict_proba` of one row.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor

import fastnn

SEEDS = range(5)
REPEATS = 2
CLASSIFIERS = {"scikit-learn": MLPClassifier, "fastnn": fastnn.MLPClassifier}
REGRESSORS = {"scikit-learn": MLPRegressor, "fastnn": fastnn.MLPRegressor}


def splits(name: str, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return X_train, X_test, y_train, y_test, inputs on a scale of about 1."""
    if name == "fashion_mnist":
        from fastnn.datasets.builtin import load

        data = load(name)
        assert data.test is not None
        X, X_test = (table.numeric / 255.0 for table in (data.table, data.test[0]))
        return X, X_test, data.target, data.test[1]
    X, y = (load_digits if name == "digits" else load_breast_cancer)(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, random_state=seed, stratify=y
    )
    mean, scale = X_train.mean(axis=0), X_train.std(axis=0)
    scale[scale == 0] = 1
    return (X_train - mean) / scale, (X_test - mean) / scale, y_train, y_test


def accuracies(names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each data set and system."""
    for name in names:
        given = {"max_iter": 10} if name == "fashion_mnist" else {}
        found: dict[str, list[float]] = {system: [] for system in CLASSIFIERS}
        seconds = dict.fromkeys(CLASSIFIERS, 0.0)
        for seed in SEEDS:
            X, X_test, y, y_test = splits(name, seed)
            for system, make in CLASSIFIERS.items():
                began = time.perf_counter()
                model = make(random_state=seed, **given).fit(X, y)
                seconds[system] += time.perf_counter() - began
                found[system].append(model.score(X_test, y_test))
        for system, values in found.items():
            yield {
                "part": "accuracy",
                "case": name,
                "system": system,
                "accuracy": round(float(np.mean(values)), 4),
                "deviation": round(float(np.std(values)), 4),
                "seconds": round(seconds[system] / len(SEEDS), 2),
            }


def in_turn(calls: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return the seconds of each call, the systems in turn."""
    found: dict[str, list[float]] = {system: [] for system in calls}
    for _ in range(REPEATS + 1):
        for system, call in calls.items():
            began = time.perf_counter()
            call()
            found[system].append(time.perf_counter() - began)
            time.sleep(0.2)  # idle threads of a BLAS spin on for a while
    return found


def fits() -> Iterator[dict[str, Any]]:
    """Yield a row for each network, dtype and system: seconds of a fit."""
    X, y = make_classification(
        5_000, 784, n_informative=50, n_classes=10, class_sep=2.0, random_state=0
    )
    X2, y2 = make_regression(5_000, 20, noise=1.0, random_state=0)
    cases = {
        "784-100-10, batch 200, 10 epochs": (CLASSIFIERS, X, y, {"batch_size": 200}, (100,)),
        "20-64-64-1, batch 32, 10 epochs": (REGRESSORS, X2, y2 / 100, {"batch_size": 32}, (64, 64)),
    }
    for case, (systems, inputs, target, given, hidden) in cases.items():
        for dtype in ("float64", "float32"):
            rows = inputs.astype(dtype)
            settings = {"hidden_layer_sizes": hidden, "max_iter": 10, "random_state": 0, **given}
            models: dict[str, Any] = {name: make(**settings) for name, make in systems.items()}
            models["fastnn NumPy"] = systems["fastnn"](engine="numpy", **settings)
            seconds = in_turn({n: partial(m.fit, rows, target) for n, m in models.items()})
            for system, values in seconds.items():
                yield {
                    "part": "fit",
                    "case": f"{case}, {dtype}",
                    "system": system,
                    "seconds": round(min(values[1:]), 4),
                    "first": round(values[0], 4),
                    "times_as_fast": round(min(seconds["scikit-learn"][1:]) / min(values[1:]), 2),
                }


def one_row() -> Iterator[dict[str, Any]]:
    """Yield a row for each network and system: microseconds to predict one row."""
    for n, hidden, classes in ((20, (64, 64), 2), (784, (100,), 10)):
        X, y = make_classification(500, n, n_informative=10, n_classes=classes, random_state=0)
        models = {s: make(hidden, max_iter=3).fit(X, y) for s, make in CLASSIFIERS.items()}
        best = dict.fromkeys(models, np.inf)
        for _ in range(7):
            for system, model in models.items():
                began = time.perf_counter()
                for _ in range(500):
                    model.predict_proba(X[:1])
                best[system] = min(best[system], (time.perf_counter() - began) / 500)
        for system, seconds in best.items():
            yield {
                "part": "one_row",
                "case": "-".join(map(str, (n, *hidden, classes))),
                "system": system,
                "microseconds": round(seconds * 1e6, 1),
                "times_as_fast": round(best["scikit-learn"] / seconds, 2),
            }


def main() -> None:
    """Measure what was asked for and print a JSON object per line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="accuracy,fit,one_row")
    parser.add_argument("--data", default="digits,breast_cancer,fashion_mnist")
    asked = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    parts: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "fit": fits,
        "one_row": one_row,
        "accuracy": partial(accuracies, asked.data.split(",")),
    }
    for name in asked.only.split(","):
        if name not in parts:
            parser.error(f"--only {name!r}: choose from {', '.join(parts)}")
        for row in parts[name]():
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
