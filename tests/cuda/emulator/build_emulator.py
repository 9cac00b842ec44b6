"""Make the environment that runs this an emulated GPU: libraries for CuPy's ROCm wheel, and a hook.

Run with the Python of an environment that holds CuPy's ROCm wheel and nothing else of CuPy:

    .venv-emulator/bin/python tests/cuda/emulator/build_emulator.py

It needs g++ and binutils (nm, readelf). Quick when there is nothing to do.
"""

import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# At its start the environment imported the one that it was built for, which may lie elsewhere.
sys.modules.pop("emulated_gpu", None)
from emulated_gpu import FOLDER, HERE, KERNEL_FLAGS  # noqa: E402
from sources import digest  # noqa: E402

PACKAGES = Path(sysconfig.get_path("purelib"))
COMPILER = ("g++", "-std=c++17", "-O2", "-fPIC", "-Wall", "-Wextra", "-Werror")
#: What the wheel needs and a Linux machine has.
SYSTEM = ("libc.", "libm.", "libgcc_s.", "libpthread.", "libstdc++.", "libdl.", "ld-linux")
RUNTIME = "libamdhip64.so.7"
#: Loaded by name: CuPy asks for the compiler's version, fastnn looks for cuBLAS.
BY_NAME = {"libhiprtc.so.7", "libcublas.so.12"}


def output(*command: str) -> str:
    """Return what a command prints; end this script with its message if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)[:200]}\n{done.stderr}")
    return done.stdout


def wanted(libraries: Iterable[Path]) -> tuple[set[str], set[str]]:
    """Return the shared libraries and the functions that the wheel needs and the machine lacks."""
    names: set[str] = set()
    functions: set[str] = set()
    for path in libraries:
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", str(path)))
        names.update(name for name in needed if not name.startswith(SYSTEM))
        for line in output("nm", "-D", "--undefined-only", str(path)).splitlines():
            functions.add(line.split()[-1].partition("@")[0])
    ours = re.compile(r"(__)?(hip|roc|rccl|nccl)\w+")
    return names, {name for name in functions if ours.fullmatch(name)}


def stubs(functions: Iterable[str]) -> str:
    """Return C++ text in which every function says once that it is not emulated, and fails.

    The number that it returns, 801, is HIP's 'not supported' and an error in all the libraries.
    """
    return "\n".join(
        [
            "#include <cstdio>",
            'extern "C" {',
            *(
                f"int {name}() {{ static bool said; if (!said) std::fputs("
                f'"emulated GPU: {name} is not emulated\\n", stderr); said = true; return 801; }}'
                for name in sorted(functions)
            ),
            "}",
        ]
    )


def defined(objects: Iterable[Path]) -> set[str]:
    """Return the names that object files define."""
    text = output("nm", "--defined-only", "-j", *map(str, objects))
    return set(text.split())


def wheel() -> list[Path]:
    """Return the compiled modules of the installed CuPy."""
    packages = [PACKAGES / name for name in ("cupy", "cupyx", "cupy_backends")]
    found = sorted(path for package in packages for path in package.rglob("*.so"))
    if not found:
        raise SystemExit(f"there is no CuPy in {PACKAGES}: install cupy-rocm-7-0 first")
    return found


def link(name: str, *arguments: str) -> None:
    """Make a shared library that is found by its name once it is loaded."""
    path = str(FOLDER / name)
    output("g++", "-shared", "-fPIC", "-O0", f"-Wl,-soname,{name}", "-o", path, *arguments)


def build() -> None:
    """Compile the libraries and the header for kernels, and put the hook in place."""
    names, functions = wanted(wheel())
    (FOLDER / "rocm" / "include").mkdir(parents=True, exist_ok=True)  # CuPy looks for the folder
    objects = [FOLDER / "runtime.o", FOLDER / "products.o"]
    for path in objects:
        output(*COMPILER, "-c", str(HERE / f"{path.stem}.cpp"), "-o", str(path))
    missing = FOLDER / "stubs.cpp"
    missing.write_text(stubs(functions - defined(objects)), encoding="utf-8")
    link(RUNTIME, *map(str, objects), str(missing), "-ldl")
    for name in sorted((names | BY_NAME) - {RUNTIME}):  # empty, but they bring the one along
        link(name, "-Wl,--no-as-needed", str(FOLDER / RUNTIME))
    header = str(FOLDER / "device.h.gch")
    output("g++", *KERNEL_FLAGS, "-x", "c++-header", str(HERE / "device.h"), "-o", header)
    start = PACKAGES / "fastnn_emulated_gpu.pth"
    start.write_text(f"{HERE}\nimport emulated_gpu; emulated_gpu.install()\n", encoding="utf-8")


def main() -> None:
    """Build, unless the same has been built from the same files."""
    stamp = FOLDER / "built-from"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest():
        return
    print("Building the emulated GPU", flush=True)
    build()
    stamp.write_text(digest(), encoding="utf-8")


if __name__ == "__main__":
    main()
