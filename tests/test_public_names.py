"""The public names: they load on first use, are documented, and are spelt out for type checkers."""

import ast
import importlib
import inspect
import json
from pathlib import Path

import pytest

import fastnn

ROOT = Path(__file__).resolve().parent.parent
NAMES = [name for name in fastnn.__all__ if not name.startswith("_")]


def test_names_load_on_first_use(run_python) -> None:
    code = """
import json, fastnn
before = [name for name in fastnn._PUBLIC if name in vars(fastnn)]
missing = [name for name in fastnn.__all__ if not hasattr(fastnn, name)]
after = [name for name in fastnn._PUBLIC if name not in vars(fastnn)]
print(json.dumps([before, missing, after]))
"""
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], [], []]


def test_star_import_gives_exactly_the_public_names() -> None:
    namespace: dict[str, object] = {}
    exec("from fastnn import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(fastnn.__all__)


def test_dir_lists_the_public_names_only() -> None:
    assert dir(fastnn) == sorted(fastnn.__all__)
    assert len(set(fastnn.__all__)) == len(fastnn.__all__)


def test_an_unknown_name_is_an_attribute_error_with_a_hint() -> None:
    with pytest.raises(AttributeError, match="no attribute 'ArgumentEror'; did you mean 'Argum"):
        _ = fastnn.ArgumentEror
    with pytest.raises(AttributeError, match=r"module 'fastnn' has no attribute 'qqqqq'$"):
        _ = fastnn.qqqqq
    assert not hasattr(fastnn, "__wrapped__")


#: Runs with none of the packages of the extras to be found.
WITHOUT_EXTRAS = """
import json, sys

EXTRAS = ("sklearn", "scipy", "pyarrow", "narwhals", "pandas", "llvmlite", "cupy", "onnx",
          "onnxruntime", "resvg_py", "shtab", "joblib", "dask", "distributed")

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled())
import fastnn

said = {}
for name in dir(fastnn):
    try:
        hasattr(fastnn, name)
    except fastnn.FastnnError as error:
        assert type(error) is fastnn.MissingExtraError, type(error)
        assert isinstance(error, ModuleNotFoundError)
        assert error.name == "sklearn", error.name
        said[name] = str(error)
try:
    from fastnn import MLPClassifier
except ImportError as error:
    said["from"] = str(error)
said["no such name"] = hasattr(fastnn, "MLPClasifier")
said["dir"] = dir(fastnn) == sorted(fastnn.__all__)
print(json.dumps(said))
"""


def test_a_name_whose_extra_is_not_installed_says_which(run_python) -> None:
    done = run_python("-c", WITHOUT_EXTRAS)
    assert done.returncode == 0, done.stderr
    needs = "needs scikit-learn, which is not installed: pip install scikit-learn"
    assert json.loads(done.stdout) == {
        "MLPClassifier": f"fastnn.MLPClassifier {needs}",
        "MLPRegressor": f"fastnn.MLPRegressor {needs}",
        "from": f"fastnn.MLPClassifier {needs}",
        "no such name": False,
        "dir": True,
    }


def test_another_package_that_is_missing_is_said_as_python_says_it(run_python) -> None:
    """Such as what scikit-learn needs itself: the extra is there, and is not the cure."""
    code = """
import sys
sys.modules["scipy"] = None
import fastnn
try:
    fastnn.MLPClassifier
except fastnn.FastnnError:
    print("of the house")
except ModuleNotFoundError as error:
    print(error.name)
"""
    done = run_python("-c", code)
    assert done.stdout.strip().startswith("scipy"), (done.stdout, done.stderr)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse((ROOT / "fastnn" / "__init__.py").read_text(encoding="utf-8"))
    seen = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == fastnn._PUBLIC, "the TYPE_CHECKING block and _PUBLIC must name the same things"


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_comes_from_the_module_that_defines_it(name: str) -> None:
    value = getattr(fastnn, name)
    assert getattr(value, "__module__", fastnn._PUBLIC[name]) == fastnn._PUBLIC[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_callable_has_a_docstring_with_a_doctest(name: str) -> None:
    value = getattr(fastnn, name)
    if not callable(value):
        return
    text = inspect.getdoc(value) or ""
    assert text, f"fastnn.{name} has no docstring"
    if not (inspect.isclass(value) and issubclass(value, BaseException)):
        assert ">>> " in text, f"the docstring of fastnn.{name} has no doctest"
    if inspect.isclass(value):
        bare = [
            method
            for method, function in vars(value).items()
            if not method.startswith("_")
            and (inspect.isfunction(function) or isinstance(function, property | classmethod))
            and not getattr(function, "__doc__", None)
        ]
        assert bare == [], f"methods of fastnn.{name} without a docstring"


def test_every_module_and_what_it_offers_is_documented() -> None:
    bare = []
    for path in sorted((ROOT / "fastnn").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        if not module.__doc__:
            bare.append(name)
        for item, value in vars(module).items():
            own = getattr(value, "__module__", None) == name and not item.startswith("_")
            if own and (inspect.isfunction(value) or inspect.isclass(value)) and not value.__doc__:
                bare.append(f"{name}.{item}")
    assert bare == []
