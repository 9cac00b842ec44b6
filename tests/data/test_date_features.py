"""What a network gets of dates, worked by hand; saved, read back, and given new dates."""

import json
import warnings

import numpy as np
import pytest

from fastnn.data.date_features import DateParts
from fastnn.data.dates import Dates
from fastnn.data.preprocess import Features
from fastnn.data.statistics import DataWarning
from fastnn.data.table import Table
from fastnn.errors import DataError, ModelFileError
from fastnn.reading.files import read_table


def fitted(*cells, **options):
    return Features.fit(read_table({"d": list(cells)}), dtype="float64", **options)


def again(features):
    metadata, arrays = features.to_state()
    return Features.from_state(json.loads(json.dumps(metadata)), arrays)


def test_the_numbers_by_hand():
    table = read_table({"d": ["2023-01-01 00:00", "2024-07-16 06:00"]})
    features = Features.fit(table, dtype="float64")
    assert features.names == (
        "d: elapsed time", "d: year", "d: month sin", "d: month cos", "d: weekday sin",
        "d: weekday cos", "d: hour sin", "d: hour cos",
    )  # fmt: skip
    assert features.places == {"d": [0, 1, 2, 3, 4, 5, 6, 7]}
    # 16 July: month 6 + 15/31 of 12; a Sunday (6 of 7) and a Tuesday (1 of 7); 6 of 24 hours
    july, sunday, tuesday = (2 * np.pi * t for t in ((6 + 15 / 31) / 12, 6 / 7, 1 / 7))
    wanted = [
        [-1, -1, 0, 1, np.sin(sunday), np.cos(sunday), 0, 1],
        [1, 1, np.sin(july), np.cos(july), np.sin(tuesday), np.cos(tuesday), 1, 0],
    ]
    np.testing.assert_allclose(features.transform(table), wanted, atol=1e-12)
    # not standardised: days and years from their means; 562.25 days lie between the two
    plain = Features.fit(table, dtype="float64", standardize=False).transform(table)
    np.testing.assert_allclose(plain[:, :2], [[-281.125, -0.5], [281.125, 0.5]])
    np.testing.assert_array_equal(plain[:, 2:], features.transform(table)[:, 2:])


@pytest.mark.parametrize(
    ("cells", "parts"),
    [
        (["2024-01-01", "2024-02-01", "2025-03-01"], ("year", "month")),  # always the first
        (["2023-01-01", "2024-01-01"], ("year",)),
        (["2024-01-01", "2024-01-02"], ("month", "weekday")),
        (["2024-01-01 10:00", "2024-01-01 11:00"], ("hour",)),
        (["2024-01-01", "2024-01-08"], ("month",)),  # both Mondays
        (["10:00", "11:00"], ("hour",)),
        (["2024-01-01", "2024-01-01"], ()),
    ],
)
def test_what_is_constant_is_left_out(cells, parts):
    features = fitted(*cells)
    assert features.dates["d"].parts == parts
    assert np.isfinite(features.transform(read_table({"d": cells}))).all()


def test_gaps_are_handled_as_those_of_numbers():
    cells = ["2024-01-01", "2024-01-03", None, "2024-01-09"]
    table = read_table({"d": cells, "x": [1.0, 2.0, 3.0, 4.0]})
    features = Features.fit(table, dtype="float64")
    assert features.indicators == ("d",)
    rows = features.transform(table)
    columns = dict(zip(features.names, rows.T, strict=True))
    assert columns["d is missing"].tolist() == [0, 0, 1, 0]
    for name in features.places["d"]:
        if features.names[name] != "d is missing":
            assert rows[2, name] == rows[1, name]  # the median is the 3rd
    whole = fitted("2024-01-01", "2024-01-03")
    with pytest.warns(DataWarning, match="1 of 1 values are missing.*training mean 2024-01-02"):
        filled = whole.transform(read_table({"d": [None]}, dates=["d"]))
    np.testing.assert_array_equal(filled, whole.transform(read_table({"d": ["2024-01-02"]})))


def test_saved_and_read_back():
    features = fitted("31.12.2023 10:00", "1.5.2024 11:00")
    back = again(features)
    assert back.dates == features.dates
    new = read_table({"d": ["3.3.2025"]})
    np.testing.assert_array_equal(back.transform(new), features.transform(new))
    assert "dates" not in Features.fit(Table.from_columns({"x": np.eye(2)})).to_state()[0]


@pytest.mark.parametrize(
    "change",
    [
        {"form": "dd.mm"}, {"form": 1}, {"of_day": 1}, {"parts": ["hour", "year"]},
        {"parts": ["hours"]}, {"parts": "year"}, {"year": [1.0]}, {"year": [1.0, 0.0]},
        {"year": [float("nan"), 1.0]}, {"year": [1.0, "2"]}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_damaged_file_is_refused(change):
    metadata, arrays = fitted("2024-01-01", "2024-05-01").to_state()
    damaged = {**metadata, "dates": {"d": {**metadata["dates"]["d"], **change}}}
    with pytest.raises(ModelFileError, match="features: 'dates' has the value"):
        Features.from_state(damaged, arrays)
    with pytest.raises(ModelFileError, match="contradict"):
        Features.from_state({**metadata, "dates": {"e": metadata["dates"]["d"]}}, arrays)


def test_weights_count_in_the_years():
    column = Dates.of(np.array([0.0, 0.0, 366 * 86_400.0]))
    parts = DateParts.fit(column, np.asarray(column), np.array([1.0, 1.0, 2.0]), True)
    assert parts.year == (1970.5, 0.5)


def test_dates_are_not_taken_for_something_else():
    times, days = read_table({"d": ["10:00", "11:00"]}), read_table({"d": ["2024-01-31"] * 2})
    numbers, texts = (read_table({"d": cells}) for cells in ([1, 2], ["a", "b"]))
    said = {
        (days, times): "holds times of day, and held dates in training",
        (times, days): "holds dates, and held times of day in training",
        (numbers, days): "holds dates, and held no dates in training",
        (texts, days): "holds dates, and held no dates in training",
        (days, texts): "'a' is not a number",
    }
    for (trained, new), why in said.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            features = Features.fit(trained)
        with pytest.raises(DataError, match=f"column 'd'.*{why}"):
            features.transform(new)
