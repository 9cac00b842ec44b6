"""Without an optional package the tests that need it are skipped, by its name."""

import pytest

from tests import optional as packages
from tests.optional import optional


def test_what_is_there_is_the_module_itself() -> None:
    import json

    assert optional("json") is json


def test_the_first_use_of_what_is_missing_skips() -> None:
    missing = optional("no_such_package.part")
    with pytest.raises(pytest.skip.Exception, match="no_such_package: not installed"):
        missing.DataFrame({"a": [1]})
    assert not hasattr(missing, "__wrapped__"), "to look at it is no use of it"


@pytest.mark.parametrize(
    ("said", "package"),
    [
        ("No module named 'polars'", "polars"),
        ("MLPClassifier needs scikit-learn: pip install scikit-learn", "sklearn"),
        ("No module named 'fastnn.nn.polar'", ""),
    ],
)
def test_an_error_about_a_missing_package_is_known(
    said: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "why_missing", lambda name: "not installed")
    assert packages.lacking(ModuleNotFoundError(said)) == package
    assert packages.lacking(ValueError(said)) == ""


def test_an_error_about_a_package_that_is_there_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "why_missing", lambda name: "")
    assert packages.lacking(ModuleNotFoundError("No module named 'polars'")) == ""
