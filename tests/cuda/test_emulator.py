"""The emulated device itself: late, strict, poisoned and counting, as the proofs take for granted.

These tests say nothing about fastnn. They use CuPy directly.
"""

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

emulated_gpu = pytest.importorskip("emulated_gpu", reason="only for the emulated device itself")
cupy: Any = pytest.importorskip("cupy", reason="only for the emulated device itself")
pytestmark = pytest.mark.cuda

ADD = r"""
extern "C" __global__ void add(float* x, float by, int n)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += by;
}
"""


@pytest.fixture
def add() -> Callable[[Any, float], None]:
    """``add(x, 2)`` adds 2 to a float32 array on the device, in one launch."""
    kernel = cupy.RawKernel(ADD, "add")
    return lambda x, by: kernel(
        ((x.size + 31) // 32,), (32,), (x, np.float32(by), np.int32(x.size))
    )


@pytest.fixture
def stream() -> Iterator[Any]:
    with cupy.cuda.Stream(non_blocking=True) as stream:
        yield stream
        stream.synchronize()


def pinned(values: np.ndarray) -> np.ndarray:
    memory = cupy.cuda.alloc_pinned_memory(values.nbytes)
    array = np.frombuffer(memory, values.dtype, values.size)
    array[:] = values
    return array


def counts(work: Callable[[], Any]) -> dict[str, int]:
    before = emulated_gpu.counters()
    work()
    after = emulated_gpu.counters()
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


# --- streams are late -------------------------------------------------------------------------


def test_work_is_done_when_somebody_waits_and_not_before(add: Any, stream: Any) -> None:
    x = cupy.zeros(4, "float32")
    stream.synchronize()
    view = np.frombuffer((ctypes.c_float * 4).from_address(x.data.ptr), np.float32)
    add(x, 3)
    assert view.tolist() == [0] * 4
    stream.synchronize()
    assert view.tolist() == [3] * 4


def test_pinned_memory_is_read_late_and_ordinary_memory_at_once(stream: Any) -> None:
    for host, wanted in ((pinned(np.ones(2)), 7.0), (np.ones(2), 1.0)):
        x = cupy.empty(2)
        x.data.copy_from_host_async(host.ctypes.data, 16, stream)
        host[:] = 7
        assert x.get(stream=stream).tolist() == [wanted] * 2


def test_a_copy_to_pinned_memory_is_there_after_waiting(stream: Any) -> None:
    host, x = pinned(np.zeros(2)), cupy.ones(2)
    x.data.copy_to_host_async(host.ctypes.data, 16, stream)
    assert host.tolist() == [0, 0]
    stream.synchronize()
    assert host.tolist() == [1, 1]


def test_streams_meet_only_through_events(add: Any, stream: Any) -> None:
    other = cupy.cuda.Stream(non_blocking=True)
    for meet, wanted in ((False, 0.0), (True, 1.0)):
        x, found = cupy.zeros(1, "float32"), pinned(np.full(1, 5, np.float32))
        stream.synchronize()
        add(x, 1)
        if meet:
            other.wait_event(stream.record())
        x.data.copy_to_host_async(found.ctypes.data, 4, other)
        other.synchronize()
        assert found[0] == wanted


def test_blocking_streams_and_the_default_stream_wait_for_each_other(add: Any) -> None:
    x = cupy.zeros(1, "float32")
    with cupy.cuda.Stream(non_blocking=False):
        add(x, 1)
    assert float(x[0]) == 1.0
    add(x, 1)
    with cupy.cuda.Stream(non_blocking=False):
        assert float(x[0]) == 2.0


# --- memory -----------------------------------------------------------------------------------


def test_memory_is_poisoned_also_when_it_is_used_again() -> None:
    for _ in range(2):
        x = cupy.empty(37, "uint8")
        assert set(x.get().tolist()) == {0xCD}
        x.fill(1)
        del x


def test_a_write_behind_an_array_is_found(add: Any, capfd: pytest.CaptureFixture[str]) -> None:
    x = cupy.zeros(3, "float32")
    before = emulated_gpu.overruns()
    kernel = cupy.RawKernel(ADD, "add")
    kernel((1,), (32,), (x, np.float32(1e30), np.int32(4)))  # one too many
    assert emulated_gpu.overruns() == before + 1
    assert "byte 0 behind an array of 12 was written" in capfd.readouterr().err
    cupy.get_default_memory_pool().free_all_blocks()
    whole = cupy.ndarray(128, "float32", x.data)  # the chunk as a whole: mend it
    whole[3:].view("uint8").fill(0xCD)
    assert emulated_gpu.overruns() == before


def test_copies_in_the_wrong_direction_are_refused() -> None:
    x = cupy.zeros(2)
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="InvalidValue"):
        cupy.cuda.runtime.memcpy(x.data.ptr, x.data.ptr + 8, 8, 1)  # 1: from the host


