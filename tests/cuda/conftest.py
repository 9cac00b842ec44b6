"""The emulated GPU for the tests of this folder: it runs once, when the first of them needs it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.cuda.emulated_run import EmulatedRun, device_tests, run_device_tests, why_not

# The emulator's modules belong to its environment, and are no tests.
collect_ignore = ["emulator"]


@pytest.fixture(scope="session")
def emulated_run(
    request: pytest.FixtureRequest, tmp_path_factory: Any, proven: Callable[[str], None]
) -> EmulatedRun:
    """The device tests that this session asks for, or all of them if it names none."""
    if why_not():
        proven(f"CUDA: NOT PROVEN, the device tests did not run: no emulated GPU: {why_not()}")
        pytest.skip(f"no emulated GPU: {why_not()}")
    chosen = [
        item.callspec.params["device_test"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and "device_test" in item.fixturenames
    ]
    run = run_device_tests(chosen or device_tests(), tmp_path_factory.mktemp("emulated"))
    kinds = Counter(outcome["outcome"] for outcome in run.outcomes.values())
    counts = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    proven(f"CUDA: device tests on the emulated device, no GPU code ran: {counts}")
    return run
