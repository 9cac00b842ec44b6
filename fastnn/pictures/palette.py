"""Colours, on light and on dark paper: Okabe and Ito's, which the colour-blind can tell apart.

Those for light paper are darkened until small text in them can be read on white (a contrast of 4.5,
WCAG 2.2). No chart needs its colours: every line has its name at its end, every cell its number.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

#: name: (on light paper, on dark paper)
COLOURS = {
    "blue": ("#0072b2", "#4db5f5"),
    "sky": ("#2478a8", "#9ad6fb"),
    "pale_blue": ("#44749a", "#c4e5fb"),
    "orange": ("#b84f00", "#ff8a3d"),
    "pale_orange": ("#9a5f35", "#ffbc8f"),
    "green": ("#007a59", "#35cfa0"),
    "pale_green": ("#3f7a66", "#9de8cf"),
    "pink": ("#a8417f", "#ee93c6"),
    "yellow": ("#856700", "#e8c547"),
    "brown": ("#6e5f4e", "#bba88f"),
    "grey": ("#5b636e", "#a7afba"),
    "pale_grey": ("#6b737d", "#8a93a0"),
    "ink": ("#1c2127", "#e9ecef"),
}
#: What is not a series: paper, cards, text that explains, grid lines and edges.
SURFACES = {
    "paper": ("#fdfdfb", "#111418"),
    "card": ("#ffffff", "#191d23"),
    "soft": ("#5b636e", "#a3acb8"),
    "line": ("#e3e5e8", "#2c333c"),
    "edge": ("#e8e9eb", "#272d35"),
}
#: Text on shades, on light and on dark paper: on any shade black or white has a contrast of 4.5.
ON_SHADES = {
    "black-black": ("#000000", "#000000"),
    "black-white": ("#000000", "#ffffff"),
    "white-black": ("#ffffff", "#000000"),
    "white-white": ("#ffffff", "#ffffff"),
}
#: The order in which series take colours that nobody has chosen for them.
SERIES = ("blue", "orange", "green", "pink", "yellow", "brown", "sky", "grey")


def series_colour(k: int) -> str:
    """Return the colour of the k-th series, counted from 0.

    >>> series_colour(0), series_colour(8)
    ('blue', 'blue')
    """
    return SERIES[k % len(SERIES)]


def page_style() -> str:
    """Return the style of pictures within a page, whose colours follow the reader's setting."""
    every = {**COLOURS, **SURFACES, **ON_SHADES}
    light = "".join(f"--{name}:{a};" for name, (a, _) in every.items())
    dark = "".join(f"--{name}:{b};" for name, (_, b) in every.items())
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{_rules()}"
    )


def file_style() -> str:
    """Return the style of a picture alone: in colours for light paper, as it may be printed."""
    text = _rules()
    for name, (light, _) in {**COLOURS, **SURFACES, **ON_SHADES}.items():
        text = text.replace(f"var(--{name})", light)
    return text


@cache
def _rules() -> str:
    rules = (Path(__file__).parent / "picture.css").read_text(encoding="utf-8")
    rules += "".join(f"svg.picture .on-{name} text{{fill:var(--{name})}}" for name in ON_SHADES)
    return rules + "".join(f".c-{name}{{color:var(--{name})}}" for name in COLOURS)


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, 0 to 1 (WCAG 2.2).

    >>> luminance("#ffffff"), round(luminance("#0072b2"), 3)
    (1.0, 0.152)
    """
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@cache
def text_on(colour: str, share: float) -> str:
    """Return the row of `ON_SHADES` for text on a card that has a share of a colour on it.

    >>> text_on("blue", 0.0), text_on("blue", 1.0)
    ('black-white', 'white-black')
    """
    names = []
    for card, full in zip(SURFACES["card"], COLOURS[colour], strict=True):
        mixed = [
            round((1 - share) * int(card[k : k + 2], 16) + share * int(full[k : k + 2], 16))
            for k in (1, 3, 5)
        ]
        behind = luminance("#" + "".join(f"{c:02x}" for c in mixed))
        # The contrast of white, 1.05 / (L + 0.05), is that of black, (L + 0.05) / 0.05, here:
        names.append("white" if behind + 0.05 < math.sqrt(1.05 * 0.05) else "black")
    return "-".join(names)
