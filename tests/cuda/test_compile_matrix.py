"""Every CUDA text that the device tests ran compiles for every GPU, and spills no register."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cuda import nvrtc
from tests.cuda.emulated_run import EmulatedRun

#: Turing, Ampere (A100, then smaller ones), Ada, Hopper, Blackwell (B200, then RTX).
ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")
#: With 256 threads a block, so many registers each still leave room for 3 blocks at once.
MOST_REGISTERS = 80
#: Texts that are compiled together, which takes a fifth of the time.
TOGETHER = 40

needs_nvrtc = pytest.mark.skipif(
    not nvrtc.library_path(), reason="NVRTC is not there: ./scripts/emulator installs it"
)


def joined(texts: Sequence[str]) -> str:
    """Return one text; each of them gets a namespace of its own, as their names repeat."""
    parts = [text.replace('extern "C" ', "") for text in texts]
    return "\n".join(f"namespace n{k} {{\n{part}\n}}" for k, part in enumerate(parts))


def test_there_is_a_compiler(proven: Callable[[str], None]) -> None:
    if not nvrtc.library_path():
        proven("CUDA: NOT PROVEN that the kernels compile for GPUs: NVRTC is not there")
        pytest.skip("NVRTC is not there: ./scripts/emulator installs it")
    assert int(nvrtc.version().partition(".")[0]) >= 12


@needs_nvrtc
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_kernel_compiles_and_spills_nothing(
    architecture: str, emulated_run: EmulatedRun, proven: Callable[[str], None]
) -> None:
    texts = emulated_run.texts()
    assert texts
    parts = [texts[k : k + TOGETHER] for k in range(0, len(texts), TOGETHER)]
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda part: nvrtc.compile_text(joined(part), architecture), parts)
    kernels = 0
    for part, (wrong, uses) in zip(parts, done, strict=True):
        assert wrong == ""
        assert len(uses) >= len(part)
        kernels += len(uses)
        for use in uses:
            assert (use.spilled_bytes, use.stack_bytes) == (0, 0), use
            assert use.registers <= MOST_REGISTERS, use
    proven(
        f"CUDA: {kernels} kernels compile for sm_{architecture} without spills "
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
