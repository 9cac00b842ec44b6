"""What is timed computes the same in loops, in NumPy and compiled; the comparison says what it did.

Nothing here asserts how fast anything is.
"""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cuda.availability import cuda_status
from fastnn.backend.engine import compiled_status
from fastnn.errors import ArgumentError, DeviceError
from fastnn.nn.activations import ACTIVATIONS
from fastnn.nn.losses import LOSSES
from fastnn.nn.optimizers import OPTIMIZERS
from fastnn.proofs.selfcheck import deviation
from fastnn.timing import clock
from fastnn.timing.clock import time_calls
from fastnn.timing.comparison import BATCH_SIZES, COLUMNS, FEW, Effort, Timed, backends, compare
from fastnn.timing.comparison import subjects as all_subjects
from fastnn.timing.kernels import dot_product
from fastnn.timing.subject import Loop, Subject

QUICK = Effort(seconds=1e-4, repeats=2)
SMALL = [
    *all_subjects(sizes=(5, 6, 4, 3), units=7, full=9)[:1],
    dot_product(50),
    *all_subjects(units=7)[2:],
]


def test_every_row_of_the_tables_is_timed() -> None:
    names = [s.name for s in all_subjects()]
    assert len(names) == len(set(names))
    expected = {"training step", "dot product", "dense forward", "dense backward"}
    expected |= {f"{g} {way}" for g in ACTIVATIONS.names for way in ("forward", "backward")}
    assert set(names) == expected | set(LOSSES.names) | set(OPTIMIZERS.names)


@pytest.mark.parametrize("engine", ["numpy", "compiled"])
@pytest.mark.parametrize("subject", SMALL, ids=lambda s: s.name)
def test_loop_and_program_compute_the_same(subject: Subject, engine: str) -> None:
    if engine == "compiled" and (reason := compiled_status()):
        pytest.skip(reason)
    for m in (1, 4, 9):
        ready = subject.vectorised(get_backend("cpu", engine), m, "float64")
        ready.run(1)
        found, expected = ready.results(), subject.loop(m)()
        assert len(found) == len(expected) >= 1
        for a, b in zip(found, expected, strict=True):
            assert deviation(a, b) <= 1e-12


@pytest.mark.parametrize("n", [1, 8, 11])
def test_a_step_runs_as_often_as_it_is_asked_to(n: int) -> None:
    step = SMALL[0].vectorised(get_backend("cpu", "numpy"), 4, "float64")
    step.run(n)
    loop = SMALL[0].loop(4)
    after_one = loop()
    if n == 1:
        assert deviation(step.results()[0], after_one[0]) <= 1e-12
    else:  # eight mini-batches in an epoch: other examples than the loop's one batch
        assert deviation(step.results()[0], after_one[0]) > 1e-6


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the clock reads, in seconds: it goes on when a test says so."""
    time = [5.0]
    monkeypatch.setattr(clock, "time", SimpleNamespace(perf_counter=lambda: time[0]))
    return time


def test_the_clock_counts_calls(now: list[float]) -> None:
    asked: list[int] = []

    def run(n: int) -> None:
        asked.append(n)
        now[0] += 2.0 * n

    found = time_calls(run, seconds=300.0, repeats=3)
    # The first call is not counted; the second says that 50 calls fill 100 s, and a tenth more.
    assert asked == [1, 1, 55, 55, 55]
    assert found == [2.0, 2.0, 2.0]


def test_the_clock_stops_repeating_in_time(now: list[float]) -> None:
    def slow(n: int) -> None:
        now[0] += 2.0 * n

    assert time_calls(slow, seconds=1.0, repeats=5, at_most=1.0) == [2.0]
    # Begun after 2, 4, ..., 28 s; the call after 30 s is not.
    assert len(time_calls(slow, seconds=1.0, repeats=50, at_most=30.0)) == 14


def test_a_comparison_has_every_column_and_says_why_one_is_empty() -> None:
    [small, large] = list(compare([SMALL[2]], [1, 3], QUICK))
    assert [cell.column for cell in small] == list(COLUMNS)
    assert [cell.batch for cell in (small[0], large[0])] == [1, 3]
    gpu = small[-1]
    assert bool(gpu.seconds) == cuda_status().usable
    assert gpu.seconds or gpu.reason == str(cuda_status())
    for cell in small[:2]:
        assert len(cell.seconds) == 2
        assert cell.minimum > 0


def test_a_loop_above_the_limit_is_left_out_with_the_limit() -> None:
    [first, second] = compare([SMALL[2]], [1, 1000], Effort(1e-4, loop_limit=1e-4, repeats=2))
    assert first[0].seconds
    assert second[0].seconds == ()
    assert math.isnan(second[0].minimum)
    assert "the limit is 0.0001 s" in second[0].reason
    assert second[1].seconds  # NumPy is measured all the same


def test_a_large_batch_alone_is_foreseen_by_a_small_one() -> None:
    asked: list[int] = []

    def loop(m: int) -> Loop:
        asked.append(m)
        return SMALL[2].loop(m)

    [row] = compare([replace(SMALL[2], loop=loop)], [5000], Effort(1e-4, 1e-4, repeats=2))
    assert row[0].reason.startswith("not run: about ")
    assert asked == [FEW]


def test_where_the_batch_size_makes_no_difference_there_is_one_row() -> None:
    rows = list(compare([SMALL[1]], [1, 16], QUICK))
    assert [row[0].batch for row in rows] == [None]


def test_too_little_memory_is_a_reason() -> None:
    def fails(*_: object) -> None:
        raise MemoryError("8 GB")

    subject = Subject("dense", "large", "", fails, fails)  # type: ignore[arg-type]
    [row] = compare([subject], [1], QUICK)
    assert [cell.reason for cell in row[:2]] == ["not enough memory: 8 GB"] * 2


def test_what_a_backend_refuses_is_a_reason() -> None:
    def refuses(*_: object) -> None:
        raise DeviceError("the device is gone")

    subject = replace(SMALL[2], vectorised=refuses)  # type: ignore[arg-type]
    [row] = compare([subject], [1], QUICK)
    assert row[0].seconds
    assert row[1].reason == "the device is gone"


def test_kernels_are_chosen_by_name_word_and_kind() -> None:
    assert [s.name for s in all_subjects(["tanh"])] == ["tanh forward", "tanh backward"]
    assert [s.name for s in all_subjects(["adam", "step"])] == ["training step", "adam"]
    assert len(all_subjects(["loss"])) == len(LOSSES.names)
    with pytest.raises(ArgumentError, match="no kernel is called 'tahn'; did you mean 'tanh'"):
        all_subjects(["tahn"])


def test_the_batch_sizes_and_columns_that_are_promised() -> None:
    assert BATCH_SIZES == (1, 16, 32, 64, 128, 256, 512, 1024, 4096)
    assert list(backends()) == list(COLUMNS[1:])
    assert Timed("loss", "huber", "", 1, "NumPy", (3.0, 2.0)).minimum == 2.0
