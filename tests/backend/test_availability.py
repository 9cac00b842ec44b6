"""Device names, and a message with its remedy for each way in which a GPU can be missing."""

import importlib.util
import os
from pathlib import Path
from typing import Any

import pytest

from fastnn.backend import backend as backend_module
from fastnn.backend.backend import get_backend
from fastnn.backend.cuda.availability import (
    Choice,
    CudaStatus,
    Device,
    Facts,
    choose,
    cuda_status,
    gather,
    judge,
    parse_device,
    resolve,
)
from fastnn.errors import ArgumentError, DeviceError

H100 = Facts(
    packages=("cupy-cuda13x",),
    version="14.2.0",
    driver=13000,
    runtime=13000,
    devices=("NVIDIA H100",),
)


def facts(**changed: Any) -> Facts:
    return Facts(**{**vars(H100), **changed})


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "device", "text"),
    [
        ("cpu", Device("cpu"), "cpu"),
        ("cuda", Device("cuda", 0), "cuda:0"),
        ("cuda:0", Device("cuda", 0), "cuda:0"),
        ("cuda:12", Device("cuda", 12), "cuda:12"),
        ("auto", Device("auto"), "auto"),
    ],
)
def test_device_names(name: str, device: Device, text: str) -> None:
    assert parse_device(name) == device
    assert str(device) == text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", r"unknown device 'gpu'; did you mean 'cuda'\? \(known: cpu, cuda, cuda:0"),
        ("gpu:1", "unknown device 'gpu:1'; did you mean 'cuda'"),
        ("CPU", "unknown device 'CPU'; did you mean 'cpu'"),
        ("CUDA:0", "unknown device 'CUDA:0'; did you mean 'cuda'"),
        ("autom", "did you mean 'auto'"),
        ("tpu", "unknown device 'tpu'"),
        ("cpu:0", "unknown device 'cpu:0'; did you mean 'cpu'"),
        ("", "unknown device ''"),
        ("cuda:", "device 'cuda:': after 'cuda:' comes the number of a GPU"),
        ("cuda:-1", "device 'cuda:-1': after 'cuda:' comes the number of a GPU"),
        ("cuda:one", "after 'cuda:' comes the number of a GPU, as in 'cuda:0'"),
        ("cuda:٣", "after 'cuda:' comes the number of a GPU"),
        (0, "device must be a name such as 'cpu' or 'cuda:0', found 0"),
        (None, "device must be a name such as 'cpu' or 'cuda:0', found None"),
    ],
)
def test_names_that_are_no_device(name: object, message: str) -> None:
    for function in (parse_device, choose, get_backend):
        with pytest.raises(ArgumentError, match=message):
            function(name)


# --- every situation --------------------------------------------------------------------------

SITUATIONS = [
    (
        Facts(installed=False),
        "CuPy is not installed",
        "pip install 'cupy-cuda12x[ctk]' (NVIDIA driver 525 or newer) or "
        "pip install 'cupy-cuda13x[ctk]' (driver 580 or newer)",
    ),
    (
        Facts(packages=("cupy", "cupy-cuda12x")),
        "several CuPy packages are installed (cupy, cupy-cuda12x)",
        "pip uninstall -y cupy cupy-cuda12x, then pip install",
    ),
    (
        facts(import_error="ImportError: libfoo.so: cannot open"),
        "CuPy is installed but cannot be imported (ImportError: libfoo.so: cannot open)",
        "pip install --force-reinstall 'cupy-cuda13x[ctk]'",
    ),
    (
        facts(version="13.6.0"),
        "CuPy 13.6.0 is installed, but fastnn needs CuPy 14 or newer",
        "pip install --upgrade 'cupy-cuda13x>=14'",
    ),
    (
        facts(version=""),
        "CuPy of an unknown version is installed, but fastnn needs CuPy 14",
        "pip install --upgrade",
    ),
    (
        facts(driver=0, devices=(), count_error="CUDARuntimeError: driver version is insufficient"),
        "no NVIDIA driver (libcuda.so.1) is visible to this process",
        "in a container, start it with access to the GPU (docker run --gpus all)",
    ),
    (
        facts(driver=12040, devices=(), count_error="CUDARuntimeError: driver version is insuffi"),
        "the NVIDIA driver is made for CUDA 12.4, but cupy-cuda13x needs CUDA 13",
        "update the driver, or pip uninstall -y cupy-cuda13x and pip install 'cupy-cuda12x[ctk]'",
    ),
    (
        facts(
            packages=("cupy-cuda12x",), driver=11080, runtime=12090, devices=(), count_error="old"
        ),
        "the NVIDIA driver is made for CUDA 11.8, but cupy-cuda12x needs CUDA 12",
        "update the driver",
    ),
    (
        facts(devices=(), count_error="CUDARuntimeError: cudaErrorNoDevice: no device", visible=""),
        "the NVIDIA driver works but shows no GPU to this process (CUDA_VISIBLE_DEVICES is '')",
        "unset CUDA_VISIBLE_DEVICES",
    ),
    (
        facts(devices=(), count_error="CUDARuntimeError: cudaErrorNoDevice: no device"),
        "the NVIDIA driver works but shows no GPU to this process",
        "check with nvidia-smi that there is one",
    ),
    (
        facts(driver=None, devices=(), count_error="AttributeError: no attribute 'cuda'"),
        "CUDA does not start (AttributeError: no attribute 'cuda')",
        "check with nvidia-smi that the driver works",
    ),
    (facts(devices=()), "shows no GPU to this process", "nvidia-smi"),
    (
        facts(devices=(), count_error="CUDARuntimeError: cudaErrorUnknown: unknown error"),
        "CUDA does not start (CUDARuntimeError: cudaErrorUnknown: unknown error)",
        "check with nvidia-smi that the driver works",
    ),
    (
        facts(smoke_error="ImportError: libnvrtc.so.13: cannot open shared object file"),
        "is there, but a first computation on it failed (ImportError: libnvrtc.so.13: cannot",
        "if CUDA libraries are missing: pip install 'cupy-cuda13x[ctk]'",
    ),
    (
        facts(packages=(), runtime=12090, smoke_error="RuntimeError: cuRAND"),
        "a first computation on it failed (RuntimeError: cuRAND)",
        "pip install 'cupy-cuda12x[ctk]'",
    ),
    (
        facts(smoke_error="OutOfMemoryError: Out of memory allocating 512 bytes"),
        "cuda:0 (NVIDIA H100) has no free memory",
        "end what else runs on it (nvidia-smi lists it), or use another GPU",
    ),
]


