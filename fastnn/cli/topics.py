"""The topics of ``fastnn help``, and what is found under a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from types import MappingProxyType
from typing import Any

from fastnn.cli.entries import Entry, options_of_rows, options_of_training, rows_of
from fastnn.cli.exit_codes import MEANINGS
from fastnn.cli.parser import Parser
from fastnn.errors import ArgumentError
from fastnn.extras import pip_install
from fastnn.registry import did_you_mean


@dataclass(frozen=True)
class Topic:
    """What can be listed; ``aliases``: what it is called, too."""

    name: str
    says: str
    entries: Callable[[], list[Entry]]
    aliases: tuple[str, ...] = ()


def _table(kind: str) -> Callable[[], list[Entry]]:
    """The rows of the table of that kind, which is looked for when they are asked for."""

    def entries() -> list[Entry]:
        from fastnn.cli.tables import tables

        return rows_of(next(table for table in tables() if table.kind == kind))

    return entries


def _devices() -> list[Entry]:
    from fastnn.backend.cuda.availability import cuda_status

    status = cuda_status()
    here = {"here": "usable" if status.usable else f"not usable: {status}"}
    return [
        _device("cpu", "The processor, by NumPy or compiled code. The default."),
        _device("cuda", "An NVIDIA GPU, through CuPy: the first one.", here),
        _device("cuda:1", "The second GPU, and so on: they count from 0.", here),
        _device("auto", "The GPU if it can be used, else the CPU; it says which.", here),
    ]


def _device(name: str, says: str, facts: Mapping[str, str] = MappingProxyType({})) -> Entry:
    return Entry(
        name, "device", says,
        facts={"flag": "--device", **facts},
        source="N33",
        example=f"fastnn train digits --device {name}",
    )  # fmt: skip


def _engines() -> list[Entry]:
    from fastnn.backend.engine import compiled_status

    here = {"here": compiled_status() or "usable"}
    said = {
        "numpy": ("Each instruction of a step is a call of NumPy.", {}),
        "compiled": ("The whole step is one function of machine code, on several threads.", here),
        "auto": ("Compiled where that saves more than it costs. The default.", here),
    }
    return [
        Entry(
            name, "engine", says,
            facts={"flag": "--engine", **facts},
            source="N17",
            example=f"fastnn train digits --engine {name}",
        )
        for name, (says, facts) in said.items()
    ]  # fmt: skip


def _files() -> list[Entry]:
    from fastnn.data.files import CSV_SUFFIXES

    data, onnx = pip_install("data"), pip_install("onnx")
    table = {"used as": "DATA, --validation, --test"}
    said = {
        "csv": (
            "A table as text, with a line of names; also inside of .gz or .zip.",
            {"ends in": ", ".join(CSV_SUFFIXES), **table, "needs": data},
            "fastnn train flats.csv --target price",
        ),
        "parquet": (
            "A table with typed columns.",
            {"ends in": ".parquet", **table, "needs": data},
            "fastnn train flats.parquet --target price",
        ),
        "npz": (
            "Arrays of NumPy by name; a matrix x is the columns x0, x1 and so on.",
            {"ends in": ".npz", **table},
            "fastnn train flats.npz --target price",
        ),
        "fastnn": (
            "A model: weights, preprocessing, labels and history in one safetensors file, "
            "without code in it.",
            {"ends in": ".fastnn, or any name", "used as": "MODEL, --out"},
            "fastnn inspect flats.fastnn",
        ),
        "onnx": (
            "A model for other programs: preprocessing, network and labels as one graph.",
            {"ends in": ".onnx", "used as": "OUT of fastnn export", "needs": onnx},
            "fastnn export flats.fastnn flats.onnx",
        ),
        "html": (
            "A report of a training, or of models side by side: a page that needs no network.",
            {"ends in": ".html", "used as": "--report, --out of fastnn report"},
            "fastnn report flats.fastnn more_flats.csv",
        ),
        "safetensors": (
            "Weights of a PyTorch network, which become a model in Python.",
            {"ends in": ".safetensors", "in Python": "fastnn.from_pytorch"},
            "",
        ),
    }
    return [
        Entry(name, "file", says, facts=facts, example=example)
        for name, (says, facts, example) in said.items()
    ]


def _exit_codes() -> list[Entry]:
    return [
        Entry(str(code), "exit code", f"{meaning[0].upper()}{meaning[1:]}.")
        for code, meaning in MEANINGS.items()
    ]


def _demos() -> list[Entry]:
    from fastnn.demos.table import DEMOS

    return [
        Entry(
            row.name, "demo", f"{row.title}.",
            facts={"picture": row.picture, "in Python": f"fastnn.demos.{row.function_name}()"},
            source=row.notes,
            example=f"fastnn demo {row.name}",
            aliases=row.aliases,
        )
        for row in DEMOS
    ]  # fmt: skip


#: | N8 | what | vectorised | in loops |
_EQUATION = re.compile(r"^\| (N\d+) \| (.*?) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)


def _equations() -> list[Entry]:
    """The equations of the notes, from the table of the design that says where each is."""
    text = resources.files("fastnn").joinpath("README.md").read_text(encoding="utf-8")
    found = []
    for number, what, vectorised, loops in _EQUATION.findall(text.replace("`", "")):
        facts = {"vectorised": vectorised, "in loops": loops}
        says = f"{what[0].upper()}{what[1:]}."
        known = {name: value for name, value in facts.items() if value}
        found.append(Entry(number, "equation of the notes", says, facts=known))
    return found


TOPICS: tuple[Topic, ...] = (
    Topic("activations", "g in A = g(Z), of hidden layers and the output", _table("activation")),
    Topic("losses", "what is minimised", _table("loss")),
    Topic(
        "initializers", "how the first weights are drawn", _table("initializer"), ("initialisers",)
    ),
    Topic(
        "normalization", "batch normalisation of hidden layers", _table("batch_normalization"),
        ("normalisation", "batch_normalisation"),
    ),
    Topic("optimizers", "from the gradient to new weights", _table("optimizer"), ("optimisers",)),
    Topic("schedules", "the learning rate over time: alpha f(t)", _table("schedule")),
    Topic("metrics", "what a model is judged by", _table("metric"), ("metric",)),
    Topic(
        "data-sets", "data by name", _table("data set"), ("data", "data_set", "datasets", "dataset")
    ),
    Topic("options", "every option of a training", options_of_training, ("option",)),
    Topic("devices", "where it is computed", _devices),
    Topic("engines", "what runs the steps on the CPU", _engines),
    Topic("files", "what is read and written", _files, ("file", "formats", "format")),
    Topic("exit-codes", "what fastnn ends with", _exit_codes, ("exit_code", "exit", "codes")),
    Topic("demos", "ideas of the notes, run and drawn", _demos, ("demonstrations",)),
    Topic("equations", "the equations of the notes, and where each is", _equations, ("notes",)),
)  # fmt: skip


def plain(word: str) -> str:
    """Return a name as it is looked for: --Learning-Rate is learning_rate.

    >>> plain("--Learning-Rate"), plain("N30"), plain("leaky_relu(slope=0.2)")
    ('learning_rate', 'n30', 'leaky_relu')
    """
    return word.lower().lstrip("-.").partition("(")[0].partition("=")[0].strip().replace("-", "_")


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
        return {plain(name) for name in (entry.name, *entry.aliases)}

    found = [entry for entry in entries if sought in called(entry)]
    if not found:  # what other libraries call it: lr
        option = elsewhere(sought)[0]
        found = [entry for entry in entries if entry.name == option]
    if not found:
        known = {name: None for entry in entries for name in (entry.name, *entry.aliases)}
        topics = {topic.name: None for topic in TOPICS}
        hint = did_you_mean(word.lstrip("-"), [*topics, *known, *commands])
        raise ArgumentError(f"unknown name {word!r}{hint} (fastnn help lists the topics)")
    return [_with_rows(entry, entries) for entry in found]


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
