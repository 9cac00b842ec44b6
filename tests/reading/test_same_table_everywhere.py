"""The same rows are the same Table, and the same model, whatever they come from."""

import csv
import io
import json
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.api.train import train
from fastnn.data.statistics import DataWarning
from fastnn.data.storage import OnDisk
from fastnn.errors import DataError
from fastnn.reading import csv_text, file_types
from fastnn.reading.files import read_table
from tests.optional import optional

pd = optional("pandas")
pl = optional("polars")
pa = optional("pyarrow")
parquet = optional("pyarrow.parquet")
feather = optional("pyarrow.feather")

BERLIN = timezone(timedelta(hours=1))

#: Texts that some reader or other takes for something else.
AWKWARD = (
    "", " ", "NA", "na", " N/A ", "nan", "NaN", "None", "null", "?", "#N/A", "<NA>", "NaT", "inf",
    "-inf", "1", " 1", "1.0", "1.50", "-0", "+1", "1e3", "1000", ".5", "5.", "02134", "0x1F", "1_0",
    "True", "true", "FALSE", "False", "yes", "1,5", "1,200", "12%", "$3", "-", ".", "A-1", "12-34",
    "1.2.3", " Ulm", "Ulm ", "Köln", 'five"', '"quoted"', "a,b", "two\nlines", "日本", "\u00a0x",
    "\t", "9007199254740993", "9007199254740992.0", "1e400", "2024-01-31", "'", "none", "\u22125",
    "٣",
)  # fmt: skip
TIME_TEXTS = (
    "2024-01-31", "2024-1-3", "2024-01-31 10:00", "2024-01-31T10:00:00.5", "31.12.2024", "1.2.2024",
    "31/12/2024", "1/31/2024", "1/2/2024", "Jan 5, 2024", "5 January 2024", "2024-02", "2024Q3",
    "9:30", "9:30 pm", "23:59:59.25", "2024-01-31 10:00+01:00", "2021-02-30", "31.12.99", "soon",
)  # fmt: skip
LETTERS = st.characters(blacklist_categories=["Cs", "Cc"])
BIG = st.integers(2**53 - 3, 2**53 + 3) | st.integers(-(2**63), 2**63 - 1)

CELLS = {
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "short number": st.integers(-999, 999).map(lambda i: i / 8),
    "whole": st.integers(-1000, 1000),
    "large whole": BIG,
    "truth": st.booleans(),
    "text": st.sampled_from(["Ulm", "Köln", "a b", "A-1"]),
    "awkward text": st.sampled_from(AWKWARD),
    "numbers as text": st.sampled_from(["1", "2.5", "1.0", "-3", "1e3", "007", "true", "NA"]),
    "any text": st.text(LETTERS, max_size=4),
    "date": st.dates(),
    "moment": st.datetimes(),
    "moment in a zone": st.datetimes(
        datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.sampled_from([UTC, BERLIN])
    ),
    "time of day": st.times(),
    "time as text": st.sampled_from(TIME_TEXTS),
    "national date": st.sampled_from(["31/12/2023", "1/2/2024", "20/02/2024 10:30"]),
}
TYPES = {
    "number": (pl.Float64, pa.float64(), "Float64"),
    "short number": (pl.Float64, pa.float64(), "Float64"),
    "whole": (pl.Int64, pa.int64(), "Int64"),
    "large whole": (pl.Int64, pa.int64(), "Int64"),
    "truth": (pl.Boolean, pa.bool_(), "boolean"),
    "date": (pl.Date, pa.date32(), "datetime64[us]"),
    "moment": (pl.Datetime("us"), pa.timestamp("us"), "datetime64[us]"),
    "moment in a zone": (
        pl.Datetime("us", "UTC"), pa.timestamp("us", "UTC"), "datetime64[us, UTC]"
    ),
    "time of day": (pl.Time, pa.time64("us"), "object"),
}  # fmt: skip


