"""Arguments as the user writes them: lists, layers, names with options; errors in one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from textwrap import fill
from typing import Any, NoReturn, TypeVar

from fastnn.registry import did_you_mean

T = TypeVar("T")


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, with 'did you mean'; exit code 2.

    ``late_epilog`` gives the text below the help when it is asked for, not before: it may take
    imports that ``fastnn --help`` should not wait for. So does ``late_hint``, what to write for
    an option that is not there, if it knows better than 'did you mean'. ``words`` is the argument
    that takes whatever is no option of the command: names to be explained may look like one.
    """

    def __init__(
        self,
        *args: Any,
        late_epilog: Callable[[], str] | None = None,
        late_hint: Callable[[str], str] | None = None,
        words: str = "",
        **kwargs: Any,
    ) -> None:
        kwargs |= {"allow_abbrev": False}
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        if "description" in kwargs:  # the formatter leaves line breaks as they are
            kwargs["description"] = fill(kwargs["description"], 79)
        super().__init__(*args, **kwargs)
        self._late_epilog = late_epilog
        self._late_hint = late_hint
        self._words = words
        self.commands: dict[str, Parser] = {}

    def error(self, message: str) -> NoReturn:
        """Print one line and end with code 2."""
        self.exit(2, f"fastnn: error: {message} (see {self.prog} --help)\n")

    def format_help(self) -> str:
        """Return the help, with the epilog that is made only now."""
        if self._late_epilog is not None:
            self.epilog = self._late_epilog()
        return super().format_help()

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        """Parse; an unknown command or option is an error that names the nearest one."""
        import sys

        words = list(sys.argv[1:] if args is None else args)
        if self.commands and not words:
            words = ["--help"]
        first = next((word for word in words if not word.startswith("-")), None)
        known = f" (known: {', '.join(self.commands)})"
        if self.commands and first is not None and first not in self.commands:
            hint = did_you_mean(first, self.commands) or known
            self.error(f"unknown command {first!r}{hint}")
        found: argparse.Namespace
        found, extra = self.parse_known_args(words, namespace)
        if extra:
            command = self.commands.get(getattr(found, "command", ""), self)
            if command._words:
                setattr(found, command._words, [*getattr(found, command._words), *extra])
                return found
            shown = extra[0].partition("=")[0]
            hint = self._elsewhere(shown) or command.nearest(shown)
            command.error(f"unknown argument {shown!r}{hint}")
        return found

    def _elsewhere(self, word: str) -> str:
        """Which other commands have this very option; '' if none."""
        found = [name for name, p in self.commands.items() if word in p._option_string_actions]
        several = f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found)
        return f"; it is an option of fastnn {several}" if word.startswith("--") and found else ""

    def nearest(self, word: str) -> str:
        """Return what to write for an option that is not there; '' if nothing is like it."""
        if not word.startswith("--"):
            return ""
        if self._late_hint is not None and (hint := self._late_hint(word)):
            return hint
        options = [option for action in self._actions for option in action.option_strings]
        return did_you_mean(word, options)


def joined(lists: Iterable[Iterable[str]] | None) -> tuple[str, ...]:
    """Return the entries of an option that may be given several times.

    >>> joined([["a"], ["b", "c"]])
    ('a', 'b', 'c')
    """
    return tuple(entry for entries in lists or () for entry in entries)
