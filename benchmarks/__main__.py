"""Run the benchmark suite: every system trains the same networks on the same data, in a process of
its own, in turn. Run it on a quiet machine. With --out, results are kept after every case, and a
run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.networks import FASHION, NETWORKS, case
from benchmarks.results import ResultsError, compare, differences, load, machine, merge, save
from benchmarks.rows import SYSTEMS, Row
from benchmarks.sections import Options, accuracy, footprint, kernels, latency, steps
from benchmarks.tables import summary, table

#: In the order in which they run: what matters most comes first.
SECTIONS = {
    "steps": (steps.run, "seconds per training step, networks A to F"),
    "accuracy": (accuracy.run, "time to 0.88 on Fashion-MNIST"),
    "latency": (latency.run, "the prediction of one row"),
    "footprint": (footprint.run, "import, size, first step, memory"),
    "scaling": (steps.run_scaling, "step time over width and depth"),
    "kernels": (kernels.run, "loop, NumPy, compiled, GPU"),
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    networks = ", ".join(name for name in NETWORKS if name != FASHION)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE",
        help=f"NETWORK:BATCH such as A:128 (networks {networks}); these steps alone",
    )  # fmt: skip
    sections = "; ".join(f"{name}: {what}" for name, (_, what) in SECTIONS.items())
    parser.add_argument("--only", metavar="SECTION,...", help=f"of {sections}")
    parser.add_argument(
        "--systems", default=",".join(SYSTEMS), help="which ones, by default all: %(default)s"
    )
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default %(default)s)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.json",
        help="keep the results there; what it has already is not measured again",
    )  # fmt: skip
    parser.add_argument("--again", action="store_true", help="measure what --out has again")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="begin no case after so many"
    )
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="say what became slower")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the arguments, measure, print."""
    parser = build_parser()
    arguments = parser.parse_args(argv)
    chosen = _sections(parser, arguments)
    systems = tuple(arguments.systems.split(","))
    if unknown := [s for s in systems if s not in SYSTEMS]:
        parser.error(f"unknown system {unknown[0]!r}; choose from {', '.join(SYSTEMS)}")
    if arguments.repeats < 1:
        parser.error(f"--repeats must be at least 1, found {arguments.repeats}")
    if not arguments.minutes >= 0:
        parser.error(f"--minutes must be 0 or more, found {arguments.minutes:g}")
    about = machine()
    try:
        kept = _kept(arguments.out, about)
        if arguments.compare:
            load(arguments.compare)  # before any work is done for it
    except ResultsError as error:
        parser.error(str(error))
    done = {} if arguments.again else {(r.section, r.case, r.system): r for r in kept}
    options = Options(
        tuple(arguments.cases), systems, arguments.repeats,
        lambda section, label, names: all((section, label, n) in done for n in names),
    )  # fmt: skip
    found, interrupted = measure(chosen, options, arguments.out, kept, about, arguments.minutes)
    if text := summary(merge(kept, found)):
        print(text)
    if arguments.compare:
        print(compare(arguments.compare, found, about))
    return 130 if interrupted else 0


def _sections(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> list[str]:
    asked = (arguments.only or ("steps" if arguments.cases else ",".join(SECTIONS))).split(",")
    if unknown := [name for name in asked if name not in SECTIONS]:
        parser.error(f"unknown section {unknown[0]!r}; choose from {', '.join(SECTIONS)}")
    if arguments.cases and asked != ["steps"]:
        parser.error("cases are for the section steps alone")
    for label in arguments.cases:
        try:
            case(label)
        except (KeyError, ValueError):
            parser.error(f"{label!r}: a case is NETWORK:BATCH with a network of A to F")
    return [name for name in SECTIONS if name in asked]


def _kept(out: Path | None, about: dict[str, object]) -> list[Row]:
    """The rows that ``--out`` has already; an error if they are of another machine."""
    if out is None:
        return []
    if not out.parent.is_dir():
        raise ResultsError(f"--out: there is no folder {str(out.parent)!r}; create it first")
    if not out.exists():
        return []
    rows, machine_before = load(out)
    if differ := differences(machine_before, about):
        raise ResultsError(f"{out}: of another machine ({differ}); name another file")
    return rows


def measure(
    chosen: list[str],
    options: Options,
    out: Path | None,
    kept: list[Row],
    about: dict[str, object],
    minutes: float = float("inf"),
) -> tuple[list[Row], bool]:
    """Run the sections; return what was measured, and whether it was interrupted."""
    found: list[Row] = []
    begin = time.perf_counter()
    try:
        for name in chosen:
            for rows in SECTIONS[name][0](options):
                seconds = time.perf_counter() - begin
                print(f"[{seconds:.0f} s] {table(rows)}\n", flush=True)
                found += rows
                if out:
                    save(out, merge(kept, found), about)
                if time.perf_counter() - begin > 60 * minutes:
                    print(f"stopped after {minutes:g} minutes: the rest is not measured",
                          file=sys.stderr)  # fmt: skip
                    return found, False
    except KeyboardInterrupt:
        print("interrupted: what was measured is kept", file=sys.stderr)
        return found, True
    return found, False


if __name__ == "__main__":
    sys.exit(main())
