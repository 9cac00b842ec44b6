"""From instructions to shares of compiled calls: results do not depend on who does what when."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnn.backend.compiled import barriers as sharing
from fastnn.backend.compiled import executor as compiled_executor
from fastnn.backend.compiled.executor import CompiledExecutable
from fastnn.backend.compiled.llvm_engine import NotCompilableError
from fastnn.backend.compiled.lowering import Lowered, Task, lower_program
from fastnn.backend.host.blas import find_blas
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.program import (
    Advance,
    Apply,
    Dot,
    Gather,
    Instruction,
    Load,
    Program,
    Recorder,
    Reduce,
    Store,
)
from tests.backend.compiled import needs_compiler, run

pytestmark = needs_compiler

DTYPES = (np.float32, np.float64)


@pytest.fixture
def every_share(monkeypatch) -> None:
    """Even the smallest instruction is shared among the threads."""
    monkeypatch.setattr(sharing, "ALONE", 0)


# --- matrix products ----------------------------------------------------------------------------


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("dtype", DTYPES)
def test_products_of_every_form(dtype, threads: int, rng) -> None:
    steps, checks = [], []
    for n, k, m in itertools.product((1, 2, 33), repeat=3):
        wide = rng.standard_normal((k + 2, n + 3)).astype(dtype)
        lefts = [
            rng.standard_normal((n, k)).astype(dtype),
            rng.standard_normal((k, n)).astype(dtype).T,
            wide[1 : k + 1, 2 : n + 2].T,  # a transpose cut out of something wider
            rng.standard_normal((n + 1, k + 5)).astype(dtype)[1:, 3 : k + 3],
        ]
        rights = [
            rng.standard_normal((k, m)).astype(dtype),
            rng.standard_normal((m, k)).astype(dtype).T,
        ]
        for a, b in itertools.product(lefts, rights):
            out = np.full((n, m), 777.0, dtype)
            steps.append(Dot(a, b, out))
            checks.append((a, b, out))
    run(steps, threads)
    for a, b, out in checks:
        exact = a.astype(np.float64) @ b.astype(np.float64)
        bound = np.finfo(dtype).eps * (abs(a).astype(np.float64) @ abs(b).astype(np.float64))
        assert (abs(out - exact) <= 4 * bound).all(), (a.shape, a.strides, b.shape, b.strides)


@pytest.mark.parametrize(
    "a",
    [
        np.zeros((6, 8))[:, ::2],  # every other element
        np.zeros((3, 4))[::-1],  # backwards
        np.broadcast_to(np.zeros(4), (3, 4)),  # one row three times
        np.lib.stride_tricks.as_strided(np.zeros(9), (4, 4), (8, 8)),  # rows that overlap
    ],
)
def test_factors_that_blas_cannot_walk_through_are_refused(a: np.ndarray) -> None:
    out = np.zeros((a.shape[0], 5))
    with pytest.raises(NotCompilableError, match="a factor of shape"):
        run([Dot(a, np.zeros((4, 5)), out)])
    NumpyExecutable(Program((Dot(a, np.zeros((4, 5)), out),), {})).run()  # NumPy makes a copy


@pytest.mark.parametrize(
    "operand",
    [
        np.zeros((6, 8))[::2, ::2],
        np.zeros((3, 4))[:, ::-1],
        np.zeros(4),  # (4,) beside (3, 4)
        np.zeros((3, 2))[:, :1],
        np.zeros((1, 8))[:, ::2],
        np.zeros((3, 4), np.int64),
        np.zeros((3, 4), ">f8"),
    ],
)
def test_operands_without_a_loop_are_refused(operand: np.ndarray) -> None:
    step = Apply(Kernel("k", lambda x, y: x + y), (np.ones((3, 4)), operand), (np.zeros((3, 4)),))
    with pytest.raises(NotCompilableError, match=r"an operand of shape|an array of"):
        run([step])


def test_arrays_of_three_dimensions_are_one_long_row(rng) -> None:
    x, out = rng.standard_normal((3, 4, 5)), np.zeros((3, 4, 5))
    run([Apply(Kernel("k", lambda x, s: s - x), (x, np.array([2.0])), (out,))], threads=2)
    np.testing.assert_array_equal(out, 2.0 - x)


# --- threads: shares, barriers, and every order in which they may go ----------------------------


def in_order(lowered: Lowered, order: tuple[int, ...], dropped: int | None = None) -> Lowered:
    """What threads might do between two barriers, one thread after the other.

    If one thread never needs what another made since they last met, then every order gives the
    same result. ``dropped``: leave out the barrier of that number.
    """
    touched = [task.touched for task in lowered.tasks]
    meetings = [i for i, wait in enumerate(sharing.waits(touched)) if wait]
    if dropped is not None:
        del meetings[dropped]
    lines = []
    for start, stop in itertools.pairwise([0, *meetings, len(lowered.tasks)]):
        lines += [
            line for t in order for task in lowered.tasks[start:stop] for line in task.lines[t]
        ]
    alone = [Task([lines], [])]
    return Lowered(alone, lowered.texts, lowered.kept, lowered.calls_back, lowered.errors, [])


def barriers(program: Program, threads: int) -> int:
    blas = find_blas()
    assert blas is not None
    tasks = lower_program(program, threads, blas).tasks
    return sum(sharing.waits([task.touched for task in tasks]))


def run_in_order(program: Program, order, monkeypatch, dropped: int | None = None) -> None:
    lower = lower_program
    with monkeypatch.context() as patch:
        patch.setattr(
            compiled_executor,
            "lower_program",
            lambda p, threads, blas: in_order(lower(p, len(order), blas), order, dropped),
        )
        CompiledExecutable(program, 1).run(2)


class World:
    """Arrays of a small network's step, and a program over them."""

    def __init__(self, dtype=np.float64, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        n, h, m, k = 19, 33, 50, 20
        shapes = {
            "W": (h, n), "X": (m, n), "b": (h, 1), "A": (h, m), "V": (k, h), "Z": (k, m),
            "top": (1, m), "dV": (k, h), "dZ": (h, m), "dW": (h, n), "db": (h, 1), "rows": (90, n),
            "J": (1, 1), "costs": (9,), "table": (9, 4), "row": (4,), "theta": (700,),
        }  # fmt: skip
        made = {name: rng.standard_normal(s).astype(dtype) for name, s in shapes.items()}
        self.arrays = made
        counter, order = np.array([0]), rng.permutation(90)
        a, made["counter"] = made, counter
        self.program = [
            Gather(a["rows"], order, counter, a["X"]),
            Dot(a["W"], a["X"].T, a["A"]),
            Apply(Kernel("act", lambda z, b: np.maximum(z + b, 0.0)), (a["A"], a["b"]), (a["A"],)),
            Dot(a["V"], a["A"], a["Z"]),
            Reduce("max", a["Z"], 0, a["top"]),
            Apply(Kernel("down", lambda z, t: z - t), (a["Z"], a["top"]), (a["Z"],)),
            Reduce("sum", a["Z"], None, a["J"]),
            Store(a["J"], counter, a["costs"]),
            Dot(a["Z"], a["A"].T, a["dV"]),
            Dot(a["V"].T, a["Z"], a["dZ"]),
            Apply(Kernel("back", lambda d, x: d * (x > 0)), (a["dZ"], a["A"]), (a["dZ"],)),
            Dot(a["dZ"], a["X"], a["dW"]),
            Reduce("sum", a["dZ"], 1, a["db"]),
            Load(a["table"], counter, a["row"]),
            Apply(Kernel("p", lambda p, r: p - r * p), (a["theta"], a["row"][:1]), (a["theta"],)),
            Apply(Kernel("fall", lambda w, g: w - 0.001 * g), (a["W"], a["dW"]), (a["W"],)),
            Advance(counter, 1),
        ]  # fmt: skip

    def after(self, how) -> dict[str, np.ndarray]:
        """The arrays after ``how`` has run the program."""
        how(Program(tuple(self.program), {}))
        return {name: array.copy() for name, array in self.arrays.items()}


def assert_alike(found: dict, wanted: dict, tolerance: float = 1e-12) -> None:
    for name, array in wanted.items():
        scale = tolerance * max(1.0, float(abs(array).max()))
        np.testing.assert_allclose(found[name], array, rtol=0, atol=scale, err_msg=name)


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_gives_the_same_on_any_number_of_threads(dtype) -> None:
    wanted = World(dtype).after(lambda p: NumpyExecutable(p).run(4))
    one = World(dtype).after(lambda p: CompiledExecutable(p, 1).run(4))
    assert_alike(one, wanted, 1e-12 if dtype == np.float64 else 1e-5)
    for threads in (2, 3, 4, 7):
        found = World(dtype).after(lambda p, t=threads: CompiledExecutable(p, t).run(4))
        again = World(dtype).after(lambda p, t=threads: CompiledExecutable(p, t).run(4))
        assert_alike(found, one, 1e-12 if dtype == np.float64 else 1e-5)
        for name, array in found.items():
            np.testing.assert_array_equal(array, again[name], "two runs are equal bit by bit")


@pytest.mark.usefixtures("every_share")
@pytest.mark.parametrize("threads", [2, 3])
def test_the_barriers_are_enough(threads: int, monkeypatch) -> None:
    wanted = World().after(lambda p: NumpyExecutable(p).run(2))
    for order in itertools.permutations(range(threads)):
        assert_alike(World().after(lambda p, o=order: run_in_order(p, o, monkeypatch)), wanted)


@pytest.mark.usefixtures("every_share")
def test_without_one_of_its_barriers_a_step_goes_wrong(monkeypatch) -> None:
    """The mutation that the test before must catch."""
    wanted = World().after(lambda p: NumpyExecutable(p).run(2))
    n = barriers(Program(tuple(World().program), {}), 2)
    caught = 0
    for dropped in range(n):
        for order in ((0, 1), (1, 0)):
            found = World().after(lambda p, o=order, d=dropped: run_in_order(p, o, monkeypatch, d))
            if any(not np.allclose(found[k], v, rtol=1e-9, atol=1e-9) for k, v in wanted.items()):
                caught += 1
                break
    assert n >= 5
    assert caught == n, "each barrier is needed"


def test_one_thread_needs_no_barrier() -> None:
    assert barriers(Program(tuple(World().program), {}), 1) == 0


@st.composite
def programs(draw) -> tuple[list[np.ndarray], list[Instruction]]:
    """Some instructions over a few arrays, several of which are the same memory."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    n, m = draw(st.sampled_from([(3, 40), (17, 20), (20, 5), (40, 1), (1, 33)]))
    squares = [rng.standard_normal((n, m)) for _ in range(3)]
    columns = [rng.standard_normal((n, 1)) for _ in range(2)]
    rows = [rng.standard_normal((1, m)) for _ in range(2)]
    scalar = rng.standard_normal((1, 1))
    steps: list[Instruction] = []
    for _ in range(draw(st.integers(2, 7))):
        out = draw(st.sampled_from(squares))
        match draw(
            st.sampled_from(["mix", "two", "rows", "columns", "max", "all", "row", "column"])
        ):
            case "mix":
                others = [*squares, *columns, *rows, scalar]
                args = (draw(st.sampled_from(squares)), draw(st.sampled_from(others)))
                steps.append(Apply(Kernel("mix", lambda x, y: 0.5 * x - 0.25 * y), args, (out,)))
            case "two":  # outputs that cross over
                a, b = squares[:2]
                kernel = Kernel("two", lambda x, y: (0.5 * y, 0.5 * x + y * 0.25))
                steps.append(Apply(kernel, (a, b), (b, a)))
            case "rows":
                steps.append(Reduce("sum", out, 1, draw(st.sampled_from(columns))))
            case "columns":
                steps.append(Reduce("sum", out, 0, draw(st.sampled_from(rows))))
            case "max":
                steps.append(Reduce("max", out, 0, draw(st.sampled_from(rows))))
            case "all":
                steps.append(Reduce("sum", out, None, scalar))
            case "row":
                a, b = rows
                steps.append(Apply(Kernel("r", lambda x, y: 0.5 * np.tanh(x) - y), (a, b), (b,)))
            case "column":
                a, b = columns
                steps.append(Apply(Kernel("c", lambda x, y: 0.5 * x - 0.5 * y), (a, b), (a,)))
    return [*squares, *columns, *rows, scalar], steps


@pytest.mark.usefixtures("every_share")
@settings(max_examples=40)
@given(data=st.data())
def test_random_programs_in_every_order(data) -> None:
    arrays, steps = data.draw(programs())
    program, before = Program(tuple(steps), {}), [a.copy() for a in arrays]

    def after(how) -> list[np.ndarray]:
        for array, start in zip(arrays, before, strict=True):
            np.copyto(array, start)
        how()
        return [a.copy() for a in arrays]

    wanted = after(lambda: NumpyExecutable(program).run(2))
    patch = pytest.MonkeyPatch()
    runs = [lambda o=o: run_in_order(program, o, patch) for o in ((0, 1), (1, 0), (2, 0, 1))]
    runs.append(lambda: CompiledExecutable(program, 3).run(2))
    for how in runs:
        for found, right in zip(after(how), wanted, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-12, atol=1e-12)


def test_a_recorded_step_is_lowered_to_one_task_per_instruction() -> None:
    xp, z, total = Recorder(), np.ones((20, 30)), np.zeros((20, 1))
    xp.apply(Kernel("twice", lambda z: 2 * z), z, out=z)
    xp.sum(z, axis=1, keepdims=True, out=total)
    xp.advance(np.array([0]), 1)
    blas = find_blas()
    assert blas is not None
    lowered = lower_program(xp.program(), 3, blas)
    assert len(lowered.tasks) == 2, "the sum goes with the kernel"
    assert [len(task.lines) for task in lowered.tasks] == [3, 3]
    assert lowered.tasks[1].lines[1:] == [[], []], "a counter is the first thread's"
