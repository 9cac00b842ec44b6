"""The check of a GPU: it passes what is right, finds what is wrong, and comes to its end."""

import json
import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.gpu_check import __main__ as command
from benchmarks.gpu_check import capture, floors, kernels, parity, peer, programs, speed
from benchmarks.gpu_check.report import Check, Report, Speed, lines
from benchmarks.gpu_check.twin import Twin
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.availability import cuda_status
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import (
    Apply,
    Dot,
    Gather,
    Load,
    Program,
    Reduce,
    Store,
    Uniform,
    writes,
)
from fastnn.nn.network import network
from fastnn.nn.optimizers import optimizer
from tests.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]
XP = CpuBackend()


def a_plan(backend: Any = XP, dtype: str = "float32", **options: Any) -> Any:
    net = network([3, 5, 4, 3], activation="tanh", dropout=0.4, **programs.CLASSES)
    made = programs.plan(backend, net, optimizer("adam"), 3, 7, dtype, clip_norm=0.5, **options)
    made.run_epoch(np.arange(7), np.full(made.n_steps, 0.01), 1)  # memory holds numbers
    return made


class Wrong(CpuBackend):
    """A device on which ``spoil(out, run)`` happens to what one kind of instruction writes."""

    device = "cuda:0"

    def __init__(self, kind: type, spoil: Any) -> None:
        super().__init__()
        self.kind, self.spoil, self.runs = kind, spoil, 0

    def compile(self, program: Program, runs: int = 1) -> Any:
        executable, backend = super().compile(program, runs), self
        wrong = [out for i in program.instructions if isinstance(i, self.kind) for out in writes(i)]

        class Spoilt:
            def run(self, n: int = 1) -> None:
                for _ in range(n):
                    executable.run()
                    backend.runs += 1
                    for out in wrong:
                        backend.spoil(out, backend.runs)

        return Spoilt()


def off(out: np.ndarray, run: int) -> None:
    out *= 1 + 1e-4


def sometimes(out: np.ndarray, run: int) -> None:
    if run % 2:
        out.reshape(-1)[0] = np.nextafter(out.reshape(-1)[0], np.inf, dtype=out.dtype)


# --- the twin ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_twin_of_a_program_overlaps_as_the_program_does(dtype: str) -> None:
    made = a_plan(dtype=dtype)
    instructions = made.program.instructions
    arrays = [a for i in instructions for a in kernels.arrays_of(i)]
    U = [i.out for i in instructions if isinstance(i, Uniform)]
    twin = Twin(XP, arrays, U)
    theta, W = made.parameters.theta, made.parameters.W[1]
    assert np.shares_memory(twin.of(theta), twin.of(W))
    assert not np.shares_memory(twin.of(theta), theta)
    twin.of(W)[0, 0] = 7.0
    place = made.parameters.layout.weights[1].start
    assert twin.of(theta)[place] == 7.0
    assert twin.of(theta).dtype == np.float64
    assert [twin.of(u).dtype for u in U] == [np.float32] * 2
    np.testing.assert_array_equal(twin.of(W.T), twin.of(W).T)
    with pytest.raises(KeyError, match=r"no twin of an array of shape \(2,\)"):
        twin.of(np.zeros(2))


def test_one_piece_of_memory_has_one_dtype() -> None:
    a = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="one piece of memory holds"):
        Twin(XP, [a, a.view(np.int32)], [])


# --- kernels ----------------------------------------------------------------------------------


def checked(device: Any, made: Any) -> kernels.Found:
    """What the checks of all programs of a plan find."""
    found, seen = kernels.Found(), set()
    for program in made.programs:
        kernels.check_program(device, program, "case", seen, found)
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_right_kernels_pass(dtype: str) -> None:
    made = a_plan(dtype=dtype, micro_batch_size=2, l1=0.1)
    theta, t = made.parameters.theta.copy(), made.t
    found = checked(XP, made)
    assert len(found.kernels) > 20
    assert max(found.kernels.values()) <= kernels.KERNEL[dtype]
    assert set(found.steps.values()) == set(found.bits.values()) == {0.0}
    np.testing.assert_array_equal(made.parameters.theta, theta)
    assert made.t == t, "the state is what it was"


