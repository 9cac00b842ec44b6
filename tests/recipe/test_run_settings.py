"""Where and how it is computed: every choice looked at once."""

import pickle

import pytest

from fastnn.backend.backend import get_backend
from fastnn.errors import ArgumentError
from fastnn.recipe.run_settings import RunSettings


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"engine": "numpi"},
            "engine must be one of numpy, compiled, auto, found 'numpi'; did you mean",
        ),
        ({"capture": True}, "capture must be"),
        ({"precision": "half"}, "precision must be one of full, tf32, found 'half'"),
        ({"dtype": "int32"}, "dtype must be one of float32, float64, found 'int32'"),
    ],
)
def test_what_is_no_choice(given, said):
    with pytest.raises(ArgumentError, match=said):
        RunSettings(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"capture": "never"}, "capture='never' has no effect on device 'cpu'"),
        ({"precision": "tf32"}, "precision='tf32' has no effect on device 'cpu'"),
    ],
)
def test_what_has_no_effect_there(given, said):
    with pytest.raises(ArgumentError, match=said):
        RunSettings(**given).backend()


def test_the_backend_is_the_one_of_the_process():
    settings = RunSettings(engine="numpy", dtype="float64")
    assert settings.dtype == "float64"
    assert settings.backend() is get_backend("cpu", "numpy")
    assert pickle.loads(pickle.dumps(settings)) == settings
