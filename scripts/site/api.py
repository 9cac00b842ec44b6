"""The API by pdoc: a page for each module, with the parameters of a docstring as a list."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pdoc
import pdoc.render
from pdoc.render_helpers import to_markdown_with_context

TEMPLATES = Path(__file__).parent / "templates"

#: The pages beside the API, in the order of the menu.
MENU = {
    "index": "Start",
    "names": "Names and formulas",
    "examples": "Examples",
    "fastnn": "API",
    "design": "Design",
    "benchmarks": "Benchmarks",
    "contributing": "Contributing",
    "changelog": "Changes",
}

_PARAMETERS = re.compile(r"^Parameters\n-+\n(.*?)(?=\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^(?=\S)", re.MULTILINE)


def modules(root: Path) -> list[str]:
    """Return all of fastnn's modules."""
    return [
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((root / "fastnn").rglob("*.py"))
        if path.stem != "__main__"
    ]


def render_api(names: list[str], out: Path) -> Mapping[str, str]:
    """Write the pages, and return where each name is documented: from fastnn.train to a link."""
    pdoc.render.configure(docformat="google", template_directory=TEMPLATES)
    pdoc.render.env.filters["to_markdown"] = _to_markdown
    pdoc.render.env.globals["menu"] = MENU
    pdoc.pdoc(*names, output_directory=out)
    documented = {}
    for name in names:
        module = pdoc.doc.Module.from_name(name)
        page = f"{name.replace('.', '/')}.html"
        documented[name] = page
        for member in module.flattened_own_members:
            documented[f"{name}.{member.qualname}"] = f"{page}#{member.qualname}"
    return documented


@jinja2.pass_context
def _to_markdown(context: Any, docstring: str) -> str:
    """Markdown of a docstring, as pdoc has it, after the parameters have become a list."""
    listed = _PARAMETERS.sub(lambda found: f"**Parameters**\n\n{as_list(found[1])}", docstring)
    return to_markdown_with_context(context, listed)


def as_list(entries: str) -> str:
    """Return ``name : text`` with its further lines indented as a list of Markdown."""
    lines = []
    for entry in filter(str.strip, _ENTRY.split(entries)):
        names, _, text = " ".join(entry.split()).partition(" : ")
        lines.append(f"- **{names}**: {text}" if text else f"- {names}")
    return "\n".join(lines)
