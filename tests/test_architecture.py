"""The house holds: floors, no cycles, one room for the devices, a tidy top level.

The rules are in fastnn/README.md. They are checked on the syntax tree, so that an import inside a
function counts as much as one at the top of a file.
"""

import ast
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lowest first. Modules that are not in a room are rooms by themselves.
FLOORS = {
    "errors": 0,
    "extras": 0,
    "streams": 0,
    "text": 0,
    "registry": 0,
    "version": 0,
    "pickles": 0,
    "reference": 0,
    "pictures": 1,
    "faces": 1,
    "backend": 1,
    "nn": 2,
    "data": 3,
    "reading": 4,
    "datasets": 5,
    "timing": 3,
    "recipe": 4,
    "training": 5,
    "preparation": 6,
    "formats": 6,
    "model": 7,
    "diagnosis": 7,
    "report": 8,
    "api": 9,
    "proofs": 10,
    "demos": 10,
    "cli": 11,
    "": 12,  # fastnn/__init__.py
    "__main__": 12,
}
# The floors of a room that has rooms of its own. What computes on a device stands side by side:
# `numpy`, `compiled` and `cuda` do not know of each other.
INNER_FLOORS = {
    "backend": {
        **dict.fromkeys(("expression", "graph", "erf", "derivative", "kernel", "program"), 0),
        **dict.fromkeys(("protocols", "random", "stack"), 0),
        "host": 1,
        "numpy": 2,
        "compiled": 2,
        "cuda": 2,
        "engine": 3,
        "cpu_backend": 4,
        "backend": 5,
    }
}
SIDE_BY_SIDE = {"numpy", "compiled", "cuda"}
DEVICE_PACKAGES = {"cupy", "llvmlite"}


def module_sources() -> dict[str, str]:
    """Every module of fastnn by its dotted name; a package has the name of its folder."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            path.read_text(encoding="utf-8")
        )
        for path in sorted((ROOT / "fastnn").rglob("*.py"))
    }


def imports(module: str, source: str, modules: Mapping[str, object]) -> Iterator[str]:
    """The dotted names that a module imports, wherever it does.

    ``from a import b`` is an import of ``a.b`` when that is a module, else of ``a``. A text that is
    exactly the name of a module (as for ``import_module``) counts as its import.
    """
    is_package = any(name.startswith(f"{module}.") for name in modules)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + is_package]
                base = ".".join([*kept, *filter(None, [node.module])])
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in modules else base
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if "." in node.value and node.value in modules:
                yield node.value


def room(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def violations(sources: Mapping[str, str]) -> list[str]:
    """Every breach of the rules in a set of modules, as sentences."""
    found = [
        f"{module} has no floor; give its room one"
        for module in sources
        if room(module) not in FLOORS
    ]
    edges: dict[str, set[str]] = {}
    for module, source in sources.items():
        targets = set(imports(module, source, sources))
        for target in sorted(targets):
            package = target.partition(".")[0]
            if package == "benchmarks":
                found.append(f"{module} imports {target}")
            if package in DEVICE_PACKAGES and room(module) != "backend":
                found.append(f"{module} imports {target}; only fastnn.backend may")
            if package == "fastnn" and room(target) != room(module):
                if FLOORS.get(room(target), 99) > FLOORS.get(room(module), -1):
                    found.append(f"{module} imports {target}, from a higher floor")
        edges[module] = {target for target in targets if target in sources} - {module}
        found += [f"{module} {what}" for what in device_names(source) if room(module) != "backend"]
        found += inner_violations(module, edges[module])
    return [
        *found,
        *(f"import cycle: {' -> '.join(cycle)}" for cycle in cycles(edges)),
        *(f"knot in {folder}: {' -> '.join(knot)}" for folder, knot in knots(edges)),
    ]


def inner_violations(module: str, targets: Iterable[str]) -> Iterator[str]:
    """Imports that break the floors inside of a room."""
    parts = module.split(".")
    floors = INNER_FLOORS.get(room(module))
    if floors is None or len(parts) < 3:
        return
    mine = parts[2]
    if mine not in floors:
        yield f"{module} has no floor in its room; give it one"
        return
    for target in sorted(targets):
        other = target.split(".")[2:3]
        if room(target) != room(module) or not other or other == [mine]:
            continue
        if floors.get(other[0], 99) > floors[mine]:
            yield f"{module} imports {target}, from a higher floor of the room"
        elif {mine, other[0]} <= SIDE_BY_SIDE:
            yield f"{module} imports {target}, which stands beside it"


def knots(edges: Mapping[str, set[str]]) -> Iterator[tuple[str, list[str]]]:
    """Folders, or modules beside them, that import each other, be it by several modules.

    In each folder what lies in it counts as one, with all that is below.
    """
    inside: dict[str, dict[str, set[str]]] = {}
    for module, targets in edges.items():
        for target in targets:
            mine, other = module.split("."), target.split(".")
            k = next((k for k, (a, b) in enumerate(zip(mine, other, strict=False)) if a != b), 0)
            if k:
                found = inside.setdefault(".".join(mine[:k]), {})
                found.setdefault(mine[k], set()).add(other[k])
                found.setdefault(other[k], set())
    for folder, children in inside.items():
        for cycle in cycles(children):
            yield folder, cycle


def device_names(source: str) -> Iterator[str]:
    """Where code speaks of CuPy or llvmlite by name: a variable, or a text such as 'cupy.cuda'."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and node.id in DEVICE_PACKAGES:
            yield f"uses the name {node.id}; only fastnn.backend may"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.partition(".")[0] in DEVICE_PACKAGES and " " not in node.value:
                yield f"names {node.value!r}; only fastnn.backend may"


