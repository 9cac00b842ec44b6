"""One system on one case, in a process of its own: ``python -m benchmarks.worker SYSTEM CASE``.

Says ``ready`` when it has compiled and warmed up, then trains an epoch for every line that it
reads and answers with the seconds it took. Every answer is one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

from benchmarks.networks import case


def say(stream: Any, **answer: object) -> None:
    """Write one line."""
    print(json.dumps(answer), file=stream, flush=True)


def main(system: str, label: str) -> int:
    """Serve until the input ends."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        start = time.perf_counter()
        epoch = importlib.import_module(f"benchmarks.systems.{system}").prepare(case(label))
        epoch()
        first = time.perf_counter() - start
        epoch()
    except ModuleNotFoundError as error:
        say(answers, error=f"{error.name} is not installed")
        return 0
    except Exception as error:  # the reason goes into the result; the others go on
        say(answers, error=f"{type(error).__name__}: {error}".splitlines()[0])
        return 0
    say(answers, ready=True, first_epoch_seconds=first)
    for line in sys.stdin:
        if line.strip() != "epoch":
            break
        start = time.perf_counter()
        epoch()
        say(answers, seconds=time.perf_counter() - start)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
