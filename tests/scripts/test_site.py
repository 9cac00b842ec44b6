"""The documentation: pages whose links lead somewhere, that load nothing from another host."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from scripts.site.links import check
from tests.optional import optional

pdoc = optional("pdoc")
markupsafe = optional("markupsafe")

Site = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A function that writes files of a site, by their names."""

    def write(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "site" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return tmp_path / "site"

    return write


GOOD = {
    "index.html": """
        <h1 id="top">A</h1> <a href="sub/b.html#there">B</a> <a href="#top">top</a>
        <a href="">here</a>
        <img src="a.png"> <img src="data:image/png;base64,AAAA"> <a href="a%20b.txt">text</a>
        <a href="https://example.org/x#y">away</a> <a href="mailto:a@example.org">write</a>
        <style>body { background: url(a.png) } p { src: url("data:image/png;base64,A") }</style>
        <script>const a = 'see https://example.org'; fetch("data.json")</script>""",
    "sub/b.html": '<a name="there"></a><a href="../index.html">up</a>'
    '<link rel="stylesheet" href="../style.css">',
    "style.css": "body { background: url('a.png') }",
    "a.png": "", "a b.txt": "", "data.json": "",
}  # fmt: skip


def test_a_good_site_has_no_problem(site: Site) -> None:
    pages, links, problems = check(site(GOOD))
    assert problems == []
    assert pages == 2
    assert links == 12


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="c.html">', "index.html: 'c.html' is not there"),
        ('<a href="sub/b.html#nowhere">', "has no anchor 'nowhere'"),
        ('<a href="#nowhere">', "has no anchor 'nowhere'"),
        ('<a href="sub">', "index.html: 'sub' is not there"),
        ('<a href="/index.html">', "begins at the root"),
        ('<a href="../outside.html">', "leaves the site"),
        ('<a href="javascript:x()">', "is no link for a browser"),
        ('<a href="file:///etc/passwd">', "is no link for a browser"),
        ('<img src="b.png">', "'b.png' is not there"),
        ('<img src="https://example.org/a.png">', "is loaded from another host"),
        ('<img srcset="a.png 1x, //example.org/a.png 2x">', "is loaded from another host"),
        ('<script src="https://example.org/a.js"></script>', "is loaded from another host"),
        ('<link rel="stylesheet" href="http://example.org/a.css">', "is loaded from another host"),
        ('<iframe src="//example.org"></iframe>', "is loaded from another host"),
        ("<style>@import 'https://example.org/a.css';</style>", "is loaded from another host"),
        ("<style>p { background: url(https://example.org/a) }</style>", "is loaded from another"),
        ("<p style='background: url(//example.org/a)'>", "is loaded from another host"),
        ("<script>fetch('https://example.org/a')</script>", "a script loads"),
        ("<script>image.src = '//example.org/a'</script>", "a script loads"),
        ("<script>import x from 'https://example.org/a.js'</script>", "a script loads"),
        ('<meta http-equiv="refresh" content="0; url=gone.html">', "'gone.html' is not there"),
    ],
)
def test_a_wrong_link_is_found(site: Site, html: str, said: str) -> None:
    _, _, problems = check(site({**GOOD, "index.html": GOOD["index.html"] + html}))
    assert len(problems) == 1
    assert said in problems[0]
    assert problems[0].startswith("index.html: ")


def test_style_sheets_are_looked_at_too(site: Site) -> None:
    wrong = "body { background: url(https://example.org/a.png) } p { background: url(b.png) }"
    _, _, problems = check(site({**GOOD, "style.css": wrong}))
    assert len(problems) == 2
    assert all(problem.startswith("style.css: ") for problem in problems)


