"""Which engine runs a program, on how many threads, and why one cannot be used."""

import importlib.util
import json
import shutil
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from fastnn.api.train import train
from fastnn.backend import backend as backend_module
from fastnn.backend import engine as module
from fastnn.backend.backend import get_backend
from fastnn.backend.compiled.executor import CompiledExecutable
from fastnn.backend.cpu_backend import CpuBackend
from fastnn.backend.cuda.availability import Choice
from fastnn.backend.engine import (
    ENGINES,
    compiled_status,
    cost,
    executable,
    saving,
    stacked_executable,
    threads_for,
)
from fastnn.backend.host.blas import NO_BLAS, ONE_THREAD, find_blas
from fastnn.backend.kernel import Kernel
from fastnn.backend.numpy.executor import NumpyExecutable
from fastnn.backend.numpy.stacked import InTurn, StackedNumpyExecutable
from fastnn.backend.program import Advance, Apply, Dot, Program, Recorder
from fastnn.backend.protocols import EngineChoice
from fastnn.backend.stack import Stack
from fastnn.errors import ArgumentError
from tests.backend.compiled import needs_compiler

HIDDEN = """
import sys

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "llvmlite":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
"""


RUN_MAIN = "from fastnn.cli.main import main; sys.exit(main(sys.argv[1:]))"
FLOWERS = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.standard_normal((150, 4))
y = (X[:, 0] > 0).astype(int)
"""


def flowers() -> tuple[np.ndarray, np.ndarray]:
    """A small task: 150 examples, two classes."""
    found: dict[str, Any] = {}
    exec(FLOWERS, found)
    return found["X"], found["y"]


def program(*instructions: Any) -> Program:
    return Program(instructions, {})


def steps(elements: int, n: int = 3) -> Program:
    """So many kernels of one operation, on a number of elements each."""
    x = np.zeros(elements)
    return program(*[Apply(Kernel("tanh", lambda z: np.tanh(z)), (x,), (x,)) for _ in range(n)])


# --- the choice ---------------------------------------------------------------------------------


def test_the_names() -> None:
    assert [CpuBackend(name).engine for name in ENGINES] == ["auto", "numpy", "compiled"]
    said = (
        r"engine must be one of auto, numpy, compiled, found 'compile'; did you mean 'compiled'\?"
    )
    with pytest.raises(ArgumentError, match=said):
        get_backend("cpu", "compile")
    for other in ("", "NumPy", None, 1):
        with pytest.raises(ArgumentError, match="engine must be one of"):
            CpuBackend(other)  # type: ignore[arg-type]


@needs_compiler
@pytest.mark.parametrize(("runs", "compiled"), [(1, False), (10_000, False), (1_000_000, True)])
def test_auto_compiles_what_runs_long(runs: int, compiled: bool) -> None:
    # A step of three small kernels saves some 2 microseconds: 0.02 s in 10,000 of them.
    made = executable(steps(10), "auto", runs)
    assert isinstance(made, CompiledExecutable if compiled else NumpyExecutable)


@needs_compiler
def test_a_short_training_is_never_compiled(monkeypatch) -> None:
    def refuse(*given: Any) -> None:
        pytest.fail("compiled")

    monkeypatch.setattr(module, "CompiledExecutable", refuse)
    X, y = flowers()
    train(X, target=y, epochs=20, seed=0)


def test_what_it_costs_depends_on_whether_kernels_are_kept(monkeypatch, tmp_path) -> None:
    for variable, kept in (("off", False), (str(tmp_path), True), (str(tmp_path / "new"), True)):
        monkeypatch.setenv("FASTNN_CACHE", variable)
        costs = [cost(steps(10, n)) for n in (1, 2, 3)]
        assert costs[2] - costs[1] == pytest.approx(costs[1] - costs[0])
        assert costs[0] > 0
        assert (cost(program()) < 0.1) == kept
        if not compiled_status():  # a saving of 0.17 s
            made = executable(steps(10), "auto", 100_000)
            assert isinstance(made, CompiledExecutable if kept else NumpyExecutable)
    monkeypatch.setenv("FASTNN_CACHE", str(tmp_path))
    tmp_path.chmod(0o777)
    assert cost(program()) > 0.1, "not used, since others may write to it"


def test_numpy_means_numpy(monkeypatch) -> None:
    assert isinstance(executable(steps(10), "numpy", 10**9), NumpyExecutable)
    assert CpuBackend().engine == "numpy"


def test_what_compiled_code_saves_grows_with_calls_and_elements() -> None:
    assert saving(steps(0)) == pytest.approx(3 * saving(steps(0, n=1)))
    long, short = saving(steps(1_000_000)), saving(steps(1))
    assert long - short == pytest.approx(1_000_000 * (saving(steps(2)) - short), rel=1e-3)
    assert saving(program()) == 0


@needs_compiler
@pytest.mark.parametrize("runs", [1, 10**9])
def test_a_program_that_cannot_be_compiled(runs: int) -> None:
    x = np.zeros((6, 8))[::2, ::2]
    wrong = program(Apply(Kernel("k", lambda z: z + 1), (x,), (np.zeros((3, 4)),)))
    said = r"engine='compiled' cannot be used: an operand of shape \(3, 4\) and strides \(128, 16\)"
    with pytest.raises(ArgumentError, match=said):
        executable(wrong, "compiled", runs)
    assert isinstance(executable(wrong, "auto", runs), NumpyExecutable)


def test_an_engine_has_no_effect_on_a_gpu(monkeypatch) -> None:
    monkeypatch.setattr(backend_module, "choose", lambda device: Choice("cuda:0", ""))
    for engine in ("numpy", "compiled"):
        said = f"engine='{engine}' has no effect on device 'cuda:0'"
        with pytest.raises(ArgumentError, match=said):
            get_backend("cuda", engine)
    with pytest.raises(ArgumentError, match="engine must be one of"):
        get_backend("cuda", "turbo")


# --- what was chosen is said --------------------------------------------------------------------


def test_what_was_asked_for_is_the_reason() -> None:
    choice = executable(steps(10), "numpy", 10**9).choice
    assert choice == EngineChoice("numpy", 1, "engine='numpy' was asked for", captured=None)
    with pytest.raises(FrozenInstanceError):
        choice.engine = "compiled"  # type: ignore[misc]


@needs_compiler
def test_the_reason_of_compiled_code(monkeypatch) -> None:
    monkeypatch.setattr(module, "available_threads", lambda: 4)
    big = program(*[product(100, 400, 100)] * 3)  # 12 million multiplications
    big = replace(big, instructions=tuple(replace(i, out=np.zeros((100, 100), np.float32))
                                          for i in big.instructions))  # fmt: skip
    made = executable(big, "compiled", 1).choice
    assert made == EngineChoice("compiled", 3, "engine='compiled' was asked for")


def test_the_reason_of_auto_has_the_estimates(monkeypatch) -> None:
    monkeypatch.setattr(module, "saving", lambda program: 0.001)
    monkeypatch.setattr(module, "cost", lambda program: 0.04)
    monkeypatch.setattr(module, "compiled_status", lambda: "")
    short = executable(steps(10), "auto", 20).choice
    said = "auto: compiling would cost about 0.04 s and save 0.02 s"
    assert short == EngineChoice("numpy", 1, said)
    if importlib.util.find_spec("llvmlite") is not None and find_blas():
        long = executable(steps(10), "auto", 1500).choice
        said = "auto: compiling costs about 0.04 s and saves 1.5 s"
        assert long == EngineChoice("compiled", 1, said)
    missing = "llvmlite is not installed: pip install llvmlite"
    monkeypatch.setattr(module, "compiled_status", lambda: missing)
    assert executable(steps(10), "auto", 1500).choice == EngineChoice(
        "numpy", 1, f"auto: {missing}"
    )
    assert executable(steps(10), "auto", 20).choice == short, "not even worth it"


@needs_compiler
def test_the_reason_of_what_cannot_be_compiled() -> None:
    x = np.zeros((6, 8))[::2, ::2]
    wrong = program(Apply(Kernel("k", lambda z: z + 1), (x,), (np.zeros((3, 4)),)))
    choice = executable(wrong, "auto", 10**9).choice
    said = "auto: an operand of shape (3, 4) and strides (128, 16)"
    assert (choice.engine, choice.reason[: len(said)]) == ("numpy", said)


@pytest.mark.parametrize("engine", ["numpy", *(["compiled"] if not compiled_status() else [])])
@pytest.mark.parametrize(("n", "threads"), [(1, 1), (3, 3), (9, 4)])
def test_a_stack_says_the_same_and_its_own_threads(engine, n, threads, monkeypatch) -> None:
    monkeypatch.setattr(module, "available_threads", lambda: 4)
    stack = Stack(CpuBackend(engine), seeds=[0] * n)
    counter = stack.zeros((1,), "int64")
    choice = stack.compile(program(Advance(counter, 1))).choice  # type: ignore[attr-defined]
    assert choice == EngineChoice(engine, threads, f"engine={engine!r} was asked for")


def test_networks_that_take_turns_have_the_threads_of_one(monkeypatch) -> None:
    monkeypatch.setattr(module, "available_threads", lambda: 4)
    stack = Stack(CpuBackend("numpy"), seeds=[0])
    made = stacked_executable(layer(1024, stack=stack)[0], stack, "numpy", 1)
    assert made.choice == EngineChoice("numpy", 4, "engine='numpy' was asked for")


# --- threads ------------------------------------------------------------------------------------


def product(n: int, k: int, m: int) -> Dot:
    return Dot(np.zeros((n, k), np.float32), np.zeros((k, m), np.float32), np.zeros((n, m)))


def test_threads_by_the_work_of_a_step(monkeypatch) -> None:
    blas = find_blas()
    if blas is None:
        pytest.skip(NO_BLAS)
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda pid: set(range(64)))
    monkeypatch.setattr(ONE_THREAD, "threads", lambda blas: 64)
    assert threads_for(steps(10**6)) == 1, "only products count"
    assert threads_for(program(product(100, 400, 100))) == 1  # 4 million multiply-adds
    assert threads_for(program(product(100, 401, 100))) == 2
    assert threads_for(program(*[product(100, 400, 100)] * 5)) == 5
    assert threads_for(program(*[product(100, 400, 100)] * 500)) == 8, "more were never measured"
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda pid: {3, 5, 7})
    assert threads_for(program(*[product(100, 400, 100)] * 5)) == 3, "one per core that it has"
    monkeypatch.setattr(ONE_THREAD, "threads", lambda blas: 2)
    assert threads_for(program(*[product(100, 400, 100)] * 5)) == 2, "as many as BLAS is allowed"
    monkeypatch.setattr(module, "find_blas", lambda: None)
    assert threads_for(program(*[product(100, 400, 100)] * 5)) == 1


@needs_compiler
def test_threads_do_not_depend_on_what_else_is_running() -> None:
    blas = find_blas()
    assert blas is not None
    big = program(*[product(100, 400, 100)] * 5)
    alone = threads_for(big)
    ONE_THREAD.enter("another training", blas)
    try:
        assert threads_for(big) == alone
    finally:
        ONE_THREAD.leave("another training", blas)


def layer(m: int, *, units: int = 1000, stack: Stack | None = None) -> tuple[Program, list[Any]]:
    """A layer on m examples: its activations, their sum, and an update of its weights."""
    made, xp, rng = stack or CpuBackend(), Recorder(), np.random.default_rng(0)
    X = made.array(rng.normal(size=(m, 300)), "float32")
    W = made.array(rng.normal(size=(units, 300)), "float32")
    Z, dW = made.empty((units, m), "float32"), made.empty((units, 300), "float32")
    xp.dot(W, X.T, out=Z)
    xp.apply(Kernel("sigmoid", lambda z: 1.0 / (1.0 + np.exp(-z))), Z, out=Z)
    xp.dot(Z, X, out=dW)
    xp.apply(Kernel("update", lambda w, g: w - 1e-3 * g), W, dW, out=W)
    return xp.program(), [Z, W]


@pytest.fixture
def four_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "available_threads", lambda: 4)


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("m", "threads"), [(1, 1), (133, 1), (134, 2), (267, 3), (1024, 4)])
def test_numpy_shares_out_products_that_are_worth_it(m: int, threads: int) -> None:
    """300,000 multiplications for each example, and 40 million are worth another thread."""
    made = executable(layer(m)[0], "numpy", 1)
    assert isinstance(made, NumpyExecutable)
    assert made.threads == threads


@pytest.mark.usefixtures("four_threads")
@pytest.mark.parametrize(("n", "kind"), [(1, InTurn), (3, InTurn), (4, StackedNumpyExecutable)])
def test_large_networks_of_a_stack_have_the_bits_of_one_alone(n: int, kind: type) -> None:
    stack = Stack(CpuBackend("numpy"), seeds=[0] * n)
    shared, arrays = layer(512, stack=stack)
    ready = stacked_executable(shared, stack, "numpy", 1)
    assert isinstance(ready, kind)
    ready.run(3)
    wanted, same = layer(512)
    executable(wanted, "numpy", 1).run(3)
    for g in range(n):
        np.testing.assert_array_equal(stack.one(arrays[1], g), same[1])


# --- what may be missing ------------------------------------------------------------------------


def test_without_llvmlite(run_python) -> None:
    code = """
