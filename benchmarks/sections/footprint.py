"""What a library costs before it computes: import, megabytes on disk, memory, the first step."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from benchmarks.processes import ROOT, workers
from benchmarks.rows import FASTNN, PEERS, Row
from benchmarks.sections import Options

SECTION = "footprint"
#: The packages that bring a library, with all that they need.
LIBRARIES = {
    "numpy": ("numpy",),
    "fastnn": ("fastnn-numpy",),
    "torch": ("torch",),
    "jax": ("jax",),
    "sklearn": ("scikit-learn",),
    "keras": ("keras", "jax"),
    "thinc": ("thinc",),
}
#: What is imported to train a network; fastnn loads its parts on first use, NumPy included.
IMPORTS = {
    "fastnn": "import fastnn; fastnn.train, fastnn.Sequential",
    "sklearn": "import sklearn.neural_network",
    "thinc": "import thinc.api",
    "keras": "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
}
FIRST_STEP, MEMORY = "B:32", "A:128"


def run(options: Options) -> Iterator[list[Row]]:
    """Measure imports, sizes, first steps and memory."""
    names = tuple(LIBRARIES)
    if not options.known(SECTION, "import", names):
        yield [import_time(name, min(3, options.repeats)) for name in names]
    if not options.known(SECTION, "installed size", names):
        yield [installed_size(name) for name in names]
    systems = options.chosen(*FASTNN, *PEERS)
    if not options.known(SECTION, "first step", systems):
        yield [first_step(name) for name in systems]
    if not options.known(SECTION, "peak memory", systems):
        yield [peak_memory(name) for name in systems]


def import_time(name: str, repeats: int) -> Row:
    """Return the seconds of an import in new interpreters; the first is not counted.

    >>> import_time("json", 2).unit
    's'
    """
    statement = IMPORTS.get(name, f"import {name}")
    row = Row(SECTION, "import", name, extra={"statement": statement})
    code = (
        "import time; t = time.perf_counter()\n"
        f"{statement}\n"
        "print(time.perf_counter() - t)"
    )  # fmt: skip
    for _ in range(repeats + 1):
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
        )
        if done.returncode:
            row.error = (done.stderr.strip().splitlines() or ["no message"])[-1]
            return row
        row.values.append(float(done.stdout))
    del row.values[0]
    return row


def installed_size(name: str) -> Row:
    """Return the bytes of a library and of everything that it requires."""
    row = Row(SECTION, "installed size", name, unit="bytes")
    try:
        sizes = {d.name: size_of(d) for d in required(*LIBRARIES[name])}
    except PackageNotFoundError as error:
        row.error = f"{error.name} is not installed"
        return row
    row.values = [float(sum(sizes.values()))]
    own = sizes[distribution(LIBRARIES[name][0]).name]
    row.extra = {"packages": sorted(sizes), "own": own}
    return row


def required(*packages: str) -> list[Distribution]:
    """Return packages and what they require, directly or not, without extras.

    >>> [d.name for d in required("numpy")]
    ['numpy']
    """
    from packaging.requirements import Requirement

    found: dict[str, Distribution] = {}
    waiting = list(packages)
    while waiting:
        d = distribution(waiting.pop())
        if d.name in found:
            continue
        found[d.name] = d
        for text in d.requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return list(found.values())


def size_of(d: Distribution) -> int:
    """Return the bytes of an installed package's files; bytecode is left out."""
    if d.name == "fastnn-numpy":  # installed in place: what a wheel would hold
        files = [path for path in (ROOT / "fastnn").rglob("*") if path.is_file()]
    else:
        files = [Path(str(d.locate_file(path))) for path in d.files or ()]
    return sum(f.stat().st_size for f in files if "__pycache__" not in f.parts and f.is_file())


def first_step(name: str) -> Row:
    """Return the seconds from the start of a process to the end of its first epoch.

    Twice, because a library may keep what it has compiled; the second is with a warm cache.
    """
    row = Row(SECTION, "first step", name, extra={"of": FIRST_STEP})
    for _ in range(2):
        with workers([name]) as at_work:
            start = time.perf_counter()
            answer = at_work[name].ask("prepare", case=FIRST_STEP)
            row.error = answer.get("error")
            if row.error is None:
                row.values.append(time.perf_counter() - start)
    return row


def peak_memory(name: str) -> Row:
    """Return the most memory that a process uses which trains network A for three epochs."""
    row = Row(SECTION, "peak memory", name, unit="bytes", extra={"of": MEMORY})
    with workers([name]) as at_work:
        answer = at_work[name].ask("prepare", case=MEMORY)
        for do in ("epoch", "epoch", "memory"):
            if "error" not in answer:
                answer = at_work[name].ask(do)
    row.error = answer.get("error")
    if row.error is None:
        row.values = [float(answer["bytes"])]
    return row
