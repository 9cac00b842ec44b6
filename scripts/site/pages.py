"""The pages beside the API: the texts of the repository, the names and formulas, the examples."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Mapping
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import pdoc.render
from markupsafe import Markup
from pdoc.render_helpers import to_html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from scripts.site.mathematics import mathematics

#: The texts that become pages, by where they are; another one that they link to becomes one, too.
TEXTS = {
    "README.md": "index",
    "fastnn/README.md": "design",
    "benchmarks/README.md": "benchmarks",
    "CONTRIBUTING.md": "contributing",
    "CHANGELOG.md": "changelog",
}
EXAMPLES = Path("scripts/examples")

_HREF = re.compile(r'(?<=[ "])(href|src)="([^"]+)"')
_CODE = re.compile(r"<code>([A-Za-z_][\w./]*)(?:\[[^<]*\])?</code>")
_ADDRESS = re.compile(r"https?://[^\s,;]+")
_EQUATION = re.compile(r"\bN([1-9]\d?)\b")


def render_pages(root: Path, out: Path, documented: Mapping[str, str]) -> None:
    """Write every page; names of the code become links to their documentation."""
    texts, done = dict(TEXTS), set[str]()
    while missing := texts.keys() - done:
        for text in missing:
            source = root / text
            html = to_html(source.read_text(encoding="utf-8"))
            contents = getattr(html, "toc_html", "") or ""
            linked = _code_links(_file_links(str(html), source, root, out, texts), documented)
            _write(out, texts[text], linked, contents)
        done |= missing
    _write(out, "names", *_names(documented))
    _write(out, "examples", *_examples(root))


def _write(out: Path, page: str, html: str, contents: str) -> None:
    template = pdoc.render.env.get_template("page.html.jinja2")
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    title = re.sub("<[^>]+>", "", heading[1]) if heading else page
    text = template.render(title=title, html=html, contents=contents, rootprefix="")
    (out / f"{page}.html").write_text(text, encoding="utf-8")


def _file_links(html: str, source: Path, root: Path, out: Path, texts: dict[str, str]) -> str:
    """Links to files of the repository as links to pages, or to copies of the files.

    A text that is not yet among the pages joins them.
    """

    def link(found: re.Match[str]) -> str:
        attribute, href = found.groups()
        parts = urlsplit(href)
        if parts.scheme or not parts.path:
            return found[0]
        target = (source.parent / parts.path).resolve()
        inside = target.relative_to(root)
        fragment = f"#{parts.fragment}" if parts.fragment else ""
        if inside.suffix == ".md" and target.exists():
            texts.setdefault(str(inside), "-".join(inside.with_suffix("").parts))
        page = "examples" if inside == EXAMPLES else texts.get(str(inside))
        if page is not None:
            return f'{attribute}="{page}.html{fragment}"'
        return f'{attribute}="{_copied(target, Path("files") / inside, out)}{fragment}"'

    return _HREF.sub(link, html)


def _copied(source: Path, name: Path, out: Path) -> str:
    """Copy a file, or a folder with a page that lists it; return the link."""
    target = out / name
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
        files = sorted(path.name for path in source.iterdir() if path.is_file())
        items = "".join(f'<li><a href="{name}/{file}">{escape(file)}</a></li>' for file in files)
        page = "-".join(name.parts[1:])
        _write(out, page, f"<h1>{name.relative_to('files')}</h1><ul>{items}</ul>", "")
        return f"{page}.html"
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.exists():  # else the link is found to lead nowhere
        shutil.copy(source, target)
    return str(name)


def _code_links(html: str, documented: Mapping[str, str]) -> str:
    """Names of the code as links to where they are documented."""

    def link(found: re.Match[str]) -> str:
        name = found[1].replace("/", ".")
        href = documented.get(f"fastnn.{name}") or documented.get(name)
        return f'<a href="{href}">{found[0]}</a>' if href and "." in name else found[0]

    return _CODE.sub(link, html)


def _names(documented: Mapping[str, str]) -> tuple[str, str]:
    """The page of all names, and its contents."""
    from fastnn.cli.topics import TOPICS

    def known(text: str) -> Markup:
        return Markup(_facts(text, documented))

    topics = [(topic, topic.entries()) for topic in TOPICS]
    template = pdoc.render.env.get_template("names.html.jinja2")
    html = template.render(topics=topics, known=known, mathematics=mathematics)
    items = "".join(f'<li><a href="#{topic.name}">{topic.name}</a></li>' for topic in TOPICS)
    return html, f"<ul>{items}</ul>"


def _facts(text: str, documented: Mapping[str, str]) -> str:
    """A fact with links: to addresses, to equations, to what is documented."""

    def code(found: re.Match[str]) -> str:
        href = documented.get(f"fastnn.{found[0]}") or documented.get(found[0])
        return f'<a href="{href}">{found[0]}</a>' if href else found[0]

    html = re.sub(r"(?<![\w/.-])[a-z_]+(?:\.\w+)+", code, escape(text, quote=False))
    html = _ADDRESS.sub(lambda found: f'<a href="{found[0]}">{found[0]}</a>', html)
    return _EQUATION.sub(lambda found: f'<a href="#equations-{found[0]}">{found[0]}</a>', html)


def _examples(root: Path) -> tuple[str, str]:
    """The page of the examples: what each says of itself, and its text."""
    parts, items = ["<h1>Examples</h1>"], []
    for path in sorted((root / EXAMPLES).glob("*.py")):
        source = path.read_text(encoding="utf-8")
        says = ast.get_docstring(ast.parse(source)) or ""
        title, _, text = says.partition("\n")
        code = source.partition('"""')[2].partition('"""')[2].strip()
        parts.append(f'<h2 id="{path.stem}">{escape(title.rstrip("."))}</h2>')
        parts.append(to_html(f"`python {EXAMPLES / path.name}`\n{text}"))
        parts.append(highlight(code, PythonLexer(), HtmlFormatter(cssclass="pdoc-code codehilite")))
        items.append(f'<li><a href="#{path.stem}">{escape(path.stem.replace("_", " "))}</a></li>')
    return "\n".join(parts), f"<ul>{''.join(items)}</ul>"
