"""``fastnn help``: what each name is, from the tables: formula, options, defaults, source."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from fastnn.cli.parser import Parser

if TYPE_CHECKING:
    from fastnn.cli.entries import Entry
    from fastnn.cli.topics import Topic

_EPILOG = """\
examples:
  fastnn help                   the topics
  fastnn help activations       what there is of one, with formulas
  fastnn help adam              one name: formula, options, source, an example
  fastnn help --learning-rate   an option of a command
  fastnn help N30               an equation of the notes
  fastnn help confusion matrix  what to see or do, in your words"""


def add_help(commands: Any) -> Parser:
    """Add the command to the subparsers."""
    p: Parser = commands.add_parser(
        "help",
        help="explain a name: an optimizer, a loss, an option, a command",
        description="Explain activations, losses, initializers, optimizers, schedules, metrics, "
        "options, data sets, devices, files and exit codes: formula, options with defaults and "
        "ranges, where it is used, and where it comes from.",
        epilog=_EPILOG,
        words="names",
    )
    p.set_defaults(run=lambda arguments: run(arguments, commands.choices))
    p.add_argument(
        "names", nargs="*", metavar="NAME", help="a topic, a name, an option or a command"
    )
    p.add_argument("--json", action="store_true", help="print one JSON document")
    return p


def run(arguments: argparse.Namespace, commands: Mapping[str, Parser]) -> int:
    """Look each name up, and show what is found."""
    from fastnn.cli.lookup import find, names_of, topic_of
    from fastnn.cli.text import print_json
    from fastnn.cli.topics import TOPICS

    names = names_of(arguments.names, commands)
    topics = [topic for topic in map(topic_of, names) if topic is not None]
    others = [name for name in names if topic_of(name) is None]
    if arguments.json:
        entries = [entry for topic in topics for entry in topic.entries()]
        entries += [entry for name in others for entry in find(name, commands)]
        shown = topics or ([] if names else TOPICS)
        print_json(
            {
                "topics": [{"name": topic.name, "says": topic.says} for topic in shown],
                "entries": [entry.to_json() for entry in entries],
            }
        )
        return 0
    parts = [] if names else [overview(commands)]
    parts += [listing(topic) for topic in topics]
    for name in others:
        if name in commands:
            parts.append(commands[name].format_help().rstrip())
        else:
            parts += [page(entry) for entry in find(name, commands)]
    print("\n\n".join(parts))
    return 0


def overview(commands: Mapping[str, Parser]) -> str:
    """Return the topics, and what else can be asked for.

    >>> print(overview({"train": Parser()}))
    topics, for fastnn help TOPIC:
      activations    g in A = g(Z), of hidden layers and the output
      ...
    """
    from fastnn.cli.topics import TOPICS
    from fastnn.text import pairs

    asked = {
        "fastnn help adam": "any name of a topic",
        "fastnn help --learning-rate": "any option",
        "fastnn help N30": "an equation of the notes",
        "fastnn help confusion matrix": "what to see or do, in your words",
        "fastnn help train": f"a command: {', '.join(commands)}",
    }
    return "\n".join(
        [
            "topics, for fastnn help TOPIC:",
            pairs({topic.name: topic.says for topic in TOPICS}, indent="  "),
            "",
            "and also",
            pairs(asked, indent="  "),
        ]
    )


def listing(topic: Topic) -> str:
    """Return a topic's names, each with its formula and what it is.

    >>> from fastnn.cli.lookup import topic_of
    >>> print(listing(topic_of("activations")))
    activations: g in A = g(Z), of hidden layers and the output
    <BLANKLINE>
      identity     a = z; g' = 1
                   Any number: the output of a regression.
      ...
    """
    from fastnn.text import WIDTH, pairs

    entries = topic.entries()
    width = max(len(entry.name) for entry in entries)
    lines = [f"{topic.name}: {topic.says}", ""]
    for entry in entries:
        name = entry.name.ljust(width)
        for text in [*_headline(entry, WIDTH - width - 4), entry.says]:
            lines.append(pairs({name: text}, indent="  "))
            name = " " * width
    flags = {entry.facts.get("flag") for entry in entries}
    common = f"set by {flags.pop()}; " if len(flags) == 1 and None not in flags else ""
    if any(entry.facts for entry in entries):
        lines += ["", f"{common}fastnn help {entries[0].name} says more of one"]
    return "\n".join(lines)


def _headline(entry: Entry, width: int) -> Sequence[str]:
    """What comes before the sentence: the formula in one line if it fits, an option's flag."""
    formula = "; ".join(entry.formula)
    if formula:
        return [formula] if len(formula) <= width else entry.formula
    if entry.kind == "option of a training":
        flag = entry.facts.get("flag", "in Python only")
        return [f"{flag}; default: {entry.facts['default']}"]
    return []


def page(entry: Entry) -> str:
    """Return what there is to say of a name.

    >>> from fastnn.cli.lookup import find
    >>> print(page(find("leaky_relu", {})[0]))
    leaky_relu: activation
      ReLU with a small slope below 0, so that no unit is dead.
    <BLANKLINE>
      formula        a = z if z > 0, else slope z
                     g' = 1 if a > 0, else slope
      where          z is a unit's weighted sum, a = g(z), and g' is its slope
      options        slope=0.01 in [0, 1]: the slope below 0
      first weights  he_normal, unless --initializer says otherwise
      flag           --activation, --output-activation
      source         N5
      example        fastnn train digits --activation "leaky_relu(slope=0.01)"
    """
    from fastnn.text import WIDTH

    title = f"{entry.name}: {entry.kind}"
    if entry.aliases:
        title += f", also {', '.join(entry.aliases)}"
    said = fill(entry.says, WIDTH, initial_indent="  ", subsequent_indent="  ")
    rows = [("formula", line) for line in entry.formula]
    facts = dict(entry.facts)
    rows.append(("where", facts.pop("where", "")))
    for o in entry.options:
        takes = f" in {o.range}" if o.range[0] in "[(" else f", {o.range}"
        rows.append(("options", f"{o.setting}{takes}: {o.says}"))
    rows += facts.items()
    rows += [("source", entry.source), ("example", entry.example)]
    return "\n".join([title, said, *_rows([row for row in rows if row[1]])])


def _rows(rows: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Names and values in lines after an empty one; a name that is there again is left out."""
    from fastnn.text import pairs

    width = max((len(name) for name, _ in rows), default=0)
    lines, last = [""] * bool(rows), ""
    for name, value in rows:
        shown = "" if name == last else name
        lines.append(pairs({shown.ljust(width): value}, indent="  "))
        last = name
    return lines
