"""`import fastnn` costs NumPy at most, and importing any module of it loads nothing heavy."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

HEAVY = {
    *("cupy", "llvmlite", "torch", "scipy", "sklearn", "pandas", "polars", "pyarrow", "narwhals"),
    *("resvg_py", "onnx", "onnxruntime", "rich", "safetensors"),
}

#: An estimator is a subclass of scikit-learn's: these are imported when one is asked for.
SUBCLASSES = {f"fastnn.api.estimators.{name}" for name in ("base", "classifier", "regressor")}


def loaded(run_python, statement: str) -> set[str]:
    """The modules that are loaded after a statement in a new interpreter."""
    done = run_python("-c", f"import sys, json\n{statement}\nprint(json.dumps(list(sys.modules)))")
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_import_fastnn_is_light(run_python) -> None:
    with_fastnn = loaded(run_python, "import numpy, fastnn")
    extra = with_fastnn - loaded(run_python, "import numpy")
    assert "fastnn" in extra
    assert packages(with_fastnn) & HEAVY == set()
    assert packages(extra) == {"fastnn"}
    assert len(extra) <= 3, sorted(extra)


def test_no_module_loads_a_heavy_package_when_it_is_imported(run_python) -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "fastnn").rglob("*.py"))
    ]
    assert "fastnn.errors" in names
    assert set(names) >= SUBCLASSES
    names = [name for name in names if name not in SUBCLASSES]
    modules = loaded(run_python, "\n".join(f"import {name}" for name in names))
    assert set(names) <= modules
    assert packages(modules) & HEAVY == set()


def test_scikit_learn_is_loaded_when_an_estimator_is_asked_for(run_python) -> None:
    before = loaded(run_python, "import fastnn, fastnn.api.estimators")
    after = loaded(run_python, "import fastnn; fastnn.MLPClassifier")
    assert "sklearn" not in packages(before)
    assert "sklearn" in packages(after)