#: Options, and the kinds of cells of which they say nothing else in a file than in a frame.
READINGS = [
    ({}, CELLS),
    ({"missing": []}, CELLS),
    ({"missing": ["-", "Ulm", "1", "-2.50"]}, CELLS),
] + [
    (signs, [kind for kind in CELLS if "number" not in kind])
    for signs in ({"decimal": ","}, {"thousands": ","}, {"decimal": ",", "thousands": "."})
]


@st.composite
def tables(draw, kinds, n_rows=(1, 14)):
    """Return kinds and cells by column; None is a gap."""
    n = draw(st.integers(*n_rows))
    drawn = ["whole", *draw(st.lists(st.sampled_from(list(kinds)), min_size=1, max_size=3))]
    cells = {}
    for j, kind in enumerate(drawn):
        gap = st.none() if draw(st.booleans()) else CELLS[kind]
        few = draw(st.lists(CELLS[kind], min_size=1, max_size=4))  # so that values come again
        cell = st.sampled_from(few) | CELLS[kind] | gap
        cells[f"x{j}"] = draw(st.lists(cell, min_size=n, max_size=n))
    return dict(zip(cells, drawn, strict=True)), cells


def arrow(kinds, cells):
    types = [TYPES[k][1] if k in TYPES else pa.string() for k in kinds.values()]
    return pa.table(
        [pa.array(v, t) for v, t in zip(cells.values(), types, strict=True)], list(cells)
    )


def frame(kinds, cells):
    types = {name: TYPES[k][0] if k in TYPES else pl.String for name, k in kinds.items()}
    return pl.DataFrame(cells, schema=types)


def nullable(kinds, cells):
    return pd.DataFrame(
        {n: pd.array(v, dtype=TYPES[kinds[n]][2] if kinds[n] in TYPES else "string")
         for n, v in cells.items()}
    )  # fmt: skip


def objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def plain_csv(cells):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    writer.writerows(
        ["" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in row]
        for row in zip(*cells.values(), strict=True)
    )
    return text.getvalue()


def file(folder, name, write):
    write(folder / name)
    return folder / name


def csv_file(folder, kinds, cells):
    return file(
        folder, "a.csv", lambda path: path.write_text(plain_csv(cells), "utf-8", newline="")
    )


def csv_of_pandas(folder, kinds, cells):
    return file(folder, "b.csv", lambda path: nullable(kinds, cells).to_csv(path, index=False))


def csv_of_polars(folder, kinds, cells):
    return file(folder, "c.csv", frame(kinds, cells).write_csv)


def quoted_tsv(folder, kinds, cells):
    options = {"sep": "\t", "quoting": csv.QUOTE_ALL, "index": False}
    return file(folder, "d.tsv", lambda path: nullable(kinds, cells).to_csv(path, **options))


def parquet_file(folder, kinds, cells):
    return file(folder, "a.parquet", lambda path: parquet.write_table(arrow(kinds, cells), path))


def json_lines(folder, kinds, cells):
    rows = [dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True)]
    text = "".join(f"{json.dumps(row, default=str)}\n" for row in rows)
    return file(folder, "a.jsonl", lambda path: path.write_text(text))


def stream(kinds, cells):
    table = arrow(kinds, cells)
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=3))


SOURCES = {
    "csv": csv_file,
    "csv of pandas": csv_of_pandas,
    "csv of polars": csv_of_polars,
    "tsv, all quoted": quoted_tsv,
    "parquet": parquet_file,
    "parquet of polars": lambda d, k, c: file(d, "b.parquet", frame(k, c).write_parquet),
    "feather": lambda d, k, c: file(
        d, "a.feather", lambda path: feather.write_feather(arrow(k, c), str(path))
    ),
    "json lines": json_lines,
    "stream": lambda d, k, c: stream(k, c),
    "polars, lazy": lambda d, k, c: frame(k, c).lazy(),
    "pandas": lambda d, k, c: nullable(k, c),
    "pandas objects": lambda d, k, c: pd.DataFrame(
        {n: objects(v) for n, v in c.items()}, dtype=object
    ),
    "pandas arrow": lambda d, k, c: arrow(k, c).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda d, k, c: frame(k, c),
    "arrow": lambda d, k, c: arrow(k, c),
    "dict of lists": lambda d, k, c: dict(c),
    "dict of arrays": lambda d, k, c: {n: objects(v) for n, v in c.items()},
    "dict of polars": lambda d, k, c: dict(zip(c, frame(k, c).get_columns(), strict=True)),
    "dict of arrow": lambda d, k, c: {n: arrow(k, c).column(n).combine_chunks() for n in c},
    "list of rows": lambda d, k, c: [list(row) for row in zip(*c.values(), strict=True)],
    "matrix": lambda d, k, c: np.array([objects(v) for v in c.values()], dtype=object).T,
}


