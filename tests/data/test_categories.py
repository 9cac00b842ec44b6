"""Categories of the training part, and what is told of others."""

import warnings

import numpy as np
import pytest

from fastnn.data.categories import frequent_categories, places_of, spellings, strange_texts
from fastnn.data.cells import Reading
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


def test_categories_of_an_older_fastnn_that_are_one_now_are_told():
    with pytest.warns(
        DataWarning, match=r"'c': 2 of 3 values are the model's category '1'.*'True'"
    ):
        report(["1", "1", "0"], ["0", "1", "True"])
    with pytest.warns(DataWarning, match=r"category '1.0'.*'1.00', 'True' as another"):
        report(["1"], ["1.0", "1.00", "True"])
    with pytest.warns(DataWarning, match=r"category 'q'.*' q' as another"):
        report(["q"], [" q", "q"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report(["0"], ["0", "1", "True"])  # no row of it
        report(["1", "2"], ["1.0", "2"])  # one text of each
        report(["True", "1"], ["1", "True"])  # a Table made by hand


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("Ulm", Reading()), ("1", Reading()), ("0", Reading()), ("-2.5", Reading()),
        ("02134", Reading()), ("12", Reading(decimal=",")), ("2.5", Reading(decimal=",")),
        ("NA", Reading(missing=[])), ("1e+300", Reading()),
    ],
)  # fmt: skip
def test_spellings_are_read_as_their_category(text, reading):
    found = spellings(text, reading)
    assert text in found or reading.decimal == ","
    assert len(found) == len({*found}) >= 4
    assert {reading.category(one) for one in found} == {reading.category(text)}


def test_spellings_that_programs_write():
    assert {"1", "1.0", "1.00", "+1", " 1", "1 ", "1e0", "True", "true", "TRUE"} <= {
        *spellings("1")
    }
    assert {"2,5", "2,50", " +2,5"} <= {*spellings("2.5", Reading(decimal=","))}
    assert "2.5" not in spellings("25", Reading(decimal=",", thousands="."))


def test_a_long_text_is_cut_short():
    with pytest.warns(DataWarning) as caught:
        report(["z" * 100_000], ["a"])
    assert len(str(caught[0].message)) < 300