def cycles(edges: Mapping[str, set[str]]) -> list[list[str]]:
    """One cycle for each module from which one is met, by depth-first search."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        if module in path:
            found.append([*path[path.index(module) :], module])
        elif module not in done:
            for target in sorted(edges[module]):
                visit(target, [*path, module])
            done.add(module)

    for module in edges:
        visit(module, [])
    return found


def test_the_package_keeps_its_floors() -> None:
    assert violations(module_sources()) == []


def test_the_reference_stands_alone() -> None:
    sources = module_sources()
    textbook = [module for module in sources if room(module) == "reference"]
    assert len(textbook) > 1
    for module in textbook:
        used = {
            target
            for target in imports(module, sources[module], sources)
            if target.partition(".")[0] in {"fastnn", "numpy", "scipy"}
        }
        assert {target for target in used if room(target) != "reference"} == set(), module


BASE = {"fastnn": "", "fastnn.nn": "", "fastnn.nn.dense": "", "fastnn.cli": "", "fastnn.data": ""}
BACKEND = {
    **dict.fromkeys(
        ("fastnn", "fastnn.backend", "fastnn.backend.program", "fastnn.backend.engine"), ""
    ),
    **dict.fromkeys(("fastnn.backend.host.blas", "fastnn.backend.numpy.executor"), ""),
    "fastnn.backend.cuda.executor": "from fastnn.backend import program",
}


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("fastnn.nn.a", "import fastnn.cli", "higher floor"),
        ("fastnn.nn.a", "from fastnn import data", "higher floor"),
        ("fastnn.nn.a", "def f():\n    from fastnn.cli import main", "higher floor"),
        ("fastnn.nn.a", "from ..data import split", "higher floor"),
        ("fastnn.nn.a", "from fastnn import ArgumentError", "higher floor"),
        ("fastnn.nn.a", "import_module('fastnn.data')", "higher floor"),
        ("fastnn.attic.a", "", "no floor"),
        ("fastnn.nn.a", "from fastnn.nn import b", "cycle"),
        ("fastnn.nn.a", "def f():\n    import cupy.cuda", "only fastnn.backend"),
        ("fastnn.nn.a", "find_spec('llvmlite')", "only fastnn.backend"),
        ("fastnn.nn.a", "from benchmarks import run", "imports benchmarks"),
    ],
)
def test_the_check_itself_finds(module: str, source: str, said: str) -> None:
    tree = {**BASE, "fastnn.nn.b": "def f():\n    import fastnn.nn.a", module: source}
    if module != "fastnn.nn.a":
        del tree["fastnn.nn.b"]
    assert any(said in sentence for sentence in violations(tree))


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("program", "from fastnn.backend.host import blas", "a higher floor of the room"),
        (
            "host.a",
            "from fastnn.backend import numpy\nimport fastnn.backend.numpy.executor",
            "higher",
        ),
        ("compiled.a", "from fastnn.backend.numpy.executor import f", "stands beside it"),
        ("numpy.a", "def f():\n    import fastnn.backend.cuda.executor", "stands beside it"),
        ("cuda.a", "from fastnn.backend.engine import choose", "a higher floor of the room"),
        ("attic.a", "", "no floor in its room"),
        ("attic", "", "no floor in its room"),
    ],
)
def test_the_check_itself_finds_inside_of_a_room(module: str, source: str, said: str) -> None:
    assert violations(BACKEND) == []
    tree = {**BACKEND, f"fastnn.backend.{module}": source}
    assert any(said in sentence for sentence in violations(tree)), violations(tree)


@pytest.mark.parametrize(
    ("folder", "one", "other"),
    [
        ("fastnn.api", "a.one", "b.two"),  # two folders
        ("fastnn.api", "a.one", "door"),  # a folder and a module beside it
        ("fastnn.api.a", "deep.one", "two"),
    ],
)
def test_the_check_itself_finds_knots(folder: str, one: str, other: str) -> None:
    """No module imports one that imports it, and yet the folders need each other."""
    tree = {
        "fastnn": "",
        f"{folder}.{one}": f"import {folder}.{other}",
        f"{folder}.{one}_base": "",
        f"{folder}.{other}": "",
    }
    assert violations(tree) == []
    tree[f"{folder}.{other}_more" if "." in other else f"{folder}.{other}"] = (
        f"import {folder}.{one}_base"
    )
    assert any(f"knot in {folder}: " in sentence for sentence in violations(tree))


@pytest.mark.parametrize(
    "source",
    [
        "from fastnn.nn.dense import forward",
        "from . import dense",
        "def f():\n    from fastnn.nn import dense",
        "'Runs on CuPy: cupy is optional.'",
    ],
)
def test_the_check_itself_allows(source: str) -> None:
    assert violations({**BASE, "fastnn.nn.a": source}) == []


def test_backend_may_name_the_devices() -> None:
    tree = {
        "fastnn": "",
        "fastnn.backend": "",
        "fastnn.backend.kernel": "import cupy, llvmlite",
    }
    assert violations(tree) == []


def test_the_top_level_is_tidy() -> None:
    allowed = {
        *("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"),
        *("fastnn", "benchmarks", "tests", "scripts"),
    }
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout, so what belongs to the repository is not known")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip(f"git cannot list the files: {listed.stderr.strip()}")
    top = {name.partition("/")[0] for name in listed.stdout.splitlines()}
    assert {name for name in top if not name.startswith(".")} - allowed == set()


def test_the_tests_are_plain_files_with_their_own_names() -> None:
    assert sorted((ROOT / "tests").rglob("__init__.py")) == []
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
