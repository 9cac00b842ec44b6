"""Every test that needs a GPU, run on the emulated one; each is a test here, too.

They run in an environment of their own, all at once, when the first of them is asked for. No GPU
code runs: tests/cuda/emulator/README.md says what this proves and what it cannot.
"""

import pytest

from tests.cuda.emulated_run import EmulatedRun, device_tests, why_not


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = ("without an emulated GPU",) if why_not() else device_tests()
    metafunc.parametrize("device_test", names, ids=[n.removeprefix("tests/") for n in names])


def test_on_the_emulated_gpu(device_test: str, emulated_run: EmulatedRun) -> None:
    outcome = emulated_run.outcomes[device_test]
    if outcome["outcome"] == "skipped":
        pytest.skip(outcome["said"].removeprefix("Skipped: "))
    if outcome["outcome"] == "failed":
        pytest.fail(outcome["said"], pytrace=False)
    assert outcome["outcome"] == "passed"
