"""Pages: one HTML file with its style, its script, every picture and every number in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from fastnn.pictures.figure import caption, panel_svg, scrolls
from fastnn.pictures.marks import BarChart, Panel
from fastnn.pictures.palette import page_style

HERE = Path(__file__).parent


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
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title>'
        f"<style>{style}</style></head>\n<body><main>{inner}</main>"
        f'<div id="tip" role="status"></div><script>{script}</script></body></html>\n'
    )


def section(heading: str, note: str, panels: Sequence[Panel], columns: int = 2) -> str:
    """Return a heading, a paragraph and the panels below it; nothing if there is no panel."""
    if not panels:
        return ""
    inner = "\n".join(map(panel, panels))
    said = f"<p>{escape(note)}</p>" if note else ""
    one = " one" if columns == 1 or len(panels) == 1 else ""
    return f'<h2>{escape(heading)}</h2>{said}<div class="panels{one}">{inner}</div>'


def panel(shown: Panel) -> str:
    """Return a panel with its title, what is said about it and what is missing in it."""
    missing = shown.missing if isinstance(shown, BarChart) else ()
    picture = panel_svg(shown)
    if scrolls(shown):
        name = escape(shown.title)
        picture = (
            f'<div class="scroll" tabindex="0" role="group" aria-label="{name}">{picture}</div>'
        )
    return (
        f"<figure><figcaption><h3>{escape(shown.title)}</h3>{escape(caption(shown))}"
        f"</figcaption>{picture}"
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


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table whose first column names the rows, which scrolls where it is too wide.

    >>> table(["layer", "units"], [["1", "64"]])[:62]
    '<div class="scroll" tabindex="0"><table><thead><tr><th scope="'
    """
    first = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    return (f'<div class="scroll" tabindex="0"><table><thead><tr>{first}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>")  # fmt: skip


def folded(summary: str, inner: str) -> str:
    """Return something folded away behind its summary.

    >>> folded("Every figure", "<p>1</p>")
    '<details><summary>Every figure</summary><p>1</p></details>'
    """
    return f"<details><summary>{escape(summary)}</summary>{inner}</details>"
