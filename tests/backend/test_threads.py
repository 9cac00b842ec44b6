"""Work in threads that begin together or not at all, and that Ctrl-C does not reach."""

import _thread
import threading
import time
import weakref
from functools import partial

import pytest

from fastnn.backend.host import threads
from fastnn.backend.host.threads import (
    SideBySide,
    Stretches,
    in_shelter,
    leave_core,
    run_together,
)
from tests.waiting import HANG


@pytest.fixture(autouse=True)
def sleepers(monkeypatch) -> list:
    """No thread sleeps at first: every test sees its own ones being made."""
    found: list = []
    monkeypatch.setattr(threads, "_SLEEPERS", found)
    return found


def wait_until(n: int, sleepers: list) -> None:
    """Wait until so many threads have gone to sleep."""
    end = time.monotonic() + HANG
    while len(sleepers) != n:
        assert time.monotonic() < end, f"{len(sleepers)} threads sleep, not {n}"
        time.sleep(0.001)


def test_the_work_is_done_elsewhere_and_waited_for() -> None:
    seen: list[threading.Thread] = []
    in_shelter(lambda: seen.append(threading.current_thread()))
    assert seen != [threading.current_thread()]
    assert len(seen) == 1


def test_what_the_work_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        in_shelter(lambda: 1 // 0)


def test_ctrl_c_waits_for_the_end_of_the_work() -> None:
    steps: list[str] = []
    going = threading.Event()

    def work() -> None:
        for _ in range(3):  # pressed again and again
            _thread.interrupt_main()
            going.wait(0.05)
        steps.append("done")

    with pytest.raises(KeyboardInterrupt):
        in_shelter(work)
    assert steps == ["done"]


def test_work_that_cannot_begin_is_called_off(monkeypatch) -> None:
    def refuse(self) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start"):
        in_shelter(lambda: pytest.fail("not to be done"))


def test_an_interrupt_before_the_work_begins_calls_it_off(monkeypatch) -> None:
    late = []

    def interrupted(work) -> None:
        late.append(work)
        raise KeyboardInterrupt

    monkeypatch.setattr(threads, "begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_shelter(lambda: pytest.fail("not to be done"))
    late[0]()  # it gets its turn only now


def test_a_thread_sleeps_until_there_is_more_to_do(sleepers) -> None:
    seen: list[threading.Thread] = []
    for _ in range(5):
        in_shelter(lambda: seen.append(threading.current_thread()))
        wait_until(1, sleepers)
    assert len(set(seen)) == 1
    assert seen[0].daemon


def test_a_sleeping_thread_keeps_nothing_alive(sleepers) -> None:
    class Large:
        pass

    large, gone = Large(), threading.Event()
    weakref.finalize(large, gone.set)
    in_shelter(partial(id, large))
    wait_until(1, sleepers)
    del large
    assert gone.wait(HANG)


def test_all_work_is_under_way_at_the_same_time() -> None:
    meeting, met = threading.Barrier(4, timeout=HANG), []

    def work() -> None:
        meeting.wait()
        met.append(threading.get_ident())

    run_together([work] * 4)
    assert len(met) == 4
    assert threading.get_ident() in met


@pytest.mark.parametrize("n_had", [0, 1, 2])
def test_if_a_thread_cannot_be_had_none_begins(n_had: int, sleepers, monkeypatch) -> None:
    start, begun = threading.Thread.start, []

    def limited(self) -> None:
        if len(begun) == n_had:
            raise RuntimeError("can't start new thread")
        begun.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(RuntimeError, match="can't start"):
        run_together([lambda: pytest.fail("not to be done")] * 4)
    wait_until(n_had, sleepers)  # none is left waiting for the others


def test_a_process_that_was_forked_off_makes_its_own_threads(run_python) -> None:
    code = """
import os
from fastnn.backend.host.threads import (
    SideBySide,
    Stretches,
    in_shelter,
    leave_core,
    run_together,
)
in_shelter(lambda: run_together([lambda: None] * 3))
child = os.fork()
if not child:
    done = []
    in_shelter(lambda: run_together([lambda: done.append(1)] * 3))
    os._exit(len(done))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run_python("-c", code).stdout.split() == ["3"]


def test_the_same_work_side_by_side_again_and_again(sleepers) -> None:
    meeting, seen = threading.Barrier(3, timeout=HANG), []

    def work() -> None:
        meeting.wait()
        seen.append(threading.current_thread())

    three = SideBySide([work] * 3)
    for n in range(1, 101):
        three()
        assert len(seen) == 3 * n, "all have ended when the call ends"
    assert threading.current_thread() in seen
    wait_until(len(set(seen)) - 1, sleepers)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_what_a_piece_of_work_raises_is_raised_when_all_have_ended(wrong: int) -> None:
    done, fails = [], [True]

    def work(t: int) -> None:
        if t == wrong and fails.pop():
            raise ZeroDivisionError
        time.sleep(0.01)
        done.append(t)

    three = SideBySide([partial(work, t) for t in range(3)])
    with pytest.raises(ZeroDivisionError):
        three()
    assert sorted(done) == [t for t in range(3) if t != wrong]
    done.clear()
    fails.append(False)
    three()
    assert sorted(done) == [0, 1, 2]


def test_work_without_threads_is_done_here(monkeypatch) -> None:
    def refuse(self) -> None:
        raise RuntimeError("can't start new thread")

    seen: list[threading.Thread] = []
    monkeypatch.setattr(threading.Thread, "start", refuse)
    SideBySide([lambda: seen.append(threading.current_thread())] * 3)()
    assert seen == [threading.current_thread()] * 3


# --- cores --------------------------------------------------------------------------------------


class Cores:
    """A thread on a core, and the sets of cores to which it was bound."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, on: int, allowed: set[int]) -> None:
        self.allowed, self.bound = allowed, list[set[int]]()
        monkeypatch.setattr(threads, "_current_core", lambda: on)
        monkeypatch.setattr(threads.os, "sched_getaffinity", lambda thread: set(allowed))
        monkeypatch.setattr(threads.os, "sched_setaffinity", self.bind)

    def bind(self, thread: int, cores: set[int]) -> None:
        assert thread == 0, "the calling one"
        self.bound.append(cores)


@pytest.mark.parametrize(
    ("core", "on", "allowed", "bound"),
    [
        (1, 1, {0, 1, 5}, [{0, 5}, {0, 1, 5}]),
        (1, 0, {0, 1}, []),  # elsewhere already
        (1, 1, {1}, []),  # no other is left
        (-1, -1, {0, 1}, []),  # not known
    ],
)
def test_a_thread_leaves_a_core_and_is_bound_to_none(
    core: int, on: int, allowed: set[int], bound: list[set[int]], monkeypatch
) -> None:
    cores = Cores(monkeypatch, on, allowed)
    leave_core(core)
    assert cores.bound == bound


def test_a_thread_that_may_not_move_stays(monkeypatch) -> None:
    cores = Cores(monkeypatch, 0, {0, 1})

    def forbid(thread: int, wanted: set[int]) -> None:
        cores.bind(thread, wanted)
        raise PermissionError

    monkeypatch.setattr(threads.os, "sched_setaffinity", forbid)
    leave_core(0)
    assert cores.bound == [{1}]


def test_where_the_system_tells_no_core_a_thread_stays(monkeypatch) -> None:
    """Neither of the two is there on macOS."""
    monkeypatch.setattr(threads, "_current_core", lambda: -1)
    monkeypatch.delattr(threads.os, "sched_getaffinity", raising=False)
    ran: list[int] = []
    SideBySide([lambda: ran.append(1), lambda: ran.append(2)])()
    assert sorted(ran) == [1, 2]


def test_the_others_leave_the_core_of_the_first(monkeypatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(threads, "_current_core", lambda: 7)
    monkeypatch.setattr(threads, "leave_core", left.append)
    SideBySide([lambda: None] * 3)()
    assert left == [7, 7]


def test_stretches_grow_to_as_many_steps_as_fit(monkeypatch) -> None:
    """A step takes 1/128 s: 25 of them are a stretch of 0.2 s."""
    now, taken = [0.0], []

    def work(steps: int) -> None:
        taken.append(steps)
        now[0] += steps / 128

    monkeypatch.setattr(threads.time, "perf_counter", lambda: now[0])
    stretches = Stretches()
    stretches.run(60, work)
    assert taken == [1, 4, 16, 25, 14]
    stretches.run(26, work)
    assert taken[5:] == [25, 1]
    stretches.run(0, work)
    assert len(taken) == 7
