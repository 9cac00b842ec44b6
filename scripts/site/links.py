"""Do the links of a site lead somewhere, and does it load nothing from another host?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: What a page loads by itself, by element. The links of <a> are followed by people only.
LOADED = {
    "img": ("src", "srcset"), "script": ("src",), "link": ("href",), "iframe": ("src",),
    "source": ("src", "srcset"), "video": ("src", "poster"), "audio": ("src",),
    "embed": ("src",), "object": ("data",), "input": ("src",), "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}  # fmt: skip
IN_STYLE = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")
IN_SCRIPT = re.compile(
    r"""(?:\bfetch\(|\bimport\b[^;\n]*?|\.src\s*=|\.open\()[^;\n]*?["'](\w+:)?//"""
)


@dataclass
class Page(HTMLParser):
    """The links and the anchors of a page; ``loaded`` are links that the browser follows itself."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    scripts: list[str] = field(default_factory=list)
    inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        if tag in ("a", "area") and "href" in given:
            self.links.append(given["href"])
        for name in LOADED.get(tag, ()):
            values = given.get(name, "")
            parts = values.split(",") if name == "srcset" else [values]
            self.loaded += [part.split()[0] for part in parts if part.strip()]
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self.links.append(given.get("content", "").partition("url=")[2])
        self.loaded += IN_STYLE.findall(given.get("style", ""))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "style":
            self.loaded += IN_STYLE.findall(data)
        elif self.inside == "script":
            self.scripts.append(data)


def check(site: Path, whole: bool = True) -> tuple[int, int, list[str]]:
    """Return how many pages and links there are, and what is wrong, a sentence each.

    ``whole``: False for a part of a site, whose pages may link to pages that are not built.
    """
    site = site.resolve()
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    problems = []
    links = 0
    for path, page in pages.items():
        for loaded, href in _all(page):
            links += 1
            why = _wrong(site, path, href, loaded, pages, whole)
            if why:
                problems.append(f"{path.relative_to(site)}: {href!r} {why}")
        for script in page.scripts:
            if found := IN_SCRIPT.search(script):
                problems.append(f"{path.relative_to(site)}: a script loads {found[0][:60]!r}")
    for path in sorted(site.rglob("*.css")):
        for href in IN_STYLE.findall(path.read_text(encoding="utf-8")):
            why = _wrong(site, path, href, True, pages, whole)
            if why:
                problems.append(f"{path.relative_to(site)}: {href!r} {why}")
    return len(pages), links, problems


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    page.close()
    return page


def _all(page: Page) -> Iterator[tuple[bool, str]]:
    yield from ((False, href) for href in page.links)
    yield from ((True, href) for href in page.loaded)


def _wrong(
    site: Path, page: Path, href: str, loaded: bool, pages: dict[Path, Page], whole: bool
) -> str:
    """Why a link is wrong; '' if it is not."""
    parts = urlsplit(href)
    if parts.scheme == "data":
        return ""
    if parts.scheme or parts.netloc:
        if loaded:
            return "is loaded from another host"
        return "" if parts.scheme in ("http", "https", "mailto") else "is no link for a browser"
    if parts.path.startswith("/"):
        return "begins at the root: it works neither from a file nor in a folder"
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_relative_to(site):
        return "leaves the site"
    if not target.is_file():
        return "" if not whole and target.suffix == ".html" else "is not there"
    fragment = unquote(parts.fragment)
    if fragment and target in pages and fragment not in pages[target].anchors:
        return f"has no anchor {fragment!r}"
    return ""
