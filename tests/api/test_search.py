"""`search`: judged on the validation part, the test part used once, the same however it is run."""

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastnn.api import search as search_module
from fastnn.api.search import search
from fastnn.api.search_grid import LogUniform, expand
from fastnn.api.search_result import Candidate, Search
from fastnn.api.search_workers import in_processes
from fastnn.api.train import train
from fastnn.api.train_many import train_many
from fastnn.errors import ArgumentError, DivergenceError
from fastnn.training.loop import Trainer, TrainingInterrupted
from tests.optional import optional
from tests.waiting import HANG

COMMON: dict[str, Any] = {"hidden_layer_sizes": [8], "epochs": 4, "engine": "numpy"}
GRID = {"learning_rate": [1e-4, 1e-1], "initializer": ["he_normal", "glorot_uniform"]}


# ------------------------------------------------------------------------------- the grid


def test_no_grid() -> None:
    with pytest.raises(
        ArgumentError, match=r"grid is missing: .* grid=\{'learning_rate'"
    ) as caught:
        search("diabetes")
    assert caught.value.argument == "grid"


def test_a_grid_is_every_combination_in_order() -> None:
    found = expand({"a": [1, 2], "b": ["x"], "c": [True, False]})
    assert [tuple(c.values()) for c in found] == [
        (1, "x", True), (1, "x", False), (2, "x", True), (2, "x", False),
    ]  # fmt: skip


