"""Programs as CUDA graphs: the same numbers as launched one by one, or the reason why not."""

import warnings
from typing import Any

import numpy as np
import pytest

from fastnn.backend.backend import get_backend
from fastnn.backend.cuda.capture import WARM_UP, record
from fastnn.backend.cuda.executor import CudaBackend
from fastnn.backend.kernel import Kernel
from fastnn.backend.program import Program, Recorder
from fastnn.backend.protocols import EngineChoice
from fastnn.errors import ArgumentError, DeviceError
from tests.backend.training_runs import RUNS, train

add = Kernel("add", lambda x, y: x + y)


@pytest.mark.parametrize("name", ["sometimes", "alway", None, True])
def test_modes_that_are_none(name: object) -> None:
    with pytest.raises(ArgumentError, match="capture must be one of auto, never, always, found"):
        get_backend("cpu", capture=name)  # type: ignore[arg-type]


def test_options_without_effect_on_the_cpu() -> None:
    with pytest.raises(ArgumentError, match="capture='always' has no effect on device 'cpu'"):
        get_backend("cpu", capture="always")
    with pytest.raises(ArgumentError, match="precision='tf32' has no effect on device 'cpu'"):
        get_backend("cpu", precision="tf32")
    with pytest.raises(ArgumentError, match="precision must be one of full, tf32, found 'half'"):
        get_backend("cpu", precision="half")


@pytest.fixture(scope="module")
def captured() -> Any:
    return get_backend("cuda", capture="always")


@pytest.fixture(scope="module")
def eager() -> Any:
    return get_backend("cuda", capture="never")


@pytest.fixture
def without_cublas(monkeypatch: pytest.MonkeyPatch) -> None:
    """No libcublas is to be found: products are CuPy's, which cannot be captured."""

    def nothing(major: int) -> Any:
        raise DeviceError("CuPy has not loaded libcublas under that name")

    monkeypatch.setattr("fastnn.backend.cuda.products.find_library", nothing)


def counting(xp: Any) -> tuple[Program, Any, Any, Any]:
    """A program that adds 2.5 to x and stores it at the place of its counter."""
    x, table = xp.zeros((2, 2), "float64"), xp.zeros((3000,), "float64")
    counter, step = xp.zeros((1,), "int64"), xp.array([[2.5]])
    one = xp.array([[1.0, 0.0], [0.0, 1.0]])
    y = xp.zeros((2, 2), "float64")
    recorder = Recorder()
    recorder.apply(add, x, step, out=x)
    recorder.dot(x, one, out=y)
    recorder.store(y[:1, :1], counter, table=table)
    recorder.advance(counter, 1)
    return recorder.program(), x, table, counter


@pytest.mark.cuda
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", RUNS)
def test_replays_give_the_bits_of_single_launches(
    captured: Any, eager: Any, name: str, dtype: str
) -> None:
    found, wanted = train(captured, RUNS[name], dtype), train(eager, RUNS[name], dtype)
    for there, here in zip(found, wanted, strict=True):
        assert there.tobytes() == here.tobytes()


@pytest.mark.cuda
@pytest.mark.parametrize("name", RUNS)
def test_the_order_of_blocks_and_threads_makes_no_difference(captured: Any, name: str) -> None:
    gpu = pytest.importorskip("emulated_gpu", reason="only the emulated GPU has an order")
    wanted = train(captured, RUNS[name], "float32")
    gpu.reverse(True)
    try:
        found = train(captured, RUNS[name], "float32")
    finally:
        gpu.reverse(False)
    for there, here in zip(found, wanted, strict=True):
        assert there.tobytes() == here.tobytes()


@pytest.mark.cuda
def test_a_thousand_replays_between_allocations_of_others(captured: Any) -> None:
    program, _, table, counter = counting(captured)
    executable = captured.compile(program)
    strangers = []
    for k in range(10):
        executable.run(100)
        strangers.append(captured.xp.full((1000 + k,), 7.0))  # memory the graph must not touch
        if k % 3 == 2:
            strangers.clear()
    assert executable.captured
    wanted = 2.5 * np.arange(1, 1001)
    np.testing.assert_array_equal(captured.host(table)[:1000], wanted)
    assert captured.host(counter).tolist() == [1000]
    assert all(bool((s == 7.0).all()) for s in strangers)


@pytest.mark.cuda
def test_a_step_is_one_launch(captured: Any) -> None:
    gpu = pytest.importorskip("emulated_gpu", reason="only the emulated GPU counts its launches")
    program, *_ = counting(captured)
    executable = captured.compile(program)
    executable.run(WARM_UP + 1)
    before = gpu.counters()
    executable.run(20)
    after = gpu.counters()
    changed = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    # What is inside of a graph is counted, too, when it runs: here it has not been waited for.
    assert changed.pop("graph_launches") == 20
    assert not set(changed) - {"launches", "products"}, changed


@pytest.mark.cuda
def test_programs_that_run_seldom_are_not_captured(captured: Any, eager: Any) -> None:
    program, *_ = counting(captured)
    executable = captured.compile(program)
    executable.run(WARM_UP)
    assert not executable.captured
    waiting = EngineChoice("cuda", 1, "kernel by kernel: a CUDA graph after 2 runs", captured=False)
    assert executable.choice == waiting
    executable.run()
    assert executable.captured
    assert executable.choice == EngineChoice("cuda", 1, "one CUDA graph", captured=True)
    program, *_ = counting(eager)
    executable = eager.compile(program)
    executable.run(10)
    assert not executable.captured
    said = "kernel by kernel: capture='never' was asked for"
    assert executable.choice == EngineChoice("cuda", 1, said, captured=False)


