"""Files that are there whole or not at all."""

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fastnn.errors import ArgumentError, DataError
from fastnn.formats.atomic import write_atomically

ROOT = Path(__file__).resolve().parents[2]


def only(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def in_child(code: str, *arguments: object) -> str:
    """Run ``code`` where limits and users can be changed; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_new_file_and_one_that_was_there(tmp_path):
    path = tmp_path / "a"
    write_atomically(path, b"one")
    write_atomically(str(path), b"two")
    write_atomically(os.fsencode(path), b"three")
    assert path.read_bytes() == b"three"
    assert only(tmp_path) == ["a"]


def test_permissions_are_those_of_any_new_file_and_of_the_old_one(tmp_path):
    path, plain = tmp_path / "a", tmp_path / "plain"
    before = os.umask(0o027)
    try:
        write_atomically(path, b"")
        plain.write_bytes(b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode) == 0o640
    path.chmod(0o604)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


def test_a_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real", tmp_path / "link"
    link.symlink_to("elsewhere/real")
    for content in (b"made", b"replaced"):  # the target is not there at first
        write_atomically(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content
    assert only(tmp_path / "elsewhere") == ["real"]


def test_readers_see_the_old_or_the_new_file_never_a_part(tmp_path):
    path = tmp_path / "a"
    write_atomically(path, b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new!")
        assert reader.read() == b"old"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing/a", "there is no folder '.*missing'; create it first"),
        ("file/a", "'.*file' is not a folder"),
        ("folder", "it is a folder; name a file"),
        ("pipe", "it is a device or pipe; name a file"),
        ("n" * 300, "File name too long; nothing was changed"),
    ],
)
def test_where_nothing_can_be_written(tmp_path, name, said):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = only(tmp_path)
    with pytest.raises(DataError, match=f"cannot write file '.*{name[:20]}.*': {said}") as caught:
        write_atomically(tmp_path / name, b"x")
    assert "\n" not in str(caught.value)
    assert only(tmp_path) == before


def test_devices_and_system_folders_are_left_alone():
    with pytest.raises(DataError, match="it is a device or pipe; name a file"):
        write_atomically("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    with pytest.raises(DataError, match="cannot write file '/proc/fastnn'"):
        write_atomically("/proc/fastnn", b"x")


@pytest.mark.parametrize("path", [3, None, "", "a\0b", b""])
def test_what_is_no_path(path):
    with pytest.raises(ArgumentError, match="path must be the name of a file, found"):
        write_atomically(path, b"x")


def test_a_folder_that_may_not_be_written(tmp_path):
    code = """
import os, sys
from pathlib import Path
from fastnn.errors import DataError
from fastnn.formats.atomic import write_atomically
if os.geteuid() == 0:
    os.setegid(65534); os.seteuid(65534)  # root may write everywhere
try:
    write_atomically(Path(sys.argv[1]) / "a", b"x")
except DataError as error:
    print(error)
"""
    tmp_path.chmod(0o555)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(parent.stat().st_mode | 0o055)  # of pytest, closed to others
    said = in_child(code, tmp_path)
    assert f"no permission to write into '{tmp_path}'; choose another folder" in said


def test_when_the_disk_takes_no_more_the_old_file_stays(tmp_path):
    """A limit on the size of files stops the writing half-way, as a full disk does."""
    code = """
import resource, sys
from pathlib import Path
from fastnn.errors import DataError
from fastnn.formats.atomic import write_atomically
path = Path(sys.argv[1]) / "a"
write_atomically(path, b"old")
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    write_atomically(path, bytes(1_000_000))
except DataError as error:
    print(error)
"""
    assert "a': File too large; nothing was changed" in in_child(code, tmp_path)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert only(tmp_path) == ["a"]


def test_what_a_killed_process_left_goes_with_the_next_file(tmp_path):
    """Killed in the middle of writing: the old file is whole, the temporary one goes later."""
    code = """
import os, signal, sys
from fastnn.formats.atomic import write_atomically
path = sys.argv[1] + "/a"
write_atomically(path, b"old")
if os.fork() == 0:
    os.fsync = lambda handle: os.kill(os.getpid(), signal.SIGKILL)
    write_atomically(path, b"new")
os.wait()
"""
    in_child(code, tmp_path)
    left = [name for name in only(tmp_path) if name != "a"]
    assert len(left) == 1
    assert (tmp_path / "a").read_bytes() == b"old"
    write_atomically(tmp_path / "b", b"soon after")
    assert only(tmp_path) == sorted([*left, "a", "b"])  # too young: somebody may be writing it
    os.utime(tmp_path / left[0], (0, 0))
    write_atomically(tmp_path / "a", b"newer")
    assert only(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_bytes() == b"newer"


def test_temporary_files_of_others_stay(tmp_path):
    being_written = tmp_path / f".fastnn-{'0' * 16}.tmp"
    others = [being_written, tmp_path / ".fastnn-mine.tmp", tmp_path / f".fastnn-{'1' * 16}.tmp"]
    for path in others[:2]:
        path.write_bytes(b"")
        os.utime(path, (0, 0))
    others[2].symlink_to("a")
    with being_written.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        write_atomically(tmp_path / "a", b"x")
    assert only(tmp_path) == sorted(["a", *(path.name for path in others)])


def test_a_file_is_locked_until_it_has_its_name(tmp_path, monkeypatch):
    replace, seen = os.replace, []

    def while_locked(temporary, target):
        with open(temporary, "rb") as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        seen.append(target)
        replace(temporary, target)

    monkeypatch.setattr(os, "replace", while_locked)
    write_atomically(tmp_path / "a", b"x")
    assert [path.name for path in seen] == ["a"]


def test_an_interruption_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_atomically(path, b"old")

    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert only(tmp_path) == ["a"]
