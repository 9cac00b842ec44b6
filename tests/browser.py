"""Pages as a reader and as a browser see them: what is in them, and what they ask for.

The browser is Debian's chromium; where it is not installed what needs it is skipped and says so.
"""

import html
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.waiting import HANG

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed: apt-get install chromium"
)


def browse(file: Path, folder: Path, dark: bool = False) -> tuple[str, str]:
    """The opening tag of the body after the scripts ran, and what the browser said."""
    assert CHROMIUM is not None
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            f"--user-data-dir={folder / 'profile'}", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            "--virtual-time-budget=2000", "--dump-dom", file.as_uri(),
        ],
        capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    body = re.search(r"<body([^>]*)>", done.stdout)
    assert body is not None, done.stderr[-2000:]
    return html.unescape(body[1]), done.stderr


class Page(HTMLParser):
    """A page taken apart: headings, tables, listings, and everything that it could ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.headings: list[tuple[int, str]] = []
        self.anchors: list[str] = []
        self.tables: dict[str, list[list[list[str]]]] = {}  # by the anchor of their chapter
        self.texts: dict[str, str] = {"": ""}
        self.listings: list[str] = []
        self.bare_heads = 0  # cells that name a row or column, and do not say which
        self.tags: list[str] = []
        self._chapter, self._into = "", [""]
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        self.links += [str(v) for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        if tag == "h2":
            self._chapter = given.get("id") or ""
            self.anchors.append(self._chapter)
            self.texts.setdefault(self._chapter, "")
        if tag == "table":
            self.tables.setdefault(self._chapter, []).append([])
        if tag == "tr" and self._chapter in self.tables:
            self.tables[self._chapter][-1].append([])
        if tag in ("th", "td", "pre", "h1", "h2", "h3"):
            self._into.append("")
        if tag == "th" and given.get("scope") not in ("col", "row"):
            self.bare_heads += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("th", "td"):
            self.tables[self._chapter][-1][-1].append(self._into.pop())
        elif tag == "pre":
            self.listings.append(self._into.pop())
        elif tag in ("h1", "h2", "h3"):
            self.headings.append((int(tag[1]), self._into.pop()))

    def handle_data(self, data: str) -> None:
        self._into[-1] += data
        if self.tags and self.tags[-1] not in ("style", "script"):
            self.texts[self._chapter] += data

    def rows(self, chapter: str, k: int = 0) -> dict[str, list[str]]:
        """The k-th table of a chapter: what each row is called, and its cells."""
        return {row[0]: row[1:] for row in self.tables[chapter][k]}

    def asks_for_nothing(self) -> None:
        """No link leads out of the page but to a place in it, and to what is written in it."""
        outside = [v for v in self.links if not v.startswith(("data:", "#"))]
        assert outside == []
        inside = [v[1:] for v in self.links if v.startswith("#")]
        assert set(inside) <= set(self.anchors)
