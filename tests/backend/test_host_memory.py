"""What is free: the machine's, a container's, both versions of control groups."""

from pathlib import Path

from fastnn.backend.host.memory import free_memory

MEMINFO = "MemTotal: 16000000 kB\nMemFree: 100 kB\nMemAvailable: 8000000 kB\n"


def machine(root: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return str(root)


def test_the_cache_of_files_counts_as_free(tmp_path):
    assert free_memory(machine(tmp_path, {"proc/meminfo": MEMINFO})) == 8_000_000 * 1024


def test_the_limit_of_a_container_of_version_2(tmp_path):
    root = machine(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "0::/user/job\n",
            "sys/fs/cgroup/user/memory.max": "3000\n",  # the group around ours
            "sys/fs/cgroup/user/memory.current": "1000\n",
            "sys/fs/cgroup/user/memory.stat": "anon 5\ninactive_file 200\nslab 1\n",
            "sys/fs/cgroup/user/job/memory.max": "max\n",
            "sys/fs/cgroup/user/job/memory.current": "900\n",
        },
    )
    assert free_memory(root) == 3000 - 1000 + 200


def test_the_limit_of_a_container_of_version_1(tmp_path):
    folder = "sys/fs/cgroup/memory"
    root = machine(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "5:cpu:/\n4:memory:/docker/1\n0::/\n",
            # inside a container its own group is at the top
            f"{folder}/memory.limit_in_bytes": "5000\n",
            f"{folder}/memory.usage_in_bytes": "4000\n",
            f"{folder}/docker/1/memory.limit_in_bytes": "9223372036854771712\n",
            f"{folder}/docker/1/memory.usage_in_bytes": "4000\n",
        },
    )
    assert free_memory(root) == 1000


def test_a_container_over_its_limit_has_nothing(tmp_path):
    root = machine(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": "10",
            "sys/fs/cgroup/memory.current": "11",
        },
    )
    assert free_memory(root) == 0


def test_a_system_without_such_files(tmp_path):
    assert free_memory(str(tmp_path)) > 2**20