@pytest.mark.parametrize(("found", "reason", "remedy"), SITUATIONS)
def test_every_way_without_a_gpu_has_its_reason_and_remedy(
    found: Facts, reason: str, remedy: str
) -> None:
    status = judge(found)
    assert not status.usable
    assert reason in status.reason
    assert remedy in status.remedy
    assert str(status) == f"{status.reason}; {status.remedy}"
    assert "\n" not in str(status)
    with pytest.raises(DeviceError) as error:
        choose("cuda", lambda index: judge(found, index))
    assert str(error.value) == f"device 'cuda' cannot be used: {status}"
    assert choose("auto", lambda index: judge(found, index)) == Choice(
        "cpu", f"device 'auto' uses the CPU: {status}"
    )


def test_no_two_situations_have_one_reason() -> None:
    reasons = [judge(found).reason for found, _, _ in SITUATIONS]
    assert len(set(reasons)) == len(reasons) - 1  # no device: raised, or counted


def test_a_gpu_that_is_not_there() -> None:
    one, two = facts(), facts(devices=("NVIDIA H100", "NVIDIA L4"))
    with pytest.raises(DeviceError) as error:
        choose("cuda:7", lambda index: judge(one, index))
    assert str(error.value) == (
        "device 'cuda:7' cannot be used: there is no cuda:7: this process sees 1 GPU "
        "(cuda:0 NVIDIA H100); use cuda:0"
    )
    assert judge(two, 2).reason.endswith("sees 2 GPUs (cuda:0 NVIDIA H100, cuda:1 NVIDIA L4)")
    assert judge(two, 2).remedy == "choose a number from 0 to 1"


def test_a_gpu_that_can_be_used() -> None:
    assert judge(facts(devices=("NVIDIA H100", "NVIDIA L4")), 1) == CudaStatus(
        usable=True,
        reason="NVIDIA L4, driver for CUDA 13.0, CuPy 14.2.0",
        remedy="",
        devices=("NVIDIA H100", "NVIDIA L4"),
        cupy="14.2.0",
        driver="13.0",
        runtime="13.0",
    )
    for name in ("cuda", "cuda:0", "auto"):
        assert choose(name, lambda index: judge(H100, index)) == Choice("cuda:0", "")


def test_the_cpu_is_chosen_without_a_look_at_the_gpu() -> None:
    def status(index: int) -> CudaStatus:
        raise AssertionError("nobody asked for a GPU")

    assert choose("cpu", status) == Choice("cpu", "")


# --- situations that are really produced ------------------------------------------------------

LOOK = (
    "from fastnn.backend.cuda.availability import cuda_status as s; "
    "print(s().usable, s(), sep='\\n')"
)
without_cupy = pytest.mark.skipif(
    importlib.util.find_spec("cupy") is not None, reason="CuPy is installed here"
)


