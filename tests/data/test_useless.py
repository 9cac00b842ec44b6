"""Columns that teach nothing are left out, and said."""

import warnings

import numpy as np
import pytest

from fastnn.api.estimators.classifier import MLPClassifier
from fastnn.api.search import search
from fastnn.api.train import train
from fastnn.data.preprocess import Features
from fastnn.data.statistics import DataNote, DataWarning
from fastnn.data.table import Table
from fastnn.data.useless import is_identifier
from fastnn.errors import ArgumentError, DataError
from fastnn.model.files import load
from fastnn.reading.files import read_table
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")
pa = optional("pyarrow")

N = 60
NAMES = [f"guest {i}" for i in range(N)]


def texts(*cells):
    return np.array(cells, dtype=object)


def test_half_of_the_values_occur_once():
    once, twice = [f"a{i}" for i in range(10)], [f"b{i}" for i in range(5)] * 2
    assert is_identifier(texts(*once, *twice))  # 10 of 20 values
    assert not is_identifier(texts(*once[:-1], *twice))  # 9 of 19
    assert not is_identifier(texts(*once[:-1], *twice, *[None] * 99))  # gaps do not count
    assert not is_identifier(texts(*[f"a{i}" for i in range(14)]))  # too few to tell
    assert is_identifier(texts(*[f"a{i}" for i in range(15)]))


