"""Where data sets are looked for."""

from pathlib import Path

from fastnn.datasets.dataset import candidates


def test_explicit_path_then_environment_then_defaults(monkeypatch):
    default = Path("/default")
    monkeypatch.setenv("FASTNN_DATA", "/own")
    assert candidates("/explicit", default) == [Path("/explicit")]
    assert candidates(None, default) == [Path("/own"), default]
    monkeypatch.delenv("FASTNN_DATA")
    assert candidates(None, default) == [default]
