"""Builds the documentation: pages from the texts, the tables and the examples, and the API by pdoc.

python -m scripts.site [--out FOLDER] [MODULE ...]

Exits with 1 if a link leads nowhere, or if a page would load something from another host.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from pathlib import Path

from fastnn.registry import did_you_mean
from scripts.site.api import modules, render_api
from scripts.site.links import check
from scripts.site.pages import render_pages

ROOT = Path(__file__).resolve().parents[2]

#: Written into the folder: one that lacks it and is not empty is somebody else's.
MARK = "built-by-scripts-docs"


def main(argv: list[str] | None = None) -> int:
    """Build, check, and say where it is."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "docs", metavar="FOLDER",
        help="where the site goes; default: build/docs",
    )  # fmt: skip
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE",
        help="modules whose documentation is built, such as fastnn.nn; default: all",
    )  # fmt: skip
    arguments = parser.parse_args(argv)
    out: Path = arguments.out.resolve()
    known = modules(ROOT)
    for name in arguments.modules:
        if name not in known:
            print(f"docs: no module {name!r}{did_you_mean(name, known)}", file=sys.stderr)
            return 2
    if out.exists() and any(out.iterdir()) and not (out / MARK).exists():
        print(f"docs: {out} holds other files: name another folder with --out", file=sys.stderr)
        return 2
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARK).touch()
    with warnings.catch_warnings():  # pdoc cannot read every annotation, and shows it as it is
        warnings.simplefilter("ignore")
        documented = render_api(arguments.modules or known, out)
    render_pages(ROOT, out, documented)
    for page in out.rglob("*.html"):
        if "files" not in page.relative_to(out).parts:  # copies stay as they are
            page.write_text(reachable(page.read_text(encoding="utf-8")), encoding="utf-8")
    pages, links, problems = check(out, whole=not arguments.modules)
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"docs: {len(problems)} links are wrong", file=sys.stderr)
        return 1
    print(f"{pages} pages, {links:,} links, all of which lead somewhere: {out / 'index.html'}")
    return 0


def reachable(html: str) -> str:
    """Return a page for readers without a mouse or a screen: code to scroll, links with a name."""
    for scrolled in ("<pre", '<div class="attr function"'):
        html = html.replace(f"{scrolled}>", f'{scrolled} tabindex="0">')
    return html.replace('<a class="headerlink" ', '<a class="headerlink" aria-label="this place" ')


if __name__ == "__main__":
    sys.exit(main())