def outcome(read):
    """The numbers and the texts of a table, or which column is refused and why."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            table = read()
        except DataError as error:
            where, _, why = str(error).partition(": ")
            return where.partition(",")[0], why
    numbers = {n: table.column(n).astype(float).tolist() for n in table.numeric_names}
    dates = {n: column.of_day for n, column in table.dates.items()}
    return numbers, dates, {n: table.column(n).tolist() for n in table.categorical}


def same(one, other):
    """Whether two outcomes agree, numbers to the last bit but for the sign of zero."""
    return repr(one).replace("-0.0", "0.0") == repr(other).replace("-0.0", "0.0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("same")


@contextmanager
def small_batches():
    """Files in batches of a few rows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_types, "BATCH_ROWS", 3)
        patch.setattr(csv_text, "_BATCH_BYTES", 64)
        yield


@settings(max_examples=80)
@given(st.data(), st.sampled_from(READINGS), st.sampled_from([[], ["x0"], ["x1"]]))
def test_every_reader_gives_the_same_table(folder, data, reading, categorical):
    options, kinds = reading
    table = data.draw(tables(kinds))
    found = {}
    for name, make in SOURCES.items():
        source = make(folder, *table)
        found[name] = outcome(partial(read_table, source, categorical=categorical, **options))
    for name in ("csv", "parquet", "feather"):
        source = SOURCES[name](folder, *table)
        disk = partial(read_table, source, categorical=categorical, storage=OnDisk(), **options)
        with small_batches():
            found[f"{name} in batches"] = outcome(disk)
    differing = {name: other for name, other in found.items() if not same(found["csv"], other)}
    assert differing == {}, found["csv"]


LEARNABLE = (
    "short number", "whole", "truth", "text", "numbers as text", "awkward text", "date", "moment",
    "moment in a zone", "time of day", "time as text", "national date",
)  # fmt: skip
NAMED = ("csv", "parquet", "pandas", "pandas objects", "polars", "arrow", "dict of lists")


