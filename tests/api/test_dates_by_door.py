"""Dates at every door: read alike, saved, judged as one column, refused where they cannot be."""

from datetime import date, datetime

import numpy as np
import pytest

import fastnn
from fastnn.errors import ArgumentError, DataError
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")
optional("pyarrow")

N = 80
MOMENTS = np.datetime64("2024-01-20") + np.arange(N)
TEXTS = [f"{m.day}/{m.month}/{m.year}" for m in MOMENTS.tolist()]
X = np.random.default_rng(0).normal(size=N)
Y = X + np.arange(N) / 40
QUICK = {"hidden_layer_sizes": [4], "epochs": 3, "engine": "numpy"}


@pytest.fixture(scope="module")
def model():
    return fastnn.train({"day": TEXTS, "x": X}, Y, **QUICK).model


def test_one_row_is_read_as_in_training_through_every_door(model, tmp_path):
    model.save(tmp_path / "m.fastnn")
    again = fastnn.load(tmp_path / "m.fastnn")
    few = [3, 19]  # 23 January; 8 February, which alone could be 2 August
    wanted = model.predict({"day": TEXTS, "x": X})[few]
    day, x = [TEXTS[i] for i in few], X[few]
    moments = MOMENTS[few]
    (tmp_path / "new.csv").write_text(
        "x,day\n" + "".join(f"{float(b)!r},{a}\n" for a, b in zip(day, x, strict=True))
    )
    pd.DataFrame({"day": moments, "x": x}).to_parquet(tmp_path / "new.parquet")
    sources = [
        {"day": day, "x": x}, {"day": moments, "x": x}, tmp_path / "new.csv",
        tmp_path / "new.parquet", pd.DataFrame({"day": pd.to_datetime(moments), "x": x}),
        pd.DataFrame({"day": pd.PeriodIndex(moments.astype("M8[ns]"), freq="D"), "x": x}),
        pl.DataFrame({"day": moments, "x": x}), pl.DataFrame({"day": day, "x": x}),
        [[a, b] for a, b in zip(day, x, strict=True)],
        {"day": np.datetime_as_string(moments), "x": x},  # ISO, which is clear
    ]  # fmt: skip
    for source in sources:
        np.testing.assert_array_equal(again.predict(source), wanted, str(source))
    last = {"day": day[1:], "x": x[1:]}
    assert again.predict(last) == pytest.approx(wanted[1:])
    swapped = again.predict({"day": ["2/8/2024"], "x": x[1:]}, date_format="%m/%d/%Y")
    assert swapped == pytest.approx(wanted[1:])
    with pytest.raises(DataError, match=r"column 'day'.*'8/13/2024' cannot be, in a column of dat"):
        again.predict({"day": ["8/13/2024"], "x": x[1:]})
    with pytest.raises(ArgumentError, match="date_format='%Y' has no effect"):
        again.predict(sources[1], date_format="%Y")


def test_zones_are_utc():
    there = pd.date_range("2024-01-01", periods=N, freq="7h", tz="Europe/Berlin")
    at_home = there.tz_convert("UTC").tz_localize(None)
    models = [fastnn.train({"t": pd.Series(t)}, Y, **QUICK).model for t in (there, at_home)]
    predicted = [m.predict(pd.DataFrame({"t": t})) for m in models for t in (there, at_home)]
    for other in predicted[1:]:
        np.testing.assert_array_equal(predicted[0], other)


def test_durations_are_seconds():
    spans = np.arange(N).astype("m8[m]")
    first = fastnn.train({"t": spans}, Y, **QUICK).model
    second = fastnn.train({"t": np.arange(N) * 60.0}, Y, **QUICK).model
    assert first.features.dates == {}
    found = first.predict(pl.DataFrame({"t": spans.astype("m8[us]")}))
    np.testing.assert_array_equal(found, second.predict({"t": np.arange(N) * 60.0}))


def test_dates_that_are_declared(tmp_path):
    numbers = [int(str(m).replace("-", "")) for m in MOMENTS]
    model = fastnn.train({"day": numbers, "x": X}, Y, dates=["day"], **QUICK).model
    other = fastnn.train({"day": MOMENTS, "x": X}, Y, **QUICK).model
    found = model.predict({"day": numbers[:3], "x": X[:3]})
    np.testing.assert_array_equal(found, other.predict({"day": MOMENTS[:3], "x": X[:3]}))


def test_it_counts_as_one_column_and_is_told(model):
    assert model.features.columns == ("day", "x")
    assert model.facts()["inputs"] == (
        "6: 1 numeric, standardised; 5 for the dates of day (elapsed time, month, weekday)"
    )
    found = fastnn.explain(model, {"day": TEXTS, "x": X}, Y)
    assert found.columns == ("day", "x")
    assert (found.mean != 0).all()


def test_the_report_shows_dates():
    page = fastnn.train({"day": TEXTS, "x": X}, Y, **QUICK).report_html()
    assert "1 numeric and standardised and 1 with dates or times, became 6 inputs" in page
    assert "5 inputs: elapsed time, month, weekday" in page
    assert "2024-02-" in page
    assert "1.7e+09" not in page


