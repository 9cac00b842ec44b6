"""Threads on cores of their own, and free again afterwards."""

import os

import pytest

from fastnn.backend.numpy import cores as module
from fastnn.backend.numpy.cores import apart, current_core, on_own_core


@pytest.mark.parametrize(
    ("where", "allowed", "wanted"),
    [
        ([0, 1], {0, 1}, [0, 1]),
        ([1, 1], {0, 1}, [1, 0]),
        ([2, 2, 2], {0, 2, 5, 7}, [2, 0, 5]),
        ([3, 3, 3], {3}, [3, 3, 3]),  # as many threads as there is room for
        ([3, 3, 0], {0, 3, 4}, [3, 4, 0]),
        ([-1, -1], {0, 1}, [-1, 0]),
    ],
)
def test_who_goes_where(where: list[int], allowed: set[int], wanted: list[int]) -> None:
    assert apart(where, allowed) == wanted


def test_a_thread_stays_on_its_core_and_is_free_afterwards() -> None:
    allowed = os.sched_getaffinity(0)
    mine = min(allowed)
    for cores, t in (([mine], 0), ([mine, mine], 1)):
        with on_own_core(cores, t):
            within = os.sched_getaffinity(0)
            assert within == {apart(cores, allowed)[t]}
            assert current_core() in (within | {-1})
        assert os.sched_getaffinity(0) == allowed


def test_it_is_free_after_an_error_too() -> None:
    allowed = os.sched_getaffinity(0)
    with pytest.raises(KeyError), on_own_core([min(allowed)], 0):
        raise KeyError
    assert os.sched_getaffinity(0) == allowed


def test_a_core_that_is_not_known_binds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_sched_getcpu", lambda: lambda: -1)
    assert current_core() == -1
    allowed = os.sched_getaffinity(0)
    with on_own_core([-1, -1], 0):
        assert os.sched_getaffinity(0) == allowed


def test_where_binding_is_forbidden_threads_go_where_they_like(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forbid(pid: int, cores: set[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", forbid)
    allowed, done = os.sched_getaffinity(0), []
    with on_own_core([min(allowed)], 0):
        done.append(os.sched_getaffinity(0))
    assert done == [allowed]
