"""Run the benchmark suite.

Every system trains the same networks on the same data, in a process of its own, in turn. Run it
on a quiet machine. Results are kept after every case.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.measure import SYSTEMS, Row, measure
from benchmarks.networks import NETWORKS, all_cases, case
from benchmarks.results import compare, machine, save, table, to_json


def main() -> int:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "cases", nargs="*", metavar="CASE",
        help=f"NETWORK:BATCH such as A:128 (networks {', '.join(NETWORKS)}); default: all",
    )  # fmt: skip
    parser.add_argument(
        "--systems", default=",".join(SYSTEMS), help="which ones, by default all: %(default)s"
    )
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default %(default)s)")
    parser.add_argument("--out", type=Path, help="write the results into this JSON file")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="say what became slower")
    arguments = parser.parse_args()
    systems = arguments.systems.split(",")
    unknown = [s for s in systems if s not in SYSTEMS]
    if unknown:
        parser.error(f"unknown system {unknown[0]!r}; choose from {', '.join(SYSTEMS)}")
    try:
        cases = [case(label) for label in arguments.cases] or all_cases()
    except (KeyError, ValueError):
        parser.error(f"a case is NETWORK:BATCH with a network of {', '.join(NETWORKS)}")
    rows: list[Row] = []
    about = machine()
    try:
        for c in cases:
            found = measure(c, systems, arguments.repeats)
            print(table(found).partition("\nfastnn_")[0], flush=True)
            rows += found
            if arguments.out:
                save(arguments.out, to_json(rows, about))
    except KeyboardInterrupt:
        print("interrupted: what was measured is kept", file=sys.stderr)
    if rows:
        print("\n".join(line for line in table(rows).splitlines() if "geometric mean" in line))
    if arguments.compare and rows:
        print(compare(arguments.compare, rows, about))
    return 0


if __name__ == "__main__":
    sys.exit(main())
