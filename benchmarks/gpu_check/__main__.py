"""Check a GPU: every kernel, captured steps, parity with the CPU, counts, and speed.

Needs CuPy and NumPy; PyTorch, where it is there, is measured beside. Writes gpu_check.json to the
folder, prints a short table last, and exits with 1 if any number is wrong.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gpu_check import capture, counts, kernels, parity, speed
from benchmarks.gpu_check.report import Report, lines
from fastnn.backend.cuda.availability import cuda_status, resolve
from fastnn.errors import FastnnError
from fastnn.version import __version__

SECTIONS = ("kernels", "capture", "parity", "counts", "speed")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(prog="scripts/gpu_check", description=__doc__)
    parser.add_argument("folder", type=Path, help="where gpu_check.json goes")
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N (default %(default)s)")
    parser.add_argument(
        "--only", metavar="SECTION,...", default=",".join(SECTIONS), help="default: %(default)s"
    )
    parser.add_argument(
        "--no-speed", action="store_true",
        help="leave out the speed; an emulated device has none in any case",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=float, default=9.5,
        help="speeds for which no time is left are left out, and said so (default %(default)s)",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Check, write, print; return 1 if anything is wrong, 2 if there is nothing to check."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    chosen = arguments.only.split(",")
    if unknown := [name for name in chosen if name not in SECTIONS]:
        parser.error(f"unknown section {unknown[0]!r}; choose from {', '.join(SECTIONS)}")
    try:
        device = resolve(arguments.device)
        if device == "cpu":
            raise FastnnError("the CPU is checked by `fastnn check`; choose cuda or cuda:N")
    except FastnnError as error:
        print(f"gpu_check: {error}", file=sys.stderr)
        return 2
    report = Report(arguments.folder, arguments.minutes, machine(device))
    modes = capture.backends(device)
    backend = modes["eager"]
    if "speed" in chosen and (arguments.no_speed or report.machine["emulated"]):
        chosen.remove("speed")
        why = "the device is emulated" if report.machine["emulated"] else "--no-speed"
        report.left_out.append(f"speed: {why}")
    sections: dict[str, Callable[[Report], None]] = {
        "kernels": lambda r: kernels.section(backend, r),
        "capture": lambda r: capture.section(modes, r),
        "parity": lambda r: parity.section(modes["captured"], r),
        "counts": lambda r: counts.section(backend, r),
        "speed": lambda r: speed.section(modes, r),
    }
    for name in chosen:
        print(f"{name} ...", file=sys.stderr, flush=True)
        report.run(name, sections[name])
    report.save()
    print("\n".join(lines(report)))
    return 0 if report.passed else 1


def machine(device: str) -> dict[str, Any]:
    """Return what the figures belong to."""
    status = cuda_status()
    name = status.devices[int(device.removeprefix("cuda:"))]
    return {
        "device": name,
        "emulated": "emulated" in name.lower(),
        "driver": status.driver,
        "runtime": status.runtime,
        "cupy": status.cupy,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "torch": _torch_version(),
        "fastnn": __version__,
        "cpus": len(os.sched_getaffinity(0)),
    }


def _torch_version() -> str | None:
    """What is installed; not imported yet, since it brings CUDA libraries of its own."""
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    raise SystemExit(main())
