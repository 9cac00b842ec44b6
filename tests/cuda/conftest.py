"""The emulated GPU for the tests of this folder: the run beside the others (emulated_run.py)."""

from collections.abc import Callable

import pytest

from tests.cuda.emulated_run import Background, EmulatedRun, why_not

# The emulator's modules belong to its environment, and are no tests.
collect_ignore = ["emulator"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last what waits for the run in the background; what needs all of it, at the very end."""
    waiting = [
        item
        for item in items
        if isinstance(item, pytest.Function) and "emulated_run" in item.fixturenames
    ]
    waiting.sort(key=lambda item: "device_test" not in item.fixturenames)
    items[:] = [*(item for item in items if item not in set(waiting)), *waiting]


@pytest.fixture(scope="session")
def emulated_run(pytestconfig: pytest.Config, proven: Callable[[str], None]) -> EmulatedRun:
    """The run of the device tests that this session asks for."""
    if why_not():
        proven(f"CUDA: NOT PROVEN, the device tests did not run: no emulated GPU: {why_not()}")
        pytest.skip(f"no emulated GPU: {why_not()}")
    background = pytestconfig.pluginmanager.get_plugin("emulated run")
    assert isinstance(background, Background)
    return background.run
