"""Every test that needs a GPU, run on the emulated one; each is a test here, too.

They run in an environment of their own, beside the other tests. No GPU code runs:
tests/cuda/emulator/README.md says what this proves and what it cannot.
"""

from collections.abc import Callable

import pytest

from tests.cuda.emulated_run import EmulatedRun, device_tests, name_of, why_not


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device_test" in metafunc.fixturenames:
        names = ("without an emulated GPU",) if why_not() else device_tests()
        metafunc.parametrize("device_test", names, ids=[name_of(n) for n in names])


def test_on_the_emulated_gpu(device_test: str, emulated_run: EmulatedRun) -> None:
    outcome, said = emulated_run.outcome(device_test)
    if outcome == "skipped":
        pytest.skip(said.removeprefix("Skipped: "))
    if outcome == "failed":
        pytest.fail(said, pytrace=False)
    assert outcome == "passed"


def test_the_run_came_to_its_end(emulated_run: EmulatedRun, proven: Callable[[str], None]) -> None:
    found = emulated_run.wait()
    proven("CUDA: device tests on the emulated device, no GPU code ran: " + emulated_run.summary())
    if emulated_run.culprits():
        pytest.skip(f"it broke off in {', '.join(emulated_run.culprits())}, which has failed")
    assert set(found) == set(device_tests())
