"""`fastnn explain`: the numbers of Python, as a table, as JSON and as a picture."""

import json

import pytest

from fastnn.model.files import load
from fastnn.report.importance import explain
from fastnn.text import number
from tests.browser import Page


def test_the_table_is_that_of_python(fastnn, models) -> None:
    ran = fastnn("explain", models / "tumours.fastnn", "breast_cancer", "--seed", 2)
    assert ran.code == 0
    found = explain(load(models / "tumours.fastnn"), "breast_cancer", seed=2)
    lines = ran.out.splitlines()
    assert lines[0].split() == ["column", "accuracy", "lower", "by", "deviation"]
    for line, row in zip(lines[1:21], found, strict=False):
        shown = [row["column"], number(row["importance"]), number(row["deviation"])]
        assert line.split() == " ".join(shown).split()
    assert lines[21] == "... and 10 more"
    score = number(found.score)
    assert (
        lines[-1] == f"accuracy {score} on all 569 rows, 5 orders of each column, drawn by seed 2"
    )
    assert "all 569 rows, some of them seen" in ran.err


def test_json_has_every_column(fastnn, models, flats_csv) -> None:
    ran = fastnn("explain", models / "flats.fastnn", "flats.csv", "--drop", "id", "--json",
                 "--by", "mae", "--repeats", 2, "--rows", 50)  # fmt: skip
    document = json.loads(ran.out)
    assert {row["column"] for row in document["columns"]} == {"area", "rooms", "town", "built"}
    values = [row["importance"] for row in document["columns"]]
    assert values == sorted(values, reverse=True)
    assert {name: document[name] for name in ("metric", "rows", "of_rows", "repeats", "seed")} == {
        "metric": "mae", "rows": 50, "of_rows": 120, "repeats": 2, "seed": 0,
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["svg", "png", "html"])
def test_a_picture(fastnn, models, tmp_path, kind: str) -> None:
    if kind == "png":
        pytest.importorskip("resvg_py", reason="resvg-py is not installed (extra plot)")
    name = f"p.{kind}"
    ran = fastnn("explain", models / "tumours.fastnn", "breast_cancer", "--picture", name)
    assert ran.out.splitlines()[-1] == f"picture: {name}"
    content = (tmp_path / name).read_bytes()
    if kind == "png":
        assert content.startswith(b"\x89PNG")
    else:
        assert b"worst " in content
    if kind == "html":
        Page(content.decode()).asks_for_nothing()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--by", "r2"], 2, "--by: metric 'r2' does not apply to a multiclass target"),
        (["--repeats", "0"], 2, "--repeats must be a whole number above 0, found 0"),
        (["--rows", "0"], 2, "--rows must be a whole number above 0, found 0"),
        (["--rows", "a"], 2, "--rows: needs a whole number, found 'a'"),
        (["--picture", "p.gif"], 2, "--picture: the name ends in .svg, .png or .html: 'p.gif'"),
        (["--picture", "none/p.svg"], 3, "--picture: there is no folder"),
        (["--target", "digit"], 2, "--target has no effect: data set 'digits' has its own target"),
    ],
)
def test_what_cannot_be(fastnn, models, words, code, said) -> None:
    ran = fastnn("explain", models / "digits.fastnn", "digits", *words)
    assert ran.code == code
    assert said in ran.err.splitlines()[-1]


def test_data_in_the_place_of_the_model(fastnn, models) -> None:
    ran = fastnn("explain", "digits", models / "digits.fastnn")
    assert ran.code == 2
    assert "MODEL comes before DATA: fastnn explain " in ran.err
