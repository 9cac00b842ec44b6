"""Every demo of the table: three lines, a picture with something in it, the same each time."""

import ast
import csv
import inspect
import io
import re
import typing
from pathlib import Path
from xml.etree import ElementTree

import pytest

from fastnn import demos
from fastnn.demos import demo as demo_module
from fastnn.demos.demo import Demonstration
from fastnn.demos.table import DEMOS
from fastnn.errors import ArgumentError, DataError, MissingExtraError
from fastnn.pictures.figure import panel_svg
from fastnn.pictures.marks import Bar, BarChart, Chart, Diagram, Figure, HeatMap, Line, Panel
from tests.demos.ran import shown
from tests.pictures.sizes import on_a_phone

ROOT = Path(demos.__file__).parent
NAMES = DEMOS.names


def marks(panel: Panel) -> int:
    """How many things a panel shows."""
    if isinstance(panel, Chart):
        return len(panel.marks)
    if isinstance(panel, Diagram):
        return len(panel.nodes)
    if isinstance(panel, HeatMap):
        return len(panel.values)
    return len(panel.bars)


@pytest.mark.parametrize("name", NAMES)
def test_three_lines_and_a_picture(name: str) -> None:
    found = shown(name)
    assert found.name == name
    assert len(found.lines) == 3
    for line in found.lines:
        assert 20 < len(line) <= 160, (len(line), line)
        assert any(c.isdigit() for c in line), f"no finding without its number: {line}"
    assert found.figure.panels
    assert all(marks(panel) for panel in found.figure.panels)
    tree = ElementTree.fromstring(found.svg())
    assert len(list(tree.iter("{http://www.w3.org/2000/svg}text"))) > 3
    assert len(list(csv.DictReader(io.StringIO(found.csv())))) > 3
    assert not re.search("https?://", found.page())


@pytest.mark.parametrize("name", NAMES)
def test_every_letter_can_be_read_on_a_phone(name: str) -> None:
    for panel in shown(name).figure.panels:
        assert on_a_phone(panel) >= 9, panel.title


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_has_three_ticks(name: str) -> None:
    for panel in shown(name).figure.panels:
        if isinstance(panel, Chart):
            tree = ElementTree.fromstring(panel_svg(panel))
            ticks = [t.attrib["text-anchor"] for t in tree.iter("text") if t.get("class") == "tick"]
            assert ticks.count("middle") >= 3, panel.title
            assert ticks.count("end") >= 3, panel.title


@pytest.mark.parametrize("name", NAMES)
def test_every_line_of_a_chart_can_be_told_from_the_others(name: str) -> None:
    for panel in shown(name).figure.panels:
        if isinstance(panel, Chart):
            lines = [m for m in panel.marks if isinstance(m, Line) and m.name]
            looks = {(line.colour, line.weight == "dashed") for line in lines}
            assert len(looks) == len(lines), panel.title


@pytest.mark.parametrize("name", NAMES)
def test_no_node_is_cut_off(name: str) -> None:
    for panel in shown(name).figure.panels:
        for node in panel.nodes if isinstance(panel, Diagram) else ():
            if node.shape != "none":
                x, y = node.width / 2 + 2, node.height / 2 + 2  # 2 for its outline
                assert x <= node.x <= panel.width - x, node.texts
                assert y <= node.y <= panel.height - y, node.texts


@pytest.mark.parametrize("name", [row.name for row in DEMOS if not row.timed])
def test_the_same_numbers_again(name: str) -> None:
    again = DEMOS[name].load()()
    assert again.lines == shown(name).lines
    assert again.csv() == shown(name).csv()


@pytest.mark.parametrize("name", NAMES)
def test_every_argument_has_a_default_and_its_help(name: str) -> None:
    function = DEMOS[name].load()
    hints = typing.get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert parameter.default is not parameter.empty
        kind, text = typing.get_args(hints[parameter.name])
        assert text, kind
    assert function.__name__ == DEMOS[name].function_name
    assert ">>> " in (inspect.getdoc(function) or "")


def test_demos_load_by_their_names_and_type_checkers_see_them() -> None:
    assert set(dir(demos)) == {row.function_name for row in DEMOS}
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname: f"{node.module}:{alias.name}"
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == {row.function_name: row.place for row in DEMOS}
    modules = {row.place.partition(":")[0].rpartition(".")[2] for row in DEMOS}
    assert not modules & set(seen), "a module of that name would hide the demo"
    for row in DEMOS:
        assert getattr(demos, row.function_name) is row.load()


def test_an_unknown_demo_is_an_attribute_error_with_a_hint() -> None:
    with pytest.raises(AttributeError, match="no demo 'forwrad'; did you mean 'forward'"):
        _ = demos.forwrad


SUMS = Demonstration(
    "sums",
    ("1 + 1 = 2", "2 + 2 = <4>", "both"),
    Figure("Sums & more", [BarChart("Sums", (Bar("1 + 1", 2.0, "2"),))]),
)


def test_saving_writes_every_form(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="resvg-py is not installed (extra plot)")
    paths = SUMS.save(tmp_path / "new" / "folder")
    assert {path.name for path in paths} == {f"sums.{e}" for e in ("svg", "csv", "png", "html")}
    assert {path.read_bytes()[:4] for path in paths} == {b"<svg", b"pane", b"\x89PNG", b"<!do"}
    page = next(path for path in paths if path.suffix == ".html").read_text(encoding="utf-8")
    assert "2 + 2 = &lt;4&gt;" in page


def test_without_resvg_the_other_files_are_written_and_a_line_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(svg: str, zoom: float) -> bytes:
        raise MissingExtraError("PNG needs resvg-py, which is not installed: pip install resvg-py")

    monkeypatch.setattr(demo_module, "svg_to_png", missing)
    with pytest.warns(UserWarning, match=r"sums\.png is left out: .*pip install resvg-py"):
        paths = SUMS.save(tmp_path)
    assert sorted(path.suffix for path in paths) == [".csv", ".html", ".svg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sums.csv", "sums.html", "sums.svg"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"the folder '.*file/x' cannot be made \(Not a direct"):
        SUMS.save(tmp_path / "file" / "x")
    with pytest.raises(ArgumentError, match="folder must be the name of a folder, found ''"):
        SUMS.save("")


def test_in_a_notebook_it_is_an_image_that_leaves_the_style_alone() -> None:
    html = SUMS._repr_html_()
    assert "2 + 2 = &lt;4&gt;" in html
    assert "<style" not in html
    assert 'alt="Sums &amp; more" src="data:image/svg+xml;base64,' in html


def test_the_page_says_the_command_with_its_options() -> None:
    page = demos.computation_graph(expression="x*y", at={"x": 1.5, "y": 2}).page()
    command = "fastnn demo computation-graph --expression &#x27;x*y&#x27; --at x=1.5,y=2"
    assert f"<code>{command}</code>" in page
    assert "demos.computation_graph(expression=&#x27;x*y&#x27;, at={" in page
    assert "<code>fastnn demo forward</code>" in demos.forward().page()


def test_arguments_are_given_by_name() -> None:
    with pytest.raises(ArgumentError, match=r"by name, computation_graph\(expression=...\), found"):
        demos.computation_graph("x*y")  # type: ignore[misc]
    with pytest.raises(ArgumentError, match="no argument 'expresion'; did you mean 'expression'"):
        demos.computation_graph(expresion="x*y")  # type: ignore[call-arg]