@without_cupy
def test_cupy_is_really_not_installed(run_python: Any) -> None:
    assert gather(0) == Facts(installed=False)
    done = run_python("-c", f"{LOOK}\nimport sys; print('cupy' in sys.modules)")
    assert done.stdout.startswith("False\nCuPy is not installed; pip install 'cupy-cuda12x[ctk]'")
    assert done.stdout.endswith("False\n")
    assert done.stderr == ""


@without_cupy
@pytest.mark.parametrize(
    ("module", "packages", "said"),
    [
        ("raise ImportError('libcudart.so.13: no such file')", ["cupy-cuda13x"],
         "cannot be imported (ImportError: libcudart.so.13: no such file); pip install "
         "--force-reinstall 'cupy-cuda13x[ctk]'"),
        ("raise SystemError('one\\ntwo')", [], "cannot be imported (SystemError: one); "),
        ("__version__ = '13.6.0'", ["cupy-cuda12x"], "CuPy 13.6.0 is installed"),
        ("raise AssertionError", ["cupy-cuda12x", "cupy-cuda13x"],
         "several CuPy packages are installed (cupy-cuda12x, cupy-cuda13x)"),
        ("raise AssertionError", ["cupy", "cupy_rocm_7_0"], "several CuPy packages"),
        ("__version__ = '15.0'", ["cupy-cuda14x", "cupyx-something"], "CUDA does not start "
         "(AttributeError: module 'cupy' has no attribute 'cuda')"),
    ],
)  # fmt: skip
def test_a_broken_cupy(
    run_python: Any, tmp_path: Path, module: str, packages: list[str], said: str
) -> None:
    site = tmp_path / "site"
    (site / "cupy").mkdir(parents=True)
    (site / "cupy" / "__init__.py").write_text(module)
    for package in packages:
        info = site / f"{package.replace('-', '_')}-14.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 14.0\n")
    path = os.pathsep.join([str(site), str(Path(__file__).parents[2])])
    done = run_python("-c", LOOK, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("False\n")
    assert said in done.stdout
    assert done.stdout.count("\n") == 2


def test_the_status_is_looked_up_once() -> None:
    assert cuda_status() is cuda_status()


# A CuPy that answers as CuPy for CUDA does on such machines, up to the first computation.
FAKE = """
__version__ = "14.2.0"
class CUDARuntimeError(RuntimeError): pass
class runtime:
    def driverGetVersion(): return {driver}
    def runtimeGetVersion(): return 13000
    def getDeviceCount():
        {count}
    def getDeviceProperties(i): return {{"name": b"NVIDIA H100"}}
class Device:
    def __init__(self, i): pass
    def __enter__(self): pass
    def __exit__(self, *what): pass
class cuda:
    pass
cuda.runtime, cuda.Device = runtime, Device
def arange(*a, **k): raise {smoke}
"""
INSUFFICIENT = (
    "raise CUDARuntimeError('cudaErrorInsufficientDriver: CUDA driver version is insufficient for "
    "CUDA runtime version')"
)


@without_cupy
@pytest.mark.parametrize(
    ("driver", "count", "smoke", "said"),
    [
        (0, INSUFFICIENT, "", "no NVIDIA driver (libcuda.so.1) is visible to this process; "),
        (12040, INSUFFICIENT, "", "the NVIDIA driver is made for CUDA 12.4, but cupy-cuda13x needs "
         "CUDA 13; update the driver, or pip uninstall -y cupy-cuda13x and pip install"),
        (13000, "return 0", "", "shows no GPU to this process (CUDA_VISIBLE_DEVICES is ''); unset"),
        (13000, "return 1", "RuntimeError('CuPy failed to load libnvrtc.so.13: no such file')",
         "a first computation on it failed (RuntimeError: CuPy failed to load libnvrtc.so.13: no "
         "such file); if CUDA libraries are missing: pip install 'cupy-cuda13x[ctk]'"),
    ],
)  # fmt: skip
def test_the_same_error_of_cupy_has_different_reasons(
    run_python: Any, tmp_path: Path, driver: int, count: str, smoke: str, said: str
) -> None:
    site = tmp_path / "site"
    (site / "cupy").mkdir(parents=True)
    text = FAKE.format(driver=driver, count=count, smoke=smoke or "AssertionError")
    (site / "cupy" / "__init__.py").write_text(text)
    info = site / "cupy_cuda13x-14.2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cupy-cuda13x\nVersion: 14.2.0\n")
    path = os.pathsep.join([str(site), str(Path(__file__).parents[2])])
    done = run_python("-c", LOOK, PYTHONPATH=path, CUDA_VISIBLE_DEVICES="")
    assert done.stdout.startswith("False\n"), done.stderr
    assert said in done.stdout


