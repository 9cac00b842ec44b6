"""Which device: names such as ``"cuda:1"``, whether CUDA can be used, and if not, why and the cure.

What was found is gathered in one place (`gather`) and judged in another (`judge`), so that every
way in which a GPU can be missing has a message of its own, and a test that needs no GPU.
`cupy.is_available()` is not asked: it answers no without telling any of the reasons.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fastnn.errors import ArgumentError, DeviceError, arg
from fastnn.extras import pip_install
from fastnn.registry import did_you_mean

#: The first CuPy whose API the CUDA backend is written for.
OLDEST_CUPY = 14

_INSTALL = (
    f"{pip_install('cuda12')} (NVIDIA driver 525 or newer) "
    f"or {pip_install('cuda13')} (driver 580 or newer)"
)


@dataclass(frozen=True)
class Device:
    """A device name taken apart: ``kind`` is "cpu", "cuda" or "auto", ``index`` the GPU."""

    kind: str
    index: int = 0

    def __str__(self) -> str:
        return f"cuda:{self.index}" if self.kind == "cuda" else self.kind


def parse_device(name: object) -> Device:
    """Return the `Device` that ``name`` means: "cpu", "cuda", "cuda:N" or "auto".

    >>> str(parse_device("cuda"))
    'cuda:0'
    >>> parse_device("cdua")
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: unknown device 'cdua'; did you mean 'cuda'? (known: cpu, ...

    Raises ArgumentError for anything else.
    """
    if not isinstance(name, str):
        raise ArgumentError(
            f"{arg('device')} must be a name such as 'cpu' or 'cuda:0', found {name!r}"
        )
    kind, colon, index = name.partition(":")
    if kind == "cuda" and colon:
        if not re.fullmatch("[0-9]{1,4}", index):
            raise ArgumentError(
                f"{arg('device')} {name!r}: after 'cuda:' comes the number of a GPU, as in 'cuda:0'"
            )
        return Device("cuda", int(index))
    if name not in ("cpu", "cuda", "auto"):
        hint = "; did you mean 'cuda'?" if kind.lower() == "gpu" else ""
        raise ArgumentError(
            f"unknown {arg('device')} {name!r}"
            f"{hint or did_you_mean(kind.lower(), ('cpu', 'cuda', 'auto'))}"
            " (known: cpu, cuda, cuda:0, cuda:1, ..., auto)"
        )
    return Device(name)


@dataclass(frozen=True)
class Facts:
    """What a look at the machine found. An empty text stands for 'no error'."""

    installed: bool = True
    packages: tuple[str, ...] = ()  # installed distributions that contain CuPy
    import_error: str = ""
    version: str = ""  # of CuPy
    driver: int | None = None  # the newest CUDA it knows, 12040 for 12.4; 0: no driver is there
    runtime: int = 0  # the CUDA that CuPy was built for
    count_error: str = ""
    visible: str | None = None  # the environment's CUDA_VISIBLE_DEVICES
    devices: tuple[str, ...] = ()  # their names
    smoke_error: str = ""  # of a compiled kernel and a product on the device that was asked for


@dataclass(frozen=True)
class CudaStatus:
    """Whether a CUDA device can be used: what was found and, if it cannot, what to do."""

    usable: bool
    reason: str
    remedy: str
    devices: tuple[str, ...] = ()
    cupy: str = ""
    driver: str = ""
    runtime: str = ""

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}" if self.remedy else self.reason


@lru_cache(maxsize=64)
def cuda_status(index: int = 0) -> CudaStatus:
    """Return whether ``cuda:index`` can be used here. Never raises; looks once per process.

    >>> status = cuda_status()
    >>> status.usable or bool(status.reason and status.remedy)
    True
    """
    return judge(gather(index), index)


def gather(index: int) -> Facts:
    """Look at the machine, importing CuPy if it is there; stop at the first thing amiss."""
    if importlib.util.find_spec("cupy") is None:
        return Facts(installed=False)
    facts = Facts(packages=installed_packages(), visible=os.environ.get("CUDA_VISIBLE_DEVICES"))
    if len(facts.packages) > 1:
        return facts
    try:
        import cupy
    except Exception as error:  # whatever it is, it is the reason
        return replace(facts, import_error=_describe(error))
    facts = replace(facts, version=str(getattr(cupy, "__version__", "")))
    if _major(facts.version) < OLDEST_CUPY:
        return facts
    try:
        runtime = cupy.cuda.runtime
        facts = replace(facts, driver=int(runtime.driverGetVersion()))  # without a driver: 0
        facts = replace(facts, runtime=int(runtime.runtimeGetVersion()))
        names = [
            runtime.getDeviceProperties(i)["name"].decode() for i in range(runtime.getDeviceCount())
        ]
        facts = replace(facts, devices=tuple(names))
    except Exception as error:
        return replace(facts, count_error=_describe(error))
    if index < len(facts.devices):
        facts = replace(facts, smoke_error=_smoke_test(cupy, index))
    return facts


def installed_packages() -> tuple[str, ...]:
    """Return the names of the installed distributions that contain CuPy."""
    found = (distribution.metadata["Name"] for distribution in importlib.metadata.distributions())
    names = {re.sub("[-_.]+", "-", name.lower()) for name in found if name}
    return tuple(sorted(n for n in names if re.fullmatch(r"cupy(-cuda\w+|-rocm[\w-]+)?", n)))


def _smoke_test(cupy: Any, index: int) -> str:
    """Compile a kernel, launch it, multiply, copy back; return what went wrong, or nothing.

    Only this shows that the compiler, the headers and cuBLAS are there: counting works without.
    """
    try:
        with cupy.cuda.Device(index):
            a = cupy.arange(4, dtype="float32").reshape(2, 2)
            found = float(cupy.dot(a + 1, a.T).sum())
    except Exception as error:
        return _describe(error)
    return "" if found == 32.0 else f"a product of two matrices summed to {found:g}, not to 32"


def _describe(error: Exception) -> str:
    """Return the kind of an error and the telling line of its text."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" =")]
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__


def _major(version: str) -> int:
    number = re.match(r"\d+", version)
    return int(number[0]) if number else 0


def _cuda(version: int) -> str:
    """Return CUDA's version number as text: 12040 is 12.4."""
    return f"{version // 1000}.{version % 1000 // 10}"


def judge(facts: Facts, index: int = 0) -> CudaStatus:
    """Return what the facts mean for ``cuda:index``.

    >>> judge(Facts(version="14.2.0", driver=0, count_error="CUDARuntimeError")).reason
    'no NVIDIA driver (libcuda.so.1) is visible to this process'
    """
    problem = _problem(facts, index)
    reason, remedy = problem or (
        f"{facts.devices[index]}, driver for CUDA {_cuda(facts.driver or 0)}, CuPy {facts.version}",
        "",
    )
    return CudaStatus(
        usable=problem is None,
        reason=reason,
        remedy=remedy,
        devices=facts.devices,
        cupy=facts.version,
        driver=_cuda(facts.driver) if facts.driver else "",
        runtime=_cuda(facts.runtime) if facts.runtime else "",
    )


def _problem(facts: Facts, index: int) -> tuple[str, str] | None:
    """Return the reason and the remedy, or None if all is well. The order is that of `gather`."""
    packages = facts.packages
    package = packages[0] if packages else f"cupy-cuda{max(facts.runtime // 1000, 12)}x"
    with_libraries = f"'{package}[ctk]'" if package.startswith("cupy-cuda") else package
    driver = facts.driver or 0
    if not facts.installed:
        return "CuPy is not installed", _INSTALL
    if len(packages) > 1:
        return (
            f"several CuPy packages are installed ({', '.join(packages)}) and overwrite each "
            "other's files",
            f"pip uninstall -y {' '.join(packages)}, then {_INSTALL}",
        )
    if facts.import_error:
        return (
            f"CuPy is installed but cannot be imported ({facts.import_error})",
            f"pip install --force-reinstall {with_libraries}",
        )
    if _major(facts.version) < OLDEST_CUPY:
        return (
            f"CuPy {facts.version or 'of an unknown version'} is installed, but fastnn needs "
            f"CuPy {OLDEST_CUPY} or newer",
            f"pip install --upgrade '{package}>={OLDEST_CUPY}'",
        )
    if facts.count_error and facts.driver == 0:
        return (
            "no NVIDIA driver (libcuda.so.1) is visible to this process",
            "install the NVIDIA driver; in a container, start it with access to the GPU "
            "(docker run --gpus all)",
        )
    if facts.count_error and facts.driver is not None and driver // 1000 < facts.runtime // 1000:
        return (
            f"the NVIDIA driver is made for CUDA {_cuda(driver)}, but {package} needs "
            f"CUDA {facts.runtime // 1000}",
            "update the driver"
            + (
                f", or pip uninstall -y {package} and {pip_install('cuda12')}"
                if driver // 1000 == 12
                else ""
            ),
        )
    if not facts.devices and (not facts.count_error or "NoDevice" in facts.count_error):
        hidden = facts.visible is not None
        return (
            "the NVIDIA driver works but shows no GPU to this process"
            + (f" (CUDA_VISIBLE_DEVICES is {facts.visible!r})" if hidden else ""),
            "unset CUDA_VISIBLE_DEVICES or set it to the number of a GPU"
            if hidden
            else "check with nvidia-smi that there is one",
        )
    if facts.count_error:
        return (
            f"CUDA does not start ({facts.count_error})",
            "check with nvidia-smi that the driver works",
        )
    if index >= len(facts.devices):
        count = len(facts.devices)
        known = ", ".join(f"cuda:{i} {name}" for i, name in enumerate(facts.devices))
        return (
            f"there is no cuda:{index}: this process sees {count} "
            f"GPU{'s' if count > 1 else ''} ({known})",
            f"choose a number from 0 to {count - 1}" if count > 1 else "use cuda:0",
        )
    if "OutOfMemory" in facts.smoke_error or "MemoryAllocation" in facts.smoke_error:
        return (
            f"cuda:{index} ({facts.devices[index]}) has no free memory ({facts.smoke_error})",
            "end what else runs on it (nvidia-smi lists it), or use another GPU",
        )
    if facts.smoke_error:
        return (
            f"cuda:{index} ({facts.devices[index]}) is there, but a first computation on it failed "
            f"({facts.smoke_error})",
            f"if CUDA libraries are missing: pip install {with_libraries}",
        )
    return None


@dataclass(frozen=True)
class Choice:
    """The device to use, and why it is not the GPU where that has to be said."""

    device: str
    reason: str = ""


def choose(name: object, status: Callable[[int], CudaStatus] = cuda_status) -> Choice:
    """Return the device that ``name`` means here; "auto" is the GPU if it is usable, else the CPU.

    >>> choose("cpu")
    Choice(device='cpu', reason='')

    Raises ArgumentError for an unknown name, DeviceError for a GPU that cannot be used: nothing
    but "auto" ever ends on the CPU instead.
    """
    wanted = parse_device(name)
    if wanted.kind == "cpu":
        return Choice("cpu")
    found = status(wanted.index)
    if found.usable:
        return Choice(f"cuda:{wanted.index}")
    if wanted.kind == "auto":
        return Choice("cpu", f"device 'auto' uses the CPU: {found}")
    raise DeviceError(f"{arg('device')} {name!r} cannot be used: {found}")


def resolve(name: object) -> str:
    """Return ``"cpu"`` or ``"cuda:N"`` for a device name; raises as `choose`.

    >>> resolve("cpu")
    'cpu'
    """
    return choose(name).device