def test_a_part_of_a_site_may_miss_pages_but_no_pictures(site: Site) -> None:
    html = '<a href="later.html">x</a><img src="gone.png">'
    _, _, problems = check(site({**GOOD, "index.html": GOOD["index.html"] + html}), whole=False)
    assert [problem.partition(" is")[0] for problem in problems] == ["index.html: 'gone.png'"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages beside the API, and two modules of it."""
    assert pdoc.doc
    from scripts.site.__main__ import main

    out = tmp_path_factory.mktemp("docs")
    assert main(["--out", str(out), "fastnn.nn.update_rules", "fastnn.nn.network"]) == 0
    return out


def text(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_the_pages_are_there(built: Path) -> None:
    from scripts.site.pages import TEXTS

    for page in (*TEXTS.values(), "names", "examples", "fastnn/nn/update_rules"):
        html = (built / f"{page}.html").read_text(encoding="utf-8")
        assert "<title>" in html
        assert 'class="menu"' in html


def test_names_of_the_code_lead_to_their_documentation(built: Path) -> None:
    html = (built / "design.html").read_text(encoding="utf-8")
    link = (
        '<a href="fastnn/nn/update_rules.html#momentum"><code>nn.update_rules.momentum</code></a>'
    )
    assert link in html
    assert '<a href="fastnn/nn/network.html"><code>nn/network</code></a>' in html
    assert 'href="contributing.html#tests"' in html
    start = (built / "index.html").read_text(encoding="utf-8")
    for href in re.findall(r'src="(files/[^"]+)"', start):
        assert (built / href).is_file()


def test_every_name_is_on_the_page_of_names_with_its_formula(built: Path) -> None:
    from fastnn.cli.topics import TOPICS

    html = (built / "names.html").read_text(encoding="utf-8")
    for topic in TOPICS:
        for entry in topic.entries():
            assert f'id="{topic.name}-{entry.name}"' in html
    assert '<p class="formula">W = W − α dW / √(S + ε)</p>' in html
    assert '<a href="https://arxiv.org/abs/1412.6980">' in html
    assert '<a href="#equations-N30">N30</a>' in html
    assert '<a href="fastnn/nn/update_rules.html#momentum">nn.update_rules.momentum</a>' in html


def test_every_example_is_shown(built: Path) -> None:
    html = (built / "examples.html").read_text(encoding="utf-8")
    shown = text(html)
    for path in Path(__file__).parents[2].glob("scripts/examples/*.py"):
        assert f'href="#{path.stem}"' in html
        assert f"python scripts/examples/{path.name}" in shown
    assert "def log_cosh ( a , y ):" in shown or "def log_cosh(a, y):" in shown


def test_parameters_are_a_list(built: Path) -> None:
    html = (built / "fastnn/nn/network.html").read_text(encoding="utf-8")
    assert "<li><strong>" in html
    from scripts.site.api import as_list

    entries = "x, y : two\n    lines.\nz : int. One. Default: 0."
    assert as_list(entries) == "- **x, y**: two lines.\n- **z**: int. One. Default: 0."


def test_a_folder_with_other_files_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pdoc.doc
    from scripts.site.__main__ import main

    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert main(["--out", str(tmp_path)]) == 2
    assert "holds other files" in capsys.readouterr().err
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_a_module_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert pdoc.doc
    from scripts.site.__main__ import main

    assert main(["--out", str(tmp_path / "out"), "fastnn.nn.dens"]) == 2
    assert "no module 'fastnn.nn.dens'; did you mean 'fastnn.nn.dense'?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_wrong_link_ends_the_build_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pdoc.doc
    from scripts.site import __main__ as build
    from scripts.site import pages

    (tmp_path / "fastnn").mkdir()
    (tmp_path / "fastnn" / "version.py").touch()
    (tmp_path / "docs").mkdir()
    start = "# A\n\n[b](absent.md) [c](#nowhere) [d](docs/d.md#top)"
    (tmp_path / "README.md").write_text(start, encoding="utf-8")
    (tmp_path / "docs" / "d.md").write_text("# D\n\n[up](../README.md#a)", encoding="utf-8")
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(pages, "TEXTS", {"README.md": "index"})
    monkeypatch.setattr(pages, "_names", lambda documented: ("<h1>names</h1>", ""))
    assert build.main(["--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "index.html: 'files/absent.md' is not there" in said
    assert "index.html: '#nowhere' has no anchor 'nowhere'" in said
    assert "index.html: 'docs-d.html#top' has no anchor 'top'" in said
    assert 'href="index.html#a"' in (tmp_path / "out" / "docs-d.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("formula", "html"),
    [
        ("g' = 1 - a^2", "g′ = 1 − a<sup>2</sup>"),
        ("e^(-z^2 / 2)", "e<sup>−z<sup>2</sup> / 2</sup>"),
        ("a_k = e^z_k / sum_j e^z_j", "a<sub>k</sub> = e<sup>z<sub>k</sub></sup> / "
                                      "Σ<sub>j</sub> e<sup>z<sub>j</sub></sup>"),
        ("1 - beta2^t", "1 − β<sub>2</sub><sup>t</sup>"),
        ("drop^floor(t / every)", "<span>drop</span><sup><span>floor</span>(t / "
                                  "<span>every</span>)</sup>"),
        ("|a - y| <= delta", "|a − y| ≤ δ"),
        ("Vhat", "V\u0302"),
        ("z if z > 0, else 0", "z <span>if</span> z &gt; 0, <span>else</span> 0"),
        ("n_in + n_out", "n<sub>in</sub> + n<sub>out</sub>"),
    ],
)  # fmt: skip
def test_formulas(formula: str, html: str) -> None:
    assert markupsafe.Markup
    from scripts.site.mathematics import mathematics

    assert mathematics(formula) == html
