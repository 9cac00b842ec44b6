"""Where the lanes of a program have to meet."""

import numpy as np
import pytest

from fastnn.backend.numpy.phases import OWN, Phases, Touch
from fastnn.backend.program import Advance

COUNT = Advance(np.array([0]), by=1)


def phases_of(*touches: list[Touch]) -> list[int]:
    """The phase that each instruction of lane 0 gets, given what is touched."""
    phases, found = Phases(2), []
    for touched in touches:
        before = [len(phase[0]) for phase in phases.found]
        phases.put([(0, COUNT)], touched)
        after = [len(phase[0]) for phase in phases.found]
        before += [0] * (len(after) - len(before))
        found.append(next(p for p, (a, b) in enumerate(zip(after, before, strict=True)) if a > b))
    return found


@pytest.mark.parametrize(
    ("first", "then", "phase"),
    [
        ((0, 8, 0, True), (0, 8, 0, False), 0),  # what a lane made itself
        ((0, 8, 0, True), (0, 8, 1, False), 1),  # what another one made
        ((0, 8, 0, False), (0, 8, 1, True), 1),  # what another one must have read first
        ((0, 8, 0, True), (0, 8, 1, True), 1),
        ((0, 8, 0, False), (0, 8, 1, False), 0),  # two that read
        ((0, 8, 0, True), (8, 16, 1, True), 0),  # side by side
        ((0, 9, 0, True), (8, 16, 1, True), 1),
        ((0, 8, OWN, True), (0, 8, OWN, True), 0),  # each lane its own examples
        ((0, 8, 1, True), (0, 8, OWN, False), 1),
    ],
)
def test_lanes_meet_between_two_that_touch_the_same(first: Touch, then: Touch, phase: int) -> None:
    assert phases_of([first], [then]) == [0, phase]


def test_what_follows_waits_with_what_it_needs() -> None:
    made, needed = (0, 8, 0, True), (0, 8, 1, False)
    assert phases_of([made], [needed, (8, 16, 1, True)], [(8, 16, 1, False)]) == [0, 1, 1]


def test_a_later_instruction_may_come_into_an_earlier_phase() -> None:
    assert phases_of([(0, 8, 0, True)], [(0, 8, 1, False)], [(16, 24, 0, True)]) == [0, 1, 0]


def test_the_last_phase_of_a_touch_counts() -> None:
    """A read that was early once and late once: who writes then must wait for the late one."""
    read, other = (0, 8, 0, False), (8, 16, 1, True)
    late = [read, (8, 16, 0, False)]
    assert phases_of([other], late, [read], [(0, 8, 0, True)]) == [0, 1, 0, 1]
