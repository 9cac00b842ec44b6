"""What README, the guide and the design show works: Python blocks run, commands exist and parse."""

import os
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = sorted(f"fastnn/guide/{path.name}" for path in (ROOT / "fastnn/guide").glob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "fastnn/README.md", *GUIDE)
#: Pages that explain commands and pictures, without Python.
WITHOUT_PYTHON = ("CONTRIBUTING.md", "install.md", "command-line.md", "devices.md", "figures.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_contents_name_every_page_and_every_link_leads_to_a_file() -> None:
    linked = set()
    for document in DOCUMENTS:
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            path = (ROOT / document).parent / target
            assert path.exists(), f"{document}: {target}"
            if document == "README.md":
                linked.add(target)
    assert set(GUIDE) <= linked


def blocks(document: str, *languages: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return [body for language, body in BLOCK.findall(text) if language in languages]


def commands(document: str) -> list[list[str]]:
    """The commands in the shell blocks, as argument lists; a backslash continues a line."""
    lines = "\n".join(blocks(document, "bash", "sh", "console")).replace("\\\n", " ").splitlines()
    split = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [words for words in split if words]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_blocks_run(document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "readme"}
    found = blocks(document, "python")
    assert found or document.endswith(WITHOUT_PYTHON), f"{document} has lost its examples"
    for number, block in enumerate(found, start=1):
        exec(compile(block, f"{document}, Python block {number}", "exec"), namespace)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_fastnn_commands_parse(document: str) -> None:
    shown = [words[1:] for words in commands(document) if Path(words[0]).name == "fastnn"]
    if not shown:
        return
    from fastnn.cli.main import build_parser

    refused = []
    for words in shown:
        try:
            build_parser().parse_args(words)
        except SystemExit as stop:
            if stop.code:  # --help and --version end with 0, a usage error does not
                refused.append(f"fastnn {' '.join(words)}")
    assert refused == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_scripts_exist_and_can_be_run(document: str) -> None:
    for words in commands(document):
        if words[0].startswith("./"):
            assert os.access(ROOT / words[0], os.X_OK), f"{document}: {words[0]}"
