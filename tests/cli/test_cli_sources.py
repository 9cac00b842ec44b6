"""DATA as people have it: standard input, folders, patterns, pictures."""

import errno
import gzip
import io
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from fastnn.cli.report import is_data
from fastnn.formats.document import unpack
from tests.optional import optional

pa = optional("pyarrow")
csv = optional("pyarrow.csv")
feather = optional("pyarrow.feather")
parquet = optional("pyarrow.parquet")

QUICK = ("--epochs", 2, "--hidden", "4", "--quiet", "--seed", 0)


@pytest.fixture
def pipe(monkeypatch):
    """Puts bytes on standard input."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


def as_type(kind: str, path: Path) -> bytes:
    """The bytes of a CSV file as those of another type."""
    text = path.read_bytes()
    table = csv.read_csv(path)
    made = path.parent / "made"
    if kind == "gz":
        return gzip.compress(text)
    if kind == "parquet":
        parquet.write_table(table, made)
    elif kind == "arrow":
        feather.write_feather(table, str(made))
    elif kind in ("json lines", "json lines, packed"):
        lines = "\n".join(json.dumps(row) for row in table.to_pylist()).encode()
        return gzip.compress(lines) if "packed" in kind else lines
    elif kind == "npz":
        with made.open("wb") as file:
            np.savez(file, **{name: np.asarray(table[name]) for name in ("area", "rooms", "price")})
    return made.read_bytes() if made.exists() else text


@pytest.mark.parametrize(
    "kind", ["csv", "gz", "parquet", "arrow", "json lines", "json lines, packed"]
)
def test_standard_input_is_the_file(kind, fastnn, flats_csv, pipe):
    how = ("--target", "price", "--drop", "id", *QUICK)
    assert fastnn("train", "flats.csv", *how, "-o", "file.fastnn").code == 0
    expected = fastnn("predict", "file.fastnn", "flats.csv")
    pipe(as_type(kind, flats_csv))
    ran = fastnn("train", "-", *how)
    assert (ran.code, ran.err) == (0, "")
    assert "model: stdin.fastnn" in ran.out
    assert unpack("stdin.fastnn").config.unkept == ("data",)
    pipe(as_type(kind, flats_csv))
    found = fastnn("predict", "stdin.fastnn", "-")
    assert found == expected


def test_arrays_on_standard_input(fastnn, flats_csv, pipe):
    pipe(as_type("npz", flats_csv))
    assert fastnn("train", "-", "--target", "price", *QUICK).code == 0


def test_evaluate_report_and_explain_read_standard_input(fastnn, flats_csv, pipe, models):
    model = models / "flats.fastnn"
    for command, more in (("evaluate", ()), ("explain", ()), ("report", ("-o", "a.html"))):
        expected = json.loads(fastnn(command, model, "flats.csv", *more, "--json").out)
        pipe(flats_csv.read_bytes())
        ran = fastnn(command, model, "-", *more, "--json")
        assert "/" not in ran.err
        found = json.loads(ran.out)
        assert found.pop("data") == "standard input"
        assert expected.pop("data") == "flats.csv"
        assert found == expected


def test_what_is_wrong_with_standard_input_is_told_by_that_name(fastnn, pipe, tmp_path):
    pipe(b"")
    ran = fastnn("train", "-", "--target", "y")
    assert (ran.code, ran.err) == (
        3,
        "fastnn: error: standard input is empty: pipe a table into the command, or name a file as "
        "DATA\n",
    )
    pipe(b"x,y\n1,2\n3\n")
    ran = fastnn("train", "-", "--target", "y")
    assert ran.code == 3
    assert ran.err.startswith("fastnn: error: standard input, line 3: 1 cell")
    pipe(b"x,y\n1,2\n")
    ran = fastnn("train", "-")
    assert ran.err.startswith("fastnn: error: standard input needs --target COL, the column to")
    assert not list(tmp_path.iterdir())


def test_no_room_to_keep_standard_input(fastnn, pipe, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    pipe(b"x,y\n1,2\n")
    ran = fastnn("train", "-", "--target", "y")
    assert ran.code == 3
    assert f"standard input cannot be kept in the folder '{tmp_path}'" in ran.err
    assert "No space left on device; make room there, set TMPDIR to another folder" in ran.err


def test_a_folder_and_a_pattern(fastnn, flats_csv, tmp_path):
    lines = flats_csv.read_text().splitlines(keepends=True)
    folder = tmp_path / "by_year"
    folder.mkdir()
    for k in range(3):
        (folder / f"{k}.csv").write_text("".join([lines[0], *lines[1 + 40 * k : 41 + 40 * k]]))
    how = ("--target", "price", "--drop", "id", *QUICK)
    assert fastnn("train", "flats.csv", *how).code == 0
    expected = fastnn("predict", "flats.fastnn", "flats.csv").out
    ran = fastnn("train", "by_year/", *how)
    assert "model: by_year.fastnn" in ran.out
    assert fastnn("predict", "by_year.fastnn", "by_year").out == expected
    assert fastnn("train", "by_year/*.csv", *how).code == 0
    assert fastnn("predict", "by_year.fastnn", "by_year/*.csv").out == expected
    ran = fastnn("train", "by_year")
    assert ran.err.startswith("fastnn: error: 'by_year' needs --target COL, the column to predict")
    (folder / "notes.md").write_text("")
    ran = fastnn("predict", "by_year.fastnn", "by_year")
    assert ran.code == 3
    assert "file 'by_year/notes.md' is not of the type of the others (3 of .csv)" in ran.err


def test_several_files(fastnn, flats_csv, tmp_path):
    """As a shell makes them of a pattern without quotation marks."""
    head, *rows = flats_csv.read_text().splitlines(keepends=True)
    files = [f"{k}.csv" for k in range(3)]
    for k, name in enumerate(files):
        (tmp_path / name).write_text("".join([head, *rows[k * 40 : k * 40 + 40]]))
    (tmp_path / "all.csv").write_text("".join([head, *rows[:120]]))
    how = ("--target", "price", "--drop", "id", *QUICK)
    assert fastnn("train", "all.csv", *how).code == 0
    ran = fastnn("train", *files, *how)
    assert (ran.code, ran.err) == (0, "")
    assert "model: 0.fastnn" in ran.out
    assert unpack("0.fastnn").config.given["data"] == files
    for command in ("predict", "evaluate", "explain"):
        one = json.loads(fastnn(command, "all.fastnn", "all.csv", "--json").out)
        several = json.loads(fastnn(command, "all.fastnn", *files, "--json").out)
        assert (one.pop("data"), several.pop("data")) == ("all.csv", files)
        assert one == several
    assert fastnn("predict", "0.fastnn", *files) == fastnn("predict", "all.fastnn", "all.csv")
    assert fastnn("train", "--config", "0.fastnn", "-o", "again.fastnn", "--quiet").code == 0
    assert fastnn("predict", "again.fastnn", *files) == fastnn("predict", "0.fastnn", *files)
    ran = fastnn("predict", "0.fastnn")
    assert ran.code == 2
    assert "DATA" in ran.err


@pytest.mark.parametrize(
    ("data", "code", "said"),
    [
        (["flats.csv", "-"], 2, "DATA: '-', standard input, is all of the data or none of it"),
        (["flats.csv", "digits"], 2, "'digits' is a built-in data set and no file; name it"),
        (["flats.csv", "flots"], 3, "'flots' is neither a file nor a built-in data set"),
        (["flats.csv", "flots.csv"], 3, "file 'flots.csv' does not exist"),
        (["flats.csv", "t.npz"], 3, "file 't.npz' is not of the type of the others (1 of .csv)"),
    ],
)
def test_several_files_that_are_no_table(fastnn, flats_csv, tmp_path, data, code, said):
    np.savez(tmp_path / "t.npz", x=[1.0])
    ran = fastnn("train", *data, "--target", "price", *QUICK)
    assert ran.code == code
    assert ran.err.startswith(f"fastnn: error: {said}")


def test_what_a_report_takes_for_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    assert [is_data(p) for p in ("folder", "a/*.csv", "a.jsonl.zst", "m.fastnn")] == [1, 1, 1, 0]


def test_a_folder_of_pictures_has_its_own_target(fastnn, tmp_path):
    image = optional("PIL.Image")
    chance = np.random.default_rng(0)
    for k in range(40):
        name = ("bright", "dark")[k % 2]
        (tmp_path / "shots" / name).mkdir(parents=True, exist_ok=True)
        pixels = chance.integers(0, 100, (4, 4)) + (150 if name == "bright" else 0)
        image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "shots" / name / f"{k}.png")
    ran = fastnn("train", "shots", "--epochs", 30, "--quiet", "--seed", 0)
    assert ran.code == 0
    assert "each example of 4 x 4 numbers is 16 columns" in ran.err
    assert "binary of 'class'" in ran.out
    found = fastnn("predict", "shots.fastnn", "shots").out.split()
    assert found == ["prediction", *["bright"] * 20, *["dark"] * 20]
    found = fastnn("predict", "shots.fastnn", "shots/dark/*.png").out.split()
    assert found == ["prediction", *["dark"] * 20]
    found = json.loads(fastnn("evaluate", "shots.fastnn", "shots", "--json").out)
    assert found["metrics"]["accuracy"] == 1
