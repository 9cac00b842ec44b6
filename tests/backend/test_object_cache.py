"""Machine code on disk: found again, never trusted to others, harmless whatever happens to it."""

import os
import stat
import threading
from pathlib import Path

import pytest

from fastnn.backend.compiled import object_cache as module
from fastnn.backend.compiled.object_cache import ObjectCache, cache_folder


@pytest.fixture
def cache(tmp_path: Path) -> ObjectCache:
    """A cache in a folder that does not exist yet."""
    return ObjectCache(tmp_path / "a" / "kernels")


def folder(cache: ObjectCache) -> Path:
    assert cache.folder is not None
    return cache.folder


def names(cache: ObjectCache) -> list[str]:
    """The keys that there are files for, and all other names."""
    return sorted(name.removesuffix(".kernel") for name in os.listdir(folder(cache)))


def found(cache: ObjectCache, *keys: str) -> dict[bytes, list[str]]:
    return {f.code: f.keys for f in cache.find(keys)}


# --- where it is --------------------------------------------------------------------------------


def test_where_it_is(monkeypatch, tmp_path) -> None:
    for own, base, wanted in (
        ("", "", tmp_path / ".cache/fastnn/kernels"),
        ("", "/some/where", Path("/some/where/fastnn/kernels")),
        ("", "not/absolute", tmp_path / ".cache/fastnn/kernels"),
        ("/my/own", "/some/where", Path("/my/own")),
        ("here", "/some/where", Path.cwd() / "here"),
        ("off", "/some/where", None),
        ("OFF", "", None),
        ("0", "", None),
    ):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("FASTNN_CACHE", own)
        monkeypatch.setenv("XDG_CACHE_HOME", base)
        assert cache_folder() == wanted


def test_without_a_home(monkeypatch) -> None:
    monkeypatch.setenv("FASTNN_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert cache_folder() is None
    assert ObjectCache(None).problem() == "no home folder"
    monkeypatch.setenv("FASTNN_CACHE", "off")
    assert ObjectCache(None).problem() == "off (FASTNN_CACHE)"


def test_no_folder_keeps_nothing() -> None:
    nothing = ObjectCache(None)
    nothing.keep(b"code", ["a"])
    assert nothing.find(["a"]) == []
    assert nothing.size() == 0


# --- what is kept is found ----------------------------------------------------------------------


def test_what_is_kept_is_found_once_for_all_its_keys(cache) -> None:
    assert cache.find(["a"]) == []
    assert cache.problem() == ""
    assert cache.size() == 0
    assert not folder(cache).exists(), "nothing is made before there is something to keep"
    cache.keep(b"one", ["a", "b"])
    cache.keep(b"two", ["c"])
    again = ObjectCache(folder(cache))
    assert found(again, "c", "a", "x", "b") == {b"two": ["c"], b"one": ["a", "b"]}
    assert found(again, "b") == {b"one": ["b"]}
    assert again.size() == 6 + 2 * 32
    assert again.problem() == ""
    assert names(cache) == ["a", "b", "c"]


def test_only_the_user_may_look_into_it(cache) -> None:
    before = os.umask(0)
    try:
        cache.keep(b"one", ["a"])
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder(cache).stat().st_mode) == 0o700
    assert stat.S_IMODE((folder(cache) / "a.kernel").stat().st_mode) == 0o600


def test_two_that_compile_the_same_do_not_disturb_each_other(cache) -> None:
    cache.keep(b"one", ["a", "b"])
    cache.keep(b"other", ["b", "c"])
    assert found(cache, "a", "b", "c") == {b"one": ["a", "b"], b"other": ["c"]}
    crowd = [
        threading.Thread(target=cache.keep, args=(bytes([n]) * 1000, [f"k{n}", "all"]))
        for n in range(8)
    ]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    for n in range(8):
        assert found(cache, f"k{n}") == {bytes([n]) * 1000: [f"k{n}"]}
    assert len(cache.find(["all"])) == 1
    assert len(names(cache)) == 3 + 9


# --- what is not trusted ------------------------------------------------------------------------


def test_a_folder_that_others_may_write_to_is_not_used(cache) -> None:
    cache.keep(b"one", ["a"])
    for mode in (0o770, 0o707, 0o720):
        folder(cache).chmod(mode)
        assert cache.find(["a"]) == []
        assert cache.problem() == "others may write to it"
        cache.keep(b"two", ["b"])
        assert names(cache) == ["a"]
    folder(cache).chmod(0o755)  # they may read
    assert found(cache, "a") == {b"one": ["a"]}


def test_a_file_that_others_may_write_to_is_not_used(cache) -> None:
    cache.keep(b"one", ["a"])
    cache.keep(b"two", ["b"])
    (folder(cache) / "a.kernel").chmod(0o622)
    assert found(cache, "a", "b") == {b"two": ["b"]}


