"""Small images: arrays of them are flattened, pictures in folders are read."""

import numpy as np
import pytest

from fastnn.data.statistics import DataNote
from fastnn.errors import DataError
from fastnn.reading.files import read_labelled, read_table, width
from fastnn.reading.images import has_classes
from tests.optional import optional

Image = optional("PIL.Image")


def draw(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


@pytest.mark.parametrize("shape", [(4, 2, 3), (4, 2, 3, 3)])
def test_arrays_of_images_are_flattened_and_told(shape, tmp_path):
    images = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    sides = " x ".join(map(str, shape[1:]))
    n = int(np.prod(shape[1:]))
    np.savez(tmp_path / "a.npz", x=images, y=[0, 1, 0, 1])
    np.save(tmp_path / "a.npy", images)
    for source in (images, {"x": images}, tmp_path / "a.npy", images.tolist()):
        with pytest.warns(DataNote, match=rf"each example of {sides} numbers is {n} columns"):
            table = read_table(source)
        np.testing.assert_array_equal(table.numeric, images.reshape(4, n))
        assert table.names == tuple(f"x{j}" for j in range(n))
    with pytest.warns(DataNote, match="array 'x' of shape"):
        table, target = read_labelled(tmp_path / "a.npz", "y")
    np.testing.assert_array_equal(table.numeric, images.reshape(4, n))
    assert target.tolist() == [0, 1, 0, 1]
    assert width(images) == n


def test_a_folder_for_each_class(tmp_path):
    for k, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png"]):
        draw(tmp_path / "pets" / name, [[k, 1, 2], [3, 4, 255]])
    with pytest.warns(DataNote, match="each example of 2 x 3 numbers is 6 columns"):
        table, target = read_labelled(tmp_path / "pets", "class")
    assert target.tolist() == ["cat", "cat", "dog"]
    assert table.numeric.tolist() == [[k, 1, 2, 3, 4, 255] for k in range(3)]
    assert table.numeric.dtype == np.float32
    assert has_classes(tmp_path / "pets")
    assert not has_classes(tmp_path / "pets" / "cat")


def test_pictures_without_classes_and_alone(tmp_path):
    for k in range(3):
        draw(tmp_path / f"{k}.png", np.full((2, 2, 3), k))
    with pytest.warns(DataNote, match="each example of 2 x 2 x 3 numbers is 12 columns"):
        assert read_table(tmp_path).numeric[:, 0].tolist() == [0, 1, 2]
    with pytest.warns(DataNote, match="12 columns"):
        assert read_table(tmp_path / "1.png").numeric.tolist() == [[1] * 12]
    with pytest.warns(DataNote, match="12 columns"):
        assert read_table(f"{tmp_path}/[12].png").numeric[:, 0].tolist() == [1, 2]


def test_pixels_of_black_and_white_and_of_palettes(tmp_path):
    Image.fromarray(np.eye(2, dtype=bool)).save(tmp_path / "a.png")
    with pytest.warns(DataNote, match="2 x 2 numbers"):
        assert read_table(tmp_path).numeric.tolist() == [[255, 0, 0, 255]]
    red = Image.new("P", (1, 1), 3)
    red.putpalette([0, 0, 0] * 3 + [250, 10, 20])
    red.save(tmp_path / "a.png")
    with pytest.warns(DataNote, match="1 x 1 x 3 numbers"):
        assert read_table(tmp_path).numeric.tolist() == [[250, 10, 20]]


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("b/2.png", np.zeros((3, 2)), r"picture '.*b/2.png' is 2 x 3 pixels, grey, but '.*a/1.png' "
         "is 3 x 2 pixels, grey; all need the same size"),
        ("b/2.png", np.zeros((2, 3, 3)), r"'.*b/2.png' is 3 x 2 pixels, RGB, but '.*a/1.png' is"),
        ("b/notes.txt", None, r"'.*b/notes.txt' is no picture .*a folder of folders is read as"),
        ("b/deeper/1.png", np.zeros((2, 3)), r"'.*b/deeper' is no picture"),
        ("b/2.png", None, r"file '.*b/2.png' is not a readable picture"),
    ],
)  # fmt: skip
def test_pictures_that_do_not_go_together(name, pixels, message, tmp_path):
    draw(tmp_path / "a" / "1.png", np.zeros((2, 3)))
    draw(tmp_path / "b" / "1.png", np.zeros((2, 3)))
    if pixels is None:
        (tmp_path / name).write_text("text")
    else:
        draw(tmp_path / name, pixels)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path)


def test_folders_without_pictures(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        read_table(tmp_path)
    with pytest.raises(DataError, match=r"folder '.*a' is empty"):
        read_table(tmp_path / "a")


def test_a_cell_is_told_with_its_picture(tmp_path):
    draw(tmp_path / "cat" / "1.png", np.zeros((2, 2)))
    draw(tmp_path / "dog" / "1.png", np.zeros((2, 2)))
    with (
        pytest.warns(DataNote, match="2 x 2"),
        pytest.raises(
            DataError, match=r"column 'class', picture '.*cat/1.png': 'cat' is not a num"
        ),
    ):
        read_table(tmp_path, numeric=["class"])