def learnt(folder, make, kinds, cells, target):
    """The predictions of a small network trained on a source, or why it is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            model = train(
                make(folder, {**kinds, "y": "text"}, {**cells, "y": target}), "y",
                hidden_layer_sizes=[3], epochs=1, seed=0, engine="numpy",
            ).model  # fmt: skip
            first = {name: values[:1] for name, values in cells.items()}
            return [
                model.predict_proba(make(folder, kinds, rows)).tolist() for rows in (cells, first)
            ]
        except DataError as error:
            return str(error).partition(": ")[2]


@settings(max_examples=8)
@given(tables(LEARNABLE, (20, 20)))
def test_every_reader_gives_the_same_model(folder, table):
    target = ["no", "yes", "no", "no"] * 5
    found = {name: learnt(folder, SOURCES[name], *table, target) for name in NAMED}
    assert {name for name, other in found.items() if other != found["csv"]} == set(), found


def labelled(folder, name, labels):
    """A source with labels written as text; a file has no types."""
    kinds, cells = {"x": "whole"}, {"x": list(range(len(labels)))}
    return SOURCES[name](folder, {**kinds, "y": "text"}, {**cells, "y": labels})


@pytest.mark.parametrize(
    ("labels", "of_files"),
    [
        (["no", "yes"], ["no", "yes"]),
        (["01", "02"], ["01", "02"]),  # leading zeros make a code
        (["1", "02"], ["02", "1"]),
        (["0", "1"], [0, 1]),
        ([" 3", "1"], [1, 3]),
        (["1.0", "2.0"], [1.0, 2.0]),
        (["true", "FALSE"], [False, True]),
    ],
    ids=str,
)
def test_labels_are_what_they_are_in_the_source_and_known_from_every_other(
    folder, labels, of_files
) -> None:
    target = labels * 10
    texts = sorted(label.strip() for label in labels)
    for name in NAMED:
        trained = train(labelled(folder, name, target), "y", epochs=1, engine="numpy").model
        classes = trained.targets.classes
        assert classes is not None
        wanted = of_files if name == "csv" else texts
        assert classes.tolist() == wanted
        assert [type(label) for label in classes.tolist()] == [type(label) for label in wanted]
        found = {
            other: trained.evaluate(labelled(folder, other, target), "y")["accuracy"]
            for other in NAMED
        }
        assert set(found.values()) == {found[name]}


DURATIONS = [timedelta(days=2), timedelta(hours=1, microseconds=250), timedelta(minutes=-1), None]


@pytest.mark.parametrize(
    ("cells", "texts"),
    [
        (DURATIONS, ["2 days", "0 days 01:00:00.000250", "-1 days +23:59:00", None]),
        (DURATIONS[:1], ["2 days"]),
        ([datetime(2024, 1, 31), datetime(2024, 1, 31, 6)], ["2024-01-31", "2024-01-31 06:00"]),
        ([datetime(2024, 1, 31, tzinfo=BERLIN)], ["2024-01-30 23:00"]),
    ],
)
def test_times_as_categories_are_the_same_from_files_and_frames(cells, texts, tmp_path):
    frame = pd.DataFrame({"c": pd.Series(cells), "x": range(len(cells))})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    sources = [
        frame, frame.astype(object), frame.assign(c=frame["c"].astype("category")),
        pl.from_pandas(frame), pa.Table.from_pandas(frame), {"c": cells, "x": frame["x"]},
        tmp_path / "a.csv", tmp_path / "a.parquet",
    ]  # fmt: skip
    for source in sources:
        assert read_table(source, categorical=["c"]).column("c").tolist() == texts


def categories_at_every_door(folder, cells):
    x = list(range(len(cells)))
    objects_ = pd.Series(cells, dtype=object)
    table = pa.table({"c": cells, "x": x})
    parquet.write_table(table, folder / "b.parquet")
    return [
        {"c": cells, "x": x}, {"c": objects(cells), "x": x}, pl.DataFrame({"c": cells, "x": x}),
        table, pd.DataFrame({"c": objects_, "x": x}), folder / "b.parquet",
        pd.DataFrame({"c": objects_.astype("category"), "x": x}),
    ]  # fmt: skip


@pytest.mark.parametrize("kinds", [{}, {"categorical": ["c"]}])
def test_bytes_are_refused_at_every_door(kinds, tmp_path):
    for source in categories_at_every_door(tmp_path, [b"bolt", b"nut"]):
        with pytest.raises(DataError, match=r"column 'c', row 0.*b'bolt' is .*decode the column"):
            read_table(source, **kinds)


def test_spellings_of_one_number_are_told_at_every_door(tmp_path):
    cells = ["a", "1.1", "1.10"]
    pd.DataFrame({"c": cells, "x": 1}).to_csv(tmp_path / "a.csv", index=False)
    for source in [*categories_at_every_door(tmp_path, cells), tmp_path / "a.csv"]:
        with pytest.warns(DataWarning, match="'1.1' and '1.10' are the same number"):
            read_table(source, categorical=["c"])


def test_whole_floats_that_may_have_been_rounded_are_told(tmp_path):
    cells = [2.0**53, 5.0, None]
    for source in categories_at_every_door(tmp_path, cells)[:-1]:
        with pytest.warns(DataWarning, match=r"column 'c': 9007199254740992 is a float.*Int64"):
            read_table(source, categorical=["c"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exact = pd.DataFrame({"c": pd.array([2**53 + 1, None], "Int64")})
        assert read_table(exact, categorical=["c"]).column("c").tolist() == [str(2**53 + 1), None]
        read_table({"c": [2.0**53 - 1, 0.5]}, categorical=["c"])