def test_what_belongs_to_somebody_else_is_not_used(cache, monkeypatch) -> None:
    cache.keep(b"one", ["a"])
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert cache.find(["a"]) == []
    assert cache.problem() == "belongs to another user"
    cache.keep(b"two", ["b"])
    monkeypatch.setattr(os, "geteuid", lambda: me)
    assert names(cache) == ["a"]


def test_links_pipes_and_folders_are_not_read(cache, tmp_path) -> None:
    cache.keep(b"one", ["a"])
    (folder(cache) / "a.kernel").rename(tmp_path / "elsewhere")
    (folder(cache) / "a.kernel").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder(cache) / "b.kernel", 0o600)
    (folder(cache) / "c.kernel").mkdir()
    assert cache.find(["a", "b", "c"]) == []
    assert cache.size() == 0


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("torn", [b"", b"short", b"\0" * 200])
def test_a_file_that_is_damaged_is_made_anew(cache, torn) -> None:
    cache.keep(b"one", ["a"])
    (folder(cache) / "a.kernel").write_bytes(torn)
    assert cache.find(["a"]) == []
    cache.keep(b"one", ["a"])
    assert found(cache, "a") == {b"one": ["a"]}


def test_a_single_wrong_bit_is_noticed(cache) -> None:
    cache.keep(b"one", ["a"])
    path = folder(cache) / "a.kernel"
    content = bytearray(path.read_bytes())
    for place in range(len(content)):
        content[place] ^= 4
        path.write_bytes(content)
        content[place] ^= 4
        assert cache.find(["a"]) == [], place
        path.touch(0o600)


def test_a_folder_that_is_a_file_or_cannot_be_made(tmp_path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    for path in (tmp_path / "file", tmp_path / "file" / "kernels"):
        cache = ObjectCache(path)
        cache.keep(b"one", ["a"])
        assert cache.find(["a"]) == []
        assert cache.problem() == "Not a directory"
        assert cache.size() == 0


@pytest.mark.parametrize("name", ["open", "write", "mkdir", "listdir"])
def test_what_cannot_be_written_is_left_out(cache, monkeypatch, name) -> None:
    cache.keep(b"one", ["a"])

    def refuse(*given: object, **named: object) -> None:
        raise OSError(28, "No space left on device")

    class Full:
        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *given: object) -> None:
            pass

        write = staticmethod(refuse)

    with monkeypatch.context() as broken:
        if name == "open":
            opened = os.open
            broken.setattr(os, "open", lambda path, flags, *mode, **at: refuse() if mode else
                           opened(path, flags, **at))  # fmt: skip
        elif name == "write":
            broken.setattr(module, "open", lambda number, how: os.close(number) or Full(), False)
        else:
            broken.setattr(Path if name == "mkdir" else os, name, refuse)
        cache.keep(b"two", ["b"])
    assert names(cache) == (["a", "b"] if name == "listdir" else ["a"])
    assert found(cache, "a") == {b"one": ["a"]}


def test_a_folder_without_permission_to_write(cache, monkeypatch) -> None:
    cache.keep(b"one", ["a"])
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)  # root may do anything
    assert cache.problem() == f"no permission to write to {folder(cache)}"
    assert ObjectCache(folder(cache) / "x" / "y").problem() == cache.problem()
    assert found(cache, "a") == {b"one": ["a"]}


# --- it does not grow for ever ------------------------------------------------------------------


def test_what_was_not_used_for_longest_goes(cache, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    for n in range(9):  # 900 bytes
        cache.keep(bytes([n]) * 68, [f"k{n}", f"l{n}"])
        os.utime(folder(cache) / f"k{n}.kernel", (10**9 + n, 10**9 + n))
    (folder(cache) / "new-left-behind.kernel").write_bytes(b"")
    os.utime(folder(cache) / "new-left-behind.kernel", (1, 1))
    assert len(cache.find(["k0"])) == 1  # in use: as good as new
    assert len(names(cache)) == 19
    cache.keep(b"x" * 168, ["big"])
    assert names(cache) == ["big", "k0", "k7", "k8", "l0", "l7", "l8"]
    assert cache.size() == 500


def test_a_file_system_without_hard_links(cache, monkeypatch) -> None:
    """A file has one name there: the other kernels in it are compiled, and kept, once more."""

    def refuse(*given: object, **named: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    cache.keep(b"one", ["a", "b"])
    assert found(cache, "a", "b") == {b"one": ["a"]}
    cache.keep(b"two", ["b"])
    assert found(cache, "a", "b") == {b"one": ["a"], b"two": ["b"]}
    assert names(cache) == ["a", "b"]


def test_files_of_others_in_the_same_folder_are_let_be(cache, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 300)
    folder(cache).mkdir(parents=True)
    table = folder(cache) / "my_data.csv"
    table.write_bytes(b"x" * 1000)
    os.utime(table, (0, 0))  # the oldest of all
    for n in range(5):
        cache.keep(b"x" * 100, [f"k{n}"])
    assert table.stat().st_size == 1000
    assert cache.size() <= 300
