"""`fastnn demo`: the list, a demo with its files, its own options, and what it refuses."""

import json
import webbrowser

import pytest

from fastnn.demos.table import DEMOS


def test_the_list(fastnn):
    ran = fastnn("demo")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.out.splitlines() if line[0] != " "] == [*DEMOS.names]
    assert "fastnn demo forward" in ran.err
    rows = json.loads(fastnn("demo", "--json").out)["demos"]
    assert [row["name"] for row in rows] == [*DEMOS.names]


def test_a_demo_prints_its_lines_and_writes_its_files(fastnn, tmp_path):
    pytest.importorskip("resvg_py", reason="resvg-py is not installed (extra plot)")
    ran = fastnn("demo", "forward")
    assert ran.code == 0
    assert len(ran.out.splitlines()) == 3
    written = sorted(path.name for path in (tmp_path / "fastnn-demos").iterdir())
    assert written == ["forward.csv", "forward.html", "forward.png", "forward.svg"]
    assert all(f"fastnn-demos/{name}" in ran.err for name in written)


def test_a_demo_as_json_with_options_of_its_own(fastnn, tmp_path):
    document = json.loads(fastnn("demo", "forward", "--x", "0,0,0", "--out", "a/b", "--json").out)
    assert document["demo"] == "forward"
    assert len(document["lines"]) == 3
    assert all((tmp_path / file).is_file() for file in document["files"])
    first = document["numbers"][0]
    assert set(first) == {"panel", "series", "x", "y", "value"}
    assert (first["series"], first["value"]) == ("x1", "0")


def test_values_may_begin_with_a_minus(fastnn):
    ran = fastnn("demo", "computation-graph", "--expression", "-a*b", "--at", "a=-1,b=4")
    assert "J = u * b = 4" in ran.out
    assert fastnn("demo", "forward", "--x", "-1,0,-2").code == 0
    assert fastnn("demo", "derivative", "--c", "-0.5").code == 0


def test_the_page_is_opened_in_a_browser(fastnn, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    assert "browser" not in fastnn("demo", "forward", "--open").err
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert f"no browser was found; open {opened[0]}" in fastnn("demo", "forward", "--open").err
    assert opened[0].startswith("file:///")
    assert opened[0].endswith("/fastnn-demos/forward.html")


def test_the_help_of_a_demo_has_its_options_and_their_defaults(fastnn):
    ran = fastnn("demo", "forward", "--help")
    assert ran.code == 0
    assert "--x LIST" in ran.out
    assert "the three inputs; default: 1.0,0.5,-1.0" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["forwrad"], 2, "unknown demo 'forwrad'; did you mean 'forward'? (known: "),
        (["forward", "--sed", "1"], 2, "unknown argument '--sed'; did you mean '--seed'?"),
        (["forward", "more"], 2, "unknown argument 'more'"),
        (["--open", "forward"], 2, "after the name: fastnn demo NAME --open"),
        (
            ["forward", "--x", "1,2"],
            2,
            "--x must be 3 numbers from -1e+06 to 1e+06, found [1.0, 2.0]",
        ),
        (["forward", "--x", "1,a,2"], 2, "--x: needs a number, found 'a'"),
        (["forward", "--seed", "-1"], 2, "--seed must be a whole number from 0"),
        (["computation-graph", "--expression", "a if b else c"], 2, "--expression branches at"),
        (["computation-graph", "--expression", "a/b", "--at", "a=1,b=0"], 2, "divides by 0: 1 / 0"),
        (["computation-graph", "--expression", "x*y"], 2, "--at has no number for x, y"),
        (["dot", "--left", "1,2,3"], 2, "--right is (2, 3) and --left is (1, 3)"),
        (["forward", "--activation", "rellu"], 2, "did you mean 'relu'"),
        (["forward", "--out", "file/x"], 3, "the folder 'file/x' cannot be made"),
        (["forward", "--out", ""], 2, "--out must be the name of a folder, found ''"),
    ],
)
def test_what_it_refuses(fastnn, tmp_path, arguments, code, said):
    (tmp_path / "file").touch()
    ran = fastnn("demo", *arguments)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