def test_random_combinations_differ_and_repeat_with_the_seed() -> None:
    grid = {"a": list(range(10)), "b": list(range(10))}
    first, again, other = (expand(grid, 20, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert len({tuple(c.values()) for c in first}) == 20


def test_a_range_is_drawn_by_orders_of_magnitude() -> None:
    rates = [c["r"] for c in expand({"r": LogUniform(1e-4, 1e-1), "k": [1, 2]}, 3000)]
    assert 1e-4 <= min(rates) < max(rates) <= 1e-1
    shares = np.histogram(np.log10(rates), [-4, -3, -2, -1])[0] / 3000
    assert abs(shares - 1 / 3).max() < 0.03  # about 3 standard deviations of 0.0086


@pytest.mark.parametrize(
    ("grid", "n", "message"),
    [
        ({}, None, "grid must map arguments to lists"),
        (["l2"], None, "grid must map arguments to lists"),
        ({"l2": 1.0}, None, "grid: l2 must be a list of values, found 1.0"),
        ({"loss": "huber"}, None, "grid: loss must be a list of values"),
        ({"l2": []}, None, "grid: l2 has no values"),
        ({"l2": LogUniform(1, 2)}, None, "l2 is a range, which only a random search draws"),
        ({"l2": [0, 1]}, 3, "n_random=3 is more than the 2 combinations"),
        ({"l2": [0, 1]}, 0, "n_random must be a whole number above 0"),
    ],
)
def test_what_is_no_grid(grid: Any, n: int | None, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        expand(grid, n)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (2, 1), (1, math.inf), (-1, 1), (1, 10**400), ("a", 1)]
)
def test_what_is_no_range(low: float, high: float) -> None:
    with pytest.raises(ArgumentError, match="a range goes from a number above 0"):
        LogUniform(low, high)


# ----------------------------------------------------------------------------- the search


def test_the_best_is_that_with_the_lowest_validation_loss() -> None:
    found = search("breast_cancer", grid=GRID, **COMMON)
    alone = [train("breast_cancer", **COMMON, **config) for config in expand(GRID)]
    losses = [training.report["validation"]["loss"] for training in alone]
    assert [c.score for c in found.candidates] == losses
    assert found.best == int(np.argmin(losses))
    assert [c.score for c in found.ranked] == sorted(losses)
    best = alone[found.best]
    assert found.training.report == best.report
    np.testing.assert_array_equal(
        found.training.model.parameters.theta, best.model.parameters.theta
    )
    assert found.engine == found.training.engine == found.training.history.engine
    assert found.training.engine is not None
    histories = [replace(h, engine=None) for h in (found.training.history, best.history)]
    assert histories[0].to_json() == histories[1].to_json()


def test_the_test_part_is_judged_for_the_best_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastnn.training import part

    judged: list[int] = []
    original = part.evaluate_many

    def counted(backend: Any, network: Any, thetas: Any, parts: Any, *given: Any) -> Any:
        judged.extend(len(part) for part in parts)
        return original(backend, network, thetas, parts, *given)

    monkeypatch.setattr("fastnn.api.train_many.evaluate_many", counted)
    search("digits", grid=GRID, **COMMON)
    assert judged == [360] * 4 + [1078, 360, 359]  # train, validation and test of the best


def test_folds_are_compared_by_their_mean() -> None:
    found = search("diabetes", grid={"l2": [0.0, 1000.0]}, folds=3, by="rmse", **COMMON)
    assert not found.greater_is_better
    for c in found.candidates:
        alone = [train("diabetes", **COMMON, **c.config, fold=(i, 3)) for i in range(3)]
        scores = [training.report["validation"]["rmse"] for training in alone]
        assert c.scores == tuple(scores)
        assert c.score == pytest.approx(sum(scores) / 3)
        assert c.deviation == pytest.approx(float(np.std(scores)))
    first = train("diabetes", **COMMON, **found.candidates[found.best].config, fold=(0, 3))
    assert found.training.report == first.report
    assert "deviation of rmse" in found.columns()


def test_a_metric_of_which_more_is_better() -> None:
    found = search("breast_cancer", grid=GRID, by="accuracy", **COMMON)
    scores = [c.score for c in found.candidates]
    assert found.greater_is_better
    assert scores[found.best] == max(scores)
    assert len(set(scores)) > 1


def test_ctrl_c_gives_the_candidates_that_were_done(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = Trainer.run, []

    def interrupted(self: Trainer, watcher: Any = None) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        original(self, watcher)

    monkeypatch.setattr(Trainer, "run", interrupted)
    sizes = {"hidden_layer_sizes": [[4], [5], [6]]}  # two runs each: 354 = 2 * 88 + 2 * 89 rows
    with pytest.raises(TrainingInterrupted, match="6 of 12 trainings were done") as stop:
        search("diabetes", grid=sizes, folds=4, epochs=2, engine="numpy")
    found = stop.value.result
    assert [c.config["hidden_layer_sizes"] for c in found.candidates] == [[4]]
    assert len(found.candidates[0].scores) == 4
    alone = train("diabetes", hidden_layer_sizes=[4], epochs=2, engine="numpy", fold=(0, 4))
    assert found.training.report == alone.report


def test_ctrl_c_while_the_best_is_judged_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = search_module.trainings, []

    def interrupted(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt
        return original(*given)

    monkeypatch.setattr(search_module, "trainings", interrupted)
    with pytest.raises(TrainingInterrupted, match="2 of 2 trainings were done") as stop:
        search("diabetes", grid={"l2": [0.0, 1.0]}, **COMMON)
    assert sorted(stop.value.result.training.report) == ["test", "train", "validation"]


@pytest.mark.parametrize("begun", [False, True])
def test_ctrl_c_before_there_is_something_to_compare(
    begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = {"learning_rate": 1e30, "optimizer": "sgd", **COMMON}
    with pytest.warns(RuntimeWarning, match="diverged"):
        diverged = train_many([{}], "diabetes", **common)[0]

    def interrupted(*_: Any, **__: Any) -> Any:
        if begun:
            raise TrainingInterrupted(diverged.history, [diverged, None])
        raise KeyboardInterrupt

    monkeypatch.setattr(search_module, "train_recipes", interrupted)
    with pytest.raises(TrainingInterrupted, match=f"{int(begun)} of 2 trainings") as stop:
        search("diabetes", grid={"l2": [0.0, 1.0]}, **common)
    assert stop.value.result is None


def test_columns_are_ranked() -> None:
    columns = search("diabetes", grid={"seed": [1, 2, 3]}, n_random=2, **COMMON).columns()
    assert columns["rank"] == [1, 2]
    assert columns["validation loss"] == sorted(columns["validation loss"])
    assert {len(column) for column in columns.values()} == {2}


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_it_is_a_data_frame(library: str) -> None:
    """Lists of layers, an optimiser by its name or with options, and one that diverged."""
    frames = optional(library)
    grid = {
        "hidden_layer_sizes": [(3,), (3, 2)],
        "optimizer": ["sgd", {"name": "momentum", "beta": 0.5}],
        "learning_rate": [1e30, 0.01],
    }
    found = search("diabetes", grid=grid, **{**COMMON, "epochs": 1})
    frame = frames.DataFrame(found)
    assert list(frame.columns) == list(found.columns())
    assert frame["rank"].to_list() == list(range(1, 9))
    assert frame["validation loss"].to_list()[:4] == found.columns()["validation loss"][:4]
    assert set(frame["stopped"].to_list()) == {"epochs", "diverged"}
    assert {tuple(sizes) for sizes in frame["hidden_layer_sizes"].to_list()} == {(3,), (3, 2)}
    assert set(frame["optimizer"].to_list()) == {"sgd", "{'name': 'momentum', 'beta': 0.5}"}


def test_rows_are_the_ranked_candidates() -> None:
    found = search("diabetes", grid={"seed": [1, 2]}, **COMMON)
    rows = list(found)
    assert [row["seed"] for row in rows] == [c.config["seed"] for c in found.ranked]
    assert found.ranked_rows()[0][:3] == ["", "seed", "loss"]
    assert [row[1] for row in found.ranked_rows()[1:]] == [str(row["seed"]) for row in rows]


def test_one_that_diverges_is_last() -> None:
    grid = {"learning_rate": [1e30, 0.01]}
    found = search("diabetes", grid=grid, optimizer="sgd", **COMMON)
    assert [c.stopped for c in found.ranked] == ["epochs", "diverged"]
    assert math.isnan(found.ranked[1].score)
    with pytest.raises(DivergenceError, match="no candidate has a loss to compare: epoch 1"):
        search("diabetes", grid={"learning_rate": [1e30]}, optimizer="sgd", **COMMON)


def test_equal_ones_stay_in_the_order_of_the_grid() -> None:
    def candidate(score: float, name: str) -> Candidate:
        return Candidate({"n": name}, score, (score,), {"loss": score}, 1, "epochs", 0.0)

    given = [candidate(math.nan, "a"), candidate(1.0, "b"), candidate(0.5, "c"),
             candidate(1.0, "d")]  # fmt: skip
    ranked = Search("loss", False, tuple(given), 2, None).ranked  # type: ignore[arg-type]
    assert [c.config["n"] for c in ranked] == ["c", "b", "d", "a"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"grid": {"learning_rat": [1]}}, r"config 0 .*did you mean 'learning_rate'"),
        (
            {"grid": {"loss": ["huber", "squared_error"]}},
            r"losses with different loss cannot.*'r2'",
        ),
        ({"grid": {"label_smoothing": [0.0, 0.1]}}, "losses with different label_smoothing"),
        ({"grid": {"l2": [0]}, "by": "rms"}, "by must be 'loss' or one of .*did you mean 'rmse'"),
        ({"grid": {"fold": [(0, 2)]}}, "fold would compare on different validation parts"),
        ({"grid": {"split_seed": [0, 1]}}, "split_seed would compare on different"),
        ({"grid": {"l2": [0]}, "fold": (0, 2)}, "fold would compare"),
        ({"grid": {"l2": [0]}, "folds": 1}, "folds must be 2 or more"),
        ({"grid": {"l2": [0]}, "jobs": 0}, "jobs must be a whole number above 0"),
        (
            {"grid": {"l2": [0]}, "workers": "ray"},
            "workers must be one of joblib, dask, found 'ray'",
        ),
        ({"grid": {"metrics": [["r2"], ["mae"]]}}, "by is missing: the candidates differ"),
        ({"grid": {"device": ["cpu"]}}, "device is the same for all networks"),
    ],
)
def test_what_cannot_be_compared_or_run(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        search("diabetes", **{"epochs": 1, **given})


# ----------------------------------------------------------------------------- the workers


def test_shares_come_back_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(work: Any, shares: Any, given: Any, jobs: int) -> Any:
        assert jobs == min(jobs, len(shares))
        for i in reversed(range(len(shares))):
            yield i, work(shares[i], **given)

    monkeypatch.setattr("fastnn.api.search_workers._joblib", run)
    for jobs in (2, 3, 9):
        found = in_processes(
            lambda items, times: [times * i for i in items], [1, 2, 3, 4, 5], {"times": 10},
            jobs=jobs,
        )  # fmt: skip
        assert found == [10, 20, 30, 40, 50]


@pytest.mark.parametrize(("package", "workers"), [("joblib", "joblib"), ("distributed", "dask")])
def test_a_missing_library_is_named(
    package: str, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    cure = {"joblib": "joblib$", "dask": r"'dask\[distributed\]'$"}[workers]
    with pytest.raises(ArgumentError, match=f"needs {workers}: pip install {cure}"):
        in_processes(sorted, [1, 2], {}, jobs=2, workers=workers)


SCRIPT = """
import signal
import sys
from fastnn.api.search import search

if __name__ == "__main__":
    from fastnn.backend.engine import most_threads

    given = {"hidden_layer_sizes": [6], "epochs": 2, "engine": "numpy"}
    grid = {"l2": [0.0, 1.0, 10.0]}
    here = search("diabetes", grid=grid, **given)
    there = search("diabetes", grid=grid, jobs=2, workers=sys.argv[1], **given)
    print([c.score for c in here.candidates] == [c.score for c in there.candidates])
    print(here.training.report == there.training.report)
    from fastnn.api.search_workers import in_processes
    found = in_processes(threads, [1, 2], {}, jobs=2, workers=sys.argv[1])
    print(max(found) * 2 <= max(2, most_threads()))
    terminal = {signal.SIGINT, signal.SIGHUP}
    given = {"jobs": 2, "workers": sys.argv[1]}
    print(all(terminal <= found for found in in_processes(blocked, [1, 2], {}, **given)))
    print(not terminal & signal.pthread_sigmask(signal.SIG_BLOCK, ()))
"""
THREADS = '''
def threads(items):
    """The threads of BLAS that a worker has."""
    from fastnn.backend.engine import most_threads

    return [most_threads() for _ in items]

def blocked(items):
    """The signals that a worker does not get, as from its start."""
    import signal

    return [signal.pthread_sigmask(signal.SIG_BLOCK, ()) for _ in items]
'''


@pytest.mark.parametrize("workers", ["joblib", "dask"])
def test_processes_find_the_same_share_the_cores_and_hear_no_ctrl_c(
    workers: str, tmp_path: Path
) -> None:
    pytest.importorskip({"joblib": "joblib", "dask": "distributed"}[workers])
    (tmp_path / "share.py").write_text(THREADS, encoding="utf-8")
    script = tmp_path / "run.py"
    script.write_text("from share import blocked, threads\n" + SCRIPT, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, str(script), workers], capture_output=True, text=True, timeout=HANG,
        cwd=Path(search_module.__file__).parents[2], check=False,
        env={**os_environment(), "PYTHONPATH": f"{Path(search_module.__file__).parents[2]}"
             f":{tmp_path}"},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["True"] * 5


def os_environment() -> dict[str, str]:
    import os

    return {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_NUM_THREADS",)}