from fastnn import train
from fastnn.backend.engine import compiled_status
from fastnn.errors import ArgumentError
print(compiled_status())
print(train(X, target=y, epochs=3, seed=0).history.epochs[-1].loss > 0)
import fastnn.backend.engine as engine
engine.cost = lambda program: 0.0  # as if it were always worth it
print(train(X, target=y, epochs=3, seed=1).history.epochs[-1].loss > 0)
try:
    train(X, target=y, epochs=3, engine="compiled")
except ArgumentError as error:
    print(error)
"""
    done = run_python("-c", HIDDEN + FLOWERS + code)
    remedy = "llvmlite is not installed: pip install llvmlite"
    assert done.stdout.splitlines() == [
        remedy,
        "True",
        "True",
        f"engine='compiled' cannot be used: {remedy}",
    ], done.stderr


def test_an_llvmlite_that_is_too_old_or_does_not_load(run_python, tmp_path) -> None:
    package = tmp_path / "llvmlite"
    code = """
from fastnn.backend.backend import get_backend
from fastnn.backend.engine import executable
from fastnn.backend.program import Program
try:
    executable(Program((), {}), "compiled", 1)
except Exception as error:
    print(type(error).__name__, error)
"""
    said = []
    for version, binding in (("0.44.0", ""), ("0.50.0", "raise OSError('no libLLVM.so')")):
        # Without the bytecode of the one before, which may be as long and of the same second.
        shutil.rmtree(package, ignore_errors=True)
        package.mkdir()
        (package / "__init__.py").write_text(f"__version__ = {version!r}\n", encoding="utf-8")
        (package / "binding.py").write_text(binding, encoding="utf-8")
        said.append(run_python("-c", code).stdout.strip())
    start = "ArgumentError engine='compiled' cannot be used: "
    assert said[0] == start + "llvmlite 0.44.0 is older than 0.45: pip install -U llvmlite"
    remedy = "pip install --force-reinstall llvmlite"
    assert said[1] == start + f"llvmlite does not load (no libLLVM.so): {remedy}"


@needs_compiler
def test_without_the_functions_of_blas(monkeypatch) -> None:
    monkeypatch.setattr("fastnn.backend.engine.find_blas", lambda: None)
    monkeypatch.setattr("fastnn.backend.compiled.executor.find_blas", lambda: None)
    assert (
        compiled_status() == NO_BLAS == "NumPy's BLAS has no functions that can be called by name"
    )
    assert isinstance(executable(steps(10), "auto", 10**9), NumpyExecutable)
    with pytest.raises(ArgumentError, match=f"engine='compiled' cannot be used: {NO_BLAS}"):
        executable(steps(10), "compiled", 1)


# --- from outside -------------------------------------------------------------------------------


@needs_compiler
def test_training_a_model_with_each_engine() -> None:
    X, y = flowers()
    losses = {}
    for engine in ENGINES:
        model = train(X, target=y, epochs=5, seed=0, engine=engine, dtype="float64")
        losses[engine] = [epoch.loss for epoch in model.history.epochs]
    assert losses["auto"] == losses["numpy"]
    np.testing.assert_allclose(losses["compiled"], losses["numpy"], rtol=1e-12)


@needs_compiler
def test_on_the_command_line(run_python, tmp_path) -> None:
    X, y = flowers()
    lines = [",".join(map(str, [*row, label])) for row, label in zip(X, y, strict=True)]
    (tmp_path / "flowers.csv").write_text("\n".join(["a,b,c,d,label", *lines]), encoding="utf-8")
    base = ("-m", "fastnn", "train", "flowers.csv", "--target", "label", "--epochs", "3", "--json")
    losses = []
    for engine in ("numpy", "compiled"):
        done = run_python(*base, "--dtype", "float64", "--engine", engine)
        assert done.returncode == 0, done.stderr
        losses.append(json.loads(done.stdout)["test"]["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=1e-12)
    done = run_python(*base, "--engine", "turbo")
    assert done.returncode == 2
    assert "--engine must be one of " in done.stderr
    assert ", found 'turbo'" in done.stderr
    done = run_python("-c", HIDDEN + RUN_MAIN, *base[2:], "--engine", "compiled")
    assert done.returncode == 2
    assert "pip install llvmlite" in done.stderr


def test_importing_it_loads_no_compiler(run_python) -> None:
    done = run_python("-c", "import fastnn.backend.engine, sys; print('llvmlite' in sys.modules)")
    assert done.stdout.strip() == "False"


def test_the_counter_runs_on_either_engine() -> None:
    counter = np.array([0])
    for engine in ("numpy", "auto") + ("compiled",) * (not compiled_status()):
        executable(program(Advance(counter, 2)), engine, 1).run(5)
    assert counter.item() == 20 + 10 * (importlib.util.find_spec("llvmlite") is not None)
