"""Every CUDA text that the device tests ran compiles for GPUs, and spills no register."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cuda import nvrtc
from tests.cuda.emulated_run import EmulatedRun

#: Turing, Ampere (A100, then smaller ones), Ada, Hopper, Blackwell (B200, then RTX).
ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")
#: The oldest, what data centres have most of (A100, H100), and the newest: the others lie between
#: two of these, and each architecture costs 10 to 20 seconds the first time.
USUAL = ("75", "80", "90", "120")
#: With 256 threads a block, so many registers each still leave room for 3 blocks at once.
MOST_REGISTERS = 80

needs_nvrtc = pytest.mark.skipif(
    not nvrtc.library_path(), reason="NVRTC is not there: ./scripts/emulator installs it"
)


def asked_for(setting: str) -> tuple[str, ...]:
    """The architectures that FASTNN_TEST_ARCHITECTURES names: "all", "80,sm_89", or "", the usual.

    Raises ValueError for others, so that no run proves less than it was asked for.
    """
    if setting in ("", "all"):
        return ARCHITECTURES if setting else USUAL
    names = [name.strip().removeprefix("sm_") for name in setting.split(",")]
    if unknown := [name for name in names if name not in ARCHITECTURES]:
        raise ValueError(
            f"FASTNN_TEST_ARCHITECTURES must be 'all' or a list of {','.join(ARCHITECTURES)}; "
            f"found {unknown[0]!r}"
        )
    return tuple(name for name in ARCHITECTURES if name in names)


COMPILED = asked_for(os.environ.get("FASTNN_TEST_ARCHITECTURES", ""))


def test_which_architectures_are_compiled_for() -> None:
    assert asked_for("") == ("75", "80", "90", "120")
    assert asked_for("all") == ARCHITECTURES
    assert asked_for("sm_120, 86") == ("86", "120")
    with pytest.raises(ValueError, match=r"list of 75,80,86,89,90,100,120; found '81'"):
        asked_for("80,81")


def test_there_is_a_compiler(proven: Callable[[str], None]) -> None:
    if not nvrtc.library_path():
        proven("CUDA: NOT PROVEN that the kernels compile for GPUs: NVRTC is not there")
        pytest.skip("NVRTC is not there: ./scripts/emulator installs it")
    assert int(nvrtc.version().partition(".")[0]) >= 12
    if left := [name for name in ARCHITECTURES if name not in COMPILED]:
        proven(
            f"CUDA: not compiled for sm_{', sm_'.join(left)}: FASTNN_TEST_ARCHITECTURES=all "
            "compiles for every architecture"
        )


@needs_nvrtc
@pytest.mark.parametrize("architecture", COMPILED)
def test_every_kernel_compiles_and_spills_nothing(
    architecture: str, emulated_run: EmulatedRun, proven: Callable[[str], None]
) -> None:
    texts = emulated_run.texts()
    assert texts
    wrong, uses = nvrtc.compile_all(texts, architecture)
    assert wrong == ""
    assert [text for text in texts if not uses[text]] == []
    found = [use for text in texts for use in uses[text]]
    for use in found:
        assert (use.spilled_bytes, use.stack_bytes) == (0, 0), use
        assert use.registers <= MOST_REGISTERS, use
    proven(
        f"CUDA: {len(found)} kernels compile for sm_{architecture} without spills "
        f"(NVRTC {nvrtc.version()})"
    )


@needs_nvrtc
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('extern "C" __global__ void k(float* x) { x[0] = nothing; }', '"nothing" is undefined'),
        ('extern "C" __global__ void k(float* x) { int unused; }', "never referenced"),
    ],
)
def test_what_does_not_compile_is_found(text: str, said: str) -> None:
    wrong, _ = nvrtc.compile_text(text, "90")
    assert said in wrong


@needs_nvrtc
def test_local_memory_is_found() -> None:
    """A table that is indexed by data cannot lie in registers."""
    text = """extern "C" __global__ void k(float* x, const int* at)
    { float t[64] = {}; for (int i = 0; i < 64; ++i) t[at[i]] += x[i]; x[0] = t[at[64]]; }"""
    wrong, [use] = nvrtc.compile_text(text, "90")
    assert wrong == ""
    assert use.stack_bytes == 4 * 64


@needs_nvrtc
def test_what_was_compiled_before_is_known_by_its_text(tmp_path: Path) -> None:
    texts = [
        f"""extern "C" __global__ void k{n}(float* x, const int* at)
        {{ float t[{n}] = {{}}; for (int i = 0; i < 9; ++i) t[at[i]] += x[i]; x[0] = t[at[9]]; }}"""
        for n in range(64, 77)
    ]
    first = nvrtc.compile_all(texts[1:], "80", tmp_path)
    again = nvrtc.compile_all(texts, "80", tmp_path)
    for wrong, uses in (first, again):
        assert wrong == ""
        for text, [use] in uses.items():  # a table of n numbers, in memory
            n = texts.index(text) + 64
            assert use.kernel.endswith(f"k{n}EPfPKi")
            assert 4 * n <= use.stack_bytes < 4 * n + 8
    assert len(again[1]) == 1 + len(first[1]) == len(list(tmp_path.iterdir()))
    for place in tmp_path.iterdir():
        place.write_text("[]", encoding="utf-8")
    assert nvrtc.compile_all(texts, "80", tmp_path) == ("", {text: [] for text in texts})
    wrong, _ = nvrtc.compile_all([*texts, "__global__ void k() { x; }"], "80", tmp_path)
    assert '"x" is undefined' in wrong
