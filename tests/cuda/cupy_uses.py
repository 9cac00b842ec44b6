"""What code asks of CuPy, read from its syntax tree, and whether an installed CuPy has it.

Run as a script by the Python that has the CuPy in question: it reads uses as JSON from standard
input and prints, as JSON, a sentence for each that does not exist there.
"""

import ast
import inspect
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

#: Names that mean the package: ``import cupy``, a parameter, ``self.xp``.
ROOTS = {"cupy", "xp"}
#: What functions of CuPy return, where more is asked of it.
RETURNS = {
    "cupy.get_default_memory_pool": "cupy.cuda.MemoryPool",
    "cupy.cuda.Stream.end_capture": "cupy.cuda.graph.Graph",
    "cupy.cuda.get_current_stream": "cupy.cuda.Stream",
    "cupy.cuda.alloc_pinned_memory": "cupy.cuda.PinnedMemoryPointer",
}
#: An object without a GPU, for what only objects have.
OBJECTS = {"cupy.cuda.Stream": "null"}


@dataclass(frozen=True)
class Use:
    """A name of CuPy's, and the arguments of the call if it is one."""

    name: str  # "cupy.cuda.Stream"
    positional: int = 0
    keywords: tuple[str, ...] = ()
    called: bool = False


def uses(source: str) -> set[Use]:
    """Return what a module uses of CuPy."""
    tree = ast.parse(source)
    known: dict[str, str] = {}  # a variable, or an attribute of self: what of CuPy it is
    for _ in range(3):  # an alias of an alias
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and (name := _meaning(node.value, known)):
                known.update({_key(target): name for target in node.targets if _key(target)})
            elif isinstance(node, ast.With):
                pairs = ((item.optional_vars, item.context_expr) for item in node.items)
                known.update(
                    {_key(var): name for var, e in pairs if var and (name := _meaning(e, known))}
                )
    return set(_uses(tree, known))


def _uses(tree: ast.AST, known: dict[str, str]) -> Iterator[Use]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (name := _meaning(node.func, known)):
            keywords = tuple(sorted(k.arg for k in node.keywords if k.arg))
            yield Use(name, len(node.args), keywords, called=True)
        elif isinstance(node, ast.Attribute) and id(node) not in called:
            if name := _meaning(node, known):
                yield Use(name)


def _key(node: ast.AST) -> str:
    """The name of a variable or of an attribute, wherever it is."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _meaning(node: ast.AST, known: dict[str, str]) -> str:
    """Return the name of CuPy's that an expression stands for, or an empty text."""
    if isinstance(node, ast.Call):
        name = _meaning(node.func, known)
        return RETURNS.get(name, name if name.rpartition(".")[2][:1].isupper() else "")
    key = _key(node)
    if key in ROOTS:
        return "cupy"
    if isinstance(node, ast.Attribute) and (owner := _meaning(node.value, known)):
        return f"{owner}.{node.attr}"
    return known.get(key, "")


def array_attributes(source: str) -> set[str]:
    """Return what a module asks of anything that NumPy's arrays have, too."""
    import numpy as np

    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return {name for name in names if hasattr(np.ndarray, name)}


# --- in the other environment -----------------------------------------------------------------


def problems(asked: list[dict[str, Any]]) -> list[str]:
    """Return a sentence for each use that the CuPy of this Python does not have."""
    return [said for use in asked if (said := _problem(Use(**use)))]


def _problem(use: Use) -> str:
    import cupy

    found: Any = cupy
    path = "cupy"
    for part in use.name.split(".")[1:]:
        if not hasattr(found, part) and path in OBJECTS:
            found = getattr(found, OBJECTS[path])
        if not hasattr(found, part):
            return f"{use.name} does not exist"
        found = getattr(found, part)
        path += f".{part}"
    parameters = signature(found) if use.called else None
    if parameters is None or "**" in parameters:
        return ""
    allowed = [p for p in parameters if p != "self"]
    unknown = [k for k in use.keywords if k not in allowed]
    if unknown:
        return f"{use.name} has no keyword {', '.join(unknown)} (known: {', '.join(allowed)})"
    if use.positional + len(use.keywords) > len(allowed) and "*" not in parameters:
        return f"{use.name} takes {len(allowed)} arguments, not {use.positional}"
    return ""


def signature(function: Any) -> list[str] | None:
    """Return the names of the parameters, ``*`` and ``**`` among them; None if nothing tells."""
    try:
        given = inspect.signature(function).parameters.values()
        kinds = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        return [kinds.get(p.kind, p.name) for p in given]
    except (TypeError, ValueError):  # compiled: its first line of documentation says it
        first = (getattr(function, "__doc__", None) or "").strip().partition("\n")[0]
        inside = re.search(r"\((.*)\)", first)
        if not inside:
            return None
        parts = [part.partition("=")[0].strip() for part in inside[1].split(",")]
        return [
            "**" if part.startswith("**") else re.findall(r"\w+", part)[-1]
            for part in parts
            if re.search(r"\w", part)
        ]


def as_json(asked: set[Use]) -> str:
    return json.dumps([asdict(use) for use in sorted(asked, key=lambda use: use.name)])


if __name__ == "__main__":
    print(json.dumps(problems(json.load(sys.stdin))))