@pytest.mark.parametrize("kind", [Apply, Dot, Reduce, Gather, Uniform])
def test_a_kernel_that_is_a_little_off_is_found(kind: type) -> None:
    made = a_plan()
    found = checked(Wrong(kind, off), made).kernels
    names = {kernels._name(i) for i in made.program.instructions if isinstance(i, kind)}
    for label, error in found.items():
        assert (error > kernels.KERNEL["float32"]) == (label.split()[0] in names), label


def test_a_bit_that_is_not_always_the_same_is_found() -> None:
    found = checked(Wrong(Reduce, sometimes), a_plan()).bits
    assert {label.split()[0] for label, unequal in found.items() if unequal} == {"reduce", "case"}


def test_an_output_that_is_not_written_is_found() -> None:
    class Lazy(CpuBackend):
        def compile(self, program: Program, runs: int = 1) -> Any:
            kept = tuple(i for i in program.instructions if not isinstance(i, Dot))
            return super().compile(Program(kept, {}), runs)

    program = a_plan().program
    dots = [i for i in program.instructions if isinstance(i, Dot)]
    assert len(dots) == 9, "three layers forward, five products back, the norm of the gradient"
    for i in dots:
        assert kernels.check_instruction(Lazy(), i)[0] == math.inf


def test_the_section_checks_every_kind_of_kernel(monkeypatch, tmp_path) -> None:
    cases = [("small", a_plan, 1)]
    monkeypatch.setattr(
        kernels, "programs",
        lambda backend, dtype: (
            (name, program) for name, made, _ in cases for program in made(backend, dtype).programs
        ),
    )  # fmt: skip
    report = Report(tmp_path, 1.0)
    kernels.section(XP, report)
    assert [c.passed for c in report.checks] == [True] * 6
    assert report.checks[0].cases > 15
    broken = Report(tmp_path, 1.0)
    kernels.section(Wrong(Apply, off), broken)
    assert [c.passed for c in broken.checks][::3] == [False, False]
    assert [c.passed for c in broken.checks][2::3] == [True, True]
    assert " in small" in broken.checks[0].worst


def test_the_programs_are_those_of_all_activations_losses_and_optimisers() -> None:
    names, kinds = set(), set()
    for name, program in programs.programs(XP, "float32"):
        names.add(name)
        kinds |= {kernels._name(i) for i in program.instructions}
    assert {"tanh with huber", "gelu, normalised after", "adam", "784-256-128-10 x 128"} <= names
    assert {"dot", "gather", "uniformcolumns", "adam", "dtanh", "clip_factor", "add"} <= kinds
    assert len(names) > 120


# --- capture, parity --------------------------------------------------------------------------


def test_replays_that_differ_by_a_bit_are_found(tmp_path) -> None:
    for other, passed in ((CpuBackend(), True), (Wrong(Apply, sometimes), False)):
        report = Report(tmp_path, 1.0)
        capture.section({"eager": XP, "captured": other}, report, replays=30)
        assert [c.passed for c in report.checks] == [passed, passed]
        assert report.checks[0].what == "costs of 30 replays"


