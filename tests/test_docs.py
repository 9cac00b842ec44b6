"""fastnn/README.md says what is true: modules, where each equation is, what the examples print."""

import contextlib
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastnn.demos.table import DEMOS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "fastnn"
README = (PACKAGE / "README.md").read_text(encoding="utf-8")
NOT_YET = ()
EQUATIONS = [f"N{i}" for i in range(1, 34)]
#: | N8 | what | vectorised | in loops |
ROW = re.compile(r"^\| (N\d+) \| (.*?) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
ROWS = {number: (vectorised, loops) for number, _, vectorised, loops in ROW.findall(README)}
ROOM = re.compile(
    r"(reference|backend|nn|data|timing|recipe|training|preparation|formats|model|report|api|proofs|demos|cli)"
    r"\b(?!/)"
)
OBJECT = re.compile(r'^([\w.]+?)(?:\["(\w+)"\])?$')


def test_the_list_of_modules_is_whole() -> None:
    listed = [
        name
        for line in re.findall(r"^- ((?:`[\w/]+`, )*`[\w/]+`): ", README, re.MULTILINE)
        for name in re.findall(r"`([\w/]+)`", line)
    ]
    there = {
        str(path.relative_to(PACKAGE).with_suffix(""))
        for path in PACKAGE.rglob("*.py")
        if not path.name.startswith("__")
    }
    missing = [f"- `{name}`: ..." for name in sorted(there - set(listed))]
    assert missing == [], "add to 'Modules' in fastnn/README.md"
    assert set(listed) - there == set(), "listed in fastnn/README.md, but there is no such module"
    assert len(listed) == len(set(listed))


def test_every_equation_has_its_row() -> None:
    assert [row[0] for row in ROW.findall(README)] == EQUATIONS


def resolve(name: str) -> tuple[object, str]:
    """The object that a cell such as ``nn.losses.LOSSES["huber"]`` names, and its module."""
    match = OBJECT.match(name)
    assert match, f"{name} is no name of an object"
    path, key = match.groups()
    parts = f"fastnn.{path}".split(".")
    for n in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        module = ".".join(parts[:n])
        break
    for part in parts[n:]:
        found = getattr(found, part)
    module = getattr(found, "__module__", module) if module == "fastnn.reference" else module
    return (found if key is None else found[key]), module  # type: ignore[index]


@pytest.mark.parametrize("column", [0, 1], ids=["vectorised", "loops"])
@pytest.mark.parametrize("number", [n for n in EQUATIONS if n not in NOT_YET])
def test_an_equation_is_where_the_table_says(number: str, column: int) -> None:
    named = [n for n in re.findall(r"`([^`]+)`", ROWS[number][column]) if ROOM.match(n)]
    assert named or column == 1
    modules = [resolve(name)[1] for name in named]
    assert not named or any(number in citations(m) for m in modules), f"{modules}: no {number}"


def test_the_tests_that_the_table_names_are_there() -> None:
    for number, cells in ROWS.items():
        for path in re.findall(r"`(tests/[^`]+)`", " ".join(cells)):
            assert (ROOT / path).is_file(), path
            text = (ROOT / path).read_text(encoding="utf-8").upper()  # test_n20_... counts too
            assert re.search(rf"(?<![A-Z0-9]){number}(?!\d)", text), f"{path}: no {number}"


def citations(module: str) -> set[str]:
    """The equations that the comments and texts of a module name, one by one."""
    path = ROOT.joinpath(*module.split("."))
    files = path.glob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return {number for file in files for number in cited_in(file)}


def cited_in(path: Path) -> Iterator[str]:
    with path.open("rb") as source:
        for token in tokenize.tokenize(source.readline):
            if token.type in (tokenize.COMMENT, tokenize.STRING):
                yield from re.findall(r"\bN[1-9]\d?\b", token.string)


def test_the_table_of_pictures_has_every_demo() -> None:
    rows = re.findall(r"^\| ([^|`]+) \| `([a-z-]+)` \| ([N\d, -]+) \|$", README, re.MULTILINE)
    pictures = {name: (picture, notes) for picture, name, notes in rows}
    assert len(pictures) == len(rows)
    for row in DEMOS:
        assert pictures.get(row.name) == (row.picture, row.notes), row.name


def test_what_is_not_yet_there_is_called_so() -> None:
    for number in NOT_YET:
        assert ROWS[number] == ("not yet", "")


def test_every_equation_is_cited_in_the_vectorised_code() -> None:
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and path.name != "reference"]
    cited = {n for room in rooms for path in room.rglob("*.py") for n in cited_in(path)}
    loops = citations("fastnn.reference")
    assert set(EQUATIONS) - cited - set(NOT_YET) == set()
    assert "N17" in loops
    assert (cited | loops) <= set(EQUATIONS), "an equation that the notes do not have"


def test_the_examples_print_what_the_readme_shows() -> None:
    parts = re.findall(r"^```(python|text)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert [language for language, _ in parts] == ["python", "text"] * (len(parts) // 2)
    namespace: dict[str, object] = {"__name__": "readme"}
    for (_, code), (_, shown) in zip(parts[::2], parts[1::2], strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "fastnn/README.md", "exec"), namespace)
        assert printed.getvalue() == shown
