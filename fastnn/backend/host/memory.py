"""How much memory the machine, or the container that this process is in, can still give."""

from __future__ import annotations

import os
from pathlib import Path

#: A container without a limit names one that no machine has.
_NO_LIMIT = 2**60


def free_memory(root: str = "/") -> int:
    """Return the bytes that can still be had without swapping; ``root`` of the system's files.

    What the system keeps as a cache of files counts as free, memory beyond the limit of a
    container (control groups, both versions) does not.

    >>> free_memory() > 2**20
    True
    """
    found = [n for n in (_available(Path(root)), *_left_in_groups(Path(root))) if n is not None]
    if found:
        return max(0, min(found))
    return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))  # not Linux: all there is


def _available(root: Path) -> int | None:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024
    return None


def _left_in_groups(root: Path) -> list[int]:
    """What is left below the limit of each control group that this process is in."""
    left = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base, limit, used = "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            base, limit = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
            used = "memory.usage_in_bytes"
        else:
            continue
        group = Path(path.lstrip("/"))
        for inner in (group, *group.parents):
            folder = root / base / inner
            most, now = _number(folder / limit), _number(folder / used)
            if most is not None and now is not None and most < _NO_LIMIT:
                left.append(most - now + _cache(folder))
    return left


def _cache(folder: Path) -> int:
    """The part of a group's memory that is a cache of files, which it gives up when asked."""
    for line in _text(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in ("total_inactive_file", "inactive_file"):
            return int(value)
    return 0


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
