"""Categories of the training part, and what is told of others."""

import warnings

import numpy as np
import pytest

from fastnn.data.categories import frequent_categories, places_of, strange_texts
from fastnn.data.statistics import DataWarning
from fastnn.data.strange import tell


def texts(*cells):
    return np.array(cells, dtype=object)


def test_ties_between_categories_do_not_depend_on_the_order_of_rows():
    for cells in (["a", "b", "c", "c"], ["b", "a", "c", "c"]):
        with pytest.warns(DataWarning, match="share '<unknown>'"):
            kept = frequent_categories("t", np.array(cells, dtype=object), 2)
        assert kept == ("a", "c")


def test_places_of_a_model_of_an_older_fastnn():
    # it took text as it was: now "True" is read as "1", and "2.0" as "2"
    assert places_of(texts("1", "0", "2", "x", None), ["False", "True"]).tolist() == [1, 0, 2, 2, 2]
    assert places_of(texts("2", "2.0"), ["2.0", "3.0"]).tolist() == [0, 0]
    # the category itself comes first
    assert places_of(texts("1"), ["1", "1.0", "True"]).tolist() == [0]


def report(cells, known, missing=None, complete=False):
    found = texts(*cells)
    tell(strange_texts("c", found, places_of(found, known), known, missing, complete))


def test_what_training_did_not_have_is_told():
    with pytest.warns(DataWarning, match=r"'c': 2 of 4 values have no place .*\(first 'z'\)"):
        report(["a", "z", "y", None], ["a", "b"])
    with pytest.warns(DataWarning, match="'c': 1 of 2 values are missing, none was in training"):
        report(["a", None], ["a"], complete=True)
    with pytest.warns(DataWarning, match=r"as the model's category 'NA' counts .*missing=\[\]"):
        report(["a", None], ["NA", "a"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report(["a", None], ["a"])
        report(["NA", None], ["NA"], missing=[])


def test_a_long_text_is_cut_short():
    with pytest.warns(DataWarning) as caught:
        report(["z" * 100_000], ["a"])
    assert len(str(caught[0].message)) < 300