CUDA_CUPY = sorted(Path(__file__).parents[2].glob(".venv-cuda/lib/python*/site-packages"))


@without_cupy
@pytest.mark.skipif(
    not CUDA_CUPY or Path("/dev/nvidiactl").exists(),
    reason="needs CuPy for CUDA in .venv-cuda (./scripts/emulator) and no NVIDIA driver",
)
def test_cupy_for_cuda_really_without_a_driver(run_python: Any) -> None:
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(CUDA_CUPY[0])])
    done = run_python("-c", LOOK, PYTHONPATH=path)
    assert done.stdout.startswith("False\nno NVIDIA driver (libcuda.so.1) is visible"), done.stderr


USE = "from fastnn.backend.backend import get_backend as g; print(g({!r}).device)"


@pytest.mark.cuda
@pytest.mark.parametrize(
    ("device", "environment", "said"),
    [
        ("cuda", {"CUDA_VISIBLE_DEVICES": ""}, "device 'cuda' cannot be used: the NVIDIA driver "
         "works but shows no GPU to this process (CUDA_VISIBLE_DEVICES is '')"),
        ("cuda:77", {}, "device 'cuda:77' cannot be used: there is no cuda:77: this process sees"),
    ],
)  # fmt: skip
def test_gpus_that_are_really_not_there(
    run_python: Any, device: str, environment: dict[str, str], said: str
) -> None:
    done = run_python("-c", USE.format(device), **environment)
    assert done.returncode != 0
    assert f"DeviceError: {said}" in done.stderr.splitlines()[-1]


@pytest.mark.cuda
def test_auto_without_a_visible_gpu_is_the_cpu_and_says_so(run_python: Any) -> None:
    done = run_python("-c", USE.format("auto"), CUDA_VISIBLE_DEVICES="")
    assert done.stdout == "cpu\n"
    assert "RuntimeWarning: device 'auto' uses the CPU: the NVIDIA driver works but" in done.stderr
    done = run_python("-c", USE.format("auto"))
    assert (done.stdout, done.stderr) == ("cuda:0\n", "")


@pytest.mark.cuda
def test_the_second_of_two_gpus(run_python: Any) -> None:
    pytest.importorskip("emulated_gpu", reason="needs a machine with two GPUs, as emulated ones")
    code = (
        "from fastnn.backend.backend import get_backend\n"
        "from fastnn.errors import ArgumentError\n"
        "one, two = get_backend('cuda:0'), get_backend('cuda:1')\n"
        "a = two.array([[2.0]])\n"
        "print(two.capabilities()['graphs'])\n"
        "print(two.device, a.device.id, two.host(two.dot(a, a)).tolist())\n"
        "try:\n    one.dot(a, a)\n"
        "except ArgumentError as error:\n    print(error)\n"
    )
    done = run_python("-c", code, EMULATED_GPUS="2")
    assert done.stdout == (
        "captured\ncuda:1 1 [[4.0]]\nan array of shape (1, 1) is on cuda:1, not on cuda:0\n"
    ), done.stderr


@pytest.mark.cuda
def test_a_gpu_without_the_memory_for_a_product(run_python: Any) -> None:
    pytest.importorskip("emulated_gpu", reason="only the emulated GPU can be made so small")
    done = run_python("-c", USE.format("cuda"), EMULATED_GPU_MEGABYTES="16")
    assert "DeviceError: cuda:0 has too little free memory" in done.stderr


@pytest.mark.cuda
def test_info_says_how_the_gpu_multiplies(run_python: Any) -> None:
    done = run_python("-m", "fastnn", "info")
    assert done.returncode == 0, done.stderr
    lines = [line.split(maxsplit=2) for line in done.stdout.splitlines() if line.startswith("GPU")]
    assert [(line[1], line[2].split()[0]) for line in lines] == [
        ("products", "cuBLAS"),
        ("steps", "captured"),
    ]


# --- backends ---------------------------------------------------------------------------------


def test_one_backend_per_device() -> None:
    assert get_backend("cpu") is get_backend()
    assert get_backend().device == "cpu"
    assert resolve("cpu") == "cpu"


@without_cupy
def test_auto_says_once_why_it_is_the_cpu() -> None:
    backend_module._say_once.cache_clear()
    with pytest.warns(RuntimeWarning, match="device 'auto' uses the CPU: CuPy is not installed"):
        backend = get_backend("auto")
    assert backend is get_backend("auto")  # a second warning would be an error
    with pytest.raises(DeviceError, match="device 'cuda' cannot be used: CuPy is not installed"):
        get_backend("cuda")