# --- counting ---------------------------------------------------------------------------------


def test_everything_is_counted(add: Any, stream: Any) -> None:
    x = cupy.zeros(1024, "float32")
    assert counts(lambda: add(x, 1)) == {"launches": 1}
    assert counts(lambda: x.fill(3))["launches"] == 1
    assert counts(lambda: x.fill(0)) == {"fills": 1}
    assert counts(stream.synchronize) == {"synchronisations": 1}
    assert counts(lambda: cupy.empty(5))["pool_allocations"] == 1
    assert counts(lambda: cupy.asarray(np.ones(3)))["copies_to_device"] == 1
    found = counts(x.get)
    assert (found["copies_to_host"], found["bytes_to_host"]) == (1, 4096)
    assert found["synchronisations"] >= 1
    m = cupy.ones((2, 2))
    assert counts(lambda: cupy.dot(m, m, out=cupy.empty((2, 2))))["products"] == 1


# --- capture ----------------------------------------------------------------------------------


def test_a_graph_repeats_what_was_captured(add: Any, stream: Any) -> None:
    x = cupy.zeros(5, "float32")
    add(x, 1)
    stream.begin_capture()
    add(x, 10)
    add(x, 0.5)
    graph = stream.end_capture()
    assert x.get(stream=stream).tolist() == [1.0] * 5  # capturing runs nothing
    found = counts(lambda: [graph.launch(stream) for _ in range(3)])
    assert found == {"graph_launches": 3}
    assert x.get(stream=stream).tolist() == [1 + 3 * 10.5] * 5


@pytest.mark.parametrize(
    "forbidden",
    [
        lambda x, stream: stream.synchronize(),
        lambda x, stream: x.get(stream=stream),
        lambda x, stream: x.set(np.ones(2), stream=stream),
        lambda x, stream: cupy.cuda.Device().synchronize(),
        lambda x, stream: cupy.dot(x[:, None], x[None]),
    ],
)
def test_what_waits_cannot_be_captured(forbidden: Any, stream: Any) -> None:
    x = cupy.ones(2)
    stream.begin_capture()  # 15: not supported, all that CuPy says of a product for AMD
    with pytest.raises(Exception, match=r"Capture|^15$"):
        forbidden(x, stream)
    with suppress(cupy.cuda.runtime.CUDARuntimeError):  # of a capture that went wrong
        stream.end_capture()
    assert not stream.is_capturing()
    assert x.get(stream=stream).tolist() == [1, 1]  # the device goes on


def test_the_default_stream_and_a_capture_on_a_blocking_stream_exclude_each_other(add: Any) -> None:
    x = cupy.zeros(1, "float32")
    stream = cupy.cuda.Stream(non_blocking=False)
    stream.begin_capture()
    with pytest.raises(cupy.cuda.driver.CUDADriverError, match=r"906|Implicit"):
        add(x, 1)
    with pytest.raises(cupy.cuda.runtime.CUDARuntimeError, match="Invalidated"):
        stream.end_capture()


# --- kernels ----------------------------------------------------------------------------------


