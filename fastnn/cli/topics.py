"""The topics of ``fastnn help``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from fastnn.cli.entries import Entry, options_of_training, rows_of
from fastnn.cli.exit_codes import MEANINGS
from fastnn.cli.how_to import how_to
from fastnn.extras import pip_install


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
    from fastnn.reading.file_types import FILE_TYPES, IMAGES
    from fastnn.reading.packed import PACKED

    said: dict[str, tuple[str, dict[str, str], str]] = {}
    for of in FILE_TYPES:
        facts = {"ends in": ", ".join(of.endings)}
        if of.packs:
            facts["may be packed"] = f"{', '.join(PACKED)} after that"
        facts["used as"] = "DATA, --validation, --test; a folder or a pattern of them, too"
        if of.extra:
            facts["needs"] = pip_install(of.extra)
        example = f"fastnn train flats{of.endings[0]} --target price"
        said[of.name] = of.says, facts, "fastnn train folder" if of is IMAGES else example
    said |= {
        "fastnn": (
            "A model: weights, preprocessing, labels and history in one safetensors file, "
            "without code in it.",
            {"ends in": ".fastnn, or any name", "used as": "MODEL, --out"},
            "fastnn inspect flats.fastnn",
        ),
        "onnx": (
            "A model for other programs: preprocessing, network and labels as one graph.",
            {"ends in": ".onnx", "used as": "OUT of fastnn export", "needs": pip_install("onnx")},
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


def _public() -> list[Entry]:
    """The public names of the library, with the first sentence of each; none is loaded."""
    names = resources.files("fastnn").joinpath("__init__.py").read_text(encoding="utf-8")
    found = []
    for name, module in re.findall(r'^    "(\w+)": "(fastnn\.[\w.]+)",$', names, re.MULTILINE):
        package, _, file = module.rpartition(".")
        text = resources.files(package).joinpath(f"{file}.py").read_text(encoding="utf-8")
        says = re.search(rf'^(?:class|def) {name}\b.*?"""(.*?)(?:\n\s*\n|""")', text, re.M | re.S)
        sentence = " ".join(says[1].split()).replace("`", "") if says else "A name of fastnn."
        facts = {"in Python": f"fastnn.{name}", "more of it": f"help(fastnn.{name})"}
        found.append(Entry(name, "name in Python", sentence, facts=facts))
    return found


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
    Topic("files", "what is read and written", _files, ("file", "formats")),
    Topic("exit-codes", "what fastnn ends with", _exit_codes, ("exit_code", "exit", "codes")),
    Topic("how-to", "what to see or do, and the command for it", how_to, ("howto", "see", "faq")),
    Topic("python", "the names of the library", _public, ("library", "api")),
    Topic("demos", "ideas of the notes, run and drawn", _demos, ("demonstrations",)),
    Topic("equations", "the equations of the notes, and where each is", _equations, ("notes",)),
)  # fmt: skip
