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
    an option that is not there, if it knows better than 'did you mean'.
    """

    def __init__(
        self,
        *args: Any,
        late_epilog: Callable[[], str] | None = None,
        late_hint: Callable[[str], str] | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs |= {"allow_abbrev": False}
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        if "description" in kwargs:  # the formatter leaves line breaks as they are
            kwargs["description"] = fill(kwargs["description"], 79)
        super().__init__(*args, **kwargs)
        self._late_epilog = late_epilog
        self._late_hint = late_hint
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
        first = next((word for word in words if not word.startswith("-")), None)
        known = f" (known: {', '.join(self.commands)})"
        if self.commands and not words:
            self.error(f"no command is given{known}")
        if self.commands and first is not None and first not in self.commands:
            hint = did_you_mean(first, self.commands) or known
            self.error(f"unknown command {first!r}{hint}")
        found: argparse.Namespace
        found, extra = self.parse_known_args(words, namespace)
        if extra:
            command = self.commands.get(getattr(found, "command", ""), self)
            command.error(f"unknown argument {extra[0]!r}{command.nearest(extra[0])}")
        return found

    def nearest(self, word: str) -> str:
        """Return what to write for an option that is not there; '' if nothing is like it."""
        if not word.startswith("--"):
            return ""
        if self._late_hint is not None and (hint := self._late_hint(word)):
            return hint
        options = [option for action in self._actions for option in action.option_strings]
        return did_you_mean(word.partition("=")[0], options)


def split_list(text: str) -> list[str]:
    """Split at the commas that are not inside brackets.

    >>> split_list("leaky_relu(slope=0.2, x=1),tanh")
    ['leaky_relu(slope=0.2, x=1)', 'tanh']
    """
    parts, depth, start = [], 0, 0
    for i, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    parts.append(text[start:].strip())
    if "" in parts:
        raise argparse.ArgumentTypeError(f"has an empty entry in {text!r}")
    return parts


def one_or_list(convert: Callable[[str], T]) -> Callable[[str], T | list[T]]:
    """Return a converter: one value, or with commas a list with one for each layer.

    >>> one_or_list(str)("relu"), one_or_list(str)("relu,tanh")
    ('relu', ['relu', 'tanh'])
    """

    def read(text: str) -> T | list[T]:
        values = [convert(part) for part in split_list(text)]
        return values[0] if len(values) == 1 else values

    return read


def whole(text: str) -> int:
    """Read a whole number.

    >>> whole("100")
    100
    """
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs a whole number, found {text!r}") from None


def real(text: str) -> float:
    """Read a number.

    >>> real("1e-3")
    0.001
    """
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"needs a number, found {text!r}") from None


def sign(text: str) -> str:
    r"""Read a sign of a text file; a tab can be written as tab or \\t, a space as space.

    >>> sign(";"), sign("tab"), sign("\\t"), sign("space")
    (';', '\t', '\t', ' ')
    """
    return {"tab": "\t", "\\t": "\t", "space": " "}.get(text, text)


def markers(text: str) -> list[str]:
    """Read texts that mean no value; none: there are none but the empty one.

    >>> markers("-,nil"), markers("none")
    (['-', 'nil'], [])
    """
    return [] if text == "none" else split_list(text)


def add_reading(p: Any, **default: None) -> None:
    """Add the options that say how text is read."""
    p.add_argument(
        "--delimiter", metavar="C", type=sign, **default,
        help="what parts the columns of CSV files; default: a comma; tab: a tab",
    )  # fmt: skip
    p.add_argument(
        "--decimal", metavar="C", type=sign, **default,
        help="the decimal sign of numbers in text; default: a point",
    )  # fmt: skip
    p.add_argument(
        "--thousands", metavar="C", type=sign, **default,
        help="what groups their digits by thousands; default: nothing; space: a space",
    )  # fmt: skip
    p.add_argument(
        "--missing", metavar="TEXT[,TEXT]", type=markers, **default,
        help="texts that mean no value, besides the usual (NA, nan, null, none, ?); write "
        "--missing=- for a dash; none: no text does but an empty cell",
    )  # fmt: skip


def reading_of(arguments: argparse.Namespace) -> Any:
    """Return how text is to be read, None for what was not given.

    >>> reading_of(argparse.Namespace(decimal=","))
    {'delimiter': None, 'decimal': ',', 'thousands': None, 'missing': None}
    """
    names = ("delimiter", "decimal", "thousands", "missing")
    return {name: getattr(arguments, name, None) for name in names}


def layers(text: str) -> tuple[int, ...]:
    """Read the sizes of the hidden layers; nothing or 'none' is no hidden layer.

    >>> layers("256,128"), layers("none")
    ((256, 128), ())
    """
    if text.strip() in ("", "none"):
        return ()
    sizes = [part.strip() for part in text.split(",")]
    if not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise argparse.ArgumentTypeError(
            f"needs layer sizes such as 256,128, or none; found {text!r}"
        )
    return tuple(int(size) for size in sizes)


def batch_size(text: str) -> int | str:
    """Read a whole number, or a word such as 'full'.

    >>> batch_size("64"), batch_size("full")
    (64, 'full')
    """
    try:
        return int(text)
    except ValueError:
        return text


def none_or_text(text: str) -> str | None:
    """Read a name, or 'none'.

    >>> none_or_text("none") is None, none_or_text("before")
    (True, 'before')
    """
    return None if text == "none" else text


def patience(text: str) -> int | None:
    """Read a number of epochs, or 'none'.

    >>> patience("none") is None
    True
    """
    if text.strip() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"needs a number of epochs, or none; found {text!r}"
        ) from None


def shares(text: str) -> tuple[float, ...]:
    """Read three shares.

    >>> shares(".6,.2,.2")
    (0.6, 0.2, 0.2)
    """
    return tuple(real(part) for part in split_list(text))


def joined(lists: Iterable[Iterable[str]] | None) -> tuple[str, ...]:
    """Return the entries of an option that may be given several times.

    >>> joined([["a"], ["b", "c"]])
    ('a', 'b', 'c')
    """
    return tuple(entry for entries in lists or () for entry in entries)
