"""Trainings shared out to processes, by joblib or dask, each with its share of the cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from fastnn.errors import ArgumentError
from fastnn.registry import did_you_mean

T = TypeVar("T")

WORKERS = ("joblib", "dask")


def in_processes(
    work: Callable[..., list[T]],
    items: Sequence[Any],
    given: Mapping[str, Any],
    *,
    jobs: int,
    workers: str = "joblib",
) -> list[T]:
    """Return ``work(items, **given)``, an entry for each item, done by ``jobs`` processes.

    Each process gets every ``jobs``-th item and as many threads as there are cores for it, one at
    least. "dask" starts processes of its own here, or uses the scheduler that dask's configuration
    names (``DASK_SCHEDULER_ADDRESS``).

    >>> in_processes(sorted, [2, 1], {}, jobs=1)
    [1, 2]

    Raises ArgumentError if the library is not installed.
    """
    if workers not in WORKERS:
        raise ArgumentError(
            f"workers must be 'joblib' or 'dask', found {workers!r}{did_you_mean(workers, WORKERS)}"
        )
    jobs = min(jobs, len(items))
    if jobs == 1 and workers == "joblib":
        return work(items, **given)
    shares = [list(items[first::jobs]) for first in range(jobs)]
    run = _joblib if workers == "joblib" else _dask
    results: list[Any] = [None] * len(items)
    for first, found in enumerate(run(work, shares, given)):
        results[first::jobs] = found
    return results


def _joblib(
    work: Callable[..., list[T]], shares: Sequence[list[Any]], given: Mapping[str, Any]
) -> list[list[T]]:
    try:
        from joblib import Parallel, delayed, parallel_config
    except ImportError as error:
        raise ArgumentError(
            "workers='joblib' needs joblib: pip install 'fastnn[search]'"
        ) from error
    threads = max(1, len(os.sched_getaffinity(0)) // len(shares))
    with parallel_config(backend="loky", inner_max_num_threads=threads):
        found: list[list[T]] = Parallel(n_jobs=len(shares))(
            delayed(work)(share, **given) for share in shares
        )
    return found


def _dask(
    work: Callable[..., list[T]], shares: Sequence[list[Any]], given: Mapping[str, Any]
) -> list[list[T]]:
    try:
        import dask
        from distributed import Client
    except ImportError as error:
        raise ArgumentError("workers='dask' needs dask: pip install 'fastnn[dask]'") from error
    start: Any = Client
    own = {"n_workers": len(shares), "threads_per_worker": 1, "dashboard_address": None}
    # Its own processes have one thread of BLAS each: dask sees to that.
    with start(**({} if dask.config.get("scheduler-address", None) else own)) as client:
        futures = [client.submit(work, share, pure=False, **given) for share in shares]
        found: list[list[T]] = client.gather(futures)
    return found
