"""What is chosen where memory is short, and what is said of it."""

import warnings

import numpy as np
import pytest

from fastnn.backend.cpu_backend import CpuBackend
from fastnn.errors import ArgumentError, DeviceError
from fastnn.nn.network import network
from fastnn.nn.parameters import Parameters, initialize
from fastnn.recipe.recipe import Recipe
from fastnn.training.batching import RESERVE, Batching, choose_batching
from fastnn.training.part import Part
from tests.training.alone import Alone

#: 600 units: each example of a mini-batch needs about 10 kB, the parameters and what belongs to
#: them about 0.1 MB, the 4,000 examples 0.2 MB.
NET = network([5, 600, 1], activation="silu")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(4000, 5)).astype(np.float32)
Y = RNG.normal(size=(4000, 1)).astype(np.float32)


class Small(CpuBackend):
    """The CPU, or what takes itself for a GPU, with so much free memory."""

    def __init__(self, free: int, device: str = "cpu") -> None:
        super().__init__("numpy")
        self.free, self.device = free, device

    def free_memory(self) -> int:
        return self.free


def chosen(free: int, device: str = "cpu", **options) -> Batching:
    options = {"optimizer": "sgd", "patience": None, **options}
    return choose_batching(
        Small(free, device),
        NET,
        (X, Y, None),
        Recipe.of(**{"patience": None, **options}),
        np.float32,
    )


def test_with_enough_memory_nothing_is_said_and_all_is_as_asked():
    for batch_size, m in ((None, 32), (200, 200), ("auto", 64), ("full", 4000)):
        found = chosen(10**9, batch_size=batch_size)
        assert (found.batch_size, found.micro_batch_size, found.block_rows) == (m, m, None)
        assert (found.judged_rows, found.said) == (1024, "")


@pytest.mark.parametrize("device", ["cpu", "cuda:0"])
@pytest.mark.parametrize("batch_size", [500, "full", "auto", None])
@pytest.mark.parametrize("free", [120_000, 400_000, 10**6, 2 * 10**6, 5 * 10**6, 2 * 10**7, 10**8])
def test_it_never_needs_more_than_is_free(free, batch_size, device):
    try:
        found = chosen(free, device, batch_size=batch_size)
    except DeviceError as error:
        assert free <= 400_000
        assert str(error).startswith("training needs")  # noqa: PT017
        return
    in_place = X.nbytes + Y.nbytes if device == "cpu" else 0
    reserve = RESERVE if found.micro_batch_size > 1 else 0  # the last resort may take all
    assert found.needed.total <= (free + in_place) * (1 - reserve)
    assert bool(found.said) == (
        found.micro_batch_size < found.batch_size or found.block_rows is not None
        or (batch_size == "auto" and found.batch_size != 64)
    )  # fmt: skip
    if batch_size != "auto":
        asked = {"full": 4000, None: 32}.get(batch_size, batch_size)
        assert found.batch_size == asked, "the mini-batch is what was asked for"


