"""What is installed by which name: pyproject.toml, the guide, the messages and the code agree."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from fastnn.extras import EXTRAS, package_of, pip_install

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DECLARED: dict[str, list[str]] = PROJECT["optional-dependencies"]
GUIDE = (ROOT / "fastnn/guide/install.md").read_text(encoding="utf-8")
#: | `extra` | package, `another extra` | for |
TABLE = re.findall(r"^\| `(\w+)` \| (.+?) \| .*\|$", GUIDE, re.MULTILINE)
ROWS: dict[str, str] = dict(TABLE)
WARNING = "fastnn/guide/install.md"


def name(requirement: str) -> str:
    return re.split("[<>=]", requirement)[0]


def brings(extra: str) -> set[str]:
    """The packages of an extra by pyproject.toml, those of the extras that it names included."""
    found: set[str] = set()
    for requirement in DECLARED[extra]:
        if own := re.fullmatch(rf"{PROJECT['name']}\[(.+)\]", requirement):
            found |= {package for other in own[1].split(",") for package in brings(other)}
        else:
            found.add(name(requirement))
    return found


def brings_by_guide(extra: str) -> set[str]:
    found: set[str] = set()
    for part in ROWS[extra].split(", "):
        found |= brings_by_guide(part.strip("`")) if part.startswith("`") else {part}
    return found


def test_pip_knows_it_by_a_name_of_its_own() -> None:
    """What the public index calls fastnn is another author's; the command and import stay."""
    assert PROJECT["name"] == "fastnn-numpy"
    assert list(PROJECT["scripts"]) == ["fastnn"]
    assert "`fastnn-numpy`" in GUIDE


def test_no_requirement_brings_the_other_fastnn() -> None:
    asked = [*PROJECT["dependencies"], *(r for extra in DECLARED.values() for r in extra)]
    assert [r for r in asked if re.match(r"fastnn\b(?!-numpy\[)", r)] == []


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_a_message_says_to_install_is_what_the_extra_brings(extra: str) -> None:
    assert list(EXTRAS[extra]) == DECLARED[extra]
    # words as a shell would take them
    words = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {pip_install(extra)}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    assert words == ["pip", "install", *map(name, DECLARED[extra])]


def test_the_extras_that_no_message_knows_are_made_of_others_or_for_developers() -> None:
    assert set(DECLARED) - set(EXTRAS) == {"gpu", "bench", "all", "docs", "dev"}


def test_the_guide_lists_every_extra_and_what_it_brings() -> None:
    assert sorted(extra for extra, _ in TABLE) == sorted(DECLARED)
    for extra in DECLARED:
        assert brings_by_guide(extra) == brings(extra), extra


def test_all_is_all_of_the_above_except_the_gpu() -> None:
    above = list(ROWS)[: list(ROWS).index("all")]
    cpu = {p for e in above for p in brings(e)} - brings("cuda12") - brings("cuda13")
    assert brings("all") == cpu
    assert {"dask[distributed]", "pytest-benchmark"} <= cpu
    assert not any(package.startswith("cupy") for package in brings("all"))


def test_a_module_whose_package_has_another_name() -> None:
    assert package_of("sklearn") in brings("sklearn")


def test_no_message_sends_anybody_to_the_other_fastnn() -> None:
    """``pip install fastnn``, or an extra of it, wherever somebody reads or runs it."""
    texts = [
        *(path for room in ("fastnn", "benchmarks") for path in (ROOT / room).rglob("*.py")),
        *(path for path in (ROOT / "scripts").iterdir() if path.is_file()),
        *(
            path
            for room in (".", "fastnn", "fastnn/guide", "benchmarks")
            for path in (ROOT / room).glob("*.md")
        ),
        ROOT / "pyproject.toml",
    ]
    assert len(texts) > 150
    wrong = re.compile(r"pip3? install (?:-\S+ )*['\"]?fastnn(?!-)|(?<![\w-])fastnn\[")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in texts
        for line in path.read_text(encoding="utf-8").splitlines()
        if wrong.search(line)
    ]
    assert [
        line for line in found if not line.startswith(f"{WARNING}: `pip install fastnn`:**")
    ] == []
    assert len(found) == 1, "the guide warns of it"
