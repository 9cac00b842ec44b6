"""Pages: one HTML file with its style, its script, every picture and every number in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from fastnn.pictures.figure import sized_svg
from fastnn.pictures.marks import BarChart, Panel
from fastnn.pictures.palette import page_style

HERE = Path(__file__).parent
_NUMBER = re.compile(r"[-+]?[\d.,]+(e[-+]\d+)?( ?%)?")
#: By this a page is known as one that may be made anew.
GENERATOR = '<meta name="generator" content="fastnn">'


def page(title: str, body: Iterable[str]) -> str:
    """Return a whole document; nothing in it asks for anything outside it.

    >>> page("<Digits>", ["<h1>Digits</h1>"]).count("&lt;Digits&gt;")
    1
    """
    style = page_style() + (HERE / "page.css").read_text(encoding="utf-8")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    inner = "\n".join(part for part in body if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        # The browser itself refuses whatever the page might ask for.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">"
        f'{GENERATOR}<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{style}</style></head>\n<body><main>{inner}</main>"
        f'<div id="tip" role="status"></div><script>{script}</script></body></html>\n'
    )


class Markup(str):
    """HTML that is put into a page as it is; any other text is escaped."""


def _html(text: str) -> str:
    return text if isinstance(text, Markup) else escape(text)


def chapter(heading: str, *blocks: str, anchor: str = "") -> str:
    """Return a heading and what is below it; ``anchor`` is where `contents` leads.

    >>> chapter("Loss & cost", "<p>0.5</p>", anchor="loss")
    '<h2 id="loss">Loss &amp; cost</h2><p>0.5</p>'
    """
    place = f' id="{escape(anchor)}"' if anchor else ""
    return f"<h2{place}>{escape(heading)}</h2>{''.join(blocks)}"


def contents(chapters: Iterable[tuple[str, str]]) -> str:
    """Return links to chapters: their anchors and headings.

    >>> contents([("loss", "Loss")])
    '<nav aria-label="Contents"><a href="#loss">Loss</a></nav>'
    """
    links = "".join(f'<a href="#{escape(a)}">{escape(heading)}</a>' for a, heading in chapters)
    return f'<nav aria-label="Contents">{links}</nav>' if links else ""


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph; of the kind "warning" it stands out.

    >>> paragraph("a < b")
    '<p>a &lt; b</p>'
    """
    return f'<p class="{kind}">{_html(text)}</p>' if kind else f"<p>{_html(text)}</p>"


def section(heading: str, note: str, panels: Sequence[Panel], columns: int = 2) -> str:
    """Return a heading, a paragraph and the panels below it; nothing if there is no panel."""
    if not panels:
        return ""
    return chapter(heading, paragraph(note) if note else "", grid(panels, columns))


def grid(panels: Sequence[Panel], columns: int = 2) -> str:
    """Return panels side by side, at most three; one below the other where there is no room."""
    inner = "\n".join(map(panel, panels))
    of = {1: " one", 2: "", 3: " three"}[min(columns, max(len(panels), 1))]
    return f'<div class="panels{of}">{inner}</div>' if panels else ""


def beside(*blocks: str) -> str:
    """Return blocks side by side as far as there is room: a small chart and its table.

    >>> beside("<p>1</p>", "")
    '<div class="beside"><p>1</p></div>'
    """
    return f'<div class="beside">{"".join(blocks)}</div>'


def code(text: str) -> str:
    """Return a listing, which scrolls where it is too wide.

    >>> code("a < b")
    '<pre tabindex="0"><code>a &lt; b</code></pre>'
    """
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def panel(shown: Panel) -> str:
    """Return a panel with its title, what is said about it and what is missing in it."""
    missing = shown.missing if isinstance(shown, BarChart) else ()
    picture, most, scrolls = sized_svg(shown)
    if scrolls:
        name = escape(shown.title)
        picture = (
            f'<div class="scroll" tabindex="0" role="group" aria-label="{name}">{picture}</div>'
        )
    return (
        f'<figure style="--most:{most + 34:g}px"><figcaption><h3>{escape(shown.title)}</h3>'
        f"{escape(shown.note)}</figcaption>{picture}"
        + "".join(f'<div class="missing">{escape(text)}</div>' for text in missing)
        + "</figure>"
    )


def tiles(facts: Iterable[tuple[str, str]]) -> str:
    """Return a few figures, large, each with what it is.

    >>> tiles([("0.97", "accuracy")])
    '<div class="tiles"><div class="tile"><b>0.97</b><span>accuracy</span></div></div>'
    """
    inner = "".join(
        f'<div class="tile"><b>{escape(a)}</b><span>{escape(b)}</span></div>' for a, b in facts
    )
    return f'<div class="tiles">{inner}</div>' if inner else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    """Return a table whose first column names the rows, which scrolls where it is too wide.

    ``kind``: "text" for columns that are not numbers, of which cells that are one do not break.

    >>> table(["layer", "units"], [["1", "64"]])[:62]
    '<div class="scroll" tabindex="0"><table><thead><tr><th scope="'
    """
    first = "".join(f'<th scope="col">{_html(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{_html(row[0])}</th>'
        + "".join(_cell(cell, kind) for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    of = f' class="{kind}"' if kind else ""
    return (f'<div class="scroll" tabindex="0"><table{of}><thead><tr>{first}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")  # fmt: skip


def _cell(text: str, kind: str) -> str:
    of = ' class="number"' if kind and _NUMBER.fullmatch(text) else ""
    return f"<td{of}>{_html(text)}</td>"


def folded(summary: str, inner: str) -> str:
    """Return something folded away behind its summary.

    >>> folded("Every figure", "<p>1</p>")
    '<details><summary>Every figure</summary><p>1</p></details>'
    """
    return f"<details><summary>{escape(summary)}</summary>{inner}</details>"