@pytest.mark.parametrize("kind", ["typed", "text"])
def test_where_they_cannot_be(kind):
    day = MOMENTS if kind == "typed" else [str(m) for m in MOMENTS]
    with pytest.raises(DataError, match="target column 'day' holds dates or times; predict numb"):
        fastnn.train({"day": day, "x": X}, "day", **QUICK)
    model = fastnn.Sequential([fastnn.Dense(1)])
    model.compile(loss="mse")
    with pytest.raises(DataError, match="column 'day': it holds dates or times; turn them into"):
        model.fit({"day": day, "x": X}, Y)
    trained = fastnn.train({"day": day, "x": X}, Y, **QUICK).model
    with pytest.raises(ArgumentError, match="columns of text, of dates or with gaps"):
        trained.outputs_of_rows([[1.0, 2.0]])


def test_estimators_take_the_dates_of_frames():
    frame = pd.DataFrame({"day": MOMENTS, "x": X})
    estimator = fastnn.MLPRegressor(
        hidden_layer_sizes=[4], max_iter=3, categorical_features="from_dtype"
    )
    with pytest.warns(UserWarning, match="reached"):
        estimator.fit(frame, Y)
    found = estimator.predict(frame.iloc[:3])
    np.testing.assert_allclose(found, estimator.predict(frame)[:3])


@pytest.mark.parametrize(
    "day",
    [
        datetime(2024, 2, 8), date(2024, 2, 8), pd.Timestamp("2024-02-08"), "2024-02-08",
        np.datetime64("2024-02-08"), np.array("2024-02-08", "M8[D]"), None, pd.NaT,
    ],
)  # fmt: skip
def test_a_dict_of_cells_is_one_row(day):
    rows = pd.DataFrame({"day": pd.Series(MOMENTS).where(X > -1), "x": X})  # some without a day
    model = fastnn.train(rows, Y, **QUICK).model
    gap = day is None or day is pd.NaT
    frame = pd.DataFrame({"day": pd.to_datetime([None if gap else "2024-02-08"]), "x": [0.5]})
    for x in (0.5, np.float32(0.5), np.array(0.5)):
        np.testing.assert_array_equal(model.predict({"day": day, "x": x}), model.predict(frame))


SECONDS = MOMENTS.astype("M8[s]").astype(np.int64)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ((SECONDS * 1000).tolist(), "ms"),
        (SECONDS.tolist(), "s"),
        ([int(f"{m:%Y%m%d}") for m in MOMENTS.tolist()], "%Y%m%d"),
        ([f"{m:%d%m%Y}" for m in MOMENTS.tolist()], "%d%m%Y"),
        ([f"{m:%Y|%d|%m}" for m in MOMENTS.tolist()], "%Y|%d|%m"),
    ],
)
@pytest.mark.parametrize("kind", ["frame", "file"])
def test_a_format_of_one_column_says_that_it_is_dates(tmp_path, cells, form, kind):
    wanted = fastnn.train({"day": MOMENTS, "x": X}, Y, **QUICK).model
    data = pd.DataFrame({"day": cells, "x": X})
    if kind == "file":
        data.assign(x=[repr(float(x)) for x in X]).to_csv(tmp_path / "a.csv", index=False)
        data = tmp_path / "a.csv"
    model = fastnn.train(data, Y, date_format={"day": form}, **QUICK).model
    assert model.features.dates.keys() == {"day"}
    np.testing.assert_allclose(
        model.predict(data), wanted.predict({"day": MOMENTS, "x": X}), rtol=1e-4, atol=1e-5
    )


def test_a_format_in_which_its_column_is_not_written_is_refused():
    for day, form, why in (
        (TEXTS, "%m-%d-%Y", "is written %d/%m/%Y"), (MOMENTS, "%m-%d-%Y", "is no text")
    ):  # fmt: skip
        with pytest.raises(ArgumentError, match=rf"date_format=.* no effect: column 'day' {why}$"):
            fastnn.train({"day": day, "x": X}, Y, date_format={"day": form}, **QUICK)
    with pytest.raises(DataError, match="date_format: no column 'dax'; did you mean 'day'"):
        fastnn.train({"day": MOMENTS, "x": X}, Y, date_format={"dax": "%Y"}, **QUICK)


def test_numbers_that_may_be_dates_have_their_cure():
    with pytest.raises(ArgumentError, match=r"dates only where that is said: dates=\['COL'\]$"):
        fastnn.train({"day": SECONDS * 1000, "x": X}, Y, date_format="ms", **QUICK)
    for factor, unit in ((1, "s"), (1000, "ms"), (10**6, "us")):
        with pytest.raises(DataError, match=f"such as date_format='{unit}'"):
            fastnn.train({"day": SECONDS * factor, "x": X}, Y, dates=["day"], **QUICK)
