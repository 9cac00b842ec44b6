"""No test has a limit of time of its own, which a busy machine could meet."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import HANG

TESTS = Path(__file__).resolve().parent
#: These wait on purpose: to see that something goes on, and between two signals.
ON_PURPOSE = {"child.wait(0.1)", "going.wait(0.05)"}


def limits(source: str) -> Iterator[str]:
    """Every call that waits for a number of seconds which is written there."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = [k.value for k in node.keywords if k.arg == "timeout"]
            if isinstance(node.func, ast.Attribute) and node.func.attr in ("wait", "join"):
                given += node.args[:1]
            if any(isinstance(value, ast.Constant | ast.BinOp) for value in given):
                yield ast.unparse(node)


def test_a_limit_is_one_that_no_busy_machine_meets() -> None:
    found = {
        f"{path.relative_to(TESTS)}: {call}"
        for path in TESTS.rglob("*.py")
        for call in limits(path.read_text(encoding="utf-8"))
        if call not in ON_PURPOSE and path != Path(__file__).resolve()
    }
    assert found == set(), "write timeout=HANG (tests/waiting.py)"
    assert HANG >= 1800


@pytest.mark.parametrize(
    "line", ["run(x, timeout=60)", "child.wait(2 * 30)", "thread.join(timeout=1.5)", "a.join(3)"]
)
def test_the_check_itself_finds(line: str) -> None:
    assert len(list(limits(line))) == 1


@pytest.mark.parametrize("line", ["run(x, timeout=HANG)", "child.wait()", "', '.join(names)"])
def test_the_check_itself_allows(line: str) -> None:
    assert list(limits(line)) == []
