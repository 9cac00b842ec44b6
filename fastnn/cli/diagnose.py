"""``fastnn info`` and ``fastnn check``: what the machine has, and whether the numbers are right."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
from typing import Any

from fastnn.cli.messages import note
from fastnn.cli.parser import Parser
from fastnn.extras import EXTRAS, packages
from fastnn.version import __version__

#: Libraries that fastnn uses where they are there, by the names of their packages.
LIBRARIES = (
    *("numpy", "safetensors", "rich"),
    *(name for extra in EXTRAS if not extra.startswith("cuda") for name in packages(extra)),
    *("pandas", "polars"),
)

#: Environment variables that change what BLAS, CUDA or compiled steps do.
VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS",
    "OPENBLAS_CORETYPE", "CUDA_VISIBLE_DEVICES", "FASTNN_CACHE",
)  # fmt: skip


def add_info(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "info",
        help="show versions, BLAS and whether CUDA can be used",
        description="Show versions, BLAS and its threads, and whether CUDA can be used; if not, "
        "why, and what to do.",
    )
    p.set_defaults(run=info)
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def add_check(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "check",
        help="prove on this machine that the kernels compute what they should",
        description="Compare every kernel with plain loops over examples and units, every gradient "
        "with the numeric one, and a GPU with the CPU. Exit code 1 if anything differs.",
    )
    p.set_defaults(run=check)
    p.add_argument(
        "--device", default="auto",
        metavar="NAME",
        help="cpu, cuda, cuda:N, or auto: the CPU, and the GPU if it can be used; default: auto",
    )  # fmt: skip
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def info(arguments: argparse.Namespace) -> int:
    """Look and print."""
    from fastnn.cli.text import print_json
    from fastnn.text import pairs

    found = gather()
    if arguments.json:
        print_json(found)
        return 0
    cuda, libraries = found["cuda"], found["libraries"]
    shown = {
        "fastnn": found["fastnn"],
        "Python": f"{found['python']} on {found['system']}",
        "CPU": f"{found['cpus']} usable of {found['cpus_of_machine']}",
        "BLAS": "; ".join(map(_blas_line, found["blas"])) or "unknown",
        "libraries": ", ".join(f"{n} {v}" for n, v in libraries.items() if v is not None),
        "not installed": ", ".join(n for n, v in libraries.items() if v is None) or "none",
        "compiled steps": found["compiled"]["reason"] or "usable",
        "kernels on disk": _cache_line(found["compiled"]["cache"]),
        "CUDA": "usable" if cuda["usable"] else "not usable",
        "": cuda["reason"],
    }
    if cuda["remedy"]:
        shown["to use it"] = cuda["remedy"]
    if cuda["usable"]:
        shown["GPU products"], shown["GPU steps"] = cuda["products"], cuda["graphs"]
    for i, name in enumerate(cuda["devices"]):
        shown[f"cuda:{i}"] = name
    if found["environment"]:
        shown["environment"] = ", ".join(f"{n}={v}" for n, v in found["environment"].items())
    print(pairs(shown))
    return 0


def gather() -> dict[str, Any]:
    """Return what ``fastnn info`` shows.

    >>> sorted(gather()["cuda"])
    ['cupy', 'devices', 'driver', 'graphs', 'products', 'reason', 'remedy', 'runtime', 'usable']
    """
    from fastnn.backend.backend import cuda_capabilities
    from fastnn.backend.cuda.availability import cuda_status
    from fastnn.backend.engine import compiled_status, kernel_cache

    return {
        "fastnn": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": len(os.sched_getaffinity(0)),
        "cpus_of_machine": os.cpu_count(),
        "blas": blas(),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "compiled": {
            "usable": not compiled_status(),
            "reason": compiled_status() or None,
            "cache": kernel_cache(),
        },
        "cuda": {**vars(cuda_status()), **cuda_capabilities()},
    }


def blas() -> list[dict[str, Any]]:
    """Return the BLAS libraries that NumPy uses: name, version, and threads where that is known.

    >>> all(row["name"] for row in blas())
    True
    """
    import numpy as np

    from fastnn.backend.host.blas import find_blas

    try:
        from threadpoolctl import threadpool_info  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        built: Any = np.show_config(mode="dicts")
        found = built.get("Build Dependencies", {}).get("blas", {})
        known = find_blas()
        threads = known.get_threads() if known else None
        name = found.get("name", "unknown")
        return [{"name": name, "version": found.get("version"), "threads": threads}]
    np.dot(np.ones((2, 2)), np.ones((2, 2)))
    return [
        {"name": row["internal_api"], "version": row["version"], "threads": row["num_threads"]}
        for row in threadpool_info()
        if row["user_api"] == "blas"
    ]


def _blas_line(row: dict[str, Any]) -> str:
    threads = row["threads"]
    known = "" if threads is None else f", {threads} thread{'s' if threads != 1 else ''}"
    return f"{row['name']} {row['version'] or ''}".strip() + known


def _cache_line(cache: dict[str, Any]) -> str:
    if cache["problem"]:
        return "; ".join(["not kept", cache["problem"], *filter(None, [cache["folder"]])])
    return f"{cache['bytes'] / 2**20:.1f} MiB in {cache['folder']}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def check(arguments: argparse.Namespace) -> int:
    """Prove, print, and return 1 if anything failed."""
    from fastnn.backend.cuda.availability import cuda_status, resolve
    from fastnn.cli.text import print_json
    from fastnn.proofs.selfcheck import proofs
    from fastnn.text import table

    asked = arguments.device
    skipped = ""
    if asked == "auto":
        status = cuda_status()
        device = "cuda:0" if status.usable else "cpu"
        skipped = "" if status.usable else f"the GPU is not checked: {status}"
    else:
        device = resolve(asked)
    found = list(proofs(device))
    failed = [proof for proof in found if not proof.passed]
    if arguments.json:
        print_json(
            {
                "passed": not failed,
                "device": device,
                "not_checked": skipped or None,
                "proofs": [{**vars(proof), "passed": proof.passed} for proof in found],
                "fastnn": __version__,
            }
        )
        return 1 if failed else 0
    rows = [["what", "against", "device", "cases", "largest error", "allowed", ""]]
    for p in found:
        rows.append(
            [
                p.subject, p.oracle, p.device, str(p.cases), f"{p.largest_error:.1e}",
                f"{p.allowed:.0e}", "ok" if p.passed else "FAILED",
            ]
        )  # fmt: skip
    print(table(rows))
    for p in failed:
        print(f"FAILED: {p.subject} against {p.oracle} on {p.device}, worst at {p.worst}")
    if skipped:
        note(skipped)
    cases = sum(p.cases for p in found)
    print(f"{len(failed)} of {len(found)} proofs failed" if failed else f"all {cases} cases agree")
    return 1 if failed else 0
