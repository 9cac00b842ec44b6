"""The built-in data sets are those of scikit-learn, bit for bit; the others are found or named."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnn.datasets.builtin import DATASETS, load
from fastnn.errors import ArgumentError

datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn (the oracle) is missing")

ORIGINALS = {
    "digits": datasets.load_digits,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": lambda: datasets.load_diabetes(scaled=False),
}


@pytest.mark.parametrize("name", ORIGINALS)
def test_equal_to_scikit_learn_bit_for_bit(name):
    ours, theirs = load(name), ORIGINALS[name]()
    assert ours.name == name
    assert ours.table.numeric.dtype == np.float64
    assert ours.table.numeric.tobytes() == np.ascontiguousarray(theirs.data).tobytes()
    assert ours.target.dtype == theirs.target.dtype
    np.testing.assert_array_equal(ours.target, theirs.target)
    assert ours.table.names == tuple(theirs.feature_names)
    assert ours.test is None
    assert ours.target_name not in ours.table.names


def test_tasks():
    assert [load(name).task for name in ORIGINALS] == ["multiclass", "binary", "regression"]


def test_names():
    assert DATASETS.names == ("digits", "breast_cancer", "diabetes", "fashion_mnist", "flights")
    with pytest.raises(ArgumentError, match="unknown data set 'digit'; did you mean 'digits'"):
        load("digit")
    with pytest.raises(ArgumentError, match="path has no effect: 'digits' is inside the package"):
        load("digits", "somewhere")


def test_the_encoder_writes_the_very_same_numbers(tmp_path):
    root = Path(__file__).parents[2]
    script = root / "scripts" / "encode_builtin_data.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True)
    folder = Path(importlib.util.find_spec("fastnn.datasets").origin).parent / "builtin_data"
    assert sum(path.stat().st_size for path in folder.glob("*.npz")) < 110_000
    for name in ORIGINALS:
        with np.load(tmp_path / f"{name}.npz") as new, np.load(folder / f"{name}.npz") as kept:
            assert new.files == kept.files
            for key in new.files:
                assert new[key].dtype == kept[key].dtype
                np.testing.assert_array_equal(new[key], kept[key])