def test_parity_becomes_checks(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(parity, "prove_parity", lambda backend, dtype: next(parity.parity(backend)))
    report = Report(tmp_path, 1.0)
    parity.section(XP, report)
    assert len(report.checks) == 7
    assert report.passed


# --- floors, peers ----------------------------------------------------------------------------


def test_bytes_by_hand() -> None:
    f = np.float32
    a, b, row, counter = np.zeros((3, 4), f), np.zeros((3, 1), f), np.zeros(4, f), np.zeros(1, int)
    add = Kernel("add", lambda x, y: x + y)
    for instruction, n in (
        (Apply(add, (a, b), (a,)), 4 * (12 + 3 + 12)),
        (Reduce("sum", a, 1, b), 4 * (12 + 3)),
        # two rows of four are read and written, and two places in the order are read
        (Gather(np.zeros((99, 4), f), np.arange(99), counter, np.zeros((2, 4), f)), 2 * 32 + 16),
        (Load(np.zeros((99, 4), f), counter, row), 2 * 16),
        (Store(np.zeros((1, 1), f), counter, np.zeros(99, f)), 2 * 4),
        (Dot(a, a.T, np.zeros((3, 3), f)), 0),
    ):
        assert floors.moved_bytes(Program((instruction,), {})) == n


def test_products_alone_run_without_the_rest() -> None:
    net = network([300, 300, 10], **programs.CLASSES)
    made = programs.plan(XP, net, optimizer("adam"), 64, 128, "float32")
    theta = made.parameters.theta.copy()
    assert floors.products(XP, made.program) > 0
    np.testing.assert_array_equal(made.parameters.theta, theta)


@pytest.mark.parametrize("name", speed.NETWORKS)
def test_torch_trains_the_same_networks(name: str) -> None:
    pytest.importorskip("torch", reason="PyTorch is measured beside")
    sizes, loss = speed.NETWORKS[name]
    sizes = [min(n, 20) for n in sizes]
    X, Y = speed.examples(network(sizes, loss_function=loss), 50)
    found = list(peer.steps(sizes, loss, X, Y, 16, "cpu"))
    assert [system for system, _, _ in found] == ["torch eager"]
    _, step, wait = found[0]
    for _ in range(5):  # more rows than there are: it goes round
        step()
    wait()


def test_products_bytes_and_launches_of_a_step(monkeypatch) -> None:
    made = a_plan()
    monkeypatch.setattr(speed.counts, "work", lambda backend, program: (7, 9))
    limits = speed.step_limits(XP, made, 1e9)
    assert limits["bytes"] == floors.moved_bytes(made.program) / 1e9
    assert limits["launches"] == 16
    assert limits["products"] > 0


def small(monkeypatch) -> dict[str, Any]:
    """Speeds of two small networks."""
    networks = {"4-5-3": ([4, 5, 3], speed.CLASSES), "3-2-1": ([3, 2, 1], speed.BINARY)}
    monkeypatch.setattr(speed, "NETWORKS", networks)
    monkeypatch.setattr(speed, "BATCHES", (2, 16))
    monkeypatch.setattr(speed, "STEPS", 20)
    return networks


def test_where_no_time_is_left_the_speed_is_left_out_and_said(tmp_path, monkeypatch) -> None:
    networks = small(monkeypatch)
    monkeypatch.setattr(floors, "empty_launches", lambda backend: {"eager": 1e-6, "captured": 1e-6})
    monkeypatch.setattr(floors, "bandwidth", lambda backend: 1e9)
    report = Report(tmp_path, 0.0)
    speed.section({"eager": XP}, report)
    assert report.speeds == []
    assert len(report.left_out) == 2 * len(networks)
    assert report.left_out[0] == "speed of 4-5-3 x 2: no time was left"


@pytest.mark.cuda
def test_speeds_are_measured(tmp_path, monkeypatch) -> None:
    small(monkeypatch)
    monkeypatch.setattr(floors, "COPIED", 2**16)
    # No number is looked at: what is measured need not be measured well.
    monkeypatch.setattr(floors, "seconds", partial(floors.seconds, least=1e-4))
    report = Report(tmp_path, 5.0)
    speed.section(capture.backends("cuda:0"), report)
    systems = {s.system for s in report.speeds}
    assert {"fastnn eager", "fastnn captured"} <= systems
    assert sum(s.system == "fastnn captured" for s in report.speeds) == 4
    for found in report.speeds:
        assert found.microseconds > 0
        if found.system.startswith("fastnn"):
            assert found.floor > 0
            assert found.bound in ("products", "bytes", "launches")
    assert report.machine["bytes per second"] > 0
    assert set(report.machine["empty launch, microseconds"]) == {"eager", "captured"}
    kept = json.loads((tmp_path / "gpu_check.json").read_text())  # case by case
    assert len(kept["speeds"]) == len(report.speeds)


# --- the report -------------------------------------------------------------------------------


def test_what_is_wrong_or_broken_or_nothing_at_all_does_not_pass(tmp_path) -> None:
    assert not Report(tmp_path, 1.0).passed
    right, wrong = Check("a", "b", 1e-9, 1e-8), Check("a", "c", math.nan, 1.0, 3, "here")
    report = Report(tmp_path, 1.0, checks=[right])
    assert report.passed
    report.run("fine", lambda r: r.checks.append(right))
    assert report.passed

    def fails(report: Report) -> None:
        raise RuntimeError("out of\nmemory")

    report.run("one", fails)
    assert not report.passed
    assert report.broken == ["one: RuntimeError: out of memory"]
    assert not Report(tmp_path, 1.0, checks=[right, wrong]).passed
    text = "\n".join(lines(Report(tmp_path, 1.0, checks=[right, wrong])))
    assert "FAILED at here" in text
    assert "2 checks in 0 s: 1 wrong, 0 broken" in text


def test_the_file_is_json_with_everything(tmp_path) -> None:
    report = Report(tmp_path / "new", 1.0, machine={"device": "x"})
    report.checks.append(Check("a", "b", math.inf, 0.0))
    report.speeds.append(Speed("n", 1, "fastnn eager", 12.5, 3.5, "bytes"))
    report.speeds.append(Speed("n", 1, "torch eager", 99.0))
    report.left_out.append("speed of n x 2: no time was left")
    report.save()
    found = json.loads((tmp_path / "new" / "gpu_check.json").read_text())
    assert found["passed"] is False
    assert found["checks"][0]["error"] == "inf"
    assert found["speeds"][1]["floor"] is None
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["gpu_check.json"]
    text = lines(report)
    assert any("n x 1" in line and "12.5" in line and "3.5 bytes" in line for line in text)
    assert "left out: speed of n x 2: no time was left" in text


def test_time_runs_out() -> None:
    report = Report(Path(), 1 / 60)
    assert 0.5 < report.time_left() <= 1.0
    assert Report(Path(), 0.0).time_left() < speed.CASE


# --- the command ------------------------------------------------------------------------------


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts" / "gpu_check"), *arguments],
        capture_output=True, text=True, check=False, cwd="/", timeout=HANG,
        env={**os.environ, "PYTHON": sys.executable},
    )  # fmt: skip


