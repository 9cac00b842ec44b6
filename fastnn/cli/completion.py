"""``fastnn completion``: what completes commands, options and names in a shell, by shtab."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any

from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError, MissingExtraError, arg
from fastnn.extras import pip_install
from fastnn.recipe.checks import told
from fastnn.recipe.choices import OPTIONS
from fastnn.registry import one_of

SHELLS = ("bash", "zsh", "tcsh")

#: Arguments, by how the help writes them, that name a file.
_FILES = ("DATA", "MODEL", "OUT", "FILE")

_EPILOG = """\
bash, once:
  fastnn completion bash > ~/.fastnn_completion
  echo 'source ~/.fastnn_completion' >> ~/.bashrc
zsh, once; the first line of ~/.zshrc must be: fpath=(~/.zfunc $fpath)
  mkdir -p ~/.zfunc
  fastnn completion zsh > ~/.zfunc/_fastnn
tcsh, once:
  fastnn completion tcsh > ~/.fastnn_completion
  echo 'source ~/.fastnn_completion' >> ~/.tcshrc"""

#: Completes a data set's name or a file, as shtab wants it: a function for each shell.
_DATA = """\
_fastnn_name_or_file() {{
  compgen -W "{names}" -- "$1"
  compgen -f -- "$1"
}}"""
_DATA_ZSH = """\
_fastnn_name_or_file() {{
  _alternative 'names:data set:({names})' 'files:file:_files'
}}"""

#: Completes the last of several names with commas between them; bash gives the function the word.
_LIST = """\
{function}() {{
  local before=
  [[ $1 == *,* ]] && before=${{1%,*}},
  compgen -P "$before" -W "{names}" -- "${{1##*,}}"
}}"""


def add_completion(commands: Any, root: Parser) -> Parser:
    """Add the command to the subparsers of ``root``, which is what is completed."""
    p: Parser = commands.add_parser(
        "completion",
        help="print what completes commands, options and names in a shell",
        description="Print a script for bash, zsh or tcsh, by which the tab key completes "
        "commands, options, names of optimizers, losses, data sets and so on, and files. "
        f"It needs shtab: {pip_install('completion')}.",
        epilog=_EPILOG,
    )
    p.set_defaults(run=lambda arguments: run(arguments, root))
    p.add_argument("shell", metavar="SHELL", nargs="?", help=", ".join(SHELLS))
    return p


def run(arguments: argparse.Namespace, root: Parser) -> int:
    """Print the script.

    Raises ArgumentError, which names the shells, for another one or none.
    """
    if arguments.shell is None:
        own = os.path.basename(os.environ.get("SHELL", ""))
        likely = own if own in SHELLS else SHELLS[0]
        raise ArgumentError(
            f"{arg('shell')} is missing: one of {', '.join(SHELLS)}, as in: "
            f"fastnn completion {likely}"
        )
    print(script(root, one_of("shell", arguments.shell, SHELLS)))
    return 0


def script(root: Parser, shell: str) -> str:
    """Return the script for one shell.

    Raises MissingExtraError if shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise MissingExtraError(
            f"fastnn completion needs shtab, which is not installed: {pip_install('completion')}",
            name="shtab",
        ) from error
    for command in root.commands.values():
        for action in command._actions:
            _complete(action, root, shell, shtab.FILE)
    text: str = shtab.complete(root, shell)
    return text


def _complete(action: Any, root: Parser, shell: str, files: Any) -> None:
    """Tell shtab what an argument takes: ``choices``, or ``complete`` for files."""
    named = "data" if action.metavar == "DATA" else action.dest  # also of inspect --weights DATA
    words = list(dict.fromkeys(_words(named, root)))
    if action.metavar == "DATA":
        names = " ".join(words)
        function = "_fastnn_name_or_file"
        action.complete = {
            "bash": function,
            "zsh": function,
            "tcsh": files["tcsh"],
            "preamble": {"bash": _DATA.format(names=names), "zsh": _DATA_ZSH.format(names=names)},
        }
    elif action.metavar in _FILES:
        action.complete = files
    elif words and "," in (action.metavar or "") and shell == "bash":
        action.complete = _list(action.dest, words)
    elif words and action.nargs != 0:
        action.choices = words


def _list(dest: str, words: Sequence[str]) -> dict[str, Any]:
    """What completes names with commas between them, as shtab wants it."""
    function = f"_fastnn_{dest}"
    names = " ".join(words)
    return {"bash": function, "preamble": {"bash": _LIST.format(function=function, names=names)}}


def _words(dest: str, root: Parser) -> Iterator[str]:
    """The words that an argument takes."""
    from fastnn.cli.tables import tables
    from fastnn.demos.table import DEMOS

    by_kind = {table.kind: table.names for table in (*tables(), DEMOS)}
    if dest == "data":
        yield from by_kind["data set"]
    elif dest == "shell":
        yield from SHELLS
    elif dest == "names":
        yield from _explained(root)
    elif dest == "name":
        yield from by_kind["demo"]
    elif dest == "by":
        yield from ("loss", *by_kind["metric"])
    elif dest == "workers":
        yield from ("joblib", "dask")
    elif dest == "what":
        from fastnn.timing.comparison import subjects

        yield from (subject.kind for subject in subjects())
    elif dest in OPTIONS:
        check = told(OPTIONS[dest].check)
        yield from (*check.words, *by_kind.get(check.kind, ()))


def _explained(root: Parser) -> Iterator[str]:
    """All that ``fastnn help`` can be asked for."""
    from fastnn.cli.lookup import entries_of
    from fastnn.cli.topics import TOPICS

    yield from (topic.name for topic in TOPICS)
    yield from root.commands
    yield from (entry.name for entry in entries_of(root.commands))
