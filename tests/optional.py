"""Packages that fastnn and most tests do without: what skips the tests that need one, by its name.

``pl = optional("polars")`` is polars. Where it is not installed, the first use of ``pl`` skips the
test that makes it; outside of a test (for the values of a parameter) the whole file. What comes
upon the missing package by itself is skipped, too: this module is a plugin of pytest.
"""

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Generator
from functools import cache
from typing import Any

import pytest

from fastnn.extras import package_of

# Package and what the tests use it for. None of them is needed to use fastnn on arrays.
ORACLES = {
    "torch": "optimisers, losses and layers",
    "sklearn": "metrics and the built-in data",
    "pandas": "data frames",
    "polars": "data frames",
    "pyarrow": "CSV and Parquet",
    "narwhals": "data frames",
    "duckdb": "streams of Arrow tables",
    "python_calamine": "Excel files",
    "PIL": "pictures",
    "array_api_strict": "arrays of other libraries",
    "llvmlite": "compiled training steps",
    "onnx": "the export",
    "onnxruntime": "the export",
    "shtab": "completion in shells",
    "pdoc": "the documentation",
}
TORCH = "2.13.0"
NOT_INSTALLED = "not installed"


@cache
def why_missing(package: str) -> str:
    """Why an optional package cannot serve as an oracle; an empty string when it can."""
    if importlib.util.find_spec(package) is None:
        return NOT_INSTALLED
    if package == "torch":
        found = importlib.metadata.version("torch").split("+")[0]
        if found != TORCH:
            return f"found {found}, the tests compare with {TORCH}"
    return ""


def optional(name: str) -> Any:
    """The module of that name, or what skips the test that uses it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return _Missing(name)


class _Missing:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith(("__", "pytest")):  # whoever looks for tests asks everything
            raise AttributeError(attribute)
        pytest.skip(f"{self._name.partition('.')[0]}: not installed", allow_module_level=True)


def lacking(error: BaseException | None) -> str:
    """The optional package that is not there and that an error is about; or an empty string."""
    if isinstance(error, ModuleNotFoundError):
        for package in ORACLES:
            names = (package, package_of(package))
            if why_missing(package) == NOT_INSTALLED and any(n in str(error) for n in names):
                return package
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Skip a test, with the reason, that came upon a package which is not there."""
    report = yield
    if report.failed and call.excinfo and (package := lacking(call.excinfo.value)):
        path, line, _ = item.location
        report.outcome = "skipped"
        report.longrepr = (path, line or 0, f"Skipped: {package}: {NOT_INSTALLED}")
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Skip a module that cannot be imported without a package which is not there."""
    report = yield
    info = report.call.excinfo if report.call else None
    errors = (info.value, info.value.__cause__) if info else ()
    if report.failed and (package := next(filter(None, map(lacking, errors)), "")):
        report.outcome = "skipped"
        report.longrepr = (str(collector.path), 0, f"Skipped: {package}: {NOT_INSTALLED}")
    elif report.skipped and isinstance(report.longrepr, tuple) and __file__ in report.longrepr:
        report.longrepr = (str(collector.path), *report.longrepr[1:])  # where it is needed
    return report
