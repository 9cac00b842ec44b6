"""What a training leaves for its report: counts, and few rows that know where they are from."""

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.api.train_many import train_many
from fastnn.preparation import record
from fastnn.preparation.examples import read_source
from fastnn.preparation.setup import set_up
from fastnn.recipe.recipe import Recipe

N = 50
SMALL = {"hidden_layer_sizes": [], "epochs": 1}


def _frame() -> dict[str, np.ndarray]:
    a = np.arange(N, dtype=float)
    a[::10] = np.nan
    town = np.array(["Ulm", "Bonn"] * (N // 2), object)
    town[3:5] = None
    return {"a": a, "b": np.arange(N, dtype=float), "town": town, "y": np.arange(N) % 2, "id": a}


def _record(data: object, target: object, **more: object) -> record.Record:
    return set_up(read_source(data, target, **more), Recipe.of(**SMALL)).record


def test_gaps_are_counted_by_part() -> None:
    found = _record(_frame(), "y", drop=["id"])
    assert found.rows == {"train": 30, "validation": 10, "test": 10}
    assert {c: sum(of.values()) for c, of in found.gaps.items()} == {"a": 5, "town": 2}
    for name, part in found.samples.items():
        assert found.gaps["a"][name] == np.isnan(part.table.column("a")).sum()
    assert (found.dropped, found.weighted, found.given) == (("id",), False, ())


def test_rows_know_where_they_are_from() -> None:
    found = _record(_frame(), "y", drop=["id"])
    every = np.concatenate([part.index for part in found.samples.values()])
    assert sorted(every) == list(range(N))
    for part in found.samples.values():
        assert part.table.column("b").tolist() == part.index.tolist()


def test_a_part_of_the_users_own_is_said_and_has_its_own_rows() -> None:
    frame = _frame()
    source = read_source(frame, "y")
    own = set_up(source, Recipe.of(**SMALL), test=frame).record
    assert own.given == ("test",)
    assert own.samples["test"].index is None


def test_shares_and_means_of_the_training_part() -> None:
    """Weighted: of two classes with 3 rows of weight 1 and one of weight 3 each has the half."""
    X, labels = np.arange(8.0)[:, None], np.array(["a", "a", "a", "b"] * 2)
    weights = np.array([1.0, 1, 1, 3] * 2)
    found = _record(X, labels, sample_weight=weights)
    sample = found.samples["train"]
    w = sample.flat_weights
    assert found.weighted
    assert found.prior[1] == pytest.approx(w[sample.target == "b"].sum() / w.sum())
    values = np.column_stack([np.arange(8.0), np.full(8, 5.0)])
    found = _record(X, values)
    assert found.prior == pytest.approx(found.samples["train"].target.mean(axis=0))
    labels = np.array([[1, 0], [1, 1]] * 4)
    found = _record(X, labels, task="multilabel")
    assert found.prior == pytest.approx(found.samples["train"].target.mean(axis=0))


def test_few_rows_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_ROWS", 600)
    monkeypatch.setattr(record, "MOST_OF_TRAINING", 100)
    X = np.arange(8000.0).reshape(4000, 2)
    first, again = (_record(X, np.arange(4000) % 2) for _ in range(2))
    assert {n: len(p) for n, p in first.samples.items()} == {
        "train": 100, "validation": 600, "test": 600,
    }  # fmt: skip
    assert first.rows["validation"] == 800
    for name, part in first.samples.items():
        assert part.index.tolist() == again.samples[name].index.tolist()
        assert (np.diff(part.index) > 0).all()
        assert part.table.numeric[:, 0].tolist() == (2.0 * part.index).tolist()
    monkeypatch.setattr(record, "MOST_NUMBERS", 2 * 550)
    assert len(_record(X, np.arange(4000) % 2).samples["test"]) == 550


def test_a_training_has_it_if_it_was_judged_on_the_test_part() -> None:
    assert train("diabetes", **SMALL).record.rows["test"] == 88
    many = train_many([{"seed": 1}, {"seed": 2}], "diabetes", **SMALL)
    assert many[0].record is many[1].record
