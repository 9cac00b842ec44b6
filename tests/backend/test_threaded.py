"""NumPy's programs on several threads: the numbers of one, errors, Ctrl-C and threads of BLAS."""

import _thread
import threading
from typing import Any

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.host.blas import ONE_THREAD, find_blas
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy import lanes, threaded
from fastnn.backend.numpy.lanes import share_program
from fastnn.backend.numpy.phases import Copies, Schedule
from fastnn.backend.numpy.threaded import Meeting, ThreadedNumpyExecutable
from fastnn.backend.program import Advance, Apply, Gather, Program
from tests.backend.test_lanes import LaneAfterLane, Sharing
from tests.backend.training_runs import RUNS, train
from tests.waiting import HANG


@pytest.fixture(autouse=True)
def share_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of tests are small: share them all the same."""
    monkeypatch.setattr(lanes, "FEWEST", 1)
    monkeypatch.setattr(lanes, "WORTH_SHARING", 1)
    monkeypatch.setattr(lanes, "_STEP", 16)


class Threaded(CpuBackend):
    """A backend whose programs run on so many threads."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.n = n

    def compile(self, program: Program, runs: int = 1) -> Any:
        return ThreadedNumpyExecutable(share_program(program, self.n), find_blas())


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", RUNS)
def test_threads_give_the_bits_of_one_lane_after_the_other(name: str, n: int) -> None:
    wanted = train(Sharing(n, range), RUNS[name], "float32")
    for a, b in zip(train(Threaded(n), RUNS[name], "float32"), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def adding(*counts: np.ndarray) -> Schedule:
    """Each lane counts; then the first lane adds the counts up."""
    total = np.zeros(1)
    add = Kernel("add", lambda a, b, c: a + b + c)
    first = [[Advance(c, 1)] for c in counts]
    second = [[Apply(add, (total, *counts), (total,))], *[[] for _ in counts[1:]]]
    return Schedule([first, second], [Copies([total])])


def test_a_phase_begins_when_all_have_ended_the_one_before() -> None:
    schedule = adding(np.zeros(1), np.zeros(1))
    ThreadedNumpyExecutable(schedule, find_blas()).run(400)
    assert schedule.kept[0][0].tolist() == [2 * 400 * 401 / 2]


def test_the_threads_of_blas_are_put_back() -> None:
    blas = find_blas()
    if blas is None:
        pytest.skip("NumPy's BLAS has no functions that can be called by name")
    seen: list[int] = []
    schedule = adding(np.zeros(1), np.zeros(1))
    executable = ThreadedNumpyExecutable(schedule, blas)
    executable._lanes[1][0].append(lambda: seen.append(blas.get_threads()))
    before = ONE_THREAD.threads(blas)
    executable.run(2)
    assert (seen, blas.get_threads()) == ([1, 1], before)


@pytest.mark.parametrize("lane", [0, 1, 2])
def test_what_a_lane_raises_is_raised_and_nobody_waits_for_ever(lane: int) -> None:
    counts = [np.zeros(1) for _ in range(3)]
    phases: list[list[list[Any]]] = [[[Advance(c, 1)] for c in counts] for _ in range(2)]
    # Which rows to gather says an array that is too short to be asked.
    wrong = Gather(np.ones((2, 2)), np.zeros(9, np.int64), np.zeros((2, 2)), np.ones((1, 2)))
    phases[1][lane].append(wrong)
    executable = ThreadedNumpyExecutable(Schedule(phases, []), find_blas())
    for _ in range(20):
        with pytest.raises(ValueError, match="can only convert an array of size 1"):
            executable.run(3)
    counts[0][:] = 0.0
    phases[1][lane].pop()
    ThreadedNumpyExecutable(Schedule(phases, []), find_blas()).run(3)
    assert counts[0].item() == 6.0


def test_a_meeting_that_was_called_off_lets_everybody_go() -> None:
    meeting, left = Meeting(3), []
    waiting = [threading.Thread(target=lambda t=t: left.append(meeting.wait(t))) for t in (0, 2)]
    for thread in waiting:
        thread.start()
    meeting.call_off(KeyError("a"))
    for thread in waiting:
        thread.join(timeout=HANG)
    assert left == [False, False]


def test_ctrl_c_ends_between_two_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both lanes have taken as many steps: nothing is torn in the middle."""
    monkeypatch.setattr(threaded, "STRETCH", 0.0)  # one step at a time
    counts = np.zeros(1), np.zeros(1)
    executable = ThreadedNumpyExecutable(adding(*counts), find_blas())

    def interrupt() -> None:
        if counts[0].item() == 5:
            _thread.interrupt_main()

    executable._lanes[0][0].append(interrupt)
    with pytest.raises(KeyboardInterrupt):
        executable.run(1000)
    assert counts[0].item() == counts[1].item() == 5
    executable._lanes[0][0].pop()
    executable.run(2)  # and it can go on
    assert counts[0].item() == counts[1].item() == 7


def test_numbers_that_overflow_are_no_warning_in_any_lane() -> None:
    x = np.array([1e308, 1e308])
    double = Kernel("double", lambda z: z + z)
    halves = x[:1], x[1:]
    schedule = Schedule([[[Apply(double, (h,), (h,))] for h in halves]], [])
    ThreadedNumpyExecutable(schedule, None).run()
    assert x.tolist() == [np.inf, np.inf]


def test_every_lane_has_scratch_of_its_own() -> None:
    kernel = Kernel("long", lambda z: np.exp(np.sqrt(z) + 1.0) * np.tanh(z))
    x = np.linspace(0.0, 1.0, 100_000)
    parts = [x[:50_000], x[50_000:]]
    outs = [np.empty(50_000), np.empty(50_000)]
    schedule = Schedule(
        [[[Apply(kernel, (p,), (o,))] for p, o in zip(parts, outs, strict=True)]], []
    )
    ThreadedNumpyExecutable(schedule, None).run(20)
    found = [o.copy() for o in outs]
    LaneAfterLane(schedule, range).run()
    for a, b in zip(found, outs, strict=True):
        np.testing.assert_array_equal(a, b)