def test_barriers_and_shuffles() -> None:
    text = r"""
    extern "C" __global__ void sums(const float* x, float* out)
    {
        __shared__ float tile[2];
        float value = x[blockIdx.x * 64 + threadIdx.x];
        for (int by = 16; by > 0; by /= 2) value += __shfl_down_sync(0xffffffff, value, by);
        if (threadIdx.x % 32 == 0) tile[threadIdx.x / 32] = value;
        __syncthreads();
        if (threadIdx.x == 0) out[blockIdx.x] = tile[0] + tile[1];
    }"""
    x, out = cupy.arange(128, dtype="float32"), cupy.empty(2, "float32")
    for reverse in (False, True):
        emulated_gpu.reverse(reverse)
        cupy.RawKernel(text, "sums")((2,), (64,), (x, out))
        assert out.get().tolist() == [63 * 64 / 2, 63 * 64 / 2 + 64 * 64]
    emulated_gpu.reverse(False)


def test_the_order_of_blocks_can_be_turned_round() -> None:
    """A kernel whose result depends on it: the last one to write wins."""
    text = 'extern "C" __global__ void last(int* x) { x[0] = blockIdx.x * 32 + threadIdx.x; }'
    x = cupy.zeros(1, "int32")
    for reverse, wanted in ((False, 127), (True, 0)):
        emulated_gpu.reverse(reverse)
        cupy.RawKernel(text, "last")((4,), (32,), (x,))
        assert int(x[0]) == wanted
    emulated_gpu.reverse(False)


def test_a_barrier_that_not_all_threads_reach_ends_the_process(run_python: Any) -> None:
    code = """
import cupy
text = '''extern "C" __global__ void stuck(int* x)
{
    if (threadIdx.x < 32) __syncthreads();
    else if (threadIdx.x < 48) __syncwarp();
    __syncthreads();
}'''
cupy.RawKernel(text, "stuck")((1,), (64,), (cupy.zeros(1, "int32"),))
cupy.cuda.Device().synchronize()
"""
    done = run_python("-c", code)
    assert done.returncode < 0
    assert "wait at different barriers" in done.stderr


def test_a_text_that_does_not_compile_says_so() -> None:
    with pytest.raises(cupy.cuda.compiler.CompileException, match="nonsense"):
        cupy.RawKernel('extern "C" __global__ void bad(int* x) { nonsense(x); }', "bad").compile()


def test_too_many_threads_are_refused(add: Any) -> None:
    x = cupy.zeros(1, "float32")
    with pytest.raises(cupy.cuda.driver.CUDADriverError):
        cupy.RawKernel(ADD, "add")((1,), (2048,), (x, np.float32(1), np.int32(1)))


# --- products ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_of_every_layout(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for n, k, m in ((1, 1, 1), (3, 4, 5), (1, 7, 3), (5, 1, 2)):
        a, b = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((k, m)).astype(dtype)
        for left in (cupy.asarray(a), cupy.asarray(a.T.copy()).T):
            for right in (cupy.asarray(b), cupy.asarray(b.T.copy()).T):
                np.testing.assert_allclose(cupy.dot(left, right).get(), a @ b, rtol=1e-5)


# --- the machine that it pretends to be -------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [
        ({}, "1"),
        ({"EMULATED_GPUS": "3"}, "3"),
        ({"EMULATED_GPUS": "3", "CUDA_VISIBLE_DEVICES": "0,2"}, "2"),
        ({"CUDA_VISIBLE_DEVICES": ""}, "hipErrorNoDevice"),
        ({"CUDA_VISIBLE_DEVICES": "5"}, "hipErrorNoDevice"),
    ],
)
def test_devices(setting: dict[str, str], wanted: str, run_python: Any) -> None:
    code = "from cupy.cuda.runtime import getDeviceCount\ntry: print(getDeviceCount())\n"
    done = run_python("-c", code + "except Exception as error: print(error)", **setting)
    assert wanted in done.stdout, done.stderr


def test_memory_ends(run_python: Any) -> None:
    code = "import cupy; a = cupy.empty(60 << 20, 'uint8'); cupy.empty(10 << 20, 'uint8')"
    done = run_python("-c", code, EMULATED_GPU_MEGABYTES="64")
    assert "OutOfMemoryError" in done.stderr


def test_python_without_cupy_is_left_alone() -> None:
    code = "import sys; print('numpy' in sys.modules, 'cupy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
