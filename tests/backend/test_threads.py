"""Work in threads that begin together or not at all, and that Ctrl-C does not reach."""

import _thread
import threading

import pytest

from fastnn.backend.compiled.threads import in_shelter, run_together


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
    late: list[threading.Thread] = []
    start = threading.Thread.start

    def interrupted(self) -> None:
        late.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_shelter(lambda: pytest.fail("not to be done"))
    start(late[0])  # it gets its turn only now
    late[0].join(10)
    assert not late[0].is_alive()


def test_all_work_is_under_way_at_the_same_time() -> None:
    meeting, met = threading.Barrier(4, timeout=30), []

    def work() -> None:
        meeting.wait()
        met.append(threading.get_ident())

    run_together([work] * 4)
    assert len(met) == 4
    assert threading.get_ident() in met


@pytest.mark.parametrize("n_had", [0, 1, 2])
def test_if_a_thread_cannot_be_had_none_begins(n_had: int, monkeypatch) -> None:
    start, begun = threading.Thread.start, []

    def limited(self) -> None:
        if len(begun) == n_had:
            raise RuntimeError("can't start new thread")
        begun.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(RuntimeError, match="can't start"):
        run_together([lambda: pytest.fail("not to be done")] * 4)
    for thread in begun:
        thread.join(10)
        assert not thread.is_alive(), "a thread was left waiting"
