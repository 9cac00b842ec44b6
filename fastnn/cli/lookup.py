"""What is found under a name, or for a question, that ``fastnn help`` is given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fastnn.cli.entries import Entry, options_of_rows, options_of_training
from fastnn.cli.how_to import asked, is_question
from fastnn.cli.parser import Parser
from fastnn.cli.topics import TOPICS, Topic
from fastnn.errors import ArgumentError
from fastnn.registry import did_you_mean


def plain(word: str) -> str:
    """Return a name as it is looked for: --Learning-Rate is learning_rate.

    >>> plain("--Learning-Rate"), plain("N30"), plain("leaky_relu(slope=0.2)"), plain("ROC curve")
    ('learning_rate', 'n30', 'leaky_relu', 'roc_curve')
    """
    name = word.lower().lstrip("-.").partition("(")[0].partition("=")[0]
    return re.sub(r"[-\s]+", "_", name.strip())


def topic_of(word: str) -> Topic | None:
    """Return the topic of a name, if it is one; with dashes before it, it is an option.

    >>> topic_of("exit-codes").name, topic_of("Optimisers").name, topic_of("--metrics")
    ('exit-codes', 'optimizers', None)
    """
    if word.startswith("--"):
        return None
    names = {plain(name): topic for topic in TOPICS for name in (topic.name, *topic.aliases)}
    return names.get(plain(word))


def entries_of(commands: Mapping[str, Parser]) -> list[Entry]:
    """Return all that can be explained, in the order in which it is found.

    >>> {entry.kind for entry in entries_of({})} >= {"activation", "option of a training"}
    True
    """
    from fastnn.cli.tables import tables

    found = [entry for topic in TOPICS for entry in topic.entries()]
    for table in tables():
        found += options_of_rows(table)
    return [*found, *_options_of_commands(commands)]


def _options_of_commands(commands: Mapping[str, Parser]) -> Iterator[Entry]:
    """The options of the commands that are no options of a training, by what they say."""
    known = {entry.name for entry in options_of_training()}
    found: dict[tuple[str, str], list[str]] = {}
    for name, parser in commands.items():
        for action in parser._actions:
            long = [option for option in action.option_strings if option.startswith("--")]
            if long and action.dest not in known and action.help:
                text = action.help % {**vars(action), "prog": parser.prog}
                shown = " ".join(filter(None, [", ".join(action.option_strings), _metavar(action)]))
                found.setdefault((f"{long[0]} {shown}", text), []).append(name)
    for (names, text), owners in found.items():
        name, _, shown = names.partition(" ")
        every = len(owners) == len(commands)
        of = "every command" if every else f"fastnn {', '.join(owners)}"
        says = f"{text[0].upper()}{text[1:]}."
        short = tuple(re.findall(r"(?<!\S)-\w\b", shown))
        yield Entry(plain(name), f"option of {of}", says, facts={"flag": shown}, aliases=short)


def _metavar(action: Any) -> str:
    return action.metavar if isinstance(action.metavar, str) else ""


def find(word: str, commands: Mapping[str, Parser]) -> list[Entry]:
    """Return every entry of a name, alias or flag; of an equation also the rows that it is in.

    >>> [entry.kind for entry in find("momentum", {})][:2]
    ['optimizer', 'option of the batch normalization before, after']
    >>> find("adma", {})
    Traceback (most recent call last):
    fastnn.errors.ArgumentError: unknown name 'adma'; did you mean 'adam'? (fastnn help lists ...)
    """
    from fastnn.recipe.choices import elsewhere

    entries, sought = entries_of(commands), plain(word)

    def called(entry: Entry) -> set[str]:
        return {plain(name) for name in entry.names}

    found = [entry for entry in entries if sought in called(entry)]
    if not found:  # what other libraries call it: lr
        option = elsewhere(sought)[0]
        found = [entry for entry in entries if entry.name == option]
    if not found:
        known = {name: None for entry in entries for name in entry.names}
        topics = {topic.name: None for topic in TOPICS}
        hint = did_you_mean(word.lstrip("-"), [*topics, *known, *commands])
        raise ArgumentError(f"unknown name {word!r}{hint} (fastnn help lists the topics)")
    return [_with_rows(entry, entries) for entry in found]


def names_of(words: Sequence[str], commands: Mapping[str, Parser]) -> list[str]:
    """Return the names that are asked for: the words as they are, or what a question is about.

    >>> names_of(["relu", "N2"], {}), names_of(["confusion", "matrix"], {})
    (['relu', 'N2'], ['confusion matrix'])
    >>> names_of(["how", "do", "I", "see", "the", "learning", "curves"], {})
    ['learning-curve']
    >>> names_of(["where is", "dropout"], {})
    ['dropout']

    Raises ArgumentError for a question about nothing that is known.
    """
    question = " ".join(words)
    if " " not in question.strip():
        return list(words)
    known = {plain(name) for entry in entries_of(commands) for name in entry.names}
    known |= {plain(name) for topic in TOPICS for name in (topic.name, *topic.aliases)}
    known |= set(commands)
    if plain(question) in known:
        return [question]
    if all(plain(word) in known for word in words):
        return list(words)
    if found := asked(question):
        return found
    if not is_question(words):
        return list(words)
    if named := [word for word in question.strip(" ?.!").split() if plain(word) in known]:
        return named
    raise ArgumentError(
        f"nothing is found for {question!r} (fastnn help how-to lists what can be seen and done, "
        "fastnn help the topics)"
    )


def _with_rows(entry: Entry, entries: list[Entry]) -> Entry:
    """An equation with the names whose source it is."""
    if entry.kind != "equation of the notes":
        return entry
    there = [other for other in entries if entry.name in _numbers(other.source)]
    rows = " ".join(other.name for other in there if other.kind != "demo")
    demos = "; ".join(other.example for other in there if other.kind == "demo")
    see = {"see": f"fastnn help {rows}" if rows else "", "shown by": demos}
    facts = {**entry.facts, **{name: value for name, value in see.items() if value}}
    return replace(entry, facts=facts)


def _numbers(source: str) -> set[str]:
    """The equations that a source names: "N2-N5, N7" are five."""
    found = set()
    for first, last in re.findall(r"\bN(\d+)(?:-N(\d+))?\b", source):
        found |= {f"N{i}" for i in range(int(first), int(last or first) + 1)}
    return found
