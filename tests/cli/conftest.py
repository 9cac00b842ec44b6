"""Running the command line in this process, and small tables and models to run it on."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fastnn.api.train import train
from fastnn.cli.main import main


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def fastnn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """``fastnn("train", "digits")`` runs the command in an empty folder, which is the current one.

    The folder is ``tmp_path``; files put there before are found by their names.
    """
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return run


def flats(n: int) -> str:
    """CSV text: identifier, numbers with gaps, category, and a price that follows from them."""
    chance = random.Random(7)
    lines = ["id,area,rooms,town,built,price"]
    for i in range(n):
        area, rooms = chance.uniform(30, 150), chance.randint(1, 5)
        town = chance.choice(["Ulm", "Bonn", "Köln"])
        built = "" if chance.random() < 0.1 else chance.randint(1900, 2020)
        price = 30 * area + 100 * rooms + {"Ulm": 0, "Bonn": 500, "Köln": 900}[town]
        lines.append(f"F{i},{area:.1f},{rooms},{town},{built},{price:.0f}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def flats_csv(tmp_path: Path) -> Path:
    """A table of 120 flats in the current folder."""
    path = tmp_path / "flats.csv"
    path.write_text(flats(120), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with digits.fastnn, flats.fastnn (trained without id) and tumours.fastnn."""
    folder = tmp_path_factory.mktemp("models")
    table = folder / "flats.csv"
    table.write_text(flats(120), encoding="utf-8")
    train("digits", hidden_layer_sizes=[16], epochs=3).model.save(folder / "digits.fastnn")
    train("breast_cancer", hidden_layer_sizes=[], epochs=3).model.save(folder / "tumours.fastnn")
    train(str(table), "price", drop=["id"], epochs=3).model.save(folder / "flats.fastnn")
    return folder
