"""The command ``fastnn``: its parser, and what becomes of errors.

Without anything it prints its help and ends with 0, as pip and docker do: nothing went wrong.

Exit codes: 0 all went well; 1 training diverged or a check failed; 2 a wrong argument; 3 data or
files that cannot be used, or standard output that cannot be written (0 if its reader has gone, as
`| head` does); 4 a device that cannot be used; 130 interrupted by Ctrl-C, 128 + N by signal N.
Results go to standard output, progress, notes, warnings and errors to standard error, an error in
one line; where that cannot be written they are left out.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from textwrap import fill

from fastnn.cli.bench import add_bench
from fastnn.cli.completion import add_completion
from fastnn.cli.demo import add_demo
from fastnn.cli.diagnose import add_check, add_info
from fastnn.cli.exit_codes import EXIT_CODES, MEANINGS
from fastnn.cli.explain import add_explain
from fastnn.cli.export import add_export
from fastnn.cli.help import add_help
from fastnn.cli.inspection import add_inspect
from fastnn.cli.messages import ResultsLostError, note, standard_streams, warn_in_one_line
from fastnn.cli.parser import Parser
from fastnn.cli.report import add_report
from fastnn.cli.search import add_search
from fastnn.cli.signals import as_interrupts
from fastnn.cli.standard_input import standard_input
from fastnn.cli.train import add_train
from fastnn.cli.train_arguments import as_flag
from fastnn.cli.use import add_evaluate, add_predict
from fastnn.errors import FastnnError
from fastnn.extras import package_of
from fastnn.version import __version__

_CODES = ", ".join(f"{code} {meaning}" for code, meaning in MEANINGS.items())
_EPILOG = f"""\
examples:
  fastnn train digits --seed 0
  fastnn train flats.csv --target price --hidden 64,32 --out flats.fastnn
  fastnn search digits --grid "learning_rate=1e-3,1e-2;activation=relu,tanh"
  fastnn predict flats.fastnn new_flats.csv -o prices.csv
  fastnn evaluate flats.fastnn more_flats.csv
  fastnn inspect flats.fastnn
  fastnn report flats.fastnn more_flats.csv
  fastnn explain flats.fastnn more_flats.csv
  fastnn export flats.fastnn flats.onnx
  fastnn demo forward --open
  fastnn help adam

{fill("exit codes: " + _CODES, 79)}"""


def build_parser() -> Parser:
    """Return the parser of the whole command line.

    >>> build_parser().parse_args(["train", "digits", "--hidden", "64,32"]).hidden_layer_sizes
    (64, 32)
    """
    parser = Parser(
        prog="fastnn",
        description="Train feed-forward neural networks on tables and small images, and use them.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"fastnn {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    for add in (
        add_train,
        add_search,
        add_predict,
        add_evaluate,
        add_inspect,
        add_report,
        add_explain,
        add_export,
        add_info,
        add_check,
        add_bench,
        add_demo,
        add_help,
        lambda commands: add_completion(commands, parser),
    ):
        command = add(commands)
        command.add_argument("--traceback", action="store_true", help="show where an error arose")
        command.set_defaults(traceback=False)
        parser.commands[command.prog.split()[-1]] = command
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    >>> main(["--version"])
    fastnn ...
    0
    """
    with standard_streams(), as_interrupts() as received:
        code = _run(argv, received)
    return 128 + received[0] if received and code == 130 else code


def _run(argv: Sequence[str] | None, received: Sequence[int]) -> int:
    """Run a command; every error becomes a line on standard error and an exit code."""
    arguments = argparse.Namespace()
    try:
        try:
            arguments = build_parser().parse_args(argv)
            code = _command(arguments)
        except SystemExit as stop:  # --help, --version, or an error that has been printed
            code = int(stop.code or 0)
        sys.stdout.flush()  # so that a full disk or a closed pipe is met here
        return code
    except ResultsLostError as lost:
        if not lost.unread:  # else the reader has seen enough (`| head`)
            saved = getattr(arguments, "saved", "")
            note(f"error: {lost}" + (f"; the model is saved in {saved}" if saved else ""))
        return 130 if received else 0 if lost.unread else 3
    except KeyboardInterrupt:
        note("interrupted")
        return 130
    except Exception as error:
        if getattr(arguments, "traceback", False):
            import traceback

            traceback.print_exc()
        code, message = explain(error)
        note(f"error: {' '.join(message.split())}")
        return code


def _command(arguments: argparse.Namespace) -> int:
    run: Callable[[argparse.Namespace], int] = arguments.run
    with warnings.catch_warnings():
        warn_in_one_line(as_flag)
        with standard_input(arguments):
            return run(arguments)


def explain(error: Exception) -> tuple[int, str]:
    """Return the exit code of an error and what to tell the user, arguments spelt as flags.

    >>> explain(FastnnError("the GPU is busy"))
    (1, 'the GPU is busy')
    """
    for kind, code in EXIT_CODES:
        if isinstance(error, kind):
            return code, error.said(as_flag) if isinstance(error, FastnnError) else str(error)
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("fastnn"):
        module = error.name or ""
        return 1, f"the library {module!r} is not installed: pip install {package_of(module)}"
    if isinstance(error, UnicodeEncodeError):
        found = error.object[error.start : error.end]
        return 3, (
            f"the output's encoding {error.encoding!r} cannot show {found!r}: "
            "set PYTHONUTF8=1, or write to a file with -o"
        )
    if isinstance(error, MemoryError):
        return 1, f"not enough memory ({error}): use fewer rows, a smaller network or batch size"
    if isinstance(error, OSError):
        where = f"file {str(error.filename)!r}" if error.filename else "the output"
        return 3, f"{where} cannot be read or written: {error.strerror or error}"
    return 1, (
        f"{type(error).__name__}: {error} (this is a defect of fastnn: run again with "
        "--traceback and report what it shows)"
    )
