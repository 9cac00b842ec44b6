"""How large the letters of a picture are."""

import re
from pathlib import Path

from fastnn.pictures import figure
from fastnn.pictures.figure import PHONE, sized_svg
from fastnn.pictures.marks import Panel
from fastnn.pictures.page import panel as panel_html

STYLE = Path(figure.__file__).with_name("picture.css").read_text(encoding="utf-8")


def smallest() -> float:
    """The smallest letters of any picture, in its own pixels."""
    return min(map(float, re.findall(r"font(?:-size)?: ([\d.]+)px", STYLE)))


def on_a_phone(panel: Panel) -> float:
    """How large the smallest letters of a panel are where there are 340 pixels for it."""
    svg, most, scrolls = sized_svg(panel)
    width = float(svg.partition('viewBox="0 0 ')[2].partition(" ")[0])
    least = re.search(r"min-width:([\d.]+)px", svg)
    assert bool(least) == scrolls
    assert scrolls == ('class="scroll"' in panel_html(panel))
    shown = min(max(PHONE, float(least[1]) if least else 0.0), most)
    return smallest() * shown / width
