"""Code that runs in a training step reads no number from the device, read on the syntax tree.

On a GPU ``float(x)``, ``if x > 0``, ``max(x, 0)`` or ``f"{x}"`` of an array waits for the device
and copies; nothing shows it. Step code is every function of ``fastnn/nn`` that takes a shim ``xp``,
and what the executables of ``fastnn/backend/cuda`` do in ``run``. The emulated device counts what
really happens (test_device_cost.py); this finds it on paths that the counts do not take.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.cuda.emulated_run import ROOT

FUNCTIONS = {
    "float",
    "int",
    "bool",
    "complex",
    "print",
    "max",
    "min",
    "sum",
    "round",
    "str",
    "repr",
}
METHODS = {"item", "tolist", "get", "synchronize", "asnumpy", "host", "any", "all"}
RUNS = {"run", "launch", "replay", "__call__"}

Function = ast.FunctionDef


def step_functions(tree: ast.Module, cuda: bool) -> Iterator[Function]:
    """The functions of a module that run in a step."""
    for node in ast.walk(tree):
        if cuda and isinstance(node, ast.ClassDef):
            yield from reached({f.name: f for f in node.body if isinstance(f, Function)})
        elif not cuda and isinstance(node, Function):
            if any(a.arg == "xp" for a in (*node.args.args, *node.args.kwonlyargs)):
                yield node


def reached(methods: dict[str, Function]) -> Iterator[Function]:
    """The methods that run, and those of the same class that they call."""
    wanted, done = [name for name in methods if name in RUNS], set()
    while wanted:
        name = wanted.pop()
        if name in done or name not in methods:
            continue
        done.add(name)
        yield methods[name]
        wanted += [n.attr for n in ast.walk(methods[name]) if isinstance(n, ast.Attribute)]


def arrays(function: Function) -> set[str]:
    """The parameters that are arrays by their annotation."""
    given = (*function.args.args, *function.args.kwonlyargs)
    return {a.arg for a in given if a.annotation and "Array" in ast.unparse(a.annotation)}


def code(node: ast.AST) -> Iterator[ast.AST]:
    """Everything within, but for what is raised: an error may take its time."""
    if not isinstance(node, ast.Raise):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from code(child)


def truth_of(test: ast.AST, names: set[str]) -> bool:
    """Whether a condition reads the numbers of an array: not its shape, nor that it is there."""
    match test:
        case ast.Name(id=name):
            return name in names
        case ast.BoolOp(values=values):
            return any(truth_of(value, names) for value in values)
        case ast.UnaryOp(operand=operand):
            return truth_of(operand, names)
        case ast.Compare(left=left, ops=ops, comparators=others):
            if all(isinstance(op, ast.Is | ast.IsNot) for op in ops):
                return False
            return any(truth_of(side, names) for side in (left, *others))
        case ast.BinOp(left=left, right=right):
            return truth_of(left, names) or truth_of(right, names)
        case ast.Subscript(value=value):
            return truth_of(value, names)
    return False


def waits(source: str, cuda: bool) -> list[str]:
    """Every place in step code that would wait for the device, as a sentence."""
    found = []
    for function in step_functions(ast.parse(source), cuda):
        names = arrays(function)
        for node in (inner for statement in function.body for inner in code(statement)):
            said = ""
            match node:
                case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                    said = f"{name}(...)"
                case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
                    said = f".{name}()"
                case ast.FormattedValue(value=value):
                    said = "the text of an array" if truth_of(value, names) else ""
                case ast.If() | ast.IfExp() | ast.While() | ast.Assert():
                    said = "a condition on an array" if truth_of(node.test, names) else ""
            if said:
                found.append(f"{function.name}, line {node.lineno}: {said}")
    return found


MODULES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for folder in ("fastnn/nn", "fastnn/backend/cuda")
    for path in sorted((ROOT / folder).glob("*.py"))
}


@pytest.mark.parametrize("module", MODULES)
def test_step_code_does_not_wait(module: str) -> None:
    assert waits(MODULES[module], "cuda" in module) == []


def test_there_is_step_code() -> None:
    functions = {
        function.name
        for module, source in MODULES.items()
        for function in step_functions(ast.parse(source), "cuda" in module)
    }
    assert {"run", "forward", "backward", "hidden_backward", "clip_by_norm"} <= functions


@pytest.mark.parametrize(
    "line",
    [
        "float(x)", "max(x, 0)", "x.item()", "print(1)", "f'{x}'", "y = 1 if x else 2",
        "if x > 0: pass", "if not x[0]: pass", "while y and x: pass", "assert x",
    ],
)  # fmt: skip
def test_the_check_itself_finds(line: str) -> None:
    assert len(waits(f"def f(xp, x: Array, y=1):\n    {line}", cuda=False)) == 1
    assert waits(f"def f(x: Array, y=1):\n    {line}", cuda=False) == []
    in_run = f"class E:\n  def run(self):\n    self.go(1)\n  def go(self, x: Array):\n    {line}"
    assert len(waits(in_run, cuda=True)) == 1
    assert waits(in_run.replace("run", "prepare"), cuda=True) == []


@pytest.mark.parametrize(
    "line",
    [
        "if x is None: pass", "if x.ndim == 2: pass", "if y > 0: pass", "f'{y}{x.shape}'",
        "assert x is not None", "raise E(f'{x} {float(x)}')",
    ],
)  # fmt: skip
def test_the_check_itself_allows(line: str) -> None:
    assert waits(f"def f(xp, x: Array, y=1):\n    {line}", cuda=False) == []