@pytest.mark.skipif(cuda_status().usable, reason="there is a GPU")
def test_without_a_gpu_it_says_so(tmp_path, capsys) -> None:
    assert command.main([str(tmp_path)]) == 2
    assert "cannot be used" in capsys.readouterr().err
    assert command.main([str(tmp_path), "--device", "cpu"]) == 2
    assert "the CPU is checked by `fastnn check`" in capsys.readouterr().err
    if cuda_status().cupy == "":
        done = run(str(tmp_path))
        assert done.returncode == 2
        assert "no Python with CuPy was found; set PYTHON" in done.stderr


def test_an_unknown_section_is_refused(tmp_path, capsys) -> None:
    with pytest.raises(SystemExit) as left:
        command.main([str(tmp_path), "--only", "kernel"])
    assert left.value.code == 2
    assert "unknown section 'kernel'" in capsys.readouterr().err


def test_it_needs_nothing_but_numpy_and_cupy(run_python) -> None:
    """Where it is to run, nothing can be installed."""
    others = ("safetensors", "rich", "pytest", "sklearn", "hypothesis", "pyarrow", "torch")
    blocked = f"import sys; sys.modules.update(dict.fromkeys({others!r}))"
    done = run_python("-c", f"{blocked}; import benchmarks.gpu_check.__main__")
    assert done.returncode == 0, done.stderr


def reported(folder: Path, said: str) -> Any:
    """What the check of a GPU that is right has written."""
    assert said.splitlines()[-1].endswith("everything is right")
    found = json.loads((folder / "gpu_check.json").read_text())
    assert found["passed"] is True
    return found


@pytest.mark.cuda
def test_it_runs_to_its_end(tmp_path) -> None:
    done = run(str(tmp_path), "--no-speed", "--only", "counts,speed")
    assert done.returncode == 0, done.stdout + done.stderr
    found = reported(tmp_path, done.stdout)
    assert {c["section"] for c in found["checks"]} == {"counts"}
    assert any(what.startswith("speed: ") for what in found["left_out"])


@pytest.mark.cuda
def test_captured_steps_of_the_device_are_right(tmp_path, monkeypatch, capsys) -> None:
    """Of a small network, so often as the device captures, replays and goes round a few times.

    A thousand replays between allocations: tests/backend/test_cuda_capture.py.
    """
    monkeypatch.setattr(capture, "section", partial(capture.section, replays=100))
    assert command.main([str(tmp_path), "--only", "capture"]) == 0
    found = reported(tmp_path, capsys.readouterr().out)
    assert [c["what"] for c in found["checks"]] == [
        "costs of 100 replays", "weights of 100 replays"
    ]  # fmt: skip


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", kernels.DTYPES)
def test_kernels_of_the_device_are_right(dtype: str) -> None:
    from fastnn.backend.cuda.executor import CudaBackend

    device = CudaBackend(0, capture="never")
    found = checked(device, a_plan(device, dtype, micro_batch_size=2, l1=0.1))
    assert max(found.kernels.values()) <= kernels.KERNEL[dtype]
    assert max(found.steps.values()) <= kernels.STEP[dtype]
    assert max(found.bits.values()) == 0
