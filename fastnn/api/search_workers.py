"""Trainings shared out to processes, by joblib or dask, each with its share of the cores."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

from fastnn.errors import ArgumentError, arg
from fastnn.extras import pip_install
from fastnn.training.history import History
from fastnn.training.loop import TrainingInterrupted

T = TypeVar("T")

WORKERS = ("joblib", "dask")


def in_processes(
    work: Callable[..., list[T]],
    items: Sequence[Any],
    given: Mapping[str, Any],
    *,
    jobs: int,
    workers: str = "joblib",
    together: Sequence[Sequence[int]] | None = None,
) -> list[T]:
    """Return ``work(items, **given)``, an entry for each item, done by ``jobs`` processes.

    ``together``: the places of the items that are done faster at once, every item in one list;
    each list is shared out to the processes, which have as many threads as there are cores for it,
    one at least. "dask" starts processes of its own here, or uses the scheduler that dask's
    configuration names (``DASK_SCHEDULER_ADDRESS``).

    >>> in_processes(sorted, [2, 1], {}, jobs=1)
    [1, 2]

    Raises ArgumentError if the library is not installed. Ctrl-C raises TrainingInterrupted, whose
    ``result`` is the list with the shares that were done, and None for all else.
    """
    jobs = min(jobs, len(items))
    if jobs == 1 and workers == "joblib":
        return work(items, **given)
    together = [range(len(items))] if together is None else together
    shares = [members[first::jobs] for members in together for first in range(jobs)]
    shares = [share for share in shares if share]
    run = _joblib if workers == "joblib" else _dask
    results: list[Any] = [None] * len(items)
    try:
        lists = [[items[i] for i in share] for share in shares]
        with closing(run(work, lists, given, min(jobs, len(shares)))) as done:
            for share, found in done:
                for i, result in zip(shares[share], found, strict=True):
                    results[i] = result
    except KeyboardInterrupt:
        raise TrainingInterrupted(History(), results) from None
    return results


def _numbered(
    share: int, work: Callable[..., list[T]], items: list[Any], given: Mapping[str, Any]
) -> tuple[int, list[T]]:
    return share, work(items, **given)


def _joblib(
    work: Callable[..., list[T]], shares: Sequence[list[Any]], given: Mapping[str, Any], jobs: int
) -> Generator[tuple[int, list[T]]]:
    """Yield each share's number and results when it is done; leaving early ends the processes."""
    try:
        from joblib import Parallel, delayed, parallel_config
        from joblib.externals.loky.backend.resource_tracker import ensure_running
    except ImportError as error:
        raise ArgumentError(
            f"{arg('workers', 'joblib')} needs joblib: {pip_install('search')}"
        ) from error
    threads = max(1, len(os.sched_getaffinity(0)) // jobs)
    with parallel_config(backend="loky", inner_max_num_threads=threads):
        pool = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        tasks = (delayed(_numbered)(i, work, share, given) for i, share in enumerate(shares))
        ensure_running()  # up to joblib 1.5 it would let the signals through again
        with _deaf_to_the_terminal():
            found = pool(tasks)
        try:
            for one in found:  # noqa: UP028  # it is closed below
                yield one
        finally:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it is left early is meant
                found.close()


def _dask(
    work: Callable[..., list[T]], shares: Sequence[list[Any]], given: Mapping[str, Any], jobs: int
) -> Generator[tuple[int, list[T]]]:
    """Yield each share's number and results when it is done; leaving early ends the processes."""
    try:
        import dask
        from distributed import Client, as_completed
    except ImportError as error:
        raise ArgumentError(
            f"{arg('workers', 'dask')} needs dask: {pip_install('dask')}"
        ) from error
    start: Any = Client
    own = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    # Its own processes have one thread of BLAS each: dask sees to that.
    foreign = dask.config.get("scheduler-address", None)
    with _deaf_to_the_terminal():
        client = start(**({} if foreign else own))
    with client:
        try:
            (sent,) = client.scatter([dict(given)], hash=False)
            futures = [
                client.submit(_numbered, i, work, share, sent, pure=False)
                for i, share in enumerate(shares)
            ]
            completed: Any = as_completed
            for _, found in completed(futures, with_results=True):
                yield found
        except (KeyboardInterrupt, GeneratorExit):
            if not foreign:  # or each process would tell how it is stopped
                _hush()
                client.run(_hush_there, wait=False)
            raise


@contextmanager
def _deaf_to_the_terminal() -> Iterator[None]:
    """Start processes here that get none of the terminal's signals, which go to all of a command.

    This process is to end them: each would tell how it was stopped. A signal that is blocked stays
    so in what a thread starts, from its first moment.
    """
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # in Python 3.11 its start lets signals through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _hush() -> None:
    import logging

    logging.getLogger("distributed").setLevel(logging.CRITICAL)


async def _hush_there() -> None:  # dask runs no other function without waiting for it
    _hush()