COLUMNS = {
    "name": texts(*NAMES),
    "town": texts(*["Ulm", "Bonn", "Kiel"] * (N // 3)),
    "size": np.arange(N, dtype=float),
    "gone": np.full(N, np.nan),
    "void": texts(*[None] * N),
}
TABLE = Table.from_columns(COLUMNS)


def fitted(table=TABLE, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        features = Features.fit(table, **options)
    assert {one.category for one in caught} <= {DataNote}
    return features, [str(one.message) for one in caught]


def test_each_reason_is_a_line():
    features, said = fitted()
    assert said == [
        "left out, without a value: 'gone', 'void'",
        "left out, text that is another in nearly every row: 'name'; to keep one: "
        "keep_text=['name']",
    ]
    assert (features.columns, features.given) == (("town", "size"), tuple(COLUMNS))
    assert features.left_out == {"name": "text", "gone": "empty", "void": "empty"}
    plain, nothing = fitted(TABLE.drop(["name", "gone", "void"]))
    assert nothing == []
    few = plain.transform(TABLE.drop(["name", "gone", "void"]))
    np.testing.assert_array_equal(features.transform(TABLE), few)


def test_text_can_be_kept_and_nothing_empty_can():
    features, said = fitted(keep_text=["name", "void"])
    assert said == ["left out, without a value: 'gone', 'void'"]
    assert len(features.categories["name"]) == N
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # that new names are unknown was to be expected
        features.transform(TABLE.rows([0, 1]))


def test_columns_without_names_keep_their_places():
    rows = [list(row) for row in zip(*COLUMNS.values(), strict=True)]
    features, _ = fitted(read_table(rows))
    assert features.columns == ("x1", "x2")
    whole = features.transform(read_table(rows))
    np.testing.assert_array_equal(whole, features.transform(read_table([r[1:3] for r in rows])))
    with pytest.raises(DataError, match="expected 5 features, found 3"):
        features.transform(read_table([r[:3] for r in rows]))


def test_nothing_left_is_an_error_that_says_what_to_do():
    table = Table.from_columns({"name": texts(*NAMES), "gone": np.full(N, np.nan)})
    with pytest.raises(DataError, match=r"'gone' is without a value, .*keep_text=\['name'\]"):
        Features.fit(table)


SOURCES = {
    "dict": lambda c: c,
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "arrow": pa.table,
    "nulls of arrow": lambda c: pa.table({**c, "gone": pa.nulls(N), "void": pa.nulls(N)}),
    "nulls of polars": lambda c: pl.DataFrame({**c, "gone": [None] * N, "void": [None] * N}),
    "pandas nullable": lambda c: pd.DataFrame(c).convert_dtypes(),
    "csv": lambda c: pd.DataFrame(c),
}


@pytest.mark.parametrize("form", SOURCES)
def test_every_door_leaves_out_the_same(form, tmp_path):
    target = ["no", "yes", "no"] * (N // 3)
    source = SOURCES[form]({**COLUMNS, "y": texts(*target)})
    if form == "csv":
        source.to_csv(tmp_path / "a.csv", index=False)
        source = tmp_path / "a.csv"
    with pytest.warns(DataNote) as caught:
        model = train(source, "y", epochs=1, hidden_layer_sizes=[3], engine="numpy").model
    assert len(caught) == 2
    assert model.features.columns == ("town", "size")
    model.save(tmp_path / "m.fastnn")
    again = load(tmp_path / "m.fastnn")
    assert again.features.left_out == model.features.left_out
    with warnings.catch_warnings():  # what the model itself left out needs no word
        warnings.simplefilter("error")
        found = again.evaluate(source)
    assert found == model.evaluate({n: COLUMNS[n] for n in ("size", "town")}, target)


def test_options_of_train():
    data = {"name": texts(*NAMES), "size": np.arange(N), "y": np.arange(N) / 7}
    how = {"epochs": 1, "hidden_layer_sizes": [2], "engine": "numpy"}
    for kept in ({"keep_text": ["name"]}, {"categorical": ["name"]}):
        with pytest.warns(DataWarning) as caught:
            assert train(data, "y", **kept, **how).model.features.columns == ("name", "size")
        (said,) = [str(one.message) for one in caught]  # each part has other names
        assert "values that the training part does not have" in said
    with pytest.raises(ArgumentError, match=r"keep_text=\['size'\] has no effect"):
        train(data, "y", keep_text=["size"], **how)
    with pytest.raises(DataError, match="keep_text: no column 'nam'; did you mean 'name'"):
        train(data, "y", keep_text=["nam"], **how)


@pytest.mark.parametrize("declared", [{}, {"categorical": ["town"]}, {"keep_text": ["town"]}])
def test_new_values_are_told_by_the_trained_and_the_loaded_model_alike(declared, tmp_path):
    data = {"town": texts(*["Ulm", "Bonn"] * (N // 2)), "size": np.arange(N)}
    how = {"epochs": 1, "hidden_layer_sizes": [2], "engine": "numpy"}
    model = train(data, np.arange(N) / 7, **declared, **how).model
    model.save(tmp_path / "m.fastnn")
    for one in (model, load(tmp_path / "m.fastnn")):
        with pytest.warns(DataWarning, match="'town': 1 of 1 values .*first 'Hof'"):
            one.predict({"town": ["Hof"], "size": [1]})


def test_what_is_strange_in_the_parts_is_told_once():
    rare = texts(*[f"a{i % 25}" for i in range(N - 4)], "r", "s", "t", "u")
    data = {"one": rare, "two": rare[::-1].copy(), "size": np.arange(N), "y": np.arange(N) / 7}
    with pytest.warns(DataWarning) as caught:
        train(data, "y", epochs=1, hidden_layer_sizes=[2], engine="numpy", seed=1)
    (said,) = [str(one.message) for one in caught]
    assert said.startswith("validation and test part: values that the training part does not have")
    assert "'one' (" in said
    assert "'two' (" in said


def test_estimators_leave_out_what_was_not_declared():
    from sklearn.exceptions import ConvergenceWarning

    X = pd.DataFrame({"name": pd.Categorical(NAMES), "size": np.arange(float(N))})
    y = np.arange(N) % 2
    how = {"max_iter": 1, "hidden_layer_sizes": [2], "early_stopping": False}
    warnings.simplefilter("ignore", ConvergenceWarning)
    with pytest.warns(DataNote, match="nearly every row: 'name'$"):
        found = MLPClassifier(categorical_features="from_dtype", **how).fit(X, y)
    assert found.predict(X).shape == (N,)
    assert found.n_features_in_ == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        MLPClassifier(categorical_features=["name"], **how).fit(X, y)


def test_a_search_tells_it_once(capfd):
    data = {"name": texts(*NAMES), "size": np.arange(N), "y": np.arange(N) / 7}
    how = {"grid": {"l2": [0.0, 1.0]}, "epochs": 1, "hidden_layer_sizes": [2], "engine": "numpy"}
    for more in ({}, {"jobs": 2}, {"jobs": 1, "workers": "joblib"}):
        with pytest.warns(DataNote) as caught:
            search(data, "y", **how, **more)
        assert len(caught) == 1, more
    assert "left out" not in capfd.readouterr().err  # of a process of its own


def test_a_report_of_columns_without_names():
    rows = [list(row) for row in zip(*COLUMNS.values(), np.arange(N) % 7, strict=True)]
    with pytest.warns(DataNote):
        training = train(rows, np.arange(N) / 7, epochs=1, hidden_layer_sizes=[2])
    page = training.report_html()
    assert "Left out, text that is another in nearly every row: x0." in page
    assert "Left out, without a value: x3, x4." in page