@pytest.mark.cuda
def test_an_empty_program(captured: Any) -> None:
    captured.compile(Program((), {})).run(5)
    program, x, *_ = counting(captured)  # and others run as ever
    captured.compile(program).run(5)
    assert captured.host(x).tolist() == [[12.5, 12.5], [12.5, 12.5]]


@pytest.mark.cuda
def test_cupy_on_the_default_stream_waits_for_the_graph(captured: Any) -> None:
    program, x, *_ = counting(captured)
    executable = captured.compile(program)
    for k in range(1, 6):
        executable.run(7)
        assert float((x + 0).sum()) == 4 * 2.5 * 7 * k  # on CuPy's default stream
        x += 0  # and the graph waits for this


@pytest.mark.cuda
def test_work_of_others_does_not_get_into_a_graph(captured: Any) -> None:
    """While a step is captured, code on the default stream computes as ever."""
    xp = captured.xp
    x, mine = captured.zeros((4,), "float64"), xp.ones((4,))
    stream, _ = captured.for_capture()
    one = captured.array([1.0])
    calls = [captured.call(w) for w in captured.prepare([*_adding(x, one)])]

    def other() -> None:
        with xp.cuda.Stream.null:
            mine[...] = mine * 3.0

    graph = record(stream, [calls[0], other, calls[0]])
    assert xp.asnumpy(mine).tolist() == [3.0] * 4  # it ran while the capture went on
    with captured.active():
        graph.launch()
        graph.launch()
    assert captured.host(x).tolist() == [4.0] * 4
    assert xp.asnumpy(mine).tolist() == [3.0] * 4


def _adding(x: Any, one: Any) -> Any:
    recorder = Recorder()
    recorder.apply(add, x, one, out=x)
    return recorder.program().instructions


@pytest.mark.cuda
def test_what_cannot_be_captured_leaves_the_stream_usable(captured: Any) -> None:
    x = captured.zeros((4,), "float64")
    one = captured.array([1.0])
    calls = [captured.call(w) for w in captured.prepare([*_adding(x, one)])]
    stream, _ = captured.for_capture()
    with pytest.raises(Exception, match=r"(?i)captur"):
        record(stream, [*calls, stream.synchronize])
    graph = record(stream, calls)
    with captured.active():
        graph.launch()
    assert captured.host(x).tolist() == [1.0] * 4


@pytest.mark.cuda
def test_without_cublas_steps_are_launched_one_by_one_and_it_is_said_once(
    without_cublas: None,
) -> None:
    xp = CudaBackend(0)
    assert xp.products.method == "CuPy"
    program, _, table, _ = counting(xp)
    executable = xp.compile(program)
    with pytest.warns(RuntimeWarning, match=r"cuda:0 starts every kernel .* has not loaded libcub"):
        executable.run(5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        executable.run(5)
        again = xp.compile(program)
        again.run(5)
    assert not executable.captured
    assert executable.choice.engine == "cuda"
    assert executable.choice.reason.startswith("kernel by kernel: DeviceError: ")
    assert "has not loaded libcublas" in executable.choice.reason
    np.testing.assert_array_equal(xp.host(table)[:15], 2.5 * np.arange(1, 16))


@pytest.mark.cuda
def test_without_cublas_always_raises(without_cublas: None) -> None:
    xp = CudaBackend(0, capture="always")
    program, *_ = counting(xp)
    executable = xp.compile(program)
    with pytest.raises(DeviceError, match=r"capture='always': the step cannot be captured .* use"):
        executable.run(5)
    with pytest.raises(DeviceError, match="precision='tf32' needs cuBLAS's own functions"):
        CudaBackend(0, precision="tf32")


@pytest.mark.cuda
def test_a_library_that_multiplies_wrongly_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from fastnn.backend.cuda.cublas import Cublas

    right = Cublas.product

    def transposed(self: Any, i: Any) -> Any:
        return right(self, type(i)(i.b.T, i.a.T, i.out.reshape(i.out.shape[::-1])))

    monkeypatch.setattr(Cublas, "product", transposed)
    xp = CudaBackend(0)
    assert xp.products.method == "CuPy"
    assert "its product of (3, 4) and (4, 5) in float32 is not that of CuPy" in xp.products.reason
    a = xp.array([[1.0, 2.0]])
    assert xp.host(xp.dot(a, a.T)).tolist() == [[5.0]]


@pytest.mark.cuda
def test_tf32_is_asked_for() -> None:
    xp = get_backend("cuda", precision="tf32")
    assert xp is not get_backend("cuda")
    a = xp.array([[3.0, 4.0]], "float32")
    assert xp.host(xp.dot(a, a.T)).tolist() == [[25.0]]


@pytest.mark.cuda
def test_stacked_products_and_sums_of_nothing(captured: Any) -> None:
    a, b = np.arange(12.0).reshape(2, 2, 3), np.arange(24.0).reshape(2, 3, 4)
    found = captured.dot(captured.array(a), captured.array(b))
    np.testing.assert_array_equal(captured.host(found), a @ b)
    nothing = captured.dot(captured.zeros((2, 0), float), captured.zeros((0, 3), float))
    assert captured.host(nothing).tolist() == [[0.0] * 3] * 2
    assert captured.dot(captured.zeros((0, 2), float), captured.zeros((2, 3), float)).shape == (
        0,
        3,
    )