def test_the_parts_are_equal_and_as_few_as_fit():
    found = chosen(3 * 10**6, batch_size=500)
    parts = -(-500 // found.micro_batch_size)
    assert parts > 1
    assert found.micro_batch_size == -(-500 // parts)
    fewer = -(-500 // (parts - 1))
    with pytest.raises(DeviceError):
        chosen(int(found.needed.total) - X.nbytes - Y.nbytes - 1, batch_size=500,
               micro_batch_size=fewer)  # fmt: skip
    assert found.judged_rows == found.micro_batch_size
    assert found.said == (
        "training would need 6.2 MB on cpu, where 3.1 MB are free: the gradient of a mini-batch "
        f"of 500 examples is added up from parts of {found.micro_batch_size}, with the same result "
        "but for rounding"
    )


def test_what_fits_to_the_last_byte_fits():
    in_place = X.nbytes + Y.nbytes

    def free_for(budget: int) -> int:
        """So much free memory that exactly the budget is left."""
        free = int(budget / (1 - RESERVE)) - in_place
        while int((free + in_place) * (1 - RESERVE)) < budget:
            free += 1
        assert int((free + in_place) * (1 - RESERVE)) == budget
        return free

    def found(budget: int) -> tuple[int, int]:
        sizes = chosen(free_for(budget), batch_size=500)
        return sizes.micro_batch_size, sizes.judged_rows

    most = chosen(10**9, batch_size=500).needed.total
    assert (found(most), found(most - 1)) == ((500, 1024), (500, 500))
    least = chosen(free_for(most - 1), batch_size=500).needed.total
    assert (found(least), found(least - 1)) == ((500, 500), (250, 250))


def test_the_last_resort_is_one_example_at_a_time_in_all_the_memory():
    in_place = X.nbytes + Y.nbytes

    def fits(free: int, micro: int) -> bool:
        try:
            found = chosen(free, batch_size=500, micro_batch_size=micro)
        except DeviceError:
            return False
        return found.micro_batch_size == micro

    least = next(free for free in range(0, 10**6, 256) if fits(free, 1))
    assert not fits(least, 2)
    found = chosen(least, batch_size=500)
    assert (found.micro_batch_size, found.judged_rows) == (1, 1)
    assert found.needed.total > (least + in_place) * (1 - RESERVE), "no reserve is left"


def test_auto_takes_the_next_smaller_size_that_fits():
    many = np.zeros((200_000, 5), np.float32), np.zeros((200_000, 1), np.float32), None
    options = Recipe.of(batch_size="auto", optimizer="sgd", patience=None)
    asked = options.batch_size_for(200_000)
    assert asked == 512
    backend = Small(3_500_000)
    found = choose_batching(backend, NET, many, options, np.float32)
    assert found.batch_size in (64, 128, 256)
    assert found.micro_batch_size == found.batch_size
    assert f"batch_size='auto' takes {found.batch_size} examples instead of 512" in found.said
    larger = Recipe.of(batch_size=2 * found.batch_size, optimizer="sgd", patience=None)
    assert choose_batching(backend, NET, many, larger, np.float32).micro_batch_size < 2 * (
        found.batch_size
    ), "the next larger one does not fit"


def test_blocks_come_first_where_the_examples_are_too_many():
    found = chosen(1_500_000, "cuda:0", batch_size=64)
    assert (found.micro_batch_size, found.block_rows) == (64, None)
    wide = network([5000, 4, 1])
    big = np.zeros((4000, 5000), np.float32), np.zeros((4000, 1), np.float32), None
    options = Recipe.of(batch_size=50, optimizer="sgd", patience=None)
    found = choose_batching(Small(60_000_000, "cuda:0"), wide, big, options, np.float32)
    assert (found.batch_size, found.micro_batch_size, found.block_rows) == (50, 50, 800)
    assert "the training examples (80.0 MB) are sent there in blocks of 800, with" in found.said


def test_what_is_asked_for_is_taken_or_refused():
    assert chosen(10**9, batch_size=500, micro_batch_size=100).micro_batch_size == 100
    assert chosen(10**9, batch_size=500, micro_batch_size=100).said == ""
    with pytest.raises(DeviceError, match=r"training needs .*: use .*smaller batch_size or micro"):
        chosen(2 * 10**6, batch_size=500, micro_batch_size=500)
    with pytest.raises(ArgumentError, match="micro_batch_size=99 has no effect: a mini-batch has"):
        chosen(10**9, micro_batch_size=99)
    assert chosen(10**9, batch_size="full", micro_batch_size=9999).micro_batch_size == 4000


def test_what_cannot_be_is_refused_with_the_figures():
    with pytest.raises(
        DeviceError,
        match=r"training needs 2\d\d\.\d kB on cpu, even with one example at a time, \(par",
    ):
        chosen(20_000, batch_size=500)


def test_batch_normalisation_takes_no_parts():
    net = network([5, 600, 1], batch_normalization="before")
    options = Recipe.of(optimizer="sgd", patience=None, batch_size=500)
    backend = Small(10**6)
    with pytest.raises(DeviceError, match=r"training needs .* on cpu \(par"):
        choose_batching(backend, net, (X, Y, None), options, np.float32)
    parameters = Parameters(net, Small(10**9), np.float32)
    options = Recipe.of(patience=None, batch_size=500, micro_batch_size=100)
    with pytest.raises(ArgumentError, match="micro_batch_size=100 of 500: batch normalisation"):
        Alone(Small(10**9), net, parameters, Part(X, Y), options, validation=Part(X, Y))


def trained(free: int) -> tuple[np.ndarray, list[str]]:
    backend = Small(free)
    parameters = Parameters(NET, backend, np.float32)
    initialize(NET, parameters, backend, seed=1)
    options = Recipe.of(epochs=2, batch_size=500, patience=None)
    part = Part(X, Y)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trainer = Alone(backend, NET, parameters, part, options, training_metrics=True)
        trainer.run()
    return parameters.theta, [str(w.message) for w in said]


def test_a_training_in_parts_is_the_same_and_is_said_once():
    theta, silent = trained(10**9)
    found, said = trained(3 * 10**6)
    assert silent == []
    assert len(said) == 1
    assert "added up from parts of" in said[0]
    np.testing.assert_allclose(found, theta, rtol=1e-4, atol=1e-6)
